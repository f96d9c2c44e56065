"""`script/bench`: measures the goals that are named, or all; prints the table and writes docs/benchmarks.md."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "script")]


@contextmanager
def database() -> Iterator[None]:
    """A PostgreSQL of our own with our tables, which writes to the disk before it says that it did."""
    import run_tests

    with run_tests.postgres() as (address, problem):
        if problem:
            sys.exit(problem)
        os.environ |= {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        import django

        django.setup()
        logging.disable(logging.INFO)  # a line for each of the requests hides the figures
        from django.db import connection
        from django.test.utils import setup_databases, teardown_databases

        made = setup_databases(verbosity=0, interactive=False)
        try:
            with connection.cursor() as cursor:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    cursor.execute(f"ALTER SYSTEM SET {setting} = on")
                cursor.execute("SELECT pg_reload_conf()")
            yield
        finally:
            teardown_databases(made, verbosity=0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description="Measures the performance goals.")
    parser.add_argument("goals", nargs="*", metavar="GOAL", help="P1, P4 …; all of them without a name")
    parser.add_argument("--short", action="store_true", help="smaller sizes, for a first look")
    parser.add_argument("--peers", action="store_true", help="other people's tools beside; installs them once")
    parser.add_argument("--no-page", action="store_true", help="leave docs/benchmarks.md as it is")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pipedrive-qb-bench-") as folder, database():
        logs = Path(os.environ.get("KEEP_LOGS") or folder)
        logs.mkdir(parents=True, exist_ok=True)
        return measure(chosen, logs)


def measure(chosen: argparse.Namespace, folder: Path) -> int:
    from tests.bench import goals, report, usage
    from tests.bench.harness import GOALS, Bench

    goals.load()
    names = chosen.goals or [*GOALS]
    if unknown := [name for name in names if name not in GOALS]:
        sys.exit(f"unknown: {', '.join(unknown)}; known are {', '.join(GOALS)}")
    load = usage.load()
    sys.stdout.write(f"Load before the start: {load}; {os.cpu_count()} cores.\n")
    bench, results = Bench(folder, chosen.short, chosen.peers), []
    for name in names:
        begun = time.monotonic()
        sys.stdout.write(f"\n── {name} {GOALS[name].title}\n")
        for result in GOALS[name].run(bench):
            results.append(result)
            sys.stdout.write(report.line(result) + "\n")
            sys.stdout.flush()
        sys.stdout.write(f"   ({time.monotonic() - begun:.0f} s)\n")
        bench.forget()
        if not chosen.no_page:  # after each goal: what comes later may end the run
            report.write(ROOT / "docs" / "benchmarks.md", results, load=load, short=chosen.short)
    sys.stdout.write("\n" + report.table(results))
    return 0 if all(result.met is not False for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
