"""Many companies at once: each is asked once, quiet ones are written together, and none waits for another."""

from __future__ import annotations

import logging
import re
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.db.backends.signals import connection_created
from django.utils import timezone

from integration_settings import oauth, quickbooks, refresh_turns
from integration_settings.crypto import Unreadable
from integration_settings.errors import RateLimited, ServiceUnavailable
from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices import following, sweep
from invoices.domain.status import InvoiceStatus
from invoices.invoice_answers import AppliedPayment
from invoices.models import Invoice
from invoices.reports import status_of
from pipedrive_qb import logs
from tests.factories import D, an_issued, make_company, make_connection, make_invoice, make_user
from tests.fakes.invoice_gateway import FakeInvoiceGateway

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet():
    """Twelve companies that are due, each with one open invoice; the gateway of each by its realm."""
    gateways = {}
    for _ in range(12):
        company = make_company()
        make_user(company)
        connection = make_connection(company, next_sync_at=timezone.now() - timedelta(minutes=1))
        make_invoice(company)
        gateways[connection.realm_id] = FakeInvoiceGateway()
    return gateways


@pytest.fixture
def look(fleet):
    """look() -> the connections that were handed over"""

    def run(seconds=0):
        handed_over = []

        def gateway(connection, count):
            made = fleet[connection.realm_id]
            count(connection.pk)
            return made

        sweep.Sweep(handed_over.append, gateway).run(seconds)
        return handed_over

    return run


def realms():
    return list(QuickBooksConnection.objects.order_by("pk").values_list("realm_id", flat=True))


def change(gateway, invoice, **fields):
    """What QuickBooks says of this invoice from now on."""
    gateway.invoices[invoice.qbo_invoice_id] = an_issued(invoice, **fields)


def test_every_company_that_is_due_is_asked_once_and_is_not_due_afterwards(fleet, look):
    begun = timezone.now()
    assert look() == []
    assert [gateway.calls for gateway in fleet.values()] == [["changed_since"]] * 12
    assert not following.due_connections(timezone.now()).exists()
    for connection in QuickBooksConnection.objects.all():
        assert connection.last_synced_at >= begun
        assert connection.changes_cursor >= begun
        assert (connection.sync_lease_until, connection.reads) == (None, 1)


def test_what_changed_is_taken_over(fleet, look):
    first = Invoice.objects.order_by("pk")[0]
    change(fleet[first.realm_id], first, balance=D(0))
    look()
    first.refresh_from_db()
    assert status_of(first, timezone.now().date()) == InvoiceStatus.PAID
    assert Invoice.objects.filter(balance=0).count() == 1


def test_an_invoice_that_a_payment_names_is_read_beside(fleet, look):
    first = Invoice.objects.order_by("pk")[0]
    gateway = fleet[first.realm_id]
    yesterday = timezone.now() - timedelta(days=1)
    Invoice.objects.filter(pk=first.pk).update(qbo_updated_at=yesterday)
    change(gateway, first, balance=D(0), updated_at=yesterday)
    gateway.payments = [AppliedPayment(timezone.now().date(), (first.qbo_invoice_id,))]
    look()
    assert gateway.calls == ["changed_since", "read_invoices"]
    first.refresh_from_db()
    assert first.balance == 0


def test_a_company_whose_tokens_no_key_opens_keeps_nobody_else_from_being_asked(fleet, look):
    tokens = Unreadable(Fernet(Fernet.generate_key()).encrypt(b"lost").decode())
    QuickBooksConnection.objects.filter(realm_id=realms()[0]).update(access_token=tokens, refresh_token=tokens)
    look()
    assert [gateway.calls for gateway in fleet.values()][1:] == [["changed_since"]] * 11


@pytest.mark.parametrize("error", [ServiceUnavailable("quickbooks", "503"), RuntimeError("a fault of ours")])
def test_one_company_in_trouble_is_asked_later_and_keeps_nobody_else_from_being_asked(fleet, look, error, caplog):
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(logs.Context())
    troubled = realms()[0]
    fleet[troubled].fail("changed_since", error)
    look()
    found = QuickBooksConnection.objects.get(realm_id=troubled)
    assert (found.last_sync_problem, found.sync_lease_until) == (type(error).__name__, None)
    assert found.next_sync_at > timezone.now()
    assert QuickBooksConnection.objects.filter(last_synced_at__isnull=False).count() == 11
    lines = [record for record in caplog.records if record.name.startswith("invoices.")]
    assert lines
    assert {line.company_id for line in lines} == {str(found.company.pipedrive_company_id)}


def test_news_that_are_too_many_are_handed_over_and_not_asked_for_again_here(fleet, look):
    big = QuickBooksConnection.objects.order_by("pk")[0]
    for number in range(1200):
        row = Invoice(qbo_invoice_id=str(number), currency="GBP", total=D(1))
        change(fleet[big.realm_id], row)
    assert look() == [big.pk]
    assert look() == []
    assert fleet[big.realm_id].calls == ["changed_since"]
    assert following.catch_up(QuickBooksConnection.objects.get(pk=big.pk), lambda _: fleet[big.realm_id]) is not None


def test_while_the_months_reads_are_spent_nobody_is_asked(fleet, look, settings):
    settings.QUICKBOOKS_MONTHLY_READ_BUDGET = 1
    QuickBooksConnection.objects.update(reads=5, reads_month=timezone.now().strftime("%Y-%m"))
    look()
    assert [gateway.calls for gateway in fleet.values()] == [[]] * 12
    assert not following.due_connections(timezone.now()).exists()
    assert not QuickBooksConnection.objects.filter(paused_until__isnull=False).exists()  # writes go on


@pytest.mark.parametrize(("spent", "asked"), [(69, True), (70, False)], ids=["there are plenty", "they get scarce"])
def test_one_company_does_not_use_up_the_reads_of_the_others(fleet, look, settings, spent, asked):
    settings.QUICKBOOKS_MONTHLY_READ_BUDGET = 100
    month = timezone.now().strftime("%Y-%m")
    QuickBooksConnection.objects.update(reads=1, reads_month=month)
    QuickBooksConnection.objects.filter(realm_id=realms()[0]).update(reads=spent - 11)
    look()
    assert [bool(fleet[realm].calls) for realm in realms()] == [asked] + 11 * [True]


def test_a_company_that_is_alone_may_use_all_reads(fleet, look, settings):
    settings.QUICKBOOKS_MONTHLY_READ_BUDGET = 100
    month = timezone.now().strftime("%Y-%m")
    QuickBooksConnection.objects.filter(realm_id=realms()[0]).update(reads=95, reads_month=month)
    look()
    assert all(gateway.calls for gateway in fleet.values())


def test_when_the_operator_raises_the_months_reads_everybody_is_asked_within_the_hour(fleet, look, settings):
    settings.QUICKBOOKS_MONTHLY_READ_BUDGET = 1
    QuickBooksConnection.objects.update(reads=5, reads_month=timezone.now().strftime("%Y-%m"))
    QuickBooksConnection.objects.update(access_expires_at=timezone.now() + timedelta(days=1))
    look()
    settings.QUICKBOOKS_MONTHLY_READ_BUDGET = 1000
    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1)):
        cache.clear()
        look()
    assert [gateway.calls for gateway in fleet.values()] == [["changed_since"]] * 12


def test_a_company_that_was_told_to_wait_is_not_asked(fleet, look):
    paused = realms()[0]
    QuickBooksConnection.objects.filter(realm_id=paused).update(paused_until=timezone.now() + timedelta(minutes=1))
    look()
    assert fleet[paused].calls == []


def test_a_company_whose_connection_ended_is_not_asked(fleet, look):
    ended = realms()[0]
    QuickBooksConnection.objects.filter(realm_id=ended).update(state=ConnectionState.ENDED)
    look()
    assert following.catch_up(QuickBooksConnection.objects.get(realm_id=ended), lambda _: fleet[ended]) is None
    assert fleet[ended].calls == []


def test_a_rate_limit_is_obeyed(fleet, look):
    limited = realms()[0]
    fleet[limited].fail("changed_since", RateLimited("quickbooks", "429", retry_after=600))
    look()
    wait = QuickBooksConnection.objects.get(realm_id=limited).next_sync_at - timezone.now()
    assert timedelta(seconds=600) < wait <= timedelta(seconds=610)


def test_two_sweeps_at_once_ask_nobody_twice(fleet, look):
    claimed = following.claim_due(5)
    look()
    assert sum(len(gateway.calls) for gateway in fleet.values()) == 12 - len(claimed) == 7


def test_what_becomes_due_while_it_runs_is_asked_in_the_same_run(fleet, look):
    late = realms()[0]
    QuickBooksConnection.objects.filter(realm_id=late).update(next_sync_at=timezone.now() + timedelta(seconds=0.3))
    look(seconds=1)
    assert fleet[late].calls == ["changed_since"]


def test_what_cannot_be_written_of_one_company_keeps_no_other_from_being_written(fleet, look, monkeypatch):
    first, second = Invoice.objects.order_by("pk")[:2]
    for row in (first, second):
        change(fleet[row.realm_id], row, balance=D(0))
    real = following.apply

    def broken(connection, news):
        if connection.realm_id == first.realm_id:
            raise ValueError("nothing that a row can hold")
        return real(connection, news)

    monkeypatch.setattr(following, "apply", broken)
    look()
    problems = dict(QuickBooksConnection.objects.values_list("realm_id", "last_sync_problem"))
    assert problems.pop(first.realm_id) == "ValueError"
    assert set(problems.values()) == {""}
    second.refresh_from_db()
    assert second.balance == 0


@pytest.mark.django_db(transaction=True)
def test_while_intuit_keeps_silent_about_new_tokens_nobody_stands_in_line_for_one(fleet, vendor, monkeypatch):
    """A line of two hundred, eight at a time, would hold a process of the worker for minutes."""
    monkeypatch.setattr(refresh_turns, "turns", refresh_turns.RefreshTurns())
    monkeypatch.setattr(quickbooks, "turns", refresh_turns.turns)
    monkeypatch.setattr(refresh_turns, "LONG", 0.2)
    asked = []

    def keep_silent(_):
        asked.append(time.monotonic())
        time.sleep(0.3)  # so long is Intuit silent: what took less than LONG holds nobody and does not count
        raise ServiceUnavailable("quickbooks", "no answer")

    monkeypatch.setattr(oauth, "refresh_quickbooks", keep_silent)
    for _ in range(60):
        make_connection(make_company(), next_sync_at=timezone.now() - timedelta(minutes=1))
    healthy = realms()[0]
    over = QuickBooksConnection.objects.exclude(realm_id=healthy)
    over.update(access_expires_at=timezone.now() - timedelta(minutes=1))
    nothing_new = {"CDCResponse": [], "time": timezone.now().isoformat()}
    vendor.add("GET", re.compile(r".*/cdc"), json=nothing_new)
    sweep.Sweep(lambda _: None).run(0)
    assert len(asked) < 2 * refresh_turns.AT_ONCE
    assert set(over.values_list("last_sync_problem", "sync_lease_until")) == {("ServiceUnavailable", None)}
    assert QuickBooksConnection.objects.get(realm_id=healthy).last_synced_at is not None
    assert over.filter(state=ConnectionState.CONNECTED, next_sync_at__gt=timezone.now()).count() == over.count()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("status", "problem"), [(429, "RateLimited"), (401, "ServiceUnavailable")])
def test_a_refusal_that_meets_all_at_once_takes_no_more_connections_of_the_database_than_refreshes(
    fleet, vendor, settings, status, problem
):
    opened, most = [], []

    def count(connection, **_):
        if threading.current_thread().name.startswith("sweep"):
            opened.append(connection)
            most.append(sum(each.connection is not None for each in opened))

    all_at_once = threading.Barrier(len(fleet), timeout=10)

    def refused(request):
        all_at_once.wait()
        return status, {"Retry-After": "60"}, ""

    vendor.add_callback("GET", re.compile(r".*/cdc"), refused)
    connection_created.connect(count)
    try:
        sweep.Sweep(lambda _: None).run(0)
    finally:
        connection_created.disconnect(count)
    assert max(most, default=0) <= 8
    now = timezone.now()
    for found in QuickBooksConnection.objects.all():
        assert (found.last_sync_problem, found.sync_lease_until) == (problem, None)
        assert (found.paused_until is not None and found.paused_until > now) == (status == 429)
