"""Workers whose clocks are wrong: what is due, and whose it is, goes by the database's clock."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
import time_machine
from django.utils import timezone

from integration_settings import clock
from integration_settings.clock import database_now
from invoices import submission
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.leases import claim
from invoices.models import Invoice
from invoices.reports import apply_report, mark_deleted
from tests.factories import a_bill_to, a_draft, an_issued, make_invoice, make_pending_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db,
    pytest.mark.parametrize("wrong", [timedelta(minutes=10), timedelta(minutes=-10)], ids=["ahead", "behind"]),
]


@pytest.fixture(autouse=True)
def two_clocks(monkeypatch):
    monkeypatch.setattr(clock, "database_now", database_now)


@pytest.fixture
def intent(company):
    return make_pending_invoice(company, to_json(a_draft(bill_to=a_bill_to(customer_id="7"))), currency="GBP")


def test_nobody_takes_over_what_another_one_has_in_hand(intent, wrong):
    assert claim(Invoice, intent.pk)
    with time_machine.travel(timezone.now() + wrong):
        assert claim(Invoice, intent.pk) is None


def test_what_is_due_is_taken_at_once(intent, wrong):
    with time_machine.travel(timezone.now() + wrong):
        assert claim(Invoice, intent.pk)


def test_the_second_search_waits_for_its_time(intent, wrong):
    """Without that an invoice whose answer was lost might be sent again while QuickBooks still works on it."""
    gateway = FakeInvoiceGateway()
    gateway.add_customer("Bramley Foods Ltd", customer_id="7")
    Invoice.objects.filter(pk=intent.pk).update(
        submission=Submission.UNKNOWN, sent_at=database_now(), next_attempt_at=database_now(), customer_id="7"
    )
    with time_machine.travel(timezone.now() + wrong):
        submission.submit(intent.pk, lambda connection: gateway)
    intent.refresh_from_db()
    assert gateway.calls == ["find_invoice"]
    gap = intent.next_attempt_at - database_now()
    assert timedelta(seconds=15) < gap <= submission.SEARCH_GAP


def test_a_note_that_became_due_is_due_for_everybody(company, wrong):
    changed, gone = make_invoice(company), make_invoice(company)
    with time_machine.travel(timezone.now() + wrong):
        later = changed.qbo_updated_at + timedelta(seconds=1)
        apply_report(changed, an_issued(changed, balance=0, updated_at=later), place=UTC)
        mark_deleted(gone, place=UTC)
    before, after = database_now() - timedelta(minutes=1), database_now()
    for due_at in Invoice.objects.values_list("note_due_at", flat=True):
        assert before < due_at < after
