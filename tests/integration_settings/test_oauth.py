"""The token calls of both services: what is sent, what is understood, and what an answer may not do."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from django.utils import timezone

from integration_settings import oauth
from integration_settings.api_hosts import UntrustedHost, checked_api_domain
from integration_settings.errors import ServiceUnavailable
from tests import recordings
from tests.integration_settings.vendors import (
    DISCOVERY,
    INTUIT_REVOKE,
    INTUIT_TOKEN,
    PIPEDRIVE_TOKEN,
    add_discovery,
    intuit_answer,
    pipedrive_answer,
)

ABOUT = timedelta(seconds=5)
NO_DURATION = [None, "soon", "", -1, 0, 1e12, "1e999999999", "NaN", True, [3600], {"value": 3600}]


def sent(call):
    return dict(parse_qsl(call.request.body))


# Pipedrive


def test_pipedrives_consent_carries_the_registered_address_and_the_state():
    query = parse_qs(urlsplit(oauth.pipedrive_consent_url("s1")).query)
    assert query == {
        "client_id": ["test-pipedrive-client"],
        "redirect_uri": ["http://localhost:8000/pipedrive/callback"],
        "state": ["s1"],
    }


def test_a_pipedrive_code_becomes_a_grant_with_points_in_time(vendor):
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    grant = oauth.exchange_pipedrive_code("c1")
    assert (grant.access_token, grant.refresh_token) == ("new-access", "new-refresh")
    assert grant.api_domain == "http://127.0.0.1:8010"
    assert abs(grant.access_expires_at - timezone.now() - timedelta(seconds=3599)) < ABOUT
    assert abs(grant.refresh_expires_at - timezone.now() - timedelta(days=60)) < ABOUT
    call = vendor.calls[0]
    assert sent(call) == {
        "grant_type": "authorization_code",
        "code": "c1",
        "redirect_uri": "http://localhost:8000/pipedrive/callback",
    }
    assert call.request.headers["Authorization"].startswith("Basic ")
    assert call.request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_refresh_without_a_new_refresh_token_keeps_the_old(vendor):
    answer = pipedrive_answer()
    del answer["refresh_token"]
    vendor.post(PIPEDRIVE_TOKEN, json=answer)
    assert oauth.refresh_pipedrive("old").refresh_token == "old"


@pytest.mark.parametrize("told", [{}, {"api_domain": None}, {"api_domain": ""}])
def test_only_whoever_signs_in_has_to_be_told_where_the_api_is(vendor, told):
    answer = {name: value for name, value in pipedrive_answer().items() if name != "api_domain"} | told
    vendor.post(PIPEDRIVE_TOKEN, json=answer)
    assert oauth.refresh_pipedrive("old").api_domain == ""
    with pytest.raises((ServiceUnavailable, UntrustedHost)):
        oauth.exchange_pipedrive_code("c1")


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_grant", "message": "x"},
        {"success": False, "message": "Invalid grant: refresh_token is invalid"},
        {"error": "Invalid grant: authorization_code has expired"},
    ],
)
def test_pipedrives_words_for_a_dead_grant_are_understood(vendor, body):
    vendor.post(PIPEDRIVE_TOKEN, status=400, json=body)
    with pytest.raises(oauth.InvalidGrant):
        oauth.refresh_pipedrive("old")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400, "json": {"error": "invalid_client", "message": "Invalid client: client is invalid"}},
        {"status": 401, "json": {"error": "invalid_client"}},
        {"status": 429, "json": {}},
        {"status": 503, "body": "<html>"},
        {"body": requests.ReadTimeout()},
        {"body": requests.ConnectionError()},
        {"status": 200, "body": "<html>"},
        {"status": 200, "json": []},
        {"status": 200, "json": pipedrive_answer(access_token="")},
        {"status": 200, "json": {"api_domain": "http://127.0.0.1:8010"}},
    ],
)
def test_everything_else_means_try_later(vendor, answer):
    vendor.post(PIPEDRIVE_TOKEN, **answer)
    with pytest.raises(ServiceUnavailable):
        oauth.refresh_pipedrive("old")
    assert len(vendor.calls) == 1


@pytest.mark.parametrize("told", NO_DURATION)
def test_a_pipedrive_token_is_kept_although_its_life_is_not_told(vendor, told):
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer(expires_in=told))
    grant = oauth.refresh_pipedrive("old")
    assert (grant.access_token, grant.refresh_token) == ("new-access", "new-refresh")
    assert abs(grant.access_expires_at - timezone.now() - timedelta(hours=1)) < ABOUT


def test_a_grant_shows_no_token_in_a_traceback(vendor):
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    assert "new-" not in repr(oauth.refresh_pipedrive("old"))


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("https://harbourpine.pipedrive.com", True),
        ("https://HARBOURPINE.pipedrive.com/", True),
        ("https://harbourpine.pipedrive.com:443", True),
        ("https://a.b.pipedrive.com", True),
        ("http://harbourpine.pipedrive.com", False),
        ("https://pipedrive.com", False),
        ("https://evil.com", False),
        ("https://x.pipedrive.com.evil.com", False),
        ("https://evilpipedrive.com", False),
        ("https://user@harbourpine.pipedrive.com", False),
        ("https://evil.com@harbourpine.pipedrive.com", False),
        ("https://harbourpine.pipedrive.com@evil.com", False),
        ("https://evil.com\\@harbourpine.pipedrive.com", False),
        ("https://harbourpine.pipedrive.com:8443", False),
        ("https://harbourpine.pipedrive.com:99999999", False),
        ("https://harbourpine.pipedrive.com/api", False),
        ("https://harbourpine.pipedrive.com?x=1", False),
        ("https://harbourpine.pipedrive.com#x", False),
        ("https://harbourpine.pipedrive.com.", False),
        ("https://härbour.pipedrive.com", False),
        ("https://a b.pipedrive.com", False),
        ("https://a%2e.pipedrive.com", False),
        ("http://169.254.169.254", False),
        ("http://localhost", False),
        ("http://127.0.0.1:8010", False),
        ("https://2130706433", False),
        ("https://[::1]", False),
        ("ftp://harbourpine.pipedrive.com", False),
        ("//harbourpine.pipedrive.com", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_tokens_go_to_pipedrives_own_hosts_only(settings, address, accepted):
    settings.PIPEDRIVE_API_HOSTS = [".pipedrive.com"]
    if accepted:
        assert checked_api_domain(address) == address.lower().rstrip("/")
    else:
        with pytest.raises(UntrustedHost):
            checked_api_domain(address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8010", "https://127.0.0.1", "http://127.0.0.1"])
def test_a_loopback_host_that_is_named_may_do_without_https_at_any_port(settings, address):
    settings.PIPEDRIVE_API_HOSTS = ["127.0.0.1"]
    assert checked_api_domain(address) == address
    with pytest.raises(UntrustedHost):
        checked_api_domain("http://127.0.0.2:8010")


def test_a_named_host_that_is_not_loopback_needs_https(settings):
    settings.PIPEDRIVE_API_HOSTS = ["api.example.com"]
    assert checked_api_domain("https://api.example.com") == "https://api.example.com"
    with pytest.raises(UntrustedHost):
        checked_api_domain("http://api.example.com")


# Intuit


def test_intuits_consent_asks_for_the_books_and_nothing_about_the_person(vendor):
    add_discovery(vendor)
    url = oauth.quickbooks_consent_url("s1")
    assert url.startswith("https://appcenter.intuit.com/connect/oauth2?")
    assert parse_qs(urlsplit(url).query) == {
        "client_id": ["test-quickbooks-client"],
        "response_type": ["code"],
        "scope": ["com.intuit.quickbooks.accounting"],
        "redirect_uri": ["http://localhost:8000/quickbooks/callback"],
        "state": ["s1"],
    }


def test_an_intuit_code_becomes_a_grant_with_both_ends(vendor):
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    grant = oauth.exchange_quickbooks_code("c1", "123")
    assert abs(grant.refresh_expires_at - timezone.now() - timedelta(seconds=8726400)) < ABOUT
    assert abs(grant.hard_expires_at - timezone.now() - timedelta(seconds=157494248)) < ABOUT
    call = vendor.calls[-1]
    assert sent(call) == {
        "grant_type": "authorization_code",
        "code": "c1",
        "redirect_uri": "http://localhost:8000/quickbooks/callback",
    }
    assert call.request.headers["x-include-refresh-token-hard-expires-in"] == "true"
    assert call.request.req_kwargs["timeout"][1] <= 10


def test_the_ends_of_a_grant_may_be_left_out(vendor):
    add_discovery(vendor)
    answer = intuit_answer()
    del answer["x_refresh_token_hard_expires_in"], answer["x_refresh_token_expires_in"]
    vendor.post(INTUIT_TOKEN, json=answer)
    grant = oauth.refresh_quickbooks("old")
    assert (grant.refresh_expires_at, grant.hard_expires_at) == (None, None)


@pytest.mark.parametrize("told", NO_DURATION)
def test_an_intuit_token_is_kept_although_its_lives_are_not_told(vendor, told):
    add_discovery(vendor)
    lives = ("expires_in", "x_refresh_token_expires_in", "x_refresh_token_hard_expires_in")
    vendor.post(INTUIT_TOKEN, json=intuit_answer(**dict.fromkeys(lives, told)))
    grant = oauth.refresh_quickbooks("old")
    assert (grant.access_token, grant.refresh_token) == ("new-access", "new-refresh")
    assert abs(grant.access_expires_at - timezone.now() - timedelta(hours=1)) < ABOUT
    assert (grant.refresh_expires_at, grant.hard_expires_at) == (None, None)


@pytest.mark.parametrize("told", ["3600", 3600.0, "3600.00"])
def test_a_tokens_life_may_come_as_text_or_with_a_fraction(vendor, told):
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer(expires_in=told))
    assert abs(oauth.refresh_pipedrive("old").access_expires_at - timezone.now() - timedelta(hours=1)) < ABOUT


def test_intuits_invalid_grant_is_told_from_its_other_refusals(vendor):
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, status=400, json={"error": "invalid_grant"})
    with pytest.raises(oauth.InvalidGrant):
        oauth.refresh_quickbooks("old")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400, "json": {"error": "invalid_request"}},
        {"status": 401, "json": {"error": "invalid_client"}},
        {"status": 429, "body": ""},
        {"status": 500, "body": "invalid_grant is not what this says"},
        {"status": 503, "body": "<html>"},
        {"body": requests.ReadTimeout()},
        {"status": 200, "body": "<html>"},
        {"status": 200, "json": []},
        {"status": 200, "json": {}},
        {"status": 200, "json": intuit_answer(access_token="")},
        {"status": 200, "json": intuit_answer(request=1, headers=2)},
    ],
)
def test_everything_else_from_intuit_means_try_later(vendor, answer):
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, **answer)
    if answer.get("json") == intuit_answer(request=1, headers=2):
        assert oauth.refresh_quickbooks("old").access_token == "new-access"
        return
    with pytest.raises(ServiceUnavailable) as caught:
        oauth.refresh_quickbooks("old")
    assert "invalid_grant" not in str(caught.value)
    assert len(vendor.calls) == 2


def test_the_discovery_document_is_read_once(vendor):
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    for _ in range(3):
        oauth.refresh_quickbooks("old")
    assert [call.request.url for call in vendor.calls].count(DISCOVERY) == 1


def test_without_intuits_document_the_published_addresses_serve(vendor, settings, no_waiting):
    settings.QUICKBOOKS_DISCOVERY_URL = "https://developer.intuit.com/.well-known/openid_configuration/"
    vendor.get(settings.QUICKBOOKS_DISCOVERY_URL, status=503)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    assert oauth.refresh_quickbooks("old").access_token == "new-access"


def test_credentials_of_another_service_never_go_to_intuit(vendor, no_waiting):
    vendor.get(DISCOVERY, status=503)
    with pytest.raises(ServiceUnavailable):
        oauth.refresh_quickbooks("old")
    assert all(call.request.url == DISCOVERY for call in vendor.calls)


def test_an_endpoint_without_https_is_not_used(vendor):
    add_discovery(vendor, token_endpoint="http://oauth.platform.intuit.com/tokens")
    with pytest.raises(ServiceUnavailable):
        oauth.refresh_quickbooks("old")


def test_revoking_sends_the_token_as_json(vendor):
    add_discovery(vendor)
    vendor.post(INTUIT_REVOKE, status=200)
    oauth.revoke_quickbooks("t1")
    assert json.loads(vendor.calls[-1].request.body) == {"token": "t1"}


@pytest.mark.parametrize("header", ["intuit_tid", "Intuit-Tid"])
def test_a_refused_revocation_is_an_error_without_the_body(vendor, header):
    add_discovery(vendor)
    vendor.post(INTUIT_REVOKE, status=400, body="token t1 is unknown", headers={header: "1-a"})
    with pytest.raises(ServiceUnavailable) as caught:
        oauth.revoke_quickbooks("t1")
    assert caught.value.trace_id == "1-a"
    assert "t1" not in str(caught.value)


@pytest.mark.parametrize("name", ["success_token_response", "success_refreshtoken_response"])
def test_intuits_own_samples_of_token_answers_are_understood(vendor, name):
    add_discovery(vendor)
    answer = json.loads((recordings.folder() / "intuit-dotnet-sdk" / f"{name}.json").read_text("utf-8-sig"))
    answer.pop("id_token", None)  # we never ask for one
    vendor.post(INTUIT_TOKEN, json=answer)
    grant = oauth.refresh_quickbooks("old")
    assert grant.access_token == answer["access_token"]
    assert grant.refresh_expires_at > timezone.now()


def test_intuits_own_sample_of_a_discovery_document_is_understood(vendor):
    vendor.get(
        DISCOVERY,
        json=json.loads((recordings.folder() / "intuit-dotnet-sdk" / "discovery.json").read_text("utf-8-sig")),
    )
    assert oauth.intuit_endpoints()["token_endpoint"].startswith("https://")
