"""The billing plan of a deal, in its panel."""

from __future__ import annotations

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
    ?again= for the page, which has news of the invoices, and not for somebody who has asked for it.
    """
    deal_id = whole_number(request.GET.get("deal", "")) or 0
    context: dict[str, object] = {
        "deal_id": deal_id,
        "plan_url": address("embed_panel_plan", deal=deal_id, again=1),
        "again": "again" in request.GET,
        "may_create": Right.CREATE in rights_of(visitor.user),
    }
    try:
        facts = seen_deal(visitor.user, deal_id) if deal_id else None
        if facts is None:
            raise NotFound("pipedrive", "the deal is not there or not visible to this user")
        found = load_instalments(visitor.user, deal_id)
    except NotFound:
        context["problem"] = not_seen().title
    except ServiceError as error:
        context["problem"] = problem_of(error).title
    else:
        billed = billings_of(visitor.company, deal_id, visitor.connection)
        context["rows"] = plan_rows(found, billed, facts.value.currency, say())
    return render(request, "invoices/panel_plan.html", context)
