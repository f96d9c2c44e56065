"""An `InvoiceGateway` with books in memory: honours request ids and can lose answers, as the real one on bad days."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from integration_settings.errors import Rejected, ServiceError
from integration_settings.quickbooks import Written
from integration_settings.reference import Item
from invoices.domain.books import TAXABLE, Books
from invoices.domain.customer_update import (
    AddressParts,
    Change,
    CustomerField,
    CustomerRecord,
    in_parts,
    with_line,
)
from invoices.domain.draft import BillTo, DraftLine, InvoiceDraft
from invoices.domain.emails import is_alike
from invoices.domain.estimate import Estimate
from invoices.domain.names import clean_item_name, clean_name, name_words, same_name, searchable
from invoices.domain.tax import totals
from invoices.invoice_answers import AppliedPayment, IssuedInvoice, KnownCustomer
from invoices.invoice_bodies import carries_mark, mark_line
from invoices.invoice_gateway import MOST_CHANGES, ReportedChanges

BRITISH = Books(country="GB", home_currency="GBP", multicurrency=True, discount_account_id="86")


@dataclass
class Trouble:
    """`before` it is done or after, the call ends with this error."""

    error: ServiceError
    done: bool = False


@dataclass
class FakeInvoiceGateway:
    books: Books = BRITISH
    owner: str = ""
    honours_request_ids: bool = True
    invoices: dict[str, IssuedInvoice] = field(default_factory=dict)
    customers: dict[str, KnownCustomer] = field(default_factory=dict)
    records: dict[str, CustomerRecord] = field(default_factory=dict)
    """Of the customers, what can be updated; tax numbers are kept whole and answered masked."""
    payments: list[AppliedPayment] = field(default_factory=list)
    deleted: list[IssuedInvoice] = field(default_factory=list)
    outbox: list[tuple[str, str]] = field(default_factory=list)
    names_of_others: dict[str, str] = field(default_factory=dict)
    inactive_items: set[str] = field(default_factory=set)
    items: dict[str, Item] = field(default_factory=dict)
    """Those that were created here, and what else tests put beside them: categories, say."""
    estimates: dict[str, Estimate] = field(default_factory=dict)
    rates: dict[date, Decimal] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    blind: bool = False
    """Searches find nothing yet, as with an index that lags."""
    troubles: dict[str, list[Trouble]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1001))

    written: Written = field(default_factory=Written)

    # What tests arrange

    def fail(self, call: str, error: ServiceError, *, done: bool = False, times: int = 1) -> None:
        """The next calls of that name fail: before the work, or after it when `done`."""
        self.troubles.setdefault(call, []).extend(Trouble(error, done) for _ in range(times))

    def add_customer(self, name: str, **fields: Any) -> KnownCustomer:
        values = {
            "customer_id": str(next(self.ids)),
            "name": name,
            "email": "",
            "place": "",
            "currency": "GBP",
            "active": True,
            "notes": "",
        } | fields
        customer = KnownCustomer(**values)
        self.customers[customer.customer_id] = customer
        self.records[customer.customer_id] = CustomerRecord(
            customer.customer_id, "0", customer.name, email=customer.email, notes=customer.notes
        )
        return customer

    def edit_customer(self, customer_id: str, **fields: Any) -> None:
        """A bookkeeper's deed, too."""
        old = self.records[customer_id]
        self.records[customer_id] = replace(old, **({"sync_token": str(int(old.sync_token) + 1)} | fields))

    def add_item(self, name: str, **fields: Any) -> Item:
        values = {"id": str(next(self.ids)), "name": name, "sku": "", "type": "Service", "active": True, "price": None}
        item = Item(**({**values, "tax_code_id": "", "taxable": False} | fields))
        self.items[item.id] = item
        return item

    def deactivate_item(self, item_id: str) -> None:
        self.inactive_items.add(item_id)
        if item := self.items.get(item_id):
            self.items[item_id] = replace(item, active=False, name=f"{item.name} (deleted)")

    def add_estimate(self, customer_id: str, total: str = "120.00", **fields: Any) -> Estimate:
        number = str(next(self.ids))
        values = {"id": number, "number": f"E{number}", "status": "Pending", "customer_id": customer_id}
        values |= {"customer_name": self.customers[customer_id].name, "currency": "GBP", "total": Decimal(total)}
        values |= {"tax": Decimal("20.00"), "day": None, "ends_on": None, "prices": None}
        self.estimates[number] = Estimate(**(values | fields))
        return self.estimates[number]

    def change(self, qbo_invoice_id: str, **fields: Any) -> IssuedInvoice:
        """A bookkeeper's deed."""
        old = self.invoices[qbo_invoice_id]
        version = {"sync_token": str(int(old.sync_token) + 1), "updated_at": timezone.now()}
        self.invoices[qbo_invoice_id] = replace(old, **(version | fields))
        return self.invoices[qbo_invoice_id]

    def pay(self, qbo_invoice_id: str, amount: str, on: date | None = None) -> None:
        old, payment_id = self.invoices[qbo_invoice_id], str(next(self.ids))
        self.change(qbo_invoice_id, balance=old.balance - Decimal(amount), payment_ids=(*old.payment_ids, payment_id))
        day = on or timezone.now().date()
        self.payments.append(AppliedPayment(day, (qbo_invoice_id,), payment_id=payment_id))

    def void(self, qbo_invoice_id: str) -> None:
        note = f"Voided - {self.invoices[qbo_invoice_id].private_note}"
        zero = {"total": Decimal(0), "tax": Decimal(0), "balance": Decimal(0), "line_amounts": (Decimal(0),)}
        self.change(qbo_invoice_id, private_note=note, **zero)

    def delete(self, qbo_invoice_id: str) -> None:
        gone = self.invoices.pop(qbo_invoice_id)
        self.deleted.append(replace(gone, deleted=True, updated_at=timezone.now()))

    # The port

    def create_customer(self, bill_to: BillTo, currency: str, *, mark: str, request_id: str) -> KnownCustomer:
        def create() -> KnownCustomer:
            taken = any(same_name(customer.name, bill_to.name) for customer in self.customers.values())
            if taken or any(same_name(name, bill_to.name) for name in self.names_of_others):
                raise Rejected("quickbooks", "refused", code="6240", message="Duplicate Name Exists Error")
            name = clean_name(bill_to.name)
            made = self.add_customer(name, email=bill_to.email, currency=currency, notes=mark)
            record = self.records[made.customer_id]
            address, tax_id = in_parts(bill_to.address), bill_to.tax_id
            self.records[made.customer_id] = replace(record, address=address, tax_id=tax_id)
            return made

        return self._write("create_customer", request_id, create)

    def read_customer(self, customer_id: str) -> CustomerRecord | None:
        self._read("read_customer")
        return self._answered(customer_id) if customer_id in self.records else None

    def update_customer(self, record: CustomerRecord, changes: Any, *, request_id: str) -> CustomerRecord:
        def update() -> CustomerRecord:
            current = self.records[record.customer_id]
            if current.sync_token != record.sync_token:
                raise Rejected("quickbooks", "refused", code="5010", message="Stale Object Error")
            for change in changes:
                self.edit_customer(record.customer_id, **_written(change, self.records[record.customer_id]))
            version = str(int(current.sync_token) + 1)
            self.edit_customer(record.customer_id, sync_token=version)
            return self._answered(record.customer_id)

        return self._write("update_customer", request_id, update)

    def create_item(self, line: DraftLine, *, request_id: str) -> Item:
        def create() -> Item:
            if not line.income_account_id:
                raise Rejected("quickbooks", "refused", code="2020", element="IncomeAccountRef")
            if self._item_named(line.new_item):
                raise Rejected("quickbooks", "refused", code="6240", message="Duplicate Name Exists Error")
            return self.add_item(
                clean_item_name(line.new_item),
                sku=line.product_code.strip() if len(line.product_code) <= 100 else "",
                tax_code_id="" if self.books.american else line.tax_code_id,
                taxable=line.tax_code_id == TAXABLE,
            )

        return self._write("create_item", request_id, create)

    def create_invoice(self, draft: InvoiceDraft, customer_id: str, *, request_id: str) -> IssuedInvoice:
        def create() -> IssuedInvoice:
            customer = self.customers.get(customer_id)
            if customer is None:
                raise Rejected("quickbooks", "refused", code="2500", message="Invalid Reference Id")
            if not customer.active or self._gone_line(draft):
                raise Rejected("quickbooks", "refused", code="610", message="Object Not Found")
            if customer.currency != draft.currency:
                raise Rejected(
                    "quickbooks",
                    "refused",
                    code="6000",
                    detail="The customer's currency is another.",
                )
            estimate = self.estimates.get(draft.estimate.id) if draft.estimate else None
            if draft.estimate and (estimate is None or estimate.status == "Closed"):
                said = "Business Validation Error: an estimate that does not exist or has already been invoiced."
                raise Rejected("quickbooks", "refused", code="6000", detail=said)
            added = totals(draft, {}, books=self.books)
            number = str(next(self.ids))
            issued = IssuedInvoice(
                qbo_invoice_id=number,
                sync_token="0",
                number=number,
                customer_id=customer_id,
                customer_name=customer.name,
                currency=draft.currency,
                total=added.total,
                tax=added.tax,
                balance=added.total,
                invoice_date=draft.invoice_date,
                due_date=draft.due_date,
                line_amounts=added.line_amounts,
                private_note=f"{draft.private_note}\n{mark_line(draft.deal_id, request_id, self.owner)}".strip(),
                emailed=False,
                emailed_at=None,
                created_at=timezone.now(),
                updated_at=timezone.now(),
                email=draft.bill_to.email,
                estimate_ids=(estimate.id,) if estimate else (),
            )
            if estimate:
                self.estimates[estimate.id] = replace(estimate, status="Closed", invoice_ids=(number,))
            self.invoices[number] = issued
            return issued

        return self._write("create_invoice", request_id, create)

    def void_invoice(self, qbo_invoice_id: str, sync_token: str, *, request_id: str) -> IssuedInvoice:
        def void() -> IssuedInvoice:
            self._current(qbo_invoice_id, sync_token)
            self.void(qbo_invoice_id)
            return self.invoices[qbo_invoice_id]

        return self._write("void_invoice", request_id, void)

    def delete_invoice(self, qbo_invoice_id: str, sync_token: str, *, request_id: str) -> None:
        def delete() -> str:
            invoice = self._current(qbo_invoice_id, sync_token)
            if invoice.balance < invoice.total:
                raise Rejected("quickbooks", "refused", code="6000", detail="The invoice is linked; unlink it first.")
            self.delete(qbo_invoice_id)
            return "deleted"

        self._write("delete_invoice", request_id, delete)

    def send_invoice(self, qbo_invoice_id: str, to: str, *, request_id: str) -> IssuedInvoice:
        def send() -> IssuedInvoice:
            self.outbox.append((qbo_invoice_id, to))
            return self.change(qbo_invoice_id, email=to, emailed=True, emailed_at=timezone.now())

        return self._write("send_invoice", request_id, send)

    def invoice_pdf(self, qbo_invoice_id: str) -> bytes:
        self._read("invoice_pdf")
        return b"%PDF-1.7 " + qbo_invoice_id.encode()

    def payment_link(self, qbo_invoice_id: str) -> str:
        self._read("payment_link")
        return f"https://pay.example/{qbo_invoice_id}" if self.invoices[qbo_invoice_id].email else ""

    def find_invoice(self, request_id: str, *, customer_id: str, since: datetime) -> IssuedInvoice | None:
        self._read("find_invoice")
        found = (
            invoice
            for invoice in self.invoices.values()
            if (invoice.created_at or since) >= since and carries_mark(invoice.private_note, request_id)
        )
        return None if self.blind else next(found, None)

    def customer_named(self, name: str) -> KnownCustomer | None:
        self._read("customer_named")
        return next((customer for customer in self.customers.values() if same_name(customer.name, name)), None)

    def owner_of_name(self, name: str) -> str:
        self._read("owner_of_name")
        return next((owner for other, owner in self.names_of_others.items() if same_name(other, name)), "")

    def item_named(self, name: str) -> Item | None:
        self._read("item_named")
        return self._item_named(name)

    def _item_named(self, name: str) -> Item | None:
        found = (item for item in self.items.values() if same_name(item.name.removesuffix(" (deleted)"), name))
        return next(found, None)

    def inactive_reference(self, draft: InvoiceDraft, customer_id: str) -> str:
        self._read("inactive_reference")
        customer = self.customers.get(customer_id)
        if customer is None or not customer.active:
            return "customer"
        return self._gone_line(draft)

    def search_customers(self, text: str) -> list[KnownCustomer]:
        self._read("search_customers")
        wanted = searchable(" ".join(text.split()))
        if not wanted:
            return []
        found = [known for known in self.customers.values() if known.active and wanted in searchable(known.name)]
        return sorted(found, key=lambda known: not searchable(known.name).startswith(wanted))[:21]

    def customers_named_like(self, name: str) -> list[KnownCustomer]:
        self._read("customers_named_like")
        first = name_words(name)[:1]
        return [known for known in self.customers.values() if known.active and name_words(known.name)[:1] == first]

    def customers_with_email_like(self, email: str) -> list[KnownCustomer]:
        self._read("customers_with_email_like")
        return [known for known in self.customers.values() if known.active and is_alike(email, known.email)]

    def changed_since(self, moment: datetime) -> ReportedChanges:
        self._read("changed_since")
        changed = [invoice for invoice in self.invoices.values() if (invoice.updated_at or moment) >= moment]
        deleted = [invoice for invoice in self.deleted if (invoice.updated_at or moment) >= moment]
        everything = [*changed, *deleted]
        return ReportedChanges(
            time=timezone.now().astimezone(UTC),
            invoices=tuple(everything[:MOST_CHANGES]),
            payments=tuple(self.payments),
            cut_off=len(everything) + len(self.payments) >= MOST_CHANGES,
        )

    def read_invoice(self, qbo_invoice_id: str) -> IssuedInvoice | None:
        self._read("read_invoice")
        return self.invoices.get(qbo_invoice_id)

    def read_invoices(self, qbo_invoice_ids: Iterable[str]) -> list[IssuedInvoice]:
        self._read("read_invoices")
        return [self.invoices[wanted] for wanted in qbo_invoice_ids if wanted in self.invoices and not self.blind]

    def read_payments(self, payment_ids: Iterable[str]) -> list[AppliedPayment]:
        self._read("read_payments")
        return [payment for payment in self.payments if payment.payment_id in set(payment_ids)]

    def open_invoices(self, customer_id: str) -> list[IssuedInvoice]:
        self._read("open_invoices")
        found = [row for row in self.invoices.values() if row.customer_id == customer_id and row.balance]
        return sorted(found, key=lambda row: row.due_date or date.max)

    def estimates_of(self, customer_id: str) -> list[Estimate]:
        self._read("estimates_of")
        return [each for each in self.estimates.values() if each.customer_id == customer_id]

    def read_estimate(self, estimate_id: str) -> Estimate | None:
        self._read("read_estimate")
        return self.estimates.get(estimate_id)

    def last_number(self) -> str:
        self._read("last_number")
        return next((invoice.number for invoice in reversed(self.invoices.values())), "")

    def exchange_rate(self, currency: str, on: date) -> Decimal | None:
        self._read("exchange_rate")
        return self.rates.get(on, Decimal("0.85"))

    def _answered(self, customer_id: str) -> CustomerRecord:
        record, known = self.records[customer_id], self.customers[customer_id]
        hidden = "X" * max(len(record.tax_id) - 5, 0)
        return replace(record, active=known.active, tax_id=hidden + record.tax_id[-5:])

    def _current(self, qbo_invoice_id: str, sync_token: str) -> IssuedInvoice:
        invoice = self.invoices.get(qbo_invoice_id)
        if invoice is None:
            raise Rejected("quickbooks", "refused", code="610", message="Object Not Found")
        if invoice.sync_token != sync_token:
            raise Rejected("quickbooks", "refused", code="5010", message="Stale Object Error")
        return invoice

    def _gone_line(self, draft: InvoiceDraft) -> str:
        gone = (index for index, line in enumerate(draft.lines) if line.item_id in self.inactive_items)
        return next((f"lines.{index}.item" for index in gone), "")

    def _read(self, call: str) -> None:
        self.calls.append(call)
        if trouble := self._trouble(call):
            raise trouble.error

    def _write(self, call: str, request_id: str, work: Any) -> Any:
        self.calls.append(call)
        trouble = self._trouble(call)
        if trouble and not trouble.done:
            raise trouble.error
        known = self.answers.get(request_id) if self.honours_request_ids else None
        answer = known or work()
        self.answers[request_id] = answer
        if trouble:
            raise trouble.error
        return answer

    def _trouble(self, call: str) -> Trouble | None:
        waiting = self.troubles.get(call)
        return waiting.pop(0) if waiting else None


def _written(change: Change, record: CustomerRecord) -> dict[str, Any]:
    if change.field == CustomerField.NOTES:
        return {"notes": with_line(record.notes, change.after[1])}
    if change.field == CustomerField.ADDRESS:
        return {"address": AddressParts(*change.after)}
    return {str(change.field): change.after[0]}
