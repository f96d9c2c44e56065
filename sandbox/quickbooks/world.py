"""All companies of the stand-in and what users have granted."""

from __future__ import annotations

import re
from typing import Any

from ..clock import Clock
from ..config import Config
from ..seeds import quickbooks as seeds
from .books import Books
from .grants import Grants
from .notices import Notices
from .throttle import Throttle

COMPANY = re.compile(r"^/v3/company/([^/]+)/")
FIRST_CLONE = 9130350000001001


class World:
    """Everything that a reset brings back to the start."""

    def __init__(self, clock: Clock, config: Config) -> None:
        self.clock = clock
        self.config = config
        self.throttle_at_start = config.throttle
        self.verifier_at_start = config.verifier_token
        self.notices = Notices(clock, config)
        self.grants = Grants(clock)
        self.throttle = Throttle()
        self.books: dict[str, Books] = {}
        self.clones = 0
        self.reset()

    def reset(self) -> None:
        self.grants.reset()
        self.throttle = Throttle()
        self.config.throttle = self.throttle_at_start
        self.clones = 0
        self.config.verifier_token = self.verifier_at_start
        self.books = {books.realm: self.watched(books) for books in seeds.companies(self.clock)}

    def watched(self, books: Books) -> Books:
        """From now on its changes are told; what the seeds wrote is not."""
        books.tell = self.notices.tell
        return books

    def company_of(self, path: str, authorization: str) -> str | None:
        found = COMPANY.match(path)
        return found[1] if found else None

    def expire_tokens(self, company: str | None, kind: str) -> int:
        return self.grants.expire(company, kind)

    def grant(self, body: dict[str, Any]) -> dict[str, Any]:
        """{"realm": …} -> what the token endpoint would answer after a consent."""
        realm = str(body["realm"])
        if realm not in self.books:
            raise KeyError(realm)
        return self.grants.answer(
            self.grants.tokens(self.grants.start(realm)), with_hard_end=bool(body.get("hard_expiry"))
        )

    def clone(self, company: str) -> dict[str, Any]:
        """A fresh company from the same seeds, under a new realm."""
        original = self.books[company]
        realm = str(FIRST_CLONE + self.clones)
        self.clones += 1
        self.books[realm] = self.watched(seeds.company(self.clock, realm, original.seed, f" (copy {self.clones})"))
        return {"realm": realm}
