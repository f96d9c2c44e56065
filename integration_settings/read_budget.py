"""How many reads of QuickBooks this deployment has spent this month, and what that means for the next one.

Intuit meters reads of all customers of an app together and blocks the app for everybody when they are used up; writes
are free. https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles
Counted is every answered read; each connection carries its own count, so that companies never wait for one row. That
of a company which leaves stays with the proof of its removal.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Case, F, Sum, Value, When
from django.utils import timezone

from integration_settings.errors import RateLimited
from integration_settings.metrics import Figure, figures
from integration_settings.models import QuickBooksConnection, Removal

log = logging.getLogger(__name__)

REMEMBERED_SECONDS = 60
MOST_OF_ONE = 10
"""Percent of the month's reads beyond which one company waits, once they get scarce, so that the others see theirs."""


class Level(IntEnum):
    """What is left of the month's reads."""

    PLENTY = 0
    NEAR = 70  # percent spent
    SHORT = 90
    SPENT = 100


def count(connection_id: int) -> None:
    """One read of this connection was answered."""
    rows, month = QuickBooksConnection.objects.filter(pk=connection_id), _month(timezone.now())
    if not rows.filter(reads_month=month).update(reads=F("reads") + 1):
        rows.update(reads_month=month, reads=1)


def count_each(connection_ids: Iterable[int]) -> list[int]:
    """The same for many connections at once; one that is named twice had two reads.

    Those whose row somebody holds just now, for a new token for instance, come back: nobody waits together with it.
    """
    month = _month(timezone.now())
    left = Counter(connection_ids)
    later: list[int] = []
    while left:
        rows = QuickBooksConnection.objects.filter(pk__in=list(left))
        with transaction.atomic():
            # In the order of everybody, so that this and a notice of several never wait for each other in a circle.
            free = list(rows.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True))
            reads = Case(When(reads_month=month, then=F("reads") + 1), default=Value(1))
            rows.filter(pk__in=free).update(reads=reads, reads_month=month)
        if len(free) < len(left):
            for held in rows.exclude(pk__in=free).values_list("pk", flat=True):
                later += [held] * left[held]
            left = Counter({pk: left[pk] for pk in free})
        left -= Counter(free)
    return later


def spent() -> int:
    """Reads of all companies in this month; at most a minute old."""
    month = _month(timezone.now())
    key = f"quickbooks-reads:{month}"
    known = cache.get(key)
    if isinstance(known, int):
        return known
    found = sum(
        rows.filter(reads_month=month).aggregate(all=Sum("reads"))["all"] or 0
        for rows in (QuickBooksConnection.objects, Removal.objects)
    )
    cache.set(key, found, REMEMBERED_SECONDS)
    return found


def level() -> Level:
    percent = 100 * spent() // settings.QUICKBOOKS_MONTHLY_READ_BUDGET
    return max(each for each in Level if percent >= each)


def refuse_when_spent(connection: QuickBooksConnection) -> None:
    """For reads that can wait. Raises `RateLimited` until the month is over."""
    if without_reads([connection]):
        raise used_up()


def without_reads(connections: Collection[QuickBooksConnection]) -> set[int]:
    """The ids of those whose reads have to wait for the next month: all when nothing is left, and while little is left
    those that have used far more than their share.
    """
    found = level() if connections else Level.PLENTY
    if found == Level.SPENT:
        return {connection.pk for connection in connections}
    if found == Level.PLENTY:
        return set()
    month = _month(timezone.now())
    most = settings.QUICKBOOKS_MONTHLY_READ_BUDGET * MOST_OF_ONE // 100
    greedy = {each.pk for each in connections if each.reads_month == month and each.reads > most}
    is_alone = greedy and len(QuickBooksConnection.objects.filter(reads_month=month)[:2]) == 1
    return set() if is_alone else greedy


def used_up() -> RateLimited:
    """What a read is refused with whose company is `without_reads`."""
    return RateLimited("quickbooks", "the month's reads are used up", retry_after=seconds_left(), status=None)


def seconds_left() -> int:
    """Until the next month begins."""
    now = timezone.now().astimezone(UTC)
    first = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int((first - now).total_seconds()) + 1


def warn() -> None:
    """For the operator, once an hour: while there is still time to do something about it."""
    found = level()
    if found > Level.PLENTY:
        log.warning(
            "QuickBooks reads: %s of %s are spent this month (level %s)",
            spent(),
            settings.QUICKBOOKS_MONTHLY_READ_BUDGET,
            found.name,
        )


def _month(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m")


@figures
def _reads() -> Iterator[Figure]:
    yield Figure("invoicing_quickbooks_reads_this_month", "Metered reads of QuickBooks in this month.", spent())
    budget = settings.QUICKBOOKS_MONTHLY_READ_BUDGET
    yield Figure("invoicing_quickbooks_read_budget", "Reads that may be spent in a month.", budget)
