"""What is done with an invoice from the panel or the result: e-mail, files, payment link, PDF, void, delete."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from integration_settings.errors import NotFound, ServiceError
from integration_settings.rights import NotAllowed, Right, rights_of
from integration_settings.tenancy import Visitor, page_token_required
from invoices import actions, customer_updates, services
from invoices.attachments import files_that_go_along
from invoices.domain.actions import Action
from invoices.domain.checks import LONGEST_EMAIL, is_email
from invoices.domain.emails import addresses_in
from invoices.domain.files import MOST_AT_ONCE
from invoices.models import Invoice, InvoiceAction
from invoices.presentation.actions import called
from invoices.presentation.files import FilesForm, rows_of
from invoices.presentation.panel import Banner, panel_of
from invoices.selectors import invoice_for, shown_total
from invoices.tasks import act_soon
from invoices.views.answers import (
    address,
    no_right,
    not_seen,
    problem_fragment,
    problem_of,
    say,
    seen,
    words_for_script,
)
from invoices.views.panel import answer, record_in, scene_of, wants_all
from invoices.views.parameters import uuid_in, whole_number
from invoices.views.result import result_fragment

Fetched = TypeVar("Fetched")


@dataclass(frozen=True, slots=True)
class SendForm:
    """The small form of an e-mail."""

    number: str
    to: str
    intent_key: str
    error: str = ""
    no_right: str = ""  # why it cannot be sent by this reader, and who can change that
    files: str = ""  # that go along


@page_token_required
@require_POST
def void(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    return _void_or_delete(request, visitor, public_id, Action.VOID)


@page_token_required
@require_POST
def delete(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    return _void_or_delete(request, visitor, public_id, Action.DELETE)


def _void_or_delete(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID, kind: Action) -> HttpResponse:
    try:
        paid = _amount(request.GET.get("paid", ""))

        def ask(invoice: Invoice) -> InvoiceAction:
            return services.request_action(visitor, invoice, kind, intent_key=uuid.uuid4(), paid_seen=paid)

        return _act(request, visitor, public_id, ask)
    except NotAllowed as denied:
        problem = Banner("error", *no_right(visitor, denied.right))
        refused = _panel(request, visitor, invoice_for(visitor.company, public_id), problem)
        refused.status_code = max(refused.status_code, 403)
        refused["X-Fragment"] = "swap"
        return refused


@page_token_required
@require_http_methods(["GET", "POST"])
def send(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """GET: the form with the address that QuickBooks has. POST: the wish is stored, or the form comes back."""
    invoice = seen(request, visitor, public_id)
    if isinstance(invoice, HttpResponse):
        return invoice
    number = called(invoice.number, shown_total(invoice), say())
    if request.method == "GET":
        off = "" if Right.SEND in rights_of(visitor.user) else " ".join(no_right(visitor, Right.SEND))
        form = SendForm(number, invoice.email, str(uuid.uuid4()), no_right=off, files=_along(invoice))
        return _send_form(request, public_id, form)
    form = SendForm(number, tidy(request.POST.get("to", "")), request.POST.get("intent_key", ""), files=_along(invoice))
    key = uuid_in(form.intent_key) or uuid.uuid4()
    form = replace(form, intent_key=str(key))
    if wrong := address_error(form.to):
        return _send_form(request, public_id, replace(form, error=wrong), status=422)
    try:
        return _act(
            request,
            visitor,
            public_id,
            lambda asked: services.request_action(visitor, asked, Action.SEND, intent_key=key, to=form.to),
        )
    except NotAllowed as denied:
        off = " ".join(no_right(visitor, denied.right))
        return _send_form(request, public_id, replace(form, no_right=off), status=403)


@page_token_required
@require_http_methods(["GET", "POST"])
def files(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """GET: the files of the deal, to choose from. POST: the wish is stored, or the form comes back."""
    invoice = seen(request, visitor, public_id)
    if isinstance(invoice, HttpResponse):
        return invoice
    key = uuid_in(request.POST.get("intent_key", "")) or uuid.uuid4()
    chosen, again = (
        [number for each in request.POST.getlist(name) if (number := whole_number(each))] for name in ("file", "again")
    )
    form = FilesForm(called(invoice.number, shown_total(invoice), say()), (), str(key))
    status = 200 if request.method == "GET" else 422

    def attach(asked: Invoice) -> InvoiceAction:
        on_send = "on_send" in request.POST
        return services.request_files(visitor, asked, chosen, again=again, intent_key=key, on_send=on_send)

    try:
        if 0 < len(chosen) + len(again) <= MOST_AT_ONCE:
            return _act(request, visitor, public_id, attach)
        found, attached = services.files_for(visitor, invoice)
        form = replace(form, rows=rows_of(found, attached, say()))
    except NotAllowed as denied:
        form = replace(form, problem=" ".join(no_right(visitor, denied.right)))
        status = 200 if request.method == "GET" else 403
    except services.NotPossible:
        form = replace(form, problem=" ".join(changed_meanwhile()))
    except ServiceError as error:
        told = problem_of(error)
        form = replace(form, problem=f"{told.title} {told.text}")
    if request.method == "POST":
        wrong = _("At most {count} files at once.") if chosen or again else _("Tick the files to attach.")
        wrong = wrong.format(count=say().number(MOST_AT_ONCE))
        form = replace(form, ticked=frozenset((*chosen, *again)), on_send="on_send" in request.POST, error=wrong)
    return _files_form(request, public_id, form, status)


@page_token_required
@require_POST
def put_away(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """The reason of a failed action was read, or that of the customer's update."""
    invoice = seen(request, visitor, public_id)
    if isinstance(invoice, HttpResponse):
        return invoice
    if request.GET.get("what") == "customer":
        customer_updates.put_away(invoice)
    else:
        actions.put_away(invoice)
    return _panel(request, visitor, invoice)


@page_token_required
@require_safe
def pdf(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """The document itself; it is fetched by script, which carries the page token."""
    try:
        invoice, content = _asked(visitor, public_id, services.invoice_pdf)
    except Fault as fault:
        return fault.answer()
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{pdf_name(invoice)}"'
    return response


@page_token_required
@require_safe
def payment_link(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    try:
        _invoice, link = _asked(visitor, public_id, services.payment_link)
        if not link:
            raise Fault(
                _("QuickBooks gives no payment link for this invoice."),
                _("It does so once online payments are switched on there and the invoice has an e-mail address."),
                409,
            )
    except Fault as fault:
        return fault.answer()
    return JsonResponse({"text": link})


class Fault(Exception):
    """What is fetched by script and cannot be had."""

    def __init__(self, fact: str, effect: str, status: int) -> None:
        super().__init__(fact)
        self.fact, self.effect, self.status = fact, effect, status

    def answer(self) -> HttpResponse:
        return words_for_script(self.fact, self.effect, self.status)


def _asked(
    visitor: Visitor, public_id: uuid.UUID, fetch: Callable[[Visitor, Invoice], Fetched]
) -> tuple[Invoice, Fetched]:
    """What QuickBooks has for an invoice that the visitor may see. Raises `Fault`."""
    try:
        invoice = services.seen_invoice(visitor, public_id)
        if invoice is not None:
            return invoice, fetch(visitor, invoice)
        problem = not_seen()
    except services.NotPossible:
        raise Fault(*changed_meanwhile(), 409) from None
    except ServiceError as error:
        if isinstance(error, NotFound) and error.service == "quickbooks":
            fact = _("The invoice is not in QuickBooks any more.")
            raise Fault(fact, _("Refresh the list to see what it is now."), 404) from error
        problem = problem_of(error)
    raise Fault(problem.title, problem.text, problem.status)


def _act(
    request: HttpRequest,
    visitor: Visitor,
    public_id: uuid.UUID,
    ask: Callable[[Invoice], InvoiceAction],
) -> HttpResponse:
    """Raises `NotAllowed`."""
    invoice = seen(request, visitor, public_id)
    if isinstance(invoice, HttpResponse):
        return invoice
    problem: Banner | None = None
    try:
        act_soon(ask(invoice))
    except services.Busy:
        fact = _("Something else is being done with this invoice.")
        problem = Banner("warning", fact, _("Nothing of yours was done. Try it again when that is over."))
    except services.NotPossible:
        problem = Banner("warning", *changed_meanwhile())
    except ServiceError as error:
        told = problem_of(error)
        problem = Banner("error", told.title, told.text)
    if from_result(request):
        invoice.refresh_from_db()
        note = f"{problem.fact} {problem.text}" if problem else ""
        return result_fragment(request, visitor, invoice, note=note)
    return _panel(request, visitor, invoice, problem)


def from_result(request: HttpRequest) -> bool:
    """Whether the button stands on the page that tells what became of a form; else it stands in the panel."""
    return request.GET.get("from") == "result"


def _panel(request: HttpRequest, visitor: Visitor, invoice: Invoice, problem: Banner | None = None) -> HttpResponse:
    """The panel in which the menu was used, as it is now."""
    record = record_in(request.GET.get("resource", "deal"), request.GET.get("id", str(invoice.deal_id)))
    if record is None:
        return problem_fragment(request, visitor, not_seen())
    try:
        everything = wants_all(request)
        scene = scene_of(visitor, record, everything=everything)
    except ServiceError as error:
        return problem_fragment(request, visitor, problem_of(error))
    shown = panel_of(scene.data, scene.place, say(), timezone.now(), everything=everything, problem=problem)
    if problem:
        shown = replace(shown, announce=problem.fact)
    return answer(request, visitor, record, shown, everything=everything)


def _along(invoice: Invoice) -> str:
    count = files_that_go_along(invoice)
    told = ngettext("{count} attached file goes along.", "{count} attached files go along.", count)
    return told.format(count=say().number(count)) if count else ""


def _send_form(request: HttpRequest, public_id: uuid.UUID, form: SendForm, status: int = 200) -> HttpResponse:
    return _small_form(request, public_id, form, "send", status)


def _files_form(request: HttpRequest, public_id: uuid.UUID, form: FilesForm, status: int = 200) -> HttpResponse:
    return _small_form(request, public_id, form, "files", status)


def _small_form(
    request: HttpRequest, public_id: uuid.UUID, form: SendForm | FilesForm, name: str, status: int
) -> HttpResponse:
    """Below the invoice's row, or on the page of the result."""
    query = {name: request.GET[name] for name in ("resource", "id", "all", "from") if name in request.GET}
    context = {
        "form": form,
        "public_id": public_id,
        "target": "#invoice" if from_result(request) else "#panel",
        "action_url": address(f"embed_invoice_{name}", public_id, **query),
    }
    response = render(request, f"invoices/panel_{name}.html", context, status=status)
    if status != 200:
        response["X-Fragment"] = "swap"
        response["HX-Retarget"] = f"#send-{public_id}"
    return response


def changed_meanwhile() -> tuple[str, str]:
    return (
        _("The invoice has changed meanwhile."),
        _("Nothing was done. The list shows what it is now."),
    )


def tidy(addresses: str) -> str:
    """What was typed, with one comma and a space between addresses."""
    return ", ".join(addresses_in(addresses))


def address_error(addresses: str) -> str:
    if not addresses:
        return _("Give the address it is to go to.")
    for one in addresses.split(", "):
        if not is_email(one):
            return _("“{email}” is not an e-mail address. It needs one “@” and an ending such as “.com”.").format(
                email=one
            )
    if len(addresses) > LONGEST_EMAIL:
        return _("The addresses have {count} characters together. QuickBooks takes {limit}.").format(
            count=len(addresses), limit=LONGEST_EMAIL
        )
    return ""


def pdf_name(invoice: Invoice) -> str:
    """A name that every system takes: the number, or QuickBooks' id where there is none."""
    number = re.sub(r"[^A-Za-z0-9._-]+", "-", invoice.number).strip("-.")
    return f"Invoice-{number or invoice.qbo_invoice_id}.pdf"


def _amount(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"\d{1,15}(\.\d{1,5})?", text, re.ASCII) else None
