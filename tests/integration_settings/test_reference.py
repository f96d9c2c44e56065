"""The vendors' slow lists and the company's profile: what is kept, how long, and when the old one serves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from integration_settings import kept_lists, reference, services
from integration_settings.errors import ConnectionExpired, ServiceUnavailable
from integration_settings.models import QuickBooksConnection, ReferenceList
from integration_settings.pipedrive_fields import pipedrive_fields
from integration_settings.profile import Profile, current_profile, profile_from, profile_of, refresh_profile
from integration_settings.quickbooks import QuickBooksClient
from integration_settings.reference import Item, sales_percentage
from tests import recordings
from tests.factories import make_company, make_user

pytestmark = pytest.mark.django_db
D = Decimal


def later(**delta):
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=True)


# Profile

OWN_FIELDS = {
    "SalesFormsPrefs": {
        "CustomField": [
            {
                "CustomField": [
                    {"Name": "SalesFormsPrefs.UseSalesCustom1", "Type": "BooleanType", "BooleanValue": True},
                    {"Name": "SalesFormsPrefs.UseSalesCustom2", "Type": "BooleanType", "BooleanValue": False},
                    {"Name": "SalesFormsPrefs.UseSalesCustom3", "Type": "BooleanType", "BooleanValue": "true"},
                ]
            },
            {
                "CustomField": [
                    {"Name": "SalesFormsPrefs.SalesCustomName1", "Type": "StringType", "StringValue": "PO number"},
                    {"Name": "SalesFormsPrefs.SalesCustomName2", "Type": "StringType", "StringValue": "Off"},
                    {"Name": "SalesFormsPrefs.SalesCustomName3", "Type": "StringType", "StringValue": "Sales rep"},
                ]
            },
        ]
    }
}


def test_the_profile_is_read_and_found_again(connect):
    tenant = connect("GB")
    profile = profile_of(tenant.quickbooks)
    assert (profile.country, profile.home_currency, profile.multicurrency) == ("GB", "GBP", True)
    assert (profile.uses_sales_tax, profile.automated_sales_tax, profile.custom_numbers) == (True, False, False)
    assert profile.allow_discount
    assert profile.discount_account_id
    assert not profile.is_us
    assert tenant.quickbooks.name.startswith("Harbour & Pine Ltd")


def test_a_profile_without_preferences_counts_everything_as_off():
    profile = profile_from({"Country": "us"}, {}, fallback_timezone="Europe/Riga")
    assert profile == Profile(country="US", timezone="Europe/Riga")
    assert profile.is_us


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({"CurrencyPrefs": {"HomeCurrency": {"value": "USD"}}}, {"home_currency": "USD"}),
        ({"CurrencyPrefs": {"HomeCurrency": "USD"}}, {"home_currency": "USD"}),
        ({"SalesFormsPrefs": {"DefaultDiscountAccount": "86"}}, {"discount_account_id": "86"}),
        ({"SalesFormsPrefs": {"DefaultDiscountAccount": {"value": "86"}}}, {"discount_account_id": "86"}),
        ({"AccountingInfoPrefs": {"BookCloseDate": "2026-09-30"}}, {"books_closed_until": date(2026, 9, 30)}),
        ({"TaxPrefs": {"UsingSalesTax": True, "PartnerTaxEnabled": False}}, {"uses_sales_tax": True}),
        ({"TaxPrefs": {"TaxGroupCodeRef": {"value": "9"}}}, {"usual_sales_tax_id": "9"}),
        ({"TaxPrefs": "odd"}, {}),
        ({"AccountingInfoPrefs": {"ClassTrackingPerTxn": True}}, {"class_per": "invoice"}),
        (
            {"AccountingInfoPrefs": {"ClassTrackingPerTxn": True, "ClassTrackingPerTxnLine": True}},
            {"class_per": "line"},
        ),
        ({"AccountingInfoPrefs": {"TrackDepartments": True}}, {"has_locations": True, "location_word": ""}),
        ({"AccountingInfoPrefs": {"DepartmentTerminology": "Shop"}}, {"has_locations": False, "location_word": "Shop"}),
        ({"SalesFormsPrefs": {"AllowServiceDate": True}}, {"has_service_dates": True}),
        (OWN_FIELDS, {"own_fields": (("1", "PO number"), ("3", "Sales rep"))}),
        ({"SalesFormsPrefs": {"CustomField": ["odd", {"CustomField": "odd"}]}}, {"own_fields": ()}),
    ],
)
def test_members_of_the_preferences_are_understood(preferences, expected):
    profile = profile_from({}, preferences, fallback_timezone="UTC")
    for name, value in expected.items():
        assert getattr(profile, name) == value


@pytest.mark.parametrize("told", ["0000-00-00", "31/12/2025", "none"])
def test_a_closing_date_that_is_no_day_leaves_the_rest_of_the_profile(told):
    preferences = {"AccountingInfoPrefs": {"BookCloseDate": told}, "TaxPrefs": {"UsingSalesTax": True}}
    profile = profile_from({}, preferences, fallback_timezone="UTC")
    assert (profile.books_closed_until, profile.uses_sales_tax) == (None, True)


@pytest.mark.parametrize(
    ("told", "country"),
    [
        ("US", "US"),
        ("USA", "US"),
        ("United States", "US"),
        ("AUT", "AT"),
        ("EST", "EE"),
        ("gb", "GB"),
        ("XQ", "XQ"),
        ("", ""),
    ],
)
def test_the_companys_country_is_known_by_either_code_and_by_its_name(told, country):
    assert profile_from({"Country": told}, {}, fallback_timezone="UTC").country == country


@pytest.mark.parametrize(
    ("country", "tax", "named"),
    [
        ("US", {"UsingSalesTax": True}, True),
        ("US", {"UsingSalesTax": True, "PartnerTaxEnabled": False}, True),
        ("US", {"UsingSalesTax": True, "PartnerTaxEnabled": True}, False),
        ("US", {"UsingSalesTax": False}, False),
        ("GB", {"UsingSalesTax": True}, False),
    ],
)
def test_a_rate_is_named_in_the_united_states_where_quickbooks_does_not_choose_it(country, tax, named):
    profile = profile_from({"Country": country}, {"TaxPrefs": tax}, fallback_timezone="UTC")
    assert profile.names_sales_tax == named


def test_american_lines_have_two_words_and_an_invoice_the_groups_of_rates(connect, control):
    tenant = connect("US")
    assert [code.id for code in reference.tax_codes(tenant.company)] == ["TAX", "NON"]
    control.book(tenant.realm, "tax_by_hand")
    profile = refresh_profile(tenant.quickbooks)
    found = {code.name: code for code in reference.tax_codes(tenant.company)}
    assert list(found)[:2] == ["TAX", "NON"]
    assert "CustomSalesTax" not in found
    assert [rate.percentage for rate in found["Tacoma, WA"].rates] == [D("6.5"), D("3.8")]
    assert profile.usual_sales_tax_id == found["Springfield, IL"].id


def test_own_fields_classes_and_locations_are_those_of_the_company(connect):
    british, american = connect("GB"), connect("US")
    assert profile_of(british.quickbooks).own_fields == (("1", "PO number"),)
    assert [tag.name for tag in reference.locations(british.company)]
    assert reference.classes(british.company) == []
    assert [tag.name for tag in reference.classes(american.company)]
    assert reference.locations(american.company) == []


@pytest.mark.parametrize(("told", "zone"), [("America/Chicago", "America/Chicago"), ("Mars/Base", "UTC"), ("", "UTC")])
def test_a_time_zone_nobody_knows_is_not_believed(told, zone):
    assert profile_from({"DefaultTimeZone": told}, {}, fallback_timezone="UTC").timezone == zone


def test_an_old_profile_is_read_again_and_serves_when_nobody_answers(connect, control, no_waiting):
    tenant = connect("GB")
    control.forget_requests()
    current_profile(tenant.quickbooks)
    assert control.requests("quickbooks") == []
    with later(minutes=55):
        current_profile(tenant.quickbooks, timedelta(minutes=50))
        assert len(control.requests("quickbooks", path="preferences")) == 1
    control.fault("status", path="companyinfo", status=503)
    assert current_profile(tenant.quickbooks, timedelta(0)).home_currency == "GBP"
    asked = len(control.requests("quickbooks", path="companyinfo"))
    current_profile(tenant.quickbooks, timedelta(0))  # resting after the failure
    assert len(control.requests("quickbooks", path="companyinfo")) == asked


# Lists


def test_tax_codes_carry_what_their_rates_add_up_to(connect):
    codes = {code.name: code for code in reference.tax_codes(connect("GB").company)}
    assert codes["20.0% S"].percentage == 20
    assert codes["5.0% R"].percentage == 5
    assert codes["0.0% Z"].percentage == 0
    assert all(code.rates for code in codes.values())


@pytest.mark.parametrize("changed", [{"TaxRateRef": {"value": "9999"}}, {"TaxTypeApplicable": "TaxOnNew"}])
def test_a_code_of_which_nobody_can_tell_what_it_adds_is_not_offered_as_zero(connect, monkeypatch, changed):
    read = QuickBooksClient.query_all

    def query_all(self, entity, *conditions):
        rows = read(self, entity, *conditions)
        for code in rows if entity == "TaxCode" else []:
            if code["Name"] == "20.0% S":
                code["SalesTaxRateList"]["TaxRateDetail"][0] |= changed
        return rows

    monkeypatch.setattr(QuickBooksClient, "query_all", query_all)
    codes = {code.name: code for code in reference.tax_codes(connect("GB").company, timedelta(0))}
    assert "20.0% S" not in codes
    assert codes["5.0% R"].percentage == 5


def test_a_us_company_has_the_two_pseudo_codes_without_a_call(connect, control):
    tenant = connect("US")
    control.forget_requests()
    assert [code.id for code in reference.tax_codes(tenant.company)] == ["TAX", "NON"]
    assert control.requests("quickbooks") == []


@pytest.mark.parametrize(
    ("details", "percentage"),
    [
        ([("a", "TaxOnAmount", 0)], "20"),
        ([("a", "TaxOnAmount", 0), ("b", "TaxOnAmount", 1)], "25"),
        ([("a", "TaxOnAmount", 0), ("b", "TaxOnAmountPlusTax", 1)], "26"),
        ([("b", "TaxOnAmountPlusTax", 1), ("a", "TaxOnAmount", 0)], "26"),
        ([("a", "TaxOnAmount", 0), ("b", "TaxOnTax", 1)], "21"),
        ([("a", "TaxOnAmount", 0), ("minus", "TaxOnAmount", 0)], "0"),
        ([("unknown", "TaxOnAmount", 0)], "0"),
        ([], "0"),
    ],
)
def test_rates_of_a_code_add_up_in_their_order(details, percentage):
    rates = {"a": D(20), "b": D(5), "minus": D(-20)}
    listed = [
        {"TaxRateRef": {"value": rate}, "TaxTypeApplicable": how, "TaxOrder": order} for rate, how, order in details
    ]
    assert sales_percentage({"SalesTaxRateList": {"TaxRateDetail": listed}}, rates) == D(percentage)


def test_items_include_inactive_ones_and_no_categories(connect):
    items = reference.items(connect("GB").company)
    assert any(not item.active for item in items)
    assert {item.type for item in items} <= {"Service", "NonInventory", "Inventory"}
    rack = next(item for item in items if item.sku == "RACK-4L")
    assert isinstance(rack, Item)
    assert isinstance(rack.price, Decimal)


def test_the_home_currency_comes_first_and_alone_without_multicurrency(connect):
    codes = [currency.code for currency in reference.currencies(connect("GB").company)]
    assert codes[0] == "GBP"
    assert {"EUR", "USD"} <= set(codes)
    assert [currency.code for currency in reference.currencies(connect("AU").company)] == ["AUD"]


def test_terms_and_accounts_are_listed(connect):
    company = connect("GB").company
    terms = {term.name: term for term in reference.terms(company)}
    assert (terms["Net 30"].due_days, terms["Net 30"].day_of_month) == (30, None)
    month = terms["End of month"]
    assert (month.due_days, month.day_of_month, month.next_month_days) == (None, 31, 10)
    assert not any("old" in name for name in terms)  # an inactive one cannot be named
    assert reference.income_accounts(company)


def test_a_list_is_read_once_an_hour(connect, control):
    tenant = connect("GB")
    control.forget_requests()
    first = reference.items(tenant.company)
    assert reference.items(tenant.company) == first
    assert len(control.requests("quickbooks", path="query")) == 1
    assert kept_lists.read_at(tenant.company, "items") > timezone.now() - timedelta(minutes=1)
    ReferenceList.objects.update(fetched_at=timezone.now() - timedelta(minutes=61))
    reference.items(tenant.company)
    assert len(control.requests("quickbooks", path="query")) == 2


def test_a_page_reads_all_lists_at_once_and_sees_what_it_puts_into_them(connect, django_assert_num_queries):
    company = connect("GB").company
    first, *others = reference.items(company)
    reference.tax_codes(company)
    with kept_lists.read_once():
        with django_assert_num_queries(1):
            assert reference.items(company) == [first, *others]
            reference.tax_codes(company)
            kept_lists.read_at(company, "items")
        reference.keep_items(company.quickbooks, [replace(first, name="Shelf")])
        assert {item.name for item in reference.items(company) if item.id == first.id} == {"Shelf"}
        kept_lists.outdate(company.pk, ["items"])
        assert kept_lists.read_at(company, "items") == kept_lists.OUTDATED


LISTS = {
    "tax_codes": reference.tax_codes,
    "items": reference.items,
    "currencies": reference.currencies,
    "terms": reference.terms,
    "income_accounts": reference.income_accounts,
    "locations": reference.locations,
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("member", ["one less", "one more"])
def test_a_list_that_another_version_kept_is_read_anew(connect, control, kind, member):
    company = connect("GB").company
    known = LISTS[kind](company)
    row = ReferenceList.objects.get(kind=kind)
    last = list(row.rows[0])[-1]
    others = [{name: each[name] for name in each if name != last} for each in row.rows]
    row.rows = others if member == "one less" else [each | {"new": ""} for each in row.rows]
    row.save()
    with pytest.raises(kept_lists.NotKept), kept_lists.only_kept():
        LISTS[kind](company)
    assert LISTS[kind](company) == known
    control.forget_requests()
    assert LISTS[kind](company) == known
    assert not control.requests("quickbooks")


def test_an_old_list_serves_while_quickbooks_does_not_answer(connect, control, no_waiting):
    tenant = connect("GB")
    known = reference.items(tenant.company)
    control.fault("status", path="query", status=503)
    assert reference.items(tenant.company, timedelta(0)) == known
    asked = len(control.requests("quickbooks", path="query"))
    assert reference.items(tenant.company, timedelta(0)) == known
    assert len(control.requests("quickbooks", path="query")) == asked


def test_a_list_that_quickbooks_refuses_closes_no_form_and_lets_the_settings_be_read_anew(quickbooks, vendor):
    """A company that has moved to an edition without classes is still known as one that tracks them."""
    now = timezone.now()
    quickbooks.profile = {"class_per": "invoice", "read_at": now.isoformat()}
    quickbooks.last_synced_at = now - timedelta(hours=2)
    quickbooks.save()
    rows, read_at = [{"id": "1", "name": "North"}], now - timedelta(hours=2)
    ReferenceList.objects.create(company=quickbooks.company, kind="classes", rows=rows, fetched_at=read_at)
    refusal = {"Message": "Feature Not Supported Error", "Detail": "Class tracking", "code": "5030"}
    address = f"http://127.0.0.1:8020/v3/company/{quickbooks.realm_id}/query"
    vendor.post(address, status=400, json={"Fault": {"Error": [refusal], "type": "ValidationFault"}})
    assert [tag.name for tag in reference.classes(quickbooks.company)] == ["North"]
    quickbooks.refresh_from_db()
    assert quickbooks.profile["read_at"] == "", "so the next form asks for them"


def test_tidying_leaves_a_list_in_which_something_has_changed(connect, control, no_waiting):
    tenant = connect("GB")
    known = reference.items(tenant.company)
    kept_lists.outdate(tenant.company.pk, ["items"])
    services.forget_old_traces()
    control.fault("status", path="query", status=503)
    assert reference.items(tenant.company) == known


def test_tidying_takes_a_list_that_nobody_has_read_for_a_quarter(connect):
    tenant = connect("GB")
    reference.items(tenant.company)
    with later(days=91):
        services.forget_old_traces()
    assert not ReferenceList.objects.filter(company=tenant.company, kind="items").exists()


def test_without_any_list_the_failure_is_told(connect, control, no_waiting):
    tenant = connect("GB")
    control.fault("status", path="query", status=503)
    with pytest.raises(ServiceUnavailable):
        reference.items(tenant.company)


def test_a_company_without_books_has_no_lists(db):
    with pytest.raises(ConnectionExpired):
        reference.items(make_company())


def test_lists_of_two_companies_are_apart(connect):
    british, american = connect("GB"), connect("US")
    names = {item.name for item in reference.items(british.company)}
    assert names != {item.name for item in reference.items(american.company)}
    assert ReferenceList.objects.filter(kind="items").count() == 2


# Pipedrive's fields


def test_fields_are_named_by_where_they_belong(connect):
    fields = {field.code: field for field in pipedrive_fields(connect("GB").user)}
    assert fields["organization.address"].label == "Organization – Address"
    assert fields["organization.address"].type == "address"
    assert fields["person.emails"].label == "Person – Email"
    assert fields["deal.title"].kind == "deal"
    assert any(field.label == "Organization – VAT no." for field in fields.values())


def test_a_singular_code_in_the_definitions_is_the_plural_of_the_objects(user, vendor):
    def definitions(*codes):
        fields = [{"field_code": code, "field_name": code, "field_type": "varchar"} for code in codes]
        return {"success": True, "data": fields, "additional_data": {"next_cursor": None}}

    base = "http://127.0.0.1:8010/api/v2"
    vendor.get(f"{base}/organizationFields", json=definitions("name", "email"))
    vendor.get(f"{base}/personFields", json=definitions("email", "phone"))
    vendor.get(f"{base}/dealFields", json=definitions())
    codes = [field.code for field in pipedrive_fields(user)]
    assert codes == ["organization.name", "organization.email", "person.emails", "person.phones"]


def test_fields_are_shared_by_the_users_of_a_company(connect, control):
    tenant = connect("GB", quickbooks=False)
    pipedrive_fields(tenant.user)
    control.forget_requests()
    pipedrive_fields(make_user(tenant.company))
    assert control.requests("pipedrive") == []


# Recorded answers


def test_the_recorded_preferences_of_a_us_company_are_understood():
    recorded = json.loads(
        (recordings.folder() / "boulevard-exquickbooks" / "preferences-read_preferences.json").read_text()
    )
    profile = profile_from({"Country": "US"}, recorded["Preferences"], fallback_timezone="UTC")
    assert (profile.home_currency, profile.custom_numbers, profile.allow_discount) == ("USD", False, True)
    assert profile.discount_account_id == "86"


def test_a_profile_that_an_earlier_version_kept_gets_what_it_did_not_ask_for(connect, control, no_waiting):
    connection = connect("GB").quickbooks
    assert connection.profile.pop("has_service_dates")
    connection.save()
    control.fault("status", path="companyinfo", status=503)
    assert not current_profile(connection).has_service_dates  # the earlier one serves meanwhile
    control.clear_faults()
    cache.clear()
    assert current_profile(connection).has_service_dates
    control.forget_requests()
    assert current_profile(QuickBooksConnection.objects.get()).has_service_dates
    assert not control.requests("quickbooks")


def test_profile_and_tax_codes_are_kept_for_two_weeks_or_until_quickbooks_refuses_an_invoice(connect, control):
    tenant = connect("GB")
    reference.tax_codes(tenant.company)
    control.forget_requests()

    def read_again():
        connection = QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk)
        current_profile(connection)
        reference.tax_codes(tenant.company)
        found = len(control.requests("quickbooks", path="/v3/"))
        control.forget_requests()
        return found

    assert read_again() == 0
    with time_machine.travel(timezone.now() + timedelta(days=13)):
        QuickBooksConnection.objects.update(access_expires_at=timezone.now() + timedelta(hours=1))
        assert read_again() == 0
    reference.doubt(QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk))
    assert read_again() == 4  # company, preferences, codes, rates
    assert read_again() == 0


def test_what_was_read_by_a_clock_that_was_ahead_is_read_anew(connect, control):
    """It would serve until that time has come, a year perhaps: nothing tells of tax codes and settings."""
    tenant = connect("GB")
    with later(days=400):
        reference.tax_codes(tenant.company, timedelta(0))
        refresh_profile(tenant.quickbooks)
    control.forget_requests()
    reference.tax_codes(tenant.company)
    current_profile(tenant.quickbooks)
    assert len(control.requests("quickbooks")) == 4  # codes and rates, company and preferences
    control.forget_requests()
    with later(minutes=-10):  # another machine's clock may be slow
        reference.tax_codes(tenant.company)
        current_profile(tenant.quickbooks)
    assert control.requests("quickbooks") == []
