"""The panel in the detail view of a deal, a person or an organization."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from integration_settings.connections import disconnect_quickbooks
from integration_settings.errors import ConnectionExpired, NotFound, ServiceError
from integration_settings.models import QuickBooksConnection
from integration_settings.rights import NotAllowed, Right, administers, rights_of
from integration_settings.selectors import deal_url, quickbooks_of
from integration_settings.tasks import know_user_soon
from integration_settings.tenancy import Visitor, framed_shell, page_token_required, shell_context
from integration_settings.tickets import connect_url
from invoices import automatic, selectors, services
from invoices.deal_gateway import deal_now, seen_deal, visible_deals
from invoices.moved_deals import bring_along
from invoices.presentation.panel import Banner, Panel, panel_of, refreshed
from invoices.presentation.panel_html import rows_html
from invoices.presentation.panel_rows import Place
from invoices.reports import zone
from invoices.selectors import FIRST, LISTED, MANY, PanelData, Resource
from invoices.tasks import hand_out, look_for_deals
from invoices.views.answers import (
    address,
    admin_names,
    no_right,
    not_seen,
    problem_fragment,
    problem_of,
    say,
)
from invoices.views.parameters import whole_number

log = logging.getLogger(__name__)

RESOURCES: tuple[Resource, ...] = ("deal", "person", "organization")


@dataclass(frozen=True, slots=True)
class Record:
    """What is open in Pipedrive. Unsigned, so nothing is shown before the user's own grant has seen it."""

    resource: Resource
    id: int


def record_in(resource: str, ids: str) -> Record | None:
    """`ids` may be a list of selected records; in a detail view it is the one that is open."""
    number = whole_number(ids.split(",", maxsplit=1)[0])
    found = next((known for known in RESOURCES if known == resource), None)
    return None if found is None or number is None else Record(found, number)


@framed_shell("panel")
def panel(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    record = record_in(request.GET.get("resource", "deal"), request.GET.get("selectedIds", ""))
    query = {"resource": record.resource, "id": record.id} if record else {"resource": "", "id": ""}
    context = {"content_url": address("embed_panel_content", **query)}
    return render(request, "invoices/panel.html", shell_context(visitor) | context)


def about_a_record(
    view: Callable[[HttpRequest, Visitor, Record], HttpResponse],
) -> Callable[[HttpRequest, Visitor], HttpResponse]:
    """For what shows the list of a record: where Pipedrive does not show that to the user, or does not answer, it is
    said in place of the list.
    """

    @wraps(view)
    def shown(request: HttpRequest, visitor: Visitor) -> HttpResponse:
        record = record_in(request.GET.get("resource", ""), request.GET.get("id", ""))
        if record is None:
            return problem_fragment(request, visitor, not_seen())
        try:
            return view(request, visitor, record)
        except ServiceError as error:
            again_url = request.get_full_path() if request.method == "GET" else ""
            return problem_fragment(request, visitor, problem_of(error), again_url=again_url)

    return shown


@page_token_required
@require_safe
@about_a_record
def content(request: HttpRequest, visitor: Visitor, record: Record) -> HttpResponse:
    """The list. With `seen`, the digest of what is shown already, an unchanged one is answered with nothing."""
    if "seen" not in request.GET:
        know_user_soon(visitor.user)
    everything = wants_all(request)
    scene = scene_of(visitor, record, everything=everything)
    shown = panel_of(scene.data, scene.place, say(), timezone.now(), everything=everything)
    if (seen := request.GET.get("seen")) and seen == shown.digest:
        return HttpResponse(status=204)
    return answer(request, visitor, record, shown, everything=everything)


@page_token_required
@require_POST
@about_a_record
def refresh(request: HttpRequest, visitor: Visitor, record: Record) -> HttpResponse:
    """Asks QuickBooks now, then answers with the list and what changed in it."""
    problem: Banner | None = None
    before = _looks(visitor, record, scene_of(visitor, record))
    if rules_id := automatic.look_sooner(visitor.company):
        hand_out(look_for_deals, rules_id)
    try:
        services.refresh_now(visitor.company)
    except ServiceError as error:
        problem = _refresh_failed(error)
    everything = wants_all(request)
    after = scene_of(visitor, record, afresh=True, everything=everything)
    changed = frozenset(key for key, look in _looks(visitor, record, after).items() if before.get(key) != look)
    shown = panel_of(
        after.data, after.place, say(), timezone.now(), changed=changed, everything=everything, problem=problem
    )
    shown = replace(shown, announce=problem.fact) if problem else refreshed(shown, say(), changed=len(changed))
    return answer(request, visitor, record, shown, everything=everything)


def _looks(visitor: Visitor, record: Record, scene: Scene) -> dict[str, selectors.Look]:
    deal_ids = None if record.resource == "deal" else scene.place.deal_titles.keys()
    place = zone(scene.data.timezone)
    return selectors.looks_of(visitor.company, record.resource, record.id, place, deal_ids=deal_ids)


@page_token_required
@require_POST
@about_a_record
def unlink(request: HttpRequest, visitor: Visitor, record: Record) -> HttpResponse:
    """Forgets which QuickBooks customer the deal's organization or person is; invoices stay as they are."""
    problem: Banner | None = None
    if party := scene_of(visitor, record).party:
        try:
            services.unlink_customer(visitor, party=party)
        except NotAllowed as denied:
            problem = Banner("error", *no_right(visitor, denied.right))
    everything = wants_all(request)
    scene = scene_of(visitor, record, everything=everything)
    shown = panel_of(scene.data, scene.place, say(), timezone.now(), everything=everything, problem=problem)
    # Translators: told once after a customer was unlinked
    said = problem.fact if problem else _("Customer unlinked")
    response = answer(request, visitor, record, replace(shown, announce=said), everything=everything)
    if problem:
        response.status_code = 403
        response["X-Fragment"] = "swap"
    return response


@page_token_required
@require_POST
@about_a_record
def disconnect(request: HttpRequest, visitor: Visitor, record: Record) -> HttpResponse:
    """Ends the connection with QuickBooks for the whole company; only an administrator's press does anything."""
    allowed = administers(visitor.user)
    if allowed:
        log.info("user %s disconnects QuickBooks", visitor.user.user_id)
        disconnect_quickbooks(visitor.company)
    everything = wants_all(request)
    scene = scene_of(visitor, record, afresh=True, everything=everything)
    shown = panel_of(scene.data, scene.place, say(), timezone.now(), everything=everything)
    if allowed:
        shown = replace(shown, announce=_("QuickBooks is disconnected"))
    return answer(request, visitor, record, shown, everything=everything)


@dataclass(frozen=True, slots=True)
class Scene:
    data: PanelData
    place: Place
    party: tuple[str, int] | None


def wants_all(request: HttpRequest) -> bool:
    """The list of “Show more”, in a window of its own."""
    return request.GET.get("all") == "1"


def scene_of(visitor: Visitor, record: Record, *, afresh: bool = False, everything: bool = False) -> Scene:
    """What the panel is made from. Raises the `ServiceError`s of Pipedrive; `NotFound` when the user may not see the
    deal.

    `afresh`: the connection may have changed since the visitor came in, and so may what he is allowed to see.
    `everything`: for the list of all.
    """
    if afresh:
        visitor = replace(visitor, connection=quickbooks_of(visitor.company))
    if record.resource == "deal":
        return _scene_of_deal(visitor, record, anew=afresh)
    return _scene_of_party(visitor, record, anew=afresh, everything=everything)


def _scene_of_deal(visitor: Visitor, record: Record, *, anew: bool) -> Scene:
    facts = (deal_now if anew else seen_deal)(visitor.user, record.id)
    if facts is None:
        raise NotFound("pipedrive", "the deal is not there or not visible to this user")
    bring_along(visitor.user, facts, anew=anew)
    data = selectors.panel(
        visitor.company,
        resource="deal",
        resource_id=record.id,
        deal_value=facts.value,
        party=facts.party,
        connection=visitor.connection,
    )
    return Scene(data, _place(visitor, record, {}), facts.party)


def _scene_of_party(visitor: Visitor, record: Record, *, anew: bool, everything: bool) -> Scene:
    """Over the deals that the user may see. Without any, nothing is said of the party: he may not see that either."""
    numbers = selectors.deals_with_invoices(visitor.company, record.resource, record.id)
    visible = visible_deals(visitor.user, numbers, anew=anew)
    titles = {deal_id: facts.title for deal_id, facts in visible.items()}
    many, first = (LISTED, LISTED) if everything else (MANY, FIRST)
    data = selectors.panel(
        visitor.company,
        resource=record.resource,
        resource_id=record.id,
        deal_ids=titles.keys(),
        connection=visitor.connection,
        first=first if sum(numbers.values()) > many else None,
    )
    if not titles:
        return Scene(replace(data, customer_name="", customer_url=""), _place(visitor, record, {}), None)
    return Scene(data, _place(visitor, record, titles), (record.resource, record.id))


def _place(visitor: Visitor, record: Record, titles: dict[int, str]) -> Place:
    connection, rights = visitor.connection, rights_of(visitor.user)
    return Place(
        resource=record.resource,
        resource_id=record.id,
        is_admin=visitor.user.is_admin,
        company_name=visitor.company.name,
        admin_names=admin_names(visitor) if _asks_administrators(connection, rights) else (),
        disconnected_here=connection is not None and connection.was_disconnected,
        country=connection.country if connection else "",
        deal_titles=titles,
        deal_urls={deal_id: deal_url(visitor.company, deal_id) for deal_id in titles},
        rights=rights,
    )


def _asks_administrators(connection: QuickBooksConnection | None, rights: frozenset[Right]) -> bool:
    return connection is None or not connection.is_connected or connection.ends_soon or Right.CREATE not in rights


def _refresh_failed(error: ServiceError) -> Banner | None:
    if isinstance(error, ConnectionExpired):
        return None  # the list itself says so, with the way back
    problem = problem_of(error)
    return Banner("warning", problem.title, _("The list is as it was when it was last checked."))


def answer(
    request: HttpRequest, visitor: Visitor, record: Record, shown: Panel, *, everything: bool = False
) -> HttpResponse:
    query: dict[str, Any] = {"resource": record.resource, "id": record.id}
    if everything:
        query["all"] = 1
    context = {
        "panel": shown,
        "rows": rows_html(shown, urlencode(query)),
        "content_url": address("embed_panel_content", **query),
        "refresh_url": address("embed_panel_refresh", **query),
        "unlink_url": address("embed_panel_unlink", **query),
        "disconnect_url": address("embed_panel_disconnect", **query),
        "account_url": address("embed_panel_account", resource=record.resource, id=record.id),
        "plan_url": address("embed_panel_plan", deal=record.id) if shown.can_invoice else "",
        "needs_connect": shown.state == "not_connected" or bool(shown.banner and shown.banner.sign_in),
    }
    if context["needs_connect"]:
        context["connect_url"] = connect_url(visitor.user)
    return render(request, "invoices/panel_content.html", context)
