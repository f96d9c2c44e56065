"""From a request or a preparation to what the form's page is made of; shared by opening, previewing and creating."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from integration_settings import reference
from integration_settings.errors import ConnectionExpired
from integration_settings.models import QuickBooksConnection
from integration_settings.presets import form_styles_url, list_templates
from integration_settings.profile import profile_of
from integration_settings.reference import AS_STORED, Term
from integration_settings.rights import Right, rights_of
from integration_settings.tenancy import Visitor
from invoices import drafting, unsent_forms
from invoices.customer_updates import Wish
from invoices.domain.checks import Finding
from invoices.domain.draft import InvoiceDraft
from invoices.drafting import Preparation
from invoices.exchange_rates import HomeRate, home_rate
from invoices.form_memory import (
    BadMemory,
    Memory,
    MemoryOfAnotherVersion,
    MemoryOfOtherBooks,
    SeenCustomer,
    keep,
    keep_seen,
    recall,
    recall_seen,
)
from invoices.forms import MOST_LINES, FormInput, Lists, Reading, TooManyLines, UnreadableForm, read_post, understand
from invoices.presentation import filling
from invoices.presentation.finding_parts import Words
from invoices.presentation.findings import Issue, by_keys, issues_of
from invoices.presentation.form_parts import FormPage, Material
from invoices.presentation.line_html import rows_html
from invoices.presentation.panel import Banner
from invoices.presentation.say import Say
from invoices.views.answers import Problem, no_right, problem_fragment, problem_of, say

SUMS = ("zero_total", "negative_total", "over_the_deal", "discount_over_total")  # told once every figure can be read


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it came in. `kept` is the text that `memory` was read from."""

    form: FormInput
    memory: Memory
    kept: str
    seen: SeenCustomer | None = None

    @property
    def wish(self) -> Wish | None:
        """The ticked differences, as long as they were shown of the customer that is chosen now."""
        seen, form = self.seen, self.form
        if seen is None or not form.updates_customer or seen.customer_id != form.customer:
            return None
        ticked = (found for found in seen.differences if found.possible and found.field in form.updated_fields)
        changes = tuple(found.change for found in ticked)
        return Wish(seen.customer_id, seen.name, changes) if changes else None


def sent_form(fields: QueryDict, visitor: Visitor) -> Sent:
    """The fields and what the form remembers; raises `UnreadableForm` and `BadMemory`."""
    form, kept = read_post(fields), fields.get("kept", "")
    seen = recall_seen(form.seen_customer, visitor) if form.seen_customer else None
    return Sent(form, recall(kept, visitor, deal_id=form.deal_id), kept, seen)


def keep_entries(visitor: Visitor, sent: Sent, fields: QueryDict) -> None:
    """What stands in a form, for when its person opens it again."""
    fields = fields.copy()
    fields["kept"] = keep(sent.memory, visitor)  # their lives begin anew
    if sent.seen:
        fields["seen_customer"] = keep_seen(sent.seen, visitor)
    deal_id, intent_key = sent.form.deal_id, sent.form.intent_key
    unsent_forms.keep(visitor, deal_id=deal_id, intent_key=intent_key, fields=fields, locale=say().locale)


def answering_a_form(view: Callable[[HttpRequest, Visitor], HttpResponse]) -> Callable[..., HttpResponse]:
    """For what answers a form that was sent with the form or a part of it. Where there is none any more, that is said
    in place of the whole form: the rest would stand there as "ready to create". When somebody ends the connection the
    company's lists go, and the entries are kept.
    """

    @wraps(view)
    def answer(request: HttpRequest, visitor: Visitor) -> HttpResponse:
        try:
            return view(request, visitor)
        except ConnectionExpired as error:
            keep_entries(visitor, sent_form(request.POST, visitor), request.POST)
            response = problem_fragment(request, visitor, problem_of(error))
        except MemoryOfAnotherVersion:
            return not_read_here()
        except (UnreadableForm, BadMemory) as error:
            response = problem_fragment(request, visitor, form_gone(error))
        response["HX-Retarget"], response["HX-Reswap"] = "#invoice", "innerHTML"
        return response

    return answer


def not_read_here() -> HttpResponse:
    """The form stays as it is, with its entries: the page says that this did not work, and can be tried again."""
    return HttpResponse(status=503)


def form_gone(error: UnreadableForm | BadMemory) -> Problem:
    """Why nothing can be made of a form any more."""
    if isinstance(error, TooManyLines):
        return too_many_lines()
    other_books = isinstance(error, MemoryOfOtherBooks)
    return Problem(
        "info",
        "link" if other_books else "clock",
        _("Another QuickBooks company is connected now") if other_books else _("This form has been open for too long"),
        _("Nothing was sent to QuickBooks by it. Close it and open it again from the deal."),
        410,
    )


def too_many_lines() -> Problem:
    text = _("This form takes up to {most} lines. Spread the products over several deals and invoice each of them.")
    return Problem("info", "document", _("Too many lines"), text.format(most=say().number(MOST_LINES)), 410)


def connection_of(visitor: Visitor) -> QuickBooksConnection:
    if visitor.connection is None:
        raise ConnectionExpired("quickbooks", "not connected")
    return visitor.connection


def lists_of(visitor: Visitor, memory: Memory) -> Lists:
    """As they were when the form opened; nobody is asked again while somebody types."""
    company = visitor.company
    return Lists(
        tax_codes={code.id: code for code in reference.tax_codes(company, AS_STORED)},
        items={item.id: item for item in reference.items(company, AS_STORED)},
        currencies=tuple(currency.code for currency in reference.currencies(company, AS_STORED)),
        classes={tag.id: tag for tag in reference.classes(company, AS_STORED)},
        locations={tag.id: tag for tag in reference.locations(company, AS_STORED)},
        terms=terms_of(visitor, memory),
        templates=tuple(list_templates(connection_of(visitor))),
    )


def terms_of(visitor: Visitor, memory: Memory) -> dict[str, Term]:
    """What the customers' own terms say, where the company wants them."""
    return {term.id: term for term in reference.terms(visitor.company, AS_STORED)} if memory.uses_terms else {}


def material_as_opened(visitor: Visitor, preparation: Preparation, say: Say) -> Material:
    """The form as it first stands: the core has checked it already."""
    form, memory = filling.opened(preparation, say), filling.memory_of(preparation)
    lists = Lists(
        tax_codes={code.id: code for code in preparation.tax_codes},
        items={item.id: item for item in preparation.items},
        currencies=preparation.currencies,
        classes={tag.id: tag for tag in preparation.classes},
        locations={tag.id: tag for tag in preparation.locations},
        terms=preparation.terms,
        templates=preparation.templates,
    )
    reading = understand(form, memory=memory, lists=lists, locale=say.locale, today=say.today())
    words = Words(say, preparation.profile.country, _line_names(form, memory), dict(preparation.profile.own_fields))
    return Material(
        input=form,
        memory=memory,
        kept=keep(memory, visitor),
        lists=lists,
        profile=preparation.profile,
        totals=preparation.totals,
        amounts=reading.amounts,
        issues=issues_of(by_keys(preparation.findings, reading.keys), words),
        checked_at=timezone.now(),
        invoice_date=preparation.draft.invoice_date,
        due_date=preparation.draft.due_date,
        term_id=preparation.draft.term_id,
        say=say,
        form_styles_url=form_styles_url(connection_of(visitor)),
        no_right=_no_right(visitor),
        may_send=Right.SEND in rights_of(visitor.user),
        home_rate=_home_rate(visitor, preparation.draft),
    )


def _home_rate(visitor: Visitor, draft: InvoiceDraft) -> HomeRate | None:
    return home_rate(connection_of(visitor), draft.currency, draft.invoice_date)


def _no_right(visitor: Visitor) -> str:
    return "" if Right.CREATE in rights_of(visitor.user) else " ".join(no_right(visitor, Right.CREATE))


@dataclass(frozen=True, slots=True)
class Checked:
    """A form that was read: what it means as a draft, and everything its page is made of."""

    reading: Reading
    material: Material


def checked_form(visitor: Visitor, sent: Sent, say: Say) -> Checked:
    """The form as somebody has filled it in, read and checked from the stored lists."""
    lists = lists_of(visitor, sent.memory)
    reading = understand(sent.form, memory=sent.memory, lists=lists, locale=say.locale, today=say.today())
    return Checked(reading, _material(visitor, sent, lists, reading, say))


def _material(visitor: Visitor, sent: Sent, lists: Lists, reading: Reading, say: Say) -> Material:
    profile = profile_of(connection_of(visitor))
    customer = sent.memory.customer(sent.form.customer)
    checked = drafting.preview(
        visitor.company,
        reading.draft,
        deal_value=sent.memory.worth_to_bill,
        worth_in_all=sent.memory.worth_in_all,
        customer_currency=customer.currency if customer else "",
        prices_were_with_tax=sent.memory.prices_were_with_tax,
        deal_with_tax=sent.memory.prices_have_tax,
        more_than_the_deal=sent.form.over_deal,
        taken_name=sent.form.taken_name,
        customer_gone=customer is not None and sent.form.gone_customer == customer.customer_id,
        usual_tax=sent.form.usual_tax,
        reader_id=visitor.user.user_id,
    )
    words = Words(say, profile.country, _line_names(sent.form, sent.memory), dict(profile.own_fields))
    return Material(
        input=sent.form,
        memory=sent.memory,
        kept=sent.kept,
        lists=lists,
        profile=profile,
        totals=checked.totals if reading.figures_readable else None,
        amounts=reading.amounts,
        issues=issues_of(_together(reading, checked.findings), words),
        checked_at=checked.checked_at,
        invoice_date=reading.draft.invoice_date,
        due_date=None if reading.unreadable & {"invoice_date", "due_date"} else reading.draft.due_date,
        term_id=reading.draft.term_id,
        say=say,
        form_styles_url=form_styles_url(connection_of(visitor)),
        seen=sent.seen,
        no_right=_no_right(visitor),
        may_send=Right.SEND in rights_of(visitor.user),
        home_rate=_home_rate(visitor, reading.draft),
    )


def _together(reading: Reading, checked: tuple[Finding, ...]) -> list[Finding]:
    """What cannot be read comes first; about those fields, and about sums over them, nothing more is said."""
    unreadable = reading.unreadable
    rest = [finding for finding in by_keys(checked, reading.keys) if finding.field not in unreadable]
    if not reading.figures_readable:
        rest = [finding for finding in rest if finding.field and finding.code not in SUMS]
    return [*reading.findings, *rest]


def _line_names(form: FormInput, memory: Memory) -> dict[str, str]:
    """By key. Lines of the same name are told apart by a number behind it."""
    known = {key: line.name for key, line in memory.lines.items()}
    names = {line.key: known.get(line.key) or line.name for line in form.lines}
    often, so_far = Counter(names.values()), Counter[str]()
    for key, name in names.items():
        if name and often[name] > 1:
            so_far[name] += 1
            names[key] = f"{name} ({so_far[name]})"
    return names


def page_fragment(
    request: HttpRequest,
    page: FormPage,
    *,
    template: str = "invoices/form.html",
    banner: Banner | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "rows": partial(rows_html, page),
        "banner": banner,
        "labels": labels(),
        "at_field": at_field(page),
    }
    response = render(request, template, context, status=status)
    if status == 403:
        response["X-Fragment"] = "swap"
    return response


def labels() -> dict[str, str]:
    """Labels that are handed to included pieces."""
    return {
        "name": _("Name in QuickBooks"),
        "city": _("City"),
        "country": _("Country"),
        "number": _("Invoice number"),
        "number_hint": _("This company numbers its invoices by hand."),
        "invoice_date": _("Invoice date"),
        "choose_invoice_date": _("Choose the invoice date"),
        "class": _("Class"),
        "cc": _("CC"),
        "bcc": _("BCC"),
        "copies_hint": _("Several addresses: put commas between them."),
        "private_note": _("Private note"),
        "private_note_hint": _("Not on the invoice, but the customer may read it on statements from QuickBooks."),
    }


def at_field(page: FormPage) -> dict[str, str]:
    """The sentences of the faults by the name of the field they stand at."""
    return {target.removeprefix("f-"): sentence for target, sentence in page.at_field.items()}


def blocking(issues: tuple[Issue, ...]) -> tuple[Issue, ...]:
    return tuple(issue for issue in issues if issue.blocks)
