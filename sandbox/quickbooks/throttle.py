"""The limits on calls, per company: in real time, whatever the clock of the stand-ins says."""

from __future__ import annotations

import time
from collections import defaultdict, deque

from . import refusals

CALLS = ((10, 1.0), (500, 60.0))
BATCHES = ((40, 60.0),)


class Throttle:
    def __init__(self) -> None:
        self.calls: dict[str, deque[float]] = defaultdict(deque)
        self.batches: dict[str, deque[float]] = defaultdict(deque)

    def count(self, realm: str, batch: bool) -> None:
        """Counts one call, or refuses it with 3001."""
        now = time.monotonic()
        kinds = [(self.calls[realm], CALLS), *([(self.batches[realm], BATCHES)] if batch else [])]
        for past, limits in kinds:
            while past and past[0] <= now - 60.0:
                past.popleft()
            for most, seconds in limits:
                if len(past) >= most and past[-most] > now - seconds:
                    raise refusals.throttled()
        for past, _ in kinds:
            past.append(now)
