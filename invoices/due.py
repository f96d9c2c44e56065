"""What a tick hands out: rows whose time has come and that nobody has at hand. The rows are the truth."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from integration_settings.models import ConnectionState
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Invoice, InvoiceAction
from invoices.submission import OLDEST

AT_ONCE = 200  # rows that one tick hands out
NOTES_AT_ONCE = 10  # of one company


def submissions(now: datetime) -> list[int]:
    """Intents to take further. Those whose connection has ended wait for a sign-in, until they are given up."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    other_books = ~Q(realm_id=F("company__quickbooks__realm_id"))
    long_ago = Q(sent_at__isnull=True, created_at__lt=now - OLDEST)
    due = Invoice.objects.filter(
        free,
        Q(company__quickbooks__state=ConnectionState.CONNECTED) | other_books | long_ago,
        submission__in=(Submission.PENDING, Submission.UNKNOWN),
        next_attempt_at__lte=now,
    )
    return list(due.order_by("next_attempt_at").values_list("pk", flat=True)[:AT_ONCE])


def actions(now: datetime) -> list[int]:
    return _beside_invoices(InvoiceAction, Q(asked_at__lt=now - timedelta(days=1)), now)


def customer_updates(now: datetime) -> list[int]:
    return _beside_invoices(CustomerUpdate, Q(invoice__created_at__lt=now - timedelta(days=1)), now)


def _beside_invoices(kind: type[InvoiceAction] | type[CustomerUpdate], long_ago: Q, now: datetime) -> list[int]:
    """What was asked for `long_ago` is due without a connection too: it is given up."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    other_books = ~Q(invoice__realm_id=F("company__quickbooks__realm_id"))
    due = kind._default_manager.filter(
        free,
        Q(company__quickbooks__state=ConnectionState.CONNECTED) | other_books | long_ago,
        submission__in=(Submission.PENDING, Submission.UNKNOWN),
        next_attempt_at__lte=now,
    )
    return list(due.order_by("next_attempt_at").values_list("pk", flat=True)[:AT_ONCE])


def notes(now: datetime) -> list[int]:
    """A few of each company, so that one with thousands of changes does not make the others' notes wait for its own."""
    nobody_writes = Q(note_lease_until__isnull=True) | Q(note_lease_until__lte=now)
    due = Invoice.objects.filter(nobody_writes, note_due_at__lte=now).exclude(qbo_invoice_id="")
    turn = Window(RowNumber(), partition_by="company_id", order_by="note_due_at")
    fair = due.annotate(turn=turn).filter(turn__lte=NOTES_AT_ONCE)
    return list(fair.order_by("turn", "note_due_at").values_list("pk", flat=True)[:AT_ONCE])
