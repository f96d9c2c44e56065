"""Estimates: offers that post nothing, and the invoice that closes one.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/estimate
"""

from __future__ import annotations

from . import books as b
from . import refusals, sales
from .wire import Row, stamp

OPEN = ("Pending", "Accepted")
OWN = ("ExpirationDate", "AcceptedBy", "AcceptedDate")


def save(books: b.Books, body: Row) -> Row:
    """Creates, or changes when the body has an Id. They have numbers of their own, beside those of invoices."""
    old = books.for_update("Estimate", body) if body.get("Id") else None
    row = sales.build(books, body, old)
    wanted = sales.merged(body, old)
    row |= {name: wanted[name] for name in OWN if name in wanted}
    row["TxnStatus"] = wanted.get("TxnStatus", "Pending")
    number = wanted.get("DocNumber") or (old or {}).get("DocNumber")
    if not number and not books.sales_setting("CustomTxnNumbers"):
        number, books.next_estimate = str(books.next_estimate), books.next_estimate + 1
    if number:
        row["DocNumber"] = str(number)
    row["Id"] = old["Id"] if old else books.new_id("Estimate")
    if old is None:
        row["MetaData"] = {"CreateTime": stamp(books.now()), "LastModifiedByRef": {"value": books.realm}}
    row["LinkedTxn"] = old["LinkedTxn"] if old else []
    return books.store("Estimate", row)


def delete(books: b.Books, body: Row) -> Row:
    """Gone for good; the invoice that was made of it stays, without the link."""
    old = books.for_update("Estimate", body)
    for linked in old["LinkedTxn"]:
        invoice = books.table("Invoice").rows.get(linked["TxnId"])
        if invoice is not None:
            books.store("Invoice", {**invoice, "LinkedTxn": without_estimates(invoice)})
    return books.drop("Estimate", old["Id"])


def asked_for(books: b.Books, body: Row) -> Row | None:
    """The estimate that a new invoice names as its own, None for none. One at most, open, and of the same customer:
    progress invoices cannot be made through the API.
    """
    named = [linked for linked in body.get("LinkedTxn", []) if linked.get("TxnType") not in (None, "Payment")]
    if not named:
        return None
    if any(linked["TxnType"] != "Estimate" for linked in named):
        raise refusals.business("Only estimates are linked to invoices by this stand-in.")
    if len(named) > 1:
        raise refusals.business("Only one estimate can be linked to an invoice.")
    row = books.table("Estimate").rows.get(str(named[0].get("TxnId", "")))
    customer = body.get("CustomerRef", {}).get("value")
    if row is None or row["TxnStatus"] == "Closed" or row["CustomerRef"]["value"] != customer:
        raise refusals.invoiced_already()
    return row


def close(books: b.Books, estimate: Row, invoice: Row) -> None:
    """It has become this invoice. Both know each other, and what it was before comes back with `reopen`."""
    linked = [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]
    books.store("Estimate", {**estimate, "TxnStatus": "Closed", "LinkedTxn": linked})


def reopen(books: b.Books, invoice: Row) -> None:
    """The invoice is deleted: what it was made of can be invoiced again."""
    for linked in invoice["LinkedTxn"]:
        row = books.table("Estimate").rows.get(linked["TxnId"]) if linked["TxnType"] == "Estimate" else None
        if row is not None:
            status = "Accepted" if row.get("AcceptedDate") or row.get("AcceptedBy") else "Pending"
            books.store("Estimate", {**row, "TxnStatus": status, "LinkedTxn": []})


def without_estimates(invoice: Row) -> list[Row]:
    return [linked for linked in invoice["LinkedTxn"] if linked["TxnType"] != "Estimate"]
