"""Many companies are written together; one whose row is held just then, for a new token, comes after the others."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from integration_settings.errors import RateLimited, ServiceUnavailable
from integration_settings.models import QuickBooksConnection
from invoices import actions, submission, sweep
from invoices.domain.actions import Action
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.factories import (
    D,
    a_bill_to,
    a_draft,
    an_issued,
    make_company,
    make_connection,
    make_invoice,
    make_pending_invoice,
)
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.invoices.acting import an_open_one, want
from tests.invoices.meanwhile import beside
from tests.servers import wait_until

__all__ = ["beside"]

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def paid():
    """Three companies that are due, in each of which an invoice is paid now."""
    companies = [make_company() for _ in range(3)]
    for company in companies:
        make_connection(company, next_sync_at=timezone.now() - timedelta(minutes=1))
        make_invoice(company)
    return list(Invoice.objects.order_by("pk"))


@pytest.fixture
def hold(beside):
    """hold(rows): somebody else holds them when it answers, until hold.over is set."""
    over = threading.Event()

    def run(rows):
        held = threading.Event()

        def work():
            with transaction.atomic():
                list(rows.select_for_update())
                held.set()
                over.wait(30)

        beside(work)
        assert held.wait(10)

    run.over = over
    yield run
    over.set()


@pytest.mark.parametrize("seconds", [0, 2])
def test_the_others_news_do_not_wait_for_a_company_whose_token_is_being_refreshed(paid, beside, hold, seconds):
    held = paid[1].realm_id

    def gateway(connection, count):
        books = FakeInvoiceGateway()
        row = next(each for each in paid if each.realm_id == connection.realm_id)
        books.invoices[row.qbo_invoice_id] = an_issued(row, balance=D(0))
        if connection.realm_id == held:
            hold(connection.row())  # after the claim
        count(connection.pk)
        return books

    sweeping = beside(sweep.Sweep(lambda _: None, gateway).run, seconds)
    looked = QuickBooksConnection.objects.filter(last_synced_at__isnull=False, sync_lease_until=None, reads=1)
    wait_until(lambda: looked.count() == 2, seconds=10, what="the others are looked at")
    assert held not in looked.values_list("realm_id", flat=True)
    hold.over.set()
    assert sweeping.result(20) == 3
    assert (looked.count(), Invoice.objects.filter(balance=0).count()) == (3, 3)


TROUBLE = {
    "it was in vain": ServiceUnavailable("quickbooks", "503"),
    "it is to wait": RateLimited("quickbooks", "429", retry_after=600),
}


@pytest.mark.parametrize("what", [*TROUBLE, "its news are too many"])
def test_the_others_news_do_not_wait_for_a_held_company_of_which_nothing_is_to_be_written(paid, beside, hold, what):
    held, handed_over = QuickBooksConnection.objects.get(realm_id=paid[1].realm_id), []
    if what not in TROUBLE:
        held.row().update(changes_cursor=timezone.now() - timedelta(days=60))

    def gateway(connection, count):
        books = FakeInvoiceGateway()
        row = next(each for each in paid if each.realm_id == connection.realm_id)
        books.invoices[row.qbo_invoice_id] = an_issued(row, balance=D(0))
        if connection.pk == held.pk:
            hold(connection.row())
            if what in TROUBLE:
                books.fail("changed_since", TROUBLE[what])
        return books

    sweeping = beside(sweep.Sweep(handed_over.append, gateway).run, 0)
    looked = QuickBooksConnection.objects.filter(last_synced_at__isnull=False, sync_lease_until=None)
    wait_until(lambda: looked.count() == 2, seconds=5, what="the others are looked at")
    assert not handed_over
    hold.over.set()
    assert sweeping.result(20) == 3
    held.refresh_from_db()
    assert held.sync_lease_until is None
    assert held.next_sync_at > timezone.now()
    assert (held.paused_until is not None, handed_over) == (
        what == "it is to wait",
        [] if what in TROUBLE else [held.pk],
    )


@pytest.mark.parametrize("done", ["created", "voided"])
def test_nobody_waits_for_what_is_recorded_while_its_companys_token_is_being_refreshed(
    company, user, quickbooks, beside, hold, done
):
    """With the company in hand, whoever presses “Create invoice” there would wait for Intuit, too."""
    gateway = FakeInvoiceGateway()
    gateway.add_customer("Bramley Foods Ltd", customer_id="7")
    if done == "created":
        draft = to_json(a_draft(bill_to=a_bill_to(customer_id="7")))
        work, intent = submission.submit, make_pending_invoice(company, draft, currency="GBP")
    else:
        work, intent = actions.carry_out, want(an_open_one(company, gateway), Action.VOID, user)
    quickbooks.row().update(next_sync_at=timezone.now() + timedelta(days=1))
    hold(quickbooks.row())
    recording = beside(work, intent.pk, lambda _: gateway)
    settled = type(intent).objects.filter(pk=intent.pk, submission=Submission.SUCCEEDED)
    wait_until(settled.exists, seconds=5, what="it is recorded")
    hold.over.set()
    recording.result(20)
    quickbooks.refresh_from_db()
    assert quickbooks.next_sync_at < timezone.now() + timedelta(hours=1)
