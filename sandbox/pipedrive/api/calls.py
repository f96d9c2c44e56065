"""One API call from the door to the answer: token, budget, scope, parameters, body, handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from ...clock import Clock
from ..company import Company, User
from ..wire import Record, RefusalError, ban_page, failure, hidden, parse, unauthorized
from ..world import World
from .rules import Member, Param, check_body, read_query


@dataclass
class Call:
    """What a handler gets: who asks, and what was asked, already checked."""

    request: Request
    world: World
    clock: Clock
    company: Company
    user: User
    query: Record = field(default_factory=dict)
    body: Record = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The id in the path. Raises RefusalError (400) for anything but digits."""
        return self.whole("id")

    def seen(self, record: Record | None, missing: str) -> Record:
        """The record, for who may see it. Raises RefusalError: `missing` (404), or the company's `hides_with`."""
        if record is None:
            raise RefusalError(404, missing)
        if not self.company.sees(self.user, record):
            raise hidden(self.company.hides_with, missing)
        return record

    def whole(self, name: str) -> int:
        text = str(self.request.path_params[name])
        if not text.isdigit() or len(text) > 18:
            raise RefusalError(400, f"Validation failed: path.{name}: must be a whole number")
        return int(text)


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Endpoint:
    """One line of Pipedrive's documentation. `scopes`: any one of them will do; `cost` is `x-token-cost`."""

    api: str
    method: str
    path: str
    handler: Handler
    cost: int
    scopes: tuple[str, ...]
    query: dict[str, Param] = field(default_factory=dict)
    body: dict[str, Member] | None = None


class Gate:
    """Lets calls through to one endpoint, or says why not."""

    def __init__(self, world: World, endpoint: Endpoint) -> None:
        self.world = world
        self.endpoint = endpoint

    async def __call__(self, request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            response = await self.admit(request, headers)
        except RefusalError as refusal:
            response = refusal.answer()
        response.headers.update(headers)
        return response

    async def admit(self, request: Request, headers: dict[str, str]) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return unauthorized()
        if scheme.lower() != "bearer" or not token.strip():
            raise RefusalError(400, "Bad request: malformed authorization header")
        installation = self.world.grants.by_access(token.strip())
        if installation is None:
            return unauthorized()
        company = self.world.companies[installation.company_id]
        if self.world.config.throttle:
            account = self.world.budgets.charge(company, token, self.endpoint.cost)
            headers.update(account.headers)
            if account.banned:
                return ban_page()
            if account.refused:
                return failure(429, "Request over limit")
        if not set(self.endpoint.scopes) & set(installation.scopes):
            raise RefusalError(403, "Scope and URL mismatch")
        user = company.users[installation.user_id]
        call = Call(request, self.world, self.world.clock, company, user)
        call.query = read_query(request.query_params.multi_items(), self.endpoint.query)
        if self.endpoint.body is not None:
            call.body = await self.read_body(request, self.endpoint.body)
        return await self.endpoint.handler(call)

    async def read_body(self, request: Request, rules: dict[str, Member]) -> Record:
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise RefusalError(400, "Bad request: content must be application/json")
        try:
            body = parse(await request.body())
        except ValueError as error:
            raise RefusalError(400, "Bad request: body is not valid JSON") from error
        return check_body(body, rules)
