"""Payments: money received, and credit memos applied to invoices."""

from __future__ import annotations

from decimal import Decimal

from . import books as b
from . import links, money, refusals, sales
from .money import ZERO
from .wire import Row

KEPT = (
    "TxnDate",
    "ExchangeRate",
    "PaymentMethodRef",
    "PaymentRefNum",
    "PrivateNote",
    "DepositToAccountRef",
    "Line",
    "TotalAmt",
    "CustomerRef",
    "CurrencyRef",
)


def save(books: b.Books, body: Row) -> Row:
    """Creates, or changes when the body has an Id: the new lines replace the old ones."""
    old = books.for_update("Payment", body) if body.get("Id") else None
    wanted = {**({name: old[name] for name in KEPT if name in old} if old and body.get("sparse") else {}), **body}
    if "TotalAmt" not in wanted:
        raise refusals.required("TotalAmt")
    customer = sales.customer_of(books, wanted, old)
    currency = currency_of(wanted, customer)
    day = wanted.get("TxnDate", books.today().isoformat())[:10]
    books.refuse_closed(day)
    total = money.rounded(wanted["TotalAmt"], currency)
    if total < 0:
        raise refusals.business("A payment cannot be negative.")
    row: Row = {"CustomerRef": b.link(customer, "Customer"), "DepositToAccountRef": deposit_to(books, wanted)}
    if "PaymentMethodRef" in wanted:
        row["PaymentMethodRef"] = {
            "value": books.refer("PaymentMethod", wanted["PaymentMethodRef"], "PaymentMethodRef")["Id"]
        }
    row |= {name: wanted[name] for name in ("PaymentRefNum", "PrivateNote") if wanted.get(name)}
    row |= {"TotalAmt": total, "UnappliedAmt": total, "ProcessPayment": False, "domain": "QBO", "sparse": False}
    row |= {
        "Id": old["Id"] if old else books.new_id("Payment"),
        "TxnDate": day,
        "CurrencyRef": money.reference(currency),
    }
    if books.multicurrency:
        row["ExchangeRate"] = sales.exchange_rate(books, wanted, currency)
    row["Line"] = payment_lines(books, wanted.get("Line", []), customer, old, currency)
    row["UnappliedAmt"] = links.unapplied(row)
    if row["UnappliedAmt"] < 0:
        raise refusals.business("The payment applies more than was received.")
    books.store("Payment", row)
    for entity, identity in targets(old) | targets(row):
        links.refresh(books, entity, identity, row["Id"])
    return row


def currency_of(wanted: Row, customer: Row) -> str:
    expected = str(customer["CurrencyRef"]["value"])
    if wanted.get("CurrencyRef", {}).get("value", expected) != expected:
        raise refusals.business(f"The customer's currency is {expected}.")
    return expected


def deposit_to(books: b.Books, wanted: Row) -> Row:
    if "DepositToAccountRef" in wanted:
        return {"value": books.refer("Account", wanted["DepositToAccountRef"], "DepositToAccountRef")["Id"]}
    undeposited = next(
        row for row in books.table("Account").rows.values() if row["AccountSubType"] == "UndepositedFunds"
    )
    return {"value": undeposited["Id"]}


def payment_lines(books: b.Books, given: list[Row], customer: Row, old: Row | None, currency: str) -> list[Row]:
    found: list[Row] = []
    for line in given:
        if not line.get("LinkedTxn"):
            raise refusals.required("Line.LinkedTxn")
        if "Amount" not in line:
            raise refusals.required("Line.Amount")
        entity, identity = line["LinkedTxn"][0].get("TxnType"), line["LinkedTxn"][0].get("TxnId")
        if entity not in ("Invoice", "CreditMemo"):
            raise refusals.business(f"A payment cannot be linked to {entity}.")
        target = books.table(entity).rows.get(str(identity))
        if target is None:
            raise refusals.invalid_reference("TxnId")
        if target["CustomerRef"]["value"] != customer["Id"]:
            raise refusals.business("The linked transaction belongs to another customer.")
        amount = money.rounded(line["Amount"], currency)
        own = links.applied_by(old, entity, target["Id"]) if old is not None else ZERO
        taken = sum((other["Amount"] for other in found if links.target_of(other) == (entity, target["Id"])), ZERO)
        if amount < 0 or amount > target["Balance"] + own - taken:
            raise refusals.business("The amount is higher than the open balance.")
        if amount:
            found.append(links.payment_line(amount, entity, target))
    return found


def targets(payment: Row | None) -> set[tuple[str, str]]:
    return {links.target_of(line) for line in payment["Line"]} if payment is not None else set()


def void(books: b.Books, body: Row) -> Row:
    old = books.for_update("Payment", body)
    books.refuse_closed(old["TxnDate"])
    note = old.get("PrivateNote")
    row = {
        **old,
        "PrivateNote": f"Voided - {note}"[:4000] if note else "Voided",
        "TotalAmt": ZERO,
        "UnappliedAmt": ZERO,
        "Line": [],
    }
    books.store("Payment", row)
    for entity, identity in targets(old):
        links.refresh(books, entity, identity)
    return row


def delete(books: b.Books, body: Row) -> Row:
    """Deletes a payment; what it had paid is open again."""
    old = books.for_update("Payment", body)
    books.refuse_closed(old["TxnDate"])
    answer = books.drop("Payment", old["Id"])
    for entity, identity in targets(old):
        links.refresh(books, entity, identity)
    return answer


def receive(books: b.Books, invoice: Row, amount: Decimal) -> Row:
    """A payment for one invoice, as the bookkeeper enters it: on the day of his own calendar, not the server's."""
    line = {"Amount": amount, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    body = {"TxnDate": books.clock.today("UTC").isoformat(), "TotalAmt": amount, "Line": [line]}
    return save(books, {"CustomerRef": {"value": invoice["CustomerRef"]["value"]}, **body})


def apply_credit(books: b.Books, invoice: Row, memo: Row, amount: Decimal) -> Row:
    """Uses a credit memo for an invoice: a payment of nothing that links both."""
    lines = [
        {"Amount": amount, "LinkedTxn": [{"TxnId": row["Id"], "TxnType": entity}]}
        for row, entity in ((invoice, "Invoice"), (memo, "CreditMemo"))
    ]
    return save(books, {"CustomerRef": {"value": invoice["CustomerRef"]["value"]}, "TotalAmt": ZERO, "Line": lines})
