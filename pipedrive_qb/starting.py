"""No process of this service starts with a wrong configuration: neither the web server nor the worker."""

from __future__ import annotations

import sys
from typing import NoReturn

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import run_checks

# gunicorn's word for "do not try again": with any other code it would start worker after worker.
CANNOT_BOOT = 3


def refuse_wrong_configuration() -> None:
    """Prints one line for each problem and ends the process; returns when there is none."""
    problems = [message for message in run_checks(databases=["default"]) if message.is_serious()]
    if not problems:
        return
    _end(*(f"{problem.id}: {problem.msg}" for problem in problems))


def refuse_missing_static_files() -> None:
    """For the web server. Without the list of them every page would break, that for faults included; gunicorn would log
    its whole address then, with the token in it.
    """
    if getattr(staticfiles_storage, "hashed_files", True):  # None are named by their content with DEBUG
        return
    _end("Static files are missing: run python manage.py collectstatic --noinput.")


def _end(*lines: str) -> NoReturn:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201  # logging may not be set up
    raise SystemExit(CANNOT_BOOT)
