"""What the views may ask for: prepare a form, add up a draft, store an intent, link a customer, look again."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from babel.numbers import list_currencies
from django.db import IntegrityError, transaction
from django.utils import timezone

from integration_settings import reference
from integration_settings.connections import fresh_access_token
from integration_settings.errors import ConnectionExpired, NotFound, ServiceError
from integration_settings.item_links import linked_items
from integration_settings.models import Company, PipedriveUser, QuickBooksConnection
from integration_settings.pipedrive import PipedriveClient
from integration_settings.reference import AS_STORED, Item, Profile, Tag, TaxCode
from integration_settings.selectors import quickbooks_of, settings_of
from integration_settings.tenancy import Visitor
from invoices import actions, customer_updates, customers
from invoices.actions import Asked
from invoices.customers import CustomerChoice, NameClash
from invoices.deal_gateway import deal_now, load_deal, may_see_deal
from invoices.domain.actions import Action
from invoices.domain.books import can_be_sold
from invoices.domain.checks import Context, Finding, preflight
from invoices.domain.deal import Deal, TaxMethod
from invoices.domain.draft import AmountsAre, InvoiceDraft, fingerprint, to_json
from invoices.domain.mapping import FieldChoices, prefill
from invoices.domain.matching import CustomerCandidate, ItemProposal
from invoices.domain.money import Money
from invoices.domain.tax import TaxProposal, Totals, propose_sales_tax, sales_taxes, totals
from invoices.following import catch_up
from invoices.invoice_gateway import InvoiceGateway, QuickBooksGateway, books_of
from invoices.items import creates_items, item_policy, remember_items, up_to_date_items, with_income_account
from invoices.models import Invoice
from invoices.reports import zone
from invoices.selectors import invoice_for, invoice_row, invoiced_so_far
from invoices.side_by_side import SideBySide
from invoices.submission import MakeGateway

BETWEEN_REFRESHES = timedelta(seconds=5)


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
    due_days: int
    today: date  # in the QuickBooks company's time zone
    totals: Totals
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    totals: Totals
    findings: tuple[Finding, ...]
    checked_at: datetime

    @property
    def blocked(self) -> bool:
        return any(finding.blocks for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Requested:
    """`repeated`: this form was sent before, its row stands. `differs`: and it had said something else then."""

    invoice: Invoice
    repeated: bool
    differs: bool


# The form


def prepare(visitor: Visitor, deal_id: int, make_gateway: MakeGateway = QuickBooksGateway) -> Preparation:
    """Raises the `ServiceError`s of both services; `NotFound` when the visitor may not see the deal.

    Both services are asked side by side; QuickBooks only for lists that are too old, and for customers that might be
    the deal's when none was chosen before.
    """
    company, connection = visitor.company, _connected(visitor.connection)
    fresh_access_token(connection)  # before the threads start: none of them should have to refresh
    with SideBySide(5) as calls:
        deal_soon = calls.start(load_deal, PipedriveClient(visitor.user), deal_id)
        codes_soon = calls.start(reference.tax_codes, company)
        items_soon = calls.start(reference.items, company)
        classes_soon = calls.start(reference.classes, company)
        locations_soon = calls.start(reference.locations, company)
        profile = reference.current_profile(connection)
        currencies = tuple(currency.code for currency in reference.currencies(company))
        deal, codes, items = deal_soon.result(), codes_soon.result(), items_soon.result()
        if profile.names_sales_tax and not sales_taxes(codes):  # until now QuickBooks did that by itself
            codes = reference.tax_codes(company)
        classes, locations = classes_soon.result(), locations_soon.result()
    gateway = make_gateway(connection)
    chosen = settings_of(company)
    items = up_to_date_items(connection, items)
    books = books_of(connection)
    today = timezone.now().astimezone(zone(profile.timezone)).date()
    filled = prefill(
        deal,
        FieldChoices(
            recipient=chosen.recipient_field,
            address=chosen.address_field,
            email=chosen.email_field,
            tax_id=chosen.tax_id_field,
            due_days=chosen.due_days,
        ),
        books=books,
        codes=codes,
        items=items,
        today=today,
        item_links=linked_items(connection),
        item_policy=item_policy(connection, chosen),
        exchange_rate=_rate(gateway, deal.currency, today, profile),
        number=_next_number(gateway) if profile.custom_numbers else "",
    )
    choice = customers.choice_for(
        company, connection.realm_id, deal, filled.draft.bill_to, gateway=gateway, currency=deal.currency
    )
    if books.names_sales_tax and choice.linked:
        choice = replace(choice, linked=customers.with_sales_tax(choice.linked, gateway))
    draft = replace(_addressed(filled.draft, choice), sales_tax_id=usual_sales_tax(connection, _preselected(choice)))
    checked = _checked(company, connection, draft, codes, items, deal_value=Money(deal.value, deal.currency), deal=deal)
    return Preparation(
        deal=deal,
        intent_key=uuid.uuid4(),
        draft=draft,
        customer=choice,
        item_proposals=filled.item_proposals,
        tax_proposals=filled.tax_proposals,
        profile=profile,
        tax_codes=tuple(code for code in codes if code.active),
        items=tuple(item for item in items if can_be_sold(item)),
        currencies=currencies,
        classes=tuple(classes),
        locations=tuple(locations),
        due_days=chosen.due_days,
        today=today,
        totals=checked.totals,
        findings=checked.findings,
    )


def preview(
    company: Company, draft: InvoiceDraft, *, deal_value: Money | None = None, customer_currency: str = ""
) -> Preview:
    """Adds up and checks a draft from the stored lists; asks nobody. Raises `ConnectionExpired` when never connected.

    `customer_currency` is the chosen customer's, where the caller knows it; a linked customer's is known here.
    """
    connection = quickbooks_of(company)
    if connection is None:
        raise ConnectionExpired("quickbooks", "not connected")
    codes, items = reference.tax_codes(company, AS_STORED), reference.items(company, AS_STORED)
    return _checked(
        company, connection, draft, codes, items, deal_value=deal_value, customer_currency=customer_currency
    )


def usual_sales_tax(connection: QuickBooksConnection, customer: CustomerCandidate | None) -> str:
    """The rate that an invoice to this customer, or to a new one, usually names; "" outside the United States."""
    codes = reference.tax_codes(connection.company, AS_STORED)
    of_customer = customer.sales_tax_id if customer else ""
    return propose_sales_tax(codes, books=books_of(connection), of_customer=of_customer)


def taken_customer(
    connection: QuickBooksConnection, customer_id: str, name: str, make_gateway: MakeGateway = QuickBooksGateway
) -> CustomerCandidate:
    """The customer that has the name already, put in place of the new one that was refused for it."""
    candidate = CustomerCandidate(customer_id, name)
    if not books_of(connection).names_sales_tax:
        return candidate
    return customers.with_sales_tax(candidate, make_gateway(connection))


def with_percentages(draft: InvoiceDraft, codes: list[TaxCode]) -> InvoiceDraft:
    """The draft with each line's percentage as its chosen code has it now; a form need not be believed."""
    percentages = {code.id: code.percentage for code in codes}
    return replace(
        draft,
        lines=tuple(
            replace(line, tax_percentage=percentages.get(line.tax_code_id, Decimal(0))) for line in draft.lines
        ),
    )


# The intent


class DealChanged(Exception):
    """The deal is worth something else than the person has seen: nothing was stored."""

    def __init__(self, value: Money) -> None:
        super().__init__(str(value))
        self.value = value


def request_invoice(
    *,
    visitor: Visitor,
    draft: InvoiceDraft,
    intent_key: uuid.UUID,
    wish: customer_updates.Wish | None = None,
    deal_value: Money | None = None,
) -> Requested:
    """Stores the intent; a worker carries it out. The same key always leads to the same row.

    `wish` is what is to be updated at the customer the invoice goes to; it becomes a row of its own beside it.
    `deal_value` is what the deal was worth when the person saw it.

    Raises `DealChanged` when it is worth something else now, `NotFound` when the visitor may not see the deal, and
    the other `ServiceError`s of Pipedrive.
    """
    company, connection = visitor.company, _connected(visitor.connection)
    facts = deal_now(visitor.user, draft.deal_id)
    if facts is None:
        raise NotFound("pipedrive", "the deal is not there or not visible to this user")
    asked_before = Invoice.objects.filter(company=company, intent_key=intent_key).exists()
    if deal_value is not None and facts.value != deal_value and not asked_before:
        raise DealChanged(facts.value)
    codes = reference.tax_codes(company, AS_STORED)
    draft = with_income_account(connection, with_percentages(replace(draft, expected_total=None), codes))
    known = totals(draft, {code.id: code for code in codes}, books=books_of(connection))
    draft = replace(draft, expected_total=known.total if known.tax_known else None)
    row = Invoice(
        company=company,
        realm_id=connection.realm_id,
        deal_id=draft.deal_id,
        organization_id=facts.organization_id,
        person_id=facts.person_id,
        created_by_id=visitor.user.user_id,
        created_by_name=visitor.user.name,
        intent_key=intent_key,
        draft=to_json(draft),
        fingerprint=fingerprint(draft),
        request_id=uuid.uuid4().hex,
        customer_request_id=uuid.uuid4().hex if draft.bill_to.is_new else "",
        item_request_ids={str(line.product_id): uuid.uuid4().hex for line in draft.lines if line.needs_new_item},
        currency=draft.currency,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            if wish and wish.customer_id == draft.bill_to.customer_id:
                customer_updates.store(row, wish)
    except IntegrityError:
        stored = Invoice.objects.get(company=company, intent_key=intent_key)
        return Requested(stored, repeated=True, differs=stored.fingerprint != row.fingerprint)
    if not draft.bill_to.is_new:
        _remember_choice(row, draft, visitor.user)
    remember_items(connection, draft, by=visitor.user.name)
    return Requested(row, repeated=False, differs=False)


def _remember_choice(row: Invoice, draft: InvoiceDraft, user: PipedriveUser) -> None:
    """Whoever bills a customer has said whose customer it is."""
    stored = customers.linked_customer(row.company, row.realm_id, row.party, draft.currency)
    if stored is None or stored.customer_id != draft.bill_to.customer_id:
        candidate = CustomerCandidate(draft.bill_to.customer_id, draft.bill_to.name, currency=draft.currency)
        customers.link(company=row.company, realm_id=row.realm_id, party=row.party, customer=candidate, by=user.name)


# Customers and items


def search_customers(
    connection: QuickBooksConnection, q: str, make_gateway: MakeGateway = QuickBooksGateway
) -> list[CustomerCandidate]:
    """Active customers whose name contains the text, at most 20. Raises the `ServiceError`s of QuickBooks."""
    return [customer.as_candidate() for customer in make_gateway(connection).search_customers(q)]


def name_clash(
    connection: QuickBooksConnection, name: str, make_gateway: MakeGateway = QuickBooksGateway
) -> NameClash | None:
    """Who has the name already that a new customer is to get. Raises the `ServiceError`s of QuickBooks."""
    return customers.name_clash(make_gateway(connection), name)


def search_items(company: Company, q: str) -> list[Item]:
    """Active items that can be sold whose name or SKU contains the text, at most 20; from the stored list."""
    wanted = q.casefold().split()
    found = (
        item
        for item in reference.items(company, AS_STORED)
        if can_be_sold(item) and all(word in f"{item.name} {item.sku}".casefold() for word in wanted)
    )
    return sorted(found, key=lambda item: item.name.casefold())[:20]


def unlink_customer(*, company: Company, party_kind: str, party_id: int) -> None:
    if connection := quickbooks_of(company):
        customers.unlink(company=company, realm_id=connection.realm_id, party=(party_kind, party_id))


# Doing something with an invoice


class NotPossible(Exception):
    """The action makes no sense for the invoice as it is now: it was voided or deleted meanwhile, say."""


def seen_invoice(visitor: Visitor, public_id: uuid.UUID) -> Invoice | None:
    """This company's invoice (Http404 for any other's), None when the user may not see its deal.

    Raises the `ServiceError`s of Pipedrive.
    """
    invoice = invoice_for(visitor.company, public_id)
    mine = invoice.created_by_id == visitor.user.user_id
    return invoice if mine or may_see_deal(visitor.user, invoice.deal_id) else None


def request_action(visitor: Visitor, invoice: Invoice, kind: Action, *, intent_key: uuid.UUID, to: str = "") -> Asked:
    """Stores the wish; a worker carries it out. Raises `NotPossible`, and `ConnectionExpired` without a connection."""
    connection = _connected(visitor.connection)
    if kind not in invoice_row(invoice, connection).can:
        raise NotPossible(kind)
    return actions.ask(invoice, kind, user=visitor.user, intent_key=intent_key, to=to)


def invoice_pdf(visitor: Visitor, invoice: Invoice, make_gateway: MakeGateway = QuickBooksGateway) -> bytes:
    """The document as QuickBooks prints it. Raises `NotPossible` and the `ServiceError`s of QuickBooks."""
    connection = _connected(visitor.connection)
    if not invoice_row(invoice, connection).has_document:
        raise NotPossible
    return make_gateway(connection).invoice_pdf(invoice.qbo_invoice_id)


def payment_link(visitor: Visitor, invoice: Invoice, make_gateway: MakeGateway = QuickBooksGateway) -> str:
    """Where the customer pays, "" when QuickBooks gives no such page. Raises like `invoice_pdf`."""
    connection = _connected(visitor.connection)
    if not invoice_row(invoice, connection).can_be_paid:
        raise NotPossible
    return make_gateway(connection).payment_link(invoice.qbo_invoice_id)


# Looking again


def refresh_now(company: Company, make_gateway: MakeGateway = QuickBooksGateway) -> bool:
    """Catches up with QuickBooks at once unless that happened within the last seconds; True when it did.

    Raises `ServiceError`s.
    """
    connection = quickbooks_of(company)
    if connection is None or not connection.is_connected:
        raise ConnectionExpired("quickbooks", "not connected")
    last = connection.last_synced_at
    if last is not None and timezone.now() - last < BETWEEN_REFRESHES and not connection.last_sync_problem:
        return False
    return catch_up(connection, make_gateway) is not None


# Inside


def _connected(connection: QuickBooksConnection | None) -> QuickBooksConnection:
    if connection is None or not connection.is_connected:
        raise ConnectionExpired("quickbooks", "not connected")
    return connection


def _rate(gateway: InvoiceGateway, currency: str, on: date, profile: Profile) -> Decimal | None:
    """Home units for one unit of a foreign currency; without a rate QuickBooks uses its own of the day."""
    if not profile.multicurrency or currency == profile.home_currency:
        return None
    with suppress(ServiceError):
        return gateway.exchange_rate(currency, on)
    return None


def _next_number(gateway: InvoiceGateway) -> str:
    """One more than the invoice created last: a proposal only, the person may write another."""
    with suppress(ServiceError):
        last = gateway.last_number()
        digits = last[len(last.rstrip("0123456789")) :]
        return last[: len(last) - len(digits)] + str(int(digits) + 1).zfill(len(digits)) if digits else ""
    return ""


def _addressed(draft: InvoiceDraft, choice: CustomerChoice) -> InvoiceDraft:
    """The draft for the preselected customer; its name is the one QuickBooks has."""
    chosen = _preselected(choice)
    if chosen is None:
        return draft
    bill_to = replace(draft.bill_to, customer_id=chosen.customer_id, name=chosen.name, exempt=chosen.exempt)
    return replace(draft, bill_to=bill_to)


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
    deal_value: Money | None = None,
    customer_currency: str = "",
    deal: Deal | None = None,
) -> Preview:
    books = books_of(connection)
    draft = with_percentages(draft, codes)
    by_id = {code.id: code for code in codes}
    added_up = totals(draft, by_id, books=books)
    with_tax = draft.amounts_are == AmountsAre.TAX_INCLUSIVE
    count, before = invoiced_so_far(company, draft.deal_id, with_tax=with_tax)
    was_with_tax = books.american and deal is not None and deal.tax_method == TaxMethod.INCLUSIVE
    context = Context(
        books=books,
        codes=by_id,
        items={item.id: item for item in items},
        known_currencies=list_currencies(),
        customer_currency=customer_currency or _currency_of_linked(company, connection, draft),
        deal_value=deal_value,
        creates_items=creates_items(connection, draft),
        invoiced_before=before,
        invoices_before=count,
        prices_were_with_tax=was_with_tax,
    )
    return Preview(added_up, tuple(preflight(draft, added_up, context)), timezone.now())


def _currency_of_linked(company: Company, connection: QuickBooksConnection, draft: InvoiceDraft) -> str:
    if draft.bill_to.is_new:
        return ""
    rows = company.customer_links.filter(realm_id=connection.realm_id, customer_id=draft.bill_to.customer_id)
    return str(rows.values_list("currency", flat=True).first() or "")
