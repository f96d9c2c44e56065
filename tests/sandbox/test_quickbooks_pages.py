"""The bookkeeper's pages, and the deeds behind their buttons."""

from __future__ import annotations

from typing import Any

import pytest

from .desk import AU, GB, US, Desk


def press(desk: Desk, action: str, **form: str) -> Any:
    return desk.send("POST", f"/web/{desk.realm}/do/{action}", data={"back": f"/web/{desk.realm}", **form})


def page(desk: Desk, path: str = "") -> str:
    answer = desk.send("GET", f"/web/{desk.realm}{path}")
    assert answer.status_code == 200
    return str(answer.text)


@pytest.mark.parametrize("realm", [GB, US, AU])
def test_the_deep_link_leads_to_the_invoice_of_that_company(desk: Desk, realm: str) -> None:
    desk.enter(realm)
    row = desk.rows("select * from Invoice")[0]
    link = f"/web/app/login?pagereq=invoice%3FtxnId%3D{row['Id']}&deeplinkcompanyid={realm}"
    answer = desk.send("GET", link)
    assert (answer.status_code, answer.headers["location"]) == (302, f"/web/{realm}/invoice/{row['Id']}")
    assert row["DocNumber"] in page(desk, f"/invoice/{row['Id']}")


@pytest.mark.parametrize(
    "path", ["/web/1/invoice/1", "/web/app/login?deeplinkcompanyid=1", f"/web/{GB}/invoice/99999", "/web/1"]
)
def test_what_is_not_there_is_said_to_be_missing(desk: Desk, path: str) -> None:
    assert desk.send("GET", path).status_code == 404


def test_the_pages_list_everything_and_say_that_they_are_a_stand_in(desk: Desk) -> None:
    for path, word in (
        ("", "1041"),
        ("/customers", "Old Mill Catering (deleted)"),
        ("/items", "Racking:Pallet racking bay 6L"),
    ):
        text = page(desk, path)
        assert word in text
        assert "stand-in" in text
    assert "Coral Bay Tours Pty Ltd" in desk.send("GET", "/web/").text
    assert "Overdue" in page(desk)
    assert "1041" not in page(desk, "?q=bramley")


def test_names_are_shown_as_text(desk: Desk) -> None:
    desk.saved("customer", {"DisplayName": "<b>Bold</b>"})
    assert "<b>Bold" not in page(desk, "/customers")


def test_receiving_a_payment_is_prefilled_and_may_be_partial(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    assert 'value="120.00"' in page(desk, f"/invoice/{made['Id']}")
    assert press(desk, "payment", id=made["Id"], amount="50").status_code == 303
    assert "Partly paid" in page(desk, f"/invoice/{made['Id']}")
    press(desk, "payment", id=made["Id"], amount="70")
    assert ">Paid<" in page(desk, f"/invoice/{made['Id']}")


def test_a_wish_that_cannot_be_fulfilled_comes_back_with_the_reason(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    for amount, word in (("500", "higher"), ("abc", "no+amount")):
        assert word in press(desk, "payment", id=made["Id"], amount=amount).headers["location"]


def test_a_button_never_leads_away(desk: Desk) -> None:
    answer = press(desk, "void", id="1", back="https://evil.example/")
    assert answer.headers["location"].startswith(f"/web/{GB}")


def test_the_bookkeeper_edits_due_date_memo_and_price(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice(desk.line(100, Qty=4, UnitPrice=25)))
    press(desk, "edit", id=made["Id"], due_date="2099-03-01", memo="call them")
    press(desk, "edit", id=made["Id"], line="1", price="30")
    after = desk.get(f"invoice/{made['Id']}").json()["Invoice"]
    assert (after["DueDate"], after["PrivateNote"], after["TotalAmt"], after["SyncToken"]) == (
        "2099-03-01",
        "call them",
        144,
        "2",
    )


def test_the_bookkeeper_voids_deletes_and_credits(desk: Desk) -> None:
    first, second, third = (desk.saved("invoice", desk.invoice()) for _ in range(3))
    press(desk, "void", id=first["Id"])
    press(desk, "payment", id=second["Id"], amount="10")
    press(desk, "delete", id=second["Id"])
    press(desk, "credit", id=third["Id"], amount="20")
    assert "Voided" in page(desk, f"/invoice/{first['Id']}")
    assert desk.send("GET", f"/web/{GB}/invoice/{second['Id']}").status_code == 404
    assert "100.00 GBP" in page(desk, f"/invoice/{third['Id']}")


def test_the_bookkeeper_renames_and_retires(desk: Desk) -> None:
    moss, item = desk.customer("Moss & Co"), desk.item("Delivery")
    press(desk, "rename_customer", id=moss["Id"], name="Moss Ltd")
    press(desk, "deactivate_customer", id=moss["Id"])
    press(desk, "deactivate_item", id=item["Id"])
    assert desk.get(f"customer/{moss['Id']}").json()["Customer"]["DisplayName"] == "Moss Ltd (deleted)"
    assert desk.get(f"item/{item['Id']}").json()["Item"]["Active"] is False


def test_the_pages_have_no_button_for_settings(desk: Desk) -> None:
    assert press(desk, "refuse", why="rights").status_code == 404


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"action": "dance"}, "action"),
        ({"action": "void", "id": "99999"}, "610"),
        ({"action": "edit", "id": "1", "due_date": "x"}, "6000"),
    ],
)
def test_the_control_address_says_what_is_wrong(desk: Desk, wish: dict[str, str], word: str) -> None:
    answer = desk.send("POST", "/_sandbox/quickbooks/book", json={"realm": GB, **wish})
    assert answer.status_code == 400
    assert word in answer.json()["error"]


def test_lists_that_the_api_only_reads_can_be_changed(desk: Desk) -> None:
    term = desk.one("select * from Term where Name = 'Net 30'")
    desk.book("list_activity", entity="Term", id=term["Id"], active=False)
    assert desk.refused("invoice", desk.invoice(SalesTermRef={"value": term["Id"]}))[1] == "610"


def test_a_copy_of_a_company_is_independent(desk: Desk) -> None:
    desk.saved("invoice", desk.invoice())
    copy = desk.control("/clone", {"pipedrive_company": 101})["realm"]
    desk.enter(copy)
    assert desk.query("select count(*) from Invoice") == {"totalCount": 11}
    desk.saved("customer", {"DisplayName": "Only in the copy"})
    desk.enter(GB)
    assert desk.rows("select * from Customer where DisplayName = 'Only in the copy'") == []
    assert copy != GB
