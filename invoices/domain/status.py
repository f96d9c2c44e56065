"""What became of an invoice: derived from what QuickBooks last reported and the company's own date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum


class InvoiceStatus(StrEnum):
    OPEN = "open"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    VOIDED = "voided"
    DELETED = "deleted"
    UNKNOWN = "unknown"


class Submission(StrEnum):
    """Where our own write stands; never mixed with the status of the invoice in QuickBooks."""

    PENDING = "pending"  # the intent is stored; nothing has been answered yet
    UNKNOWN = "unknown"  # sent, and the answer was lost: being verified
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"  # QuickBooks refused, nothing exists there


UNSETTLED = (Submission.PENDING, Submission.UNKNOWN)


def derive_status(  # noqa: PLR0911  # one line a status reads better than nested conditions
    *, total: Decimal | None, balance: Decimal | None, due: date | None, today: date, voided: bool, deleted: bool
) -> InvoiceStatus:
    """The one status of an invoice.

    `today` is the date in the QuickBooks company's time zone. An invoice that is past due is overdue even when part of
    it is paid. A total of zero that was never voided is paid: there is nothing to pay.
    """
    if deleted:
        return InvoiceStatus.DELETED
    if voided:
        return InvoiceStatus.VOIDED
    if total is None or balance is None:
        return InvoiceStatus.UNKNOWN
    if balance <= 0:
        return InvoiceStatus.PAID
    if due is not None and today > due:
        return InvoiceStatus.OVERDUE
    if balance < total:
        return InvoiceStatus.PARTIALLY_PAID
    return InvoiceStatus.OPEN


def status_of_all(statuses: Sequence[InvoiceStatus]) -> InvoiceStatus | None:
    """One for all invoices of a deal; None where there is none, or QuickBooks has yet to tell of one.

    Voided and deleted ones count only where there are no others.
    """
    told = set(statuses)
    living = told - {InvoiceStatus.VOIDED, InvoiceStatus.DELETED}
    if InvoiceStatus.UNKNOWN in living or not told:
        return None
    if not living:
        return InvoiceStatus.VOIDED if InvoiceStatus.VOIDED in told else InvoiceStatus.DELETED
    if InvoiceStatus.OVERDUE in living:
        return InvoiceStatus.OVERDUE
    return living.pop() if len(living) == 1 else InvoiceStatus.PARTIALLY_PAID


def looks_voided(
    *,
    total: Decimal | None,
    line_amounts: Sequence[Decimal | None],
    quantities: Sequence[Decimal] = (),
    private_note: str,
    earlier_total: Decimal | None,
    earlier_voided: bool = False,
) -> bool:
    """QuickBooks reports a void only by zeros and a note, and the note's word is translated in other languages.

    So an invoice is voided when all amounts are zero and the note starts with QuickBooks' word, or we know it as voided
    already, or have seen a total above zero before and the quantities are zero too, which an edit would leave. None is
    an amount that cannot be read, and no zero.
    """
    if any(amount != 0 for amount in (total, *line_amounts)):
        return False
    emptied = bool(earlier_total and earlier_total > 0) and not any(quantities)
    return earlier_voided or emptied or private_note.lstrip().lower().startswith("voided")
