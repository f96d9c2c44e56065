"""What we are about to bill, frozen: made from a deal, edited by a person, sent to QuickBooks, kept as evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from invoices.domain.deal import Address, Discount, Recurrence
from invoices.domain.money import Money, round_amount, smallest_unit
from invoices.domain.plain import plain

FORMER = {"service_date"}
"""What earlier versions had elsewhere, and is read from there."""


class AmountsAre(StrEnum):
    """How the prices on the lines relate to tax. NO_TAX is what somebody chose; companies without tax, and those in the
    United States, have nothing to choose and always use WITHOUT_TAX_SETTING.
    """

    TAX_EXCLUSIVE = "exclusive"
    TAX_INCLUSIVE = "inclusive"
    NO_TAX = "none"
    WITHOUT_TAX_SETTING = "us"


@dataclass(frozen=True, slots=True)
class BillTo:
    """The customer: an existing one by its QuickBooks id, or a new one to be created under `name`."""

    customer_id: str
    name: str
    email: str = ""
    address: Address = field(default_factory=Address)
    tax_id: str = ""
    exempt: bool = False  # from sales tax, in the United States

    @property
    def is_new(self) -> bool:
        return not self.customer_id


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line. `unit_price` is as the person sees it: with or without tax by the draft's `amounts_are`.

    `discount` is the amount taken off the whole line, `discount_text` what the person typed ("5%", "20").
    `tax_code_id` is QuickBooks' id of the tax code, or TAX and NON in US companies; `tax_percentage` is that code's.
    Without an `item_id`, `new_item` is the name of the item that is created with the invoice.
    """

    description: str
    item_id: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal
    tax_code_id: str
    tax_percentage: Decimal
    discount_text: str = ""
    product_id: int | None = None
    attachment_id: int | None = None
    product_code: str = ""
    item_chosen: bool = False  # by the person, against the proposal: it is remembered for the product
    new_item: str = ""
    income_account_id: str = ""  # of the new item
    service_date: date | None = None
    instalment_id: int | None = None  # of the deal's billing plan, that the line bills

    @property
    def needs_new_item(self) -> bool:
        return bool(self.new_item and self.product_id and not self.item_id)

    @property
    def name(self) -> str:
        """The product's, or what the person called the line."""
        return self.description.partition("\n")[0]

    def before_discount(self, currency: str) -> Decimal:
        return round_amount(self.quantity * self.unit_price, currency)

    def amount(self, currency: str) -> Decimal:
        return self.before_discount(currency) - self.discount


def line_discount(quantity: Decimal, unit_price: Decimal, discount: Discount, currency: str) -> Decimal:
    """The amount off the whole line, such that what remains is the exact remainder, rounded once."""
    full = quantity * unit_price
    off = full * discount.value / 100 if discount.is_percentage else discount.value
    shown = round_amount(full, currency)
    if off == shown:  # the whole line as the form shows it, which may be half a coin more than it comes to
        return shown
    return shown - round_amount(full - off, currency)


@dataclass(frozen=True, slots=True)
class Extras:
    """What few invoices need: copies of the e-mail, QuickBooks' class and location, the company's own fields.

    `own_fields` are pairs of the field's id and its text; addresses stand with commas between. The class is put on the
    invoice or on each line, as the company's books want it.
    """

    cc: str = ""
    bcc: str = ""
    class_id: str = ""
    location_id: str = ""
    own_fields: tuple[tuple[str, str], ...] = ()

    def own_field(self, field_id: str) -> str:
        return dict(self.own_fields).get(field_id, "")


@dataclass(frozen=True, slots=True)
class FromEstimate:
    """The estimate in QuickBooks that an invoice is made from, as it was when somebody chose it; `tax` is in `total`.
    QuickBooks closes it with the first invoice that names it.
    """

    id: str
    number: str
    customer_id: str
    currency: str
    total: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """At most one of `discount_percentage` and `discount_amount` is given: QuickBooks knows one discount an invoice.

    `discount_amount` is like the prices: with tax when they include it. `expected_total` is what the person confirmed.
    `sales_tax_id` is the code of the whole invoice in US companies without automated sales tax.
    """

    deal_id: int
    bill_to: BillTo
    currency: str
    exchange_rate: Decimal | None
    invoice_date: date
    due_date: date
    amounts_are: AmountsAre
    lines: tuple[DraftLine, ...]
    number: str = ""
    discount_percentage: Decimal | None = None
    discount_amount: Decimal | None = None
    memo: str = ""
    private_note: str = ""
    extras: Extras = field(default_factory=Extras)
    term_id: str = ""  # the customer's terms in QuickBooks, when the due date is theirs
    expected_total: Decimal | None = None
    sales_tax_id: str = ""
    estimate: FromEstimate | None = None

    @property
    def has_discount(self) -> bool:
        return bool(self.discount_percentage or self.discount_amount)


@dataclass(frozen=True, slots=True)
class Rest:
    """A deal's draft beside its earlier invoices.

    `invoiced[n]` is the quantity of its n-th line that they have; of what recurs, in how many of them it is.
    """

    draft: InvoiceDraft
    invoiced: tuple[Decimal, ...]
    left: tuple[bool, ...]  # whether there is something of the line for the next invoice

    @property
    def without_done(self) -> InvoiceDraft:
        """Only what the next invoice is for."""
        lines = zip(self.draft.lines, self.left, strict=True)
        return replace(self.draft, lines=tuple(line for line, left in lines if left))


def rest_of(
    draft: InvoiceDraft, earlier: Iterable[InvoiceDraft], recurring: Mapping[int, Recurrence] = MappingProxyType({})
) -> Rest:
    """What the next invoice of a deal is for: products that earlier ones have in part with the quantity that is left.

    Only what is in the draft's currency is compared. A product whose whole quantity was billed for less than it costs
    (a deposit, say) stays as it is, and so does one with an amount off the line: a person decides. An amount off the
    whole deal is taken off once. A deal without products is its value: what earlier invoices have of it is taken off,
    each as its own prices are, with tax or without. When nothing is left, the invoice is not for a rest, and everything
    stays.

    What is `recurring`, by attachment id, is whole in each invoice until its cycles are over. An invoice counts as one
    of them whatever its quantity: that may change in the deal meanwhile.
    """
    earlier = [invoice for invoice in earlier if invoice.currency == draft.currency]
    if len(draft.lines) == 1 and draft.lines[0].attachment_id is None:
        return _rest_of_value(draft, draft.lines[0], earlier)
    billed = _billed(earlier)
    found = [billed.get(line.attachment_id, _Billed()) for line in draft.lines]
    cycles = [recurring.get(line.attachment_id or 0) for line in draft.lines]
    left = tuple(
        before.leaves(line, draft.currency) if again is None else again.goes_on_after(before.times)
        for line, before, again in zip(draft.lines, found, cycles, strict=True)
    )
    invoiced = tuple(
        before.quantity if again is None else Decimal(before.times) for before, again in zip(found, cycles, strict=True)
    )
    if not any(left):
        return Rest(draft, invoiced, (True,) * len(left))
    lines = tuple(
        line if again else _without(line, before.quantity, draft.currency)
        for line, before, again in zip(draft.lines, found, cycles, strict=True)
    )
    return Rest(replace(draft, lines=lines, discount_amount=_discount_left(draft, earlier)), invoiced, left)


def worth_in_all(whole: InvoiceDraft, recurring: Mapping[int, Recurrence]) -> Decimal | None:
    """What a deal's invoices come to together when each product is billed as often as the deal says.

    `whole` is the draft of all its products, once each. None when one of them goes on until somebody ends it.
    """
    amount = Decimal(0)
    for line in whole.lines:
        again = recurring.get(line.attachment_id or 0)
        times = again.cycles if again else 1
        if times is None:
            return None
        amount += line.amount(whole.currency) * times
    amount *= 1 - (whole.discount_percentage or Decimal(0)) / 100
    return round_amount(amount, whole.currency) - (whole.discount_amount or 0)


def limit_of(value: Money, in_all: Decimal | None) -> Money | None:
    """What the invoices of a deal of that value may come to together; None: there is no telling.

    `in_all` is its `worth_in_all`, 0 where nothing of it is billed again and again.
    """
    if in_all is None:
        return None
    return Money(max(value.amount, in_all), value.currency) if in_all else value


@dataclass(frozen=True, slots=True)
class _Billed:
    """What earlier invoices have of one product."""

    quantity: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    times: int = 0

    def leaves(self, line: DraftLine, currency: str) -> bool:
        if not self.quantity or self.quantity < line.quantity:
            return True
        odd = (self.times + 1) * smallest_unit(currency) / 2  # each part was rounded on its own, and so is the whole
        return line.amount(currency) - self.amount > odd


def _billed(invoices: Iterable[InvoiceDraft]) -> dict[int | None, _Billed]:
    """By attachment id; lines that somebody added have none, and are nobody's earlier ones."""
    billed: dict[int | None, _Billed] = {}
    for invoice in invoices:
        for line in invoice.lines:
            if line.attachment_id is not None:
                before = billed.get(line.attachment_id, _Billed())
                amount = before.amount + line.amount(invoice.currency)
                billed[line.attachment_id] = _Billed(before.quantity + line.quantity, amount, before.times + 1)
    return billed


def _rest_of_value(draft: InvoiceDraft, value: DraftLine, earlier: Collection[InvoiceDraft]) -> Rest:
    billed = sum((line.amount(draft.currency) for invoice in earlier for line in invoice.lines), Decimal(0))
    left = value.amount(draft.currency) - billed
    if 0 < left < value.amount(draft.currency):
        line = replace(value, unit_price=left)
        draft = replace(draft, lines=(line,), discount_amount=_discount_left(draft, earlier))
    return Rest(draft, (Decimal(0),), (True,))


def _discount_left(draft: InvoiceDraft, earlier: Iterable[InvoiceDraft]) -> Decimal | None:
    given = sum((invoice.discount_amount or Decimal(0) for invoice in earlier), Decimal(0))
    return max(draft.discount_amount - given, Decimal(0)) or None if draft.discount_amount else None


def _without(line: DraftLine, quantity: Decimal, currency: str) -> DraftLine:
    if not 0 < quantity < line.quantity or (line.discount and not line.discount_text.endswith("%")):
        return line
    rest = line.quantity - quantity
    percentage = Decimal(line.discount_text.rstrip("%") or 0)
    discount = line_discount(rest, line.unit_price, Discount(percentage, True), currency)
    return replace(line, quantity=rest, discount=discount)


def to_json(draft: InvoiceDraft) -> dict[str, Any]:
    """Plain JSON: numbers as text without an exponent, dates in ISO form."""
    return {each.name: plain(getattr(draft, each.name)) for each in fields(draft)}


def from_json(stored: Mapping[str, Any]) -> InvoiceDraft:
    """The draft as it was given to `to_json`, without what only a newer version knows: see `asks_for_more`. Raises
    KeyError or ValueError for anything else.
    """
    bill_to = _known(BillTo, stored["bill_to"])
    return InvoiceDraft(
        deal_id=int(stored["deal_id"]),
        bill_to=BillTo(**(bill_to | {"address": Address(**_known(Address, bill_to["address"]))})),
        currency=stored["currency"],
        exchange_rate=_decimal_or_none(stored["exchange_rate"]),
        invoice_date=date.fromisoformat(stored["invoice_date"]),
        due_date=date.fromisoformat(stored["due_date"]),
        amounts_are=AmountsAre(stored["amounts_are"]),
        lines=tuple(_line(line, stored.get("extras", {})) for line in stored["lines"]),
        number=stored["number"],
        discount_percentage=_decimal_or_none(stored["discount_percentage"]),
        discount_amount=_decimal_or_none(stored["discount_amount"]),
        memo=stored["memo"],
        private_note=stored["private_note"],
        extras=_extras(stored.get("extras", {})),
        term_id=stored.get("term_id", ""),
        expected_total=_decimal_or_none(stored["expected_total"]),
        sales_tax_id=stored.get("sales_tax_id", ""),
        estimate=from_estimate(stored.get("estimate")),
    )


def from_estimate(stored: Mapping[str, Any] | None) -> FromEstimate | None:
    """The estimate as it was made plain; None for none. Raises like `from_json`."""
    if not stored:
        return None
    amounts = {name: Decimal(stored[name]) for name in ("total", "tax")}
    return FromEstimate(**(_known(FromEstimate, stored) | amounts))


def asks_for_more(stored: Mapping[str, Any]) -> bool:
    """Whether a newer version has put something in that this one does not know: it would make another invoice of it."""
    return _has_more(stored, to_json(from_json(stored)))


def fingerprint(draft: InvoiceDraft) -> str:
    """Equal for drafts that mean the same: 1.50 and 1.5 do not differ."""
    canonical = json.dumps(to_json(draft), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _extras(stored: Mapping[str, Any]) -> Extras:
    known = _known(Extras, stored)
    own = tuple((str(name), str(text)) for name, text in stored.get("own_fields", ()))
    return Extras(**(known | {"own_fields": own}))


def _line(stored: Mapping[str, Any], extras: Mapping[str, Any]) -> DraftLine:
    """Drafts of an earlier version have one service date for all lines among their extras."""
    numbers = ("quantity", "unit_price", "discount", "tax_percentage")
    day = stored.get("service_date") or extras.get("service_date")
    read = {name: Decimal(stored[name]) for name in numbers}
    return DraftLine(**(_known(DraftLine, stored) | read | {"service_date": date.fromisoformat(day) if day else None}))


def _known(kind: type[Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: stored[each.name] for each in fields(kind) if each.name in stored}


def _has_more(stored: Any, known: Any) -> bool:
    if isinstance(stored, list):
        return any(map(_has_more, stored, known))
    if not isinstance(stored, dict):
        return False
    return any(
        _has_more(value, known[name]) if name in known else name not in FORMER and _says_something(value)
        for name, value in stored.items()
    )


def _says_something(value: Any) -> bool:
    """Not what a member has that nobody filled."""
    if isinstance(value, dict):
        return any(map(_says_something, value.values()))
    return value not in (None, "", "0", False, [])


def _decimal_or_none(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
