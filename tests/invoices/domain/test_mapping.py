"""A deal becomes a draft: fields by the company's choice, lines from its products."""

from __future__ import annotations

from datetime import date

import pytest

from invoices.domain.checks import LONGEST_DESCRIPTION
from invoices.domain.deal import Address, Discount, TaxMethod
from invoices.domain.draft import AmountsAre, line_discount
from invoices.domain.mapping import FieldChoices, bill_to, field_text, prefill, text_of, worth_before_tax
from invoices.domain.matching import ItemReason
from invoices.domain.tax import TaxReason
from tests.factories import D, a_deal, a_party, a_product

from .books import BRITISH_CODES, Thing, books

ITEMS = (Thing("1", "Pallet racking bay 4L", "RACK-4L", taxable=True), Thing("2", "Installation"))
TODAY = date(2026, 11, 24)
SUGGESTED = FieldChoices("organization.name", "organization.address", "person.emails", "", due_days=14)


def filled(deal=None, *, country="GB", choices=SUGGESTED, **fields):
    return prefill(
        deal or a_deal(),
        choices,
        books=books(country),
        codes=() if country == "US" else BRITISH_CODES,
        items=ITEMS,
        today=TODAY,
        **fields,
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, ""),
        ("  GB 123 ", "GB 123"),
        (12, "12"),
        (D("12.50"), "12.5"),
        ({"id": 3, "label": "Food"}, "Food"),
        ({"value": 4800, "currency": "GBP"}, "4800 GBP"),
        ({"value": None, "currency": "GBP"}, ""),
        ({"value": "12:00", "timezone_name": "UTC"}, "12:00"),
        ({"value": "12:00", "until": "14:30", "timezone_name": "UTC"}, "12:00 – 14:30"),
        ({"value": "2026-11-01", "until": "2026-11-30"}, "2026-11-01 – 2026-11-30"),
        ({"value": "2026-11-01", "until": None}, "2026-11-01"),
        ([{"id": 1, "label": "Website"}, {"id": 2, "label": "Trade fair"}], "Website, Trade fair"),
        ([{"value": "a@x.io", "primary": False}, {"value": "b@x.io", "primary": True}], "b@x.io"),
        ([{"value": "a@x.io", "primary": False}], "a@x.io"),
        ([], ""),
        (["Deal", "Person"], "Deal, Person"),
    ],
)
def test_any_field_reads_as_a_person_would_write_it(value, expected):
    assert text_of(value) == expected


def test_fields_of_all_three_owners_can_be_chosen():
    deal = a_deal(
        values={"po": "BF-1"},
        organization=a_party(values={"vat": "GB 1"}),
        person=a_party(values={"emails": [{"value": "ann@x.io", "primary": True}]}),
    )
    assert [field_text(deal, name) for name in ("deal.po", "organization.vat", "person.emails")] == [
        "BF-1",
        "GB 1",
        "ann@x.io",
    ]
    assert field_text(deal, "") == field_text(deal, "organization.gone") == field_text(deal, "nobody.name") == ""


def test_the_customer_is_filled_from_the_chosen_fields():
    address = {"value": "4 Mill Lane, Leeds", "street_number": "4", "route": "Mill Lane", "locality": "Leeds"}
    deal = a_deal(
        organization=a_party(name="Atlas: Trade", values={"name": "Atlas: Trade", "address": address, "vat": "GB 1"}),
        person=a_party(values={"emails": [{"value": "ann@x.io", "primary": True}]}),
    )
    found = bill_to(
        deal, FieldChoices("organization.name", "organization.address", "person.emails", "organization.vat")
    )
    assert (found.customer_id, found.name, found.email, found.tax_id) == ("", "Atlas: Trade", "ann@x.io", "GB 1")
    assert (found.address.line1, found.address.city) == ("4 Mill Lane", "Leeds")


def test_marks_that_nobody_sees_are_no_part_of_what_was_pasted():
    deal = a_deal(
        organization=a_party(name="\u202aAtlas Trade\u202c", values={"vat": "\u200eGB 1\u200b"}),
        person=a_party(values={"emails": [{"value": "ann@x.io\u200b", "primary": True}]}),
    )
    found = bill_to(deal, FieldChoices("organization.name", "", "person.emails", "organization.vat"))
    assert (found.name, found.email, found.tax_id) == ("Atlas Trade", "ann@x.io", "GB 1")


def test_lines_of_a_text_stay_apart_in_a_field_of_one_line():
    deal = a_deal(values={"to": "a@x.io\r\nb@y.io", "vat": "GB 1\nsince 2019", "po": "BF-1\nBF-2"})
    found = filled(
        deal, choices=FieldChoices("deal.to", "", "deal.to", "deal.vat", "", "", "deal.to", (("1", "deal.po"),))
    )
    assert (found.draft.bill_to.email, found.draft.extras.cc) == ("a@x.io, b@y.io", "a@x.io, b@y.io")
    assert (found.draft.bill_to.tax_id, found.draft.extras.own_field("1")) == ("GB 1 since 2019", "BF-1 BF-2")


def test_an_address_in_a_text_field_is_taken_as_it_is():
    deal = a_deal(values={"where": "Dock 4\nHull"})
    assert bill_to(deal, FieldChoices("deal.title", "deal.where")).address == Address(text="Dock 4\nHull")


@pytest.mark.parametrize(
    ("organization", "person", "expected"),
    [
        (a_party(name="Bramley"), a_party(name="Ann"), "Bramley"),
        (None, a_party(name="Ann"), "Ann"),
        (None, None, ""),
    ],
)
def test_the_recipient_falls_back_to_whoever_the_deal_has(organization, person, expected):
    deal = a_deal(organization=organization, person=person)
    assert bill_to(deal, FieldChoices("organization.custom")).name == expected


def test_a_person_without_organization_has_an_own_address_and_e_mail():
    ann = a_party(name="Ann", values={"emails": [{"value": "ann@x.io"}], "postal_address": "4 Mill Lane"})
    of_organizations = FieldChoices("organization.name", "organization.address", "organization.billing")
    found = bill_to(a_deal(organization=None, person=ann), of_organizations)
    assert (found.name, found.email, found.address.text) == ("Ann", "ann@x.io", "4 Mill Lane")
    found = bill_to(a_deal(organization=None, person=ann), FieldChoices("organization.name", "", ""))
    assert (found.email, found.address.text) == ("", ""), "what the company does not fill stays empty"
    for organization, values in ((a_party(name="Atlas"), {}), (None, {"org_id": 31})):
        found = bill_to(a_deal(organization=organization, person=ann, values=values), of_organizations)
        assert (found.email, found.address.text) == ("", "")


def test_nobody_stands_in_for_an_organization_that_the_user_may_not_see():
    hidden = a_deal(organization=None, person=a_party(values={"name": "Ann"}), values={"org_id": 31})
    assert bill_to(hidden, SUGGESTED).name == ""
    assert bill_to(hidden, FieldChoices("person.name")).name == "Ann"


def test_a_product_becomes_a_line_with_item_code_and_reasons():
    found = filled()
    (line,) = found.draft.lines
    assert (line.description, line.item_id, line.tax_code_id) == ("Pallet racking bay 4L", "1", "2")
    assert (line.quantity, line.unit_price, line.tax_percentage) == (D(2), D("50.00"), D(20))
    assert found.item_proposals[0].reason == ItemReason.SKU
    assert (found.tax_proposals[0].reason, found.tax_proposals[0].percentage) == (TaxReason.PRODUCT_TAX, D(20))
    assert found.draft.amounts_are == AmountsAre.TAX_EXCLUSIVE
    assert (found.draft.invoice_date, found.draft.due_date) == (TODAY, date(2026, 12, 8))


def test_of_a_long_comment_no_more_is_kept_than_tells_that_it_is_too_long():
    line = filled(a_deal(products=(a_product(comments="oak " * 1200),))).draft.lines[0]
    assert len(line.description) == LONGEST_DESCRIPTION + 1


def test_disabled_products_stay_on_the_deal():
    deal = a_deal(products=(a_product(enabled=False), a_product(name="Installation", code="")))
    assert [line.description for line in filled(deal).draft.lines] == ["Installation"]


def test_a_deal_whose_products_are_all_disabled_has_no_lines():
    assert filled(a_deal(products=(a_product(enabled=False),))).draft.lines == ()


def test_a_deal_without_products_is_billed_by_its_value():
    found = filled(a_deal(products=(), value=D("3450"), title="Shop refit"))
    (line,) = found.draft.lines
    assert (line.description, line.quantity, line.unit_price) == ("Shop refit", D(1), D(3450))
    assert (line.item_id, line.tax_code_id) == ("", "")
    assert found.tax_proposals[0].reason == TaxReason.UNKNOWN_PERCENTAGE


def test_a_line_carries_its_discount_as_amount_and_as_typed():
    products = (
        a_product(quantity=D(12), unit_price=D(520), discount=Discount(D(5), True)),
        a_product(discount=Discount(D(20))),
        a_product(),
    )
    lines = filled(a_deal(products=products)).draft.lines
    assert [(line.discount, line.discount_text) for line in lines] == [
        (D("312.00"), "5%"),
        (D("20.00"), "20"),
        (D("0.00"), ""),
    ]


def test_a_discount_with_more_decimals_than_the_currency_is_taken_off_as_it_is_shown():
    product = a_product(quantity=D("904.6"), unit_price=D("610724.453"), discount=Discount(D("339.60")))
    (line,) = filled(a_deal(currency="JPY", products=(product,))).draft.lines
    shown = line_discount(line.quantity, line.unit_price, Discount(D(line.discount_text)), "JPY")
    assert (line.discount_text, line.discount) == ("340", shown)


def test_comments_follow_the_products_name():
    assert filled(a_deal(products=(a_product(comments=" In oak \n"),))).draft.lines[0].description == (
        "Pallet racking bay 4L\nIn oak"
    )


@pytest.mark.parametrize(
    ("discounts", "percentage", "amount"),
    [
        ((), None, None),
        ((Discount(D(0), True),), None, None),
        ((Discount(D(10), True),), D(10), None),
        ((Discount(D("25")),), None, D("25.00")),
        ((Discount(D(10), True), Discount(D(5))), None, D("15.00")),
    ],
)
def test_discounts_of_the_deal_become_one(discounts, percentage, amount):
    draft = filled(a_deal(discounts=discounts)).draft
    assert (draft.discount_percentage, draft.discount_amount) == (percentage, amount)


def test_american_prices_with_tax_are_shown_without():
    deal = a_deal(
        currency="USD",
        tax_method=TaxMethod.INCLUSIVE,
        products=(a_product(unit_price=D("108.25"), tax_percentage=D("8.25"), discount=Discount(D("10.825"))),),
    )
    (line,) = filled(deal, country="US").draft.lines
    assert (line.unit_price, line.discount, line.tax_code_id) == (D("100.00"), D("10.00"), "TAX")


@pytest.mark.parametrize(
    ("price", "quantity", "discount", "unit_price", "amount"),
    [
        ("0.99", "1000", Discount(), "0.91455", "914.55"),  # 0.91 each would lose 4.55
        ("19.99", "1", Discount(), "18.47", "18.47"),
        ("19.99", "40", Discount(D("7.5"), True), "18.4665", "683.26"),
        ("19.99", "40", Discount(D("33.33")), "18.4665", "707.87"),
    ],
)
def test_american_lines_come_to_their_amount_before_tax_to_the_cent(price, quantity, discount, unit_price, amount):
    product = a_product(unit_price=D(price), quantity=D(quantity), tax_percentage=D("8.25"), discount=discount)
    deal = a_deal(currency="USD", tax_method=TaxMethod.INCLUSIVE, products=(product,))
    (line,) = filled(deal, country="US").draft.lines
    assert (line.unit_price, line.amount("USD")) == (D(unit_price), D(amount))


@pytest.mark.parametrize("percentage", ["-100", "-150"])
def test_an_american_price_with_a_tax_that_takes_all_of_it_stays_as_it_is(percentage):
    product = a_product(unit_price=D("108.25"), quantity=D(1), tax_percentage=D(percentage))
    deal = a_deal(currency="USD", tax_method=TaxMethod.INCLUSIVE, products=(product,))
    assert filled(deal, country="US").draft.lines[0].unit_price == D("108.25")


@pytest.mark.parametrize(
    ("discounts", "amount"),
    [
        ([Discount(D("21.65"))], "20.00"),
        ([Discount(D(10), True), Discount(D("21.65"))], "40.00"),
    ],
)
def test_an_amount_off_an_american_deal_is_with_tax_as_its_prices_are(discounts, amount):
    products = (a_product(unit_price=D("216.50"), quantity=D(1), tax_percentage=D("8.25")),)
    deal = a_deal(currency="USD", tax_method=TaxMethod.INCLUSIVE, products=products, discounts=tuple(discounts))
    assert filled(deal, country="US").draft.discount_amount == D(amount)


def test_american_prices_stay_whole_where_quickbooks_adds_no_tax():
    product = a_product(unit_price=D("108.25"), quantity=D(1), tax_percentage=D("8.25"))
    deal = a_deal(currency="USD", tax_method=TaxMethod.INCLUSIVE, products=(product,))
    without_tax = books("US", uses_sales_tax=False)
    draft = prefill(deal, SUGGESTED, books=without_tax, codes=(), items=ITEMS, today=TODAY).draft
    assert draft.lines[0].unit_price == D("108.25")


@pytest.mark.parametrize(
    ("value", "discounts", "worth"),
    [
        ("324.75", (), "300.00"),
        ("303.10", (Discount(D("21.65")),), "280.00"),
        ("292.28", (Discount(D(10), True),), "270.00"),
        ("324.73", (), "300.00"),  # Pipedrive has rounded in its own way
        ("649.50", (), "600.00"),  # somebody has typed twice what the products come to
        ("0", (), "0.00"),
    ],
)
def test_an_american_deal_is_worth_without_tax_what_its_draft_bills(value, discounts, worth):
    """Of 100.00 and 200.00, with 8.25 % in both prices."""
    products = tuple(
        a_product(unit_price=D(price), quantity=D(1), tax_percentage=D("8.25")) for price in ("108.25", "216.50")
    )
    deal = a_deal(
        value=D(value), currency="USD", tax_method=TaxMethod.INCLUSIVE, products=products, discounts=discounts
    )
    assert worth_before_tax(deal, books("US"), filled(deal, country="US").draft) == D(worth)


@pytest.mark.parametrize(
    ("country", "method", "tax"),
    [("GB", TaxMethod.INCLUSIVE, 20), ("US", TaxMethod.EXCLUSIVE, 20), ("US", TaxMethod.INCLUSIVE, 0)],
)
def test_a_deal_whose_prices_are_billed_as_they_are_is_worth_what_it_says(country, method, tax):
    deal = a_deal(tax_method=method, products=(a_product(tax_percentage=D(tax)),))
    assert worth_before_tax(deal, books(country), filled(deal, country=country).draft) is None


def test_prices_with_tax_stay_as_they_are_elsewhere():
    draft = filled(a_deal(tax_method=TaxMethod.INCLUSIVE)).draft
    assert (draft.amounts_are, draft.lines[0].unit_price) == (AmountsAre.TAX_INCLUSIVE, D("50.00"))


def test_where_pipedrive_adds_no_tax_its_zero_is_no_rate_and_the_items_code_stands_ready():
    """Many companies have their rates in QuickBooks alone."""
    item = Thing("1", "Pallet racking bay 4L", "RACK-4L", tax_code_id="2")
    product = a_product(code="RACK-4L", tax_percentage=D(0))
    deal = a_deal(tax_method=TaxMethod.NONE, products=(product,))
    found = prefill(deal, SUGGESTED, books=books("GB"), codes=BRITISH_CODES, items=(item,), today=TODAY)
    assert found.draft.amounts_are == AmountsAre.NO_TAX
    assert (found.draft.lines[0].tax_code_id, found.tax_proposals[0].reason) == ("2", TaxReason.ITEM)


def test_a_product_that_says_nothing_of_tax_gets_its_items_code_and_no_zero_rate():
    item = Thing("1", "Pallet racking bay 4L", "RACK-4L", tax_code_id="2")
    product = a_product(code="RACK-4L", tax_percentage=D(0), names_tax=False)
    found = prefill(
        a_deal(products=(product,)), SUGGESTED, books=books("GB"), codes=BRITISH_CODES, items=(item,), today=TODAY
    )
    assert (found.draft.lines[0].tax_code_id, found.tax_proposals[0].reason) == ("2", TaxReason.ITEM)


def test_a_deal_with_120_products_keeps_their_order():
    products = tuple(a_product(name=f"Position {number:03}") for number in range(120))
    lines = filled(a_deal(products=products)).draft.lines
    assert [line.description for line in lines] == [product.name for product in products]


def test_a_number_is_taken_over():
    assert filled(number="CB-0921").draft.number == "CB-0921"
