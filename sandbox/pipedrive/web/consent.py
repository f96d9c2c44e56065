"""The consent page of OAuth. Rests on https://pipedrive.readme.io/docs/marketplace-oauth-authorization."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ..grants import SCOPES
from .views import Views

WORDS = {
    "base": "Read who you are and which company you work for",
    "deals:full": "Read, change and add deals, and notes and files on them",
    "contacts:read": "Read people and organizations",
    "products:read": "Read products",
}


class Consent:
    """Shows what the app asks for, and sends the answer to its callback."""

    def __init__(self, views: Views) -> None:
        self.views = views

    def refusal(self, client_id: str | None, redirect_uri: str | None) -> Response | None:
        """Only the registered app, and only its registered address, letter by letter."""
        config = self.views.world.config
        if client_id != config.client_id:
            return JSONResponse({"error": "App cannot be installed for requested company"}, 400)
        if redirect_uri != config.redirect_uri:
            return JSONResponse({"error": "Invalid redirect URL"}, 400)
        return None

    async def ask(self, request: Request) -> Response:
        query = request.query_params
        refused = self.refusal(query.get("client_id"), query.get("redirect_uri"))
        if refused is not None:
            return refused
        found = self.views.visitor(request)
        if found is None:
            return RedirectResponse("/?" + urlencode({"next": f"{request.url.path}?{request.url.query}"}), 303)
        scopes = [(name, WORDS[name]) for name in SCOPES]
        return self.views.render(
            request,
            "consent.html",
            company=found[0],
            user=found[1],
            scopes=scopes,
            query=query,
            host=urlsplit(query["redirect_uri"]).netloc,
        )

    async def decide(self, request: Request) -> Response:
        async with request.form() as form:
            given = {name: value for name, value in form.items() if isinstance(value, str)}
        refused = self.refusal(given.get("client_id"), given.get("redirect_uri"))
        found = self.views.visitor(request)
        if refused is not None or found is None:
            return refused or RedirectResponse("/", 303)
        if given.get("decision") == "allow":
            company, user = found
            answer = {"code": self.views.world.grants.issue_code(company.id, user.id, given["redirect_uri"])}
        else:
            answer = {"error": "user_denied"}
        if "state" in given:
            answer["state"] = given["state"]
        joint = "&" if urlsplit(given["redirect_uri"]).query else "?"
        return RedirectResponse(given["redirect_uri"] + joint + urlencode(answer), 302)
