"""Files of a deal, version 1. Rests on https://developers.pipedrive.com/docs/api/v1/Files."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..wire import Record, RefusalError
from ..world import World
from .calls import Call
from .deals import find_deal
from .paging import page_v1
from .rules import TEXT, Param

SORTABLE = ("id", "update_time")
FILES_QUERY = {"start": Param("int", least=0), "limit": Param("int", least=1, most=100), "sort": TEXT}
ONE_KEY_ONLY = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidArgument</Code>'
    "<Message>Only one auth mechanism allowed</Message></Error>"
)


async def list_files(call: Call) -> Response:
    deal = find_deal(call, call.id)
    found = [file for file in call.company.files.values() if file["deal_id"] == deal["id"] and file["active_flag"]]
    for part in reversed(call.query.get("sort", "id ASC").split(",")):
        name, _, direction = part.strip().partition(" ")
        if name not in SORTABLE or direction.upper() not in ("", "ASC", "DESC"):
            raise RefusalError(400, "Validation failed: query.sort: unknown field or direction")
        found.sort(key=lambda file: file[name], reverse=direction.upper() == "DESC")
    return page_v1([show(call, file) for file in found], call.query)


def show(call: Call, file: Record) -> Record:
    deal = call.company.deals[file["deal_id"]]
    where = f"{call.world.config.url}/api/v1/files/{file['id']}/download"
    return file | {"deal_name": deal["title"], "url": where}


async def download(call: Call) -> Response:
    """The content, or where the company's files are kept: nobody has documented which."""
    file = call.company.files.get(call.id)
    deal = call.company.deals.get(file["deal_id"]) if file else None
    if file is None or not file["active_flag"]:
        raise RefusalError(404, "File not found")
    call.seen(deal, "File not found")
    if not call.company.keeps_files_elsewhere:
        return Response(content_of(call, file), media_type="application/octet-stream")
    key = secrets.token_hex(8)
    call.world.stored[key] = content_of(call, file)
    return RedirectResponse(f"{call.world.config.url}/stored/{key}/{file['id']}?X-Signature={key}", 302)


def content_of(call: Call, file: Record) -> bytes:
    """As long as the file is said to be."""
    return call.company.contents[file["id"]].ljust(file["file_size"], b"\0")


def storage(world: World, request: Request) -> Response:
    """The place where files are kept: the address is the key, once, and no other one may come along."""
    if "authorization" in request.headers:
        return Response(ONE_KEY_ONLY, 400, media_type="application/xml")
    content = world.stored.pop(request.path_params["key"], None)
    if content is None or request.query_params.get("X-Signature") != request.path_params["key"]:
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
    return Response(content, media_type="application/octet-stream")
