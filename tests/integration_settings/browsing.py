"""A browser without pictures: our pages through Django's test client, or over HTTP through another `client`; the
stand-ins' consent pages over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
from django.test import Client


def path_of(url: str) -> str:
    """Path and query, as a browser would ask our service for them."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def parameters_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Person:
    """Somebody at one browser, signed in to Pipedrive's stand-in as one of its users."""

    def __init__(self, stand_ins: Any, pair: Any, user_id: int | None = None, client: Any = None) -> None:
        self.stand_ins = stand_ins
        self.pair = pair
        self.user_id = user_id or pair.admin["id"]
        self.client = client or Client()
        self.cookies = httpx.get(f"{stand_ins.pipedrive_url}/as/{self.user_id}", trust_env=False).cookies

    def get(self, url: str) -> Any:
        return self.client.get(path_of(url))

    def start_install(self) -> str:
        """Where Pipedrive's consent would send the browser, had the person agreed."""
        return self.decide_at_pipedrive(self.client.get("/pipedrive/install").headers["Location"])

    def decide_at_pipedrive(self, consent_url: str, decision: str = "allow") -> str:
        asked = dict(parse_qsl(urlsplit(consent_url).query))
        return self.decide(f"{self.stand_ins.pipedrive_url}/oauth/authorize", {**asked, "decision": decision})

    def install(self) -> Any:
        """Our answer at the callback."""
        return self.get(self.start_install())

    def decide_at_quickbooks(self, consent_url: str, decision: str = "connect", realm: str | None = None) -> str:
        parts = urlsplit(consent_url)
        asked = dict(parse_qsl(parts.query))
        agreed = {**asked, "decision": decision, "realm": realm or self.pair.realm}
        return self.decide(f"{parts.scheme}://{parts.netloc}{parts.path}", agreed)

    def decide(self, url: str, form: dict[str, str]) -> str:
        """Presses a button of a consent page; where that leads."""
        answer = httpx.post(url, data=form, headers={"Cookie": self.cookie_header}, timeout=30, trust_env=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def connect(self, url: str, realm: str | None = None) -> Any:
        """From our connect address through QuickBooks' consent; our answer at the callback."""
        consent = self.get(url)
        assert consent.status_code == 302, consent.content
        return self.get(self.decide_at_quickbooks(consent.headers["Location"], realm=realm))

    def install_and_connect(self) -> Any:
        return self.connect(self.install().headers["Location"])
