""" "Create invoice" and what follows: the press stores an intent, and the page asks what has become of it."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from dataclasses import replace

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from integration_settings import reference
from integration_settings.errors import NotFound, ServiceError
from integration_settings.models import QuickBooksConnection
from integration_settings.rights import NotAllowed, rights_of
from integration_settings.selectors import quickbooks_url, settings_read_with
from integration_settings.side_by_side import SideBySide
from integration_settings.tenancy import Visitor, page_token_required
from integration_settings.tickets import connect_url
from invoices import drafting, selectors, services
from invoices.attachments import attached_files
from invoices.deal_gateway import deal_now
from invoices.domain.checks import Severity, may_be_mended
from invoices.domain.draft import from_json
from invoices.domain.money import Money
from invoices.domain.refusals import NUMBER_TAKEN
from invoices.domain.status import Submission
from invoices.evidence import trace_of_creation
from invoices.form_memory import Memory, keep
from invoices.forms import NEW_CUSTOMER, FormInput
from invoices.models import Invoice
from invoices.presentation import filling, refusals
from invoices.presentation.findings import Issue, by_key, target_of
from invoices.presentation.form import form_page
from invoices.presentation.form_parts import Material
from invoices.presentation.panel import Banner
from invoices.presentation.result import Story, is_fresh, poll_after, result_page
from invoices.selectors import Refusal
from invoices.so_far import SoFar
from invoices.tasks import submit_soon, try_again_now
from invoices.unsent_forms import was_sent
from invoices.views.answers import (
    address,
    no_right,
    not_connected,
    not_seen,
    problem_fragment,
    problem_of,
    say,
    seen,
)
from invoices.views.form_material import (
    Sent,
    answering_a_form,
    blocking,
    checked_form,
    page_fragment,
    sent_form,
)

log = logging.getLogger(__name__)

WAITING = threading.BoundedSemaphore(2)
LONGEST_WAIT, BETWEEN_LOOKS = 0.9, 0.01  # seconds


@page_token_required
@require_POST
@answering_a_form
def create(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Faults come back at their fields with the input kept; otherwise the intent is stored and its fate shown."""
    sent = sent_form(request.POST, visitor)
    if visitor.connection is None:
        return problem_fragment(request, visitor, not_connected())
    with SideBySide(1) as calls:
        deal_soon = calls.start(deal_now, visitor.user, sent.form.deal_id)
        checked = checked_form(visitor, sent, say())
        if not was_sent(visitor, sent.form.intent_key):  # else its own invoice may stand in its way, and is told of
            blocked = {issue.code for issue in blocking(checked.material.issues)}
            proposals = (line.tax for line in sent.memory.lines.values())
            if may_be_mended(blocked, proposals) and reference.look_again(visitor.connection):
                checked = checked_form(visitor, sent, say())
            if errors := blocking(checked.material.issues):
                calls.leave()
                _nothing_is_created(visitor, sent, ", ".join(sorted({issue.code for issue in errors})))
                return page_fragment(request, form_page(checked.material, errors=errors), status=422)
        try:
            requested = services.request_invoice(
                visitor=visitor,
                draft=checked.reading.draft,
                intent_key=sent.form.intent_key,
                wish=sent.wish,
                template_id=sent.form.preset,
                seen=_seen_deal(sent.memory),
                deal_soon=deal_soon,
                hand_over=submit_soon,
            )
        except NotAllowed as denied:
            banner = Banner(
                "error",
                _("The invoice was not created. Your entries are kept."),
                " ".join(no_right(visitor, denied.right)),
            )
            return page_fragment(request, form_page(checked.material), banner=banner, status=403)
        except (
            services.DealChanged,
            services.DealMoved,
            services.DealInvoiced,
            services.EstimateUsed,
            ServiceError,
        ) as reason:
            _nothing_is_created(visitor, sent, type(reason).__name__)
            return _not_taken(request, visitor, sent, checked.material, reason)
    note = _("This form had been sent before, with other entries. The first ones count.") if requested.differs else ""
    return result_fragment(request, visitor, requested.invoice, note=note)


def _nothing_is_created(visitor: Visitor, sent: Sent, why: str) -> None:
    """No row tells of such a press, and who misses the invoice later may not know what the form said."""
    log.info("deal %s: user %s pressed, and nothing is created: %s", sent.form.deal_id, visitor.user.user_id, why)


def _seen_deal(memory: Memory) -> services.SeenDeal:
    return services.SeenDeal(
        value=memory.deal_worth,
        worth_in_all=memory.worth_in_all,
        with_tax=memory.worth_with_tax,
        before_tax=memory.worth_before_tax,
        party=memory.party,
        invoices=memory.invoices_before,
        latest=memory.latest_before,
    )


def _not_taken(
    request: HttpRequest,
    visitor: Visitor,
    sent: Sent,
    material: Material,
    reason: services.DealChanged | services.DealMoved | services.DealInvoiced | services.EstimateUsed | ServiceError,
) -> HttpResponse:
    if isinstance(reason, services.DealChanged):
        return _deal_changed(request, visitor, sent, reason.value)
    if isinstance(reason, services.DealMoved):
        return _asked_again(request, visitor, sent, sent.memory, _deal_moved(sent.memory))
    if isinstance(reason, services.DealInvoiced):
        return _deal_invoiced(request, visitor, sent, reason.so_far)
    if isinstance(reason, services.EstimateUsed):  # in this very moment; the checks find it now
        material = checked_form(visitor, sent, say()).material
        return page_fragment(request, form_page(material, errors=blocking(material.issues)), status=422)
    if isinstance(reason, NotFound):
        return problem_fragment(request, visitor, not_seen())
    text = _("The invoice was not created. Your entries are kept; try again.")
    banner = Banner("error", problem_of(reason).title, text)
    return page_fragment(request, form_page(material), banner=banner, status=422)


def _deal_moved(memory: Memory) -> Banner:
    text = _("It belongs to another organization or person now. Nothing was created. Open the form again to bill them.")
    return _afresh(memory, _("The deal has changed since this form was opened."), text)


def _worth_otherwise(memory: Memory, *, now: Money, before: Money) -> Banner:
    text = _("It is worth {now} now, and was worth {before}. Nothing was created. Open the form again to take over what"
             " changed, or press “Create invoice” once more to bill what stands here.")  # fmt: skip
    text = text.format(now=say().money(now), before=say().money(before))
    return _afresh(memory, _("The deal has changed since this form was opened."), text)


def _number_taken(taken: str, following: str) -> Banner:
    fact = _("The number {number} is taken in QuickBooks.").format(number=taken)
    # Translators: after "The number 1043 is taken in QuickBooks."; the place is the next number, 1044
    text = _("The next one, {number}, stands in the form. Look at it, then press “Create invoice”.")
    return Banner("warning", fact, text.format(number=following))


def _afresh(memory: Memory, fact: str, text: str) -> Banner:
    url = address("embed_invoice_form", deal=memory.deal_id, afresh=1)
    return Banner("warning", fact, text, again_url=url, again=_("Open the form again"))


def _deal_changed(request: HttpRequest, visitor: Visitor, sent: Sent, value: Money) -> HttpResponse:
    """The form as it was sent, which knows the deal's new value now: the next press means it."""
    memory = replace(sent.memory, deal_value=value.amount, deal_currency=value.currency)
    banner = _worth_otherwise(memory, now=value, before=sent.memory.deal_worth)
    return _asked_again(request, visitor, sent, memory, banner)


def _deal_invoiced(request: HttpRequest, visitor: Visitor, sent: Sent, so_far: SoFar) -> HttpResponse:
    """Two people had the same deal open: the second one is told, and may mean it."""
    memory = replace(sent.memory, invoices_before=so_far.count, latest_before=so_far.latest)
    fact = _("Another invoice of this deal was asked for since this form was opened.")
    text = _("Nothing was created by this one. Look at the deal’s invoices first, or press “Create invoice” once more"
             " to bill what stands here as well.")  # fmt: skip
    return _asked_again(request, visitor, sent, memory, _afresh(memory, fact, text))


def _asked_again(request: HttpRequest, visitor: Visitor, sent: Sent, memory: Memory, banner: Banner) -> HttpResponse:
    material = checked_form(visitor, replace(sent, memory=memory, kept=keep(memory, visitor)), say()).material
    return page_fragment(request, form_page(material), banner=banner, status=422)


@page_token_required
@require_safe
def result(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """The fate of an intent. With `poll` only what is new since the digest `seen`, and when to ask again."""
    invoice = seen(request, visitor, public_id, again_url=request.path)
    if isinstance(invoice, HttpResponse):
        return invoice
    asks = request.GET.get("state") == "sending" and is_fresh(invoice, timezone.now())
    return result_fragment(request, visitor, invoice, crowded=asks and not _wait_for_the_answer(invoice))


def _wait_for_the_answer(invoice: Invoice) -> bool:
    """Holds a question back while the answer is near, so that it is on the page as soon as it is here.

    A new customer, or that the answer was lost, is news as well. Only so many wait at once, and False for any other:
    the rest of this process' threads are for everybody else.
    """
    if not WAITING.acquire(blocking=False):
        return False
    try:
        until = time.monotonic() + LONGEST_WAIT
        while _no_news_of(invoice) and time.monotonic() < until:
            time.sleep(BETWEEN_LOOKS)
        invoice.refresh_from_db()
    finally:
        WAITING.release()
    return True


def _no_news_of(invoice: Invoice) -> bool:
    """In as few words as a database can be asked in: this is said a hundred times a second while somebody waits."""
    table = connection.ops.quote_name(Invoice._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT 1 FROM {table} WHERE id = %s AND submission = %s AND customer_id = %s",  # noqa: S608  # our table
            [invoice.pk, invoice.submission, invoice.customer_id],
        )
        return cursor.fetchone() is not None


@page_token_required
@require_POST
def check(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """QuickBooks is asked at once whether the invoice exists, for whoever does not want to wait for the next try."""
    invoice = seen(request, visitor, public_id, again_url=address("embed_invoice_result", public_id))
    if isinstance(invoice, HttpResponse):
        return invoice
    if invoice.submission == Submission.UNKNOWN and try_again_now(Invoice, [invoice.pk]):
        invoice.refresh_from_db()
    return result_fragment(request, visitor, invoice)


@page_token_required
@require_POST
def retry(request: HttpRequest, visitor: Visitor, public_id: uuid.UUID) -> HttpResponse:
    """After a refusal: the form again, with what was entered and the refusal at its field."""
    try:
        invoice = services.seen_invoice(visitor, public_id)
        if invoice is None:
            return problem_fragment(request, visitor, not_seen())
        if invoice.submission != Submission.REJECTED:
            return result_fragment(request, visitor, invoice)
        if successor := services.successor_of(invoice):
            shown = seen(request, visitor, successor.public_id)
            return shown if isinstance(shown, HttpResponse) else result_fragment(request, visitor, shown)
        if visitor.connection is None:
            return problem_fragment(request, visitor, not_connected())
        return _form_again(request, visitor, visitor.connection, invoice)
    except ServiceError as error:
        return problem_fragment(
            request, visitor, problem_of(error), again_url=address("embed_invoice_result", public_id)
        )


def _form_again(
    request: HttpRequest, visitor: Visitor, connection: QuickBooksConnection, invoice: Invoice
) -> HttpResponse:
    preparation = drafting.prepare(visitor, invoice.deal_id, template_id=str(invoice.preset_id or ""))
    other_books = invoice.realm_id != connection.realm_id
    form, keys = filling.reopened(preparation, invoice.confirmed, say(), other_books=other_books)
    form = replace(form, intent_key=invoice.key_of_successor)
    memory = filling.memory_of(preparation)
    if not other_books and (estimate := invoice.confirmed.estimate):
        afresh = filling.before_estimate(filling.opened(preparation, say()))
        memory = replace(memory, estimate=estimate, before_estimate=afresh)
    refusal = selectors.refusal_of(invoice)
    mended = bool(refusal and refusal.customer_id and not other_books) and request.POST.get("use_customer") == "yes"
    customer_id, name = "", ""
    if refusal and mended:
        customer_id, name = refusal.customer_id, refusal.customer
    elif form.customer == NEW_CUSTOMER and not other_books:  # it may have been created before the invoice was refused
        customer_id, name = invoice.customer_id, form.name
    if customer_id:
        there = services.customer_there(connection, customer_id, name)
        memory = memory.with_customer(there)
        untouched = form.sales_tax == drafting.usual_sales_tax(connection, None)
        rate = drafting.usual_sales_tax(connection, there) if untouched else form.sales_tax
        form = replace(form, customer=there.customer_id, sales_tax=rate)
    banner, worth = None, invoice.deal_worth_then
    if memory.party != invoice.party:
        banner, memory = _deal_moved(memory), replace(memory, party=invoice.party)  # and no press of this form is taken
    elif worth is not None and worth != memory.deal_worth:
        banner = _worth_otherwise(memory, now=memory.deal_worth, before=worth)
    following = preparation.draft.number
    if banner is None and refusal and refusal.code == NUMBER_TAKEN and following not in ("", form.number):
        banner, mended = _number_taken(form.number, following), True
        form = replace(form, number=following)
    material = checked_form(visitor, Sent(form, memory, keep(memory, visitor)), say()).material
    errors = () if mended else (_at_its_field(refusal, keys, form),)
    return page_fragment(request, form_page(material, errors=errors), banner=banner)


def _at_its_field(refusal: Refusal | None, keys: tuple[str, ...], form: FormInput) -> Issue:
    field = by_key(refusal.field if refusal else "", keys)
    told = refusals.explain(refusal, customer=form.name)
    return Issue(field, target_of(field), Severity.BLOCKS, told.fact, told.text, told.sentence)


def result_fragment(
    request: HttpRequest, visitor: Visitor, invoice: Invoice, *, note: str = "", crowded: bool = False
) -> HttpResponse:
    """The result as it is now, with a note of what this request has to say beside it. When it is crowded the page comes
    back a little later.
    """
    now = timezone.now()
    page = replace(result_page(_story(visitor, invoice)), note=note)
    polled = request.GET.get("poll") == "1"
    context = {
        "page": page,
        "polled": polled,
        "news": not polled or request.GET.get("seen") != page.digest,
        "state_changed": request.GET.get("state") != page.state,
        "poll_after": poll_after(page, invoice, now, crowded=crowded),
        "send_next": "send" in (request.POST.get("then"), request.GET.get("then")),  # as was asked with the invoice
        "connect_url": connect_url(visitor.user) if page.reconnect else "",
    }
    return render(request, "invoices/result.html", context)


def _story(visitor: Visitor, invoice: Invoice) -> Story:
    connection = visitor.connection
    url = ""
    if connection and connection.realm_id == invoice.realm_id:
        if invoice.qbo_invoice_id:
            url = quickbooks_url(connection, "invoice", txnId=invoice.qbo_invoice_id)
        elif invoice.customer_id:
            url = quickbooks_url(connection, "customerdetail", nameId=invoice.customer_id)
    row, rights = selectors.row_of(invoice, connection), rights_of(visitor.user)
    exists = invoice.submission == Submission.SUCCEEDED
    trace_id, files = (trace_of_creation(invoice), len(attached_files(invoice))) if exists else ("", 0)
    stored = settings_read_with(visitor.company)
    draft, now, wants_notes = from_json(invoice.draft), timezone.now(), stored.writes_notes
    return Story(invoice, draft, connection, url, now, say(), row, rights, trace_id, wants_notes, files)
