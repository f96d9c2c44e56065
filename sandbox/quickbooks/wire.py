"""JSON with exact numbers, and the vendor's way to write times."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

Row = dict[str, Any]
PACIFIC = ZoneInfo("America/Los_Angeles")


def number(value: object) -> int | float:
    """A Decimal for the JSON encoder. The text that comes out has the same digits, else this raises."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is not JSON")
    if value == value.to_integral_value():
        return int(value)
    written = float(value)
    if Decimal(repr(written)) != value:
        raise ValueError(f"{value} has more digits than the vendor keeps")
    return written


def dumps(value: object) -> bytes:
    return json.dumps(value, default=number, ensure_ascii=False, separators=(",", ":")).encode()


def loads(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def stamp(moment: datetime) -> str:
    """A time of MetaData: whole seconds, Pacific offset."""
    return moment.astimezone(PACIFIC).isoformat(timespec="seconds")


def server_time(moment: datetime) -> str:
    """The `time` member beside every answer."""
    return moment.astimezone(PACIFIC).isoformat(timespec="milliseconds")


def moment_from(text: str) -> datetime:
    """A date or date-time of a request; without an offset it is Pacific. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=PACIFIC)).astimezone(UTC)


def date_from(text: str) -> date:
    """A calendar date of a request. Raises ValueError."""
    return date.fromisoformat(text[:10])


def trace_id() -> str:
    raw = os.urandom(16).hex()
    return f"1-{raw[:8]}-{raw[8:]}"


def answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return raw_answer(dumps(value), status, headers)


def raw_answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, media_type="application/json;charset=UTF-8")


def as_xml(value: Row) -> str:
    """What a client gets that forgot to ask for JSON. Only the shape matters: nobody here reads it."""
    rows: list[str] = ['<?xml version="1.0" encoding="UTF-8" standalone="yes"?>']

    def element(name: str, content: object) -> None:
        if isinstance(content, dict):
            rows.append(f"<{name}>")
            for inner, part in content.items():
                element(inner, part)
            rows.append(f"</{name}>")
        elif isinstance(content, list):
            for part in content:
                element(name, part)
        else:
            text = str(content).replace("&", "&amp;").replace("<", "&lt;")
            rows.append(f"<{name}>{text}</{name}>")

    element("IntuitResponse", value)
    return "".join(rows)
