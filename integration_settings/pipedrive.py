"""Pipedrive's API, in Pipedrive's words, as one of its users. No interpretation here: the gateway does that.

Numbers with a fraction arrive as Decimal, whole ones as int. Every method raises the errors of `errors`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from integration_settings import http
from integration_settings.api_hosts import UntrustedHost, checked_storage
from integration_settings.call_slots import slot
from integration_settings.clock import hear_pipedrive
from integration_settings.connections import fresh_access_token, pause, refresh_after_401, refuse_while_paused
from integration_settings.errors import (
    AccessDenied,
    AnswerTooLarge,
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    ServiceError,
    ServiceUnavailable,
    SubscriptionEnded,
)
from integration_settings.models import PipedriveUser
from integration_settings.shares import listening

PAGE = 500
IDS_AT_ONCE = 100
MOST_PAGES = 40
READING_SECONDS = 40.0  # after which no further page of changed deals is asked for
UNAUTHORIZED, PAYMENT_REQUIRED, FEATURE_OFF = 401, 402, 415
REDIRECTS = (301, 302, 303, 307, 308)
MOST_FILES = 100  # of one page
Json = dict[str, Any]
Answer = TypeVar("Answer")
FieldsOf = Literal["deal", "person", "organization"]


class PipedriveClient:
    """Calls with this user's own grant, so Pipedrive's visibility rules hold. Safe to share between threads."""

    def __init__(self, user: PipedriveUser) -> None:
        self.user = user

    def me(self) -> Json:
        """https://developers.pipedrive.com/docs/api/v1/Users#getCurrentUser"""
        return self._one("v1/users/me")

    def deal(self, deal_id: int) -> Json:
        """https://developers.pipedrive.com/docs/api/v1/Deals#getDeal ; enum values come as {id, label}

        Raises `NotFound` also for one that was deleted, or merged into another: Pipedrive keeps it for a while.
        """
        found = self._one(f"v2/deals/{int(deal_id)}", include_option_labels="true")
        if _is_deleted(found):
            raise NotFound("pipedrive", "the deal was deleted")
        return found

    def update_deal(self, deal_id: int, *, custom_fields: Json, stage_id: int | None = None) -> Json:
        """https://developers.pipedrive.com/docs/api/v1/Deals#updateDeal ; all else stays as it is"""
        sent = {"custom_fields": custom_fields} | ({"stage_id": stage_id} if stage_id else {})
        return _record(self._send("PATCH", f"v2/deals/{int(deal_id)}", json=sent), OutcomeUnknown)

    def deals(self, ids: Iterable[int]) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Deals#getDeals ; those that this user may see, 100 ids a call;
        the archived ones have a list of their own
        """
        wanted = set(ids)
        found = self._by_ids("v2/deals", wanted)
        found += self._by_ids("v2/deals/archived", wanted - {int(deal["id"]) for deal in found})
        return [deal for deal in found if not _is_deleted(deal)]

    def latest_deals(self, most: int) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Deals#getDeals ; changed last first"""
        return self._pages("v2/deals", most, sort_by="update_time", sort_direction="desc")

    def deals_changed_since(self, moment: datetime, most: int, *, archived: bool = False) -> tuple[list[Json], bool]:
        """https://developers.pipedrive.com/docs/api/v1/Deals#getDeals ; of every status, deleted ones too, the one
        that changed last at the end, and whether those are all; the `archived` ones have a list of their own.

        Each page is asked for from the last change on: a deal that changes meanwhile moves to the end, and with a
        cursor that counts another one would slip through. One is used for what changed in the same second.
        """
        found: dict[str, Json] = {}
        since, cursor, until = _second(moment), "", time.monotonic() + READING_SECONDS
        while True:
            page = self._get(
                "v2/deals/archived" if archived else "v2/deals",
                limit=min(most, PAGE),
                updated_since=since,
                status="open,won,lost,deleted",
                sort_by="update_time",
                sort_direction="asc",
                **({"cursor": cursor} if cursor else {}),
            )
            records = _records(page)
            for record in records:
                found.pop(str(record.get("id")), None)  # it has moved to the end
                found[str(record.get("id"))] = record
            cursor = _part(page, "additional_data").get("next_cursor") or ""
            if not cursor or len(found) >= most or time.monotonic() > until:
                return list(found.values())[:most], not cursor and len(found) <= most
            last = _second_of(records[-1].get("update_time")) if records else ""
            if last > since:
                since, cursor = last, ""

    def deal_products(self, deal_id: int) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Deals#getDealProducts ; in the order of the deal"""
        return _none_if_off(lambda: self._pages(f"v2/deals/{int(deal_id)}/products", sort_by="order_nr"))

    def deal_discounts(self, deal_id: int) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Deals#getAdditionalDiscounts"""
        return _none_if_off(lambda: _records(self._get(f"v2/deals/{int(deal_id)}/discounts")))

    def deal_instalments(self, deal_id: int) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/DealInstallments#getInstallments ; the next one first. Accounts
        without that feature have none.
        """
        path = "v2/deals/installments"
        with suppress(AccessDenied):
            return _none_if_off(lambda: self._pages(path, deal_ids=int(deal_id), sort_by="billing_date"))
        return []

    def deal_files(self, deal_id: int) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Deals#getDealFiles ; the hundred that were changed last"""
        return _records(self._get(f"v1/deals/{int(deal_id)}/files", limit=MOST_FILES, sort="update_time DESC"))

    def file_content(self, file_id: int, most_bytes: int) -> bytes:
        """https://developers.pipedrive.com/docs/api/v1/Files#downloadFile

        Raises `AnswerTooLarge` for a larger file.
        """
        path = f"v1/files/{int(file_id)}/download"
        return self._allowed(lambda token: download(self.user.api_domain, token, path, most_bytes))

    def person(self, person_id: int) -> Json:
        """https://developers.pipedrive.com/docs/api/v1/Persons#getPerson"""
        return self._one(f"v2/persons/{int(person_id)}", include_option_labels="true")

    def organization(self, organization_id: int) -> Json:
        """https://developers.pipedrive.com/docs/api/v1/Organizations#getOrganization"""
        return self._one(f"v2/organizations/{int(organization_id)}", include_option_labels="true")

    def products(self, ids: Iterable[int]) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Products#getProducts ; 100 ids a call"""
        return self._by_ids("v2/products", ids)

    def fields(self, of: FieldsOf) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/DealFields#getDealFields and its siblings"""
        return self._pages(f"v2/{of}Fields")

    def pipelines(self) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Pipelines#getPipelines"""
        return self._pages("v2/pipelines")

    def stages(self) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Stages#getStages ; of all pipelines, in the order of each"""
        return self._pages("v2/stages", sort_by="order_nr")

    def currencies(self) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Currencies#getCurrencies"""
        return _records(self._get("v1/currencies"))

    def deal_notes(self, deal_id: int) -> list[Json]:
        """https://developers.pipedrive.com/docs/api/v1/Notes#getNotes"""
        found: list[Json] = []
        start = 0
        for _ in range(MOST_PAGES):
            answer = self._get("v1/notes", deal_id=int(deal_id), start=start, limit=PAGE)
            found += _records(answer)
            page = _part(_part(answer, "additional_data"), "pagination")
            further = page.get("next_start")
            if not page.get("more_items_in_collection") or not isinstance(further, int) or further <= start:
                break
            start = further
        return found

    def note(self, note_id: int) -> Json:
        """https://developers.pipedrive.com/docs/api/v1/Notes#getNote"""
        return self._one(f"v1/notes/{int(note_id)}")

    def add_note(self, *, deal_id: int, content: str) -> Json:
        """https://developers.pipedrive.com/docs/api/v1/Notes#addNote

        There is no request id: after `OutcomeUnknown` look among `deal_notes` before sending again.
        """
        sent = {"deal_id": int(deal_id), "content": content}
        return _record(self._send("POST", "v1/notes", json=sent), OutcomeUnknown)

    def update_note(self, *, note_id: int, content: str) -> Json:
        """https://developers.pipedrive.com/docs/api/v1/Notes#updateNote"""
        return _record(self._send("PUT", f"v1/notes/{int(note_id)}", json={"content": content}), OutcomeUnknown)

    def _one(self, path: str, **params: Any) -> Json:
        return _record(self._get(path, **params))

    def _get(self, path: str, **params: Any) -> Json:
        return self._send("GET", path, params=params)

    def _by_ids(self, path: str, ids: Iterable[int]) -> list[Json]:
        wanted = sorted({int(each) for each in ids})
        found: list[Json] = []
        for start in range(0, len(wanted), IDS_AT_ONCE):
            part = wanted[start : start + IDS_AT_ONCE]
            found += self._pages(path, ids=",".join(map(str, part)))
        return found

    def _pages(self, path: str, most: int | None = None, **params: Any) -> list[Json]:
        """All pages of a version 2 list, or as many as `most` entries need: a page may hold fewer than were asked for.

        https://pipedrive.readme.io/docs/core-api-concepts-pagination
        """
        limit = PAGE if most is None else min(most, PAGE)
        found: list[Json] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = self._get(path, limit=limit, **params, **({"cursor": cursor} if cursor else {}))
            found += _records(page)
            cursor = _part(page, "additional_data").get("next_cursor")
            if not cursor or (most is not None and len(found) >= most):
                break
        return found[:most]

    def _send(self, method: str, path: str, **kwargs: Any) -> Json:
        return self._allowed(lambda token: call(self.user.api_domain, token, method, path, **kwargs))

    def _allowed(self, send: Callable[[str], Answer]) -> Answer:
        """What `send` brings with a token that is good, within the limits that are ours to keep."""
        refuse_while_paused(self.user)
        token = fresh_access_token(self.user)
        try:
            return self._once(send, token)
        except ConnectionExpired as refused:
            if refused.status != UNAUTHORIZED:  # another token of the same grant would have the same scopes
                raise
            return self._once(send, refresh_after_401(self.user, token))

    def _once(self, send: Callable[[str], Answer], token: str) -> Answer:
        with listening("pipedrive", self.user.company_id), slot("pipedrive", str(self.user.pk)):
            try:
                return send(token)
            except RateLimited as error:
                pause(self.user, error.retry_after)
                raise


def _second(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _second_of(told: Any) -> str:
    """Empty for what is no time of version 2."""
    try:
        return _second(datetime.fromisoformat(told))
    except (TypeError, ValueError, OverflowError):
        return ""


def _record(answer: Json, problem: type[ServiceError] = ServiceUnavailable) -> Json:
    """The one record of an answer; raises `problem` for one without."""
    record = answer.get("data")
    if not isinstance(record, dict) or not record.get("id"):
        raise problem("pipedrive", "an answer without its record")
    return record


def _records(answer: Json) -> list[Json]:
    """Those of an answer with a list; an empty one may come as nothing at all."""
    records = answer.get("data") or []
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ServiceUnavailable("pipedrive", "an answer without its records")
    return records


def _part(answer: Json, name: str) -> Json:
    found = answer.get(name)
    return found if isinstance(found, dict) else {}


def _none_if_off(read: Callable[[], list[Json]]) -> list[Json]:
    """A company that has switched a feature off has nothing of it.
    https://pipedrive.readme.io/docs/core-api-concepts-http-status-codes
    """
    try:
        return read()
    except Rejected as refusal:
        if refusal.status != FEATURE_OFF:
            raise
        return []


def _is_deleted(deal: Json) -> bool:
    return deal.get("is_deleted") is True or deal.get("status") == "deleted"


def call(api_domain: str, access_token: str, method: str, path: str, **kwargs: Any) -> Json:
    """One call; the whole envelope. `path` begins with the version. Raises `ConnectionExpired` for a refused token."""
    session = http.open_session("pipedrive", access_token=access_token)
    response = session.request(method, f"{api_domain}/api/{path}", headers={"Accept": "application/json"}, **kwargs)
    hear_pipedrive(response.headers.get("Date", ""))
    _raise_refusal(response)
    try:
        answer = http.parse_json(response)
    except ValueError as problem:
        raise http.unreadable("pipedrive", response) from problem
    if not isinstance(answer, dict) or answer.get("success") is False:
        raise http.unreadable("pipedrive", response)
    return answer


def download(api_domain: str, access_token: str, path: str, most_bytes: int) -> bytes:
    """A file's content, there or where Pipedrive says that it keeps it: that address needs no token, and has to get
    none.
    """
    session = http.open_session("pipedrive", access_token=access_token, most_bytes=most_bytes)
    response = session.request("GET", f"{api_domain}/api/{path}")
    if response.status_code not in REDIRECTS:
        _raise_refusal(response)
        return response.content
    storage = http.open_session("pipedrive", most_bytes=most_bytes, logged_as="storage of files")
    try:
        stored = storage.request("GET", checked_storage(response.headers.get("Location", "")))
    except AnswerTooLarge:
        raise AnswerTooLarge("pipedrive", "a file that is too large") from None
    except (ServiceError, UntrustedHost):
        raise ServiceUnavailable("pipedrive", "no answer where the file is kept") from None
    if stored.status_code != 200:
        raise ServiceUnavailable("pipedrive", f"{stored.status_code} where the file is kept", status=stored.status_code)
    return stored.content


def _raise_refusal(response: Any) -> None:
    error = http.error_for("pipedrive", response)
    if isinstance(error, Rejected):
        error.message = _words(response)
    if isinstance(error, AccessDenied):
        error = _forbidden(error, response)
    if error:
        raise error


def me_with(api_domain: str, access_token: str) -> Json:
    """Who a token that is not stored yet belongs to. https://developers.pipedrive.com/docs/api/v1/Users#getCurrentUser"""
    return _record(call(api_domain, access_token, "GET", "v1/users/me"))


def _forbidden(error: AccessDenied, response: Any) -> ServiceError:
    """What a 402 or a 403 is about. The first is the account as a whole. Pipedrive's own 403 are JSON and mean the
    record or the user, but for one: the grant is older than a scope that the call needs, and only a new consent helps.
    A page of the gateway before Pipedrive is its ban on who asks too much:
    https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting
    """
    if error.status == PAYMENT_REQUIRED:
        return SubscriptionEnded("pipedrive", error.summary, trace_id=error.trace_id, status=error.status)
    try:
        http.parse_json(response)
    except ValueError:
        return RateLimited("pipedrive", error.summary, trace_id=error.trace_id, status=error.status)
    if "scope" in _words(response).lower():
        return ConnectionExpired("pipedrive", error.summary, trace_id=error.trace_id, status=error.status)
    return error


def _words(response: Any) -> str:
    """Pipedrive's own explanation of a refusal, if the body has one."""
    parse: Callable[[Any], Any] = http.parse_json
    try:
        answer = parse(response)
    except ValueError:
        return ""
    return str(answer.get("error") or "")[:500] if isinstance(answer, dict) else ""
