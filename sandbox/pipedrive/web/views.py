"""Who looks, in which theme, and how a page is made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ...pages import environment
from ..company import Company, User
from ..world import World

HERE = Path(__file__).parent.parent
COOKIE = "pipedrive_stand_in_user"
THEME = "pipedrive_stand_in_theme"
APP_NAME = "Deal invoices for QuickBooks"
MODAL_NAME = "QuickBooks invoice"
MODAL_ID = "6f0c1f0e-3a55-4d2c-9f53-6d2f4a1c7b10"
PANEL_NAME = "QuickBooks invoices"

Page = Callable[[Request, Company, User], Any]


def money(amount: Decimal | float | None, company: Company, currency: str) -> str:
    """£24,000.00; the code where there is no sign."""
    symbol = next((entry["symbol"] for entry in company.currencies if entry["code"] == currency), currency)
    space = " " if symbol.isalpha() else ""
    return f"{symbol}{space}{Decimal(str(amount or 0)):,.{company.decimals(currency)}f}"


def moment(text: str, zone: str, with_time: bool = True) -> str:
    """A stored UTC time, of either version, as the reader's clock shows it: 20 Nov 2026, 16:05."""
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    local = found.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M}" if with_time else f"{local.day} {local:%b %Y}"


class Views:
    """What every page needs: the world, the templates and the visitor."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.templates = environment(HERE / "templates")
        self.templates.filters["money"] = money
        self.templates.filters["moment"] = moment

    def visitor(self, request: Request) -> tuple[Company, User] | None:
        """Whom the visitor chose to be, if that person still exists."""
        company_id, _, user_id = request.cookies.get(COOKIE, "").partition(":")
        try:
            company = self.world.companies[int(company_id)]
            return company, company.users[int(user_id)]
        except (KeyError, ValueError):
            return None

    def theme(self, request: Request) -> str:
        return "dark" if request.cookies.get(THEME) == "dark" else "light"

    def installed(self, company: Company, user: User) -> bool:
        return (company.id, user.id) in self.world.grants.installations

    def fragment(self, name: str, **context: Any) -> str:
        return self.templates.get_template(name).render(**context)

    def render(self, request: Request, name: str, status: int = 200, **context: Any) -> Response:
        found = self.visitor(request)
        company, user = found if found else (None, None)
        given = {
            "request": request,
            "theme": self.theme(request),
            "me": user,
            "my_company": company,
            "app_installed": bool(company and user and self.installed(company, user)),
            "app_name": APP_NAME,
            "app_url": self.world.config.app_url.rstrip("/"),
            "client_id": self.world.config.client_id,
            "panel_name": PANEL_NAME,
            "modal_name": MODAL_NAME,
            "modal_id": MODAL_ID,
            "quickbooks_url": self.world.config.neighbours.get("quickbooks", ""),
        }
        html = self.fragment(name, **(given | context))
        return HTMLResponse(html, status, headers={"cache-control": "no-store"})

    def inside(self, page: Page) -> Callable[[Request], Any]:
        """Guards a page of one company: its people only; others choose who they are first."""

        async def answer(request: Request) -> Response:
            company = self.world.by_domain(request.path_params["domain"])
            if company is None:
                return self.missing(request, "There is no such company here.")
            found = self.visitor(request)
            if found is None or found[0] is not company:
                return RedirectResponse(str(URL("/").include_query_params(next=request.url.path)), 303)
            response: Response = await page(request, company, found[1])
            return response

        return answer

    def missing(self, request: Request, message: str) -> Response:
        return self.render(request, "missing.html", 404, message=message)
