"""Values of the domain as plain JSON: what is kept in a row, or carried by a form."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal


def plain(value: object) -> object:
    """Objects by their fields, numbers as text without an exponent, dates in ISO form. Enums of text are text."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Decimal):
        return plain_number(value)
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no plain form")


def plain_number(value: Decimal) -> str:
    """Without an exponent and without trailing zeros: 12.5, 1000, 0."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
