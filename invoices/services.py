"""What the views may ask for: store an intent, find customers and items, act on an invoice, look again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from integration_settings import read_budget, reference, rights
from integration_settings.clock import shared_now
from integration_settings.errors import ConnectionExpired, NotFound
from integration_settings.models import Company, PipedriveUser, QuickBooksConnection
from integration_settings.presets import (
    list_templates,
    presets_of,
    remember_template,
    template_called,
)
from integration_settings.reference import AS_STORED, Item
from integration_settings.rights import Right
from integration_settings.selectors import hold_company, quickbooks_of
from integration_settings.tenancy import Visitor
from invoices import actions, customer_updates, customers, unsent_forms
from invoices.attachments import attached_files
from invoices.customers import NameClash
from invoices.deal_gateway import DealFacts, deal_now, load_files, may_see_deal
from invoices.domain.actions import Action
from invoices.domain.books import can_be_sold
from invoices.domain.draft import InvoiceDraft, fingerprint, to_json
from invoices.domain.files import DealFile, FileWish
from invoices.domain.matching import CustomerCandidate, own_name
from invoices.domain.money import Money
from invoices.domain.names import searchable
from invoices.domain.status import UNSETTLED, Submission
from invoices.domain.tax import totals
from invoices.drafting import connected, with_percentages
from invoices.following import catch_up
from invoices.invoice_bodies import mark_of, request_id_of_found
from invoices.invoice_gateway import QuickBooksGateway, books_of, owner_of
from invoices.items import remember_items, with_income_account
from invoices.models import Invoice, InvoiceAction
from invoices.moved_deals import bring_along
from invoices.selectors import invoice_for, invoice_row
from invoices.so_far import SoFar, invoiced_so_far, is_estimate_used

BETWEEN_REFRESHES = timedelta(seconds=5)
DERIVED = 5  # the version of the ids that `Invoice.key_of_successor` makes
KEY_OF_ANOTHER_DEAL = "the key is of another deal's form, which this user may not see"


@dataclass(frozen=True, slots=True)
class Requested:
    """`differs`: this form was sent before, with other entries; they count, and are those of the row."""

    invoice: Invoice
    differs: bool = False


# The intent


class DealChanged(Exception):
    """The deal is worth something else than the person has seen: nothing was stored."""

    def __init__(self, value: Money) -> None:
        super().__init__(str(value))
        self.value = value


class DealMoved(Exception):
    """The deal belongs to another organization or person than the form was made for: nothing was stored."""


class DealInvoiced(Exception):
    """Somebody has asked for another invoice of the deal since the person looked: nothing was stored."""

    def __init__(self, so_far: SoFar) -> None:
        super().__init__(str(so_far.count))
        self.so_far = so_far


class EstimateUsed(Exception):
    """Another invoice is made from that estimate, or is on its way: nothing was stored."""


class NumberUnderWay(Exception):
    """Another invoice with that number is on its way to QuickBooks: nothing was stored."""


class WantedNoMore(Exception):
    """What asked for an unattended invoice is not so any more: nothing was stored."""


class Settled(Exception):
    """The refused invoice needs no other one any more: it exists after all, its deal has a later one, or somebody has
    put it away. Nothing was stored.
    """


@dataclass(frozen=True, slots=True)
class SeenDeal:
    """The deal as the person saw it: where it is another one by now, nothing is stored. The unseen is not compared."""

    value: Money | None = None
    worth_in_all: Decimal | None = Decimal(0)  # with what is billed again and again, as in `limit_of`
    with_tax: bool = False  # whether these have tax in them
    before_tax: Decimal | None = None  # what it is worth without, where the invoice's prices have none
    party: tuple[str, int] | None = None  # whose customer was chosen: the choice is remembered for nobody else
    invoices: int | None = None  # how many living ones it had
    latest: int | None = None  # row's id of these: one may have been voided since, and another made in its place


UNSEEN = SeenDeal()


def request_invoice(
    *,
    visitor: Visitor,
    draft: InvoiceDraft,
    intent_key: uuid.UUID,
    wish: customer_updates.Wish | None = None,
    template_id: str = "",
    seen: SeenDeal = UNSEEN,
    in_place_of: Invoice | None = None,
    unattended: Callable[[DealFacts], bool] | None = None,
    deal_soon: Future[DealFacts | None] | None = None,
    hand_over: Callable[[Invoice], None] = lambda stored: None,
) -> Requested:
    """Stores the intent; a worker carries it out. The same key always leads to the same row.

    The template it was made with is kept beside it, and is what the user's next form opens with.
    `wish` is what is to be updated at the customer the invoice goes to; it becomes a row of its own beside it.
    `in_place_of` is a refused invoice that is run again from the desk: it is put away with the same stroke.
    `unattended`: a rule of the company asks in the visitor's name, where this still says so of the deal as it is now,
    while nobody else asks for an invoice or saves settings. Whose customer it is counts as his choice, no more.
    `deal_soon` is what `deal_now` says, from a caller who asked while it had something else to do; `hand_over` gets the
    row as soon as it is stored, before what the press says of the next forms is remembered.

    Raises `NotAllowed` without the right to, `DealChanged` when it is worth something else now, `DealMoved` when it is
    somebody else's now, `DealInvoiced` when it has more invoices now, `Settled` when no invoice is wanted `in_place_of`
    that one any more, `NumberUnderWay` when a rule would use a number twice, `EstimateUsed` when its estimate is
    invoiced already, `WantedNoMore` when it is `unattended` and that says no, `NotFound` when the visitor may not see
    the deal, or sends the key of another deal's form, and the other `ServiceError`s of Pipedrive.
    """
    company, connection = visitor.company, connected(visitor.connection)
    # The same for the same press, also when the database was lost and restored in between.
    request_id = uuid.uuid5(intent_key, owner_of(connection)).hex
    found = Invoice.objects.filter(company=company, request_id=request_id_of_found(mark_of(request_id)))
    found.update(intent_key=intent_key)
    asked_before = Invoice.objects.filter(company=company, intent_key=intent_key).exists()
    draft = _with_expected_total(connection, draft)
    templates = list_templates(connection)
    template = template_called(templates, template_id)
    facts = deal_soon.result() if deal_soon else deal_now(visitor.user, draft.deal_id, in_any_case=unattended is None)
    if facts is None:
        raise NotFound("pipedrive", "the deal is not there or not visible to this user")
    if not asked_before:
        rights.demand(visitor.user, Right.CREATE)
        if not unattended:
            _refuse_key_of_another_deal(intent_key, company, draft.deal_id)
        _refuse_other_deal(facts, seen)
        bring_along(visitor.user, facts)
    row = _new_row(connection, draft, facts, seen)
    row.intent_key, row.request_id = intent_key, request_id
    row.created_by_id, row.created_by_name = visitor.user.user_id, visitor.user.name
    row.preset_name = template.name
    try:
        with transaction.atomic():
            _hold(company)
            # None also when somebody has deleted it since the templates were listed
            row.preset = presets_of(company).filter(pk=template.row_id).first() if template.row_id else None
            if unattended and not _was_sent_before(row) and not unattended(facts):
                raise WantedNoMore
            _refuse_what_others_did(row, draft, seen, in_place_of)
            if unattended and draft.number:
                _refuse_number_under_way(row, draft.number)
            row.save(force_insert=True)
            if in_place_of:
                Invoice.objects.filter(pk=in_place_of.pk).update(put_away_at=timezone.now())
            if wish and wish.customer_id == draft.bill_to.customer_id:
                customer_updates.store(row, wish)
    except IntegrityError:
        requested = _sent_before(row)
        hand_over(requested.invoice)
        return requested
    hand_over(row)
    remember_items(connection, draft, by=visitor.user.name)
    if in_place_of is None and not draft.bill_to.is_new:  # else it was a choice of then, and there may be a later one
        _remember_choice(row, draft, visitor.user)
    if in_place_of is None and not unattended:
        remember_template(templates, visitor.user, template)
        unsent_forms.forget(visitor, draft.deal_id)
    return Requested(row)


def _refuse_what_others_did(row: Invoice, draft: InvoiceDraft, seen: SeenDeal, in_place_of: Invoice | None) -> None:
    """Since the person has seen the form; under the company's lock."""
    if seen.invoices is not None:
        _refuse_unseen(row, seen.invoices, seen.latest)
    if in_place_of:
        _refuse_settled(row, in_place_of)
    if draft.estimate:
        _refuse_estimate_used(row)


def _with_expected_total(connection: QuickBooksConnection, draft: InvoiceDraft) -> InvoiceDraft:
    """As it is stored; without a total where only QuickBooks knows the tax."""
    codes = reference.tax_codes(connection.company, AS_STORED)
    draft = with_income_account(connection, with_percentages(replace(draft, expected_total=None), codes))
    known = totals(draft, {code.id: code for code in codes}, books=books_of(connection))
    return replace(draft, expected_total=known.total if known.tax_known else None)


def _refuse_other_deal(facts: DealFacts, seen: SeenDeal) -> None:
    if seen.value is not None and facts.value != seen.value:
        raise DealChanged(facts.value)
    if seen.party is not None and facts.party != seen.party:
        raise DealMoved


def _new_row(connection: QuickBooksConnection, draft: InvoiceDraft, facts: DealFacts, seen: SeenDeal) -> Invoice:
    """What the invoice is of; who asks for it is not in it yet."""
    return Invoice(
        company=connection.company,
        realm_id=connection.realm_id,
        deal_id=draft.deal_id,
        organization_id=facts.organization_id,
        person_id=facts.person_id,
        draft=to_json(draft),
        fingerprint=fingerprint(draft),
        customer_request_id=uuid.uuid4().hex if draft.bill_to.is_new else "",
        next_attempt_at=shared_now(),
        item_request_ids={str(line.product_id): uuid.uuid4().hex for line in draft.lines if line.needs_new_item},
        currency=draft.currency,
        estimate_id=draft.estimate.id if draft.estimate else "",
        deal_then={
            "title": facts.title,
            "value": str(facts.value.amount),
            "currency": facts.value.currency,
            "with_tax": seen.with_tax,
            "in_all": None if seen.worth_in_all is None else str(seen.worth_in_all),
            **({} if seen.before_tax is None else {"before_tax": str(seen.before_tax)}),
        },
    )


def _sent_before(row: Invoice) -> Requested:
    stored = Invoice.objects.get(company=row.company, intent_key=row.intent_key)
    if stored.deal_id != row.deal_id:
        raise NotFound("pipedrive", KEY_OF_ANOTHER_DEAL) from None
    return Requested(stored, differs=stored.fingerprint != row.fingerprint and not stored.was_found)


def _hold(company: Company) -> None:
    """For the rest of the transaction: one of its presses comes after the other so, and of two at once the second finds
    the first; nor does anybody delete a preset meanwhile.
    """
    if not hold_company(company.pk):
        raise ConnectionExpired("pipedrive", "the company has left")


def _refuse_unseen(row: Invoice, count: int, latest: int | None) -> None:
    if _was_sent_before(row):
        return
    so_far = invoiced_so_far(row.company, row.deal_id)
    if so_far.count > count or (latest is not None and so_far.latest > latest):
        raise DealInvoiced(so_far)


def _refuse_settled(row: Invoice, refused: Invoice) -> None:
    if _was_sent_before(row):
        return
    of_deal = Invoice.objects.filter(company=row.company, deal_id=refused.deal_id)
    stands = of_deal.filter(pk=refused.pk, submission=Submission.REJECTED, put_away_at__isnull=True)
    if of_deal.filter(pk__gt=refused.pk).exists() or not stands.exists():
        raise Settled


def _refuse_number_under_way(row: Invoice, number: str) -> None:
    under_way = Invoice.objects.filter(company=row.company, realm_id=row.realm_id, submission__in=UNSETTLED)
    if not _was_sent_before(row) and under_way.filter(draft__number=number).exists():
        raise NumberUnderWay


def _refuse_estimate_used(row: Invoice) -> None:
    """Under the company's lock, by which its presses come one after the other. A constraint of the table would hold as
    well, and would stand in the way of what QuickBooks reports: that an invoice exists which had counted as refused.
    """
    if not _was_sent_before(row) and is_estimate_used(row.company_id, row.realm_id, row.estimate_id):
        raise EstimateUsed


def _was_sent_before(row: Invoice) -> bool:
    return Invoice.objects.filter(company=row.company, intent_key=row.intent_key).exists()


def _refuse_key_of_another_deal(intent_key: uuid.UUID, company: Company, deal_id: int) -> None:
    """A form's own key is random; one that follows from a refused invoice takes that one's place, in its own deal.
    Raises `NotFound` for one that follows from any other.
    """
    rows = Invoice.objects.filter(company=company, deal_id=deal_id).only("public_id")
    if intent_key.version == DERIVED and not any(intent_key == row.key_of_successor for row in rows):
        raise NotFound("pipedrive", KEY_OF_ANOTHER_DEAL)


def successor_of(refused: Invoice) -> Invoice | None:
    """The one invoice that was asked for in place of a refused one, by its form or on the desk."""
    return Invoice.objects.filter(company=refused.company, intent_key=refused.key_of_successor).first()


def _remember_choice(row: Invoice, draft: InvoiceDraft, user: PipedriveUser) -> None:
    """Whoever bills a customer has said whose customer it is."""
    stored = customers.linked_customer(row.company, row.realm_id, row.party, draft.currency)
    if stored is None or stored.customer_id != draft.bill_to.customer_id:
        candidate = CustomerCandidate(draft.bill_to.customer_id, draft.bill_to.name, currency=draft.currency)
        customers.link(company=row.company, realm_id=row.realm_id, party=row.party, customer=candidate, by=user.name)


# Customers and items


def customer_there(connection: QuickBooksConnection, customer_id: str, name: str) -> CustomerCandidate:
    """The customer in place of the new one that a refused invoice was for: it has the name, or was created with it."""
    candidate = CustomerCandidate(customer_id, name)
    if not books_of(connection).names_sales_tax:
        return candidate
    return customers.completed(candidate, QuickBooksGateway(connection))


def search_customers(connection: QuickBooksConnection, q: str) -> list[CustomerCandidate]:
    """Active customers whose name contains the text, as many as the gateway finds. Raises the `ServiceError`s of
    QuickBooks.
    """
    read_budget.refuse_when_spent(connection)
    return [customer.as_candidate() for customer in QuickBooksGateway(connection).search_customers(q)]


def name_clash(connection: QuickBooksConnection, name: str) -> NameClash | None:
    """Who has the name already that a new customer is to get. Raises the `ServiceError`s of QuickBooks."""
    read_budget.refuse_when_spent(connection)
    return customers.name_clash(QuickBooksGateway(connection), name)


def search_items(company: Company, q: str) -> list[Item]:
    """Active items that can be sold whose name or SKU contains the text; from the stored list.

    Those that are called so, or begin so, come first: they may stand behind hundreds.
    """
    wanted = searchable(q).split()
    typed = " ".join(wanted)

    def place(item: Item) -> tuple[int, str]:
        names = [searchable(text) for text in (own_name(item), item.name, item.sku)]
        begins = any(text.startswith(typed) for text in names)
        return 0 if typed in names else 1 if begins else 2, item.name.casefold()

    found = (
        item
        for item in reference.items(company, AS_STORED)
        if can_be_sold(item) and all(word in searchable(f"{item.name} {item.sku}") for word in wanted)
    )
    return sorted(found, key=place)


def unlink_customer(visitor: Visitor, *, party: tuple[str, int]) -> None:
    """For whoever may say whose customer it is with the next invoice. Raises `NotAllowed` without that right."""
    rights.demand(visitor.user, Right.CREATE)
    if connection := quickbooks_of(visitor.company):
        customers.unlink(company=visitor.company, realm_id=connection.realm_id, party=party)


# Doing something with an invoice


class Busy(Exception):
    """Something else is being done with the invoice, one thing at a time; nothing was stored."""


class NotPossible(Exception):
    """The action makes no sense for the invoice as it is now: it was voided or deleted meanwhile, say."""


def seen_invoice(visitor: Visitor, public_id: uuid.UUID) -> Invoice | None:
    """This company's invoice (Http404 for any other's), None when the user may not see its deal.

    Raises the `ServiceError`s of Pipedrive.
    """
    invoice = invoice_for(visitor.company, public_id)
    mine = invoice.created_by_id == visitor.user.user_id
    return invoice if mine or may_see_deal(visitor.user, invoice.deal_id) else None


def request_action(
    visitor: Visitor,
    invoice: Invoice,
    kind: Action,
    *,
    intent_key: uuid.UUID,
    to: str = "",
    paid_seen: Decimal | None = None,
) -> InvoiceAction:
    """Stores the wish; a worker carries it out. `paid_seen` as in `actions.ask`.

    Raises `NotAllowed` without the right to, `NotPossible`, `Busy`, and `ConnectionExpired` without a connection.
    """
    rights.demand(visitor.user, actions.NEEDS[kind])
    connection = connected(visitor.connection)
    if kind not in invoice_row(invoice, connection).can:
        raise NotPossible(kind)
    action = actions.ask(invoice, kind, user=visitor.user, intent_key=intent_key, to=to, paid_seen=paid_seen)
    if action.kind != kind:
        raise Busy
    return action


def files_for(visitor: Visitor, invoice: Invoice) -> tuple[tuple[DealFile, ...], frozenset[int]]:
    """The files of the invoice's deal, and the ids of those that are attached to it already.

    Raises `NotAllowed`, `NotPossible`, and the `ServiceError`s of Pipedrive.
    """
    _demand_files(visitor, invoice)
    return load_files(visitor.user, invoice.deal_id), attached_files(invoice)


def request_files(
    visitor: Visitor,
    invoice: Invoice,
    file_ids: Collection[int],
    *,
    again: Collection[int] = (),
    intent_key: uuid.UUID,
    on_send: bool,
) -> InvoiceAction:
    """Stores the wish that these files of the deal are attached; a worker carries it out. `on_send`: e-mails of the
    invoice take them along. What is attached already, or cannot be, is left out; `again` are those of which the person
    has seen that they are.

    Raises like `files_for`, `NotPossible` when nothing is left, and `Busy` also while other files are attached.
    """
    _demand_files(visitor, invoice)
    if stored := InvoiceAction.objects.filter(company=invoice.company, intent_key=intent_key).first():
        return stored
    known = {file.file_id: file for file in load_files(visitor.user, invoice.deal_id, kept=True)}
    attached = attached_files(invoice)
    wanted = dict.fromkeys([*(each for each in file_ids if each not in attached), *again])
    left = (known[each] for each in wanted if each in known)
    wishes = [FileWish(each.file_id, each.name, each.size, on_send) for each in left if each.unfit is None]
    if not wishes:
        raise NotPossible(Action.ATTACH)
    action = actions.ask(invoice, Action.ATTACH, user=visitor.user, intent_key=intent_key, files=wishes)
    if action.intent_key != intent_key:
        raise Busy
    return action


def _demand_files(visitor: Visitor, invoice: Invoice) -> None:
    rights.demand(visitor.user, actions.NEEDS[Action.ATTACH])
    if Action.ATTACH not in invoice_row(invoice, connected(visitor.connection)).can:
        raise NotPossible(Action.ATTACH)


def invoice_pdf(visitor: Visitor, invoice: Invoice) -> bytes:
    """The document as QuickBooks prints it. Raises `NotPossible` and the `ServiceError`s of QuickBooks."""
    connection = connected(visitor.connection)
    if not invoice_row(invoice, connection).has_document:
        raise NotPossible
    return QuickBooksGateway(connection).invoice_pdf(invoice.qbo_invoice_id)


def payment_link(visitor: Visitor, invoice: Invoice) -> str:
    """Where the customer pays, "" when QuickBooks gives no such page. Raises like `invoice_pdf`."""
    connection = connected(visitor.connection)
    if not invoice_row(invoice, connection).can_be_paid:
        raise NotPossible
    return QuickBooksGateway(connection).payment_link(invoice.qbo_invoice_id)


# Looking again


def refresh_now(company: Company) -> bool:
    """Catches up with QuickBooks at once unless that happened within the last seconds; True when it did.

    Raises `ServiceError`s.
    """
    connection = connected(quickbooks_of(company))
    last = connection.last_synced_at
    if last is not None and shared_now() - last < BETWEEN_REFRESHES and not connection.last_sync_problem:
        return False
    return catch_up(connection) is not None
