"""Rate limits: the company's tokens a day and each access token's calls in two seconds.

Rests on https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ..clock import Clock
from .company import Company

WINDOW = timedelta(seconds=2)
MOST_IGNORED = 30  # refusals of one token without a call that passed; the number itself is not published


@dataclass
class Budget:
    """One company's limits; None means what its plan gives."""

    daily: int | None = None
    burst: int | None = None
    day: date = date.min
    used: int = 0


@dataclass
class Account:
    """What one call may know about the limits after it was counted."""

    headers: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    banned: bool = False


class Budgets:
    """Counts calls. The day ends at midnight UTC, the server's time zone."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.companies: dict[int, Budget] = {}
        self.recent: dict[str, deque[datetime]] = {}
        self.ignored: dict[str, int] = {}

    def budget(self, company_id: int) -> Budget:
        budget = self.companies.setdefault(company_id, Budget())
        today = self.clock.today("UTC")
        if budget.day != today:
            budget.day, budget.used = today, 0
        return budget

    def charge(self, company: Company, token: str, cost: int) -> Account:
        """Counts a call; a refused one costs nothing."""
        budget = self.budget(company.id)
        daily = company.daily_budget if budget.daily is None else budget.daily
        burst = company.burst if budget.burst is None else budget.burst
        now = self.clock.now()
        window = self.recent.setdefault(token, deque())
        while window and not now - WINDOW < window[0] <= now:
            window.popleft()
        refused = len(window) >= burst or budget.used + cost > daily
        self.ignored[token] = self.ignored.get(token, 0) + 1 if refused else 0
        if not refused:
            window.append(now)
            budget.used += cost
        reset = (window[0] + WINDOW - now).total_seconds() if window else WINDOW.total_seconds()
        headers = {
            "x-ratelimit-limit": str(burst),
            "x-ratelimit-remaining": str(max(0, burst - len(window))),
            "x-ratelimit-reset": str(max(1, round(reset))),
            "x-daily-ratelimit-token-limit": str(daily),
            "x-daily-ratelimit-token-remaining": str(max(0, daily - budget.used)),
        }
        return Account(headers, refused, banned=self.ignored[token] > MOST_IGNORED)
