"""What a bookkeeper does in the books: the same deeds for the page's buttons and for the control address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ..seeds import quickbooks_us
from . import books as b
from . import creditmemos, customers, estimates, invoices, items, links, money, payments, refusals, validation
from .refusals import Refusal
from .wire import Row

Deed = Callable[[b.Books, Row], Row]


def amount_of(wish: Row, name: str = "amount") -> Decimal | None:
    """An amount of a form or of JSON; None when it was left empty. Raises Refusal."""
    given = wish.get(name)
    if given in (None, ""):
        return None
    try:
        return Decimal(str(given).replace(",", ""))
    except InvalidOperation as error:
        raise refusals.business(f"{given} is no amount.") from error


def handle(row: Row) -> Row:
    """What changes and deletions need to name a row."""
    return {"Id": row["Id"], "SyncToken": row["SyncToken"]}


def row_of(books: b.Books, entity: str, wish: Row) -> Row:
    return books.get(entity, wish.get("id", ""))


def receive_payment(books: b.Books, wish: Row) -> Row:
    """{id, amount?}: a payment for an invoice, by default of all that is open."""
    invoice = row_of(books, "Invoice", wish)
    amount = amount_of(wish)
    return payments.receive(books, invoice, invoice["Balance"] if amount is None else amount)


def give_credit(books: b.Books, wish: Row) -> Row:
    """{id, amount?}: a credit memo for the first item of the invoice, applied to the invoice at once."""
    invoice = row_of(books, "Invoice", wish)
    amount = amount_of(wish) or invoice["Balance"]
    line = next(line for line in invoice["Line"] if line["DetailType"] == "SalesItemLineDetail")
    detail: Row = {"ItemRef": line["SalesItemLineDetail"]["ItemRef"]}
    body: Row = {"CustomerRef": invoice["CustomerRef"], "CurrencyRef": invoice["CurrencyRef"]}
    if books.american:
        detail["TaxCodeRef"] = {"value": "NON"}
    else:
        body["GlobalTaxCalculation"] = "NotApplicable"
    if books.multicurrency:
        body["ExchangeRate"] = invoice["ExchangeRate"]
    body["Line"] = [{"DetailType": "SalesItemLineDetail", "Amount": amount, "SalesItemLineDetail": detail}]
    memo = creditmemos.save(books, body)
    applied = min(amount, invoice["Balance"])
    if applied > 0:
        payments.apply_credit(books, invoice, memo, applied)
    return books.get("CreditMemo", memo["Id"])


def void(books: b.Books, wish: Row) -> Row:
    return invoices.void(books, handle(row_of(books, "Invoice", wish)))


def delete(books: b.Books, wish: Row) -> Row:
    """{id}: the web form unlinks payments by itself, unlike the API."""
    invoice = row_of(books, "Invoice", wish)
    if invoice["LinkedTxn"]:
        links.release(books, "Invoice", invoice, keep=money.ZERO)
        links.refresh(books, "Invoice", invoice["Id"])
        invoice = row_of(books, "Invoice", wish)
    return invoices.delete(books, handle(invoice))


def edit(books: b.Books, wish: Row) -> Row:
    """{id, due_date?, memo?, message?, number?, line?, price?, quantity?}: `line` is the id of the line to change."""
    invoice = row_of(books, "Invoice", wish)
    body: Row = {**handle(invoice), "sparse": True}
    if wish.get("due_date"):
        body["DueDate"] = date.fromisoformat(str(wish["due_date"])).isoformat()
    if "memo" in wish:
        body["PrivateNote"] = str(wish["memo"])
    if "message" in wish:
        body["CustomerMemo"] = {"value": str(wish["message"])}
    if wish.get("number"):
        body["DocNumber"] = str(wish["number"])
    if wish.get("line"):
        body["Line"] = [
            changed(books, invoice, line, wish)
            for line in invoice["Line"]
            if line["DetailType"] != "SubTotalLineDetail"
        ]
    return invoices.save(books, body)


def changed(books: b.Books, invoice: Row, line: Row, wish: Row) -> Row:
    if line.get("Id") != str(wish["line"]) or "SalesItemLineDetail" not in line:
        return line
    detail = {
        name: value
        for name, value in line["SalesItemLineDetail"].items()
        if name not in ("TaxInclusiveAmt", "ItemAccountRef")
    }
    quantity = amount_of(wish, "quantity")
    price = amount_of(wish, "price")
    detail["Qty"] = quantity if quantity is not None else detail.get("Qty", Decimal(1))
    detail["UnitPrice"] = price if price is not None else detail.get("UnitPrice", line["Amount"])
    amount = money.rounded(detail["Qty"] * detail["UnitPrice"], invoice["CurrencyRef"]["value"])
    return {**line, "Amount": amount, "SalesItemLineDetail": detail}


def delete_payment(books: b.Books, wish: Row) -> Row:
    return payments.delete(books, handle(row_of(books, "Payment", wish)))


def void_payment(books: b.Books, wish: Row) -> Row:
    return payments.void(books, handle(row_of(books, "Payment", wish)))


def rename_customer(books: b.Books, wish: Row) -> Row:
    return edit_customer(books, {**wish, "set": {"DisplayName": str(wish.get("name", ""))}})


def edit_customer(books: b.Books, wish: Row) -> Row:
    """{id, set: {…}}: members as the API names them."""
    row = row_of(books, "Customer", wish)
    return customers.save(books, {**handle(row), "sparse": True, **dict(wish.get("set") or {})})


def edit_item(books: b.Books, wish: Row) -> Row:
    row = row_of(books, "Item", wish)
    return items.save(books, {**handle(row), "sparse": True, **dict(wish.get("set") or {})})


def add_category(books: b.Books, wish: Row) -> Row:
    """{name}: a category for items."""
    return items.save(books, {"Name": str(wish.get("name", "")), "Type": "Category"})


def add_estimate(books: b.Books, wish: Row) -> Row:
    """{set: {…}}: members as the API names them."""
    return estimates.save(books, validation.check("Estimate", dict(wish.get("set") or {})))


def edit_estimate(books: b.Books, wish: Row) -> Row:
    """{id, set: {…}}: its lines or its status, say."""
    row = row_of(books, "Estimate", wish)
    changes = validation.check("Estimate", {"sparse": True, **dict(wish.get("set") or {})})
    return estimates.save(books, {**handle(row), **changes})


def delete_estimate(books: b.Books, wish: Row) -> Row:
    return estimates.delete(books, handle(row_of(books, "Estimate", wish)))


def activity(entity: str, active: bool) -> Deed:
    change = edit_customer if entity == "Customer" else edit_item
    return lambda books, wish: change(books, {**wish, "set": {"Active": active}})


def list_activity(books: b.Books, wish: Row) -> Row:
    """{entity, id, active}: for terms, tax codes, classes, locations and accounts, which the API only reads here."""
    entity = str(wish.get("entity"))
    if entity not in b.LISTS or entity == "Item":
        raise refusals.business(f"entity must be a list, not {entity}")
    row = row_of(books, entity, wish)
    return books.store(entity, {**row, "Active": bool(wish.get("active"))})


def set_preferences(books: b.Books, wish: Row) -> Row:
    """{set: {"SalesFormsPrefs": {"CustomTxnNumbers": true}, …}}: group by group."""
    for group, members in dict(wish.get("set") or {}).items():
        books.preferences = {**books.preferences, group: {**books.preferences.get(group, {}), **members}}
    books.tell(books.realm, "Preferences", "1", "updated")
    return books.preferences


def tax_by_hand(books: b.Books, wish: Row) -> Row:
    """{}: the American company as one that never moved to automated sales tax, with rates of its own."""
    if not books.automated:
        raise refusals.business("Only a company with automated sales tax can go back to rates of its own.")
    quickbooks_us.tax_by_hand(books)
    books.tell(books.realm, "Preferences", "1", "updated")
    return books.preferences


def refuse(books: b.Books, wish: Row) -> Row:
    """{why: "subscription"|"rights"|null}: from now on every call is refused for that reason."""
    why = wish.get("why")
    if why not in (None, "subscription", "rights"):
        raise refusals.business("why must be subscription, rights or null")
    books.refusing = why
    return {"refusing": why}


DEEDS: dict[str, Deed] = {
    "payment": receive_payment,
    "credit": give_credit,
    "void": void,
    "delete": delete,
    "edit": edit,
    "delete_payment": delete_payment,
    "void_payment": void_payment,
    "rename_customer": rename_customer,
    "edit_customer": edit_customer,
    "deactivate_customer": activity("Customer", active=False),
    "activate_customer": activity("Customer", active=True),
    "edit_item": edit_item,
    "add_category": add_category,
    "add_estimate": add_estimate,
    "edit_estimate": edit_estimate,
    "delete_estimate": delete_estimate,
    "deactivate_item": activity("Item", active=False),
    "activate_item": activity("Item", active=True),
    "list_activity": list_activity,
    "set_preferences": set_preferences,
    "tax_by_hand": tax_by_hand,
    "refuse": refuse,
}


def act(books: b.Books, wish: dict[str, Any]) -> Row:
    """Carries out {action, …}. Raises Refusal with words for the bookkeeper."""
    deed = DEEDS.get(str(wish.get("action")))
    if deed is None:
        raise refusals.business(f"action must be one of {', '.join(DEEDS)}")
    try:
        return deed(books, wish)
    except ValueError as error:
        raise refusals.business(str(error)) from error


__all__ = ["DEEDS", "Refusal", "act", "amount_of"]
