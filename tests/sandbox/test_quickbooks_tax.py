"""How the stand-in QuickBooks taxes."""

from __future__ import annotations

from typing import Any

import pytest

from .desk import AU, CA, US, Desk, details


def taxes(row: dict[str, Any]) -> dict[float, tuple[float, float]]:
    """percent -> (taxable, tax)"""
    lines = row["TxnTaxDetail"].get("TaxLine", [])
    return {
        line["TaxLineDetail"]["TaxPercent"]: (line["TaxLineDetail"]["NetAmountTaxable"], line["Amount"])
        for line in lines
    }


def test_tax_is_rounded_once_for_each_rate_over_the_whole_invoice(desk: Desk) -> None:
    lines = [desk.line(0.12)] * 3 + [desk.line(10, "5.0% R"), desk.line(7, "0.0% Z")]
    made = desk.saved("invoice", desk.invoice(*lines))
    assert taxes(made) == {20: (0.36, 0.07), 5: (10, 0.5), 0: (7, 0)}
    assert (made["GlobalTaxCalculation"], made["TotalAmt"]) == ("TaxExcluded", 17.93)


def test_half_a_penny_goes_up(desk: Desk) -> None:
    assert taxes(desk.saved("invoice", desk.invoice(desk.line(0.1, "5.0% R")))) == {5: (0.1, 0.01)}


def test_a_reverse_charge_cancels_itself_out(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(desk.line(100, "20.0% RC")))
    assert taxes(made) == {20: (100, 20), -20: (100, -20)}
    assert made["TotalAmt"] == 100


def test_outside_the_united_states_an_invoice_says_what_its_amounts_are(desk: Desk) -> None:
    body = desk.invoice()
    del body["GlobalTaxCalculation"]
    assert desk.refused("invoice", body) == (400, "2020", "GlobalTaxCalculation")


def test_every_line_needs_a_code_outside_the_united_states(desk: Desk) -> None:
    body = desk.invoice(desk.line(), desk.line(5, None))
    assert desk.refused("invoice", body) == (400, "6000", "")
    assert details(desk.post("invoice", body)) == (
        "Business Validation Error: Make sure all your transactions have a VAT rate before you save."
    )


@pytest.mark.parametrize(("code", "expected"), [("999", "2500"), ("17.5% S", "610")])
def test_an_unknown_or_inactive_code_is_refused(desk: Desk, code: str, expected: str) -> None:
    line = desk.line()
    line["SalesItemLineDetail"]["TaxCodeRef"] = {"value": code if code == "999" else desk.code(code)}
    assert desk.refused("invoice", desk.invoice(line))[1] == expected


def test_not_applicable_means_no_tax_and_no_codes(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(desk.line(100, None), GlobalTaxCalculation="NotApplicable"))
    assert made["TotalAmt"] == 100
    assert "TaxCodeRef" not in made["Line"][0]["SalesItemLineDetail"]


def test_with_inclusive_prices_tax_is_gross_less_net(desk: Desk) -> None:
    line = desk.line(83.33, TaxInclusiveAmt=100)
    made = desk.saved(
        "invoice", desk.invoice(line, desk.line(8.33, TaxInclusiveAmt=10), GlobalTaxCalculation="TaxInclusive")
    )
    assert taxes(made) == {20: (91.66, 18.34)}
    assert made["TotalAmt"] == 110
    assert made["Line"][0]["Amount"] == 83.33
    assert made["Line"][0]["SalesItemLineDetail"]["TaxInclusiveAmt"] == 100
    assert made["TxnTaxDetail"]["TaxLine"][0]["TaxLineDetail"]["TaxInclusiveAmount"] == 110


def test_the_amount_of_a_request_is_net_also_without_a_gross_one(desk: Desk) -> None:
    desk.enter(AU)
    body = desk.invoice(
        desk.line(240, "GST", "Reef day cruise"), customer="Daintree Walks", GlobalTaxCalculation="TaxInclusive"
    )
    made = desk.saved("invoice", body)
    assert made["Line"][0]["SalesItemLineDetail"]["TaxInclusiveAmt"] == 264
    assert (made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (24, 264)


def test_a_gross_amount_that_does_not_fit_is_refused(desk: Desk) -> None:
    body = desk.invoice(desk.line(100, TaxInclusiveAmt=100), GlobalTaxCalculation="TaxInclusive")
    assert desk.refused("invoice", body) == (400, "6000", "")


def test_a_discount_is_spread_over_the_codes_and_adds_up(desk: Desk) -> None:
    discount = {"DetailType": "DiscountLineDetail", "Amount": 10, "DiscountLineDetail": {"PercentBased": False}}
    made = desk.saved(
        "invoice", desk.invoice(desk.line(10), desk.line(10, "5.0% R"), desk.line(10, "0.0% Z"), discount)
    )
    found = taxes(made)
    assert sum(net for net, _ in found.values()) == pytest.approx(20)
    assert made["TotalAmt"] == pytest.approx(20 + sum(tax for _, tax in found.values()))


def test_a_whole_discount_leaves_nothing_of_prices_with_tax(desk: Desk) -> None:
    lines = [desk.line(8.33, TaxInclusiveAmt=9.99) for _ in range(3)]
    whole = {"DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 100}}
    made = desk.saved("invoice", desk.invoice(*lines, whole, GlobalTaxCalculation="TaxInclusive"))
    assert (made["TotalAmt"], made["TxnTaxDetail"]["TotalTax"]) == (0, 0)


def test_a_tax_of_the_request_that_does_not_fit_is_refused(desk: Desk) -> None:
    assert desk.refused("invoice", desk.invoice(TxnTaxDetail={"TotalTax": 19}))[1:] == ("6000", "")
    assert desk.saved("invoice", desk.invoice(TxnTaxDetail={"TotalTax": 20}))["TotalAmt"] == 120


def test_a_company_without_sales_tax_takes_none(desk: Desk) -> None:
    desk.book("set_preferences", set={"TaxPrefs": {"UsingSalesTax": False}})
    made = desk.saved("invoice", desk.invoice(desk.line(100, None)))
    assert (made["TotalAmt"], made["TxnTaxDetail"]) == (100, {"TotalTax": 0})


def canadian(desk: Desk, *sold: tuple[float, str], **more: Any) -> dict[str, Any]:
    desk.enter(CA)
    lines = [desk.line(amount, code, "Terrace chair") for amount, code in sold]
    return desk.saved("invoice", desk.invoice(*lines, customer="Café Éclair inc.", **more))


def test_each_of_a_codes_rates_is_rounded_by_itself(desk: Desk) -> None:
    made = canadian(desk, (10.1, "GST/QST QC - 9.975"))
    assert taxes(made) == {5: (10.1, 0.51), 9.975: (10.1, 1.01)}, "14.975 % at once would be 1.51"
    assert made["TotalAmt"] == 11.62


def test_a_rate_under_two_codes_is_rounded_over_the_lines_of_both(desk: Desk) -> None:
    made = canadian(desk, (0.1, "GST"), (0.1, "GST/PST BC"), (0.1, "GST/QST QC - 9.975"))
    assert taxes(made)[5] == (0.3, 0.02), "a cent for each would be 0.03"


def test_with_inclusive_prices_the_last_rate_takes_the_odd_cent(desk: Desk) -> None:
    desk.enter(CA)
    line = desk.line(10.1, "GST/QST QC - 9.975", "Terrace chair", TaxInclusiveAmt=11.61)
    body = desk.invoice(line, customer="Café Éclair inc.", GlobalTaxCalculation="TaxInclusive")
    made = desk.saved("invoice", body)
    assert (taxes(made), made["TotalAmt"]) == ({5: (10.1, 0.51), 9.975: (10.1, 1)}, 11.61)


def american(desk: Desk, **more: Any) -> dict[str, Any]:
    desk.enter(US)
    lines = [desk.line(100, "TAX", "Calibration kit"), desk.line(600, "NON", "Training")]
    return {**desk.invoice(*lines, customer="Prairie Family Clinic"), **more}


@pytest.mark.parametrize(
    ("state", "percent", "tax"),
    [("IL", 10.25, 10.25), ("TX", 8.25, 8.25), ("OR", 0, 0), ("WA", 10.3, 10.3), ("XX", None, 0)],
)
def test_american_tax_follows_the_state_of_the_destination(
    desk: Desk, state: str, percent: float | None, tax: float
) -> None:
    made = desk.saved("invoice", american(desk, ShipAddr={"Line1": "1 Main St", "CountrySubDivisionCode": state}))
    assert taxes(made) == ({} if percent is None else {percent: (100, tax)})
    assert made["TotalAmt"] == 700 + tax
    assert "GlobalTaxCalculation" not in made


def test_the_code_that_an_american_request_names_is_replaced(desk: Desk) -> None:
    made = desk.saved("invoice", american(desk, TxnTaxDetail={"TxnTaxCodeRef": {"value": "99"}}))
    assert made["TxnTaxDetail"]["TxnTaxCodeRef"]["value"] not in ("99", "")
    assert made["TxnTaxDetail"]["TotalTax"] == 10.25


def test_an_explicit_american_tax_is_honoured(desk: Desk) -> None:
    made = desk.saved("invoice", american(desk, TxnTaxDetail={"TotalTax": 9.99}))
    assert (made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (9.99, 709.99)


@pytest.mark.parametrize(("after", "tax"), [(False, 10.25), (True, 9.23)])
def test_an_american_discount_comes_after_tax_unless_told_otherwise(desk: Desk, after: bool, tax: float) -> None:
    body = american(desk, ApplyTaxAfterDiscount=after)
    body["Line"].append(
        {"DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 10}}
    )
    made = desk.saved("invoice", body)
    assert (made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (tax, 630 + tax)


def test_an_american_line_knows_only_tax_and_non(desk: Desk) -> None:
    body = american(desk)
    body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] = {"value": "4"}
    assert desk.refused("invoice", body)[1:] == ("2500", "Line.SalesItemLineDetail.TaxCodeRef")


def test_without_a_word_the_item_says_whether_an_american_line_is_taxed(desk: Desk) -> None:
    body = american(desk)
    for line in body["Line"]:
        del line["SalesItemLineDetail"]["TaxCodeRef"]
    made = desk.saved("invoice", body)
    assert [line["SalesItemLineDetail"]["TaxCodeRef"]["value"] for line in made["Line"][:2]] == ["TAX", "NON"]


def test_an_exempt_american_customer_pays_no_tax(desk: Desk) -> None:
    body = american(desk)
    desk.book("edit_customer", id=body["CustomerRef"]["value"], set={"Taxable": False})
    assert desk.saved("invoice", body)["TxnTaxDetail"]["TotalTax"] == 0


def by_hand(desk: Desk, place: str | None = "Chicago, IL", **more: Any) -> dict[str, Any]:
    """The invoice of `american` in books without automated sales tax."""
    body = american(desk, **more)
    desk.book("tax_by_hand")
    return body | ({"TxnTaxDetail": {"TxnTaxCodeRef": {"value": desk.code(place)}}} if place else {})


def test_by_hand_the_request_names_the_rate_and_each_part_is_rounded(desk: Desk) -> None:
    body = by_hand(desk)
    body["Line"][0]["Amount"] = 10.01
    made = desk.saved("invoice", body)
    found = [line["Amount"] for line in made["TxnTaxDetail"]["TaxLine"]]
    assert found == [0.63, 0.13, 0.18, 0.10], "6.25, 1.25, 1.75 and 1 % of 10.01"
    assert (made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (1.04, 611.05)
    assert made["TxnTaxDetail"]["TxnTaxCodeRef"] == body["TxnTaxDetail"]["TxnTaxCodeRef"]


def test_by_hand_nothing_is_taxed_without_a_rate_whatever_the_customer_or_the_address(desk: Desk) -> None:
    body = by_hand(desk, None, ShipAddr={"Line1": "1 Main St", "CountrySubDivisionCode": "IL"})
    assert desk.customer("Prairie Family Clinic")["DefaultTaxCodeRef"]
    assert desk.saved("invoice", body)["TxnTaxDetail"] == {"TotalTax": 0}


@pytest.mark.parametrize(("name", "code"), [("NON", "2500"), ("CustomSalesTax", "2500"), (None, "2500")])
def test_by_hand_only_a_group_of_rates_is_a_rate(desk: Desk, name: str | None, code: str) -> None:
    body = by_hand(desk, None)
    body["TxnTaxDetail"] = {"TxnTaxCodeRef": {"value": name or "999"}}
    assert desk.refused("invoice", body)[1:] == (code, "TxnTaxDetail.TxnTaxCodeRef")


def test_by_hand_an_inactive_rate_is_refused(desk: Desk) -> None:
    assert desk.refused("invoice", by_hand(desk, "Chicago, IL (until June)"))[1] == "610"


def test_by_hand_an_exempt_customer_pays_what_the_request_says(desk: Desk) -> None:
    body = by_hand(desk) | {"CustomerRef": {"value": desk.customer("Hawthorne School District")["Id"]}}
    assert desk.saved("invoice", body)["TxnTaxDetail"]["TotalTax"] == 10.25


def test_by_hand_a_discount_before_tax_is_shared_to_the_cent(desk: Desk) -> None:
    body = by_hand(desk, "Tacoma, WA", ApplyTaxAfterDiscount=True)
    body["Line"].append({"DetailType": "DiscountLineDetail", "Amount": 100, "DiscountLineDetail": {}})
    made = desk.saved("invoice", body)
    assert taxes(made) == {6.5: (85.71, 5.57), 3.8: (85.71, 3.26)}


def test_by_hand_the_rate_stays_when_a_sparse_update_does_not_speak_of_it(desk: Desk) -> None:
    made = desk.saved("invoice", by_hand(desk))
    change = {"Id": made["Id"], "SyncToken": made["SyncToken"], "sparse": True, "PrivateNote": "checked"}
    assert desk.saved("invoice", change)["TxnTaxDetail"]["TotalTax"] == 10.25


def test_the_lists_hold_what_a_form_must_leave_out(desk: Desk) -> None:
    assert desk.code("20.0% P (purchases only)")
    rows = {row["Name"]: row for row in desk.rows("select * from TaxCode")}
    assert "17.5% S" not in rows
    assert rows["20.0% P (purchases only)"]["SalesTaxRateList"]["TaxRateDetail"] == []
    desk.enter(US)
    assert {"TAX", "NON", "CustomSalesTax"} <= {row["Name"] for row in desk.rows("select * from TaxCode")}
