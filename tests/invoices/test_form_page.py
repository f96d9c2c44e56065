"""The invoice form: how it opens, what follows each change, and how faults come back."""

from __future__ import annotations

import json
import uuid
from datetime import date, timedelta

import pytest
import time_machine
from django.core import signing
from django.utils import timezone

from integration_settings import reference
from integration_settings.models import ConnectionState, QuickBooksConnection
from integration_settings.quickbooks import QuickBooksClient
from invoices.domain.draft import Extras, from_json
from invoices.domain.status import Submission
from invoices.form_memory import SALT
from invoices.models import CustomerLink, Invoice
from tests.factories import frame_token_of, make_customer_link
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
FORM, PREVIEW, CREATE = "/embed/invoice/form", "/embed/invoice/preview", "/embed/invoice/create"
CUSTOMERS, CUSTOMER, ITEMS = "/embed/invoice/customers", "/embed/invoice/customer", "/embed/invoice/items"
NAME = "/embed/invoice/name"


def finding_titles(page, kind):
    return [element.text for element in page.by_class(f"finding--{kind}")]


def previewed(browser, fields, **changes):
    answer = browser.post(PREVIEW, fields | changes)
    assert answer.status_code == 200
    return Page(answer)


def refused(browser, fields, **changes):
    """The form as it comes back after a press that could not be taken; nothing was stored."""
    answer = browser.post(CREATE, fields | changes)
    assert answer.status_code == 422, answer.content.decode()[:500]
    assert not Invoice.objects.exists()
    return Page(answer)


def told_at(page, field):
    """The fault's sentence at its field, joined to it for screen readers."""
    control = page.by_id(field)
    assert control.attributes["aria-invalid"] == "true"
    assert f"{field}-error" in control.attributes["aria-describedby"].split()
    return page.by_id(f"{field}-error").text


# The shell


@pytest.mark.parametrize(
    "query, address",
    [
        ({"data": '{"deal": 12}'}, f"{FORM}?deal=12"),
        ({"selectedIds": "12", "resource": "deal"}, f"{FORM}?deal=12"),
        ({"selectedIds": "12", "resource": "person"}, f"{FORM}?deal="),
        ({"data": "[1]"}, f"{FORM}?deal="),
        ({"data": "{"}, f"{FORM}?deal="),
        ({"data": '{"deal": "12 or 1=1"}'}, f"{FORM}?deal="),
        ({"data": '{"deal": 12, "invoice": "not-an-id"}'}, f"{FORM}?deal=12"),
        ({"data": '{"list": "deal", "id": 12}'}, "/embed/panel/content?resource=deal&id=12&all=1"),
    ],
)
def test_the_shell_knows_what_it_was_opened_for(client, user, query, address):
    page = Page(client.get("/embed/invoice", query | {"token": frame_token_of(user)}))
    assert next(e for e in page.elements if e.tag == "main").attributes["hx-get"] == address


def test_the_shell_leads_back_to_an_invoice(client, user):
    wanted = uuid.uuid4()
    for data, attribute, end in (
        (f'{{"deal": 12, "invoice": "{wanted}"}}', "hx-get", "result"),
        (f'{{"deal": 12, "invoice": "{wanted}", "edit": true}}', "hx-post", "retry"),
    ):
        page = Page(client.get("/embed/invoice", {"data": data, "token": frame_token_of(user)}))
        assert page.by_id("invoice").attributes[attribute] == f"/embed/invoice/{wanted}/{end}"


def test_the_shell_asks_nobody(client, harbour, control):
    control.forget_requests()
    assert (
        client.get("/embed/invoice", {"data": '{"deal": 1}', "token": frame_token_of(harbour.user)}).status_code == 200
    )
    assert control.requests() == []


# Opening


def test_the_deal_of_the_pictures_opens_as_in_the_pictures(harbour, open_form):
    _, fields, page = open_form(harbour, RACKING)
    assert "From Bramley Foods Limited · Alice Whitcombe" in page.text
    chosen = next(e for e in page.elements if e.attributes.get("name") == "customer" and "checked" in e.attributes)
    assert "Bramley Foods Ltd" in chosen.parent.text
    assert "Same name" in page.by_id(chosen.attributes["aria-describedby"]).text
    assert page.by_id("f-currency").text == "GBP – British Pound"
    assert "This customer is kept in GBP." in page.text
    assert "14 days after the invoice date" in page.text
    assert [(fields[f"l{n}-quantity"], fields[f"l{n}-price"]) for n in (1, 2, 3, 4)] == [
        ("12", "520.00"),
        ("3", "640.00"),
        ("1", "852.00"),
        ("20", "15.00"),
    ]
    assert fields["l1-discount"] == "5%"
    assert page.by_id("l1-state").text == "Pallet racking bay 4L, by SKU RACK-4L"
    assert page.by_id("l2-state").text == "No QuickBooks item yet Choose item"
    assert page.by_id("l1-reason").text == "Product tax is 20%"
    assert [row.text for row in page.by_class("total__rows")[0].children if hasattr(row, "text")] == [
        "Before discount £9,312.00",
        "Line discounts −£312.00",
        "Net £9,000.00",
        "VAT 20.0% on £8,700.00 £1,740.00",
        "VAT 0.0% on £300.00 £0.00",
        "Total £10,740.00",
    ]
    assert page.by_id("foot-sum").text == "£10,740.00 3 things to fix first"
    assert finding_titles(page, "error")[0].startswith("A line has no QuickBooks item “On-site installation, day rate”")
    assert page.by_id("invoice-form").attributes["data-first-focus"] == "f-customer"


def test_every_control_has_a_name(harbour, open_form):
    _, _, page = open_form(harbour, RACKING)
    labelled = {e.attributes.get("for") for e in page.elements if e.tag == "label"}
    for control in page.elements:
        if control.tag in ("input", "select", "textarea", "button") and control.attributes.get("type") != "hidden":
            inside_label = control.parent.tag == "label" and control.parent.text
            named = control.attributes.get("aria-label") or control.attributes.get("aria-labelledby")
            named = named or control.id in labelled or control.text or inside_label
            assert named, control.attributes


def test_opening_costs_what_was_promised(harbour, open_form, control):
    open_form(harbour, RACKING)
    control.forget_requests()
    open_form(harbour, RACKING)
    assert len(control.requests("pipedrive")) <= 6
    queries = control.requests("quickbooks")
    assert len(queries) <= 4, [call["path"] for call in queries]


def test_a_new_customer_is_filled_from_the_chosen_fields(harbour, open_form):
    _, fields, page = open_form(harbour, NORTHGATE)
    assert fields["customer"] == "new"
    assert "hidden" not in page.by_id("new-customer").attributes
    assert (fields["name"], fields["street"], fields["city"], fields["postal_code"]) == (
        "Northgate Dental Practice",
        "88 North Street",
        "Leeds",
        "LS2 7PN",
    )
    assert "VAT number" in page.by_id("new-customer").text
    assert "Also kept on the new customer." in page.text


def test_a_customer_of_the_same_domain_and_address_is_offered_with_its_reasons_and_not_chosen(harbour, open_form):
    books = QuickBooksClient(harbour.quickbooks)
    address = {"Line1": "88 North Street", "City": "Leeds", "PostalCode": "LS2 7PN"}
    body = {"DisplayName": "NDP Holdings", "PrimaryEmailAddr": {"Address": "accounts@northgate.example"}}
    books.create("Customer", body | {"BillAddr": address}, request_id=uuid.uuid4().hex)
    _, fields, page = open_form(harbour, NORTHGATE)
    card = page.by_class("match")[0].text
    assert "NDP Holdings" in card
    assert "Same street and postal code" in card
    assert "Same e-mail domain: northgate.example" in card
    assert card.endswith("Weak match")
    assert fields["customer"] == "new"


def test_a_deal_without_products_is_one_line_from_its_value(harbour, open_form):
    _, fields, page = open_form(harbour, "Moss & Co – shop refit, survey")
    assert (fields["line"], fields["l1-price"]) == ("l1", "3,450.00")
    assert "The deal has no products; this line is its value" in page.text


def test_a_linked_customer_comes_first(harbour, open_form):
    make_customer_link(
        harbour.company, party_kind="organization", party_id=1, name="Bramley Foods Ltd", customer_id="1"
    )
    _, fields, page = open_form(harbour, RACKING)
    assert fields["customer"] == "1"
    assert "Chosen before for Bramley Foods Limited" in page.text
    assert page.by_class("match")[0].text.endswith("Linked")


def test_an_american_company_is_asked_whether_lines_are_taxable(connect, open_form):
    tenant = connect("US")
    _, fields, page = open_form(tenant, "Lakeview Dental – scanners for two rooms")
    assert fields["l1-tax"] == "TAX"
    assert "Taxable, Intraoral scanner, model X2" in page.by_id("l1-tax").text
    assert "QuickBooks calculates this when it’s created" in page.text
    assert page.by_class("total__whole")[0].text.startswith("Before tax $")
    assert "before sales tax" in page.by_id("foot-sum").text
    assert "amounts_are" not in fields
    assert not page.has_id("f-tax_id")
    assert page.by_id("f-discount").attributes["value"] == "5%"


def test_an_australian_company_speaks_of_gst_and_asks_for_a_number(connect, open_form):
    tenant = connect("AU")
    _, fields, page = open_form(tenant, "Northern Dive Club – Easter weekend")
    assert fields["amounts_are"] == "inclusive"
    assert fields["number"]
    assert "Inclusive of GST" in page.by_id("f-amounts_are").text
    assert "ABN" in page.by_id("new-customer").text
    assert "VAT" not in page.text


def test_a_canadian_company_tells_its_taxes_apart_by_their_names(connect, open_form):
    tenant = connect("CA")
    _, fields, page = open_form(tenant, "Café Éclair – terrasse d’été")
    assert (fields["amounts_are"], fields["currency"]) == ("exclusive", "CAD")
    assert (fields["city"], fields["region"], fields["postal_code"]) == ("Montréal", "QC", "H2W 2M4")
    rail = page.by_id("rail").text
    assert "GST 5.0% on $3,581.50 $179.08" in rail
    assert "QST 9.975% on $3,581.50 $357.25" in rail
    assert "Exclusive of GST/HST" in page.by_id("f-amounts_are").text
    assert "GST/HST number" in page.by_id("new-customer").text
    assert "Province" in page.by_id("new-customer").text
    assert "VAT" not in page.text


def test_hostile_names_are_text(harbour, open_form):
    _, _, page = open_form(harbour, "<b>O'Brien & Sons</b>")
    assert "<b>O'Brien & Sons</b>" in page.by_id("customer-section").text
    assert not [e for e in page.by_id("customer-section").walk() if e.tag == "b"]


def test_names_and_figures_come_in_the_readers_form(harbour, open_form):
    harbour.user.locale = "de_DE"
    harbour.user.save()
    _, fields, page = open_form(harbour, NORTHGATE)
    power_cable = next(key for key in fields["line"] if "Power cable" in page.by_id(f"{key}-name").text)
    assert (fields[f"{power_cable}-quantity"], fields[f"{power_cable}-price"]) == ("37,5", "4,375")
    assert page.by_class("total__whole")[0].text == "Total 4.887,07 £"


def test_a_hundred_and_twenty_lines_stay_within_the_budget(harbour, open_form, browse):
    browser, fields, _ = open_form(harbour, "Regional depot – full kit list")
    assert len(fields["line"]) == 120
    answer = browser.get(FORM, {"deal": fields["deal"]})
    lines = answer.content.decode().split('<tr class="line')[1:121]
    per_line, rest = sum(map(len, lines)) // 120, len(answer.content) - sum(map(len, lines))
    assert rest + 20 * per_line < 72_000  # bytes of a form with twenty lines
    page = previewed(browser, fields, changed="l7")
    assert page.by_id("l120-amount")


# Previews


def test_a_preview_asks_nobody(harbour, open_form, control):
    browser, fields, _ = open_form(harbour, RACKING)
    control.forget_requests()
    previewed(browser, fields, changed="l1")
    assert control.requests() == []


def test_a_changed_quantity_changes_all_figures(harbour, fill_in):
    browser, fields = fill_in(harbour)
    page = previewed(browser, fields, **{"l4-quantity": "21", "changed": "l4"})
    assert page.by_id("l4-amount").text == "£315.00"
    assert page.by_class("total__whole")[0].text == "Total £10,755.00"
    assert page.by_id("foot-sum").text == "£10,755.00 Ready to create"
    assert page.by_id("foot-sum").attributes["hx-swap-oob"] == "true"
    assert page.with_attribute("data-announce")[0].attributes["data-announce"] == "Ready to create"


PRICES = {"1 234,5": "£1,234.50", "1,234.50": "£1,234.50", "£1234.5": "£1,234.50", "0": "£0.00"}
DISCOUNTS = {"10%": "£5,616.00", "20": "£6,220.00", "£20.00": "£6,220.00", "–": "£6,240.00", "": "£6,240.00"}


def test_prices_and_discounts_are_taken_as_people_write_them(harbour, fill_in):
    browser, fields = fill_in(harbour)
    for text, amount in PRICES.items():
        assert previewed(browser, fields, **{"l3-price": text}).by_id("l3-amount").text == amount
    for text, amount in DISCOUNTS.items():
        assert previewed(browser, fields, **{"l1-discount": text}).by_id("l1-amount").text == amount


def test_a_discount_on_the_whole_invoice_is_shown_with_its_amount(harbour, fill_in):
    browser, fields = fill_in(harbour)
    page = previewed(browser, fields, discount="10%")
    assert page.by_id("discount-amount").text == "−£900.00"
    assert "Discount 10% −£900.00" in page.text


def test_an_unticked_line_counts_nothing_and_stays_on_the_deal(harbour, fill_in):
    browser, fields = fill_in(harbour)
    del fields["l3-ticked"]
    page = previewed(browser, fields)
    assert page.by_id("lines-note").text == (
        "Not ticked: “Safety inspection and certificate” stays on the deal for a later invoice."
    )
    assert page.by_id("l3-amount").text == "£852.00"
    assert "VAT 20.0% on £7,848.00" in page.text
    assert page.by_id("lines-aside").text == "3 of the deal’s 4 products"


def test_more_than_the_deal_asks_first_and_is_billed_when_it_is_meant(harbour, fill_in):
    browser, fields = fill_in(harbour)
    more = {"l1-quantity": "1200"}
    page = refused(browser, fields, **more)
    box = page.by_id("f-over_deal")
    assert box.attributes["aria-invalid"] == "true"
    assert "Tick the box when that is meant." in page.by_id("errors").text
    assert any(e.attributes.get("href") == "#f-over_deal" for e in page.by_id("errors").walk())
    page = previewed(browser, fields, over_deal="yes", **more)
    assert "checked" in page.by_id("f-over_deal").attributes
    assert browser.post(CREATE, fields | more | {"over_deal": "yes"}).status_code == 200


def test_an_untouched_due_date_moves_with_the_invoice_date(harbour, fill_in):
    browser, fields = fill_in(harbour)
    moved = previewed(browser, fields, invoice_date="2026-12-01", changed="invoice_date")
    assert moved.with_attribute("data-put")[0].attributes["data-value"] == "15 Dec 2026"
    kept = previewed(browser, fields, invoice_date="2026-12-01", due_follows="")
    assert kept.with_attribute("data-put") == []


def test_the_days_to_the_due_date_are_counted(harbour, fill_in):
    browser, fields = fill_in(harbour)
    page = previewed(browser, fields, due_date="+30", due_follows="")
    assert page.by_id("f-due_date-hint").text == "30 days after the invoice date"


def test_what_cannot_be_read_is_said_and_nothing_is_added_up(harbour, fill_in):
    browser, fields = fill_in(harbour)
    page = previewed(browser, fields, **{"l1-quantity": "a dozen"})
    assert page.by_id("foot-sum").text == "– 1 thing to fix first"
    assert "The total appears when every number can be read" in page.by_class("total")[0].text
    assert finding_titles(page, "error") == [
        "Quantity is not a number “a dozen” of “Pallet racking bay, 4 levels” cannot be read. Go to Quantity"
    ]
    assert page.by_id("l2-amount").text == "£1,920.00"


def test_an_empty_price_counts_nothing_until_it_is_filled_in(harbour, fill_in):
    browser, fields = fill_in(harbour)
    page = previewed(browser, fields, **{"l3-price": ""})
    assert page.by_class("total__whole")[0].text == "Total £9,717.60"
    assert finding_titles(page, "error") == ["Price is empty “Safety inspection and certificate” Go to Price"]


def test_a_fault_comes_with_its_repair(harbour, fill_in):
    browser, fields = fill_in(harbour)
    page = previewed(browser, fields, due_date="2020-01-01", due_follows="")
    repair = page.with_attribute("data-set")[0]
    assert repair.text == f"Use {fields['invoice_date']}"
    assert (repair.attributes["data-set"], repair.attributes["data-value"]) == ("f-due_date", fields["invoice_date"])


def test_another_customers_currency_is_a_clash_with_a_way_out(harbour, fill_in):
    browser, fields = fill_in(harbour, "Rheingold – Küchenlager Köln")
    assert fields["currency"] == "EUR"
    page = previewed(browser, fields, currency="GBP", changed="currency")
    assert "The customer has another currency" in finding_titles(page, "error")[0]
    assert page.with_attribute("data-set")[0].text == "Invoice in EUR"
    assert page.by_id("currency-field").attributes["hx-swap-oob"] == "true"


def test_a_clash_of_currencies_offers_a_second_customer_created_with_the_invoice(harbour, fill_in):
    browser, fields = fill_in(harbour, "Rheingold – Küchenlager Köln")
    page = previewed(browser, fields, currency="GBP", changed="currency")
    button = page.by_id("second-customer")
    assert button.text == "New customer “Rheingold Küchen GmbH (GBP)”"
    section = Page(browser.post(CUSTOMER, fields | {"currency": "GBP"} | json.loads(button.attributes["hx-vals"])))
    assert "hidden" not in section.by_id("new-customer").attributes
    assert section.by_id("f-name").attributes["value"] == "Rheingold Küchen GmbH (GBP)"


def test_the_item_of_a_line_is_named_after_the_change(harbour, open_form, control):
    browser, fields, _ = open_form(harbour, RACKING)
    item = next(row for row in control.books(harbour.realm)["items"] if row["Name"] == "Installation")
    page = previewed(browser, fields, **{"l2-item": item["Id"], "changed": "l2"})
    assert page.by_id("l2-state").text == "Installation, chosen here"


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


def test_copies_notes_and_own_fields_are_kept_checked_and_stored(harbour, open_form, fill_in):
    browser, fields, _ = open_form(harbour, RACKING)
    location = next(tag.id for tag in reference.locations(harbour.company))
    typed = {"cc": "boss@bramley.example; wrong", "own-1": "P" * 41, "private_note": "Ask <b>Tom</b>"}
    page = refused(browser, fields, **typed, location_id=location)
    assert told_at(page, "f-cc").startswith("“wrong” is not an e-mail address.")
    assert told_at(page, "f-own-1") == "PO number has 41 characters. QuickBooks takes 31."
    assert [e.attributes.get("open") for e in page.elements if e.tag == "details"] == ["", ""]
    assert {name: page.fields()[name] for name in typed} == typed
    assert page.fields()["location_id"] == location
    browser, fields = fill_in(harbour)
    mended = fields | {"cc": "boss@bramley.example;b@c.example", "own-1": "BF-1", "private_note": "Ask <b>Tom</b>"}
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


def test_a_location_of_somebody_else_cannot_be_slipped_in(harbour, fill_in):
    browser, fields = fill_in(harbour, location_id="999999", class_id="1")
    browser.post(CREATE, fields)
    assert from_json(Invoice.objects.get().draft).extras == Extras()


# A press that cannot be taken


def test_everything_wrong_is_told_at_once_at_its_field(harbour, open_form):
    browser, fields, _ = open_form(harbour, RACKING)
    page = refused(
        browser, fields, due_date="2020-01-01", email="acounts@bramleyfoods", memo="x" * 1001, **{"l1-price": "much"}
    )
    assert page.by_id("errors").text.startswith("7 things to fix before QuickBooks can take this invoice")
    links = [e.attributes["href"] for e in page.by_id("errors").walk() if e.tag == "a"]
    assert all(page.has_id(link[1:]) for link in links)
    assert told_at(page, "f-due_date").startswith("Due date is before the invoice date. Choose ")
    assert told_at(page, "f-memo") == "Message to the customer has 1001 characters. QuickBooks takes 1000."
    assert told_at(page, "f-email").startswith("“acounts@bramleyfoods” is not an e-mail address.")
    assert told_at(page, "l1-price").startswith("Price of “Pallet racking bay, 4 levels”: “much” is not a number.")
    assert "line--fault" in page.by_id("l2").classes
    assert page.elements[1].text == "Error: New invoice"
    assert page.by_id("errors").attributes["tabindex"] == "-1"
    assert page.with_attribute("data-autofocus")[0].id == "errors"


def test_the_input_is_kept(harbour, open_form):
    browser, fields, _ = open_form(harbour, NORTHGATE)
    del fields["l2-ticked"]
    typed = {
        "name": "<i>Northgate</i>",
        "street": "1 High St\nFloor 2",
        "memo": "Thank you",
        "l1-price": "much",
        "line": [*reversed(fields["line"]), "a1"],
        "a1-added": "yes",
        "a1-ticked": "yes",
        "a1-description": "Site visit",
        "a1-quantity": "1",
        "a1-price": "80",
        "a1-tax": fields["l1-tax"],
        "a1-item": "",
        "a1-discount": "",
    }
    page = refused(browser, fields, **typed)
    again = page.fields()
    unchanged = {
        name: value for name, value in (fields | typed).items() if name not in ("changed", "to_fix", "q", "found")
    }
    assert {name: again.get(name) for name in unchanged} == unchanged
    assert [row.id for row in page.by_class("line") if row.parent.id == "line-rows"] == [
        *reversed(fields["line"]),
        "a1",
    ]


def test_a_choice_is_checked_again_when_it_is_sent(harbour, fill_in, control):
    browser, fields = fill_in(harbour)
    assert "has no QuickBooks item" in refused(browser, fields, **{"l2-item": "99999"}).by_id("errors").text
    assert "has no VAT code" in refused(browser, fields, **{"l2-tax": "99999"}).by_id("errors").text


def test_a_form_without_lines_is_not_sent(harbour, fill_in):
    browser, fields = fill_in(harbour)
    for key in fields["line"]:
        fields.pop(f"{key}-ticked", None)
    assert "The invoice has no lines" in refused(browser, fields).by_id("errors").text


# Who gets nothing, and when nothing can be had


@pytest.mark.parametrize("path", [FORM, CUSTOMERS, ITEMS])
def test_reading_is_by_get_only(browse, user, path):
    assert browse(user).post(path).status_code == 405


@pytest.mark.parametrize("path", [PREVIEW, CREATE, CUSTOMER])
def test_sending_is_by_post_only(browse, user, path):
    assert browse(user).get(path).status_code == 405


@pytest.mark.parametrize("path", [FORM, PREVIEW, CREATE, CUSTOMERS, CUSTOMER, ITEMS])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer forged"}])
def test_without_proof_there_is_nothing(client, path, headers):
    assert client.get(path, headers=headers).status_code == 401
    assert client.post(path, headers=headers).status_code == 401


@pytest.mark.parametrize("options", [{"expires_in": -60}, {"secret": "somebody-elses-secret-0123456789abcdef"}])
def test_a_shell_needs_a_living_token(client, user, options):
    assert client.get("/embed/invoice", {"token": frame_token_of(user, **options)}).status_code == 401


def test_a_deal_that_the_user_may_not_see_cannot_be_billed(harbour, browse, deal_id, colleague):
    answer = browse(colleague(harbour, 1)).get(FORM, {"deal": deal_id(harbour, "Confidential")})
    assert (answer.status_code, answer.headers["X-Fragment"]) == (404, "swap")
    assert "This deal is not here for you" in Page(answer).text


@pytest.mark.parametrize("deal", ["", "abc", "999999"])
def test_a_deal_that_does_not_exist_is_not_there(harbour, browse, deal):
    assert browse(harbour.user).get(FORM, {"deal": deal}).status_code == 404


def test_a_form_serves_only_the_user_and_the_deal_it_was_made_for(harbour, fill_in, browse, colleague, deal_id):
    _, fields = fill_in(harbour)
    tom = browse(colleague(harbour))
    for path in (PREVIEW, CREATE, CUSTOMER):
        assert tom.post(path, fields).status_code == 410
        assert browse(harbour.user).post(path, fields | {"deal": deal_id(harbour, NORTHGATE)}).status_code == 410
    assert not Invoice.objects.exists()


NOT_OURS = {
    "no memory": {"kept": ""},
    "a forged one": {"kept": "forged"},
    "somebody else's": {"kept": signing.dumps({"for": [1, 2], "memory": {"deal_id": 1}}, salt=SALT)},
    "no intent": {"intent_key": "none"},
    "no deal": {"deal": "x"},
    "too many lines": {"line": [f"a{n}" for n in range(1001)]},
}


def test_a_form_that_is_not_ours_is_refused(harbour, fill_in):
    browser, fields = fill_in(harbour)
    for what, change in NOT_OURS.items():
        for path in (PREVIEW, CREATE, CUSTOMER):
            answer = browser.post(path, fields | change)
            assert (answer.status_code, answer.headers["X-Fragment"]) == (410, "swap"), what
            assert "This form has been open for too long" in Page(answer).text
    assert not Invoice.objects.exists()


def test_a_form_lives_for_two_days(harbour, fill_in, browse):
    _, fields = fill_in(harbour)
    with time_machine.travel(timezone.now() + timedelta(days=2, minutes=1), tick=True):
        assert browse(harbour.user).post(PREVIEW, fields).status_code == 410


def test_without_a_connection_the_form_says_who_can_make_one(connect, browse, deal_id, colleague):
    tenant = connect("GB", quickbooks=False)
    deal = deal_id(tenant, RACKING)
    admin, tom = browse(tenant.user).get(FORM, {"deal": deal}), browse(colleague(tenant)).get(FORM, {"deal": deal})
    assert (admin.status_code, tom.status_code) == (409, 409)
    assert "/quickbooks/connect?ticket=" in admin.content.decode()
    assert "/quickbooks/connect" not in tom.content.decode()
    assert f"up to {tenant.user.name}" in Page(tom).text


def test_when_the_connection_ended_the_form_says_so(harbour, browse, deal_id):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    answer = browse(harbour.user).get(FORM, {"deal": deal_id(harbour, RACKING)})
    assert answer.status_code == 409
    assert "QuickBooks ended the connection" in Page(answer).text


@pytest.mark.parametrize("service, name", [("quickbooks", "QuickBooks"), ("pipedrive", "Pipedrive")])
def test_a_silent_service_is_named_and_can_be_asked_again(harbour, browse, deal_id, control, service, name):
    deal = deal_id(harbour, RACKING)
    control.fault("status", service=service, status=503, times=None)
    answer = browse(harbour.user).get(FORM, {"deal": deal})
    page = Page(answer)
    assert (answer.status_code, answer.headers["X-Fragment"]) == (503, "swap")
    assert f"{name} does not answer right now" in page.text
    assert "Nothing was sent to QuickBooks." in page.text
    assert any(e.attributes.get("hx-get") == f"{FORM}?deal={deal}" for e in page.elements)


def test_the_links_stay_as_they_are_until_an_invoice_is_asked_for(harbour, fill_in):
    browser, fields = fill_in(harbour)
    previewed(browser, fields)
    assert not CustomerLink.objects.exists()
