"""kombu's transports, where they would end a worker.

The embedded broker is its file system transport, with messages that appear whole: kombu's own `_put` opens the file
under its final name and writes afterwards. A reader that comes in between moves an empty file away and dies of it, and
the worker with it. Here a message is written under another name and then renamed, which is one step for every reader.

Redis: when it is away while a task runs, kombu 5.7 wants to put the task's message back through a connection that is
closed already, and later to acknowledge it there. It raises `AttributeError`, for which the worker ends. What is due
stands in the database, so such a message may be lost.

A Redis that is there and refuses (it is full, or became a replica in a fail-over) is one that is away: kombu takes only
what happens to the connection for that, and the worker ends of everything else.

A connection that Redis closes, or a proxy in between, is told of to the worker, which makes all of them anew. With
`retry_on_timeout` the `redis` library mends it by itself and asks the same once more: where messages for everybody are
listened to, it waits for one then, for ever, and the worker takes no others.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem, redis, virtual
from kombu.utils.json import dumps

from pipedrive_qb.cache import silence

NAME = "spool"
REFUSALS = redis.Transport.channel_errors


class Channel(filesystem.Channel):
    # The parent's and the grandparent's names for the message differ; nothing can match both.
    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        unfinished = folder / f"{name}.unfinished"
        try:
            unfinished.write_text(dumps(payload), encoding="utf-8")
            os.replace(unfinished, folder / name)
        except OSError as error:  # the disk is full, say
            with suppress(OSError):
                unfinished.unlink()
            raise ChannelError(f"the message cannot be kept: {error.strerror}") from error


class Transport(filesystem.Transport):
    Channel = Channel


TRANSPORT_ALIASES[NAME] = f"{__name__}:Transport"


class QoS(redis.QoS):
    """A message that Redis neither forgets nor takes back is handed out once more after a while, which does no harm.
    Here it counts as done: a worker with unfinished messages gets no others.
    """

    @property
    def is_cut(self) -> bool:
        transport = self.channel.connection
        return transport is None or transport.client is None

    def restore_unacked(self, *args: Any, **kwargs: Any) -> None:
        if not self.is_cut:
            with suppress(*REFUSALS):
                super().restore_unacked(*args, **kwargs)

    def ack(self, delivery_tag: str) -> None:
        if not self.is_cut:
            with self._done(delivery_tag):
                super().ack(delivery_tag)

    def reject(self, delivery_tag: str, *args: Any, **kwargs: Any) -> None:
        if not self.is_cut:
            with self._done(delivery_tag):
                super().reject(delivery_tag, *args, **kwargs)

    @contextmanager
    def _done(self, delivery_tag: str) -> Iterator[None]:
        try:
            yield
        except REFUSALS:
            virtual.QoS.ack(self, delivery_tag)


class RedisChannel(redis.Channel):
    QoS = QoS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        silence.refuse()
        super().__init__(*args, **kwargs)

    def basic_publish(self, *args: Any, **kwargs: Any) -> Any:
        """Whoever has waited for Redis in vain just now sends no hint: a person would wait for that again, longer."""
        silence.refuse()
        return super().basic_publish(*args, **kwargs)

    def queue_declare(self, *args: Any, **kwargs: Any) -> Any:
        """The first hint of a kind asks for its queue before it is sent."""
        silence.refuse()
        return super().queue_declare(*args, **kwargs)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        """`asynchronous` are the connections that are listened to."""
        found: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[misc]  # its types leave it out
        return found | {"retry_on_timeout": False} if asynchronous else found


class RedisTransport(redis.Transport):
    Channel = RedisChannel
    connection_errors = (*redis.Transport.connection_errors, *REFUSALS)


TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = f"{__name__}:RedisTransport"
