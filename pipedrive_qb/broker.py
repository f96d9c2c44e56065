"""The embedded broker: Celery's file system transport, with messages that appear whole.

kombu's own `_put` opens the file under its final name and writes afterwards. A reader that comes in between moves an
empty file away and dies of it, and the worker with it. Here a message is written under another name and then renamed,
which is one step for every reader.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

NAME = "spool"


class Channel(filesystem.Channel):
    # The parent's and the grandparent's names for the message differ; nothing can match both.
    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        unfinished = folder / f"{name}.unfinished"
        unfinished.write_text(dumps(payload), encoding="utf-8")
        os.replace(unfinished, folder / name)


class Transport(filesystem.Transport):
    Channel = Channel


TRANSPORT_ALIASES[NAME] = f"{__name__}:Transport"
