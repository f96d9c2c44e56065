"""Public pages: what the app is, and the texts that both vendors' marketplaces ask for."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integration_settings.outcomes import about_from, outcome
from integration_settings.selectors import pipedrive_front_door
from integration_settings.views.faults import page_not_found


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "integration_settings/home.html")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "integration_settings/privacy.html", {"reports_faults": bool(settings.SENTRY_DSN)})


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "integration_settings/terms.html")


@require_safe
def support(request: HttpRequest) -> HttpResponse:
    context = {"front_door": pipedrive_front_door(), "address": settings.SUPPORT_EMAIL}
    return render(request, "integration_settings/support.html", context)


@require_safe
def sign_in_outcome(request: HttpRequest, slug: str) -> HttpResponse:
    """GET /sign-in/<how it ended>?about=<signed: whom it concerns>"""
    found = outcome(slug, about_from(request.GET.get("about", "")))
    if found is None:
        return page_not_found(request)
    return render(request, "integration_settings/outcome.html", {"outcome": found})
