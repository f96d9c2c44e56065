"""Levers of the stand-in Pipedrive: copies, changes, faults, the uninstall call, the recording."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from .crm import CLIENT, EWA, PRIYA, TOM, Crm


@dataclass
class Listener:
    """What the app's callback address heard."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    status: int = 204


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append({"path": self.path, "body": json.loads(body), "headers": dict(self.headers)})
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def test_uninstalling_kills_the_tokens_and_tells_the_app(crm: Crm, listener: Listener) -> None:
    crm.control("/app", {"url": listener.url})
    granted = crm.grant(PRIYA)
    told = crm.control("/pipedrive/uninstall", {"company_id": 101, "user_id": 1001})
    assert told == {"was_installed": True, "callback_status": 204}
    (call,) = listener.heard
    assert call["path"] == "/pipedrive/callback"
    assert call["headers"]["Authorization"] == "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()
    assert {name: call["body"][name] for name in ("client_id", "company_id", "user_id")} == {
        "client_id": CLIENT[0],
        "company_id": 101,
        "user_id": 1001,
    }
    assert crm.refresh(granted["refresh_token"]).status_code == 400
    assert crm.get("/v1/users/me").status_code == 401


def test_the_settings_page_uninstalls_for_its_visitor_alone(crm: Crm, listener: Listener) -> None:
    crm.control("/app", {"url": listener.url})
    listener.status = 500
    tom = crm.grant(TOM)
    crm.sign_in(PRIYA)
    answer = crm.send("POST", "/web/harbourpine/settings/marketplace/uninstall")
    assert answer.headers["location"].endswith("?told=500")
    assert [call["body"]["user_id"] for call in listener.heard] == [1001]
    assert crm.refresh(tom["refresh_token"]).status_code == 200


def test_an_app_that_is_away_misses_the_uninstall_call(crm: Crm) -> None:
    crm.control("/app", {"url": "http://127.0.0.1:9"})
    assert crm.control("/pipedrive/uninstall", {"company_id": 101, "user_id": 1001})["callback_status"] is None


def test_copies_are_independent_of_each_other(crm: Crm) -> None:
    first, second = (crm.control("/clone", {"pipedrive_company": 101}) for _ in range(2))
    assert first["pipedrive_company_id"] != second["pipedrive_company_id"]
    assert {user["id"] for user in first["users"]}.isdisjoint(user["id"] for user in second["users"])
    crm.be((first["pipedrive_company_id"], first["users"][0]["id"]))
    crm.note("only here")
    crm.call("PATCH", "/v2/deals/1", json={"title": "changed"})
    crm.be((second["pipedrive_company_id"], second["users"][0]["id"]))
    assert crm.data("/v1/notes") == []
    assert crm.data("/v2/deals/1")["title"].startswith("Bramley")


def test_a_reset_forgets_everything(crm: Crm) -> None:
    crm.note("x")
    made = crm.control("/clone", {"pipedrive_company": 101})["pipedrive_company_id"]
    crm.control("/reset")
    assert crm.get("/v1/users/me").status_code == 401
    crm.be(PRIYA)
    assert crm.data("/v1/notes") == []
    assert crm.send("GET", f"/_sandbox/pipedrive/company?id={made}").status_code == 400


def test_a_company_can_be_read_and_changed_from_behind(crm: Crm) -> None:
    code = crm.field("Customer PO")
    changes = {"deals": {"1": {"value": 5.5, "custom_fields": {code: "PO 9"}}}, "users": {"1001": {"admin": False}}}
    company = crm.control("/pipedrive/company", {"id": 101, "set": changes})
    assert company["deals"]["1"]["value"] == 5.5
    assert crm.data("/v2/deals/1")["custom_fields"][code] == "PO 9"
    assert not any(entry["admin"] for entry in crm.data("/v1/users/me")["access"])
    lines = company["deal_products"]["1"][:1]
    crm.control("/pipedrive/company", {"id": 101, "set": {"deal_products": {"1": lines}}})
    assert len(crm.data("/v2/deals/1/products")) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"id": 999},
        {"id": 101, "set": {"colour": 1}},
        {"id": 101, "set": {"deals": {"1": {"colour": "red"}}}},
        {"id": 101, "set": {"deals": {"999": {"value": 1}}}},
    ],
)
def test_a_change_that_makes_no_sense_is_refused(crm: Crm, body: dict[str, Any]) -> None:
    assert crm.send("POST", "/_sandbox/pipedrive/company", json=body).status_code == 400


@pytest.mark.parametrize("kind", ["access", "refresh", "all"])
def test_tokens_can_be_ended_at_once(crm: Crm, kind: str) -> None:
    granted = crm.grant(PRIYA)
    crm.token = granted["access_token"]
    crm.control("/tokens/expire", {"service": "pipedrive", "company": 101, "kind": kind})
    assert crm.get("/v1/users/me").status_code == (200 if kind == "refresh" else 401)
    assert crm.refresh(granted["refresh_token"]).status_code == (200 if kind == "access" else 400)


def test_a_fault_speaks_pipedrives_words(crm: Crm) -> None:
    crm.control(
        "/faults",
        {"service": "pipedrive", "kind": "status", "status": 429, "times": 1, "retry_after": 7, "company": 101},
    )
    answer = crm.get("/v2/deals/1")
    assert answer.status_code == 429
    assert answer.json()["error"] == "Request over limit"
    assert answer.headers["retry-after"] == "7"
    assert crm.get("/v2/deals/1").status_code == 200


def test_a_note_whose_answer_is_lost_was_written_all_the_same(crm: Crm) -> None:
    crm.control("/faults", {"service": "pipedrive", "kind": "lost", "method": "POST", "path": "/notes$", "times": 1})
    with pytest.raises((httpx.HTTPError, ConnectionError)):
        crm.call("POST", "/v1/notes", json={"content": "written", "deal_id": 1})
    assert [note["content"] for note in crm.data("/v1/notes", deal_id="1")] == ["written"]


def test_a_merged_deal_is_gone_and_its_notes_and_products_are_in_the_other(crm: Crm) -> None:
    note = crm.call("POST", "/v1/notes", json={"content": "written", "deal_id": 1}).json()["data"]
    lines = {line["id"] for deal in (1, 2) for line in crm.data(f"/v2/deals/{deal}/products")}
    crm.control("/pipedrive/merge", {"id": 101, "what": "deals", "gone": 1, "into": 2})
    assert crm.get("/v2/deals/1").status_code == 404
    assert crm.data(f"/v1/notes/{note['id']}")["deal_id"] == 2
    assert {line["id"] for line in crm.data("/v2/deals/2/products")} == lines


def test_deals_of_a_merged_organization_belong_to_the_other(crm: Crm) -> None:
    gone = crm.data("/v2/deals/1")["org_id"]
    kept = next(each["id"] for each in crm.data("/v2/organizations") if each["id"] != gone)
    crm.control("/pipedrive/merge", {"id": 101, "what": "organizations", "gone": gone, "into": kept})
    assert crm.data("/v2/deals/1")["org_id"] == kept
    assert crm.get(f"/v2/organizations/{gone}").status_code == 404


def test_the_ledger_tells_whose_call_it_was(crm: Crm) -> None:
    crm.be(EWA)
    crm.control("/requests", method="DELETE")
    crm.get("/v2/deals/1")
    (call,) = crm.control("/requests?service=pipedrive", method="GET")
    assert (call["method"], call["path"], call["status"], call["company"]) == ("GET", "/api/v2/deals/1", 200, "101")


def test_the_recording_holds_calls_without_secrets_and_no_pages(tmp_path: Path) -> None:
    file = tmp_path / "exchanges.jsonl"
    crm = Crm(exchange_log=str(file))
    granted = crm.exchange(crm.consent()["code"]).json()
    crm.token = granted["access_token"]
    crm.get("/v2/deals/1")
    crm.send("GET", "/web/harbourpine/deals")
    crm.close()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["url"] for line in lines] == ["/oauth/token", "/api/v2/deals/1"]
    assert lines[1]["request_headers"]["authorization"] == "Bearer <redacted>"
    assert granted["refresh_token"] not in file.read_text()
    assert granted["access_token"] not in file.read_text()
