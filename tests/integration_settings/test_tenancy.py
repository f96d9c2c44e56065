"""The door of the embedded pages: who gets in, in which language, and who does not."""

from __future__ import annotations

import json
import logging
import time

import jwt
import pytest
import time_machine
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.utils import translation

from integration_settings import tenancy
from integration_settings.log_context import company_id
from integration_settings.tenancy import NotProven, issue_page_token, visitor_from_page_token, visitor_from_pipedrive
from tests.factories import frame_token, frame_token_of, make_user

pytestmark = pytest.mark.django_db


def test_pipedrives_token_opens_the_door(user):
    visitor = visitor_from_pipedrive(frame_token_of(user), "panel")
    assert (visitor.company, visitor.user, visitor.surface) == (user.company, user, "panel")
    assert visitor.connection == user.company.quickbooks


def test_a_token_may_carry_more_claims_than_we_know(user):
    token = frame_token_of(user, aud="somebody", sub=5, kid="../../etc/passwd", jku="https://evil.example")
    assert visitor_from_pipedrive(token, "panel").user == user


@pytest.mark.parametrize("seconds", [-29, 0, 299])
def test_clocks_may_differ_by_half_a_minute(user, seconds):
    assert visitor_from_pipedrive(frame_token_of(user, expires_in=seconds), "panel").user == user


@pytest.mark.parametrize(
    "change",
    [
        {"expires_in": -31},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 3600},
        {"companyId": None},
        {"userId": None},
        {"companyId": "1 OR 1"},
        {"companyId": 1.0},
        {"userId": True},
        {"userId": [1]},
        {"secret": "another-secret-that-is-long-enough-for-hs256"},
    ],
)
def test_a_token_that_proves_nothing_is_refused(user, change):
    with pytest.raises(NotProven):
        visitor_from_pipedrive(frame_token_of(user, **change), "panel")


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_other_algorithms_are_refused(user, algorithm):
    claims = {"companyId": user.company.pipedrive_company_id, "userId": user.user_id, "exp": time.time() + 60}
    key = None if algorithm == "none" else django_settings.PIPEDRIVE_JWT_SECRET
    with pytest.raises(NotProven):
        visitor_from_pipedrive(jwt.encode(claims, key, algorithm=algorithm), "panel")


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_without_a_secret_nobody_gets_in(user, settings):
    token = frame_token_of(user, secret="x")
    settings.PIPEDRIVE_JWT_SECRET = ""
    with pytest.raises(NotProven, match="no secret is configured"):
        visitor_from_pipedrive(token, "panel")


def test_altering_the_company_breaks_the_signature(user, other_company):
    head, _, signature = frame_token_of(user).split(".")
    _, claims, _ = frame_token_of(other_company.users.get(), secret="somebody-elses-secret-0123456789abcdef").split(".")
    with pytest.raises(NotProven):
        visitor_from_pipedrive(f"{head}.{claims}.{signature}", "panel")


def test_a_user_of_one_company_is_nobody_in_another(user, other_company):
    with pytest.raises(NotProven) as refused:
        visitor_from_pipedrive(frame_token(other_company.pipedrive_company_id, user.user_id), "panel")
    assert refused.value.not_installed


def test_the_same_user_number_in_two_companies_is_two_people(user, other_company):
    twin = make_user(other_company, user_id=user.user_id, name="Twin")
    assert visitor_from_pipedrive(frame_token_of(twin), "panel").user == twin
    assert visitor_from_pipedrive(frame_token_of(user), "panel").user == user


def test_a_user_whose_grant_ended_has_to_install_again(user):
    token = issue_page_token(visitor_from_pipedrive(frame_token_of(user), "panel"))
    user.state = "ended"
    user.save()
    with pytest.raises(NotProven):
        visitor_from_pipedrive(frame_token_of(user), "panel")
    with pytest.raises(NotProven):
        visitor_from_page_token(token)


def test_a_page_token_is_good_for_half_an_hour(user):
    token = issue_page_token(visitor_from_pipedrive(frame_token_of(user), "invoice"))
    assert visitor_from_page_token(token).surface == "invoice"
    with time_machine.travel(time.time() + 29 * 60):
        assert visitor_from_page_token(token).user == user
    with time_machine.travel(time.time() + 31 * 60), pytest.raises(NotProven):
        visitor_from_page_token(token)


def test_a_page_token_made_with_a_former_signing_key_still_counts(user, settings):
    token = issue_page_token(visitor_from_pipedrive(frame_token_of(user), "panel"))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-another-key-another-key-another-key-123"
    assert visitor_from_page_token(token).user == user


# Renewal


def test_a_fresh_token_of_pipedrive_renews_the_page_token(client, user):
    body = {"token": frame_token_of(user), "surface": "invoice"}
    answer = client.post("/embed/token", json.dumps(body), content_type="application/json")
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 1800
    assert visitor_from_page_token(answer.json()["page_token"]).surface == "invoice"


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '{"token": 1, "surface": "panel"}', '"x"', "[" * 50_000])
def test_junk_renews_nothing(client, db, body):
    assert client.post("/embed/token", body, content_type="application/json").status_code == 401


def test_an_unknown_surface_renews_nothing(client, user):
    body = {"token": frame_token_of(user), "surface": "admin"}
    assert client.post("/embed/token", body, content_type="application/json").status_code == 401


# The views behind the door


def seen(request, visitor):
    return HttpResponse(f"{visitor.user.name} {translation.get_language()} {company_id.get()}")


def test_the_visitors_language_is_spoken(rf, user):
    user.language = "de-DE"
    user.save()
    view = tenancy.framed_shell("panel")(seen)
    answer = view(rf.get("/embed/panel", {"token": frame_token_of(user)}))
    assert " de " in answer.content.decode()
    assert answer.headers["Content-Language"] == "de"
    assert translation.get_language() != "de"


@pytest.mark.parametrize(("language", "spoken"), [("pt-BR", "pt-br"), ("pt-PT", "pt-br"), ("xx-YY", "en"), ("", "en")])
def test_a_language_we_do_not_speak_becomes_the_nearest(user, language, spoken):
    user.language = language
    assert tenancy.language_of(user) == spoken


def test_the_log_knows_the_company(rf, user):
    token = company_id.set("-")
    try:
        answer = tenancy.framed_shell("panel")(seen)(rf.get("/embed/panel", {"token": frame_token_of(user)}))
        assert answer.content.decode().endswith(f" {user.company.pipedrive_company_id}")
    finally:
        company_id.reset(token)


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_a_shell_is_only_read(rf, user, method):
    answer = tenancy.framed_shell("panel")(seen)(getattr(rf, method)("/embed/panel"))
    assert answer.status_code == 405


def test_a_refused_shell_explains_itself_inside_the_frame(client, user):
    answer = client.get("/embed/settings", {"token": "x"})
    assert answer.status_code == 401
    assert "This page has been open for too long" in answer.content.decode()
    assert 'data-token-url="/embed/token"' in answer.content.decode()


def test_somebody_who_has_not_installed_is_invited_to(client, user):
    token = frame_token(user.company.pipedrive_company_id, user.user_id + 1)
    answer = client.get("/embed/settings", {"token": token})
    assert answer.status_code == 401
    assert "The app is not installed for you" in answer.content.decode()
    assert 'href="/pipedrive/install"' in answer.content.decode()


def test_no_cookie_proves_anything(client, user, page_token):
    client.cookies["sessionid"] = "x"
    assert client.get("/embed/settings/content").status_code == 401


def test_the_log_says_that_a_request_without_proof_was_refused_and_why(client, user, page_token, caplog):
    token = page_token(user, "settings")["Authorization"]
    client.get("/embed/settings/content", headers={"Authorization": token[:-2] + "xx"})
    assert "a request without proof is refused: BadSignature" in caplog.text
    assert token[10:30] not in caplog.text


def test_tokens_stay_out_of_the_log(client, user, caplog):
    token = frame_token_of(user)
    with caplog.at_level(logging.DEBUG):
        client.get("/embed/settings", {"token": token})
        client.get("/embed/settings", {"token": token[:-3]})
    assert token[:30] not in caplog.text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"secret": "another-secret-that-is-long-enough-for-hs256"}, "InvalidSignatureError"),
        ({"expires_in": -31}, "ExpiredSignatureError"),
        ({"iat": int(time.time()) + 600}, "ImmatureSignatureError"),
    ],
)
def test_the_log_tells_a_wrong_secret_from_a_wrong_clock(client, user, caplog, change, why):
    """People are told the same in all cases: that the page has been open for too long."""
    with caplog.at_level(logging.WARNING):
        assert client.get("/embed/panel", {"token": frame_token_of(user, **change)}).status_code == 401
    assert f"Pipedrive's token for the panel opens nothing: {why}" in caplog.text


def test_the_log_tells_who_has_to_install_the_app(client, user, caplog):
    user.state = "ended"
    user.save()
    with caplog.at_level(logging.INFO):
        assert client.get("/embed/panel", {"token": frame_token_of(user)}).status_code == 401
    said = f"company {user.company.pipedrive_company_id}: user {user.user_id} has not installed the app"
    assert said in caplog.text


@pytest.mark.parametrize(
    ("of_books", "of_user", "zone"),
    [
        ("America/Chicago", "Europe/London", "America/Chicago"),
        ("", "Europe/London", "Europe/London"),
        ("Nowhere/Land", "Also/Nowhere", "UTC"),
    ],
)
def test_times_are_the_quickbooks_companys(user, of_books, of_user, zone):
    user.timezone = of_user
    user.save()
    user.company.quickbooks.timezone = of_books
    user.company.quickbooks.save()
    assert tenancy.zone_of(visitor_from_pipedrive(frame_token_of(user), "panel")).key == zone
