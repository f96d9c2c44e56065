"""Somebody is creating something in QuickBooks of which there must be one: a party's customer, a product's item.

Two deals may be invoiced at the same moment: one worker creates, the other waits for what it creates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from integration_settings.clock import shared_now
from invoices.models import CreationClaim, Invoice

CLAIM = timedelta(seconds=32)  # longer than any call can take; a dead worker's claim ends soon enough


class Busy(Exception):
    """Another submission is creating the same at this moment."""


@contextmanager
def claimed(invoice: Invoice, kind: str, subject_id: int) -> Iterator[None]:
    """One row a subject: inserted by the first, taken over only when its time is up. Raises `Busy`.

    The invoice's lease names the holder; `kind` is "organization", "person", "deal" or "product".
    """
    subject: dict[str, Any] = {
        "company": invoice.company,
        "realm_id": invoice.realm_id,
        "kind": kind,
        "subject_id": subject_id,
    }
    now = shared_now()
    mine = {"token": invoice.lease_token, "until": now + CLAIM}
    try:
        with transaction.atomic():
            CreationClaim.objects.create(**subject, **mine)
    except IntegrityError:
        if not CreationClaim.objects.filter(**subject, until__lt=now).update(**mine):
            raise Busy(f"{kind} {subject_id}") from None
    try:
        yield
    finally:
        CreationClaim.objects.filter(**subject, token=invoice.lease_token).delete()
