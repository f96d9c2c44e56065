"""The Celery application and everything that runs by the clock, in one table.

The broker only carries hints: what is due stands in the database, so a lost message is found by the next tick
and a repeated one finds nothing left to do.
"""

import os
from datetime import timedelta
from typing import Any

from celery import Celery, Task
from celery.signals import beat_init, before_task_publish, celeryd_init, task_failure, task_prerun
from django.conf import settings

from integration_settings import log_context
from integration_settings.clock import LONGEST_DIFFERENCE
from pipedrive_qb import broker, error_reports, kept_connections  # noqa: F401  # `broker` makes the embedded one known
from pipedrive_qb.starting import refuse_wrong_configuration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pipedrive_qb.settings")

app = Celery("pipedrive_qb")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

TICK = LONGEST_DIFFERENCE.seconds
"""Seconds after which a tick that nobody read is worth nothing: after an outage one is as good as a hundred. Two clocks
are compared, that of the beat with that of a worker, perhaps on another machine: with seconds, no tick would be read.
"""

app.conf.beat_schedule = {
    # name: task, how often
    "dispatch-due-work": {
        "task": "invoices.tasks.dispatch_due_work",
        "schedule": timedelta(seconds=2),
        "options": {"expires": TICK, "queue": "interactive"},
    },
    "follow-companies": {
        "task": "invoices.tasks.follow_companies",
        "schedule": timedelta(seconds=1),
        "options": {"expires": TICK, "queue": "interactive"},
    },
    "keep-installations-alive": {
        "task": "integration_settings.tasks.keep_installations_alive",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600, "queue": "background"},
    },
    "watch-read-budget": {
        "task": "integration_settings.tasks.watch_read_budget",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600, "queue": "background"},
    },
    "forget-finished-sign-ins": {
        "task": "integration_settings.tasks.forget_finished_sign_ins",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600, "queue": "background"},
    },
    "forget-unsent-forms": {
        "task": "invoices.tasks.forget_unsent_forms",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600, "queue": "background"},
    },
}


@celeryd_init.connect
@beat_init.connect
def check_configuration(**_: object) -> None:
    refuse_wrong_configuration()
    error_reports.switch_on(settings.SENTRY_DSN)


@before_task_publish.connect
def name_the_request(headers: dict[str, Any], **_: object) -> None:
    """What a worker logs is found by the code that was shown to whoever pressed the button."""
    headers["request_id"] = log_context.request_id.get()


@task_prerun.connect
def begin_its_log(task: Task[..., Any], task_id: str, **_: object) -> None:
    """One process does one task after the other: nothing of the last one's request and company stands in the next."""
    given = getattr(task.request, "request_id", None) or log_context.NOBODY
    log_context.request_id.set(given if given != log_context.NOBODY else task_id)
    log_context.company_id.set(log_context.NOBODY)


@task_failure.connect
def find_no_connection(exception: BaseException | None = None, **_: object) -> None:
    kept_connections.note(exception)
