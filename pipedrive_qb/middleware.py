"""For every answer an id that ties logs together, who may frame or keep it; for the operator's page a session."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import brotli
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin

from integration_settings import log_context

Handler = Callable[[HttpRequest], HttpResponse]
ACCEPTS_BROTLI = re.compile(r"\bbr\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")  # a weight of zero refuses it
WORTH_IT = 200  # bytes
PLAUSIBLE_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


def readable_id() -> str:
    """Eight figures that people can read out to each other: 7F3C-29AD."""
    figures = secrets.token_hex(4).upper()
    return f"{figures[:4]}-{figures[4:]}"


class RequestId:
    """Takes the proxy's X-Request-Id when it looks like one, else makes a short one people can read out."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if PLAUSIBLE_ID.fullmatch(given) else readable_id()
        token = log_context.request_id.set(request_id)
        company = log_context.company_id.set(log_context.NOBODY)
        try:
            response = self.get_response(request)
        finally:
            log_context.request_id.reset(token)
            log_context.company_id.reset(company)
        response["X-Request-Id"] = request_id
        return response


class ContentSecurityPolicy:
    """Pages below /embed/ may be framed by Pipedrive, all others and files by nobody; scripts and styles are ours.

    X-Frame-Options knows no list of hosts, so `frame-ancestors` decides and the old header is left out.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        embedded = request.path.startswith("/embed/")
        ancestors = " ".join(settings.PIPEDRIVE_FRAME_ANCESTORS) if embedded else "'none'"
        response["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; "
            f"frame-ancestors {ancestors}"
        )
        # No page is kept anywhere, not even one without data: Intuit's review asks for these two words on all.
        # https://developer.intuit.com/app/developer/qbo/docs/go-live/publish-app/security-requirements
        if embedded or not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-cache, no-store"
        return response


class SmallFrames:
    """Answers for frames as brotli, a seventh smaller than gzip for the same work.

    Frames have no cookie, so nobody else can make us answer and measure what came; all others are left to Django, which
    pads them.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith("/embed/") or response.streaming or response.has_header("Content-Encoding"):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        if len(response.content) >= WORTH_IT and ACCEPTS_BROTLI.search(request.headers.get("Accept-Encoding", "")):
            response.content = brotli.compress(response.content, quality=6)
            response["Content-Encoding"], response["Content-Length"] = "br", str(len(response.content))
        return response


class OnlyForOperators(MiddlewareMixin):
    """What Django's admin needs, below /admin/ alone: for all other pages there is no session and no cookie."""

    def __call__(self, request: HttpRequest) -> Any:
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        with translation.override("en"):  # as logs and figures
            response: Any = super().__call__(request)
        # With `no-referrer` browsers send forms from no origin at all, which Django's protection against CSRF refuses.
        response["Referrer-Policy"] = "same-origin"
        return response


class OperatorSession(OnlyForOperators, SessionMiddleware):
    pass


class OperatorSignIn(OnlyForOperators, AuthenticationMiddleware):
    pass


class OperatorMessages(OnlyForOperators, MessageMiddleware):
    pass
