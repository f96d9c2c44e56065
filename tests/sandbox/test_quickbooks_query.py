"""The query language of the stand-in QuickBooks."""

from __future__ import annotations

import pytest

from .desk import US, Desk, details, refusal


def names(desk: Desk, where: str) -> list[str]:
    return [row["DisplayName"] for row in desk.rows(f"select * from Customer {where}")]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("where DisplayName = 'Moss & Co'", ["Moss & Co"]),
        ("where DisplayName like '%bramley%'", ["Bramley Farm Foods", "Bramley Foods Ltd"]),
        ("where DisplayName like 'Bramley F%' orderby DisplayName desc", ["Bramley Foods Ltd", "Bramley Farm Foods"]),
        ("where DisplayName like '%Küchen%'", ["Rheingold Küchen GmbH"]),
        (r"where DisplayName = 'O\'Brien & Sons'", ["O'Brien & Sons"]),
        (
            "where DisplayName IN ('Moss & Co', 'Selby Cold Stores') ORDER BY DisplayName",
            ["Moss & Co", "Selby Cold Stores"],
        ),
        ("where PrimaryEmailAddr = 'office@bramleyfoods.co.uk'", ["Bramley Foods Ltd"]),
        ("where Balance > '6000' and Active = true", ["Selby Cold Stores"]),
        ("where Balance >= '180' AND Balance <= '180'", ["Bramley Farm Foods"]),
        ("where Active = false", ["Old Mill Catering (deleted)"]),
        ("where Active in (true, false) and DisplayName like 'Old%'", ["Old Mill Catering (deleted)"]),
        ("where DisplayName = 'Nobody'", []),
        ("where DisplayName like '100%'", []),
        ("startposition 2 maxresults 2", ["Ainsley Fabrications", "Aire Valley Plumbing"]),
    ],
)
def test_a_statement_finds(desk: Desk, where: str, found: list[str]) -> None:
    assert names(desk, where) == found


@pytest.mark.parametrize(
    "statement",
    [
        "select * from Customer where Balance > 100",
        "select * from Customer where Active = true or Active = false",
        "select * from Customer where DisplayName != 'a'",
        "select * from Customer where not Active = true",
        "select * from Customer where DisplayName = 'O'Brien & Sons'",
        "select * from Customer where DisplayName = 'open",
        'select * from Customer where DisplayName = "Moss & Co"',
        "select * from Customer maxresults -1",
        "select * from Customer group by Active",
        "select from Customer",
        "delete from Customer",
        "",
    ],
)
def test_what_is_no_statement_does_not_parse(desk: Desk, statement: str) -> None:
    assert refusal(desk.get("query", query=statement))[:2] == (400, "4000")


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("select * from Customer where Notes = 'x'", "Notes"),
        ("select * from Invoice where TotalAmt > '5'", "TotalAmt"),
        ("select * from Invoice where CustomerRef.value = '5'", "CustomerRef.value"),
        ("select * from Invoice orderby PrivateNote", "PrivateNote"),
        ("select * from Invoice where TxnDate > 'soon'", "soon"),
        ("select * from Widget", "Widget"),
        ("select * from Customer maxresults 0", "too small"),
        ("select * from Customer maxresults 1001", "too large"),
        ("select * from Customer startposition 0", "too small"),
    ],
)
def test_what_cannot_be_asked_is_named(desk: Desk, statement: str, word: str) -> None:
    answer = desk.get("query", query=statement)
    assert refusal(answer)[:2] == (400, "4001")
    assert word in details(answer)


def test_an_empty_result_has_no_member_for_the_entity(desk: Desk) -> None:
    assert desk.query("select * from Invoice where DocNumber = 'none'") == {}


def test_a_page_says_where_it_starts_and_how_long_it_is(desk: Desk) -> None:
    found = desk.query("select * from Invoice startposition 3 maxresults 4")
    assert (found["startPosition"], found["maxResults"], found["totalCount"], len(found["Invoice"])) == (3, 4, 4, 4)
    assert len(desk.rows("select * from Customer maxresults 1000")) > 60
    desk.control("/quickbooks/bulk", {"realm": desk.realm, "invoices": 120})
    assert len(desk.rows("select * from Invoice")) == 100


def test_a_count_answers_nothing_but_a_number(desk: Desk) -> None:
    assert desk.query("select count(*) from Invoice where Balance > '0'") == {"totalCount": 8}


def test_a_statement_may_be_posted(desk: Desk) -> None:
    headers = desk.headers(**{"Content-Type": "application/text"})
    answer = desk.send("POST", desk.url("query"), headers=headers, content="select * from Term where Name = 'Net 30'")
    assert answer.json()["QueryResponse"]["Term"][0]["DueDays"] == 30


def test_transactions_come_latest_change_first_and_lists_by_name(desk: Desk) -> None:
    first = desk.rows("select * from Invoice")[-1]
    desk.book("edit", id=first["Id"], memo="touched")
    assert desk.rows("select * from Invoice")[0]["Id"] == first["Id"]
    found = [row["Name"] for row in desk.rows("select * from Item where Name like 'B%'")]
    assert found == sorted(found, key=str.casefold)


def test_the_last_number_can_be_asked_for(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    last = desk.one("select * from Invoice orderby MetaData.CreateTime desc maxresults 1")
    assert last["Id"] == made["Id"]


def test_times_of_change_can_be_asked_for(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    since = made["MetaData"]["LastUpdatedTime"]
    assert [row["Id"] for row in desk.rows(f"select * from Invoice where MetaData.LastUpdatedTime >= '{since}'")] == [
        made["Id"]
    ]
    assert desk.rows(f"select * from Invoice where MetaData.LastUpdatedTime > '{since}'") == []


def test_times_may_be_written_as_in_the_vendors_examples(desk: Desk) -> None:
    made = desk.saved("invoice", desk.invoice())
    since = made["MetaData"]["LastUpdatedTime"]
    statement = f"select * from Invoice where Metadata.LastUpdatedTime >= '{since}' orderby Metadata.LastUpdatedTime"
    assert [row["Id"] for row in desk.rows(statement)] == [made["Id"]]
    answer = desk.get("query", query="select * from Invoice where metadata.LastUpdatedTime >= '2026-01-01'")
    assert refusal(answer)[:2] == (400, "4001")


def test_references_are_asked_for_by_their_plain_name(desk: Desk) -> None:
    customer = desk.customer("Bramley Foods Ltd")["Id"]
    found = desk.rows(f"select * from Invoice where CustomerRef = '{customer}' and Balance > '0' orderby DueDate")
    assert [row["DocNumber"] for row in found] == ["1033", "1037"]


def test_a_projection_answers_part_of_an_object(desk: Desk) -> None:
    (row,) = desk.rows("select DisplayName, MetaData.CreateTime from Customer where DisplayName = 'Moss & Co'")
    assert set(row) == {"Id", "DisplayName", "MetaData", "domain", "sparse"}


@pytest.mark.parametrize(
    "entity",
    [
        "Account", "Class", "CompanyCurrency", "CompanyInfo", "CreditMemo", "Customer", "Department", "Employee",
        "ExchangeRate", "Invoice", "Item", "Payment", "PaymentMethod", "Preferences", "RecurringTransaction",
        "TaxAgency", "TaxCode", "TaxRate", "Term", "Vendor",
    ],
)  # fmt: skip
def test_every_entity_can_be_asked_for(desk: Desk, entity: str) -> None:
    assert set(desk.query(f"select * from {entity}")) <= {entity, "startPosition", "maxResults", "totalCount"}
    desk.enter(US)
    desk.query(f"select * from {entity}")


def test_new_objects_can_be_made_to_appear_late(desk: Desk) -> None:
    desk.control("/faults", {"kind": "query_lag", "seconds": 60})
    made = desk.saved("invoice", desk.invoice())
    asked = f"select * from Invoice where Id = '{made['Id']}'"
    assert desk.rows(asked) == []
    assert desk.get(f"invoice/{made['Id']}").status_code == 200
    desk.control("/clock", {"advance_seconds": 61})
    assert len(desk.rows(asked)) == 1
