"""The control addresses below /_sandbox, which both services offer with the same effect."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles

from .clock import Clock
from .config import Config
from .exchanges import ExchangeLog
from .faults import BadRule, Faults, rule_from
from .seeds import PAIRS
from .service import World

STATIC = Path(__file__).parent / "pages"


class Refused(Exception):
    """A wish of a test that makes no sense; answered with 400 and the reason."""


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a control call; an empty body counts as an empty object."""
    raw = await request.body()
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise Refused(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused("expected a JSON object")
    return body


async def refused(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


class Control:
    """Everything that the addresses act upon."""

    def __init__(self, clock: Clock, faults: Faults, log: ExchangeLog) -> None:
        self.clock = clock
        self.faults = faults
        self.log = log
        self.worlds: dict[str, World] = {}
        self.configs: dict[str, Config] = {}
        self.extra: list[BaseRoute] = []
        self.pairs = dict(PAIRS)

    def app(self) -> Starlette:
        routes: list[BaseRoute] = [
            Route("/reset", self.reset, methods=["POST"]),
            Route("/clock", self.move_clock, methods=["POST"]),
            Route("/clock", self.tell_clock, methods=["GET"]),
            Route("/faults", self.add_fault, methods=["POST"]),
            Route("/faults", self.clear_faults, methods=["DELETE"]),
            Route("/requests", self.tell_requests, methods=["GET"]),
            Route("/requests", self.clear_requests, methods=["DELETE"]),
            Route("/test", self.name_test, methods=["POST"]),
            Route("/app", self.set_app, methods=["POST"]),
            Route("/throttle", self.set_throttle, methods=["POST"]),
            Route("/tokens/expire", self.expire, methods=["POST"]),
            Route("/clone", self.clone, methods=["POST"]),
            Route("/grant", self.grant, methods=["POST"]),
            *self.extra,
        ]
        app = Starlette(routes=routes, exception_handlers={Refused: refused, BadRule: refused})
        app.mount("/static", StaticFiles(directory=STATIC), name="static")
        return app

    def world(self, name: object) -> World:
        if name not in self.worlds:
            raise Refused(f"service must be one of {', '.join(self.worlds)}")
        return self.worlds[str(name)]

    async def reset(self, request: Request) -> Response:
        self.clock.reset()
        self.faults.clear()
        self.log.reset()
        self.pairs = dict(PAIRS)
        for world in self.worlds.values():
            world.reset()
        return JSONResponse({"now": self.clock.now().isoformat()})

    async def move_clock(self, request: Request) -> Response:
        body = await body_of(request)
        try:
            if "set" in body:
                self.clock.set(datetime.fromisoformat(body["set"]))
            self.clock.advance(float(body.get("advance_seconds", 0)))
        except (TypeError, ValueError) as error:
            raise Refused(str(error)) from error
        return await self.tell_clock(request)

    async def tell_clock(self, request: Request) -> Response:
        return JSONResponse({"now": self.clock.now().isoformat()})

    async def add_fault(self, request: Request) -> Response:
        return JSONResponse({"id": self.faults.add(rule_from(await body_of(request)))})

    async def clear_faults(self, request: Request) -> Response:
        identity = request.query_params.get("id")
        self.faults.clear(int(identity) if identity and identity.isdigit() else None)
        return JSONResponse({"rules": len(self.faults.rules)})

    async def tell_requests(self, request: Request) -> Response:
        service = request.query_params.get("service")
        return JSONResponse([call for call in self.log.ledger if service in (None, call["service"])])

    async def clear_requests(self, request: Request) -> Response:
        self.log.reset()
        return JSONResponse({})

    async def name_test(self, request: Request) -> Response:
        self.log.test = str((await body_of(request)).get("name") or "")
        return JSONResponse({"name": self.log.test})

    async def set_app(self, request: Request) -> Response:
        """Where the app is, for an app that learns its port after the stand-ins started."""
        url = (await body_of(request)).get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise Refused("url must be an http address")
        for config in self.configs.values():
            config.app_url = url
        return JSONResponse({name: config.redirect_uri for name, config in self.configs.items()})

    async def set_throttle(self, request: Request) -> Response:
        body = await body_of(request)
        for name, config in self.configs.items():
            if body.get("service") in (None, name):
                config.throttle = bool(body.get("enabled"))
        return JSONResponse({name: config.throttle for name, config in self.configs.items()})

    async def expire(self, request: Request) -> Response:
        body = await body_of(request)
        kind = body.get("kind", "all")
        if kind not in ("access", "refresh", "all"):
            raise Refused("kind must be access, refresh or all")
        company = body.get("company")
        ended = self.world(body.get("service")).expire_tokens(None if company is None else str(company), kind)
        return JSONResponse({"expired": ended})

    async def clone(self, request: Request) -> Response:
        """A fresh pair for one test; the answers of both services together."""
        company = str((await body_of(request)).get("pipedrive_company", ""))
        if company not in self.pairs:
            raise Refused(f"pipedrive_company must be one of {', '.join(self.pairs)}")
        answer: dict[str, Any] = {}
        try:
            for name, original in (("pipedrive", company), ("quickbooks", self.pairs[company])):
                if name in self.worlds:
                    answer |= self.worlds[name].clone(original)
        except KeyError as error:
            raise Refused(f"unknown: {error}") from error
        if "pipedrive_company_id" in answer and "realm" in answer:
            self.pairs[str(answer["pipedrive_company_id"])] = answer["realm"]
        return JSONResponse(answer)

    async def grant(self, request: Request) -> Response:
        body = await body_of(request)
        try:
            return JSONResponse(self.world(body.get("service")).grant(body))
        except KeyError as error:
            raise Refused(f"unknown: {error}") from error
