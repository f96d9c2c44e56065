"""What a tick hands out: rows whose time has come and that nobody has at hand. The rows are the truth."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from integration_settings.models import ConnectionState
from invoices.domain.status import UNSETTLED
from invoices.leases import GIVE_UP_AFTER, free
from invoices.models import CustomerUpdate, Intent, Invoice, InvoiceAction
from invoices.submission import OLDEST

AT_ONCE = 200  # rows that one tick hands out
NOTES_AT_ONCE = 10  # of one company


def submissions(now: datetime) -> list[int]:
    return _due(Invoice, "realm_id", Q(sent_at__isnull=True, created_at__lt=now - OLDEST), now)


def actions(now: datetime) -> list[int]:
    return _due(InvoiceAction, "invoice__realm_id", Q(asked_at__lt=now - GIVE_UP_AFTER), now)


def customer_updates(now: datetime) -> list[int]:
    return _due(CustomerUpdate, "invoice__realm_id", Q(invoice__created_at__lt=now - GIVE_UP_AFTER), now)


def _due(kind: type[Intent], books: str, long_ago: Q, now: datetime) -> list[int]:
    """Intents to take further. Those whose connection has ended wait for a sign-in; what was asked for `long_ago` does
    not, it is given up. `books` is the column that says which ones it is for.
    """
    other_books = ~Q(**{books: F("company__quickbooks__realm_id")})
    due = kind._default_manager.filter(
        free(now),
        Q(company__quickbooks__state=ConnectionState.CONNECTED) | other_books | long_ago,
        submission__in=UNSETTLED,
        next_attempt_at__lte=now,
    )
    return list(due.order_by("next_attempt_at").values_list("pk", flat=True)[:AT_ONCE])


def notes(now: datetime) -> list[int]:
    """A few of each company, so that one with thousands of changes does not make the others' notes wait for its own."""
    due = Invoice.objects.filter(free(now, "note_lease_until"), note_due_at__lte=now).exclude(qbo_invoice_id="")
    turn = Window(RowNumber(), partition_by="company_id", order_by="note_due_at")
    fair = due.annotate(turn=turn).filter(turn__lte=NOTES_AT_ONCE)
    return list(fair.order_by("turn", "note_due_at").values_list("pk", flat=True)[:AT_ONCE])
