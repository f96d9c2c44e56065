"""What the worker does. Messages are hints: what is due stands in the database, and every task may run twice.

https://docs.celeryq.dev/en/stable/userguide/tasks.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from celery import Task, shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet
from kombu.exceptions import OperationalError

from integration_settings.clock import LONGEST_DIFFERENCE, shared_now
from integration_settings.errors import ServiceError
from integration_settings.http import Service
from integration_settings.log_context import NOBODY
from integration_settings.log_context import company_id as logged_company
from integration_settings.models import DealRules, QuickBooksConnection
from integration_settings.shares import left_alone_until, seat, unhurried
from integration_settings.short_memory import let_go
from integration_settings.side_by_side import behind_the_others
from invoices import actions, automatic, customer_updates, due, following, notes, submission, sweep, unsent_forms
from invoices.leases import bring_forward, put_off
from invoices.models import CustomerUpdate, Intent, Invoice, InvoiceAction, ReadyDeal

log = logging.getLogger(__name__)

Rows = QuerySet[Any]  # those of one kind with one id

HANDED_OUT = 10  # seconds in which one row is handed out once; a lost message is found again after that
SWEEPING, SWEEPING_SECONDS = "sweeping", 5  # whoever dies with the mark is succeeded after that time
MANY_NEWS, MANY_NEWS_SECONDS = "many-news", 90  # renewed after each part
NEXT_WITH_MANY, WAITS_FOR_ITS_TURN = "next-with-many-news", 180  # seconds; it asks again every minute and a half
STALE = LONGEST_DIFFERENCE.seconds  # after which a message that nobody read is worth nothing; two clocks are compared


@shared_task
def dispatch_due_work() -> None:
    """Every tick: hands out what is due. Another tick, or another beat, does no harm."""
    let_go()
    now = shared_now()
    for task, rows in DUE.items():
        for row_id in rows(now):
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
    with _place(submit_invoice, invoice_id, Invoice.objects.filter(pk=invoice_id)) as free:
        if free:
            submission.submit(invoice_id)
            _note_at_once(invoice_id)


@shared_task
def carry_out_action(action_id: int) -> None:
    rows = InvoiceAction.objects.filter(pk=action_id)
    with _place(carry_out_action, action_id, rows) as free:
        if free:
            actions.carry_out(action_id)
            for invoice_id in rows.values_list("invoice_id", flat=True):
                _note_at_once(invoice_id)


@shared_task
def update_customer(update_id: int) -> None:
    with _place(update_customer, update_id, CustomerUpdate.objects.filter(pk=update_id)) as free:
        if free:
            customer_updates.carry_out(update_id)


@shared_task(soft_time_limit=780, time_limit=800)  # less than the broker's visibility timeout
def sync_company(connection_id: int) -> None:
    """One company whose news are many; the others are `follow_companies`.

    One at a time: it holds a process of the worker, and the others are for people. Who finds another one at it leaves
    the company due, as it is, and has the next turn: one with many news all the time is back within the second.
    """
    connection = QuickBooksConnection.objects.filter(pk=connection_id).first()
    if connection is None:
        return
    if not cache.add(MANY_NEWS, connection_id, MANY_NEWS_SECONDS):
        if cache.get(MANY_NEWS) != connection_id:
            cache.delete(_mark(sync_company, connection_id))
            cache.add(NEXT_WITH_MANY, connection_id, WAITS_FOR_ITS_TURN)
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
        if next_id := cache.get(NEXT_WITH_MANY):
            cache.delete(NEXT_WITH_MANY)
            hand_out(sync_company, next_id)


@shared_task
def publish_note(invoice_id: int) -> None:
    with _place(publish_note, invoice_id, Invoice.objects.filter(pk=invoice_id), "pipedrive") as free:
        if free:
            notes.publish_note(invoice_id)


@shared_task
def look_for_deals(rules_id: int) -> None:
    """The deals of a company that a rule may be for."""
    rows = DealRules.objects.filter(pk=rules_id)
    with _place(look_for_deals, rules_id, rows, "pipedrive") as free, unhurried("pipedrive") as may_call:
        if free and may_call:
            for ready_id in automatic.look_for_deals(rules_id):
                hand_out(invoice_ready_deal, ready_id)


@shared_task
def invoice_ready_deal(ready_id: int) -> None:
    rows = ReadyDeal.objects.filter(pk=ready_id)
    with _place(invoice_ready_deal, ready_id, rows, "pipedrive") as free, unhurried("pipedrive") as may_call:
        if free and may_call:
            made = automatic.carry_out(ready_id)
            if made.invoice:
                submit_soon(made.invoice)
            if made.action:
                act_soon(made.action)


DUE: dict[Task[[int], None], Callable[..., list[int]]] = {
    submit_invoice: due.submissions,
    carry_out_action: due.actions,
    update_customer: due.customer_updates,
    publish_note: due.notes,
    look_for_deals: due.deal_looks,
    invoice_ready_deal: due.ready_deals,
}
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
    if not cache.add(_mark(task, row_id), True, HANDED_OUT):
        return
    try:
        task.apply_async((row_id,), expires=STALE)
    except OperationalError as error:
        cache.delete(_mark(task, row_id))
        log.warning("the broker takes no messages; what is due waits in the database: %s", error)


def _note_at_once(invoice_id: int) -> None:
    """The note follows the answer, not the next tick."""
    if Invoice.objects.filter(pk=invoice_id, note_due_at__lte=shared_now()).exclude(qbo_invoice_id="").exists():
        hand_out(publish_note, invoice_id)


def _mark(task: Task[[int], None], row_id: int) -> str:
    return f"handed-out:{task.name}:{row_id}"


@contextmanager
def _place(task: Task[[int], None], row_id: int, rows: Rows, service: Service = "quickbooks") -> Iterator[bool]:
    """Whether the worker has a place for one more row of its company. If not, the row is handed out again as soon as
    one of the company's places is free, at the latest by the next tick.
    """
    company_id = _log_for(rows)
    others_wait = f"others-wait:{task.name}:{company_id}"
    with seat(service, company_id) as free:
        if not free:
            cache.delete(_mark(task, row_id))
            cache.set(others_wait, True, HANDED_OUT)
            until = left_alone_until(service, company_id)
            if until and issubclass(rows.model, Intent) and task != publish_note:  # nobody is told of the others' time
                put_off(rows.model, row_id, until)
        yield free
    if free and cache.get(others_wait):
        for next_id in DUE[task](shared_now(), company_id)[:1]:
            hand_out(task, next_id)


def _log_for(rows: Rows) -> int:
    """From here on the log names the rows' company, whose id comes back; 0 for one that has left."""
    number, company_id = rows.values_list("company__pipedrive_company_id", "company_id").first() or (NOBODY, 0)
    logged_company.set(str(number))
    return company_id
