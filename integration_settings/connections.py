"""The token store: the only module that reads or writes tokens.

A grant is refreshed under its row's lock, read again once the lock is held, and saved before use. That is the only
place where a transaction stays open across a network call: two refreshes at once can end a connection for good at
Intuit.
On SQLite, which has no row locks, the transaction itself is the lock.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import connection as database
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from integration_settings import oauth
from integration_settings.api_hosts import UntrustedHost
from integration_settings.clock import LONGEST_DIFFERENCE, shared_now
from integration_settings.crypto import Unreadable, encrypted_fields
from integration_settings.errors import ConnectionExpired, RateLimited, ServiceError, ServiceUnavailable
from integration_settings.http import Service
from integration_settings.models import (
    DISCONNECTED,
    NO_RIGHTS,
    Company,
    CompanySettings,
    Connection,
    ConnectionState,
    PipedriveUser,
    QuickBooksConnection,
    ReferenceList,
    Removal,
)
from integration_settings.oauth import Grant, InvalidGrant
from integration_settings.patience import AWAY, patiently
from integration_settings.selectors import hold_company
from integration_settings.shares import listening

log = logging.getLogger(__name__)

MARGIN = timedelta(minutes=5)
IN_VAIN_SECONDS = 60  # for which it is known; nobody waits for a row for longer
LOOK_BACK = timedelta(days=28)  # QuickBooks tells of changes of the last 30
WHILE_REFRESHING = {
    "idle_in_transaction_session_timeout": 0,
    "tcp_user_timeout": 30_000,  # milliseconds, of what was sent already
    "tcp_keepalives_idle": 15,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
}
INVALID_GRANT = "invalid_grant"  # why a connection has ended
STATE_COLUMNS = ["state", "connected_at", "ended_at", "ended_why"]
TOKEN_COLUMNS = ["access_token", "refresh_token", "access_expires_at", "refresh_expires_at", "refreshed_at"]

AnyConnection = PipedriveUser | QuickBooksConnection


def fresh_access_token(connection: AnyConnection) -> str:
    """A token that is good for at least five minutes more. The passed object is brought up to date.

    Raises `ConnectionExpired` when somebody has to sign in again, `ServiceUnavailable` when the service does
    not answer: the connection stays as it is then. Must not be called inside a transaction, which could roll back
    a rotated token.
    """
    if connection.is_connected and connection.access_is_fresh(timezone.now(), MARGIN):
        return connection.access_token
    return _refreshed(connection, rejected_token=None)


def refresh_after_401(connection: AnyConnection, rejected_token: str) -> str:
    """Another token than the one the service just refused; a sibling may have fetched it already."""
    return _refreshed(connection, rejected_token=rejected_token)


def keep_alive(connection: AnyConnection) -> None:
    """Refreshes although the access token may be good still: an unused refresh token dies after a while."""
    _refreshed(connection, rejected_token=connection.access_token)


def _refreshed(connection: AnyConnection, *, rejected_token: str | None) -> str:
    """The connection's token, a new one where it needs one. What a service has given is stored although the database
    went away while it answered: the former token may be no good any more, and nobody else has the new one.
    """
    service, refresh = _service_of(connection)
    asked_at = shared_now()
    given: list[tuple[str, Grant]] = []  # with the token in whose place it came

    def ask(refresh_token: str) -> Grant:
        given.append((refresh_token, refresh(refresh_token)))
        return given[0][1]

    try:
        row = _refreshed_row(connection, ask, rejected_token=rejected_token)
    except AWAY:
        if not given:
            raise
        row = patiently(partial(_store_late, connection, *given[0], asked_at))
    if row is None:
        raise ConnectionExpired(service, "the connection was removed")
    _copy(row, connection)
    if not row.is_connected:
        whose = row.user_id if isinstance(row, PipedriveUser) else row.realm_id
        why = row.ended_why or "no key opens its tokens"
        log.warning("%s connection of %s is ended (%s)", service, whose, why)
        raise ConnectionExpired(service, f"the connection is ended ({why})")
    return row.access_token


def _refreshed_row(
    connection: AnyConnection, ask: Callable[[str], Grant], *, rejected_token: str | None
) -> AnyConnection | None:
    """The row, with a new token where it needs one. Whoever has waited for somebody else's refresh in vain does not try
    it once more: one after the other they would hold threads and connections to the database for minutes.
    """
    service, _ = _service_of(connection)
    in_vain = f"no-new-token:{service}:{connection.pk}"
    last_in_vain = cache.get(in_vain)
    with listening(service, connection.company_id), transaction.atomic(durable=True):
        row = connection.row().select_for_update().first()
        if row is None or not row.is_connected:
            return row
        if row.access_is_fresh(timezone.now(), MARGIN) and row.access_token != rejected_token:
            return row
        if cache.get(in_vain) != last_in_vain:
            raise ServiceUnavailable(service, "somebody else has just got no new token")
        _idle_as_long_as_it_takes()
        try:
            grant = ask(row.refresh_token)
        except InvalidGrant:
            # The row was read under the lock, so no sibling can have rotated the token meanwhile.
            _write_end(row, INVALID_GRANT)
        except ServiceUnavailable:
            cache.set(in_vain, str(uuid.uuid4()), IN_VAIN_SECONDS)
            raise
        else:
            _put_grant(row, grant)
            row.save(update_fields=_grant_columns(row))
    return row


def _store_late(connection: AnyConnection, former: str, grant: Grant, asked_at: datetime) -> AnyConnection | None:
    """The row, with the grant unless another one has taken the former token's place, or somebody has disconnected.

    A sibling may have been there first: the former token, which it found in the row, was no good any more.
    """
    with transaction.atomic(durable=True):
        row = connection.row().select_for_update().first()
        if row is None:
            return None
        stands_there = row.is_connected and row.refresh_token == former
        found_dead = row.ended_why == INVALID_GRANT and row.ended_at is not None and row.ended_at >= asked_at
        if stands_there or found_dead:
            _put_grant(row, grant)
            if found_dead:
                _revive(row)
            row.save(update_fields=[*_grant_columns(row), *STATE_COLUMNS])
    return row


def _idle_as_long_as_it_takes() -> None:
    """The database's own limit for transactions that stand idle would end ours in the middle of the call, and lose the
    token that has taken the old one's place. But it is to ask now and then whether our machine is there still: of one
    that has lost its power or network it hears nothing, and would hold the company's row for it, by the system's way
    for two hours.
    """
    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute(";".join(f"SET LOCAL {name} = {value}" for name, value in WHILE_REFRESHING.items()))


def pause(connection: AnyConnection, seconds: float) -> None:
    """The service asked us to wait that long: until then `refuse_while_paused` does, in every process."""
    connection.paused_until = shared_now() + timedelta(seconds=seconds)
    connection.row().update(paused_until=connection.paused_until)


def answers_again(connection: QuickBooksConnection) -> None:
    """It has just answered: what it had shut us out from is to be looked at now."""
    if connection.shut_out:
        connection.last_sync_problem, connection.next_sync_at = "", timezone.now()
        connection.row().update(last_sync_problem="", next_sync_at=connection.next_sync_at)


def refuse_while_paused(connection: AnyConnection) -> None:
    """Before a call. Raises `RateLimited`, as the service would, with what is left of the time it named."""
    until = connection.paused_until
    if until is None or until < timezone.now() - LONGEST_DIFFERENCE:
        return
    if (left := (until - shared_now()).total_seconds()) > 0:
        raise RateLimited(_service_of(connection)[0], "still paused", retry_after=left, status=None)


def connect_user(company: Company, *, user_id: int, grant: Grant, profile: dict[str, Any]) -> PipedriveUser:
    """Stores a user's grant over any earlier one. `profile` holds the columns that describe the user."""
    row, _ = PipedriveUser.objects.select_for_update().get_or_create(
        company=company, user_id=user_id, defaults={**profile, "api_domain": grant.api_domain}
    )
    row.company = company  # it may leave before somebody asks the row for it
    for name, value in profile.items():
        setattr(row, name, value)
    _put_grant(row, grant)
    _revive(row)
    row.save()
    return row


def connect_quickbooks(company: Company, *, realm_id: str, grant: Grant, connected_by: str) -> QuickBooksConnection:
    """Stores the company's grant. The same realm keeps its cursor and settings; another one starts afresh, one
    that the company has left and comes back to with all its invoices of then.
    """
    now = timezone.now()
    with transaction.atomic():
        row = QuickBooksConnection.objects.select_for_update().filter(company=company).first()
        if row is None:
            row = QuickBooksConnection(company=company)
        if row.realm_id != realm_id:
            row.realm_id, row.name, row.profile = realm_id, "", {}
            row.country = row.home_currency = row.timezone = ""
            row.changes_cursor = _looks_back_to(company, realm_id, now)
            row.paused_until = row.last_synced_at = None
            row.last_notice_at = row.notice_missed_at = row.unread_since = row.sync_lease_until = None
            ReferenceList.objects.filter(company=company).exclude(kind__startswith="pipedrive").delete()
        row.next_sync_at = now
        row.last_sync_problem = ""
        row.hard_expires_at = None  # a new consent has an end of its own, told now or with the next refresh
        row.connected_by = connected_by
        _put_grant(row, grant)
        _revive(row)
        row.save()
        CompanySettings.objects.get_or_create(company=company)
    return row


def _looks_back_to(company: Company, realm_id: str, now: datetime) -> datetime | None:
    """From where the first look at books begins. For a company that had uninstalled before its own invoices come back
    with it; else they would stand in no deal, and be created once more.
    """
    if company.invoices.filter(realm_id=realm_id).exists():
        return None  # what changed since they were ours is told by no answer: all of them are read
    came_back = Removal.objects.filter(pipedrive_company_id=company.pipedrive_company_id).exists()
    return now - LOOK_BACK if came_back else now


def disconnect_quickbooks(company: Company) -> None:
    """Ends the grant here, then at Intuit as well as that goes. Settings and invoices stay, copied lists do not."""
    with transaction.atomic():
        hold_company(company.pk)
        row = QuickBooksConnection.objects.select_for_update().filter(company=company).first()
        if row is None or not row.is_connected:
            return
        token, realm_id = row.refresh_token, row.realm_id
        _write_end(row, DISCONNECTED)
        ReferenceList.objects.filter(company=company).exclude(kind__startswith="pipedrive").delete()
    revoke_quickbooks_quietly(token, realm_id)


def revoke_quickbooks_quietly(refresh_token: str, realm_id: str) -> bool | None:
    """Best effort, never inside a transaction: the grant is forgotten here whatever Intuit answers. Whether it took it.

    Not while another company of ours is connected to the same books, None then: Intuit may end the app's access to them
    as a whole.
    """
    for attempt in (1, 2):  # the first one may take long, and somebody sign in again meanwhile
        if patiently(QuickBooksConnection.objects.filter(realm_id=realm_id, state=ConnectionState.CONNECTED).exists):
            log.info("the grant for QuickBooks %s is only forgotten: a company of ours uses these books", realm_id)
            return None
        try:
            oauth.revoke_quickbooks(refresh_token)
        except ServiceError as error:
            log.warning("QuickBooks did not take the revocation, attempt %s: %s", attempt, error)
        else:
            return True
    return False


def encrypt_anew(*, give_up_unreadable: bool = False) -> tuple[int, int]:
    """Writes whatever is encrypted with the first of the encryption keys. Harmless beside refreshes.

    How many rows, and how many no key opens: these stay as they are, or are given up. A connection ends then, until
    somebody signs in again; a form that was left is gone.
    """
    done = unreadable = 0
    for model, fields in encrypted_fields().items():
        for pk in list(model._default_manager.values_list("pk", flat=True)):
            with transaction.atomic():
                row = model._default_manager.select_for_update().filter(pk=pk).first()
                if row is None:
                    continue
                values = [getattr(row, name) for name in fields]
                if any(isinstance(value, Unreadable) for value in values):
                    unreadable += 1
                    if give_up_unreadable:
                        _give_up(row)
                elif any(values):
                    row.save(update_fields=fields)
                    done += 1
    return done, unreadable


def _give_up(row: Model) -> None:
    if isinstance(row, PipedriveUser | QuickBooksConnection):
        _write_end(row, "unreadable")
    else:
        row.delete()


def _write_end(row: AnyConnection, why: str) -> None:
    """Dead tokens are of no use to anybody but a thief, and whoever comes back has to be named anew."""
    row.state, row.ended_at, row.ended_why = ConnectionState.ENDED, shared_now(), why
    row.access_token = row.refresh_token = ""
    rights = NO_RIGHTS if isinstance(row, PipedriveUser) else {}
    for name, value in rights.items():
        setattr(row, name, value)
    row.save(update_fields=["state", "ended_at", "ended_why", "access_token", "refresh_token", *rights])


def _revive(row: AnyConnection) -> None:
    row.state, row.connected_at = ConnectionState.CONNECTED, timezone.now()
    row.ended_at, row.ended_why = None, ""


def _put_grant(row: AnyConnection, grant: Grant) -> None:
    row.access_token, row.refresh_token = grant.access_token, grant.refresh_token
    row.access_expires_at, row.refreshed_at = grant.access_expires_at, shared_now()
    row.refresh_expires_at = grant.refresh_expires_at
    if isinstance(row, PipedriveUser):
        row.api_domain = grant.api_domain or row.api_domain
    else:
        row.hard_expires_at = grant.hard_expires_at or row.hard_expires_at


def _grant_columns(row: AnyConnection) -> list[str]:
    return [*TOKEN_COLUMNS, "api_domain" if isinstance(row, PipedriveUser) else "hard_expires_at"]


def _copy(row: Connection, connection: Connection) -> None:
    """Brings the caller's object up to date with the row."""
    for name in [*TOKEN_COLUMNS, "state", "ended_at", "ended_why"]:
        setattr(connection, name, getattr(row, name))
    for name in ("api_domain", "hard_expires_at"):
        if hasattr(row, name):
            setattr(connection, name, getattr(row, name))


def _service_of(connection: AnyConnection) -> tuple[Service, Callable[[str], Grant]]:
    if isinstance(connection, PipedriveUser):
        return "pipedrive", _refresh_pipedrive
    return "quickbooks", oauth.refresh_quickbooks


def _refresh_pipedrive(refresh_token: str) -> Grant:
    try:
        return oauth.refresh_pipedrive(refresh_token)
    except UntrustedHost as error:
        log.error("Pipedrive's token answer names a host outside PIPEDRIVE_API_HOSTS")
        raise ServiceUnavailable("pipedrive", "token answer names a foreign host") from error
