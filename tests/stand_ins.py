"""The stand-ins of both services as the tests see them: a process of their own, and its control addresses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.settings import ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent
COUNTRIES = {"GB": 101, "US": 102, "AU": 103, "CA": 104}
"""Pipedrive company of the cast, by the country of its QuickBooks company."""


@dataclass(frozen=True)
class Pair:
    """A Pipedrive company of the stand-in and the QuickBooks company beside it; a copy that no other test touches."""

    pipedrive_company_id: int
    company_domain: str
    realm: str
    users: tuple[dict[str, Any], ...]

    @property
    def admin(self) -> dict[str, Any]:
        return next(user for user in self.users if user["admin"])

    @property
    def others(self) -> list[dict[str, Any]]:
        """Users who are not administrators, in the order of the seeds."""
        return [user for user in self.users if not user["admin"]]


class Control:
    """Acts on the stand-ins behind the app's back. One method a control address; all return the decoded JSON."""

    def __init__(self, url: str) -> None:
        # A connection for each call: one kept open may be closed from over there just when it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(base_url=f"{url}/_sandbox", timeout=60, trust_env=False, limits=limits)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> Any:
        answer = self.http.request(method, path, json=body, params=query or None)
        assert answer.is_success, f"{method} {path} {body or query}: {answer.status_code} {answer.text}"
        return answer.json()

    def reset(self) -> None:
        """Seeds again, real time, no faults, an empty ledger."""
        self.call("POST", "/reset")

    def name_test(self, name: str) -> None:
        self.call("POST", "/test", {"name": name})

    def set_app(self, url: str) -> None:
        """Tells the stand-ins where the app listens (redirects, frames, uninstall)."""
        self.call("POST", "/app", {"url": url})

    def throttle(self, enabled: bool, service: str | None = None) -> None:
        """The vendors' rate limits; off unless a test wants them."""
        self.call("POST", "/throttle", {"enabled": enabled, "service": service})

    def now(self) -> str:
        return str(self.call("GET", "/clock")["now"])

    def advance(self, seconds: float) -> str:
        return str(self.call("POST", "/clock", {"advance_seconds": seconds})["now"])

    def set_clock(self, moment: str) -> str:
        return str(self.call("POST", "/clock", {"set": moment})["now"])

    def fault(self, kind: str, *, service: str = "quickbooks", **details: Any) -> int:
        """See sandbox/README.md for the kinds; `times=None` lasts until `clear_faults`. Example:
        control.fault("lost", method="POST", path="/invoice$", times=1, company=pair.realm)
        """
        return int(self.call("POST", "/faults", {"kind": kind, "service": service, **details})["id"])

    def clear_faults(self) -> None:
        self.call("DELETE", "/faults")

    def requests(self, service: str | None = None, *, method: str = "", path: str = "") -> list[dict[str, Any]]:
        """The calls since the last reset, oldest first; `path` is matched as a part."""
        calls = self.call("GET", "/requests", **({"service": service} if service else {}))
        return [call for call in calls if (not method or call["method"] == method) and path in call["path"]]

    def forget_requests(self) -> None:
        self.call("DELETE", "/requests")

    def expire_tokens(self, service: str, company: str | int | None = None, kind: str = "all") -> int:
        return int(
            self.call("POST", "/tokens/expire", {"service": service, "company": company, "kind": kind})["expired"]
        )

    def clone(self, country: str = "GB") -> Pair:
        """An independent copy of one pair of the cast."""
        made = self.call("POST", "/clone", {"pipedrive_company": COUNTRIES[country]})
        return Pair(made["pipedrive_company_id"], made["company_domain"], made["realm"], tuple(made["users"]))

    def grant_pipedrive(self, company_id: int, user_id: int) -> dict[str, Any]:
        """A token answer, as after a consent."""
        answer: dict[str, Any] = self.call(
            "POST", "/grant", {"service": "pipedrive", "company_id": company_id, "user_id": user_id}
        )
        return answer

    def grant_quickbooks(self, realm: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("POST", "/grant", {"service": "quickbooks", "realm": realm})
        return answer

    def book(self, realm: str, action: str, **details: Any) -> Any:
        """A deed of the bookkeeper: payment, credit, void, delete, edit, delete_payment, rename_customer …"""
        return self.call("POST", "/quickbooks/book", {"realm": realm, "action": action, **details})

    def books(self, realm: str) -> dict[str, Any]:
        """Everything in the books of a QuickBooks company."""
        answer: dict[str, Any] = self.call("GET", "/quickbooks/books", realm=realm)
        return answer

    def company(self, company_id: int) -> dict[str, Any]:
        """Everything in a Pipedrive company: deals, notes, fields …"""
        answer: dict[str, Any] = self.call("GET", "/pipedrive/company", id=company_id)
        return answer

    def change_company(self, company_id: int, changes: dict[str, Any]) -> Any:
        return self.call("POST", "/pipedrive/company", {"id": company_id, "set": changes})

    def merge(self, company_id: int, what: str, *, gone: int, into: int) -> None:
        """Of `what`, "deals" say, the one `into` the other, by a person in Pipedrive."""
        self.call("POST", "/pipedrive/merge", {"id": company_id, "what": what, "gone": gone, "into": into})

    def leave_tokens(self, company_id: int, tokens: int) -> None:
        """Of the company's daily budget, from now on counted."""
        self.throttle(True, "pipedrive")
        self.call("POST", "/pipedrive/limits", {"company_id": company_id, "daily_tokens": tokens})

    def uninstall(self, company_id: int, user_id: int) -> Any:
        """Sends the uninstall call to the app."""
        return self.call("POST", "/pipedrive/uninstall", {"company_id": company_id, "user_id": user_id})


@dataclass(frozen=True)
class StandIns:
    pipedrive_url: str
    quickbooks_url: str
    control: Control

    @property
    def settings(self) -> dict[str, Any]:
        """The app's environment while it talks to these stand-ins."""
        return {
            "PIPEDRIVE_OAUTH_URL": self.pipedrive_url,
            "PIPEDRIVE_WEB_URL": self.pipedrive_url + "/web/{company_domain}",
            "PIPEDRIVE_FRAME_ANCESTORS": self.pipedrive_url,
            "QUICKBOOKS_DISCOVERY_URL": self.quickbooks_url + "/.well-known/openid_sandbox_configuration",
            "QUICKBOOKS_API_URL": self.quickbooks_url,
            "QUICKBOOKS_WEB_URL": self.quickbooks_url + "/web",
        }


@contextmanager
def running(folder: Path) -> Iterator[StandIns]:
    """Starts `python -m sandbox` on free ports and ends it. What it says goes into a file in `folder`."""
    arguments = [
        "--pipedrive-port",
        "0",
        "--quickbooks-port",
        "0",
        "--app-url",
        ENVIRONMENT["APP_URL"],
        "--no-throttle",
    ]
    for service in ("PIPEDRIVE", "QUICKBOOKS"):
        for what in ("CLIENT_ID", "CLIENT_SECRET"):
            arguments += [f"--{service}-{what}".lower().replace("_", "-"), ENVIRONMENT[f"{service}_{what}"]]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
    command = [sys.executable, "-m", "sandbox", *arguments]
    with (
        (folder / "stand-ins.log").open("a+") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                log.seek(0)
                raise RuntimeError(f"the stand-ins did not start:\n{log.read()}")
            urls = json.loads(line)
            control = Control(urls["pipedrive"])
            yield StandIns(urls["pipedrive"], urls["quickbooks"], control)
            control.http.close()
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
