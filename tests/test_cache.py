"""Pages and tasks go on while Redis is away."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context

import pytest
from django.core.cache import CacheHandler

from pipedrive_qb import cache as cache_module
from pipedrive_qb.cache import ForgivingRedisCache, OneMachineCache
from tests.servers import wait_until


@pytest.fixture
def cache_without_redis():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return ForgivingRedisCache(f"redis://127.0.0.1:{port}", {"OPTIONS": {"socket_connect_timeout": 0.2}})


def test_a_missing_redis_answers_like_an_empty_cache(cache_without_redis):
    cache_without_redis.set("deal", "seen", 60)
    assert cache_without_redis.get("deal") is None
    assert cache_without_redis.get("deal", "default") == "default"
    assert cache_without_redis.delete("deal") is False


def test_a_missing_redis_has_nothing_of_many_either(cache_without_redis):
    assert cache_without_redis.set_many({"product:1": {}, "product:2": {}}, 60) == ["product:1", "product:2"]
    assert cache_without_redis.get_many(["product:1", "product:2"]) == {}
    cache_without_redis.delete_many(["product:1"])


def test_whoever_asks_to_be_first_goes_on(cache_without_redis):
    assert cache_without_redis.add("handed-out", True, 10) is True


def test_whoever_counts_begins_anew(cache_without_redis):
    cache_without_redis.add("attempts", 0, 60)
    assert [cache_without_redis.incr("attempts"), cache_without_redis.incr("attempts")] == [1, 1]


@pytest.fixture
def one_that_counts():
    """The address of somebody who answers "+OK" to everything, and those who connected."""
    connected = []
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:

        def answer(connection):
            with connection:
                while asked := connection.recv(4096):
                    connection.sendall(b"+OK\r\n" * asked.count(b"*"))

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connected.append(connection)
                pool.submit(answer, connection)

        pool.submit(serve)
        yield f"redis://127.0.0.1:{server.getsockname()[1]}?protocol=2", connected
        server.shutdown(socket.SHUT_RDWR)
        for connection in connected:
            connection.shutdown(socket.SHUT_RDWR)


def test_threads_that_come_and_go_share_one_connection(one_that_counts):
    address, connected = one_that_counts
    caches = CacheHandler({"default": {"BACKEND": "pipedrive_qb.cache.ForgivingRedisCache", "LOCATION": address}})
    for _ in range(5):
        with ThreadPoolExecutor(1) as short_lived:
            assert short_lived.submit(lambda: caches["default"].add("slot", True, 30)).result() is True
    assert len(connected) == 1


@pytest.fixture
def one_that_is_silent(monkeypatch):
    """(cache, asked): asked() is how many have called somebody who takes every call and never says a word."""
    monkeypatch.setattr(cache_module.silence, "until", 0.0)
    called = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        def asked():
            with suppress(BlockingIOError):
                while True:
                    called.append(server.accept())
            return len(called)

        limits = {"socket_timeout": 0.1, "socket_connect_timeout": 0.1}
        yield ForgivingRedisCache(f"redis://127.0.0.1:{server.getsockname()[1]}", {"OPTIONS": limits}), asked
        for connection, _ in called:
            connection.close()


def test_whoever_finds_redis_silent_is_the_only_one_to_wait_for_it(one_that_is_silent):
    cache, asked = one_that_is_silent
    for number in range(12):
        assert cache.get(f"deal:{number}") is None
    assert cache.add("handed-out", True, 10) is True
    assert asked() == 1


def test_a_silent_redis_is_asked_again_after_a_while(one_that_is_silent, monkeypatch):
    monkeypatch.setattr(cache_module, "SILENT_SECONDS", 0.2)
    cache, asked = one_that_is_silent
    wait_until(lambda: cache.get("deal") is None and asked() >= 2, what="it is asked again")


def test_one_that_is_away_is_asked_each_time(cache_without_redis, monkeypatch):
    """That costs nothing, and it may be back."""
    monkeypatch.setattr(cache_module.silence, "until", 0.0)
    cache_without_redis.get("deal")
    cache_module.silence.refuse()


# One machine without Redis


def who_was_first(folder, keys):
    shared = OneMachineCache(folder, {})
    return sum(shared.add(f"slot:{key}", True, 30) for key in range(keys))


def test_of_several_processes_that_add_the_same_one_is_first(tmp_path):
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        firsts = list(pool.map(who_was_first, [str(tmp_path)] * 4, [200] * 4))
    assert sum(firsts) == 200


def test_what_is_over_is_free_again_and_no_fault_to_touch(tmp_path):
    shared = OneMachineCache(str(tmp_path), {})
    assert shared.add("slot", True, 0.05)
    assert not shared.add("slot", True, 30)
    time.sleep(0.1)  # that it is over by the clock is the case
    assert shared.touch("slot", 1) is False
    assert shared.add("slot", True, 30)
    assert shared.touch("slot", 0.05) is True
    time.sleep(0.1)  # that it is over by the clock is the case
    assert shared.add("slot", True, 30)
