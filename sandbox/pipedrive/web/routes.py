"""Addresses of the pages."""

from __future__ import annotations

from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ..world import World
from .consent import Consent
from .frames import Frames
from .records import Records
from .settings import Settings
from .start import Start
from .views import HERE, Views


def web_routes(world: World) -> list[BaseRoute]:
    views = Views(world)
    start, consent, records = Start(views), Consent(views), Records(views)
    settings, frames = Settings(views), Frames(views)
    company = [
        ("/deals", records.deals, "GET"),
        ("/deal/{id:int}", records.deal, "GET"),
        ("/deal/{id:int}/live", records.deal_live, "GET"),
        ("/deal/{id:int}/change", records.change_deal, "POST"),
        ("/person/{id:int}", records.person, "GET"),
        ("/organization/{id:int}", records.organization, "GET"),
        ("/settings/marketplace", settings.apps, "GET"),
        ("/settings/marketplace/uninstall", settings.uninstall, "POST"),
        ("/settings/marketplace/app/{client_id}/app-settings", settings.app_settings, "GET"),
        ("/frames", frames.open, "POST"),
        ("/frames/token", frames.token, "POST"),
    ]
    return [
        Route("/", start.home),
        Route("/sign-in", start.sign_in, methods=["POST"]),
        Route("/as/{user_id}", start.sign_in_as),
        Route("/theme", start.theme, methods=["POST"]),
        Route("/marketplace/app/{client_id}", start.listing),
        Route("/oauth/authorize", consent.ask, methods=["GET"]),
        Route("/oauth/authorize", consent.decide, methods=["POST"]),
        *(Route("/web/{domain}" + path, views.inside(page), methods=[method]) for path, page, method in company),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
