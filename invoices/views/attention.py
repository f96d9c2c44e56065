"""The desk of the settings: what needs somebody, repaired once for all that it stopped; what waits; what happened.

Administrators see all of the company, the others what they asked for themselves (`attention.desk_of`). Whoever may
create invoices repairs and puts away what he sees; to hurry or to cancel something takes no right, it is his own.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from integration_settings import reference
from integration_settings.errors import ConnectionExpired, ServiceError
from integration_settings.forms import lost_mappings
from integration_settings.pipedrive_fields import pipedrive_fields
from integration_settings.profile import profile_of
from integration_settings.reference import AS_STORED, Item
from integration_settings.rights import NotAllowed, administers
from integration_settings.selectors import settings_of
from integration_settings.tenancy import Visitor, page_token_required
from integration_settings.tickets import connect_url
from invoices import attention, ready_deals, repairs, tasks
from invoices.attention import Desk, Group
from invoices.domain.causes import Kind, Mend, as_it_is, with_item, with_name
from invoices.evidence import actions_for, writes_for
from invoices.leases import cancel as cancel_intent
from invoices.models import Intent
from invoices.presentation.attention import (
    Place,
    attention_page,
    gone_banner,
    proposed_name,
    run_banner,
    run_button,
    story_of,
    tried_again_banner,
)
from invoices.presentation.history import history_of
from invoices.presentation.panel import Banner
from invoices.presentation.waiting import cancelled_banner, waiting_banner
from invoices.selectors import invoice_for
from invoices.views.answers import address, no_right, problem_of, say

log = logging.getLogger(__name__)


@page_token_required
@require_safe
def content(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """GET /embed/settings/attention: the desk. With ?seen=, the digest of what is shown, 204 while nothing is new."""
    return _answer(request, visitor)


@page_token_required
@require_safe
def item(request: HttpRequest, visitor: Visitor, key: str) -> HttpResponse:
    """GET /embed/settings/attention/<cause>/item: the small form that asks for another item."""
    group = attention.desk_of(visitor).group(key)
    if group is None or group.cause.kind != Kind.ITEM or not attention.may_repair(visitor.user):
        return _answer(request, visitor, gone_banner(), retarget=True)
    return _item_form(request, group)


@page_token_required
@require_POST
def run(request: HttpRequest, visitor: Visitor, key: str) -> HttpResponse:
    """POST /embed/settings/attention/<cause>/run, for an item with item=: all that the cause stopped, once more."""
    group = attention.desk_of(visitor).group(key)
    if group is None:
        return _answer(request, visitor, gone_banner())
    mend = _mend(visitor, group, request.POST.get("item", ""))
    if mend is None and group.cause.kind == Kind.ITEM:
        return _item_form(request, group, error=_("Choose one of the active items of QuickBooks."))
    try:
        return _answer(request, visitor, _run(visitor, group, mend))
    except NotAllowed as denied:
        return _answer(request, visitor, Banner("error", *no_right(visitor, denied.right)), status=403)
    except ConnectionExpired as error:
        problem = problem_of(error)
        return _answer(request, visitor, Banner("error", problem.title, problem.text), status=409)


def _run(visitor: Visitor, group: Group, mend: Mend | None) -> Banner | None:
    """Raises `NotAllowed` and `ConnectionExpired`."""
    if group.cause.kind == Kind.NOTE:
        for invoice_id in repairs.write_notes_now(visitor, group):
            tasks.hand_out(tasks.publish_note, invoice_id)
        return None
    if mend is None:
        return gone_banner()
    done = repairs.run_again(visitor, group, mend)
    for invoice in done.started:
        tasks.submit_soon(invoice)
    return run_banner(done, say())


def _mend(visitor: Visitor, group: Group, item_id: str) -> Mend | None:
    """What repairs the drafts of a group; None where it takes a choice that was not made, or the form."""
    if group.cause.kind == Kind.ITEM:
        chosen = repairs.item_to_choose(visitor, item_id)
        return with_item(group.cause, chosen.id) if chosen else None
    if name := proposed_name(group):
        return with_name(name)
    return as_it_is if group.cause.kind == Kind.ELSEWHERE else None


@page_token_required
@require_POST
def put_away(request: HttpRequest, visitor: Visitor, key: str) -> HttpResponse:
    """POST /embed/settings/attention/<cause>/put-away: somebody has read it."""
    group = attention.desk_of(visitor).group(key)
    if group is None:
        return _answer(request, visitor, gone_banner())
    try:
        repairs.put_away(visitor, group)
    except NotAllowed as denied:
        return _answer(request, visitor, Banner("error", *no_right(visitor, denied.right)), status=403)
    return _answer(request, visitor)


@page_token_required
@require_POST
def now(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """POST /embed/settings/attention/<invoice>/now: what waits for it is due at once; ?what= as in `waiting_intent`."""
    intent = _waiting(request, visitor, public_id)
    moved = tasks.try_again_now(type(intent), [intent.pk]) if intent else 0
    return _answer(request, visitor, waiting_banner(moved > 0))


@page_token_required
@require_POST
def cancel(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """POST /embed/settings/attention/<invoice>/cancel: only while it was certainly not sent."""
    intent = _waiting(request, visitor, public_id)
    done = intent is not None and cancel_intent(intent, visitor.user.name)
    if done:
        log.info("%s was cancelled before it was sent", intent)
    return _answer(request, visitor, cancelled_banner(done, request.GET.get("what", "")))


def _waiting(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> Intent | None:
    """None for what does not wait any more. Raises Http404 for what is not this company's, or not the visitor's."""
    return attention.waiting_intent(visitor, invoice_for(visitor.company, public_id), request.GET.get("what", ""))


@page_token_required
@require_POST
def ready_again(request: HttpRequest, visitor: Visitor, deal_id: int | None = None) -> HttpResponse:
    """POST /embed/settings/ready/<deal>/again, or /embed/settings/ready/again for all: what kept a rule from making
    the invoice may be mended.
    """
    return _about_ready_deals(request, visitor, lambda: _tried_again(visitor, deal_id))


@page_token_required
@require_POST
def ready_away(request: HttpRequest, visitor: Visitor, deal_id: int) -> HttpResponse:
    """POST /embed/settings/ready/<deal>/away: nobody wants to be told of it any more."""
    return _about_ready_deals(request, visitor, lambda: ready_deals.put_away(visitor, deal_id))


def _tried_again(visitor: Visitor, deal_id: int | None) -> Banner:
    begun = ready_deals.try_again(visitor, deal_id)
    for ready_id in begun:
        tasks.hand_out(tasks.invoice_ready_deal, ready_id)
    return tried_again_banner(len(begun), say())


def _about_ready_deals(request: HttpRequest, visitor: Visitor, do: Callable[[], Banner | None]) -> HttpResponse:
    """For administrators, as the list is."""
    if not administers(visitor.user):
        raise Http404
    try:
        return _answer(request, visitor, do())
    except NotAllowed as denied:
        return _answer(request, visitor, Banner("error", *no_right(visitor, denied.right)), status=403)


@page_token_required
@require_safe
def happened(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """GET /embed/settings/attention/<invoice>/happened: the evidence of one invoice, for administrators."""
    invoice = invoice_for(visitor.company, public_id)
    if not administers(visitor.user):
        raise Http404
    by_rule = ready_deals.was_made_by_rule(invoice)
    history = history_of(invoice, writes_for(invoice), actions_for(invoice), say(), by_rule=by_rule)
    story = story_of(invoice, attention.worth_of(invoice), say())
    steps = tuple(reversed(history.steps))
    context = {"history": history, "steps": steps, "story": story}
    return render(request, "invoices/attention_happened.html", context)


# Answers


def _answer(
    request: HttpRequest, visitor: Visitor, banner: Banner | None = None, *, status: int = 200, retarget: bool = False
) -> HttpResponse:
    """The desk as it is now, with what this request has to say above it."""
    try:
        desk = attention.desk_of(visitor)
        page = attention_page(desk, _place(visitor, desk), say(), timezone.now(), banner)
    except DatabaseError:
        log.exception("the desk could not be read")
        response = render(request, "invoices/attention_unread.html", status=503)
        response["X-Fragment"] = "swap"
        return response
    if request.GET.get("seen") == page.digest:
        return HttpResponse(status=204)
    whole = request.method == "GET" and "seen" not in request.GET and not retarget
    context = {
        "page": page,
        "whole": whole,
        "poll_url": address("embed_settings_attention", seen=page.digest),
        "connect_url": connect_url(visitor.user),
    }
    response = render(request, "invoices/attention.html", context, status=status)
    if status != 200:
        response["X-Fragment"] = "swap"
    if retarget:
        response["HX-Retarget"], response["HX-Reswap"] = "#attention-body", "outerHTML"
    return response


def _item_form(request: HttpRequest, group: Group, error: str = "") -> HttpResponse:
    context = {"key": group.cause.key, "button": run_button(len(group.stopped), say()), "error": error}
    response = render(request, "invoices/attention_item.html", context, status=422 if error else 200)
    if error:
        response["X-Fragment"] = "swap"
        response["HX-Retarget"], response["HX-Reswap"] = f"#repair-{group.cause.key}", "innerHTML"
    return response


def _place(visitor: Visitor, desk: Desk) -> Place:
    names_items = any(group.cause.kind == Kind.ITEM for group in desk.groups)
    return Place(
        company=visitor.company,
        is_admin=visitor.user.is_admin,
        may_repair=attention.may_repair(visitor.user),
        items=_items(visitor) if names_items else None,
        lost_fields=_lost_fields(visitor),
        country=visitor.connection.country if visitor.connection else "",
        own_fields=dict(profile_of(visitor.connection).own_fields) if visitor.connection else {},
    )


def _items(visitor: Visitor) -> dict[str, Item] | None:
    try:
        return {known.id: known for known in reference.items(visitor.company, AS_STORED)}
    except ServiceError:
        return None


def _lost_fields(visitor: Visitor) -> tuple[str, ...]:
    """Fields of Pipedrive that were chosen in the settings and are gone; none while Pipedrive tells nothing."""
    try:
        fields = pipedrive_fields(visitor.user, AS_STORED)  # the card "Fields" has just read them
    except ServiceError:
        return ()
    return lost_mappings(settings_of(visitor.company), fields, visitor.connection)
