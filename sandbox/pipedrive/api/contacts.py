"""Persons, organizations and products, version 2. Rests on https://developers.pipedrive.com/docs/api/v1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from ..company import Company
from ..wire import Record, success
from .calls import Call
from .custom_values import shown_custom_fields
from .paging import page

CONTACT_SYNC_MEMBERS = ("postal_address", "im", "notes", "birthday", "job_title")


@dataclass(frozen=True)
class Kind:
    """One sort of record with the word of its 404."""

    owner: str
    records: Callable[[Company], dict[int, Record]]
    missing: str


PERSON = Kind("person", lambda company: company.persons, "Person not found")
ORGANIZATION = Kind("organization", lambda company: company.organizations, "Organization not found")
PRODUCT = Kind("product", lambda company: company.products, "Product not found")


def shown(call: Call, kind: Kind, record: Record) -> Record:
    answer = dict(record)
    answer["custom_fields"] = shown_custom_fields(call, kind.owner, record)
    if kind is PERSON and not call.company.contact_sync:
        for name in CONTACT_SYNC_MEMBERS:
            answer.pop(name, None)
    return answer


def get_one(kind: Kind) -> Callable[[Call], Awaitable[Response]]:
    async def handler(call: Call) -> Response:
        record = call.seen(kind.records(call.company).get(call.id), kind.missing)
        return success(shown(call, kind, record))

    return handler


def list_many(kind: Kind) -> Callable[[Call], Awaitable[Response]]:
    async def handler(call: Call) -> Response:
        query = call.query
        found = list(call.company.visible(call.user, kind.records(call.company)))
        if "ids" in query:
            found = [record for record in found if record["id"] in query["ids"]]
        return page(found, query, lambda record: shown(call, kind, record))

    return handler
