"""A rule with real worker processes: one invoice of a deal that is won, whoever dies meanwhile, e-mailed once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.deal_rules import Outcome
from integration_settings.models import DealRules
from invoices.domain.status import Submission
from invoices.models import Invoice, InvoiceAction, ReadyDeal
from tests.invoices.conftest import deal_id, harbour
from tests.invoices.intents import in_the_books
from tests.invoices.selling import SHELVES, sales
from tests.processes.conftest import settled
from tests.servers import wait_until

__all__ = ["deal_id", "harbour", "sales"]
pytestmark = [pytest.mark.processes, pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]


def begin(sales, *titles):
    sales.set_rule(Outcome.SEND)
    sales.win(*titles)
    DealRules.objects.update(next_look_at=timezone.now())


def test_a_deal_that_is_won_is_invoiced_and_e_mailed_by_itself(start_worker, sales, harbour, control):
    start_worker()
    begin(sales, SHELVES)
    wait_until(InvoiceAction.objects.filter(submission=Submission.SUCCEEDED).exists, seconds=60, what="it is e-mailed")
    invoice = Invoice.objects.get()
    assert len(in_the_books(control, harbour, invoice)) == 1
    assert len(control.requests("quickbooks", method="POST", path="/send")) == 1
    assert ReadyDeal.objects.get().invoice == invoice


def is_looking():
    return DealRules.objects.filter(next_look_at__gt=timezone.now() + timedelta(minutes=1)).exists()


def is_preparing():
    return ReadyDeal.objects.filter(attempts=1).exists()


@pytest.mark.parametrize(
    ("path", "is_at_it"),
    [("/deals$", is_looking), ("/deals/[0-9]+/products$", is_preparing)],
    ids=["while it looks", "while it prepares"],
)
def test_a_worker_that_is_killed_leaves_the_deal_to_the_next_one(start_worker, sales, harbour, control, path, is_at_it):
    control.fault("hang", service="pipedrive", path=path, seconds=10, times=1)
    worker = start_worker()
    begin(sales, SHELVES)
    wait_until(is_at_it, seconds=60, what="a worker has it in hand")
    worker.kill()
    assert not Invoice.objects.exists()
    DealRules.objects.update(next_look_at=timezone.now())
    ReadyDeal.objects.update(next_attempt_at=timezone.now())
    start_worker()
    wait_until(Invoice.objects.exists, seconds=120, what="it is invoiced")
    invoice = settled(Invoice.objects.get(), seconds=120)
    assert len(in_the_books(control, harbour, invoice)) == 1
    assert Invoice.objects.count() == 1
