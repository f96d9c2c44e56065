"""The timetable and the clock of its machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery import Celery

from pipedrive_qb.beat import Scheduler
from pipedrive_qb.celery import app

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def begin(tmp_path):
    """begin() -> a timetable of something for each second and something for every other one, with what it remembers."""
    one = Celery("timetable", broker="memory://", set_as_current=False)
    one.conf.result_expires = None  # else Celery adds a third
    one.conf.beat_schedule = {
        name: {"task": name, "schedule": timedelta(seconds=seconds)} for name, seconds in (("one", 1), ("two", 2))
    }
    return lambda: Scheduler(one, schedule_filename=str(tmp_path / "schedule"))


def started(scheduler, clock):
    """How often each was started within ten seconds."""
    before = {name: entry.total_run_count for name, entry in scheduler.schedule.items()}
    for _ in range(10):
        clock.shift(1)
        while not scheduler.tick():
            pass
    return {name: entry.total_run_count - before[name] for name, entry in scheduler.schedule.items()}


@pytest.mark.parametrize("starts_anew", [False, True])
def test_a_clock_that_is_set_back_keeps_nothing_from_being_started(begin, starts_anew):
    with time_machine.travel(NOON, tick=False) as clock:
        scheduler = begin()
        assert min(started(scheduler, clock).values()) >= 4
        if starts_anew:
            scheduler.close()
        clock.move_to(NOON - timedelta(hours=2))
        scheduler = begin() if starts_anew else scheduler
        assert min(started(scheduler, clock).values()) >= 4
        scheduler.close()


def test_it_is_the_one_that_runs():
    assert app.conf.beat_scheduler == f"{Scheduler.__module__}:{Scheduler.__name__}"
