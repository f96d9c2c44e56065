"""The one clock that all processes share, that of Pipedrive, the zones they are read in, and waits that are not
everybody's at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import SystemRandom
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import connection
from django.utils import timezone

LONGEST_DIFFERENCE = timedelta(minutes=30)  # between two clocks that both say they are right, one fast and one slow

NEARLY = timedelta(seconds=5)  # no difference: an answer tells whole seconds, and is a while on its way

_ahead = {"pipedrive": timedelta(0)}  # of this process' clock


def zone_called(name: str) -> ZoneInfo | None:
    """The time zone of that name, None for "" and for one that is not known."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def spread(wait: timedelta, share: float = 0.1) -> timedelta:
    """The wait, shorter or longer by that share at most: what failed together is not tried again together."""
    return wait * SystemRandom().uniform(1 - share, 1 + share)


def shared_now() -> datetime:
    """The database's time, which all workers share: the clock of one of them may be wrong by minutes, and then it would
    take over what another one still has in hand. On SQLite there is one machine only.
    """
    return database_now() if connection.vendor == "postgresql" else timezone.now()


def pipedrive_now() -> datetime:
    """The time as Pipedrive writes it into a deal that changes now: ours may be wrong by minutes, and theirs, too."""
    return timezone.now() + _ahead["pipedrive"]


def hear_pipedrive(told: str) -> None:
    """`told` is the `Date` of an answer that has just come; one that cannot be true says nothing."""
    try:
        ahead = parsedate_to_datetime(told).astimezone(UTC) - timezone.now()
    except (ValueError, OverflowError):
        return
    if abs(ahead) < LONGEST_DIFFERENCE:
        _ahead["pipedrive"] = ahead if abs(ahead) > NEARLY else timedelta(0)


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
