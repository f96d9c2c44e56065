"""Names that must be free: customers, vendors and employees share one list; items have their own."""

from __future__ import annotations

from . import books as b
from . import refusals
from .wire import Row

FORBIDDEN = (":", "\t", "\n", "\r")
GONE = " (deleted)"


def refuse_signs(value: str) -> None:
    if any(sign in value for sign in FORBIDDEN):
        raise refusals.business("A name has no colon, tab or line break.")


def key(name: str) -> str:
    """A name that went with an inactive record stays taken."""
    return name.removesuffix(GONE).casefold()


def after_activity(name: str, active: bool) -> str:
    """An inactive record shows it in its name, and loses that when it comes back."""
    bare = name.removesuffix(GONE)
    return bare if active else bare + GONE


def take(books: b.Books, entity: str, row: Row) -> None:
    """Claims a display name for a row, or raises 6240."""
    wanted, owner = key(row["DisplayName"]), (entity, row["Id"])
    if books.taken_names.get(wanted, owner) != owner:
        raise refusals.duplicate_name()
    before = books.table(entity).rows.get(row["Id"])
    if before is not None:
        books.taken_names.pop(key(before["DisplayName"]), None)
    books.taken_names[wanted] = owner


def take_item(books: b.Books, row: Row) -> None:
    """Item names are unique below the same category."""
    wanted = key(row["FullyQualifiedName"])
    owner = books.taken_names.get("item\0" + wanted, ("Item", row["Id"]))
    if owner != ("Item", row["Id"]):
        raise refusals.duplicate_name()
    before = books.table("Item").rows.get(row["Id"])
    if before is not None:
        books.taken_names.pop("item\0" + key(before["FullyQualifiedName"]), None)
    books.taken_names["item\0" + wanted] = ("Item", row["Id"])
