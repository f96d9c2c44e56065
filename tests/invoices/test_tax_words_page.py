"""What the form says of taxes: codes of one percentage, rows of the totals with one rate, and what an item brings."""

from __future__ import annotations

import pytest

from integration_settings import reference
from tests.invoices.conftest import RACKING
from tests.invoices.form_answers import ITEMS, previewed, refused
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
GLOVES = "Prairie Family Clinic – gloves"
FIXTURES = "Great Lakes Outfitters – store fixtures"


def code_ids(page):
    """The tax codes as the first line offers them: name -> id."""
    select = next(each for each in page.elements if each.attributes.get("name") == "l1-tax")
    return {option.text: option.attributes["value"] for option in select.walk() if option.tag == "option"}


def rows(page):
    return [row.text for row in page.by_class("total__rows")[0].children if hasattr(row, "text")]


def test_a_line_whose_tax_several_codes_have_names_the_others(connect, open_form, control):
    birchline = connect("CA")
    _, fields, page = open_form(birchline, FIXTURES)
    codes = code_ids(page)
    assert (fields["l1-tax"], page.by_id("l1-reason").text) == (codes["Zero-rated"], "Product tax is 0%")
    control.book(birchline.realm, "list_activity", entity="TaxCode", id=codes["Zero-rated"], active=False)
    birchline.company.reference_lists.all().delete()
    browser, fields, page = open_form(birchline, FIXTURES)
    told = "Product tax is 0%. Same rate: Out of scope"
    assert (fields["l1-tax"], page.by_id("l1-reason").text) == (codes["Exempt"], told)
    assert refused(browser, fields, **{"l1-quantity": "many"}).by_id("l1-reason").text == told


def test_rows_of_the_totals_with_one_rate_are_told_apart(harbour, open_form):
    browser, fields, page = open_form(harbour, RACKING)
    codes = code_ids(page)
    assert "VAT 0.0% on £300.00 £0.00" in rows(page)
    found = rows(previewed(browser, fields, **{"l3-tax": codes["Exempt"], "l2-tax": codes["20.0% RC"]}))
    assert found[-6:] == [
        "20.0% S on £5,928.00 £1,185.60",
        "20.0% RC (Sales) on £1,920.00 £384.00",
        "20.0% RC (Sales, reversed) on £1,920.00 −£384.00",
        "Exempt 0.0% on £852.00 £0.00",
        "0.0% Z on £300.00 £0.00",
        "Total £10,185.60",
    ]


def tax_of_items(browser, text):
    options = Page(browser.get(ITEMS, {"q": text})).by_class("option")
    return {option.attributes["data-label"]: option.attributes["data-tax"] for option in options}


def test_each_item_that_is_found_brings_its_tax_along(connect, harbour, open_form):
    browser, _, page = open_form(harbour, RACKING)
    assert tax_of_items(browser, "installation")["Installation"] == code_ids(page)["20.0% S"]
    browser, _, _ = open_form(connect("US"), GLOVES)
    found = tax_of_items(browser, "")
    assert (found["Nitrile gloves, box of 100"], found["Training"]) == ("TAX", "NON")


def test_the_tax_goes_by_the_item_only_where_no_product_tells_it(connect, harbour, open_form):
    _, _, page = open_form(harbour, RACKING)
    assert "data-item-tax" not in page.by_id("l1").attributes
    american = connect("US")
    _, _, page = open_form(american, GLOVES)
    assert page.by_id("l1").attributes["data-item-tax"] == "TAX"


def test_the_reason_is_that_of_the_item_that_stands_there_now(connect, open_form):
    american = connect("US")
    browser, fields, page = open_form(american, GLOVES)
    assert page.by_id("l1-reason").text == "As the item says"
    training = next(item.id for item in reference.items(american.company) if item.name == "Training")
    chosen = {"l1-item": training, "changed": "l1"}
    assert previewed(browser, fields, **chosen).by_id("l1-reason").text == ""
    assert previewed(browser, fields, **chosen | {"l1-tax": "NON"}).by_id("l1-reason").text == "As the item says"
