"""A gateway to QuickBooks with what a bookkeeper can do behind its back: in memory, and on the stand-in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any

from invoices.invoice_gateway import InvoiceGateway
from tests.factories import a_bill_to, a_draft, a_line


def new_id() -> str:
    return uuid.uuid4().hex


@dataclass
class Case:
    """A gateway, and what a bookkeeper can do behind its back."""

    gateway: InvoiceGateway
    item_id: str
    tax_code_id: str
    account_id: str

    def draft(self, **fields: Any) -> Any:
        line = a_line(item_id=self.item_id, tax_code_id=self.tax_code_id)
        return a_draft(**({"lines": (line,)} | fields))

    def customer(self, name: str = "Atlas Trade", **fields: Any) -> Any:
        return self.gateway.create_customer(
            a_bill_to(name=name, **fields), "GBP", mark="Created from Pipedrive · organization 31", request_id=new_id()
        )

    def item(self, name: str = "Mezzanine gate", request_id: str = "", **fields: Any) -> Any:
        line = {"item_id": "", "new_item": name, "product_id": 501, "tax_code_id": self.tax_code_id}
        line |= {"income_account_id": self.account_id, "product_code": "GATE-1"} | fields
        return self.gateway.create_item(a_line(**line), request_id=request_id or new_id())

    def invoice(self, customer_id: str = "", **fields: Any) -> Any:
        customer_id = customer_id or self.customer(f"Customer {new_id()[:8]}").customer_id
        return self.gateway.create_invoice(self.draft(**fields), customer_id, request_id=new_id())


class InMemory(Case):
    def pay(self, invoice_id: str, amount: str) -> None:
        self.gateway.pay(invoice_id, amount)

    def void(self, invoice_id: str) -> None:
        self.gateway.void(invoice_id)

    def delete(self, invoice_id: str) -> None:
        self.gateway.delete(invoice_id)

    def offer(self, customer_id: str) -> Any:
        return self.gateway.add_estimate(customer_id)

    def deactivate_customer(self, customer_id: str) -> None:
        customers = self.gateway.customers
        customers[customer_id] = replace(customers[customer_id], active=False)

    def deactivate_item(self, item_id: str) -> None:
        self.gateway.deactivate_item(item_id)

    def add_category(self, name: str) -> None:
        self.gateway.add_item(name, type="Category")

    def employ(self, name: str) -> None:
        self.gateway.names_of_others[name] = "vendor"

    def letters(self, invoice_id: str) -> list[str]:
        return [to for identity, to in self.gateway.outbox if identity == invoice_id]


@dataclass
class StandIn(Case):
    control: Any
    realm: str

    def book(self, action: str, identity: str, **details: Any) -> None:
        self.control.book(self.realm, action, id=identity, **details)

    def pay(self, invoice_id: str, amount: str) -> None:
        self.book("payment", invoice_id, amount=amount)

    def offer(self, customer_id: str) -> Any:
        detail = {"ItemRef": {"value": self.item_id}, "TaxCodeRef": {"value": self.tax_code_id}}
        line = {"DetailType": "SalesItemLineDetail", "Amount": 100, "SalesItemLineDetail": detail}
        body = {"CustomerRef": {"value": customer_id}, "CurrencyRef": {"value": "GBP"}, "Line": [line]}
        body |= {"GlobalTaxCalculation": "TaxExcluded"}
        made = self.control.book(self.realm, "add_estimate", set=body)
        return self.gateway.read_estimate(made["Id"])

    def void(self, invoice_id: str) -> None:
        self.book("void", invoice_id)

    def delete(self, invoice_id: str) -> None:
        self.book("delete", invoice_id)

    def deactivate_customer(self, customer_id: str) -> None:
        self.book("deactivate_customer", customer_id)

    def deactivate_item(self, item_id: str) -> None:
        self.book("deactivate_item", item_id)

    def add_category(self, name: str) -> None:
        self.book("add_category", "", name=name)

    def employ(self, name: str) -> None:
        """The seeds have a vendor of that name."""

    def letters(self, invoice_id: str) -> list[str]:
        return [letter["to"] for letter in self.control.books(self.realm)["outbox"] if letter["invoice"] == invoice_id]
