"""Definitions of deal, person, organization and product fields, version 2.

Rests on https://developers.pipedrive.com/docs/api/v1/DealFields and its siblings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from ..wire import Record, RefusalError, success
from .calls import Call
from .paging import cut

EXTRAS = ("ui_visibility", "important_fields", "required_fields")


def extra(owner: str, name: str) -> Record:
    """What `include_fields` adds to a definition."""
    if name == "important_fields":
        return {"enabled": False, "stage_ids": []}
    if name == "required_fields":
        return {"enabled": False, "stage_ids": [], "statuses": {}} if owner == "deal" else {"enabled": False}
    visibility: Record = {"add_visible_flag": True, "details_visible_flag": True}
    if owner == "deal":
        visibility |= {
            "projects_detail_visible_flag": True,
            "show_in_pipelines": {"show_in_all": True, "pipeline_ids": []},
        }
    return visibility


def show(call: Call, owner: str) -> Callable[[Record], Record]:
    wanted = call.query.get("include_fields", [])
    return lambda entry: entry | {name: extra(owner, name) for name in wanted}


def list_fields(owner: str) -> Callable[[Call], Awaitable[Response]]:
    async def handler(call: Call) -> Response:
        return cut(call.company.fields[owner], call.query, show(call, owner))

    return handler


def get_field(owner: str) -> Callable[[Call], Awaitable[Response]]:
    async def handler(call: Call) -> Response:
        for entry in call.company.fields[owner]:
            if entry["field_code"] == call.request.path_params["field_code"]:
                return success(show(call, owner)(entry))
        raise RefusalError(404, "Field not found")

    return handler
