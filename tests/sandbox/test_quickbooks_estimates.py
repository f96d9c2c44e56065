"""Estimates of the stand-in QuickBooks, and the invoice that closes one."""

from __future__ import annotations

from typing import Any

import pytest

from .desk import US, Desk, details

OTHER_WORDS = "does not exist or has already been invoiced"


def handle(row: dict[str, Any]) -> dict[str, Any]:
    return {"Id": row["Id"], "SyncToken": row["SyncToken"]}


def offer(desk: Desk, **more: Any) -> dict[str, Any]:
    return desk.saved("estimate", desk.invoice(desk.line(100, Qty=4, UnitPrice=25), **more))


def link(row: dict[str, Any]) -> dict[str, Any]:
    return {"LinkedTxn": [{"TxnId": row["Id"], "TxnType": "Estimate"}]}


def now(desk: Desk, row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = desk.get(f"estimate/{row['Id']}").json()["Estimate"]
    return found


def test_an_estimate_has_the_members_of_real_answers_and_a_number_of_its_own(desk: Desk) -> None:
    made = offer(desk, ExpirationDate="2027-01-31")
    assert (made["TxnStatus"], made["LinkedTxn"], made["TotalAmt"]) == ("Pending", [], 120)
    assert (made["ExpirationDate"], made["DocNumber"]) == ("2027-01-31", "1005")
    assert "Balance" not in made
    assert desk.saved("invoice", desk.invoice())["DocNumber"] == "1042"


def test_it_moves_no_balance(desk: Desk) -> None:
    before = desk.customer("Bramley Foods Ltd")["Balance"]
    offer(desk)
    assert desk.customer("Bramley Foods Ltd")["Balance"] == before


def test_those_of_a_customer_are_found_and_their_status_is_no_condition(desk: Desk) -> None:
    customer = desk.customer("Bramley Foods Ltd")["Id"]
    found = desk.rows(f"select * from Estimate where CustomerRef = '{customer}' orderby TxnDate desc maxresults 100")
    assert sorted(row["TxnStatus"] for row in found) == ["Accepted", "Pending"]
    answer = desk.get("query", query="select * from Estimate where TxnStatus = 'Pending'")
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, "4001")


@pytest.mark.parametrize("change", [{"TxnStatus": "Open"}, {"ExpirationDate": "soon"}, {"Expires": "2027-01-31"}])
def test_what_the_schema_does_not_know_is_refused(desk: Desk, change: dict[str, str]) -> None:
    assert desk.refused("estimate", desk.invoice(**change))[:2] == (400, "2010")


def test_an_invoice_closes_the_estimate_that_it_names_and_both_know_each_other(desk: Desk) -> None:
    made = offer(desk)
    invoice = desk.saved("invoice", desk.invoice(**link(made)))
    assert invoice["LinkedTxn"] == [{"TxnId": made["Id"], "TxnType": "Estimate"}]
    closed = now(desk, made)
    assert (closed["TxnStatus"], closed["LinkedTxn"]) == ("Closed", [{"TxnId": invoice["Id"], "TxnType": "Invoice"}])


def test_a_payment_stands_beside_the_estimate(desk: Desk) -> None:
    invoice = desk.saved("invoice", desk.invoice(**link(offer(desk))))
    desk.book("payment", id=invoice["Id"])
    kinds = [linked["TxnType"] for linked in desk.get(f"invoice/{invoice['Id']}").json()["Invoice"]["LinkedTxn"]]
    assert kinds == ["Estimate", "Payment"]


def test_an_estimate_is_invoiced_once(desk: Desk) -> None:
    made = offer(desk)
    desk.saved("invoice", desk.invoice(**link(made)))
    answer = desk.post("invoice", desk.invoice(**link(made)))
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, "6000")
    assert OTHER_WORDS in details(answer)


def test_nothing_else_is_linked(desk: Desk) -> None:
    made, other = offer(desk), offer(desk)
    unknown: dict[str, Any] = {"LinkedTxn": [{"TxnId": "987654", "TxnType": "Estimate"}]}
    assert OTHER_WORDS in details(desk.post("invoice", desk.invoice(**unknown)))
    assert OTHER_WORDS in details(desk.post("invoice", desk.invoice(customer="Moss & Co", **link(made))))
    two: dict[str, Any] = {"LinkedTxn": [*link(made)["LinkedTxn"], *link(other)["LinkedTxn"]]}
    assert desk.refused("invoice", desk.invoice(**two))[:2] == (400, "6000")
    hours: dict[str, Any] = {"LinkedTxn": [{"TxnId": "1", "TxnType": "TimeActivity"}]}
    assert desk.refused("invoice", desk.invoice(**hours))[:2] == (400, "6000")
    assert now(desk, made)["TxnStatus"] == "Pending"


def test_a_refused_invoice_leaves_the_estimate_open(desk: Desk) -> None:
    made = offer(desk)
    desk.refused("invoice", desk.invoice(DueDate="2020-01-01", TxnDate="2026-01-01", **link(made)))
    assert now(desk, made)["TxnStatus"] == "Pending"


def test_deleting_the_invoice_opens_the_estimate_again_and_a_void_does_not(desk: Desk) -> None:
    accepted = offer(desk, TxnStatus="Accepted", AcceptedBy="Alice")
    invoice = desk.saved("invoice", desk.invoice(**link(accepted)))
    desk.saved("invoice", handle(invoice), operation="delete")
    assert (now(desk, accepted)["TxnStatus"], now(desk, accepted)["LinkedTxn"]) == ("Accepted", [])
    second = desk.saved("invoice", desk.invoice(**link(accepted)))
    voided = desk.saved("invoice", handle(second), operation="void")
    assert voided["LinkedTxn"] == [{"TxnId": accepted["Id"], "TxnType": "Estimate"}]
    assert now(desk, accepted)["TxnStatus"] == "Closed"


def test_a_deleted_estimate_leaves_the_invoice_without_the_link(desk: Desk) -> None:
    made = offer(desk)
    invoice = desk.saved("invoice", desk.invoice(**link(made)))
    desk.book("delete_estimate", id=made["Id"])
    assert desk.get(f"invoice/{invoice['Id']}").json()["Invoice"]["LinkedTxn"] == []


def test_the_bookkeeper_changes_an_estimate(desk: Desk) -> None:
    made = offer(desk)
    changed = desk.book("edit_estimate", id=made["Id"], set={"TxnStatus": "Rejected"})
    assert (changed["TxnStatus"], changed["SyncToken"]) == ("Rejected", "1")


def test_the_demo_has_estimates_to_invoice(desk: Desk) -> None:
    desk.enter(US)
    clinic = desk.customer("Prairie Family Clinic")["Id"]
    found = desk.rows(f"select * from Estimate where CustomerRef = '{clinic}'")
    assert [row["TxnStatus"] for row in found] == ["Pending"]
