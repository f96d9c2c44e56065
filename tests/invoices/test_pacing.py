"""How often QuickBooks is asked: seldom where it tells by itself, and always within the month's reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from integration_settings import read_budget, reference
from integration_settings.errors import RateLimited, ServiceError
from integration_settings.models import QuickBooksConnection
from integration_settings.pipedrive_fields import pipedrive_fields
from integration_settings.read_budget import Level
from invoices import following, services, submission
from invoices.domain.draft import to_json
from invoices.models import Invoice
from tests.factories import a_bill_to, a_draft, make_invoice, make_pending_invoice
from tests.invoices.submitting import START, clock, gateway

__all__ = ["clock", "gateway"]

DAY = timedelta(days=1)


@pytest.fixture
def same_time(clock):
    """The stand-in has a clock of its own, and refuses to tell of what is older than thirty days by it."""
    clock.move_to(time_machine.escape_hatch.datetime.datetime.now(UTC))


@pytest.fixture
def shortest(settings):
    settings.QUICKBOOKS_SYNC_SECONDS = 15 * 60
    return timedelta(minutes=15)


@pytest.fixture
def issued(company, gateway):
    """An open invoice of ours."""
    row = make_pending_invoice(company, to_json(a_draft(bill_to=a_bill_to(customer_id="7"))), currency="GBP")
    submission.submit(row.pk, lambda connection: gateway)
    row.refresh_from_db()
    return row


def look(company, gateway):
    """Until when nobody looks again."""
    following.catch_up(QuickBooksConnection.objects.get(company=company), lambda connection: gateway)
    return QuickBooksConnection.objects.get(company=company).next_sync_at - timezone.now()


def told(company):
    QuickBooksConnection.objects.filter(company=company).update(last_notice_at=timezone.now())


@pytest.mark.parametrize("days, times", [(0, 1), (2, 1), (4, 4), (13, 4), (15, 16), (28, 16)])
def test_an_open_invoice_is_looked_at_more_seldom_the_longer_nothing_happens(
    company, gateway, shortest, clock, days, times
):
    make_invoice(company, qbo_updated_at=None)
    clock.shift(timedelta(days=days))
    assert look(company, gateway) == shortest * times


def test_a_company_that_is_told_costs_one_read_a_day(company, gateway, issued, shortest, clock):
    """Seven days of silence: what is due is asked, and nothing else."""
    told(company)
    gateway.calls.clear()
    ends = START + 7 * DAY
    clock.shift(shortest)
    while timezone.now() < ends:
        if following.due_connections(timezone.now()):
            look(company, gateway)
        clock.shift(shortest)
    assert gateway.calls.count("changed_since") == len(gateway.calls) <= 7


def test_a_change_that_no_notice_told_brings_the_frequent_looks_back_until_the_next_notice(
    company, gateway, issued, shortest, clock
):
    told(company)
    assert look(company, gateway) == DAY
    clock.shift(timedelta(hours=3))
    gateway.pay(issued.qbo_invoice_id, "40.00")
    clock.shift(timedelta(hours=20))
    assert look(company, gateway) == shortest
    clock.shift(timedelta(minutes=15))
    told(company)
    assert look(company, gateway) == DAY


def test_a_change_that_is_younger_than_its_notice_may_be_proves_nothing(company, gateway, issued, clock):
    told(company)
    look(company, gateway)
    clock.shift(timedelta(hours=3))
    gateway.pay(issued.qbo_invoice_id, "40.00")
    clock.shift(timedelta(minutes=5))
    assert look(company, gateway) == DAY


def test_nothing_open_is_looked_at_once_a_day(company, gateway, issued):
    Invoice.objects.update(balance=0)
    gateway.change(issued.qbo_invoice_id, balance=0)
    assert look(company, gateway) == DAY


# The month's reads


def spend(percent, settings):
    settings.QUICKBOOKS_MONTHLY_READ_BUDGET = 1000
    QuickBooksConnection.objects.update(reads=10 * percent, reads_month="2026-11")
    cache.clear()


@pytest.mark.parametrize("percent, times", [(69, 1), (70, 2), (89, 2), (90, 8), (99, 8)])
def test_looks_get_slower_before_the_reads_run_out(company, gateway, issued, shortest, settings, percent, times):
    spend(percent, settings)
    assert look(company, gateway) == shortest * times


def test_when_the_reads_are_spent_nobody_looks_before_next_month_and_invoices_are_created_all_the_same(
    company, gateway, issued, settings, clock
):
    spend(100, settings)
    gateway.calls.clear()
    with pytest.raises(RateLimited):
        look(company, gateway)
    assert gateway.calls == []
    assert QuickBooksConnection.objects.get().next_sync_at == timezone.now() + timedelta(hours=1)
    clock.move_to(datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    with pytest.raises(RateLimited):
        look(company, gateway)
    assert gateway.calls == []

    draft = to_json(a_draft(bill_to=a_bill_to(customer_id="7"), memo="another"))
    row = make_pending_invoice(company, draft, currency="GBP")
    submission.submit(row.pk, lambda connection: gateway)
    row.refresh_from_db()
    assert row.qbo_invoice_id

    clock.move_to(datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC))
    cache.clear()
    assert read_budget.level() == Level.PLENTY
    assert look(company, gateway) > timedelta(0)


def test_a_kept_list_serves_when_the_reads_are_spent(connect, control, settings, clock):
    tenant = connect("GB")
    known = reference.items(tenant.company)
    spend(100, settings)
    control.forget_requests()
    clock.shift(timedelta(days=2))
    assert reference.items(tenant.company) == known
    assert control.requests("quickbooks") == []


def test_answered_reads_are_counted_and_writes_are_not(connect, control, clock):
    tenant = connect("GB")
    QuickBooksConnection.objects.update(reads=0)
    reference.items(tenant.company, timedelta(0))
    gateway = following.QuickBooksGateway(tenant.quickbooks)
    gateway.create_customer(a_bill_to(name="Somebody new"), "GBP", mark="m", request_id="1")
    control.fault("status", path="query", status=400, times=1)
    with pytest.raises(ServiceError):
        gateway.search_customers("x")
    assert QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk).reads == 1
    clock.shift(timedelta(days=30))
    reference.items(tenant.company, timedelta(0))
    found = QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk)
    assert (found.reads_month, found.reads) == ("2026-12", 1)


def test_when_the_reads_are_spent_customers_are_not_searched_and_pipedrives_lists_are_read_all_the_same(
    connect, control, settings, clock
):
    tenant = connect("GB")
    pipedrive_fields(tenant.user)
    spend(100, settings)
    control.forget_requests()
    clock.shift(timedelta(hours=2))
    with pytest.raises(RateLimited):
        services.search_customers(tenant.quickbooks, "moss")
    with pytest.raises(RateLimited):
        services.name_clash(tenant.quickbooks, "Moss & Co")
    pipedrive_fields(tenant.user)
    assert control.requests("quickbooks") == []
    assert control.requests("pipedrive") != []


def test_the_operator_is_told_in_time(company, settings, caplog):
    for percent, expected in ((10, 0), (70, 1), (95, 2)):
        spend(percent, settings)
        read_budget.warn()
        assert len([record for record in caplog.records if "QuickBooks reads" in record.message]) == expected


# Lists


def test_lists_are_not_called_young_while_something_that_was_told_is_unread(company):
    row = QuickBooksConnection.objects.get(company=company)
    row.last_synced_at, row.last_notice_at = START - timedelta(hours=2), START - timedelta(hours=3)
    assert row.changes_known_until == START
    row.last_notice_at = START - timedelta(hours=1)
    assert row.changes_known_until == START - timedelta(hours=2)


def test_lists_are_not_called_young_when_nobody_has_looked_for_days(company):
    """What was told while nothing ran is lost, and nobody knows that it was."""
    row = QuickBooksConnection.objects.get(company=company)
    row.last_synced_at, row.last_notice_at = START - timedelta(days=31), START - timedelta(days=32)
    assert row.changes_known_until == START - timedelta(days=31)


def test_accounts_of_which_no_notice_tells_are_as_old_as_the_last_look(same_time, connect, control, clock):
    tenant = connect("GB")
    reference.terms(tenant.company)
    before = reference.income_accounts(tenant.company)
    following.catch_up(tenant.quickbooks)
    QuickBooksConnection.objects.update(last_notice_at=timezone.now())
    clock.shift(timedelta(minutes=30))
    QuickBooksConnection.objects.update(last_synced_at=timezone.now())
    control.book(tenant.realm, "list_activity", entity="Account", id=before[0].id, active=False)
    clock.shift(timedelta(hours=2))
    tenant.company.refresh_from_db()
    control.forget_requests()
    reference.terms(tenant.company)
    assert control.requests("quickbooks") == []
    assert before[0] not in reference.income_accounts(tenant.company)


def test_lists_stay_young_while_changes_are_followed_and_changed_items_come_along(same_time, connect, control):
    tenant = connect("GB")
    connection = tenant.quickbooks
    tenant.company.refresh_from_db()  # as a page knows it: without what else this test holds of it
    (first, *_) = reference.items(tenant.company)
    reference.terms(tenant.company)
    following.catch_up(connection)
    with time_machine.travel(timezone.now() + timedelta(minutes=50), tick=True):
        QuickBooksConnection.objects.update(last_synced_at=timezone.now())
        with time_machine.travel(timezone.now() + timedelta(minutes=50), tick=True):
            control.forget_requests()
            reference.items(tenant.company)
            reference.terms(tenant.company)
            assert control.requests("quickbooks") == []
    control.book(tenant.realm, "edit_item", id=first.id, set={"Name": "Renamed by the bookkeeper"})
    control.book(tenant.realm, "list_activity", entity="Term", id="1", active=False)
    connection.refresh_from_db()
    following.catch_up(connection)
    control.forget_requests()
    assert "Renamed by the bookkeeper" in {item.name for item in reference.items(tenant.company)}
    assert control.requests("quickbooks") == []
    reference.terms(tenant.company)
    assert len(control.requests("quickbooks")) == 1


def test_a_changed_item_takes_the_place_of_the_earlier_one(company):
    from integration_settings.models import ReferenceList

    ReferenceList.objects.create(company=company, kind="items", rows=[], fetched_at=timezone.now())
    item = reference.Item("1", "Rack", "R", "Service", True, None, "", False)
    reference.keep_items(company.quickbooks, [item, replace(item, id="2"), replace(item, id="3")])
    reference.keep_items(company.quickbooks, [replace(item, name="Shelf"), replace(item, id="3", type="Category")])
    assert {each.id: each.name for each in reference.items(company)} == {"1": "Shelf", "2": "Rack"}
    reference.keep_items(company.quickbooks, [replace(item, id="2", type="Category")])
    assert [each.id for each in reference.items(company)] == ["1"]
