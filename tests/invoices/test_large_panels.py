"""The panel of an organization with very many invoices: the database counts them, and only what is shown is made."""

from __future__ import annotations

import itertools
import json
import uuid
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integration_settings.models import ConnectionState
from invoices import selectors
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Invoice, InvoiceAction
from invoices.presentation.panel import ROOM
from invoices.presentation.panel_rows import HEIGHTS
from tests.factories import D, a_draft, an_invoice, make_invoice, make_pending_invoice
from tests.invoices.fragments import Page
from tests.invoices.panels import CONTENT, PARTY, REFRESH, UNLINK, end_connection, row_of

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # the day after, where the company is
TODAY = date(2026, 11, 24)
QUERY = {"resource": "organization", "id": PARTY}
SEEN, HIDDEN = (12, 13, 14, 15), 99


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def of_all_kinds(company, clock):
    """Some sixty invoices of one organization: of each kind there is, in several deals and in two currencies."""
    type(company.quickbooks).objects.update(timezone="Europe/Riga")
    company.quickbooks.refresh_from_db()
    deals, ages = itertools.cycle((*SEEN, HIDDEN)), itertools.count()
    pounds = [
        {},
        {"balance": D("40.00")},
        {"balance": D("0.00"), "paid_on": TODAY},
        {"balance": D("-5.00")},
        {"balance": D("120.00"), "due_date": TODAY},
        {"balance": D("70.00"), "due_date": TODAY - timedelta(days=1)},
        {"due_date": None},
        {"voided_on": TODAY},
        {"deleted_on": TODAY},
        {"total": None, "tax": None, "balance": None},
        {"credits": {"7": "20"}, "balance": D("100.00")},
        {"realm_id": "999"},
    ]
    for columns in [*pounds * 4, {"balance": D("0.00"), "currency": "EUR"}]:
        age = timedelta(hours=next(ages) // 2)  # always two of the same moment
        checked = START - age if columns else None
        values = {"created_at": START - age, "checked_at": checked, "deal_id": next(deals)} | columns
        make_invoice(company, organization_id=PARTY, **values)
    for deal, age, submission in itertools.product((12, 14, HIDDEN), (1, 50), Submission):
        if submission != Submission.SUCCEEDED:
            columns = {"organization_id": PARTY, "deal_id": deal, "submission": submission}
            refusal = {"code": "6000"} if submission == Submission.REJECTED else None
            created = START - timedelta(hours=age)
            make_pending_invoice(company, to_json(a_draft()), created_at=created, refusal=refusal, **columns)
    make_pending_invoice(
        company, deal_id=77, organization_id=PARTY, submission=Submission.REJECTED, refusal={"code": "1"}
    )
    made = Invoice.objects.filter(submission=Submission.SUCCEEDED).order_by("pk")
    for invoice, submission in zip(made[:8], [*Submission] * 2, strict=True):
        beside = {"company": company, "invoice": invoice, "submission": submission, "refusal": {"code": "1"}}
        settled = None if submission in (Submission.PENDING, Submission.UNKNOWN) else START
        asked = {"kind": "void", "intent_key": uuid.uuid4(), "asked_by_id": 1, "asked_by_name": "Priya Nair"}
        InvoiceAction.objects.create(**beside, **asked, settled_at=settled, request_id=uuid.uuid4().hex)
        CustomerUpdate.objects.create(**beside, customer_id="7", customer_name="Bramley", request_id=uuid.uuid4().hex)
    return company


def both(company, deal_ids=(*SEEN, 77)):
    asked = {"resource": "organization", "resource_id": PARTY, "deal_ids": set(deal_ids)}
    return (selectors.panel(company, **asked, first=first) for first in (None, selectors.FIRST))


def test_what_is_counted_by_the_database_is_what_the_rows_come_to(of_all_kinds):
    whole, first = both(of_all_kinds)
    assert len(whole.rows) > 40
    assert replace(whole, rows=()) == replace(first, rows=())
    assert whole.rows[: len(first.rows)] == first.rows
    assert len(first.rows) == selectors.FIRST
    assert whole.sums.overdue.amount == 210
    assert whole.unsettled > 8


def test_the_same_while_nobody_is_signed_in(of_all_kinds):
    of_all_kinds.quickbooks.row().update(state=ConnectionState.ENDED, ended_at=START)
    of_all_kinds.quickbooks.refresh_from_db()
    whole, first = both(of_all_kinds)
    assert whole.waiting == first.waiting == 4


@pytest.mark.parametrize("living", [{"balance": D("0.00")}, {"currency": "EUR"}, {"voided_on": TODAY}])
def test_the_same_whatever_its_invoices_owe(company, clock, living):
    make_invoice(company, organization_id=PARTY, deal_id=12, **living)
    make_invoice(company, organization_id=PARTY, deal_id=12, balance=D("0.00") if "balance" in living else D("120.00"))
    whole, first = both(company)
    assert whole.sums == first.sums


def test_a_deal_that_nobody_was_asked_about_is_never_among_them(of_all_kinds):
    _, first = both(of_all_kinds, deal_ids=(13,))
    assert {row.deal_id for row in first.rows} == {13}
    assert first.deals == 1
    assert list(both(of_all_kinds, deal_ids=()))[1].count == 0


def test_no_list_has_room_for_more_rows_than_are_read():
    assert ROOM // min(HEIGHTS.values()) < selectors.FIRST


# The page


@pytest.fixture
def many(company, user, seen):
    """Three hundred open invoices in three deals."""
    realm = company.quickbooks.realm_id
    moments = (timezone.now() - timedelta(minutes=number) for number in range(300))
    rows = [
        an_invoice(
            company, realm, deal_id=12 + number % 3, organization_id=PARTY, created_at=moment, number=f"N{number}"
        )
        for number, moment in enumerate(moments)
    ]
    Invoice.objects.bulk_create(rows)
    for deal in (12, 13, 14):
        seen(user, deal, title=f"Deal {deal}")
    return company


@contextmanager
def rows_made():
    made = []

    def count(sender, **_):
        made.append(sender)

    post_init.connect(count, sender=Invoice)
    try:
        yield made
    finally:
        post_init.disconnect(count, sender=Invoice)


def test_only_what_is_shown_is_made(many, user, browse):
    browser = browse(user, "panel")
    with rows_made() as made, CaptureQueriesContext(connection) as asked:
        page = Page(browser.get(CONTENT, QUERY))
    assert len(made) == selectors.FIRST
    assert len(asked) == 5  # who looks; of which deals; how much of what; the first rows; the linked customer
    assert page.by_class("panel__count")[0].text == "300"
    assert page.by_id("panel-all").text == "Show 293 more"
    assert "£36,000.00 open 3 deals" in page.text
    assert "N0" in page.text


def test_a_poll_that_finds_nothing_new_makes_no_more(many, user, browse):
    browser = browse(user, "panel")
    poll = Page(browser.get(CONTENT, QUERY)).by_id("panel-poll").attributes["hx-get"]
    with rows_made() as made:
        assert browser.get(poll).status_code == 204
    assert len(made) == selectors.FIRST


def test_who_wants_all_of_them_gets_them(many, user, browse):
    page = Page(browse(user, "panel").get(CONTENT, QUERY | {"all": "1"}))
    assert len(page.by_class("row")) == 300


def test_of_very_many_the_list_has_the_latest_and_says_how_many_it_leaves_out(many, user, browse):
    realm, long_ago = many.quickbooks.realm_id, timezone.now() - timedelta(days=30)
    more = (an_invoice(many, realm, deal_id=12, organization_id=PARTY, created_at=long_ago) for _ in range(250))
    Invoice.objects.bulk_create(more)
    with rows_made() as made:
        page = Page(browse(user, "panel").get(CONTENT, QUERY | {"all": "1"}))
    assert len(page.by_class("row")) == len(made) == selectors.LISTED
    assert page.by_class("panel__count")[0].text == "550"
    assert "50 older invoices are not listed here. QuickBooks has them." in page.text
    assert not page.has_id("panel-all")


def test_whoever_does_something_in_the_list_of_all_stays_in_it(many, user, browse, vendor):
    browser, row = browse(user, "panel"), Invoice.objects.first()
    query = f"resource=organization&id={PARTY}&all=1"
    for address in (f"/embed/invoice/{row.public_id}/put-away", REFRESH, UNLINK, "/embed/panel/disconnect"):
        answer = browser.post(f"{address}?{query}")
        assert len(Page(answer).by_class("row")) == 300, address


def test_a_refresh_counts_all_that_changed_and_makes_what_is_shown(many, user, browse, vendor):
    def books(request):
        """In which two of them were paid meanwhile."""
        paid = Invoice.objects.filter(number__in=("N0", "N299"))
        rows = [
            {"Id": row.qbo_invoice_id, "TotalAmt": 120, "Balance": 0, "DocNumber": row.number, "SyncToken": "1"}
            for row in paid
        ]
        told = {"CDCResponse": [{"QueryResponse": [{"Invoice": rows}]}], "time": timezone.now().isoformat()}
        return 200, {}, json.dumps(told)

    many.quickbooks.row().update(changes_cursor=timezone.now() - timedelta(minutes=10), last_synced_at=None)
    vendor.add_callback("GET", f"{settings.QUICKBOOKS_API_URL}/v3/company/{many.quickbooks.realm_id}/cdc", books)
    with rows_made() as made:
        page = Page(browse(user, "panel").post(f"{REFRESH}?resource=organization&id={PARTY}"))
    assert page.with_attribute("data-announce")[0].attributes["data-announce"].endswith(", 2 invoices changed")
    (row,) = page.by_class("row--changed")
    assert row == row_of(page, "N0")
    assert len(made) == 2 * selectors.FIRST + 4  # those two, in the books above and where they are taken over


def test_that_nobody_is_signed_in_is_said_with_how_many_wait(many, user, browse, quickbooks):
    make_pending_invoice(many, to_json(a_draft()), deal_id=12, organization_id=PARTY)
    end_connection(quickbooks)
    page = Page(browse(user, "panel").get(CONTENT, QUERY))
    assert "1 invoice waits" in page.text
