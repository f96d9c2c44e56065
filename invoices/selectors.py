"""Reads for the pages: rows of a company only, as ready values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from integration_settings.models import Company
from invoices.domain.money import Money
from invoices.domain.status import InvoiceStatus, Submission
from invoices.models import Invoice


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why QuickBooks refused. `field` is the form's field as in `checks.Finding`; `message`, `detail` its own words."""

    code: str
    field: str
    message: str
    detail: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One line of the panel. Before it exists in QuickBooks `status` is None and `submission` tells the story."""

    public_id: uuid.UUID
    deal_id: int
    submission: Submission
    waiting: bool  # pending because the connection ended
    status: InvoiceStatus | None
    number: str
    customer_name: str
    total: Money | None  # of a voided or deleted invoice what it was; before the answer what the person confirmed
    balance: Money | None
    paid: Money | None
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


@dataclass(frozen=True, slots=True)
class Sums:
    """Without tax, like the deal's value. Voided, deleted and unanswered invoices count nothing."""

    invoiced: Money
    paid: Money
    open: Money
    overdue: Money
    deal_value: Money | None
    not_invoiced: Money | None  # never negative
    over: Money | None  # invoiced beyond the deal's value


@dataclass(frozen=True, slots=True)
class PanelData:
    rows: tuple[InvoiceRow, ...]  # being verified, waiting and not created first, then newest first
    sums: Sums | None  # None without invoices, or when their currencies differ from the deal's
    customer_name: str  # of the linked QuickBooks customer, "" when none
    customer_url: str
    books_name: str  # the QuickBooks company
    connected: bool
    ever_connected: bool
    checked_at: datetime | None
    stale: bool  # older than promised, or the connection ended
    unsettled: int
    timezone: str  # of the QuickBooks company


def panel(company: Company, *, resource: str, resource_id: int, deal_value: Money | None = None) -> PanelData:
    """`resource` is "deal", "person" or "organization". Asks nobody upstream."""
    raise NotImplementedError


def invoice_row(invoice: Invoice) -> InvoiceRow:
    raise NotImplementedError


def invoice_for(company: Company, public_id: uuid.UUID) -> Invoice:
    """Raises Http404 for everything that is not this company's."""
    raise NotImplementedError


def paid_part(total: Decimal, balance: Decimal) -> Decimal:
    return total - balance
