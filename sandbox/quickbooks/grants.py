"""What users have granted: codes, access tokens, and refresh tokens that change their value."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..clock import Clock

CODE_LIFE = timedelta(minutes=5)
ACCESS_LIFE = timedelta(seconds=3600)
REFRESH_LIFE = timedelta(days=101)
HARD_LIFE = timedelta(days=5 * 365)
ACCESS_HEADER = "eyJlbmMiOiJBMTI4Q0JDLUhTMjU2IiwiYWxnIjoiZGlyIn0.."


class InvalidGrant(Exception):
    """The vendor answers nothing but `invalid_grant`."""


@dataclass
class Rotation:
    """How refresh tokens change: a new value after `every`; the old one dies with it, or `grace` later.

    `stale_revokes` makes the use of a dead value end the whole grant: the worst that the real service is said to do.
    """

    every: timedelta = timedelta(hours=24)
    grace: timedelta = timedelta(0)
    stale_revokes: bool = False


@dataclass
class Grant:
    """One consent. It lives until it is revoked, its refresh token runs out, or five years are over."""

    realm: str
    made: datetime
    refresh: str
    refresh_since: datetime
    refresh_ends: datetime
    former: dict[str, datetime] = field(default_factory=dict)
    """Earlier refresh tokens -> when they die."""
    ended: bool = False

    @property
    def hard_end(self) -> datetime:
        return self.made + HARD_LIFE


@dataclass
class Code:
    realm: str
    redirect_uri: str
    ends: datetime
    grant: Grant | None = None


@dataclass
class Tokens:
    """What one call of the token endpoint hands out."""

    access: str
    grant: Grant


class Grants:
    """All of them, for every company."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rotation = Rotation()
        self.codes: dict[str, Code] = {}
        self.by_refresh: dict[str, Grant] = {}
        self.access: dict[str, tuple[Grant, datetime]] = {}

    def reset(self) -> None:
        self.rotation = Rotation()
        self.codes.clear()
        self.by_refresh.clear()
        self.access.clear()

    def new_code(self, realm: str, redirect_uri: str) -> str:
        code = "AB" + secrets.token_hex(24)
        self.codes[code] = Code(realm, redirect_uri, self.clock.now() + CODE_LIFE)
        return code

    def exchange(self, code: str, redirect_uri: str) -> Tokens:
        """A code works once, with the address it was made for; a second use ends what the first one got."""
        found = self.codes.get(code)
        if found is None:
            raise InvalidGrant
        if found.grant is not None:
            self.end(found.grant)
            raise InvalidGrant
        if found.redirect_uri != redirect_uri or found.ends < self.clock.now():
            raise InvalidGrant
        found.grant = self.start(found.realm)
        return self.tokens(found.grant)

    def start(self, realm: str) -> Grant:
        now = self.clock.now()
        grant = Grant(realm, now, new_refresh_token(), now, now + REFRESH_LIFE)
        self.by_refresh[grant.refresh] = grant
        return grant

    def refresh(self, value: str) -> Tokens:
        """New tokens for a refresh token. Raises InvalidGrant for an unknown, dead, ended or outdated one."""
        now = self.clock.now()
        grant = self.by_refresh.get(value)
        if grant is None or grant.ended or now >= min(grant.refresh_ends, grant.hard_end):
            raise InvalidGrant
        if value != grant.refresh and now >= grant.former[value]:
            if self.rotation.stale_revokes:
                self.end(grant)
            raise InvalidGrant
        if value == grant.refresh and now - grant.refresh_since >= self.rotation.every:
            grant.former[value] = now + self.rotation.grace
            grant.refresh, grant.refresh_since = new_refresh_token(), now
            self.by_refresh[grant.refresh] = grant
        grant.refresh_ends = now + REFRESH_LIFE
        return self.tokens(grant)

    def tokens(self, grant: Grant) -> Tokens:
        access = ACCESS_HEADER + secrets.token_urlsafe(540)
        self.access[access] = (grant, self.clock.now() + ACCESS_LIFE)
        return Tokens(access, grant)

    def answer(self, tokens: Tokens, with_hard_end: bool = False) -> dict[str, object]:
        """The JSON of the token endpoint."""
        now = self.clock.now()
        grant = tokens.grant
        body: dict[str, object] = {
            "token_type": "bearer",
            "access_token": tokens.access,
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "refresh_token": grant.refresh,
            "x_refresh_token_expires_in": int((min(grant.refresh_ends, grant.hard_end) - now).total_seconds()),
        }
        if with_hard_end:
            body["x_refresh_token_hard_expires_in"] = int((grant.hard_end - now).total_seconds())
        return body

    def holder(self, access: str) -> Grant | None:
        """The grant behind an access token that works right now."""
        grant, ends = self.access.get(access, (None, None))
        if grant is None or ends is None or grant.ended or ends <= self.clock.now():
            return None
        return grant

    def find(self, token: str) -> Grant | None:
        """The living grant of an access or refresh token."""
        grant = self.by_refresh.get(token) or self.access.get(token, (None, None))[0]
        return grant if grant is not None and not grant.ended else None

    def end(self, grant: Grant) -> None:
        grant.ended = True
        self.access = {token: held for token, held in self.access.items() if held[0] is not grant}

    def expire(self, realm: str | None, kind: str) -> int:
        """Ends tokens at once, as if their time were over. Returns how many."""
        now, count = self.clock.now(), 0
        if kind in ("access", "all"):
            for token, (grant, ends) in self.access.items():
                if realm in (None, grant.realm) and ends > now:
                    self.access[token] = (grant, now)
                    count += 1
        if kind in ("refresh", "all"):
            for grant in {id(grant): grant for grant in self.by_refresh.values()}.values():
                if realm in (None, grant.realm) and grant.refresh_ends > now:
                    grant.refresh_ends = now
                    count += 1
        return count


def new_refresh_token() -> str:
    return "RT1-" + secrets.token_hex(23)
