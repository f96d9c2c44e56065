"""Connecting, refreshing and revoking at the stand-in QuickBooks."""

from __future__ import annotations

import pytest

from .desk import CALLBACK, CLIENT, GB, US, Desk

HARD = {"x-include-refresh-token-hard-expires-in": "true"}


def connected(desk: Desk) -> dict[str, str]:
    answer = desk.exchange(desk.consent()["code"])
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


@pytest.mark.parametrize("name", ["openid_configuration", "openid_sandbox_configuration"])
def test_the_discovery_document_leads_to_itself(desk: Desk, name: str) -> None:
    found = desk.send("GET", f"/.well-known/{name}").json()
    base = "http://127.0.0.1:8020"
    assert found["authorization_endpoint"] == f"{base}/connect/oauth2"
    assert found["token_endpoint"] == f"{base}/oauth2/v1/tokens/bearer"
    assert found["revocation_endpoint"] == f"{base}/v2/oauth2/tokens/revoke"
    assert desk.send("GET", found["jwks_uri"]).json() == {"keys": []}


def test_the_consent_page_offers_all_companies_and_refuses_to_be_framed(desk: Desk) -> None:
    asked = {"client_id": CLIENT[0], "response_type": "code", "redirect_uri": CALLBACK, "state": "s"}
    page = desk.send("GET", "/connect/oauth2", params={**asked, "scope": "com.intuit.quickbooks.accounting"})
    assert page.status_code == 200
    assert "Cedar Lane Supply Inc" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"state": ""}, "invalid_request"),
    ],
)
def test_a_wrong_request_goes_back_with_an_error(desk: Desk, changes: dict[str, str], error: str) -> None:
    assert desk.consent(**changes)["error"] == error


@pytest.mark.parametrize(
    "changes", [{"redirect_uri": CALLBACK + "/"}, {"redirect_uri": "https://evil.example"}, {"client_id": "x"}]
)
def test_a_wrong_client_or_address_is_never_redirected(desk: Desk, changes: dict[str, str]) -> None:
    asked = {
        "client_id": CLIENT[0],
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": CALLBACK,
    }
    answer = desk.send("GET", "/connect/oauth2", params={**asked, "state": "s", **changes})
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_cancelling_answers_access_denied(desk: Desk) -> None:
    assert desk.consent("cancel") == {"error": "access_denied", "state": "s1"}


def test_a_code_gives_tokens_for_the_chosen_company(desk: Desk) -> None:
    back = desk.consent()
    assert back["realmId"] == GB
    assert back["state"] == "s1"
    found = desk.exchange(back["code"]).json()
    assert found["token_type"] == "bearer"
    assert found["expires_in"] == 3600
    assert found["x_refresh_token_expires_in"] > 8_000_000
    assert "x_refresh_token_hard_expires_in" not in found
    desk.token = found["access_token"]
    assert desk.get("preferences").status_code == 200


def test_the_hard_end_is_told_only_when_asked_for(desk: Desk) -> None:
    found = desk.exchange(desk.consent()["code"], **HARD).json()
    assert 157_000_000 < found["x_refresh_token_hard_expires_in"] <= 157_680_000


def test_a_second_use_of_a_code_ends_the_grant(desk: Desk) -> None:
    code = desk.consent()["code"]
    first = desk.exchange(code).json()
    again = desk.exchange(code)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
    assert desk.refresh(first["refresh_token"]).status_code == 400
    desk.token = first["access_token"]
    assert desk.get("preferences").status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(240, 200), (301, 400)])
def test_a_code_lives_five_minutes(desk: Desk, seconds: int, status: int) -> None:
    code = desk.consent()["code"]
    desk.control("/clock", {"advance_seconds": seconds})
    assert desk.exchange(code).status_code == status


def test_a_code_needs_the_address_it_was_made_for(desk: Desk) -> None:
    answer = desk.exchange(desk.consent()["code"], "http://localhost:8000/other")
    assert answer.json() == {"error": "invalid_grant"}


def test_a_wrong_secret_is_an_invalid_client(desk: Desk) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "x"}
    answer = desk.tokens(form, (CLIENT[0], "wrong"))
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_a_refresh_token_keeps_its_value_for_a_day(desk: Desk) -> None:
    first = connected(desk)
    assert desk.refresh(first["refresh_token"]).json()["refresh_token"] == first["refresh_token"]
    desk.control("/clock", {"advance_seconds": 24 * 3600 + 1})
    second = desk.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]


def test_the_old_refresh_token_dies_as_the_new_one_is_given(desk: Desk) -> None:
    first = connected(desk)["refresh_token"]
    desk.control("/clock", {"advance_seconds": 25 * 3600})
    second = desk.refresh(first).json()["refresh_token"]
    stale = desk.refresh(first)
    assert (stale.status_code, stale.json()) == (400, {"error": "invalid_grant"})
    assert desk.refresh(second).status_code == 200


def test_the_old_refresh_token_can_be_given_a_grace(desk: Desk) -> None:
    desk.control("/quickbooks/rotation", {"grace_seconds": 300})
    first = connected(desk)["refresh_token"]
    desk.control("/clock", {"advance_seconds": 25 * 3600})
    second = desk.refresh(first).json()["refresh_token"]
    assert desk.refresh(first).json()["refresh_token"] == second
    desk.control("/clock", {"advance_seconds": 301})
    stale = desk.refresh(first)
    assert (stale.status_code, stale.json()) == (400, {"error": "invalid_grant"})
    assert desk.refresh(second).status_code == 200


def test_two_refreshing_at_once_lose_one_of_them(desk: Desk) -> None:
    desk.control("/quickbooks/rotation", {"every_seconds": 0})
    first = connected(desk)["refresh_token"]
    second = desk.refresh(first).json()["refresh_token"]
    assert desk.refresh(first).json() == {"error": "invalid_grant"}
    assert desk.refresh(second).status_code == 200


def test_the_race_can_be_made_to_kill_the_whole_connection(desk: Desk) -> None:
    desk.control("/quickbooks/rotation", {"every_seconds": 0, "stale_revokes": True})
    first = connected(desk)["refresh_token"]
    second = desk.refresh(first).json()["refresh_token"]
    desk.refresh(first)
    assert desk.refresh(second).json() == {"error": "invalid_grant"}


def test_a_refresh_token_dies_when_it_is_not_used(desk: Desk) -> None:
    first = connected(desk)["refresh_token"]
    desk.control("/clock", {"advance_seconds": 102 * 24 * 3600})
    assert desk.refresh(first).json() == {"error": "invalid_grant"}


def test_nothing_lives_longer_than_five_years(desk: Desk) -> None:
    token = connected(desk)["refresh_token"]
    for _ in range(19):
        desk.control("/clock", {"advance_seconds": 95 * 24 * 3600})
        answer = desk.refresh(token).json()
        token = answer["refresh_token"]
    assert answer["x_refresh_token_expires_in"] < 100 * 24 * 3600
    desk.control("/clock", {"advance_seconds": 95 * 24 * 3600})
    assert desk.refresh(token).json() == {"error": "invalid_grant"}


def test_an_access_token_lives_an_hour(desk: Desk) -> None:
    desk.control("/clock", {"advance_seconds": 3540})
    assert desk.get("preferences").status_code == 200
    desk.control("/clock", {"advance_seconds": 61})
    answer = desk.get("preferences")
    assert answer.status_code == 401
    body = answer.json()
    assert body["fault"]["type"] == "AUTHENTICATION"
    assert body["fault"]["error"][0]["code"] == "3200"
    assert isinstance(body["time"], int)
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_everything(desk: Desk, which: str) -> None:
    found = connected(desk)
    answer = desk.send("POST", "/v2/oauth2/tokens/revoke", auth=CLIENT, json={"token": found[which]})
    assert answer.status_code == 200
    assert desk.refresh(found["refresh_token"]).status_code == 400
    again = desk.send("POST", "/v2/oauth2/tokens/revoke", auth=CLIENT, json={"token": found[which]})
    assert again.status_code == 400


def test_a_token_of_another_company_is_refused(desk: Desk) -> None:
    desk.realm = US
    answer = desk.get("preferences")
    assert answer.status_code == 403
    assert answer.json()["Fault"]["Error"][0]["code"] == "3100"


@pytest.mark.parametrize(("kind", "api", "refresh"), [("access", 401, 200), ("refresh", 200, 400), ("all", 401, 400)])
def test_tokens_can_be_ended_at_once(desk: Desk, kind: str, api: int, refresh: int) -> None:
    found = connected(desk)
    desk.token = found["access_token"]
    desk.control("/tokens/expire", {"service": "quickbooks", "company": GB, "kind": kind})
    assert desk.get("preferences").status_code == api
    assert desk.refresh(found["refresh_token"]).status_code == refresh
