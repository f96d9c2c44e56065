"""The app on a machine whose clock is wrong (`LEDGER_CLOCK`, in seconds), or deliberately broken in one place
(`LEDGER_BROKEN`): whoever watches it must notice that."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

from pipedrive_qb.settings import *  # noqa: F403  # the real settings, whole
from pipedrive_qb.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.processes.breaking"]


def send_again_without_looking() -> None:
    """After a lost answer the invoice is sent once more, under another request id, and nobody looks for the first."""
    from invoices import submission

    def blindly(this: Any) -> None:
        this.invoice.request_id = uuid.uuid4().hex
        submission._send(this, this.invoice.customer_id)

    submission._search_first = blindly


def work_without_a_lease() -> None:
    """Every tick hands out again what is not done; whoever gets it does it, and writes down what he found."""
    from django.db.models import F

    from invoices import leases, submission, tasks
    from invoices.models import Intent

    def claim(kind: Any, row_id: int, *related: str) -> Any:
        rows = kind._default_manager.filter(pk=row_id, submission__in=leases.UNSETTLED)
        rows.update(attempts=F("attempts") + 1)
        return rows.select_related(*related).first()

    def write(row: Intent, **columns: Any) -> None:
        type(row)._default_manager.filter(pk=row.pk).update(**columns)
        for name, value in columns.items():
            setattr(row, name, value)

    leases.claim, leases.write = claim, write
    tasks.HANDED_OUT = 0  # seconds
    submission._search_first = lambda this: submission._send(this, this.invoice.customer_id)


def show_everybody_everything() -> None:
    """An invoice is found by its public id alone, whoever asks."""
    from invoices import services
    from invoices.models import Invoice

    services.seen_invoice = lambda visitor, public_id: Invoice.objects.filter(public_id=public_id).first()


BREAKS: dict[str, Callable[[], None]] = {
    "look-up": send_again_without_looking,
    "lease": work_without_a_lease,
    "tenant": show_everybody_everything,
}


def break_it() -> None:
    if name := os.environ.get("LEDGER_BROKEN"):
        BREAKS[name]()
    if seconds := int(os.environ.get("LEDGER_CLOCK", "0")):
        time_machine.travel(datetime.now(tz=UTC) + timedelta(seconds=seconds)).start()
