"""When QuickBooks is asked again about a company's invoices: as seldom as nobody would notice.

Every look is a metered read. A company with nothing open costs one a day; so does one whose changes QuickBooks tells
by itself, until a look finds a change that it had not told. Otherwise recently touched invoices are looked at often and
old ones seldom, and all of it gets slower before the month's reads run out.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, DateTimeField, ExpressionWrapper, Max, Value
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone

from integration_settings.models import QuickBooksConnection
from integration_settings.read_budget import Level, level
from invoices.models import IS_UNPAID, IS_WAITING, Invoice

ONCE_A_DAY = timedelta(days=1)
NOTICE_MARGIN = timedelta(minutes=10)  # how long a notice may be on its way before it counts as missing
SILENCE = timedelta(seconds=0.3)  # notices of one deed come close together: the look waits until they are over
LONGEST_BURST = timedelta(seconds=10)  # and this long at most
BY_AGE = ((timedelta(days=3), 1), (timedelta(days=14), 4), (timedelta(days=36_500), 16))
"""How many times the shortest wait, by the time since anything last happened to an open invoice."""
SLOWER = {Level.PLENTY: 1, Level.NEAR: 2, Level.SHORT: 8, Level.SPENT: 8}


TOUCHED = Greatest("created_at", Coalesce("qbo_updated_at", "created_at"))


def pace(connections: Collection[QuickBooksConnection]) -> dict[int, timedelta]:
    """The wait until the next look by connection, after one that went well; one question for all of them."""
    waiting = Invoice.objects.filter(
        IS_WAITING | IS_UNPAID,
        company_id__in=[connection.company_id for connection in connections],
        realm_id__in=[connection.realm_id for connection in connections],
    )
    standing = {
        (row["company_id"], row["realm_id"]): (row["unsettled"], row["touched"])
        for row in waiting.values("company_id", "realm_id").annotate(
            unsettled=Count("pk", filter=IS_WAITING), touched=Max(TOUCHED, filter=IS_UNPAID)
        )
    }
    slower = SLOWER[level()]
    return {
        connection.pk: _wait(connection, *standing.get((connection.company_id, connection.realm_id), (0, None)), slower)
        for connection in connections
    }


def _wait(connection: QuickBooksConnection, unsettled: int, touched: datetime | None, slower: int) -> timedelta:
    """`touched` is when anything last happened to an open invoice, None when nothing is open."""
    shortest = timedelta(seconds=settings.QUICKBOOKS_SYNC_SECONDS)
    if unsettled:
        return shortest
    if touched is None or connection.is_told_of_changes:
        return ONCE_A_DAY
    age = timezone.now() - touched
    times = next(times for limit, times in BY_AGE if age < limit)
    return min(shortest * times * slower, ONCE_A_DAY)


def told(now: datetime) -> dict[str, Any]:
    """The columns of a connection that a notice names: one look, once the burst is over, answers all of it."""
    first = Coalesce("unread_since", Value(now), output_field=DateTimeField())
    latest = ExpressionWrapper(first + Value(LONGEST_BURST), output_field=DateTimeField())
    return {
        "last_notice_at": now,
        "unread_since": first,
        "next_sync_at": Least(latest, Value(now + SILENCE), output_field=DateTimeField()),
    }


def untold(connection: QuickBooksConnection, changed_at: datetime | None, *, now: datetime) -> bool:
    """True when this change should have been told by a notice, and none came since."""
    if changed_at is None or connection.last_notice_at is None:
        return False
    return changed_at < now - NOTICE_MARGIN and connection.last_notice_at < changed_at - NOTICE_MARGIN
