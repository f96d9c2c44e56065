"""Persons, organizations and products, version 2. Rests on https://developers.pipedrive.com/docs/api/v1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from ..company import Company
from ..wire import Record, success
from .calls import Call
from .custom_values import labels_of, shown_custom_fields
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


def deals_of(call: Call, kind: Kind, record: Record, status: tuple[str, ...]) -> int:
    member = "person_id" if kind is PERSON else "org_id"
    return sum(1 for deal in call.company.deals.values() if deal[member] == record["id"] and deal["status"] in status)


def extra(call: Call, kind: Kind, record: Record, name: str) -> object:
    """A member that comes only when `include_fields` asks for it."""
    statuses = {"open": ("open",), "closed": ("won", "lost"), "won": ("won",), "lost": ("lost",)}
    word = name.removeprefix("related_").removesuffix("_deals_count")
    if word in statuses:
        return deals_of(call, kind, record, statuses[word])
    if name == "people_count":
        return sum(1 for person in call.company.persons.values() if person["org_id"] == record["id"])
    if name == "smart_bcc_email":
        return f"{call.company.domain}@pipedrivemail.com"
    return 0 if name.endswith("_count") else None


def shown(call: Call, kind: Kind, record: Record) -> Record:
    answer = dict(record)
    answer["custom_fields"] = shown_custom_fields(call, kind.owner, record)
    if kind is PERSON and not call.company.contact_sync:
        for name in CONTACT_SYNC_MEMBERS:
            answer.pop(name, None)
    for name in call.query.get("include_fields", []):
        answer[name] = extra(call, kind, record, name)
    if call.query.get("include_labels"):
        answer["labels"] = labels_of(call.company, kind.owner, record)
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
        for name in ("owner_id", "org_id"):
            if name in query:
                found = [record for record in found if record[name] == query[name]]
        if "deal_id" in query:
            deal = call.company.deals.get(query["deal_id"], {})
            found = [record for record in found if record["id"] == deal.get("person_id")]
        if "updated_since" in query:
            found = [record for record in found if record["update_time"] >= query["updated_since"]]
        if "updated_until" in query:
            found = [record for record in found if record["update_time"] < query["updated_until"]]
        return page(found, query, lambda record: shown(call, kind, record))

    return handler
