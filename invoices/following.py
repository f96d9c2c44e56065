"""Invoices are followed until they are paid: QuickBooks tells what changed, and the rows that are ours take it over.

One call a company and turn, whatever the number of its invoices. The cursor is QuickBooks' own time and moves only
together with the rows, so that a crash in between means reading the same changes once more.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import sleep as rest  # by a name of its own, which tests may shorten
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Greatest

from integration_settings import read_budget
from integration_settings.clock import LONGEST_DIFFERENCE, shared_now, spread
from integration_settings.errors import AnswerTooLarge, ConnectionExpired, RateLimited, ServiceError
from integration_settings.kept_lists import outdate
from integration_settings.models import ConnectionState, QuickBooksConnection
from integration_settings.reference import keep_items
from invoices import pacing
from invoices.invoice_answers import AppliedPayment, IssuedInvoice
from invoices.invoice_gateway import IDS_AT_ONCE, InvoiceGateway, QuickBooksGateway, ReportedChanges
from invoices.leases import free
from invoices.news import (
    EVERY_LIST,
    OVERLAP,
    Applied,
    News,
    applied_of,
    apply,
    news_of,
    ours,
    payments_to_read,
    take_up,
    unreported,
)
from invoices.submission import MakeGateway

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
OLDEST = timedelta(days=29)  # change data capture reaches back 30 days
CLOCK_MARGIN = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=1)
WRITES_FIRST = timedelta(seconds=10)  # what people wait for goes when a pause ends; a look might begin the next one
SLICE = 100  # rows of one company in one transaction, so that nobody's commit waits long behind it
LONGEST_REST = 0.5  # seconds between two slices


def catch_up(
    connection: QuickBooksConnection,
    make_gateway: MakeGateway = QuickBooksGateway,
    still: Callable[[], object] = lambda: None,
) -> int | None:
    """Brings the company's rows up to date; how many changed for the eye, None when somebody else is at it.

    `still` is called after each part of what takes long.

    Raises the errors of `integration_settings.errors`, after it has set when to try again.
    """
    started = shared_now()
    if not _claim(connection, started):
        return None
    changed = 0
    try:
        read_budget.refuse_when_spent(connection)
        gateway = make_gateway(connection)
        changes = ask(gateway, connection.changes_cursor, started)
        if changes is None or changes.cut_off:
            changed, news = read_ours(connection, gateway, changes, started, still)
        else:
            wanted = unreported(connection, changes)
            news = news_of(changes, wanted, gateway.read_invoices(wanted) if wanted else ())
    except ServiceError as error:
        pause(connection, error)
        raise
    return changed + finish([Finding(connection, news, started)])


def ask(gateway: InvoiceGateway, since: datetime | None, now: datetime) -> ReportedChanges | None:
    """What changed since the cursor; None when it lies too far back for QuickBooks to say, or ahead, by a clock of ours
    that was set back since; or when it is more than one answer may hold: with each look it would only become more.
    """
    if since is None or not -LONGEST_DIFFERENCE <= now - since <= OLDEST:
        return None
    try:
        return gateway.changed_since(since - OVERLAP)
    except AnswerTooLarge:
        return None


@dataclass(frozen=True, slots=True)
class Finding:
    """A look that went well, not written yet."""

    connection: QuickBooksConnection
    news: News
    started: datetime


def finish(findings: Collection[Finding]) -> int:
    """Takes news over, moves the cursors with them, and sets when to look again. Ends the claims. All or nothing.

    How many rows changed for the eye. Many companies cost little more than one: their connections are written together,
    with the earliest of their cursors, which only means that a little is read once more.
    """
    return _finish(findings, waits_for_held=True)[0]


def finish_free(findings: Collection[Finding]) -> list[Finding]:
    """The same for those whose connection nobody holds just now, for a new token for instance: as long as that takes,
    all the others would wait with it. What is left comes back; its news taken over once more are no news.
    """
    return _finish(findings, waits_for_held=False)[1]


def _finish(findings: Collection[Finding], *, waits_for_held: bool) -> tuple[int, list[Finding]]:
    found = sum(take_up(each.connection, each.news) for each in findings)
    with transaction.atomic():
        changed = sum(_take_over(each) for each in findings)
        waits, now = pacing.pace([each.connection for each in findings]), shared_now()
        # Always in the same order, so that two that write the same rows wait for each other and not in a circle. From
        # here on their notices wait, so nothing is asked and worked out any more.
        rows = QuickBooksConnection.objects.filter(pk__in=waits).order_by("pk")
        books = dict(rows.select_for_update(skip_locked=not waits_for_held).values_list("pk", "realm_id"))
        # Whoever has left is neither here nor there.
        held = set(rows.exclude(pk__in=books).values_list("pk", flat=True)) if len(books) < len(waits) else set()
        # Nothing is said of other books, when they were connected while these were asked.
        written = [each for each in findings if each.connection.realm_id == books.get(each.connection.pk)]
        if written:
            _write_together(written, waits, now)
    return found + changed, [each for each in findings if each.connection.pk in held]


def _write_together(findings: Collection[Finding], waits: Mapping[int, timedelta], now: datetime) -> None:
    started = min(each.started for each in findings)
    # Never ahead of ours: by an answer with a wrong time all that changes until then would be passed by.
    cursor = min(started, *(each.news.cursor for each in findings))
    later = Greatest(Coalesce("changes_cursor", Value(cursor)), Value(cursor))
    wrong = When(changes_cursor__gt=now + LONGEST_DIFFERENCE, then=Value(cursor))
    since = Case(wrong, default=later, output_field=DateTimeField())
    for each in findings:
        _write_beside(each)
    asked = {each.connection.pk for each in findings}
    alike = QuickBooksConnection.objects.filter(pk__in=asked)
    alike.update(changes_cursor=since, **_looked(started, now, {pk: waits[pk] for pk in asked}))


def _take_over(finding: Finding) -> int:
    connection, news = finding.connection, finding.news
    if news.is_quiet and news.changed_earlier is None:
        return 0
    changed = apply(connection, news)
    if pacing.untold(connection, news.latest_change(connection.changes_cursor), now=finding.started):
        connection.notice_missed_at = finding.started
    return changed


def _write_beside(finding: Finding) -> None:
    """What is no invoice's. After the connection's row is held, as whoever ends or changes a connection does it."""
    connection = finding.connection
    keep_items(connection, finding.news.items)
    outdate(connection.company_id, finding.news.outdated)
    if connection.notice_missed_at == finding.started:
        QuickBooksConnection.objects.filter(pk=connection.pk).update(notice_missed_at=finding.started)


def _looked(started: datetime, now: datetime, waits: Mapping[int, timedelta]) -> dict[str, Any]:
    """The columns of connections after looks that went well, in one statement for all waits; see `pacing.told`."""
    alike: dict[timedelta, list[int]] = defaultdict(list)
    for pk, wait in waits.items():
        alike[wait].append(pk)
    told_meanwhile = Q(last_notice_at__gt=started)  # it may have happened after the answer was made
    then = ExpressionWrapper(F("last_notice_at") + Value(pacing.SILENCE), output_field=DateTimeField())
    return {
        "last_synced_at": started,
        "last_sync_problem": "",
        "sync_lease_until": None,
        "unread_since": Case(When(told_meanwhile, then=F("last_notice_at")), default=None),
        "next_sync_at": Case(
            When(told_meanwhile, then=then),
            *(When(pk__in=some, then=Value(now + wait)) for wait, some in alike.items()),
        ),
    }


def claim_due(most: int) -> list[QuickBooksConnection]:
    """Takes up to so many companies whose turn it is, longest waiting first; nobody else looks at them meanwhile."""
    now = shared_now()
    with transaction.atomic():  # a notice of these waits until its end, so the rows themselves are read after it
        due = due_connections(now).select_for_update(skip_locked=True)
        taken = list(due.order_by("next_sync_at").values_list("pk", flat=True)[:most])
        if taken:
            QuickBooksConnection.objects.filter(pk__in=taken).update(sync_lease_until=now + LEASE)
    rows = QuickBooksConnection.objects.filter(pk__in=taken)
    return list(rows.select_related("company").defer("refresh_token", "profile").order_by("next_sync_at"))


def if_free(connection: QuickBooksConnection, end: Callable[[], object]) -> bool:
    """Ends the claim with `end`, which writes the connection, unless somebody holds that just now: False then."""
    rows = connection.row()
    with transaction.atomic():
        if not rows.select_for_update(skip_locked=True).exists() and rows.exists():
            return False
        end()  # of a company that has left it changes nothing
    return True


def give_back(connection: QuickBooksConnection) -> None:
    """Ends the claim for somebody who takes over in a moment; when nobody does, it is due again after the lease."""
    later = shared_now() + LEASE
    QuickBooksConnection.objects.filter(pk=connection.pk).update(sync_lease_until=None, next_sync_at=later)


def due_connections(now: datetime) -> QuerySet[QuickBooksConnection]:
    allowed = Q(paused_until__isnull=True) | Q(paused_until__lte=now)
    return QuickBooksConnection.objects.filter(
        free(now, "sync_lease_until"), allowed, state=ConnectionState.CONNECTED, next_sync_at__lte=now
    )


def read_ours(
    connection: QuickBooksConnection,
    gateway: InvoiceGateway,
    changes: ReportedChanges | None,
    now: datetime,
    still: Callable[[], object],
) -> tuple[int, News]:
    """When the changes are too many for one answer, or too old: what the answer left out of ours is read by id, which
    misses neither void nor deletion. How many changed for the eye, and what is left to finish with.

    A part is taken over before the next one is read, so that neither memory nor a transaction grows with their number.
    """
    told = changes.payments if changes else ()
    news = news_of(changes) if changes else News(now - CLOCK_MARGIN)
    news = replace(news, applied=_payments_of(connection, gateway, news.invoices, told))
    known = ours(connection).exclude(qbo_invoice_id="").filter(deleted_on__isnull=True)
    ids = set(known.values_list("qbo_invoice_id", flat=True)) - {invoice.qbo_invoice_id for invoice in news.invoices}
    changed, wanted = take_up(connection, news) + _in_slices(connection, news, still), sorted(ids)
    latest = news.latest_change(None)
    for start in range(0, len(wanted), IDS_AT_ONCE):
        part = frozenset(wanted[start : start + IDS_AT_ONCE])
        with _leaving_time():
            read = gateway.read_invoices(part)
            applied = _payments_of(connection, gateway, read, told)
        gone = part - {invoice.qbo_invoice_id for invoice in read}
        found = News(news.cursor, tuple(read), missing=gone, applied=applied, changed_earlier=latest)
        changed += _in_slices(connection, found, still)
        latest = found.latest_change(None)
    return changed, replace(news, invoices=(), changed_earlier=latest, outdated=EVERY_LIST)


def _payments_of(
    connection: QuickBooksConnection,
    gateway: InvoiceGateway,
    invoices: Collection[IssuedInvoice],
    told: Collection[AppliedPayment],
) -> dict[str, Applied]:
    """What the changes told of payments, and what they left out of those of the `invoices` that have changed."""
    unheard = payments_to_read(connection, invoices) - {payment.payment_id for payment in told}
    return applied_of([*told, *(gateway.read_payments(unheard) if unheard else ())])


def _in_slices(connection: QuickBooksConnection, news: News, still: Callable[[], object]) -> int:
    """Takes over a part of what is too much for one transaction; the cursor stays."""
    changed, gone = 0, sorted(news.missing)
    for start in range(0, max(len(news.invoices), len(gone)), SLICE):
        end = start + SLICE
        some = replace(news, invoices=news.invoices[start:end], missing=frozenset(gone[start:end]))
        with _leaving_time(), transaction.atomic():
            changed += apply(connection, some)
            connection.row().update(sync_lease_until=shared_now() + LEASE)
        still()
    return changed


@contextmanager
def _leaving_time() -> Iterator[None]:
    """Two thirds of the time are the other companies'."""
    begun = time.monotonic()
    yield
    rest(min(2 * (time.monotonic() - begun), LONGEST_REST))


def _claim(connection: QuickBooksConnection, now: datetime) -> bool:
    mine = QuickBooksConnection.objects.filter(
        free(now, "sync_lease_until"), pk=connection.pk, state=ConnectionState.CONNECTED
    )
    if mine.update(sync_lease_until=now + LEASE) != 1:
        return False
    with suppress(QuickBooksConnection.DoesNotExist):  # the company has left us in this very moment
        # Another worker may have moved the cursor since this object was read; the company may leave during the calls.
        connection.refresh_from_db(from_queryset=QuickBooksConnection.objects.select_related("company"))
        return True
    return False


def pause(connection: QuickBooksConnection, error: Exception) -> None:
    """When to ask again: first as QuickBooks says, else after as long as it has been away, an hour at most.

    Whoever is refused again after the wait that it asked for met no burst of calls: Intuit counts the month's reads of
    all apps of a workspace, more than we know of, and then refuses every one.
    """
    now = shared_now()
    limit = error if isinstance(error, RateLimited) else None
    least = timedelta(seconds=limit.retry_after if limit else settings.QUICKBOOKS_SYNC_SECONDS)
    refused_before = connection.last_sync_problem == RateLimited.__name__
    if limit and not (refused_before and limit.status == 429):
        # Who is still paused then is not asked, see `due_connections`; reads of the month may have been bought.
        wait = least + WRITES_FIRST
    elif isinstance(error, ConnectionExpired):
        wait = LONGEST_PAUSE  # not due at all while the connection is ended
    else:
        away = now - (connection.last_synced_at or connection.connected_at)
        wait = spread(min(max(away, least), LONGEST_PAUSE), 0.2)
    columns: dict[str, object] = {"sync_lease_until": None, "last_sync_problem": type(error).__name__}
    columns["next_sync_at"] = now + min(wait, LONGEST_PAUSE)
    # Nothing of it is said of other books, when they were connected while these were asked.
    connection.row().update(**columns)
    log.info("following %s pauses: %s", connection, error)
