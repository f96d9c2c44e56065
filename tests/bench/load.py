"""Sends signed notices, or looks at a page, at a fixed rate, whatever the answers take, and tells how long each took.

A process of its own, so that the one who measures is not what is slow: `python -m tests.bench.load` reads what to do
as JSON {url, rate, seconds} with {verifier, realms} or {token}, and prints {"took": [seconds …], "bad": n,
"last": {realm: moment}}. With {database, rate, seconds, realms} it writes a bare row for each instead, so that one sees
what is the machine's.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import psycopg2

ROOT = Path(__file__).resolve().parent.parent.parent
CONNECTIONS, COMMITTERS = 32, 16
BARE = "bench_bare"
LENGTH = re.compile(rb"content-length: (\d+)")


def event(realm: str, entity: str = "1") -> dict[str, Any]:
    """https://blogs.intuit.com/2025/11/12/upcoming-change-to-webhooks-payload-structure"""
    return {
        "specversion": "1.0",
        "id": f"{realm}-{entity}-{time.time()}",
        "source": "intuit.bench",
        "type": "qbo.invoice.updated.v1",
        "time": "2026-11-27T00:00:00Z",
        "intuitentityid": entity,
        "intuitaccountid": realm,
        "data": {},
    }


def signed(events: list[dict[str, Any]], verifier: str) -> tuple[bytes, str]:
    body = json.dumps(events).encode()
    return body, base64.b64encode(hmac.new(verifier.encode(), body, hashlib.sha256).digest()).decode()


def notice(parts: SplitResult, realm: str, verifier: str) -> bytes:
    body, signature = signed([event(realm)], verifier)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"intuit-signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def look(parts: SplitResult, token: str) -> bytes:
    head = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode()


@dataclass
class Sender:
    """Notices of one vendor come over connections that are kept, each with one request at a time. Those who look at
    panels are many: each has a connection of his own.
    """

    order: dict[str, Any]
    took: list[float] = field(default_factory=list)
    bad: int = 0
    last: dict[str, float] = field(default_factory=dict)
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.parts = urlsplit(self.order["url"])
        self.keeps = "verifier" in self.order

    async def open(self) -> None:
        for _ in range(CONNECTIONS if self.keeps else 0):
            self.free.put_nowait(await self.connect())

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.parts.port)

    def request(self, realm: str) -> bytes:
        if self.keeps:
            return notice(self.parts, realm, self.order["verifier"])
        return look(self.parts, self.order["token"])

    async def send(self, realm: str) -> None:
        due, request = time.perf_counter(), self.request(realm)
        reader, writer = await (self.free.get() if self.keeps else self.connect())
        sent = time.time()
        try:
            writer.write(request)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            if found := LENGTH.search(answer):
                await reader.readexactly(int(found[1]))
        except (OSError, asyncio.IncompleteReadError):
            answer = b""
        self.took.append(time.perf_counter() - due)
        if ended := not answer or b"connection: close" in answer:
            writer.close()
        if self.keeps:
            self.free.put_nowait(await self.connect() if ended else (reader, writer))
        if b" 200 " in answer.partition(b"\r\n")[0]:
            self.last[realm] = sent
        else:
            self.bad += 1


class Committer:
    """What a notice costs the database at least: one row that is on the disk, over connections that stay open."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.took: list[float] = []
        self.pool = ThreadPoolExecutor(COMMITTERS)
        self.own = threading.local()

    async def send(self, realm: str) -> None:
        due = time.perf_counter()
        await asyncio.get_running_loop().run_in_executor(self.pool, self.commit, realm)
        self.took.append(time.perf_counter() - due)

    def commit(self, realm: str) -> None:
        if not hasattr(self.own, "cursor"):
            connection = psycopg2.connect(self.address)
            connection.autocommit = True
            self.own.cursor = connection.cursor()
        self.own.cursor.execute(f"INSERT INTO {BARE} VALUES (%s, now())", (realm,))


async def run(order: dict[str, Any]) -> dict[str, Any]:
    sender = Sender(order) if "url" in order else Committer(order["database"])
    if isinstance(sender, Sender):
        await sender.open()
    realms = order.get("realms", [""])
    begun, tasks = time.perf_counter(), []
    for number in range(int(order["rate"] * order["seconds"])):
        await asyncio.sleep(max(0.0, begun + number / order["rate"] - time.perf_counter()))
        tasks.append(asyncio.create_task(sender.send(realms[number % len(realms)])))
    await asyncio.gather(*tasks)
    if isinstance(sender, Committer):
        return {"took": sender.took}
    return {"took": sender.took, "bad": sender.bad, "last": sender.last}


def at_a_rate(**order: Any) -> dict[str, Any]:
    """Runs it, for the bench."""
    command = [sys.executable, "-m", "tests.bench.load"]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(order), capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
