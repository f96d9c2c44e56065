"""What the settings page says about the QuickBooks connection, worked out for its template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from django.utils import timezone
from django.utils.translation import get_language, gettext

from integration_settings.country_words import country_name, tax_word
from integration_settings.fault_words import shut_out_words
from integration_settings.models import QuickBooksConnection
from integration_settings.profile import Profile, profile_of
from integration_settings.tenancy import Visitor
from integration_settings.tickets import connect_url


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """`state` is "none" before the first sign-in, "off" after a disconnect here, "ended" when QuickBooks ended it."""

    state: Literal["none", "connected", "off", "ended"]
    version: str  # changes with everything that the rest of the page depends on
    connect_url: str  # "" for those who may not connect
    name: str = ""
    sign: str = ""
    country: str = ""
    connected_by: str = ""
    connected_at: datetime | None = None
    sign_in_by: datetime | None = None
    days_left: int | None = None  # only when they are few
    last_answer: datetime | None = None
    facts: str = ""
    books_closed_until: date | None = None
    ended_at: datetime | None = None
    shut_out: tuple[str, ...] = ()  # what is wrong although the sign-in stands, and what follows
    waiting: int = 0  # invoices that were never sent, and are to these books


def connection_card(visitor: Visitor) -> ConnectionCard:
    connection = visitor.connection
    sign_in = connect_url(visitor.user)
    if connection is None:
        return ConnectionCard("none", version_of(None), sign_in)
    profile = profile_of(connection)
    ends = connection.hard_expires_at
    left = (ends - timezone.now()).days if ends else None
    return ConnectionCard(
        _state(connection),
        version_of(connection),
        sign_in,
        name=connection.name or gettext("A QuickBooks company"),
        sign=initials(connection.name),
        country=country_name(connection.country, get_language() or "en") if connection.country else "",
        connected_by=connection.connected_by,
        connected_at=connection.connected_at,
        sign_in_by=ends,
        days_left=max(left, 0) if left is not None and connection.ends_soon else None,
        last_answer=_last_answer(connection),
        facts=" · ".join(profile_facts(profile)) if connection.profile else "",
        books_closed_until=profile.books_closed_until,
        ended_at=connection.ended_at or connection.refreshed_at,  # nobody ended it where no key opens its tokens
        shut_out=shut_out_words(connection.shut_out) if connection.shut_out else (),
        waiting=visitor.company.invoices.filter(
            next_attempt_at__isnull=False, sent_at__isnull=True, realm_id=connection.realm_id
        ).count(),
    )


def version_of(connection: QuickBooksConnection | None) -> str:
    """Changes with the state, the books, their country and their own fields; cheap to compare."""
    if connection is None:
        return "none"
    own = ",".join(f"{field_id} {name}" for field_id, name in profile_of(connection).own_fields)
    return f"{_state(connection)}:{connection.realm_id}:{connection.country}:{own}"


def _state(connection: QuickBooksConnection) -> Literal["connected", "off", "ended"]:
    if connection.is_connected:
        return "connected"
    return "off" if connection.was_disconnected else "ended"


def profile_facts(profile: Profile) -> list[str]:
    """What was read from there, each as a phrase of its own."""
    facts = []
    if profile.home_currency:
        several = gettext("{currency}, more than one currency") if profile.multicurrency else gettext("{currency} only")
        facts.append(several.format(currency=profile.home_currency))
    on = gettext("{tax} on") if profile.uses_sales_tax else gettext("{tax} off")
    facts.append(on.format(tax=tax_word(profile.country)))
    facts.append(
        gettext("invoice numbers by whoever creates the invoice")
        if profile.custom_numbers
        else gettext("invoice numbers by QuickBooks")
    )
    return facts


def initials(name: str) -> str:
    """ "H&P" for Harbour & Pine Ltd, "C" for Cascade Outfitters LLC."""
    words = name.split()
    if not words:
        return "Q"
    if len(words) >= 3 and words[1] in ("&", "+", "and"):
        return f"{words[0][0]}&{words[2][0]}".upper()
    return words[0][0].upper()


def _last_answer(connection: QuickBooksConnection) -> datetime | None:
    read_at = connection.profile.get("read_at")
    moments = [connection.last_synced_at, datetime.fromisoformat(read_at) if read_at else None]
    return max((moment for moment in moments if moment), default=None)
