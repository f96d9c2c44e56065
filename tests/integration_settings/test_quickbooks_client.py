"""QuickBooks' client: what goes over the wire, and what its answers and faults mean."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    ServiceUnavailable,
    SubscriptionEnded,
)
from integration_settings.http import to_json
from integration_settings.quickbooks import QuickBooksClient
from tests.integration_settings.vendors import INTUIT_TOKEN, add_discovery, intuit_answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(quickbooks):
    return QuickBooksClient(quickbooks)


@pytest.fixture
def base(quickbooks):
    return f"http://127.0.0.1:8020/v3/company/{quickbooks.realm_id}"


def query_of(call):
    return {name: values[0] for name, values in parse_qs(urlsplit(call.request.url).query).items()}


def fault(code, *, kind="ValidationFault", **error):
    return {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": code, **error}], "type": kind}, "time": "t"}


# What is sent


def test_a_create_carries_its_request_id_and_exact_numbers(client, base, vendor, quickbooks):
    vendor.post(f"{base}/invoice", json={"Invoice": {"Id": "1"}, "time": "t"})
    body = {"Line": [{"Amount": Decimal("10.10"), "Qty": 3, "Description": "Grün “x”"}], "TotalAmt": Decimal("1E+2")}
    assert client.create("Invoice", body, request_id="r1") == {"Id": "1"}
    call = vendor.calls[0]
    assert query_of(call) == {"minorversion": "75", "requestid": "r1"}
    assert call.request.headers["Authorization"] == f"Bearer {quickbooks.access_token}"
    assert call.request.headers["Content-Type"] == "application/json"
    assert '"Amount": 10.10' in call.request.body
    assert '"TotalAmt": 100' in call.request.body
    assert call.request.body.isascii()
    assert json.loads(call.request.body)["Line"][0]["Description"] == "Grün “x”"


def test_an_update_is_sparse(client, base, vendor):
    vendor.post(f"{base}/customer", json={"Customer": {"Id": "1"}})
    client.update("Customer", {"Id": "1", "SyncToken": "0", "Notes": "x"}, request_id="r1")
    assert json.loads(vendor.calls[0].request.body) == {"Id": "1", "SyncToken": "0", "Notes": "x", "sparse": True}


@pytest.mark.parametrize("deed", ["void", "delete"])
def test_void_and_delete_carry_a_request_id_too(client, base, vendor, deed):
    vendor.post(f"{base}/invoice", json={"Invoice": {"Id": "7", "status": "Deleted"}})
    getattr(client, deed)("Invoice", "7", "3", request_id="r1")
    call = vendor.calls[0]
    assert query_of(call) == {"minorversion": "75", "requestid": "r1", "operation": deed}
    assert json.loads(call.request.body) == {"Id": "7", "SyncToken": "3"}


def test_an_invoice_is_sent_to_an_address_with_a_plus(client, base, vendor):
    vendor.post(f"{base}/invoice/7/send", json={"Invoice": {"Id": "7"}})
    client.send_invoice("7", "a+b@x.io", request_id="r1")
    call = vendor.calls[0]
    assert query_of(call) == {"minorversion": "75", "requestid": "r1", "sendTo": "a+b@x.io"}
    assert call.request.headers["Content-Type"] == "application/octet-stream"
    assert not call.request.body


def test_a_query_is_posted_as_text_in_utf8(client, base, vendor):
    vendor.post(f"{base}/query", json={"QueryResponse": {"Customer": [{"Id": "1"}], "maxResults": 1}})
    assert client.query("select * from Customer where DisplayName = 'Küchen'") == [{"Id": "1"}]
    call = vendor.calls[0]
    assert call.request.body.decode() == "select * from Customer where DisplayName = 'Küchen'"
    assert call.request.headers["Content-Type"] == "application/text"


def test_an_empty_result_has_no_entity(client, base, vendor):
    vendor.post(f"{base}/query", json={"QueryResponse": {}, "time": "t"})
    assert client.query("select * from Customer") == []


def test_what_no_database_takes_is_told_as_a_mark(client, base, vendor):
    vendor.post(
        f"{base}/query", body=r'{"QueryResponse": {"Customer": [{"Id": "1", "DisplayName": "half \ud83d, \u0000"}]}}'
    )
    assert client.query("select * from Customer") == [{"Id": "1", "DisplayName": "half \ufffd, \ufffd"}]


def test_all_pages_of_a_query_are_read(client, base, vendor):
    for count in (1000, 1000, 3):
        vendor.post(f"{base}/query", json={"QueryResponse": {"Item": [{"Id": "1"}] * count}})
    assert len(client.query_all("Item", "Active = true", order_by="Id")) == 2003
    assert [call.request.body.decode() for call in vendor.calls] == [
        f"select * from Item where Active = true orderby Id startposition {start} maxresults 1000"
        for start in (1, 1001, 2001)
    ]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "'plain'"),
        ("O'Brien", r"'O\'Brien'"),
        ("back\\slash", r"'back\\slash'"),
        ("\\' OR Id > '0", r"'\\\' OR Id > \'0'"),
        ("%", "'%'"),
        ("", "''"),
    ],
)
def test_values_are_quoted(text, quoted):
    assert QuickBooksClient.quote(text) == quoted


@given(st.text())
def test_no_text_can_end_its_own_quotes(text):
    quoted = QuickBooksClient.quote(text)
    inner, position = quoted[1:-1], 0
    read = []
    while position < len(inner):
        if inner[position] == "\\":
            position += 1
        else:
            assert inner[position] != "'"
        read.append(inner[position])
        position += 1
    assert "".join(read) == text


def test_changes_are_asked_with_the_offset_and_read_with_quickbooks_own_time(client, base, vendor):
    vendor.get(
        f"{base}/cdc",
        json={
            "CDCResponse": [
                {
                    "QueryResponse": [
                        {"Invoice": [{"Id": "1"}, {"Id": "2", "status": "Deleted"}], "maxResults": 2},
                        {},
                    ]
                }
            ],
            "time": "2026-11-24T02:28:17.819-08:00",
        },
    )
    since = datetime(2026, 11, 24, 9, 0, 0, 123, tzinfo=timezone(timedelta(hours=2)))
    found = client.changes(["Invoice", "Payment"], since)
    assert query_of(vendor.calls[0]) == {
        "entities": "Invoice,Payment",
        "changedSince": "2026-11-24T09:00:00+02:00",
        "minorversion": "75",
    }
    assert found.time == datetime(2026, 11, 24, 10, 28, 17, 819000, tzinfo=UTC)
    assert found.objects == {"Invoice": [{"Id": "1"}, {"Id": "2", "status": "Deleted"}], "Payment": []}


@pytest.mark.parametrize("rows", ["x", ["x"], [{"Name": "Red"}], [{"Id": "1"}, {"Id": ""}], [None]])
def test_rows_of_which_nobody_can_tell_what_they_are_are_no_answer(client, base, vendor, rows):
    """Lists are kept for long, and whoever is not among the rows passes for gone."""
    vendor.post(f"{base}/query", json={"QueryResponse": {"Class": rows}})
    with pytest.raises(ServiceUnavailable):
        client.query("select * from Class")


@pytest.mark.parametrize("answer", [{}, {"time": "2026-11-24T02:28:17.819-08:00"}, {"QueryResponse": None}])
def test_an_answer_without_a_result_is_not_one_without_rows(client, base, vendor, answer):
    """Invoices that a query does not find are taken for deleted."""
    vendor.get(f"{base}/query", json=answer)
    vendor.post(f"{base}/query", json=answer)
    with pytest.raises(ServiceUnavailable):
        client.query("select * from Invoice where Id in ('1')")


FAULT = {"Fault": {"Error": [{"Message": "System Failure Error", "code": "10000"}], "type": "SystemFault"}}


@pytest.mark.parametrize("group", [FAULT, {"QueryResponse": [FAULT, {"Payment": [{"Id": "1"}]}]}])
def test_changes_of_which_a_part_failed_cannot_move_a_cursor(client, base, vendor, group):
    vendor.get(f"{base}/cdc", json={"CDCResponse": [group], "time": "2026-11-24T02:28:17.819-08:00"})
    with pytest.raises(ServiceUnavailable):
        client.changes(["Invoice", "Payment"], datetime.now(UTC))


def test_nothing_was_written_where_an_answer_to_a_read_lacks_what_was_asked_for(client, base, vendor):
    """Whoever settles a write that may have been done would look for one."""
    vendor.get(f"{base}/invoice/1", json={"time": "2026-11-24T02:28:17.819-08:00"})
    vendor.get(f"{base}/preferences", json={})
    with pytest.raises(ServiceUnavailable):
        client.read("Invoice", "1")
    with pytest.raises(ServiceUnavailable):
        client.preferences()


def test_a_single_row_may_come_without_a_list(client, base, vendor):
    for method in (vendor.get, vendor.post):
        method(f"{base}/query", json={"QueryResponse": {"Invoice": {"Id": "1"}, "maxResults": 1}})
    assert client.query("select * from Invoice where Id in ('1')") == [{"Id": "1"}]


def test_a_single_change_may_come_without_a_list(client, base, vendor):
    group = {"QueryResponse": [{"Invoice": {"Id": "1"}}]}
    vendor.get(f"{base}/cdc", json={"CDCResponse": [group], "time": "2026-11-24T02:28:17.819-08:00"})
    assert client.changes(["Invoice"], datetime.now(UTC)).objects == {"Invoice": [{"Id": "1"}]}


@pytest.mark.parametrize("told", ["9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+14:00"])
def test_changes_of_a_time_at_the_edge_of_the_calendar_are_no_answer(client, base, vendor, told):
    vendor.get(f"{base}/cdc", json={"CDCResponse": [], "time": told})
    with pytest.raises(ServiceUnavailable):
        client.changes(["Invoice"], datetime.now(UTC))


def test_changes_without_a_time_cannot_move_a_cursor(client, base, vendor):
    vendor.get(f"{base}/cdc", json={"CDCResponse": [{"QueryResponse": [{}]}]})
    with pytest.raises(ServiceUnavailable):
        client.changes(["Invoice"], datetime.now(UTC))


def test_a_time_of_changes_without_an_offset_can_be_compared_with_ours(client, base, vendor):
    vendor.get(f"{base}/cdc", json={"CDCResponse": [], "time": "2026-11-24T10:28:17.819"})
    assert client.changes(("Invoice",), datetime.now(UTC)).time < datetime.now(UTC)


def test_an_exchange_rate_is_exact(client, base, vendor):
    vendor.get(f"{base}/exchangerate", body='{"ExchangeRate": {"Rate": 0.8543210987}, "time": "t"}')
    assert client.exchange_rate("EUR", date(2026, 11, 24)) == Decimal("0.8543210987")
    assert query_of(vendor.calls[0])["sourcecurrencycode"] == "EUR"


def test_a_pdf_is_a_pdf(client, base, vendor):
    vendor.get(f"{base}/invoice/7/pdf", body=b"%PDF-1.4 ...", content_type="application/pdf")
    assert client.invoice_pdf("7").startswith(b"%PDF")
    vendor.replace("GET", f"{base}/invoice/7/pdf", body=b"<html>", status=200)
    with pytest.raises(ServiceUnavailable):
        client.invoice_pdf("7")


@pytest.mark.parametrize("entity_id", ["", "1/../2", "x", "-1"])
def test_an_id_that_is_none_never_gets_into_an_address(client, vendor, entity_id):
    with pytest.raises(NotFound):
        client.read("Invoice", entity_id)
    assert not vendor.calls


def test_nothing_is_asked_of_intuit_when_a_client_is_made(client, base, vendor):
    vendor.get(f"{base}/preferences", json={"Preferences": {"a": 1}})
    assert client.preferences() == {"a": 1}
    assert len(vendor.calls) == 1


# What an answer means


@pytest.mark.parametrize(
    ("status", "body", "for_read", "for_write"),
    [
        (400, fault("6240"), Rejected, Rejected),
        (400, fault("610"), NotFound, Rejected),
        (404, fault("610"), NotFound, Rejected),
        (404, "<html>", ServiceUnavailable, OutcomeUnknown),
        (410, "", ServiceUnavailable, OutcomeUnknown),
        (400, fault("5010"), Rejected, Rejected),
        (400, fault("6190"), SubscriptionEnded, Rejected),
        (403, fault("6190"), SubscriptionEnded, Rejected),
        (400, fault("3001"), RateLimited, RateLimited),
        (403, fault("3100"), AccessDenied, AccessDenied),
        (400, fault("120"), AccessDenied, AccessDenied),
        (401, fault("120"), AccessDenied, AccessDenied),
        (403, "<xml/>", AccessDenied, AccessDenied),
        (403, fault("003001"), RateLimited, RateLimited),
        (400, fault(""), Rejected, Rejected),
        (400, fault("abc"), Rejected, Rejected),
        (400, {"Fault": {"Error": []}}, Rejected, Rejected),
        (400, "<html>", Rejected, Rejected),
        (429, {"fault": {"error": [{"code": "3001"}]}}, RateLimited, RateLimited),
        (429, "", RateLimited, RateLimited),
        (500, fault("10000", kind="SystemFault"), ServiceUnavailable, OutcomeUnknown),
        (500, fault("6240"), ServiceUnavailable, OutcomeUnknown),
        (502, "<html>", ServiceUnavailable, OutcomeUnknown),
        (504, "", ServiceUnavailable, OutcomeUnknown),
        (200, fault("6240"), Rejected, Rejected),
        (200, fault("10000"), ServiceUnavailable, OutcomeUnknown),
        (200, {"Fault": {}}, None, OutcomeUnknown),
        (200, "<html>", ServiceUnavailable, OutcomeUnknown),
        (200, "", ServiceUnavailable, OutcomeUnknown),
        (200, {"Wrong": {}}, None, OutcomeUnknown),
    ],
)
def test_faults_are_named_for_what_to_do(client, base, vendor, no_waiting, status, body, for_read, for_write):
    text = body if isinstance(body, str) else json.dumps(body)
    vendor.post(f"{base}/query", status=status, body=text, headers={"intuit_tid": "1-a"})
    vendor.post(f"{base}/invoice", status=status, body=text, headers={"intuit_tid": "1-a"})
    if for_read is not None:
        with pytest.raises(for_read) as caught:
            client.query("select * from Invoice")
        assert type(caught.value) is for_read
        assert caught.value.trace_id == "1-a"
    client.connection.paused_until = None
    with pytest.raises(for_write) as caught:
        client.create("Invoice", {}, request_id="r1")
    assert type(caught.value) is for_write
    assert len([call for call in vendor.calls if "/invoice" in call.request.url]) == 1


def test_a_refusal_keeps_quickbooks_words_apart_from_the_log_text(client, base, vendor):
    answer = fault("6240", Message="Duplicate Name", Detail="Bramley Foods is taken", element="DisplayName")
    vendor.post(f"{base}/customer", status=400, json=answer)
    with pytest.raises(Rejected) as caught:
        client.create("Customer", {}, request_id="r1")
    refusal = caught.value
    assert (refusal.code, refusal.message, refusal.element) == ("6240", "Duplicate Name", "DisplayName")
    assert refusal.detail == "Bramley Foods is taken"
    assert "Bramley" not in str(refusal)
    assert "6240" in str(refusal)


def test_a_refusal_that_ends_with_null_is_told_without_it(client, base, vendor):
    """As recorded: https://github.com/minimul/qbo_api"""
    error = {
        "Message": "Duplicate Name Exists Error",
        "Detail": "The name supplied already exists. : null",
        "code": "6240",
    }
    vendor.post(f"{base}/customer", status=400, json={"Fault": {"Error": [error], "type": "ValidationFault"}})
    with pytest.raises(Rejected) as refusal:
        client.create("Customer", {}, request_id="r1")
    assert refusal.value.detail == "The name supplied already exists."


def test_a_refusal_with_several_reasons_keeps_them_all(client, base, vendor):
    answer = fault("6140", Detail="Number 7 is assigned")
    answer["Fault"]["Error"] += [{"Message": "The date is closed", "code": "6210"}, {"Detail": "Number 7 is assigned"}]
    vendor.post(f"{base}/invoice", status=400, json=answer)
    with pytest.raises(Rejected) as caught:
        client.create("Invoice", {}, request_id="r1")
    assert (caught.value.code, caught.value.detail) == ("6140", "Number 7 is assigned · The date is closed")


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (
            "Business Validation Error: We're sorry, QuickBooks encountered an error while calculating tax. "
            "<a href='https://support.example/help?faq=5558&locale=en_CA' target=\"_blank\">Please click here</a>",
            "We're sorry, QuickBooks encountered an error while calculating tax.",
        ),
        ("Business Validation Error: Don&#39;t<br/>do that.", "Don't do that."),
        ("Length is 5 < 10 chars", "Length is 5 < 10 chars"),
        (None, ""),
    ],
)
def test_quickbooks_words_are_read_without_markup_and_the_name_of_their_kind(client, base, vendor, said, read):
    vendor.post(f"{base}/invoice", status=400, json=fault("6000", Detail=said, element=""))
    with pytest.raises(Rejected) as caught:
        client.create("Invoice", {}, request_id="r1")
    assert caught.value.detail == read


@pytest.mark.parametrize("problem", [requests.ReadTimeout(), requests.ConnectionError()])
def test_a_lost_answer_to_a_create_is_unknown(client, base, vendor, problem):
    vendor.post(f"{base}/invoice", body=problem)
    with pytest.raises(OutcomeUnknown):
        client.create("Invoice", {}, request_id="r1")
    assert len(vendor.calls) == 1


def test_a_refused_token_is_refreshed_once_and_the_call_repeated_with_the_same_request_id(client, base, vendor):
    expired = {"fault": {"error": [{"message": "m", "detail": "Token expired: abc", "code": "3200"}]}}
    vendor.post(f"{base}/invoice", status=401, json=expired)
    vendor.post(f"{base}/invoice", json={"Invoice": {"Id": "1"}})
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    assert client.create("Invoice", {}, request_id="r1") == {"Id": "1"}
    creates = [call for call in vendor.calls if "/invoice" in call.request.url]
    assert [query_of(call)["requestid"] for call in creates] == ["r1", "r1"]
    assert creates[1].request.headers["Authorization"] == "Bearer new-access"


def test_a_token_refused_twice_ends_the_call(client, base, vendor, quickbooks):
    vendor.post(f"{base}/invoice", status=401, body="<xml/>")
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    with pytest.raises(ConnectionExpired):
        client.create("Invoice", {}, request_id="r1")
    quickbooks.refresh_from_db()
    assert quickbooks.is_connected


# The JSON we write


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("10.10"), "10.10"),
        (Decimal("0.1") + Decimal("0.2"), "0.3"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (7, "7"),
        (True, "true"),
        (None, "null"),
        ("é", '"\\u00e9"'),
        ({"a": [Decimal(1), {"b": False}]}, '{"a": [1, {"b": false}]}'),
    ],
)
def test_numbers_are_written_as_they_are(value, text):
    assert to_json(value) == text


def test_floats_are_refused():
    with pytest.raises(TypeError):
        to_json({"Amount": 0.1})
    with pytest.raises(ValueError, match="not a number"):
        to_json(Decimal("NaN"))
