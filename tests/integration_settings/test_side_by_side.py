"""What takes long goes on behind everybody else's work, and ends when nobody waits for it."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from integration_settings.log_context import company_id
from integration_settings.side_by_side import BEHIND, Interrupted, behind_the_others


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux only")
def test_long_work_has_a_lower_priority_and_its_process_keeps_its_own():
    before, seen = os.getpriority(os.PRIO_PROCESS, 0), []
    behind_the_others(lambda _: seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
    assert seen == [min(before + BEHIND, 19)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_long_work_logs_for_its_company():
    company_id.set("4711")
    seen = []
    behind_the_others(lambda _: seen.append(company_id.get()))
    assert seen == ["4711"]


def test_what_goes_wrong_in_long_work_is_told():
    def work(_):
        raise KeyError("gone")

    with pytest.raises(KeyError):
        behind_the_others(work)


def test_long_work_ends_when_a_time_limit_ends_the_waiting():
    def limit(*_):
        raise TimeoutError

    ended = []

    def work(go_on):
        os.kill(os.getpid(), signal.SIGUSR1)
        try:
            while True:
                go_on()
        except Interrupted:
            ended.append(True)
            raise

    before = signal.signal(signal.SIGUSR1, limit)
    try:
        with pytest.raises(TimeoutError):
            behind_the_others(work)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ended == [True]
