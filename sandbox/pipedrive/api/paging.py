"""Pages of a list: cursors in version 2, start and limit in version 1."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any

from ..wire import Json, Record, RefusalError, success
from .rules import DIRECTION, LIMIT, TEXT, Param


def paged(*sort_by: str, **more: Param) -> dict[str, Param]:
    """The query rules of a version 2 list."""
    rules = {"limit": LIMIT, "cursor": TEXT}
    if sort_by:
        rules |= {"sort_by": Param(choices=sort_by), "sort_direction": DIRECTION}
    return rules | more


def make_cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f'{{"offset":{offset}}}'.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> int:
    """Where a page starts. Raises RefusalError (400) for a cursor that we did not make."""
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise RefusalError(400, "Validation failed: query.cursor: invalid cursor") from error
    digits = text.removeprefix('{"offset":').removesuffix("}")
    if not digits.isdigit():
        raise RefusalError(400, "Validation failed: query.cursor: invalid cursor")
    return int(digits)


def sort_key(name: str) -> Callable[[Record], tuple[bool, Any, Any]]:
    """Missing values go last; equal ones by id, so that pages never overlap."""
    return lambda record: (record.get(name) is None, record.get(name) or 0, record.get("id", 0))


def page(records: Iterable[Record], query: Record, show: Callable[[Record], Record] = lambda record: record) -> Json:
    """One page of a version 2 list, sorted by `sort_by` (id unless told otherwise)."""
    found = sorted(records, key=sort_key(query.get("sort_by", "id")), reverse=query.get("sort_direction") == "desc")
    return cut(found, query, show)


def cut(found: list[Record], query: Record, show: Callable[[Record], Record] = lambda record: record) -> Json:
    """One page of an ordered list."""
    start, limit = read_cursor(query.get("cursor")), query.get("limit", 100)
    end = start + limit
    cursor = make_cursor(end) if end < len(found) else None
    return success([show(record) for record in found[start:end]], {"next_cursor": cursor})


def page_v1(records: list[Record], query: Record) -> Json:
    """One page of a version 1 list."""
    start, limit = query.get("start", 0), query.get("limit", 100)
    end = start + limit
    more = end < len(records)
    pagination: Record = {"start": start, "limit": limit, "more_items_in_collection": more}
    if more:
        pagination["next_start"] = end
    return success(records[start:end], {"pagination": pagination})
