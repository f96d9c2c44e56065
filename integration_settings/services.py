"""What changes a company: install, connect, save, disconnect, uninstall."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.db.models import Case, DateTimeField, Exists, F, Max, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Least

from integration_settings import connections, deal_rules
from integration_settings.clock import shared_now
from integration_settings.crypto import Unreadable
from integration_settings.deal_rules import Choice
from integration_settings.errors import ConnectionExpired, ServiceError, ServiceUnavailable
from integration_settings.kept_lists import OUTDATED
from integration_settings.log_context import about_company
from integration_settings.models import (
    NO_RIGHTS,
    Company,
    CompanySettings,
    ConnectionState,
    PipedriveUser,
    QuickBooksConnection,
    ReferenceList,
    Removal,
    SignIn,
    UsedTicket,
)
from integration_settings.oauth import Grant
from integration_settings.patience import AWAY, patiently
from integration_settings.pipedrive import PipedriveClient, me_with
from integration_settings.profile import refresh_profile
from integration_settings.quickbooks import QuickBooksClient
from integration_settings.selectors import hold_company

log = logging.getLogger(__name__)

USER_IS_KNOWN_FOR = 5 * 60
IDLE_LIMIT = timedelta(days=30)  # a Pipedrive grant dies after 60 days without a refresh, Intuit's after 100
ABANDONED_AFTER = timedelta(days=30)
KEPT_ALIVE_AT_ONCE, KEPT_ALIVE_SECONDS = 200, 25  # of each service; a task that is ended in a refresh loses the grant
TELLING = ("deal_status_field", "deal_number_field", "deal_open_field")
DEALS_TOLD, TOLD_AT_ONCE, BETWEEN = 500, 10, timedelta(minutes=1)
"""Of deals that get a field that was just chosen: six of Pipedrive's tokens each, and a company's apps share 30,000 a
day. The settings say how many, and how long it takes."""
ADMIN_APPS = ("global", "account_settings")


def install(grant: Grant) -> PipedriveUser:
    """Asks Pipedrive whose token this is and stores company and user, over an earlier installation if there is one.

    Raises `ServiceError` when Pipedrive does not tell.
    """
    me = me_with(grant.api_domain, grant.access_token)
    company_values, user_values = _company_from(me), _user_from(me)

    @transaction.atomic
    def store() -> PipedriveUser:
        company, _ = Company.objects.update_or_create(
            pipedrive_company_id=int(me["company_id"]), defaults=company_values
        )
        CompanySettings.objects.get_or_create(company=company)
        return connections.connect_user(company, user_id=int(me["id"]), grant=grant, profile=user_values)

    user = patiently(store)
    with about_company(user.company.pipedrive_company_id):
        log.info("company %s: user %s installed the app", user.company.pipedrive_company_id, user.user_id)
    return user


def refresh_user(user: PipedriveUser) -> None:
    """Reads name, language and rights again, at most every five minutes; the stored ones stay when nobody answers.

    Raises `ConnectionExpired` when the user's grant is gone.
    """
    known = f"user-known:{user.pk}"
    if cache.get(known):
        return
    try:
        me = PipedriveClient(user).me()
        values, company_values = _user_from(me), _company_from(me)
    except ServiceError as error:
        if not user.is_connected:
            raise
        log.info("user %s stays as known: %s", user.user_id, error)
        return
    for name, value in values.items():
        setattr(user, name, value)
    if not PipedriveUser.objects.filter(pk=user.pk).update(**values):
        raise ConnectionExpired("pipedrive", "the user has left")
    Company.objects.filter(pk=user.company_id).update(**company_values)
    user.company.name, user.company.domain = company_values["name"], company_values["domain"]
    cache.set(known, True, USER_IS_KNOWN_FOR)


def _company_from(me: dict[str, Any]) -> dict[str, str]:
    """Columns of `Company` out of users/me; the domain goes into addresses, so it has to look like one."""
    domain = _text(me.get("company_domain"))
    named = all(re.fullmatch(r"[1-9][0-9]{0,17}", str(me.get(name))) for name in ("company_id", "id"))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}", domain) or not named:
        raise ServiceUnavailable("pipedrive", "users/me not understood")
    return {"name": (_text(me.get("company_name")) or domain)[:255], "domain": domain.lower()}


def _user_from(me: dict[str, Any]) -> dict[str, Any]:
    """Columns of `PipedriveUser` out of users/me. https://developers.pipedrive.com/docs/api/v1/Users#getCurrentUser

    A member of another kind than the documents have counts as left out: nobody is kept from the app for it.
    """
    return {
        "name": _text(me.get("name"))[:255],
        "is_admin": is_administrator(me),
        "language": (_language(me.get("language")) or "en")[:16],
        "locale": (_text(me.get("locale")) or "en_US")[:16],
        "timezone": (_text(me.get("timezone_name")) or "UTC")[:64],
    }


def _language(told: Any) -> str:
    """`pt-BR`; told as an object by the documents, as text by the settings of some accounts."""
    if not isinstance(told, dict):
        return _text(told)
    return "-".join(part for name in ("language_code", "country_code") if (part := _text(told.get(name))))


def _text(told: Any) -> str:
    return told if isinstance(told, str) else ""


def is_administrator(me: dict[str, Any]) -> bool:
    """Whether the user administers the whole account; other parts of Pipedrive have administrators of their own."""
    access = me.get("access")
    parts = [part for part in access if isinstance(part, dict)] if isinstance(access, list) else []
    return any(part.get("app") in ADMIN_APPS and part.get("admin") for part in parts)


@dataclass(frozen=True, slots=True)
class OtherBooks:
    """The sign-in led to another QuickBooks company than the connected one; nothing was changed."""

    realm_id: str
    name: str


def connect_books(
    company: Company, *, realm_id: str, grant: Grant, by: str, switch_to: str = ""
) -> QuickBooksConnection | OtherBooks:
    """Connects the company to the books of `realm_id`, or tells that these are not the books it had.

    `switch_to` is the realm that a person has deliberately chosen in place of the former one. The grant that is not
    kept, for these books or for the former, is ended at Intuit. The profile is read at once; when QuickBooks does not
    answer, the connection stands all the same and the profile follows later. Raises `ConnectionExpired` when the
    company has uninstalled the app meanwhile.
    """
    seen: list[QuickBooksConnection] = []

    @transaction.atomic
    def store() -> tuple[bool, QuickBooksConnection | None]:
        # Two may come in the same moment: the second finds the first one's books, as if it had come later.
        there = Company.objects.select_for_update().filter(pk=company.pk).first() is not None
        seen.extend(QuickBooksConnection.objects.filter(company=company))
        if not there or (seen and realm_id not in (seen[-1].realm_id, switch_to)):
            return there, None
        return there, connections.connect_quickbooks(company, realm_id=realm_id, grant=grant, connected_by=by)

    there, connection = patiently(store)
    if connection is None:
        name = _name_of_books(company, realm_id, grant) if there else ""
        connections.revoke_quickbooks_quietly(grant.refresh_token, realm_id)
        if not there:
            raise ConnectionExpired("pipedrive", "the company has left")
        return OtherBooks(realm_id, name)
    log.info("company %s: QuickBooks %s connected", company.pipedrive_company_id, realm_id)
    for former in {each.realm_id: each for each in seen if each.is_connected and each.realm_id != realm_id}.values():
        connections.revoke_quickbooks_quietly(former.refresh_token, former.realm_id)
    try:
        refresh_profile(connection)
    except ServiceError as error:
        log.warning("the profile could not be read after connecting: %s", error)
    except AWAY as problem:  # whose text may quote what was to be stored
        log.warning("the profile could not be stored after connecting: %s", type(problem).__name__)
    return connection


def _name_of_books(company: Company, realm_id: str, grant: Grant) -> str:
    """For telling the person which company that was; "" when QuickBooks does not say. Nothing is stored."""
    passing = QuickBooksConnection(
        company=company,
        realm_id=realm_id,
        access_token=grant.access_token,
        access_expires_at=grant.access_expires_at,
    )
    try:
        return str(QuickBooksClient(passing).company_info().get("CompanyName") or "")
    except ServiceError as error:
        log.info("the other company's name could not be read: %s", error)
        return ""


def save_settings(
    company: Company,
    *,
    by: PipedriveUser,
    values: dict[str, Any],
    people: Mapping[int, dict[str, bool]] | None = None,
    rules: Mapping[int, Choice] | None = None,
) -> CompanySettings:
    """Stores the choices for everyone in the company. None: that is left as it is.

    `people` holds the changed columns of single users by their row's id; whoever is not among them has no rights of
    his own.
    """
    with transaction.atomic():
        hold_company(company.pk)
        stored, _ = CompanySettings.objects.select_for_update().get_or_create(company=company)
        chosen = {name for name in TELLING if values.get(name) and values[name] != getattr(stored, name)}
        for name, value in values.items():
            setattr(stored, name, value)
        if "deal_status_field" in chosen:
            stored.deal_status_since = shared_now()
        stored.updated_by = by.name
        stored.save()
        if rules is not None:
            deal_rules.store(company, rules, by)
        if chosen:
            _have_deals_told(company, stored)
        if people is not None:
            company.users.exclude(pk__in=people).update(**NO_RIGHTS)
            for row_id, columns in people.items():
                if columns:
                    company.users.filter(pk=row_id).update(**columns)
    return stored


def _have_deals_told(company: Company, stored: CompanySettings) -> None:
    """The deals that were invoiced last get the fields that were just chosen, a few at a time: with the note of one of
    their invoices, which is made due for it.

    Not with one that would be written for it, because notes were off when the invoice was made, nor with one that was
    given up: their deals get the fields when an invoice changes.
    """
    rows = company.invoices.filter(realm_id=F("company__quickbooks__realm_id")).exclude(qbo_invoice_id="")
    rows = rows.exclude(note_due_at=None, note_attempts__gt=0)
    if stored.writes_notes:
        rows = rows.exclude(note_id=None)
    latest = rows.values("deal_id").annotate(latest=Max("pk")).order_by("-latest").values_list("latest", flat=True)
    wanted, now = list(latest[:DEALS_TOLD]), shared_now()
    # Whoever takes over news holds some of them in the same order.
    list(company.invoices.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    for start in range(0, len(wanted), TOLD_AT_ONCE):
        then = now + BETWEEN * (start // TOLD_AT_ONCE)
        # Whoever is writing one just now may have read the settings before.
        due = Case(
            When(note_lease_until__gt=now, then=Value(now)),
            default=Least(Coalesce("note_due_at", Value(then)), Value(then)),
            output_field=DateTimeField(),
        )
        company.invoices.filter(pk__in=wanted[start : start + TOLD_AT_ONCE]).update(note_due_at=due)


def uninstall(*, pipedrive_company_id: int, user_id: int) -> None:
    """Ends one user's installation; with the company's last one goes everything the company has here.

    Harmless when repeated. QuickBooks is told after our own data is gone, and cannot hold it up.
    """
    # By itself: with a hundred thousand invoices the rest takes a minute, and of a process that ends meanwhile nothing
    # else would tell that the company has left, see `remove_abandoned_companies`.
    if not patiently(partial(_end_installation, pipedrive_company_id, user_id)):
        return
    removed = patiently(partial(_remove_if_last, pipedrive_company_id))
    log.info("company %s: user %s uninstalled the app", pipedrive_company_id, user_id)
    if removed:
        _revoke(*removed)


@transaction.atomic
def _end_installation(pipedrive_company_id: int, user_id: int) -> bool:
    """Whether there is such a company. Where nobody of it is left, colleagues whose grants have ended go, too."""
    company = _held(pipedrive_company_id)
    if company is None:
        return False
    company.users.filter(user_id=user_id).delete()
    if not company.users.filter(state=ConnectionState.CONNECTED).exists():
        company.users.all().delete()
    return True


@transaction.atomic
def _remove_if_last(pipedrive_company_id: int) -> tuple[Removal, QuickBooksConnection | None] | None:
    company = _held(pipedrive_company_id)
    if company is None or company.users.filter(state=ConnectionState.CONNECTED).exists():
        return None
    return _remove(company, Removal.Why.UNINSTALLED)


def _held(pipedrive_company_id: int) -> Company | None:
    return Company.objects.select_for_update().filter(pipedrive_company_id=pipedrive_company_id).first()


def _remove(company: Company, why: Removal.Why) -> tuple[Removal, QuickBooksConnection | None]:
    """Deletes the company with all below it; the proof of that, and what is left to revoke at Intuit."""
    # Invoices before the connection, as whoever follows them takes them.
    list(company.invoices.order_by("pk").select_for_update().values_list("pk"))
    connection = QuickBooksConnection.objects.select_for_update().filter(company=company).first()
    left = connection if connection and connection.refresh_token else None
    # Until Intuit has taken it: a process that ends before leaves no proof that there was nothing to revoke.
    revoked = False if left or (connection and isinstance(connection.refresh_token, Unreadable)) else None
    proof = Removal(pipedrive_company_id=company.pipedrive_company_id, why=why, revoked=revoked)
    if connection:
        proof.reads_month, proof.reads = connection.reads_month, connection.reads
    proof.save()
    company.delete()
    return proof, left


def _revoke(proof: Removal, left: QuickBooksConnection | None) -> None:
    if left:
        proof.revoked = connections.revoke_quickbooks_quietly(left.refresh_token, left.realm_id)
        patiently(partial(proof.save, update_fields=["revoked"]))


def keep_installations_alive() -> int:
    """Refreshes grants that nobody used for a month, before they die of it; how many. In any order, so that those that
    nobody answers for are not always the first; what is left has its turn the next time.
    """
    idle_since = shared_now() - IDLE_LIMIT
    done = 0
    for model in (PipedriveUser, QuickBooksConnection):
        idle = model.objects.filter(state=ConnectionState.CONNECTED, refreshed_at__lt=idle_since)
        end = time.monotonic() + KEPT_ALIVE_SECONDS
        for connection in idle.select_related("company").order_by("?")[:KEPT_ALIVE_AT_ONCE]:
            if time.monotonic() > end:
                break
            with about_company(connection.company.pipedrive_company_id):
                try:
                    connections.keep_alive(connection)
                    done += 1
                except ServiceError as error:
                    log.warning("a grant could not be kept alive: %s", error)
                except DatabaseError as problem:  # the other companies' go on
                    log.error("a grant could not be kept alive", exc_info=problem)
    return done


def remove_abandoned_companies() -> int:
    """Companies whose last grant ended a month ago: their uninstall call never reached us; and those without anybody,
    whose removal did not come to its end. How many went.
    """
    long_ago = shared_now() - ABANDONED_AFTER
    gone = 0
    unused = Company.objects.exclude(users__state=ConnectionState.CONNECTED)
    anybody = Exists(PipedriveUser.objects.filter(company=OuterRef("pk")))
    abandoned = unused.filter(Q(created_at__lt=long_ago) | ~anybody)
    for company in abandoned.order_by("?"):  # so that one for which the time is too short is not always the first
        with about_company(company.pipedrive_company_id):
            try:
                removed = _remove_if_abandoned(company, long_ago)
            except DatabaseError as problem:  # the others go all the same
                log.error("an abandoned company could not be removed", exc_info=problem)
                continue
            if removed is None:
                continue
            gone += 1
            _revoke(*removed)
    return gone


@transaction.atomic
def _remove_if_abandoned(company: Company, long_ago: datetime) -> tuple[Removal, QuickBooksConnection | None] | None:
    row = Company.objects.select_for_update().filter(pk=company.pk).first()
    users = list(company.users.all())
    # By the state alone: what no key opens may be opened again.
    used = [user for user in users if user.state == ConnectionState.CONNECTED]
    if row is None or used or any((user.ended_at or long_ago) > long_ago for user in users):
        return None
    return _remove(row, Removal.Why.ABANDONED if users else Removal.Why.UNINSTALLED)


def forget_old_traces() -> None:
    """Rows of sign-ins and tickets that are over for a day, operators' sessions, old lists of companies."""
    now = shared_now()
    SignIn.objects.filter(created_at__lt=now - timedelta(days=1)).delete()
    UsedTicket.objects.filter(used_at__lt=now - timedelta(days=1)).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    # One that is only `OUTDATED` serves on until it is read again: QuickBooks may be away, or its reads used up.
    old_lists = ReferenceList.objects.filter(fetched_at__lt=now - timedelta(days=90))
    old_lists.exclude(fetched_at__lte=OUTDATED).delete()
