"""Tasks are thin: they hand out what is due, once, and lose nothing when the broker is away."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from celery.worker.request import Request
from django.db import transaction
from django.utils import timezone
from kombu import Queue
from kombu.exceptions import OperationalError

from integration_settings import shares
from integration_settings.errors import ServiceUnavailable
from integration_settings.log_context import company_id
from integration_settings.models import QuickBooksConnection
from integration_settings.shares import seat
from invoices import actions, customer_updates, following, notes, submission, tasks
from invoices.customer_updates import Wish
from invoices.domain.actions import Action
from invoices.domain.draft import to_json
from pipedrive_qb.celery import app
from tests.factories import a_draft, make_invoice, make_pending_invoice


@pytest.fixture
def due(company):
    now = timezone.now()
    QuickBooksConnection.objects.update(next_sync_at=now)
    return {
        "submit_invoice": make_pending_invoice(company, to_json(a_draft())).pk,
        "publish_note": make_invoice(company, note_due_at=now).pk,
    }


def test_what_is_due_is_handed_out_once(due, handed_out):
    tasks.dispatch_due_work()
    tasks.dispatch_due_work()
    assert sorted(handed_out()) == sorted(due.items())


def tick(name):
    entry = app.conf.beat_schedule[name]
    app.send_task(entry["task"], **entry["options"])


SENDINGS = [partial(tick, name) for name in app.conf.beat_schedule]


@pytest.mark.parametrize(
    "send", [partial(tasks.hand_out, tasks.submit_invoice, 7), *SENDINGS], ids=["a row", *app.conf.beat_schedule]
)
def test_a_fast_clock_reads_what_a_slow_one_sent(send):
    """Ten minutes fast and ten minutes slow are twenty between the two."""
    wrong = timedelta(minutes=10)
    with time_machine.travel(timezone.now() - wrong):
        send()
    with app.connection_for_read() as broker:
        channel = broker.default_channel
        found = [Queue(name)(channel).get(no_ack=True) for name in ("interactive", "background")]
    (message,) = filter(None, found)
    with time_machine.travel(timezone.now() + wrong):
        assert not Request(message, app=app, task=tasks.submit_invoice).maybe_expire()
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert Request(message, app=app, task=tasks.submit_invoice).maybe_expire()


def test_companies_with_many_news_come_one_after_the_other(quickbooks, monkeypatch):
    """Each holds a process of the worker for minutes, and invoices are created there, too."""
    asked = []

    def meanwhile_another_one_comes(connection, **_):
        asked.append(connection.pk)
        if len(asked) == 1:
            tasks.sync_company(connection.pk)

    monkeypatch.setattr(following, "catch_up", meanwhile_another_one_comes)
    tasks.sync_company(quickbooks.pk)
    assert asked == [quickbooks.pk]
    tasks.sync_company(quickbooks.pk)
    assert len(asked) == 2


def test_what_is_not_due_is_not_handed_out(due, handed_out, company):
    later = timezone.now() + timedelta(minutes=1)
    company.invoices.update(next_attempt_at=later, note_due_at=later)
    QuickBooksConnection.objects.update(next_sync_at=later)
    tasks.dispatch_due_work()
    assert handed_out() == []


def test_a_broker_that_is_away_costs_nothing_but_time(due, monkeypatch, handed_out):
    def away(*_args, **_kwargs):
        raise OperationalError("no broker")

    with monkeypatch.context() as patch:
        for task in (tasks.submit_invoice, tasks.publish_note):
            patch.setattr(task, "apply_async", away)
        tasks.dispatch_due_work()
    tasks.dispatch_due_work()
    assert sorted(handed_out()) == sorted(due.items())


@pytest.mark.django_db(transaction=True)
def test_an_intent_is_handed_out_only_once_it_is_stored(company, handed_out):
    with transaction.atomic():
        invoice = make_pending_invoice(company, to_json(a_draft()))
        tasks.submit_soon(invoice)
        assert handed_out() == []
    assert handed_out() == [("submit_invoice", invoice.pk)]


@pytest.mark.django_db(transaction=True)
def test_an_intent_that_is_rolled_back_is_not_handed_out(company, handed_out):
    with transaction.atomic():
        tasks.submit_soon(make_pending_invoice(company, to_json(a_draft())))
        transaction.set_rollback(True)
    assert handed_out() == []


def test_the_note_follows_the_answer_at_once(company, handed_out, monkeypatch):
    row = make_invoice(company, note_due_at=timezone.now())
    monkeypatch.setattr(submission, "submit", lambda invoice_id: None)
    tasks.submit_invoice(row.pk)
    assert handed_out() == [("publish_note", row.pk)]


def test_each_task_does_its_one_thing_for_its_company(company, monkeypatch):
    row, seen = make_invoice(company), []
    monkeypatch.setattr(submission, "submit", lambda invoice_id: seen.append(("submit", invoice_id, company_id.get())))
    monkeypatch.setattr(notes, "publish_note", lambda invoice_id: seen.append(("note", invoice_id, company_id.get())))
    monkeypatch.setattr(following, "catch_up", lambda found, **_: seen.append(("sync", found.pk, company_id.get())))
    tasks.submit_invoice(row.pk)
    tasks.publish_note(row.pk)
    tasks.sync_company(company.quickbooks.pk)
    number = str(company.pipedrive_company_id)
    assert seen == [
        ("submit", row.pk, number),
        ("note", row.pk, number),
        ("sync", company.quickbooks.pk, number),
    ]


def make_action(company):
    return actions.ask(make_invoice(company), Action.VOID, user=company.users.first(), intent_key=uuid.uuid4())


def make_update(company):
    invoice = make_invoice(company)
    customer_updates.store(invoice, Wish("7", "Birch", ()))
    return invoice.customer_update


WORK = {
    "submit_invoice": (submission, "submit", lambda company: make_pending_invoice(company, to_json(a_draft()))),
    "carry_out_action": (actions, "carry_out", make_action),
    "update_customer": (customer_updates, "carry_out", make_update),
    "publish_note": (notes, "publish_note", lambda company: make_invoice(company, note_due_at=timezone.now())),
}


@pytest.mark.parametrize("name", WORK)
def test_what_finds_its_companys_places_taken_is_handed_out_when_one_is_free(company, handed_out, monkeypatch, name):
    module, work, make = WORK[name]
    task, done, in_hand, waiting = getattr(tasks, name), [], make(company), make(company)
    service, due_at = ("pipedrive", "note_due_at") if name == "publish_note" else ("quickbooks", "next_attempt_at")
    type(in_hand).objects.filter(pk=in_hand.pk).update(**{due_at: None})
    monkeypatch.setattr(module, work, done.append)
    tasks.hand_out(task, waiting.pk)
    handed_out()
    with seat(service, company.pk), seat(service, company.pk):
        task(waiting.pk)
    assert done == handed_out() == []
    task(in_hand.pk)
    assert done == [in_hand.pk]
    assert handed_out() == [(name, waiting.pk)]


@pytest.mark.parametrize("name", [name for name in WORK if name != "publish_note"])
def test_while_quickbooks_is_left_alone_pages_tell_when_it_is_asked_again(company, handed_out, monkeypatch, name):
    module, work, make = WORK[name]
    row, done = make(company), []
    monkeypatch.setattr(module, work, done.append)
    monkeypatch.setattr(shares, "LONG", 0)
    monkeypatch.setattr(shares, "LEFT_ALONE", (20,))
    with pytest.raises(ServiceUnavailable), shares.listening("quickbooks", company.pk):
        raise ServiceUnavailable("quickbooks", "nothing came")
    getattr(tasks, name)(row.pk)
    row.refresh_from_db()
    assert 15 < (row.next_attempt_at - timezone.now()).total_seconds() <= 20
    tasks.dispatch_due_work()
    assert done == [each for each in handed_out() if each[0] == name] == []


@pytest.mark.parametrize("name", WORK)
def test_a_company_does_not_keep_the_others_work_waiting(company, other_company, monkeypatch, name):
    module, work, make = WORK[name]
    row, done = make(other_company), []
    monkeypatch.setattr(module, work, done.append)
    with seat("quickbooks", company.pk), seat("quickbooks", company.pk):
        getattr(tasks, name)(row.pk)
    assert done == [row.pk]


def test_who_waits_with_many_news_goes_before_who_has_just_been_followed(
    company, other_company, handed_out, monkeypatch
):
    """One with many news all the time comes back within a second, those who found it at work after a minute and a
    half: they found it at work each time.
    """
    waiting = other_company.quickbooks.pk

    def meanwhile_another_one_comes(connection, **_):
        if connection.pk != waiting:
            tasks.hand_out(tasks.sync_company, waiting)
            handed_out()
            tasks.sync_company(waiting)

    monkeypatch.setattr(following, "catch_up", meanwhile_another_one_comes)
    tasks.sync_company(company.quickbooks.pk)
    assert handed_out() == [("sync_company", waiting)]
    tasks.sync_company(waiting)
    assert handed_out() == []


@pytest.mark.django_db(transaction=True)
def test_a_company_with_many_news_is_followed_behind_the_others(company, monkeypatch):
    seen = []

    def catch_up(found, still):
        still()
        seen.append((threading.current_thread() is threading.main_thread(), company_id.get(), found.company.pk))
        raise ServiceUnavailable("quickbooks", "503")

    monkeypatch.setattr(following, "catch_up", catch_up)
    tasks.sync_company(company.quickbooks.pk)
    tasks.sync_company(company.quickbooks.pk)
    assert seen == [(False, str(company.pipedrive_company_id), company.pk)] * 2


def test_a_service_in_trouble_is_no_failure_of_the_task(company, monkeypatch):
    def down(_connection, **_):
        raise ServiceUnavailable("quickbooks", "503")

    monkeypatch.setattr(following, "catch_up", down)
    tasks.sync_company(company.quickbooks.pk)


def test_a_row_that_is_gone_is_nobodys_work(db, handed_out):
    tasks.submit_invoice(4711)
    tasks.sync_company(4711)
    tasks.publish_note(4711)
    assert handed_out() == []


def test_one_process_looks_at_the_companies_and_the_next_one_when_it_is_through(company, monkeypatch):
    begun = []

    def run(self, seconds, still, then):
        begun.append(seconds)
        tasks.follow_companies()
        assert len(begun) == 1
        still()
        then()

    monkeypatch.setattr(tasks.sweep.Sweep, "run", run)
    tasks.follow_companies()
    begun.clear()
    tasks.follow_companies()
    assert len(begun) == 1
