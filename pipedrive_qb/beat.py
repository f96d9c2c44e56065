"""What starts things by the clock, also after that was set back."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """A machine whose clock is fast when it starts, or gets set right while it runs, remembers starts of moments that
    are still to come. Celery's own would start nothing before these are over, for hours perhaps.
    """

    def tick(self, *args: Any, **kwargs: Any) -> float:
        for entry in self.schedule.values():
            if entry.last_run_at and entry.last_run_at > (now := entry.default_now()):
                entry.last_run_at = now
                self._heap = None  # the order in which they are due; it is made anew
        seconds: float = super().tick(*args, **kwargs)
        return seconds
