"""Lists of the vendors that change slowly, as last read.

A list older than its time is read again; when the vendor does not answer, the old one serves. Lists whose changes
QuickBooks reports stay young as long as none was reported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from integration_settings import read_budget
from integration_settings.errors import ConnectionExpired, RateLimited, ServiceUnavailable
from integration_settings.models import Company, ReferenceList

log = logging.getLogger(__name__)

ONE_HOUR = timedelta(hours=1)
TWO_WEEKS = timedelta(weeks=2)  # of what hardly ever changes, and untold; see `reference.doubt`
OUTDATED = datetime(1970, 1, 1, tzinfo=UTC)  # when a list was read in which something has changed since
REST_AFTER_FAILURE = 30  # seconds in which an old list serves without asking again
Rows = list[dict[str, Any]]
_only_kept: ContextVar[bool] = ContextVar("only_kept", default=False)


class NotKept(Exception):
    """The list would have to be read from the vendor."""


@contextmanager
def only_kept() -> Iterator[None]:
    """Within it no vendor is asked for a list: `NotKept` is raised for one that is not there or too old."""
    token = _only_kept.set(True)
    try:
        yield
    finally:
        _only_kept.reset(token)


def kept(
    company: Company,
    kind: str,
    read: Callable[[], Rows],
    max_age: timedelta,
    *,
    changes_known_until: datetime | None = None,
) -> Rows:
    """The list from our store while it is young enough, else read anew; an old one rather than none.

    Raises `NotKept` within `only_kept`. `changes_known_until` is the moment up to which a change would have been
    reported, see `outdate`.
    """
    row = ReferenceList.objects.filter(company=company, kind=kind).first()
    if row is not None:
        known = changes_known_until if changes_known_until and row.fetched_at > OUTDATED else None
        if max(row.fetched_at, known or OUTDATED) > timezone.now() - max_age:
            return list(row.rows)
    resting = f"list-failed:{company.pk}:{kind}"
    if row is not None and cache.get(resting):
        return list(row.rows)
    if _only_kept.get():
        raise NotKept(kind)
    try:
        if row is not None:
            read_budget.refuse_when_spent()
        rows = read()
    except (ServiceUnavailable, RateLimited, ConnectionExpired) as error:
        if row is None:
            raise
        log.info("the earlier list of %s serves: %s", kind, error)
        cache.set(resting, True, REST_AFTER_FAILURE)
        return list(row.rows)
    ReferenceList.objects.update_or_create(
        company=company, kind=kind, defaults={"rows": rows, "fetched_at": timezone.now()}
    )
    return rows


def outdate(company_id: int, kinds: Iterable[str]) -> None:
    """Something has changed in these lists: whoever needs one next reads it anew."""
    ReferenceList.objects.filter(company_id=company_id, kind__in=kinds).update(fetched_at=OUTDATED)


def put_into_kept(company_id: int, kind: str, entries: Rows) -> None:
    """Adds entries to a kept list, in place of earlier ones with their ids; a list not read yet has them then."""
    ids = {entry["id"] for entry in entries}
    with transaction.atomic():
        row = ReferenceList.objects.select_for_update().filter(company_id=company_id, kind=kind).first()
        if row is not None:
            row.rows = [*(known for known in row.rows if known.get("id") not in ids), *entries]
            row.save(update_fields=["rows"])


def read_at(company: Company, kind: str) -> datetime | None:
    """When a list was last read; the kinds are named where the lists are, in `reference`."""
    return ReferenceList.objects.filter(company=company, kind=kind).values_list("fetched_at", flat=True).first()
