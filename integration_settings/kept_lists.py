"""Lists of the vendors that change slowly, as last read.

A list older than its time is read again; when the vendor does not answer, the old one serves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from integration_settings.errors import ConnectionExpired, RateLimited, ServiceUnavailable
from integration_settings.models import Company, ReferenceList

log = logging.getLogger(__name__)

ONE_HOUR = timedelta(hours=1)
REST_AFTER_FAILURE = 30  # seconds in which an old list serves without asking again
Rows = list[dict[str, Any]]


def kept(company: Company, kind: str, read: Callable[[], Rows], max_age: timedelta) -> Rows:
    """The list from our store while it is young enough, else read anew; an old one rather than none."""
    row = ReferenceList.objects.filter(company=company, kind=kind).first()
    if row is not None and row.fetched_at > timezone.now() - max_age:
        return list(row.rows)
    resting = f"list-failed:{company.pk}:{kind}"
    if row is not None and cache.get(resting):
        return list(row.rows)
    try:
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


def put_into_kept(company: Company, kind: str, entry: dict[str, Any]) -> None:
    """Adds one entry to a kept list, in place of an earlier one with its id; a list not read yet has it then."""
    with transaction.atomic():
        row = ReferenceList.objects.select_for_update().filter(company=company, kind=kind).first()
        if row is not None:
            row.rows = [*(known for known in row.rows if known.get("id") != entry["id"]), entry]
            row.save(update_fields=["rows"])


def read_at(company: Company, kind: str) -> datetime | None:
    """When a list was last read; the kinds are named where the lists are, in `reference`."""
    return ReferenceList.objects.filter(company=company, kind=kind).values_list("fetched_at", flat=True).first()
