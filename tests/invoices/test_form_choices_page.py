"""The invoice form: customers and items are found, names looked up, and what few invoices need."""

from __future__ import annotations

import json
import uuid
from datetime import date
from decimal import Decimal

import pytest

from integration_settings import reference
from integration_settings.models import ConnectionState, PipedriveUser, QuickBooksConnection
from invoices.domain.draft import Extras, from_json
from invoices.domain.status import Submission
from invoices.invoice_gateway import QuickBooksGateway
from invoices.models import Invoice
from tests.factories import a_bill_to, make_customer_link
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.desk import submit
from tests.invoices.form_answers import (
    CREATE,
    CUSTOMER,
    CUSTOMERS,
    ITEMS,
    NAME,
    address,
    previewed,
    refused,
    told_at,
)
from tests.invoices.fragments import Page
from tests.invoices.test_deal_gateway import deal_called

pytestmark = pytest.mark.django_db


# Customers


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Ottoline Works:Kitchen 12", ["Kitchen 12"]),
        (" ottoline works :  kitch", ["Kitchen 12"]),
        ("Ottoline Works:", ["Kitchen 12", "Yard"]),
        ("Ottoline: Kitchen", []),
        ("kitchen 12", ["Kitchen 12"]),
    ],
)
def test_a_customer_below_another_is_found_as_quickbooks_and_its_invoices_call_it(harbour, typed, found):
    gateway = QuickBooksGateway(harbour.quickbooks)
    parent = gateway.client.create("Customer", {"DisplayName": "Ottoline Works"}, request_id=uuid.uuid4().hex)
    for name in ("Kitchen 12", "Yard"):
        job = {"DisplayName": name, "Job": True, "ParentRef": {"value": parent["Id"]}, "BillWithParent": True}
        gateway.client.create("Customer", job, request_id=uuid.uuid4().hex)
    assert [customer.name for customer in gateway.search_customers(typed)] == found


# Figures


def test_figures_are_read_as_the_page_shows_them_also_when_its_reader_chose_another_locale_since(harbour, fill_in):
    browser, fields = fill_in(harbour)
    (key, *_) = fields["line"] if isinstance(fields["line"], list) else [fields["line"]]
    PipedriveUser.objects.filter(pk=harbour.user.pk).update(locale="de_DE")
    assert browser.post(CREATE, fields | {f"{key}-quantity": "1,500", f"{key}-price": "2", "over_deal": "yes"})
    line = from_json(Invoice.objects.get().draft).lines[0]
    assert (line.quantity, line.unit_price) == (1500, 2)


def test_a_percent_sign_between_two_digits_makes_no_number_of_them(harbour, fill_in):
    browser, fields = fill_in(harbour)
    (key, *_) = fields["line"] if isinstance(fields["line"], list) else [fields["line"]]
    assert "1%5" in told_at(refused(browser, fields, **{f"{key}-discount": "1%5"}), f"{key}-discount")


def test_an_amount_of_another_currency_is_not_taken_for_one_of_the_invoices(harbour, fill_in):
    browser, fields = fill_in(harbour)
    (key, *_) = fields["line"] if isinstance(fields["line"], list) else [fields["line"]]
    page = refused(browser, fields, discount="$20", **{f"{key}-price": "€1,000"})
    assert "“€1,000” is not a number" in told_at(page, f"{key}-price")
    assert "“$20” cannot be read" in told_at(page, "f-discount")


def test_addresses_go_out_without_what_came_along_with_them(harbour, fill_in):
    browser, fields = fill_in(harbour)
    pasted = {"email": "mailto:jane@doe.example", "cc": "Tom <tom@doe.example>; “ann@doe.example”"}
    assert browser.post(CREATE, fields | pasted).status_code == 200
    draft = from_json(Invoice.objects.get().draft)
    assert (draft.bill_to.email, draft.extras.cc) == ("jane@doe.example", "tom@doe.example, ann@doe.example")


def test_an_invoice_may_go_to_several_addresses(harbour, fill_in):
    browser, fields = fill_in(harbour)
    typed = fields | {"email": "jane@doe.example; Tom <tom@doe.example> ann@doe.example"}
    assert "not an e-mail address" not in previewed(browser, typed, changed="email").text
    assert browser.post(CREATE, typed).status_code == 200
    submit(Invoice.objects.get())
    invoice = Invoice.objects.get()
    assert invoice.email == "jane@doe.example, tom@doe.example, ann@doe.example"
    assert QuickBooksGateway(harbour.quickbooks).client.read("Invoice", invoice.qbo_invoice_id)["BillEmail"] == {
        "Address": invoice.email
    }


# Searching


def test_customers_are_found_by_name_and_chosen(harbour, fill_in):
    browser, fields = fill_in(harbour)
    options = Page(browser.get(CUSTOMERS, {"q": "bram"}))
    assert [option.attributes["data-label"] for option in options.by_class("option")][-1] == "bram"
    farm = next(o for o in options.by_class("option") if o.attributes["data-label"] == "Bramley Farm Foods")
    answer = browser.post(CUSTOMER, fields | {"found": farm.attributes["data-value"], "q": "bram"})
    section = Page(answer)
    chosen = next(e for e in section.elements if e.attributes.get("name") == "customer" and "checked" in e.attributes)
    assert "Bramley Farm Foods" in chosen.parent.text
    fields |= {"customer": chosen.attributes["value"], "kept": section.by_id("f-kept").attributes["value"]}
    assert "“Bramley Farm Foods” is in QuickBooks" in previewed(browser, fields, changed="customer").text


def test_a_search_sends_what_is_searched_for_and_not_the_form(harbour, open_form):
    """In an address, which a proxy writes down and which has no room for the lines of a long deal."""
    _, _, page = open_form(harbour)
    search = page.by_id("f-search").attributes
    assert "hx-get" in search
    assert search["hx-params"] == "q"


def test_the_name_is_looked_up_at_once_when_the_form_proposes_a_new_customer(harbour, open_form):
    _, _, page = open_form(harbour, NORTHGATE)
    assert page.by_id("name-check").attributes["hx-trigger"].startswith("load, change from:#f-name")
    _, _, page = open_form(harbour, RACKING)
    assert "load" not in page.by_id("name-check").attributes["hx-trigger"]


def test_a_name_that_a_vendor_has_is_told_at_the_field_with_a_free_one(harbour, fill_in):
    browser, fields = fill_in(harbour, NORTHGATE)
    page = Page(browser.post(NAME, fields | {"name": "northern steel supplies"}))
    assert "“northern steel supplies” is already a vendor, so QuickBooks needs another name." in page.text
    assert page.by_id("name-free").attributes["data-set"] == "f-name"
    free = page.by_id("name-free").attributes["data-value"]
    assert free == "northern steel supplies (Customer)"
    assert browser.post(NAME, fields | {"name": free}).content == b""


def test_a_name_that_a_customer_has_offers_that_customer(harbour, fill_in):
    browser, fields = fill_in(harbour, NORTHGATE)
    page = Page(browser.post(NAME, fields | {"name": "Moss &  Co"}))
    assert "“Moss & Co” is already a customer in QuickBooks." in page.text
    found = json.loads(page.by_id("name-take").attributes["hx-vals"])["found"]
    section = Page(browser.post(CUSTOMER, fields | {"found": found}))
    chosen = next(e for e in section.elements if e.attributes.get("name") == "customer" and "checked" in e.attributes)
    assert "Moss & Co" in chosen.parent.text


def test_a_taken_name_is_counted_among_what_is_to_fix_until_it_is_changed(harbour, fill_in):
    browser, fields = fill_in(harbour, NORTHGATE, name="Moss & Co")
    taken = Page(browser.post(NAME, fields)).fields()
    assert taken["taken_name"] == "Moss & Co"
    page = refused(browser, fields | taken)
    assert "The customer’s name is taken in QuickBooks" in page.by_id("errors").text
    assert page.by_id("name-check").attributes["hx-trigger"].startswith("load")
    free = fields | taken | {"name": "Moss & Co (Customer)"}
    assert "taken in QuickBooks" not in previewed(browser, free).text


def test_the_name_is_looked_up_for_a_new_customer_only_and_never_stands_in_the_way(harbour, fill_in, control):
    browser, fields = fill_in(harbour, NORTHGATE)
    taken = fields | {"name": "Moss & Co"}
    control.forget_requests()
    assert browser.post(NAME, taken | {"customer": "1"}).content == b""
    assert browser.post(NAME, fields | {"name": " : "}).content == b""
    assert control.requests("quickbooks") == []
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    assert browser.post(NAME, taken).content == b""


def test_the_search_offers_a_new_customer_with_that_name(harbour, fill_in):
    browser, fields = fill_in(harbour)
    section = Page(browser.post(CUSTOMER, fields | {"found": "new", "q": "Harbour Café"}))
    assert section.by_id("f-name").attributes["value"] == "Harbour Café"
    assert "hidden" not in section.by_id("new-customer").attributes


def test_a_search_takes_any_text(harbour, browse):
    browser = browse(harbour.user)
    for text in ("'", "\\", "%", "') OR ('1'='1", "--", "x" * 300, "🍳", "<b>"):
        answer = browser.get(CUSTOMERS, {"q": text + "zz"})
        assert answer.status_code == 200, text
        assert "No customer has" in Page(answer).text


def test_a_customer_of_somebody_else_cannot_be_slipped_in(harbour, connect, fill_in):
    browser, fields = fill_in(harbour)
    stranger = connect("GB")
    theirs = fill_in(stranger)[0]
    option = Page(theirs.get(CUSTOMERS, {"q": "bram"})).by_class("option")[0]
    assert browser.post(CUSTOMER, fields | {"found": option.attributes["data-value"]}).status_code == 410
    assert "No customer is chosen" in refused(browser, fields, customer="4711").by_id("errors").text


def test_items_are_found_by_name_and_sku(harbour, browse, open_form):
    open_form(harbour, RACKING)
    browser = browse(harbour.user)
    labels = lambda q: [o.attributes["data-label"] for o in Page(browser.get(ITEMS, {"q": q})).by_class("option")]  # noqa: E731
    assert labels("rack-4l") == ["Pallet racking bay 4L"]
    assert "Safety manual" in labels("safety")
    assert labels("zzz") == []
    assert len(labels("")) > 3


def test_a_list_of_the_first_of_many_says_that_there_are_others(harbour, browse):
    """Who misses somebody among twenty would create a second one."""
    browser, gateway = browse(harbour.user), QuickBooksGateway(harbour.quickbooks)
    said = "Only the first 20 are shown. Type more of the name to find the others."
    for number in range(21):
        bill_to = a_bill_to(name=f"Zebra {number:02}")
        gateway.create_customer(bill_to, "GBP", mark="", request_id=uuid.uuid4().hex)
    searches = [(CUSTOMERS, "zebra", 21), (CUSTOMERS, "zebra 0", 11), (ITEMS, "", 20), (ITEMS, "rack", None)]
    for path, text, shown in searches:
        page = Page(browser.get(path, {"q": text}))
        many = (path, text) in ((CUSTOMERS, "zebra"), (ITEMS, ""))
        assert shown in (None, len(page.by_class("option"))), "with the new customer"
        assert [e.text for e in page.by_class("list__more")] == [said] * many
        assert (page.with_attribute("data-announce")[0].attributes["data-announce"] == said) == many


def test_a_search_without_an_answer_says_so(harbour, browse, control):
    control.fault("status", status=503, times=None, company=harbour.realm)
    page = Page(browse(harbour.user).get(CUSTOMERS, {"q": "bram"}))
    assert page.text == "QuickBooks does not answer right now"


# What few invoices need


def test_only_what_the_company_uses_is_asked_for(harbour, connect, open_form):
    _, british, page = open_form(harbour, RACKING)
    assert {"own-1", "location_id", "cc", "bcc", "private_note"} <= set(british)
    assert not {"class_id", "own-2"} & set(british)
    assert "PO number (optional)" in page.text
    _, american, _ = open_form(connect("US"), "Prairie Family Clinic – gloves")
    assert "class_id" in american
    assert "location_id" not in american


def test_nobody_is_told_that_the_customer_never_reads_the_private_note(harbour, open_form):
    _, _, page = open_form(harbour, RACKING)
    assert "Not on the invoice, but the customer may read it on statements" in page.text


def test_copies_notes_and_own_fields_are_kept_checked_and_stored(harbour, open_form, fill_in):
    browser, fields, _ = open_form(harbour, RACKING)
    location = next(tag.id for tag in reference.locations(harbour.company))
    typed = {"cc": "boss@bramley.example; wrong", "own-1": "P" * 41, "private_note": "Ask <b>Tom</b>"}
    page = refused(browser, fields, **typed, location_id=location)
    assert told_at(page, "f-cc").startswith("“wrong” is not an e-mail address.")
    assert told_at(page, "f-own-1") == "PO number has 41 characters. QuickBooks takes 31."
    assert [extra.attributes.get("open") for extra in page.by_class("extra")] == ["", ""]
    assert {name: page.fields()[name] for name in typed} == typed
    assert page.fields()["location_id"] == location
    browser, fields = fill_in(harbour)
    # PostgreSQL takes no zero byte.
    mended = fields | {"cc": "boss@bramley.example;b@c.example", "own-1": "BF\0-1", "private_note": "Ask <b>Tom</b>"}
    mended |= {"location_id": location}
    browser.post(CREATE, mended)
    draft = from_json(Invoice.objects.get().draft)
    assert draft.private_note == "Ask <b>Tom</b>"
    assert draft.extras == Extras(
        cc="boss@bramley.example, b@c.example",
        location_id=location,
        own_fields=(("1", "BF-1"),),
    )


def test_each_line_has_a_service_date_of_its_own_where_the_company_uses_them(harbour, open_form, fill_in):
    browser, fields, page = open_form(harbour, RACKING)
    assert not [name for name in fields if "service_date" in name]  # the fields come when they are asked for
    assert page.by_id("f-service-dates").text == "Service date per line"
    assert "lines--dated" not in page.by_id("lines").classes
    page = refused(browser, fields, **{"l2-service_date": "someday"})
    assert told_at(page, "l2-service_date").startswith("Service date is not a date. “someday” cannot be read")
    assert page.fields()["l2-service_date"] == "someday"
    assert "lines--dated" in page.by_id("lines").classes
    assert {page.fields()[f"l{n}-service_date"] for n in (1, 3, 4)} == {""}
    assert not page.has_id("f-service-dates")
    browser, fields = fill_in(harbour)
    browser.post(CREATE, fields | {"l1-service_date": "20 Nov 2026", "l3-service_date": "2026-11-21"})
    dates = [line.service_date for line in from_json(Invoice.objects.get().draft).lines]
    assert dates == [date(2026, 11, 20), None, date(2026, 11, 21), None]


def test_service_dates_are_not_asked_for_where_the_company_does_not_use_them(harbour, open_form):
    QuickBooksConnection.objects.update(profile=harbour.quickbooks.profile | {"has_service_dates": False})
    _, _, page = open_form(harbour, RACKING)
    assert not page.has_id("f-service-dates")
    assert not page.has_id("line-service")


def test_service_dates_are_there_again_after_a_refusal(harbour, fill_in):
    browser, fields = fill_in(harbour)
    browser.post(CREATE, fields | {"l1-service_date": "20 Nov 2026"})
    invoice = Invoice.objects.get()
    Invoice.objects.update(submission=Submission.REJECTED, refusal={"code": "6000"})
    again = Page(browser.post(f"/embed/invoice/{invoice.public_id}/retry")).fields()
    assert (again["l1-service_date"], again["l2-service_date"]) == ("20 Nov 2026", "")


def test_a_location_that_is_not_there_is_told_once_and_never_slipped_in(harbour, fill_in):
    browser, fields = fill_in(harbour, location_id="999999", class_id="1")
    page = refused(browser, fields)
    sentence = "Location: what was chosen is not in use in QuickBooks. Choose another one, or none."
    assert told_at(page, "f-location_id") == sentence
    assert browser.post(CREATE, page.fields()).status_code == 200
    assert from_json(Invoice.objects.get().draft).extras == Extras()


def test_a_location_that_the_books_track_no_more_is_refused_once_and_left_out_then(harbour, fill_in, control):
    browser, fields = fill_in(harbour, location_id=next(tag.id for tag in reference.locations(harbour.company)))
    browser.post(CREATE, fields)
    control.book(harbour.realm, "set_preferences", set={"AccountingInfoPrefs": {"TrackDepartments": False}})
    invoice = Invoice.objects.get()
    submit(invoice)
    again = Page(browser.post(f"/embed/invoice/{invoice.public_id}/retry"))
    assert "QuickBooks says: “Location tracking is turned off”." in again.text
    browser.post(CREATE, again.fields())
    invoice = Invoice.objects.latest("pk")
    submit(invoice)
    assert invoice.submission == Submission.SUCCEEDED


@pytest.mark.parametrize(("credit", "left"), [("500.00", "Open £10,240.00"), ("20000.00", "Open Nothing left to pay")])
def test_an_invoice_that_a_credit_has_paid_at_once_says_what_is_left(harbour, fill_in, control, credit, left):
    invoices = control.books(harbour.realm)["invoices"]
    paid = next(row for row in invoices if row["CustomerRef"]["name"] == "Bramley Foods Ltd" and row["Balance"])
    control.book(harbour.realm, "credit", id=paid["Id"], amount=str(Decimal(credit) + Decimal(str(paid["Balance"]))))
    control.book(harbour.realm, "set_preferences", set={"SalesFormsPrefs": {"AutoApplyCredit": True}})
    browser, fields = fill_in(harbour)
    browser.post(CREATE, fields)
    invoice = Invoice.objects.get()
    submit(invoice)
    page = Page(browser.get(address(invoice)))
    assert "Total £10,740.00" in page.text
    assert left in page.text


def test_the_customer_of_an_organization_that_the_user_may_not_see_is_proposed_all_the_same(
    harbour, open_form, colleague, control
):
    """What somebody chooses is kept for the organization, whoever sees it: a second customer would take its place."""
    company_id, bramley = harbour.pair.pipedrive_company_id, 1
    make_customer_link(harbour.company, party_id=bramley, customer_id="7")
    control.change_company(company_id, {"organizations": {bramley: {"visible_to": 3}}})
    _browser, fields, page = open_form(harbour, RACKING, user=colleague(harbour, 1))
    assert fields["customer"] == "7"
    assert "Your choice is remembered on the organization" in page.by_id("customer-section").text


def test_a_proposed_customer_that_is_kept_in_another_currency_is_told_as_the_form_opens(harbour, open_form, control):
    title = "Rheingold – Küchenlager Köln"
    changes = {"deals": {deal_called(control, harbour.pair, title): {"currency": "GBP"}}}
    control.change_company(harbour.pair.pipedrive_company_id, changes)
    _browser, fields, page = open_form(harbour, title)
    assert fields["customer"] != "new"
    assert "The customer has another currency" in page.by_id("preflight").text


def test_nobody_is_said_to_be_new_while_quickbooks_does_not_tell_its_customers(harbour, open_form, control):
    nobody = "No customer has this name or e-mail address"
    *_, page = open_form(harbour, "Eleanor Finch – garage shelves")
    assert nobody in page.text
    control.fault("status", status=503, path="/query$", times=None, company=harbour.realm)
    *_, page = open_form(harbour, "Eleanor Finch – garage shelves")
    assert nobody not in page.text
    assert "QuickBooks has not said whether it has this customer. Search before you create a new one." in page.text
