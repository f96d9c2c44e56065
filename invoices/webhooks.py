"""QuickBooks' notifications: a hint that a company has news, never a fact.

What is due to be looked at stands on the connection, so a burst of notices costs one look, after its end, and the look
asks QuickBooks itself. Of the company's settings no look tells: where a notice names them, the next form reads them.

https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models.sql import UpdateQuery
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integration_settings.clock import shared_now
from integration_settings.models import ConnectionState, QuickBooksConnection
from integration_settings.profile import doubt_profile
from integration_settings.shares import NoticesWait, notice_of
from invoices import pacing

log = logging.getLogger(__name__)

PREFERENCES = "preferences"
AT_ONCE = 1000  # companies in one statement
A_REALM, A_MOMENT = "the realm of a notice", datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)  # stand for values to come


@csrf_exempt  # the signature over the body is the proof
@require_POST
def quickbooks(request: HttpRequest) -> HttpResponse:
    """404 while no verifier token is configured; 401 unless the body is signed with it; 503 while others of the
    company wait; else 200, whatever it says.
    """
    verifier = settings.QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN
    if not verifier:
        return HttpResponse(status=404)
    if not is_signed(request.body, request.headers.get("intuit-signature", ""), verifier):
        log.warning("a notice is refused: it is not signed with QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN")
        return HttpResponse(status=401)
    told = told_in(request.body)
    realms = {realm for realm, _kind in told}
    try:
        with notice_of(*realms):
            marked = mark(realms)
            doubt_settings({realm for realm, kind in told if kind == PREFERENCES})
    except NoticesWait:
        log.warning("a notice is to come again: others of its company wait already")
        return HttpResponse(status=503, headers={"Retry-After": "10"})
    log.info("notice about %s companies, %s of them ours", len(realms), marked)
    return HttpResponse(status=200)


def mark(realms: Collection[str]) -> int:
    """Makes the connected companies of these due for a look; how many there are."""
    if len(realms) <= 1:
        return sum(_mark_one(realm) for realm in realms)
    named = sorted(realms)
    return sum(_mark_some(named[start : start + AT_ONCE]) for start in range(0, len(named), AT_ONCE))


def _mark_some(realms: Collection[str]) -> int:
    """Whoever is held just now, for a new token for instance, is told afterwards: nobody waits together with it."""
    known = QuickBooksConnection.objects.filter(realm_id__in=realms, state=ConnectionState.CONNECTED)
    with transaction.atomic():
        # In the order in which `following.finish` takes them, too, so that neither waits for the other in a circle.
        free = list(known.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True))
        marked = known.filter(pk__in=free).update(**pacing.told(shared_now()))
    for pk in list(known.exclude(pk__in=free).values_list("pk", flat=True)):
        marked += known.filter(pk=pk).update(**pacing.told(shared_now()))
    return marked


def _mark_one(realm: str) -> int:
    """The usual notice. The statement is the same for all but for its values: what the ORM does to make it was half of
    what a notice costs, so it is made once.
    """
    statement, values = _update_of_one()
    now, moment = shared_now(), database.ops.adapt_datetimefield_value
    own = {
        A_REALM: realm,
        moment(A_MOMENT): moment(now),
        moment(A_MOMENT + pacing.SILENCE): moment(now + pacing.SILENCE),
    }
    with database.cursor() as cursor:
        cursor.execute(statement, [own.get(value, value) for value in values])
        return int(cursor.rowcount)


def doubt_settings(realms: Collection[str]) -> None:
    """Somebody has changed the settings of these companies in QuickBooks."""
    for connection in QuickBooksConnection.objects.filter(realm_id__in=realms) if realms else ():
        doubt_profile(connection)


@cache
def _update_of_one() -> tuple[str, tuple[Any, ...]]:
    known = QuickBooksConnection.objects.filter(realm_id=A_REALM, state=ConnectionState.CONNECTED)
    update: UpdateQuery = known.query.chain(UpdateQuery)  # type: ignore[assignment]  # as its argument says
    update.add_update_values(pacing.told(A_MOMENT))
    statement, values = update.get_compiler(connection=database).as_sql()
    return statement, tuple(values)


def is_signed(body: bytes, signature: str, verifier: str) -> bool:
    """Base64 of HMAC-SHA256 over the body as it came in, compared in constant time."""
    expected = base64.b64encode(hmac.new(verifier.encode(), body, hashlib.sha256).digest())
    return hmac.compare_digest(expected, signature.encode(errors="replace"))


def told_in(body: bytes) -> set[tuple[str, str]]:
    """Companies and the kinds of what changed in them, in small letters, "" where that is not told: by CloudEvents (a
    list, or one) or by the older body; nothing for what is neither.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    if isinstance(content, dict) and "eventNotifications" in content:
        told = [pair for notice in _list(content["eventNotifications"]) for pair in _told_by_older(notice)]
    else:
        events = content if isinstance(content, list) else [content]
        told = [(_member(event, "intuitaccountid"), _member(event, "type")) for event in events]
    return {(realm, _kind(name)) for realm, name in told if realm}


def _told_by_older(notice: Any) -> list[tuple[str, str]]:
    realm, change = _member(notice, "realmId"), notice.get("dataChangeEvent") if isinstance(notice, dict) else None
    entities = _list(change.get("entities")) if isinstance(change, dict) else []
    return [(realm, ""), *((realm, _member(entity, "name")) for entity in entities)]


def _kind(name: str) -> str:
    """Of "qbo.invoice.updated.v1", or of the older "Invoice"."""
    return name.lower().removeprefix("qbo.").partition(".")[0]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _member(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    text = str(found)[:32] if isinstance(found, str | int) else ""
    return text if text.isprintable() else ""  # others no database takes, and no company has them
