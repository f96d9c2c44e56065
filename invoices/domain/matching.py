"""Which item of QuickBooks a product is, and which customers a party of Pipedrive might be; each with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from invoices.domain.addresses import same_place
from invoices.domain.books import Item
from invoices.domain.draft import BillTo
from invoices.domain.emails import addresses_in, company_domains
from invoices.domain.names import clean_item_name, composed, name_words, normalised_name, same_name


class ItemReason(StrEnum):
    LINKED = "linked"  # "…, as last time"
    SKU = "sku"  # "…, by SKU RACK-4L"
    NAME = "name"  # "…, same name"
    DEFAULT = "default"  # "Default item": the company's policy
    NEW = "new"  # "New item “…”, created with the invoice": the company's policy
    INACTIVE = "inactive"  # the match is inactive in QuickBooks; nothing is proposed
    NONE = "none"  # "No QuickBooks item yet"


@dataclass(frozen=True, slots=True)
class ItemProposal:
    """`name` is the matched item's, also of the inactive one, or the new item's.

    `item_id` is empty when nothing is proposed; `inactive_id` then tells which item that would have been, and a name
    with `NONE` that it could be several.
    """

    item_id: str
    reason: ItemReason
    name: str = ""
    sku: str = ""
    inactive_id: str = ""

    @property
    def is_found(self) -> bool:
        """It is the product's own; no policy had to stand in."""
        return self.reason in (ItemReason.LINKED, ItemReason.SKU, ItemReason.NAME)


@dataclass(frozen=True, slots=True)
class ItemPolicy:
    """What the company wants for a product without an item: nothing by default, so that a person is asked."""

    default_item_id: str = ""  # one item for everything
    income_account_id: str = ""  # an item of its own, created with this account


class ItemMatcher:
    """Finds the items of a deal's products. Made once for all of them: there may be thousands of items."""

    def __init__(
        self, items: Iterable[Item], *, links: Mapping[int, str] | None = None, policy: ItemPolicy | None = None
    ) -> None:
        """`links` are the items that people chose before, by the product's id."""
        self.links, self.policy = links or {}, policy or ItemPolicy()
        self.by_id = {item.id: item for item in items}
        self.by_sku: dict[str, list[Item]] = {}
        self.by_name: dict[str, list[Item]] = {}
        for item in self.by_id.values():
            self.by_sku.setdefault(_key(item.sku), []).append(item)
            self.by_name.setdefault(_key(own_name(item)), []).append(item)

    def propose(self, code: str, name: str, *, product_id: int | None = None) -> ItemProposal:
        """As last time, else by SKU, else by exact name, without regard to case and blanks; else the policy.

        An inactive match is named, and nothing is put in its place: somebody has to know. An item that is gone from
        QuickBooks matches nothing. Of several that match none is taken, unless one has the name without a category:
        they may be sold on different accounts. Only a product gets an item of its own, not the line of a deal without
        products.
        """
        linked, cleaned = self.by_id.get(self.links.get(product_id or 0, "")), _key(clean_item_name(name))
        matches = [(ItemReason.LINKED, [linked] if linked else [])]
        if linked is None or linked.active:
            matches.append((ItemReason.SKU, self.by_sku.get(_key(code), []) if code.strip() else []))
            same = self.by_name.get(_key(name)) or self.by_name.get(cleaned) or []
            matches.append((ItemReason.NAME, same if name.strip() else []))
        for reason, found in matches:
            active = [item for item in found if item.active]
            if len(active) > 1:
                active = [item for item in active if _key(item.name) in (_key(name), cleaned)] or active
            if len(active) > 1:
                return ItemProposal("", ItemReason.NONE, own_name(active[0]))
            if active:
                return ItemProposal(active[0].id, reason, active[0].name, active[0].sku)
        for _, found in matches:
            for item in found:
                return ItemProposal("", ItemReason.INACTIVE, item.shown_name, item.sku, item.id)
        return self._by_policy(code, name, product_id)

    def _by_policy(self, code: str, name: str, product_id: int | None) -> ItemProposal:
        default = self.by_id.get(self.policy.default_item_id)
        if default is not None and default.active:
            return ItemProposal(default.id, ItemReason.DEFAULT, default.name, default.sku)
        new = clean_item_name(name)
        if self.policy.income_account_id and product_id and new:
            return ItemProposal("", ItemReason.NEW, new, code.strip())
        return ItemProposal("", ItemReason.NONE)


def own_name(item: Item) -> str:
    """Without its categories; a name itself has no colon."""
    return item.shown_name.rpartition(":")[2]


class Evidence(StrEnum):
    """In the order of their weight."""

    LINKED = "linked"  # a person chose this customer before
    SAME_TAX_ID = "same_tax_id"
    SAME_NAME = "same_name"
    SAME_EMAIL = "same_email"
    SAME_ADDRESS = "same_address"  # street and postal code
    SAME_DOMAIN = "same_domain"  # of the e-mail addresses, and it is no free mail provider's
    SIMILAR_NAME = "similar_name"


class Strength(StrEnum):
    STRONG = "strong"
    LIKELY = "likely"
    WEAK = "weak"


ORDER = (Strength.STRONG, Strength.LIKELY, Strength.WEAK)
WEIGHT = tuple(Evidence)
MOST_CANDIDATES = 5
SHORTEST_TAX_ID = 7  # QuickBooks shows the last five characters of a masked one: those alone tell nothing


@dataclass(frozen=True, slots=True)
class CustomerCandidate:
    customer_id: str
    name: str
    email: str = ""
    place: str = ""
    currency: str = ""
    active: bool = True
    sales_tax_id: str = ""  # the tax code that it usually pays
    exempt: bool = False  # from sales tax
    evidence: tuple[Evidence, ...] = ()
    strength: Strength = Strength.WEAK
    term_id: str = ""  # its payment terms in QuickBooks


@dataclass(frozen=True, slots=True)
class Described:
    """A customer with what QuickBooks tells of it beside; `tax_ids` are those that came in the clear, never masked."""

    candidate: CustomerCandidate
    tax_ids: tuple[str, ...] = ()
    address_lines: tuple[str, ...] = ()
    postal_code: str = ""


def rank_customers(found: Iterable[Described], bill_to: BillTo, *, currency: str) -> tuple[CustomerCandidate, ...]:
    """Those that may be the party, best first, each with its evidence. `bill_to` is what Pipedrive says.

    An e-mail address that several customers of one currency have (of an agency, say) tells nothing by itself.
    """
    unique = {each.candidate.customer_id: each for each in found if each.candidate.active}
    judged = [_judged(each, bill_to) for each in unique.values()]
    mailed = Counter(candidate.currency for candidate in judged if Evidence.SAME_EMAIL in candidate.evidence)
    worth = [
        replace(candidate, strength=Strength.WEAK)
        if candidate.evidence == (Evidence.SAME_EMAIL,) and mailed[candidate.currency] > 1
        else candidate
        for candidate in judged
        if candidate.evidence
    ]
    worth.sort(key=lambda candidate: _place(candidate, currency))
    return tuple(worth[:MOST_CANDIDATES])


def _place(candidate: CustomerCandidate, currency: str) -> tuple[int, bool, list[int], str]:
    weights = [WEIGHT.index(evidence) for evidence in candidate.evidence] + [len(WEIGHT)]
    return ORDER.index(candidate.strength), candidate.currency != currency, weights, candidate.name


def best_candidate(
    candidates: Sequence[CustomerCandidate], linked: CustomerCandidate | None = None, *, currency: str = ""
) -> str:
    """The id to tick beforehand, "" for the new customer: a weak match is never ticked.

    The linked one comes first, unless it is kept in another currency and there is a strong match in the invoice's.
    """
    if linked is not None:
        other = linked.currency not in ("", currency)
        strong = (each for each in candidates if each.strength == Strength.STRONG and each.currency == currency)
        return next(strong, linked).customer_id if other else linked.customer_id
    return next((candidate.customer_id for candidate in candidates if candidate.strength != Strength.WEAK), "")


def _judged(each: Described, bill_to: BillTo) -> CustomerCandidate:
    """Name and e-mail address carry a proposal, and the tax number; the rest supports it or makes a weak one."""
    candidate = each.candidate
    name, email = bill_to.name, bill_to.email
    called = _called(candidate)
    exact = same_name(called, name)
    mailed = not set(addresses_in(email.casefold())).isdisjoint(addresses_in(candidate.email.casefold()))
    holds = {
        Evidence.SAME_TAX_ID: _tax_key(bill_to.tax_id) in {_tax_key(tax_id) for tax_id in each.tax_ids} - {""},
        Evidence.SAME_NAME: has_name(candidate, name),
        Evidence.SAME_EMAIL: mailed,
        Evidence.SAME_ADDRESS: same_place(bill_to.address, each.address_lines, each.postal_code),
        Evidence.SAME_DOMAIN: not mailed and not company_domains(email).isdisjoint(company_domains(candidate.email)),
    }
    evidence = [kind for kind, held in holds.items() if held]
    carrying = [kind for kind in (Evidence.SAME_NAME, Evidence.SAME_EMAIL) if holds[kind]]
    if exact or holds[Evidence.SAME_TAX_ID] or (carrying and len(evidence) > 1):
        strength = Strength.STRONG
    else:
        strength = Strength.LIKELY if carrying else Strength.WEAK
    if not carrying and name_words(called)[:1] == name_words(name)[:1] != []:
        evidence.append(Evidence.SIMILAR_NAME)
        both = holds[Evidence.SAME_ADDRESS] and holds[Evidence.SAME_DOMAIN]
        strength = Strength.LIKELY if strength == Strength.WEAK and both else strength
    return replace(candidate, evidence=tuple(evidence), strength=strength)


def has_name(customer: CustomerCandidate, name: str) -> bool:
    """Without regard to case, accents, punctuation and legal form."""
    called = _called(customer)
    return same_name(called, name) or (bool(normalised_name(name)) and normalised_name(called) == normalised_name(name))


def _called(customer: CustomerCandidate) -> str:
    """Without the currency behind the second of one name, see `second_name`."""
    return customer.name.removesuffix(f" ({customer.currency})")


def _tax_key(tax_id: str) -> str:
    """Letters and digits alone; "" for what is too short to tell one company from another."""
    plain = "".join(sign for sign in tax_id.casefold() if sign.isalnum())
    return plain if len(plain) >= SHORTEST_TAX_ID else ""


def _key(text: str) -> str:
    return " ".join(composed(text).split()).casefold()
