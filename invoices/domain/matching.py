"""Which item of QuickBooks a product is, and which customers a party of Pipedrive might be; each with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ItemReason(StrEnum):
    SKU = "sku"  # "…, by SKU RACK-4L"
    NAME = "name"  # "…, same name"
    INACTIVE = "inactive"  # the only match is inactive in QuickBooks; nothing is proposed
    NONE = "none"  # "No QuickBooks item yet"


@dataclass(frozen=True, slots=True)
class ItemProposal:
    """`name` is the matched item's (also of the inactive one); `item_id` is empty when nothing is proposed."""

    item_id: str
    reason: ItemReason
    name: str = ""
    sku: str = ""


class Evidence(StrEnum):
    LINKED = "linked"  # a person chose this customer before
    SAME_NAME = "same_name"
    SAME_EMAIL = "same_email"
    SIMILAR_NAME = "similar_name"


class Strength(StrEnum):
    STRONG = "strong"
    LIKELY = "likely"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class CustomerCandidate:
    customer_id: str
    name: str
    email: str
    place: str
    currency: str
    active: bool
    evidence: tuple[Evidence, ...] = ()
    strength: Strength = Strength.WEAK
