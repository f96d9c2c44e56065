"""What the form says of taxes that are alike."""

from __future__ import annotations

import pytest

from tests.invoices.form_answers import refused

pytestmark = pytest.mark.django_db
FIXTURES = "Great Lakes Outfitters – store fixtures"


def code_ids(page):
    """The tax codes as the first line offers them: name -> id."""
    select = next(each for each in page.elements if each.attributes.get("name") == "l1-tax")
    return {option.text: option.attributes["value"] for option in select.walk() if option.tag == "option"}


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
