"""Files, version 1. Rests on https://developers.pipedrive.com/docs/api/v1/Files."""

from __future__ import annotations

from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.responses import Response

from ..company import StoredFile
from ..stored_files import PLACES, file_record
from ..wire import Record, RefusalError, success, time_v1
from .calls import Call
from .deals import find_deal
from .paging import page_v1
from .rules import TEXT, Param

FILES_QUERY = {"start": Param("int", least=0), "limit": Param("int", least=1, most=100), "sort": TEXT}


def show_file(call: Call, stored: StoredFile) -> Record:
    """The record with its address, which depends on where the stand-in listens."""
    return stored.record | {"url": f"{call.world.config.url}/api/v1/files/{stored.record['id']}/download"}


def visible(call: Call, stored: StoredFile) -> bool:
    deal_id = stored.record["deal_id"]
    return bool(stored.record["active_flag"]) and (
        deal_id is None or call.company.sees(call.user, call.company.deals[deal_id])
    )


def find_file(call: Call) -> StoredFile:
    """Raises RefusalError (404)."""
    stored = call.company.files.get(call.id)
    if stored is None or not visible(call, stored):
        raise RefusalError(404, "File not found")
    return stored


async def list_files(call: Call) -> Response:
    return page_v1(
        [show_file(call, stored) for stored in call.company.files.values() if visible(call, stored)], call.query
    )


async def files_of_deal(call: Call) -> Response:
    deal = find_deal(call, call.id)
    files = [show_file(call, stored) for stored in call.company.files.values() if visible(call, stored)]
    return page_v1([record for record in files if record["deal_id"] == deal["id"]], call.query)


async def get_file(call: Call) -> Response:
    return success(show_file(call, find_file(call)))


async def download_file(call: Call) -> Response:
    stored = find_file(call)
    disposition = f"attachment; filename*=UTF-8''{quote(stored.record['name'])}"
    return Response(stored.content, media_type="application/octet-stream", headers={"content-disposition": disposition})


async def add_file(call: Call) -> Response:
    """Multipart only; the one part `file` and ids of what it belongs to."""
    request = call.request
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise RefusalError(400, "Bad request: content must be multipart/form-data")
    places: Record = {}
    async with request.form() as form:
        upload = form.get("file")
        for name, value in form.multi_items():
            if name == "file":
                continue
            if name not in PLACES or not isinstance(value, str) or not value.isdigit():
                raise RefusalError(400, f"Validation failed: {name}: unknown member or not a whole number")
            places[name] = int(value)
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise RefusalError(400, "Validation failed: file: required")
        content = await upload.read()
        name = upload.filename
    if "deal_id" in places:
        find_deal(call, places["deal_id"])
    company, now = call.company, time_v1(call.clock.now())
    number = company.next_id("file")
    record = file_record(company, number, name, size=len(content), user_id=call.user.id, when=now, places=places)
    company.files[number] = StoredFile(record, content)
    return success(show_file(call, company.files[number]))
