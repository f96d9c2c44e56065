"""The one door: whoever is not proven here is nobody, and every embedded view gets its company from here alone.

Pipedrive opens our frame with a token signed with our secret (company and user, five minutes). We verify it once and
hand the page a token of our own that it sends with each request; no cookie takes part, so there is nothing that another
site could ride on. Query parameters such as `companyId` are never looked at.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec
from zoneinfo import ZoneInfo

import jwt
from django.conf import settings
from django.core import signing
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integration_settings.call_slots import one_caller
from integration_settings.clock import zone_called
from integration_settings.formats import language_tag, read_as
from integration_settings.kept_lists import read_once
from integration_settings.log_context import company_id as logged_company
from integration_settings.models import Company, PipedriveUser, QuickBooksConnection
from integration_settings.prepared import Prepared

log = logging.getLogger(__name__)

Surface = Literal["panel", "invoice", "settings"]
SURFACES: tuple[Surface, ...] = ("panel", "invoice", "settings")
PAGE_TOKEN_SECONDS = 30 * 60
PAGE_TOKEN_SALT = "page-token"  # noqa: S105  # names the purpose of the signature
CLOCK_SKEW_SECONDS = 30
LONGEST_LOCALE = 16

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, "Visitor", Arguments], HttpResponse]


@dataclass(frozen=True)
class Visitor:
    """A proven user of a proven company, looking at one of our pages inside Pipedrive."""

    company: Company
    user: PipedriveUser
    surface: Surface
    connection: QuickBooksConnection | None  # also one that has ended; None before the first


class NotProven(Exception):
    """No token, or one that proves nothing. `not_installed`: it proves a user, who has not installed the app."""

    def __init__(self, why: str, *, not_installed: bool = False) -> None:
        super().__init__(why)
        self.not_installed = not_installed


def visitor_from_pipedrive(token: str, surface: Surface) -> Visitor:
    """The visitor that Pipedrive's signed token names; raises `NotProven`, and tells the log why.

    HS256 with the app's secret, claims `userId` and `companyId`: https://pipedrive.readme.io/docs/custom-ui-extensions
    """
    if not settings.PIPEDRIVE_JWT_SECRET:
        raise NotProven("no secret is configured")
    try:
        claims = jwt.decode(
            token,
            settings.PIPEDRIVE_JWT_SECRET,
            algorithms=["HS256"],
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["exp"], "verify_aud": False, "verify_sub": False},
        )
    except jwt.PyJWTError as error:
        # One is a page left open, many are a clock that is wrong, or a secret: people see the same in all cases.
        log.warning("Pipedrive's token for the %s opens nothing: %s", surface, type(error).__name__)
        raise NotProven(type(error).__name__) from error
    company_id, user_id = claims.get("companyId"), claims.get("userId")
    if type(company_id) is not int or type(user_id) is not int:  # a bool is an int to isinstance
        raise NotProven("claims")
    return _visitor(company_id, user_id, surface)


def issue_page_token(visitor: Visitor) -> str:
    """Our own proof for the requests of one page, good for half an hour."""
    content = {"c": visitor.company.pipedrive_company_id, "u": visitor.user.user_id, "s": visitor.surface}
    return signing.dumps(content, salt=PAGE_TOKEN_SALT, compress=False)


def shell_context(visitor: Visitor) -> dict[str, Any]:
    """What `base_embedded.html` needs."""
    return {"visitor": visitor, "page_token": issue_page_token(visitor), "page_token_seconds": PAGE_TOKEN_SECONDS}


def visitor_from_page_token(token: str) -> Visitor:
    """The visitor named by a token of `issue_page_token`; raises `NotProven`, also after an uninstall."""
    try:
        content = signing.loads(token, salt=PAGE_TOKEN_SALT, max_age=PAGE_TOKEN_SECONDS)
        company_id, user_id, surface = content["c"], content["u"], content["s"]
    except (signing.BadSignature, KeyError, TypeError) as error:
        raise NotProven(type(error).__name__) from error
    return _visitor(company_id, user_id, surface)


def _visitor(company_id: int, user_id: int, surface: Surface) -> Visitor:
    user = next(iter(_with_company(company_id, user_id)), None)
    if user is None or not user.is_connected:
        log.info("company %s: user %s has not installed the app, or has to again", company_id, user_id)
        raise NotProven("not installed", not_installed=True)
    connection: QuickBooksConnection | None = getattr(user.company, "quickbooks", None)
    return Visitor(user.company, user, surface, connection)


@Prepared
def _with_company(company_id: int, user_id: int) -> QuerySet[PipedriveUser]:
    """All that every request needs, at once; the tokens that only a refresh needs are read, and decrypted, by it."""
    users = PipedriveUser.objects.select_related("company__quickbooks", "company__settings")
    found = users.filter(company__pipedrive_company_id=company_id, user_id=user_id)
    return found.defer("refresh_token", "company__quickbooks__refresh_token")


def framed_shell(surface: Surface) -> Callable[[View[Arguments]], Callable[..., HttpResponse]]:
    """For the first GET of a frame: Pipedrive's token stands in the address. The view gets (request, visitor)."""

    def decorate(view: View[Arguments]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def door(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
            if request.method not in ("GET", "HEAD"):
                return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
            try:
                visitor = visitor_from_pipedrive(request.GET.get("token", ""), surface)
                return _enter(view, request, visitor, args, kwargs)
            except NotProven as refusal:
                return render(
                    request,
                    "integration_settings/not_proven.html",
                    {"not_installed": refusal.not_installed, "surface": surface, "page_token": ""},
                    status=401,
                )

        return door

    return decorate


def page_token_required(view: View[Arguments]) -> Callable[..., HttpResponse]:
    """For all that a page asks for later: `Authorization: Bearer <page token>`. The view gets (request, visitor, …)."""

    @csrf_exempt  # nothing ambient authenticates here, so there is nothing to forge
    @wraps(view)
    def door(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme != "Bearer":
                raise NotProven("no token")
            visitor = visitor_from_page_token(token)
            return _enter(view, request, visitor, args, kwargs)
        except NotProven as refusal:
            if not refusal.not_installed:  # else it is told already, with whom it concerns
                log.info("a request without proof is refused: %s", refusal)
            return not_proven_fragment(request, not_installed=refusal.not_installed)

    return door


def not_proven_fragment(request: HttpRequest, *, not_installed: bool) -> HttpResponse:
    """What a page gets for a request without proof; the header tells it to fetch a new token and try once more."""
    response = render(
        request, "integration_settings/fragments/not_proven.html", {"not_installed": not_installed}, status=401
    )
    response["X-Page-Token"] = "expired"
    return response


@csrf_exempt
@require_POST
def renew_page_token(request: HttpRequest) -> JsonResponse:
    """POST /embed/token {"token": Pipedrive's signed token, "surface"} -> {"page_token", "expires_in"}."""
    try:
        body = json.loads(request.body)
        token, surface = body["token"], body["surface"]
        if not isinstance(token, str) or surface not in SURFACES:
            raise ValueError
        visitor = visitor_from_pipedrive(token, surface)
    except (ValueError, KeyError, TypeError, RecursionError, NotProven):
        return JsonResponse({"error": "not proven"}, status=401)
    return JsonResponse({"page_token": issue_page_token(visitor), "expires_in": PAGE_TOKEN_SECONDS})


def language_of(user: PipedriveUser) -> str:
    """The nearest language that we speak to the one the user reads Pipedrive in."""
    try:
        return translation.get_supported_language_variant(user.language.lower().replace("_", "-"))
    except LookupError:
        return settings.LANGUAGE_CODE


def zone_of(visitor: Visitor) -> ZoneInfo:
    """The QuickBooks company's time zone, before the first connection the user's own."""
    of_company = zone_called(visitor.connection.timezone) if visitor.connection else None
    return of_company or zone_called(visitor.user.timezone) or ZoneInfo("UTC")


def _locale_of(request: HttpRequest, user: PipedriveUser) -> str:
    """That of the page which asks: its script and whoever types in it write figures in it, also when the person has
    chosen another one in Pipedrive since the page was opened.
    """
    of_page = request.headers.get("X-Page-Locale", "")
    return user.locale if of_page in ("", language_tag(user.locale)) else of_page[:LONGEST_LOCALE]


def _enter(view: View[Any], request: HttpRequest, visitor: Visitor, args: Any, kwargs: Any) -> HttpResponse:
    """Raises `NotProven` when the visitor or his company leaves us meanwhile and the view misses what went with it."""
    logged_company.set(str(visitor.company.pipedrive_company_id))
    reader = read_as(_locale_of(request, visitor.user), zone_of(visitor), zone_called(visitor.user.timezone))
    with translation.override(language_of(visitor.user)), reader, read_once(), one_caller():
        try:
            response = view(request, visitor, *args, **kwargs)
        except (ObjectDoesNotExist, IntegrityError) as error:
            if PipedriveUser.objects.filter(pk=visitor.user.pk).exists():
                raise
            log.info("the company or user has left while the page was made")
            raise NotProven("left in this very moment", not_installed=True) from error
        response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response
