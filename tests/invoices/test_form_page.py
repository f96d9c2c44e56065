"""The invoice form: how it opens, and what follows each change."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from integration_settings.quickbooks import QuickBooksClient
from invoices.models import Invoice
from tests.factories import frame_token_of, make_customer_link
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.form_answers import (
    CREATE,
    CUSTOMER,
    FORM,
    finding_titles,
    previewed,
    refused,
)
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


# The shell


@pytest.mark.parametrize(
    "query, address",
    [
        ({"data": '{"deal": 12}'}, f"{FORM}?deal=12"),
        ({"selectedIds": "12", "resource": "deal"}, f"{FORM}?deal=12"),
        ({"selectedIds": "12", "resource": "person"}, f"{FORM}?deal="),
        ({"data": "[1]"}, f"{FORM}?deal="),
        ({"data": "{"}, f"{FORM}?deal="),
        ({"data": "[" * 3000}, f"{FORM}?deal="),
        ({"data": '{"deal": "12 or 1=1"}'}, f"{FORM}?deal="),
        ({"data": '{"deal": 12, "invoice": "not-an-id"}'}, f"{FORM}?deal=12"),
        ({"data": '{"list": "deal", "id": 12}'}, "/embed/panel/content?resource=deal&id=12&all=1"),
        ({"data": r'{"deal": 12, "list": "\ud800"}'}, f"{FORM}?deal=12"),
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
    assert "Same name" in chosen.parent.text
    assert "aria-describedby" not in chosen.attributes  # or the reasons are read out twice
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


def test_what_repairs_a_line_from_the_list_of_checks_is_named_after_the_line(harbour, open_form):
    _, _, page = open_form(harbour, RACKING)
    repairs = [e for e in page.by_id("preflight").walk() if "data-open-items" in e.attributes]
    names = [page.by_id(repair.attributes["aria-labelledby"]).attributes["aria-label"] for repair in repairs]
    assert {repair.text for repair in repairs} == {"Choose item"}
    assert names[0] == "Choose item for On-site installation, day rate"
    assert len(set(names)) == len(names) > 1


def test_opening_costs_what_was_promised(harbour, open_form, control):
    open_form(harbour, RACKING)
    control.forget_requests()
    open_form(harbour, RACKING)
    assert len(control.requests("pipedrive")) <= 6
    queries = control.requests("quickbooks")
    assert len(queries) <= 4, [call["path"] for call in queries]


def test_opening_asks_our_store_a_dozen_times(harbour, open_form, django_assert_num_queries):
    make_customer_link(harbour.company, party_id=1, customer_id="1")
    browser, fields, _page = open_form(harbour, RACKING)
    with django_assert_num_queries(12):
        browser.get(FORM, {"deal": fields["deal"]})


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


def test_a_name_that_quickbooks_does_not_take_is_shown_as_typed_with_what_becomes_of_it(harbour, open_form):
    _, fields, page = open_form(harbour, "Atlas: Trade Counter")
    assert fields["name"] == "Atlas: Trade Counter"
    said = "QuickBooks takes no colon in names. “Atlas: Trade Counter” becomes “Atlas – Trade Counter”."
    assert said in page.text


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


def test_a_company_that_has_switched_products_off_in_pipedrive_bills_the_deals_value(harbour, open_form, control):
    control.fault("status", service="pipedrive", path="/deals/[0-9]+/(products|discounts)", status=415, times=None)
    _, fields, _ = open_form(harbour, RACKING)
    assert (fields["line"], fields["l1-price"]) == ("l1", "24,000.00")


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
DISCOUNTS = {
    "10%": "£5,616.00",
    "10٪": "£5,616.00",
    "１０％": "£5,616.00",
    "20": "£6,220.00",
    "£20.00": "£6,220.00",
    "–": "£6,240.00",
    "": "£6,240.00",
}


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


def test_the_second_invoice_of_a_deal_opens_with_what_the_first_left(harbour, fill_in, open_form):
    browser, fields = fill_in(harbour, **{"l1-quantity": "5"})
    for key in ("l3", "l4"):
        del fields[f"{key}-ticked"]
    assert browser.post(CREATE, fields).status_code == 200
    browser, fields, page = open_form(harbour, RACKING)
    assert [fields.get(f"l{n}-ticked", "") for n in (1, 2, 3, 4)] == ["yes", "", "yes", "yes"]
    assert (fields["l1-quantity"], fields["l2-quantity"]) == ("7", "3")
    assert [each.text for each in page.by_class("line__invoiced")] == ["5 invoiced before", "3 invoiced before"]
    assert page.by_id("lines-aside").text == "3 of the deal’s 4 products"
    assert page.by_id("lines-note").text == ""  # nothing of what is not ticked stays for later
    assert not any("more than the deal" in title for title in finding_titles(page, "error"))
    assert page.by_id("l2-amount").text == "£1,920.00"  # and can be ticked again
    again = Page(browser.post(CREATE, fields | {"invoice_date": "someday"}))
    assert again.by_id("l2-state").parent.text.count("3 invoiced before") == 1


def test_what_is_billed_again_and_again_says_so_and_comes_back_each_time(harbour, deal_id, control, fill_in, open_form):
    number, plan = harbour.pair.pipedrive_company_id, "Moss & Co – inspection plan"
    browser, fields = fill_in(harbour, plan)
    assert browser.post(CREATE, fields).status_code == 200
    browser, fields, page = open_form(harbour, plan)
    assert [fields.get(f"l{n}-ticked", "") for n in (1, 2)] == ["yes", ""]  # what is billed once is done
    assert before(page) == ["Billed every month, 1 of 12 invoiced so far", "1 invoiced before"]
    again = Page(browser.post(CREATE, fields | {"invoice_date": "someday"}))
    assert before(again) == before(page)
    assert (
        "£1,045.00 of the deal was still to be invoiced. This invoice bills £95.00 of it." in page.text
    )  # eleven months, though Pipedrive's value may be of one
    assert browser.post(CREATE, fields).status_code == 200
    assert Invoice.objects.latest("pk").deal_in_all == Decimal(1992)  # the panel counts by that
    deal = deal_id(harbour, plan)
    rows = control.company(number)["deal_products"][str(deal)]
    endless = [rows[0] | {"billing_frequency": "semi-annually", "billing_frequency_cycles": None}, rows[1]]
    control.change_company(number, {"deal_products": {deal: endless}})
    browser, fields, page = open_form(harbour, plan)
    assert before(page)[0] == "Billed every half-year, 2 invoiced so far"
    assert "more than the deal" not in previewed(browser, fields, **{"l1-quantity": "99"}).text
    assert browser.post(CREATE, fields).status_code == 200
    assert Invoice.objects.latest("pk").deal_in_all is None  # the panel does not count against the value either


def before(page):
    return [each.text for each in page.by_class("line__invoiced")]


def test_the_summary_follows_the_page_whoever_found_the_fault(harbour, fill_in):
    browser, fields = fill_in(harbour, memo="y" * 1001, due_date="someday")
    wrong = {"l1-item": "", "l2-quantity": "many", "l3-item": "", "discount": "half"}
    links = [e.attributes["href"] for e in refused(browser, fields, **wrong).by_id("errors").walk() if e.tag == "a"]
    assert links == ["#f-due_date", "#f-memo", "#l1-choose", "#l2-quantity", "#l3-choose", "#f-discount"]


@pytest.mark.parametrize("price", ["0", "99999999"])
def test_nothing_is_said_of_sums_while_a_number_cannot_be_read(harbour, fill_in, price):
    browser, fields = fill_in(harbour, **{f"l{n}-price": price for n in (1, 2, 3, 4)})
    text = previewed(browser, fields, **{"l4-quantity": "many"}).text
    assert "is not a number" in text
    for sum_of_nothing in ("total is zero", "more than the deal", "within the deal"):
        assert sum_of_nothing not in text


def test_a_line_without_a_tax_code_has_no_rate_in_the_total(harbour, fill_in):
    browser, fields = fill_in(harbour)
    for key in ("l1", "l2", "l3", "l4"):
        fields[f"{key}-tax"] = ""
    assert "VAT 0.0%" not in previewed(browser, fields).text


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


@pytest.mark.parametrize("typed", [{"due_date": "tomorrow"}, {"due_date": ""}, {"invoice_date": "31 Nov 2026"}])
def test_no_days_are_counted_to_or_from_a_date_that_cannot_be_read(harbour, fill_in, typed):
    browser, fields = fill_in(harbour)
    page = previewed(browser, fields, due_follows="", **typed)
    assert page.by_id("f-due_date-hint").text == ""


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


def test_a_due_date_that_is_over_is_pointed_out_at_its_field(harbour, fill_in):
    browser, fields = fill_in(harbour)
    issued, due = (timezone.now().date() - timedelta(days=days) for days in (16, 2))
    page = previewed(browser, fields, invoice_date=issued.isoformat(), due_date=due.isoformat(), due_follows="")
    assert any(title.startswith("The due date is over") for title in finding_titles(page, "warning"))


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


def test_several_changes_at_once_are_each_answered(harbour, open_form, control):
    browser, fields, _ = open_form(harbour, RACKING)
    item = next(row for row in control.books(harbour.realm)["items"] if row["Name"] == "Installation")
    page = previewed(browser, fields, **{"l2-item": item["Id"], "l3-item": item["Id"], "changed": "l2 customer l3"})
    assert [page.by_id(f"{key}-state").text for key in ("l2", "l3")] == ["Installation, chosen here"] * 2
    assert not page.has_id("l1-state")
    assert not previewed(browser, fields).has_id("l1-state"), "without a change no line is touched"


def test_vat_on_top_of_prices_that_include_it_is_more_than_the_deal(harbour, control, deal_id, open_form):
    number, deal = harbour.pair.pipedrive_company_id, deal_id(harbour, NORTHGATE)
    rows = control.company(number)["deal_products"][str(deal)]
    control.change_company(number, {"deal_products": {deal: [row | {"tax_method": "inclusive"} for row in rows]}})
    browser, fields, page = open_form(harbour, NORTHGATE)
    assert fields["amounts_are"] == "inclusive"
    assert "more than the deal" not in page.text
    assert "more than the deal" in previewed(browser, fields, amounts_are="exclusive").text
