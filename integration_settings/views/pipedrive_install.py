"""Installing from Pipedrive, and Pipedrive's word that somebody uninstalled.

https://pipedrive.readme.io/docs/app-installation-flows and https://pipedrive.readme.io/docs/app-uninstallation
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import secrets
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from integration_settings import services
from integration_settings.api_hosts import UntrustedHost
from integration_settings.errors import ServiceError
from integration_settings.log_context import company_id as logged_company
from integration_settings.models import PipedriveUser
from integration_settings.oauth import InvalidGrant, exchange_pipedrive_code, pipedrive_consent_url
from integration_settings.outcomes import lead_to
from integration_settings.patience import patiently
from integration_settings.selectors import app_settings_url, quickbooks_of
from integration_settings.sign_ins import (
    SignInRefused,
    finish_sign_in,
    led_to,
    mark_browser,
    named_error,
    start_sign_in,
)
from integration_settings.tickets import remember_install

log = logging.getLogger(__name__)

DENIED = ("user_denied", "access_denied")  # the first by its documents, the second by its own client


@never_cache
@require_safe
def install(request: HttpRequest) -> HttpResponse:
    """GET /pipedrive/install: the Installation URL of the listing; leads to Pipedrive's consent."""
    started = start_sign_in(request, "pipedrive")
    response = HttpResponseRedirect(pipedrive_consent_url(started.state))
    mark_browser(response, started.mark)
    return response


@csrf_exempt  # DELETE comes from Pipedrive's servers and proves itself by Basic credentials
@never_cache
@require_http_methods(["GET", "HEAD", "DELETE"])
def callback(request: HttpRequest) -> HttpResponse:
    """GET after the consent, DELETE after an uninstall: Pipedrive knows one address for both."""
    return _uninstalled(request) if request.method == "DELETE" else _consented(request)


def _consented(request: HttpRequest) -> HttpResponse:
    state, code = request.GET.get("state", ""), request.GET.get("code", "")
    if code and not state:
        # Begun at the Marketplace without us: nothing ties the code to this browser, so it is not used.
        return HttpResponseRedirect(reverse("pipedrive_install"))
    try:
        begun = finish_sign_in(request, "pipedrive", state)
    except SignInRefused as refusal:
        return _refused(request, refusal)
    if request.GET.get("error") or not code:
        return _not_agreed(request)
    try:
        user = services.install(exchange_pipedrive_code(code))
    except (InvalidGrant, UntrustedHost) as error:
        # A foreign host is a misconfiguration or an attack; the person cannot tell nor help it.
        log.log(
            logging.ERROR if isinstance(error, UntrustedHost) else logging.INFO, "install: %s", type(error).__name__
        )
        return lead_to("pipedrive-refused")
    except ServiceError as error:
        log.warning("install failed: %s trace=%s", error, error.trace_id or "-")
        return lead_to("pipedrive-silent")
    patiently(partial(led_to, begun, user.company, user.user_id))
    return patiently(partial(_onwards, request, user))


def _refused(request: HttpRequest, refusal: SignInRefused) -> HttpResponse:
    log.info("install refused: state %s", refusal.why)
    if request.GET.get("error") and refusal.why == "missing":
        return _not_agreed(request)
    if refusal.begun is not None:
        return lead_to("pipedrive-link-used", company=refusal.begun.company)
    return lead_to("pipedrive-other-browser")


def _not_agreed(request: HttpRequest) -> HttpResponse:
    """Nobody pressed Cancel where Pipedrive names another reason, or none: that is the operator's to find."""
    why = named_error(request)
    if why in DENIED:
        return lead_to("pipedrive-cancelled")
    log.warning("install refused: Pipedrive's consent ended with %s", why)
    return lead_to("pipedrive-refused")


def _onwards(request: HttpRequest, user: PipedriveUser) -> HttpResponse:
    """Straight on to QuickBooks while the company has no living connection and this user may make one."""
    connection = quickbooks_of(user.company)
    if user.is_admin and (connection is None or not connection.is_connected):
        response = HttpResponseRedirect(reverse("quickbooks_connect"))
        remember_install(request, response, user)
        return response
    return HttpResponseRedirect(app_settings_url(user.company))


def _uninstalled(request: HttpRequest) -> HttpResponse:
    if not _is_pipedrive(request):
        log.warning("an uninstall is refused: it does not prove itself with the app's id and PIPEDRIVE_CLIENT_SECRET")
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="Pipedrive"'})
    try:
        body = json.loads(request.body)
        client_id, company_id, user_id = body["client_id"], body["company_id"], body["user_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return _names_nobody(400)
    if client_id != settings.PIPEDRIVE_CLIENT_ID:
        return _names_nobody(401)
    if type(company_id) is not int or type(user_id) is not int:
        return _names_nobody(400)
    logged_company.set(str(company_id))
    services.uninstall(pipedrive_company_id=company_id, user_id=user_id)
    return HttpResponse(status=204)


def _names_nobody(status: int) -> HttpResponse:
    """Pipedrive does not look at the answer, so the log alone can tell that somebody's data stays."""
    log.warning("an uninstall is refused: it is Pipedrive's, and does not name app, company and user as they should be")
    return HttpResponse(status=status)


def _is_pipedrive(request: HttpRequest) -> bool:
    """Basic credentials of the app itself, compared in constant time."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        given = b""
    expected = f"{settings.PIPEDRIVE_CLIENT_ID}:{settings.PIPEDRIVE_CLIENT_SECRET}".encode()
    return secrets.compare_digest(given, expected) and scheme.lower() == "basic"
