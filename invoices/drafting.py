"""How an invoice begins: what the form opens with, and what is known of it while somebody fills it in."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypedDict, Unpack

from babel.numbers import list_currencies
from django.utils import timezone

from integration_settings import reference
from integration_settings.connections import fresh_access_token
from integration_settings.errors import ConnectionExpired, ServiceError
from integration_settings.item_links import linked_items
from integration_settings.kept_lists import ONE_HOUR, NotKept, only_kept
from integration_settings.models import Company, CompanySettings, QuickBooksConnection
from integration_settings.pipedrive import PipedriveClient
from integration_settings.presets import (
    Template,
    list_templates,
    opening_template,
    template_called,
)
from integration_settings.profile import Profile, current_profile
from integration_settings.reference import AS_STORED, Item, Tag, TaxCode, Term
from integration_settings.selectors import own_fields_from, quickbooks_of, settings_read_with
from integration_settings.side_by_side import Found, Given, SideBySide, done
from integration_settings.tenancy import Visitor
from invoices import customers
from invoices.customers import CustomerChoice
from invoices.deal_gateway import facts_of, forget_products, load_deal, load_instalments, remembered
from invoices.domain.books import can_be_sold
from invoices.domain.checks import Context, Finding, may_be_mended, preflight
from invoices.domain.customer_update import CustomerRecord
from invoices.domain.deal import Deal
from invoices.domain.draft import AmountsAre, DraftLine, InvoiceDraft, Rest, rest_of, worth_in_all
from invoices.domain.mapping import FieldChoices, prefill, worth_before_tax
from invoices.domain.matching import CustomerCandidate, ItemProposal
from invoices.domain.money import Money, round_amount
from invoices.domain.plan import lines_of
from invoices.domain.presets import Texts
from invoices.domain.tax import TaxProposal, Totals, amounts_are, propose_sales_tax, sales_taxes, totals
from invoices.domain.terms import due_date
from invoices.invoice_gateway import InvoiceGateway, QuickBooksGateway, books_of
from invoices.items import creates_items, item_policy, up_to_date_items
from invoices.moved_deals import MOST_ASKED, Beside, ask_beside, bring_along
from invoices.reports import today_in
from invoices.so_far import (
    SoFar,
    drafts_of,
    invoiced_so_far,
    is_estimate_used,
    living_invoices,
    same_again,
    summed_up,
)


@dataclass(frozen=True, slots=True)
class Preparation:
    """Everything the invoice form of a deal shows at first. The n-th proposals belong to `draft.lines[n]`."""

    deal: Deal
    intent_key: uuid.UUID
    draft: InvoiceDraft
    customer: CustomerChoice
    item_proposals: tuple[ItemProposal, ...]
    tax_proposals: tuple[TaxProposal, ...]
    profile: Profile
    tax_codes: tuple[TaxCode, ...]
    items: tuple[Item, ...]  # active ones that can be sold
    currencies: tuple[str, ...]  # the home currency first
    classes: tuple[Tag, ...]
    locations: tuple[Tag, ...]
    templates: tuple[Template, ...]
    template: Template  # with which the draft was made
    base: Texts  # the draft's fields before the template filled them
    terms: Mapping[str, Term]  # none where the company does not want the customers' own
    due_days: int
    rest: Rest  # of the draft's lines: what earlier invoices of the deal have, and what is left
    today: date  # in the QuickBooks company's time zone
    worth_before_tax: Decimal | None  # of the deal, where its prices are with tax and the draft's without
    totals: Totals
    findings: tuple[Finding, ...]
    so_far: SoFar  # of the deal
    worth_in_all: Decimal | None  # of a deal with products that are billed again and again; else 0


@dataclass(frozen=True, slots=True)
class Preview:
    totals: Totals
    findings: tuple[Finding, ...]
    checked_at: datetime
    so_far: SoFar  # of the deal

    @property
    def blocked(self) -> bool:
        return any(finding.blocks for finding in self.findings)


class Known(TypedDict, total=False):
    """What whoever has a draft checked knows beside it; what each says stands at `checks.Context`."""

    deal_value: Money | None
    worth_in_all: Decimal | None
    deal_with_tax: bool
    customer_currency: str
    prices_were_with_tax: bool
    more_than_the_deal: bool
    taken_name: str
    customer_gone: bool
    usual_tax: str


def prepare(visitor: Visitor, deal_id: int, *, template_id: str | None = None) -> Preparation:
    """Raises the `ServiceError`s of both services; `NotFound` when the visitor may not see the deal.

    Both services are asked side by side; QuickBooks only for lists that are too old, and for customers that might be
    the deal's when none was chosen before. `template_id` is None for the one that the user's forms open with.
    """
    company, connection = visitor.company, connected(visitor.connection)
    chosen = settings_read_with(company)
    asked = _ask(visitor, connection, chosen, deal_id, anew=template_id is not None)
    deal, codes, items = asked.deal, asked.codes, asked.items
    books = books_of(connection)
    template = (
        opening_template(asked.templates, visitor.user)
        if template_id is None
        else template_called(asked.templates, template_id)
    )
    today = today_in(asked.profile.timezone)
    filled = prefill(
        deal,
        field_choices(partial(getattr, chosen), own_fields_from(chosen, connection), due_days=chosen.due_days),
        books=books,
        codes=codes,
        items=items,
        today=today,
        item_links={product_id: item_id for product_id, (item_id, _linked_at) in asked.chosen_items.items()},
        item_policy=item_policy(connection, chosen),
        number=asked.number,
        preset=template,
    )
    proposed = zip(filled.draft.lines, filled.item_proposals, strict=True)
    forget_products(visitor.user, [line.product_id for line, item in proposed if line.product_id and not item.is_found])
    choice = customers.choice_for(
        company,
        connection.realm_id,
        deal,
        filled.draft.bill_to,
        gateway=QuickBooksGateway(connection),
        currency=deal.currency,
        recipient=chosen.recipient_field,
        whole=bool(asked.terms) or books.names_sales_tax,
    )
    preselected = _preselected(choice)
    bring_along(visitor.user, facts_of(deal), customer_id=choice.preselected, anew=True, asked=asked.beside)
    draft = _addressed(filled.draft, preselected, asked.terms)
    draft = replace(draft, sales_tax_id=usual_sales_tax(connection, preselected))
    before_tax = worth_before_tax(deal, books, draft)
    living = living_invoices(company, deal_id)
    rest = rest_of(draft, drafts_of(living), deal.recurring)
    in_all = worth_in_all(draft, deal.recurring) if deal.recurring else Decimal(0)
    checked = _checked(
        company,
        connection,
        rest.without_done,
        codes,
        items,
        so_far=summed_up(living),
        deal_value=Money(deal.value if before_tax is None else before_tax, deal.currency),
        worth_in_all=in_all,
        customer_currency=preselected.currency if preselected else "",
        prices_were_with_tax=before_tax is not None,
        deal_with_tax=amounts_are(deal.tax_method, books) == AmountsAre.TAX_INCLUSIVE,
        reader_id=visitor.user.user_id,
    )
    blocking = {found.code for found in checked.findings if found.blocks}
    if may_be_mended(blocking, filled.tax_proposals) and reference.look_again(connection):
        return prepare(visitor, deal_id, template_id=template_id)
    return Preparation(
        deal=deal,
        intent_key=uuid.uuid4(),
        draft=rest.draft,
        customer=choice,
        item_proposals=filled.item_proposals,
        tax_proposals=filled.tax_proposals,
        profile=asked.profile,
        tax_codes=tuple(code for code in codes if code.active),
        items=tuple(item for item in items if can_be_sold(item)),
        currencies=asked.currencies,
        classes=tuple(asked.classes),
        locations=tuple(asked.locations),
        templates=tuple(asked.templates),
        template=template,
        base=filled.base,
        terms=asked.terms,
        due_days=chosen.due_days,
        rest=rest,
        today=today,
        worth_before_tax=before_tax,
        totals=checked.totals,
        findings=checked.findings,
        so_far=checked.so_far,
        worth_in_all=in_all,
    )


def lines_of_instalment(visitor: Visitor, preparation: Preparation, instalment_id: int) -> tuple[DraftLine, ...]:
    """What bills one instalment of the deal's plan; none for one that is not there. Raises the `ServiceError`s of
    Pipedrive.
    """
    deal, draft = preparation.deal, preparation.draft
    plan = load_instalments(visitor.user, deal.id)
    chosen = next((each for each in plan if each.id == instalment_id), None)
    if chosen is None:
        return ()
    amount = chosen.amount
    before_tax = preparation.worth_before_tax
    if before_tax is not None and deal.value > 0:  # the instalment has that tax, too
        amount = round_amount(amount * before_tax / deal.value, draft.currency)
    products_tax = [proposal.percentage for proposal in preparation.tax_proposals]
    return lines_of(chosen, draft, products_tax, amount=amount, title=deal.title)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What both services say for a form, and what is chosen here."""

    deal: Deal
    codes: list[TaxCode]
    items: list[Item]
    classes: list[Tag]
    locations: list[Tag]
    terms: Mapping[str, Term]
    profile: Profile
    number: str  # the next one, in books that let people number
    currencies: tuple[str, ...]
    chosen_items: Mapping[int, tuple[str, datetime]]
    templates: list[Template]
    beside: Beside | None


def _ask(
    visitor: Visitor, connection: QuickBooksConnection, chosen: CompanySettings, deal_id: int, *, anew: bool
) -> _Asked:
    """Both services at once. `anew` is whether terms are read that are kept already."""
    company = visitor.company
    fresh_access_token(connection)  # before the threads start: none of them should have to refresh
    known = remembered(visitor.user, deal_id)
    with SideBySide(7 + MOST_ASKED) as calls:
        beside = ask_beside(calls, visitor.user, known) if known else None
        deal_soon = calls.start(load_deal, PipedriveClient(visitor.user), deal_id)
        codes_soon = _soon(calls, reference.tax_codes, company)
        items_soon = _soon(calls, reference.items, company)
        classes_soon = _soon(calls, reference.classes, company)
        locations_soon = _soon(calls, reference.locations, company)
        terms_soon = _soon(calls, _terms, company, chosen, anew)
        profile = current_profile(connection)
        number_soon = calls.start(_next_number, QuickBooksGateway(connection)) if profile.custom_numbers else done(str)
        currencies = tuple(currency.code for currency in reference.currencies(company))
        chosen_items = linked_items(connection)
        templates = list_templates(connection)
        codes, items = codes_soon.result(), items_soon.result()
        items = up_to_date_items(connection, items, chosen_items)
        deal = deal_soon.result()
        if profile.names_sales_tax and not sales_taxes(codes):  # until now QuickBooks did that by itself
            codes = reference.tax_codes(company)
        return _Asked(
            deal=deal,
            codes=codes,
            items=items,
            classes=classes_soon.result(),
            locations=locations_soon.result(),
            terms=terms_soon.result(),
            profile=profile,
            number=number_soon.result(),
            currencies=currencies,
            chosen_items=chosen_items,
            templates=templates,
            beside=beside,
        )


def preview(company: Company, draft: InvoiceDraft, *, reader_id: int | None = None, **known: Unpack[Known]) -> Preview:
    """Adds up and checks a draft from the stored lists; asks nobody. Raises `ConnectionExpired` when never connected.

    `reader_id` is the user who is shown it. Where the caller does not know the customer's currency, a linked one's is
    known here.
    """
    connection = quickbooks_of(company)
    if connection is None:
        raise ConnectionExpired("quickbooks", "not connected")
    codes, items = reference.tax_codes(company, AS_STORED), reference.items(company, AS_STORED)
    so_far = invoiced_so_far(company, draft.deal_id)
    return _checked(company, connection, draft, codes, items, so_far=so_far, reader_id=reader_id, **known)


def usual_sales_tax(connection: QuickBooksConnection, customer: CustomerCandidate | None) -> str:
    """The rate that an invoice to this customer, or to a new one, usually names; "" outside the United States."""
    codes = reference.tax_codes(connection.company, AS_STORED)
    of_customer = customer.sales_tax_id if customer else ""
    return propose_sales_tax(codes, books=books_of(connection), of_customer=of_customer)


def taxes_by_customer(connection: QuickBooksConnection) -> bool:
    """Whether a customer may have a usual code in QuickBooks; in the United States the invoice has one rate."""
    return books_of(connection).needs_tax_codes


def usual_tax_code(connection: QuickBooksConnection, customer: CustomerRecord) -> TaxCode | None:
    """What QuickBooks usually taxes the lines of this customer with."""
    if not taxes_by_customer(connection):
        return None
    codes = reference.tax_codes(connection.company, AS_STORED)
    return next((code for code in codes if code.active and code.id == customer.sales_tax_id), None)


def with_percentages(draft: InvoiceDraft, codes: list[TaxCode]) -> InvoiceDraft:
    """The draft with each line's percentage as its chosen code has it now; a form need not be believed."""
    percentages = {code.id: code.percentage for code in codes}
    return replace(
        draft,
        lines=tuple(
            replace(line, tax_percentage=percentages.get(line.tax_code_id, Decimal(0))) for line in draft.lines
        ),
    )


def field_choices(field: Callable[[str], str], own: Mapping[str, str], *, due_days: int) -> FieldChoices:
    """`field` tells what fills something by its name in `CompanySettings`, `own` that of own fields by their id."""
    return FieldChoices(
        recipient=field("recipient_field"),
        address=field("address_field"),
        email=field("email_field"),
        tax_id=field("tax_id_field"),
        memo=field("memo_field"),
        private_note=field("private_note_field"),
        cc=field("cc_field"),
        own_fields=tuple(own.items()),
        due_days=due_days,
    )


def connected(connection: QuickBooksConnection | None) -> QuickBooksConnection:
    if connection is None or not connection.is_connected:
        raise ConnectionExpired("quickbooks", "not connected")
    return connection


def _soon(calls: SideBySide, read: Callable[[*Given], Found], *args: *Given) -> Future[Found]:
    """From our store at once; a thread, which needs a database connection of its own, only where a service is asked."""
    with only_kept():
        kept = done(read, *args)
    return calls.start(read, *args) if isinstance(kept.exception(), NotKept) else kept


def _next_number(gateway: InvoiceGateway) -> str:
    """One more than the invoice created last: a proposal only, the person may write another."""
    with suppress(ServiceError):
        last = gateway.last_number()
        digits = last[len(last.rstrip("0123456789")) :]
        return last[: len(last) - len(digits)] + str(int(digits) + 1).zfill(len(digits)) if digits else ""
    return ""


def _terms(company: Company, chosen: CompanySettings, anew: bool) -> dict[str, Term]:
    """For customers that have some. After a refusal they are read anew: one of them may be what was refused."""
    if not chosen.customer_terms_first:
        return {}
    with suppress(ServiceError):
        return {term.id: term for term in reference.terms(company, timedelta(0) if anew else ONE_HOUR)}
    return {}


def _addressed(draft: InvoiceDraft, chosen: CustomerCandidate | None, terms: Mapping[str, Term]) -> InvoiceDraft:
    """The draft for the preselected customer: the name is the one QuickBooks has, and so are the terms."""
    if chosen is None:
        return draft
    bill_to = replace(draft.bill_to, customer_id=chosen.customer_id, name=chosen.name, exempt=chosen.exempt)
    draft = replace(draft, bill_to=bill_to)
    term = terms.get(chosen.term_id)
    due = due_date(term, draft.invoice_date) if term else None
    return replace(draft, due_date=due, term_id=term.id) if term and due else draft


def _preselected(choice: CustomerChoice) -> CustomerCandidate | None:
    offered = [choice.linked, *choice.candidates] if choice.linked else list(choice.candidates)
    return next((each for each in offered if each and each.customer_id == choice.preselected), None)


def _checked(
    company: Company,
    connection: QuickBooksConnection,
    draft: InvoiceDraft,
    codes: list[TaxCode],
    items: list[Item],
    *,
    so_far: SoFar,
    reader_id: int | None,
    **known: Unpack[Known],
) -> Preview:
    books = books_of(connection)
    draft = with_percentages(draft, codes)
    by_id = {code.id: code for code in codes}
    added_up = totals(draft, by_id, books=books)
    known["customer_currency"] = known.get("customer_currency") or _currency_of_linked(company, connection, draft)
    context = Context(
        books=books,
        codes=by_id,
        items={item.id: item for item in items},
        known_currencies=list_currencies(),
        creates_items=creates_items(connection, draft),
        invoiced_before=so_far.amount,
        invoices_before=so_far.count,
        unconfirmed_before=so_far.unconfirmed,
        instalments_before=so_far.instalments,
        same_again=same_again(connection, draft, added_up, reader_id=reader_id),
        estimate_used=draft.estimate is not None
        and is_estimate_used(company.pk, connection.realm_id, draft.estimate.id),
        today=today_in(connection.timezone),
        **known,
    )
    return Preview(added_up, tuple(preflight(draft, added_up, context)), timezone.now(), so_far)


def _currency_of_linked(company: Company, connection: QuickBooksConnection, draft: InvoiceDraft) -> str:
    if draft.bill_to.is_new:
        return ""
    rows = company.customer_links.filter(realm_id=connection.realm_id, customer_id=draft.bill_to.customer_id)
    return str(rows.values_list("currency", flat=True).first() or "")
