"""The settings' mapping shown on a deal: what each chosen field would put on its invoice."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from integration_settings.errors import ServiceError
from integration_settings.forms import OWN_MAPPING
from integration_settings.profile import profile_of
from integration_settings.selectors import own_fields_from, settings_of
from integration_settings.tenancy import Visitor, page_token_required
from invoices.deal_gateway import latest_deals, load_deal_fields
from invoices.domain.mapping import FieldChoices
from invoices.domain.names import searchable
from invoices.drafting import field_choices
from invoices.presentation.fields_in_deal import cells_of
from invoices.views.answers import first_options, problem_of, say
from invoices.views.parameters import whole_number

LONGEST_REFERENCE = 80


@page_token_required
@require_safe
def deals(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Options of the search among the deals that changed last, as the user himself sees them."""
    text = request.GET.get("q", "").strip()[:100]
    try:
        known = latest_deals(visitor.user)
    except ServiceError as error:
        return render(request, "invoices/deal_options.html", {"problem": problem_of(error).title})
    found = [deal for deal in known if searchable(text) in searchable(deal.title)]
    if any(deal.title == text for deal in found):  # nothing was typed, this one is chosen: the others are wanted
        found = sorted(known, key=lambda deal: deal.title != text)
    said = ngettext("{count} deal", "{count} deals", len(found)).format(count=say().number(len(found)))
    return render(request, "invoices/deal_options.html", first_options(found, said) | {"q": text})


@page_token_required
@require_safe
def fields_in_deal(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The results for `deal`, or for the deal that changed last; with `whole` also the search for another one.

    The mapping is the one in the page, which need not be saved; what the page does not have is taken as saved.
    """
    context: dict[str, object] = {"whole": "whole" in request.GET}
    try:
        deal_id = whole_number(request.GET.get("deal", ""))
        if deal_id is None:
            deal_id = _changed_last(visitor)
        if deal_id is not None:
            deal = load_deal_fields(visitor.user, deal_id)
            context |= {"deal": deal, "cells": cells_of(deal, _choices(request, visitor))}
    except ServiceError as error:
        context |= {"problem": problem_of(error)}
    return render(request, "invoices/fields_in_deal.html", context)


def _changed_last(visitor: Visitor) -> int | None:
    return next((deal.deal_id for deal in latest_deals(visitor.user)), None)


def _choices(request: HttpRequest, visitor: Visitor) -> FieldChoices:
    stored = settings_of(visitor.company)
    sent = {
        name.removeprefix(OWN_MAPPING): code
        for name, code in request.GET.dict().items()
        if name.startswith(OWN_MAPPING)
    }
    if "recipient_field" in request.GET:
        own = sent  # a field that the books have since has no place in this page yet
    else:  # of a page that is only read no choice is sent
        there = profile_of(visitor.connection).own_fields if visitor.connection else ()
        own = {field_id: "" for field_id, _name in there} | own_fields_from(stored, visitor.connection)

    def field(name: str) -> str:
        return str(request.GET.get(name, getattr(stored, name)))[:LONGEST_REFERENCE]

    return field_choices(field, own, due_days=stored.due_days)
