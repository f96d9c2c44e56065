"""The app of the stand-in Pipedrive in-process, tokens by user, and short ways for tests to call it."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from sandbox import config

from .in_process import InProcess

URL = "http://127.0.0.1:8010"
CALLBACK = "http://localhost:8000/pipedrive/callback"
CLIENT = ("demo-pipedrive-client", "demo-pipedrive-secret-0123456789abcdef")
PRIYA, TOM, EWA, DANA, MATILDA = (101, 1001), (101, 1002), (101, 1003), (102, 1101), (103, 1201)
PHASE_2, SURVEY, DEPOT, ODD, SECRET = 1, 4, 6, 18, 20
"""Deals of Harbour & Pine: the one of the pictures, one without products, 120 products, discounts, the hidden one."""


class Crm(InProcess):
    """`who` is the (company, user) whose token the short ways send."""

    def __init__(self, exchange_log: str | None = None, *, throttle: bool = False) -> None:
        super().__init__("pipedrive", config.pipedrive(URL, throttle=throttle), exchange_log)
        self.be(PRIYA)

    def be(self, who: tuple[int, int]) -> None:
        self.token = self.grant(who)["access_token"]

    def grant(self, who: tuple[int, int]) -> dict[str, Any]:
        body = {"service": "pipedrive", "company_id": who[0], "user_id": who[1]}
        answer: dict[str, Any] = self.control("/grant", body)
        return answer

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One API call; `path` begins with the version, e.g. /v2/deals/1."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.send(method, f"/api{path}", headers=headers, **more)

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.call("GET", path, params=query)

    def data(self, path: str, **query: str) -> Any:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        assert answer.json()["success"] is True
        return answer.json()["data"]

    def field(self, name: str, path: str = "/v2/dealFields") -> str:
        """The code of a custom field, by its name."""
        return str(next(entry["field_code"] for entry in self.data(path, limit="500") if entry["field_name"] == name))

    def note(self, content: str, **more: Any) -> dict[str, Any]:
        answer = self.call("POST", "/v1/notes", json={"content": content, "deal_id": PHASE_2, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    def tokens(self, form: dict[str, str], client: tuple[str, str] | None = CLIENT, **headers: str) -> httpx.Response:
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        if client:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(client).encode()).decode()
        return self.send("POST", "/oauth/token", headers=sent, content=urlencode(form))

    def sign_in(self, who: tuple[int, int]) -> None:
        assert self.send("GET", f"/as/{who[1]}").status_code == 303

    def consent(self, decision: str = "allow", who: tuple[int, int] = PRIYA) -> dict[str, str]:
        """Presses a button of the consent page; returns what the app's callback gets."""
        self.sign_in(who)
        asked = {"client_id": CLIENT[0], "redirect_uri": CALLBACK, "state": "s 1"}
        answer = self.send("POST", "/oauth/authorize", data={**asked, "decision": decision})
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].startswith(CALLBACK + "?")
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def exchange(self, code: str) -> httpx.Response:
        return self.tokens({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK})

    def refresh(self, token: str) -> httpx.Response:
        return self.tokens({"grant_type": "refresh_token", "refresh_token": token})

    def advance(self, seconds: float) -> None:
        self.control("/clock", {"advance_seconds": seconds})
