"""The OAuth server: token and revoke endpoints.

Rests on https://pipedrive.readme.io/docs/marketplace-oauth-authorization, …/docs/app-uninstallation and
…/docs/marketplace-oauth-and-api-proxy-status-codes.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .wire import Record
from .world import World


class TokenError(Exception):
    """An answer of 400; the message is one of the documented ones."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def answer(self) -> Response:
        return JSONResponse({"success": False, "message": self.message, "error": self.code}, 400)


async def form_of(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise TokenError("invalid_request", "Invalid request: content must be application/x-www-form-urlencoded")
    async with request.form() as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def check_client(request: Request, form: dict[str, str], world: World) -> None:
    """Basic credentials, or both in the body. Raises TokenError."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    client_id, secret = form.get("client_id"), form.get("client_secret")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise TokenError("invalid_client", "Invalid client: cannot retrieve client credentials") from error
    if not client_id or not secret:
        raise TokenError("invalid_client", "Invalid client: cannot retrieve client credentials")
    expected = f"{world.config.client_id}:{world.config.client_secret}".encode()
    if not secrets.compare_digest(f"{client_id}:{secret}".encode(), expected):
        raise TokenError("invalid_client", "Invalid client: client is invalid")


def needed(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise TokenError("invalid_request", f"Missing parameter: {name}")
    return form[name]


def exchange_code(form: dict[str, str], world: World) -> Record:
    """A code works once; trying it twice leaves what the first time gave."""
    grants = world.grants
    value = needed(form, "code")
    redirect_uri = needed(form, "redirect_uri")
    if urlsplit(redirect_uri).scheme not in ("http", "https"):
        raise TokenError("invalid_request", "Invalid request: redirect_uri is not a valid URI")
    code = grants.codes.get(value)
    if code is None:
        raise TokenError("invalid_grant", "Invalid grant: authorization_code is invalid")
    if grants.clock.now() >= code.expires:
        raise TokenError("invalid_grant", "Invalid grant: authorization_code has expired")
    if redirect_uri != code.redirect_uri:
        raise TokenError("invalid_request", "Invalid request: redirect_uri is invalid")
    del grants.codes[value]
    return world.token_answer(grants.install(code.company_id, code.user_id))


def refresh(form: dict[str, str], world: World) -> Record:
    installation = world.grants.by_refresh(needed(form, "refresh_token"))
    if installation is None:
        raise TokenError("invalid_grant", "Invalid grant: refresh_token is invalid")
    return world.token_answer(installation)


def oauth_routes(world: World) -> list[BaseRoute]:
    async def token(request: Request) -> Response:
        try:
            form = await form_of(request)
            check_client(request, form, world)
            kind = needed(form, "grant_type")
            if kind == "authorization_code":
                answer = exchange_code(form, world)
            elif kind == "refresh_token":
                answer = refresh(form, world)
            else:
                raise TokenError("unsupported_grant_type", "Unsupported grant type")
        except TokenError as error:
            return error.answer()
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    async def revoke(request: Request) -> Response:
        """200 for unknown tokens too (RFC 7009)."""
        try:
            form = await form_of(request)
            check_client(request, form, world)
            world.grants.revoke(needed(form, "token"))
        except TokenError as error:
            return error.answer()
        return Response(status_code=200)

    return [Route("/oauth/token", token, methods=["POST"]), Route("/oauth/revoke", revoke, methods=["POST"])]
