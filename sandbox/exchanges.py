"""Records every call: in memory for the control addresses, and as one JSON line each when EXCHANGE_LOG names a file."""

from __future__ import annotations

import json
import os
import re
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .clock import Clock
from .faults import notes
from .service import World

SECRET = {"access_token", "refresh_token", "id_token", "token", "code", "client_secret"}
HIDDEN_HEADERS = {"cookie", "set-cookie", "x-api-token"}
HIDDEN = "<redacted>"
LEDGER_SIZE = 100_000


@dataclass
class Call:
    """One exchange while it goes on; the answer's body is gathered only if a file wants it."""

    request_body: bytearray
    response_body: bytearray
    together: int = 0
    """Calls that the service had open when this one arrived, itself among them."""
    begun: int = 0
    """The number of resets before it arrived."""
    status: int = 0
    response_headers: tuple[tuple[bytes, bytes], ...] = ()


class ExchangeLog:
    """Ledger and file, shared by both services."""

    def __init__(self, clock: Clock, file: str | None = None) -> None:
        self.clock = clock
        self.ledger: deque[dict[str, Any]] = deque(maxlen=LEDGER_SIZE)
        self.resets = 0
        self.test = ""
        self.descriptor: int | None = None
        self.open(file)

    def open(self, file: str | None) -> None:
        """Each line is written with one call in append mode, so that several processes may share the file."""
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if file else None

    def reset(self) -> None:
        """A call under way at that moment is not counted afterwards: its caller may be long dead."""
        self.ledger.clear()
        self.resets += 1

    def note(self, service: str, scope: Scope, call: Call) -> None:
        if call.begun == self.resets:
            self.count(service, scope, call)
        if self.descriptor is not None:
            query = scope["query_string"].decode("latin-1")
            line = json.dumps(self.line(service, scope, query, call), ensure_ascii=False) + "\n"
            os.write(self.descriptor, line.encode("utf-8", "surrogatepass"))

    def count(self, service: str, scope: Scope, call: Call) -> None:
        query = scope["query_string"].decode("latin-1")
        told = notes(scope)
        self.ledger.append(
            {
                "service": service,
                "method": scope["method"],
                "path": scope["path"],
                "query": query,
                "status": call.status,
                "company": told.get("company"),
                "requestid": next(iter(parse_qs(query).get("requestid", [])), None),
                "at": self.clock.now().isoformat(),
                "together": call.together,
                "fault": told.get("fault"),
                "items": told.get("items"),
            }
        )

    def line(self, service: str, scope: Scope, query: str, call: Call) -> dict[str, Any]:
        given = headers(scope["headers"])
        secrets_inside = "oauth" in scope["path"]
        token = given.get("authorization", "").partition(" ")[2]
        request, answer = text(call.request_body), text(call.response_body)
        if secrets_inside:
            request, answer = without_secrets(request), without_secrets(answer)
        record = {
            "service": service,
            "method": scope["method"],
            "url": scope["path"] + (f"?{query}" if query else ""),
            "request_headers": {name: cleaned(name, value) for name, value in given.items()},
            "request_body": request,
            "status": call.status,
            "response_headers": {name: cleaned(name, value) for name, value in headers(call.response_headers).items()},
            "response_body": answer.replace(token[:12], HIDDEN) if answer and len(token) >= 12 else answer,
        }
        name = given.get("x-sandbox-test") or self.test
        if name:
            record["test"] = name
        if notes(scope).get("fault"):
            record["fault"] = True
        return record


class ExchangeMiddleware:
    """The outermost layer of a service: knows the whole exchange, whatever happens inside."""

    def __init__(
        self, app: ASGIApp, service: str, log: ExchangeLog, world: World, people_paths: tuple[str, ...]
    ) -> None:
        self.app = app
        self.service = service
        self.log = log
        self.world = world
        self.people_paths = people_paths
        self.open_calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.introduce(scope, send)
        if scope["path"] == "/" or scope["path"].startswith(self.people_paths):
            await self.app(scope, receive, send)
            return
        call, keep = Call(bytearray(), bytearray(), begun=self.log.resets), self.log.descriptor is not None
        hear = await read_first(receive, call.request_body)
        if hear is None:
            return
        self.open_calls += 1
        call.together = self.open_calls

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status, call.response_headers = message["status"], tuple(message["headers"])
            elif keep and message["type"] == "http.response.body":
                call.response_body.extend(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, hear, tell)
        finally:
            self.open_calls -= 1
            self.log.note(self.service, scope, call)

    def introduce(self, scope: Scope, send: Send) -> None:
        """Notes the company, and the connection, which uvicorn shows only through the owner of `send`."""
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode(
            "latin-1"
        )
        notes(scope)["company"] = self.world.company_of(scope["path"], authorization)
        notes(scope)["transport"] = getattr(getattr(send, "__self__", None), "transport", None)


async def read_first(receive: Receive, body: bytearray) -> Receive | None:
    """Takes in the whole request before anybody answers it: a fault answers without having read it.

    None when its sender died on the way: half a request is none.
    """
    waiting: deque[Message] = deque()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        waiting.append(message)
        body.extend(message.get("body", b""))
        more = message.get("more_body", False)

    async def again() -> Message:
        return waiting.popleft() if waiting else await receive()

    return again


def headers(pairs: Any) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}


def cleaned(name: str, value: str) -> str:
    """The scheme of credentials stays, so that the recording can still be judged."""
    if name == "authorization":
        return f"{value.partition(' ')[0]} {HIDDEN}"
    return HIDDEN if name in HIDDEN_HEADERS else value


def text(body: bytearray) -> str | None:
    if not body:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def without_secrets(body: str | None) -> str | None:
    """Bodies of the token endpoints: a form or JSON keeps its members, but not the secret values."""
    if not body:
        return body
    if body.lstrip().startswith("{"):
        names = "|".join(SECRET)
        return re.sub(rf'("(?:{names})"\s*:\s*")[^"]*"', rf'\1{HIDDEN}"', body)
    return urlencode(
        [(name, HIDDEN if name in SECRET else value) for name, value in parse_qsl(body, keep_blank_values=True)]
    )
