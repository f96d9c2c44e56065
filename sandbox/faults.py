"""Faults on demand: rules that tests set through the control addresses, and the middleware that carries them out."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KINDS = {"latency", "status", "lost", "hang", "reset", "error_after", "html", "ignore_requestid", "query_lag"}
NOTED = {"ignore_requestid", "query_lag"}  # the service itself acts on these, see `notes`
PAGE = "<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body>Service Unavailable</body></html>"


class BadRule(ValueError):
    """A rule that the control address must refuse."""


class ConnectionDropped(ConnectionError):
    """Stands for a closed connection where no real one exists (an app called in-process)."""


@dataclass
class Rule:
    """One fault. `times` None means until it is cleared; the first `skip` matching calls pass unharmed."""

    kind: str
    service: str | None = None
    method: str | None = None
    path: re.Pattern[str] | None = None
    company: str | None = None
    times: int | None = None
    skip: int = 0
    seconds: float = 0.0
    status: int = 500
    retry_after: int | None = None
    id: int = field(default=0)

    def concerns(self, service: str, method: str, path: str, company: str | None) -> bool:
        return (
            self.times != 0
            and self.service in (None, service)
            and self.method in (None, method)
            and (self.path is None or self.path.search(path) is not None)
            and (self.company is None or self.company == company)
        )

    def use(self) -> bool:
        """Counts one matching call; True when the fault happens to it."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


def rule_from(body: dict[str, Any]) -> Rule:
    """A rule from the JSON of POST /_sandbox/faults. Raises BadRule."""
    known = {"kind", "service", "method", "path", "company", "times", "skip", "seconds", "status", "retry_after"}
    unknown = set(body) - known
    if unknown:
        raise BadRule(f"unknown members: {', '.join(sorted(unknown))}")
    if body.get("kind") not in KINDS:
        raise BadRule(f"kind must be one of {', '.join(sorted(KINDS))}")
    company = body.get("company")
    try:
        return Rule(
            kind=body["kind"],
            service=body.get("service"),
            method=body["method"].upper() if body.get("method") else None,
            path=re.compile(body["path"]) if body.get("path") else None,
            company=None if company is None else str(company),
            times=None if body.get("times") is None else int(body["times"]),
            skip=int(body.get("skip") or 0),
            seconds=float(body.get("seconds") or 0),
            status=int(body.get("status") or (502 if body["kind"] == "html" else 500)),
            retry_after=body.get("retry_after"),
        )
    except (re.error, TypeError, ValueError, AttributeError) as error:
        raise BadRule(str(error)) from error


class Faults:
    """All rules that are in force, in the order in which they were added."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.ids = itertools.count(1)

    def add(self, rule: Rule) -> int:
        rule.id = next(self.ids)
        self.rules.append(rule)
        return rule.id

    def clear(self, identity: int | None = None) -> None:
        self.rules = [rule for rule in self.rules if identity is not None and rule.id != identity]

    def match(self, service: str, method: str, path: str, company: str | None = None) -> Iterator[Rule]:
        """The rules that happen to this call; counts it against each."""
        for rule in list(self.rules):
            if rule.concerns(service, method, path, company) and rule.use():
                yield rule


def notes(scope: Scope) -> dict[str, Any]:
    """What the layers tell each other about a call: company, fault, ignore_requestid, query_lag, items, transport."""
    found: dict[str, Any] = scope.setdefault("sandbox", {})
    return found


class FaultMiddleware:
    """Carries out the rules around the app of one service."""

    def __init__(
        self, app: ASGIApp, service: str, faults: Faults, answer: Callable[[int, str, int | None], Response]
    ) -> None:
        self.app = app
        self.service = service
        self.faults = faults
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.faults.rules:
            await self.app(scope, receive, send)
            return
        chosen: Rule | None = None
        for rule in self.faults.match(self.service, scope["method"], scope["path"], notes(scope).get("company")):
            if rule.kind == "latency":
                await asyncio.sleep(rule.seconds)
            elif rule.kind in NOTED:
                notes(scope)[rule.kind] = rule.seconds or True
            elif chosen is None:
                chosen = rule
        if chosen is None:
            await self.app(scope, receive, send)
        else:
            notes(scope)["fault"] = chosen.kind
            await self.happen(chosen, scope, receive, send)

    async def happen(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        if rule.kind == "reset":
            await drop(scope, hard=True)
        elif rule.kind == "status":
            await self.answer(rule.status, scope["path"], rule.retry_after)(scope, receive, send)
        elif rule.kind == "html":
            await HTMLResponse(PAGE, rule.status)(scope, receive, send)
        else:
            await self.after_the_work(rule, scope, receive, send)

    async def after_the_work(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self.app(scope, receive, hold)
        if rule.kind == "lost":
            await drop(scope, hard=False)
        elif rule.kind == "error_after":
            await self.answer(rule.status, scope["path"], rule.retry_after)(scope, receive, send)
        else:
            await asyncio.sleep(rule.seconds)
            for message in held:
                await send(message)


async def drop(scope: Scope, hard: bool) -> None:
    """Closes the connection without an answer; `hard` makes the peer see a reset instead of an end of file."""
    transport = notes(scope).get("transport")
    if transport is None:
        raise ConnectionDropped("the stand-in closed the connection")
    if hard:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await asyncio.sleep(0.01)  # lets the server learn of the loss, so that it does not answer 500 itself
