"""Uninstalling an app: Pipedrive forgets the tokens and tells the app.

Rests on https://pipedrive.readme.io/docs/app-uninstallation.
"""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.error
import urllib.request

from ..config import Config
from .wire import Record, time_v2
from .world import World

PATIENCE = 10.0


async def uninstall(world: World, company_id: int, user_id: int) -> Record:
    """Removes one user's installation and sends the callback; tells whether it was installed, and the app's status."""
    was_installed = world.grants.uninstall(company_id, user_id)
    body = {
        "client_id": world.config.client_id,
        "company_id": company_id,
        "user_id": user_id,
        "timestamp": time_v2(world.clock.now()),
    }
    status = await asyncio.to_thread(send, world.config, body)
    return {"was_installed": was_installed, "callback_status": status}


def send(config: Config, body: Record) -> int | None:
    """The status of the app's answer, or None when there was none. Pipedrive looks at neither and never repeats it."""
    credentials = base64.b64encode(f"{config.client_id}:{config.client_secret}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - the app's own address, given at the start
        config.redirect_uri,
        data=json.dumps(body).encode(),
        method="DELETE",
        headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
