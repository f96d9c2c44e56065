"""A company whose service keeps silent holds only its own share of the processes and threads that all work with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context

import pytest
import requests
import time_machine
from django.db import connections as databases
from django.utils import timezone

from integration_settings import connections, shares, tasks
from integration_settings.call_slots import one_caller
from integration_settings.errors import ServiceUnavailable
from integration_settings.models import QuickBooksConnection
from integration_settings.pipedrive import PipedriveClient
from integration_settings.quickbooks import QuickBooksClient
from integration_settings.shares import listening, seat, unhurried
from tests.conftest import Tenant
from tests.integration_settings.vendors import INTUIT_TOKEN, add_discovery
from tests.servers import wait_until
from tests.stand_ins import Control

pytestmark = pytest.mark.django_db
OURS, THEIRS, SOMEBODY = 1, 2, 3


def free_places(service="quickbooks", company_id=OURS):
    """How many tasks of the company could run at once now."""
    with ExitStack() as stack:
        return sum(stack.enter_context(seat(service, company_id)) for _ in range(9))


def keep_silent(monkeypatch, company_id=OURS):
    with monkeypatch.context() as patch:
        patch.setattr(shares, "LONG", 0)
        with pytest.raises(ServiceUnavailable), listening("quickbooks", company_id):
            raise ServiceUnavailable("quickbooks", "nothing came")


def test_a_company_has_two_places_at_a_time_and_the_others_have_theirs():
    with seat("quickbooks", OURS), seat("quickbooks", OURS):
        assert free_places() == 0
        assert free_places(company_id=THEIRS) == free_places("pipedrive") == 2
    assert free_places() == 2


def test_a_place_that_a_killed_worker_had_is_free_again_after_the_longest_call():
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock, seat("quickbooks", OURS), seat("quickbooks", OURS):
        clock.shift(shares.SEAT_SECONDS + 1)
        assert free_places() == 2


def test_work_of_several_slow_calls_keeps_its_place():
    """The customer, the item and the invoice, say: in the middle of it one more process would have the company's."""
    elsewhere, other = copy_context(), ExitStack()
    with time_machine.travel(timezone.now(), tick=False) as clock, seat("quickbooks", OURS):
        elsewhere.run(other.enter_context, seat("quickbooks", OURS))
        for _ in range(3):
            with listening("quickbooks", OURS):
                clock.shift(20)
        assert free_places() == 1  # that of the other, who made no call
    elsewhere.run(other.close)


def test_whoever_comes_back_late_leaves_the_place_to_whoever_has_it_by_then():
    with time_machine.travel(timezone.now(), tick=False) as clock, ExitStack() as others:
        with seat("quickbooks", OURS):
            clock.shift(shares.SEAT_SECONDS + 1)
            for _ in range(2):
                others.enter_context(seat("quickbooks", OURS))
        assert free_places() == 0


def test_after_a_call_without_an_answer_one_process_is_enough(monkeypatch):
    keep_silent(monkeypatch)
    assert free_places() == 1
    assert free_places(company_id=THEIRS) == free_places("pipedrive") == 2


def test_calls_of_one_page_that_bring_nothing_are_one_silence(monkeypatch):
    for _ in range(5):
        keep_silent(monkeypatch)
    assert free_places() == 1


@pytest.mark.parametrize("times, seconds", [(2, 20), (3, 40), (4, 60), (9, 60)])
def test_who_kept_silent_again_and_again_is_left_alone_for_a_while(monkeypatch, times, seconds):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(times):
            clock.shift(shares.SAME_MOMENT + 1)
            keep_silent(monkeypatch)
        clock.shift(seconds - 1)
        assert free_places() == 0
        clock.shift(2)
        assert free_places() == 1
        clock.shift(shares.REMEMBERED)
        assert free_places() == 2


def test_a_service_that_is_silent_for_several_companies_is_called_by_one_that_goes_by_the_clock(monkeypatch):
    def may_call():
        with ExitStack() as stack:
            return sum(stack.enter_context(unhurried("quickbooks")) for _ in range(9))

    with time_machine.travel(timezone.now(), tick=False) as clock:
        for company_id in range(shares.SEVERAL):
            assert may_call() == 9
            keep_silent(monkeypatch, company_id)
        assert may_call() == may_call() == 1
        assert free_places(company_id=99) == 2  # for people
        clock.shift(shares.RECENTLY + 1)
        assert may_call() == 9


def test_the_one_that_goes_by_the_clock_stays_the_one_however_many_slow_calls_it_makes(monkeypatch):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for company_id in range(shares.SEVERAL):
            keep_silent(monkeypatch, company_id)
        with unhurried("quickbooks"), seat("quickbooks", 99):
            for _ in range(3):
                with listening("quickbooks", 99):
                    clock.shift(20)
            with unhurried("quickbooks") as may_call:
                assert not may_call


def test_the_one_that_comes_back_late_leaves_its_turn_to_whoever_has_it_by_then(monkeypatch):
    with time_machine.travel(timezone.now(), tick=False) as clock, ExitStack() as others:
        for company_id in range(shares.SEVERAL):
            keep_silent(monkeypatch, company_id)
        with unhurried("quickbooks"):
            clock.shift(shares.SEAT_SECONDS + 1)
            assert others.enter_context(unhurried("quickbooks"))
        assert not others.enter_context(unhurried("quickbooks"))


def test_a_failure_that_held_nobody_changes_nothing():
    for _ in range(5):
        with pytest.raises(ServiceUnavailable), listening("quickbooks", OURS):
            raise ServiceUnavailable("quickbooks", "down, and says so at once")
    assert free_places() == 2


CALLS: dict[str, Callable[[Tenant], object]] = {
    "quickbooks": lambda tenant: QuickBooksClient(tenant.quickbooks).query("select * from Term"),
    "pipedrive": lambda tenant: PipedriveClient(tenant.user).me(),
}


@pytest.mark.parametrize("service", CALLS)
def test_every_call_of_the_company_is_listened_to(connect, control: Control, monkeypatch, service):
    tenant = connect("GB")
    monkeypatch.setattr(shares, "LONG", 0)
    control.fault("status", service=service, status=503)
    with pytest.raises(ServiceUnavailable):
        CALLS[service](tenant)
    assert free_places(service, tenant.company.pk) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("service, path", [("quickbooks", "/oauth2/v1/tokens/bearer"), ("pipedrive", "/oauth/token")])
def test_a_new_token_is_listened_for_like_any_call(connect, control: Control, monkeypatch, service, path):
    tenant = connect("GB")
    for grant in (tenant.quickbooks, tenant.user):
        grant.access_expires_at = timezone.now()
        grant.save()
    monkeypatch.setattr(shares, "LONG", 0)
    control.fault("status", service=service, path=path, status=503)
    with pytest.raises(ServiceUnavailable):
        CALLS[service](tenant)
    assert control.requests(service, path=path)
    assert free_places(service, tenant.company.pk) == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_waited_for_a_new_token_in_vain_does_not_ask_for_it_once_more(quickbooks, vendor, monkeypatch):
    """One after the other, each for ten seconds, they would hold all threads of the web server for minutes."""
    quickbooks.access_expires_at = timezone.now()
    quickbooks.save()
    add_discovery(vendor)
    all_there, waiting, asked = threading.Barrier(4), [], []

    @contextmanager
    def counted(*about):
        with listening(*about):
            waiting.append(about)
            yield

    def keep_silent(request):
        """Until the other three wait for the same token."""
        asked.append(request)
        wait_until(lambda: len(waiting) >= 4, what="all of them wait for it")
        raise requests.ReadTimeout

    def use_it() -> None:
        mine = QuickBooksConnection.objects.get(pk=quickbooks.pk)
        all_there.wait(30)
        try:
            with pytest.raises(ServiceUnavailable):
                connections.fresh_access_token(mine)
        finally:
            databases.close_all()

    monkeypatch.setattr(connections, "listening", counted)
    vendor.add_callback("POST", INTUIT_TOKEN, keep_silent)
    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(use_it) for _ in range(4)]:
            each.result()
    assert len(asked) == 1
    with pytest.raises(ServiceUnavailable):
        connections.fresh_access_token(quickbooks)
    assert len(asked) == 2  # it may have come back meanwhile


TASKS: dict[str, Callable[[Tenant], object]] = {
    "quickbooks": lambda tenant: tasks.read_ahead(tenant.company.pk),
    "pipedrive": lambda tenant: tasks.know_user(tenant.user.pk),
}


@pytest.mark.parametrize("service", TASKS)
def test_what_pages_leave_to_the_worker_takes_no_more_of_it_than_the_companys_places(
    connect, control: Control, service
):
    tenant = connect("GB")
    control.forget_requests()
    with seat(service, tenant.company.pk), seat(service, tenant.company.pk):
        TASKS[service](tenant)
        assert not control.requests(service)
    TASKS[service](tenant)
    assert control.requests(service)
    assert free_places(service, tenant.company.pk) == 2


def test_so_many_requests_of_one_company_are_held_and_the_next_is_told_at_once(monkeypatch):
    monkeypatch.setattr(shares, "HELD", 0)
    most = shares.MOST_HELD
    all_held, answered = threading.Barrier(most + 1), threading.Event()

    def request():
        """With two calls at once, as of a page that asks for several things."""
        with one_caller(), listening("pipedrive", OURS), listening("pipedrive", OURS):
            all_held.wait(30)
            answered.wait(30)

    with ThreadPoolExecutor(most) as threads:
        held = [threads.submit(request) for _ in range(most)]
        all_held.wait(30)
        with one_caller(), pytest.raises(ServiceUnavailable), listening("pipedrive", OURS):
            pass
        with one_caller(), listening("pipedrive", THEIRS), listening("quickbooks", OURS):
            pass
        answered.set()
        for each in held:
            each.result()
    with one_caller(), listening("pipedrive", OURS):
        pass


def test_while_services_hold_nearly_all_threads_nobody_has_a_second_one_held(monkeypatch):
    """Whose ever the silent services are: two threads stay for those whom nothing keeps."""
    monkeypatch.setattr(shares, "HELD", 0)
    silent = [("pipedrive", OURS)] * 3 + [("quickbooks", OURS)] * 2 + [("pipedrive", THEIRS)]
    assert len(silent) == shares.HELD_BY_ALL
    all_held, answered = threading.Barrier(len(silent) + 1), threading.Event()

    def request(service, company_id):
        with one_caller(), listening(service, company_id):
            all_held.wait(30)
            answered.wait(30)

    with ThreadPoolExecutor(len(silent)) as threads:
        held = [threads.submit(request, *about) for about in silent]
        all_held.wait(30)
        for about in sorted(set(silent)):
            with one_caller(), pytest.raises(ServiceUnavailable), listening(*about):
                pass
        with one_caller(), listening("pipedrive", SOMEBODY), listening("quickbooks", SOMEBODY):
            pass
        answered.set()
        for each in held:
            each.result()
