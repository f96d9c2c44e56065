"""How soon every outcome is known after one fault has ended. `script/ledger --faults 40` presses that often into each
kind of fault, every run a few times into three of them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest
from django.utils import timezone

from invoices.models import Invoice
from tests.bench.harness import percentile
from tests.processes.adversary import ALONE, keep_what_is_committed
from tests.processes.ledger import Ledger, Person, Press
from tests.servers import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(3600), pytest.mark.django_db(transaction=True)]

PRESSES = int(os.environ.get("SINGLE_FAULT_PRESSES", "0"))
FEW, COMPANIES, AT_ONCE = 4, 3, 8
LASTS = 10  # seconds, of a fault that lasts
SOON, AT_WORST = 60, 600
BRIEF = ("kill_a_worker", "restart_redis", "cut_redis")
ALL = (
    "kill_a_worker", "stop_a_worker", "kill_the_web", "empty_redis", "restart_redis", "cut_redis", "stop_redis",
    "fill_redis", "make_redis_a_replica", "cut_the_database", "make_the_database_a_replica", "crash_the_database",
    "lose_answers", "fail_after_the_work", "fail_before", "delay", "end_access_tokens", "quickbooks_is_down",
    "quickbooks_is_busy",
)  # fmt: skip
SERVICE = {
    "quickbooks_is_down": {"kind": "status", "status": 503, "path": "/v3/"},
    "quickbooks_is_busy": {"kind": "status", "status": 429, "retry_after": 5, "path": "/v3/"},
}


def begin_and_end(run: Ledger, fault: str) -> None:
    """The fault, from its begin to its end; whatever of it QuickBooks' stand-in still has in store is forgotten."""
    time.sleep(0.5)  # until the first presses are on their way
    if fault in SERVICE:
        run.control.fault(**SERVICE[fault])
    else:
        getattr(run.adversary, fault)()
    if fault in SERVICE or fault in ("lose_answers", "fail_after_the_work", "fail_before", "delay"):
        time.sleep(LASTS)  # how long it lasts is the fault
    run.control.clear_faults()


def test_after_a_single_fault_every_outcome_is_soon_known(ledger):
    if ALONE:
        keep_what_is_committed()
    faults = ALL if PRESSES else BRIEF
    run, each = ledger(11, COMPANIES), PRESSES or FEW
    people = run.people(each * len(faults))
    presses = iter([(person, press) for person in people for press in person.presses])
    waits: list[float] = []
    for fault in faults:
        took = pressed_into(run, fault, islice(presses, each))
        waits += took
        told = f"p50 {percentile(took, 50):.1f}, p99 {percentile(took, 99):.1f} s after it had ended"
        sys.stdout.write(f"\n{fault.replace('_', ' ')}: {len(took)} presses, the outcome known {told}")
        sys.stdout.flush()
    sys.stdout.write(f"\nall: {len(waits)} presses, p99 {percentile(waits, 99):.1f}, at worst {max(waits):.1f} s\n")
    run.settle(people)
    run.check(people)
    assert run.violations == []
    assert percentile(waits, 99) <= SOON
    assert max(waits) <= AT_WORST


def pressed_into(run: Ledger, fault: str, presses: Iterator[tuple[Person, Press]]) -> list[float]:
    """Seconds from the end of the fault, or from the press if that was later, until the outcome was known."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pressed = [(press, pool.submit(person.press, press)) for person, press in presses]
        begin_and_end(run, fault)
        ended = timezone.now()
        for _, future in pressed:
            future.result()
    rows = Invoice.objects.filter(intent_key__in=[press.key for press, _ in pressed])
    wait_until(lambda: not rows.filter(settled_at__isnull=True).exists(), seconds=AT_WORST, every=0.5, what=fault)
    assert rows.count() == len(pressed)
    return [max((row.settled_at - max(ended, row.created_at)).total_seconds(), 0) for row in rows]
