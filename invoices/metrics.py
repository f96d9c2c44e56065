"""Figures of what was asked for and is not done yet, for the operator."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min
from django.utils import timezone

from integration_settings.metrics import Figure, figures
from invoices.models import IS_WAITING, CustomerUpdate, Intent, Invoice, InvoiceAction

# Each kind, and the column that says when a person asked for it
KINDS: tuple[tuple[str, type[Intent], str], ...] = (
    ("invoice", Invoice, "created_at"),
    ("action", InvoiceAction, "asked_at"),
    ("customer_update", CustomerUpdate, "invoice__created_at"),
)


@figures
def _waiting() -> Iterator[Figure]:
    """One that is new waits, too, for a second or two; what counts is how many there are and for how long."""
    oldest = []
    for kind, model, asked_at in KINDS:
        rows = model._default_manager.filter(IS_WAITING)
        found = rows.aggregate(number=Count("pk"), since=Min(asked_at))
        yield Figure("invoicing_waiting", "What was asked for and is not settled.", found["number"], {"kind": kind})
        oldest += [found["since"]] if found["since"] else []
    seconds = (timezone.now() - min(oldest)).total_seconds() if oldest else 0
    yield Figure("invoicing_waiting_seconds", "How long the oldest unsettled one has been waiting.", max(seconds, 0))
