"""After “Create invoice”: the page asks what has become of it, and how often."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from integration_settings import formats
from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices import submission
from invoices.domain.status import Submission
from invoices.models import Invoice
from invoices.views import result
from tests.factories import D, a_draft, a_line
from tests.invoices.conftest import NORTHGATE
from tests.invoices.form_answers import address, pressed, state
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "age, said, delay",
    [
        (0, "Usually two to four seconds.", 100),
        (5, "This takes longer than usual.", 100),
        (12, "This is taking long.", 1000),
        (40, "This is taking long.", 2500),
    ],
)
def test_the_page_asks_more_calmly_the_longer_it_takes(stored, watch, age, said, delay):
    with time_machine.travel(timezone.now(), tick=False):
        page = watch(stored(created_at=timezone.now() - timedelta(seconds=age)))
    assert said in page.text
    assert page.by_id("poll").attributes["hx-trigger"].startswith(f"load delay:{delay}ms")


def test_a_new_customer_is_a_step_of_its_own(stored, watch):
    assert "Creating the customer, Bramley Foods Ltd" in watch(stored()).by_class("step--current")[0].text
    page = watch(stored(customer_id="58"))
    assert page.by_class("step--done")[0].text == "Customer created: Bramley Foods Ltd"
    assert page.by_class("step--current")[0].text == "Sending the invoice, £120.00"


@pytest.mark.parametrize(
    "names, said",
    [
        (("Crane hire", "Crane hire"), "Creating the item, Crane hire"),
        (("Crane hire", "Rigging"), "Creating the items: Crane hire, Rigging"),
    ],
)
def test_a_new_item_on_two_lines_is_one_item(stored, watch, names, said):
    lines = tuple(a_line(item_id="", new_item=name, product_id=501) for name in names)
    page = watch(stored(draft=a_draft(deal_id=1, lines=lines), customer_id="58"))
    assert page.by_class("step--current")[0].text == said


def test_a_question_is_held_back_until_the_answer_is_here(harbour, fill_in, monkeypatch):
    browser, fields = fill_in(harbour)
    page, invoice = pressed(browser, fields)
    looks = []

    def the_worker_is_done_at_the_third_look(_seconds):
        looks.append(1)
        if len(looks) == 3:
            submission.submit(invoice.pk)

    monkeypatch.setattr(result.time, "sleep", the_worker_is_done_at_the_third_look)
    page = Page(browser.get(page.by_id("poll").attributes["hx-get"]))
    assert (state(page), len(looks)) == ("created", 3)


def test_the_new_customer_is_told_while_the_invoice_is_under_way(harbour, fill_in, monkeypatch):
    browser, fields = fill_in(harbour, NORTHGATE)
    page, invoice = pressed(browser, fields)
    created = Invoice.objects.filter(pk=invoice.pk)
    monkeypatch.setattr(result.time, "sleep", lambda _seconds: created.update(customer_id="58"))
    monkeypatch.setattr(result, "LONGEST_WAIT", 60)  # the news ends the wait, not its length
    page = Page(browser.get(page.by_id("poll").attributes["hx-get"]))
    assert page.by_class("step--done")[0].text.startswith("Customer created")


def test_when_too_many_wait_a_question_is_answered_at_once_and_comes_back_later(harbour, fill_in, monkeypatch):
    browser, fields = fill_in(harbour)
    page, _invoice = pressed(browser, fields)
    monkeypatch.setattr(result, "WAITING", threading.Semaphore(0))
    monkeypatch.setattr(result.time, "sleep", None)  # nobody waits
    page = Page(browser.get(page.by_id("poll").attributes["hx-get"]))
    assert page.by_id("poll").attributes["hx-trigger"].startswith("load delay:300ms")


def test_a_poll_brings_only_what_is_new(stored, watch, browse, user):
    invoice = stored()
    poll = watch(invoice).by_id("poll").attributes["hx-get"]
    same = Page(browse(user).get(poll))
    assert not same.has_id("result")
    assert same.by_id("poll").attributes["hx-get"] == poll
    Invoice.objects.update(customer_id="58")
    news = Page(browse(user).get(poll))
    assert news.by_id("result").attributes["hx-swap-oob"] == "true"
    assert news.with_attribute("data-autofocus") == []


def test_a_new_state_takes_the_focus_and_is_read_out(stored, watch, browse, user):
    invoice = stored(submission=Submission.UNKNOWN, sent_at=timezone.now())
    page = watch(invoice, poll="1", seen="x", state="sending")
    assert page.with_attribute("data-autofocus")[0].id == "result-title"
    assert page.with_attribute("data-announce")[0].attributes["data-announce"] == (
        "We are checking whether the invoice exists"
    )


def test_a_lost_answer_is_being_verified(stored, watch):
    sent = timezone.now() - timedelta(seconds=35)
    page = watch(
        stored(submission=Submission.UNKNOWN, sent_at=sent, next_attempt_at=timezone.now() + timedelta(seconds=18))
    )
    assert state(page) == "verifying"
    assert "There will never be two." in page.text
    assert page.by_class("step--done")[0].text.startswith("Invoice sent to QuickBooks, ")
    assert page.by_class("step--current")[0].text == "Asking QuickBooks for this invoice. Next try in 20 s"
    assert page.by_id("result-close").text == "Close, keep checking"
    assert "hx-get" in page.by_id("poll").attributes


def test_what_was_sent_days_ago_says_on_which_day(stored, watch):
    sent = timezone.now() - timedelta(days=3)
    page = watch(stored(submission=Submission.UNKNOWN, sent_at=sent, created_at=sent, next_attempt_at=timezone.now()))
    day = formats.format_day_and_month(sent.date(), "en_GB")
    assert page.by_class("step--done")[0].text.startswith(f"Invoice sent to QuickBooks, {day}, ")


def test_who_does_not_want_to_wait_has_quickbooks_asked_at_once(
    stored, watch, browse, user, django_capture_on_commit_callbacks, handed_out
):
    later = timezone.now() + timedelta(seconds=60)
    invoice = stored(submission=Submission.UNKNOWN, sent_at=timezone.now(), next_attempt_at=later)
    button = watch(invoice).by_id("result-check").attributes
    with django_capture_on_commit_callbacks(execute=True):
        page = Page(browse(user).post(button["hx-post"]))
    assert page.by_class("step--current")[0].text == "Asking QuickBooks for this invoice now"
    assert page.with_attribute("data-autofocus") == []  # the button keeps the focus
    assert handed_out() == [("submit_invoice", invoice.pk)]


def test_nothing_is_asked_about_what_is_on_its_way_or_settled(
    stored, watch, browse, user, django_capture_on_commit_callbacks, handed_out
):
    invoice = stored()
    assert not watch(invoice).has_id("result-check")
    with django_capture_on_commit_callbacks(execute=True):
        page = Page(browse(user).post(address(invoice, "check")))
    assert state(page) == "sending"
    assert handed_out() == []


def test_an_intent_waits_while_nobody_is_signed_in(stored, watch, quickbooks):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    page = watch(stored())
    assert state(page) == "waiting"
    assert "The invoice is created once somebody signs in again." in page.text
    assert page.by_id("result-connect").attributes["href"].startswith("/quickbooks/connect?ticket=")


def test_an_intent_waits_while_quickbooks_is_down(stored, watch):
    page = watch(stored(next_attempt_at=timezone.now() + timedelta(seconds=38), attempts=5))
    assert state(page) == "waiting"
    assert "QuickBooks has not taken it yet. Your entries are kept, and we try again until" in page.text
    assert page.by_class("step--current")[0].text == "Invoice not sent to QuickBooks yet. Next try in 40 s"


@time_machine.travel("2026-11-27T12:00:00Z", tick=False)
def test_it_says_until_when_it_is_tried_which_a_sign_in_since_has_moved(stored, watch, user):
    user.locale = "lv_LV"
    user.save()
    asked_at, signed_in_at = timezone.now() - timedelta(days=3), timezone.now() - timedelta(hours=1)
    QuickBooksConnection.objects.update(connected_at=signed_in_at)
    page = watch(stored(created_at=asked_at, next_attempt_at=timezone.now() + timedelta(seconds=38), attempts=5))
    assert "we try again until 29. nov., 11:00." in page.text


def test_a_date_that_ends_with_a_full_stop_brings_no_second_one(stored, watch, user):
    user.locale = "lv_LV"
    user.save()
    values = {"submission": Submission.SUCCEEDED, "number": "1054", "qbo_invoice_id": "9", "total": D(120)}
    page = watch(stored(**values, balance=D(120), due_date=date(2026, 11, 28)))
    assert "nov. It is on the deal" in page.text
