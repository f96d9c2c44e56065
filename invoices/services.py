"""What the views may ask for: prepare a form, add up a draft, store an intent, link a customer, look again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from integration_settings.models import Company, PipedriveUser, QuickBooksConnection
from integration_settings.reference import Item, Profile, TaxCode
from integration_settings.tenancy import Visitor
from invoices.domain.checks import Finding
from invoices.domain.deal import Deal
from invoices.domain.draft import InvoiceDraft
from invoices.domain.matching import CustomerCandidate, ItemProposal
from invoices.domain.tax import TaxProposal, Totals
from invoices.models import Invoice


@dataclass(frozen=True, slots=True)
class CustomerChoice:
    """Who the invoice may go to. `linked` was chosen before; `candidates` are best first, without the linked one.

    `preselected` is the id to tick, "" for the new customer: never a weak match.
    """

    party_kind: str  # "organization", "person" or "" for a deal without either
    party_id: int | None
    party_name: str
    linked: CustomerCandidate | None
    candidates: tuple[CustomerCandidate, ...]
    preselected: str


@dataclass(frozen=True, slots=True)
class Preparation:
    """Everything the invoice form of a deal shows at first. `lines[n]` of the proposals belongs to `draft.lines[n]`."""

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


def prepare(visitor: Visitor, deal_id: int) -> Preparation:
    """Raises the `ServiceError`s of both services; `NotFound` when the visitor may not see the deal."""
    raise NotImplementedError


def preview(company: Company, draft: InvoiceDraft) -> Preview:
    """Adds up and checks a draft from the stored lists; asks nobody."""
    raise NotImplementedError


def request_invoice(*, visitor: Visitor, draft: InvoiceDraft, intent_key: uuid.UUID) -> Requested:
    """Stores the intent. Raises `NotFound` when the visitor may not see the deal."""
    raise NotImplementedError


def search_customers(connection: QuickBooksConnection, q: str) -> list[CustomerCandidate]:
    """Active customers whose name contains the text, at most 20."""
    raise NotImplementedError


def search_items(company: Company, q: str) -> list[Item]:
    """Active items that can be sold whose name or SKU contains the text, at most 20; from the stored list."""
    raise NotImplementedError


def link_customer(*, company: Company, party_kind: str, party_id: int, candidate: CustomerCandidate, by: str) -> None:
    raise NotImplementedError


def unlink_customer(*, company: Company, party_kind: str, party_id: int) -> None:
    raise NotImplementedError


def refresh_now(company: Company) -> bool:
    """Catches up with QuickBooks at once unless that happened within the last seconds; True when it did.

    Raises `ServiceError`s.
    """
    raise NotImplementedError


def may_bill(user: PipedriveUser, deal_id: int) -> bool:
    """The user's own grant decides: whoever cannot see the deal cannot bill it."""
    raise NotImplementedError
