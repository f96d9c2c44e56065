"""JSON and times in the two dialects that Pipedrive speaks: version 1 and version 2."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse

Record = dict[str, Any]
"""One object as Pipedrive shows it, e.g. a deal."""

ASK_DEVELOPERS = "Please check developers.pipedrive.com for more information about Pipedrive API."


def parse(raw: bytes) -> Any:
    """JSON with exact numbers. Raises ValueError."""
    return json.loads(raw, parse_float=Decimal, parse_constant=_refuse)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _plain(value: object) -> int | float:
    """Amounts live as Decimal inside; JSON shows 24000 and 0.5, never "0.50"."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} is not JSON")
    return int(value) if value == value.to_integral_value() else float(value)


class Json(JSONResponse):
    """A JSON answer whose amounts may be Decimal."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


class RefusalError(Exception):
    """An answer of 4xx on the way out of any depth of a call."""

    def __init__(self, status: int, error: str, **members: Any) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.members = members

    def answer(self) -> Json:
        return failure(self.status, self.error, **self.members)


def failure(status: int, error: str, **members: Any) -> Json:
    """The envelope of errors; members are `code`, `errorCode` and the like."""
    body = {"success": False, "error": error, "error_info": ASK_DEVELOPERS, "data": None, "additional_data": None}
    return Json(body | members, status)


def unauthorized() -> Json:
    """The body of 401 as version 1 publishes it."""
    return Json({"success": False, "error": "unauthorized access", "errorCode": 401}, 401)


def hidden(status: int, missing: str) -> RefusalError:
    """A record that is there, but not for this user."""
    if status == 401:
        return RefusalError(401, "unauthorized access", errorCode=401)
    return RefusalError(status, missing if status == 404 else "You do not have permission to see this")


def ban_page() -> HTMLResponse:
    """The gateway's page for who does not heed 429."""
    return HTMLResponse(
        "<!DOCTYPE html><title>Access denied</title><h1>Error 1015: You are being rate limited</h1>", 403
    )


def success(data: Any, additional_data: Record | None = None) -> Json:
    body: Record = {"success": True, "data": data}
    if additional_data is not None:
        body["additional_data"] = additional_data
    return Json(body)


def time_v2(moment: datetime) -> str:
    """RFC 3339 in UTC, e.g. 2026-11-23T09:14:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_v1(moment: datetime) -> str:
    """UTC without saying so, e.g. 2026-11-23 09:14:00."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
