"""What a customer owes in QuickBooks: all of its open invoices, whoever made them, in one read, kept for a minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.core.cache import cache
from django.utils import timezone

from integration_settings import read_budget, rights
from integration_settings.rights import Right
from integration_settings.tenancy import Visitor
from invoices.customers import linked_customer
from invoices.domain.money import Money
from invoices.drafting import connected
from invoices.invoice_gateway import MOST_OPEN, QuickBooksGateway
from invoices.reports import today_in

KEPT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Account:
    """`overdue` is part of `open`, the first of it due on `since`. `at_least`: there may be more than was read."""

    customer: str
    open: Money
    overdue: Money
    since: date | None
    invoices: int
    at_least: bool
    read_at: datetime


def account_of(visitor: Visitor, party: tuple[str, int] | None) -> Account | None:
    """Of the customer that was chosen for the party; None where none was.

    For whoever may bill the customer. Raises `NotAllowed`, `ConnectionExpired` without a connection, and the
    `ServiceError`s of QuickBooks.
    """
    rights.demand(visitor.user, Right.CREATE)
    connection = connected(visitor.connection)
    link = linked_customer(visitor.company, connection.realm_id, party) if party else None
    if link is None:
        return None
    key = f"customer-owes:{visitor.company.pk}:{connection.realm_id}:{link.customer_id}"
    kept = cache.get(key)
    if kept is None:
        read_budget.refuse_when_spent(connection)
        rows = QuickBooksGateway(connection).open_invoices(link.customer_id)
        currency = next((row.currency for row in rows), link.currency or connection.home_currency)
        owed = [
            [str(row.balance or 0), row.due_date.isoformat() if row.due_date else ""]
            for row in rows
            if row.currency == currency
        ]
        kept = [timezone.now().isoformat(), currency, owed]
        cache.set(key, kept, KEPT_SECONDS)
    read_at, currency, owed = kept
    today = today_in(connection.timezone).isoformat()
    late = [(amount, due) for amount, due in owed if due and due < today]
    return Account(
        customer=link.name,
        open=Money(sum((Decimal(amount) for amount, _ in owed), Decimal(0)), currency),
        overdue=Money(sum((Decimal(amount) for amount, _ in late), Decimal(0)), currency),
        since=date.fromisoformat(min(due for _, due in late)) if late else None,
        invoices=len(owed),
        at_least=len(owed) >= MOST_OPEN,
        read_at=datetime.fromisoformat(read_at),
    )
