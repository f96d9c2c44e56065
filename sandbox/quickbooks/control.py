"""Control addresses that only this service has, below /_sandbox/quickbooks."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..clock import Clock
from ..config import Config
from ..control import Refused, body_of
from ..faults import Faults
from . import bookkeeping, bulk
from . import books as b
from .refusals import Refusal
from .wire import answer
from .world import World

SHOWN = ("Invoice", "Customer", "Payment", "CreditMemo", "Estimate", "Item", "Vendor", "Employee", "Attachable")


class Control:
    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/quickbooks/book", self.book, methods=["POST"]),
            Route("/quickbooks/books", self.books, methods=["GET"]),
            Route("/quickbooks/companies", self.companies, methods=["GET"]),
            Route("/quickbooks/bulk", self.bulk, methods=["POST"]),
            Route("/quickbooks/notices", self.notices, methods=["POST"]),
            Route("/quickbooks/rotation", self.rotation, methods=["POST"]),
        ]

    def of(self, realm: object) -> b.Books:
        if str(realm) not in self.world.books:
            raise Refused(f"realm must be one of {', '.join(self.world.books)}")
        return self.world.books[str(realm)]

    async def book(self, request: Request) -> Response:
        """{realm, action, …}: see `bookkeeping.DEEDS`. Amounts may come as numbers or text."""
        raw = await body_of(request)
        wish: dict[str, Any] = json.loads(json.dumps(raw), parse_float=Decimal)
        try:
            return answer(bookkeeping.act(self.of(wish.get("realm")), wish))
        except Refusal as refusal:
            raise Refused(f"{refusal.code}: {refusal.detail}") from refusal

    async def books(self, request: Request) -> Response:
        books = self.of(request.query_params.get("realm"))
        rows: dict[str, Any] = {f"{entity.lower()}s": list(books.table(entity).rows.values()) for entity in SHOWN}
        return answer(
            {
                "realm": books.realm,
                "company": books.company,
                "preferences": books.preferences,
                **rows,
                "deleted": {entity: list(books.table(entity).deleted) for entity in b.TRANSACTIONS},
                "tax_ids": books.tax_ids,
                "outbox": books.outbox,
                "requestids": list(books.answered),
            }
        )

    async def companies(self, request: Request) -> Response:
        return answer(
            [
                {"realm": books.realm, "name": books.company["CompanyName"], "seed": books.seed}
                for books in self.world.books.values()
            ]
        )

    async def bulk(self, request: Request) -> Response:
        body = await body_of(request)
        books = self.of(body.get("realm"))
        done = bulk.make(books, int(body.get("invoices") or 0), int(body.get("changed") or 0))
        if body.keys() & {"edited", "voided", "deleted"}:
            done |= bulk.change(books, *(list(body.get(name) or []) for name in ("edited", "voided", "deleted")))
        return answer(done)

    async def notices(self, request: Request) -> Response:
        """{verifier_token?}: notices are sent from now on, until a reset; "" ends them. Tells what became of them."""
        body = await body_of(request)
        if "verifier_token" in body:
            self.world.config.verifier_token = str(body["verifier_token"])
        return answer({"waiting": len(self.world.notices.waiting), "sent": self.world.notices.sent})

    async def rotation(self, request: Request) -> Response:
        """{every_seconds?, grace_seconds?, stale_revokes?}: how refresh tokens change, until the next reset."""
        body = await body_of(request)
        rotation = self.world.grants.rotation
        if "every_seconds" in body:
            rotation.every = timedelta(seconds=float(body["every_seconds"]))
        if "grace_seconds" in body:
            rotation.grace = timedelta(seconds=float(body["grace_seconds"]))
        if "stale_revokes" in body:
            rotation.stale_revokes = bool(body["stale_revokes"])
        return answer(
            {
                "every_seconds": rotation.every.total_seconds(),
                "grace_seconds": rotation.grace.total_seconds(),
                "stale_revokes": rotation.stale_revokes,
            }
        )


def control_routes(world: World, clock: Clock, faults: Faults, config: Config) -> list[BaseRoute]:
    return Control(world).routes()
