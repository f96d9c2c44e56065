"""The form of an American company that has no automated sales tax: one rate for the whole invoice."""

from __future__ import annotations

import pytest

from invoices import submission
from invoices.domain.draft import from_json
from invoices.models import Invoice
from tests.factories import D
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
PREVIEW, CREATE, CUSTOMER = "/embed/invoice/preview", "/embed/invoice/create", "/embed/invoice/customer"
GLOVES, SCHOOLS, SCANNERS = "Prairie Family Clinic – gloves", "Hawthorne schools", "Lakeview Dental – scanners"


@pytest.fixture
def cedar(connect, control):
    pair = control.clone("US")
    control.book(pair.realm, "tax_by_hand")
    return connect("US", pair=pair)


def hint(page):
    return page.by_id("f-sales_tax-hint").text


def rates(page):
    """The choices as they are read: name -> id."""
    options = [each for each in page.by_id("f-sales_tax").walk() if each.tag == "option"]
    return {option.text: option.attributes["value"] for option in options}


def previewed(browser, fields, **changes):
    answer = browser.post(PREVIEW, fields | changes)
    assert answer.status_code == 200
    return Page(answer)


def created(browser, fields):
    answer = browser.post(CREATE, fields)
    assert answer.status_code == 200, Page(answer).text
    row = Invoice.objects.get()
    submission.submit(row.pk)
    row.refresh_from_db()
    return row


def test_the_form_opens_with_the_customers_own_rate_and_counts_with_it(cedar, open_form):
    _, fields, page = open_form(cedar, GLOVES)
    offered = rates(page)
    assert list(offered) == [
        "Choose",
        "Chicago, IL (10.25%)",
        "Out of state (0.0%)",
        "Springfield, IL (9.75%)",
        "Tacoma, WA (10.3%)",
    ]
    assert fields["sales_tax"] == offered["Chicago, IL (10.25%)"]
    assert hint(page) == "As the customer has it in QuickBooks"
    assert "Illinois State 6.25% on $599.60 $37.48" in page.by_id("rail").text
    assert page.by_class("total__whole")[0].text == "Total $661.07"
    assert "QuickBooks calculates" not in page.text


def test_a_customer_without_a_rate_gets_the_companys_usual_one(cedar, open_form):
    _, fields, page = open_form(cedar, SCANNERS)
    assert fields["sales_tax"] == rates(page)["Springfield, IL (9.75%)"]
    assert hint(page) == "Your company’s usual rate"


def test_the_form_and_quickbooks_agree_to_the_cent_and_the_result_says_so(cedar, fill_in, control):
    browser, fields = fill_in(cedar, SCANNERS, name="Lakeview Dental of Tacoma", discount="$33.33")
    row = created(browser, fields)
    assert row.refusal is None
    (stored,) = (each for each in control.books(cedar.realm)["invoices"] if each["Id"] == row.qbo_invoice_id)
    assert stored["TxnTaxDetail"]["TxnTaxCodeRef"]["value"] == fields["sales_tax"]
    assert row.total == D(row.draft["expected_total"]) == D(str(stored["TotalAmt"]))
    assert row.tax > 0
    result = Page(browser.get(f"/embed/invoice/{row.public_id}/result"))
    assert "same as on the form" in result.text
    assert "calculated by QuickBooks" not in result.text


def test_taxable_lines_without_a_rate_are_told_at_the_field(cedar, fill_in):
    browser, fields = fill_in(cedar, GLOVES, sales_tax="")
    answer = browser.post(CREATE, fields)
    assert (answer.status_code, Invoice.objects.count()) == (422, 0)
    page = Page(answer)
    said = "No sales tax rate is chosen. 1 line is taxable. Choose the rate, or mark the line as not taxable."
    assert page.by_id("f-sales_tax-error").text == said
    assert page.by_id("f-sales_tax").attributes["aria-invalid"] == "true"
    assert "Choose a rate first" in page.by_id("rail").text
    assert browser.post(CREATE, fields | {"l1-tax": "NON"}).status_code == 200


@pytest.mark.parametrize("rate", ["999", "TAX"])
def test_what_is_no_rate_is_refused_at_the_field(cedar, fill_in, rate):
    browser, fields = fill_in(cedar, GLOVES, sales_tax=rate)
    page = Page(browser.post(CREATE, fields))
    assert page.by_id("f-sales_tax-error").text == "The sales tax rate is not in use in QuickBooks. Choose another one."


def test_a_rate_that_becomes_inactive_while_the_form_is_open_is_named_by_the_refusal(cedar, fill_in, control):
    browser, fields = fill_in(cedar, GLOVES)
    control.book(cedar.realm, "list_activity", entity="TaxCode", id=fields["sales_tax"], active=False)
    row = created(browser, fields)
    assert row.refusal["field"] == "sales_tax"


def test_an_untouched_rate_follows_the_customer_and_a_chosen_one_stays(cedar, open_form):
    browser, fields, page = open_form(cedar, GLOVES)
    chicago, springfield = rates(page)["Chicago, IL (10.25%)"], rates(page)["Springfield, IL (9.75%)"]
    moved = previewed(browser, fields, customer="new", changed="customer")
    put = {each.attributes["data-put"]: each.attributes["data-value"] for each in moved.with_attribute("data-put")}
    assert put["f-sales_tax"] == springfield
    assert "$658.07" in moved.text
    stays = previewed(browser, fields, customer="new", changed="customer", sales_tax_follows="")
    assert "f-sales_tax" not in [each.attributes["data-put"] for each in stays.with_attribute("data-put")]
    assert "$661.07" in stays.text
    assert fields["sales_tax"] == chicago


def test_an_exempt_customer_pays_no_tax_and_needs_no_rate(cedar, fill_in, open_form, control):
    browser, fields, page = open_form(cedar, SCHOOLS)
    assert hint(page) == "This customer is exempt from sales tax."
    browser, fields = fill_in(cedar, SCHOOLS, sales_tax="")
    row = created(browser, fields)
    assert (row.refusal, row.tax, row.total) == (None, D(0), D(row.draft["expected_total"]))
    assert from_json(row.draft).bill_to.exempt


def test_a_linked_customers_rate_is_asked_for(cedar, fill_in, open_form, control):
    browser, fields = fill_in(cedar, GLOVES)
    created(browser, fields)
    control.forget_requests()
    _, again, page = open_form(cedar, GLOVES)
    assert (again["sales_tax"], hint(page)) == (fields["sales_tax"], "As the customer has it in QuickBooks")
    assert [call["path"].rpartition("/")[0][-9:] for call in control.requests("quickbooks")] == ["/customer"]


def test_when_the_linked_customer_cannot_be_read_the_usual_rate_stands_there(cedar, fill_in, open_form, control):
    browser, fields = fill_in(cedar, GLOVES)
    created(browser, fields)
    control.fault("status", status=503, company=cedar.realm, path="/customer/")
    _, _, page = open_form(cedar, GLOVES)
    assert hint(page) == "Your company’s usual rate"


def test_after_a_refusal_the_chosen_rate_is_still_there(cedar, fill_in, control):
    browser, fields = fill_in(cedar, GLOVES)
    tacoma = rates(Page(browser.get("/embed/invoice/form", {"deal": fields["deal"]})))["Tacoma, WA (10.3%)"]
    control.book(cedar.realm, "set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": "2099-12-31"}})
    row = created(browser, fields | {"sales_tax": tacoma, "sales_tax_follows": ""})
    page = Page(browser.post(f"/embed/invoice/{row.public_id}/retry"))
    assert page.fields()["sales_tax"] == tacoma
    assert page.fields()["sales_tax_follows"] == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Lakeview Orthodontics PLLC", "As the customer has it in QuickBooks"),
        ("Hawthorne School District", "This customer is exempt from sales tax."),
    ],
)
def test_the_customer_that_had_the_name_already_brings_its_own_rate(cedar, fill_in, name, said):
    browser, fields = fill_in(cedar, SCANNERS, customer="new", name=name)
    row = created(browser, fields)
    assert row.refusal["taken_by"] == "customer"
    page = Page(browser.post(f"/embed/invoice/{row.public_id}/retry", {"use_customer": "yes"}))
    assert hint(page) == said


def test_books_that_leave_automated_sales_tax_offer_their_rates_at_once(connect, control, open_form):
    tenant = connect("US")
    open_form(tenant, GLOVES)
    control.book(tenant.realm, "tax_by_hand")
    tenant.quickbooks.profile |= {"read_at": "2020-01-01T00:00:00+00:00"}
    tenant.quickbooks.save()
    _, _, page = open_form(tenant, GLOVES)
    assert "Chicago, IL (10.25%)" in rates(page)


def test_under_automated_sales_tax_nothing_of_it_is_there(connect, open_form):
    _, fields, page = open_form(connect("US"), GLOVES)
    assert "sales_tax" not in fields
    assert not page.has_id("f-sales_tax")


def put_tax_into_prices(control, tenant, deal, tax):
    """Of the deal in Pipedrive, whose value is one with tax then."""
    number = tenant.pair.pipedrive_company_id
    rows = control.company(number)["deal_products"][str(deal)]
    with_tax = [row | {"tax_method": "inclusive", "tax": tax} for row in rows]
    control.change_company(number, {"deal_products": {deal: with_tax}})


@pytest.mark.parametrize(("tax", "told"), [(8, True), (0, False)])
def test_prices_that_were_made_before_tax_are_told_as_long_as_the_form_is_open(
    connect, control, deal_id, open_form, tax, told
):
    tenant = connect("US")
    put_tax_into_prices(control, tenant, deal_id(tenant, GLOVES), tax)
    browser, fields, page = open_form(tenant, GLOVES)
    assert ("Prices were changed to be before tax" in page.text) is told
    assert ("Prices were changed to be before tax" in previewed(browser, fields, memo="Thanks").text) is told


def test_the_last_part_of_a_deal_with_tax_in_its_prices_is_not_called_more_than_the_deal(
    cedar, control, deal_id, fill_in
):
    """QuickBooks charges 10.25 % where the deal has 8 % in its prices: the parts are the deal all the same."""
    deal = deal_id(cedar, GLOVES)
    put_tax_into_prices(control, cedar, deal, 8)
    browser, fields = fill_in(cedar, GLOVES)
    assert fields["l1-quantity"] == "40"
    first = created(browser, fields | {"l1-quantity": "36"})
    browser, fields = fill_in(cedar, GLOVES)
    assert fields["l1-quantity"] == "4"
    assert "more than the deal" not in previewed(browser, fields).text
    assert browser.post(CREATE, fields).status_code == 200
    last = Invoice.objects.exclude(pk=first.pk).get()
    submission.submit(last.pk)
    last.refresh_from_db()
    assert first.total - first.tax + last.total - last.tax == D("555.19")  # 40 × 14.99, without 8 %


def test_the_rate_of_an_estimate_is_that_of_its_invoice(cedar, fill_in, control):
    """The customer has another one by now."""
    books = control.books(cedar.realm)
    offered = next(row for row in books["estimates"] if row["CustomerRef"]["name"] == "Prairie Family Clinic")
    browser, fields = fill_in(cedar, GLOVES)
    named = rates(Page(browser.get("/embed/invoice/form", {"deal": fields["deal"]})))
    tax = {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": named["Tacoma, WA (10.3%)"]}}}
    control.book(cedar.realm, "edit_estimate", id=offered["Id"], set=tax | {"Line": offered["Line"][:1]})
    shown = Page(browser.get("/embed/invoice/estimates", {"customer": fields["customer"]}))
    value = next(each.attributes["value"] for each in shown.elements if each.attributes.get("name") == "estimate")
    chosen = Page(browser.post("/embed/invoice/estimate", fields | {"estimate": value})).fields()
    assert (chosen["sales_tax"], chosen["sales_tax_follows"]) == (named["Tacoma, WA (10.3%)"], "")
    page = previewed(browser, chosen)
    assert "than the estimate" not in page.text
    row = created(browser, chosen)
    assert (row.total, row.estimate_kept) == (D("661.35"), True)
