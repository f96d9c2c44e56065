"""Tax codes with their reasons, and totals to the cent."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invoices.domain.deal import TaxMethod
from invoices.domain.draft import AmountsAre
from invoices.domain.tax import TaxReason, amounts_are, net_discount, propose_sales_tax, propose_tax_code, totals
from tests.factories import D, a_bill_to, a_draft, a_line

from .books import AMERICAN_CODES, BRITISH_CODES, BY_ID, Code, Rate, Thing, books, code

EXCLUSIVE, INCLUSIVE, NONE = AmountsAre.TAX_EXCLUSIVE, AmountsAre.TAX_INCLUSIVE, AmountsAre.NO_TAX


@pytest.mark.parametrize(
    ("country", "method", "uses_tax", "expected"),
    [
        ("GB", TaxMethod.EXCLUSIVE, True, EXCLUSIVE),
        ("AU", TaxMethod.INCLUSIVE, True, INCLUSIVE),
        ("GB", TaxMethod.NONE, True, NONE),
        ("GB", TaxMethod.EXCLUSIVE, False, AmountsAre.WITHOUT_TAX_SETTING),
        ("AU", TaxMethod.NONE, False, AmountsAre.WITHOUT_TAX_SETTING),
        ("US", TaxMethod.INCLUSIVE, True, AmountsAre.WITHOUT_TAX_SETTING),
    ],
)
def test_the_deals_tax_method_decides_what_prices_are(country, method, uses_tax, expected):
    assert amounts_are(method, books(country, uses_sales_tax=uses_tax)) == expected


def propose(percentage, *, item=None, codes=BRITISH_CODES, country="GB", prices=EXCLUSIVE, region="", **fields):
    value = None if percentage is None else D(percentage)
    return propose_tax_code(value, codes, books=books(country, **fields), prices=prices, item=item, region=region)


@pytest.mark.parametrize(
    ("percentage", "code_id", "reason"),
    [
        ("20", "2", TaxReason.PRODUCT_TAX),
        ("5", "3", TaxReason.PRODUCT_TAX),
        ("0", "5", TaxReason.PRODUCT_TAX),  # zero-rated, not exempt, reverse charge or EC goods
        ("17.5", "", TaxReason.NO_CODE_FITS),  # the only code is inactive
        ("19", "", TaxReason.NO_CODE_FITS),
        (None, "", TaxReason.UNKNOWN_PERCENTAGE),
    ],
)
def test_a_british_line_gets_the_code_of_its_percentage_and_the_reason(percentage, code_id, reason):
    found = propose(percentage)
    assert (found.code_id, found.reason) == (code_id, reason)


def test_a_percentage_of_two_decimals_finds_the_code_that_has_three():
    codes = (code("1", "GST/QST QC", "5", "9.975"), code("2", "HST ON", "13"))
    assert propose("14.98", codes=codes, country="CA").code_id == "1"
    assert propose("14.975", codes=codes, country="CA").code_id == "1"
    assert propose("14.97", codes=codes, country="CA").reason == TaxReason.NO_CODE_FITS


def test_of_several_fitting_codes_the_items_own_is_taken():
    assert propose("0", item=Thing("1", "Course", tax_code_id="4")).code_id == "4"
    assert propose("20", item=Thing("1", "Course", tax_code_id="4")).code_id == "2"


def test_without_a_product_the_items_code_is_proposed():
    found = propose(None, item=Thing("1", "Course", tax_code_id="3"))
    assert (found.code_id, found.reason, found.percentage) == ("3", TaxReason.ITEM, D(5))


def test_australian_names_are_understood():
    codes = (
        code("1", "Input tax", "0"),
        code("2", "BAS Excluded", "0"),
        code("3", "GST", "10"),
        code("4", "Out of scope", "0"),
        code("5", "GST free", "0"),
    )
    assert propose("10", codes=codes, country="AU").code_id == "3"
    assert propose("0", codes=codes, country="AU").code_id == "5"


def test_the_codes_of_the_tax_office_of_singapore_are_understood():
    names = ("9% DS", "9% SRCA-S", "9% SRRC", "9% SROVR-LVG", "9% SR", "0% ES33", "0% ESN33", "0% OS", "0% ZR")
    codes = tuple(code(str(number), name, name[0]) for number, name in enumerate(names, start=1))
    assert propose("9", codes=codes).code_name == "9% SR"
    assert propose("0", codes=codes).code_name == "0% ZR"


def test_french_names_are_understood():
    codes = (
        code("1", "20% Autoliquidation", "20"),
        code("2", "20% Intracommunautaire", "20"),
        code("3", "20% Ventes", "20"),
        code("4", "Exonéré", "0"),
        code("5", "0% Ventes", "0"),
    )
    assert propose("20", codes=codes).code_id == "3"
    assert propose("0", codes=codes).code_id == "5"


@pytest.mark.parametrize(
    "names",
    [
        ("Inversión del sujeto pasivo", "Exento", "IVA 0 %"),
        ("Inversão do sujeito passivo", "Isento", "IVA 0 %"),
        ("Innergemeinschaftliche Lieferung", "Steuerfrei § 4", "0 % Solaranlagen"),
        ("Exportação", "Isento", "0 %"),
        ("Eksports", "Ar PVN neapliekams", "PVN 0 %"),
        ("Eksport", "Maksuvaba käive", "0 %"),
        ("Btw verlegd", "Vrijgesteld", "0 %"),
        ("0.0% ECG", "Exempt"),
        ("No GST", "Zero rated"),
    ],
)
def test_special_codes_are_known_in_the_language_of_the_company(names):
    codes = tuple(code(str(number), name, "0") for number, name in enumerate(names, start=1))
    assert propose("0", codes=codes).code_name == names[-1]


def test_of_codes_that_are_alike_the_oldest_is_proposed():
    assert propose("20", codes=(code("10", "Standard", "20"), code("9", "Full", "20"))).code_id == "9"


PROVINCES = (
    code("1", "GST/PST BC", "5", "7"),
    code("2", "GST/RST MB 2019", "5", "7"),
    code("3", "HST NB 2016", "15"),
    code("4", "HST NL 2016", "15"),
    code("5", "HST ON", "13"),
    code("6", "Exempt", "0"),
    code("7", "Zero-rated", "0"),
)


@pytest.mark.parametrize(
    ("percentage", "region", "name", "as_likely"),
    [
        ("12", "MB", "GST/RST MB 2019", ("GST/PST BC",)),
        ("12", "BC", "GST/PST BC", ("GST/RST MB 2019",)),
        ("12", "", "GST/PST BC", ("GST/RST MB 2019",)),
        ("15", "NL", "HST NL 2016", ("HST NB 2016",)),
        ("15", "(N", "HST NB 2016", ("HST NL 2016",)),
        ("13", "MB", "HST ON", ()),
        ("0", "MB", "Zero-rated", ()),
    ],
)
def test_of_codes_that_are_alike_the_customers_region_is_proposed_and_the_others_are_named(
    percentage, region, name, as_likely
):
    found = propose(percentage, codes=PROVINCES, country="CA", region=region)
    assert (found.code_name, found.as_likely) == (name, as_likely)


def test_what_the_item_says_goes_before_the_region_and_the_others_are_named_all_the_same():
    found = propose("12", codes=PROVINCES, country="CA", region="MB", item=Thing("1", "Desk", tax_code_id="1"))
    assert (found.code_name, found.as_likely) == ("GST/PST BC", ("GST/RST MB 2019",))
    found = propose("0", codes=PROVINCES, country="CA", item=Thing("1", "Course", tax_code_id="6"))
    assert (found.code_name, found.as_likely) == ("Exempt", ())


def test_a_code_whose_rates_cancel_each_other_out_is_a_reverse_charge_whatever_it_is_called():
    codes = (code("1", "Handel", "20", "-20"), code("2", "Zero", "0"))
    assert propose("0", codes=codes).code_id == "2"


@pytest.mark.parametrize("options", [{"prices": NONE}, {"uses_sales_tax": False}])
def test_without_tax_there_is_no_code(options):
    assert propose("20", **options).reason == TaxReason.NO_TAX
    assert propose("20", **options).code_id == ""


@pytest.mark.parametrize(
    ("percentage", "item", "code_id", "reason"),
    [
        ("8.25", None, "TAX", TaxReason.PRODUCT_TAX),
        ("0", Thing("1", "Gloves", taxable=True), "TAX", TaxReason.ITEM),
        ("0", Thing("1", "Training"), "NON", TaxReason.ITEM),
        ("0", None, "NON", TaxReason.PRODUCT_TAX),
        (None, None, "NON", TaxReason.UNKNOWN_PERCENTAGE),
    ],
)
def test_an_american_line_is_taxable_or_not(percentage, item, code_id, reason):
    found = propose(percentage, item=item, codes=(), country="US", prices=AmountsAre.WITHOUT_TAX_SETTING)
    assert (found.code_id, found.reason) == (code_id, reason)


def added(draft, country="GB", codes=BY_ID, **fields):
    return totals(draft, codes, books=books(country, **fields))


def test_the_picture_of_the_design_adds_up():
    lines = (
        a_line(quantity=D(12), unit_price=D(520), discount=D("312.00")),
        a_line(quantity=D(3), unit_price=D(640)),
        a_line(quantity=D(1), unit_price=D(852)),
        a_line(quantity=D(20), unit_price=D(15), tax_code_id="5", tax_percentage=D(0)),
    )
    found = added(a_draft(lines=lines))
    assert (found.before_discount, found.line_discounts, found.net) == (D("9312"), D("312"), D("9000"))
    assert [(line.name, line.base, line.tax) for line in found.tax_lines] == [
        ("20.0% S", D("8700.00"), D("1740.00")),
        ("0.0% Z", D("300.00"), D("0.00")),
    ]
    assert (found.tax, found.total, found.tax_known) == (D("1740.00"), D("10740.00"), True)


def test_tax_is_rounded_once_a_rate_and_not_once_a_line():
    lines = tuple(a_line(quantity=D(1), unit_price=D("0.02")) for _ in range(3))
    assert added(a_draft(lines=lines)).tax == D("0.01")  # a line each would give 0.00


def test_a_reverse_charge_adds_and_takes_away():
    line = a_line(tax_code_id="1", tax_percentage=D(0))
    found = added(a_draft(lines=(line,)))
    assert [(part.percentage, part.tax) for part in found.tax_lines] == [(D(20), D("20.00")), (D(-20), D("-20.00"))]
    assert found.total == D("100.00")


@pytest.mark.parametrize("prices", [EXCLUSIVE, INCLUSIVE])
def test_a_code_without_rates_stands_in_the_totals_at_nothing(prices):
    found = added(a_draft(lines=(a_line(tax_code_id="4", tax_percentage=D(0)),), amounts_are=prices))
    assert [(line.name, line.percentage, line.base, line.tax) for line in found.tax_lines] == [
        ("Exempt", D(0), D("100.00"), D(0))
    ]


@pytest.mark.parametrize("prices", [EXCLUSIVE, INCLUSIVE])
def test_a_rate_that_is_taken_on_top_of_another_one_is_not_added_to_the_same_rate_alone(prices):
    alone, service = Rate("7", "GST", D(9)), Rate("8", "Service charge", D(10))
    codes = {
        "1": Code("1", "GST", "", D(9), rates=(alone,)),
        "2": Code("2", "Service and GST", "", D("19.9"), rates=(service, replace(alone, percentage=D("9.9")))),
    }
    gross = prices == INCLUSIVE
    lines = [
        a_line(quantity=D(1), unit_price=price, tax_code_id=each.id, tax_percentage=each.percentage)
        for each, price in zip(codes.values(), (D(109), D("119.9")) if gross else (D(100), D(100)), strict=True)
    ]
    for found in (added(a_draft(lines=order, amounts_are=prices), codes=codes) for order in (lines, lines[::-1])):
        assert (found.net, found.tax, found.total) == (D(200), D("28.90"), D("228.90"))
        assert {(line.percentage, line.base, line.tax) for line in found.tax_lines} == {
            (D(9), D(100), D(9)),
            (D(10), D(100), D(10)),
            (D("9.9"), D(100), D("9.90")),
        }


def test_prices_with_tax_keep_their_total():
    line = a_line(quantity=D(3), unit_price=D("9.99"))
    found = added(a_draft(lines=(line,), amounts_are=INCLUSIVE))
    assert (found.total, found.net, found.tax) == (D("29.97"), D("24.98"), D("4.99"))


def test_of_several_taxes_contained_in_a_price_the_last_takes_the_odd_cent():
    quebec = code("9", "GST/QST QC", "5", "9.975")
    line = a_line(quantity=D(1), unit_price=D("10.00"), tax_code_id="9", tax_percentage=D("14.975"))
    found = added(a_draft(lines=(line,), amounts_are=INCLUSIVE), "CA", {"9": quebec})
    assert (found.net, found.tax, found.total) == (D("8.70"), D("1.30"), D("10.00"))
    assert [(part.name, part.tax) for part in found.tax_lines] == [
        ("GST/QST QC 0", D("0.44")),
        ("GST/QST QC 1", D("0.86")),  # and not 0.87
    ]


@pytest.mark.parametrize("prices", [EXCLUSIVE, INCLUSIVE])
def test_a_company_without_sales_tax_gets_none(prices):
    found = added(a_draft(amounts_are=prices), uses_sales_tax=False)
    assert (found.tax_lines, found.tax) == ((), D(0))


def test_american_totals_are_before_tax():
    lines = (a_line(tax_code_id="TAX", tax_percentage=D(0)), a_line(tax_code_id="NON", tax_percentage=D(0)))
    draft = a_draft(lines=lines, amounts_are=AmountsAre.WITHOUT_TAX_SETTING, currency="USD", discount_percentage=D(10))
    found = added(draft, "US")
    assert (found.total, found.invoice_discount, found.tax_known) == (D("180.00"), D("20.00"), False)
    assert added(replace(draft, lines=lines[1:]), "US").tax_known
    assert added(draft, "US", uses_sales_tax=False).tax_known


def test_a_discount_lowers_every_rates_base_in_proportion():
    lines = (a_line(), a_line(tax_code_id="3", tax_percentage=D(5)))
    found = added(a_draft(lines=lines, discount_amount=D("33.33")))
    assert [line.base for line in found.tax_lines] == [D("83.33"), D("83.34")]
    assert (found.invoice_discount, found.net, found.total) == (D("33.33"), D("166.67"), D("187.51"))


def test_a_discount_on_prices_with_tax_contains_tax():
    draft = a_draft(amounts_are=INCLUSIVE, discount_amount=D("10.00"))
    assert net_discount(draft) == D("8.33")
    found = added(draft)
    assert (found.invoice_discount, found.total) == (D("10.00"), D("90.00"))


def test_of_prices_with_tax_a_whole_discount_leaves_nothing():
    """Three at 9.99 are 8.33 each without tax, and 24.99 with tax are 29.99: a penny more than they cost."""
    lines = (a_line(quantity=D(1), unit_price=D("9.99")),) * 3
    found = added(a_draft(lines=lines, amounts_are=INCLUSIVE, discount_percentage=D(100)))
    assert (found.invoice_discount, found.net, found.tax, found.total) == (D("29.97"), 0, 0, 0)


def test_currencies_without_decimals_have_none():
    line = a_line(quantity=D(3), unit_price=D("33.4"))
    found = added(a_draft(lines=(line,), currency="JPY"))
    assert (found.net, found.tax, found.total) == (D("100"), D("20"), D("120"))


# The same once more, in the most straightforward way


def cents(amount):
    return amount.quantize(D("0.01"), rounding=ROUND_HALF_UP)


def naive_total(draft):
    """Every code's lines added up, tax on each sum; no discount on the whole invoice."""
    sums: dict[str, D] = {}
    for line in draft.lines:
        amount = cents(line.quantity * line.unit_price) - line.discount
        if draft.amounts_are == INCLUSIVE:
            sums["gross"] = sums.get("gross", D(0)) + amount
        else:
            sums[line.tax_code_id] = sums.get(line.tax_code_id, D(0)) + amount
    if draft.amounts_are == INCLUSIVE:
        return sums["gross"]
    rates = {"2": D("0.20"), "3": D("0.05"), "5": D(0)}
    return sum((net + cents(net * rates[code_id]) for code_id, net in sums.items()), D(0))


@st.composite
def lines_of_any_kind(draw):
    code_id = draw(st.sampled_from(["2", "3", "5"]))
    quantity = draw(st.decimals(min_value=D("0.001"), max_value=D(500), places=3))
    price = draw(st.decimals(min_value=D(0), max_value=D(2000), places=4))
    line = a_line(quantity=quantity, unit_price=price, tax_code_id=code_id, tax_percentage=BY_ID[code_id].percentage)
    share = draw(st.integers(min_value=0, max_value=100))
    return replace(line, discount=cents(line.before_discount("GBP") * share / 100))


DRAFTS = st.builds(
    lambda lines, prices: a_draft(lines=tuple(lines), amounts_are=prices),
    st.lists(lines_of_any_kind(), min_size=1, max_size=12),
    st.sampled_from([EXCLUSIVE, INCLUSIVE]),
)


@settings(max_examples=150, deadline=None)
@given(DRAFTS)
def test_totals_equal_a_second_plain_calculation(draft):
    found = added(draft)
    assert found.total == naive_total(draft)
    assert found.total == found.net + found.tax
    assert found.before_discount - found.line_discounts == sum(found.line_amounts, D(0))
    assert sum((line.base for line in found.tax_lines), D(0)) == found.net


@settings(max_examples=150, deadline=None)
@given(DRAFTS, st.decimals(min_value=0, max_value=100, places=2))
def test_a_percentage_off_everything_keeps_the_sums_whole(draft, percentage):
    found = added(replace(draft, discount_percentage=percentage))
    assert found.total == found.net + found.tax
    assert sum((line.base for line in found.tax_lines), D(0)) == found.net
    assert abs(found.total - added(draft).total * (100 - percentage) / 100) < D("0.01") * (3 + len(draft.lines))


# The United States without automated sales tax

BY_HAND = books("US", automated_sales_tax=False, usual_sales_tax_id="11")


@pytest.mark.parametrize(
    ("of_customer", "usual", "expected"),
    [("12", "11", "12"), ("", "11", "11"), ("13", "11", "11"), ("99", "", ""), ("TAX", "", "")],
)
def test_the_rate_is_the_customers_then_the_companys_and_never_one_that_is_not_in_use(of_customer, usual, expected):
    by_hand = replace(BY_HAND, usual_sales_tax_id=usual)
    assert propose_sales_tax(AMERICAN_CODES, books=by_hand, of_customer=of_customer) == expected


def test_the_only_rate_needs_no_choice():
    assert propose_sales_tax(AMERICAN_CODES[:3], books=replace(BY_HAND, usual_sales_tax_id="")) == "11"


@pytest.mark.parametrize("country", ["GB", "US"])
def test_nobody_else_names_a_rate_for_the_whole_invoice(country):
    assert propose_sales_tax(AMERICAN_CODES, books=books(country), of_customer="12") == ""


def by_hand(*lines, **fields):
    fields = {"amounts_are": AmountsAre.WITHOUT_TAX_SETTING, "currency": "USD", "sales_tax_id": "12"} | fields
    return totals(a_draft(lines=lines, **fields), {each.id: each for each in AMERICAN_CODES}, books=BY_HAND)


TAXED, UNTAXED = (
    a_line(quantity=D(1), unit_price=D("10.01"), tax_code_id=word, tax_percentage=D(0)) for word in ("TAX", "NON")
)


def test_each_part_of_the_rate_is_rounded_over_what_is_taxable():
    found = by_hand(TAXED, UNTAXED)
    assert [line.tax for line in found.tax_lines] == [D("0.63"), D("0.13"), D("0.18"), D("0.10")]
    assert {line.base for line in found.tax_lines} == {D("10.01")}
    assert (found.net, found.tax, found.total, found.tax_known) == (D("20.02"), D("1.04"), D("21.06"), True)


def test_a_discount_lowers_what_is_taxable_by_its_share():
    found = by_hand(TAXED, UNTAXED, discount_amount=D("10.01"))
    assert {line.base for line in found.tax_lines} == {D("5.00")}, "the odd cent comes off the line that is first"
    assert found.total == found.net + found.tax == D("10.01") + D("0.31") + D("0.06") + D("0.09") + D("0.05")


@pytest.mark.parametrize("fields", [{"bill_to": a_bill_to(customer_id="7", exempt=True)}, {"lines": (UNTAXED,)}])
def test_an_exempt_customer_or_lines_without_tax_need_no_rate(fields):
    draft = a_draft(**({"lines": (TAXED,), "amounts_are": AmountsAre.WITHOUT_TAX_SETTING, "currency": "USD"} | fields))
    found = totals(draft, {}, books=BY_HAND)
    assert (found.tax, found.total, found.tax_known) == (D(0), D("10.01"), True)


@pytest.mark.parametrize(("line", "exempt"), [(TAXED, True), (UNTAXED, False)])
def test_whatever_rate_is_chosen_nothing_is_paid_by_the_exempt_nor_on_lines_without_tax(line, exempt):
    found = by_hand(line, bill_to=a_bill_to(customer_id="7", exempt=exempt))
    assert (found.tax_lines, found.total, found.tax_known) == ((), D("10.01"), True)


def test_under_automated_sales_tax_quickbooks_knows_the_rate_and_who_is_exempt():
    fields = {"amounts_are": AmountsAre.WITHOUT_TAX_SETTING, "currency": "USD", "sales_tax_id": "12"}
    draft = a_draft(lines=(TAXED,), bill_to=a_bill_to(customer_id="7", exempt=True), **fields)
    found = added(draft, "US", {each.id: each for each in AMERICAN_CODES})
    assert (found.tax_lines, found.total, found.tax_known) == ((), D("10.01"), False)


def test_without_a_rate_the_tax_is_not_known():
    found = by_hand(TAXED, sales_tax_id="")
    assert (found.tax_lines, found.total, found.tax_known) == ((), D("10.01"), False)
