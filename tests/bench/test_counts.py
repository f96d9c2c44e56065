"""The counts that `script/bench` measures at full size, small: reads are what costs money, and none may creep in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.models import QuickBooksConnection
from invoices import following, sweep, webhooks
from invoices.models import Invoice
from tests.bench import months, reads
from tests.bench.months import START, at_random, burst, live, open_form, simulated
from tests.factories import D, an_invoice, an_issued, make_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_rests(monkeypatch):
    monkeypatch.setattr(following, "rest", lambda seconds: None)


def issue(company, gateway, how_many):
    """So many open invoices, ours and QuickBooks'."""
    realm = company.quickbooks.realm_id
    rows = [an_invoice(company, realm, qbo_updated_at=None, qbo_invoice_id=str(number)) for number in range(how_many)]
    Invoice.objects.bulk_create(rows)
    long_ago = timezone.now() - timedelta(days=2)
    for row in rows:
        gateway.invoices[row.qbo_invoice_id] = an_issued(row, updated_at=long_ago)
    return rows


def reads_of(gateway):
    """A call for invoices by id costs one read for each thousand, as the gateway asks."""
    gateway.metered = 0

    def counting(ids, real=gateway.read_invoices):
        gateway.metered += -(-len(set(ids)) // following.IDS_AT_ONCE)
        return real(ids)

    gateway.read_invoices = counting
    return lambda: gateway.metered + gateway.calls.count("changed_since")


@pytest.mark.parametrize("changes", [0, 7, 999, 1000, 1001, 2500])
def test_a_look_costs_one_read_and_beyond_a_thousand_changes_no_more_than_the_law(company, changes):
    gateway = FakeInvoiceGateway()
    rows = issue(company, gateway, 1200)
    for row in rows[: min(changes, 1000) // 2]:
        gateway.change(row.qbo_invoice_id, balance=D(1))
    for row in rows[600 : 600 + min(changes, 1000) // 4]:
        gateway.void(row.qbo_invoice_id)
    for row in rows[900 : 900 + min(changes, 1000) // 4]:
        gateway.delete(row.qbo_invoice_id)
    for number in range(changes - len(gateway_changes(gateway))):
        gateway.invoices[f"other {number}"] = an_issued(Invoice(qbo_invoice_id=f"other {number}", currency="GBP"))
    count = reads_of(gateway)
    following.catch_up(QuickBooksConnection.objects.get(), lambda _: gateway)
    assert count() <= reads.law(changes)
    for row in Invoice.objects.all():
        there = gateway.invoices.get(row.qbo_invoice_id)
        assert (row.deleted_on is not None) == (there is None)
        assert there is None or row.voided_on or row.balance == there.balance


def gateway_changes(gateway):
    since = timezone.now() - timedelta(days=1)
    return [each for each in [*gateway.invoices.values(), *gateway.deleted] if each.updated_at > since]


def test_a_silent_company_costs_a_read_a_day(db):
    with simulated(5) as (vendor, clock):
        live(clock, START + timedelta(days=3), [])
    assert max(vendor.reads.values()) <= 3


def test_a_week_with_bursts_and_forms_costs_no_more_than_its_share_of_the_month(db):
    days, bursts, forms = 7, 5, 5
    with simulated(4) as (vendor, clock):
        dice = months.random.Random(1)
        events = []
        for number in range(4):
            open_form(number)
            events += [(at_random(dice, days), burst(vendor, number)) for _ in range(bursts)]
            events += [(at_random(dice, days), lambda number=number: open_form(number)) for _ in range(forms)]
        vendor.reads.clear()
        live(clock, START + timedelta(days=days), events)
        assert max(vendor.reads.values()) <= days + bursts
        assert Invoice.objects.exclude(balance=D("120.00")).count() == 4


def test_two_hundred_notices_of_one_company_are_answered_by_at_most_two_reads(company):
    gateway = FakeInvoiceGateway()
    rows = issue(company, gateway, 200)
    realm, begun = company.quickbooks.realm_id, timezone.now()
    with months.time_machine.travel(begun, tick=False) as clock:
        for row in rows:
            gateway.change(row.qbo_invoice_id, balance=D(0))
            webhooks.mark({realm})
            clock.shift(timedelta(seconds=0.05))
            sweep.Sweep(lambda pk: None, lambda connection, count: gateway).run(0)
        clock.shift(timedelta(seconds=1))
        sweep.Sweep(lambda pk: None, lambda connection, count: gateway).run(0)
    assert len(gateway.calls) <= 2
    assert not Invoice.objects.exclude(balance=0).exists()


def test_a_payment_of_an_invoice_that_came_along_costs_no_read_beside(company):
    gateway = FakeInvoiceGateway()
    row = make_invoice(company, qbo_updated_at=None)
    gateway.invoices[row.qbo_invoice_id] = an_issued(row)
    gateway.pay(row.qbo_invoice_id, "20.00")
    following.catch_up(QuickBooksConnection.objects.get(), lambda _: gateway)
    assert gateway.calls == ["changed_since"]
