"""What the form says of taxes that are alike: codes of one percentage, and rows of the totals with one rate."""

from __future__ import annotations

import pytest

from tests.invoices.conftest import RACKING
from tests.invoices.form_answers import previewed, refused

pytestmark = pytest.mark.django_db
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
