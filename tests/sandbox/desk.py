"""A desk from which the tests of the stand-in QuickBooks work: the app in-process, a token, and short ways to call."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from sandbox import config

from .in_process import InProcess

GB, US, AU, CA = (f"913035000000010{number}" for number in (1, 2, 3, 4))
CALLBACK = "http://localhost:8000/quickbooks/callback"
CLIENT = ("demo-quickbooks-client", "demo-quickbooks-secret-0123456789abcdef")


class Desk(InProcess):
    """`realm` is the company that the short ways mean; `enter` goes to another one."""

    def __init__(self, realm: str = GB, exchange_log: str | None = None) -> None:
        super().__init__("quickbooks", config.quickbooks(throttle=False), exchange_log)
        self.requests = 0
        self.enter(realm)

    def enter(self, realm: str) -> None:
        self.realm = realm
        self.token = self.control("/grant", {"service": "quickbooks", "realm": realm})["access_token"]

    def book(self, action: str, **details: Any) -> Any:
        return self.control("/quickbooks/book", {"realm": self.realm, "action": action, **details})

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json", **more}

    def url(self, path: str) -> str:
        return f"/v3/company/{self.realm}/{path}"

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return self.send("GET", self.url(path), headers=self.headers(), params=parameters)

    def post(self, path: str, body: Any, **parameters: str) -> httpx.Response:
        """Each call gets a request id of its own unless the test gives one."""
        self.requests += 1
        headers = self.headers(**{"Content-Type": "application/json"})
        query = {"requestid": f"request-{self.requests}", **parameters}
        return self.send("POST", self.url(path), headers=headers, params=query, content=json.dumps(body))

    def query(self, statement: str) -> dict[str, Any]:
        answer = self.get("query", query=statement)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["QueryResponse"]
        return found

    def rows(self, statement: str) -> list[dict[str, Any]]:
        return next((part for part in self.query(statement).values() if isinstance(part, list)), [])

    def one(self, statement: str) -> dict[str, Any]:
        (row,) = self.rows(statement)
        return row

    def customer(self, name: str) -> dict[str, Any]:
        escaped = name.replace("'", "\\'")
        return self.one(f"select * from Customer where DisplayName = '{escaped}' and Active in (true, false)")

    def item(self, name: str) -> dict[str, Any]:
        return self.one(f"select * from Item where Name = '{name}' and Active in (true, false)")

    def code(self, name: str) -> str:
        return str(self.one(f"select * from TaxCode where Name = '{name}' and Active in (true, false)")["Id"])

    def saved(self, path: str, body: Any, **parameters: str) -> dict[str, Any]:
        """The entity that a successful write answers."""
        answer = self.post(path, body, **parameters)
        assert answer.status_code == 200, answer.text
        return next(part for name, part in answer.json().items() if name != "time")

    def refused(self, path: str, body: Any, **parameters: str) -> tuple[int, str, str]:
        """(status, code, element) of a refused write."""
        answer = self.post(path, body, **parameters)
        assert answer.status_code >= 400, answer.text
        return refusal(answer)

    def line(
        self, amount: float = 100, code: str | None = "20.0% S", item: str = "Installation", **detail: Any
    ) -> dict[str, Any]:
        sales: dict[str, Any] = {"ItemRef": {"value": self.item(item)["Id"]}, **detail}
        if code is not None:
            sales["TaxCodeRef"] = {"value": code if code in ("TAX", "NON") else self.code(code)}
        return {"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": sales}

    def invoice(self, *lines: dict[str, Any], customer: str = "Bramley Foods Ltd", **more: Any) -> dict[str, Any]:
        """The body of an invoice; `lines` default to one of 100."""
        found = self.customer(customer)
        return {
            "CustomerRef": {"value": found["Id"]},
            "CurrencyRef": {"value": found["CurrencyRef"]["value"]},
            "Line": list(lines) or [self.line()],
            **({} if self.realm == US else {"GlobalTaxCalculation": "TaxExcluded"}),
            **more,
        }

    def consent(self, decision: str = "connect", **changes: str) -> dict[str, str]:
        """Presses a button of the consent page; returns what the app's callback gets."""
        asked = {
            "client_id": CLIENT[0],
            "response_type": "code",
            "scope": "com.intuit.quickbooks.accounting",
            "redirect_uri": CALLBACK,
            "state": "s1",
            **changes,
        }
        answer = self.send("POST", "/connect/oauth2", data={**asked, "decision": decision, "realm": self.realm})
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def tokens(self, form: dict[str, str], client: tuple[str, str] = CLIENT, **headers: str) -> httpx.Response:
        basic = base64.b64encode(":".join(client).encode()).decode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        sent = {"Authorization": f"Basic {basic}", **kind, **headers}
        return self.send("POST", "/oauth2/v1/tokens/bearer", headers=sent, content=urlencode(form))

    def exchange(self, code: str, redirect_uri: str = CALLBACK, **headers: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self.tokens(form, **headers)

    def refresh(self, token: str) -> httpx.Response:
        return self.tokens({"grant_type": "refresh_token", "refresh_token": token})


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    (error,) = answer.json()["Fault"]["Error"]
    return answer.status_code, error["code"], error.get("element", "")


def details(answer: httpx.Response) -> str:
    return str(answer.json()["Fault"]["Error"][0]["Detail"])
