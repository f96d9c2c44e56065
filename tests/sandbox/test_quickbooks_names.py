"""Customers and items of the stand-in QuickBooks."""

from __future__ import annotations

from typing import Any

import pytest

from .desk import AU, US, Desk


def handle(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Id": row["Id"], "SyncToken": row["SyncToken"], "sparse": True, **more}


def test_a_customer_gets_the_members_of_real_answers(desk: Desk) -> None:
    made = desk.saved(
        "customer", {"GivenName": "Ada", "FamilyName": "Byron", "BillAddr": {"Line1": "1 Row", "City": "Hull"}}
    )
    assert made["DisplayName"] == made["FullyQualifiedName"] == made["PrintOnCheckName"] == "Ada Byron"
    assert made["BillAddr"]["Id"].isdigit()
    assert made["CurrencyRef"]["value"] == "GBP"
    assert (made["Balance"], made["Job"], made["Active"], made["sparse"], made["SyncToken"]) == (
        0,
        False,
        True,
        False,
        "0",
    )
    assert desk.get(f"customer/{made['Id']}").json()["Customer"] == made


def test_a_customer_without_any_name_is_refused(desk: Desk) -> None:
    assert desk.refused("customer", {"CompanyName": "No display name"}) == (400, "2020", "DisplayName")


@pytest.mark.parametrize(
    "name",
    ["Moss & Co", "moss & CO", "Lakeview Dental Group", "Priya Nair", "Old Mill Catering"],
    ids=["customer", "other case", "vendor", "employee", "inactive customer"],
)
def test_a_name_is_taken_by_customers_vendors_and_employees(desk: Desk, name: str) -> None:
    assert desk.refused("customer", {"DisplayName": name})[1] == "6240"


def test_a_sparse_update_keeps_what_it_does_not_mention(desk: Desk) -> None:
    before = desk.customer("Bramley Foods Ltd")
    after = desk.saved("customer", handle(before, PrimaryEmailAddr={"Address": "accounts@bramleyfoods.co.uk"}))
    assert after["PrimaryEmailAddr"]["Address"] == "accounts@bramleyfoods.co.uk"
    assert after["BillAddr"] == before["BillAddr"]
    assert after["GivenName"] == "Alice"
    assert after["SyncToken"] == str(int(before["SyncToken"]) + 1)


def test_a_full_update_forgets_what_it_does_not_mention_except_the_names(desk: Desk) -> None:
    before = desk.customer("Bramley Foods Ltd")
    after = desk.saved("customer", {"Id": before["Id"], "SyncToken": before["SyncToken"], "Notes": "new"})
    assert after["DisplayName"] == "Bramley Foods Ltd"
    assert "BillAddr" not in after
    assert "PrimaryEmailAddr" not in after


@pytest.mark.parametrize(("token", "expected"), [("7", (400, "5010", "")), (None, (400, "2020", "SyncToken"))])
def test_an_update_needs_the_current_sync_token(desk: Desk, token: str | None, expected: tuple[int, str, str]) -> None:
    body = {"Id": desk.customer("Moss & Co")["Id"], "sparse": True, "Notes": "x"}
    assert desk.refused("customer", body if token is None else {**body, "SyncToken": token}) == expected


def test_an_inactive_customer_shows_it_in_the_name_and_is_found_only_on_request(desk: Desk) -> None:
    before = desk.customer("Moss & Co")
    desk.saved("customer", handle(before, Active=False))
    assert desk.rows("select * from Customer where DisplayName like 'Moss%'") == []
    (found,) = desk.rows("select * from Customer where DisplayName like 'Moss%' and Active in (true, false)")
    assert found["DisplayName"] == "Moss & Co (deleted)"
    assert desk.refused("invoice", {**desk.invoice(), "CustomerRef": {"value": before["Id"]}})[1] == "610"
    assert desk.saved("customer", handle(found, Active=True))["DisplayName"] == "Moss & Co"


@pytest.mark.parametrize(
    ("written", "shown"),
    [("123-45-6789", "XXXXXX56789"), ("GB 428173846", "XXXXXXX73846"), ("12345", "12345")],
)
def test_a_tax_identifier_is_answered_masked(desk: Desk, written: str, shown: str) -> None:
    made = desk.saved("customer", {"DisplayName": "Taxed", "PrimaryTaxIdentifier": written})
    assert made["PrimaryTaxIdentifier"] == shown
    again = desk.saved("customer", handle(made, Notes="untouched"))
    assert again["PrimaryTaxIdentifier"] == shown
    books = desk.control(f"/quickbooks/books?realm={desk.realm}", method="GET")
    assert books["tax_ids"][f"{made['Id']}.PrimaryTaxIdentifier"] == written


def test_a_company_in_the_united_states_keeps_no_tax_identifier(desk: Desk) -> None:
    desk.enter(US)
    assert "PrimaryTaxIdentifier" not in desk.saved(
        "customer", {"DisplayName": "T", "PrimaryTaxIdentifier": "123-45-6789"}
    )


def test_a_new_currency_joins_the_companys_list_and_a_customers_never_changes(desk: Desk) -> None:
    made = desk.saved("customer", {"DisplayName": "Suisse", "CurrencyRef": {"value": "CHF"}})
    assert {row["Code"] for row in desk.rows("select * from CompanyCurrency")} == {"EUR", "USD", "CHF"}
    assert desk.refused("customer", handle(made, CurrencyRef={"value": "EUR"}))[1:] == ("6000", "")


def test_without_multicurrency_only_the_home_currency_is_possible(desk: Desk) -> None:
    desk.enter(AU)
    assert desk.refused("customer", {"DisplayName": "N", "CurrencyRef": {"value": "NZD"}})[1:] == (
        "6000",
        "",
    )


def test_sub_customers_go_four_levels_deep(desk: Desk) -> None:
    parent = desk.customer("Moss & Co")
    for level in range(4):
        parent = desk.saved("customer", {"DisplayName": f"Level {level}", "ParentRef": {"value": parent["Id"]}})
    assert parent["FullyQualifiedName"] == "Moss & Co:Level 0:Level 1:Level 2:Level 3"
    assert desk.refused("customer", {"DisplayName": "Level 4", "ParentRef": {"value": parent["Id"]}})[1:] == (
        "6000",
        "",
    )


def test_a_new_balance_moves_the_time_of_change_but_not_the_sync_token(desk: Desk) -> None:
    before = desk.customer("Abbey Road Bakery")
    desk.saved("invoice", desk.invoice(customer="Abbey Road Bakery"))
    after = desk.customer("Abbey Road Bakery")
    assert after["Balance"] == before["Balance"] + 120
    assert after["SyncToken"] == before["SyncToken"]
    assert after["MetaData"]["LastUpdatedTime"] > before["MetaData"]["LastUpdatedTime"]


def test_renaming_a_customer_shows_on_its_invoices_without_changing_them(desk: Desk) -> None:
    invoice = desk.saved("invoice", desk.invoice(customer="Moss & Co"))
    desk.book("rename_customer", id=desk.customer("Moss & Co")["Id"], name="Moss & Daughters")
    after = desk.get(f"invoice/{invoice['Id']}").json()["Invoice"]
    assert after["CustomerRef"]["name"] == "Moss & Daughters"
    assert after["MetaData"] == invoice["MetaData"]


def income(desk: Desk, name: str = "Services") -> dict[str, str]:
    return {"value": desk.one(f"select * from Account where Name = '{name}'")["Id"]}


def test_an_item_is_made_from_its_name_type_and_account(desk: Desk) -> None:
    made = desk.saved("item", {"Name": "Advice", "Type": "Service", "Sku": "ADV", "IncomeAccountRef": income(desk)})
    assert made["FullyQualifiedName"] == "Advice"
    assert (made["UnitPrice"], made["PurchaseCost"], made["Active"], made["TrackQtyOnHand"]) == (0, 0, True, False)
    assert desk.one("select * from Item where Sku = 'ADV'") == made


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Name": None}, (400, "2020", "Name")),
        ({"Type": None}, (400, "2020", "Type")),
        ({"IncomeAccountRef": None}, (400, "2020", "IncomeAccountRef")),
        ({"IncomeAccountRef": {"value": "999"}}, (400, "2500", "IncomeAccountRef")),
        ({"Type": "Inventory"}, (400, "2020", "ExpenseAccountRef")),
        ({"Type": "Magic"}, (400, "2010", "")),
        ({"Name": "x" * 101}, (400, "2050", "Name")),
        ({"Name": "a\tb"}, (400, "6000", "")),
        ({"Name": "Installation"}, (400, "6240", "")),
        ({"Name": "Pallet racking bay 3L"}, (400, "6240", "")),
    ],
)
def test_an_item_is_refused(desk: Desk, change: dict[str, Any], expected: tuple[int, str, str]) -> None:
    body = {"Name": "New item", "Type": "Service", "IncomeAccountRef": income(desk), **change}
    assert desk.refused("item", body) == expected


def test_income_goes_to_an_income_account(desk: Desk) -> None:
    body = {"Name": "Odd", "Type": "Service", "IncomeAccountRef": income(desk, "Current account")}
    assert desk.refused("item", body) == (400, "6000", "")


def test_an_inactive_item_cannot_be_sold(desk: Desk) -> None:
    gone = desk.one("select * from Item where Name = 'Pallet racking bay 3L (deleted)' and Active = false")
    line = desk.line()
    line["SalesItemLineDetail"]["ItemRef"] = {"value": gone["Id"]}
    assert desk.refused("invoice", desk.invoice(line))[1] == "610"


def test_a_category_cannot_be_sold_but_holds_items(desk: Desk) -> None:
    category = desk.one("select * from Item where Type = 'Category'")
    line = desk.line()
    line["SalesItemLineDetail"]["ItemRef"] = {"value": category["Id"]}
    assert desk.refused("invoice", desk.invoice(line))[1:] == ("6000", "")
    assert (
        desk.one("select * from Item where FullyQualifiedName like 'Racking:%'")["ParentRef"]["value"] == category["Id"]
    )


def test_the_british_company_has_enough_to_search_in(desk: Desk) -> None:
    assert desk.query("select count(*) from Customer")["totalCount"] >= 60
    assert desk.query("select count(*) from Item")["totalCount"] >= 40
