"""The pre-flight check: everything QuickBooks would refuse, and what a person should know, before anything is sent.

Findings carry codes and values; the sentences are made where the reader's language is known.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from invoices.domain.addresses import LONGEST_PLACE, LONGEST_POSTAL_CODE, address_lines
from invoices.domain.books import NOT_TAXABLE, TAXABLE, Books, Item, TaxCode
from invoices.domain.draft import AmountsAre, DraftLine, InvoiceDraft, limit_of
from invoices.domain.emails import addresses_in, addresses_typed
from invoices.domain.money import MOST_PRICE_DECIMALS, Money, decimal_places, is_rounding, smallest_unit
from invoices.domain.names import LONGEST_NAME, clean_name, composed, second_name
from invoices.domain.tax import (
    TaxProposal,
    TaxReason,
    Totals,
    is_ordinary,
    is_taxed,
    line_figures,
    net_discount,
    sales_taxes,
)

FindingValue = str | int | Decimal | date

LONGEST_NUMBER = 21
LONGEST_EMAIL = 100
LONGEST_MEMO = 1000
LONGEST_PRIVATE_NOTE = 3900  # of 4000; the rest is for the line by which we find the invoice again
LONGEST_DESCRIPTION = 3900  # of 4000; the rest is for the words about a discount
LONGEST_TAX_ID = 30
LONGEST_COPIES = 200
LONGEST_OWN_FIELD = 31
MOST_LINES, MOST_TAXABLE_LINES = 5_000, 750  # a discount may need a second line, and 10 000 is the most
MOST_QUANTITY_DECIMALS, MOST_DIGITS = 5, 15
FAR = timedelta(days=400)  # terms of a year, and some days; what is further away is a slip of the finger
TOO_LARGE = Decimal(10) ** 10  # an amount has ten digits before its point, and five after it
EMAIL = re.compile(r"[^\s@,;:<>()\[\]\"‘’‚“”„«»\0-\x1f\x7f]+@([^\W_][\w-]*\.)+[^\W\d_][\w-]*[^\W_]")


BY_SETTINGS = {"books_closed", "multicurrency_off", "discounts_off", "no_number", "sales_tax_gone", "tax_code_gone"}


class Severity(StrEnum):
    BLOCKS = "blocks"  # QuickBooks would refuse it, or the invoice would be wrong
    WARNS = "warns"  # worth knowing; may be created all the same
    FINE = "fine"  # checked and in order


@dataclass(frozen=True, slots=True)
class Finding:
    """`field` names the form's field, "" the whole form. The fields:

    customer, customer.name, customer.taken_name, customer.email, customer.address, customer.tax_id, currency,
    invoice_date, due_date, number, amounts_are, sales_tax, memo, private_note, cc, bcc, class, location, estimate,
    discount, lines, over_deal; own.1 is a field of the company's own; and of the line with index 3: lines.3.item,
    lines.3.tax_code, lines.3.quantity, lines.3.unit_price, lines.3.discount, lines.3.description,
    lines.3.service_date.
    """

    field: str
    severity: Severity
    code: str
    values: Mapping[str, FindingValue] = dataclasses.field(default_factory=dict)

    @property
    def blocks(self) -> bool:
        return self.severity == Severity.BLOCKS


def may_be_mended(blocking: Collection[str], proposals: Iterable[TaxProposal]) -> bool:
    """Whether what blocks (codes of findings) may be gone: QuickBooks does not report its settings and tax codes.

    A line without a code waits for a new one only where a rate was wanted that no code has; else for a person.
    """
    wanted = any(proposal.reason == TaxReason.NO_CODE_FITS for proposal in proposals)
    return not BY_SETTINGS.isdisjoint(blocking) or (wanted and "no_tax_code" in blocking)


@dataclass(frozen=True, slots=True)
class SameAgain:
    """Another deal's invoice that this one looks like. `day` and `created_by` only for whoever may read of it; `number`
    is "" before QuickBooks has told it.
    """

    day: date | None = None
    created_by: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a draft is checked against. `customer_currency` is that of the chosen customer, "" when not known."""

    books: Books
    codes: Mapping[str, TaxCode]
    items: Mapping[str, Item]
    known_currencies: Collection[str]  # ISO 4217
    customer_currency: str = ""
    deal_value: Money | None = None
    worth_in_all: Decimal | None = Decimal(0)  # of what is billed again and again, see `limit_of`
    deal_with_tax: bool = False  # its value is one with tax, whatever is said of the draft's prices
    invoiced_before: Money | None = None  # on the deal, with tax or without as its value is; None of several currencies
    invoices_before: int = 0
    unconfirmed_before: bool = False  # one of them, by QuickBooks
    instalments_before: Collection[int] = ()  # of the deal's plan, by their ids, that they bill
    creates_items: bool = False  # the company's policy for products without an item
    prices_were_with_tax: bool = False  # a US company, and the deal's prices include tax
    more_than_the_deal: bool = False  # a person said that it is meant
    taken_name: str = ""  # QuickBooks has this name already, as far as it was asked
    customer_gone: bool = False  # QuickBooks has the chosen one no more or inactive, as far as it was asked
    usual_tax: str = ""  # the code that QuickBooks usually taxes the customer with, as far as it was asked
    same_again: SameAgain | None = None
    estimate_used: bool = False  # another living invoice of ours is made from the draft's estimate
    today: date | None = None  # at the QuickBooks company


def preflight(draft: InvoiceDraft, totals: Totals, context: Context) -> list[Finding]:
    """All findings: those that block first, then warnings, then what is in order; each group in the form's order."""
    found = [
        *_customer(draft, context),
        *_currency(draft, context),
        *_dates(draft, context.books),
        *_unlikely_dates(draft, context.today),
        *_texts(draft, context.books),
        *_lines(draft, context),
        *_discount(draft, context.books),
        *_sales_tax(draft, context),
        *_estimate(draft, totals, context),
        *_whole(draft, totals, context),
    ]
    order = list(Severity)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def _blocks(field: str, code: str, **values: FindingValue) -> Finding:
    return Finding(field, Severity.BLOCKS, code, values)


def _warns(field: str, code: str, **values: FindingValue) -> Finding:
    return Finding(field, Severity.WARNS, code, values)


def _fine(field: str, code: str, **values: FindingValue) -> Finding:
    return Finding(field, Severity.FINE, code, values)


def _too_long(field: str, text: str, longest: int) -> Iterator[Finding]:
    if len(text) > longest:
        yield _blocks(field, "too_long", length=len(text), longest=longest)


# The customer


def _customer(draft: InvoiceDraft, context: Context) -> Iterator[Finding]:
    bill_to = draft.bill_to
    if bill_to.is_new:
        yield from _new_customer(draft, context)
    elif context.customer_gone:
        yield _blocks("customer", "customer_gone", customer=bill_to.name)
    else:
        yield _fine("customer", "customer_chosen", customer=bill_to.name)
    if bill_to.email:
        for address in addresses_typed(bill_to.email):
            if not is_email(address):
                yield _blocks("customer.email", "email_invalid", email=address)
        yield from _too_long("customer.email", bill_to.email, LONGEST_EMAIL)
    elif bill_to.is_new:
        yield _warns("customer.email", "no_email")
    clash = context.customer_currency and context.customer_currency != draft.currency
    if clash and not bill_to.is_new:
        yield _blocks(
            "currency",
            "currency_clash",
            customer=bill_to.name,
            customer_currency=context.customer_currency,
            currency=draft.currency,
            new_customer=_second(draft, context),
        )


def _second(draft: InvoiceDraft, context: Context) -> str:
    """The name of a second customer in the invoice's currency, "" where QuickBooks would not take one."""
    foreign = draft.currency != context.books.home_currency
    if draft.currency not in context.known_currencies or (foreign and not context.books.multicurrency):
        return ""
    return second_name(draft.bill_to.name, context.customer_currency, draft.currency)


def _new_customer(draft: InvoiceDraft, context: Context) -> Iterator[Finding]:
    name, address = draft.bill_to.name, draft.bill_to.address
    cleaned = clean_name(name)
    if not cleaned:
        yield _blocks("customer.name", "no_name")
    elif len(name.strip()) > LONGEST_NAME:
        yield _blocks("customer.name", "too_long", length=len(name.strip()), longest=LONGEST_NAME)
    elif cleaned == clean_name(context.taken_name):
        yield _blocks("customer.taken_name", "name_taken", name=cleaned)
    elif cleaned != composed(name):
        yield _warns("customer.name", "name_cleaned", name=name, cleaned=cleaned)
    if sum(len(line) for line in address_lines(address)) > 2000:
        yield _blocks("customer.address", "too_long", length=len(address.text), longest=2000)
    for part in (address.city, address.region, address.country):
        yield from _too_long("customer.address", part, LONGEST_PLACE)
    yield from _too_long("customer.address", address.postal_code, LONGEST_POSTAL_CODE)
    by_place = context.books.uses_sales_tax and context.books.automated_sales_tax
    if by_place and not address.names_place and any(is_taxed(line, draft, context.books) for line in draft.lines):
        yield _warns("customer.address", "no_place")
    yield from _too_long("customer.tax_id", draft.bill_to.tax_id, LONGEST_TAX_ID)


def is_email(text: str) -> bool:
    return bool(EMAIL.fullmatch(text.strip()))


# The head of the invoice


def _currency(draft: InvoiceDraft, context: Context) -> Iterator[Finding]:
    books = context.books
    if draft.currency not in context.known_currencies:
        yield _blocks("currency", "currency_unknown", currency=draft.currency)
    elif books.home_currency and not books.multicurrency and draft.currency != books.home_currency:
        yield _blocks("currency", "multicurrency_off", currency=draft.currency, home_currency=books.home_currency)
    elif context.deal_value and context.deal_value.currency != draft.currency:
        yield _warns(
            "currency", "not_the_deals_currency", currency=draft.currency, deal_currency=context.deal_value.currency
        )


def _dates(draft: InvoiceDraft, books: Books) -> Iterator[Finding]:
    if draft.due_date < draft.invoice_date:
        yield _blocks("due_date", "due_before_invoice", earliest=draft.invoice_date)
    if books.closed_until is None:
        return
    if draft.invoice_date <= books.closed_until:
        yield _blocks("invoice_date", "books_closed", until=books.closed_until)
    else:
        yield _fine("invoice_date", "books_open", on=draft.invoice_date)


def _unlikely_dates(draft: InvoiceDraft, today: date | None) -> Iterator[Finding]:
    """What a year typed wrong looks like, or a form from the day before yesterday."""
    if today is None:
        return
    for field, day in (("invoice_date", draft.invoice_date), ("due_date", draft.due_date)):
        if abs(day - today) > FAR:
            yield _warns(field, "far_date", on=day)
        elif field == "due_date" and draft.invoice_date <= day < today:
            yield _warns(field, "due_date_over", on=day)


def _texts(draft: InvoiceDraft, books: Books) -> Iterator[Finding]:
    if books.custom_numbers:
        if not draft.number.strip():
            yield _blocks("number", "no_number")
        yield from _too_long("number", draft.number, LONGEST_NUMBER)
    yield from _too_long("memo", draft.memo, LONGEST_MEMO)
    yield from _too_long("private_note", draft.private_note, LONGEST_PRIVATE_NOTE)
    for field, addresses in (("cc", draft.extras.cc), ("bcc", draft.extras.bcc)):
        for address in addresses_in(addresses):
            if not is_email(address):
                yield _blocks(field, "email_invalid", email=address)
        yield from _too_long(field, addresses, LONGEST_COPIES)
    for own in books.own_fields:
        yield from _too_long(f"own.{own.id}", draft.extras.own_field(own.id), LONGEST_OWN_FIELD)


# Lines


def _lines(draft: InvoiceDraft, context: Context) -> Iterator[Finding]:
    if not draft.lines:
        yield _blocks("lines", "no_lines")
        return
    if len(draft.lines) > MOST_LINES:
        yield _blocks("lines", "too_many_lines", count=len(draft.lines), most=MOST_LINES)
    taxed = draft.amounts_are != AmountsAre.NO_TAX
    taxable = sum(1 for line in draft.lines if taxed and _is_taxable(line, context))
    if taxable > MOST_TAXABLE_LINES:
        yield _blocks("lines", "too_many_taxable_lines", count=taxable, most=MOST_TAXABLE_LINES)
    found = [
        finding
        for index, line in enumerate(draft.lines)
        for finding in (
            *_item(f"lines.{index}", line, context),
            *_tax_code(f"lines.{index}", line, draft, context.books, context.codes),
            *_numbers(f"lines.{index}", line, draft.currency),
        )
    ]
    yield from found
    for index, line in enumerate(draft.lines):
        if line.instalment_id in context.instalments_before:
            yield _blocks(f"lines.{index}.description", "instalment_billed", line=line.name)
    blocked = {finding.field.rpartition(".")[2] for finding in found if finding.blocks}
    yield from _less_tax_than_usual(draft, context)
    new = {line.new_item.casefold() for line in draft.lines if line.needs_new_item}
    if "item" not in blocked:
        yield _fine("lines", "new_items", count=len(new)) if new else _fine("lines", "all_items")
    if context.books.needs_tax_codes and draft.amounts_are != AmountsAre.NO_TAX and "tax_code" not in blocked:
        yield _fine("lines", "all_tax_codes")


def _is_taxable(line: DraftLine, context: Context) -> bool:
    return line.tax_code_id == TAXABLE if context.books.american else bool(line.tax_percentage)


def _item(where: str, line: DraftLine, context: Context) -> Iterator[Finding]:
    if line.needs_new_item and context.creates_items:
        return
    if not line.item_id:
        yield _blocks(f"{where}.item", "no_item", line=line.name)
        return
    item = context.items.get(line.item_id)
    if item is None:
        yield _blocks(f"{where}.item", "item_gone", line=line.name)
    elif not item.active:
        yield _blocks(f"{where}.item", "inactive_item", line=line.name, item=item.shown_name)


def _tax_code(
    where: str, line: DraftLine, draft: InvoiceDraft, books: Books, codes: Mapping[str, TaxCode]
) -> Iterator[Finding]:
    if books.american:
        if books.uses_sales_tax and line.tax_code_id not in (TAXABLE, NOT_TAXABLE):
            yield _blocks(f"{where}.tax_code", "no_tax_code", line=line.name)
        return
    if not books.uses_sales_tax or draft.amounts_are == AmountsAre.NO_TAX:
        return
    if not line.tax_code_id:
        yield _blocks(f"{where}.tax_code", "no_tax_code", line=line.name)
        return
    code = codes.get(line.tax_code_id)
    if code is None or not code.active:
        yield _blocks(f"{where}.tax_code", "tax_code_gone", line=line.name, tax_code=code.name if code else "")


def _less_tax_than_usual(draft: InvoiceDraft, context: Context) -> Iterator[Finding]:
    """A company may have its rates in QuickBooks alone; then its deals say 0 %, or that there is no tax."""
    if not context.books.needs_tax_codes:
        return
    if draft.amounts_are == AmountsAre.NO_TAX:
        yield _warns("amounts_are", "without_tax")
        return
    unexplained = [line for line in draft.lines if line.tax_code_id not in ("", context.usual_tax)]
    usual = [(line, _code_of_its_item(line, context)) for line in unexplained]
    lacking = [(line, code) for line, code in usual if code and code.percentage and not line.tax_percentage]
    nowhere = [line for line, code in usual if code is None and _is_zero_rated(line, context)]
    if lacking:
        line, code = lacking[0]
        item = context.items[line.item_id].shown_name
        yield _warns("lines", "items_are_taxed", count=len(lacking), item=item, tax_code=code.name)
    elif nowhere and not any(line.tax_percentage for line in draft.lines):
        yield _warns("lines", "all_at_zero")


def _code_of_its_item(line: DraftLine, context: Context) -> TaxCode | None:
    item = context.items.get(line.item_id)
    return context.codes.get(item.tax_code_id) if item is not None else None


def _is_zero_rated(line: DraftLine, context: Context) -> bool:
    """As Pipedrive's 0 % makes it; exempt, exports and reverse charges are what somebody chose."""
    code = context.codes.get(line.tax_code_id)
    return code is not None and not code.percentage and is_ordinary(code)


def _numbers(where: str, line: DraftLine, currency: str) -> Iterator[Finding]:
    if line.attachment_id is None:
        yield from _too_long(f"{where}.description", line.description, LONGEST_DESCRIPTION)
    elif len(line.description) > LONGEST_DESCRIPTION:  # the deal's, which no field of the form could shorten
        yield _warns(f"{where}.description", "description_cut", line=line.name, longest=LONGEST_DESCRIPTION)
    if decimal_places(line.quantity) > MOST_QUANTITY_DECIMALS:
        yield _blocks(f"{where}.quantity", "too_many_decimals", line=line.name, most=MOST_QUANTITY_DECIMALS)
    elif not line.quantity:
        yield _warns(f"{where}.quantity", "no_quantity", line=line.name)
    if decimal_places(line.unit_price) > MOST_PRICE_DECIMALS:
        yield _blocks(f"{where}.unit_price", "too_many_decimals", line=line.name, most=MOST_PRICE_DECIMALS)
    full = line.before_discount(currency)
    for number, field in ((line.quantity, "quantity"), (line.unit_price, "unit_price"), (full, "unit_price")):
        if len(number.normalize().as_tuple().digits) > MOST_DIGITS or abs(number) >= TOO_LARGE:
            yield _blocks(f"{where}.{field}", "too_large", line=line.name)
            break
    if line.discount and not (0 <= line.discount / full <= 1 if full else False):
        yield _blocks(f"{where}.discount", "discount_over_line", line=line.name)


# The whole


def _discount(draft: InvoiceDraft, books: Books) -> Iterator[Finding]:
    if draft.discount_percentage and draft.discount_amount:
        yield _blocks("discount", "two_discounts")
    if not draft.has_discount:
        return
    if not books.allow_discount:
        yield _blocks("discount", "discounts_off")
    net = sum((line_figures(line, draft).net for line in draft.lines), Decimal(0))
    if not 0 <= net_discount(draft) <= net:
        yield _blocks("discount", "discount_over_total")


def _sales_tax(draft: InvoiceDraft, context: Context) -> Iterator[Finding]:
    """The rate of the whole invoice, where US companies name it."""
    taxed = sum(is_taxed(line, draft, context.books) for line in draft.lines)
    if not context.books.names_sales_tax or not taxed:
        return
    if not draft.sales_tax_id:
        yield _blocks("sales_tax", "no_sales_tax", count=taxed)
    elif draft.sales_tax_id not in [code.id for code in sales_taxes(context.codes.values())]:
        yield _blocks("sales_tax", "sales_tax_gone")


def _estimate(draft: InvoiceDraft, totals: Totals, context: Context) -> Iterator[Finding]:
    """QuickBooks closes it with the invoice, whatever that bills of it; where it adds the tax, both are without."""
    estimate = draft.estimate
    if estimate is None:
        return
    told: dict[str, FindingValue] = {"number": estimate.number, "currency": estimate.currency}
    if estimate.customer_id != draft.bill_to.customer_id:
        yield _blocks("estimate", "estimate_of_another", **told)
    elif estimate.currency != draft.currency:
        yield _blocks("estimate", "estimate_currency", **told)
    elif context.estimate_used:
        yield _blocks("estimate", "estimate_used", **told)
    else:
        more = totals.total - estimate.total if totals.tax_known else totals.net - (estimate.total - estimate.tax)
        if not is_rounding(more, draft.currency):
            yield _warns("estimate", "over_estimate" if more > 0 else "under_estimate", amount=abs(more), **told)


def _whole(draft: InvoiceDraft, totals: Totals, context: Context) -> Iterator[Finding]:
    if draft.amounts_are not in _tax_settings(context.books):
        yield _blocks("amounts_are", "tax_switched_on" if context.books.needs_tax_codes else "tax_setting_gone")
    if context.prices_were_with_tax:
        yield _warns("amounts_are", "prices_were_with_tax")
    if totals.total < 0:
        yield _blocks("lines", "negative_total", total=totals.total)
    elif not totals.total and draft.lines:
        yield _warns("lines", "zero_total")
    if same := context.same_again:
        told: dict[str, FindingValue] = {}
        if same.day:
            told = {"day": same.day, "created_by": same.created_by, "number": same.number}
        yield _warns("", "same_again", **told)
    with_tax = context.deal_with_tax or draft.amounts_are == AmountsAre.TAX_INCLUSIVE
    amount = Money(totals.total if with_tax else totals.net, totals.currency)
    rounded = len(draft.lines) * (context.invoices_before + 1)  # as often at most, if the earlier ones were alike
    left_out = not with_tax and (totals.net != totals.total or not totals.tax_known)
    yield from _against_the_deal(
        amount, context, rounding=rounded * smallest_unit(draft.currency), tax_left_out=left_out
    )


def _tax_settings(books: Books) -> set[AmountsAre]:
    """Which may stand in a draft; where tax was switched off, the prices of before are those that had none in them."""
    if books.needs_tax_codes:
        return {AmountsAre.TAX_EXCLUSIVE, AmountsAre.TAX_INCLUSIVE, AmountsAre.NO_TAX}
    before = set() if books.american else {AmountsAre.TAX_EXCLUSIVE, AmountsAre.NO_TAX}
    return {AmountsAre.WITHOUT_TAX_SETTING, *before}


def _against_the_deal(amount: Money, context: Context, *, rounding: Decimal, tax_left_out: bool) -> Iterator[Finding]:
    """A deal's value contains tax where its prices do, so it is compared with the same; `tax_left_out` is whether there
    is tax that neither has.

    `rounding` is what Pipedrive's value and QuickBooks' amounts may differ by, as only one of them rounds each line of
    each invoice.
    """
    before, count = context.invoiced_before, context.invoices_before
    if count:
        code = "invoiced_before_unconfirmed" if context.unconfirmed_before else "invoiced_before"
        told: dict[str, FindingValue] = {"amount": before.amount, "currency": before.currency} if before else {}
        yield _warns("", code, count=count, **told)
    value = limit_of(context.deal_value, context.worth_in_all) if context.deal_value else None
    if value is None or value.currency != amount.currency or (before and before.currency != amount.currency):
        return
    left = value.amount - (before.amount if before else Decimal(0))
    if amount.amount > left + rounding:
        tell = _warns if context.more_than_the_deal else _blocks
        over = amount.amount - max(left, Decimal(0))
        yield tell("over_deal", "over_the_deal", amount=over, currency=amount.currency)
    elif before or not count:  # of several currencies nobody can tell what they leave
        told = {"amount": amount.amount, "left": left, "currency": amount.currency}
        yield _fine("", "within_the_deal", **told, first=not count, tax_left_out=tax_left_out)
