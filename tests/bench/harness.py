"""What all goals share: how one is named, what it found, and the processes that it is measured on."""

from __future__ import annotations

import cProfile
import io
import pstats
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from integration_settings.models import Company
from tests import servers
from tests import stand_ins as standing_in
from tests.bench import fleet, usage
from tests.bench.fleet import Fleet
from tests.stand_ins import StandIns

VERIFIER = "bench-verifier-0123456789"


@dataclass
class Result:
    """One line of the table. `met` is None for what is only told."""

    goal: str
    what: str
    target: str
    measured: str
    met: bool | None
    against: str
    """Which stand-in answered, and how many companies were there."""
    reads: int | None = None
    seconds: float | None = None
    cpu: float | None = None
    rss: float | None = None
    notes: str = ""


@dataclass(frozen=True)
class Goal:
    name: str
    title: str
    run: Callable[[Bench], Iterator[Result]]


GOALS: dict[str, Goal] = {}


def goal(name: str, title: str) -> Callable[[Callable[[Bench], Iterator[Result]]], Callable[[Bench], Iterator[Result]]]:
    """Registers a function that measures one goal and yields its lines."""

    def register(run: Callable[[Bench], Iterator[Result]]) -> Callable[[Bench], Iterator[Result]]:
        GOALS[name] = Goal(name, title, run)
        return run

    return register


@dataclass
class App:
    """The service's own processes, against one stand-in."""

    web: servers.WebServer | None
    worker: servers.Worker | None
    redis: servers.Redis
    environment: dict[str, str]

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(process.popen.pid for process in (self.web, self.worker) if process)


@dataclass
class Bench:
    """One run: its folder for logs, and whether it is a short one. Rows are made and forgotten goal by goal."""

    folder: Path
    short: bool
    peers: bool = False

    def size(self, whole: int, short: int) -> int:
        return short if self.short else whole

    @contextmanager
    def stand_ins(self) -> Iterator[StandIns]:
        """The full stand-ins of `sandbox`, and this process' settings pointing at them."""
        with standing_in.running(self.folder) as found:
            self.point_at(found.settings)
            yield found

    @contextmanager
    def fleet(self, companies: int, **options: Any) -> Iterator[Fleet]:
        """The bench's own small stand-in, which answers for many companies from memory, with their rows beside."""
        with fleet.running(self.folder, companies, **options) as found:
            self.point_at(found.settings)
            yield found

    @staticmethod
    def point_at(values: dict[str, str]) -> None:
        for name, value in values.items():
            setattr(settings, name, [value] if name == "PIPEDRIVE_FRAME_ANCESTORS" else value)
        settings.QUICKBOOKS_ENVIRONMENT = "production"
        settings.QUICKBOOKS_SYNC_SECONDS = 15 * 60

    @contextmanager
    def app(self, addresses: dict[str, str], *, web: bool = False, worker: bool = False) -> Iterator[App]:
        """Web and worker as in production: Redis, the production's cadence, three web processes, four workers."""
        with ExitStack() as stack:
            redis = servers.Redis(self.folder)
            stack.callback(redis.kill)
            redis.wait_until_ready()
            port = servers.free_port()
            environment = servers.environment_of_app(
                addresses,
                REDIS_URL=redis.url,
                APP_URL=f"http://localhost:{port}",
                QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN=VERIFIER,
                QUICKBOOKS_MONTHLY_READ_BUDGET="100000000",
            ) | {"QUICKBOOKS_ENVIRONMENT": "production"}
            started = App(None, None, redis, environment)
            if web:
                servers.manage(environment, "collectstatic", "--noinput")
                started.web = servers.WebServer(environment, self.folder, port, workers=3)
                stack.callback(started.web.stop)
            if worker:
                started.worker = servers.Worker(environment, self.folder, concurrency=4)
                stack.callback(started.worker.kill)
            for process in (started.web, started.worker):
                if process:
                    process.wait_until_ready()
            yield started

    @staticmethod
    def forget() -> None:
        """Every row of the goal before."""
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {connection.ops.quote_name(Company._meta.db_table)} CASCADE")


@dataclass
class Clock:
    """What a stretch of work took: seconds, and what these processes used meanwhile."""

    pids: tuple[int, ...]
    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0

    @classmethod
    @contextmanager
    def on(cls, *pids: int) -> Iterator[Clock]:
        clock, before, begun = cls(pids), usage.of(*pids), time.monotonic()
        yield clock
        after = usage.of(*pids)
        clock.seconds, clock.cpu = time.monotonic() - begun, after.cpu - before.cpu
        clock.peak = after.peak


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("nan")


def profiled(work: Callable[[], object], most: int = 8) -> str:
    """Where the time goes: the functions that used most themselves, for a goal that was missed."""
    profile = cProfile.Profile()
    profile.runcall(work)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(most)
    lines = [line.strip() for line in text.getvalue().splitlines() if line.strip()]
    return "; ".join(lines[-most:])
