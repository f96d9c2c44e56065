"""A worker's hold on an intent: claimed by a conditional update, written under the lease only, left to others in time.

The row is the truth. Whoever is stopped or killed keeps nobody waiting for longer than the lease, and finds the door
closed when it comes back. See docs/decisions/0002.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import F, Q
from django.utils import timezone

from integration_settings.errors import ConnectionExpired, RateLimited, ServiceError
from invoices.domain.status import Submission
from invoices.models import Intent

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=32)  # longer than any call can take with everything, and renewed before sending
UNSETTLED = (Submission.PENDING, Submission.UNKNOWN)
WAITS = (2, 5, 10, 20, 40, 60)  # seconds before the next try, by the number of tries
LONG_WAITS = (*WAITS, 120, 300)  # while nothing was sent, nobody wonders whether it was done
NO_WORDS = {"code": "", "field": "", "message": "", "detail": "", "trace_id": ""}

Row = TypeVar("Row", bound=Intent)


class LeaseLost(Exception):
    """Our lease ran out and another worker has the row: whatever we found out, it finds out too."""


def claim(kind: type[Row], row_id: int, *related: str) -> Row | None:
    """The row under a lease of our own, None when it is settled, not due or somebody else's."""
    now, token = timezone.now(), str(uuid.uuid4())
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    rows = kind._default_manager
    due = rows.filter(free, pk=row_id, submission__in=UNSETTLED, next_attempt_at__lte=now)
    if due.update(lease_until=now + LEASE, lease_token=token, attempts=F("attempts") + 1) != 1:
        return None
    return rows.select_related(*related).filter(pk=row_id).first()


def renew(row: Intent, **columns: Any) -> None:
    write(row, lease_until=timezone.now() + LEASE, **columns)


def release(row: Intent, **columns: Any) -> None:
    write(row, lease_until=None, lease_token="", **columns)


def wait(row: Intent, how_long: timedelta, **columns: Any) -> None:
    release(row, next_attempt_at=timezone.now() + how_long, **columns)


def settle(row: Intent, **columns: Any) -> None:
    """Nothing is left to do with it."""
    release(row, settled_at=timezone.now(), next_attempt_at=None, **columns)


def write(row: Intent, **columns: Any) -> None:
    """Only while the lease is ours. Raises `LeaseLost`."""
    rows = type(row)._default_manager
    mine = rows.filter(pk=row.pk, lease_token=row.lease_token, submission__in=UNSETTLED)
    if mine.update(**columns) != 1:
        raise LeaseLost(str(row))
    for name, value in columns.items():
        setattr(row, name, value)


def wait_for(error: ServiceError, row: Intent, waits: Sequence[int] = WAITS) -> timedelta:
    """How long an error asks for: its own word, else longer with every try, a little at random."""
    log.info("%s waits: %s", row, error)
    if isinstance(error, RateLimited):
        return timedelta(seconds=error.retry_after)
    if isinstance(error, ConnectionExpired):
        return timedelta(seconds=WAITS[2])  # it is not due before somebody has signed in again
    # The chance only spreads repeats in time, it is no secret
    return timedelta(seconds=waits[min(row.attempts, len(waits)) - 1] * random.uniform(0.9, 1.1))  # noqa: S311
