"""What tests and the control addresses may change in a company without the API."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..clock import Clock
from ..config import Config
from ..faults import Faults
from .company import Company
from .uninstalling import uninstall
from .wire import Json, Record, failure, time_v2
from .world import World

SETTABLE = ("deals", "persons", "organizations", "products", "files")
LISTS = ("deal_products", "discounts", "installments")
COMPANY_MEMBERS = ("plan", "name", "contact_sync", "currency", "hides_with", "keeps_files_elsewhere")


class WrongWishError(Exception):
    """A wish that makes no sense."""


async def body_of(request: Request) -> Record:
    try:
        body = json.loads(await request.body() or b"{}", parse_float=Decimal)
    except ValueError as error:
        raise WrongWishError(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise WrongWishError("expected a JSON object")
    return body


def company_in(world: World, number: object) -> Company:
    try:
        return world.companies[int(str(number))]
    except (KeyError, ValueError) as error:
        raise WrongWishError(f"unknown company {number}") from error


def apply(company: Company, wanted: Record, now: str) -> None:
    """Writes `{"deals": {"1": {"value": 5}}, "deal_products": {"1": [...]}, "users": {"1002": {"admin": true}}}`."""
    for name, value in wanted.items():
        if name in SETTABLE:
            merge_records(getattr(company, name), name, value, now)
        elif name in LISTS:
            getattr(company, name).update({int(key): entries for key, entries in value.items()})
        elif name == "users":
            for key, members in value.items():
                for member, content in members.items():
                    setattr(company.users[int(key)], member, content)
        elif name in COMPANY_MEMBERS:
            setattr(company, name, value)
        else:
            raise WrongWishError(
                f"cannot set {name}; possible: {', '.join((*SETTABLE, *LISTS, 'users', *COMPANY_MEMBERS))}"
            )


def merge_records(records: dict[int, Record], name: str, value: dict[str, Any], now: str) -> None:
    for key, members in value.items():
        record = records.get(int(key))
        if record is None:
            raise WrongWishError(f"no {name} with id {key}")
        unknown = set(members) - set(record)
        if unknown:
            raise WrongWishError(f"{name} have no {', '.join(sorted(unknown))}")
        changes = dict(members)
        if "custom_fields" in record:
            record["custom_fields"].update(changes.pop("custom_fields", {}))
        record.update(changes)
        record["update_time"] = now


def merge(company: Company, name: str, gone_id: int, kept_id: int, now: str) -> None:
    """The one is deleted; notes, products and deals of it go into the other, whose own entries stay.

    Rests on https://pipedrive.readme.io/docs/merging-two-deals and its siblings for persons and organizations.
    """
    records = {"deals": company.deals, "persons": company.persons, "organizations": company.organizations}[name]
    gone, kept = records[gone_id], records[kept_id]
    column = {"deals": "deal_id", "persons": "person_id", "organizations": "org_id"}[name]
    for note in company.notes.values():
        note[column] = kept_id if note[column] == gone_id else note[column]
    if name == "deals":
        lines = [line | {"deal_id": kept_id} for line in company.deal_products.pop(gone_id, [])]
        company.deal_products.setdefault(kept_id, []).extend(lines)
        gone["status"] = "deleted"
    else:
        for deal in company.deals.values():
            if deal[column] == gone_id:
                deal |= {column: kept_id, "update_time": now}
    for member, value in gone.items():
        if kept[member] is None:
            kept[member] = value
    gone["is_deleted"] = True
    kept["update_time"] = gone["update_time"] = now


def control_routes(world: World, clock: Clock, faults: Faults, config: Config) -> list[BaseRoute]:
    """Addresses below /_sandbox that only Pipedrive has."""

    def guarded(handler: Any) -> Any:
        async def answer(request: Request) -> Response:
            try:
                return Json(await handler(request))
            except (WrongWishError, KeyError, TypeError, ValueError, AttributeError) as error:
                return failure(400, str(error))

        return answer

    async def read_company(request: Request) -> Record:
        return world.snapshot(company_in(world, request.query_params.get("id")))

    async def change_company(request: Request) -> Record:
        body = await body_of(request)
        company = company_in(world, body.get("id"))
        apply(company, body.get("set") or {}, time_v2(clock.now()))
        return world.snapshot(company)

    async def merge_two(request: Request) -> Record:
        """`{"id", "what": "deals", "gone": 1, "into": 2}`; also of persons and organizations."""
        body = await body_of(request)
        company = company_in(world, body.get("id"))
        merge(company, body["what"], int(body["gone"]), int(body["into"]), time_v2(clock.now()))
        return world.snapshot(company)

    async def uninstall_one(request: Request) -> Record:
        body = await body_of(request)
        user = world.user(int(body["company_id"]), int(body["user_id"]))
        return await uninstall(world, int(body["company_id"]), user.id)

    async def limits(request: Request) -> Record:
        """`daily_tokens` and `burst`: a number, or null for what the plan gives; `used`: tokens used today."""
        body = await body_of(request)
        company = company_in(world, body.get("company_id"))
        budget = world.budgets.budget(company.id)
        if "daily_tokens" in body:
            budget.daily = body["daily_tokens"]
        if "burst" in body:
            budget.burst = body["burst"]
        if "used" in body:
            budget.used = int(body["used"])
        daily = company.daily_budget if budget.daily is None else budget.daily
        burst = company.burst if budget.burst is None else budget.burst
        return {"company_id": company.id, "daily_tokens": daily, "burst": burst, "used": budget.used}

    async def frames(request: Request) -> Record:
        """`token_seconds`: how long a frame's signed token lasts; negative makes it expired from the start."""
        body = await body_of(request)
        world.frame_token_seconds = int(body.get("token_seconds", 300))
        return {"token_seconds": world.frame_token_seconds}

    return [
        Route("/pipedrive/company", guarded(read_company), methods=["GET"]),
        Route("/pipedrive/company", guarded(change_company), methods=["POST"]),
        Route("/pipedrive/merge", guarded(merge_two), methods=["POST"]),
        Route("/pipedrive/uninstall", guarded(uninstall_one), methods=["POST"]),
        Route("/pipedrive/limits", guarded(limits), methods=["POST"]),
        Route("/pipedrive/frames", guarded(frames), methods=["POST"]),
    ]
