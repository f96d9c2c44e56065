"""Intents in front of a gateway that is a fake, at a time that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import time_machine
from django.utils import timezone

from integration_settings.errors import OutcomeUnknown, ServiceUnavailable
from invoices import submission
from invoices.domain.draft import to_json
from tests.factories import a_bill_to, a_draft, make_pending_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LOST = OutcomeUnknown("quickbooks", "POST timed out")
DOWN = ServiceUnavailable("quickbooks", "POST never left us")
BROKEN = OutcomeUnknown("quickbooks", "POST answered 500")


class Killed(BaseException):
    """What a killed process never comes back from."""


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def gateway():
    made = FakeInvoiceGateway()
    made.add_customer("Bramley Foods Ltd", customer_id="7")
    return made


@pytest.fixture
def known(company):
    """An intent for a customer that exists."""
    return make_pending_invoice(company, to_json(a_draft(bill_to=a_bill_to(customer_id="7"))), currency="GBP")


@pytest.fixture
def new(company):
    """An intent for a customer that has to be created first."""
    draft = a_draft(bill_to=a_bill_to(name="Moss & Co"))
    return make_pending_invoice(
        company, to_json(draft), currency="GBP", organization_id=31, customer_request_id="customer-1"
    )


def submit(invoice, gateway):
    submission.submit(invoice.pk, lambda connection: gateway)
    invoice.refresh_from_db()


def until_settled(carry_out, row, gateway, clock, *, within=timedelta(minutes=10)):
    """As the dispatcher does: again whenever it is due, until it is settled. Answers how long that took."""
    began = timezone.now()
    while not row.is_settled:
        assert timezone.now() - began <= within, f"still {row.submission} after {within}"
        clock.move_to(max(timezone.now(), row.next_attempt_at, row.lease_until or timezone.now()))
        clock.shift(timedelta(milliseconds=1))
        carry_out(row, gateway)
    return timezone.now() - began


settle = partial(until_settled, submit)
