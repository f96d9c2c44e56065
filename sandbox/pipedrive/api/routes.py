"""Endpoints under the addresses where Pipedrive offers them, and answers for everything else there."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ..wire import failure, unauthorized
from ..world import World
from .calls import Endpoint, Gate
from .endpoints import V1, V2

PREFIXES = {"v1": ("/api/v1", "/v1"), "v2": ("/api/v2",)}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
RETIRED = re.compile(
    r"/(deals|persons|organizations|activities|products|pipelines|stages)(/\d+|/collection|/search)?"
    r"|/deals/\d+/(activities|persons|products)(/\d+)?|/persons/\d+/(deals|activities)"
    r"|/organizations/\d+/(deals|persons|activities)|/itemSearch(/field)?"
)
"""Version 1 calls that Pipedrive stopped supporting on 2026-08-01 (changelog)."""


def api_routes(world: World) -> list[BaseRoute]:
    """Every endpoint under each of its prefixes; fixed paths stand before those with an id."""
    routes: list[BaseRoute] = []
    for endpoint in [*V1, *V2]:
        gate = Gate(world, endpoint)
        routes += [
            Route(prefix + endpoint.path, Door(gate), methods=[endpoint.method]) for prefix in PREFIXES[endpoint.api]
        ]
    for prefix in (prefix for names in PREFIXES.values() for prefix in names):
        routes.append(Route(prefix + "/{rest:path}", nothing_here(world, prefix), methods=METHODS))
    return [*routes, *(Route(prefix + "/{rest:path}", unknown, methods=METHODS) for prefix in ("/v2", "/api"))]


async def unknown(request: Request) -> Response:
    """On a company's host version 2 lives below /api only."""
    return failure(404, "Unknown method.")


class Door:
    """An ASGI app around a gate: Starlette would add HEAD to plain functions."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.gate(Request(scope, receive))
        await response(scope, receive, send)


def offered(endpoints: list[Endpoint], path: str) -> bool:
    patterns = (re.sub(r"\{\w+\}", "[^/]+", endpoint.path) for endpoint in endpoints)
    return any(re.fullmatch(pattern, path) for pattern in patterns)


def nothing_here(world: World, prefix: str) -> Callable[[Request], Awaitable[Response]]:
    """Retired, wrong method, or never there."""

    async def answer(request: Request) -> Response:
        token = request.headers.get("authorization", "").partition(" ")[2]
        if world.grants.by_access(token) is None:
            return unauthorized()
        path = request.url.path.removeprefix(prefix)
        if prefix != "/api/v2" and RETIRED.fullmatch(path):
            return failure(410, "This endpoint is no longer available. Use API v2 instead.")
        if offered(V2 if prefix == "/api/v2" else V1, path):
            return failure(405, "Method not allowed")
        return failure(404, "Unknown method.")

    return answer
