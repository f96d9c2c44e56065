"""What was invoiced before: of the same deal, and to the same customer. Always of one company."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.utils import timezone

from integration_settings.models import Company, QuickBooksConnection
from integration_settings.prepared import Prepared
from invoices.domain.checks import SameAgain
from invoices.domain.draft import AmountsAre, InvoiceDraft, from_json
from invoices.domain.money import Money, is_rounding
from invoices.domain.status import UNSETTLED, Submission
from invoices.domain.tax import Totals, net_of
from invoices.models import Invoice
from invoices.reports import zone

SHORTER_THAN_A_MONTH = timedelta(days=25)
MOST_COMPARED = 100


@dataclass(frozen=True, slots=True)
class SoFar:
    """The deal's living invoices: how many, their sum unless their currencies differ, the latest's row id, and whether
    QuickBooks has not said of one yet that it exists.
    """

    count: int
    amount: Money | None
    latest: int = 0
    unconfirmed: bool = False
    instalments: frozenset[int] = frozenset()  # of the deal's billing plan, that they bill


def living_invoices(company: Company, deal_id: int) -> list[Invoice]:
    """Those of the deal that count, the oldest first; unanswered ones, too."""
    return _of_deal(company.pk, deal_id)


@Prepared
def _of_deal(company_id: int, deal_id: int) -> QuerySet[Invoice]:
    rows = all_living(company_id).filter(deal_id=deal_id).order_by("pk")
    return rows.only("currency", "total", "tax", "draft", "deal_then", "submission")


def deals_with_living_invoices(company: Company, deal_ids: Iterable[int]) -> set[int]:
    return set(all_living(company.pk).filter(deal_id__in=list(deal_ids)).values_list("deal_id", flat=True))


def is_estimate_used(company_id: int, realm_id: str, estimate_id: str) -> bool:
    """Whether a living invoice is made from that estimate of QuickBooks."""
    return all_living(company_id).filter(realm_id=realm_id, estimate_id=estimate_id).exists()


def taken_back(company: Company, deal_ids: Iterable[int]) -> set[int]:
    """Those of the deals that have an invoice which somebody has voided or deleted."""
    gone = Q(voided_on__isnull=False) | Q(deleted_on__isnull=False)
    rows = Invoice.objects.filter(gone, company=company, deal_id__in=list(deal_ids))
    return set(rows.values_list("deal_id", flat=True))


def invoiced_so_far(company: Company, deal_id: int) -> SoFar:
    return summed_up(living_invoices(company, deal_id))


def summed_up(living: Sequence[Invoice]) -> SoFar:
    """`living` of one deal; each with its tax or without, as it counts against the deal's value."""
    currencies = {invoice.currency for invoice in living}
    latest = max((invoice.pk for invoice in living), default=0)
    unconfirmed = any(invoice.submission in UNSETTLED for invoice in living)
    billed = frozenset(number for invoice in living for number in instalments_of(invoice))
    if len(currencies) != 1:
        return SoFar(len(living), None, latest, unconfirmed, billed)
    amounts = (_amount_so_far(invoice, invoice.counts_with_tax and not _made_before_tax(invoice)) for invoice in living)
    return SoFar(len(living), Money(sum(amounts, Decimal(0)), currencies.pop()), latest, unconfirmed, billed)


def instalments_of(invoice: Invoice) -> set[int]:
    """Ids of those that its lines bill."""
    return {line["instalment_id"] for line in invoice.draft.get("lines", ()) if line.get("instalment_id")}


def like_the_invoices(value: Money, newest_first: Iterable[Invoice]) -> Money:
    """A deal's value as its invoices count against it: without the tax in its prices where they were made before tax.
    Where it has changed since the latest of these, in proportion to what it was then.
    """
    for invoice in newest_first:
        before_tax = invoice.deal_before_tax
        if before_tax is not None and (then := invoice.deal_worth_then) and then.amount:
            return Money(value.amount * before_tax / then.amount, value.currency).rounded()
    return value


def drafts_of(living: Iterable[Invoice]) -> list[InvoiceDraft]:
    """What was confirmed for each of them."""
    return [_as_reduced(row, from_json(row.draft)) for row in living if row.draft]


def _as_reduced(invoice: Invoice, draft: InvoiceDraft) -> InvoiceDraft:
    """Of a deal without products as much as QuickBooks still has: somebody may have made it less there, and the rest is
    to be billed. Of which products it is less is not told, and more may be shipping or a fee.
    """
    if invoice.currency != draft.currency:  # a bookkeeper gave it to a customer with another one: nothing to compare
        return draft
    confirmed, now = net_of(draft), _amount_so_far(invoice, with_tax=False)
    if not 0 <= now < confirmed or is_rounding(confirmed - now, draft.currency):
        return draft
    if any(line.attachment_id is not None for line in draft.lines):
        return draft
    part = now / confirmed
    lines = (replace(each, unit_price=each.unit_price * part, discount=each.discount * part) for each in draft.lines)
    return replace(draft, lines=tuple(lines))


def same_again(
    connection: QuickBooksConnection, draft: InvoiceDraft, amounts: Totals, *, reader_id: int | None = None
) -> SameAgain | None:
    """The latest living invoice of another deal to the same customer over the same amount, of the last days.

    Deals that are there twice, or were made one in Pipedrive, are invoiced twice without anybody seeing the first
    invoice: it stands in the other deal. Whoever cannot open a deal reads nothing of its invoices, and nobody is asked
    whether he can: more than that there is one is told to its maker alone, the user `reader_id`.

    The range is shorter than the shortest month, so that what is invoiced monthly is not called a repetition.
    """
    if draft.bill_to.is_new or not amounts.total:
        return None
    since = timezone.now() - SHORTER_THAN_A_MONTH
    customer = connection.company_id, connection.realm_id, draft.bill_to.customer_id
    for row in _to_customer(*customer, draft.deal_id, since):
        if row.currency == draft.currency and _comes_to(row, amounts):
            day = row.created_at.astimezone(zone(connection.timezone)).date()
            return SameAgain(day, row.created_by_name, row.number) if row.created_by_id == reader_id else SameAgain()
    return None


def _comes_to(invoice: Invoice, amounts: Totals) -> bool:
    return (
        _amount_so_far(invoice, with_tax=True) == amounts.total
        or _amount_so_far(invoice, with_tax=False) == amounts.net
    )


@Prepared
def _to_customer(
    company_id: int, realm_id: str, customer_id: str, other_than: int, since: datetime
) -> QuerySet[Invoice]:
    rows = all_living(company_id).filter(realm_id=realm_id, customer_id=customer_id, created_at__gt=since)
    columns = "number", "created_at", "created_by_id", "created_by_name", "currency", "total", "tax", "draft"
    return rows.exclude(deal_id=other_than).order_by("-created_at").only(*columns)[:MOST_COMPARED]


def all_living(company_id: int) -> QuerySet[Invoice]:
    """Invoices of the company that count: those of which nobody knows that they are not, or not any more."""
    rows = Invoice.objects.filter(company=company_id, voided_on__isnull=True, deleted_on__isnull=True)
    return rows.exclude(submission=Submission.REJECTED)


def _made_before_tax(invoice: Invoice) -> bool:
    """Of a US company, whose next invoice counts before tax too: what QuickBooks adds is seldom what the deal had in
    its prices, and may be more.
    """
    return bool(invoice.draft.get("amounts_are") == AmountsAre.WITHOUT_TAX_SETTING)


def _amount_so_far(invoice: Invoice, with_tax: bool) -> Decimal:
    if invoice.total is not None:
        return invoice.total if with_tax else invoice.total - (invoice.tax or Decimal(0))
    draft = from_json(invoice.draft)
    if with_tax and draft.expected_total is not None:
        return draft.expected_total
    return net_of(draft)
