"""Connecting QuickBooks in a tab of its own, and the pages that Intuit's lists of apps lead to.

The callback answers 302 only, since its address carries a code:
https://developer.intuit.com/app/developer/qbo/docs/go-live/publish-app/security-requirements
"""

from __future__ import annotations

import logging
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from integration_settings import services
from integration_settings.errors import ServiceError
from integration_settings.log_context import company_id as logged_company
from integration_settings.models import PipedriveUser, SignIn
from integration_settings.oauth import InvalidGrant, exchange_quickbooks_code, quickbooks_consent_url
from integration_settings.outcomes import lead_to
from integration_settings.rights import administers
from integration_settings.selectors import app_settings_url, company_user, pipedrive_front_door, quickbooks_of
from integration_settings.sign_ins import (
    SignInRefused,
    finish_sign_in,
    mark_browser,
    mark_of,
    named_error,
    start_sign_in,
)
from integration_settings.tasks import read_ahead_soon
from integration_settings.tickets import (
    Errand,
    TicketRefused,
    confirmation_for,
    errand_of_install,
    errand_of_ticket,
    forget_install,
    installs_for,
    is_confirmed,
    use_up,
)

log = logging.getLogger(__name__)

OUT_OF_ORDER = ("server_error", "temporarily_unavailable")


@never_cache
@require_safe
def connect(request: HttpRequest) -> HttpResponse:
    """GET /quickbooks/connect?ticket=…: a ticket of the settings page, or without one the install under way."""
    ticket = request.GET.get("ticket", "")
    try:
        errand = errand_of_ticket(ticket) if ticket else errand_of_install(request)
        if not administers(errand.user):
            return lead_to("quickbooks-no-right", user=errand.user)
        if not _may_go_on(request, errand):
            return _ask(request, errand, ticket)
        use_up(errand)
        return _to_consent(request, errand)
    except (TicketRefused, SignInRefused):
        return lead_to("quickbooks-link-used")


def _may_go_on(request: HttpRequest, errand: Errand) -> bool:
    """The person knows whose books will be connected to what: by installing just now, or by our page that says so."""
    if errand.nonce and is_confirmed(request, errand, request.GET.get("confirmed", "")):
        return True
    return not errand.switch_to and installs_for(request, errand)


def _ask(request: HttpRequest, errand: Errand, ticket: str) -> HttpResponse:
    """Names the Pipedrive company, so that nobody connects his books to a stranger's by following a link."""
    mark = mark_of(request)
    query = urlencode({"ticket": ticket, "confirmed": confirmation_for(errand, mark)})
    company = errand.user.company
    former = quickbooks_of(company)
    response = render(
        request,
        "integration_settings/connect_question.html",
        {
            "company": company,
            "user": errand.user,
            "former": former,
            "switch_to": errand.switch_name or errand.switch_to,
            "invoices_kept": company.invoices.filter(realm_id=former.realm_id).count() if former else 0,
            "go_on_url": f"{reverse('quickbooks_connect')}?{query}",
            "settings_url": app_settings_url(company),
        },
    )
    mark_browser(response, mark)
    return response


def _to_consent(request: HttpRequest, errand: Errand) -> HttpResponse:
    """Raises `SignInRefused` when the company has left meanwhile."""
    user = errand.user
    started = start_sign_in(
        request, "quickbooks", company=user.company, user_id=user.user_id, switch_to=errand.switch_to
    )
    try:
        response = HttpResponseRedirect(quickbooks_consent_url(started.state))
    except ServiceError as error:
        log.warning("Intuit's sign-in cannot be reached: %s", error)
        return lead_to("quickbooks-silent", user=user)
    mark_browser(response, started.mark)
    return response


@never_cache
@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """GET /quickbooks/callback?code=…&state=…&realmId=…, or with `error`; always a redirect."""
    try:
        begun = finish_sign_in(request, "quickbooks", request.GET.get("state", ""))
    except SignInRefused as refusal:
        log.info("QuickBooks sign-in refused: state %s", refusal.why)
        if refusal.begun is not None:
            return lead_to("quickbooks-link-used", company=refusal.begun.company)
        return lead_to("quickbooks-other-browser")
    if begun.company:
        logged_company.set(str(begun.company.pipedrive_company_id))
    user = company_user(begun.company, begun.user_id) if begun.company and begun.user_id else None
    if user is None or not administers(user):
        return lead_to("quickbooks-no-right", user=user, company=begun.company)
    code, realm_id = request.GET.get("code", ""), request.GET.get("realmId", "")
    if request.GET.get("error") or not code or not realm_id:
        return _not_agreed(request, user)
    return _connected(begun, user, code=code, realm_id=realm_id)


def _not_agreed(request: HttpRequest, user: PipedriveUser) -> HttpResponse:
    """Nobody pressed Cancel where Intuit names another reason, or none: such as keys or addresses that do not fit."""
    why = named_error(request)
    if why == "access_denied":
        return lead_to("quickbooks-cancelled", user=user)
    log.warning("QuickBooks sign-in refused: Intuit's consent ended with %s", why)
    return lead_to("quickbooks-silent" if why in OUT_OF_ORDER else "quickbooks-refused", user=user)


def _connected(begun: SignIn, user: PipedriveUser, *, code: str, realm_id: str) -> HttpResponse:
    if not (realm_id.isascii() and realm_id.isdigit() and len(realm_id) <= 32):
        return lead_to("quickbooks-refused", user=user)
    try:
        grant = exchange_quickbooks_code(code, realm_id)
        found = services.connect_books(
            user.company, realm_id=realm_id, grant=grant, by=user.name, switch_to=begun.switch_to
        )
    except InvalidGrant:
        return lead_to("quickbooks-refused", user=user)
    except ServiceError as error:
        log.warning("connecting QuickBooks failed: %s trace=%s", error, error.trace_id or "-")
        return lead_to("quickbooks-silent", user=user)
    if isinstance(found, services.OtherBooks):
        return lead_to("quickbooks-other-company", user=user, realm_id=found.realm_id, name=found.name)
    read_ahead_soon(user.company)
    response = HttpResponseRedirect(app_settings_url(user.company))
    forget_install(response)
    return response


@require_safe
def launch(request: HttpRequest) -> HttpResponse:
    """GET /quickbooks/launch: somebody opened the app from his list of apps in QuickBooks."""
    return render(request, "integration_settings/launch.html", {"front_door": pipedrive_front_door()})


@require_safe
def reconnect(request: HttpRequest) -> HttpResponse:
    """GET /quickbooks/reconnect: Intuit says the sign-in has to be renewed. Who asks is not proven here."""
    return render(request, "integration_settings/reconnect.html", {"front_door": pipedrive_front_door()})


@require_safe
def disconnected(request: HttpRequest) -> HttpResponse:
    """GET /quickbooks/disconnected: somebody removed the app in QuickBooks. A visit proves nothing, so nothing is done:
    the next call to QuickBooks finds out.
    """
    return render(request, "integration_settings/disconnected.html", {"front_door": pipedrive_front_door()})
