"""The history of one invoice, for administrators."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from integration_settings.rights import administers
from integration_settings.tenancy import Visitor, page_token_required
from invoices.evidence import actions_for, writes_for
from invoices.presentation.history import history_of
from invoices.presentation.panel import names_in_a_row
from invoices.ready_deals import was_made_by_rule
from invoices.views.answers import Problem, admin_names, problem_fragment, say, seen


@page_token_required
@require_safe
def history(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """GET /embed/invoice/<id>/history: what was written to QuickBooks for it, and what came back."""
    invoice = seen(request, visitor, public_id)
    if isinstance(invoice, HttpResponse):
        return invoice
    if not administers(visitor.user):
        return problem_fragment(request, visitor, _for_administrators(visitor))
    by_rule = was_made_by_rule(invoice)
    told = history_of(invoice, writes_for(invoice), actions_for(invoice), say(), by_rule=by_rule)
    return render(request, "invoices/panel_history.html", {"history": told, "public_id": public_id})


def _for_administrators(visitor: Visitor) -> Problem:
    names = names_in_a_row(admin_names(visitor))
    text = _("Ask {names}.").format(names=names) if names else ""
    return Problem("neutral", "lock", _("The history is for Pipedrive administrators"), text, 403)
