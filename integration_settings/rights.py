"""Who may create, send, void and delete invoices. Pages and services ask here, and nowhere else is it decided.

Pipedrive's administrators always may, everybody else where the company has ticked "everyone" or his own name. A name is
a user who installed the app: his ticks go with his installation, and with his grant when Pipedrive ends that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from integration_settings.errors import ConnectionExpired
from integration_settings.models import Company, CompanySettings, ConnectionState, PipedriveUser
from integration_settings.selectors import settings_read_with
from integration_settings.services import refresh_user

log = logging.getLogger(__name__)

EVERYONE = "everyone"


class Right(StrEnum):
    CREATE = "create"
    SEND = "send"
    VOID = "void"  # and delete


FOR_EVERYONE = {Right.CREATE: "everyone_creates", Right.SEND: "everyone_sends", Right.VOID: "everyone_voids"}
FOR_ONE = {Right.CREATE: "may_create", Right.SEND: "may_send", Right.VOID: "may_void"}


class NotAllowed(Exception):
    """The company has not given this right to the user; an administrator can."""

    def __init__(self, right: Right) -> None:
        super().__init__(right)
        self.right = right


def rights_of(user: PipedriveUser) -> frozenset[Right]:
    """What is known here, for showing a page; whether somebody still administers is asked by `demand` alone."""
    return frozenset(Right) if user.is_admin else _given(user)


def demand(user: PipedriveUser, right: Right) -> None:
    """Raises `NotAllowed`, and `ConnectionExpired` when the user's grant is gone.

    Where it depends on being an administrator Pipedrive is asked, at most every five minutes: neither who no longer is
    one goes on, nor is somebody refused who has just become one.
    """
    if right in _given(user):
        return
    refresh_user(user)
    if not user.is_admin:
        log.info("user %s is refused: no right to %s", user.user_id, right)
        raise NotAllowed(right)


def administers(user: PipedriveUser) -> bool:
    """Whether the user administers Pipedrive's account, before something that only administrators do or see: what is
    known here may be from the last time that somebody opened the settings. Pipedrive is asked, at most every five
    minutes; while it does not answer, what is known counts.
    """
    try:
        refresh_user(user)
    except ConnectionExpired:
        return False
    if not user.is_admin:
        log.info("user %s is refused: that is for administrators", user.user_id)
    return user.is_admin


def _given(user: PipedriveUser) -> frozenset[Right]:
    stored = settings_read_with(user.company)
    return frozenset(right for right in Right if getattr(stored, FOR_EVERYONE[right]) or getattr(user, FOR_ONE[right]))


# The choice


@dataclass(frozen=True, slots=True)
class Ticks:
    """What is ticked on the card, by `EVERYONE` or the user's id as text."""

    ticked: frozenset[tuple[str, Right]]

    def __str__(self) -> str:
        """The values of the boxes that are ticked, for the card to send back."""
        return " ".join(sorted(f"{who}:{right}" for who, right in self.ticked))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a person has ticked and unticked on a card that showed `shown`. The rest stays as it is stored by then: a
    colleague may have taken a right away meanwhile, and it is not given back by somebody who has not even seen that.
    """

    shown: Ticks
    sent: Ticks

    def onto(self, stored: Ticks) -> Ticks:
        given, taken = self.sent.ticked - self.shown.ticked, self.shown.ticked - self.sent.ticked
        return Ticks((stored.ticked | given) - taken)

    def for_everyone(self) -> dict[str, bool]:
        """The changed columns of `CompanySettings`."""
        return self._of(EVERYONE, FOR_EVERYONE)

    def for_people(self, people: Iterable[PipedriveUser]) -> dict[int, dict[str, bool]]:
        """The changed columns of each `PipedriveUser`, by its row's id."""
        return {user.pk: self._of(str(user.user_id), FOR_ONE) for user in people}

    def _of(self, who: str, columns: Mapping[Right, str]) -> dict[str, bool]:
        changed = self.sent.ticked ^ self.shown.ticked
        return {name: (who, right) in self.sent.ticked for right, name in columns.items() if (who, right) in changed}


def people_of(company: Company) -> list[PipedriveUser]:
    """Whose names can be ticked: those who installed the app and are no administrators."""
    return list(company.users.filter(is_admin=False, state=ConnectionState.CONNECTED).order_by("name", "user_id"))


def stored_ticks(stored: CompanySettings, people: Iterable[PipedriveUser]) -> Ticks:
    everyone = {(EVERYONE, right) for right, column in FOR_EVERYONE.items() if getattr(stored, column)}
    named = {(str(user.user_id), right) for user in people for right in Right if getattr(user, FOR_ONE[right])}
    return Ticks(frozenset(everyone | named))


def sent_ticks(values: Iterable[str]) -> Ticks:
    """From the values of the card's boxes, "everyone:create" or "123:void"; whatever is none of these is left out."""
    known: Mapping[str, Right] = {right.value: right for right in Right}
    parts = (value.partition(":") for value in values)
    return Ticks(frozenset((who, known[right]) for who, _, right in parts if right in known))
