"""What is handed out: rows whose time has come and that nobody has at hand. The rows are the truth."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Min, Q, QuerySet, Window
from django.db.models.functions import Coalesce, Greatest, RowNumber

from integration_settings.models import ConnectionState, DealRules
from invoices.domain.status import UNSETTLED
from invoices.leases import GIVE_UP_AFTER, free
from invoices.models import CustomerUpdate, Intent, Invoice, InvoiceAction, ReadyDeal
from invoices.submission import OLDEST

AT_ONCE = 200  # rows that one tick hands out
ONE_COMPANYS = 10  # of these, so that one with thousands does not make the others' rows wait for its own


def submissions(now: datetime, company_id: int = 0) -> list[int]:
    return _first(_submissions(now), company_id)


def actions(now: datetime, company_id: int = 0) -> list[int]:
    return _first(_actions(now), company_id)


def customer_updates(now: datetime, company_id: int = 0) -> list[int]:
    return _first(_customer_updates(now), company_id)


def oldest(now: datetime) -> datetime | None:
    """Since when the intent is due that nobody has taken up for longest; None when nothing is due."""
    since = Greatest("next_attempt_at", Coalesce("lease_until", "next_attempt_at"))
    every = (_submissions(now), _actions(now), _customer_updates(now))
    return min((first for rows in every if (first := rows.aggregate(first=Min(since))["first"])), default=None)


def oldest_look(now: datetime) -> datetime | None:
    """The same of the companies whose deals are to be looked at."""
    found: datetime | None = _deal_looks(now).aggregate(first=Min("next_look_at"))["first"]
    return found


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


def notes(now: datetime, company_id: int = 0) -> list[int]:
    due = Invoice.objects.filter(free(now, "note_lease_until"), note_due_at__lte=now).exclude(qbo_invoice_id="")
    return _first(due, company_id, "note_due_at")


def deal_looks(now: datetime, company_id: int = 0) -> list[int]:
    """Companies with rules for deals, whose turn it is to be looked at."""
    return _first(_deal_looks(now), company_id, "next_look_at")


def _deal_looks(now: datetime) -> QuerySet[Any]:
    return DealRules.objects.filter(next_look_at__lte=now)


def ready_deals(now: datetime, company_id: int = 0) -> list[int]:
    """Deals to invoice by themselves. They wait while nobody is signed in to QuickBooks, or nobody is there in whose
    name it would be.
    """
    able = {"company__quickbooks__state": ConnectionState.CONNECTED, "company__deal_rules__user__isnull": False}
    able |= {"company__deal_rules__user__state": ConnectionState.CONNECTED}
    return _first(ReadyDeal.objects.filter(next_attempt_at__lte=now, **able), company_id)


def _first(rows: QuerySet[Any], company_id: int, since: str = "next_attempt_at") -> list[int]:
    """A few of each company, or of that one, the oldest first."""
    if company_id:
        rows = rows.filter(company_id=company_id)
    turn = Window(RowNumber(), partition_by="company_id", order_by=since)
    fair = rows.annotate(turn=turn).filter(turn__lte=ONE_COMPANYS)
    return list(fair.order_by("turn", since).values_list("pk", flat=True)[:AT_ONCE])
