"""Codes, tokens and installations: who let the app in, and until when.

Rests on https://pipedrive.readme.io/docs/marketplace-oauth-authorization and …/docs/app-uninstallation.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..clock import Clock

CODE_LIFE = timedelta(minutes=5)
ACCESS_LIFE = timedelta(seconds=3599)
REFRESH_IDLE = timedelta(days=60)
SCOPES = ("deals:full", "contacts:read", "products:read", "base")
"""What the app's registration asks for; users accept all or none."""


@dataclass
class Code:
    """An authorisation code, good for one exchange."""

    company_id: int
    user_id: int
    redirect_uri: str
    expires: datetime


@dataclass
class Installation:
    """One user's consent. The refresh token keeps its value for the installation's life."""

    company_id: int
    user_id: int
    refresh_token: str
    used: datetime
    scopes: tuple[str, ...] = SCOPES
    access: dict[str, datetime] = field(default_factory=dict)


class Grants:
    """Every consent in force. All expiry follows the stand-ins' clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.codes: dict[str, Code] = {}
        self.installations: dict[tuple[int, int], Installation] = {}
        self.bearers: dict[str, Installation] = {}
        """Every access token ever given, also dead ones, so that a call can be told apart by company."""

    def issue_code(self, company_id: int, user_id: int, redirect_uri: str) -> str:
        code = secrets.token_hex(20)
        self.codes[code] = Code(company_id, user_id, redirect_uri, self.clock.now() + CODE_LIFE)
        return code

    def install(self, company_id: int, user_id: int) -> Installation:
        """A fresh consent replaces the former one with its tokens."""
        refresh = f"{company_id}:{user_id}:{secrets.token_hex(20)}"
        installation = Installation(company_id, user_id, refresh, self.clock.now())
        self.installations[company_id, user_id] = installation
        return installation

    def access_token(self, installation: Installation) -> str:
        """A long opaque text, as Pipedrive's grew to be; older ones stay good until their own end."""
        token = "v1u:" + secrets.token_urlsafe(560)
        installation.access[token] = self.clock.now() + ACCESS_LIFE
        self.bearers[token] = installation
        installation.used = self.clock.now()
        return token

    def by_refresh(self, token: str) -> Installation | None:
        """The installation of a living refresh token."""
        for installation in self.installations.values():
            if secrets.compare_digest(installation.refresh_token.encode(), token.encode()):
                return installation if self.clock.now() - installation.used < REFRESH_IDLE else None
        return None

    def by_access(self, token: str) -> Installation | None:
        """The installation of a living access token."""
        installation = self.bearers.get(token)
        if (
            installation is None
            or self.installations.get((installation.company_id, installation.user_id)) is not installation
        ):
            return None
        expires = installation.access.get(token)
        return installation if expires is not None and self.clock.now() < expires else None

    def revoke(self, token: str) -> Installation | None:
        """A refresh token ends the installation, which is returned; an access token ends alone."""
        for key, installation in list(self.installations.items()):
            if installation.refresh_token == token:
                return self.installations.pop(key)
            installation.access.pop(token, None)
        return None

    def uninstall(self, company_id: int, user_id: int) -> bool:
        return self.installations.pop((company_id, user_id), None) is not None

    def of(self, company_id: int | None) -> Iterator[Installation]:
        return (found for found in self.installations.values() if company_id in (None, found.company_id))

    def expire(self, company_id: int | None, kind: str) -> int:
        """Ends tokens at once. A dead refresh token leaves the app installed in Pipedrive's eyes."""
        ended = 0
        for installation in self.of(company_id):
            if kind in ("access", "all"):
                ended += len(installation.access)
                installation.access.clear()
            if kind in ("refresh", "all"):
                installation.used = datetime.min.replace(tzinfo=self.clock.now().tzinfo)
                ended += 1
        return ended
