"""The vendors' limits are kept by us: so many calls at once and in a time, and none at all after a 429."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from integration_settings import call_slots
from integration_settings.call_slots import one_caller, slot
from integration_settings.errors import RateLimited
from integration_settings.models import PipedriveUser, QuickBooksConnection
from integration_settings.pipedrive import PipedriveClient
from integration_settings.quickbooks import QuickBooksClient
from tests.stand_ins import Control

SERVICES = [("quickbooks", 7), ("pipedrive", 80)]


REST = dict(call_slots.REST)


@pytest.fixture(autouse=True)
def rest(monkeypatch):
    """As in production; other tests do without it."""
    monkeypatch.setattr(call_slots, "REST", REST)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(call_slots, "PATIENCE", 0)


def take(service, owner, how_many):
    """Holds so many slots until the stack is closed."""
    stack = ExitStack()
    for _ in range(how_many):
        stack.enter_context(slot(service, owner))
    return stack


@pytest.mark.parametrize("service, most", SERVICES)
def test_no_more_calls_at_once_than_slots(impatient, service, most):
    with take(service, "1", most), pytest.raises(RateLimited), slot(service, "1"):
        pass


@pytest.mark.parametrize("service, most", SERVICES)
def test_while_slots_are_left_each_call_asks_for_one_alone(monkeypatch, service, most):
    asked = []
    add = cache.add
    monkeypatch.setattr(cache, "add", lambda key, *rest: asked.append(key) or add(key, *rest))
    take(service, "1", most).close()
    assert len(asked) == most


@pytest.mark.parametrize("service, most", SERVICES)
def test_a_slot_rests_after_its_call(impatient, service, most):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        take(service, "1", most).close()
        clock.shift(call_slots.REST[service] - 0.1)
        with pytest.raises(RateLimited), slot(service, "1"):
            pass
        clock.shift(0.2)
        take(service, "1", most).close()


def test_nobody_waits_for_the_calls_of_another_company(impatient):
    with take("quickbooks", "1", 7), slot("quickbooks", "2"), slot("pipedrive", "1"):
        pass


def test_only_so_many_requests_of_one_company_wait_and_keep_threads_from_the_others(monkeypatch):
    """One request may wait with many calls at once, as a form that opens; the one too many is refused at once."""
    monkeypatch.setattr(call_slots, "PATIENCE", 60)
    waiting, most = threading.Barrier(2 * call_slots.MOST_IN_LINE + 1), call_slots.MOST_IN_LINE

    def call():
        with slot("quickbooks", "1"):
            pass

    def look_twice(pause):
        """The first time each call waits it says so."""
        if threading.current_thread() not in told:
            told.add(threading.current_thread())
            waiting.wait(30)
        sleep(pause)

    told, sleep = {threading.current_thread()}, time.sleep
    monkeypatch.setattr(call_slots.time, "sleep", look_twice)
    with ThreadPoolExecutor(2 * most) as threads, take("quickbooks", "1", 7):
        for _ in range(most):
            with one_caller():
                for _call in range(2):
                    threads.submit(copy_context().run, call)
        waiting.wait(30)
        with one_caller(), pytest.raises(RateLimited), slot("quickbooks", "1"):
            pass
        with one_caller(), slot("quickbooks", "2"):
            pass
    with one_caller(), slot("quickbooks", "1"):
        pass


def test_a_slot_that_nobody_gave_back_is_free_after_the_longest_call(impatient):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        take("quickbooks", "1", 7)
        clock.shift(call_slots.LONGEST_CALL + 1)
        with slot("quickbooks", "1"):
            pass


def test_after_a_429_of_quickbooks_nobody_calls_the_company_for_the_stated_time(connect, control: Control):
    tenant, other = connect("GB"), connect("US")
    control.fault("status", path="query", status=429, times=1, retry_after=3)
    with pytest.raises(RateLimited):
        QuickBooksClient(tenant.quickbooks).query("select * from Term")
    control.forget_requests()
    for connection in (tenant.quickbooks, QuickBooksConnection.objects.get(pk=tenant.quickbooks.pk)):
        with pytest.raises(RateLimited) as caught:
            QuickBooksClient(connection).query("select * from Term")
        assert 0 < caught.value.retry_after <= 3
    assert control.requests("quickbooks") == []
    QuickBooksClient(other.quickbooks).query("select * from Term")
    with time_machine.travel(timezone.now() + timedelta(seconds=4)):
        QuickBooksClient(tenant.quickbooks).query("select * from Term")


def test_when_all_reads_are_refused_until_next_month_a_write_waits_for_minutes_only(connect, control: Control):
    tenant = connect("GB")
    control.fault("status", path="query", status=429, times=1, retry_after=24 * 3600)
    with pytest.raises(RateLimited):
        QuickBooksClient(tenant.quickbooks).query("select * from Term")
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1)):
        QuickBooksClient(tenant.quickbooks).create("Customer", {"DisplayName": "Birch"}, request_id="1")


def test_after_a_429_of_pipedrive_nobody_calls_as_that_user_for_the_stated_time(connect, control: Control):
    tenant = connect("GB")
    control.fault("status", service="pipedrive", path="users/me", status=429, times=1, retry_after=30)
    with pytest.raises(RateLimited):
        PipedriveClient(tenant.user).me()
    control.forget_requests()
    with pytest.raises(RateLimited):
        PipedriveClient(PipedriveUser.objects.get(pk=tenant.user.pk)).me()
    assert control.requests("pipedrive") == []


@pytest.mark.parametrize("left", [0, 9])  # too few for a call that costs ten
def test_who_has_used_up_pipedrives_day_is_asked_for_once_an_hour(connect, control: Control, left):
    tenant = connect("GB")
    control.leave_tokens(tenant.pair.pipedrive_company_id, left)
    control.forget_requests()
    with time_machine.travel("2026-11-24T14:20:00Z", tick=False):
        for _ in range(2):
            with pytest.raises(RateLimited) as caught:
                PipedriveClient(tenant.user).deal_products(1)
        assert caught.value.retry_after == 41 * 60  # budgets begin anew at a full hour, somewhere
    assert len(control.requests("pipedrive")) == 1
