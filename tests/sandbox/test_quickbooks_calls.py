"""How the API of the stand-in QuickBooks wants to be called, whatever the call is about."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from sandbox.quickbooks import throttle

from .desk import GB, Desk, refusal


def test_every_answer_carries_a_trace_id(desk: Desk) -> None:
    found = [desk.get("preferences"), desk.get("invoice/999999"), desk.send("GET", desk.url("preferences"))]
    assert [answer.status_code for answer in found] == [200, 400, 401]
    assert len({answer.headers["intuit_tid"] for answer in found}) == 3


def test_the_minor_version_is_taken_and_changes_nothing(desk: Desk) -> None:
    assert (
        desk.get("preferences", minorversion="75").json()["Preferences"]
        == desk.get("preferences").json()["Preferences"]
    )


def test_who_forgets_to_ask_for_json_gets_xml(desk: Desk) -> None:
    answer = desk.send("GET", desk.url("preferences"), headers={"Authorization": f"Bearer {desk.token}"})
    assert answer.headers["content-type"].startswith("application/xml")
    assert "<Preferences>" in answer.text


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("invoice", "text/plain", "{}"),
        ("query", "application/json", "select * from Term"),
        ("batch", "text/plain", "{}"),
    ],
)
def test_a_wrong_content_type_is_refused(desk: Desk, path: str, kind: str, body: str) -> None:
    answer = desk.send("POST", desk.url(path), headers=desk.headers(**{"Content-Type": kind}), content=body)
    assert refusal(answer)[:2] == (400, "500")


@pytest.mark.parametrize("path", ["Invoice/1", "timesheet/1", "invoice/1/2/3", "reports/x/y/z"])
def test_an_unknown_address_is_an_unsupported_operation(desk: Desk, path: str) -> None:
    assert refusal(desk.get(path))[:2] == (400, "500")


def test_bytes_that_are_not_utf8_are_refused(desk: Desk) -> None:
    headers = desk.headers(**{"Content-Type": "application/json"})
    answer = desk.send(
        "POST", desk.url("customer"), headers=headers, content='{"DisplayName":"Müller"}'.encode("latin-1")
    )
    assert refusal(answer)[:2] == (400, "500")


@pytest.mark.parametrize("body", ["", "{", "[1]", '{"DisplayName": NaN}'])
def test_what_is_not_a_json_object_is_refused(desk: Desk, body: str) -> None:
    headers = desk.headers(**{"Content-Type": "application/json"})
    assert refusal(desk.send("POST", desk.url("customer"), headers=headers, content=body))[:2] == (400, "2010")


@pytest.mark.parametrize("identity", ["abc", "1.5"])
def test_an_impossible_id_is_told_apart_from_a_missing_one(desk: Desk, identity: str) -> None:
    assert refusal(desk.get(f"customer/{identity}"))[:2] == (400, "2030")
    assert refusal(desk.get("customer/987654"))[:2] == (400, "610")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"Nonsense": 1}, (400, "2010", "")),
        ({"BillAddr": {"Line1": "a", "Street": "b"}}, (400, "2010", "")),
        ({"Active": "yes"}, (400, "2010", "")),
        ({"PrimaryEmailAddr": "a@b.example"}, (400, "2010", "")),
        ({"GivenName": "x" * 101}, (400, "2050", "GivenName")),
        ({"Title": "x" * 17}, (400, "2050", "Title")),
        ({"BillAddr": {"PostalCode": "1" * 31}}, (400, "2050", "BillAddr.PostalCode")),
        ({"PrimaryPhone": {"FreeFormNumber": "1" * 31}}, (400, "2050", "PrimaryPhone.FreeFormNumber")),
        ({"SalesTermRef": {"value": "999"}}, (400, "2500", "SalesTermRef")),
        ({"DisplayName": "a:b"}, (400, "6000", "")),
        ({"PrimaryEmailAddr": {"Address": "nobody"}}, (400, "6000", "")),
    ],
)
def test_a_request_is_refused_as_a_whole(desk: Desk, change: dict[str, object], expected: tuple[int, str, str]) -> None:
    assert desk.refused("customer", {"DisplayName": "New one", **change}) == expected
    assert desk.rows("select * from Customer where DisplayName = 'New one'") == []


def test_read_only_members_are_overwritten_without_a_word(desk: Desk) -> None:
    made = desk.saved("customer", {"DisplayName": "Reader", "Balance": 500, "FullyQualifiedName": "x", "MetaData": {}})
    assert made["Balance"] == 0
    assert made["FullyQualifiedName"] == "Reader"


def test_times_are_pacific_whatever_the_company(desk: Desk) -> None:
    answer = desk.get(f"companyinfo/{GB}").json()
    assert answer["time"][-6:] in ("-08:00", "-07:00")
    assert answer["CompanyInfo"]["MetaData"]["CreateTime"][-6:] in ("-08:00", "-07:00")
    assert answer["CompanyInfo"]["Country"] == "GB"


def test_a_request_id_gives_the_first_answer_again(desk: Desk) -> None:
    first = desk.post("customer", {"DisplayName": "Only once"}, requestid="r1")
    again = desk.post("customer", {"DisplayName": "Only once"}, requestid="r1")
    assert again.content == first.content
    assert desk.query("select count(*) from Customer where DisplayName = 'Only once'") == {"totalCount": 1}


def test_a_request_id_replays_a_refusal_too(desk: Desk) -> None:
    first = desk.post("customer", {"DisplayName": "Moss & Co"}, requestid="r2")
    again = desk.post("customer", {"DisplayName": "Moss & Co (2)"}, requestid="r2")
    assert refusal(first)[1] == "6240"
    assert again.content == first.content


def test_a_request_id_counts_within_one_company(desk: Desk) -> None:
    first = desk.saved("customer", {"DisplayName": "Shared id"}, requestid="r3")
    desk.enter(desk.control("/quickbooks/companies", method="GET")[1]["realm"])
    assert desk.saved("customer", {"DisplayName": "Other"}, requestid="r3")["DisplayName"] == "Other"
    assert first["DisplayName"] == "Shared id"


@pytest.mark.parametrize(("length", "status"), [(50, 200), (51, 400)])
def test_a_request_id_has_at_most_fifty_characters(desk: Desk, length: int, status: int) -> None:
    assert desk.post("customer", {"DisplayName": "Long id"}, requestid="r" * length).status_code == status


def test_the_stand_in_can_be_told_to_forget_request_ids(desk: Desk) -> None:
    body = desk.invoice()
    desk.control("/faults", {"kind": "ignore_requestid", "service": "quickbooks"})
    first, again = (desk.saved("invoice", body, requestid="r4") for _ in range(2))
    assert first["Id"] != again["Id"]


def test_the_eleventh_call_of_a_second_is_throttled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=lambda: seconds)  # ours: a slow machine needs more than a second for ten calls
    monkeypatch.setattr(throttle, "time", clock)
    seconds = 1000.0
    desk.control("/throttle", {"service": "quickbooks", "enabled": True})
    found = [desk.get("preferences") for _ in range(15)]
    last = found[-1]
    seconds += 1.1
    assert desk.get("preferences").status_code == 200
    assert [answer.status_code for answer in found].count(200) == 10
    assert last.status_code == 429
    assert last.json()["Fault"]["type"] == "SERVICE"
    assert last.json()["Fault"]["Error"][0]["code"] == "3001"


@pytest.mark.parametrize(
    ("why", "expected"), [("subscription", (400, "6190")), ("rights", (403, "120")), (None, (200, ""))]
)
def test_a_company_can_refuse_everything(desk: Desk, why: str | None, expected: tuple[int, str]) -> None:
    desk.book("refuse", why=why)
    answer = desk.get("preferences")
    assert answer.status_code == expected[0]
    assert expected[1] in answer.text


def test_a_batch_answers_each_item_for_itself(desk: Desk) -> None:
    items = [
        {"bId": "1", "operation": "create", "Customer": {"DisplayName": "Batch one"}},
        {"bId": "2", "operation": "create", "Customer": {"DisplayName": "Moss & Co"}},
        {"bId": "3", "Query": "select * from Term where Name = 'Net 14'"},
        {"bId": "4", "operation": "delete", "Invoice": {"Id": "99999", "SyncToken": "0"}},
    ]
    found = desk.post("batch", {"BatchItemRequest": items}).json()["BatchItemResponse"]
    assert [item["bId"] for item in found] == ["1", "2", "3", "4"]
    assert found[0]["Customer"]["DisplayName"] == "Batch one"
    assert found[1]["Fault"]["Error"][0]["code"] == "6240"
    assert found[2]["QueryResponse"]["Term"][0]["DueDays"] == 14
    assert found[3]["Fault"]["Error"][0]["code"] == "610"
    assert desk.control("/requests", method="GET")[-1]["items"] == 4


def test_a_batch_takes_thirty_items(desk: Desk) -> None:
    items = [{"bId": str(index), "Query": "select * from Term"} for index in range(31)]
    assert desk.post("batch", {"BatchItemRequest": items[:30]}).status_code == 200
    assert desk.refused("batch", {"BatchItemRequest": items})[1] == "6000"


def test_numbers_come_out_as_they_went_in(desk: Desk) -> None:
    account = desk.one("select * from Account where Name = 'Services'")["Id"]
    body = {"Name": "Precise", "Type": "Service", "UnitPrice": 0.1234567, "IncomeAccountRef": {"value": account}}
    text = desk.post("item", body).text
    assert '"UnitPrice":0.1234567' in text
    assert json.loads(text)["Item"]["PurchaseCost"] == 0
