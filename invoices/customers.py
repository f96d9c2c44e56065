"""Which QuickBooks customer a party of Pipedrive is: stored links, matches with their evidence, and new customers."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from integration_settings.clock import shared_now
from integration_settings.errors import Rejected, ServiceError
from integration_settings.models import Company, QuickBooksConnection
from integration_settings.prepared import Prepared
from integration_settings.selectors import hold_company
from integration_settings.side_by_side import SideBySide
from invoices.claims import claimed
from invoices.deal_gateway import party_of_loaded
from invoices.domain.customer_update import CustomerRecord
from invoices.domain.deal import Deal
from invoices.domain.draft import BillTo, InvoiceDraft, from_json
from invoices.domain.emails import addresses_typed
from invoices.domain.matching import (
    CustomerCandidate,
    Described,
    Evidence,
    Strength,
    best_candidate,
    has_name,
    rank_customers,
)
from invoices.domain.names import clean_name, same_name
from invoices.domain.refusals import NAME_TAKEN
from invoices.domain.status import UNSETTLED
from invoices.evidence import written_down
from invoices.invoice_answers import KnownCustomer
from invoices.invoice_bodies import party_mark
from invoices.invoice_gateway import InvoiceGateway
from invoices.models import CustomerLink, Invoice, WriteKind

SEARCH_LAGS = timedelta(minutes=5)  # what was created within may not be found yet


class NameTaken(Exception):
    """QuickBooks has the name already, and not for this party.

    `owner` is "customer", "inactive customer", "vendor", "employee" or "" when nobody was found.
    """

    def __init__(self, name: str, refusal: Rejected, owner: str, customer: KnownCustomer | None = None) -> None:
        super().__init__(f"the name belongs to another {owner or 'entry of the books'}")
        self.name = name
        self.refusal = refusal
        self.owner = owner
        self.customer = customer


@dataclass(frozen=True, slots=True)
class CustomerChoice:
    """Who the invoice may go to. `linked` was chosen before; `candidates` are best first, without the linked one.

    `preselected` is the id to tick, "" for the new customer: never a weak match. `complete` is whether QuickBooks has
    answered all that it was asked for this.
    """

    party_kind: str  # "organization", "person", or "deal" for a deal without either
    party_id: int
    party_name: str
    linked: CustomerCandidate | None
    candidates: tuple[CustomerCandidate, ...]
    preselected: str
    complete: bool = True

    @property
    def is_clear(self) -> bool:
        """Whether nobody has to be asked: somebody chose it before, only one can be meant, or nobody is like it."""
        if not self.preselected:
            return self.linked is None and not self.candidates
        if self.linked and self.linked.customer_id == self.preselected:
            return True
        strong = [each for each in self.candidates if each.strength == Strength.STRONG]
        return [each.customer_id for each in strong] == [self.preselected]


# Links


def linked_customer(company: Company, realm_id: str, party: tuple[str, int], currency: str = "") -> CustomerLink | None:
    """The link of that currency, else the one chosen last."""
    kind, party_id = party
    found = _links_of(company.pk, realm_id, kind, party_id)
    return next((row for row in found if currency and row.currency == currency), found[0] if found else None)


@Prepared
def _links_of(company_id: int, realm_id: str, kind: str, party_id: int) -> QuerySet[CustomerLink]:
    rows = CustomerLink.objects.filter(company_id=company_id, realm_id=realm_id, party_kind=kind, party_id=party_id)
    return rows.order_by("-linked_at", "-pk")


def is_anothers(connection: QuickBooksConnection | None, choice: CustomerChoice) -> bool:
    """Whether the customer that is ticked was chosen for another party, and never for this one: two people may have one
    name.
    """
    if connection is None or not choice.preselected:
        return False
    rows = CustomerLink.objects.filter(company=connection.company, realm_id=connection.realm_id)
    parties = set(rows.filter(customer_id=choice.preselected).values_list("party_kind", "party_id"))
    return bool(parties) and (choice.party_kind, choice.party_id) not in parties


def link(*, company: Company, realm_id: str, party: tuple[str, int], customer: CustomerCandidate, by: str) -> None:
    """In place of the link of that currency; of all links when the currency is not known on either side."""
    kind, party_id = party
    rows = CustomerLink.objects.filter(company=company, realm_id=realm_id, party_kind=kind, party_id=party_id)
    with transaction.atomic():
        if not hold_company(company.pk):
            return  # it has left: there is nobody to remember it for
        (rows.filter(currency="") if customer.currency else rows.exclude(currency="")).delete()
        CustomerLink.objects.update_or_create(
            company=company,
            realm_id=realm_id,
            party_kind=kind,
            party_id=party_id,
            currency=customer.currency,
            defaults={
                "customer_id": customer.customer_id,
                "name": customer.name,
                "linked_by": by,
                "linked_at": timezone.now(),
            },
        )


def unlink(*, company: Company, realm_id: str, party: tuple[str, int]) -> None:
    kind, party_id = party
    CustomerLink.objects.filter(company=company, realm_id=realm_id, party_kind=kind, party_id=party_id).delete()


def keep_name(company: Company, realm_id: str, customer_id: str, name: str) -> None:
    """QuickBooks calls a linked customer so now: whoever is asked to bill it is to see whom he bills."""
    links = CustomerLink.objects.filter(company=company, realm_id=realm_id, customer_id=customer_id)
    links.exclude(name=name).update(name=name)


def as_candidate(stored: CustomerLink) -> CustomerCandidate:
    return CustomerCandidate(
        customer_id=stored.customer_id,
        name=stored.name,
        currency=stored.currency,
        evidence=(Evidence.LINKED,),
        strength=Strength.STRONG,
    )


# Choosing


def choice_for(
    company: Company,
    realm_id: str,
    deal: Deal,
    bill_to: BillTo,
    *,
    gateway: InvoiceGateway,
    currency: str,
    recipient: str = "",
    whole: bool = False,
) -> CustomerChoice:
    """The stored link, and what QuickBooks has of that name, e-mail address or e-mail domain.

    The link is the organization's also where the user may not see that: what is chosen is kept there. QuickBooks is
    asked when there is no link, or one in another currency only; with `whole` also for the linked one's terms and tax.
    `recipient` is the field that names whom the invoice is for: where that is another one than the linked customer, it
    is offered, and ticked only if it matches.
    """
    kind, party_id = party_of_loaded(deal)
    party = deal.organization or deal.person
    stored = linked_customer(company, realm_id, (kind, party_id), currency)
    linked, complete = as_candidate(stored) if stored else None, True
    if linked and whole:
        record = _record_of(linked, gateway)
        linked, complete = _with_record(linked, record), record is not None
    meant = linked if linked and _is_meant(linked, bill_to.name, recipient, kind) else None
    known = meant is not None and meant.currency in ("", currency)
    found: list[KnownCustomer] = []
    if not known:
        found, all_answered = _similar(gateway, bill_to.name, bill_to.email)
        complete = complete and all_answered
    others = [customer.described() for customer in found if not meant or customer.customer_id != meant.customer_id]
    matches = rank_customers(others, bill_to, currency=currency)
    return CustomerChoice(
        party_kind=kind,
        party_id=party_id,
        party_name=party.name if party else deal.title,
        linked=linked,
        candidates=tuple(each for each in matches if not linked or each.customer_id != linked.customer_id),
        preselected=best_candidate(matches, meant, currency=currency),
        complete=complete,
    )


def _is_meant(linked: CustomerCandidate, name: str, recipient: str, party_kind: str) -> bool:
    """A name of the party's own is the party, whatever QuickBooks calls it. A field of the deal, or of the person of an
    organization's deal, may name somebody else each time.
    """
    owner = recipient.partition(".")[0]
    if owner == party_kind or owner not in ("deal", "person") or party_kind == "deal":
        return True
    return not name or has_name(linked, name)


def completed(candidate: CustomerCandidate, gateway: InvoiceGateway) -> CustomerCandidate:
    """Of some customers only the former name is known: terms and sales tax are asked for where an invoice needs them.

    When QuickBooks does not answer, the company's own days and rate serve.
    """
    return _with_record(candidate, _record_of(candidate, gateway))


def _record_of(candidate: CustomerCandidate, gateway: InvoiceGateway) -> CustomerRecord | None:
    with suppress(ServiceError):
        return gateway.read_customer(candidate.customer_id)
    return None


def _with_record(candidate: CustomerCandidate, record: CustomerRecord | None) -> CustomerCandidate:
    if record is None:
        return candidate
    return replace(
        candidate,
        name=record.name,
        term_id=record.term_id,
        sales_tax_id=record.sales_tax_id,
        exempt=record.exempt,
    )


def _similar(gateway: InvoiceGateway, name: str, email: str) -> tuple[list[KnownCustomer], bool]:
    """Two questions, and whether both were answered. When QuickBooks does not, the person can still search or go on
    with a new customer.

    It cannot be asked for a tax number or an address: those are compared among the customers found.
    https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
    """
    found: list[KnownCustomer] = []
    answered = 0
    with SideBySide(1) as calls:
        by_email = calls.start(gateway.customers_with_email_like, next(iter(addresses_typed(email)), ""))
        with suppress(ServiceError):
            found += gateway.customers_named_like(name)
            answered += 1
        with suppress(ServiceError):
            found += by_email.result()
            answered += 1
    return found, answered == 2


# New customers


def one_like_it_is_made(connection: QuickBooksConnection | None, draft: InvoiceDraft, party: tuple[str, int]) -> bool:
    """Whether the draft's new customer might be one that QuickBooks gets in this moment for another party: no search
    finds that yet, and nobody could say afterwards which of the two is the right one.
    """
    if connection is None or not draft.bill_to.is_new:
        return False
    rows = Invoice.objects.filter(company=connection.company, realm_id=connection.realm_id)
    lately = Q(submission__in=UNSETTLED) | Q(settled_at__gt=shared_now() - SEARCH_LAGS)
    others = [row for row in rows.filter(lately).exclude(customer_request_id="") if row.party != party]
    return bool(rank_customers((_as_made(row) for row in others), draft.bill_to, currency=draft.currency))


def _as_made(invoice: Invoice) -> Described:
    made = from_json(invoice.draft).bill_to
    address, name = made.address, clean_name(made.name)
    candidate = CustomerCandidate(str(invoice.public_id), name, email=made.email, currency=invoice.currency)
    return Described(candidate, (made.tax_id,), (address.line1, address.line2), address.postal_code)


@dataclass(frozen=True, slots=True)
class NameClash:
    """Who has the name that a new customer was to get. `owner` is "customer", "vendor" or "employee"."""

    name: str
    owner: str
    customer: KnownCustomer | None = None


def name_clash(gateway: InvoiceGateway, name: str) -> NameClash | None:
    """QuickBooks wants names unique over customers, vendors and employees; asks for all three, two at a time.

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer
    """
    cleaned = clean_name(name)
    if not cleaned:
        return None
    with SideBySide(1) as calls:
        others = calls.start(gateway.owner_of_name, cleaned)
        customer = gateway.customer_named(cleaned)
        owner = "customer" if customer else others.result()
    return NameClash(cleaned, owner, customer) if owner else None


def customer_for(invoice: Invoice, draft: InvoiceDraft, gateway: InvoiceGateway) -> str:
    """The id of the customer that the invoice goes to, created when the draft says so.

    Raises `claims.Busy`, `NameTaken` and the errors of `integration_settings.errors`. A lost answer costs nothing:
    names are unique in QuickBooks, and a customer of ours is known by the mark in its notes.
    """
    if not draft.bill_to.is_new:
        return draft.bill_to.customer_id
    if found := _made_meanwhile(invoice, draft, gateway):
        return found
    with claimed(invoice, *invoice.party):
        if found := _made_meanwhile(invoice, draft, gateway):
            return found
        customer = _create(invoice, draft, gateway)
        with transaction.atomic():
            # Gone when the app was uninstalled meanwhile: then there is nobody to remember it for.
            if hold_company(invoice.company_id):
                Invoice.objects.filter(pk=invoice.pk).update(customer_id=customer.customer_id)
                link(
                    company=invoice.company,
                    realm_id=invoice.realm_id,
                    party=invoice.party,
                    customer=customer.as_candidate(),
                    by=invoice.created_by_name,
                )
        return customer.customer_id


def _made_meanwhile(invoice: Invoice, draft: InvoiceDraft, gateway: InvoiceGateway) -> str:
    """The linked customer, when it is the one that the draft would create: another deal was first, or a try before.

    A link has the name of the day on which it was made: the customer may be another's by now, or gone.
    """
    stored = linked_customer(invoice.company, invoice.realm_id, invoice.party, draft.currency)
    if stored is None or stored.currency not in ("", draft.currency) or not same_name(stored.name, draft.bill_to.name):
        return ""
    record = gateway.read_customer(stored.customer_id)
    still = record is not None and record.active and same_name(record.name, draft.bill_to.name)
    return stored.customer_id if still else ""


def _create(invoice: Invoice, draft: InvoiceDraft, gateway: InvoiceGateway) -> KnownCustomer:
    name = clean_name(draft.bill_to.name)
    mark = mark_of_party(invoice)
    bill_to = BillTo("", name, draft.bill_to.email, draft.bill_to.address, draft.bill_to.tax_id)
    try:
        with written_down(WriteKind.CREATE_CUSTOMER, invoice, gateway, request_id=invoice.customer_request_id):
            return gateway.create_customer(bill_to, draft.currency, mark=mark, request_id=invoice.customer_request_id)
    except Rejected as refusal:
        if refusal.code != NAME_TAKEN:
            raise
        owner = gateway.customer_named(name)
        if owner is None:
            raise NameTaken(name, refusal, gateway.owner_of_name(name)) from refusal
        if owner.active and mark in owner.notes and owner.currency in ("", draft.currency):
            return owner
        raise NameTaken(name, refusal, "customer" if owner.active else "inactive customer", owner) from refusal


def mark_of_party(invoice: Invoice) -> str:
    """The same for all deals of a party, another one in every Pipedrive company."""
    kind, party_id = invoice.party
    seed = f"{invoice.company.pipedrive_company_id} {kind} {party_id}"
    return party_mark(f"{kind} {party_id} · {hashlib.sha256(seed.encode()).hexdigest()[:8]}")
