"""Pages and tasks go on while Redis is away."""

from __future__ import annotations

import socket

import pytest

from pipedrive_qb.cache import ForgivingRedisCache


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


def test_whoever_asks_to_be_first_goes_on(cache_without_redis):
    assert cache_without_redis.add("handed-out", True, 10) is True


def test_whoever_counts_begins_anew(cache_without_redis):
    cache_without_redis.add("attempts", 0, 60)
    assert [cache_without_redis.incr("attempts"), cache_without_redis.incr("attempts")] == [1, 1]
