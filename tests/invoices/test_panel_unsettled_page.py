"""What the panel says of an invoice that QuickBooks has not confirmed: verified, waiting, refused."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.presentation.say import Say
from tests.factories import D, a_draft, make_invoice, make_pending_invoice
from tests.invoices.panels import DEAL, look

__all__ = ["look"]
pytestmark = pytest.mark.django_db


def test_an_invoice_that_is_being_verified_stands_on_top(look, company):
    draft = to_json(a_draft(deal_id=DEAL, expected_total=D("10740.00")))
    make_invoice(company, deal_id=DEAL, number="1053", created_at=timezone.now() + timedelta(minutes=1))
    make_pending_invoice(company, draft, deal_id=DEAL, submission=Submission.UNKNOWN, sent_at=timezone.now())
    first = look().by_class("row")[0].text
    assert "Being verified" in first
    assert "£10,740.00" in first
    assert "please don’t create it again" in first
    assert "Sent " in first


def test_what_may_be_in_quickbooks_is_not_called_unsent_while_nobody_is_signed_in(look, company):
    draft = to_json(a_draft(deal_id=DEAL))
    make_pending_invoice(company, draft, deal_id=DEAL, submission=Submission.UNKNOWN, sent_at=timezone.now())
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    page = look()
    row = page.by_class("row")[0].text
    assert "Being verified" in row
    assert "We ask it whether the invoice exists as soon as somebody signs in again" in row
    assert "is sent" not in row
    assert "is created once" not in page.text


@pytest.mark.parametrize(
    ("wait", "says"), [(20, "next try in 20 s"), (300, "next try {time}"), (86_400, "next try {time}")]
)
def test_an_invoice_that_waits_and_was_never_sent_is_not_called_sent(look, company, quickbooks, wait, says):
    asked, again = timezone.now() - timedelta(minutes=10), timezone.now() + timedelta(seconds=wait)
    make_pending_invoice(company, to_json(a_draft(deal_id=DEAL)), deal_id=DEAL, created_at=asked, next_attempt_at=again)
    say = Say("en_GB", ZoneInfo(quickbooks.timezone))
    row = look().by_class("row")[0].text
    assert f"Requested {say.clock(asked)}, {says.format(time=say.clock(again))}" in row
    assert "Sent" not in row


def test_a_refused_invoice_says_why_and_leads_back(look, company):
    made = make_pending_invoice(
        company,
        to_json(a_draft(deal_id=DEAL)),
        deal_id=DEAL,
        submission=Submission.REJECTED,
        settled_at=timezone.now(),
        next_attempt_at=None,
        refusal={"code": "6140", "field": "number", "message": "", "detail": "", "trace_id": "1-67"},
    )
    page = look()
    row = page.by_class("row")[0]
    assert "Not created" in row.text
    assert "number is taken in QuickBooks" in row.text
    opened = json.loads(page.by_id(f"again-{made.public_id}").attributes["data-modal-data"])
    assert opened == {"invoice": str(made.public_id), "edit": True}  # the form, and not what is said here already
