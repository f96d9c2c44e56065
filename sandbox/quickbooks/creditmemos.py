"""Credit memos: the same form as an invoice, with the opposite meaning."""

from __future__ import annotations

from . import books as b
from . import links, refusals, sales
from .money import ZERO
from .wire import Row


def save(books: b.Books, body: Row) -> Row:
    old = books.for_update("CreditMemo", body) if body.get("Id") else None
    row = sales.build(books, body, old)
    wanted = sales.merged(body, old)
    number = wanted.get("DocNumber") or (
        None if old or books.sales_setting("CustomTxnNumbers") else books.take_number()
    )
    if number:
        row["DocNumber"] = number
    row["Id"] = old["Id"] if old else books.new_id("CreditMemo")
    if old is not None:
        links.release(books, "CreditMemo", old, keep=row["TotalAmt"])
    row["LinkedTxn"] = old["LinkedTxn"] if old is not None else []
    return books.store("CreditMemo", links.with_balance(books, "CreditMemo", row))


def void(books: b.Books, body: Row) -> Row:
    old = books.for_update("CreditMemo", body)
    refuse_linked(old)
    return books.store("CreditMemo", {**sales.zeroed(old), "RemainingCredit": ZERO})


def delete(books: b.Books, body: Row) -> Row:
    old = books.for_update("CreditMemo", body)
    refuse_linked(old)
    return books.drop("CreditMemo", old["Id"])


def refuse_linked(row: Row) -> None:
    if row["LinkedTxn"]:
        raise refusals.business("The credit memo is applied to an invoice; unlink it first.")
