"""Invoices: create, change, void, delete, send."""

from __future__ import annotations

from . import attachments, estimates, links, payments, refusals, sales
from . import books as b
from .money import ZERO
from .wire import Row, date_from, stamp

ONLINE = ("AllowIPNPayment", "AllowOnlinePayment", "AllowOnlineCreditCardPayment", "AllowOnlineACHPayment")
LONGEST_ADDRESS = 100


def save(books: b.Books, body: Row, *, allow_duplicate: bool = False) -> Row:
    """Creates, or changes when the body has an Id. Returns the stored row."""
    old = books.for_update("Invoice", body) if body.get("Id") else None
    row = sales.build(books, body, old)
    estimate = estimates.asked_for(books, body) if old is None else None
    wanted = sales.merged(body, old)
    online = {name: bool(wanted.get(name, False)) for name in ONLINE}
    row["DueDate"] = wanted["DueDate"][:10] if "DueDate" in wanted else sales.due_date(books, row)
    if date_from(row["DueDate"]) < date_from(row["TxnDate"]):
        raise refusals.business("The due date lies before the date of the invoice.")
    number = document_number(books, wanted, old, allow_duplicate)
    if number is not None:
        row["DocNumber"] = number
    row = {**online, **row}
    row["Id"] = old["Id"] if old else books.new_id("Invoice")
    if old is None:
        row["MetaData"] = {"CreateTime": stamp(books.now()), "LastModifiedByRef": {"value": books.realm}}
    if estimate is not None:
        row["LinkedTxn"] = [{"TxnId": estimate["Id"], "TxnType": "Estimate"}]
    stored = settle(books, row, old)
    if estimate is not None:
        estimates.close(books, estimate, stored)
    return use_credits(books, stored) if old is None and books.sales_setting("AutoApplyCredit") else stored


def use_credits(books: b.Books, invoice: Row) -> Row:
    """What the customer has left of credit memos pays a new invoice at once, the oldest first."""
    for memo in books.table("CreditMemo").having("CustomerRef", invoice["CustomerRef"]["value"]):
        part = min(memo["RemainingCredit"], books.get("Invoice", invoice["Id"])["Balance"])
        if part > 0 and memo["CurrencyRef"] == invoice["CurrencyRef"]:
            payments.apply_credit(books, invoice, memo, part)
    return books.get("Invoice", invoice["Id"])


def document_number(books: b.Books, wanted: Row, old: Row | None, allow_duplicate: bool) -> str | None:
    """Counted by the company unless it wants its own numbers; then none is made up."""
    given = wanted.get("DocNumber") or None
    if given is None:
        return books.take_number() if old is None and not books.sales_setting("CustomTxnNumbers") else None
    if not allow_duplicate:
        others = [
            row["Id"] for row in books.table("Invoice").having("DocNumber", given) if not old or row["Id"] != old["Id"]
        ]
        if others:
            raise refusals.duplicate_number(given, others[0])
    if str(given).isdigit() and int(given) >= books.next_number and len(given) <= len(str(books.next_number)) + 1:
        books.next_number = int(given) + 1
    return str(given)


def settle(books: b.Books, row: Row, old: Row | None) -> Row:
    """Balance and links from what is applied to the invoice, then storing."""
    owed = row["TotalAmt"] - row.get("Deposit", ZERO)
    if owed < 0:
        raise refusals.business("The deposit is higher than the total.")
    if old is not None:
        if old["LinkedTxn"] and old["CustomerRef"]["value"] != row["CustomerRef"]["value"]:
            raise refusals.business("The customer of a paid invoice cannot change.")
        links.release(books, "Invoice", old, keep=owed)
    row["LinkedTxn"] = old["LinkedTxn"] if old is not None else row.get("LinkedTxn", [])
    return books.store("Invoice", links.with_balance(books, "Invoice", row))


def void(books: b.Books, body: Row) -> Row:
    """All amounts become 0 and the note says Voided; payments stay, unapplied, and an estimate stays closed."""
    old = books.for_update("Invoice", body)
    books.refuse_closed(old["TxnDate"])
    links.release(books, "Invoice", old, keep=ZERO)
    row = sales.zeroed({name: value for name, value in old.items() if name != "Deposit"})
    return books.store(
        "Invoice", {**row, "LinkedTxn": [each for each in old["LinkedTxn"] if each["TxnType"] == "Estimate"]}
    )


def delete(books: b.Books, body: Row) -> Row:
    """Gone for good; an invoice with payments has to be freed of them first."""
    old = books.for_update("Invoice", body)
    books.refuse_closed(old["TxnDate"])
    if estimates.without_estimates(old):
        raise refusals.business("The invoice is linked to other transactions; unlink them first.")
    estimates.reopen(books, old)
    return books.drop("Invoice", old["Id"])


def send(books: b.Books, identity: str, address: str | None) -> Row:
    """Marks the invoice as sent; an address given here replaces the one on the invoice."""
    old = books.get("Invoice", identity)
    email = {"Address": address} if address else old.get("BillEmail")
    if not email or not email.get("Address"):
        raise refusals.required("BillEmail.Address")
    if len(email["Address"]) > LONGEST_ADDRESS:
        raise refusals.too_long("BillEmail.Address", LONGEST_ADDRESS)
    sales.check_emails({"BillEmail": email})
    now = books.now()
    delivery = {"DeliveryType": "Email", "DeliveryTime": stamp(now)}
    row = {**old, "EmailStatus": "EmailSent", "BillEmail": email, "DeliveryInfo": delivery}
    books.store("Invoice", row)
    books.outbox.append(
        {
            "invoice": identity,
            "number": row.get("DocNumber"),
            "to": email["Address"],
            "at": stamp(now),
            "files": attachments.sent_with(books, identity),
        }
    )
    return row
