"""Lists of the vendors that change slowly, as last read.

A list older than its time is read again; when the vendor does not answer, the old one serves. Lists whose changes
QuickBooks reports stay young as long as none was reported.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from integration_settings import read_budget
from integration_settings.clock import LONGEST_DIFFERENCE
from integration_settings.errors import ConnectionExpired, RateLimited, Rejected, ServiceUnavailable
from integration_settings.models import DISCONNECTED, Company, QuickBooksConnection, ReferenceList
from integration_settings.prepared import Prepared
from integration_settings.selectors import hold_company
from integration_settings.short_memory import kept_for_an_hour

log = logging.getLogger(__name__)

ONE_HOUR = timedelta(hours=1)
TWO_WEEKS = timedelta(weeks=2)  # of what hardly ever changes, and untold; see `reference.doubt`
OUTDATED = datetime(1970, 1, 1, tzinfo=UTC)  # when a list was read in which something has changed since
BEING_READ = OUTDATED - timedelta(days=1)  # no younger, and asked for: a report from then on makes it `OUTDATED`
REST_AFTER_FAILURE = 30  # seconds in which an old list serves without asking again
FROM_PIPEDRIVE = "pipedrive_"  # begins the kind of what is Pipedrive's; the others are QuickBooks'
LISTS_MADE = 64  # of all companies, of which a process keeps what it has made
Row = dict[str, Any]
Rows = list[Row]
Made = TypeVar("Made")


class Stored(NamedTuple):
    """A list as it is kept; its text is read only when `_made` does not know it."""

    kind: str
    fetched_at: datetime
    text: str


_only_kept: ContextVar[bool] = ContextVar("only_kept", default=False)
_in_hand: ContextVar[dict[tuple[int, bool], dict[str, Stored]] | None] = ContextVar("in_hand", default=None)


class NotKept(Exception):
    """The list would have to be read from the vendor."""


@contextmanager
def only_kept() -> Iterator[None]:
    """Within it no vendor is asked for a list: `NotKept` is raised for one that is not there or too old."""
    token = _only_kept.set(True)
    try:
        yield
    finally:
        _only_kept.reset(token)


@contextmanager
def read_once() -> Iterator[None]:
    """Within it a company's lists come from our store together, with the first one that is needed, and not again."""
    token = _in_hand.set({})
    try:
        yield
    finally:
        _in_hand.reset(token)


def kept(
    company: Company,
    kind: str,
    read: Callable[[], Rows],
    make: Callable[[Row], Made],
    max_age: timedelta,
    *,
    books: QuickBooksConnection | None = None,
    changes_known_until: datetime | None = None,
) -> list[Made]:
    """The list from our store while it is young enough, else read anew; an old one rather than none.

    `make` turns a row into what the caller wants, which is nothing that could be changed: it is kept and shared. It
    raises KeyError or TypeError for a row that lacks a member or has one that it does not know.
    Raises `NotKept` within `only_kept`. `books` are those that a list of QuickBooks' is read from: it is not kept
    when others were connected meanwhile, or these disconnected. `changes_known_until` is the moment up to which a
    change would have been reported, see `outdate`.
    """
    row = _stored(company.pk, kind)
    made = _made(row, make) if row is not None else None
    if row is not None and made is not None:
        known = changes_known_until if changes_known_until and row.fetched_at > OUTDATED else None
        if is_young(max(row.fetched_at, known or OUTDATED), max_age):
            return made
    resting = f"list-failed:{company.pk}:{kind}"
    if made is not None and cache.get(resting):
        return made
    if _only_kept.get():
        raise NotKept(kind)
    try:
        if made is not None and books is not None:
            read_budget.refuse_when_spent(books)
        if books is not None and (row is None or made is None or row.fetched_at <= OUTDATED):
            row = _being_read(company.pk, kind, books)
        begun = timezone.now()  # what is new since then need not stand in it
        rows = read()
    except (ServiceUnavailable, RateLimited, ConnectionExpired, Rejected) as error:
        if made is None:
            raise
        log.info("the earlier list of %s serves: %s", kind, error)
        cache.set(resting, True, REST_AFTER_FAILURE)
        return made
    with transaction.atomic():
        if _is_wanted(company.pk, books):
            now = _locked(company.pk, kind)
            if row is None or now is None or not _read_since(row, now, begun):
                told = row is not None and now is not None and _told_meanwhile(row, now)
                values = {"rows": rows, "fetched_at": OUTDATED if told else begun}
                ReferenceList.objects.update_or_create(company=company, kind=kind, defaults=values)
    _let_go(company.pk)
    return [make(each) for each in rows]


def is_young(read_at: datetime, max_age: timedelta) -> bool:
    """Not what a machine has read whose clock was far ahead: it would serve until that time has come."""
    now = timezone.now()
    return now - max_age < read_at < now + LONGEST_DIFFERENCE


def _stored(company_id: int, kind: str) -> Stored | None:
    in_hand, is_pipedrives = _in_hand.get(), kind.startswith(FROM_PIPEDRIVE)
    if in_hand is None:
        return next(_read(ReferenceList.objects.filter(company=company_id, kind=kind)), None)
    key = (company_id, is_pipedrives)
    if key not in in_hand:
        family = _of_pipedrive if is_pipedrives else _of_quickbooks
        in_hand[key] = {row.kind: _as_stored(row) for row in family(company_id)}
    return in_hand[key].get(kind)


@Prepared
def _of_pipedrive(company_id: int) -> QuerySet[ReferenceList]:
    return _unread(ReferenceList.objects.filter(company=company_id, kind__startswith=FROM_PIPEDRIVE))


@Prepared
def _of_quickbooks(company_id: int) -> QuerySet[ReferenceList]:
    return _unread(ReferenceList.objects.filter(company=company_id).exclude(kind__startswith=FROM_PIPEDRIVE))


def _unread(lists: QuerySet[ReferenceList]) -> QuerySet[ReferenceList]:
    """With their rows as the text in which they are kept."""
    return lists.annotate(text=Cast("rows", TextField())).only("kind", "fetched_at")


def _as_stored(row: Any) -> Stored:
    return Stored(row.kind, row.fetched_at, row.text)


def _read(lists: QuerySet[ReferenceList]) -> Iterator[Stored]:
    return map(_as_stored, _unread(lists))


def _being_read(company_id: int, kind: str, books: QuickBooksConnection) -> Stored | None:
    """Before a list is asked for that is outdated already, or not there: one that is reported as changed meanwhile
    would look no different when the answer has come. What is not there yet is a row that nothing can be made of.
    """
    with transaction.atomic():
        if not _is_wanted(company_id, books):
            return None
        mark = {"fetched_at": BEING_READ}
        ReferenceList.objects.update_or_create(
            company_id=company_id, kind=kind, defaults=mark, create_defaults={**mark, "rows": [{}]}
        )
        return _locked(company_id, kind)


def _is_wanted(company_id: int, books: QuickBooksConnection | None) -> bool:
    """Within a transaction: nobody uninstalls, connects other books or disconnects these before its end."""
    if not hold_company(company_id):
        return False
    return books is None or books.row().exclude(ended_why=DISCONNECTED).exists()


def _locked(company_id: int, kind: str) -> Stored | None:
    lists = ReferenceList.objects.select_for_update().filter(company=company_id, kind=kind)
    return next(_read(lists), None)


def _read_since(before: Stored, now: Stored, begun: datetime) -> bool:
    """Somebody began to read the list after us and was quicker: his answer has what ours has, and perhaps more."""
    return now.fetched_at != before.fetched_at and now.fetched_at > begun


def _told_meanwhile(before: Stored, now: Stored) -> bool:
    """A change was reported while the list was read, see `outdate` and `put_into_kept`. Whether what was read has it
    cannot be seen, and what was reported is not reported again before the next look: whoever needs it next reads it.
    """
    if now.fetched_at != before.fetched_at:  # else somebody has read it, too
        return now.fetched_at <= OUTDATED
    return now.text != before.text


def _made(row: Stored, make: Callable[[Row], Made]) -> list[Made] | None:
    """None for a list of another version of ours, which keeps other members: it counts as not there."""
    try:
        return list(cast(tuple[Made, ...], _from_text(row.text, make)))
    except (KeyError, TypeError):
        log.info("a list of %s that another version kept is not used", row.kind)
        return None


@kept_for_an_hour(LISTS_MADE)
def _from_text(text: str, make: Callable[[Row], object]) -> tuple[object, ...]:
    """By the text itself, so that it can never be an older list than the store's."""
    return tuple(make(row) for row in json.loads(text))


def _let_go(company_id: int) -> None:
    if in_hand := _in_hand.get():
        for is_pipedrives in (False, True):
            in_hand.pop((company_id, is_pipedrives), None)


def outdate(company_id: int, kinds: Iterable[str]) -> None:
    """Something has changed in these lists: whoever needs one next reads it anew."""
    ReferenceList.objects.filter(company_id=company_id, kind__in=kinds).update(fetched_at=OUTDATED)
    _let_go(company_id)


def put_into_kept(company_id: int, kind: str, entries: Rows, *, in_place_of: Collection[str]) -> None:
    """Adds entries to a kept list, in place of earlier ones with these ids; a list not read yet has them then."""
    with transaction.atomic():
        row = ReferenceList.objects.select_for_update().filter(company_id=company_id, kind=kind).first()
        if row is not None:
            row.rows = [*(known for known in row.rows if known.get("id") not in in_place_of), *entries]
            row.save(update_fields=["rows"])
    _let_go(company_id)


def read_at(company: Company, kind: str) -> datetime | None:
    """When a list was last read; `OUTDATED` or before where it has changed since. The kinds stand in `reference`."""
    row = _stored(company.pk, kind)
    return row.fetched_at if row else None
