"""Which item of QuickBooks a product is, and which customers a party of Pipedrive might be; each with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from invoices.domain.books import NEVER_SOLD, Item
from invoices.domain.names import name_words, normalised_name, same_name


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


def propose_item(code: str, name: str, items: Iterable[Item]) -> ItemProposal:
    """By SKU, else by exact name; both without regard to case and blanks. Inactive items are named, never proposed."""
    sold = [item for item in items if item.type not in NEVER_SOLD]
    by_sku = [item for item in sold if code.strip() and _key(item.sku) == _key(code)]
    by_name = [item for item in sold if name.strip() and _key(shown_name(item)) == _key(name)]
    for matches, reason in ((by_sku, ItemReason.SKU), (by_name, ItemReason.NAME)):
        for item in matches:
            if item.active:
                return ItemProposal(item.id, reason, item.name, item.sku)
    for item in (*by_sku, *by_name):
        return ItemProposal("", ItemReason.INACTIVE, shown_name(item), item.sku)
    return ItemProposal("", ItemReason.NONE)


def shown_name(item: Item) -> str:
    """QuickBooks adds "(deleted)" to the name of an item that was made inactive."""
    return item.name if item.active else item.name.removesuffix(" (deleted)")


class Evidence(StrEnum):
    LINKED = "linked"  # a person chose this customer before
    SAME_NAME = "same_name"
    SAME_EMAIL = "same_email"
    SIMILAR_NAME = "similar_name"


class Strength(StrEnum):
    STRONG = "strong"
    LIKELY = "likely"
    WEAK = "weak"


ORDER = (Strength.STRONG, Strength.LIKELY, Strength.WEAK)
MOST_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class CustomerCandidate:
    customer_id: str
    name: str
    email: str = ""
    place: str = ""
    currency: str = ""
    active: bool = True
    evidence: tuple[Evidence, ...] = ()
    strength: Strength = Strength.WEAK


def rank_customers(
    found: Iterable[CustomerCandidate], *, name: str, email: str, currency: str
) -> tuple[CustomerCandidate, ...]:
    """Those that may be the party, best first, each with its evidence. `name` and `email` are what Pipedrive says."""
    unique = {candidate.customer_id: candidate for candidate in found if candidate.active}
    judged = [_judged(candidate, name, email) for candidate in unique.values()]
    worth = [candidate for candidate in judged if candidate.evidence]
    worth.sort(key=lambda candidate: (ORDER.index(candidate.strength), candidate.currency != currency, candidate.name))
    return tuple(worth[:MOST_CANDIDATES])


def best_candidate(candidates: Iterable[CustomerCandidate]) -> str:
    """The id to tick beforehand, "" for the new customer: a weak match is never ticked."""
    return next((candidate.customer_id for candidate in candidates if candidate.strength != Strength.WEAK), "")


def _judged(candidate: CustomerCandidate, name: str, email: str) -> CustomerCandidate:
    evidence: list[Evidence] = []
    exact = same_name(candidate.name, name)
    if exact or (normalised_name(candidate.name) == normalised_name(name) and normalised_name(name)):
        evidence.append(Evidence.SAME_NAME)
    if email and _key(candidate.email) == _key(email):
        evidence.append(Evidence.SAME_EMAIL)
    strength = Strength.STRONG if exact or len(evidence) == 2 else Strength.LIKELY
    if not evidence and name_words(candidate.name)[:1] == name_words(name)[:1] != []:
        evidence, strength = [Evidence.SIMILAR_NAME], Strength.WEAK
    return replace(candidate, evidence=tuple(evidence), strength=strength if evidence else Strength.WEAK)


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()
