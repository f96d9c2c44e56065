"""A small stand-in for very many companies, in its own process: the full ones would need more time than the app.

It answers what following needs (changes, invoices by id, notes) from memory, after a delay, and is strict about who
asks and how often. `python -m tests.bench.fleet N` serves N companies, `Fleet` is its control.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from invoices.invoice_bodies import mark_line

ROOT = Path(__file__).resolve().parent.parent.parent
MOST = 1000
CALL = re.compile(r"/v3/company/(\d+)/(\w+)")


def realm_of(number: int) -> str:
    return f"92{number:014d}"


def token_of(number: int) -> str:
    return f"fleet-access-{number}"


def invoice_id(number: int) -> str:
    """Of a company's first invoice."""
    return str(1_000_000 + number)


@dataclass
class Realm:
    """`invoices` by id: balance in cents, version, when it changed last; `notes` of some of them by id."""

    invoices: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    calls: deque[float] = field(default_factory=lambda: deque(maxlen=500))
    open: int = 0

    def told(self, identity: str) -> dict[str, Any]:
        return invoice(identity, *self.invoices[identity], self.notes.get(identity, ""))


@dataclass
class World:
    """`limited` are realms that are told to wait, until when and how long; `ignored` counts calls before that time."""

    companies: int
    latency: float = 0.3
    note_latency: float = 0.15
    realms: dict[str, Realm] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    limiting: dict[str, float] = field(default_factory=dict)
    limited: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    by_realm: Counter[str] = field(default_factory=Counter)
    notes: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=80)))

    def realm(self, name: str) -> Realm | None:
        if name not in self.realms:
            number = int(name[2:])
            if not name.startswith("92") or number >= self.companies:
                return None
            first = invoice_id(number)
            mark = mark_line(12, f"request {number}", f"{os.environ['PIPEDRIVE_CLIENT_ID']} {number + 1}")
            self.realms[name] = Realm({first: (12000, 0, 0.0)}, {first: mark})
        return self.realms[name]

    def control(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/change"):
            for name, identity, cents in body["changes"]:
                realm = self.realm(name)
                if realm is not None:
                    version = realm.invoices.get(identity, (0, -1, 0.0))[1] + 1
                    realm.invoices[identity] = (cents, version, time.time())
        if path.endswith("/set"):
            self.latency = float(body.get("latency", self.latency))
            self.hanging = set(body.get("hanging", self.hanging))
            self.limiting |= body.get("limiting", {})
        if path.endswith("/forget"):
            self.counts.clear()
            self.by_realm.clear()
        return {"counts": dict(self.counts), "by_realm": dict(self.by_realm)}

    # What the vendors answer: (status, body, delay)

    def answer(self, method: str, target: str, token: str, body: bytes) -> tuple[int, Any, float]:
        parts = urlsplit(target)
        if parts.path.startswith("/api/"):
            return self.note(method, token)
        found = CALL.match(parts.path)
        realm = self.realm(found[1]) if found else None
        if found is None or realm is None:
            self.counts["misdirected"] += 1
            return 404, {}, 0
        name, what = found[1], found[2]
        if token != token_of(int(name[2:])):
            self.counts["unauthorised"] += 1
            return 401, {}, 0
        self.counts[what] += 1
        self.by_realm[name] += 1
        if (refused := self.refusal(name, realm)) is not None:
            return refused
        if what == "cdc":
            query = parse_qs(parts.query)
            since = datetime.fromisoformat(query["changedSince"][0]).timestamp()
            if "Invoice" not in query["entities"][0]:
                return 400, {}, 0
            content: Any = self.changes(realm, since)
        else:
            ids = re.findall(r"'(\d+)'", body.decode())
            rows = [realm.told(identity) for identity in ids if identity in realm.invoices]
            content = {"QueryResponse": {"Invoice": rows}, "time": stamp(time.time())}
        return 200, content, 3600 if name in self.hanging else self.latency

    def refusal(self, name: str, realm: Realm) -> tuple[int, Any, float] | None:
        """Intuit's limits: ten a second, ten at once, 500 a minute; and whoever was told to wait."""
        now = time.monotonic()
        if now < self.limited.get(name, 0):
            self.counts["within a pause"] += 1
        if seconds := self.limiting.pop(name, 0):
            self.limited[name] = now + seconds
            self.counts["429 on demand"] += 1
            return 429, {"Retry-After": str(int(seconds))}, 0
        calls = realm.calls
        too_many = (len(calls) >= 10 and calls[-10] > now - 1) or (len(calls) == 500 and calls[0] > now - 60)
        if too_many or realm.open >= 10:
            self.counts["429 caused"] += 1
            return 429, {}, 0
        calls.append(now)
        return None

    def changes(self, realm: Realm, since: float) -> dict[str, Any]:
        rows = [
            realm.told(identity)
            for identity, state in sorted(realm.invoices.items(), key=lambda pair: pair[1][2])
            if state[2] >= since
        ][:MOST]
        parts = [{"Invoice": rows, "startPosition": 1, "maxResults": len(rows)}] if rows else []
        return {"CDCResponse": [{"QueryResponse": parts}], "time": stamp(time.time())}

    def note(self, method: str, token: str) -> tuple[int, Any, float]:
        now, past = time.monotonic(), self.notes[token]
        if len(past) == 80 and past[0] > now - 2:
            self.counts["429 caused"] += 1
            return 429, {"success": False}, 0
        past.append(now)
        self.counts["notes"] += 1
        return (
            200,
            {"success": True, "data": [] if method == "GET" else {"id": self.counts["notes"]}},
            self.note_latency,
        )


def stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


def invoice(identity: str, cents: int, version: int, changed: float, note: str = "") -> dict[str, Any]:
    total = 120.0
    line = {"DetailType": "SalesItemLineDetail", "Amount": total, "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}
    return {
        "Id": identity,
        "SyncToken": str(version),
        "MetaData": {"CreateTime": stamp(changed), "LastUpdatedTime": stamp(changed)},
        "DocNumber": identity,
        "TxnDate": "2026-11-02",
        "DueDate": "2026-12-02",
        "CustomerRef": {"value": "7", "name": "Bramley Foods Ltd"},
        "CurrencyRef": {"value": "GBP"},
        "Line": [line],
        "TotalAmt": total,
        "Balance": cents / 100,
        "PrivateNote": note,
        "EmailStatus": "NotSet",
    }


class Http(asyncio.Protocol):
    """HTTP/1.1 with kept connections; one request after the other."""

    def __init__(self, world: World) -> None:
        self.world, self.buffer = world, b""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, target, _version = first.split(" ")
        self.respond(method, target, headers, rest[:length])

    def respond(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        if target.startswith("/_bench/"):
            return self.send(200, self.world.control(target, json.loads(body or b"{}")))
        token = headers.get("authorization", "").removeprefix("Bearer ")
        status, content, delay = self.world.answer(method, target, token, body)
        found = CALL.match(target)
        realm = self.world.realms.get(found[1]) if found else None
        if realm is not None and status == 200:
            realm.open += 1
        asyncio.get_running_loop().call_later(delay, self.finish, realm if status == 200 else None, status, content)
        return None

    def finish(self, realm: Realm | None, status: int, content: Any) -> None:
        if realm is not None:
            realm.open -= 1
        self.send(status, content)

    def send(self, status: int, content: Any) -> None:
        wait = content.pop("Retry-After", "") if status == 429 else ""
        text = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        head += f"Retry-After: {wait}\r\n" if wait else ""
        self.transport.write(head.encode() + b"\r\n" + text)


async def serve(companies: int, latency: float) -> None:
    world = World(companies, latency)
    server = await asyncio.get_running_loop().create_server(lambda: Http(world), "127.0.0.1", 0, backlog=1000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


# Control, and the rows that belong to it


class Fleet:
    """The running stand-in as the bench sees it."""

    def __init__(self, url: str, pid: int, companies: int) -> None:
        self.url, self.pid, self.companies = url, pid, companies
        self.http = httpx.Client(base_url=f"{url}/_bench", timeout=30, trust_env=False)

    @property
    def settings(self) -> dict[str, str]:
        """The app's environment while it talks to this stand-in; tokens outlive the run, so nobody refreshes one."""
        return {
            "PIPEDRIVE_OAUTH_URL": self.url,
            "PIPEDRIVE_WEB_URL": self.url + "/web/{company_domain}",
            "PIPEDRIVE_FRAME_ANCESTORS": self.url,
            "QUICKBOOKS_DISCOVERY_URL": self.url + "/.well-known/openid_configuration",
            "QUICKBOOKS_API_URL": self.url,
            "QUICKBOOKS_WEB_URL": self.url + "/web",
        }

    def change(self, changes: list[tuple[str, str, int]]) -> None:
        """(realm, invoice id, balance in cents) each, now."""
        self.http.post("/change", json={"changes": changes})

    def set(self, **options: Any) -> None:
        """`latency` in seconds; `hanging` realms never answer; `limiting`: seconds that a realm names in one 429."""
        self.http.post("/set", json=options)

    def forget(self) -> None:
        self.http.post("/forget")

    def counts(self) -> dict[str, int]:
        return dict(self.http.post("/counts").json()["counts"])

    def reads_of(self, realm: str) -> int:
        return int(self.http.post("/counts").json()["by_realm"].get(realm, 0))

    @property
    def reads(self) -> int:
        found = self.counts()
        return found.get("cdc", 0) + found.get("query", 0)


@contextmanager
def running(folder: Path, companies: int, latency: float = 0.3) -> Iterator[Fleet]:
    command = [sys.executable, "-m", "tests.bench.fleet", str(companies), str(latency)]
    with (
        (folder / "fleet.log").open("a") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            port = (process.stdout.readline() if process.stdout else "").strip()
            if not port:
                raise RuntimeError(f"the fleet did not start: {(folder / 'fleet.log').read_text()}")
            found = Fleet(f"http://127.0.0.1:{port}", process.pid, companies)
            make_rows_for(companies, found.url, datetime.now(UTC) + timedelta(days=3))
            yield found
        finally:
            process.kill()


def make_rows_for(how_many: int, url: str, until: datetime) -> None:
    """A company with a user, a connection and one open invoice for each number; tokens are good until then."""
    from integration_settings.models import Company, CompanySettings, PipedriveUser, QuickBooksConnection
    from invoices.models import Invoice
    from tests import factories

    now, numbers = datetime.now(UTC), range(how_many)
    later = now + timedelta(days=1)
    kept = {"access_expires_at": until, "refresh_expires_at": until}
    for start in range(0, how_many, 1000):
        part = numbers[start : start + 1000]
        companies = Company.objects.bulk_create(
            Company(pipedrive_company_id=number + 1, name=f"Fleet {number}", domain=f"fleet{number}") for number in part
        )
        CompanySettings.objects.bulk_create(CompanySettings(company=company) for company in companies)
        PipedriveUser.objects.bulk_create(
            PipedriveUser(
                company=company,
                user_id=1,
                name="Priya Nair",
                is_admin=True,
                api_domain=url,
                access_token=token_of(number),
                refresh_token="r",
                **kept,
            )
            for number, company in zip(part, companies, strict=True)
        )
        QuickBooksConnection.objects.bulk_create(
            QuickBooksConnection(
                company=company,
                realm_id=realm_of(number),
                country="GB",
                home_currency="GBP",
                timezone="Europe/London",
                access_token=token_of(number),
                refresh_token="r",
                changes_cursor=now,
                next_sync_at=later,
                **kept,
            )
            for number, company in zip(part, companies, strict=True)
        )
        Invoice.objects.bulk_create(
            factories.an_invoice(company, realm_of(number), qbo_invoice_id=invoice_id(number), created_by_id=1)
            for number, company in zip(part, companies, strict=True)
        )


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
