"""The four companies in Pipedrive, and copies of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..pipedrive.company import Company
from . import pipedrive_au, pipedrive_ca, pipedrive_gb, pipedrive_us
from .pipedrive_builder import Builder


@dataclass(frozen=True)
class Identity:
    """What tells a company from its copies; users are numbered from `user_base` + 1."""

    company_id: int
    domain: str
    user_base: int


@dataclass(frozen=True)
class Seed:
    """How one company of the cast comes to be."""

    identity: Identity
    company: Callable[[int, str], Company]
    fill: Callable[[Builder], None]


SEEDS = {
    "gb": Seed(Identity(101, "harbourpine", 1000), pipedrive_gb.company, pipedrive_gb.fill),
    "us": Seed(Identity(102, "cedarlane", 1100), pipedrive_us.company, pipedrive_us.fill),
    "au": Seed(Identity(103, "coralbay", 1200), pipedrive_au.company, pipedrive_au.fill),
    "ca": Seed(Identity(104, "birchline", 1300), pipedrive_ca.company, pipedrive_ca.fill),
}


def build(name: str, now: datetime, identity: Identity | None = None) -> Company:
    """A company as it is before anybody does anything; dates lie around `now`."""
    seed = SEEDS[name]
    who = identity or seed.identity
    company = seed.company(who.company_id, who.domain)
    seed.fill(Builder(company, now, who.user_base))
    return company
