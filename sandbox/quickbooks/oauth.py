"""Discovery document and the endpoints for tokens, at the vendor's paths."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..config import Config
from .grants import Grants, InvalidGrant
from .wire import trace_id

AUTHORIZE, TOKEN, REVOKE = "/connect/oauth2", "/oauth2/v1/tokens/bearer", "/v2/oauth2/tokens/revoke"
HARD_END_HEADER = "x-include-refresh-token-hard-expires-in"


def told(body: object, status: int = 200) -> JSONResponse:
    headers = {"intuit_tid": trace_id(), "Cache-Control": "no-store", "Pragma": "no-cache"}
    return JSONResponse(body, status, headers)


class OAuth:
    def __init__(self, grants: Grants, config: Config) -> None:
        self.grants = grants
        self.config = config

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid_configuration", self.discovery),
            Route("/.well-known/openid_configuration/", self.discovery),
            Route("/.well-known/openid_sandbox_configuration", self.discovery),
            Route("/.well-known/openid_sandbox_configuration/", self.discovery),
            Route("/op/v1/jwks", self.keys),
            Route("/v1/openid_connect/userinfo", self.userinfo),
            Route(TOKEN, self.token, methods=["POST"]),
            Route(REVOKE, self.revoke, methods=["POST"]),
        ]

    async def discovery(self, request: Request) -> Response:
        url = self.config.url
        return told(
            {
                "issuer": f"{url}/op/v1",
                "authorization_endpoint": url + AUTHORIZE,
                "token_endpoint": url + TOKEN,
                "userinfo_endpoint": f"{url}/v1/openid_connect/userinfo",
                "revocation_endpoint": url + REVOKE,
                "jwks_uri": f"{url}/op/v1/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile", "address", "phone"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
            }
        )

    async def keys(self, request: Request) -> Response:
        return told({"keys": []})

    async def userinfo(self, request: Request) -> Response:
        """Nobody here grants the OpenID scopes, so nobody learns who the user is."""
        return told({"error": "insufficient_scope"}, 401)

    async def token(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return told({"error": "invalid_request"}, 400)
        form = dict(parse_qsl((await request.body()).decode("latin-1"), keep_blank_values=True))
        if not self.knows_client(request, form):
            return told({"error": "invalid_client"}, 401)
        try:
            if form.get("grant_type") == "authorization_code":
                tokens = self.grants.exchange(form.get("code", ""), form.get("redirect_uri", ""))
            elif form.get("grant_type") == "refresh_token":
                tokens = self.grants.refresh(form.get("refresh_token", ""))
            else:
                return told({"error": "unsupported_grant_type"}, 400)
        except InvalidGrant:
            return told({"error": "invalid_grant"}, 400)
        wants_hard_end = request.headers.get(HARD_END_HEADER, "").lower() == "true"
        return told(self.grants.answer(tokens, wants_hard_end))

    async def revoke(self, request: Request) -> Response:
        """Takes JSON or a form; either kind of token ends the whole grant."""
        body = (await request.body()).decode("latin-1")
        form: dict[str, str] = {}
        if request.headers.get("content-type", "").startswith("application/json"):
            try:
                form = {str(name): str(value) for name, value in json.loads(body).items()}
            except (ValueError, AttributeError):
                return told({"error": "invalid_request"}, 400)
        else:
            form = dict(parse_qsl(body))
        if not self.knows_client(request, form):
            return told({"error": "invalid_client"}, 401)
        grant = self.grants.find(form.get("token", ""))
        if grant is None:
            return told({"error": "invalid_request"}, 400)
        self.grants.end(grant)
        return told({"statuscode": "200"})

    def knows_client(self, request: Request, form: dict[str, str]) -> bool:
        identity, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                identity, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return False
        return identity == self.config.client_id and hmac.compare_digest(
            secret.encode(), self.config.client_secret.encode()
        )
