"""What QuickBooks reports of an invoice is put into its row: the later version wins, whoever brings it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import CharField, Q
from django.utils import timezone

from integration_settings.clock import shared_now, zone_called
from invoices.domain.status import InvoiceStatus, derive_status, looks_voided
from invoices.invoice_answers import IssuedInvoice
from invoices.models import Invoice

SHOWN = ("number", "customer_name", "currency", "total", "tax", "balance", "invoice_date", "due_date", "emailed_at")
SHOWN_ENDS = ("voided_on", "deleted_on", "paid_on", "credits")
NO_CREDITS: Mapping[str, Decimal] = MappingProxyType({})


def zone(name: str) -> ZoneInfo:
    """The time zone of that name, UTC for one that is not known."""
    return zone_called(name) or ZoneInfo("UTC")


def today_in(name: str) -> date:
    """The calendar day in the time zone of that name."""
    return timezone.now().astimezone(zone(name)).date()


def status_of(invoice: Invoice, today: date) -> InvoiceStatus:
    """`today` in the QuickBooks company's time zone."""
    return derive_status(
        total=invoice.total,
        balance=invoice.balance,
        due=invoice.due_date,
        today=today,
        voided=invoice.voided_on is not None,
        deleted=invoice.deleted_on is not None,
    )


def apply_report(
    invoice: Invoice,
    issued: IssuedInvoice,
    *,
    place: ZoneInfo,
    paid_on: date | None = None,
    credits: Mapping[str, Decimal] = NO_CREDITS,
    now: datetime | None = None,
) -> bool:
    """Writes a report into the row unless the row already knows a later one; True when people see a difference.

    `place` is the QuickBooks company's time zone. `paid_on` is the date of the latest payment, where that is known;
    `credits` what of the payments that are known is no money, by their ids. `now` is for whoever has many reports:
    `shared_now` asks the database.
    """
    now = now or shared_now()
    if invoice.qbo_updated_at == issued.updated_at and _version(issued.sync_token) < _version(invoice.sync_token):
        return False
    columns = _columns(invoice, issued, place, paid_on) | {"checked_at": now}
    columns["credits"] = _credits(invoice, issued, credits)
    shown = any(getattr(invoice, name) != columns[name] for name in (*SHOWN, *SHOWN_ENDS))
    if shown:
        columns["note_due_at"] = now
    not_older = Q(qbo_updated_at__isnull=True) | Q(qbo_updated_at__lte=issued.updated_at or now)
    if not Invoice.objects.filter(not_older, pk=invoice.pk).update(**columns):
        return False
    for name, value in columns.items():
        setattr(invoice, name, value)
    return shown


def is_known(invoice: Invoice, issued: IssuedInvoice) -> bool:
    """The row has this very version already. Balances are compared too: it is not certain that a payment moves one."""
    told = (issued.updated_at, issued.sync_token, issued.balance)
    return told == (invoice.qbo_updated_at, invoice.sync_token, invoice.balance) and invoice.deleted_on is None


def is_voided(invoice: Invoice, issued: IssuedInvoice) -> bool:
    """Whether this report is that of a void, by what the row knows from before."""
    return issued.voided or looks_voided(
        total=issued.total,
        line_amounts=issued.line_amounts,
        quantities=issued.quantities,
        private_note=issued.private_note,
        earlier_total=_total_before(invoice),
        earlier_voided=invoice.voided_on is not None,
    )


def mark_deleted(invoice: Invoice, *, place: ZoneInfo, at: datetime | None = None, now: datetime | None = None) -> bool:
    """The invoice is gone from QuickBooks; what it was stays on record. True when that is news."""
    now = now or shared_now()
    day = (at or now).astimezone(place).date()
    fresh = Invoice.objects.filter(pk=invoice.pk, deleted_on__isnull=True).update(
        deleted_on=day, qbo_updated_at=at or now, checked_at=now, note_due_at=now
    )
    invoice.deleted_on = invoice.deleted_on or day
    return bool(fresh)


def overdue_from(invoice: Invoice, place: ZoneInfo) -> datetime | None:
    """The midnight at which an unpaid invoice becomes overdue, in the company's calendar; None when it cannot."""
    if invoice.due_date is None or not invoice.balance or invoice.voided_on or invoice.deleted_on:
        return None
    try:
        return datetime.combine(invoice.due_date + timedelta(days=1), time.min, tzinfo=place).astimezone(UTC)
    except OverflowError:  # 31 December 9999, as bookkeepers write "never"
        return None


def _version(sync_token: str) -> int:
    return int(sync_token) if sync_token.isdigit() else 0


def _credits(invoice: Invoice, issued: IssuedInvoice, told: Mapping[str, Decimal]) -> dict[str, str]:
    """By payment, of those that are still applied to it. One that was not told is known from before, or is money."""
    amounts = invoice.credits | {payment_id: format(amount.normalize(), "f") for payment_id, amount in told.items()}
    return {payment_id: amounts[payment_id] for payment_id in issued.payment_ids if Decimal(amounts.get(payment_id, 0))}


def _total_before(invoice: Invoice) -> Decimal | None:
    return invoice.confirmed_total if invoice.total is None else invoice.total


def _columns(invoice: Invoice, issued: IssuedInvoice, place: ZoneInfo, paid_on: date | None) -> dict[str, Any]:
    """A voided invoice keeps the amounts it had, or was to have: people want to see what was voided, QuickBooks says
    zero.
    """
    was = _total_before(invoice)
    changed_on = (issued.updated_at or timezone.now()).astimezone(place).date()
    voided = is_voided(invoice, issued)
    keeps = voided and was is not None
    told = (issued.total, issued.tax, issued.balance)
    total, tax, balance = (None, None, None) if None in told else told  # one without the others says something wrong
    paid = not voided and total is not None and balance is not None and balance <= 0 and total > 0
    if paid_on and invoice.paid_on and len(issued.payment_ids) > 1:
        paid_on = max(paid_on, invoice.paid_on)  # of several payments only those are told that have changed
    return {
        "qbo_invoice_id": issued.qbo_invoice_id,
        "sync_token": _fitting("sync_token", issued.sync_token),
        "number": _fitting("number", issued.number) or invoice.number,
        "customer_id": _fitting("customer_id", issued.customer_id) or invoice.customer_id,
        "customer_name": _fitting("customer_name", issued.customer_name) or invoice.customer_name,
        "currency": _fitting("currency", issued.currency) or invoice.currency,
        "total": was if keeps else total,
        "tax": invoice.tax if keeps else tax,
        "balance": balance,
        "invoice_date": issued.invoice_date or invoice.invoice_date,
        "due_date": issued.due_date or invoice.due_date,
        "email": _fitting("email", issued.email),
        "emailed_at": issued.emailed_at or invoice.emailed_at or (issued.updated_at if issued.emailed else None),
        "voided_on": (invoice.voided_on or changed_on) if voided else None,
        "deleted_on": None,
        "paid_on": (paid_on or invoice.paid_on or changed_on) if paid else None,
        "qbo_updated_at": issued.updated_at,
        **_link(invoice, issued),
    }


def _link(invoice: Invoice, issued: IssuedInvoice) -> dict[str, bool]:
    """Whether QuickBooks has the estimate that the invoice is made from, where it says anything of that."""
    if not invoice.estimate_id or issued.estimate_ids is None:
        return {}
    return {"estimate_kept": invoice.estimate_id in issued.estimate_ids}


def _fitting(column: str, told: str) -> str:
    """ "" for a text that is longer than any that QuickBooks documents: PostgreSQL would not take the row, and with it
    nothing of what the company's look has found.
    """
    field = Invoice._meta.get_field(column)
    most = field.max_length if isinstance(field, CharField) else None
    return told if most is None or len(told) <= most else ""
