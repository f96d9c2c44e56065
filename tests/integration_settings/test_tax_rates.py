"""What a tax code adds, where its rates are not told as usual."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from integration_settings import reference
from integration_settings.reference import rate_value

pytestmark = pytest.mark.django_db
D = Decimal


def test_a_rate_without_a_value_of_its_own_is_the_last_that_has_begun():
    by_time = [
        {"RateValue": D(20), "EffectiveDate": "2011-01-04T00:00:00-08:00"},
        {"RateValue": D("17.5"), "EffectiveDate": "1970-01-01T00:00:00-08:00"},
        {"RateValue": D(25), "EffectiveDate": "2999-01-01T00:00:00-08:00"},
    ]
    assert rate_value({"EffectiveTaxRate": by_time}) == 20
    assert rate_value({"EffectiveTaxRate": by_time, "RateValue": D(0)}) == 0
    assert rate_value({"EffectiveTaxRate": by_time[2:]}) == rate_value({}) == 0


@pytest.mark.parametrize(("takes_the_condition", "percentages"), [(True, [12]), (False, [])])
def test_a_rate_that_is_not_active_counts_in_a_code_that_still_names_it(
    quickbooks, vendor, takes_the_condition, percentages
):
    """QuickBooks leaves inactive entries out of an answer unless they are asked for. Where it does not let itself be
    asked, such a code is left out.
    """
    rates = [{"Id": "10", "Name": "GST", "RateValue": 5}, {"Id": "16", "Name": "PST", "RateValue": 7, "Active": False}]
    details = [{"TaxRateRef": {"value": rate["Id"]}, "TaxTypeApplicable": "TaxOnAmount"} for rate in rates]
    code = {"Id": "15", "Name": "GST/PST BC", "SalesTaxRateList": {"TaxRateDetail": details}}

    def answer(request):
        asked = request.body.decode()
        found = {"TaxCode": [code]}
        if "from TaxRate where" in asked and not takes_the_condition:
            return 400, {}, json.dumps({"Fault": {"Error": [{"code": "4001", "Message": "invalid"}]}})
        if "from TaxRate" in asked:
            found = {
                "TaxRate": [rate for rate in rates if "Active in (true, false)" in asked or rate.get("Active", True)]
            }
        return 200, {}, json.dumps({"QueryResponse": found})

    address = f"http://127.0.0.1:8020/v3/company/{quickbooks.realm_id}/query"
    vendor.add_callback("POST", address, callback=answer)
    assert [code.percentage for code in reference.tax_codes(quickbooks.company)] == percentages
