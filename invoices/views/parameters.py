"""Ids as they stand in an address or a hidden field: unsigned, so each is checked where it is used."""

from __future__ import annotations

import uuid
from typing import Any


def whole_number(value: Any) -> int | None:
    """None for what is no id of a record."""
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def uuid_in(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None
