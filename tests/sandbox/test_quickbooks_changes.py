"""Payments, credits and change data capture of the stand-in QuickBooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .desk import Desk, refusal


def handle(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Id": row["Id"], "SyncToken": row["SyncToken"], **more}


def reread(desk: Desk, row: dict[str, Any], path: str = "invoice") -> dict[str, Any]:
    found: dict[str, Any] = next(iter(desk.get(f"{path}/{row['Id']}").json().values()))
    return found


def payment(invoice: dict[str, Any], amount: float, total: float | None = None) -> dict[str, Any]:
    line = {"Amount": amount, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    return {"CustomerRef": invoice["CustomerRef"], "TotalAmt": amount if total is None else total, "Line": [line]}


def since(desk: Desk, days: float = 0) -> str:
    now = datetime.fromisoformat(desk.control("/clock", method="GET")["now"])
    return (now - timedelta(days=days)).astimezone(UTC).isoformat(timespec="seconds")


def changes(desk: Desk, entities: str, moment: str) -> list[dict[str, Any]]:
    answer = desk.get("cdc", entities=entities, changedSince=moment)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["CDCResponse"][0]["QueryResponse"]
    return found


def test_a_payment_moves_the_invoices_balance_token_and_time(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    desk.control("/clock", {"advance_seconds": 60})
    paid = desk.saved("payment", payment(made, 50))
    after = reread(desk, made)
    assert (after["Balance"], after["HomeBalance"], after["TotalAmt"]) == (70, 70, 120)
    assert after["LinkedTxn"] == [{"TxnId": paid["Id"], "TxnType": "Payment"}]
    assert after["SyncToken"] == "1"
    assert after["MetaData"]["LastUpdatedTime"] > made["MetaData"]["LastUpdatedTime"]
    assert paid["UnappliedAmt"] == 0
    assert paid["Line"][0]["LineEx"]["any"][2]["value"] == {"Name": "txnReferenceNumber", "Value": made["DocNumber"]}


def test_what_is_not_applied_stays_on_the_payment_and_lowers_the_customers_balance(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(customer="Abbey Road Bakery"))
    before = desk.customer("Abbey Road Bakery")["Balance"]
    assert desk.saved("payment", payment(made, 120, 150))["UnappliedAmt"] == 30
    assert desk.customer("Abbey Road Bakery")["Balance"] == before - 150


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"TotalAmt": None}, (400, "2020", "TotalAmt")),
        ({"CustomerRef": None}, (400, "2020", "CustomerRef")),
        ({"TotalAmt": -5, "Line": []}, (400, "6000", "")),
        ({"TotalAmt": 10}, (400, "6000", "")),
        ({"Line": [{"Amount": 5}]}, (400, "2020", "Line.LinkedTxn")),
        ({"Line": [{"Amount": 5, "LinkedTxn": [{"TxnId": "99999", "TxnType": "Invoice"}]}]}, (400, "2500", "TxnId")),
        (
            {"Line": [{"Amount": 5, "LinkedTxn": [{"TxnId": "1", "TxnType": "Bill"}]}]},
            (400, "6000", ""),
        ),
        ({"Colour": "red"}, (400, "2010", "")),
    ],
)
def test_a_payment_is_refused(desk: Desk, change: dict[str, Any], expected: tuple[int, str, str]) -> None:
    made = desk.saved("invoice", desk.invoice())
    assert desk.refused("payment", {**payment(made, 50), **change}) == expected


def test_a_payment_applies_no_more_than_is_open_and_only_to_its_customer(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    assert desk.refused("payment", payment(made, 121))[1:] == ("6000", "")
    other = {**payment(made, 10), "CustomerRef": {"value": desk.customer("Moss & Co")["Id"]}}
    assert desk.refused("payment", other)[1:] == ("6000", "")


def test_a_changed_payment_changes_the_balance(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    paid = desk.saved("payment", payment(made, 50))
    desk.saved("payment", {**payment(made, 120), **handle(paid)})
    assert reread(desk, made)["Balance"] == 0
    noted = desk.saved("payment", handle(reread(desk, paid, "payment"), sparse=True, PrivateNote="cash"))
    assert (noted["PrivateNote"], noted["TotalAmt"], len(noted["Line"])) == ("cash", 120, 1)


@pytest.mark.parametrize("operation", ["void", "delete"])
def test_a_voided_or_deleted_payment_opens_the_invoice_again(desk: Desk, operation: str) -> None:
    made = desk.saved("invoice", desk.invoice())
    paid = desk.saved("payment", payment(made, 120))
    answer = desk.saved("payment", handle(paid), operation=operation)
    after = reread(desk, made)
    assert (after["Balance"], after["LinkedTxn"], after["SyncToken"]) == (120, [], "2")
    assert (answer.get("status"), answer.get("PrivateNote")) in (("Deleted", None), (None, "Voided"))


def test_a_smaller_total_frees_part_of_the_payment(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(desk.line(200)))
    paid = desk.saved("payment", payment(made, 200))
    after = desk.saved("invoice", handle(reread(desk, made), sparse=True, Line=[desk.line(100)]))
    assert (after["TotalAmt"], after["Balance"]) == (120, 0)
    assert reread(desk, paid, "payment")["UnappliedAmt"] == 80


def test_a_paid_invoice_keeps_its_customer(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    desk.saved("payment", payment(made, 20))
    body = handle(reread(desk, made), sparse=True, CustomerRef={"value": desk.customer("Moss & Co")["Id"]})
    assert desk.refused("invoice", body)[1:] == ("6000", "")


def test_a_credit_memo_lowers_the_balance_without_money(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    memo = desk.book("credit", id=made["Id"], amount=45)
    after = reread(desk, made)
    assert (after["Balance"], memo["RemainingCredit"], memo["Balance"], memo["TotalAmt"]) == (75, 0, 0, 45)
    assert reread(desk, {"Id": after["LinkedTxn"][0]["TxnId"]}, "payment")["TotalAmt"] == 0


def test_what_is_left_of_a_credit_pays_a_new_invoice_where_the_company_wants_that(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    desk.book("credit", id=made["Id"], amount=150)
    assert desk.saved("invoice", desk.invoice())["Balance"] == 120
    desk.book("set_preferences", set={"SalesFormsPrefs": {"AutoApplyCredit": True}})
    partly = desk.saved("invoice", desk.invoice())
    assert (partly["Balance"], [link["TxnType"] for link in partly["LinkedTxn"]]) == (90, ["Payment"])
    assert desk.saved("invoice", desk.invoice())["Balance"] == 120


def test_a_void_gives_credit_back(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    memo = desk.book("credit", id=made["Id"], amount=45)
    desk.book("void", id=made["Id"])
    assert reread(desk, memo, "creditmemo")["RemainingCredit"] == 45


def test_a_credit_memo_shares_the_numbers_of_invoices(desk: Desk) -> None:
    body = desk.invoice(desk.line(30))
    assert desk.saved("creditmemo", body)["DocNumber"] == "1042"
    assert desk.saved("invoice", body)["DocNumber"] == "1043"


def test_changes_are_grouped_in_rising_order_with_deletions_last(desk: Desk) -> None:
    start = since(desk)
    desk.control("/clock", {"advance_seconds": 5})
    first, second, third = (desk.saved("invoice", desk.invoice()) for _ in range(3))
    desk.saved("invoice", handle(second), operation="delete")
    desk.saved("invoice", handle(first, sparse=True, PrivateNote="later"))
    invoices, payments, customers = changes(desk, "Invoice,Payment,Customer", start)
    assert [row["Id"] for row in invoices["Invoice"]] == [third["Id"], first["Id"], second["Id"]]
    deleted = invoices["Invoice"][-1]
    assert (deleted["status"], deleted["domain"], set(deleted["MetaData"])) == ("Deleted", "QBO", {"LastUpdatedTime"})
    assert (invoices["startPosition"], invoices["maxResults"]) == (1, 3)
    assert payments == {}
    assert [row["DisplayName"] for row in customers["Customer"]] == ["Bramley Foods Ltd"]


def test_a_change_is_seen_from_the_very_second_it_happened(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    (found,) = changes(desk, "Invoice", made["MetaData"]["LastUpdatedTime"])
    assert [row["Id"] for row in found["Invoice"]] == [made["Id"]]


def test_a_payment_shows_up_as_a_change_of_its_invoice(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    desk.control("/clock", {"advance_seconds": 600})
    start = since(desk)
    desk.book("payment", id=made["Id"], amount=1)
    invoices, payments = changes(desk, "Invoice,Payment", start)
    assert invoices["Invoice"][0]["Balance"] == 119
    assert payments["Payment"][0]["TotalAmt"] == 1


def test_what_these_books_never_hold_has_not_changed(desk: Desk) -> None:
    start = since(desk)
    desk.saved("invoice", desk.invoice())
    bills, invoices, estimates = changes(desk, "Bill,Invoice,Estimate", start)
    assert (bills, estimates, len(invoices["Invoice"])) == ({}, {}, 1)


@pytest.mark.parametrize(
    ("entities", "moment", "code"),
    [
        ("Invoice", "31", "4001"),
        ("Invoice", "yesterday", "4001"),
        ("TaxCode", "1", "4001"),
        ("TimeActivity", "1", "4001"),
        ("Widget", "1", "4001"),
        ("", "1", "2020"),
        ("Invoice", "", "2020"),
    ],
)
def test_changes_cannot_be_asked_for(desk: Desk, entities: str, moment: str, code: str) -> None:
    moment = since(desk, float(moment)) if moment.isdigit() else moment
    assert refusal(desk.get("cdc", entities=entities, changedSince=moment))[1] == code


def test_thirty_days_back_is_still_possible(desk: Desk) -> None:
    assert changes(desk, "Invoice", since(desk, 29.9))[0]["Invoice"]


def test_no_more_than_a_thousand_changes_come_and_deletions_are_cut_first(desk: Desk) -> None:
    start = since(desk)
    gone = desk.saved("invoice", desk.invoice())
    desk.book("delete", id=gone["Id"])
    desk.control("/quickbooks/bulk", {"realm": desk.realm, "invoices": 1200})
    invoices, customers = changes(desk, "Invoice,Customer", since(desk, 28))
    assert len(invoices["Invoice"]) == 1000
    assert not any(row.get("status") == "Deleted" for row in invoices["Invoice"])
    assert customers == {}
    assert changes(desk, "Invoice", start)[0]["Invoice"][-1]["status"] == "Deleted"


def test_bulk_edits_voids_and_deletes_by_id(desk: Desk) -> None:
    first = int(desk.control("/quickbooks/bulk", {"realm": desk.realm, "invoices": 10})["ids"][0])
    deeds = {"edited": [str(first)], "voided": [str(first + 1)], "deleted": [str(first + 2)]}
    desk.control("/quickbooks/bulk", {"realm": desk.realm, **deeds})
    left = desk.rows(f"select * from Invoice where Id in ('{first}', '{first + 1}', '{first + 2}')")
    assert {row["Id"]: (row["DueDate"], row["TotalAmt"] == 0) for row in left}[str(first)] == ("2099-12-31", False)
    assert {row["Id"]: row["TotalAmt"] == 0 for row in left} == {str(first): False, str(first + 1): True}


def test_bulk_makes_invoices_and_pays_some(desk: Desk) -> None:
    start = since(desk)
    made = desk.control("/quickbooks/bulk", {"realm": desk.realm, "invoices": 300, "changed": 40})
    assert (made["invoices"], made["changed"], int(made["ids"][1]) - int(made["ids"][0])) == (300, 40, 299)
    invoices, payments = changes(desk, "Invoice,Payment", start)
    assert len(invoices["Invoice"]) >= 40
    assert len(payments["Payment"]) == 40
    assert desk.query("select count(*) from Invoice") == {"totalCount": 311}
    total = sum(
        row["Balance"]
        for row in desk.rows("select * from Invoice maxresults 1000")
        if row["CustomerRef"]["name"] == "Moss & Co"
    )
    assert desk.customer("Moss & Co")["Balance"] == pytest.approx(total)


def test_changes_can_be_made_to_appear_late(desk: Desk) -> None:
    start = since(desk)
    desk.control("/faults", {"kind": "query_lag", "seconds": 30, "path": "/cdc$"})
    desk.saved("invoice", desk.invoice())
    assert changes(desk, "Invoice", start) == [{}]
    desk.control("/clock", {"advance_seconds": 31})
    assert len(changes(desk, "Invoice", start)[0]["Invoice"]) == 1


def test_balances_hold_after_many_deeds(desk: Desk) -> None:
    """The customer's balance is what the invoices leave open, less credit and money not yet used."""
    made = [desk.saved("invoice", desk.invoice(desk.line(10 * index))) for index in range(1, 7)]
    desk.book("payment", id=made[0]["Id"])
    desk.book("payment", id=made[1]["Id"], amount=7)
    desk.book("void", id=made[1]["Id"])
    desk.book("credit", id=made[2]["Id"], amount=50)
    desk.book("edit", id=made[3]["Id"], line="1", price=3)
    desk.book("payment", id=made[4]["Id"])
    desk.book("delete", id=made[4]["Id"])
    books = desk.control(f"/quickbooks/books?realm={desk.realm}", method="GET")
    for customer in books["customers"]:
        open_items = sum(row["Balance"] for row in books["invoices"] if row["CustomerRef"]["value"] == customer["Id"])
        unused = sum(row["UnappliedAmt"] for row in books["payments"] if row["CustomerRef"]["value"] == customer["Id"])
        credit = sum(row["Balance"] for row in books["creditmemos"] if row["CustomerRef"]["value"] == customer["Id"])
        assert customer["Balance"] == pytest.approx(open_items - unused - credit), customer["DisplayName"]
