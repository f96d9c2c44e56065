"""Puts clock, faults, recording, control addresses and the services together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send

from . import pipedrive, quickbooks
from .clock import Clock
from .config import Config
from .control import Control
from .exchanges import ExchangeLog, ExchangeMiddleware
from .faults import FaultMiddleware, Faults
from .service import Service, World

SERVICES = {"pipedrive": cast(Service, pipedrive), "quickbooks": cast(Service, quickbooks)}


class Fork:
    """/_sandbox goes to the control addresses, unrecorded and never faulty; all else to the service."""

    def __init__(self, control: ASGIApp, service: ASGIApp) -> None:
        self.control = control
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/_sandbox/"):
            path = scope["path"].removeprefix("/_sandbox")
            await self.control({**scope, "path": path, "raw_path": path.encode()}, receive, send)
        else:
            await self.service(scope, receive, send)


class Sandbox:
    """Both stand-ins. `apps` holds an ASGI app a service, `worlds` their state."""

    def __init__(self, configs: Mapping[str, Config], exchange_log: str | None = None) -> None:
        self.clock = Clock()
        self.faults = Faults()
        self.log = ExchangeLog(self.clock, exchange_log or os.environ.get("EXCHANGE_LOG"))
        self.control = Control(self.clock, self.faults, self.log)
        self.worlds: dict[str, World] = self.control.worlds
        for config in configs.values():
            config.neighbours = {name: other.url for name, other in configs.items()}
        inner = {name: self.inner(name, config) for name, config in configs.items()}
        control = self.control.app()
        self.apps: dict[str, ASGIApp] = {name: Fork(control, app) for name, app in inner.items()}

    def inner(self, name: str, config: Config) -> ASGIApp:
        module = SERVICES[name]
        world = module.World(self.clock, config)
        self.worlds[name] = world
        self.control.configs[name] = config
        self.control.extra += module.control_routes(world, self.clock, self.faults, config)
        app = module.create_app(world, self.clock, self.faults, config)
        faulty = FaultMiddleware(app, name, self.faults, module.fault_answer)
        return ExchangeMiddleware(faulty, name, self.log, world, module.PEOPLE_PATHS)
