"""Addresses and signed tokens of the app's frames.

Rests on https://pipedrive.readme.io/docs/custom-ui-extensions.
"""

from __future__ import annotations

import json
import time
import uuid
from urllib.parse import urlencode

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..company import Company, User
from ..wire import Record
from ..world import World
from .views import Views

PATHS = {"panel": "/embed/panel", "modal": "/embed/invoice", "settings": "/embed/settings"}
RESOURCES = {"deal", "person", "organization"}


def signed_token(world: World, company: Company, user: User) -> str:
    """HS256 with the client secret; real time, since the app in its own process does not share the stand-ins' clock."""
    now = int(time.time())
    claims = {"userId": user.id, "companyId": company.id, "iat": now, "exp": now + world.frame_token_seconds}
    return jwt.encode(claims, world.config.client_secret, algorithm="HS256")


def frame(world: World, company: Company, user: User, wanted: Record) -> Record:
    """Id and address of a fresh frame. `resource` and `selectedIds` are missing where a modal is opened by command."""
    number = uuid.uuid4().hex
    query = {"id": number, "token": signed_token(world, company, user), "userId": user.id, "companyId": company.id}
    if wanted.get("resource") in RESOURCES:
        query |= {"resource": wanted["resource"], "view": "details", "selectedIds": wanted["selectedIds"]}
    query["theme"] = "dark" if wanted.get("theme") == "dark" else "light"
    if wanted.get("data") is not None:
        query["data"] = json.dumps(wanted["data"], ensure_ascii=False, separators=(",", ":"))
    for name, value in (wanted.get("context") or {}).items():
        query.setdefault(name, value)
    return {"id": number, "url": f"{world.config.app_url.rstrip('/')}{PATHS[wanted['kind']]}?{urlencode(query)}"}


class Frames:
    """What the host script asks the server for."""

    def __init__(self, views: Views) -> None:
        self.views = views

    async def open(self, request: Request, company: Company, user: User) -> Response:
        wanted = await request.json()
        if not isinstance(wanted, dict) or wanted.get("kind") not in PATHS:
            return JSONResponse({"error": "unknown frame"}, 400)
        if not self.views.installed(company, user):
            return JSONResponse({"error": "not installed"}, 403)
        return JSONResponse(frame(self.views.world, company, user, wanted))

    async def token(self, request: Request, company: Company, user: User) -> Response:
        if not self.views.installed(company, user):
            return JSONResponse({"error": "not installed"}, 403)
        return JSONResponse({"token": signed_token(self.views.world, company, user)})
