"""A worker's hold on an intent: claimed by a conditional update, written under the lease only, left to others in time.

The row is the truth. Whoever is stopped or killed keeps nobody waiting for longer than the lease, and finds the door
closed when it comes back. See docs/decisions/0002.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import F, Q, Value
from django.db.models.functions import Least

from integration_settings.clock import shared_now, spread
from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    NotFound,
    RateLimited,
    Rejected,
    ServiceError,
    SubscriptionEnded,
)
from integration_settings.models import QuickBooksConnection
from invoices.domain.refusals import CANCELLED, GAVE_UP, NOT_THERE, OTHER_BOOKS
from invoices.domain.status import UNSETTLED, Submission
from invoices.models import Intent, Invoice

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=32)  # longer than any call can take with everything, and renewed before sending
WAITS = (2, 5, 10, 20, 40, 60)  # seconds before the next try, by the number of tries
REFUSED_WAITS = (*WAITS, 120, 300, 600)  # it answers, and will go on refusing until a person does something there
LONG_WAITS = (*WAITS, 60, 60, 60, 60, 120, 300)  # an hour without QuickBooks is waited out more quietly
GIVE_UP_AFTER = timedelta(days=1)  # nobody expects to see done the day after tomorrow what was asked for today
STALE_VERSION = "5010"
MOST_COUNTED = 30_000  # tries; the column has room for little more
MOST_STALE = 5  # tries against somebody who changes the same thing all the time
NO_WORDS = {"code": "", "field": "", "message": "", "detail": "", "trace_id": ""}

Row = TypeVar("Row", bound=Intent)


class LeaseLost(Exception):
    """Our lease ran out and another worker has the row: whatever we found out, it finds out too."""


def one_step(kind: type[Row], row_id: int, step: Callable[[Row], None], *related: str) -> None:
    """Takes a row one step further under a lease of our own. Harmless when there is nothing to do."""
    row = claim(kind, row_id, *related)
    if row is None:
        return
    try:
        step(row)
    except LeaseLost:
        log.warning("another worker has taken over %s", row)


def free(now: datetime, lease: str = "lease_until") -> Q:
    """Rows in nobody's hands; `lease` is the column that says until when somebody has them."""
    return Q(**{f"{lease}__isnull": True}) | Q(**{f"{lease}__lte": now})


def claim(kind: type[Row], row_id: int, *related: str) -> Row | None:
    """The row under a lease of our own, None when it is settled, not due or somebody else's."""
    now, token = shared_now(), str(uuid.uuid4())
    rows = kind._default_manager
    due = rows.filter(free(now), pk=row_id, submission__in=UNSETTLED, next_attempt_at__lte=now)
    attempts = Least(F("attempts") + 1, Value(MOST_COUNTED))
    if due.update(lease_until=now + LEASE, lease_token=token, attempts=attempts) != 1:
        return None
    return rows.select_related(*related).filter(pk=row_id).first()


def bring_forward(kind: type[Row], row_ids: Sequence[int]) -> list[int]:
    """Makes due now what waits for its next try; what is settled or in a worker's hands stays as it is."""
    now = shared_now()
    waiting = kind._default_manager.filter(free(now), submission__in=UNSETTLED, next_attempt_at__isnull=False)
    return [row_id for row_id in row_ids if waiting.filter(pk=row_id).update(next_attempt_at=now)]


def put_off(kind: type[Intent], row_id: int, until: datetime) -> None:
    """Until then it is not due, and its pages say so; what is in a worker's hands stays as it is."""
    waiting = kind._default_manager.filter(free(shared_now()), pk=row_id, submission__in=UNSETTLED)
    waiting.filter(next_attempt_at__lt=until).update(next_attempt_at=until)


def cancel(row: Intent, by: str) -> bool:
    """Ends what was certainly never sent, for the person `by`; False when a worker has it in hand, or had it.

    A worker that takes the row in the same moment finds it settled, or we find its lease: one update decides.
    """
    now = shared_now()
    rows = type(row)._default_manager
    unsent = rows.filter(free(now), pk=row.pk, submission=Submission.PENDING, sent_at__isnull=True)
    refusal = NO_WORDS | {"code": CANCELLED, "by": by}
    columns = {"settled_at": now, "next_attempt_at": None, "lease_until": None, "lease_token": "", "put_away_at": now}
    return unsent.update(submission=Submission.REJECTED, refusal=refusal, **columns) == 1


def renew(row: Intent, **columns: Any) -> None:
    write(row, lease_until=shared_now() + LEASE, **columns)


def release(row: Intent, **columns: Any) -> None:
    write(row, lease_until=None, lease_token="", **columns)


def wait(row: Intent, how_long: timedelta, **columns: Any) -> None:
    release(row, next_attempt_at=shared_now() + how_long, **columns)


def settle(row: Intent, **columns: Any) -> None:
    """Nothing is left to do with it."""
    release(row, settled_at=shared_now(), next_attempt_at=None, **columns)


def reject(row: Intent, refusal: dict[str, Any], **columns: Any) -> None:
    """It was not done and will not be; `refusal` says why, for people and for support."""
    settle(row, submission=Submission.REJECTED, refusal=NO_WORDS | refusal, **columns)
    log.info("%s was not done: %s", row, refusal["code"])


def usable(
    connection: QuickBooksConnection | None, row: Intent, invoice: Invoice, *, give_up_at: datetime
) -> QuickBooksConnection | None:
    """The company's connection where it is to the books that the invoice is for, and stands. None: the row was refused,
    or waits for a sign-in.

    What went out may have been done: it is refused only by whoever has looked.
    """
    if connection is None or connection.realm_id != invoice.realm_id:
        if row.sent_at is None:
            reject(row, {"code": OTHER_BOOKS})
        else:
            wait(row, longer_each_time(row, LONG_WAITS), submission=Submission.UNKNOWN)
    elif row.sent_at is None and shared_now() > give_up_at:
        reject(row, {"code": GAVE_UP})
    elif not connection.is_connected:
        wait(row, timedelta(seconds=WAITS[-1]))
    else:
        return connection
    return None


def too_late(asked_at: datetime) -> bool:
    return shared_now() - asked_at > GIVE_UP_AFTER


def reject_or_look_again(row: Intent, refusal: Rejected | NotFound, sent_before: datetime | None) -> None:
    """Somebody may have changed or deleted it between our look and our call: then it is looked at again."""
    code = refusal.code if isinstance(refusal, Rejected) else NOT_THERE
    if code in (STALE_VERSION, NOT_THERE) and row.attempts <= MOST_STALE:
        return wait(row, timedelta(seconds=WAITS[0]), sent_at=sent_before)
    message = refusal.message if isinstance(refusal, Rejected) else ""
    detail = refusal.detail if isinstance(refusal, Rejected) else ""
    return reject(row, {"code": code, "message": message, "detail": detail, "trace_id": refusal.trace_id})


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
    if isinstance(error, ConnectionExpired) and error.status is None:
        return timedelta(seconds=WAITS[2])  # it is not due before somebody has signed in again
    # A new token that is refused at once costs another one with every try, and the grant is as good as before.
    if isinstance(error, ConnectionExpired | AccessDenied | SubscriptionEnded | Rejected):
        waits = REFUSED_WAITS
    return longer_each_time(row, waits)


def longer_each_time(row: Intent, waits: Sequence[int] = WAITS) -> timedelta:
    """By the number of tries, a little at random."""
    return spread(timedelta(seconds=waits[min(row.attempts, len(waits)) - 1]))
