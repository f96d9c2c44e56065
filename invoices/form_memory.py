"""What a form was made from, carried by the form itself.

Preparing a form asks both services. When its fields come back, whether for a preview or with a fault, everything around
the fields (the candidates with their evidence, the reasons of the proposals) is needed again; asking again would be
slow, cost calls, and might answer differently under the person's hands. So the form carries it, signed, and bound to
the user, the deal and the books that it was made for: in other books the same ids mean other customers and items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.core import signing

from integration_settings.tenancy import Visitor
from invoices.domain.customer_update import Change, CustomerField, Difference, PartyDetails, Reason
from invoices.domain.deal import Address, Frequency, Recurrence
from invoices.domain.draft import AmountsAre, FromEstimate, from_estimate, from_json, to_json
from invoices.domain.estimate import TakenOver
from invoices.domain.matching import CustomerCandidate, Evidence, ItemProposal, ItemReason, Strength
from invoices.domain.money import Money
from invoices.domain.plain import plain
from invoices.domain.presets import Preset, filled
from invoices.domain.tax import TaxProposal, TaxReason

SALT = "invoice-form"
LIFE = timedelta(days=7)
CANDIDATE_SALT = "invoice-form-customer"
COMPARED_SALT = "invoice-form-customer-compared"
ESTIMATE_SALT = "invoice-form-estimate"
Recalled = TypeVar("Recalled")


class BadMemory(Exception):
    """Not what we gave to this user for this deal, or too old: the form has to be opened anew."""


class MemoryOfOtherBooks(BadMemory):
    """Given to this user for other books than those connected now."""


class MemoryOfAnotherVersion(BadMemory):
    """Ours, and not to be read by this version. While two serve, the other one may get the next try."""


@dataclass(frozen=True, slots=True)
class LineMemory:
    """Where a line came from: the deal's product, why item and tax were proposed for it, what of it was invoiced."""

    description: str
    item: ItemProposal
    tax: TaxProposal
    product_id: int | None = None
    attachment_id: int | None = None
    product_code: str = ""
    invoiced: Decimal = Decimal(0)  # what earlier invoices of the deal have of it, see `Rest`
    left: bool = True  # something of it is for this invoice
    recurrence: Recurrence | None = None
    sold: str = ""  # quantity, price and discount, as the deal has them; "" in forms older than that

    @property
    def name(self) -> str:
        return self.description.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Memory:
    deal_id: int
    deal_value: Decimal
    deal_currency: str
    party_kind: str
    party_name: str
    person_name: str
    linked_id: str
    candidates: tuple[CustomerCandidate, ...]  # the linked one first
    lines: dict[str, LineMemory]
    product_count: int
    usual_due_days: int  # the company's; `due_days` are the chosen preset's where it has some
    due_days: int
    amounts_are: AmountsAre
    details: PartyDetails = field(default_factory=PartyDetails)  # as the deal's mapped fields have them
    base: dict[str, str] = field(default_factory=dict)  # the fields that a preset can fill, as the deal filled them
    party: tuple[str, int] = ("", 0)  # whose customer is chosen, see `deal_gateway.DealFacts`
    invoices_before: int = 0  # living ones of the deal, as the person saw it last
    latest_before: int | None = None  # and the row's id of the latest; None in forms older than that
    uses_terms: bool = False  # the company wants the customer's own terms first
    prices_were_with_tax: bool = False  # in the deal, and the form has them without
    worth_before_tax: Decimal | None = None  # of the deal, in that case; None in forms older than that
    filled: dict[str, str] = field(default_factory=dict)  # and as the chosen preset left them; see `domain.presets`
    opened_with: str = ""  # the invoice date, which is the day it was opened; "" in forms older than that
    customers_told: bool = True  # QuickBooks has said which customers may be meant
    worth_in_all: Decimal | None = Decimal(0)  # of what is billed again and again, see `domain.draft`; else 0
    estimate: FromEstimate | None = None  # that the invoice is made from
    left_out: tuple[tuple[str, int], ...] = ()  # of it, as in `TakenOver`
    before_estimate: dict[str, str] = field(default_factory=dict)  # what its choice has changed, see `filling`

    @property
    def deal_worth(self) -> Money:
        """What the deal was worth when the person saw it last."""
        return Money(self.deal_value, self.deal_currency)

    @property
    def worth_to_bill(self) -> Money:
        """The same, as the form's prices are."""
        before_tax = self.worth_before_tax
        return self.deal_worth if before_tax is None else Money(before_tax, self.deal_currency)

    @property
    def worth_with_tax(self) -> bool:
        """Whether tax is in that, also where the form's prices have none."""
        return self.prices_were_with_tax or self.prices_have_tax

    @property
    def prices_have_tax(self) -> bool:
        """In the deal and, until somebody says otherwise, in the form."""
        return self.base.get("amounts_are") == AmountsAre.TAX_INCLUSIVE

    def still_shows(self, fresh: Memory) -> bool:
        """Whether what of the deal stands in the form is in a fresh one as well; else somebody has to hear of that. Its
        value need not tell: half as many for twice as much, or without tax, are worth the same.
        """
        before, now = self._sold, fresh._sold
        return self._deal == fresh._deal and (before == now or not any(before))

    @property
    def _deal(self) -> tuple[object, ...]:
        lines = [(line.description, line.attachment_id, line.tax.percentage) for line in self.lines.values()]
        return self.deal_worth, self.party, lines, self.details, self.base, self.invoices_before, self.latest_before

    @property
    def _sold(self) -> list[str]:
        return [line.sold for line in self.lines.values()]

    @property
    def due_after(self) -> timedelta:
        return timedelta(days=self.due_days)

    def customer(self, customer_id: str) -> CustomerCandidate | None:
        return next((found for found in self.candidates if found.customer_id == customer_id), None)

    def with_customer(self, candidate: CustomerCandidate) -> Memory:
        """With a customer that the person found by searching."""
        if self.customer(candidate.customer_id):
            return self
        return replace(self, candidates=(*self.candidates, candidate))

    def with_preset(self, preset: Preset) -> Memory:
        days = self.usual_due_days if preset.due_days is None else preset.due_days
        return replace(self, filled=filled(self.base, preset), due_days=days)


def keep(memory: Memory, visitor: Visitor) -> str:
    """The memory as text for a hidden field. Of an estimate it speaks only where there is one: a version that knows
    of none would make another invoice of the form, and reads the others all the same.
    """
    told = {each.name: getattr(memory, each.name) for each in fields(memory)}
    if memory.estimate is None:
        del told["estimate"], told["left_out"], told["before_estimate"]
    return signing.dumps(_marked(visitor, memory=plain(told)), salt=SALT, compress=True)


def recall(text: str, visitor: Visitor, *, deal_id: int) -> Memory:
    """The memory that `keep` gave to this visitor for this deal and the books connected now; raises `BadMemory`."""
    memory = _recalled(text, SALT, visitor, "memory", _memory)
    if memory.deal_id != deal_id:
        raise BadMemory
    return memory


def _recalled(
    text: str, salt: str, visitor: Visitor, name: str, make: Callable[[dict[str, Any]], Recalled]
) -> Recalled:
    """What stands in the text by that name; raises `BadMemory`."""
    try:
        content = signing.loads(text, salt=salt, max_age=LIFE)
        whose, books, made = content["for"], content["books"], content[name]
    except (signing.BadSignature, KeyError) as error:
        raise BadMemory from error
    if whose != _whose(visitor):
        raise BadMemory
    if books != _books(visitor):
        raise MemoryOfOtherBooks
    try:
        return make(made)
    except (KeyError, TypeError, ValueError) as error:
        raise MemoryOfAnotherVersion from error


def _memory(stored: dict[str, Any]) -> Memory:
    return Memory(
        **{
            **stored,
            "deal_value": Decimal(stored["deal_value"]),
            "worth_in_all": None if (in_all := stored.get("worth_in_all", 0)) is None else Decimal(in_all),
            "worth_before_tax": None if (before := stored.get("worth_before_tax")) is None else Decimal(before),
            "party": tuple(stored["party"]),
            "candidates": tuple(_candidate(each) for each in stored["candidates"]),
            "lines": {key: _line(each) for key, each in stored["lines"].items()},
            "amounts_are": AmountsAre(stored["amounts_are"]),
            "details": _details(stored.get("details", {})),
            "estimate": from_estimate(stored.get("estimate")),
            "left_out": _counted(stored.get("left_out", ())),
        }
    )


def _counted(stored: Sequence[Sequence[Any]]) -> tuple[tuple[str, int], ...]:
    return tuple((str(what), int(count)) for what, count in stored)


def offer(candidate: CustomerCandidate, visitor: Visitor) -> str:
    """A customer found by searching, as the value of its option."""
    return signing.dumps(_marked(visitor, customer=plain(candidate)), salt=CANDIDATE_SALT)


def accept(text: str, visitor: Visitor) -> CustomerCandidate:
    """The customer of an option that `offer` made for this visitor in these books; raises `BadMemory`."""
    return _recalled(text, CANDIDATE_SALT, visitor, "customer", _candidate)


def offer_estimate(estimate: TakenOver, visitor: Visitor) -> str:
    """An estimate of the list, as the value of its button: what would stand in the form, so that nobody asks again."""
    told = {"draft": to_json(estimate.draft), "left_out": plain(estimate.left_out)}
    return signing.dumps(_marked(visitor, estimate=told), salt=ESTIMATE_SALT, compress=True)


def accept_estimate(text: str, visitor: Visitor) -> TakenOver:
    """The estimate of a button that `offer_estimate` made for this visitor in these books; raises `BadMemory`."""
    return _recalled(text, ESTIMATE_SALT, visitor, "estimate", _taken_over)


def _taken_over(stored: dict[str, Any]) -> TakenOver:
    return TakenOver(from_json(stored["draft"]), _counted(stored["left_out"]))


@dataclass(frozen=True, slots=True)
class SeenCustomer:
    """A customer as it was shown beside the deal: what was ticked is written only over what was seen."""

    customer_id: str
    name: str
    differences: tuple[Difference, ...]


def keep_seen(seen: SeenCustomer, visitor: Visitor) -> str:
    """What was shown, as text for a hidden field; of these books only."""
    return signing.dumps(_marked(visitor, seen=plain(seen)), salt=COMPARED_SALT)


def recall_seen(text: str, visitor: Visitor) -> SeenCustomer:
    """Raises `BadMemory` for anything that `keep_seen` did not give to this visitor for the books connected now."""
    return _recalled(text, COMPARED_SALT, visitor, "seen", _seen)


def _marked(visitor: Visitor, **content: Any) -> dict[str, Any]:
    return {"for": _whose(visitor), "books": _books(visitor), **content}


def _books(visitor: Visitor) -> str:
    return visitor.connection.realm_id if visitor.connection else ""


def _seen(stored: dict[str, Any]) -> SeenCustomer:
    return SeenCustomer(**{**stored, "differences": tuple(_difference(each) for each in stored["differences"])})


def _difference(stored: dict[str, Any]) -> Difference:
    change = stored["change"]
    return Difference(
        change=Change(CustomerField(change["field"]), tuple(change["before"]), tuple(change["after"])),
        proposed=stored["proposed"],
        possible=stored["possible"],
        reason=Reason(stored["reason"]),
    )


def _details(stored: dict[str, Any]) -> PartyDetails:
    return PartyDetails(**{**stored, "address": Address(**stored.get("address", {}))})


def _whose(visitor: Visitor) -> list[int]:
    return [visitor.company.pipedrive_company_id, visitor.user.user_id]


def _candidate(stored: dict[str, Any]) -> CustomerCandidate:
    return CustomerCandidate(
        **{
            **stored,
            "evidence": tuple(Evidence(each) for each in stored["evidence"]),
            "strength": Strength(stored["strength"]),
        }
    )


def _line(stored: dict[str, Any]) -> LineMemory:
    item, tax = stored["item"], stored["tax"]
    percentage = None if tax["percentage"] is None else Decimal(tax["percentage"])
    return LineMemory(
        description=stored["description"],
        product_id=stored["product_id"],
        attachment_id=stored["attachment_id"],
        product_code=stored.get("product_code", ""),
        invoiced=Decimal(stored.get("invoiced", 0)),
        left=stored.get("left", True),
        sold=stored.get("sold", ""),
        recurrence=_recurrence(stored.get("recurrence")),
        item=ItemProposal(**{**item, "reason": ItemReason(item["reason"])}),
        tax=TaxProposal(
            **{
                **tax,
                "reason": TaxReason(tax["reason"]),
                "percentage": percentage,
                "as_likely": tuple(tax.get("as_likely", ())),
            }
        ),
    )


def _recurrence(stored: dict[str, Any] | None) -> Recurrence | None:
    return Recurrence(Frequency(stored["frequency"]), stored["cycles"]) if stored else None
