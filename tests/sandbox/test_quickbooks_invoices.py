"""Invoices of the stand-in QuickBooks: what they need, what becomes of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from sandbox.quickbooks import terms

from .desk import AU, GB, US, Desk, details


def handle(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Id": row["Id"], "SyncToken": row["SyncToken"], **more}


def reread(desk: Desk, row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = desk.get(f"invoice/{row['Id']}").json()["Invoice"]
    return found


def test_an_invoice_has_the_members_of_real_answers(desk: Desk) -> None:
    made = desk.saved(
        "invoice",
        desk.invoice(desk.line(100, Qty=4, UnitPrice=25), {"DetailType": "DescriptionOnly", "Description": "Note"}),
    )
    assert [line["DetailType"] for line in made["Line"]] == [
        "SalesItemLineDetail",
        "DescriptionOnly",
        "SubTotalLineDetail",
    ]
    assert made["Line"][0]["SalesItemLineDetail"]["ItemRef"]["name"] == "Installation"
    assert made["Line"][2]["Amount"] == 100
    assert (made["TotalAmt"], made["Balance"], made["TxnTaxDetail"]["TotalTax"]) == (120, 120, 20)
    assert (made["HomeTotalAmt"], made["ExchangeRate"]) == (120, 1)
    assert (made["EmailStatus"], made["PrintStatus"], made["LinkedTxn"], made["domain"]) == (
        "NotSet",
        "NeedToPrint",
        [],
        "QBO",
    )
    assert made["BillAddr"]["City"] == "Leeds"
    assert made["CustomField"] == [{"DefinitionId": "1", "Name": "PO number", "Type": "StringType"}]
    assert "invoiceStatus" not in made


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"CustomerRef": None}, (400, "2020", "CustomerRef")),
        ({"Line": []}, (400, "2020", "Line")),
        ({"CurrencyRef": None}, (400, "2020", "CurrencyRef")),
        ({"CustomerRef": {"value": "99999"}}, (400, "2500", "")),
        ({"SalesTermRef": {"value": "77"}}, (400, "2500", "SalesTermRef")),
        ({"DepartmentRef": {"value": "77"}}, (400, "2500", "DepartmentRef")),
        ({"DocNumber": "1" * 22}, (400, "2050", "DocNumber")),
        ({"PrivateNote": "x" * 4001}, (400, "2050", "PrivateNote")),
        ({"CustomerMemo": {"value": "x" * 1001}}, (400, "2050", "CustomerMemo.value")),
        ({"BillEmail": {"Address": "a@b." + "c" * 100}}, (400, "2050", "BillEmail.Address")),
        ({"EmailStatus": "NeedToSend"}, (400, "2020", "BillEmail.Address")),
        ({"BillEmail": {"Address": "nobody"}}, (400, "6000", "")),
        ({"TxnDate": "2026-13-01"}, (400, "2010", "")),
        ({"TxnDate": "2026-11-24", "DueDate": "2026-11-23"}, (400, "6000", "")),
        ({"GlobalTaxCalculation": "Maybe"}, (400, "2010", "")),
        ({"CurrencyRef": {"value": "EUR"}}, (400, "6000", "")),
        ({"DocNumber": "1041"}, (400, "6140", "")),
        ({"Deposit": 200}, (400, "6000", "")),
    ],
)
def test_an_invoice_is_refused(desk: Desk, change: dict[str, Any], expected: tuple[int, str, str]) -> None:
    before = desk.query("select count(*) from Invoice")
    assert desk.refused("invoice", {**desk.invoice(), **change}) == expected
    assert desk.query("select count(*) from Invoice") == before


@pytest.mark.parametrize(
    ("amount", "quantity", "price", "fits"),
    [
        (100, 4, 25, True),
        (10.01, 3, 3.3350, True),
        (10.005, 3, 3.335, True),
        (33.33, 1, 33.333, True),
        (33.34, 1, 33.333, False),
        (100, 4, 24, False),
        (-20, -2, 10, True),
    ],
)
def test_an_amount_is_quantity_times_price(
    desk: Desk, amount: float, quantity: float, price: float, fits: bool
) -> None:
    body = desk.invoice(desk.line(500), desk.line(amount, Qty=quantity, UnitPrice=price))
    if fits:
        assert desk.saved("invoice", body)["Line"][1]["Amount"] == pytest.approx(round(amount + 1e-9, 2))
    else:
        assert desk.refused("invoice", body) == (400, "6070", "Line[2].Amount")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"Amount": 5}, "2020"),
        ({"DetailType": "SalesItemLineDetail"}, "2020"),
        ({"DetailType": "GroupLineDetail", "GroupLineDetail": {}}, "6000"),
        ({"DetailType": "Unknown", "Amount": 5}, "2010"),
        ({"DetailType": "SalesItemLineDetail", "Amount": 5, "Description": "x" * 4001}, "2050"),
        ({"DetailType": "SalesItemLineDetail", "Amount": 10_000_000_000}, "2050"),
    ],
)
def test_a_line_is_refused(desk: Desk, line: dict[str, Any], expected: str) -> None:
    if line.get("DetailType") == "SalesItemLineDetail":
        line = {**line, "SalesItemLineDetail": desk.line()["SalesItemLineDetail"]}
    assert desk.refused("invoice", desk.invoice(desk.line(), line))[1] == expected


def test_a_line_without_an_item_is_text_and_its_amount_counts_for_nothing(desk: Desk) -> None:
    text = {"DetailType": "SalesItemLineDetail", "Amount": 999, "Description": "Hello", "SalesItemLineDetail": {}}
    made = desk.saved("invoice", desk.invoice(desk.line(), text))
    assert made["Line"][1]["DetailType"] == "DescriptionOnly"
    assert made["TotalAmt"] == 120


def test_a_negative_total_is_refused(desk: Desk) -> None:
    assert desk.refused("invoice", desk.invoice(desk.line(10), desk.line(-20)))[1:] == ("6000", "")


def test_more_than_750_taxed_lines_are_refused(desk: Desk) -> None:
    line, free = desk.line(1), desk.line(1, "0.0% Z")
    assert desk.saved("invoice", desk.invoice(*[line] * 750, free))["TotalAmt"] == 901
    assert desk.refused("invoice", desk.invoice(*[line] * 751))[1:] == ("6000", "")


def test_numbers_count_on_and_skip_those_in_use(desk: Desk) -> None:
    assert desk.saved("invoice", desk.invoice())["DocNumber"] == "1042"
    assert desk.saved("invoice", desk.invoice(DocNumber="1043"))["DocNumber"] == "1043"
    assert desk.saved("invoice", desk.invoice(DocNumber="A-7"))["DocNumber"] == "A-7"
    assert desk.saved("invoice", desk.invoice())["DocNumber"] == "1044"


def test_a_duplicate_number_is_possible_only_when_asked_for(desk: Desk) -> None:
    body = desk.invoice(DocNumber="1041")
    assert "1041" in details(desk.post("invoice", body))
    assert desk.saved("invoice", body, include="allowduplicatedocnum")["DocNumber"] == "1041"


def test_a_company_with_its_own_numbers_gets_none_made_up(desk: Desk) -> None:
    desk.enter(AU)
    body = desk.invoice(desk.line(50, "GST", "Snorkel hire"), customer="Tableland Coffee")
    assert "DocNumber" not in desk.saved("invoice", body)
    assert desk.saved("invoice", {**body, "DocNumber": "CB-0920"})["DocNumber"] == "CB-0920"
    assert desk.refused("invoice", {**body, "DocNumber": "CB-0919"})[1] == "6140"


@pytest.mark.parametrize(
    ("term", "start", "due"),
    [
        ("Due on receipt", "2026-11-10", "2026-11-10"),
        ("Net 30", "2026-11-10", "2026-12-10"),
        ("End of month", "2026-11-10", "2026-11-30"),
        ("End of month", "2026-11-19", "2026-11-30"),
        ("End of month", "2026-11-20", "2026-12-31"),
        ("End of month", "2026-11-25", "2026-12-31"),
    ],
)
def test_the_due_date_follows_the_terms(desk: Desk, term: str, start: str, due: str) -> None:
    reference = {"value": desk.one(f"select * from Term where Name = '{term}'")["Id"]}
    made = desk.saved("invoice", desk.invoice(TxnDate=start, SalesTermRef=reference))
    assert (made["DueDate"], made["SalesTermRef"]["name"]) == (due, term)


def test_without_terms_the_companys_default_counts_and_the_date_is_pacific(desk: Desk) -> None:
    desk.control("/clock", {"set": "2026-12-02T05:00:00Z"})
    desk.enter(GB)
    made = desk.saved("invoice", desk.invoice(customer="Abbey Road Bakery"))
    assert made["TxnDate"] == "2026-12-01"
    assert made["DueDate"] == "2026-12-15"


def test_the_customers_terms_come_before_the_companys(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(TxnDate="2026-11-10"))
    assert made["DueDate"] == "2026-12-10"
    assert desk.customer("Bramley Foods Ltd")["SalesTermRef"]["value"]


def test_terms_that_are_inactive_or_not_there_are_refused(desk: Desk) -> None:
    old = desk.one("select * from Term where Name like 'Net 90 (old)%' and Active = false")
    assert desk.refused("invoice", desk.invoice(SalesTermRef={"value": old["Id"]}))[1] == "610"
    assert desk.refused("invoice", desk.invoice(SalesTermRef={"value": "999"}))[1] == "2500"
    assert desk.refused("customer", {"DisplayName": "New", "SalesTermRef": {"value": old["Id"]}})[1] == "610"


@pytest.mark.parametrize(
    "change",
    [
        {"Name": "N" * 32},
        {"Type": "MONTHLY"},
        {"DueDays": 1000},
        {"DayOfMonthDue": 15},
        {"Type": "DATE_DRIVEN", "DayOfMonthDue": 15, "DueNextMonthDays": 5},
    ],
)
def test_a_term_is_of_its_type_and_within_its_ranges(change: dict[str, Any]) -> None:
    row = {"Name": "Net 30", "Type": "STANDARD", "DueDays": 30}
    assert terms.checked(row) == row
    with pytest.raises(ValueError, match=r"term|between"):
        terms.checked(row | change)


def test_closed_books_take_nothing(desk: Desk) -> None:
    old = desk.one("select * from Invoice where DocNumber = '1033'")
    closed = date.fromisoformat(old["TxnDate"])
    desk.book("set_preferences", set={"AccountingInfoPrefs": {"BookCloseDate": closed.isoformat()}})
    assert desk.refused("invoice", desk.invoice(TxnDate=closed.isoformat()))[1] == "6210"
    assert desk.saved("invoice", desk.invoice(TxnDate=(closed + timedelta(days=1)).isoformat()))
    assert desk.refused("invoice", handle(old), operation="void")[1] == "6210"


@pytest.mark.parametrize(
    ("discount", "amount", "total"),
    [
        ({"DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 10}}, 10, 108),
        ({"Amount": 30, "DiscountLineDetail": {"PercentBased": False}}, 30, 84),
        ({"DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 33.333}}, 33.33, 80),
    ],
)
def test_a_discount_lowers_total_and_tax(desk: Desk, discount: dict[str, Any], amount: float, total: float) -> None:
    made = desk.saved("invoice", desk.invoice(desk.line(), {"DetailType": "DiscountLineDetail", **discount}))
    assert made["Line"][-1]["DetailType"] == "DiscountLineDetail"
    assert made["Line"][-1]["Amount"] == amount
    assert made["Line"][-1]["DiscountLineDetail"]["DiscountAccountRef"]["name"] == "Discounts given"
    assert made["TotalAmt"] == total


def test_discounts_need_the_setting_and_there_is_only_one(desk: Desk) -> None:
    discount = {"DetailType": "DiscountLineDetail", "Amount": 1, "DiscountLineDetail": {"PercentBased": False}}
    assert desk.refused("invoice", desk.invoice(desk.line(), discount, discount))[1] == "6000"
    desk.book("set_preferences", set={"SalesFormsPrefs": {"AllowDiscount": False}})
    assert desk.refused("invoice", desk.invoice(desk.line(), discount))[1] == "6000"


def test_a_foreign_invoice_keeps_its_rate_and_shows_home_totals(desk: Desk) -> None:
    body = desk.invoice(desk.line(200, "0.0% Z"), customer="Rheingold Küchen GmbH")
    made = desk.saved("invoice", body)
    assert (made["CurrencyRef"]["value"], made["ExchangeRate"], made["HomeTotalAmt"]) == ("EUR", 0.8421, 168.42)
    own = desk.saved("invoice", {**body, "ExchangeRate": 0.9})
    assert (own["ExchangeRate"], own["HomeTotalAmt"], own["HomeBalance"]) == (0.9, 180, 180)


def test_a_currency_without_decimals_is_rounded_to_whole_units(desk: Desk) -> None:
    desk.saved("customer", {"DisplayName": "Nihon KK", "CurrencyRef": {"value": "JPY"}})
    made = desk.saved("invoice", desk.invoice(desk.line(1234.5, "20.0% S"), customer="Nihon KK"))
    assert (made["Line"][0]["Amount"], made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (1235, 247, 1482)


def test_the_exchange_rate_can_be_asked_for(desk: Desk) -> None:
    found = desk.get("exchangerate", sourcecurrencycode="EUR", asofdate="2026-11-20").json()["ExchangeRate"]
    assert (found["Rate"], found["TargetCurrencyCode"], found["AsOfDate"]) == (0.8421, "GBP", "2026-11-20")
    assert desk.get("exchangerate", sourcecurrencycode="XTS").status_code == 400


def test_a_deposit_lowers_the_balance_at_once(desk: Desk) -> None:
    assert desk.saved("invoice", desk.invoice(Deposit=50))["Balance"] == 70


def test_own_fields_come_back_with_their_values(desk: Desk) -> None:
    made = desk.saved(
        "invoice", desk.invoice(CustomField=[{"DefinitionId": "1", "Type": "StringType", "StringValue": "BF-1"}])
    )
    assert made["CustomField"][0] == {
        "DefinitionId": "1",
        "Name": "PO number",
        "Type": "StringType",
        "StringValue": "BF-1",
    }


def test_a_template_reference_is_taken_and_ignored(desk: Desk) -> None:
    assert "TemplateRef" not in desk.saved("invoice", desk.invoice(TemplateRef={"value": "1"}))


def test_a_sparse_update_keeps_lines_and_number(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(PrivateNote="first"))
    after = desk.saved("invoice", handle(made, sparse=True, DueDate="2099-01-31"))
    assert (after["DueDate"], after["DocNumber"], after["PrivateNote"]) == ("2099-01-31", made["DocNumber"], "first")
    assert after["Line"] == made["Line"]
    assert (after["SyncToken"], after["TotalAmt"]) == ("1", 120)


def test_a_full_update_forgets_what_it_does_not_mention(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(PrivateNote="first", CustomerMemo={"value": "Hello"}))
    after = desk.saved("invoice", handle(made, **desk.invoice(desk.line(200))))
    assert "PrivateNote" not in after
    assert "CustomerMemo" not in after
    assert after["TotalAmt"] == 240


def test_lines_left_out_of_a_sent_list_are_removed_and_known_ones_keep_their_id(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(desk.line(10), desk.line(20)))
    second = made["Line"][1]
    after = desk.saved("invoice", handle(made, sparse=True, Line=[second, desk.line(5)]))
    assert [(line["Id"], line["Amount"]) for line in after["Line"][:2]] == [("2", 20), ("3", 5)]


def test_an_address_is_flattened_when_the_invoice_changes(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    after = desk.saved("invoice", handle(made, sparse=True, PrivateNote="x"))["BillAddr"]
    assert (after["Line1"], after["Line2"], after["Line3"]) == ("Bramley Foods Ltd", "14 Canal Road", "Leeds  LS11 5PS")
    assert "City" not in after


def test_stale_and_missing_invoices_are_told_apart(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    desk.saved("invoice", handle(made, sparse=True, PrivateNote="x"))
    assert desk.refused("invoice", handle(made, sparse=True, PrivateNote="y"))[1] == "5010"
    assert desk.refused("invoice", {"Id": "99999", "SyncToken": "0", "sparse": True})[1] == "610"


def test_a_void_sets_everything_to_zero_and_keeps_number_and_lines(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(desk.line(100, Qty=4, UnitPrice=25), PrivateNote="Deal 7"))
    after = desk.saved("invoice", handle(made), operation="void")
    assert (after["TotalAmt"], after["Balance"], after["HomeTotalAmt"], after["HomeBalance"]) == (0, 0, 0, 0)
    assert [line["Amount"] for line in after["Line"]] == [0, 0]
    assert after["Line"][0]["SalesItemLineDetail"]["Qty"] == 0
    assert (after["PrivateNote"], after["DocNumber"]) == ("Voided - Deal 7", made["DocNumber"])
    assert (after["SyncToken"], after["TxnTaxDetail"]) == ("1", {"TotalTax": 0})
    assert "status" not in after


def test_a_void_frees_the_payments(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    paid = desk.book("payment", id=made["Id"])
    after = desk.saved("invoice", handle(reread(desk, made)), operation="void")
    payment = desk.get(f"payment/{paid['Id']}").json()["Payment"]
    assert after["LinkedTxn"] == []
    assert (payment["UnappliedAmt"], payment["Line"]) == (120, [])


def test_a_deleted_invoice_is_gone_and_its_number_free(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    answer = desk.post("invoice", handle(made), operation="delete").json()
    assert answer["Invoice"] == {"domain": "QBO", "status": "Deleted", "Id": made["Id"]}
    assert desk.get(f"invoice/{made['Id']}").json()["Fault"]["Error"][0]["code"] == "610"
    assert desk.rows(f"select * from Invoice where Id = '{made['Id']}'") == []
    assert desk.saved("invoice", desk.invoice(DocNumber=made["DocNumber"]))


def test_an_invoice_with_payments_cannot_be_deleted_by_the_api(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    desk.book("payment", id=made["Id"], amount=20)
    assert desk.refused("invoice", handle(reread(desk, made)), operation="delete")[1:] == ("6000", "")


@pytest.mark.parametrize("operation", ["void", "delete"])
def test_void_and_delete_need_id_and_sync_token(desk: Desk, operation: str) -> None:
    made = desk.saved("invoice", desk.invoice())
    assert desk.refused("invoice", {"SyncToken": "0"}, operation=operation) == (400, "2020", "Id")
    assert desk.refused("invoice", {"Id": made["Id"]}, operation=operation) == (400, "2020", "SyncToken")


def send(desk: Desk, identity: str, **parameters: str) -> Any:
    headers = desk.headers(**{"Content-Type": "application/octet-stream"})
    return desk.send("POST", desk.url(f"invoice/{identity}/send"), headers=headers, params=parameters)


def test_sending_marks_the_invoice_and_overwrites_the_address(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(BillEmail={"Address": "old@bramleyfoods.co.uk"}))
    sent = send(desk, made["Id"], sendTo="new@bramleyfoods.co.uk", requestid="s1").json()["Invoice"]
    assert (sent["EmailStatus"], sent["BillEmail"]["Address"]) == ("EmailSent", "new@bramleyfoods.co.uk")
    assert sent["DeliveryInfo"]["DeliveryType"] == "Email"
    assert sent["MetaData"]["LastUpdatedTime"] >= made["MetaData"]["LastUpdatedTime"]
    assert send(desk, made["Id"], sendTo="third@bramleyfoods.co.uk", requestid="s1").json()["Invoice"] == sent


def test_sending_needs_an_address(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    assert send(desk, made["Id"]).json()["Fault"]["Error"][0]["code"] == "2020"


@pytest.mark.parametrize("name", ["Bramley Foods Ltd", "Ķekava būve SIA", "مطبخ البحر", "O'Brien & Sons"])
def test_the_pdf_is_one_for_every_name(desk: Desk, name: str) -> None:
    made = desk.saved(
        "invoice", desk.invoice(desk.line(), {"DetailType": "DescriptionOnly", "Description": "(\\) 🎉"}, customer=name)
    )
    answer = desk.send(
        "GET", desk.url(f"invoice/{made['Id']}/pdf"), headers={**desk.headers(), "Accept": "application/pdf"}
    )
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.4")
    assert answer.content.rstrip().endswith(b"%%EOF")
    assert f"Invoice {made['DocNumber']}".encode() in answer.content
    assert b"120.00 GBP" in answer.content


def test_the_customers_link_comes_only_when_asked_for(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(BillEmail={"Address": "a@b.example"}))
    assert "InvoiceLink" not in reread(desk, made)
    link = desk.get(f"invoice/{made['Id']}", include="invoiceLink").json()["Invoice"]["InvoiceLink"]
    assert desk.send("GET", link).status_code == 200


def test_a_class_comes_back_with_its_name(desk: Desk) -> None:
    desk.enter(US)
    west = desk.one("select * from Class where Name = 'West'")["Id"]
    body = desk.invoice(desk.line(10, "NON", "Training"), customer="Sunrise Smiles", ClassRef={"value": west})
    assert desk.saved("invoice", body)["ClassRef"] == {"value": west, "name": "West"}


def test_a_class_has_no_place_where_the_company_tracks_none(desk: Desk) -> None:
    desk.enter(US)
    west = {"value": desk.one("select * from Class where Name = 'West'")["Id"]}
    by_line = desk.invoice(desk.line(10, "NON", "Training", ClassRef=west), customer="Sunrise Smiles")
    assert details(desk.post("invoice", by_line)).endswith("Class tracking for each line is turned off.")
    tracked = {"ClassTrackingPerTxn": False, "ClassTrackingPerTxnLine": True}
    desk.book("set_preferences", set={"AccountingInfoPrefs": tracked})
    assert desk.saved("invoice", by_line)["Line"][0]["SalesItemLineDetail"]["ClassRef"]["name"] == "West"
    whole = desk.invoice(desk.line(10, "NON", "Training"), customer="Sunrise Smiles", ClassRef=west)
    assert desk.refused("invoice", whole) == (400, "6000", "")


def test_a_location_has_no_place_where_the_company_tracks_none(desk: Desk) -> None:
    body = desk.invoice(DepartmentRef={"value": desk.one("select * from Department where Name = 'Leeds'")["Id"]})
    assert desk.saved("invoice", body)["DepartmentRef"]["name"] == "Leeds"
    desk.book("set_preferences", set={"AccountingInfoPrefs": {"TrackDepartments": False}})
    assert details(desk.post("invoice", body)).endswith("Location tracking is turned off.")


def test_the_seeds_lie_in_the_past_and_differ_in_state(desk: Desk) -> None:
    rows = desk.rows("select * from Invoice orderby DocNumber")
    today = date.today() + timedelta(days=1)  # noqa: DTZ011
    assert [row["DocNumber"] for row in rows] == [str(number) for number in range(1031, 1042)]
    assert all(row["TxnDate"] <= today.isoformat() for row in rows)
    assert {row["Balance"] == 0 for row in rows} == {True, False}
