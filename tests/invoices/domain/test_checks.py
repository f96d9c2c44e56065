"""The pre-flight check: one row for each thing QuickBooks would refuse, and for what is worth knowing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from invoices.domain.checks import Context, SameAgain, Severity, is_email, preflight
from invoices.domain.deal import Address
from invoices.domain.draft import AmountsAre
from invoices.domain.money import Money
from invoices.domain.tax import totals
from tests.factories import D, a_bill_to, a_draft, a_line

from .books import AMERICAN_CODES, BY_ID, Thing, books

ITEMS = {
    item.id: item
    for item in (
        Thing("1", "Racking"),
        Thing("2", "Low racking (deleted)", active=False),
    )
}


TAXED = Thing("1", "Racking", tax_code_id="2")


def check(draft=None, *, country="GB", context=None, **fields):
    draft = draft or a_draft()
    found_books = books(country, **fields)
    base = Context(
        books=found_books,
        codes={} if country == "US" else BY_ID,
        items=ITEMS,
        known_currencies={"GBP", "EUR", "USD", "AUD", "JPY"},
    )
    added = totals(draft, base.codes, books=found_books)
    return preflight(draft, added, replace(base, **(context or {})))


def codes(findings, severity=Severity.BLOCKS):
    return [(finding.field, finding.code) for finding in findings if finding.severity == severity]


def with_line(**fields):
    return a_draft(lines=(a_line(**fields),))


NET_BELOW_ZERO = (a_line(), a_line(unit_price=D(-110), tax_code_id="5", tax_percentage=D(0)))  # though not with tax


def with_customer(**fields):
    return a_draft(bill_to=a_bill_to(**fields))


def test_a_good_draft_passes_and_is_told_so():
    found = check(a_draft(bill_to=a_bill_to(customer_id="7")))
    assert codes(found) == codes(found, Severity.WARNS) == []
    assert {finding.code for finding in found} == {"customer_chosen", "all_items", "all_tax_codes"}


@pytest.mark.parametrize(
    ("draft", "field", "code"),
    [
        (with_customer(name=""), "customer.name", "no_name"),
        (with_customer(name=":"), "customer.name", "no_name"),
        (with_customer(name="x" * 501), "customer.name", "too_long"),
        (with_customer(email="acounts@bramleyfoods"), "customer.email", "email_invalid"),
        (with_customer(email="a@b.co, c@d"), "customer.email", "email_invalid"),
        (with_customer(email=", ".join(["someone@somewhere.example"] * 4)), "customer.email", "too_long"),
        (with_customer(email="x" * 96 + "@x.io"), "customer.email", "too_long"),
        (with_customer(address=Address(line1="1", city="x" * 256)), "customer.address", "too_long"),
        (with_customer(address=Address(line1="1", postal_code="9" * 31)), "customer.address", "too_long"),
        (with_customer(address=Address(text="\n".join(["x" * 500] * 5))), "customer.address", "too_long"),
        (with_customer(tax_id="9" * 31), "customer.tax_id", "too_long"),
        (a_draft(currency="HPP"), "currency", "currency_unknown"),
        (a_draft(due_date=date(2026, 11, 23)), "due_date", "due_before_invoice"),
        (a_draft(memo="x" * 1001), "memo", "too_long"),
        (a_draft(private_note="x" * 3901), "private_note", "too_long"),
        (a_draft(lines=()), "lines", "no_lines"),
        (a_draft(lines=(a_line(),) * 751), "lines", "too_many_taxable_lines"),
        (with_line(item_id=""), "lines.0.item", "no_item"),
        (with_line(item_id="9"), "lines.0.item", "item_gone"),
        (with_line(item_id="2"), "lines.0.item", "inactive_item"),
        (with_line(tax_code_id=""), "lines.0.tax_code", "no_tax_code"),
        (with_line(tax_code_id="7"), "lines.0.tax_code", "tax_code_gone"),
        (with_line(tax_code_id="99"), "lines.0.tax_code", "tax_code_gone"),
        (with_line(quantity=D("1.123456")), "lines.0.quantity", "too_many_decimals"),
        (with_line(unit_price=D("1.12345678")), "lines.0.unit_price", "too_many_decimals"),
        (with_line(unit_price=D("1e10")), "lines.0.unit_price", "too_large"),
        (with_line(quantity=D(2), unit_price=D("5e9")), "lines.0.unit_price", "too_large"),
        (with_line(quantity=D("1e10"), unit_price=D("0.01")), "lines.0.quantity", "too_large"),
        (with_line(discount=D("100.01")), "lines.0.discount", "discount_over_line"),
        (with_line(discount=D("-1")), "lines.0.discount", "discount_over_line"),
        (with_line(description="x" * 3901), "lines.0.description", "too_long"),
        (with_line(quantity=D(-1)), "lines", "negative_total"),
        (a_draft(discount_amount=D("100.01")), "discount", "discount_over_total"),
        (a_draft(discount_percentage=D("100.1")), "discount", "discount_over_total"),
        (a_draft(discount_percentage=D("-1")), "discount", "discount_over_total"),
        (a_draft(lines=NET_BELOW_ZERO, discount_percentage=D(5)), "discount", "discount_over_total"),
        (
            a_draft(lines=(a_line(discount=D(100)),), amounts_are=AmountsAre.TAX_INCLUSIVE, discount_amount=D(5)),
            "discount",
            "discount_over_total",
        ),
        (a_draft(discount_percentage=D(1), discount_amount=D(1)), "discount", "two_discounts"),
        (a_draft(amounts_are=AmountsAre.WITHOUT_TAX_SETTING), "amounts_are", "tax_switched_on"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_quickbooks_would_refuse_blocks_at_its_field(draft, field, code):
    assert (field, code) in codes(check(draft))


@pytest.mark.parametrize(
    ("invoiced", "due", "warns"),
    [
        ("2026-11-24", "2026-12-08", []),
        ("2026-11-24", "2026-11-24", []),
        ("2026-11-10", "2026-11-23", [("due_date", "due_date_over")]),
        ("2026-11-24", "2027-11-24", []),
        ("2026-11-24", "2031-12-08", [("due_date", "far_date")]),
        ("2031-12-01", "2031-12-15", [("invoice_date", "far_date"), ("due_date", "far_date")]),
        ("2015-12-01", "2026-11-23", [("invoice_date", "far_date"), ("due_date", "due_date_over")]),
    ],
)
def test_days_that_are_over_or_far_away_are_pointed_out(invoiced, due, warns):
    draft = a_draft(invoice_date=date.fromisoformat(invoiced), due_date=date.fromisoformat(due))
    found = check(draft, context={"today": date(2026, 11, 24)})
    assert [each for each in codes(found, Severity.WARNS) if each[0].endswith("date")] == warns


@pytest.mark.parametrize(
    ("country", "setting", "fits"),
    [
        ("GB", AmountsAre.WITHOUT_TAX_SETTING, True),
        ("GB", AmountsAre.TAX_EXCLUSIVE, True),
        ("GB", AmountsAre.TAX_INCLUSIVE, False),
        ("US", AmountsAre.WITHOUT_TAX_SETTING, True),
        ("US", AmountsAre.TAX_EXCLUSIVE, False),
    ],
)
def test_where_there_is_no_tax_no_price_has_some_in_it(country, setting, fits):
    found = codes(check(a_draft(amounts_are=setting), country=country, uses_sales_tax=False))
    assert (("amounts_are", "tax_setting_gone") not in found) is fits


@pytest.mark.parametrize(
    ("draft", "options", "field", "code"),
    [
        (
            a_draft(invoice_date=date(2026, 11, 30)),
            {"closed_until": date(2026, 11, 30)},
            "invoice_date",
            "books_closed",
        ),
        (a_draft(currency="EUR"), {"multicurrency": False}, "currency", "multicurrency_off"),
        (a_draft(discount_percentage=D(5)), {"allow_discount": False}, "discount", "discounts_off"),
        (a_draft(), {"custom_numbers": True}, "number", "no_number"),
        (a_draft(number="9" * 22), {"custom_numbers": True}, "number", "too_long"),
    ],
)
def test_the_companys_own_settings_block_too(draft, options, field, code):
    assert (field, code) in codes(check(draft, **options))


def test_a_currency_is_left_to_quickbooks_where_its_settings_name_none():
    assert codes(check(a_draft(currency="EUR"), multicurrency=False, home_currency="")) == []


def test_numbers_are_not_asked_where_quickbooks_counts_itself():
    assert codes(check(a_draft(number="9" * 22))) == []


def test_a_chosen_customer_of_another_currency_clashes():
    found = check(with_customer(customer_id="7"), context={"customer_currency": "EUR"})
    assert codes(found) == [("currency", "currency_clash")]
    assert codes(check(with_customer(customer_id=""), context={"customer_currency": "EUR"})) == []


@pytest.mark.parametrize(("multicurrency", "ending"), [(True, " (USD)"), (False, "")])
def test_a_second_customer_is_proposed_only_where_quickbooks_keeps_several_currencies(multicurrency, ending):
    draft = replace(with_customer(customer_id="7", name="Bramley"), currency="USD")
    (clash,) = [
        finding
        for finding in check(draft, context={"customer_currency": "GBP", "books": books(multicurrency=multicurrency)})
        if finding.code == "currency_clash"
    ]
    assert clash.values["new_customer"] == (f"Bramley{ending}" if ending else "")


def test_american_lines_need_a_yes_or_no_only_where_there_is_sales_tax():
    draft = a_draft(
        amounts_are=AmountsAre.WITHOUT_TAX_SETTING,
        currency="USD",
        lines=(a_line(tax_code_id=""),),
        discount_percentage=None,
    )
    assert codes(check(draft, country="US")) == [("lines.0.tax_code", "no_tax_code")]
    assert codes(check(draft, country="US", uses_sales_tax=False)) == []


BY_HAND = {
    "country": "US",
    "automated_sales_tax": False,
    "context": {"codes": {code.id: code for code in AMERICAN_CODES}},
}


@pytest.mark.parametrize(
    ("sales_tax_id", "finding"),
    [("12", []), ("", ["no_sales_tax"]), ("13", ["sales_tax_gone"]), ("99", ["sales_tax_gone"])],
)
def test_without_automated_sales_tax_taxable_lines_need_a_rate_in_use(sales_tax_id, finding):
    us = {"amounts_are": AmountsAre.WITHOUT_TAX_SETTING, "currency": "USD", "sales_tax_id": sales_tax_id}
    taxable, free = (a_line(tax_code_id=word) for word in ("TAX", "NON"))
    assert codes(check(a_draft(lines=(taxable, free), **us), **BY_HAND)) == [("sales_tax", code) for code in finding]
    assert codes(check(a_draft(lines=(free,), **us), **BY_HAND)) == []
    exempt = a_bill_to(customer_id="7", exempt=True)
    assert codes(check(a_draft(lines=(taxable,), bill_to=exempt, **us), **BY_HAND)) == []


def test_the_code_that_a_customer_usually_pays_needs_no_explanation():
    draft = with_line(tax_code_id="5", tax_percentage=D(0))
    found = check(draft, context={"items": {"1": TAXED}, "usual_tax": "5"})
    assert "items_are_taxed" not in [finding.code for finding in found]


@pytest.mark.parametrize("country", ["GB", "US"])
def test_nobody_is_told_of_tax_that_is_charged_or_that_is_quickbooks_own_business(country):
    american = {"amounts_are": AmountsAre.WITHOUT_TAX_SETTING, "currency": "USD"} if country == "US" else {}
    line = a_line(tax_code_id="NON", tax_percentage=D(0)) if country == "US" else a_line()
    found = check(a_draft(lines=(line,), **american), country=country, context={"items": {"1": TAXED}})
    assert {"without_tax", "items_are_taxed"}.isdisjoint(finding.code for finding in found)


def test_without_tax_no_limit_of_taxed_lines_counts():
    draft = a_draft(amounts_are=AmountsAre.NO_TAX, lines=(a_line(),) * 751)
    assert "too_many_taxable_lines" not in {finding.code for finding in check(draft)}


def test_without_tax_no_code_is_asked():
    draft = a_draft(amounts_are=AmountsAre.NO_TAX, lines=(a_line(tax_code_id="", tax_percentage=D(0)),))
    assert codes(check(draft)) == []


@pytest.mark.parametrize(
    ("draft", "context", "field", "code"),
    [
        (with_customer(name="Atlas:  Trade"), {}, "customer.name", "name_cleaned"),
        (with_customer(email=""), {}, "customer.email", "no_email"),
        (with_line(quantity=D(0)), {}, "lines.0.quantity", "no_quantity"),
        (with_line(attachment_id=7, description="x" * 3901), {}, "lines.0.description", "description_cut"),
        (with_line(unit_price=D(0)), {}, "lines", "zero_total"),
        (a_draft(), {"deal_value": Money(D(1), "EUR")}, "currency", "not_the_deals_currency"),
        (a_draft(), {"deal_value": Money(D(1), "EUR"), "worth_in_all": None}, "currency", "not_the_deals_currency"),
        (a_draft(), {"deal_value": Money(D("99.50"), "GBP"), "more_than_the_deal": True}, "over_deal", "over_the_deal"),
        (a_draft(), {"prices_were_with_tax": True}, "amounts_are", "prices_were_with_tax"),
        (a_draft(), {"same_again": SameAgain()}, "", "same_again"),
        (a_draft(amounts_are=AmountsAre.NO_TAX), {}, "amounts_are", "without_tax"),
        (with_line(tax_code_id="5", tax_percentage=D(0)), {"items": {"1": TAXED}}, "lines", "items_are_taxed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_worth_knowing_is_told_and_blocks_nothing(draft, context, field, code):
    found = check(draft, context=context)
    assert (field, code) in codes(found, Severity.WARNS)
    assert codes(found) == []


ZERO_RATED = a_line(tax_code_id="5", tax_percentage=D(0))


@pytest.mark.parametrize(
    ("lines", "context", "told"),
    [
        ((ZERO_RATED,), {}, True),
        ((ZERO_RATED, a_line()), {}, False),
        ((ZERO_RATED,), {"items": {"1": replace(TAXED, tax_code_id="5")}}, False),
        ((ZERO_RATED,), {"usual_tax": "5"}, False),
        ((replace(ZERO_RATED, tax_code_id="4"),), {}, False),
        ((replace(ZERO_RATED, tax_code_id="1"),), {}, False),
        ((ZERO_RATED, replace(ZERO_RATED, tax_code_id="4")), {}, True),
    ],
    ids=["alone", "beside a taxed line", "as the item", "as the customer", "exempt", "reverse charge", "and exempt"],
)
def test_an_invoice_without_tax_is_told_where_nothing_but_the_deals_0_percent_says_so(lines, context, told):
    found = codes(check(a_draft(lines=lines), context=context), Severity.WARNS)
    assert (("lines", "all_at_zero") in found) is told


@pytest.mark.parametrize(
    ("address", "line", "books_have", "told"),
    [
        ({}, {}, {}, True),
        ({"text": "9 Pine St, Portland, OR 97201"}, {}, {}, True),
        ({"line1": "9 Pine St", "postal_code": "97201"}, {}, {}, False),
        ({}, {"tax_code_id": "NON"}, {}, False),
        ({}, {}, {"automated_sales_tax": False}, False),
        ({}, {}, {"uses_sales_tax": False}, False),
    ],
)
def test_automated_sales_tax_needs_to_know_where_a_new_customer_is(address, line, books_have, told):
    draft = a_draft(
        bill_to=a_bill_to(address=Address(**address)),
        lines=(a_line(**{"tax_code_id": "TAX", "tax_percentage": D(0)} | line),),
        amounts_are=AmountsAre.WITHOUT_TAX_SETTING,
        currency="USD",
    )
    known, existing = draft, replace(draft, bill_to=replace(draft.bill_to, customer_id="7"))
    for each, expected in ((known, told), (existing, False)):
        found = codes(check(each, country="US", **books_have), Severity.WARNS)
        assert (("customer.address", "no_place") in found) is expected


def test_a_second_invoice_for_a_deal_is_told_with_what_is_left():
    context = {"deal_value": Money(D(150), "GBP"), "invoiced_before": Money(D(100), "GBP"), "invoices_before": 1}
    found = {finding.code: finding.values for finding in check(context=context)}
    assert found["invoiced_before"] == {"count": 1, "amount": D(100), "currency": "GBP"}
    assert found["over_the_deal"]["amount"] == D("50.00")
    found = {finding.code: finding.values for finding in check(context=context | {"unconfirmed_before": True})}
    assert found["invoiced_before_unconfirmed"]["count"] == 1
    assert "invoiced_before" not in found


def test_earlier_invoices_in_different_currencies_are_told_and_nothing_is_said_of_what_they_leave():
    context = {"deal_value": Money(D(150), "GBP"), "invoiced_before": None, "invoices_before": 2}
    found = {finding.code: finding.values for finding in check(context=context)}
    assert found["invoiced_before"] == {"count": 2}
    assert "within_the_deal" not in found


def test_what_is_within_the_deal_is_told_with_what_it_is_compared_with():
    def told(draft=None, **context):
        found = check(draft, context={"deal_value": Money(D(150), "GBP")} | context)
        (finding,) = [finding for finding in found if finding.code == "within_the_deal"]
        return {name: finding.values[name] for name in ("left", "first", "tax_left_out")}

    assert told() == {"left": D(150), "first": True, "tax_left_out": True}
    before = {"invoiced_before": Money(D(20), "GBP"), "invoices_before": 1}
    assert told(**before) == {"left": D(130), "first": False, "tax_left_out": True}
    with_tax = a_draft(amounts_are=AmountsAre.TAX_INCLUSIVE)
    assert told(with_tax)["tax_left_out"] is False, "what is compared is the form's total"


def test_more_than_the_deal_is_billed_only_when_it_is_meant():
    context = {"deal_value": Money(D(99), "GBP")}
    assert ("over_deal", "over_the_deal") in codes(check(context=context), Severity.BLOCKS)
    assert codes(check(context=context | {"more_than_the_deal": True})) == []
    assert codes(check(context={"deal_value": Money(D("99.99"), "GBP")})) == [], "a line may be rounded"
    assert codes(check(context={"deal_value": Money(D(0), "GBP")})) == [], "nobody has said what the deal is worth"


def test_each_of_several_invoices_may_be_rounded_against_the_deal():
    """Three parts of 299.98 that came to 100.00 each: the last one is not stopped for the pence that they differ by."""
    context = {"deal_value": Money(D("299.98"), "GBP"), "invoiced_before": Money(D(200), "GBP"), "invoices_before": 2}
    assert codes(check(context=context), Severity.BLOCKS) == []
    over = check(context=context | {"deal_value": Money(D("299.96"), "GBP")})
    assert ("over_deal", "over_the_deal") in codes(over, Severity.BLOCKS)


def test_where_prices_include_tax_the_deals_value_does_too():
    draft = a_draft(amounts_are=AmountsAre.TAX_INCLUSIVE)
    assert ("", "within_the_deal") in codes(check(draft, context={"deal_value": Money(D(100), "GBP")}), Severity.FINE)
    over = check(draft, context={"deal_value": Money(D(99), "GBP")})
    assert ("over_deal", "over_the_deal") in codes(over, Severity.BLOCKS)


def test_a_value_with_tax_is_compared_with_what_the_customer_pays_whatever_the_prices_are_called():
    context = {"deal_value": Money(D(100), "GBP"), "deal_with_tax": True}
    assert ("over_deal", "over_the_deal") in codes(check(context=context), Severity.BLOCKS)
    assert ("", "within_the_deal") in codes(check(context=context | {"deal_with_tax": False}), Severity.FINE)


def test_open_books_are_confirmed():
    found = check(closed_until=date(2026, 11, 23))
    assert ("invoice_date", "books_open") in codes(found, Severity.FINE)


def test_what_blocks_comes_first():
    found = check(a_draft(bill_to=a_bill_to(email=""), lines=(a_line(item_id=""),)))
    severities = [list(Severity).index(finding.severity) for finding in found]
    assert severities == sorted(severities)


def test_of_several_addresses_each_has_to_be_one():
    assert not [each for each in check(with_customer(email="a@b.co, c@d.co")) if each.field == "customer.email"]
    told = [each.values for each in check(with_customer(email="a@b.co, c@d, e")) if each.code == "email_invalid"]
    assert told == [{"email": "c@d"}, {"email": "e"}]
    (whole,) = (each for each in check(with_customer(email="jane at doe")) if each.code == "email_invalid")
    assert whole.values == {"email": "jane at doe"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("office@bramleyfoods.co.uk", True),
        ("jürgen@küchen.de", True),
        ("a@b", False),
        ("a b@c.de", False),
        ("a@b.c", False),
        ("a@b.co;c@d.co", False),
        ("<a@b.co>", False),
        ("a\0b@c.de", False),
        ("a@b\x07.de", False),
        ("a@b.de\x7f", False),
    ],
)
def test_it_knows_an_email_address(text, expected):
    assert is_email(text) is expected
