"""What people can do with an invoice that exists, and when it makes sense."""

from __future__ import annotations

from enum import StrEnum

from invoices.domain.status import InvoiceStatus


class Action(StrEnum):
    """What changes the invoice in QuickBooks, or what belongs to it."""

    SEND = "send"  # by e-mail, from QuickBooks
    VOID = "void"
    DELETE = "delete"
    ATTACH = "attach"  # files of the deal


LIVING = frozenset({InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID, InvoiceStatus.PAID, InvoiceStatus.OVERDUE})


def possible_actions(status: InvoiceStatus | None) -> frozenset[Action]:
    """A voided invoice can still be deleted; nothing can be done with a deleted one. None: it does not exist yet."""
    if status in LIVING:
        return frozenset(Action)
    return frozenset({Action.DELETE}) if status == InvoiceStatus.VOIDED else frozenset()


def has_document(status: InvoiceStatus | None) -> bool:
    """QuickBooks prints voided invoices, too."""
    return status in LIVING or status == InvoiceStatus.VOIDED


def can_be_paid(status: InvoiceStatus | None) -> bool:
    return status in LIVING and status != InvoiceStatus.PAID
