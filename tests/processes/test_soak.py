"""Hours at twice the expected load, with one fault in a hundred: memory, connections and queues stay as they are, and
the ledgers agree. On demand: `script/ledger --soak 60`."""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import redis
from django.db import connection

from tests.bench import usage

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0), pytest.mark.django_db(transaction=True)]

MINUTES = float(os.environ.get("SOAK_MINUTES", "60"))
COMPANIES = 10
PRESSES, LOOKS = 0.3, 5.0
"""A second. 10,000 companies with forty invoices a month each make 0.15 of them a second."""
FAULTS = 0.01
GROWTH, SPREAD = 8, 15
"""MB that a process may have more, connections that there may be more, in the last quarter than in the second."""


@dataclass(frozen=True)
class Sample:
    web: float  # MB, of the biggest process
    worker: float
    connections: int
    queued: int


def sample(run) -> Sample:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (connections,) = cursor.fetchone()
    client = redis.Redis.from_url(run.redis.url)
    queued = sum(client.llen(name) for name in ("interactive", "background"))
    client.close()
    machines = [machine.popen.pid for machine in run.machines]
    return Sample(usage.of(run.web.popen.pid).rss, usage.of(*machines).rss, connections, queued)


def trouble(run, dice) -> None:
    """One of what may happen to the next call."""
    kind = dice.choice(["lost", "error_after", "status", "limit", "token"])
    if kind == "token":
        run.control.expire_tokens("quickbooks", dice.choice(run.tenants).realm, "access")
    elif kind == "limit":
        run.control.fault("status", status=429, retry_after=5, path="/v3/", times=1)
    else:
        run.control.fault(kind, method="POST", path=dice.choice(["/invoice$", "/customer$"]), times=1)


def test_a_long_run_at_twice_the_load_stays_as_it_is(ledger):
    run, dice, begun = ledger(1, COMPANIES), random.Random("soak"), time.monotonic()
    people = run.people(int(MINUTES * 60 * PRESSES))
    waiting = [(person, press) for person in people for press in person.presses]
    dice.shuffle(waiting)
    samples, done, looks = [], [], 0

    def press_and_look(person, press):
        person.press(press)
        if press.public_id:
            person.look(press)
            done.append((person, press))

    with ThreadPoolExecutor(16) as pool:
        for number, (person, press) in enumerate(waiting):
            time.sleep(max(0.0, begun + number / PRESSES - time.monotonic()))  # the load's own pace
            if dice.random() < FAULTS:
                trouble(run, dice)
            pool.submit(press_and_look, person, press)
            for _ in range(int(LOOKS / PRESSES)):
                if done:
                    pool.submit(lambda pair: pair[0].look(pair[1]), dice.choice(done))
                    looks += 1
            if number % int(60 * PRESSES) == 0:
                samples.append(sample(run))
                sys.stdout.write(f"\n{(time.monotonic() - begun) / 60:5.1f} min {samples[-1]}")
                sys.stdout.flush()
    run.control.clear_faults()
    run.settle(people)
    run.check(people)
    quarter = max(1, len(samples) // 4)
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]

    def grown(what):
        return statistics.mean(getattr(each, what) for each in late) - statistics.mean(
            getattr(each, what) for each in early
        )

    account = {what: round(grown(what), 1) for what in ("web", "worker", "connections", "queued")}
    sys.stdout.write(f"\n{MINUTES:g} minutes, {len(waiting)} invoices, {looks} looks; grown by {account}\n")
    assert run.violations == []
    assert max(account["web"], account["worker"]) <= GROWTH
    assert max(account["connections"], account["queued"]) <= SPREAD
