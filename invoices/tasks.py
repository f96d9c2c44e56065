"""What the worker does. Messages are hints: what is due stands in the database, and every task may run twice.

https://docs.celeryq.dev/en/stable/userguide/tasks.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from kombu.exceptions import OperationalError

from integration_settings.clock import LONGEST_DIFFERENCE, shared_now
from integration_settings.errors import ServiceError
from integration_settings.log_context import NOBODY
from integration_settings.log_context import company_id as logged_company
from integration_settings.models import QuickBooksConnection
from integration_settings.short_memory import let_go
from integration_settings.side_by_side import behind_the_others
from invoices import actions, customer_updates, due, following, notes, submission, sweep, unsent_forms
from invoices.leases import bring_forward
from invoices.models import CustomerUpdate, Intent, Invoice, InvoiceAction

log = logging.getLogger(__name__)

HANDED_OUT = 10  # seconds in which one row is handed out once; a lost message is found again after that
SWEEPING, SWEEPING_SECONDS = "sweeping", 5  # whoever dies with the mark is succeeded after that time
MANY_NEWS, MANY_NEWS_SECONDS = "many-news", 90  # renewed after each part
STALE = LONGEST_DIFFERENCE.seconds  # after which a message that nobody read is worth nothing; two clocks are compared


@shared_task
def dispatch_due_work() -> None:
    """Every tick: hands out what is due. Another tick, or another beat, does no harm."""
    let_go()
    now = shared_now()
    for task, rows in (
        (submit_invoice, due.submissions(now)),
        (carry_out_action, due.actions(now)),
        (update_customer, due.customer_updates(now)),
        (publish_note, due.notes(now)),
    ):
        for row_id in rows:
            hand_out(task, row_id)


@shared_task
def follow_companies() -> None:
    """Looks at the companies whose turn it is. One process does that; without Redis, where each process has a cache of
    its own, several may, and the claims keep them apart.
    """
    if cache.add(SWEEPING, True, SWEEPING_SECONDS):
        sweep.Sweep(partial(hand_out, sync_company)).run(
            settings.SWEEP_SECONDS,
            still=lambda: cache.touch(SWEEPING, SWEEPING_SECONDS),
            then=lambda: cache.delete(SWEEPING),
        )


@shared_task
def forget_unsent_forms() -> None:
    unsent_forms.forget_old()


@shared_task
def submit_invoice(invoice_id: int) -> None:
    _log_for(Invoice.objects.filter(pk=invoice_id))
    submission.submit(invoice_id)
    _note_at_once(invoice_id)


@shared_task
def carry_out_action(action_id: int) -> None:
    rows = InvoiceAction.objects.filter(pk=action_id)
    _log_for(rows)
    actions.carry_out(action_id)
    for invoice_id in rows.values_list("invoice_id", flat=True):
        _note_at_once(invoice_id)


@shared_task
def update_customer(update_id: int) -> None:
    _log_for(CustomerUpdate.objects.filter(pk=update_id))
    customer_updates.carry_out(update_id)


@shared_task(soft_time_limit=780, time_limit=800)  # less than the broker's visibility timeout
def sync_company(connection_id: int) -> None:
    """One company whose news are many; the others are `follow_companies`.

    One at a time: it holds a process of the worker, and the others are for people. Who finds another one at it leaves
    the company due, as it is.
    """
    connection = QuickBooksConnection.objects.filter(pk=connection_id).first()
    if connection is None or not cache.add(MANY_NEWS, True, MANY_NEWS_SECONDS):
        return
    _log_for(QuickBooksConnection.objects.filter(pk=connection_id))

    def follow(go_on: Callable[[], None]) -> None:
        def still() -> None:
            go_on()
            cache.touch(MANY_NEWS, MANY_NEWS_SECONDS)

        following.catch_up(connection, still=still)

    try:
        with suppress(ServiceError):  # when to ask again is recorded already, and logged
            behind_the_others(follow)
    finally:
        cache.delete(MANY_NEWS)


@shared_task
def publish_note(invoice_id: int) -> None:
    _log_for(Invoice.objects.filter(pk=invoice_id))
    notes.publish_note(invoice_id)


TASKS: dict[type[Intent], Task[[int], None]] = {
    Invoice: submit_invoice,
    InvoiceAction: carry_out_action,
    CustomerUpdate: update_customer,
}


def submit_soon(invoice: Invoice) -> None:
    """For whoever has just stored an intent, with the customer's update if one was ticked. When the broker is away,
    the next tick finds the rows.
    """
    transaction.on_commit(lambda: hand_out(submit_invoice, invoice.pk))
    for update_id in CustomerUpdate.objects.filter(invoice=invoice).values_list("pk", flat=True):
        transaction.on_commit(partial(hand_out, update_customer, update_id))


def act_soon(action: InvoiceAction) -> None:
    """The same for an action on an invoice."""
    transaction.on_commit(lambda: hand_out(carry_out_action, action.pk))


def try_again_now(kind: type[Intent], row_ids: Sequence[int]) -> int:
    """For whoever knows that what they waited for is over, or will not wait. How many were waiting."""
    moved = bring_forward(kind, row_ids)
    for row_id in moved:
        transaction.on_commit(partial(hand_out, TASKS[kind], row_id))
    return len(moved)


def hand_out(task: Task[[int], None], row_id: int) -> None:
    key = f"handed-out:{task.name}:{row_id}"
    if not cache.add(key, True, HANDED_OUT):
        return
    try:
        task.apply_async((row_id,), expires=STALE)
    except OperationalError as error:
        cache.delete(key)
        log.warning("the broker takes no messages; what is due waits in the database: %s", error)


def _note_at_once(invoice_id: int) -> None:
    """The note follows the answer, not the next tick."""
    if Invoice.objects.filter(pk=invoice_id, note_due_at__lte=shared_now()).exclude(qbo_invoice_id="").exists():
        hand_out(publish_note, invoice_id)


def _log_for(rows: Any) -> None:
    found = rows.values_list("company__pipedrive_company_id", flat=True).first()
    logged_company.set(str(found or NOBODY))
