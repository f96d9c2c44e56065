"""For the operator: alive, ready, and figures."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from integration_settings.metrics import as_text
from integration_settings.short_memory import let_go
from pipedrive_qb.broker import REFUSALS
from pipedrive_qb.celery import app

log = logging.getLogger(__name__)
BROKER_SECONDS = 2


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """GET /healthz: this process answers."""
    let_go()
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """GET /readyz: database and broker can be reached, and take what is written; 503 tells which does not."""
    found = {"database": _state(_ask_database), "broker": _state(_ask_broker)}
    ready = all(state == "ok" for state in found.values())
    return JsonResponse(found, status=200 if ready else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """GET /metrics: Prometheus text for whoever holds METRICS_TOKEN; for others there is no such page."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    expected = settings.METRICS_TOKEN
    if not expected or scheme != "Bearer" or not secrets.compare_digest(token.encode(), expected.encode()):
        raise Http404
    return HttpResponse(as_text(), content_type="text/plain; version=0.0.4; charset=utf-8")


class ReadOnly(Exception):
    """It answers and takes nothing: a standby, or a primary that became one while we were connected; a full Redis."""


def _state(ask: Callable[[], None]) -> str:
    try:
        ask()
    except Exception as error:  # whatever it is, the answer is "not ready"
        log.warning("not ready: %s", type(error).__name__)
        return "read only" if isinstance(error, ReadOnly) else "unreachable"
    return "ok"


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only" if connection.vendor == "postgresql" else "SELECT 'off'")
        if cursor.fetchone() != ("off",):
            raise ReadOnly


def _ask_broker() -> None:
    limits = {"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS, "retry_on_timeout": False}
    with app.connection_for_write(transport_options=limits) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
        if broker.transport.driver_type == "redis":
            redis = broker.default_channel.client  # type: ignore[attr-defined]  # which only this transport has
            try:
                redis.set("readyz", "", ex=BROKER_SECONDS)
            except REFUSALS as error:
                raise ReadOnly from error
