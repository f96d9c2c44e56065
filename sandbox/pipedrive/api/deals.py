"""Deals, version 2: read, list, change. Rests on https://developers.pipedrive.com/docs/api/v1/Deals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.responses import Response

from ..wire import Record, RefusalError, success, time_v2
from .calls import Call
from .custom_values import check_custom_fields, shown_custom_fields
from .paging import page
from .rules import Member

STATUSES = ("open", "won", "lost", "deleted")
DEAL_BODY = {
    "title": Member("text"),
    "value": Member("number"),
    "currency": Member("text"),
    "owner_id": Member("int"),
    "person_id": Member("int"),
    "org_id": Member("int"),
    "pipeline_id": Member("int"),
    "stage_id": Member("int"),
    "status": Member("text", choices=STATUSES),
    "is_deleted": Member("bool"),
    "is_archived": Member("bool"),
    "archive_time": Member("text"),
    "probability": Member("number", nullable=True),
    "lost_reason": Member("text", nullable=True),
    "visible_to": Member("int"),
    "close_time": Member("text", nullable=True),
    "won_time": Member("text"),
    "lost_time": Member("text"),
    "expected_close_date": Member("date"),
    "label_ids": Member("ints"),
    "custom_fields": Member("object"),
}


def find_deal(call: Call, deal_id: int) -> Record:
    """A deal that the user may see. Raises RefusalError (404, or the company's `hides_with`)."""
    return call.seen(call.company.deals.get(deal_id), "Deal not found")


def show_deal(call: Call) -> Callable[[Record], Record]:
    def show(deal: Record) -> Record:
        shown = dict(deal)
        shown["custom_fields"] = shown_custom_fields(call, "deal", deal)
        return shown

    return show


async def get_deal(call: Call) -> Response:
    return success(show_deal(call)(find_deal(call, call.id)))


async def list_deals(call: Call) -> Response:
    return listed(call, archived=False)


async def list_archived_deals(call: Call) -> Response:
    return listed(call, archived=True)


def listed(call: Call, *, archived: bool) -> Response:
    """Deleted deals are listed for a month, for who asks for them: `status` with several words is documented."""
    query, company = call.query, call.company
    words = query.get("status", ())
    known = (deal for deal in company.deals.values() if company.shows(call.user, deal))
    found = [
        deal for deal in known if deal["is_archived"] is archived and (not deal["is_deleted"] or "deleted" in words)
    ]
    if "ids" in query:
        found = [deal for deal in found if deal["id"] in query["ids"]]
    if words:
        found = [deal for deal in found if ("deleted" if deal["is_deleted"] else deal["status"]) in words]
    if "updated_since" in query:
        since = datetime.fromisoformat(query["updated_since"])
        found = [deal for deal in found if datetime.fromisoformat(deal["update_time"]) >= since]
    return page(found, query, show_deal(call))


async def list_pipelines(call: Call) -> Response:
    return page((each for each in call.company.pipelines.values() if not each["is_deleted"]), call.query)


async def list_stages(call: Call) -> Response:
    of = call.query.get("pipeline_id")
    stages = (each for each in call.company.stages.values() if not each["is_deleted"])
    return page((each for each in stages if of in (None, each["pipeline_id"])), call.query)


async def patch_deal(call: Call) -> Response:
    deal = find_deal(call, call.id)
    check_references(call)
    change_deal(call, deal)
    return success(dict(deal) | {"custom_fields": dict(deal["custom_fields"])})


def check_references(call: Call) -> None:
    """Ids in the body must lead somewhere. Raises RefusalError (400)."""
    company, body = call.company, call.body
    places: dict[str, Mapping[int, object]] = {
        "owner_id": company.users,
        "person_id": company.persons,
        "org_id": company.organizations,
        "pipeline_id": company.pipelines,
        "stage_id": company.stages,
    }
    for name, known in places.items():
        if name in body and body[name] not in known:
            raise RefusalError(400, f"Validation failed: {name}: not found")
    if "currency" in body and body["currency"] not in {entry["code"] for entry in company.currencies}:
        raise RefusalError(400, "Validation failed: currency: unknown currency")
    if "title" in body and not body["title"].strip():
        raise RefusalError(400, "Validation failed: title: must not be empty")
    check_custom_fields(call, "deal", body.get("custom_fields", {}))


def change_deal(call: Call, deal: Record) -> None:
    """Writes the body into the deal, with what follows from it."""
    body, now = dict(call.body), time_v2(call.clock.now())
    deal["custom_fields"].update(body.pop("custom_fields", {}))
    if "stage_id" in body and body["stage_id"] != deal["stage_id"]:
        deal["stage_change_time"] = now
        deal["pipeline_id"] = call.company.stages[body["stage_id"]]["pipeline_id"]
    if "status" in body and body["status"] != deal["status"]:
        close(deal, body["status"], now)
    deal.update(body)
    deal["update_time"] = now


def close(deal: Record, status: str, now: str) -> None:
    """Won and lost deals carry their time and date, open ones do not."""
    won, lost = (now if status == word else None for word in ("won", "lost"))
    deal.update(won_time=won, lost_time=lost, close_time=won or lost)
    deal.update(
        local_won_date=won and won[:10],
        local_lost_date=lost and lost[:10],
        local_close_date=(won or lost or "")[:10] or None,
    )
    if status == "deleted":
        deal["is_deleted"] = True
