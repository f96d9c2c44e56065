"""Figures of QuickBooks' lists that are none: what else is in the list stays of use."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from integration_settings import reference
from integration_settings.quickbooks import QuickBooksClient, number_of

pytestmark = pytest.mark.django_db
D = Decimal
ODD = ["", "1,234.50", "none", "NaN", "1E+300", True]


@pytest.fixture
def lists(quickbooks, vendor):
    """lists(Item=[…], Term=[…]): what QuickBooks answers a query for each."""

    def make(**rows):
        def answer(request):
            asked = request.body.decode()
            found = {entity: rows for entity, rows in rows.items() if f"from {entity} " in f"{asked} "}
            return 200, {}, json.dumps({"QueryResponse": found})

        address = f"http://127.0.0.1:8020/v3/company/{quickbooks.realm_id}/query"
        vendor.add_callback("POST", address, callback=answer)
        return quickbooks.company

    return make


@pytest.mark.parametrize("told", [12, D("12"), "12", "12.00", D("1.2E+1")])
def test_a_number_may_come_as_a_number_or_as_text(told):
    assert number_of(told) == 12


@pytest.mark.parametrize("told", [*ODD, None, 10**15, "1e-999999999"])
def test_what_is_no_number_of_any_books_is_none(told):
    assert number_of(told) is None


@pytest.mark.parametrize("told", ODD)
def test_an_item_whose_price_is_no_number_is_there_without_one(lists, told):
    rows = [{"Id": "1", "Name": "Odd", "UnitPrice": told}, {"Id": "2", "Name": "Even", "UnitPrice": "12.5"}]
    assert {item.name: item.price for item in reference.items(lists(Item=rows))} == {"Odd": None, "Even": D("12.5")}


@pytest.mark.parametrize("told", ODD)
def test_a_term_whose_days_are_no_number_is_one_that_does_not_say(lists, told):
    rows = [{"Id": "1", "Name": "Odd", "DueDays": told}, {"Id": "2", "Name": "Net 30", "DueDays": "30"}]
    assert {term.name: term.due_days for term in reference.terms(lists(Term=rows))} == {"Odd": None, "Net 30": 30}


@pytest.mark.parametrize("told", [*ODD[1:], -100, -120])
def test_a_rate_that_is_no_number_or_takes_all_of_a_price_leaves_its_code_out(lists, told):
    rates = [{"Id": "1", "Name": "odd", "RateValue": told}, {"Id": "2", "Name": "even", "RateValue": "20"}]
    codes = [
        {
            "Id": rate["Id"],
            "Name": rate["Name"],
            "SalesTaxRateList": {"TaxRateDetail": [{"TaxRateRef": {"value": rate["Id"]}, "TaxOrder": "first"}]},
        }
        for rate in rates
    ]
    found = reference.tax_codes(lists(TaxRate=rates, TaxCode=codes))
    assert [(code.name, code.percentage) for code in found] == [("even", 20)]


@pytest.mark.parametrize("told", [*ODD, 0, -1, None])
def test_an_exchange_rate_that_is_no_rate_is_not_named(quickbooks, vendor, told):
    address = f"http://127.0.0.1:8020/v3/company/{quickbooks.realm_id}/exchangerate"
    vendor.get(address, json={"ExchangeRate": {"Rate": told}})
    assert QuickBooksClient(quickbooks).exchange_rate("EUR", date(2026, 11, 29)) is None


def test_an_exchange_rate_in_a_list_is_not_named(quickbooks, vendor):
    address = f"http://127.0.0.1:8020/v3/company/{quickbooks.realm_id}/exchangerate"
    vendor.get(address, json={"ExchangeRate": [{"Rate": 2}]})
    assert QuickBooksClient(quickbooks).exchange_rate("EUR", date(2026, 11, 29)) is None
