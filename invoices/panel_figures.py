"""What a panel says of all its invoices together. Of a person's or an organization's very many the database counts and
adds up: to make a row of each would take seconds, every time it is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import BooleanField, Case, CharField, Count, Exists, Max, OuterRef, Q, QuerySet, Sum, Value, When

from integration_settings.models import Company
from invoices.domain.money import Money, total
from invoices.domain.status import UNSETTLED, InvoiceStatus, Submission
from invoices.models import CustomerUpdate, Invoice, InvoiceAction

OWED = (InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID, InvoiceStatus.OVERDUE)
COUNTED = (*OWED, InvoiceStatus.PAID)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What an invoice is worth, what of that is settled, and what of that by credits and not by money."""

    whole: Money
    settled: Money
    credited: Money


@dataclass(frozen=True, slots=True)
class Sums:
    """Of a deal like its value, which contains tax only where the deal's prices do (`with_tax`); where these do and its
    invoices were made before tax, the value is without, too (`tax_taken_out`).

    Voided, deleted and unanswered invoices count nothing.
    """

    invoiced: Money
    paid: Money
    credited: Money
    open: Money
    overdue: Money
    deal_value: Money | None
    not_invoiced: Money | None  # never negative
    over: Money | None  # invoiced beyond the deal's value
    with_tax: bool = False
    tax_taken_out: bool = False


@dataclass(frozen=True, slots=True)
class Owed:
    """What a person or an organization has still to pay, with tax; 0 of what is paid."""

    open: Money
    overdue: Money


@dataclass(frozen=True, slots=True)
class Figures:
    """`waiting` are those that nothing was sent of yet, `unsettled` those of which something is under way."""

    count: int
    deals: int
    owed: Owed | None  # None without any, or in several currencies
    waiting: int
    unsettled: int
    checked_at: datetime | None


def sums_of(
    counted: Sequence[tuple[InvoiceStatus | None, Amounts]], deal_value: Money | None, *, with_tax: bool
) -> Sums | None:
    """Of a deal; `counted` has of each invoice its status and its amounts."""
    currencies = {amounts.whole.currency for _, amounts in counted}
    if len(currencies) != 1:
        return None
    currency = currencies.pop()
    invoiced = total((amounts.whole for _, amounts in counted), currency)
    settled = total((amounts.settled for _, amounts in counted), currency)
    credited = total((amounts.credited for _, amounts in counted), currency)
    late = (amounts for status, amounts in counted if status == InvoiceStatus.OVERDUE)
    overdue = total((amounts.whole - amounts.settled for amounts in late), currency)
    value = deal_value if deal_value and deal_value.currency == currency else None
    left = value - invoiced if value else None
    return Sums(
        invoiced=invoiced,
        paid=settled - credited,
        credited=credited,
        open=invoiced - settled - overdue,
        overdue=overdue,
        deal_value=value,
        not_invoiced=None if left is None else Money(max(left.amount, Decimal(0)), currency),
        over=Money(-left.amount, currency) if left is not None and left.amount < 0 else None,
        with_tax=with_tax,
    )


def listed(rows: QuerySet[Invoice], column: str, deal_ids: Collection[int]) -> QuerySet[Invoice]:
    """Of the record's `rows` those of the deals that the reader may see, without a refused one whose deal has a later
    one.
    """
    same = {"company_id": OuterRef("company_id"), column: OuterRef(column), "deal_id": OuterRef("deal_id")}
    after = Q(created_at__gt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), pk__gt=OuterRef("pk"))
    later = Exists(Invoice.objects.filter(after, **same))
    return rows.filter(deal_id__in=deal_ids).exclude(Q(submission=Submission.REJECTED) & Q(later))


def first_of(rows: QuerySet[Invoice], most: int) -> QuerySet[Invoice]:
    """What is not done yet or was not created comes first, then the newest."""
    made = Case(When(submission=Submission.SUCCEEDED, then=True), default=False, output_field=BooleanField())
    return rows.order_by(made, "-created_at", "-pk")[:most]


def figures_of(company: Company, rows: QuerySet[Invoice], today: date) -> Figures:
    """Of the listed `rows`; `today` in the QuickBooks company's time zone."""
    under_way = Q(submission__in=UNSETTLED)
    for of_it in (InvoiceAction.objects.filter(put_away_at=None), CustomerUpdate.objects.all()):
        under_way |= Q(pk__in=of_it.filter(company=company, submission__in=UNSETTLED).values("invoice_id"))
    groups = (
        rows.order_by()
        .annotate(state=_state(today))
        .values("deal_id", "currency", "state")
        .annotate(
            number=Count("pk"),
            left=Sum("balance"),
            waiting=Count("pk", filter=Q(submission=Submission.PENDING)),
            unsettled=Count("pk", filter=under_way),
            checked=Max("checked_at"),
        )
    )
    found = list(groups)
    left: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for group in found:
        left[group["state"], group["currency"]] += group["left"] or Decimal(0)
    return Figures(
        count=sum(group["number"] for group in found),
        deals=len({group["deal_id"] for group in found}),
        owed=_owed(left),
        waiting=sum(group["waiting"] for group in found),
        unsettled=sum(group["unsettled"] for group in found),
        checked_at=max((group["checked"] for group in found if group["checked"]), default=None),
    )


def owed(amounts: Iterable[tuple[InvoiceStatus, Money]]) -> Owed | None:
    """The same of a few: by the status of each invoice that counts, and what is left of it."""
    left: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for status, amount in amounts:
        state = InvoiceStatus.OPEN if status == InvoiceStatus.PARTIALLY_PAID else status
        left[state, amount.currency] += amount.amount
    return _owed(left)


def _owed(left: Mapping[tuple[str, str], Decimal]) -> Owed | None:
    """Of an invoice that is paid nothing is left. It counts only where nothing is owed: its currency may be another."""
    owing = {currency for state, currency in left if state in OWED}
    currencies = owing or {currency for state, currency in left if state == InvoiceStatus.PAID}
    if len(currencies) != 1:
        return None
    (currency,) = currencies
    parts = (left.get((state, currency), Decimal(0)) for state in (InvoiceStatus.OPEN, InvoiceStatus.OVERDUE))
    return Owed(*(Money(part, currency).rounded() for part in parts))


def _state(today: date) -> Case:
    """As `domain.status.derive_status` has it, of those in QuickBooks; what is partly paid is open."""
    words = (
        (~Q(submission=Submission.SUCCEEDED) | Q(deleted_on__isnull=False) | Q(voided_on__isnull=False), ""),
        (Q(total=None) | Q(balance=None), ""),
        (Q(balance__lte=0), InvoiceStatus.PAID),
        (Q(due_date__lt=today), InvoiceStatus.OVERDUE),
    )
    whens = (When(condition, then=Value(str(word))) for condition, word in words)
    return Case(*whens, default=Value(str(InvoiceStatus.OPEN)), output_field=CharField())
