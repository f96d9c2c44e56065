"""The customer's own QuickBooks terms set the due date where the company wants that."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from integration_settings import reference
from integration_settings.models import CompanySettings, ReferenceList
from integration_settings.quickbooks import QuickBooksClient
from invoices.domain.draft import from_json, to_json
from invoices.domain.status import Submission
from invoices.invoice_bodies import invoice_body
from invoices.invoice_gateway import QuickBooksGateway, books_of
from invoices.models import Invoice
from tests.factories import a_draft, make_customer_link, make_preset
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
FORM, PREVIEW, CREATE = "/embed/invoice/form", "/embed/invoice/preview", "/embed/invoice/create"
NET_30 = "Net 30, the customer’s terms in QuickBooks"


@pytest.fixture
def wanted(harbour):
    """The company wants the customers' terms first."""
    CompanySettings.objects.filter(company=harbour.company).update(customer_terms_first=True)


def customer_id(tenant, name):
    rows = QuickBooksClient(tenant.quickbooks).query(f"select * from Customer where DisplayName = '{name}'")
    return rows[0]["Id"]


def hint(page):
    return page.by_id("f-due_date-hint").text


def previewed(browser, fields, **changes):
    """(the hint at the due date, the date that the page puts there or "")"""
    page = Page(browser.post(PREVIEW, fields | changes))
    puts = {e.attributes["data-put"]: e.attributes["data-value"] for e in page.with_attribute("data-put")}
    return hint(page), puts.get("f-due_date", "")


def test_unless_the_company_wants_them_they_do_not_count_and_cost_nothing(harbour, open_form, control):
    control.forget_requests()
    _, _, page = open_form(harbour, RACKING)
    assert hint(page) == "14 days after the invoice date"
    assert not [call for call in control.requests("quickbooks") if "Term" in str(call)]
    assert not ReferenceList.objects.filter(company=harbour.company, kind="terms").exists()


def test_they_set_the_due_date_and_say_so(harbour, open_form, wanted):
    _, fields, page = open_form(harbour, RACKING)
    assert fields["customer"] == customer_id(harbour, "Bramley Foods Ltd")
    assert hint(page) == NET_30


def test_a_linked_customers_are_read_with_one_question(harbour, open_form, wanted, control):
    make_customer_link(
        harbour.company,
        party_kind="organization",
        party_id=1,
        customer_id=customer_id(harbour, "Bramley Foods Ltd"),
    )
    open_form(harbour, RACKING)
    control.forget_requests()
    _, _, page = open_form(harbour, RACKING)
    assert hint(page) == NET_30
    assert len(control.requests("quickbooks")) == 1


def test_terms_of_days_before_the_invoice_date_do_not_open_a_form_that_cannot_be_created(harbour, open_form, wanted):
    open_form(harbour, RACKING)
    kept = ReferenceList.objects.get(company=harbour.company, kind="terms")
    kept.rows = [term | {"due_days": -5} for term in kept.rows]
    kept.save()
    _, _, page = open_form(harbour, RACKING)
    assert hint(page) == "14 days after the invoice date"
    assert "before the invoice date" not in page.text


def test_a_new_customer_and_one_without_terms_get_the_companys_days(harbour, open_form, wanted):
    _, fields, page = open_form(harbour, NORTHGATE)
    assert fields["customer"] == "new"
    assert hint(page) == "14 days after the invoice date"


def test_the_untouched_due_date_follows_customer_and_invoice_date(harbour, open_form, wanted):
    browser, fields, page = open_form(harbour, RACKING)
    farm = next(e for e in page.elements if e.attributes.get("name") == "customer" and "Farm" in e.parent.text)
    assert previewed(browser, fields, customer="new", changed="customer")[0] == "14 days after the invoice date"
    said, put = previewed(browser, fields, customer=farm.attributes["value"], changed="customer")
    assert said == "Net 60, the customer’s terms in QuickBooks"
    assert put != fields["due_date"]
    assert previewed(browser, fields, invoice_date="1 Dec 2026") == (NET_30, "31 Dec 2026")


def test_a_typed_due_date_stays_and_is_nobodys_terms(harbour, fill_in, wanted):
    browser, fields = fill_in(harbour)
    typed = fields | {"due_date": "+5", "due_follows": ""}
    assert previewed(browser, typed, invoice_date="1 Dec 2026", changed="invoice_date") == (
        "5 days after the invoice date",
        "",
    )
    browser.post(CREATE, typed)
    assert from_json(Invoice.objects.get().draft).term_id == ""


def test_they_come_before_a_presets_days(harbour, open_form, wanted):
    make_preset(harbour.company, name="Short", due_days=3, is_default=True)
    assert hint(open_form(harbour, RACKING)[2]) == NET_30
    assert hint(open_form(harbour, NORTHGATE)[2]) == "3 days after the invoice date"


def test_a_customer_found_by_searching_brings_its_own(harbour, open_form, wanted):
    browser, fields, _ = open_form(harbour, NORTHGATE)
    options = Page(browser.get("/embed/invoice/customers", {"q": "Moss"}))
    offered = options.by_class("option")[0].attributes["data-value"]
    chosen = Page(browser.post("/embed/invoice/customer", fields | {"found": offered}))
    kept = chosen.by_id("f-kept").attributes["value"]
    said, put = previewed(
        browser, fields, customer=customer_id(harbour, "Moss & Co"), kept=kept, invoice_date="2 Dec 2026"
    )
    assert (said, put) == ("End of month, the customer’s terms in QuickBooks", "31 Dec 2026")


def test_terms_and_due_date_are_sent_together(harbour, fill_in, wanted):
    browser, fields = fill_in(harbour)
    browser.post(CREATE, fields)
    draft = from_json(Invoice.objects.get().draft)
    term = next(term for term in reference.terms(harbour.company) if term.name == "Net 30")
    assert draft.term_id == term.id
    assert draft.due_date == draft.invoice_date + timedelta(days=30)
    books = books_of(harbour.quickbooks)
    body = invoice_body(draft, draft.bill_to.customer_id, books, mark="")
    assert (body["SalesTermRef"], body["DueDate"]) == ({"value": term.id}, draft.due_date.isoformat())
    issued = QuickBooksGateway(harbour.quickbooks).create_invoice(
        draft, draft.bill_to.customer_id, request_id=uuid.uuid4().hex
    )
    assert issued.due_date == draft.due_date


def test_terms_that_are_gone_meanwhile_are_told_at_the_due_date(harbour, fill_in, wanted):
    browser, fields = fill_in(harbour)
    kept = ReferenceList.objects.get(company=harbour.company, kind="terms")
    browser.post(CREATE, fields)
    invoice = Invoice.objects.get()
    draft = from_json(invoice.draft)
    gateway = QuickBooksGateway(harbour.quickbooks)
    assert gateway.inactive_reference(draft, draft.bill_to.customer_id) == ""
    gone = from_json(invoice.draft | {"term_id": "999"})
    assert gateway.inactive_reference(gone, draft.bill_to.customer_id) == "due_date"
    # The form that comes back has read them anew, so that the same press does not fail again.
    kept.rows = [row | {"due_days": 77} for row in kept.rows]
    kept.save()
    Invoice.objects.update(submission=Submission.REJECTED, refusal={"code": "610", "field": "due_date"})
    page = Page(browser.post(f"/embed/invoice/{invoice.public_id}/retry"))
    assert page.by_id("f-due_date").attributes["aria-invalid"] == "true"
    kept.refresh_from_db()
    assert {row["due_days"] for row in kept.rows} != {77}


def test_without_an_answer_about_terms_the_form_opens_with_the_companys_days(harbour, open_form, wanted, control):
    open_form(harbour, RACKING)  # what the form cannot do without is kept now
    ReferenceList.objects.filter(kind="terms").delete()
    control.fault("status", status=503, times=None, company=harbour.realm)
    _, _, page = open_form(harbour, RACKING)
    assert hint(page) == "14 days after the invoice date"


def test_an_older_draft_has_no_terms():
    stored = to_json(a_draft(due_date=date(2026, 12, 7)))
    del stored["term_id"]
    assert from_json(stored).term_id == ""
