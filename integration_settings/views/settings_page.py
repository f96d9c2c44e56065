"""The settings inside Pipedrive: connection, fields that fill the invoice, terms, products without an item."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from integration_settings import connections, read_budget, reference, rights, services
from integration_settings.connection_card import connection_card, version_of
from integration_settings.country_words import keeps_tax_ids, tax_id_label
from integration_settings.deal_rules import rules_of, stored_rules
from integration_settings.errors import ConnectionExpired, ServiceError
from integration_settings.fault_words import fault_words
from integration_settings.forms import MOST_DAYS, OF_BOOKS, ItemLists, OwnFields, SettingsForm
from integration_settings.item_links import ChosenPolicy, policy_of
from integration_settings.kept_lists import ONE_HOUR
from integration_settings.models import PipedriveUser
from integration_settings.pipedrive_fields import Field, pipedrive_fields
from integration_settings.presets import presets_of
from integration_settings.profile import profile_of, refresh_profile
from integration_settings.reference import AS_STORED
from integration_settings.rights_card import RightsCard, rights_card
from integration_settings.selectors import administrators_of, hold_company, own_fields_from, settings_of
from integration_settings.stages import Stage, stages
from integration_settings.tenancy import (
    Visitor,
    framed_shell,
    language_of,
    not_proven_fragment,
    page_token_required,
    shell_context,
)

log = logging.getLogger(__name__)

FIELDS_MAX_AGE = timedelta(minutes=5)  # when the page opens; on saving, what was shown is good enough
EXAMPLE_DAY = date(2026, 3, 13)
TEMPLATE = "integration_settings/fragments/settings.html"


@framed_shell("settings")
def shell(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """GET /embed/settings: drawn at once, without asking anybody; the content follows."""
    return render(request, "integration_settings/settings.html", shell_context(visitor))


@page_token_required
@require_safe
def content(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """GET /embed/settings/content, and with ?part= only the connection card or the example of the term."""
    part = request.GET.get("part", "")
    if part == "due-example":
        return _due_example(request)
    try:
        services.refresh_user(visitor.user)
    except ConnectionExpired:
        return not_proven_fragment(request, not_installed=True)
    if part == "connection":
        return _connection_part(request, visitor)
    return _page(request, visitor, max_age=FIELDS_MAX_AGE)


@page_token_required
@require_POST
def save(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """POST /embed/settings/save"""
    if not rights.administers(visitor.user):
        return _page(request, visitor, status=403)
    books = _books(visitor)
    if request.POST.get("books", "") not in ("", books):  # its items and accounts are others here
        return _page(request, visitor, other_books=True, status=409)
    fields, problem = _fields(visitor.user, timedelta(days=1))
    lists, items_problem = _item_lists(visitor, AS_STORED)
    pipelines = _stages(visitor.user)
    with transaction.atomic():
        # What a colleague saves in this moment is stored before the form is compared with it, or waits.
        hold_company(visitor.company.pk)
        form = _form(visitor, fields, lists, pipelines, request.POST)
        saved = problem is None and form.is_valid()
        if saved:
            _store(request, visitor, form)
    if not saved:
        return _page(request, visitor, form=form, fields_problem=problem, items_problem=items_problem, status=422)
    log.info("user %s saved the settings", visitor.user.user_id)
    return _page(request, visitor, saved=True)


def _store(request: HttpRequest, visitor: Visitor, form: SettingsForm) -> None:
    ticks, people = _ticks_changed(request), rights.people_of(visitor.company)
    services.save_settings(
        visitor.company,
        by=visitor.user,
        values=_values(visitor, form) | _language(visitor, form) | (ticks.for_everyone() if ticks else {}),
        people=ticks.for_people(people) if ticks else None,
        rules=form.chosen_rules,
    )


def _values(visitor: Visitor, form: SettingsForm) -> dict[str, Any]:
    """What was chosen for former books stays until something is chosen for these: they may be connected again, at once
    where these were connected by mistake.
    """
    books, former = _books(visitor), settings_of(visitor.company).items_realm_id
    if former not in ("", books) and not form.names_books:
        return {name: value for name, value in form.values.items() if name not in OF_BOOKS}
    return form.values | {"items_realm_id": books}


def _language(visitor: Visitor, form: SettingsForm) -> dict[str, str]:
    """Deals tell the status in the language of whoever chose the field: filters and automations look for its words."""
    return {"deal_fields_language": language_of(visitor.user)} if "deal_status_field" in form.changed_data else {}


@page_token_required
@require_POST
def check(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """POST /embed/settings/check: asks QuickBooks for the company's profile now, and has the next form ask for its
    lists: of a new tax code it tells nothing by itself.
    """
    problem: ServiceError | None = None
    if visitor.connection is not None and visitor.connection.is_connected:
        try:
            read_budget.refuse_when_spent(visitor.connection)
            refresh_profile(visitor.connection)
            reference.doubt_lists(visitor.connection)
            connections.answers_again(visitor.connection)
        except ServiceError as error:
            problem = error
    return _connection_part(request, visitor, problem=problem)


@page_token_required
@require_POST
def disconnect(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """POST /embed/settings/disconnect"""
    if not rights.administers(visitor.user):
        return _page(request, visitor, status=403)
    log.info("user %s disconnects QuickBooks", visitor.user.user_id)
    connections.disconnect_quickbooks(visitor.company)
    if visitor.connection is not None:
        visitor.connection.refresh_from_db()
    return _page(request, visitor, disconnected=True)


def _page(
    request: HttpRequest,
    visitor: Visitor,
    *,
    form: SettingsForm | None = None,
    fields_problem: ServiceError | None = None,
    items_problem: ServiceError | None = None,
    max_age: timedelta = timedelta(days=1),
    status: int = 200,
    **said: bool,
) -> HttpResponse:
    if form is None:
        fields, fields_problem = _fields(visitor.user, max_age)
        lists, items_problem = _item_lists(visitor)
        form = _form(visitor, fields, lists, _stages(visitor.user))
    stored = settings_of(visitor.company)
    country = visitor.connection.country if visitor.connection else ""
    context = {
        **_connection_context(visitor),
        "form": form,
        "books": _books(visitor),
        "fields_problem": fault_words(fields_problem) if fields_problem else "",
        "items_problem": fault_words(items_problem) if items_problem and visitor.connection else "",
        "country_without_tax_ids": bool(country) and not keeps_tax_ids(country),
        "stored": stored,
        "automatic": stored_rules(visitor.company),
        "rights": _rights(request, visitor, refused=status == 422),
        "refused": status == 403,
        "shown_deal": request.POST.get("deal", "")[:18],
        "example": _example(stored.due_days),
        **said,
    }
    response = render(request, TEMPLATE, context, status=status)
    if status != 200:
        response["X-Fragment"] = "swap"
    return response


def _books(visitor: Visitor) -> str:
    return visitor.connection.realm_id if visitor.connection else ""


def _connection_part(request: HttpRequest, visitor: Visitor, *, problem: ServiceError | None = None) -> HttpResponse:
    context = {**_connection_context(visitor), "check_problem": fault_words(problem) if problem else ""}
    response = render(request, "integration_settings/fragments/connection_card.html", context)
    seen = request.GET.get("version") or request.POST.get("version")
    if seen and seen != version_of(visitor.connection):
        # Something the other cards depend on is different now: the page loads them all again.
        response["HX-Trigger"] = "settings-changed"
    return response


def _connection_context(visitor: Visitor) -> dict[str, Any]:
    return {
        "visitor": visitor,
        "company": visitor.company,
        "may_change": visitor.user.is_admin,
        "administrators": [user.name for user in administrators_of(visitor.company)],
        "card": connection_card(visitor),
    }


def _rights(request: HttpRequest, visitor: Visitor, *, refused: bool) -> RightsCard:
    """As stored; of a form that could not be saved as it was sent."""
    people = rights.people_of(visitor.company)
    changed = _ticks_changed(request) if refused else None
    stored = rights.stored_ticks(settings_of(visitor.company), people)
    return rights_card(changed.onto(stored) if changed else stored, people, stored=stored)


def _ticks_changed(request: HttpRequest) -> rights.Changes | None:
    """None from a page without the card: then nothing was meant to be taken away."""
    if "rights_shown" not in request.POST:
        return None
    shown, sent = request.POST["rights_shown"].split(), request.POST.getlist("rights")
    return rights.Changes(rights.sent_ticks(shown), rights.sent_ticks(sent))


def _fields(user: PipedriveUser, max_age: timedelta) -> tuple[list[Field], ServiceError | None]:
    try:
        return pipedrive_fields(user, max_age), None
    except ServiceError as error:
        return [], error


def _item_lists(visitor: Visitor, max_age: timedelta = ONE_HOUR) -> tuple[ItemLists, ServiceError | None]:
    """What can be chosen for products without an item; what is chosen comes with the form."""
    chosen = ChosenPolicy()
    try:
        items = [item for item in reference.items(visitor.company, max_age) if item.active]
        return ItemLists(chosen, items, reference.income_accounts(visitor.company, max_age)), None
    except ServiceError as error:
        return ItemLists(chosen), error


def _form(
    visitor: Visitor, fields: list[Field], items: ItemLists, pipelines: list[Stage], data: QueryDict | None = None
) -> SettingsForm:
    """Asks no service: it is made within a transaction."""
    country = visitor.connection.country if visitor.connection else ""
    stored = settings_of(visitor.company)
    items = replace(items, chosen=policy_of(stored, visitor.connection))
    names = dict(profile_of(visitor.connection).own_fields) if visitor.connection else {}
    own = OwnFields(names, own_fields_from(stored, visitor.connection))
    label = tax_id_label(country)
    return SettingsForm(
        data,
        stored=stored,
        fields=fields,
        tax_id_label=label,
        items=items,
        own=own,
        stages=pipelines,
        rules=rules_of(stored_rules(visitor.company)),
        presets=list(presets_of(visitor.company)),
    )


def _stages(user: PipedriveUser) -> list[Stage]:
    """Empty while Pipedrive does not tell of them: what was chosen stays."""
    with contextlib.suppress(ServiceError):
        return stages(user)
    return []


def _due_example(request: HttpRequest) -> HttpResponse:
    days: int | None = None
    with contextlib.suppress(ValueError):
        days = int(request.GET.get("due_days", ""))
    known = days is not None and 0 <= days <= MOST_DAYS
    context = {"example": _example(days) if known and days is not None else None}
    return render(request, "integration_settings/fragments/due_example.html", context)


def _example(days: int) -> dict[str, date]:
    return {"issued": EXAMPLE_DAY, "due": EXAMPLE_DAY + timedelta(days=days)}
