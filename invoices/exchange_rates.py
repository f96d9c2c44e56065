"""What the books count a foreign currency as, for the form: asked once an hour, and never while somebody waits for it.

The rate that an invoice is booked at is asked for when it is sent, see `submission`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.cache import cache

from integration_settings import read_budget
from integration_settings.errors import ServiceError
from integration_settings.models import QuickBooksConnection
from integration_settings.profile import profile_of
from invoices.invoice_gateway import QuickBooksGateway

REMEMBERED_SECONDS = 3600
UNKNOWN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class HomeRate:
    """`rate` is units of the currency at `home` for one of `currency`, None while it is not known."""

    currency: str
    home: str
    day: date
    rate: Decimal | None = None
    asked: bool = False


def home_rate(connection: QuickBooksConnection, currency: str, day: date) -> HomeRate | None:
    """As far as it is remembered; None for the currency of the books, and in books that know no other."""
    profile = profile_of(connection)
    if not profile.multicurrency or currency == profile.home_currency:
        return None
    kept = cache.get(_key(connection, currency, day))
    return HomeRate(currency, profile.home_currency, day, Decimal(kept) if kept else None, asked=kept is not None)


def ask(connection: QuickBooksConnection, currency: str, day: date) -> Decimal | None:
    """One read of QuickBooks; None when it names no rate or does not answer."""
    try:
        read_budget.refuse_when_spent(connection)
        rate = QuickBooksGateway(connection).exchange_rate(currency, day)
    except ServiceError:
        rate = None
    kept, seconds = (str(rate), REMEMBERED_SECONDS) if rate else ("", UNKNOWN_SECONDS)
    cache.set(_key(connection, currency, day), kept, seconds)
    return rate


def _key(connection: QuickBooksConnection, currency: str, day: date) -> str:
    return f"rate:{connection.company_id}:{connection.realm_id}:{currency}:{day.isoformat()}"
