"""Amounts, dates and times as one reader sees them: the reader's locale, the QuickBooks company's time zone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from integration_settings import formats
from invoices.domain.money import Money

HALF_A_YEAR = timedelta(days=182)


@dataclass(frozen=True, slots=True)
class Say:
    locale: str
    zone: tzinfo
    own: tzinfo | None = None
    """That of the reader's clock: where it shows another time, ours are told with the zone's name."""

    def today(self) -> date:
        """The calendar day at the QuickBooks company."""
        return timezone.now().astimezone(self.zone).date()

    def money(self, money: Money) -> str:
        return formats.format_money(money.amount, money.currency, self.locale)

    def amount(self, amount: Decimal, currency: str) -> str:
        return formats.format_money(amount, currency, self.locale)

    def price(self, amount: Decimal, currency: str) -> str:
        """The value of a money field."""
        return formats.format_amount(amount, currency, self.locale)

    def number(self, value: Decimal | int) -> str:
        return formats.format_number(value, self.locale)

    def figure(self, value: Decimal) -> str:
        """The value of a field for a number, as exact as it is."""
        return formats.format_exactly(value, self.locale)

    def percent(self, value: Decimal) -> str:
        return formats.format_percent(value, self.locale)

    def rate(self, value: Decimal) -> str:
        """A tax rate, always with a decimal: 20.0%."""
        return formats.format_percent(value, self.locale, least=1)

    def day(self, day: date) -> str:
        return formats.format_date(day, self.locale)

    def day_short(self, day: date, near: date) -> str:
        """Without the year, where it is within half a year of `near` and no other such day can be meant."""
        if abs(day - near) >= HALF_A_YEAR:
            return self.day(day)
        return formats.format_day_and_month(day, self.locale)

    def clock(self, moment: datetime, *, seconds: bool = False) -> str:
        return formats.format_time(moment, self.locale, self.zone, seconds=seconds, own=self.own)

    def moment(self, moment: datetime) -> str:
        """Date, with the year only where it is not near, and time: 26 Nov, 09:24."""
        day = self.day_short(moment.astimezone(self.zone).date(), near=self.today())
        # Translators: a day and a time, as in "26 Nov, 09:24"
        return _("{date}, {time}").format(date=day, time=self.clock(moment))

    def since(self, moment: datetime, now: datetime, *, seconds: bool = False) -> str:
        """When something began that goes on: the time, of what began long ago with its day."""
        return self.clock(moment, seconds=seconds) if now - moment < timedelta(hours=12) else self.moment(moment)

    def next_try(self, moment: datetime | None, now: datetime) -> str:
        """Near ones are counted down in steps of five seconds."""
        left = (moment - now).total_seconds() if moment else 0
        if left <= 0:
            return _("next try now")
        if left > 120 and moment:
            return _("next try {time}").format(time=self.clock(moment))
        return _("next try in {seconds} s").format(seconds=self.number(math.ceil(left / 5) * 5))

    def checked(self, moment: datetime, now: datetime) -> str:
        return formats.format_checked(moment, now, self.locale, self.zone, self.own)
