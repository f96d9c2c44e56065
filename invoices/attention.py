"""What needs somebody: what was refused or failed, grouped by its cause, and what waits and goes on by itself.

Administrators see all of the company, everybody else what he asked for himself: nobody sees more invoices than deals.
Pipedrive is asked whether whoever is known as one still is, at most every five minutes: a desk may be open for days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from integration_settings.deal_rules import stored_rules
from integration_settings.models import Company, PipedriveUser, QuickBooksConnection
from integration_settings.rights import Right, administers, rights_of
from integration_settings.selectors import quickbooks_of
from integration_settings.tenancy import Visitor
from invoices import leases, submission
from invoices.domain.causes import Cause, Kind, cause_of
from invoices.domain.draft import from_json
from invoices.domain.money import Money
from invoices.domain.refusals import OTHER_BOOKS
from invoices.domain.status import Submission
from invoices.models import (
    IS_BEING_MADE,
    IS_TO_FIX,
    IS_WAITING,
    CustomerUpdate,
    Intent,
    Invoice,
    InvoiceAction,
    ReadyDeal,
)
from invoices.ready_deals import waiting_deals
from invoices.reports import zone
from invoices.selectors import Refusal, refusal_of, shown_total

LATEST = 200  # of each kind; whoever has more to fix begins with these


@dataclass(frozen=True, slots=True)
class Stopped:
    """One row of a group: the invoice, and why it or what was asked for it did not go through."""

    intent: Intent | None  # None for a note or a connection
    invoice: Invoice
    worth: Money | None
    refusal: Refusal | None = None

    @property
    def held(self) -> str:
        """`domain.causes.Held`: why it was not run again, "" where nobody has tried."""
        return self.refusal.held if self.refusal else ""


@dataclass(frozen=True, slots=True)
class Group:
    """All that one repair releases, newest first. `fixers` are no administrators and may repair it all the same."""

    cause: Cause
    stopped: tuple[Stopped, ...]
    fixers: tuple[str, ...] = ()

    @property
    def refusal(self) -> Refusal | None:
        return self.stopped[0].refusal if self.stopped else None

    @property
    def worth(self) -> tuple[Money, ...]:
        """One sum for each currency."""
        sums: dict[str, Decimal] = {}
        for row in self.stopped:
            if row.worth:
                sums[row.worth.currency] = sums.get(row.worth.currency, Decimal(0)) + row.worth.amount
        return tuple(Money(amount, currency) for currency, amount in sorted(sums.items()))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that runs by itself. `until` is when it is given up, None when it never is."""

    intent: Intent
    invoice: Invoice
    worth: Money | None
    since: datetime
    until: datetime | None
    signed_out: bool  # nothing goes on before somebody signs in again
    former_books: bool  # nothing of them can be asked while others are connected
    in_hand: bool  # of a worker, at this moment

    @property
    def can_cancel(self) -> bool:
        return self.intent.submission == Submission.PENDING and self.intent.sent_at is None and not self.in_hand


@dataclass(frozen=True, slots=True)
class Desk:
    groups: tuple[Group, ...]
    waiting: tuple[Waiting, ...]
    done_today: int
    ready: tuple[ReadyDeal, ...] = ()  # deals that a rule has found
    rules_stand_still: bool = False
    rules_see_nothing: bool = False
    has_rules: bool = False
    being_made: int = 0  # deals of which a rule is making the invoice
    connected: bool = True

    @property
    def shown_of_many(self) -> int:
        """How many of a kind are here where that is all that fits, so that there may be others; else 0."""
        stopped = (row for group in self.groups if group.cause.kind != Kind.CONNECTION for row in group.stopped)
        here = Counter(type(row.intent) for row in stopped), Counter(type(row.intent) for row in self.waiting)
        many = any(count >= LATEST for kinds in here for count in kinds.values()) or len(self.ready) >= LATEST
        return LATEST if many else 0

    def group(self, key: str) -> Group | None:
        return next((group for group in self.groups if group.cause.key == key), None)


def desk_of(visitor: Visitor) -> Desk:
    """Everything that the visitor may see of it."""
    _ask_anew_who_administers(visitor)
    company, connection = visitor.company, quickbooks_of(visitor.company)
    waiting = _waiting(visitor, connection)
    groups = (
        *_connection(connection, waiting),
        *_refused(visitor, connection),
        *_failed(visitor),
        *_notes(visitor),
    )
    rules = stored_rules(company) if visitor.user.is_admin else None
    return Desk(
        groups,
        waiting,
        _done_today(visitor, connection, company),
        _ready(visitor),
        rules_stand_still=rules is not None and rules.stands_still,
        rules_see_nothing=rules is not None and rules.sees_nothing,
        has_rules=bool(rules and rules.rules),
        being_made=_being_made(visitor),
        connected=bool(connection and connection.is_connected),
    )


def _ready(visitor: Visitor) -> tuple[ReadyDeal, ...]:
    """For administrators: of everybody else nobody has asked whether he may see these deals, whose panels tell it."""
    return tuple(waiting_deals(visitor.company)[:LATEST]) if visitor.user.is_admin else ()


def _being_made(visitor: Visitor) -> int:
    """For administrators, as those that are ready."""
    return visitor.company.ready_deals.filter(IS_BEING_MADE).count() if visitor.user.is_admin else 0


def _ask_anew_who_administers(visitor: Visitor) -> None:
    """Whether the visitor still does; whoever does not sees his own, of which we need not ask."""
    visitor.user.is_admin = visitor.user.is_admin and administers(visitor.user)


def _visible(visitor: Visitor, rows: QuerySet[Any], asker: str = "created_by_id") -> QuerySet[Any]:
    """`asker` is the column of who asked for a row."""
    return rows if visitor.user.is_admin else rows.filter(**{asker: visitor.user.user_id})


def _connection(connection: QuickBooksConnection | None, waiting: Iterable[Waiting]) -> list[Group]:
    if connection and connection.shut_out:
        return [Group(Cause(Kind.CONNECTION, connection.shut_out, connection.name), ())]
    if connection is None or connection.is_connected:
        return []
    stopped = tuple(
        Stopped(row.intent, row.invoice, row.worth) for row in waiting if row.signed_out and row.intent == row.invoice
    )
    if connection.was_disconnected and not stopped:
        return []  # somebody wanted it so
    return [Group(Cause(Kind.CONNECTION, connection.ended_why or "ended", connection.name), stopped)]


# Refused


def refused_invoices(company: Company) -> QuerySet[Invoice]:
    """Those that nobody has put away and whose person has not moved on to a later invoice of the same deal."""
    later = Invoice.objects.filter(company=company, deal_id=OuterRef("deal_id"), pk__gt=OuterRef("pk"))
    return Invoice.objects.filter(IS_TO_FIX, company=company).exclude(Exists(later)).order_by("-pk")


def _refused(visitor: Visitor, connection: QuickBooksConnection | None) -> list[Group]:
    rows = _visible(visitor, refused_invoices(visitor.company))
    others = {user.user_id: user for user in _others(visitor.company)}
    found: dict[Cause, list[Stopped]] = {}
    for invoice in rows[:LATEST]:
        refusal = refusal_of(invoice)
        cause = _cause(invoice, refusal, connection)
        same = next((known for known in found if known.key == cause.key), cause)
        found.setdefault(same, []).append(Stopped(invoice, invoice, worth_of(invoice), refusal))
    groups = (Group(cause, tuple(stopped), _fixers(others, stopped)) for cause, stopped in found.items())
    return sorted(groups, key=lambda group: (list(Kind).index(group.cause.kind), -len(group.stopped)))


def _cause(invoice: Invoice, refusal: Refusal | None, connection: QuickBooksConnection | None) -> Cause:
    if refusal is None or not invoice.draft:
        return Cause(Kind.FORM, "")
    if connection is None or connection.realm_id != invoice.realm_id:  # its ids mean nothing in other books
        return Cause(Kind.FORM, OTHER_BOOKS)
    return cause_of(
        from_json(invoice.draft),
        code=refusal.code,
        field=refusal.field,
        quote=refusal.detail or refusal.message,
        taken_by=refusal.taken_by,
        new_item=refusal.new_item,
    )


def _others(company: Company) -> QuerySet[PipedriveUser]:
    return company.users.select_related("company__settings").filter(is_admin=False)


def _fixers(others: Mapping[int, PipedriveUser], stopped: Iterable[Stopped]) -> tuple[str, ...]:
    """Whoever made all of them repairs his own, where he may create invoices."""
    makers = {row.invoice.created_by_id for row in stopped}
    user = others.get(makers.pop()) if len(makers) == 1 else None
    return (user.name,) if user and user.is_connected and may_repair(user) else ()


def worth_of(invoice: Invoice) -> Money | None:
    """What it is about: the total, or what its lines add up to where only QuickBooks knows the tax."""
    if (total := shown_total(invoice)) or not invoice.draft:
        return total
    draft = from_json(invoice.draft)
    return Money(sum((line.amount(draft.currency) for line in draft.lines), Decimal(0)), draft.currency)


# Beside the invoices


def _failed(visitor: Visitor) -> list[Group]:
    """Actions and updates of customers that were not done."""
    found: dict[Cause, list[Stopped]] = {}
    for intent in (*_theirs(visitor, InvoiceAction, IS_TO_FIX), *_theirs(visitor, CustomerUpdate, IS_TO_FIX)):
        refusal = refusal_of(intent)
        code = refusal.code if refusal else ""
        if isinstance(intent, InvoiceAction):
            cause = Cause(Kind.ACTION, f"{intent.kind} {code}", intent.kind)
        else:
            cause = Cause(Kind.CUSTOMER, f"{intent.customer_id} {code}", intent.customer_name)
        found.setdefault(cause, []).append(Stopped(intent, intent.invoice, worth_of(intent.invoice), refusal))
    return [Group(cause, tuple(stopped)) for cause, stopped in found.items()]


def _theirs(visitor: Visitor, kind: type[InvoiceAction] | type[CustomerUpdate], wanted: Q) -> list[Any]:
    rows = kind._default_manager.filter(wanted, company=visitor.company).select_related("invoice").order_by("-pk")
    own = "asked_by_id" if kind is InvoiceAction else "invoice__created_by_id"
    return list(_visible(visitor, rows, own)[:LATEST])


def _notes(visitor: Visitor) -> list[Group]:
    rows = Invoice.objects.filter(company=visitor.company).exclude(note_problem="").order_by("-pk")
    found: dict[Cause, list[Stopped]] = {}
    for invoice in _visible(visitor, rows)[:LATEST]:
        row = Stopped(None, invoice, worth_of(invoice))
        found.setdefault(Cause(Kind.NOTE, invoice.note_problem), []).append(row)
    return [Group(cause, tuple(stopped)) for cause, stopped in found.items()]


# Waiting


def _waiting(visitor: Visitor, connection: QuickBooksConnection | None) -> tuple[Waiting, ...]:
    invoices = Invoice.objects.filter(IS_WAITING, company=visitor.company).order_by("-pk")
    intents: list[Intent] = [
        *_visible(visitor, invoices)[:LATEST],
        *_theirs(visitor, InvoiceAction, IS_WAITING),
        *_theirs(visitor, CustomerUpdate, IS_WAITING),
    ]
    return tuple(_wait(intent, connection) for intent in intents)


def _wait(intent: Intent, connection: QuickBooksConnection | None) -> Waiting:
    invoice = invoice_of(intent)
    since = intent.asked_at if isinstance(intent, InvoiceAction) else invoice.created_at
    until: datetime | None = since + leases.GIVE_UP_AFTER
    if isinstance(intent, Invoice):
        until = None if intent.sent_at else submission.given_up_at(intent, connection)
    return Waiting(
        intent=intent,
        invoice=invoice,
        worth=worth_of(invoice),
        since=since,
        until=until,
        signed_out=connection is None or not connection.is_connected,
        former_books=connection is not None and connection.realm_id != invoice.realm_id,
        in_hand=intent.lease_until is not None and intent.lease_until > timezone.now(),
    )


def invoice_of(intent: Intent) -> Invoice:
    """The invoice that an intent is or belongs to."""
    if isinstance(intent, Invoice):
        return intent
    if isinstance(intent, InvoiceAction | CustomerUpdate):
        return intent.invoice
    raise TypeError(type(intent))


def waiting_intent(visitor: Visitor, invoice: Invoice, what: str) -> Intent | None:
    """What was asked for with it: the invoice itself, its open "action", its "customer" update; None without one.

    Raises Http404 for what the visitor did not ask for himself and does not administer.
    """
    intent: Intent | None = invoice
    asker = invoice.created_by_id
    if what == "action":
        action = InvoiceAction.objects.select_related("invoice").filter(IS_WAITING, invoice=invoice).first()
        intent, asker = action, action.asked_by_id if action else asker
    elif what == "customer":
        intent = CustomerUpdate.objects.select_related("invoice").filter(invoice=invoice).first()
    if asker != visitor.user.user_id and not administers(visitor.user):
        raise Http404
    return intent


def may_repair(user: PipedriveUser) -> bool:
    """As far as is known here: what is run again asks once more, see `rights.demand`."""
    return Right.CREATE in rights_of(user)


def _done_today(visitor: Visitor, connection: QuickBooksConnection | None, company: Company) -> int:
    """Invoices created since midnight at the QuickBooks company."""
    place = zone(connection.timezone if connection else "")
    midnight = datetime.combine(timezone.now().astimezone(place).date(), time(), tzinfo=place)
    rows = Invoice.objects.filter(company=company, submission=Submission.SUCCEEDED, settled_at__gte=midnight)
    return _visible(visitor, rows).count()
