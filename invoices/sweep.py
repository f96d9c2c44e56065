"""Every company whose turn it is, many at once: whoever waits for QuickBooks costs a thread here, and not a process.

The threads only ask. What they bring back is written by the caller's thread, all that is there at a time together.
Whatever takes long is handed over, so that no company waits for another one.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue

from django.db import DataError, IntegrityError

from integration_settings import connections, read_budget
from integration_settings.clock import shared_now
from integration_settings.errors import RateLimited, ServiceError
from integration_settings.log_context import about_company
from integration_settings.log_context import company_id as logged_company
from integration_settings.models import QuickBooksConnection
from integration_settings.quickbooks import OneOfManyClient
from integration_settings.sockets import CALLS_AT_ONCE
from invoices import following
from invoices.following import Finding
from invoices.invoice_answers import IssuedInvoice
from invoices.invoice_gateway import InvoiceGateway, QuickBooksGateway, ReportedChanges
from invoices.news import news_of, unreported

log = logging.getLogger(__name__)

EVERY = 0.05  # seconds after which it is looked again what has become due
CLAIMED_AT_ONCE = CALLS_AT_ONCE * 3 // 2  # so that whichever thread gets free finds the next one waiting
TOGETHER = 100  # companies that are written in one transaction: with more, whoever answers notices waits behind it
LONGEST_UNWRITTEN = 1.0
LONGEST = 20.0  # seconds of one turn, however much is due

MakeSweepGateway = Callable[[QuickBooksConnection, Callable[[int], None]], InvoiceGateway]


def gateway_of(connection: QuickBooksConnection, count: Callable[[int], None]) -> InvoiceGateway:
    """Reads are counted together."""
    return QuickBooksGateway(connection, OneOfManyClient(connection, count))


@dataclass
class Look:
    """One company while it is asked. `wanted` are invoices that are read beside the changes."""

    connection: QuickBooksConnection
    started: datetime
    gateway: InvoiceGateway
    changes: ReportedChanges | None = None
    wanted: set[str] = field(default_factory=set)
    read: list[IssuedInvoice] = field(default_factory=list)
    problem: Exception | None = None


class Sweep:
    """`hand_over` gets the id of a connection whose news are too many to take over here."""

    def __init__(self, hand_over: Callable[[int], object], make_gateway: MakeSweepGateway = gateway_of) -> None:
        self.hand_over, self.make_gateway = hand_over, make_gateway
        self.landed: SimpleQueue[Look] = SimpleQueue()
        self.flying = self.asked = 0
        self.found: list[Finding] = []
        # Somebody holds their connections; they are written later, or their claims ended.
        self.held: list[Finding] = []
        self.claimed: list[tuple[QuickBooksConnection, Callable[[], object], Callable[[], object]]] = []
        self.some_wait = False  # something was found that somebody would like to see
        self.answered: deque[int] = deque()  # connections, one for each read
        self.written = time.monotonic()

    def run(
        self, seconds: float, still: Callable[[], object] = lambda: None, then: Callable[[], object] = lambda: None
    ) -> int:
        """What is due, and what becomes due within these seconds; longer while there is more, up to `LONGEST`.

        `still` is called every second or so, and `then` once nothing more is begun: somebody else may start while the
        last answers come back.
        How many companies were asked.
        """
        begun = told = time.monotonic()
        with ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="sweep") as pool:
            while True:
                now = time.monotonic()
                passed = now - begun
                if now - told > 1:
                    told = now
                    still()
                found = self._begin(pool)
                if passed > LONGEST or (passed >= seconds and not found and not self.flying):
                    break
                self._land(pool)
            then()
            while self.flying:
                self._land(pool)
            self._write()
            self._write_held()
        return self.asked

    def _begin(self, pool: ThreadPoolExecutor) -> int:
        room = CLAIMED_AT_ONCE - self.flying
        if room < CLAIMED_AT_ONCE // 4:
            return 0
        now = shared_now()
        claimed = following.claim_due(room)
        self.asked += len(claimed)
        waiting = read_budget.without_reads(claimed)
        for connection in claimed:
            if connection.pk in waiting:
                self._end(connection, partial(following.pause, connection, read_budget.used_up()))
                continue
            self._fly(pool, Look(connection, now, self.make_gateway(connection, self.answered.append)), self._ask)
        return len(claimed) - len(waiting)

    def _fly(self, pool: ThreadPoolExecutor, look: Look, work: Callable[[Look], None]) -> None:
        self.flying += 1
        pool.submit(self._in_thread, look, work)

    def _in_thread(self, look: Look, work: Callable[[Look], None]) -> None:
        logged_company.set(str(look.connection.company.pipedrive_company_id))
        try:
            work(look)
        except Exception as problem:  # whatever it is, the other companies go on
            look.problem = problem
        self.landed.put(look)

    @staticmethod
    def _ask(look: Look) -> None:
        look.changes = following.ask(look.gateway, look.connection.changes_cursor, look.started)

    @staticmethod
    def _read(look: Look) -> None:
        look.read = look.gateway.read_invoices(look.wanted)

    def _land(self, pool: ThreadPoolExecutor) -> None:
        """Waits a moment for what comes back, takes all that is there, and writes it when there is a reason to."""
        try:
            self._take(pool, self.landed.get(timeout=EVERY))
            for _ in range(TOGETHER):
                self._take(pool, self.landed.get_nowait())
        except Empty:
            pass
        waited = time.monotonic() - self.written
        some_are_all = self.found and not self.flying
        if self.some_wait or some_are_all or len(self.found) >= TOGETHER or waited > LONGEST_UNWRITTEN:
            self._write()

    def _take(self, pool: ThreadPoolExecutor, look: Look) -> None:
        self.flying -= 1
        connection, changes = look.connection, look.changes
        if look.problem is not None:
            self._put_off(connection, look.problem)
        elif changes is None or changes.cut_off:
            self._end(connection, partial(following.give_back, connection), partial(self.hand_over, connection.pk))
        elif not look.wanted and (wanted := unreported(connection, changes)):
            look.wanted = wanted
            self._fly(pool, look, self._read)
        else:
            news = news_of(changes, look.wanted, look.read)
            self.found.append(Finding(connection, news, look.started))
            self.some_wait |= not news.is_quiet

    def _put_off(self, connection: QuickBooksConnection, problem: Exception) -> None:
        if not isinstance(problem, ServiceError):
            with about_company(connection.company.pipedrive_company_id):  # each of many
                log.error("looking at %s failed", connection, exc_info=problem)
        self._end(connection, partial(self._pause, connection, problem))

    @staticmethod
    def _pause(connection: QuickBooksConnection, problem: Exception) -> None:
        if isinstance(problem, RateLimited):
            connections.pause(connection, problem.retry_after)
        following.pause(connection, problem)

    def _end(
        self, connection: QuickBooksConnection, end: Callable[[], object], then: Callable[[], object] = lambda: None
    ) -> None:
        """Of whom nothing is taken over. All others would wait together with this one for whoever holds it."""
        with about_company(connection.company.pipedrive_company_id):
            if following.if_free(connection, end):
                then()
            else:
                self.claimed.append((connection, end, then))

    def _write(self) -> None:
        self.written = time.monotonic()
        if answered := [self.answered.popleft() for _ in range(len(self.answered))]:
            self.answered.extend(read_budget.count_each(answered))
        claimed, self.claimed = self.claimed, []
        for each in claimed:
            self._end(*each)
        found, self.found, self.held, self.some_wait = self.held + self.found, [], [], False
        try:
            if found:
                self.held = following.finish_free(found)
        except (DataError, IntegrityError, ValueError, TypeError, KeyError) as problem:
            log.warning("companies are written one by one: %s", type(problem).__name__)
            for finding in found:
                self._write_alone(finding)

    def _write_held(self) -> None:
        """What is left when nothing else is: each waits for itself alone."""
        while self.answered:
            read_budget.count(self.answered.popleft())
        for finding in self.held:
            self._write_alone(finding, waits=True)
        for connection, end, then in self.claimed:
            with about_company(connection.company.pipedrive_company_id):
                end()
                then()

    def _write_alone(self, finding: Finding, *, waits: bool = False) -> None:
        """So that what cannot be written of one company keeps no other from being written."""
        try:
            if waits:
                following.finish([finding])
            else:
                self.held += following.finish_free([finding])
        except (DataError, IntegrityError, ValueError, TypeError, KeyError) as problem:
            self._put_off(finding.connection, problem)
