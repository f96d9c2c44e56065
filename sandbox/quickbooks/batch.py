"""Several calls in one: each item is answered for itself."""

from __future__ import annotations

from typing import Any

from . import books as b
from . import entities, query, refusals
from .refusals import Refusal
from .wire import Row

MOST = 30
EXTRAS = {"bId", "operation", "optionsData"}


def run(books: b.Books, body: Any) -> list[Row]:
    items = body.get("BatchItemRequest") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items:
        raise refusals.required("BatchItemRequest")
    if len(items) > MOST:
        raise refusals.business(f"A batch has at most {MOST} items.")
    return [answered(books, item) for item in items]


def answered(books: b.Books, item: Any) -> Row:
    identity = item.get("bId") if isinstance(item, dict) else None
    if not isinstance(identity, str):
        raise refusals.required("bId")
    try:
        return {**one(books, item), "bId": identity}
    except Refusal as refusal:
        return {"Fault": refusal.fault(), "bId": identity}


def one(books: b.Books, item: Row) -> Row:
    names = [name for name in item if name not in EXTRAS]
    if len(names) != 1:
        raise refusals.invalid_value("BatchItemRequest", "has not exactly one entity,")
    name = names[0]
    if name == "Query":
        return {"QueryResponse": query.run(books, str(item[name]))}
    if name not in entities.WRITABLE:
        raise refusals.unsupported(f"batch of {name}")
    options = str(item.get("optionsData") or "")
    operation = "void" if options == "void" else item.get("operation")
    duplicate = options.startswith("allowduplicatedocnum")
    return {name: entities.act(books, name, operation, item[name], allow_duplicate=duplicate)}
