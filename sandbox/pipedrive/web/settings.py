"""Settings > Marketplace apps, and the app's own settings page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..company import Company, User
from ..uninstalling import uninstall
from .views import Views


class Settings:
    """Pages of a company's settings."""

    def __init__(self, views: Views) -> None:
        self.views = views

    async def apps(self, request: Request, company: Company, user: User) -> Response:
        return self.views.render(
            request, "marketplace_apps.html", company=company, user=user, told=request.query_params.get("told")
        )

    async def uninstall(self, request: Request, company: Company, user: User) -> Response:
        outcome = await uninstall(self.views.world, company.id, user.id)
        told = outcome["callback_status"] or "nothing"
        return RedirectResponse(f"/web/{company.domain}/settings/marketplace?told={told}", 303)

    async def app_settings(self, request: Request, company: Company, user: User) -> Response:
        if request.path_params["client_id"] != self.views.world.config.client_id:
            return self.views.missing(request, "App not found")
        return self.views.render(
            request, "app_settings.html", company=company, user=user, context=dict(request.query_params)
        )
