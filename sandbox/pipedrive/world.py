"""The whole state of the Pipedrive stand-in."""

from __future__ import annotations

import copy
from typing import Any

from ..clock import Clock
from ..config import Config
from ..seeds.pipedrive import SEEDS, Identity, build
from .budgets import Budgets
from .company import Company, User
from .grants import ACCESS_LIFE, Grants, Installation
from .wire import Record

FIRST_CLONE = 5001


class World:
    """Companies, consents and budgets; built from the seeds and again on reset."""

    def __init__(self, clock: Clock, config: Config) -> None:
        self.clock = clock
        self.config = config
        self.reset()

    def reset(self) -> None:
        self.grants = Grants(self.clock)
        self.budgets = Budgets(self.clock)
        self.frame_token_seconds = 300
        self.clones = 0
        self.stored: dict[str, bytes] = {}
        self.companies: dict[int, Company] = {}
        for seed in SEEDS:
            company = build(seed, self.clock.now())
            self.companies[company.id] = company

    def by_domain(self, domain: str) -> Company | None:
        return next((company for company in self.companies.values() if company.domain == domain), None)

    def user(self, company_id: int, user_id: int) -> User:
        """Raises KeyError."""
        return self.companies[company_id].users[user_id]

    def company_of(self, path: str, authorization: str) -> str | None:
        """The company of a bearer token, as text, living or not."""
        installation = self.grants.bearers.get(authorization.partition(" ")[2])
        return None if installation is None else str(installation.company_id)

    def expire_tokens(self, company: str | None, kind: str) -> int:
        return self.grants.expire(None if company is None else int(company), kind)

    def token_answer(self, installation: Installation) -> Record:
        """What the token endpoint says."""
        return {
            "access_token": self.grants.access_token(installation),
            "token_type": "Bearer",
            "refresh_token": installation.refresh_token,
            "scope": ",".join(installation.scopes),
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "api_domain": self.config.url,
        }

    def grant(self, body: dict[str, Any]) -> dict[str, Any]:
        """Consent without its pages. Raises KeyError for unknown companies and users."""
        company_id, user_id = int(body["company_id"]), int(body["user_id"])
        self.user(company_id, user_id)
        return self.token_answer(self.grants.install(company_id, user_id))

    def clone(self, company: str) -> dict[str, Any]:
        """A copy as the seeds made it, with its own company, users, domain and field codes. Raises KeyError."""
        original = self.companies[int(company)]
        identity = Identity(
            FIRST_CLONE + self.clones,
            f"{original.domain}-{FIRST_CLONE + self.clones}",
            (FIRST_CLONE + self.clones) * 10,
        )
        self.clones += 1
        made = build(original.seed, self.clock.now(), identity)
        self.companies[made.id] = made
        users = [
            {"id": user.id, "name": user.name, "email": user.email, "admin": user.admin} for user in made.users.values()
        ]
        return {"pipedrive_company_id": made.id, "company_domain": made.domain, "users": users}

    def snapshot(self, company: Company) -> Record:
        """A company as JSON for tests; a copy, so that nobody writes into the state."""
        return copy.deepcopy(
            {
                "id": company.id,
                "domain": company.domain,
                "name": company.name,
                "users": [vars(user) | {"joined": user.joined.isoformat()} for user in company.users.values()],
                "installed": [found.user_id for found in self.grants.of(company.id)],
            }
            | {
                name: getattr(company, name)
                for name in (
                    "deals", "persons", "organizations", "products", "deal_products", "discounts", "installments",
                    "notes", "files", "activities", "fields", "stages", "pipelines", "currencies",
                )
            }
        )  # fmt: skip
