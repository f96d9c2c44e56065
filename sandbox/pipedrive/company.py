"""One Pipedrive company: its people and everything they keep there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from .wire import Record

PLAN_FACTOR = {"lite": 1, "growth": 2, "premium": 5, "ultimate": 7}
BURST = {"lite": 80, "growth": 160, "premium": 400, "ultimate": 480}
OWNER_ONLY, OWNER_GROUP, GROUP_AND_BELOW, EVERYBODY = 1, 3, 5, 7
FIELD_OWNERS = ("deal", "person", "organization", "product")


@dataclass
class User:
    """A person with a seat. `group` is the visibility group; `locale` formats numbers, `language` is the words'."""

    id: int
    name: str
    email: str
    admin: bool
    language: tuple[str, str]
    locale: str
    timezone: str
    currency: str
    group: str
    joined: datetime

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2]).upper()

    def offset(self, moment: datetime) -> str:
        """`+01:00`, as the API writes it."""
        text = moment.astimezone(ZoneInfo(self.timezone)).strftime("%z")
        return f"{text[:3]}:{text[3:]}"


@dataclass
class Company:
    """All records, by id, in the shape of the API version that serves them."""

    id: int
    domain: str
    name: str
    country: str
    industry: str
    currency: str
    plan: str
    contact_sync: bool
    seed: str
    hides_with: int = 404  # the status of what a user may not see; nobody has documented that it is always this one
    keeps_files_elsewhere: bool = False  # a download is answered by the address of a storage, and not by the content
    users: dict[int, User] = field(default_factory=dict)
    pipelines: dict[int, Record] = field(default_factory=dict)
    stages: dict[int, Record] = field(default_factory=dict)
    deals: dict[int, Record] = field(default_factory=dict)
    persons: dict[int, Record] = field(default_factory=dict)
    organizations: dict[int, Record] = field(default_factory=dict)
    products: dict[int, Record] = field(default_factory=dict)
    deal_products: dict[int, list[Record]] = field(default_factory=dict)
    discounts: dict[int, list[Record]] = field(default_factory=dict)
    installments: dict[int, list[Record]] = field(default_factory=dict)
    notes: dict[int, Record] = field(default_factory=dict)
    files: dict[int, Record] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    activities: list[Record] = field(default_factory=list)
    currencies: list[Record] = field(default_factory=list)
    fields: dict[str, list[Record]] = field(default_factory=lambda: {owner: [] for owner in FIELD_OWNERS})
    last_ids: dict[str, int] = field(default_factory=dict)

    def next_id(self, kind: str) -> int:
        self.last_ids[kind] = self.last_ids.get(kind, 0) + 1
        return self.last_ids[kind]

    @property
    def daily_budget(self) -> int:
        """30 000 tokens for each seat, times the plan's factor (Pipedrive: core-api-concepts-rate-limiting)."""
        return 30_000 * PLAN_FACTOR[self.plan] * len(self.users)

    @property
    def burst(self) -> int:
        return BURST[self.plan]

    def sees(self, user: User, record: Record) -> bool:
        """Pipedrive's visibility rules; who may not see a record gets `hides_with` for it."""
        return not record.get("is_deleted") and self.shows(user, record)

    def shows(self, user: User, record: Record) -> bool:
        """Whether the user could see the record before it was deleted."""
        level = record.get("visible_to", EVERYBODY)
        owner = self.users.get(record.get("owner_id") or 0)
        if level == EVERYBODY or user.admin or owner is None or owner.id == user.id:
            return True
        return level != OWNER_ONLY and owner.group == user.group

    def visible(self, user: User, records: dict[int, Record]) -> Iterator[Record]:
        return (record for record in records.values() if self.sees(user, record))

    def custom_field(self, owner: str, code: str) -> Record | None:
        for entry in self.fields[owner]:
            if entry["field_code"] == code and entry["is_custom_field"]:
                return entry
        return None

    def deal_notes(self, deal_id: int) -> list[Record]:
        return [note for note in self.notes.values() if note["deal_id"] == deal_id and note["active_flag"]]

    def decimals(self, currency: str) -> int:
        return next((int(entry["decimal_points"]) for entry in self.currencies if entry["code"] == currency), 2)


def line_sum(quantity: Decimal, price: Decimal, discount: Decimal, discount_type: str) -> Decimal:
    """What a deal's product line comes to as entered, before tax is added; an amount is off the line, not the unit."""
    gross = quantity * price
    off = gross * discount / 100 if discount_type == "percentage" else discount
    return (gross - off).quantize(Decimal("0.01"))
