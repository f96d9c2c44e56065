"""What the shared parts expect of `sandbox.pipedrive` and `sandbox.quickbooks`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import BaseRoute

from .clock import Clock
from .config import Config
from .faults import Faults


class World(Protocol):
    """The state of one service."""

    def reset(self) -> None:
        """Back to the seeds."""

    def company_of(self, path: str, authorization: str) -> str | None:
        """The company (realm) that a call concerns, as text; None when it concerns none."""

    def expire_tokens(self, company: str | None, kind: str) -> int:
        """Ends tokens of one company or of all; kind is access, refresh or all. Returns how many."""

    def grant(self, body: dict[str, Any]) -> dict[str, Any]:
        """A token answer as the token endpoint gives it. Raises KeyError for unknown companies or users."""

    def clone(self, company: str) -> dict[str, Any]:
        """An independent copy of a company with new ids; the answer tells them. Raises KeyError if unknown."""


class Service(Protocol):
    """The module of one service."""

    World: Callable[[Clock, Config], World]
    create_app: Callable[[Any, Clock, Faults, Config], Starlette]
    control_routes: Callable[[Any, Clock, Faults, Config], Sequence[BaseRoute]]
    """Addresses below /_sandbox that only this service has, e.g. Route("/quickbooks/book", ...)."""
    fault_answer: Callable[[int, str, int | None], Response]
    """(status, path, retry_after) -> the vendor's own answer for a failure."""
    PEOPLE_PATHS: tuple[str, ...]
    """Beginnings of paths that people open in a browser; they are not recorded as exchanges."""
