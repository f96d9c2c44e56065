"""The port through which invoices leave and come back, and QuickBooks behind it.

Everything above speaks of drafts, issued invoices and candidates; only this module turns them into QuickBooks' calls.
All methods raise the errors of `integration_settings.errors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Protocol

from django.conf import settings

from integration_settings.errors import AnswerTooLarge, NotFound, OutcomeUnknown, ServiceError, ServiceUnavailable
from integration_settings.models import QuickBooksConnection
from integration_settings.profile import profile_of
from integration_settings.quickbooks import QuickBooksClient, Written
from integration_settings.reference import FOLLOWED, Item, item_from
from invoices.domain.books import Books, ClassPer, OwnField
from invoices.domain.customer_update import Change, CustomerRecord
from invoices.domain.draft import AmountsAre, BillTo, DraftLine, InvoiceDraft
from invoices.domain.emails import company_domain, is_alike
from invoices.domain.estimate import Estimate
from invoices.domain.files import FileWish
from invoices.domain.names import composed, same_name, search_prefix, searchable
from invoices.invoice_answers import (
    DELETED,
    AppliedPayment,
    IssuedInvoice,
    Json,
    KnownCustomer,
    applied_payment,
    customer_record,
    estimate,
    issued_invoice,
    known_customer,
    payment_link,
)
from invoices.invoice_bodies import (
    attachable_body,
    carries_mark,
    customer_body,
    customer_update_body,
    invoice_body,
    item_body,
    mark_line,
)

MOST_CHANGES = 1000  # of one answer; with that many some may have been cut off
IDS_AT_ONCE = 1000  # of one statement, and the most rows that one answer holds
MOST_FOUND = 21  # one more than a page shows, which then says so
MOST_ALIKE = 100
MOST_OPEN = 1000
MOST_ESTIMATES = 200
EVEN_INACTIVE = "Active in (true, false)"


@dataclass(frozen=True, slots=True)
class ReportedChanges:
    """What changed since a moment. `time` is QuickBooks' own; when `cut_off`, there was more than one answer holds, or
    than could be read.

    `items` are those that changed, `lists` the other kept lists in which something did, see `reference.FOLLOWED`.
    """

    time: datetime
    invoices: tuple[IssuedInvoice, ...]
    payments: tuple[AppliedPayment, ...]
    cut_off: bool = False
    items: tuple[Item, ...] = ()
    lists: frozenset[str] = frozenset()


class InvoiceGateway(Protocol):
    """`request_id` makes a repeated write harmless; whoever calls keeps it over all tries."""

    @property
    def written(self) -> Written:
        """What the last write sent, and the trace of its answer."""

    def create_customer(self, bill_to: BillTo, currency: str, *, mark: str, request_id: str) -> KnownCustomer: ...

    def read_customer(self, customer_id: str) -> CustomerRecord | None:
        """The customer as it is now, also an inactive one; None when it is not there."""

    def update_customer(self, record: CustomerRecord, changes: Sequence[Change], *, request_id: str) -> CustomerRecord:
        """Writes these changes to the version that was read, and leaves everything else as it is."""

    def create_item(self, line: DraftLine, *, request_id: str) -> Item:
        """The line's new item."""

    def create_invoice(self, draft: InvoiceDraft, customer_id: str, *, request_id: str) -> IssuedInvoice: ...

    def void_invoice(self, qbo_invoice_id: str, sync_token: str, *, request_id: str) -> IssuedInvoice: ...

    def delete_invoice(self, qbo_invoice_id: str, sync_token: str, *, request_id: str) -> None: ...

    def send_invoice(self, qbo_invoice_id: str, to: str, *, request_id: str) -> IssuedInvoice:
        """E-mails it from QuickBooks, and makes `to` the invoice's own address."""

    def attach_file(self, qbo_invoice_id: str, wish: FileWish, content: bytes, *, deal_id: int, request_id: str) -> str:
        """QuickBooks' id of what is attached. Here no request id makes a repeat harmless: it makes the mark."""

    def attachment_of(self, request_id: str, *, since: datetime) -> str:
        """The id of the file that carries the request's mark, attached at or after `since`; "" for none."""

    def invoice_pdf(self, qbo_invoice_id: str) -> bytes: ...

    def payment_link(self, qbo_invoice_id: str) -> str:
        """The page where the customer pays, "" when QuickBooks gives none."""

    def find_invoice(self, request_id: str, *, customer_id: str, since: datetime) -> IssuedInvoice | None:
        """The invoice that carries the request's mark, created at or after `since`: among the customer's, else among
        all, since somebody may have merged two customers, or given the invoice to another one.
        """

    def customer_named(self, name: str) -> KnownCustomer | None:
        """The customer of exactly that name, also an inactive one."""

    def owner_of_name(self, name: str) -> str:
        """Who else has the name: "vendor", "employee" or ""."""

    def item_named(self, name: str) -> Item | None:
        """The item or category of exactly that name, also an inactive one; those inside a category are others."""

    def inactive_reference(self, draft: InvoiceDraft, customer_id: str) -> str:
        """The form's field whose choice is not active or not there any more, "" when all are."""

    def search_customers(self, text: str) -> list[KnownCustomer]:
        """Active customers whose name contains the text, at most 21."""

    def customers_named_like(self, name: str) -> list[KnownCustomer]: ...

    def customers_with_email_like(self, email: str) -> list[KnownCustomer]:
        """With that address, or with another one of the same domain; of free mail the very address only."""

    def changed_since(self, moment: datetime) -> ReportedChanges: ...

    def read_invoice(self, qbo_invoice_id: str) -> IssuedInvoice | None:
        """As it is at this moment, None when it is not there any more."""

    def read_invoices(self, qbo_invoice_ids: Iterable[str]) -> list[IssuedInvoice]:
        """Those that a search finds; one that is missing was deleted, or is so new that the search lags behind."""

    def read_payments(self, payment_ids: Iterable[str]) -> list[AppliedPayment]:
        """Likewise."""

    def open_invoices(self, customer_id: str) -> list[IssuedInvoice]:
        """Those of the customer that have something left to pay, the one that is due first at the start; `MOST_OPEN` at
        most.
        """

    def estimates_of(self, customer_id: str) -> list[Estimate]:
        """The customer's latest ones, whatever became of them; `MOST_ESTIMATES` at most."""

    def read_estimate(self, estimate_id: str) -> Estimate | None:
        """As it is at this moment, None when it is not there any more."""

    def last_number(self) -> str:
        """The number of the invoice created last, "" when there is none."""

    def exchange_rate(self, currency: str, on: date) -> Decimal | None: ...


def books_of(connection: QuickBooksConnection) -> Books:
    profile = profile_of(connection)
    return Books(
        country=profile.country,
        home_currency=profile.home_currency,
        multicurrency=profile.multicurrency,
        uses_sales_tax=profile.uses_sales_tax,
        automated_sales_tax=profile.automated_sales_tax,
        usual_sales_tax_id=profile.usual_sales_tax_id,
        custom_numbers=profile.custom_numbers,
        allow_discount=profile.allow_discount,
        discount_account_id=profile.discount_account_id,
        closed_until=profile.books_closed_until,
        own_fields=tuple(OwnField(*pair) for pair in profile.own_fields),
        class_per=ClassPer(profile.class_per),
        has_locations=profile.has_locations,
        has_service_dates=profile.has_service_dates,
    )


def owner_of(connection: QuickBooksConnection) -> str:
    """Who the app bills for in these books. Another Pipedrive company may be connected to the same ones, or the same
    company through another app.
    """
    return f"{settings.PIPEDRIVE_CLIENT_ID} {connection.company.pipedrive_company_id}"


class QuickBooksGateway:
    """`InvoiceGateway` over one connection. Cheap to make; use one per task or request and thread."""

    def __init__(self, connection: QuickBooksConnection, client: QuickBooksClient | None = None) -> None:
        self.client = client or QuickBooksClient(connection)

    @cached_property
    def books(self) -> Books:
        return books_of(self.client.connection)

    @property
    def written(self) -> Written:
        return self.client.written

    def create_customer(self, bill_to: BillTo, currency: str, *, mark: str, request_id: str) -> KnownCustomer:
        body = customer_body(bill_to, currency, self.books, mark=mark)
        return known_customer(self.client.create("Customer", body, request_id=request_id))

    def read_customer(self, customer_id: str) -> CustomerRecord | None:
        try:
            # Merged into another one, say: that one nobody has chosen.
            return customer_record(_about(customer_id, self.client.read("Customer", customer_id), NotFound))
        except NotFound:
            return None

    def update_customer(self, record: CustomerRecord, changes: Sequence[Change], *, request_id: str) -> CustomerRecord:
        body = customer_update_body(record, changes)
        return customer_record(self.client.update("Customer", body, request_id=request_id))

    def create_item(self, line: DraftLine, *, request_id: str) -> Item:
        return item_from(self.client.create("Item", item_body(line, self.books), request_id=request_id))

    def create_invoice(self, draft: InvoiceDraft, customer_id: str, *, request_id: str) -> IssuedInvoice:
        mark = mark_line(draft.deal_id, request_id, owner_of(self.client.connection))
        body = invoice_body(draft, customer_id, self.books, mark=mark)
        return issued_invoice(self.client.create("Invoice", body, request_id=request_id))

    def void_invoice(self, qbo_invoice_id: str, sync_token: str, *, request_id: str) -> IssuedInvoice:
        answer = self.client.void("Invoice", qbo_invoice_id, sync_token, request_id=request_id)
        return issued_invoice(_about(qbo_invoice_id, answer, OutcomeUnknown))

    def delete_invoice(self, qbo_invoice_id: str, sync_token: str, *, request_id: str) -> None:
        self.client.delete("Invoice", qbo_invoice_id, sync_token, request_id=request_id)

    def send_invoice(self, qbo_invoice_id: str, to: str, *, request_id: str) -> IssuedInvoice:
        answer = self.client.send_invoice(qbo_invoice_id, to, request_id=request_id)
        return issued_invoice(_about(qbo_invoice_id, answer, OutcomeUnknown))

    def attach_file(self, qbo_invoice_id: str, wish: FileWish, content: bytes, *, deal_id: int, request_id: str) -> str:
        body = attachable_body(qbo_invoice_id, wish, deal_id=deal_id, request_id=request_id)
        made = self.client.attach(body, content)
        if not made.get("Id"):
            raise OutcomeUnknown("quickbooks", "an answer without the id of what is attached")
        return str(made["Id"])

    def attachment_of(self, request_id: str, *, since: datetime) -> str:
        # By time: what it is attached to is nothing that every version of the query language can ask for.
        rows = self.client.query_all("Attachable", f"MetaData.CreateTime >= {self._moment(since)}")
        marked = (row for row in rows if carries_mark(str(row.get("Note") or ""), request_id))
        return str(next(marked, {}).get("Id") or "")

    def invoice_pdf(self, qbo_invoice_id: str) -> bytes:
        return self.client.invoice_pdf(qbo_invoice_id)

    def payment_link(self, qbo_invoice_id: str) -> str:
        answer = self.client.read("Invoice", qbo_invoice_id, include="invoiceLink")
        return payment_link(_about(qbo_invoice_id, answer, ServiceUnavailable))

    def find_invoice(self, request_id: str, *, customer_id: str, since: datetime) -> IssuedInvoice | None:
        # The date of the invoice is no condition: a bookkeeper may have moved it since.
        created = f"MetaData.CreateTime >= {self._moment(since)}"
        of_customer = f"CustomerRef = {self._quote(customer_id)} and {created}"
        return self._marked(request_id, of_customer) or self._marked(request_id, created)

    def _marked(self, request_id: str, where: str) -> IssuedInvoice | None:
        """Oldest first: what is added while we page comes last, so no page can lose a row to it, and a copy never
        passes for the original.
        """
        found = (issued_invoice(row) for row in self.client.query_all("Invoice", where, "MetaData.CreateTime"))
        return next((invoice for invoice in found if carries_mark(invoice.private_note, request_id)), None)

    def customer_named(self, name: str) -> KnownCustomer | None:
        rows = self._entries_named("Customer", name)
        return known_customer(rows[0]) if rows else None

    def owner_of_name(self, name: str) -> str:
        return next((entity.lower() for entity in ("Vendor", "Employee") if self._entries_named(entity, name)), "")

    def item_named(self, name: str) -> Item | None:
        rows = [row for row in self._entries_named("Item", name, "Name") if not row.get("ParentRef")]
        return item_from(rows[0]) if rows else None

    def inactive_reference(self, draft: InvoiceDraft, customer_id: str) -> str:
        customers = self._customers(f"Id = {self._quote(customer_id)} and {EVEN_INACTIVE}", 1)
        if not customers or not customers[0].active:
            return "customer"
        if self._is_inactive("Term", draft.term_id):
            return "due_date"
        if draft.has_discount and self._is_inactive("Account", self.books.discount_account_id):
            return "discount"
        active = self._active("Item", {line.item_id for line in draft.lines if line.item_id})
        gone = (index for index, line in enumerate(draft.lines) if line.item_id not in active)
        if line := next((f"lines.{index}.item" for index in gone), ""):
            return line
        if self.books.needs_tax_codes and draft.amounts_are != AmountsAre.NO_TAX:
            active = self._active("TaxCode", {line.tax_code_id for line in draft.lines if line.tax_code_id})
            gone = (index for index, line in enumerate(draft.lines) if line.tax_code_id not in {"", *active})
            return next((f"lines.{index}.tax_code" for index in gone), "")
        inactive = self.books.names_sales_tax and self._is_inactive("TaxCode", draft.sales_tax_id)
        return "sales_tax" if inactive else ""

    def _active(self, entity: str, wanted: set[str]) -> set[str]:
        """Those of the ids that the company has, and in use."""
        active: set[str] = set()
        for part in _chunks(sorted(wanted)):
            ids = ", ".join(self._quote(entity_id) for entity_id in part)
            rows = self.client.query(f"select * from {entity} where Id in ({ids}) maxresults {IDS_AT_ONCE}")  # noqa: S608  # our names, quoted ids
            active |= {str(row["Id"]) for row in rows if row.get("Active") is not False}
        return active

    def _is_inactive(self, entity: str, entity_id: str) -> bool:
        """Or not there; an invoice that names none misses none."""
        statement = f"select * from {entity} where Id = {self._quote(entity_id)} maxresults 1"  # noqa: S608  # our names, quoted id
        return bool(entity_id) and not self.client.query(statement)

    def search_customers(self, text: str) -> list[KnownCustomer]:
        """A percent sign that was typed is a wildcard there, which finds more; what it should not find is left out. No
        name has a colon: QuickBooks tells a customer below another by both names, "Parent:Job", and so do invoices.

        https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries
        """
        typed = ":".join(" ".join(part.split()) for part in composed(text).split(":"))
        if not typed:
            return []
        name = "FullyQualifiedName" if ":" in typed else "DisplayName"
        found = self._customers(f"{name} like {self._quote(f'%{typed}%')}", MOST_FOUND)
        if len(found) == MOST_FOUND:
            begun = self._customers(f"{name} like {self._quote(f'{typed}%')}", MOST_FOUND)
            found = list({customer.customer_id: customer for customer in (*begun, *found)}.values())[:MOST_FOUND]
        wanted = searchable(typed.rpartition(":")[2])
        return [customer for customer in found if wanted in searchable(customer.name)]

    def customers_named_like(self, name: str) -> list[KnownCustomer]:
        prefix, longer = search_prefix(name), search_prefix(name, 2)
        found = self._customers(f"DisplayName like {self._quote(f'{prefix}%')}", MOST_ALIKE) if prefix else []
        if len(found) == MOST_ALIKE and longer != prefix:  # there are more that begin so
            found += self._customers(f"DisplayName like {self._quote(f'{longer}%')}", MOST_ALIKE)
        return found

    def customers_with_email_like(self, email: str) -> list[KnownCustomer]:
        # One question for both: there is no "or", and the domain's customers contain those of the very address. Either
        # may stand among several addresses in the one field; what such a search finds beside is left out.
        domain = company_domain(email)
        found = self._customers(f"PrimaryEmailAddr like {self._quote(f'%@{domain}%')}", MOST_ALIKE) if domain else []
        if email and (not domain or len(found) == MOST_ALIKE):
            found += self._customers(f"PrimaryEmailAddr like {self._quote(f'%{email}%')}", MOST_FOUND)
        return [each for each in found if is_alike(email, each.email)]

    def changed_since(self, moment: datetime) -> ReportedChanges:
        changes = self.client.changes(("Invoice", "Payment", "CreditMemo", "Item", *FOLLOWED), moment)
        payments = [*changes.objects.get("Payment", []), *changes.objects.get("CreditMemo", [])]
        return ReportedChanges(
            time=changes.time,
            invoices=tuple(issued_invoice(row) for row in changes.objects.get("Invoice", [])),
            payments=tuple(applied_payment(row) for row in payments),
            cut_off=not changes.whole or sum(len(rows) for rows in changes.objects.values()) >= MOST_CHANGES,
            items=tuple(item_from(row) for row in changes.objects.get("Item", []) if row.get("status") != "Deleted"),
            lists=frozenset(FOLLOWED[name] for name, rows in changes.objects.items() if rows and name in FOLLOWED),
        )

    def read_invoice(self, qbo_invoice_id: str) -> IssuedInvoice | None:
        try:
            answer = self.client.read("Invoice", qbo_invoice_id)
            found = issued_invoice(_about(qbo_invoice_id, answer, ServiceUnavailable))
        except NotFound:
            return None
        return None if found.deleted else found

    def read_invoices(self, qbo_invoice_ids: Iterable[str]) -> list[IssuedInvoice]:
        parts = _chunks(sorted(set(qbo_invoice_ids)))
        return [issued_invoice(row) for part in parts for row in self._with_ids("Invoice", part)]

    def read_payments(self, payment_ids: Iterable[str]) -> list[AppliedPayment]:
        parts = _chunks(sorted(set(payment_ids)))
        return [applied_payment(row) for part in parts for row in self._with_ids("Payment", part)]

    def _with_ids(self, entity: str, wanted: Sequence[str]) -> list[Json]:
        """In halves where they are too much for one answer: an invoice may have a thousand lines."""
        where = f"Id in ({', '.join(self._quote(each) for each in wanted)}) maxresults {IDS_AT_ONCE}"
        try:
            rows = self.client.query(f"select * from {entity} where {where}")  # noqa: S608  # quoted
        except AnswerTooLarge:
            if len(wanted) == 1:
                raise
            half = len(wanted) // 2
            return [*self._with_ids(entity, wanted[:half]), *self._with_ids(entity, wanted[half:])]
        return list(rows)

    def open_invoices(self, customer_id: str) -> list[IssuedInvoice]:
        where = f"CustomerRef = {self._quote(customer_id)} and Balance > '0'"
        found = f"select * from Invoice where {where}"  # noqa: S608  # quoted
        rows = self.client.query(f"{found} orderby DueDate maxresults {MOST_OPEN}")
        return [issued_invoice(row) for row in rows]

    def estimates_of(self, customer_id: str) -> list[Estimate]:
        """Their status is no condition that a query can have."""
        found = f"select * from Estimate where CustomerRef = {self._quote(customer_id)}"  # noqa: S608  # quoted
        return [estimate(row) for row in self.client.query(f"{found} orderby TxnDate desc maxresults {MOST_ESTIMATES}")]

    def read_estimate(self, estimate_id: str) -> Estimate | None:
        try:
            return estimate(_about(estimate_id, self.client.read("Estimate", estimate_id), NotFound))
        except NotFound:
            return None

    def last_number(self) -> str:
        rows = self.client.query("select * from Invoice orderby MetaData.CreateTime desc maxresults 1")
        return issued_invoice(rows[0]).number if rows else ""

    def exchange_rate(self, currency: str, on: date) -> Decimal | None:
        return self.client.exchange_rate(currency, on)

    def _entries_named(self, entity: str, name: str, attribute: str = "DisplayName") -> list[Json]:
        """Names are taken without regard to case, and an inactive entry's name has "(deleted)" behind it; `=` would
        find neither.
        """
        where = f"{attribute} like {self._quote(f'{name}%')} and {EVEN_INACTIVE}"
        # In order, so that the very name is among the first although a hundred others begin with it.
        order = f"orderby {attribute} maxresults {MOST_ALIKE}"
        rows = self.client.query(f"select * from {entity} where {where} {order}")  # noqa: S608  # quoted
        return [row for row in rows if same_name(str(row.get(attribute, "")).removesuffix(DELETED), name)]

    def _customers(self, where: str, most: int) -> list[KnownCustomer]:
        order = f"orderby DisplayName maxresults {most}"
        rows = self.client.query(f"select * from Customer where {where} {order}")  # noqa: S608  # quoted
        return [known_customer(row) for row in rows]

    def _quote(self, text: str) -> str:
        return self.client.quote(text)

    def _moment(self, moment: datetime) -> str:
        return self._quote(moment.astimezone(UTC).isoformat(timespec="seconds"))


def _about(wanted: str, answer: Json, problem: type[ServiceError]) -> Json:
    """The answer, if it is about what was asked for: another customer is not billed in its place, and no row takes over
    another invoice. Without an id it says nothing of either.
    """
    told = str(answer.get("Id") or "")
    if told != wanted:
        raise (problem if told or problem is OutcomeUnknown else ServiceUnavailable)("quickbooks", "about another one")
    return answer


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))
