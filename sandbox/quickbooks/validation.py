"""Does a request have the shape that the API accepts: known members, kinds, lengths."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from . import refusals
from .members import CHOICES, SHAPES
from .wire import Row, date_from

MOST_DIGITS = 15
MOST_BEFORE_THE_POINT = 10  # of the amount of a line
ADDRESS_TOTAL = 2000


def check(entity: str, body: object) -> Row:
    """Returns the body as an object without null members, which count as left out. Raises 2010 or 2050."""
    if not isinstance(body, dict):
        raise refusals.invalid_value(entity, "object expected,")
    return shape(entity, body, entity)


def shape(name: str, body: Row, where: str) -> Row:
    known = SHAPES[name]
    kept: Row = {}
    for member, value in body.items():
        kind = known.get(member)
        if kind is None:
            raise refusals.unknown_property(member, where)
        if value is not None:
            kept[member] = value_of_kind(kind, value, member if where == name else f"{where}.{member}")
    if name == "Address" and sum(len(str(kept.get(f"Line{index}", ""))) for index in range(1, 6)) > ADDRESS_TOTAL:
        raise refusals.too_long(where, ADDRESS_TOTAL)
    return kept


def value_of_kind(kind: str, value: Any, where: str) -> Any:
    if kind.startswith("["):
        if not isinstance(value, list):
            raise refusals.invalid_value(where, "list expected,")
        return [value_of_kind(kind[1:-1], part, where) for part in value]
    if kind in SHAPES:
        if not isinstance(value, dict):
            raise refusals.invalid_value(where, "object expected,")
        return shape(kind, value, where)
    if kind in CHOICES:
        if value not in CHOICES[kind]:
            raise refusals.invalid_value(where, f"{value!r} is no value of the enumeration,")
        return value
    return simple(kind, value, where)


def simple(kind: str, value: Any, where: str) -> Any:
    name, _, most = kind.partition(":")
    if name == "text":
        return text(value, int(most) if most else None, where)
    if name in ("number", "whole", "amount"):
        return number(value, where, MOST_BEFORE_THE_POINT if name == "amount" else MOST_DIGITS)
    if name == "flag":
        if not isinstance(value, bool):
            raise refusals.invalid_value(where, "true or false expected,")
    elif name == "date":
        day(value, where)
    return value


def text(value: Any, most: int | None, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise refusals.invalid_value(where, "text expected,")
    found = str(value)
    if most is not None and len(found) > most:
        raise refusals.too_long(where, most)
    return found


def number(value: Any, where: str, most_before_the_point: int) -> Decimal:
    """Numbers may come as JSON numbers or as text, like the API takes them."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise refusals.invalid_value(where, "number expected,")
    try:
        found = Decimal(value)
    except ArithmeticError as error:
        raise refusals.invalid_value(where, "number expected,") from error
    if not found.is_finite():
        raise refusals.invalid_value(where, "number expected,")
    if len(found.normalize().as_tuple().digits) > MOST_DIGITS or abs(found) >= Decimal(10) ** most_before_the_point:
        raise refusals.too_long(where, MOST_DIGITS)
    return found


def day(value: Any, where: str) -> None:
    try:
        date_from(value)
    except (TypeError, ValueError) as error:
        raise refusals.invalid_value(where, f"{value!r} is no date,") from error
