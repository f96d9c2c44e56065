"""Webhooks: what changes in the books is told to the app, signed, some tenths of a second later.

Rests on https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks and on the CloudEvents body of
https://blogs.intuit.com/2025/11/12/upcoming-change-to-webhooks-payload-structure
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import urllib.error
import urllib.request
import uuid
from typing import Any

from ..clock import Clock
from ..config import Config

DELAY = 0.2  # seconds in which changes are gathered into one notice
MOST = 500  # events of one notice
PATIENCE = 3.0  # what the vendor grants
TOLD = {
    **{name: name for name in ("Invoice", "Payment", "CreditMemo", "Item", "Term", "Class", "Department")},
    "CompanyCurrency": "Currency",
    "Preferences": "Preferences",
}
"""What an app is told of that is set up by docs/setting-up.md, and what notices call it."""


class Notices:
    """Off without a verifier token. What the app does not take is not sent again; `sent` keeps the statuses."""

    def __init__(self, clock: Clock, config: Config) -> None:
        self.clock, self.config = clock, config
        self.waiting: list[dict[str, Any]] = []
        self.sent: list[int | None] = []
        self.tasks: set[asyncio.Task[None]] = set()

    def tell(self, realm: str, entity: str, identity: str, operation: str) -> None:
        """`operation` is created, updated or deleted."""
        if not self.config.verifier_token or entity not in TOLD:
            return
        self.waiting.append(
            {
                "specversion": "1.0",
                "id": str(uuid.uuid4()),
                "source": "intuit.sandbox",
                "type": f"qbo.{TOLD[entity].lower()}.{operation}.v1",
                "datacontenttype": "application/json",
                "time": self.clock.now().isoformat(timespec="seconds"),
                "intuitentityid": identity,
                "intuitaccountid": realm,
                "data": {},
            }
        )
        if len(self.waiting) == 1:
            task = asyncio.get_running_loop().create_task(self.deliver())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def deliver(self) -> None:
        await asyncio.sleep(DELAY)
        events, self.waiting = self.waiting, []
        for start in range(0, len(events), MOST):
            body = json.dumps(events[start : start + MOST]).encode()
            self.sent.append(await asyncio.to_thread(send, self.config, body))


def signature(body: bytes, verifier_token: str) -> str:
    return base64.b64encode(hmac.new(verifier_token.encode(), body, hashlib.sha256).digest()).decode()


def send(config: Config, body: bytes) -> int | None:
    """The status of the app's answer, None when there was none."""
    headers = {"Content-Type": "application/json", "intuit-signature": signature(body, config.verifier_token)}
    address = config.app_url.rstrip("/") + "/webhooks/quickbooks"
    request = urllib.request.Request(address, data=body, method="POST", headers=headers)  # noqa: S310 - the app's own
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
