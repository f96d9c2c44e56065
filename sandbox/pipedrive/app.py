"""Puts the Pipedrive stand-in's parts together."""

from __future__ import annotations

from functools import partial

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from ..clock import Clock
from ..config import Config
from ..faults import Faults
from .api.files import storage
from .api.routes import api_routes
from .oauth import oauth_routes
from .web.routes import web_routes
from .wire import failure, unauthorized
from .world import World

PEOPLE_PATHS = (
    "/web/", "/as/", "/static/", "/oauth/authorize", "/sign-in", "/marketplace", "/theme", "/favicon.ico", "/stored/",
)  # fmt: skip
FAULT_WORDS = {
    403: "Forbidden",
    429: "Request over limit",
    500: "Internal server error",
    501: "Not implemented",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
}


def create_app(world: World, clock: Clock, faults: Faults, config: Config) -> Starlette:
    """The ASGI app of the service; faults and recording are put around it elsewhere."""
    stored = Route("/stored/{key}/{name}", partial(storage, world), methods=["GET"])
    return Starlette(routes=[*oauth_routes(world), *api_routes(world), stored, *web_routes(world)])


def fault_answer(status: int, path: str, retry_after: int | None) -> Response:
    """An injected failure in Pipedrive's own words."""
    answer = unauthorized() if status == 401 else failure(status, FAULT_WORDS.get(status, "Unknown error"))
    if status == 429:
        answer.headers.update({"x-ratelimit-limit": "80", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"})
    if retry_after is not None:
        answer.headers["retry-after"] = str(retry_after)
    return answer
