"""The invoice form's estimates: those of the chosen customer, and the form with one of them or without."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from integration_settings.errors import ServiceError
from integration_settings.rights import NotAllowed
from integration_settings.tenancy import Visitor, page_token_required
from invoices.domain.estimate import TakenOver
from invoices.estimates import Offers, offers_to
from invoices.form_memory import accept_estimate, keep, offer_estimate
from invoices.forms import MOST_LINES
from invoices.presentation import estimate as words
from invoices.presentation.customer_update import UpdateCard, with_usual_tax
from invoices.presentation.filling import before_estimate, for_estimate, without_estimate
from invoices.presentation.form import form_page
from invoices.presentation.panel import Banner
from invoices.views.answers import no_right, problem_fragment, problem_of, say
from invoices.views.form_material import (
    Sent,
    answering_a_form,
    checked_form,
    lists_of,
    page_fragment,
    sent_form,
    too_many_lines,
)


@page_token_required
@require_safe
def estimates(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """GET /embed/invoice/estimates?customer=: one read of QuickBooks."""
    customer_id = request.GET.get("customer", "")[:32]
    context: dict[str, object] = {"customer": customer_id}
    try:
        context |= _listed(visitor, offers_to(visitor, customer_id))
    except NotAllowed as denied:
        context["problem"] = " ".join(no_right(visitor, denied.right))
    except ServiceError as error:
        context["problem"] = problem_of(error).title
    return render(request, "invoices/form_estimates.html", context)


def _listed(visitor: Visitor, offers: Offers) -> dict[str, object]:
    count = len(offers.estimates)
    return {
        "options": [words.option(each, offer_estimate(each.taken_over, visitor), say()) for each in offers.estimates],
        "at_least": offers.at_least,
        "announce": ngettext("{count} estimate", "{count} estimates", count).format(count=say().number(count)),
    }


@page_token_required
@require_POST
@answering_a_form
def estimate(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """POST /embed/invoice/estimate: the form with the lines of the chosen one, or as it was before without any. Nobody
    is asked: what the list had told is signed.
    """
    sent = sent_form(request.POST, visitor)
    chosen = request.POST.get("estimate", "")
    taken = accept_estimate(chosen, visitor) if chosen else None
    if taken and len(taken.draft.lines) + len(sent.form.lines) > MOST_LINES:
        return problem_fragment(request, visitor, too_many_lines())
    changed = _with(visitor, sent, taken) if taken else _without(sent)
    changed = replace(changed, kept=keep(changed.memory, visitor))
    fact = _("The lines of the estimate stand in the form.") if taken else _("The estimate is not used.")
    text = _("Nothing was sent to QuickBooks yet.")
    material = checked_form(visitor, changed, say()).material
    page = form_page(material)
    if page.update_card is None and visitor.connection:  # the customer stands compared: it need not be read again
        usual = material.lists.tax_codes.get(changed.form.usual_tax)
        card = UpdateCard(estimates_of=changed.form.customer if changed.memory.customer(changed.form.customer) else "")
        page = replace(page, update_card=with_usual_tax(card, usual, changed.form))
    page = replace(page, first_focus="f-estimate" if taken else page.first_focus)
    return page_fragment(request, page, banner=Banner("info", fact, text))


def _with(visitor: Visitor, sent: Sent, taken: TakenOver) -> Sent:
    memory, form = sent.memory, sent.form
    before = memory.before_estimate if memory.estimate else before_estimate(form)
    memory = replace(memory, estimate=taken.draft.estimate, left_out=taken.left_out, before_estimate=before)
    return replace(sent, form=for_estimate(form, taken.draft, say(), lists_of(visitor, memory)), memory=memory)


def _without(sent: Sent) -> Sent:
    form = without_estimate(sent.form, sent.memory.before_estimate)
    return replace(sent, form=form, memory=replace(sent.memory, estimate=None, left_out=(), before_estimate={}))
