"""The start page, where a visitor chooses whom to be, and the Marketplace listing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from .views import COOKIE, THEME, Views


def local(path: str | None) -> str:
    """A path on this host, or the start page."""
    return path if path and path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


class Start:
    """Pages outside of any company."""

    def __init__(self, views: Views) -> None:
        self.views = views

    async def home(self, request: Request) -> Response:
        companies = [
            (company, [(user, self.views.installed(company, user)) for user in company.users.values()])
            for company in self.views.world.companies.values()
        ]
        return self.views.render(
            request, "start.html", companies=companies, next=local(request.query_params.get("next"))
        )

    def enter(self, request: Request, user_id: str, path: str | None) -> Response:
        for company in self.views.world.companies.values():
            user = company.users.get(int(user_id)) if user_id.isdigit() else None
            if user is not None:
                target = local(path)
                response = RedirectResponse(f"/web/{company.domain}/deals" if target == "/" else target, 303)
                response.set_cookie(COOKIE, f"{company.id}:{user.id}", httponly=True, samesite="lax")
                return response
        return self.views.missing(request, "There is no such person here.")

    async def sign_in(self, request: Request) -> Response:
        async with request.form() as form:
            return self.enter(request, str(form.get("user_id", "")), str(form.get("next", "/")))

    async def sign_in_as(self, request: Request) -> Response:
        """A short cut for tests and links: /as/1001?next=/web/harbourpine/deal/1."""
        return self.enter(request, request.path_params["user_id"], request.query_params.get("next"))

    async def theme(self, request: Request) -> Response:
        wanted = (await request.json()).get("theme")
        response = Response(status_code=204)
        response.set_cookie(THEME, "dark" if wanted == "dark" else "light", samesite="lax")
        return response

    async def listing(self, request: Request) -> Response:
        if request.path_params["client_id"] != self.views.world.config.client_id:
            return self.views.missing(request, "App not found")
        return self.views.render(request, "listing.html")
