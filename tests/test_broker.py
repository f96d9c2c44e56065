"""The embedded broker loses and breaks nothing while several processes use it; Redis may go at any moment."""

from __future__ import annotations

import errno
import socket
import threading
import time
from contextlib import suppress
from queue import Empty
from types import SimpleNamespace
from unittest.mock import Mock, patch

import pytest
import redis
from kombu import Connection, Consumer, Exchange, Queue
from kombu.exceptions import OperationalError
from kombu.transport import filesystem

from pipedrive_qb import broker, cache
from pipedrive_qb.celery import app
from tests.servers import redis_server


def channel(tmp_path):
    options = {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
    }
    for folder in options.values():
        (tmp_path / folder).mkdir(exist_ok=True)
    return Connection(f"{broker.NAME}://", transport_options=options).default_channel


def read_all(source, count, found):
    while len(found) < count:
        try:
            found.append(source._get("background")["n"])
        except Empty:
            continue


def test_a_reader_never_meets_half_a_message(tmp_path):
    writer, reader, found = channel(tmp_path), channel(tmp_path), []
    reading = threading.Thread(target=read_all, args=(reader, 60, found))
    reading.start()
    for n in range(60):
        writer._put("background", {"n": n, "padding": "x" * 2_000})
    reading.join(timeout=30)
    assert sorted(found) == list(range(60))


def test_a_message_has_its_content_when_it_gets_its_name(tmp_path):
    target = channel(tmp_path)
    sizes = []
    replace = broker.os.replace

    def note_size(source, destination):
        sizes.append(source.stat().st_size)
        replace(source, destination)

    with patch.object(broker, "os", SimpleNamespace(replace=note_size)):
        target._put("background", {"n": 1})
    assert sizes[0] > 0
    assert target._get("background") == {"n": 1}


def test_a_full_disk_is_a_broker_that_takes_no_messages(tmp_path):
    """Whoever has stored what is wanted goes on without the hint then."""
    target = channel(tmp_path)
    full = SimpleNamespace(replace=Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
    with patch.object(broker, "os", full), pytest.raises(OperationalError):
        send(target.connection.client)
    assert list((tmp_path / "messages").iterdir()) == []


def test_a_worker_goes_on_asking_for_redis_however_long_it_is_away():
    assert app.conf.broker_connection_max_retries is None


def test_it_is_the_file_system_transport_otherwise():
    assert issubclass(broker.Channel, filesystem.Channel)


@pytest.fixture
def cut_off(redis_url):
    """(channel, message): a message that is worked on, of a connection that the worker has given up meanwhile."""
    connection, messages = Connection(redis_url), []
    connection.SimpleQueue("background").put({"n": 1})
    channel = connection.default_channel
    Consumer(channel, [Queue("background")], callbacks=[lambda _, message: messages.append(message)]).consume()
    connection.drain_events(timeout=10)
    channel._disconnect_pools()
    channel.connection.client = None
    yield channel, messages[0]
    channel.qos._on_collect.cancel()  # or it would be put back once more when the tests end


def test_a_task_that_ends_after_redis_was_away_does_not_end_its_worker(cut_off):
    _, message = cut_off
    message.ack()


def test_a_message_that_cannot_be_put_back_does_not_end_its_worker(cut_off):
    channel, message = cut_off
    message.reject(requeue=True)
    channel.close()


@pytest.mark.timeout(30)
def test_a_worker_whose_connections_are_closed_does_not_wait_for_a_message_to_everybody(redis_url):
    """Somebody closes them, such as a proxy in a fail-over, and would take new ones at once."""
    with Connection(redis_url, transport_options={"retry_on_timeout": True}) as connection:
        channel = connection.default_channel
        everybody = Queue("mine", Exchange("everybody", type="fanout"), auto_delete=True)
        Consumer(channel, [Queue("background"), everybody], callbacks=[lambda *_: None]).consume()
        with suppress(socket.timeout):
            connection.drain_events(timeout=0.5)
        with redis.Redis.from_url(redis_url) as somebody:
            somebody.client_kill_filter(_type="pubsub")
        with pytest.raises(connection.connection_errors) as cut:
            connection.drain_events(timeout=10)
        assert not isinstance(cut.value, socket.timeout)


def send(connection, queue="silent"):
    """As Celery sends a hint."""
    policy, declare = app.conf.task_publish_retry_policy, [Queue(queue)]
    connection.Producer().publish({"n": 1}, routing_key=queue, declare=declare, retry=True, retry_policy=policy)


@pytest.mark.parametrize(
    ("before", "sent"),
    [([], 0), (["silent"], 1), (["other"], 0)],
    ids=["not connected yet", "connected", "connected, its first hint of this kind"],
)
def test_whoever_has_found_redis_silent_does_not_wait_for_it_again_to_send_a_hint(redis_url, before, sent, monkeypatch):
    with Connection(redis_url) as connection, redis.Redis.from_url(redis_url) as witness:
        for queue in before:
            send(connection, queue)
        asked = ("total_connections_received", "total_commands_processed")
        known = witness.info("stats")
        monkeypatch.setattr(cache.silence, "until", time.monotonic() + 60)
        with pytest.raises(OperationalError):
            send(connection)
        now = witness.info("stats")
        assert [now[name] - known[name] for name in asked] == [0, 1]  # the witness's own question
        monkeypatch.setattr(cache.silence, "until", 0.0)
        assert connection.SimpleQueue("silent").clear() == sent


@pytest.fixture
def refusing(tmp_path):
    """refusing(how) -> (connection, message): a message that is worked on, of a Redis that takes nothing since then."""
    with redis_server(tmp_path) as url, Connection(url) as connection:

        def make(how):
            messages = []
            channel = connection.default_channel
            channel.basic_qos(0, 1, False)
            for n in range(2):
                connection.SimpleQueue("background").put({"n": n})
            Consumer(channel, [Queue("background")], callbacks=[lambda _, message: messages.append(message)]).consume()
            connection.drain_events(timeout=10)
            channel.client.execute_command(*how.split())
            return connection, messages[0]

        yield make


FULL, REPLICA = "CONFIG SET maxmemory 1", "REPLICAOF 127.0.0.1 1"


@pytest.mark.parametrize("how", [FULL, REPLICA], ids=["full", "a replica"])
def test_a_redis_that_refuses_is_one_that_is_away_and_does_not_end_its_worker(refusing, how):
    """A worker connects anew after its connection's errors, and ends after all others."""
    connection, message = refusing(how)
    message.ack()
    with pytest.raises(broker.REFUSALS) as refused:
        connection.drain_events(timeout=10)
    assert isinstance(refused.value, connection.connection_errors)


@pytest.mark.parametrize("how", [FULL, REPLICA], ids=["full", "a replica"])
@pytest.mark.parametrize("finish", ["ack", "reject", "requeue"])
def test_a_task_that_ends_while_redis_refuses_makes_room_for_the_next(refusing, how, finish):
    connection, message = refusing(how)
    assert not connection.default_channel.qos.can_consume()
    getattr(message, finish)()
    assert connection.default_channel.qos.can_consume()
