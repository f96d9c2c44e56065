"""`python -m sandbox`: serves both stand-ins from one process until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from . import config
from .assembly import Sandbox


class Server(uvicorn.Server):
    """Leaves the signals to us: two servers in one process would take them from each other."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; each option falls back to an environment variable, e.g. SANDBOX_PIPEDRIVE_PORT."""

    def default(name: str, value: str) -> str:
        return os.environ.get("SANDBOX_" + name.upper(), value)

    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Stand-ins of Pipedrive and QuickBooks Online."
    )
    parser.add_argument("--host", default=default("host", "127.0.0.1"))
    parser.add_argument(
        "--pipedrive-port", type=int, default=int(default("pipedrive_port", "8010")), help="0: any free port"
    )
    parser.add_argument(
        "--quickbooks-port", type=int, default=int(default("quickbooks_port", "8020")), help="0: any free port"
    )
    parser.add_argument("--app-url", default=default("app_url", "http://localhost:8000"))
    parser.add_argument("--pipedrive-client-id", default=default("pipedrive_client_id", "demo-pipedrive-client"))
    parser.add_argument(
        "--pipedrive-client-secret",
        default=default("pipedrive_client_secret", "demo-pipedrive-secret-0123456789abcdef"),
    )
    parser.add_argument("--quickbooks-client-id", default=default("quickbooks_client_id", "demo-quickbooks-client"))
    parser.add_argument(
        "--quickbooks-client-secret",
        default=default("quickbooks_client_secret", "demo-quickbooks-secret-0123456789abcdef"),
    )
    parser.add_argument(
        "--quickbooks-verifier-token", default=default("quickbooks_verifier_token", ""), help="signs notices; none: off"
    )
    parser.add_argument(
        "--no-throttle",
        action="store_true",
        default=default("no_throttle", "") not in ("", "0", "false"),
        help="start without the vendors' rate limits",
    )
    return parser.parse_args(arguments)


def listen(host: str, port: int) -> socket.socket:
    """Bound before anything starts, so that a service knows its own address and a taken port fails at once."""
    # With the protocol named, asyncio switches off the delay that would cost every answer 40 ms.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((host, port))
    found.listen(512)
    return found


async def serve(chosen: argparse.Namespace) -> None:
    sockets = {
        "pipedrive": listen(chosen.host, chosen.pipedrive_port),
        "quickbooks": listen(chosen.host, chosen.quickbooks_port),
    }
    urls = {name: f"http://{chosen.host}:{found.getsockname()[1]}" for name, found in sockets.items()}
    throttle = not chosen.no_throttle
    sandbox = Sandbox(
        {
            "pipedrive": config.pipedrive(
                urls["pipedrive"], chosen.app_url, chosen.pipedrive_client_id, chosen.pipedrive_client_secret, throttle
            ),
            "quickbooks": config.quickbooks(
                urls["quickbooks"],
                chosen.app_url,
                chosen.quickbooks_client_id,
                chosen.quickbooks_client_secret,
                throttle,
                verifier_token=chosen.quickbooks_verifier_token,
            ),
        }
    )
    servers = {
        name: Server(
            uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
        )
        for name, app in sandbox.apps.items()
    }

    gc.collect()
    gc.freeze()  # the seeds live as long as the process; looking at them again and again would only cost time
    gc.set_threshold(50_000, 20, 50)

    def stop() -> None:
        for server in servers.values():
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    running = [asyncio.create_task(server.serve(sockets=[sockets[name]])) for name, server in servers.items()]
    while not all(server.started for server in servers.values()) and not any(task.done() for task in running):
        await asyncio.sleep(0.01)
    sys.stdout.write(json.dumps({name: urls[name] for name in servers}) + "\n")
    sys.stdout.flush()
    await asyncio.gather(*running)


def main(arguments: list[str] | None = None) -> None:
    asyncio.run(serve(options(arguments)))


if __name__ == "__main__":
    main()
