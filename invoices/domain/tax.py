"""Tax: which code a line gets and why, and what an invoice adds up to before QuickBooks says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import partial

from invoices.domain.books import NOT_TAXABLE, TAXABLE, Books, Item, TaxCode
from invoices.domain.deal import TaxMethod
from invoices.domain.draft import AmountsAre, DraftLine, InvoiceDraft
from invoices.domain.money import Money, round_amount

ZERO = Decimal(0)
HUNDRED = Decimal(100)


class TaxReason(StrEnum):
    """Why a tax code is proposed; `TaxProposal.percentage` is the one it speaks of."""

    PRODUCT_TAX = "product_tax"  # "Product tax is 20%"
    ITEM = "item"  # the QuickBooks item says so
    NO_CODE_FITS = "no_code_fits"  # "Product tax is 17%, no QuickBooks code has that"; nothing is proposed
    UNKNOWN_PERCENTAGE = "unknown_percentage"  # the line comes from no product; nothing is proposed
    NO_TAX = "no_tax"  # the company or the invoice is without tax


@dataclass(frozen=True, slots=True)
class TaxProposal:
    """`as_likely` are the names of other codes that the product's tax speaks for just as well."""

    code_id: str
    reason: TaxReason
    percentage: Decimal | None = None
    code_name: str = ""
    as_likely: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One row of the totals: a name as QuickBooks prints it, its base without tax, and the tax on it."""

    name: str
    percentage: Decimal
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """What the invoice adds up to, in the draft's currency.

    `before_discount`, the discounts and `line_amounts` are as the lines show them: with tax when the prices include it.
    `net` is without tax. `tax_known` is False when QuickBooks works out the tax itself, or while no rate is chosen:
    `total` is "before tax" then.
    """

    currency: str
    line_amounts: tuple[Decimal, ...]
    before_discount: Decimal
    line_discounts: Decimal
    invoice_discount: Decimal
    net: Decimal
    tax_lines: tuple[TaxLine, ...]
    tax: Decimal
    total: Decimal
    tax_known: bool


# Which code


def amounts_are(method: TaxMethod, books: Books) -> AmountsAre:
    if not books.needs_tax_codes:
        return AmountsAre.WITHOUT_TAX_SETTING
    if method == TaxMethod.NONE:
        return AmountsAre.NO_TAX
    return AmountsAre.TAX_INCLUSIVE if method == TaxMethod.INCLUSIVE else AmountsAre.TAX_EXCLUSIVE


def propose_tax_code(
    percentage: Decimal | None,
    codes: Iterable[TaxCode],
    *,
    books: Books,
    prices: AmountsAre,
    item: Item | None = None,
    region: str = "",
) -> TaxProposal:
    """`percentage` is the product's tax in Pipedrive, None for a line that comes from no product. `region` is the
    customer's: of British Columbia's and Manitoba's 12 % the name of the code alone tells which is which.
    """
    if books.american:
        return _taxable_or_not(percentage, item)
    if not books.uses_sales_tax or prices == AmountsAre.NO_TAX:
        return TaxProposal("", TaxReason.NO_TAX, percentage)
    active = [code for code in codes if code.active]
    of_item = next((code for code in active if item is not None and code.id == item.tax_code_id), None)
    if percentage is None:
        if of_item is None:
            return TaxProposal("", TaxReason.UNKNOWN_PERCENTAGE)
        return TaxProposal(of_item.id, TaxReason.ITEM, of_item.percentage, of_item.name)
    fitting = [code for code in active if code.percentage == percentage]
    # Quebec's taxes are 14.975 % together; who can type two decimals types 14.98.
    fitting = fitting or [code for code in active if round(code.percentage, 2) == percentage]
    if not fitting:
        return TaxProposal("", TaxReason.NO_CODE_FITS, percentage)
    first = min(fitting, key=partial(_order, region=region))
    best = of_item if of_item is not None and of_item in fitting else first
    likely = [code.name for code in fitting if _unlikeliness(code) == _unlikeliness(first)]
    others = tuple(name for name in likely if name != best.name) if best.name in likely else ()
    return TaxProposal(best.id, TaxReason.PRODUCT_TAX, percentage, best.name, others)


def propose_sales_tax(codes: Iterable[TaxCode], *, books: Books, of_customer: str = "") -> str:
    """The one rate of a US invoice: the customer's, else the company's usual one, else the only one."""
    if not books.names_sales_tax:
        return ""
    offered = [code.id for code in sales_taxes(codes)]
    wanted = next((each for each in (of_customer, books.usual_sales_tax_id) if each in offered), "")
    return wanted or (offered[0] if len(offered) == 1 else "")


def sales_taxes(codes: Iterable[TaxCode]) -> list[TaxCode]:
    """Those that a US invoice may name; TAX and NON are words for its lines."""
    return [code for code in codes if code.active and code.id not in (TAXABLE, NOT_TAXABLE)]


def is_taxed(line: DraftLine, draft: InvoiceDraft, books: Books) -> bool:
    """In the United States. Under automated sales tax QuickBooks itself knows who is exempt."""
    return line.tax_code_id == TAXABLE and not (books.names_sales_tax and draft.bill_to.exempt)


def _taxable_or_not(percentage: Decimal | None, item: Item | None) -> TaxProposal:
    if percentage:
        return TaxProposal(TAXABLE, TaxReason.PRODUCT_TAX, percentage)
    if item is not None:
        return TaxProposal(code_of_item(item, american=True), TaxReason.ITEM, percentage)
    return TaxProposal(
        NOT_TAXABLE, TaxReason.UNKNOWN_PERCENTAGE if percentage is None else TaxReason.PRODUCT_TAX, percentage
    )


def code_of_item(item: Item, *, american: bool) -> str:
    """What QuickBooks itself puts on a line once its item is chosen; "" where the item has no code."""
    if american:
        return TAXABLE if item.taxable else NOT_TAXABLE
    return item.tax_code_id


def item_decides(proposal: TaxProposal | None, *, american: bool) -> bool:
    """Whether a line's code goes by its item, as no product tells its tax. `proposal` is None for an added line. In the
    United States products have 0 %, as QuickBooks knows the rates.
    """
    if proposal is None or proposal.reason in (TaxReason.ITEM, TaxReason.UNKNOWN_PERCENTAGE):
        return True
    return american and not proposal.percentage


# Several codes may have one percentage. These words mark the special ones: reverse charge, trade with the European
# Union, imports, purchases, capital goods. An ordinary sale at 20 % is none of them, and one at 0 % is rather
# zero-rated or free than exempt or outside the scope. People name codes in their language.
SPECIAL = re.compile(
    r"\b(rc|reverse|ec|ecg|ecs|eu|ue|cis|import\w*|e[kx]s?port\w*|esport\w*|postponed|purchase\w*|input|capital|adjust\w*"
    r"|ds|sr(ca|rc|lvg|ovr)"  # Singapore: deemed supplies, customer accounting, reverse charge, goods from overseas
    r"|autoliquid\w*|intracom\w*|innergem\w*|ausfuhr\w*|einfuhr\w*|vorsteuer\w*|invers(i|ão)\w*|verlegd\w*|apgriezt\w*"
    r"|pöörd\w*|ühendus\w*)\b",
    re.IGNORECASE,
)
OUTSIDE = re.compile(
    r"\b(exempt|no vat|no gst|no tax|out of scope|outside|not? registered|n-t|bas excluded|exon\w+|hors|steuerfrei\w*"
    r"|befreit\w*|nicht steuerbar\w*|e[sx]ent\w*|isent\w*|n[oã]o? suj\w*|vrijgesteld\w*|atbrīvot\w*|neapliek\w*"
    r"|maksuvaba\w*|es33|esn33|os)\b",  # the last three in Singapore
    re.IGNORECASE,
)


def is_ordinary(code: TaxCode) -> bool:
    """An ordinary sale's, as far as its words tell."""
    return not any(_unlikeliness(code))


def is_of_customer(code: TaxCode) -> bool:
    """A reverse charge, trade abroad: who buys makes it so, whatever is sold."""
    special, _outside, described = _unlikeliness(code)
    return special or described


def _order(code: TaxCode, region: str) -> tuple[tuple[bool, bool, bool], bool, int, str]:
    """The likelier first; of codes that are alike the customer's region's, then the oldest."""
    of_region = bool(region and re.search(rf"\b{re.escape(region)}\b", code.name))
    number = int(code.id) if code.id.isdigit() else 0
    return _unlikeliness(code), not of_region, number, code.id


def _unlikeliness(code: TaxCode) -> tuple[bool, bool, bool]:
    words = f"{code.name} {code.description}"
    cancelled = any(rate.percentage < 0 for rate in code.rates)  # a reverse charge, or what the customer holds back
    return cancelled or bool(SPECIAL.search(code.name)), bool(OUTSIDE.search(code.name)), bool(SPECIAL.search(words))


# What it adds up to


@dataclass(frozen=True, slots=True)
class LineFigures:
    """A line's amount without tax and, when the prices include tax, with it."""

    net: Decimal
    gross: Decimal | None


def line_figures(line: DraftLine, draft: InvoiceDraft) -> LineFigures:
    """Where the prices include tax the gross amount is fixed and the net amount follows, line by line."""
    amount = line.amount(draft.currency)
    if draft.amounts_are != AmountsAre.TAX_INCLUSIVE:
        return LineFigures(amount, None)
    return LineFigures(round_amount(amount * HUNDRED / (HUNDRED + line.tax_percentage), draft.currency), amount)


def net_discount(draft: InvoiceDraft) -> Decimal:
    """The discount on the whole invoice without tax, which is how QuickBooks keeps it."""
    figures = [line_figures(line, draft) for line in draft.lines]
    net = sum((figure.net for figure in figures), ZERO)
    if draft.discount_percentage:
        return round_amount(net * draft.discount_percentage / HUNDRED, draft.currency)
    amount = draft.discount_amount or ZERO
    gross = sum((figure.gross or ZERO for figure in figures), ZERO)  # nothing where the prices are without tax
    return round_amount(amount * net / gross if gross else amount, draft.currency)


def net_of(draft: InvoiceDraft) -> Decimal:
    """What it comes to without tax."""
    return sum((line_figures(line, draft).net for line in draft.lines), ZERO) - net_discount(draft)


@dataclass(slots=True)
class _Share:
    """What falls under one tax code, and what part of the invoice's discount."""

    code_id: str
    percentage: Decimal
    net: Decimal = ZERO
    gross: Decimal = ZERO


def totals(draft: InvoiceDraft, codes: Mapping[str, TaxCode], *, books: Books) -> Totals:
    """What QuickBooks will answer, worked out on our own. `codes` by id; one that is missing there counts as 0 %."""
    currency = draft.currency
    shares = _shares(draft)
    discount = net_discount(draft)
    gross_discount = _take_off(discount, shares, currency)
    net = sum((share.net for share in shares), ZERO)
    tax_lines: tuple[TaxLine, ...] = ()
    if draft.amounts_are == AmountsAre.TAX_EXCLUSIVE and books.uses_sales_tax:
        tax_lines = _added_tax(shares, codes, currency)
    elif draft.amounts_are == AmountsAre.TAX_INCLUSIVE and books.uses_sales_tax:
        tax_lines = _contained_tax(shares, codes, currency)
    elif books.names_sales_tax and draft.sales_tax_id in codes:
        tax_lines = _sales_tax(draft, shares, codes)
    tax = sum((line.tax for line in tax_lines), ZERO)
    taxable = books.uses_sales_tax and any(is_taxed(line, draft, books) for line in draft.lines)
    return Totals(
        currency=currency,
        line_amounts=tuple(line.amount(currency) for line in draft.lines),
        before_discount=sum((line.before_discount(currency) for line in draft.lines), ZERO),
        line_discounts=sum((line.discount for line in draft.lines), ZERO),
        invoice_discount=gross_discount if draft.amounts_are == AmountsAre.TAX_INCLUSIVE else discount,
        net=net,
        tax_lines=tax_lines,
        tax=tax,
        total=net + tax,
        tax_known=not taxable or (books.names_sales_tax and draft.sales_tax_id in codes),
    )


def _shares(draft: InvoiceDraft) -> list[_Share]:
    """In the order in which the codes first appear: QuickBooks hands out odd cents in that order."""
    shares: dict[str, _Share] = {}
    for line in draft.lines:
        share = shares.setdefault(line.tax_code_id, _Share(line.tax_code_id, line.tax_percentage))
        figures = line_figures(line, draft)
        share.net += figures.net
        share.gross += figures.gross or ZERO
    return list(shares.values())


def _take_off(discount: Decimal, shares: Sequence[_Share], currency: str) -> Decimal:
    """Takes the net discount off the shares in proportion; returns what that is with tax, of all of it everything."""
    weights = [share.net for share in shares]
    if not sum(weights, ZERO):
        return ZERO
    with_tax = ZERO
    for share, part in zip(shares, Money(discount, currency).split(weights), strict=True):
        gross = round_amount(share.gross * part.amount / share.net, currency) if share.net else ZERO
        share.net -= part.amount
        share.gross -= gross
        with_tax += gross
    return with_tax


def _added_tax(shares: Iterable[_Share], codes: Mapping[str, TaxCode], currency: str) -> tuple[TaxLine, ...]:
    """Prices without tax: each rate is rounded once, over all lines under it."""
    bases: dict[str, Decimal] = {}
    names: dict[str, tuple[str, Decimal]] = {}
    for share in shares:
        for key, name, percentage in _rates(share, codes):
            bases[key] = bases.get(key, ZERO) + share.net
            names.setdefault(key, (name, percentage))
    found = [(*names[key], base) for key, base in bases.items()]
    return tuple(
        TaxLine(name, percentage, base, round_amount(base * percentage / HUNDRED, currency))
        for name, percentage, base in found
    )


def _sales_tax(draft: InvoiceDraft, shares: Iterable[_Share], codes: Mapping[str, TaxCode]) -> tuple[TaxLine, ...]:
    """United States, by hand: the invoice's rates on what is taxable of it."""
    net = sum((share.net for share in shares if share.code_id == TAXABLE), ZERO)
    if not net or draft.bill_to.exempt:
        return ()
    percentage = codes[draft.sales_tax_id].percentage
    return _added_tax([_Share(draft.sales_tax_id, percentage, net)], codes, draft.currency)


def _contained_tax(shares: Iterable[_Share], codes: Mapping[str, TaxCode], currency: str) -> tuple[TaxLine, ...]:
    """Prices with tax: the tax is what lies between gross and net. Of several rates the last takes the odd cent."""
    found: dict[str, TaxLine] = {}
    for share in shares:
        rates = _rates(share, codes)
        left = share.gross - share.net
        for index, (key, name, percentage) in enumerate(rates, start=1):
            last = index == len(rates)
            part = left if last else round_amount(share.net * percentage / HUNDRED, currency)
            left -= part
            before = found.get(key, TaxLine(name, percentage, ZERO, ZERO))
            found[key] = TaxLine(name, percentage, before.base + share.net, before.tax + part)
    return tuple(found.values())


def _rates(share: _Share, codes: Mapping[str, TaxCode]) -> list[tuple[str, str, Decimal]]:
    """(key, name, percentage) of each rate under the share's code. A code without rates stands for itself, at 0 %.

    A rate on top of others comes to more of the net amount than the same one alone: then it has two keys.
    """
    code = codes.get(share.code_id)
    if code is None:
        return [(f"code {share.code_id}", "", ZERO)]
    if not code.rates:
        return [(f"code {code.id}", code.name, ZERO)]
    single = len(code.rates) == 1
    return [
        (f"rate {rate.id} {rate.percentage}", code.name if single else rate.name, rate.percentage)
        for rate in code.rates
    ]
