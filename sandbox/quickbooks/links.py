"""What payments and credits have been applied to which invoice."""

from __future__ import annotations

from decimal import Decimal

from . import books as b
from . import money
from .money import ZERO
from .wire import Row

LINE_TYPE = "{http://schema.intuit.com/finance/v3}NameValue"


def payment_line(amount: Decimal, entity: str, target: Row) -> Row:
    """A line of a payment as answers show it."""
    named = (
        ("txnId", target["Id"]),
        ("txnOpenBalance", str(target["Balance"])),
        ("txnReferenceNumber", target.get("DocNumber", "")),
    )
    return {
        "Amount": amount,
        "LinkedTxn": [{"TxnId": target["Id"], "TxnType": entity}],
        "LineEx": {"any": [name_value(name, value) for name, value in named]},
    }


def name_value(name: str, value: str) -> Row:
    return {
        "name": LINE_TYPE,
        "declaredType": "com.intuit.schema.finance.v3.NameValue",
        "scope": "javax.xml.bind.JAXBElement$GlobalScope",
        "value": {"Name": name, "Value": value},
        "nil": False,
        "globalScope": True,
        "typeSubstituted": False,
    }


def target_of(line: Row) -> tuple[str, str]:
    """(entity, id) of what a payment's line pays or uses."""
    linked = line["LinkedTxn"][0]
    return linked["TxnType"], linked["TxnId"]


def applied_by(payment: Row, entity: str, identity: str) -> Decimal:
    return sum((line["Amount"] for line in payment["Line"] if target_of(line) == (entity, identity)), ZERO)


def applied_to(books: b.Books, entity: str, row: Row) -> dict[str, Decimal]:
    """Payment id -> amount, for those payments that the row is linked to."""
    payments = books.table("Payment").rows
    found = {}
    for linked in row["LinkedTxn"]:
        if linked["TxnType"] == "Payment" and linked["TxnId"] in payments:
            amount = applied_by(payments[linked["TxnId"]], entity, row["Id"])
            if amount:
                found[linked["TxnId"]] = amount
    return found


def with_balance(books: b.Books, entity: str, row: Row) -> Row:
    """The row with its balance after everything that is applied to it; links that apply nothing disappear."""
    applied = applied_to(books, entity, row)
    balance = row["TotalAmt"] - row.get("Deposit", ZERO) - sum(applied.values(), ZERO)
    others = [linked for linked in row["LinkedTxn"] if linked["TxnType"] != "Payment"]
    linked = [*others, *({"TxnId": identity, "TxnType": "Payment"} for identity in applied)]
    found = {**row, "LinkedTxn": linked, "Balance": balance}
    if entity == "CreditMemo":
        found["RemainingCredit"] = balance
    if books.multicurrency:
        found["HomeBalance"] = money.rounded(balance * row["ExchangeRate"], books.home)
    return found


def refresh(books: b.Books, entity: str, identity: str, payment: str | None = None) -> None:
    """Writes a row anew after a payment was applied to it or taken away. Moves its SyncToken and time of change."""
    row = books.table(entity).rows.get(identity)
    if row is None:
        return
    candidates = list(row["LinkedTxn"])
    if payment is not None and not any(linked["TxnId"] == payment for linked in candidates):
        candidates.append({"TxnId": payment, "TxnType": "Payment"})
    books.store(entity, with_balance(books, entity, {**row, "LinkedTxn": candidates}))


def release(books: b.Books, entity: str, row: Row, keep: Decimal) -> None:
    """Takes payments off a row, the latest first, until only `keep` is applied; the row is not written."""
    applied = applied_to(books, entity, row)
    excess = sum(applied.values(), ZERO) - keep
    for identity in reversed(applied):
        if excess <= 0:
            return
        part = min(excess, applied[identity])
        excess -= part
        reduce(books, books.table("Payment").rows[identity], entity, row["Id"], part)


def reduce(books: b.Books, payment: Row, entity: str, identity: str, amount: Decimal) -> None:
    """Lowers what a payment applies to one row. Credit that it passed on goes back to its credit memo."""
    lowered: list[Row] = []
    for line in payment["Line"]:
        part = min(amount, line["Amount"]) if target_of(line) == (entity, identity) else ZERO
        amount -= part
        if line["Amount"] > part:
            lowered.append({**line, "Amount": line["Amount"] - part})
    changed = {**payment, "Line": lowered}
    touched = give_back_credit(changed) if entity == "Invoice" else set()
    changed["UnappliedAmt"] = unapplied(changed)
    books.store("Payment", changed)
    for memo in touched:
        refresh(books, "CreditMemo", memo)


def give_back_credit(payment: Row) -> set[str]:
    """Credit lines shrink to what the payment's invoices still use; returns the credit memos concerned."""
    spare = unapplied(payment) - payment["TotalAmt"]
    touched: set[str] = set()
    kept: list[Row] = []
    for line in payment["Line"]:
        kind, identity = target_of(line)
        part = min(line["Amount"], spare) if kind == "CreditMemo" and spare > 0 else ZERO
        if part:
            touched.add(identity)
            spare -= part
        if line["Amount"] > part:
            kept.append({**line, "Amount": line["Amount"] - part})
    payment["Line"] = kept
    return touched


def unapplied(payment: Row) -> Decimal:
    total: Decimal = payment["TotalAmt"]
    for line in payment["Line"]:
        total += line["Amount"] if target_of(line)[0] == "CreditMemo" else -line["Amount"]
    return total
