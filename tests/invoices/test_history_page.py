"""The history behind the "…" of an invoice: for administrators, with what support asks for."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from invoices.domain.status import Submission
from invoices.models import InvoiceAction, QuickBooksWrite
from tests.factories import make_invoice, make_pending_invoice, make_user
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
DEAL = 12
QUERY = {"resource": "deal", "id": DEAL}
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def look(browse, seen):
    def get(user, path, query=None):
        seen(user, DEAL)
        return browse(user, "panel").get(path, query)

    return get


def address(invoice):
    return f"/embed/invoice/{invoice.public_id}/history"


def a_write(invoice, minutes, **fields):
    values = {"kind": "create_invoice", "asked_by_name": "Priya Nair", "request_id": "r1", "outcome": "done"} | fields
    moment = START + timedelta(minutes=minutes)
    return QuickBooksWrite.objects.create(company=invoice.company, invoice=invoice, begun_at=moment, **values)


def steps(page):
    return [element.text for element in page.elements if element.tag == "li"]


def test_the_steps_come_in_their_order_with_times_and_trace_ids(look, user, company, quickbooks):
    invoice = make_invoice(company, deal_id=DEAL, number="1051", created_at=START)
    a_write(invoice, 3, kind="void", asked_by_name="Tom Hale", outcome="refused", code="6540", trace_id="1-void")
    a_write(
        invoice, 1, trace_id="1-made", sent_fields=["Line", "CustomerRef", "sparse", "NewThing"], sent_digest="ab" * 32
    )
    page = Page(look(user, address(invoice)))
    asked, made, void = steps(page)
    assert "Priya Nair asked for the invoice" in asked
    assert "24 Nov 2026, 09:00:00" in asked
    assert "Create the invoice: done" in made
    assert "Intuit request id 1-made" in made
    assert "sent: Lines, Customer, NewThing" in made
    assert "digest abababababababab" in made
    assert "Void the invoice: refused" in void
    assert "asked by Tom Hale, QuickBooks code 6540, Intuit request id 1-void, our request id r1" in void
    (copy,) = page.with_attribute("data-copy")
    for told in ("History of invoice 1051", "1-made", "1-void", "09:03:00"):
        assert told in copy.attributes["data-copy"]


@pytest.mark.parametrize(
    ("own", "told"),
    [("Europe/Lisbon", "09:00:00"), ("Europe/Berlin", "09:00:00 GMT"), ("Nowhere/Land", "09:00:00")],
)
def test_whoever_works_in_another_time_zone_is_told_which_one_a_time_is_in(look, user, company, quickbooks, own, told):
    user.timezone = own
    user.save()
    invoice = make_invoice(company, deal_id=DEAL, number="1051", created_at=START)
    asked = steps(Page(look(user, address(invoice))))[0]
    assert asked.replace("\u00a0", " ").endswith(f"24 Nov 2026, {told}")


def test_an_invoice_that_was_found_again_says_so(look, user, company, quickbooks):
    invoice = make_invoice(company, deal_id=DEAL, created_at=START, settled_at=START + timedelta(minutes=2))
    a_write(invoice, 1, outcome="unknown")
    assert [text.partition(" 24 Nov")[0] for text in steps(Page(look(user, address(invoice))))] == [
        "Priya Nair asked for the invoice",
        "Create the invoice: no answer in time",
        "The invoice is in QuickBooks",
    ]


@pytest.mark.parametrize(
    "kind, ended, told",
    [
        ("void", {}, "The invoice is void in QuickBooks"),
        ("delete", {}, "The invoice is not in QuickBooks any more"),
        ("send", {}, "QuickBooks has sent the e-mail"),
        ("send", {"code": "not_sent"}, "The e-mail was not sent. QuickBooks shows no trace of it."),
        ("void", {"code": "paid_meanwhile"}, "The invoice was not voided. A payment has come in"),
    ],
)
def test_what_a_look_told_ends_the_history_of_a_lost_answer(look, user, company, quickbooks, kind, ended, told):
    invoice = make_invoice(company, deal_id=DEAL, created_at=START, settled_at=START)
    a_write(invoice, 0, request_id="r1")
    a_write(invoice, 5, kind=kind, outcome="unknown", request_id="r2-0")
    submission = Submission.REJECTED if ended else Submission.SUCCEEDED
    InvoiceAction.objects.create(
        company=company,
        invoice=invoice,
        kind=kind,
        intent_key=uuid.uuid4(),
        request_id="r2",
        asked_by_id=user.user_id,
        asked_by_name=user.name,
        submission=submission,
        refusal=ended or None,
        settled_at=START + timedelta(minutes=6),
    )
    *_, lost, last = steps(Page(look(user, address(invoice))))
    assert "no answer in time" in lost
    assert last.startswith(told)
    answer = {"outcome": "refused", "code": ended["code"]} if ended else {"outcome": "done"}
    QuickBooksWrite.objects.filter(request_id="r2-0").update(**answer)
    assert told not in Page(look(user, address(invoice))).text, "its own answer told"


def test_a_refused_try_is_not_the_last_word_when_a_look_found_it_done(look, user, company, quickbooks):
    invoice = make_invoice(company, deal_id=DEAL, created_at=START, settled_at=START)
    a_write(invoice, 5, kind="void", outcome="refused", code="5010", request_id="r2-0")
    InvoiceAction.objects.create(
        company=company,
        invoice=invoice,
        kind="void",
        intent_key=uuid.uuid4(),
        request_id="r2",
        asked_by_id=user.user_id,
        asked_by_name=user.name,
        submission=Submission.SUCCEEDED,
        settled_at=START + timedelta(minutes=6),
    )
    assert steps(Page(look(user, address(invoice))))[-1].startswith("The invoice is void in QuickBooks")


@pytest.mark.parametrize("outcome, told", [("", "under way"), ("nothing_done", "not done, tried again later")])
def test_what_is_not_over_is_told_too(look, user, company, quickbooks, outcome, told):
    invoice = make_pending_invoice(company, deal_id=DEAL)
    a_write(invoice, 1, outcome=outcome, tries=3)
    page = Page(look(user, address(invoice)))
    assert told in page.text
    assert "try 3" in page.text
    assert "History of the invoice" in page.text  # it has no number yet


@pytest.mark.parametrize("submission", [Submission.SUCCEEDED, Submission.REJECTED, Submission.UNKNOWN])
def test_the_menu_leads_there_for_administrators_alone(look, user, company, quickbooks, submission):
    make = make_invoice if submission == Submission.SUCCEEDED else make_pending_invoice
    invoice = make(company, deal_id=DEAL, submission=submission)
    tom = make_user(company, is_admin=False)

    def led_to(reader):
        page = Page(look(reader, "/embed/panel/content", QUERY))
        return [e.attributes["hx-get"] for e in page.elements if e.text == "History" and "hx-get" in e.attributes]

    assert led_to(user) == [address(invoice)]
    assert led_to(tom) == []
    refused = look(tom, address(invoice))
    assert refused.status_code == 403
    assert f"Ask {user.name}." in Page(refused).text
