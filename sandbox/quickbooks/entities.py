"""Which entities the API knows, and what can be done to them."""

from __future__ import annotations

from typing import Any

from . import books as b
from . import creditmemos, customers, estimates, invoices, items, payments, refusals, validation
from .wire import Row

BY_PATH = {name.lower(): name for name in (*b.TRANSACTIONS, *b.NAMES, *b.LISTS) if name != "ExchangeRate"}
WRITABLE = ("Invoice", "Customer", "Item", "Payment", "CreditMemo", "Estimate")
VOID = {"Invoice": invoices.void, "Payment": payments.void, "CreditMemo": creditmemos.void}
DELETE = {
    "Invoice": invoices.delete,
    "Payment": payments.delete,
    "CreditMemo": creditmemos.delete,
    "Estimate": estimates.delete,
}
SAVE = {
    "Customer": customers.save,
    "Item": items.save,
    "Payment": payments.save,
    "CreditMemo": creditmemos.save,
    "Estimate": estimates.save,
}


def act(books: b.Books, entity: str, operation: str | None, body: Any, *, allow_duplicate: bool = False) -> Row:
    """Create, update, void or delete. `operation` is that of the address or of a batch item."""
    checked = validation.check(entity, body)
    if operation in ("void", "delete"):
        known = VOID if operation == "void" else DELETE
        if entity not in known:
            raise refusals.unsupported(f"{operation} {entity}")
        if not checked.get("Id"):
            raise refusals.required("Id")
        return known[entity](books, checked)
    if operation not in (None, "", "create", "update"):
        raise refusals.unsupported(f"{operation} {entity}")
    if operation == "update" and not checked.get("Id"):
        raise refusals.required("Id")
    if entity == "Invoice":
        return invoices.save(books, checked, allow_duplicate=allow_duplicate)
    return SAVE[entity](books, checked)
