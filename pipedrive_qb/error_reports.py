"""Faults of ours reported to Sentry, or what speaks its language, where SENTRY_DSN names one; without it the SDK is not
even imported.

What goes out is written anew from a list of what may: which kind of error, where in the code, in which request or
company's task. Nothing of the request, no local variable, no text of an exception, since a database or a vendor quotes
there what it was given. https://docs.sentry.io/platforms/python/configuration/options/
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from integration_settings import log_context

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

PLACE = ("filename", "function", "module", "lineno", "in_app")
OURS = ("pipedrive_qb", "integration_settings", "invoices", "django", "celery")
"""Loggers whose messages are templates: what they are about comes as arguments, which are left out."""


def switch_on(dsn: str, **options: Any) -> None:
    """From now on what is logged as an error is reported to `dsn`; nothing is done for an empty one.

    `options` of the SDK stand above ours: tests give a `transport`.
    """
    if not dsn:
        return
    import sentry_sdk  # noqa: PLC0415  # only where it is wanted
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415  # as above

    ours: dict[str, Any] = {
        # Only what is logged: requests and tasks are not listened to, so their contents never get into the SDK.
        "default_integrations": False,
        "auto_enabling_integrations": False,
        "integrations": [LoggingIntegration(level=None, event_level=logging.ERROR)],
        "before_send": what_may_go_out,
        "include_local_variables": False,
        "include_source_context": False,
        "max_breadcrumbs": 0,
        "auto_session_tracking": False,
        "send_client_reports": False,
        "environment": "production",
    }
    sentry_sdk.init(dsn, **(ours | options))


def what_may_go_out(event: Event, hint: Hint) -> Event | None:
    """A new event with the harmless parts of this one."""
    known: dict[str, Any] = dict(event)
    logger = str(known.get("logger") or "")
    template = (known.get("logentry") or {}).get("message", "") if logger.split(".", maxsplit=1)[0] in OURS else ""
    return {
        "event_id": known["event_id"],
        "timestamp": known["timestamp"],
        "platform": "python",
        "level": known.get("level", "error"),
        "logger": logger,
        "environment": "production",
        "logentry": {"message": template},
        "exception": {"values": [_kind_and_place(each) for each in (known.get("exception") or {}).get("values", [])]},
        "tags": {"request_id": log_context.request_id.get(), "company_id": log_context.company_id.get()},
    }


def _kind_and_place(exception: dict[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames", [])
    return {
        "type": exception.get("type"),
        "module": exception.get("module"),
        "stacktrace": {"frames": [{name: frame[name] for name in PLACE if name in frame} for frame in frames]},
    }
