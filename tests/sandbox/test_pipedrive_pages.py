"""Pages of the stand-in Pipedrive and the addresses behind the host script."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
import pytest

from .crm import CLIENT, DANA, EWA, PRIYA, TOM, Crm

DEAL = "/web/harbourpine/deal/1"
SETTINGS = f"/web/harbourpine/settings/marketplace/app/{CLIENT[0]}/app-settings"


def frame(crm: Crm, **wanted: Any) -> dict[str, str]:
    answer = crm.send("POST", "/web/harbourpine/frames", json=wanted)
    assert answer.status_code == 200, answer.text
    return dict(parse_qsl(urlsplit(answer.json()["url"]).query)) | {"path": urlsplit(answer.json()["url"]).path}


def test_the_start_page_offers_everybody_copies_included(crm: Crm) -> None:
    crm.control("/clone", {"pipedrive_company": 101})
    page = crm.send("GET", "/").text
    for words in ("Priya Nair", "Dana Whitfield", "Matilda Brooks", "Simone Tremblay", "harbourpine-5001"):
        assert words in page


def test_pages_of_a_company_are_for_its_people(crm: Crm) -> None:
    assert crm.send("GET", DEAL).status_code == 303
    crm.sign_in(DANA)
    assert crm.send("GET", DEAL).headers["location"].startswith("/?next=")
    crm.sign_in(PRIYA)
    assert crm.send("GET", DEAL).status_code == 200


@pytest.mark.parametrize("target", ["//evil.example/", "/\\evil.example", "https://evil.example/"])
def test_signing_in_never_leads_away(crm: Crm, target: str) -> None:
    answer = crm.send("POST", "/sign-in", data={"user_id": "1001", "next": target})
    assert answer.headers["location"] == "/web/harbourpine/deals"


@pytest.mark.parametrize("path", [DEAL, "/web/harbourpine/person/1", "/web/harbourpine/organization/1", SETTINGS])
def test_the_apps_frame_shows_for_those_who_installed_it(crm: Crm, path: str) -> None:
    crm.sign_in(TOM)
    assert "data-kind" not in crm.send("GET", path).text
    assert "Install the app" in crm.send("GET", path).text
    crm.sign_in(PRIYA)
    assert "data-kind" in crm.send("GET", path).text


def test_a_hidden_deal_has_no_page(crm: Crm) -> None:
    crm.sign_in(EWA)
    assert crm.send("GET", "/web/harbourpine/deal/20").status_code == 404
    assert "Confidential" not in crm.send("GET", "/web/harbourpine/deals").text


def test_foreign_text_is_shown_as_text(crm: Crm) -> None:
    crm.sign_in(PRIYA)
    assert "<b>O'Brien" not in crm.send("GET", "/web/harbourpine/deals").text


def test_the_history_shows_pinned_notes_first_then_the_newest_and_marks_edits(crm: Crm) -> None:
    crm.note("<p>old, pinned</p>", pinned_to_deal_flag=1, add_time="2025-01-01 10:00:00")
    crm.note("<p>older</p>", add_time="2025-02-01 10:00:00")
    edited = crm.note("<p>draft</p>")
    crm.call("PUT", f"/v1/notes/{edited['id']}", json={"content": "<p><b>newer</b></p>"})
    crm.sign_in(PRIYA)
    timeline = crm.send("GET", DEAL + "/live").json()["timeline"]
    places = [timeline.index(words) for words in ("old, pinned", "<b>newer</b>", "Site survey", "older")]
    assert places == sorted(places)
    assert timeline.count("edited") == 2  # the class and the word, once
    assert "Pinned" in timeline


def test_the_live_parts_show_a_change_of_the_deal(crm: Crm) -> None:
    crm.sign_in(PRIYA)
    crm.call("PATCH", "/v2/deals/1", json={"value": 12345.6, "status": "won"})
    header = crm.send("GET", DEAL + "/live").json()["header"]
    assert "£12,345.60" in header
    assert "Won" in header


def test_a_click_on_a_stage_moves_the_deal(crm: Crm) -> None:
    crm.sign_in(PRIYA)
    assert crm.send("POST", DEAL + "/change", data={"stage_id": "2"}).status_code == 303
    assert crm.data("/v2/deals/1")["stage_id"] == 2


def test_a_panel_gets_signed_and_unsigned_context(crm: Crm) -> None:
    crm.sign_in(PRIYA)
    query = frame(crm, kind="panel", resource="deal", selectedIds="1", theme="dark")
    assert query["path"] == "/embed/panel"
    assert (query["userId"], query["companyId"], query["resource"]) == ("1001", "101", "deal")
    assert (query["view"], query["selectedIds"], query["theme"]) == ("details", "1", "dark")
    claims = jwt.decode(query["token"], CLIENT[1], algorithms=["HS256"], options={"require": ["exp", "iat"]})
    assert (claims["userId"], claims["companyId"], claims["exp"] - claims["iat"]) == (1001, 101, 300)


def test_a_modal_opened_by_command_gets_data_and_no_selection(crm: Crm) -> None:
    crm.sign_in(PRIYA)
    query = frame(crm, kind="modal", data={"deal": 1, "name": "Š"})
    assert query["path"] == "/embed/invoice"
    assert query["data"] == '{"deal":1,"name":"Š"}'
    assert {"resource", "view", "selectedIds"} & set(query) == set()


def test_every_frame_has_an_id_of_its_own(crm: Crm) -> None:
    crm.sign_in(PRIYA)
    assert len({frame(crm, kind="settings")["id"] for _ in range(3)}) == 3


def test_a_context_never_overrides_what_identifies_the_frame(crm: Crm) -> None:
    crm.sign_in(PRIYA)
    query = frame(crm, kind="settings", context={"tab": "fields", "userId": "1", "token": "x"})
    assert (query["tab"], query["userId"]) == ("fields", "1001")


def test_frames_and_tokens_are_for_those_who_installed(crm: Crm) -> None:
    crm.sign_in(TOM)
    assert crm.send("POST", "/web/harbourpine/frames", json={"kind": "panel"}).status_code == 403
    assert crm.send("POST", "/web/harbourpine/frames/token", json={}).status_code == 403


def test_a_frames_token_can_be_made_stale_for_a_test(crm: Crm) -> None:
    crm.control("/pipedrive/frames", {"token_seconds": -60})
    crm.sign_in(PRIYA)
    token = crm.send("POST", "/web/harbourpine/frames/token", json={}).json()["token"]
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(token, CLIENT[1], algorithms=["HS256"])


def test_the_listing_leads_to_the_apps_installation_page(crm: Crm) -> None:
    crm.control("/app", {"url": "http://localhost:8123"})
    crm.sign_in(PRIYA)
    assert 'href="http://localhost:8123/pipedrive/install"' in crm.send("GET", f"/marketplace/app/{CLIENT[0]}").text


def test_the_theme_is_remembered(crm: Crm) -> None:
    crm.send("POST", "/theme", json={"theme": "dark"})
    assert 'data-theme="dark"' in crm.send("GET", "/").text


def test_the_consent_page_takes_the_visitor_back_after_choosing(crm: Crm) -> None:
    first = crm.send(
        "GET",
        f"/oauth/authorize?client_id={CLIENT[0]}&redirect_uri=http://localhost:8000/pipedrive/callback&state=a%26b",
    )
    wanted = parse_qs(urlsplit(first.headers["location"]).query)["next"][0]
    answer = crm.send("POST", "/sign-in", data={"user_id": "1101", "next": wanted})
    page = crm.send("GET", answer.headers["location"]).text
    assert "Dana Whitfield" in page
    assert 'name="state" value="a&amp;b"' in page
