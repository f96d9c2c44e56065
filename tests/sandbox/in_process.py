"""A stand-in without a process of its own: its application is called where the test runs."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from sandbox.assembly import Sandbox
from sandbox.config import Config


class InProcess:
    """What `Crm` and `Desk` have in common."""

    def __init__(self, service: str, config: Config, exchange_log: str | None) -> None:
        self.loop = asyncio.new_event_loop()
        self.sandbox = Sandbox({service: config}, exchange_log)
        transport = httpx.ASGITransport(app=self.sandbox.apps[service])
        self.http = httpx.AsyncClient(transport=transport, base_url=config.url)

    def close(self) -> None:
        self.loop.run_until_complete(self.http.aclose())
        self.loop.close()

    def send(self, method: str, url: str, **more: Any) -> httpx.Response:
        return self.loop.run_until_complete(self.http.request(method, url, **more))

    def control(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        answer = self.send(method, f"/_sandbox{path}", json=body if method == "POST" else None)
        assert answer.status_code == 200, answer.text
        return answer.json()
