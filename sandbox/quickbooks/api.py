"""The accounting API: who may call, what is called, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..config import Config
from ..faults import notes
from . import attachments, batch, cdc, entities, invoices, query, refusals
from .books import Books
from .pdf import invoice_pdf
from .refusals import Refusal, TokenRefusal
from .wire import Row, answer, as_xml, loads, raw_answer, server_time, trace_id
from .world import World

LONGEST_REQUEST_ID = 50
LONGEST_BATCH_REQUEST_ID = 36
VERSION = "1993.240"


@dataclass
class Call:
    """One authorised call: `parts` are the segments of the path below the company."""

    request: Request
    books: Books
    parts: list[str]
    body: bytes
    lag: float

    def parameter(self, name: str) -> str | None:
        return self.request.query_params.get(name)

    def json(self) -> Any:
        try:
            return loads(self.body.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise refusals.unsupported("of a body that is not UTF-8") from error
        except ValueError as error:
            raise refusals.invalid_value("body", f"is no JSON ({error}),") from error

    def demand_type(self, *kinds: str) -> None:
        given = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given not in kinds:
            raise refusals.unsupported(f"with the content type {given or 'none'}")


class Api:
    def __init__(self, world: World, config: Config) -> None:
        self.world = world
        self.config = config

    def routes(self) -> list[Route]:
        return [Route("/v3/company/{realm}/{rest:path}", self.handle, methods=["GET", "POST"])]

    async def handle(self, request: Request) -> Response:
        trace = trace_id()
        body = await request.body()
        now = self.world.clock.now()
        try:
            response = self.answer(request, body)
        except Refusal as refusal:
            response = answer(refusal.body(now), refusal.status)
        except TokenRefusal as refusal:
            response = answer(
                refusal.body(now), 401, {"WWW-Authenticate": 'Bearer realm="Intuit", error="invalid_token"'}
            )
        response.headers["intuit_tid"] = trace
        response.headers["QBO-Version"] = VERSION
        response.headers["Cache-Control"] = "max-age=0, no-cache, no-store, must-revalidate, private"
        return response

    def answer(self, request: Request, body: bytes) -> Response:
        realm = request.path_params["realm"]
        parts = request.path_params["rest"].rstrip("/").split("/")
        books = self.admit(request, realm)
        if self.config.throttle:
            self.world.throttle.count(realm, batch=parts[0] == "batch")
        call = Call(request, books, parts, body, float(notes(request.scope).get("query_lag") or 0))
        if len(parts) == 3 and parts[2] == "pdf" and request.method == "GET":
            return self.pdf(call)
        if request.method == "GET":
            return self.shaped(request, self.read(call))
        return self.once(call)

    def admit(self, request: Request, realm: str) -> Books:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenRefusal("Token missing")
        grant = self.world.grants.holder(token)
        if grant is None:
            raise TokenRefusal(f"Token expired: {token[:24]}")
        if grant.realm != realm or realm not in self.world.books:
            raise refusals.wrong_realm()
        books = self.world.books[realm]
        if books.refusing == "subscription":
            raise refusals.subscription_ended()
        if books.refusing == "rights":
            raise refusals.rights_lost()
        return books

    def once(self, call: Call) -> Response:
        """A POST with a request id that was answered before gets that answer again, whatever it asks this time."""
        identity = call.parameter("requestid")
        longest = LONGEST_BATCH_REQUEST_ID if call.parts[0] == "batch" else LONGEST_REQUEST_ID
        if identity is not None and not 1 <= len(identity) <= longest:
            raise refusals.too_long("requestid", longest)
        if identity is None or notes(call.request.scope).get("ignore_requestid"):
            return self.shaped(call.request, self.write(call))
        remembered = call.books.answered.get(identity)
        if remembered is None:
            try:
                response = self.shaped(call.request, self.write(call))
            except Refusal as refusal:
                response = answer(refusal.body(call.books.now()), refusal.status)
            call.books.remember(identity, response.status_code, bytes(response.body))
            return response
        return raw_answer(remembered[1], remembered[0])

    def shaped(self, request: Request, content: Row) -> Response:
        """JSON for those who ask for it, XML for those who forget to."""
        content["time"] = server_time(self.world.clock.now())
        if "application/json" in request.headers.get("accept", ""):
            return answer(content)
        return Response(as_xml(content), media_type="application/xml")

    # -- reading ----

    def read(self, call: Call) -> Row:
        books, parts = call.books, call.parts
        single: dict[str, Callable[[], Row]] = {
            "query": lambda: {"QueryResponse": query.run(books, call.parameter("query") or "", call.lag)},
            "cdc": lambda: cdc.run(books, call.parameter("entities"), call.parameter("changedSince"), call.lag),
            "preferences": lambda: {"Preferences": books.preferences},
            "exchangerate": lambda: {"ExchangeRate": self.exchange_rate(call)},
        }
        if len(parts) == 1 and parts[0] in single:
            return single[parts[0]]()
        if len(parts) != 2:
            raise refusals.unsupported(f"GET {'/'.join(parts)}")
        if parts[0] == "companyinfo":
            if parts[1] not in (books.realm, "1"):
                raise refusals.not_found()
            return {"CompanyInfo": books.company}
        entity = entities.BY_PATH.get(parts[0])
        if entity is None:
            raise refusals.unsupported(f"GET {parts[0]}")
        row = books.get(entity, parts[1])
        if entity == "Invoice" and call.parameter("include") == "invoiceLink":
            row = self.with_link(books, row)
        return {entity: row}

    def with_link(self, books: Books, row: Row) -> Row:
        """The page for the customer exists only for invoices that can be sent or paid online."""
        if row.get("BillEmail") or row.get("AllowOnlineCreditCardPayment") or row.get("AllowOnlineACHPayment"):
            return {**row, "InvoiceLink": f"{self.config.url}/web/{books.realm}/invoice/{row['Id']}/customer"}
        return row

    def exchange_rate(self, call: Call) -> Row:
        code = call.parameter("sourcecurrencycode")
        if not code:
            raise refusals.required("sourcecurrencycode")
        books = call.books
        if not books.multicurrency:
            raise refusals.business("Multicurrency is switched off.")
        if code != books.home and code not in books.rates:
            raise refusals.invalid_reference("sourcecurrencycode")
        day = call.parameter("asofdate") or books.today().isoformat()
        meta = {
            "CreateTime": books.company["MetaData"]["CreateTime"],
            "LastUpdatedTime": books.company["MetaData"]["LastUpdatedTime"],
        }
        rate = {"SourceCurrencyCode": code, "TargetCurrencyCode": books.home, "Rate": books.rate(code), "AsOfDate": day}
        return {**rate, "domain": "QBO", "sparse": False, "SyncToken": "0", "Id": "1", "MetaData": meta}

    def pdf(self, call: Call) -> Response:
        if call.parts[0] != "invoice":
            raise refusals.unsupported(f"PDF of {call.parts[0]}")
        if "application/pdf" not in call.request.headers.get("accept", ""):
            raise refusals.unsupported("PDF without Accept: application/pdf")
        row = call.books.get("Invoice", call.parts[1])
        return Response(invoice_pdf(call.books, row), media_type="application/pdf")

    # -- writing ----

    def write(self, call: Call) -> Row:
        books, parts = call.books, call.parts
        if parts == ["query"]:
            call.demand_type("application/text", "text/plain")
            return {"QueryResponse": query.run(books, self.statement(call), call.lag)}
        if parts == ["batch"]:
            call.demand_type("application/json")
            answers = batch.run(books, call.json())
            notes(call.request.scope)["items"] = len(answers)
            return {"BatchItemResponse": answers}
        if parts == ["upload"]:
            call.demand_type("multipart/form-data")
            content_type = call.request.headers["content-type"]
            return {"AttachableResponse": attachments.upload(books, content_type, call.body)}
        if len(parts) == 3 and parts[0] == "invoice" and parts[2] == "send":
            call.demand_type("application/octet-stream", "application/json", "")
            return {"Invoice": invoices.send(books, parts[1], call.parameter("sendTo"))}
        entity = entities.BY_PATH.get(parts[0]) if len(parts) == 1 else None
        if entity not in entities.WRITABLE:
            raise refusals.unsupported(f"POST {'/'.join(parts)}")
        call.demand_type("application/json")
        operation = "void" if call.parameter("include") == "void" else call.parameter("operation")
        duplicate = (call.parameter("include") or "").startswith("allowduplicatedocnum")
        return {str(entity): entities.act(books, str(entity), operation, call.json(), allow_duplicate=duplicate)}

    def statement(self, call: Call) -> str:
        try:
            return call.parameter("query") or call.body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise refusals.unsupported("of a body that is not UTF-8") from error


def fault_answer(status: int, path: str, retry_after: int | None) -> Response:
    """What the vendor sends for a failure that a test ordered."""
    now = datetime.now(UTC)
    headers = {"intuit_tid": trace_id()}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if not path.startswith("/v3/"):
        return answer({"error": "invalid_client" if status == 401 else "server_error"}, status, headers)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Intuit", error="invalid_token"'
        return answer(refusals.unauthorized("Token expired", now), 401, headers)
    known = {403: refusals.wrong_realm(), 429: refusals.throttled()}
    refusal = known.get(status) or refusals.system_failure(status)
    return answer(refusal.body(now), status, headers)
