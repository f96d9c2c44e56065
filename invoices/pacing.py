"""When QuickBooks is asked again about a company's invoices: as seldom as nobody would notice.

Every look is a metered read. A company with nothing open costs one a day; so does one whose changes QuickBooks tells
by itself, until a look finds a change that it had not told. Otherwise recently touched invoices are looked at often and
old ones seldom, and all of it gets slower before the month's reads run out.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from integration_settings.models import QuickBooksConnection
from integration_settings.read_budget import Level, level
from invoices.domain.status import Submission
from invoices.models import Invoice

ONCE_A_DAY = timedelta(days=1)
NOTICE_MARGIN = timedelta(minutes=10)  # how long a notice may be on its way before it counts as missing
BY_AGE = ((timedelta(days=3), 1), (timedelta(days=14), 4), (timedelta(days=36_500), 16))
"""How many times the shortest wait, by the time since anything last happened to an open invoice."""
SLOWER = {Level.PLENTY: 1, Level.NEAR: 2, Level.SHORT: 8, Level.SPENT: 8}


def pace(connection: QuickBooksConnection, rows: QuerySet[Invoice]) -> timedelta:
    """The wait until the next look, after one that went well. `rows` are the company's in these books."""
    shortest = timedelta(seconds=settings.QUICKBOOKS_SYNC_SECONDS)
    if rows.filter(submission__in=(Submission.PENDING, Submission.UNKNOWN)).exists():
        return shortest
    unpaid = Q(submission=Submission.SUCCEEDED, deleted_on__isnull=True, voided_on__isnull=True, balance__gt=0)
    touched = rows.filter(unpaid).aggregate(last=Max(Greatest("created_at", Coalesce("qbo_updated_at", "created_at"))))[
        "last"
    ]
    if touched is None or connection.is_told_of_changes:
        return ONCE_A_DAY
    age = timezone.now() - touched
    times = next(times for limit, times in BY_AGE if age < limit)
    return min(shortest * times * SLOWER[level()], ONCE_A_DAY)


def untold(connection: QuickBooksConnection, changed_at: datetime | None, *, now: datetime) -> bool:
    """True when this change should have been told by a notice, and none came since."""
    if changed_at is None or connection.last_notice_at is None:
        return False
    return changed_at < now - NOTICE_MARGIN and connection.last_notice_at < changed_at - NOTICE_MARGIN
