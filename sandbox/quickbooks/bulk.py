"""Many invoices at once, for measuring: made without a call each."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from . import books as b
from . import invoices, money, payments, sales
from .wire import Row, stamp

TYPICAL = 20
SPREAD = timedelta(days=25)
LAST_DUE = "2099-12-31"


def make(books: b.Books, count: int, changed: int) -> dict[str, Any]:
    """`count` new invoices, spread over the last weeks; then `changed` payments for the newest open ones, all now.

    `ids` are the first and the last of the new ones; ids count up.
    """
    patterns = [pattern(books, customer) for customer in usable_customers(books)[:TYPICAL]] if count else []
    table, now = books.table("Invoice"), books.now()
    chance = random.Random(count)  # noqa: S311
    started = now - SPREAD
    owed: dict[str, Decimal] = {}
    for index in range(count):
        row = dict(patterns[chance.randrange(len(patterns))])
        moment = started + SPREAD * index / max(count, 1)
        row |= {"Id": books.new_id("Invoice"), "LinkedTxn": [], "MetaData": {"CreateTime": stamp(moment)}}
        row["DocNumber"] = f"B{row['Id']}" if books.sales_setting("CustomTxnNumbers") else books.take_number()
        table.put(row, moment)
        customer = row["CustomerRef"]["value"]
        owed[customer] = owed.get(customer, Decimal(0)) + row["Balance"]
    table.sort()
    for customer, amount in owed.items():
        row = books.table("Customer").rows[customer]
        total = row["Balance"] + amount
        books.table("Customer").put({**row, "Balance": total, "BalanceWithJobs": total}, now, keep_token=True)
    made = list(books.table("Invoice").rows)[-count:] if count else []
    return {"invoices": count, "changed": pay(books, changed), "ids": [made[0], made[-1]] if made else []}


def change(books: b.Books, edited: list[str], voided: list[str], deleted: list[str]) -> dict[str, int]:
    """Invoices by id: those edited get the last due date of the century."""
    for identity in edited:
        books.store("Invoice", {**books.get("Invoice", identity), "DueDate": LAST_DUE})
    for identity in voided:
        invoices.void(books, handle(books, identity))
    for identity in deleted:
        invoices.delete(books, handle(books, identity))
    return {"edited": len(edited), "voided": len(voided), "deleted": len(deleted)}


def handle(books: b.Books, identity: str) -> Row:
    return {"Id": identity, "SyncToken": books.get("Invoice", identity)["SyncToken"]}


def pay(books: b.Books, wanted: int) -> int:
    done = 0
    for identity in list(reversed(books.table("Invoice").rows)):
        if done == wanted:
            break
        row = books.table("Invoice").rows[identity]
        if row["Balance"] > 0:
            part = row["Balance"] if done % 2 else money.rounded(row["Balance"] / 2, row["CurrencyRef"]["value"])
            payments.receive(books, row, part)
            done += 1
    return done


def usable_customers(books: b.Books) -> list[Row]:
    rows = books.table("Customer").rows.values()
    return [row for row in rows if row["Active"] and row["CurrencyRef"]["value"] == books.home]


def pattern(books: b.Books, customer: Row) -> Row:
    """A complete invoice that is not kept: the copies share its lines."""
    item = next(
        row
        for row in books.table("Item").rows.values()
        if row["Active"] and row["Type"] not in ("Category", "Group") and row["UnitPrice"]
    )
    code = "TAX" if books.american else first_code(books)
    detail = {
        "ItemRef": {"value": item["Id"]},
        "Qty": Decimal(3),
        "UnitPrice": item["UnitPrice"],
        "TaxCodeRef": {"value": code},
    }
    line = {
        "DetailType": "SalesItemLineDetail",
        "Amount": money.rounded(item["UnitPrice"] * 3, books.home),
        "Description": item["Name"],
        "SalesItemLineDetail": detail,
    }
    body: Row = {"CustomerRef": {"value": customer["Id"]}, "CurrencyRef": {"value": books.home}, "Line": [line]}
    if not books.american:
        body["GlobalTaxCalculation"] = "TaxExcluded"
    row = sales.build(books, body, None)
    row |= {"DueDate": sales.due_date(books, row), "Balance": row["TotalAmt"]}
    if books.multicurrency:
        row["HomeBalance"] = row["HomeTotalAmt"]
    return {**dict.fromkeys(invoices.ONLINE, False), **row}


def first_code(books: b.Books) -> str:
    for row in books.table("TaxCode").rows.values():
        if row["Active"] and row["SalesTaxRateList"]["TaxRateDetail"]:
            return str(row["Id"])
    raise ValueError("the company has no tax code for sales")
