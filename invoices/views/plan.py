"""The billing plan of a deal, in its panel."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integration_settings.errors import NotFound, ServiceError
from integration_settings.rights import Right, rights_of
from integration_settings.tenancy import Visitor, page_token_required
from invoices.deal_gateway import load_instalments, seen_deal
from invoices.presentation.plan import plan_rows
from invoices.selectors import billings_of
from invoices.views.answers import address, not_seen, problem_of, say
from invoices.views.parameters import whole_number


@page_token_required
@require_safe
def plan(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """GET /embed/panel/plan: the instalments that Pipedrive has of the deal, each with its invoice or a way to it. With
    ?seen=, the digest of what is shown, for the page that looks again: 204 while nothing is new.
    """
    deal_id = whole_number(request.GET.get("deal", "")) or 0
    context: dict[str, object] = {
        "deal_id": deal_id,
        "again": "seen" in request.GET,
        "may_create": Right.CREATE in rights_of(visitor.user),
    }
    try:
        facts = seen_deal(visitor.user, deal_id) if deal_id else None
        if facts is None:
            raise NotFound("pipedrive", "the deal is not there or not visible to this user")
        found = load_instalments(visitor.user, deal_id, kept="seen" in request.GET)
    except NotFound:
        context["problem"] = not_seen().title
    except ServiceError as error:
        context["problem"] = problem_of(error).title
    else:
        billed = billings_of(visitor.company, deal_id, visitor.connection)
        context["rows"] = plan_rows(found, billed, facts.value.currency, say())
    digest = hashlib.sha256(repr((context.get("rows"), context.get("problem"))).encode()).hexdigest()[:16]
    if request.GET.get("seen") == digest:
        return HttpResponse(status=204)
    context["plan_url"] = address("embed_panel_plan", deal=deal_id, seen=digest)
    return render(request, "invoices/panel_plan.html", context)
