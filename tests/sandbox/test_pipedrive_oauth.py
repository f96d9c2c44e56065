"""Installing, refreshing and revoking at the stand-in Pipedrive."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from .crm import CALLBACK, CLIENT, DANA, PRIYA, TOM, URL, Crm

MINUTE, DAY = 60, 86_400


def asked(**changes: str) -> str:
    return "/oauth/authorize?" + urlencode({"client_id": CLIENT[0], "redirect_uri": CALLBACK, "state": "s1", **changes})


def test_the_consent_page_names_app_user_company_and_scopes(crm: Crm) -> None:
    crm.sign_in(PRIYA)
    page = crm.send("GET", asked()).text
    for words in (
        "Deal invoices for QuickBooks",
        "Priya Nair",
        "Harbour &amp; Pine",
        "deals:full",
        "Allow and install",
        "Cancel",
    ):
        assert words in page


def test_a_stranger_chooses_who_he_is_before_he_consents(crm: Crm) -> None:
    answer = crm.send("GET", asked())
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/?next=%2Foauth%2Fauthorize")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": "http://evil.example/pipedrive/callback"},
        {"client_id": "other"},
    ],
)
def test_only_the_registered_app_and_address_are_served(crm: Crm, changes: dict[str, str]) -> None:
    crm.sign_in(PRIYA)
    assert crm.send("GET", asked(**changes)).status_code == 400


def test_allowing_gives_a_code_and_the_state_as_it_came(crm: Crm) -> None:
    found = crm.consent()
    assert found["state"] == "s 1"
    assert set(found) == {"code", "state"}


def test_cancelling_gives_an_error_and_no_code(crm: Crm) -> None:
    assert crm.consent("cancel") == {"error": "user_denied", "state": "s 1"}


def test_a_code_becomes_the_tokens_of_the_consenting_user(crm: Crm) -> None:
    answer = crm.exchange(crm.consent(who=TOM)["code"]).json()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3599
    assert answer["api_domain"] == URL
    assert set(answer["scope"].split(",")) == {"base", "deals:full", "contacts:read", "products:read"}
    assert answer["access_token"].startswith("v1u:")
    assert len(answer["access_token"]) > 500
    crm.token = answer["access_token"]
    assert crm.data("/v1/users/me")["id"] == 1002


def test_a_code_works_once(crm: Crm) -> None:
    code = crm.consent()["code"]
    assert crm.exchange(code).status_code == 200
    again = crm.exchange(code)
    assert again.status_code == 400
    assert again.json()["message"] == "Invalid grant: authorization_code is invalid"


def test_a_code_lives_five_minutes(crm: Crm) -> None:
    code = crm.consent()["code"]
    crm.advance(5 * MINUTE)
    assert crm.exchange(code).json()["message"] == "Invalid grant: authorization_code has expired"


def test_a_refresh_keeps_the_refresh_token_and_gives_a_new_access_token(crm: Crm) -> None:
    first = crm.grant(PRIYA)
    second = crm.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] == first["refresh_token"]
    assert second["access_token"] != first["access_token"]


def test_an_access_token_ends_after_an_hour(crm: Crm) -> None:
    crm.advance(3500)
    assert crm.get("/v1/users/me").status_code == 200
    crm.advance(100)
    assert crm.get("/v1/users/me").status_code == 401


def test_a_refresh_token_dies_after_sixty_idle_days_and_lives_on_when_used(crm: Crm) -> None:
    token = crm.grant(PRIYA)["refresh_token"]
    crm.advance(59 * DAY)
    assert crm.refresh(token).status_code == 200
    crm.advance(59 * DAY)
    assert crm.refresh(token).status_code == 200
    crm.advance(61 * DAY)
    dead = crm.refresh(token)
    assert dead.status_code == 400
    assert dead.json()["message"] == "Invalid grant: refresh_token is invalid"


def test_two_users_of_a_company_have_tokens_of_their_own(crm: Crm) -> None:
    priya, tom = crm.grant(PRIYA), crm.grant(TOM)
    crm.send("POST", "/oauth/revoke", data={"token": priya["refresh_token"]}, auth=CLIENT)
    assert crm.refresh(priya["refresh_token"]).status_code == 400
    assert crm.refresh(tom["refresh_token"]).status_code == 200


def test_consenting_again_ends_the_former_tokens(crm: Crm) -> None:
    former = crm.grant(PRIYA)
    crm.exchange(crm.consent()["code"])
    assert crm.refresh(former["refresh_token"]).status_code == 400


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "Missing parameter: grant_type"),
        ({"grant_type": "password"}, "Unsupported grant type"),
        ({"grant_type": "authorization_code", "redirect_uri": CALLBACK}, "Missing parameter: code"),
        ({"grant_type": "authorization_code", "code": "x"}, "Missing parameter: redirect_uri"),
        (
            {"grant_type": "authorization_code", "code": "x", "redirect_uri": "nowhere"},
            "Invalid request: redirect_uri is not",
        ),
        (
            {"grant_type": "authorization_code", "code": "x", "redirect_uri": CALLBACK},
            "Invalid grant: authorization_code is",
        ),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "Invalid grant: refresh_token is invalid"),
    ],
)
def test_a_wrong_token_call_gets_the_documented_message(crm: Crm, form: dict[str, str], message: str) -> None:
    answer = crm.tokens(form)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)


def test_a_code_is_bound_to_its_redirect_address(crm: Crm) -> None:
    form = {"grant_type": "authorization_code", "code": crm.consent()["code"], "redirect_uri": CALLBACK + "x"}
    assert crm.tokens(form).json()["message"] == "Invalid request: redirect_uri is invalid"


@pytest.mark.parametrize("client", [None, (CLIENT[0], "wrong"), ("other", CLIENT[1])])
def test_only_the_client_itself_gets_tokens(crm: Crm, client: tuple[str, str] | None) -> None:
    token = crm.grant(PRIYA)["refresh_token"]
    answer = crm.tokens({"grant_type": "refresh_token", "refresh_token": token}, client)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Invalid client")


def test_the_token_endpoint_takes_forms_only(crm: Crm) -> None:
    answer = crm.tokens({"grant_type": "refresh_token"}, **{"Content-Type": "application/json"})
    assert answer.json()["message"] == "Invalid request: content must be application/x-www-form-urlencoded"


def test_revoking_an_access_token_leaves_the_app_installed(crm: Crm) -> None:
    granted = crm.grant(PRIYA)
    crm.token = granted["access_token"]
    answer = crm.send(
        "POST", "/oauth/revoke", data={"token": crm.token, "token_type_hint": "access_token"}, auth=CLIENT
    )
    assert answer.status_code == 200
    assert crm.get("/v1/users/me").status_code == 401
    assert crm.refresh(granted["refresh_token"]).status_code == 200


def test_revoking_the_refresh_token_uninstalls(crm: Crm) -> None:
    granted = crm.grant(DANA)
    crm.token = granted["access_token"]
    crm.send("POST", "/oauth/revoke", data={"token": granted["refresh_token"]}, auth=CLIENT)
    assert crm.get("/v1/users/me").status_code == 401
    assert crm.control("/pipedrive/company?id=102", method="GET")["installed"] == []


def test_revoking_an_unknown_token_is_no_error(crm: Crm) -> None:
    assert crm.send("POST", "/oauth/revoke", data={"token": "never seen"}, auth=CLIENT).status_code == 200
