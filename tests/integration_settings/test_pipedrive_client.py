"""Pipedrive's client: pages, errors, and the second try after a refused token."""

from __future__ import annotations

from decimal import Decimal

import pytest
import requests
import responses
from responses import matchers

from integration_settings.errors import (
    AccessDenied,
    AnswerTooLarge,
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    ServiceUnavailable,
    SubscriptionEnded,
)
from integration_settings.models import PipedriveUser
from integration_settings.pipedrive import PipedriveClient
from integration_settings.pipedrive_fields import pipedrive_fields
from tests.integration_settings.vendors import PIPEDRIVE_TOKEN, pipedrive_answer

pytestmark = pytest.mark.django_db
V1, V2 = "http://127.0.0.1:8010/api/v1", "http://127.0.0.1:8010/api/v2"


@pytest.fixture
def client(user):
    return PipedriveClient(user)


def good(data, **more):
    return {"success": True, "data": data, **more}


def test_a_deal_comes_with_exact_numbers(client, vendor, user):
    vendor.get(f"{V2}/deals/12", body='{"success": true, "data": {"id": 12, "value": 24000.10}}')
    assert client.deal(12) == {"id": 12, "value": Decimal("24000.10")}
    assert vendor.calls[0].request.headers["Authorization"] == f"Bearer {user.access_token}"


@pytest.mark.parametrize("data", [None, [], {}, {"id": None, "title": "Warehouse racking"}])
def test_an_answer_without_its_record_is_no_record_without_members(client, vendor, data):
    vendor.get(f"{V2}/deals/12", json=good(data))
    vendor.post(f"{V1}/notes", json=good(data))
    with pytest.raises(ServiceUnavailable):
        client.deal(12)
    with pytest.raises(OutcomeUnknown):
        client.add_note(deal_id=12, content="Invoice 1042")


@pytest.mark.parametrize("mark", [{"is_deleted": True}, {"status": "deleted"}])
def test_a_deal_that_was_deleted_or_merged_away_is_not_there(client, vendor, mark):
    vendor.get(f"{V2}/deals/12", json=good({"id": 12, "value": 24000, **mark}))
    with pytest.raises(NotFound):
        client.deal(12)


def test_all_pages_of_a_list_are_read(client, vendor):
    url = f"{V2}/deals/12/products"
    for cursor, following, ids in (("", "c2", [1, 2]), ("c2", "c3", [3]), ("c3", None, [4])):
        expected = {"limit": "500", "sort_by": "order_nr"} | ({"cursor": cursor} if cursor else {})
        vendor.get(
            url,
            json=good([{"id": number} for number in ids], additional_data={"next_cursor": following}),
            match=[matchers.query_param_matcher(expected)],
        )
    assert [product["id"] for product in client.deal_products(12)] == [1, 2, 3, 4]


def test_the_latest_deals_are_as_many_as_wanted_also_in_small_pages(client, vendor):
    for cursor, ids, following in ((None, [9, 8], "a"), ("a", [7, 6], "b")):
        expected = {"limit": "3", "sort_by": "update_time", "sort_direction": "desc"}
        vendor.get(
            f"{V2}/deals",
            json=good([{"id": number} for number in ids], additional_data={"next_cursor": following}),
            match=[matchers.query_param_matcher(expected | ({"cursor": cursor} if cursor else {}))],
        )
    assert [deal["id"] for deal in client.latest_deals(3)] == [9, 8, 7]


def test_all_pages_of_the_notes_are_read(client, vendor):
    for start, more in ((0, True), (500, False)):
        page = {"more_items_in_collection": more, "next_start": start + 500}
        vendor.get(
            f"{V1}/notes",
            json=good([{"id": start}], additional_data={"pagination": page}),
            match=[matchers.query_param_matcher({"deal_id": "12", "start": str(start), "limit": "500"})],
        )
    assert [note["id"] for note in client.deal_notes(12)] == [0, 500]


@pytest.mark.parametrize("onwards", [{}, {"next_start": None}, {"next_start": 0}, {"next_start": "further"}])
def test_notes_that_tell_no_way_onwards_end_there(client, vendor, onwards):
    pagination = {"start": 0, "limit": 500, "more_items_in_collection": True, **onwards}
    vendor.get(f"{V1}/notes", json=good([{"id": 1}], additional_data={"pagination": pagination}))
    assert client.deal_notes(12) == [{"id": 1}]
    assert len(vendor.calls) == 1


def test_products_are_asked_for_by_the_hundred_and_once_each(client, vendor):
    vendor.get(f"{V2}/products", json=good([]))
    client.products([*range(1, 151), 1, 2])
    asked = [call.request.params["ids"].split(",") for call in vendor.calls]
    assert [len(ids) for ids in asked] == [100, 50]


def test_no_product_needs_no_call(client, vendor):
    assert client.products([]) == []
    assert not vendor.calls


@pytest.mark.parametrize("data", [None, []])
def test_an_empty_list_may_be_null(client, vendor, data):
    vendor.get(f"{V2}/deals/12/discounts", json=good(data))
    assert client.deal_discounts(12) == []


@pytest.mark.parametrize("data", [{"a": 1}, ["a"], "a", 5, [None]])
def test_an_answer_whose_records_are_none_is_no_answer(client, vendor, data):
    for path in ("deals/12/discounts", "deals/12/products", "dealFields"):
        vendor.get(f"{V2}/{path}", json=good(data))
    vendor.get(f"{V1}/notes", json=good(data))
    for ask in (client.deal_discounts, client.deal_products, client.deal_notes, lambda _deal: client.fields("deal")):
        with pytest.raises(ServiceUnavailable):
            ask(12)


@pytest.mark.parametrize("onwards", [[], "next", None, {"pagination": []}])
def test_a_list_that_tells_oddly_what_follows_ends_there(client, vendor, onwards):
    vendor.get(f"{V2}/dealFields", json=good([{"id": 1}], additional_data=onwards))
    vendor.get(f"{V1}/notes", json=good([{"id": 1}], additional_data=onwards))
    assert (len(client.fields("deal")), len(client.deal_notes(12))) == (1, 1)


def test_a_field_without_its_code_is_no_choice(user, vendor):
    told = [{"field_name": "Odd"}, {"field_name": "Address", "field_code": "address"}]
    for kind in ("organization", "person", "deal"):
        vendor.get(f"{V2}/{kind}Fields", json=good(told if kind == "organization" else []))
    assert [field.code for field in pipedrive_fields(user)] == ["organization.address"]


def test_a_refused_token_is_refreshed_once_and_the_call_repeated_once(client, vendor, user):
    vendor.get(f"{V2}/deals/12", status=401, json={"success": False, "error": "unauthorized access"})
    vendor.get(f"{V2}/deals/12", json=good({"id": 12}))
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    assert client.deal(12) == {"id": 12}
    assert [call.request.headers["Authorization"] for call in vendor.calls if "/deals/" in call.request.url] == [
        f"Bearer pipedrive-access-{user.user_id}",
        "Bearer new-access",
    ]


def test_a_token_refused_twice_ends_the_call_and_not_the_connection(client, vendor, user):
    vendor.get(f"{V2}/deals/12", status=401)
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    with pytest.raises(ConnectionExpired):
        client.deal(12)
    assert len([call for call in vendor.calls if "/deals/" in call.request.url]) == 2
    assert PipedriveUser.objects.get(pk=user.pk).is_connected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"status": 402, "json": {"success": False, "error": "Account is not open"}}, SubscriptionEnded),
        ({"status": 402, "body": "<html>Payment required</html>"}, SubscriptionEnded),
        ({"status": 403, "json": {"success": False, "error": "Scope and URL mismatch"}}, ConnectionExpired),
        ({"status": 403, "json": {"success": False, "error": "You may not see this"}}, AccessDenied),
        ({"status": 403, "body": "<html>Cloudflare</html>"}, RateLimited),
        ({"status": 404, "json": {"success": False, "error": "Deal not found"}}, NotFound),
        ({"status": 410}, NotFound),
        ({"status": 200, "body": "<html>"}, ServiceUnavailable),
        ({"status": 200, "json": {"success": False}}, ServiceUnavailable),
        ({"status": 200, "json": []}, ServiceUnavailable),
        ({"status": 500}, ServiceUnavailable),
        ({"body": requests.ReadTimeout()}, ServiceUnavailable),
    ],
)
def test_a_read_that_fails_is_named_for_what_to_do(client, vendor, no_waiting, answer, expected):
    vendor.get(f"{V2}/deals/12", **answer)
    with pytest.raises(expected):
        client.deal(12)


def test_a_grant_without_a_scope_is_not_refreshed_for_it(client, vendor, user):
    vendor.get(f"{V2}/deals/12", status=403, json={"success": False, "error": "Scope and URL mismatch"})
    with pytest.raises(ConnectionExpired):
        client.deal(12)
    assert len(vendor.calls) == 1
    assert PipedriveUser.objects.get(pk=user.pk).is_connected


@pytest.mark.parametrize(
    "answer",
    [{"status": 500}, {"body": requests.ReadTimeout()}, {"status": 200, "body": "<html>"}],
)
def test_a_note_whose_answer_is_lost_may_have_been_written(client, vendor, answer):
    vendor.post(f"{V1}/notes", **answer)
    with pytest.raises(OutcomeUnknown):
        client.add_note(deal_id=12, content="<b>x</b>")
    assert len(vendor.calls) == 1


def test_a_refused_note_carries_pipedrives_words_apart_from_the_log_text(client, vendor):
    vendor.post(f"{V1}/notes", status=400, json={"success": False, "error": "Note for Bramley is too long"})
    with pytest.raises(Rejected) as caught:
        client.add_note(deal_id=12, content="x")
    assert caught.value.message == "Note for Bramley is too long"
    assert "Bramley" not in str(caught.value)


def test_notes_are_written_and_rewritten(client, vendor):
    vendor.post(
        f"{V1}/notes", json=good({"id": 5}), match=[matchers.json_params_matcher({"deal_id": 12, "content": "a"})]
    )
    vendor.put(f"{V1}/notes/5", json=good({"id": 5}), match=[matchers.json_params_matcher({"content": "b"})])
    assert client.add_note(deal_id=12, content="a") == {"id": 5}
    assert client.update_note(note_id=5, content="b") == {"id": 5}


def test_an_id_that_is_none_never_gets_into_an_address(client, vendor):
    with pytest.raises(ValueError, match="invalid literal"):
        client.deal("12/../../users")
    assert isinstance(vendor, responses.RequestsMock)
    assert not vendor.calls


FILE = f"{V1}/files/7/download"


def led_to(vendor, place):
    vendor.get(FILE, status=302, headers={"Location": place})


def test_a_file_is_fetched_where_pipedrive_keeps_it_without_our_token(client, vendor):
    place = "https://our_files.s3.eu-1.example.com/a/quote.pdf?X-Signature=1"
    led_to(vendor, place)
    vendor.get(place, body=b"%PDF")
    assert client.file_content(7, 100) == b"%PDF"
    assert "Authorization" in vendor.calls[0].request.headers
    assert "Authorization" not in vendor.calls[1].request.headers


@pytest.mark.parametrize(
    "place",
    [
        "http://files.example.com/quote.pdf",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.5/quote.pdf",
        "https://[::1]/quote.pdf",
        "https://2130706433/quote.pdf",
        "https://redis/quote.pdf",
        "https://user@files.example.com/quote.pdf",
        "file:///etc/passwd",
        "/quote.pdf",
        "",
    ],
)
def test_a_file_is_fetched_from_no_place_inside_our_network(client, vendor, place):
    led_to(vendor, place)
    with pytest.raises(ServiceUnavailable):
        client.file_content(7, 100)
    assert len(vendor.calls) == 1


def test_one_place_is_followed_and_no_other_one_from_there(client, vendor):
    led_to(vendor, "https://files.example.com/quote.pdf")
    vendor.get(
        "https://files.example.com/quote.pdf", status=302, headers={"Location": "https://elsewhere.example.com/"}
    )
    with pytest.raises(ServiceUnavailable):
        client.file_content(7, 100)
    assert len(vendor.calls) == 2


def test_a_file_larger_than_wanted_is_given_up(client, vendor):
    vendor.get(FILE, body=b"x" * 101)
    with pytest.raises(AnswerTooLarge):
        client.file_content(7, 100)


def test_a_file_that_is_gone_is_not_there(client, vendor):
    vendor.get(FILE, status=404, json={"success": False, "error": "File not found"})
    with pytest.raises(NotFound):
        client.file_content(7, 100)
