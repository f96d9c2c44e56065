"""The page where a user chooses the company and agrees, or not."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ..config import Config
from .oauth import AUTHORIZE
from .templates import TEMPLATES
from .world import World

SCOPE = "com.intuit.quickbooks.accounting"
ASKED = ("client_id", "response_type", "scope", "redirect_uri", "state")
NOT_FRAMED = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Consent:
    def __init__(self, world: World, config: Config) -> None:
        self.world = world
        self.config = config

    def routes(self) -> list[Route]:
        return [Route(AUTHORIZE, self.ask, methods=["GET"]), Route(AUTHORIZE, self.decide, methods=["POST"])]

    async def ask(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name, "") for name in ASKED}
        refused = self.refuse(asked)
        if refused is not None:
            return refused
        companies = [(books.realm, books.company["CompanyName"], books.country) for books in self.world.books.values()]
        page = TEMPLATES.get_template("consent.html").render(
            asked=asked, companies=companies, app_url=self.config.app_url
        )
        return HTMLResponse(page, headers=NOT_FRAMED)

    async def decide(self, request: Request) -> Response:
        form = await request.form()
        asked = {name: str(form.get(name, "")) for name in ASKED}
        refused = self.refuse(asked)
        if refused is not None:
            return refused
        if form.get("decision") != "connect":
            return self.back(asked, {"error": "access_denied"})
        realm = str(form.get("realm", ""))
        if realm not in self.world.books:
            return self.problem("Choose a company first.")
        code = self.world.grants.new_code(realm, asked["redirect_uri"])
        return self.back(asked, {"code": code, "realmId": realm})

    def refuse(self, asked: dict[str, str]) -> Response | None:
        """A wrong client or address is told to the user, never to the address; the rest goes back to the app."""
        if asked["client_id"] != self.config.client_id:
            return self.problem("The app that sent you here is not known (client_id).")
        if asked["redirect_uri"] != self.config.redirect_uri:
            return self.problem("The redirect_uri is not one of those registered for the app, letter by letter.")
        if asked["response_type"] != "code":
            return self.back(asked, {"error": "unsupported_response_type"})
        if SCOPE not in asked["scope"].split():
            return self.back(asked, {"error": "invalid_scope"})
        if not asked["state"]:
            return self.back(asked, {"error": "invalid_request"})
        return None

    def back(self, asked: dict[str, str], answer: dict[str, str]) -> Response:
        query = urlencode({**answer, **({"state": asked["state"]} if asked["state"] else {})})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 302, {"Cache-Control": "no-store"})

    def problem(self, text: str) -> Response:
        page = TEMPLATES.get_template("problem.html").render(text=text)
        return HTMLResponse(page, 400, NOT_FRAMED)
