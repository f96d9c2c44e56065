"""The estimates of a customer that an invoice can be made from: one read of QuickBooks, when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass

from integration_settings import read_budget, rights
from integration_settings.rights import Right
from integration_settings.tenancy import Visitor
from invoices.domain.estimate import Estimate, TakenOver, taken_over
from invoices.drafting import connected
from invoices.invoice_gateway import MOST_ESTIMATES, QuickBooksGateway, books_of
from invoices.models import Invoice
from invoices.reports import today_in
from invoices.so_far import all_living

LONGEST_ID = Invoice._meta.get_field("estimate_id").max_length


@dataclass(frozen=True, slots=True)
class Offered:
    """An open estimate, and what the form would take over; `used` by an invoice of ours that QuickBooks may not have
    yet.
    """

    estimate: Estimate
    taken_over: TakenOver
    used: bool
    is_over: bool  # the day to which it was to be accepted


@dataclass(frozen=True, slots=True)
class Offers:
    """The latest first. `at_least`: the customer may have older ones."""

    estimates: tuple[Offered, ...]
    at_least: bool


def offers_to(visitor: Visitor, customer_id: str) -> Offers:
    """For whoever may bill the customer. Raises `NotAllowed`, `ConnectionExpired` without a connection, and the
    `ServiceError`s of QuickBooks.
    """
    rights.demand(visitor.user, Right.CREATE)
    connection = connected(visitor.connection)
    read_budget.refuse_when_spent(connection)
    told = QuickBooksGateway(connection).estimates_of(customer_id)
    readable = [each for each in told if each.is_open and each.total is not None and len(each.id) <= (LONGEST_ID or 0)]
    living = all_living(connection.company_id).filter(
        realm_id=connection.realm_id, estimate_id__in=[each.id for each in readable]
    )
    used = set(living.values_list("estimate_id", flat=True))
    books, today = books_of(connection), today_in(connection.timezone)
    found = (
        Offered(each, taken_over(each, books, today), each.id in used, bool(each.ends_on and each.ends_on < today))
        for each in readable
    )
    return Offers(tuple(found), len(told) >= MOST_ESTIMATES)
