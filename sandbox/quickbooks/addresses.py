"""Postal addresses of customers and on sales."""

from __future__ import annotations

from . import books as b
from .wire import Row


def kept(books: b.Books, address: Row) -> Row:
    """A stored address has an id of its own."""
    rest = {name: value for name, value in address.items() if name != "Id" and value != ""}
    return {"Id": books.new_id("Address"), **rest}


def flattened(address: Row, first_line: str) -> Row:
    """What becomes of an address when a transaction is changed: names and town move into the lines."""
    if not any(name in address for name in ("City", "PostalCode", "CountrySubDivisionCode", "Country")):
        return address
    street = [address[f"Line{index}"] for index in range(1, 6) if address.get(f"Line{index}")]
    town = ", ".join(address[name] for name in ("City", "CountrySubDivisionCode") if address.get(name))
    place = "  ".join(part for part in (town, address.get("PostalCode", "")) if part)
    lines = [part for part in (first_line, *street, place, address.get("Country", "")) if part]
    last = " ".join(lines[4:])
    lines = [*lines[:4], *([last] if last else [])]
    return {"Id": address["Id"], **{f"Line{index}": line[:500] for index, line in enumerate(lines, start=1)}}
