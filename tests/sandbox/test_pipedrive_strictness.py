"""What the stand-in Pipedrive refuses, and in which words; and its rate limits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .crm import DANA, EWA, PHASE_2, PRIYA, SECRET, TOM, Crm


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        ({"Authorization": "Token x"}, 400),
        ({"Authorization": "Bearer "}, 400),
    ],
)
def test_without_a_good_token_nothing_is_answered(crm: Crm, headers: dict[str, str], status: int) -> None:
    answer = crm.send("GET", "/api/v1/users/me", headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == {"success": False, "error": "unauthorized access", "errorCode": 401}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/users"),
        ("POST", "/v1/webhooks"),
        ("POST", "/v2/activities"),
        ("POST", "/v2/dealFields"),
        ("PATCH", "/v2/organizations/1"),
        ("GET", "/v1/deals/1/flow"),
    ],
)
def test_a_call_outside_the_scopes_is_forbidden(crm: Crm, method: str, path: str) -> None:
    answer = crm.call(method, path)
    assert answer.status_code == 403
    assert answer.json()["error"] == "Scope and URL mismatch"


@pytest.mark.parametrize(
    "path",
    [
        "/deals",
        "/deals/1",
        "/deals/1/products",
        "/persons/1",
        "/organizations",
        "/products/1",
        "/pipelines",
        "/stages",
        "/itemSearch",
    ],
)
def test_the_retired_calls_of_version_1_are_gone(crm: Crm, path: str) -> None:
    assert crm.get(f"/v1{path}").status_code == 410


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/nothing", 404),
        ("GET", "/v3/deals", 404),
        ("DELETE", "/v2/dealFields", 405),
        ("GET", "/v2/deals/one", 400),
    ],
)
def test_unknown_addresses_get_an_envelope(crm: Crm, method: str, path: str, status: int) -> None:
    answer = crm.call(method, path)
    assert answer.status_code == status
    assert answer.json()["success"] is False
    assert answer.json()["data"] is None


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/deals/1", {"foo": "1"}),
        ("/v2/deals/1", {"include_option_labels": "1"}),
        ("/v2/deals/1/products", {"sort_by": "name"}),
        ("/v2/deals/1/products", {"limit": "501"}),
        ("/v2/deals/1/products", {"limit": "0"}),
        ("/v2/deals/1/products", {"limit": "many"}),
        ("/v2/deals/1/products", {"cursor": "x"}),
        ("/v2/deals/1/discounts", {"limit": "5"}),
        ("/v2/deals/products", {}),
        ("/v2/deals/products", {"deal_ids": ",".join(str(number) for number in range(1, 102))}),
        ("/v2/deals", {"custom_fields": ",".join(["a" * 40] * 16)}),
        ("/v2/persons", {"ids": "1,two"}),
        ("/v1/notes", {"sort": "colour"}),
        ("/v1/notes", {"pinned_to_deal_flag": "true"}),
        ("/v1/users/me", {"fields": "id"}),
    ],
)
def test_only_documented_parameters_of_the_right_type_pass(crm: Crm, path: str, query: dict[str, str]) -> None:
    answer = crm.get(path, **query)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Validation failed")


@pytest.mark.parametrize(("content", "kind"), [(b'{"title": "x"}', "text/plain"), (b"{", "application/json")])
def test_a_body_must_be_json_and_say_so(crm: Crm, content: bytes, kind: str) -> None:
    answer = crm.call("PATCH", f"/v2/deals/{PHASE_2}", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400


@pytest.fixture
def throttled() -> Iterator[Crm]:
    found = Crm(throttle=True)
    yield found
    found.close()


def left(crm: Crm) -> int:
    return int(crm.get("/v2/deals/1").headers["x-daily-ratelimit-token-remaining"])


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("/v2/deals/1", 1),
        ("/v2/deals/1/products", 10),
        ("/v2/persons/1", 1),
        ("/v2/persons", 10),
        ("/v2/dealFields", 10),
        ("/v1/users/me", 2),
        ("/v1/currencies", 20),
        ("/v1/notes", 20),
    ],
)
def test_each_call_costs_its_tokens(throttled: Crm, path: str, cost: int) -> None:
    before = left(throttled)
    throttled.get(path)
    assert before - left(throttled) == cost + 1


def test_the_daily_budget_follows_plan_and_seats(throttled: Crm) -> None:
    assert throttled.get("/v2/deals/1").headers["x-daily-ratelimit-token-limit"] == str(30_000 * 2 * 3)
    throttled.be(DANA)
    assert throttled.get("/v2/deals/1").headers["x-daily-ratelimit-token-limit"] == str(30_000 * 5 * 2)


def test_an_empty_daily_budget_blocks_all_users_until_midnight(throttled: Crm) -> None:
    throttled.control("/clock", {"set": "2026-11-24T22:00:00Z"})
    throttled.be(PRIYA)
    throttled.control("/pipedrive/limits", {"company_id": 101, "daily_tokens": 11})
    assert throttled.get("/v2/deals/1/products").status_code == 200
    assert throttled.get("/v2/deals/1").status_code == 200
    for who in (PRIYA, TOM):
        throttled.be(who)
        refused = throttled.get("/v2/deals/1")
        assert refused.status_code == 429
        assert refused.json()["error"] == "Request over limit"
        assert refused.headers["x-daily-ratelimit-token-remaining"] == "0"
    throttled.advance(2 * 3600)
    throttled.be(PRIYA)
    assert throttled.get("/v2/deals/1").status_code == 200


def test_a_burst_is_stopped_for_two_seconds_and_for_one_token_only(throttled: Crm) -> None:
    throttled.control("/pipedrive/limits", {"company_id": 101, "burst": 3})
    first = throttled.token
    assert [throttled.get("/v2/deals/1").status_code for _ in range(4)] == [200, 200, 200, 429]
    throttled.be(TOM)
    assert throttled.get("/v2/deals/1").status_code == 200
    throttled.advance(2.1)
    throttled.token = first
    answer = throttled.get("/v2/deals/1")
    assert answer.status_code == 200
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == ("3", "2")


def test_a_refused_call_does_nothing(throttled: Crm) -> None:
    throttled.control("/pipedrive/limits", {"company_id": 101, "daily_tokens": 9})
    body = {"content": "x", "deal_id": PHASE_2}
    assert throttled.call("POST", "/v1/notes", json=body).status_code == 429
    assert throttled.control("/pipedrive/company?id=101", method="GET")["notes"] == {}


def test_who_does_not_heed_the_limit_is_shut_out_by_a_page(throttled: Crm) -> None:
    throttled.control("/pipedrive/limits", {"company_id": 101, "daily_tokens": 0})
    answers = [throttled.get("/v2/deals/1") for _ in range(31)]
    assert [answer.status_code for answer in answers] == [429] * 30 + [403]
    assert answers[-1].headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_hidden_may_be_refused_in_several_ways(crm: Crm, status: int) -> None:
    crm.control("/pipedrive/company", {"id": 101, "set": {"hides_with": status}})
    crm.be(EWA)
    assert crm.get(f"/v2/deals/{SECRET}").status_code == status
    assert crm.get("/v2/deals/999").status_code == 404
