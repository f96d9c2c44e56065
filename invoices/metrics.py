"""Figures of what was asked for and is not done yet, for the operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, F, Min, Q
from django.utils import timezone

from integration_settings.clock import shared_now
from integration_settings.metrics import Figure, figures
from integration_settings.models import ConnectionState
from invoices import due
from invoices.models import IS_WAITING, CustomerUpdate, Intent, Invoice, InvoiceAction, ReadyDeal

# Each kind, the column that says when a person asked for it, and the one that says for which books
KINDS: tuple[tuple[str, type[Intent], str, str], ...] = (
    ("invoice", Invoice, "created_at", "realm_id"),
    ("action", InvoiceAction, "asked_at", "invoice__realm_id"),
    ("customer_update", CustomerUpdate, "invoice__created_at", "invoice__realm_id"),
)


@figures
def _waiting() -> Iterator[Figure]:
    """One that is new waits, too, for a second or two; what counts is how many there are and for how long.

    What waits for a person may do so for two weeks: it says nothing of QuickBooks, and would hide what does.
    """
    oldest = []
    for kind, model, asked_at, books in KINDS:
        rows = model._default_manager.filter(IS_WAITING)
        signed_in = Q(
            **{"company__quickbooks__state": ConnectionState.CONNECTED, books: F("company__quickbooks__realm_id")}
        )
        found = rows.aggregate(number=Count("pk"), since=Min(asked_at, filter=signed_in))
        yield Figure("invoicing_waiting", "What was asked for and is not settled.", found["number"], {"kind": kind})
        oldest += [found["since"]] if found["since"] else []
    told = "How long the oldest unsettled one has been waiting that does not wait for somebody to sign in."
    yield Figure("invoicing_waiting_seconds", told, _seconds(min(oldest, default=None), timezone.now()))


@figures
def _overdue() -> Iterator[Figure]:
    now = shared_now()
    told = "How long the one is due that no worker has taken up for longest."
    yield Figure("invoicing_overdue_seconds", told, _seconds(due.oldest(now), now))


@figures
def _automatic() -> Iterator[Figure]:
    now = shared_now()
    told = "How long the company is due whose deals no worker has looked at for longest, of those with rules for them."
    yield Figure("invoicing_deal_looks_lateness_seconds", told, _seconds(due.oldest_look(now), now))
    waiting = ReadyDeal.objects.filter(put_away_at__isnull=True).exclude(why="").count()
    yield Figure("invoicing_ready_deals", "Deals that a rule has found and that wait for a person.", waiting)


def _seconds(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0) if since else 0
