"""Pages for what went wrong on our side or does not exist; with the request's id, which support can look up.

They must work whatever else does not: no database, no vendor, nothing of the visitor.
"""

from __future__ import annotations

from datetime import UTC

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language, gettext

from integration_settings.formats import format_date, format_time
from integration_settings.log_context import request_id


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _fault(
        request,
        status=404,
        title=gettext("This page does not exist"),
        text=gettext("It may have been moved, or the address is not complete. Nothing was changed."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return _fault(
        request,
        status=500,
        title=gettext("This page could not be shown"),
        text=gettext(
            "The fault is on our side and has been reported. "
            "Nothing was sent to QuickBooks by this page. Please try once more in a minute."
        ),
    )


def _fault(request: HttpRequest, *, status: int, title: str, text: str) -> HttpResponse:
    """A fragment for the place in a page that asked, a page for the frame, or a page for a tab of its own."""
    layout = "page"
    if request.path.startswith("/embed/"):
        layout = "fragment" if request.headers.get("HX-Request") == "true" else "embedded"
    now, language = timezone.now(), get_language() or "en"
    locale = "en_GB" if language == "en" else language  # whose English is not known: the month by its name
    moment = gettext("{date}, {time}").format(date=format_date(now.date(), locale), time=format_time(now, locale, UTC))
    context = {"title": title, "text": text, "code": request_id.get(), "moment": moment, "status": status}
    return render(request, f"errors/{layout}.html", context, status=status)
