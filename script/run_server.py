"""Starts the service's processes for `script/server`, watches over them, and ends them together."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pipedrive_qb.variables import read_variables  # noqa: E402  # a script finds the project by the line above

VAR = ROOT / "var"
LOGS = VAR / "log"
CREDENTIALS = ("PIPEDRIVE_CLIENT_ID", "PIPEDRIVE_CLIENT_SECRET", "QUICKBOOKS_CLIENT_ID", "QUICKBOOKS_CLIENT_SECRET")
START_SECONDS = 60
STOP_SECONDS = 12


class CannotRunError(Exception):
    """Ends the command with this text."""


@dataclass
class Child:
    """One of our processes; its own session, so that Ctrl-C reaches it through us only."""

    name: str
    log: Path
    popen: subprocess.Popen[str]

    @property
    def ended(self) -> bool:
        return self.popen.poll() is not None


@dataclass
class Children:
    environment: dict[str, str]
    running: list[Child] = field(default_factory=list)

    def start(self, name: str, arguments: Sequence[str], *, listen: bool = False) -> Child:
        """Runs a Python module; what it says goes to var/log/<name>.log (with `listen`, its standard output to us)."""
        log = LOGS / f"{name}.log"
        with log.open("a") as output:
            popen = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if listen else output,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        child = Child(name, log, popen)
        self.running.append(child)
        return child

    def check(self) -> None:
        """Raises when one of them has ended."""
        for child in self.running:
            if child.ended:
                raise CannotRunError(
                    f"The process “{child.name}” ended unexpectedly (code {child.popen.returncode}). "
                    f"The end of {relative(child.log)}:\n\n{last_lines(child.log)}"
                )

    def stop(self) -> None:
        for child in reversed(self.running):
            if not child.ended:
                child.popen.terminate()
        end = time.monotonic() + STOP_SECONDS
        for child in self.running:
            with suppress(subprocess.TimeoutExpired):
                child.popen.wait(max(0.1, end - time.monotonic()))
        for child in self.running:
            with suppress(ProcessLookupError):
                os.killpg(child.popen.pid, signal.SIGKILL)
            child.popen.wait()


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def last_lines(path: Path) -> str:
    return "\n".join("    " + line for line in path.read_text(errors="replace").splitlines()[-15:])


def say(text: str = "") -> None:
    print(text, flush=True)


def complain(error: Exception) -> None:
    print(f"\n{error}\n", file=sys.stderr, flush=True)


# The environment


def wants_demo(environment: dict[str, str]) -> bool:
    """No credential of either vendor is configured, neither as a value nor as a file."""
    return not any(environment.get(name) or environment.get(f"{name}_FILE") for name in CREDENTIALS)


def port_of(environment: dict[str, str]) -> int:
    """PORT, else the port that APP_URL names, else 8000."""
    given = environment.get("PORT", "")
    if given:
        if not given.isdigit() or not 0 < int(given) < 65536:
            raise CannotRunError(f"PORT must be a number from 1 to 65535, not “{given}”.")
        return int(given)
    try:
        return urlsplit(environment.get("APP_URL", "")).port or 8000
    except ValueError as error:
        raise CannotRunError(f"APP_URL: {error}.") from error


def own_secrets() -> dict[str, str]:
    """The demo's keys, made once and kept in a file that only its owner reads."""
    file = VAR / "demo.env"
    if not file.exists():
        lines = [f"SECRET_KEY={secrets.token_urlsafe(60)}", f"TOKEN_ENCRYPTION_KEYS={Fernet.generate_key().decode()}"]
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as output:
            output.write("\n".join(lines) + "\n")
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


def demo_environment(environment: dict[str, str]) -> dict[str, str]:
    """Points the app at the stand-ins; what the person set (PORT, DATABASE_URL, REDIS_URL, …) stays."""
    pipedrive = f"http://127.0.0.1:{environment.get('SANDBOX_PIPEDRIVE_PORT', '8010')}"
    quickbooks = f"http://127.0.0.1:{environment.get('SANDBOX_QUICKBOOKS_PORT', '8020')}"
    stand_ins = {
        "PIPEDRIVE_CLIENT_ID": "demo-pipedrive-client",
        "PIPEDRIVE_CLIENT_SECRET": "demo-pipedrive-secret-0123456789abcdef",
        "PIPEDRIVE_JWT_SECRET": "",
        "PIPEDRIVE_OAUTH_URL": pipedrive,
        "PIPEDRIVE_WEB_URL": pipedrive + "/web/{company_domain}",
        "PIPEDRIVE_API_HOSTS": "127.0.0.1",
        "PIPEDRIVE_FRAME_ANCESTORS": pipedrive,
        "PIPEDRIVE_MODAL_ID": "QuickBooks invoice",
        "QUICKBOOKS_CLIENT_ID": "demo-quickbooks-client",
        "QUICKBOOKS_CLIENT_SECRET": "demo-quickbooks-secret-0123456789abcdef",
        "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN": "demo-verifier-0123456789",
        "SANDBOX_QUICKBOOKS_VERIFIER_TOKEN": "demo-verifier-0123456789",
        "QUICKBOOKS_ENVIRONMENT": "sandbox",
        "QUICKBOOKS_DISCOVERY_URL": quickbooks + "/.well-known/openid_sandbox_configuration",
        "QUICKBOOKS_API_URL": quickbooks,
        "QUICKBOOKS_WEB_URL": quickbooks + "/web",
    }
    chosen = {name: value for name, value in environment.items() if value}
    defaults = {"DATABASE_URL": f"sqlite:///{VAR / 'demo.sqlite3'}"}
    in_files = {name.removesuffix("_FILE") for name in chosen if name.endswith("_FILE")}
    own = {name: value for name, value in (own_secrets() | defaults).items() if name not in in_files}
    return environment | own | chosen | stand_ins


def forget_last_demo(environment: dict[str, str]) -> None:
    """The stand-ins begin anew at every start, so what the app remembers of their last life goes, too."""
    if environment.get("DATABASE_URL") == f"sqlite:///{VAR / 'demo.sqlite3'}":
        for file in VAR.glob("demo.sqlite3*"):
            file.unlink()
    if not environment.get("REDIS_URL"):
        for folder in ("broker", "broker-control", "calls"):
            shutil.rmtree(VAR / folder, ignore_errors=True)


def require_free(port: int, what: str, how_to_change: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotRunError(f"This account may not use port {port}, needed for {what}. {how_to_change}") from None
        except OSError:
            raise CannotRunError(
                f"Port {port}, needed for {what}, is taken by another program. {how_to_change}"
            ) from None


# The steps


def manage(environment: dict[str, str], *arguments: str) -> None:
    """Django's commands before the start; silent unless they fail."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRunError((done.stdout + done.stderr).strip())


def start_stand_ins(children: Children) -> dict[str, str]:
    """Their two addresses."""
    child = children.start("stand-ins", ["sandbox", "--app-url", children.environment["APP_URL"]], listen=True)
    line = child.popen.stdout.readline() if child.popen.stdout else ""
    if not line:
        child.popen.wait()
        children.check()
    return dict(json.loads(line))


def start_app(children: Children, port: int) -> None:
    environment = children.environment
    arguments = [
        "gunicorn",
        "pipedrive_qb.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--threads",
        "8",
        "--no-control-socket",
    ]
    if "WEB_CONCURRENCY" not in environment:
        # Several processes share their cache only through Redis.
        arguments += ["--workers", str(min(4, (os.cpu_count() or 1) + 1)) if environment.get("REDIS_URL") else "1"]
    children.start("app", arguments)


def start_worker(children: Children) -> None:
    arguments = ["celery", "-A", "pipedrive_qb", "worker", "--beat", "--schedule", str(VAR / "beat-schedule")]
    arguments += ["--queues", "interactive,background", "--concurrency", "3", "--loglevel", "INFO"]
    children.start("worker", [*arguments, "--without-gossip", "--without-mingle"])


def wait_until_healthy(children: Children, port: int) -> None:
    app_url = urlsplit(children.environment["APP_URL"])
    headers = {"Host": app_url.netloc, "X-Forwarded-Proto": app_url.scheme}
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        children.check()
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz", headers=headers)
            if connection.getresponse().status == http.client.OK:
                return
        time.sleep(0.1)
    raise CannotRunError(
        f"The app does not answer on /healthz. The end of var/log/app.log:\n\n{last_lines(LOGS / 'app.log')}"
    )


def introduce(address: str, addresses: dict[str, str]) -> None:
    say()
    say(f"    Open  {address}")
    say()
    if addresses:
        say("  This is the demo: both services are stand-ins on this machine, and each start begins anew.")
        say("  Press Install there, connect a QuickBooks company, look through the settings, then open a")
        say("  deal and press “+ Invoice”.")
        say(f"  The bookkeeper, who receives payments, is at  {addresses['quickbooks']}/")
        say("  For the real services put their credentials into .env, see README.md.")
        say()
    say("  Logs: var/log/    Stop: Ctrl-C")
    say()


def run(environment: dict[str, str]) -> int:
    """Prepares, starts and watches until a signal or until one of the processes ends; the exit code."""
    demo = wants_demo(environment)
    port = port_of(environment)
    environment.setdefault("APP_URL", f"http://localhost:{port}")
    VAR.mkdir(exist_ok=True)
    LOGS.mkdir(exist_ok=True)
    require_free(port, "the app", f"Choose another one: PORT={port + 1} script/server")
    if demo:
        environment = demo_environment(environment)
        for service, default in (("Pipedrive", "8010"), ("QuickBooks", "8020")):
            name = f"SANDBOX_{service.upper()}_PORT"
            number = environment.get(name, default)
            if not number.isdigit():
                raise CannotRunError(f"{name} must be a port number, not “{number}”.")
            require_free(
                int(number), f"the {service} stand-in", f"Choose another one: {name}={int(number) + 1} script/server"
            )
        forget_last_demo(environment)
    say("Preparing the database and the static files …")
    manage(environment, "check")
    manage(environment, "migrate", "--noinput")
    manage(environment, "collectstatic", "--noinput")
    children = Children(environment)
    try:
        addresses = start_stand_ins(children) if demo else {}
        start_app(children, port)
        start_worker(children)
        wait_until_healthy(children, port)
        introduce(f"{addresses['pipedrive']}/" if demo else environment["APP_URL"], addresses)
        while True:
            children.check()
            time.sleep(0.3)
    except CannotRunError as error:
        complain(error)
        return 1
    finally:
        say("Stopping …")
        children.stop()


def on_signal(number: int, frame: FrameType | None) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        if problems := read_variables(ROOT / ".env"):
            raise CannotRunError("\n".join(problems))
        return run(os.environ | {"DJANGO_SETTINGS_MODULE": "pipedrive_qb.settings", "PYTHONUNBUFFERED": "1"})
    except KeyboardInterrupt:
        return 0
    except CannotRunError as error:
        complain(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
