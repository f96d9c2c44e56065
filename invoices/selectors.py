"""Reads for the pages: rows as ready values, always of one company."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, F, FilteredRelation, Q, QuerySet
from django.db.models.functions import TruncDate
from django.http import Http404
from django.utils import timezone

from integration_settings.models import LONGEST_UNSEEN, Company, QuickBooksConnection
from integration_settings.prepared import Prepared
from integration_settings.selectors import quickbooks_of, quickbooks_url
from invoices.customers import linked_customer
from invoices.domain.actions import Action, can_be_paid, has_document, possible_actions
from invoices.domain.draft import limit_of
from invoices.domain.money import Money
from invoices.domain.status import UNSETTLED, InvoiceStatus, Submission
from invoices.models import IS_BEING_MADE, Intent, Invoice, ReadyDeal
from invoices.panel_figures import COUNTED, Amounts, Figures, Owed, Sums, figures_of, first_of, listed, owed, sums_of
from invoices.ready_deals import waiting_deal
from invoices.reports import status_of, today_in, zone
from invoices.so_far import all_living, instalments_of, like_the_invoices

Look = list[Any]
Resource = Literal["deal", "person", "organization"]
COLUMNS: dict[str, str] = {"deal": "deal_id", "person": "person_id", "organization": "organization_id"}
UPDATING = ("submission", "customer_name", "changes", "refusal", "put_away_at")
SEEN = (*("submission", "currency", "number", "total", "balance", "credits", "due_date"), "voided_on", "deleted_on")
DOING = ("kind", "submission", "to", "asked_at", "refusal")
FIRST, MANY, LISTED = 12, 200, 500
"""Rows that a panel may have room for, of more than many invoices; rows of a list of all of them, at most."""
SEVERAL_TURNS = 4  # as many missed looks at QuickBooks make a status old news


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why QuickBooks refused. `field` is the form's field as in `checks.Finding`; `message`, `detail` its own words.

    `code` is QuickBooks', or one of ours in `domain.refusals`. For a taken name `taken_by` says by whom ("customer",
    "inactive customer", "vendor", "employee", of an item's "inactive item", "category"), and a customer that may be
    chosen instead is named.
    """

    code: str = ""
    field: str = ""
    message: str = ""
    detail: str = ""
    trace_id: str = ""
    taken_by: str = ""
    name: str = ""  # that is taken
    customer_id: str = ""
    customer: str = ""
    new_item: str = ""  # the name of the item that was refused
    held: str = ""  # `domain.causes.Held`: why it was not run again unattended


@dataclass(frozen=True, slots=True)
class Doing:
    """An action that is under way, or the last one if it failed and nobody has put that away."""

    kind: Action
    submission: Submission
    to: str
    asked_at: datetime
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Updating:
    """The update of the customer that was ticked with an invoice, and what became of it."""

    customer_name: str
    fields: tuple[str, ...]  # `domain.customer_update.CustomerField`
    submission: Submission
    refusal: Refusal | None
    put_away: bool = False


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One line of the panel. Before it exists in QuickBooks `status` is None and `submission` tells the story."""

    public_id: uuid.UUID
    deal_id: int
    submission: Submission
    waiting: bool  # what was asked for goes on once somebody signs in again
    status: InvoiceStatus | None
    number: str
    customer_name: str
    total: Money | None  # of a voided or deleted invoice what it was; before the answer what the person confirmed
    balance: Money | None
    amounts: Amounts | None
    invoice_date: date | None
    due_date: date | None
    days_overdue: int
    emailed_on: date | None
    paid_on: date | None
    voided_on: date | None
    deleted_on: date | None
    quickbooks_url: str  # "" until it exists there
    refusal: Refusal | None
    created_at: datetime
    created_by_name: str
    checked_at: datetime | None
    in_deal: Amounts | None = None  # as they count against the deal's value: with tax only where its prices have it
    with_tax: bool = False
    expected_total: Money | None = None  # what the form said, where that includes the tax
    next_attempt_at: datetime | None = None
    note_problem: str = ""
    email: str = ""  # where QuickBooks sends it
    can: frozenset[Action] = frozenset()  # what makes sense to do with it now
    has_document: bool = False
    can_be_paid: bool = False
    doing: Doing | None = None
    updating: Updating | None = None
    estimate: str = ""  # the number of the one it is made from
    former_books: bool = False  # of a QuickBooks company that is not connected any more: nobody asks what became of it

    @property
    def settled(self) -> Money | None:
        """By money or by credits."""
        return self.amounts.settled if self.amounts else None

    @property
    def credited(self) -> Money | None:
        """Of that by credits."""
        return self.amounts.credited if self.amounts else None

    @property
    def paid(self) -> Money | None:
        """The money that has come."""
        return self.amounts.settled - self.amounts.credited if self.amounts else None


@dataclass(frozen=True, slots=True)
class PanelData:
    rows: tuple[InvoiceRow, ...]  # being verified, waiting and not created first, then newest first
    count: int  # of very many only the first rows are here
    deals: int
    waiting: int  # nothing was sent of them, and nobody can
    sums: Sums | Owed | None  # None without invoices, or when the currencies of those that count differ
    customer_name: str  # of the linked QuickBooks customer, "" when none
    customer_url: str
    books_name: str  # the QuickBooks company
    connected: bool
    ever_connected: bool
    checked_at: datetime | None
    stale: bool  # older than promised, or the connection ended
    unsettled: int
    timezone: str  # of the QuickBooks company
    shut_out: str = ""  # why QuickBooks answers nothing, see `QuickBooksConnection.shut_out`
    sign_in_by: datetime | None = None  # when Intuit ends the sign-in for certain
    changed: tuple[Money, str] | None = None  # what the deal was worth at its latest invoice, and that one's number
    ready: ReadyDeal | None = None  # a rule found the deal ready, and it waits for a person
    being_made: bool = False  # its invoice, by a rule


# For the pages


def panel(
    company: Company,
    *,
    resource: str,
    resource_id: int,
    deal_value: Money | None = None,
    party: tuple[str, int] | None = None,
    deal_ids: Collection[int] | None = None,
    connection: QuickBooksConnection | None = None,
    first: int | None = None,
) -> PanelData:
    """`resource` is "deal", "person" or "organization". Asks nobody upstream.

    `party` is whose customer is meant, see `deal_gateway.DealFacts`; for a deal with invoices they tell it too.
    `deal_ids` limits the rows to the deals that the reader may see; needed for a person and an organization.
    `connection` is the company's, where it was read just now. With `first` only so many rows of those deals.
    """
    connection = connection or quickbooks_of(company)
    figures: Figures | None = None
    if first is None or deal_ids is None:
        invoices = _without_superseded(SHOWN_OF[resource](company.pk, resource_id))
    else:
        here = listed(invoices_of(company, resource, resource_id), COLUMNS[resource], deal_ids)
        invoices, figures = list(with_doing(first_of(here, first))), figures_of(company, here, _today(connection))
    if deal_ids is not None:
        invoices = [invoice for invoice in invoices if invoice.deal_id in deal_ids]
    rows = [invoice_row(invoice, connection) for invoice in invoices]
    rows.sort(key=lambda row: row.status is not None)  # stable: newest first within both groups
    figures = figures or _figures(rows)
    party = party or _party(invoices, resource, resource_id)
    customer = linked_customer(company, connection.realm_id, party) if connection else None
    ready = waiting_deal(company, resource_id) if resource == "deal" and not rows else None
    asked = company.ready_deals.filter(IS_BEING_MADE, deal_id=resource_id)
    url = quickbooks_url(connection, "customerdetail", nameId=customer.customer_id) if connection and customer else ""
    return PanelData(
        rows=tuple(rows),
        count=figures.count,
        deals=figures.deals,
        waiting=0 if connection and connection.is_connected else figures.waiting,
        sums=_sums_of_deal(rows, invoices, deal_value) if resource == "deal" else figures.owed,
        customer_name=customer.name if customer else "",
        customer_url=url,
        books_name=connection.name if connection else "",
        connected=bool(connection and connection.is_connected),
        ever_connected=connection is not None,
        checked_at=_checked_at(figures.checked_at, connection),
        stale=_is_stale(connection),
        unsettled=figures.unsettled,
        timezone=connection.timezone if connection else "",
        shut_out=connection.shut_out if connection else "",
        sign_in_by=connection.hard_expires_at if connection and connection.is_connected else None,
        changed=_worth_otherwise(invoices, deal_value) if resource == "deal" else None,
        ready=ready,
        being_made=resource == "deal" and not rows and ready is None and asked.exists(),
    )


def _worth_otherwise(newest_first: Iterable[Invoice], now: Money | None) -> tuple[Money, str] | None:
    """What the deal was worth when the latest invoice that counts was asked for, where it is worth something else."""
    living = (row for row in newest_first if not (row.voided_on or row.deleted_on))
    latest = next((row for row in living if row.submission != Submission.REJECTED), None)
    then = latest.deal_worth_then if latest else None
    return (then, latest.number) if latest and then and now and then != now else None


def _figures(rows: Sequence[InvoiceRow]) -> Figures:
    """What the database counts of very many, of a few."""
    left = ((row.status, row.balance) for row in rows if row.amounts is not None and row.status in COUNTED)
    return Figures(
        count=len(rows),
        deals=len({row.deal_id for row in rows}),
        owed=owed((status, balance) for status, balance in left if status and balance is not None),
        waiting=sum(row.submission == Submission.PENDING for row in rows),
        unsettled=sum(1 for row in rows if _is_under_way(row)),
        checked_at=max((row.checked_at for row in rows if row.checked_at), default=None),
    )


def _today(connection: QuickBooksConnection | None) -> date:
    return today_in(connection.timezone if connection else "")


def _is_under_way(row: InvoiceRow) -> bool:
    if row.updating is not None and row.updating.submission in UNSETTLED:
        return True
    if row.status is None:
        return row.refusal is None
    return row.doing is not None and row.doing.refusal is None


def with_doing(rows: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """Each row with its action that is under way or failed, if any: there is one at most; and with the update of its
    customer. No further query.
    """
    shown = Q(actions__put_away_at__isnull=True) & ~Q(actions__submission=Submission.SUCCEEDED)
    columns = {f"doing_{name}": F(f"doing__{name}") for name in DOING}
    columns |= {f"updating_{name}": F(f"customer_update__{name}") for name in UPDATING}
    return rows.annotate(doing=FilteredRelation("actions", condition=shown)).annotate(**columns)


def _doing_of(invoice: Invoice) -> Doing | None:
    columns: dict[str, Any] = {name: getattr(invoice, f"doing_{name}", None) for name in DOING}
    kind, submission, to, asked_at, refusal = columns.values()
    if kind not in set(Action):  # none, or one that only a newer version knows
        return None
    return Doing(Action(kind), Submission(submission), to, asked_at, _refusal(submission, refusal))


def _updating_of(invoice: Invoice) -> Updating | None:
    columns: dict[str, Any] = {name: getattr(invoice, f"updating_{name}", None) for name in UPDATING}
    submission, name, changes, refusal, away = columns.values()
    if submission is None:
        return None
    fields = tuple(str(change["field"]) for change in changes)
    return Updating(name, fields, Submission(submission), _refusal(submission, refusal), away is not None)


def row_of(invoice: Invoice, connection: QuickBooksConnection | None) -> InvoiceRow:
    """The row of one invoice that was read without what is done with it and with its customer."""
    found = with_doing(Invoice.objects.filter(pk=invoice.pk)).select_related("company").first()
    return invoice_row(found or invoice, connection)


def invoices_of(company: Company, resource: str, resource_id: int) -> QuerySet[Invoice]:
    """Newest first."""
    return _newest_of(company.pk, **{COLUMNS[resource]: resource_id})


def _newest_of(company_id: int, **record: int) -> QuerySet[Invoice]:
    return Invoice.objects.filter(company_id=company_id, **record).order_by("-created_at", "-pk")


def _shown_by(column: str) -> Prepared[[int, int], Invoice]:
    def shown(company_id: int, record_id: int) -> QuerySet[Invoice]:
        return with_doing(_newest_of(company_id, **{column: record_id}))

    return Prepared(shown)


SHOWN_OF = {resource: _shown_by(column) for resource, column in COLUMNS.items()}


def _without_superseded(newest_first: Iterable[Invoice]) -> list[Invoice]:
    """A refused one is left out once the same deal has a later one: its person has moved on."""
    kept: list[Invoice] = []
    deals_seen: set[int] = set()
    for invoice in newest_first:
        if invoice.submission != Submission.REJECTED or invoice.deal_id not in deals_seen:
            kept.append(invoice)
        deals_seen.add(invoice.deal_id)
    return kept


def billings_of(
    company: Company, deal_id: int, connection: QuickBooksConnection | None
) -> dict[int, tuple[str, InvoiceStatus | None]]:
    """By the id of an instalment of the deal's plan: number and status of the invoice that bills it, without a status
    before QuickBooks has it.
    """
    found: dict[int, tuple[str, InvoiceStatus | None]] = {}
    today = _today(connection)
    for invoice in all_living(company.pk).filter(deal_id=deal_id).order_by("-pk"):
        status = status_of(invoice, today) if invoice.submission == Submission.SUCCEEDED else None
        found |= dict.fromkeys(instalments_of(invoice), (invoice.number, status))
    return found


def deals_with_invoices(company: Company, resource: str, resource_id: int) -> dict[int, int]:
    """The deals whose visibility is asked before a person's or an organization's rows are shown: how many each has."""
    rows = invoices_of(company, resource, resource_id).order_by()
    return dict(rows.values_list("deal_id").annotate(Count("pk")))


def looks_of(
    company: Company, resource: str, resource_id: int, place: ZoneInfo, *, deal_ids: Collection[int] | None = None
) -> dict[str, Look]:
    """What a person sees of each invoice, by its public id: where that is another one, it has changed."""
    rows = with_doing(invoices_of(company, resource, resource_id).order_by())
    if deal_ids is not None:
        rows = rows.filter(deal_id__in=deal_ids)
    beside = [*(f"doing_{name}" for name in DOING), *(f"updating_{name}" for name in UPDATING)]
    emailed = TruncDate("emailed_at", tzinfo=place)
    return {str(public_id): look for public_id, *look in rows.values_list("public_id", emailed, *SEEN, *beside)}


def invoice_for(company: Company, public_id: uuid.UUID) -> Invoice:
    """Raises Http404 for everything that is not this company's."""
    found = Invoice.objects.select_related("company").filter(company=company, public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def invoice_row(invoice: Invoice, connection: QuickBooksConnection | None = None) -> InvoiceRow:
    """The row's values; without `connection` the company's own is looked up."""
    connection = connection or quickbooks_of(invoice.company)
    place = zone(connection.timezone if connection else "")
    today = _today(connection)
    exists = invoice.submission == Submission.SUCCEEDED
    status = status_of(invoice, today) if exists else None
    amount = shown_total(invoice)
    same_books = connection is not None and connection.realm_id == invoice.realm_id
    actionable = exists and same_books and connection is not None and connection.is_connected
    return InvoiceRow(
        public_id=invoice.public_id,
        deal_id=invoice.deal_id,
        submission=Submission(invoice.submission),
        waiting=not invoice.is_settled and not (connection and connection.is_connected),
        status=status,
        number=invoice.number,
        customer_name=invoice.customer_name or str(invoice.draft.get("bill_to", {}).get("name", "")),
        total=amount,
        balance=_money(invoice.balance, invoice),
        amounts=_amounts(invoice, with_tax=True),
        invoice_date=invoice.invoice_date,
        due_date=invoice.due_date,
        days_overdue=max((today - invoice.due_date).days, 0)
        if status == InvoiceStatus.OVERDUE and invoice.due_date
        else 0,
        emailed_on=invoice.emailed_at.astimezone(place).date() if invoice.emailed_at else None,
        paid_on=invoice.paid_on,
        voided_on=invoice.voided_on,
        deleted_on=invoice.deleted_on,
        quickbooks_url=quickbooks_url(connection, "invoice", txnId=invoice.qbo_invoice_id)
        if exists and connection and same_books
        else "",
        refusal=refusal_of(invoice),
        created_at=invoice.created_at,
        created_by_name=invoice.created_by_name,
        checked_at=invoice.checked_at,
        in_deal=_amounts(invoice, with_tax=invoice.counts_with_tax),
        with_tax=invoice.counts_with_tax,
        expected_total=_expected_total(invoice),
        next_attempt_at=invoice.next_attempt_at,
        note_problem=invoice.note_problem,
        email=invoice.email,
        can=possible_actions(status) if actionable else frozenset(),
        has_document=actionable and has_document(status),
        can_be_paid=actionable and can_be_paid(status),
        doing=_doing_of(invoice),
        updating=_updating_of(invoice),
        estimate=invoice.estimate_number if invoice.estimate_id else "",
        former_books=connection is not None and not same_books,
    )


def refusal_of(intent: Intent) -> Refusal | None:
    return _refusal(intent.submission, intent.refusal)


def _refusal(submission: str | None, kept: dict[str, Any] | None) -> Refusal | None:
    if submission != Submission.REJECTED or not kept:
        return None
    return Refusal(**{name: str(value) for name, value in kept.items() if name in Refusal.__dataclass_fields__})


def shown_total(invoice: Invoice) -> Money | None:
    """QuickBooks' own, and before there is one the form's; none when QuickBooks' cannot be read."""
    if invoice.total is None and invoice.submission != Submission.SUCCEEDED:
        return _expected_total(invoice)
    return _money(invoice.total, invoice)


def _expected_total(invoice: Invoice) -> Money | None:
    expected = invoice.confirmed_total
    return None if expected is None else Money(expected, str(invoice.draft.get("currency", invoice.currency)))


def _money(amount: Decimal | None, invoice: Invoice) -> Money | None:
    return None if amount is None else Money(amount, invoice.currency).rounded()


def _party(invoices: Iterable[Invoice], resource: str, resource_id: int) -> tuple[str, int]:
    """Of a deal the party is known from its invoices; without any it is looked up by the deal itself."""
    if resource != "deal":
        return resource, resource_id
    return next((invoice.party for invoice in invoices), ("deal", resource_id))


def _checked_at(of_rows: datetime | None, connection: QuickBooksConnection | None) -> datetime | None:
    """The last moment at which QuickBooks confirmed what is shown; the whole view is as old as the last turn."""
    turn = connection.last_synced_at if connection else None
    return max((moment for moment in (of_rows, turn) if moment), default=None)


def _is_stale(connection: QuickBooksConnection | None) -> bool:
    """Older than we promise: the connection ended, QuickBooks does not answer, or nobody has looked when it was due."""
    if connection is None:
        return False
    if not connection.is_connected:
        return True
    now = timezone.now()
    long_ago = now - timedelta(seconds=settings.QUICKBOOKS_SYNC_SECONDS * SEVERAL_TURNS)
    looked = connection.last_synced_at or connection.connected_at
    missed = connection.next_sync_at is not None and connection.next_sync_at < long_ago
    return missed or now - looked > LONGEST_UNSEEN or (bool(connection.last_sync_problem) and looked < long_ago)


def _limit_now(newest_first: Sequence[Invoice], deal_value: Money | None) -> Money | None:
    """What all invoices of a deal may come to, by its value now and what its last form knew; None: no telling."""
    if deal_value is None or not newest_first:
        return deal_value
    return limit_of(like_the_invoices(deal_value, newest_first), newest_first[0].deal_in_all)


def _sums_of_deal(rows: Sequence[InvoiceRow], newest_first: Sequence[Invoice], deal_value: Money | None) -> Sums | None:
    counted = [(row.status, row.in_deal) for row in rows if row.in_deal is not None and row.status in COUNTED]
    with_tax = any(row.with_tax for row in rows if row.status in COUNTED)
    sums = sums_of(counted, _limit_now(newest_first, deal_value), with_tax=with_tax)
    taken_out = not with_tax and any(invoice.deal_before_tax is not None for invoice in newest_first)
    return replace(sums, tax_taken_out=taken_out) if sums else None


def _amounts(invoice: Invoice, *, with_tax: bool) -> Amounts | None:
    """A payment pays tax and net alike. None of a voided one: it keeps its total, but has no balance by the void."""
    if invoice.total is None or invoice.balance is None or invoice.voided_on is not None:
        return None
    whole = invoice.total if with_tax else invoice.total - (invoice.tax or Decimal(0))
    parts = (
        whole * part / invoice.total if invoice.total else Decimal(0) for part in (invoice.settled, invoice.credited)
    )
    return Amounts(*(Money(amount, invoice.currency).rounded() for amount in (whole, *parts)))
