"""Definitions of deal, person, organization and product fields, version 2.

Rests on https://developers.pipedrive.com/docs/api/v1/DealFields and its siblings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from .calls import Call
from .paging import cut


def list_fields(owner: str) -> Callable[[Call], Awaitable[Response]]:
    async def handler(call: Call) -> Response:
        return cut(call.company.fields[owner], call.query)

    return handler
