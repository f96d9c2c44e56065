"""People, organizations, products, field definitions, users and currencies."""

from __future__ import annotations

import pytest

from .crm import DANA, EWA, MATILDA, PRIYA, TOM, Crm


def test_me_tells_company_language_and_format(crm: Crm) -> None:
    crm.be(MATILDA)
    me = crm.data("/v1/users/me")
    assert (me["id"], me["company_id"], me["company_domain"]) == (1201, 103, "coralbay")
    assert me["language"] == {"language_code": "en", "country_code": "AU"}
    assert (me["locale"], me["timezone_name"], me["default_currency"]) == ("en_AU", "Australia/Sydney", "AUD")
    assert "is_admin" not in me


@pytest.mark.parametrize(("who", "admin"), [(PRIYA, True), (TOM, False), (DANA, True)])
def test_admin_rights_show_in_access(crm: Crm, who: tuple[int, int], admin: bool) -> None:
    crm.be(who)
    access = crm.data("/v1/users/me")["access"]
    assert any(entry["app"] == "global" and entry["admin"] for entry in access) is admin


def test_both_old_prefixes_serve_version_1(crm: Crm) -> None:
    headers = {"Authorization": f"Bearer {crm.token}"}
    assert (
        crm.send("GET", "/v1/users/me", headers=headers).json()
        == crm.send("GET", "/api/v1/users/me", headers=headers).json()
    )


def test_currencies_tell_decimals_and_which_are_home_made(crm: Crm) -> None:
    found = {entry["code"]: entry for entry in crm.data("/v1/currencies")}
    assert found["JPY"]["decimal_points"] == 0
    assert [code for code, entry in found.items() if entry["is_custom_flag"]] == ["HPP"]


def test_an_organization_has_an_address_of_parts_or_none(crm: Crm) -> None:
    found = {entry["name"]: entry for entry in crm.data("/v2/organizations", limit="100")}
    bramley = found["Bramley Foods Limited"]
    assert bramley["address"]["postal_code"] == "LS11 5PS"
    assert bramley["address"]["country"] == "United Kingdom"
    assert bramley["custom_fields"][crm.field("VAT no.", "/v2/organizationFields")] == "GB 428 173 846"
    assert found["Fenwick Village Hall"]["address"] is None


def test_awkward_names_survive_unchanged(crm: Crm) -> None:
    names = {entry["name"] for entry in crm.data("/v2/organizations", limit="100")}
    assert {
        "<b>O'Brien & Sons</b>",
        "مؤسسة النخيل للتجارة",
        "גלריה כרמל בע״מ",
        "SIA Šķēle un Ķirsis",
        "Sunny Side ☀️ Café 🍳",
    } <= names


def test_people_may_have_no_mail_no_organization_or_a_later_primary_mail(crm: Crm) -> None:
    found = {entry["name"]: entry for entry in crm.data("/v2/persons", limit="100")}
    assert found["Graham Pike"]["emails"] == []
    eleanor = found["Eleanor Finch"]
    assert eleanor["org_id"] is None
    assert [entry["primary"] for entry in eleanor["emails"]] == [False, True]


def test_a_persons_address_exists_only_with_contact_sync(crm: Crm) -> None:
    assert "postal_address" not in crm.data("/v2/persons/1")
    crm.be(MATILDA)
    assert crm.data("/v2/persons/1")["postal_address"]["locality"] == "Cairns City"


def test_several_records_come_by_their_ids(crm: Crm) -> None:
    for path in ("/v2/persons", "/v2/organizations", "/v2/products"):
        assert [entry["id"] for entry in crm.data(path, ids="3,1")] == [1, 3]


def test_a_product_has_code_unit_tax_and_price(crm: Crm) -> None:
    rack = crm.data("/v2/products/1")
    assert (rack["code"], rack["unit"], rack["tax"]) == ("RACK-4L", "bay", 20)
    assert rack["prices"][0]["price"] == 520


def test_a_hidden_organization_is_not_found(crm: Crm) -> None:
    number = next(
        entry["id"] for entry in crm.data("/v2/organizations", limit="100") if entry["name"].startswith("Albion")
    )
    crm.be(EWA)
    assert crm.get(f"/v2/organizations/{number}").status_code == 404
    assert number not in {entry["id"] for entry in crm.data("/v2/organizations", limit="100")}


@pytest.mark.parametrize("owner", ["deal", "person", "organization", "product"])
def test_field_definitions_come_in_pages(crm: Crm, owner: str) -> None:
    first = crm.get(f"/v2/{owner}Fields", limit="3").json()
    second = crm.get(f"/v2/{owner}Fields", limit="500", cursor=first["additional_data"]["next_cursor"]).json()
    codes = [entry["field_code"] for entry in first["data"] + second["data"]]
    assert len(first["data"]) == 3
    assert len(codes) == len(set(codes))
    assert second["additional_data"]["next_cursor"] is None


def test_a_definition_tells_type_options_and_parts(crm: Crm) -> None:
    found = {entry["field_name"]: entry for entry in crm.data("/v2/dealFields", limit="500")}
    assert [option["label"] for option in found["Priority"]["options"]] == ["Low", "Normal", "High"]
    assert {part["field_code"] for part in found["Deposit"]["subfields"]} == {"value", "currency"}
    assert found["Delivery address"]["field_type"] == "address"
    assert found["Title"]["is_custom_field"] is False


def test_field_codes_differ_from_company_to_company(crm: Crm) -> None:
    code = crm.field("Customer PO")
    made = crm.control("/clone", {"pipedrive_company": 101})
    crm.be((made["pipedrive_company_id"], made["users"][0]["id"]))
    assert crm.field("Customer PO") != code
    assert crm.data("/v2/deals/1")["custom_fields"][crm.field("Customer PO")] == "BF-2026-0871"
