"""QuickBooks' accounting API, in QuickBooks' words; the only importer of `quickbooks`.

The library builds addresses and parses envelopes; sending, time limits, tokens, the JSON we write and the meaning of a
fault are ours. Objects come back as plain dicts: numbers with a fraction as Decimal, whole ones as int, ids as text.
"""

from __future__ import annotations

import hashlib
import html
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection as database
from django.utils import timezone
from quickbooks.client import QuickBooks
from quickbooks.exceptions import QuickbooksException

from integration_settings import http, read_budget
from integration_settings.call_slots import slot
from integration_settings.connections import MARGIN, fresh_access_token, pause, refresh_after_401, refuse_while_paused
from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    ServiceError,
    ServiceUnavailable,
    SubscriptionEnded,
)
from integration_settings.models import QuickBooksConnection
from integration_settings.refresh_turns import turns
from integration_settings.shares import listening

log = logging.getLogger(__name__)

MINOR_VERSION = 75
PAGE = 1000  # the most that one answer may hold
MOST_PAGES = 50
NOT_PAID_FOR = "6190"
RIGHTS_LOST = ("120", "3100")  # of whoever connected the books, or of the app; told with 401 as well as with 403
LONGEST_WAIT_OF_READS = 300.0  # seconds; "R8" of docs/reliability.md
LONGEST_SENTENCE = 4000
MOST_DIGITS = 15  # before the point, and zeros behind it; no books have more, nor any column of ours
MARKUP = re.compile(r"<a\b.*?</a>|</?[a-z][^<>]*>", re.IGNORECASE | re.DOTALL)  # a link goes with its "click here"
Json = dict[str, Any]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since a point in time. `time` is QuickBooks' own clock; deleted objects have status "Deleted".

    Not `whole` is an answer with something in it of which nobody can tell what it is.
    """

    time: datetime
    objects: dict[str, list[Json]]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """What a write sent, told without its content, and Intuit's trace id of the answer; empty where none came."""

    fields: tuple[str, ...] = ()
    digest: str = ""
    trace_id: str = ""


class QuickBooksClient:
    """Calls for one connection. Cheap to make; use one per task or request, not one for many threads."""

    def __init__(self, connection: QuickBooksConnection, count: Callable[[int], None] = read_budget.count) -> None:
        """`count` is told the connection's id of each answered read."""
        self.connection = connection
        self.count = count
        self.written = Written()  # by the last write

    def company_info(self) -> Json:
        """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/companyinfo"""
        return self.read("CompanyInfo", self.connection.realm_id)

    def preferences(self) -> Json:
        """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/preferences"""
        answer = self._call(lambda library: library.get(self._url("preferences"), {}))
        return _member(answer, "Preferences", ServiceUnavailable)

    def query(self, statement: str) -> list[Json]:
        """One page. https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries

        Values in the statement go through `quote`.
        """
        answer = self._call(lambda library: library.query(statement.encode()))
        result = answer.get("QueryResponse")
        if not isinstance(result, dict):  # whoever is not among the rows would pass for deleted
            raise ServiceUnavailable("quickbooks", "an answer without a result of the query")
        rows = next((_listed(value) for value in result.values() if isinstance(value, list | dict | str)), [])
        if not all(map(_is_object, rows)):
            raise ServiceUnavailable("quickbooks", "rows without an id")
        return rows

    def query_all(self, entity: str, where: str = "", order_by: str = "") -> list[Json]:
        """All pages of `select * from entity`. Inactive names come only if `where` asks for them."""
        statement = f"select * from {entity}"  # noqa: S608  # not SQL; values come quoted
        statement += f" where {where}" if where else ""
        statement += f" orderby {order_by}" if order_by else ""
        found: list[Json] = []
        for number in range(MOST_PAGES):
            page = self.query(f"{statement} startposition {number * PAGE + 1} maxresults {PAGE}")
            found += page
            if len(page) < PAGE:
                break
        return found

    @staticmethod
    def quote(text: str) -> str:
        """The text as a quoted value of the query language; backslash first, or it would undo the quote's own."""
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def read(self, entity: str, entity_id: str, **params: str) -> Json:
        """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#read-an-invoice"""
        url = self._url(f"{entity.lower()}/{_id(entity_id)}")
        answer = self._call(lambda library: library.get(url, {}, params=dict(params)))
        return _member(answer, entity, ServiceUnavailable)

    def create(self, entity: str, body: Json, *, request_id: str) -> Json:
        """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#create-an-invoice

        The same `request_id` makes QuickBooks repeat its first answer instead of creating again:
        https://developer.intuit.com/app/developer/qbo/docs/learn/rest-api-features
        """
        made = _member(self._post(entity.lower(), body, request_id=request_id), entity)
        if not made.get("Id"):
            raise OutcomeUnknown("quickbooks", f"an answer without the id of the new {entity}")
        return made

    def update(self, entity: str, body: Json, *, request_id: str) -> Json:
        """A sparse update: members left out stay. The body needs Id and SyncToken.

        https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#sparse-update-an-invoice
        """
        return _member(self._post(entity.lower(), {**body, "sparse": True}, request_id=request_id), entity)

    def void(self, entity: str, entity_id: str, sync_token: str, *, request_id: str) -> Json:
        """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#void-an-invoice"""
        body = {"Id": entity_id, "SyncToken": sync_token}
        return _member(self._post(entity.lower(), body, request_id=request_id, operation="void"), entity)

    def delete(self, entity: str, entity_id: str, sync_token: str, *, request_id: str) -> Json:
        """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#delete-an-invoice"""
        body = {"Id": entity_id, "SyncToken": sync_token}
        return _member(self._post(entity.lower(), body, request_id=request_id, operation="delete"), entity)

    def send_invoice(self, invoice_id: str, to: str, *, request_id: str) -> Json:
        """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#send-an-invoice"""
        url = self._url(f"invoice/{_id(invoice_id)}/send")

        def send(library: _Library) -> Json:
            return library.post(  # type: ignore[no-any-return]
                url, "", content_type="application/octet-stream", params={"sendTo": to}, request_id=request_id
            )

        self.written = Written(("sendTo",))
        return _member(self._call(send, self._keep_trace), "Invoice")

    def attach(self, attachable: Json, content: bytes) -> Json:
        """Uploads a file with what it belongs to. No request id makes a repeat of it harmless.

        https://developer.intuit.com/app/developer/qbo/docs/workflows/attach-images-and-notes
        """
        told = http.to_json(attachable)
        parts = {
            "file_metadata_0": ("attachment.json", told.encode(), "application/json"),
            "file_content_0": (attachable["FileName"], content, attachable["ContentType"]),
        }
        form, content_type = http.form_of(parts)
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        params = {"minorversion": MINOR_VERSION}

        def send(library: _Library) -> Json:
            response = library.process_request("POST", self._url("upload"), headers=headers, params=params, data=form)
            answer: Json = http.parse_json(response)
            return answer

        self.written = Written(tuple(attachable), hashlib.sha256(told.encode() + content).hexdigest())
        answers = self._call(send, self._keep_trace).get("AttachableResponse")
        return _member(answers[0] if isinstance(answers, list) and answers else None, "Attachable")

    def invoice_pdf(self, invoice_id: str) -> bytes:
        """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#get-an-invoice-as-pdf"""
        content: bytes = self._call(lambda library: library.download_pdf("Invoice", _id(invoice_id)))
        if not content.startswith(b"%PDF"):
            raise ServiceUnavailable("quickbooks", "the answer is not a PDF")
        return content

    def changes(self, entities: Sequence[str], since: datetime) -> Changes:
        """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/changedatacapture

        At most 30 days back and 1000 objects; there are no further pages. `since` carries its offset over the wire.
        """
        params = {"entities": ",".join(entities), "changedSince": since.isoformat(timespec="seconds")}
        answer = self._call(lambda library: library.get(self._url("cdc"), {}, params=dict(params)))
        objects: dict[str, list[Json]] = {entity: [] for entity in entities}
        try:
            for group in answer["CDCResponse"]:
                parts = _listed(group.get("QueryResponse"))
                if any("Fault" in each for each in (group, *parts)):
                    raise ServiceUnavailable("quickbooks", "a part of the changes failed")
                for part in parts:
                    for entity in entities:
                        objects[entity] += _listed(part.get(entity))
            moment = datetime.fromisoformat(answer["time"])
            if not MINYEAR < moment.year < MAXYEAR:
                raise ValueError("a time of no calendar")
            told = {entity: [row for row in rows if _is_object(row)] for entity, rows in objects.items()}
            odd = {entity: count for entity, rows in objects.items() if (count := len(rows) - len(told[entity]))}
            if odd:
                log.warning("among QuickBooks' changes are some that are no objects: %s", odd)
            # Without an offset as the times of what has changed are read, and no cursor lies ahead of our clock.
            return Changes(moment if moment.tzinfo else moment.replace(tzinfo=UTC), told, whole=not odd)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServiceUnavailable("quickbooks", "changes not understood") from error

    def exchange_rate(self, currency: str, on: date) -> Decimal | None:
        """Home units for one unit of `currency`. None when QuickBooks names no rate.

        https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/exchangerate
        """
        params = {"sourcecurrencycode": currency, "asofdate": on.isoformat()}
        answer = self._call(lambda library: library.get(self._url("exchangerate"), {}, params=dict(params)))
        told = answer.get("ExchangeRate")
        rate = number_of(told.get("Rate")) if isinstance(told, dict) else None
        return rate if rate and rate > 0 else None

    def _post(self, path: str, body: Json, *, request_id: str, **params: str) -> Json:
        text = http.to_json(body)
        self.written = Written(tuple(body), hashlib.sha256(text.encode()).hexdigest())
        answer: Json = self._call(
            lambda library: library.post(self._url(path), text, request_id=request_id, params=dict(params)),
            self._keep_trace,
        )
        return answer

    def _keep_trace(self, trace_id: str) -> None:
        self.written = replace(self.written, trace_id=trace_id)

    def _url(self, path: str) -> str:
        return f"{settings.QUICKBOOKS_API_URL}/v3/company/{self.connection.realm_id}/{path}"

    def _call(self, send: Callable[[_Library], Any], heard: Callable[[str], None] | None = None) -> Any:
        """`heard` gets the trace id of whatever answer comes."""
        token = self._token()
        try:
            return self._send(send, token, heard)
        except ConnectionExpired:
            return self._send(send, self._token(rejected=token), heard)

    def _token(self, rejected: str = "") -> str:
        if rejected:
            return refresh_after_401(self.connection, rejected)
        refuse_while_paused(self.connection)
        return fresh_access_token(self.connection)

    def _send(self, send: Callable[[_Library], Any], token: str, heard: Callable[[str], None] | None) -> Any:
        with self._allowed():
            answer, read = _once(send, self.connection, token, heard)
        if read:
            self.count(self.connection.pk)
        return answer

    @contextmanager
    def _allowed(self) -> Iterator[None]:
        """Around a call: the limits that are ours to keep, and those that QuickBooks tells of."""
        with listening("quickbooks", self.connection.company_id), slot("quickbooks", self.connection.realm_id):
            try:
                yield
            except RateLimited as error:
                pause(self.connection, error.retry_after)
                raise


class OneOfManyClient(QuickBooksClient):
    """For a thread of very many: it takes no slot, see `call_slots`, and a connection to the database, of which there
    are few, only for a new token, and then in its turn.

    Whoever calls asks nobody who is paused, and has whoever is refused by `RateLimited` paused.
    """

    def _token(self, rejected: str = "") -> str:
        connection = self.connection
        if not rejected and connection.is_connected and connection.access_is_fresh(timezone.now(), MARGIN):
            return connection.access_token
        with turns.turn():
            try:
                return refresh_after_401(connection, rejected) if rejected else fresh_access_token(connection)
            finally:
                database.close()

    @contextmanager
    def _allowed(self) -> Iterator[None]:
        yield


class _Library(QuickBooks):  # type: ignore[misc]  # the library carries no types
    """The library with our session; every answer is judged before the library looks at it.

    No AuthClient is given: with one, the library's constructor would refresh the token behind our back.
    """

    def process_request(self, *args: Any, **kwargs: Any) -> Any:
        response = super().process_request(*args, **kwargs)
        if error := _judge(response):
            raise error
        return response


def _once(
    send: Callable[[_Library], Answer],
    connection: QuickBooksConnection,
    access_token: str,
    heard: Callable[[str], None] | None,
) -> tuple[Answer, bool]:
    """The answer, and whether it was a read, which is metered."""
    library = _Library(company_id=connection.realm_id, minorversion=MINOR_VERSION, use_decimal=True)
    library.sandbox = False
    library.api_url_v3 = f"{settings.QUICKBOOKS_API_URL}/v3"
    library.session = session = http.open_session("quickbooks", access_token=access_token)
    try:
        answer = send(library)
        if session.last_response is not None:
            answer = http.storable(answer, session.last_response)
    except (QuickbooksException, TypeError, ValueError, KeyError) as problem:
        # `from None`: the library's text quotes the body. TypeError and ValueError are its answers to odd fault codes.
        if session.last_response is None:
            raise
        raise http.unreadable("quickbooks", session.last_response) from (
            None if isinstance(problem, QuickbooksException) else problem
        )
    finally:
        if heard and session.last_response is not None:
            heard(http.trace_id_of("quickbooks", session.last_response))
    sent = session.last_response.request if session.last_response is not None else None
    return answer, sent is not None and http.is_read(sent.method or "", sent.url or "")


def _judge(response: Any) -> ServiceError | None:
    """What an answer means: by status first, then by the fault's code; an answer of 200 may hold a fault too.

    What is not there QuickBooks tells by a code. A bare 404 is a gateway's, and says nothing of what was asked for.
    https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
    """
    if response.status_code == 200 and b"Fault" not in response.content[:2000]:
        return None
    fault = _first_fault(response)
    code = str(fault.get("code") or "")
    error = http.error_for("quickbooks", response, code=code)
    if error is None and not fault:
        return None
    summary = error.summary if error else f"{response.request.method} answered 200 with fault {code}"
    trace_id, status = http.trace_id_of("quickbooks", response), response.status_code
    read = http.is_read(response.request.method, response.request.url)
    lost_rights = code in RIGHTS_LOST and isinstance(error, ConnectionExpired)  # no new token would help
    if isinstance(error, RateLimited) and read:
        # Bursts are over within a minute. A longer wait is about the month's reads, which keeps no write from going.
        error.retry_after = min(error.retry_after, LONGEST_WAIT_OF_READS)
    if error is not None and not isinstance(error, Rejected | AccessDenied | NotFound) and not lost_rights:
        return error
    by_code: ServiceError
    if code in ("3001", "003001"):
        by_code = RateLimited("quickbooks", summary, trace_id=trace_id, status=status)
    elif code == "3200":
        by_code = ConnectionExpired("quickbooks", summary, trace_id=trace_id, status=status)
    elif code == NOT_PAID_FOR and read:  # a write is refused, which is told where it was asked for
        by_code = SubscriptionEnded("quickbooks", summary, trace_id=trace_id, status=status)
    elif (isinstance(error, AccessDenied) and code != NOT_PAID_FOR) or code in RIGHTS_LOST:
        by_code = AccessDenied("quickbooks", summary, trace_id=trace_id, status=status)
    elif code == "610" and read:
        by_code = NotFound("quickbooks", summary, trace_id=trace_id, status=status)
    elif (code.isdigit() and int(code) >= 10000) or (isinstance(error, NotFound) and not code):
        kind = ServiceUnavailable if read else OutcomeUnknown
        by_code = kind("quickbooks", summary, trace_id=trace_id, status=status)
    else:
        by_code = Rejected(
            "quickbooks",
            summary,
            code=code,
            message=_plain_words(fault.get("message"))[:500],
            detail=_plain_words(fault.get("detail"))[:1000],
            element=str(fault.get("element") or "")[:100],
            trace_id=trace_id,
            status=status,
        )
    return by_code


def _first_fault(response: Any) -> Json:
    """The first error of a fault, names in lower case, whichever spelling; {} for XML, HTML and the like.

    Where there are several it says them all: what is repaired one by one is refused again for each.
    """
    try:
        answer = http.parse_json(response)
    except ValueError:
        return {}
    if isinstance(answer, dict) and isinstance(parts := answer.get("AttachableResponse"), list) and parts:
        answer = parts[0]
    if not isinstance(answer, dict):
        return {}
    fault = answer.get("Fault") or answer.get("fault")
    errors = (fault.get("Error") or fault.get("error")) if isinstance(fault, dict) else None
    if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
        return {"code": ""} if fault else {}
    said = [{str(name).lower(): value for name, value in each.items()} for each in errors if isinstance(each, dict)]
    fault = said[0]
    if len(said) > 1:
        sentences = (_plain_words(each.get("detail") or each.get("message")) for each in said)
        fault["detail"] = " · ".join(dict.fromkeys(sentence for sentence in sentences if sentence))
    return fault


def _plain_words(said: Any) -> str:
    """QuickBooks' sentence as people read it: some have links in HTML, many begin with the name of their kind, and some
    end with ": null", where more could be said and is not.
    """
    words = html.unescape(MARKUP.sub(" ", str(said or "")[:LONGEST_SENTENCE]))
    return " ".join(words.removeprefix("Business Validation Error:").split()).removesuffix(": null").rstrip()


def _member(answer: Any, entity: str, problem: type[ServiceError] = OutcomeUnknown) -> Json:
    """Raises `problem` for an answer without it."""
    found = answer.get(entity) if isinstance(answer, dict) else None
    if not isinstance(found, dict):
        raise problem("quickbooks", f"an answer without {entity}")
    return found


def _listed(found: Any) -> list[Any]:
    """One alone may come without its list."""
    return found if isinstance(found, list) else [found] if found else []


def _is_object(row: Any) -> bool:
    return isinstance(row, dict) and bool(row.get("Id"))


def _id(entity_id: str) -> str:
    if not entity_id.isdigit():
        raise NotFound("quickbooks", "not an id")
    return entity_id


def number_of(told: object) -> Decimal | None:
    """A number of QuickBooks' JSON, which may be a text. None for what is none, or none of any books: of "1,234.50" it
    is nobody's to guess what it means.
    """
    try:
        number = Decimal(str(told))
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    return number if not number or abs(number.adjusted()) < MOST_DIGITS else None
