"""What a tick hands out: rows whose time has come and that nobody has at hand. The rows are the truth."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Min, Q, QuerySet, Window
from django.db.models.functions import Coalesce, Greatest, RowNumber

from integration_settings.models import ConnectionState
from invoices.domain.status import UNSETTLED
from invoices.leases import GIVE_UP_AFTER, free
from invoices.models import CustomerUpdate, Intent, Invoice, InvoiceAction
from invoices.submission import OLDEST

AT_ONCE = 200  # rows that one tick hands out
NOTES_AT_ONCE = 10  # of one company


def submissions(now: datetime) -> list[int]:
    return _first(_submissions(now))


def actions(now: datetime) -> list[int]:
    return _first(_actions(now))


def customer_updates(now: datetime) -> list[int]:
    return _first(_customer_updates(now))


def oldest(now: datetime) -> datetime | None:
    """Since when the intent is due that nobody has taken up for longest; None when nothing is due."""
    since = Greatest("next_attempt_at", Coalesce("lease_until", "next_attempt_at"))
    every = (_submissions(now), _actions(now), _customer_updates(now))
    return min((first for rows in every if (first := rows.aggregate(first=Min(since))["first"])), default=None)


def _submissions(now: datetime) -> QuerySet[Any]:
    return _due(Invoice, "realm_id", Q(sent_at__isnull=True, created_at__lt=now - OLDEST), now)


def _actions(now: datetime) -> QuerySet[Any]:
    return _due(InvoiceAction, "invoice__realm_id", Q(asked_at__lt=now - GIVE_UP_AFTER), now)


def _customer_updates(now: datetime) -> QuerySet[Any]:
    return _due(CustomerUpdate, "invoice__realm_id", Q(invoice__created_at__lt=now - GIVE_UP_AFTER), now)


def _due(kind: type[Intent], books: str, long_ago: Q, now: datetime) -> QuerySet[Any]:
    """Intents to take further. Those whose connection has ended wait for a sign-in; what was asked for `long_ago` does
    not, it is given up. `books` is the column that says which ones it is for.
    """
    other_books = ~Q(**{books: F("company__quickbooks__realm_id")})
    return kind._default_manager.filter(
        free(now),
        Q(company__quickbooks__state=ConnectionState.CONNECTED) | other_books | long_ago,
        submission__in=UNSETTLED,
        next_attempt_at__lte=now,
    )


def _first(rows: QuerySet[Any]) -> list[int]:
    return list(rows.order_by("next_attempt_at").values_list("pk", flat=True)[:AT_ONCE])


def notes(now: datetime) -> list[int]:
    """A few of each company, so that one with thousands of changes does not make the others' notes wait for its own."""
    due = Invoice.objects.filter(free(now, "note_lease_until"), note_due_at__lte=now).exclude(qbo_invoice_id="")
    turn = Window(RowNumber(), partition_by="company_id", order_by="note_due_at")
    fair = due.annotate(turn=turn).filter(turn__lte=NOTES_AT_ONCE)
    return list(fair.order_by("turn", "note_due_at").values_list("pk", flat=True)[:AT_ONCE])
