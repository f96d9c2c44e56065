"""The invoice form: its shell, its first filling, and the pieces that follow what a person changes in it."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from integration_settings.errors import ServiceError
from integration_settings.models import QuickBooksConnection
from integration_settings.presets import Template, list_templates, template_called
from integration_settings.rights import NotAllowed, Right, demand, rights_of
from integration_settings.selectors import settings_of
from integration_settings.tenancy import Visitor, framed_shell, page_token_required, shell_context
from invoices import customer_updates, deal_gateway, drafting, exchange_rates, services, unsent_forms
from invoices.domain.matching import CustomerCandidate
from invoices.domain.presets import moved
from invoices.domain.tax import code_of_item
from invoices.drafting import Preparation
from invoices.form_memory import BadMemory, Memory, MemoryOfAnotherVersion, SeenCustomer, accept, keep, keep_seen, offer
from invoices.forms import MOST_LINES, NEW_CUSTOMER, UnreadableForm, due_date_moved
from invoices.presentation import customer_update as customer_update_words
from invoices.presentation.customer_update import UpdateCard
from invoices.presentation.filling import for_instalment, memory_of, opened
from invoices.presentation.findings import target_of
from invoices.presentation.form import form_page
from invoices.presentation.form_lines import line_rows
from invoices.presentation.name_check import name_check
from invoices.presentation.panel import Banner
from invoices.unsent_forms import Left
from invoices.views.answers import (
    address,
    first_options,
    no_right,
    not_connected,
    not_seen,
    problem_fragment,
    problem_of,
    say,
    words_for_script,
)
from invoices.views.form_material import (
    Sent,
    answering_a_form,
    checked_form,
    connection_of,
    form_gone,
    keep_entries,
    material_as_opened,
    not_read_here,
    page_fragment,
    sent_form,
    terms_of,
    too_many_lines,
)
from invoices.views.panel import RESOURCES
from invoices.views.parameters import uuid_in, whole_number


@dataclass(frozen=True, slots=True)
class Opened:
    """What the frame's address says it was opened for; unsigned, so every id is checked where it is used."""

    deal_id: int | None = None
    invoice_id: uuid.UUID | None = None
    edit: bool = False
    instalment_id: int | None = None
    list_of: str = ""
    list_id: int | None = None


def opened_for(request: HttpRequest) -> Opened:
    """From `data`, which our panel passes to the modal, else from the record that is selected in Pipedrive."""
    data = _data(request.GET.get("data", ""))
    selected = request.GET.get("selectedIds", "") if request.GET.get("resource", "deal") == "deal" else ""
    return Opened(
        deal_id=whole_number(data.get("deal")) or whole_number(selected.split(",")[0]),
        invoice_id=uuid_in(data.get("invoice")),
        edit=data.get("edit") is True,
        instalment_id=whole_number(data.get("instalment")),
        list_of=data["list"] if data.get("list") in RESOURCES else "",
        list_id=whole_number(data.get("id")),
    )


def _data(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


@framed_shell("invoice")
def invoice(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    wanted = opened_for(request)
    context: dict[str, Any] = {"post": False, "is_list": bool(wanted.list_of)}
    if wanted.list_of:
        context["content_url"] = address("embed_panel_content", resource=wanted.list_of, id=wanted.list_id or "", all=1)
    elif wanted.invoice_id:
        context["post"] = wanted.edit
        context["content_url"] = address(
            "embed_invoice_retry" if wanted.edit else "embed_invoice_result", wanted.invoice_id
        )
    else:
        context["is_form"] = True
        instalment = {"instalment": wanted.instalment_id} if wanted.instalment_id else {}
        context["content_url"] = address("embed_invoice_form", deal=wanted.deal_id or "", **instalment)
    return render(request, "invoices/form_shell.html", shell_context(visitor) | context)


@page_token_required
@require_safe
def form(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Everything the form needs, read from both services in one go; with what this person left in it, unless he wants
    to begin `afresh`.
    """
    deal_id = whole_number(request.GET.get("deal", ""))
    if visitor.connection is None:
        return problem_fragment(request, visitor, not_connected())
    if deal_id is None:
        return problem_fragment(request, visitor, not_seen())
    try:
        preparation = drafting.prepare(visitor, deal_id)
    except ServiceError as error:
        return problem_fragment(request, visitor, problem_of(error), again_url=request.get_full_path())
    if len(preparation.draft.lines) > MOST_LINES:
        return problem_fragment(request, visitor, too_many_lines())
    if instalment_id := whole_number(request.GET.get("instalment", "")):
        return _for_instalment(request, visitor, preparation, instalment_id)
    left = None if "afresh" in request.GET else unsent_forms.left(visitor, deal_id=deal_id, locale=say().locale)
    taken_up = _taken_up(request, visitor, left, memory_of(preparation)) if left else None
    return taken_up or page_fragment(request, form_page(material_as_opened(visitor, preparation, say())))


def _for_instalment(
    request: HttpRequest, visitor: Visitor, preparation: Preparation, instalment_id: int
) -> HttpResponse:
    """The form with one instalment of the deal's billing plan in place of its products."""
    try:
        lines = drafting.lines_of_instalment(visitor, preparation, instalment_id)
    except ServiceError as error:
        return problem_fragment(request, visitor, problem_of(error), again_url=request.get_full_path())
    if not lines:
        banner = Banner("warning", _("This instalment is not there any more."), _("The form has the deal’s products."))
        return page_fragment(request, form_page(material_as_opened(visitor, preparation, say())), banner=banner)
    form, memory = opened(preparation, say()), memory_of(preparation)
    sent = Sent(for_instalment(form, lines, say()), memory, keep(memory, visitor))
    return page_fragment(request, form_page(checked_form(visitor, sent, say()).material))


def _taken_up(request: HttpRequest, visitor: Visitor, left: Left, fresh: Memory) -> HttpResponse | None:
    """The form as this person left it; None when it was for other books, or is of another version of ours."""
    try:
        sent = sent_form(left.fields, visitor)
    except (UnreadableForm, BadMemory):
        return None
    sent = _signed_anew(visitor, _dated_anew(visitor, sent, fresh))
    fact = _("Your entries of {when} are here again.").format(when=say().moment(left.left_at))
    if sent.memory.still_shows(fresh):
        kind, text = "info", _("Nothing of them was sent to QuickBooks.")
    else:
        kind, text = "warning", _("The deal has changed since then, or was invoiced.")
    banner = Banner(
        kind,
        fact,
        text,
        again_url=address("embed_invoice_form", deal=fresh.deal_id, afresh=1),
        again=_("Start afresh from the deal"),
    )
    return page_fragment(request, form_page(checked_form(visitor, sent, say()).material), banner=banner)


def _dated_anew(visitor: Visitor, sent: Sent, fresh: Memory) -> Sent:
    """With today's invoice date where nobody touched that of the day on which the form was first opened."""
    then, now = sent.memory.opened_with, fresh.opened_with
    if not then or then == now or sent.form.invoice_date != say().day(date.fromisoformat(then)):
        return sent
    form = replace(sent.form, invoice_date=say().day(date.fromisoformat(now)))
    memory = replace(sent.memory, opened_with=now)
    return _with_due_date_moved(visitor, replace(sent, form=form, memory=memory))[0]


def _signed_anew(visitor: Visitor, sent: Sent) -> Sent:
    """What was kept on the day it was left would be too old for a press a week after that day."""
    form = replace(sent.form, seen_customer=keep_seen(sent.seen, visitor)) if sent.seen else sent.form
    return replace(sent, form=form, kept=keep(sent.memory, visitor))


@page_token_required
@require_POST
def leave(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What stands in a form that somebody leaves without creating, kept for when he opens it again."""
    try:
        sent = sent_form(request.POST, visitor)
    except MemoryOfAnotherVersion:
        return not_read_here()
    except (UnreadableForm, BadMemory) as error:
        problem = form_gone(error)
        return words_for_script(problem.title, problem.text, problem.status)
    keep_entries(visitor, sent, request.POST)
    return HttpResponse(status=204)


@page_token_required
@require_safe
def look_ahead(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """A hand is on its way to "Create invoice": reads the deal again, so that the press need not wait for that."""
    deal_id = whole_number(request.GET.get("deal", ""))
    if deal_id is not None:
        with suppress(ServiceError):  # whoever presses is told
            deal_gateway.look_ahead(visitor.user, deal_id)
    return HttpResponse(status=204)


@page_token_required
@require_POST
@answering_a_form
def preview(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Totals and checks of the form as it stands, and the little texts beside the fields that were changed."""
    sent, moved = _with_due_date_moved(visitor, sent_form(request.POST, visitor))
    sent, followed = _with_usual_sales_tax(visitor, sent)
    material = checked_form(visitor, replace(sent, form=sent.form.without_untouched()), say()).material
    if request.POST.get("rate") == "ask" and (rate := material.home_rate) and not rate.asked:
        told = exchange_rates.ask(connection_of(visitor), rate.currency, rate.day)
        material = replace(material, home_rate=replace(rate, rate=told, asked=True))
    page = form_page(material)
    changed = set(request.POST.get("changed", "").split())
    context = {
        "page": page,
        "changed_rows": line_rows(material, only=changed),
        "swap_currency": bool(changed & {"customer", "currency"}),
        "moved_due_date": moved,
        "followed_sales_tax": followed,
        "announce": _count_changed(request, page.preflight.to_fix),
    }
    return render(request, "invoices/form_preview.html", context)


def _with_due_date_moved(visitor: Visitor, sent: Sent) -> tuple[Sent, str]:
    """A due date that nobody touched keeps its distance; the text that moves into its field, "" when it stays."""
    terms = terms_of(visitor, sent.memory)
    moved = due_date_moved(sent.form, memory=sent.memory, terms=terms, locale=say().locale, today=say().today())
    text = say().day(moved) if moved else ""
    if not text or text == sent.form.due_date:
        return sent, ""
    return replace(sent, form=replace(sent.form, due_date=text)), text


def _with_usual_sales_tax(visitor: Visitor, sent: Sent) -> tuple[Sent, str]:
    """A rate that nobody touched is the chosen customer's; its id if that is another one now, "" when it stays."""
    if visitor.connection is None or not sent.form.sales_tax_follows:
        return sent, ""
    usual = drafting.usual_sales_tax(visitor.connection, sent.memory.customer(sent.form.customer))
    if not usual or usual == sent.form.sales_tax:
        return sent, ""
    return replace(sent, form=replace(sent.form, sales_tax=usual)), usual


def _count_changed(request: HttpRequest, to_fix: int) -> str:
    """What is read out when the number of things to fix has changed; the entries themselves are not."""
    if request.POST.get("to_fix", "") == str(to_fix):
        return ""
    if not to_fix:
        return _("Ready to create")
    said = ngettext("{count} thing to fix first", "{count} things to fix first", to_fix)
    return said.format(count=say().number(to_fix))


@page_token_required
@require_POST
@answering_a_form
def preset(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The preset's field again, and what the chosen one puts into the others: all but what a person typed there."""
    sent = sent_form(request.POST, visitor)
    if visitor.connection is None:
        return problem_fragment(request, visitor, not_connected())
    chosen = template_called(list_templates(visitor.connection), sent.form.preset)
    filled, changes = _with_preset(visitor, sent, chosen)
    context = {"page": form_page(checked_form(visitor, filled, say()).material), "puts": changes}
    return render(request, "invoices/form_preset_chosen.html", context)


def _with_preset(visitor: Visitor, sent: Sent, chosen: Template) -> tuple[Sent, dict[str, str]]:
    """The form as the preset leaves it, and the new text of each field that changed, by the field's id."""
    form, memory = sent.form, sent.memory.with_preset(chosen)
    before = form.texts(memory.base)
    after = moved(before, sent.memory.filled, memory.filled)
    form = replace(form.with_texts(after), preset=chosen.id)
    filled, due_date = _with_due_date_moved(
        visitor, replace(sent, form=form, memory=memory, kept=keep(memory, visitor))
    )
    changes = {target_of(field): text for field, text in after.items() if text != before[field]}
    return filled, changes | ({"f-due_date": due_date} if due_date else {})


@page_token_required
@require_safe
def customers(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Options of the customer search, for whoever may bill a customer: nobody else reads through the list of them."""
    text = request.GET.get("q", "").strip()[:100]
    connection = visitor.connection
    if connection is None:
        return problem_fragment(request, visitor, not_connected())
    try:
        demand(visitor.user, Right.CREATE)
        found = services.search_customers(connection, text) if len(text) >= 2 else []
    except NotAllowed as refused:
        return render(
            request, "invoices/customer_options.html", {"problem": " ".join(no_right(visitor, refused.right))}
        )
    except ServiceError as error:
        return render(request, "invoices/customer_options.html", {"problem": problem_of(error).title})
    options = [{"candidate": candidate, "value": offer(candidate, visitor)} for candidate in found]
    said = ngettext("{count} customer", "{count} customers", len(found)).format(count=say().number(len(found)))
    context = first_options(options, said) | {"q": text, "home_currency": connection.home_currency}
    return render(request, "invoices/customer_options.html", context)


@page_token_required
@require_POST
@answering_a_form
def customer(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The customer section again, after somebody chose an option of the search."""
    sent = _with_choice(request, visitor, sent_form(request.POST, visitor))
    page = form_page(checked_form(visitor, sent, say()).material)
    return page_fragment(request, page, template="invoices/form_customer_chosen.html")


def _with_choice(request: HttpRequest, visitor: Visitor, sent: Sent) -> Sent:
    """Raises `BadMemory` for an option that is none of ours."""
    found = request.POST.get("found", "")
    if found == NEW_CUSTOMER:
        typed = request.POST.get("q", "").strip()[:500]
        return replace(sent, form=replace(sent.form, customer=NEW_CUSTOMER, name=typed or sent.form.name))
    candidate = accept(found, visitor)
    memory = sent.memory.with_customer(candidate)
    return Sent(replace(sent.form, customer=candidate.customer_id), memory, keep(memory, visitor), sent.seen)


@page_token_required
@require_POST
def name(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What stands under a new customer's name: nothing, or who has the name in QuickBooks and the way out.

    When QuickBooks does not answer nothing is said: it checks the name again when the customer is created.
    """
    typed = request.POST.get("name", "").strip()[:500]
    if visitor.connection is None or request.POST.get("customer") != NEW_CUSTOMER:
        return HttpResponse()
    try:
        demand(visitor.user, Right.CREATE)
        clash = services.name_clash(visitor.connection, typed)
    except (NotAllowed, ServiceError):
        return HttpResponse()
    if clash is None:
        return HttpResponse()
    taken = clash.customer if clash.customer and clash.customer.active else None
    check = name_check(clash, offered=offer(taken.as_candidate(), visitor) if taken else "")
    return render(request, "invoices/form_name_check.html", {"check": check})


@page_token_required
@require_POST
@answering_a_form
def customer_update(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """The chosen customer as QuickBooks has it now beside what the deal says, with a tick for each difference."""
    sent = sent_form(request.POST, visitor)
    chosen = sent.memory.customer(sent.form.customer)
    if chosen is None and sent.form.customer != NEW_CUSTOMER:
        raise BadMemory
    if visitor.connection is None:
        return problem_fragment(request, visitor, not_connected())
    card = _update_card(visitor, visitor.connection, chosen, sent) if chosen else UpdateCard()
    if chosen and not card.gone_customer and Right.CREATE in rights_of(visitor.user):
        card = replace(card, estimates_of=chosen.customer_id)
    return render(request, "invoices/form_customer_update.html", {"card": card})


def _update_card(
    visitor: Visitor, connection: QuickBooksConnection, chosen: CustomerCandidate, sent: Sent
) -> UpdateCard:
    details = sent.memory.details
    known = bool(details.email or details.address or details.tax_id)  # to the deal, beside which QuickBooks' stand
    if not known and not drafting.taxes_by_customer(connection):
        return UpdateCard()
    try:
        compared = customer_updates.compare(connection, chosen.customer_id, details)
    except ServiceError as error:
        return customer_update_words.unread(problem_of(error).title)
    if compared is None:
        return customer_update_words.not_active(chosen.customer_id)
    card = _compared_card(visitor, compared) if known else UpdateCard()
    card = customer_update_words.with_name(card, compared.record.name, chosen.name)
    usual = drafting.usual_tax_code(connection, compared.record)
    return customer_update_words.with_usual_tax(card, usual, sent.form)


def _compared_card(visitor: Visitor, compared: customer_updates.Compared) -> UpdateCard:
    seen = SeenCustomer(compared.record.customer_id, compared.record.name, compared.differences)
    return customer_update_words.card_of(
        seen,
        keep_seen(seen, visitor),
        on=settings_of(visitor.company).updates_customers,
        ticked=None,
        country=connection_of(visitor).country,
        say=say(),
    )


@page_token_required
@require_safe
def items(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Options of the item search, from the stored list."""
    text = request.GET.get("q", "").strip()[:100]
    if visitor.connection is None:
        return problem_fragment(request, visitor, not_connected())
    try:
        found = services.search_items(visitor.company, text)
    except ServiceError as error:
        return render(request, "invoices/item_options.html", {"problem": problem_of(error).title})
    said = ngettext("{count} item", "{count} items", len(found)).format(count=say().number(len(found)))
    american = visitor.connection.country == "US"
    options = [
        {"id": item.id, "name": item.name, "sku": item.sku, "tax": code_of_item(item, american=american)}
        for item in found
    ]
    return render(request, "invoices/item_options.html", first_options(options, said) | {"q": text})
