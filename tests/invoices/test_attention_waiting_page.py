"""The desk of the settings: what waits for QuickBooks, what hurries and what cancels it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from integration_settings.errors import ServiceUnavailable
from integration_settings.models import QuickBooksConnection
from invoices import attention, submission
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.models import InvoiceAction
from tests.factories import a_bill_to, a_draft, make_invoice, make_pending_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.invoices.desk import DESK, press
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


def test_what_waits_says_since_when_how_often_and_until_when(desk, company, user):
    now = timezone.now()
    make_pending_invoice(
        company, to_json(a_draft()), attempts=2, next_attempt_at=now + timedelta(seconds=300), created_at=now
    )
    make_pending_invoice(
        company, to_json(a_draft()), submission=Submission.UNKNOWN, attempts=1, sent_at=now,
        next_attempt_at=now + timedelta(seconds=18),
    )  # fmt: skip
    text = desk(user).text
    assert re.search(r"QuickBooks has not taken it since \d\d:\d\d\. Tried 2 times, next try \d\d:\d\d\.", text)
    assert "It is given up " in text
    assert re.search(r"Sent \d\d:\d\d:\d\d, no answer\. Tried 1 time, next try in 20 s; we ask until we know\.", text)
    assert text.count("It is given up") == 1, "what was sent is never given up"


def test_what_waits_for_a_sign_in_says_until_when_it_does(desk, company, user):
    QuickBooksConnection.objects.filter(company=company).update(state="expired", ended_why="refused")
    asked_at = timezone.now().replace(hour=12) - timedelta(days=6)
    until = asked_at + timedelta(days=14)
    make_pending_invoice(company, to_json(a_draft()), created_at=asked_at)
    assert f"It is given up {until.day} {until:%b}" in desk(user).text


@pytest.mark.parametrize("locale", ["en_CA", "lv_LV"])
def test_a_sentence_that_ends_with_a_time_has_one_full_stop(desk, company, user, locale):
    user.locale = locale
    user.save()
    assert re.search(r"Nothing needs you\. Last checked [\d:]+(\s[ap]\.m)?\.", desk(user).text)
    make_pending_invoice(company, to_json(a_draft()), attempts=2, next_attempt_at=timezone.now() + timedelta(hours=3))
    assert re.search(r"next try [\d:]+(\s[ap]\.m)?\. It is given up", desk(user).text)
    assert ".." not in desk(user).text


def test_try_now_makes_it_due_at_once(desk, browse, company, user):
    row = make_pending_invoice(
        company, to_json(a_draft()), attempts=1, next_attempt_at=timezone.now() + timedelta(hours=1)
    )
    browse(user, "settings").post(press(desk(user), "Try now"))
    row.refresh_from_db()
    assert row.next_attempt_at <= timezone.now()


def test_what_was_never_sent_can_be_cancelled_and_says_so_on_the_deal(desk, browse, seen, company, user):
    row = make_pending_invoice(company, to_json(a_draft()), deal_id=12)
    page = desk(user)
    button = page.by_id(f"cancel-{row.public_id}")
    assert button.attributes["data-confirm-button"] == "Withdraw it"
    answer = Page(browse(user, "settings").post(button.attributes["hx-post"]))
    assert "Withdrawn. There is no invoice of it in QuickBooks." in answer.text
    assert "Nothing needs you" in answer.text
    seen(user, 12)
    panel = Page(browse(user, "panel").get("/embed/panel/content", {"resource": "deal", "id": 12}))
    assert "It was withdrawn before it was sent to QuickBooks." in panel.text
    assert panel.has_id(f"again-{row.public_id}")
    story = Page(browse(user, "settings").get(f"{DESK}/{row.public_id}/happened"))
    assert f"{user.name} withdrew it before it was sent to QuickBooks" in story.text


def test_who_cancels_is_told_that_a_new_customer_stays_in_quickbooks(desk, browse, company, user):
    gateway = FakeInvoiceGateway()
    gateway.fail("create_invoice", ServiceUnavailable("quickbooks", "503"))
    row = make_pending_invoice(company, to_json(a_draft(bill_to=a_bill_to(name="Moss & Co"))), organization_id=31)
    submission.submit(row.pk, lambda _connection: gateway)
    assert [customer.name for customer in gateway.customers.values()] == ["Moss & Co"]
    button = desk(user).by_id(f"cancel-{row.public_id}").attributes
    assert "A new customer or item that QuickBooks has already stays there." in button["data-confirm-text"]
    answer = Page(browse(user, "settings").post(button["hx-post"]))
    assert "There is no invoice of it in QuickBooks." in answer.text
    assert "Nothing was sent" not in answer.text


def test_cancelling_a_void_speaks_of_no_invoice_that_would_not_exist(desk, browse, company, user):
    row = make_invoice(company)
    InvoiceAction.objects.create(
        company=company, invoice=row, kind="void", intent_key=row.intent_key, asked_by_id=user.user_id,
        asked_by_name=user.name, next_attempt_at=timezone.now(),
    )  # fmt: skip
    button = desk(user).by_id(f"cancel-{row.public_id}action").attributes
    assert button["data-confirm-text"] == "Nothing of it has been done in QuickBooks, and nothing will be."
    answer = Page(browse(user, "settings").post(button["hx-post"]))
    assert "Withdrawn. Nothing of it has been done in QuickBooks, and nothing will be." in answer.text


def test_what_was_sent_or_is_in_hand_cannot_be_cancelled(desk, browse, company, user):
    now = timezone.now()
    sent = make_pending_invoice(company, to_json(a_draft()), submission=Submission.UNKNOWN, sent_at=now, attempts=1)
    held = make_pending_invoice(company, to_json(a_draft()), lease_until=now + timedelta(seconds=30), lease_token="x")
    page = desk(user)
    for row in (sent, held):
        assert not page.has_id(f"cancel-{row.public_id}")
        answer = Page(browse(user, "settings").post(f"{DESK}/{row.public_id}/cancel"))
        assert "It cannot be withdrawn any more." in answer.text
        row.refresh_from_db()
        assert not row.is_settled


def test_a_list_that_has_not_changed_is_not_sent_again(browse, desk, company, user):
    make_pending_invoice(company, to_json(a_draft()), next_attempt_at=timezone.now() + timedelta(hours=1), attempts=1)
    poll = next(e for e in desk(user).elements if e.attributes.get("hx-trigger") == "every 10s")
    assert browse(user, "settings").get(poll.attributes["hx-get"]).status_code == 204


def test_a_list_that_cannot_be_read_says_so_and_offers_another_try(browse, user, monkeypatch):
    def broken(visitor):
        raise OperationalError("gone")

    monkeypatch.setattr(attention, "desk_of", broken)
    answer = browse(user, "settings").get(DESK)
    assert (answer.status_code, answer.headers["X-Fragment"]) == (503, "swap")
    page = Page(answer)
    assert "The list could not be read" in page.text
    assert press(page, "Try again") == DESK
