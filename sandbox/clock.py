"""One clock for both services, which tests and the demo may move."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class Clock:
    """Real time plus an offset, so that time keeps running after it was moved."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def today(self, tz: str | ZoneInfo) -> date:
        """The calendar date in a time zone, e.g. `America/Los_Angeles`."""
        zone = ZoneInfo(tz) if isinstance(tz, str) else tz
        return self.now().astimezone(zone).date()

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        self.offset = moment - datetime.now(UTC)

    def reset(self) -> None:
        self.offset = timedelta(0)
