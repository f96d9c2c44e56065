"""A deal and the company's choices become the draft that the form opens with; each proposal with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from invoices.domain.addresses import address_from_parts
from invoices.domain.books import Books, Item, TaxCode
from invoices.domain.checks import LONGEST_DESCRIPTION, MOST_QUANTITY_DECIMALS
from invoices.domain.deal import Address, Deal, DealProduct, Discount, TaxMethod
from invoices.domain.draft import AmountsAre, BillTo, DraftLine, Extras, InvoiceDraft, line_discount
from invoices.domain.emails import as_quickbooks_keeps
from invoices.domain.matching import ItemMatcher, ItemPolicy, ItemProposal, ItemReason
from invoices.domain.money import MOST_PRICE_DECIMALS, decimal_places, decimals, is_rounding, round_amount, to_places
from invoices.domain.names import composed
from invoices.domain.plain import plain_number
from invoices.domain.presets import Preset, Texts, filled, texts_of, with_texts
from invoices.domain.tax import TaxProposal, amounts_are, net_of, propose_tax_code

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class FieldChoices:
    """Which field of Pipedrive fills what: "organization.name", "person.emails", "deal.<40 hex>" or "" for none."""

    recipient: str
    address: str = ""
    email: str = ""
    tax_id: str = ""
    memo: str = ""
    private_note: str = ""
    cc: str = ""
    own_fields: tuple[tuple[str, str], ...] = ()  # of the company's own fields: (id, field of Pipedrive)
    due_days: int = 14


@dataclass(frozen=True, slots=True)
class Prefill:
    """The proposals belong to the draft's lines by position. `base` are the fields as they were before the preset."""

    draft: InvoiceDraft
    base: Texts
    item_proposals: tuple[ItemProposal, ...]
    tax_proposals: tuple[TaxProposal, ...]


def prefill(
    deal: Deal,
    choices: FieldChoices,
    *,
    books: Books,
    codes: Sequence[TaxCode],
    items: Sequence[Item],
    today: date,
    item_links: Mapping[int, str] | None = None,
    item_policy: ItemPolicy | None = None,
    number: str = "",
    preset: Preset | None = None,
) -> Prefill:
    """The customer is a new one here; whoever knows an existing one replaces `bill_to.customer_id`.

    `item_links` are the items chosen before, by product; `item_policy` decides where no item is found.
    """
    head = _head(deal, choices, books, today=today)
    base = texts_of(head, books)
    if preset is not None:
        head = with_texts(head, filled(base, preset))
    prices = head.amounts_are
    # Codes are proposed for an invoice without tax as well: somebody may say that it has some.
    taxed = AmountsAre.TAX_EXCLUSIVE if prices == AmountsAre.NO_TAX and books.uses_sales_tax else prices
    with_tax = tax_is_taken_out(deal.tax_method, books)
    products = _products(deal)
    shown = [_as_kept(product, deal.currency, before_tax=with_tax) for product, _ in products]
    active = {item.id: item for item in items}
    matcher = ItemMatcher(items, links=item_links, policy=item_policy)
    proposed_items = tuple(
        matcher.propose(product.code, product.name, product_id=product.product_id) for product, _ in products
    )
    proposed_codes = tuple(
        propose_tax_code(
            percentage,
            codes,
            books=books,
            prices=taxed,
            item=active.get(item.item_id),
            region=head.bill_to.address.region,
        )
        for (_, percentage), item in zip(products, proposed_items, strict=True)
    )
    percentages = {code.id: code.percentage for code in codes}
    lines = tuple(
        _line(product, item, code, percentage=percentages.get(code.code_id, Decimal(0)), currency=deal.currency)
        for product, item, code in zip(shown, proposed_items, proposed_codes, strict=True)
    )
    percentage, amount = _whole_discount(deal, lines, [product for product, _ in products])
    days = choices.due_days if preset is None or preset.due_days is None else preset.due_days
    draft = replace(
        head,
        due_date=today + timedelta(days=days),
        lines=lines,
        number=number,
        discount_percentage=percentage,
        discount_amount=amount,
    )
    return Prefill(draft, base, proposed_items, proposed_codes)


def tax_is_taken_out(method: TaxMethod, books: Books) -> bool:
    """US companies have no prices with tax. Where QuickBooks adds none either, the price is what the customer pays."""
    return books.american and books.uses_sales_tax and method == TaxMethod.INCLUSIVE


def prices_were_with_tax(deal: Deal, books: Books) -> bool:
    """Whether the draft's prices are others than the deal's, which somebody has to be told."""
    taxed = any(product.enabled and product.tax_percentage for product in deal.products)
    return taxed and tax_is_taken_out(deal.tax_method, books)


def worth_before_tax(deal: Deal, books: Books, whole: InvoiceDraft) -> Decimal | None:
    """What the deal is worth as the prices of `whole` are, the draft of all of it; None where they are the deal's own.

    Its value may be another than what its products come to.
    """
    if not prices_were_with_tax(deal, books):
        return None
    full = _of_the_deal((product for product, _ in _products(deal)), deal.currency)
    before = sum((line.amount(deal.currency) for line in whole.lines), Decimal(0))
    worth, billed = deal.value * before / full if full else deal.value, net_of(whole)
    return billed if is_rounding(worth - billed, deal.currency) else round_amount(worth, deal.currency)


def _head(deal: Deal, choices: FieldChoices, books: Books, *, today: date) -> InvoiceDraft:
    """What the deal's own fields fill, without lines."""
    texts = ((own_id, _in_one_line(field_text(deal, reference))) for own_id, reference in choices.own_fields)
    own = (pair for pair in texts if pair[1])
    return InvoiceDraft(
        deal_id=deal.id,
        bill_to=bill_to(deal, choices),
        currency=deal.currency,
        exchange_rate=None,
        invoice_date=today,
        due_date=today,
        amounts_are=amounts_are(deal.tax_method, books),
        lines=(),
        memo=field_text(deal, choices.memo),
        private_note=field_text(deal, choices.private_note),
        extras=Extras(cc=field_email(deal, choices.cc), own_fields=tuple(own)),
    )


def bill_to(deal: Deal, choices: FieldChoices) -> BillTo:
    """The recipient's name falls back to the organization's, then the person's: a deal may have only one of them.

    A person without organization has an own address and e-mail address where the company fills these from fields of
    organizations. For an organization that the user may not see nobody stands in: he would bill a private person for
    it.

    It is the name as people typed it: the check tells what QuickBooks makes of it, the write cleans it.
    """
    name = field_text(deal, choices.recipient)
    private = deal.person if not (deal.organization or deal.values.get("org_id")) else None
    fallback = deal.organization or private
    name = name or (fallback.name if fallback else "")

    def of_person(reference: str, own: str) -> str:
        return own if private and reference.startswith("organization.") else reference

    return BillTo(
        customer_id="",
        name=_in_one_line(name),
        email=field_email(deal, of_person(choices.email, "person.emails")),
        address=field_address(deal, of_person(choices.address, "person.postal_address")),
        tax_id=_in_one_line(field_text(deal, choices.tax_id)),
    )


# Fields


def field_value(deal: Deal, reference: str) -> object:
    """The raw value of a field by its reference, None when the deal has no such party or the field is empty."""
    owner, _, code = reference.partition(".")
    values: Mapping[str, object] = {}
    if owner == "deal":
        values = deal.values
    elif owner == "organization" and deal.organization:
        values = deal.organization.values
    elif owner == "person" and deal.person:
        values = deal.person.values
    return values.get(code)


def field_text(deal: Deal, reference: str) -> str:
    return text_of(field_value(deal, reference))


def field_email(deal: Deal, reference: str) -> str:
    """Of an e-mail field's addresses the primary one, else the first; of a text all, with commas between."""
    return as_quickbooks_keeps(_in_one_line(field_text(deal, reference)))


def field_address(deal: Deal, reference: str) -> Address:
    value = field_value(deal, reference)
    if isinstance(value, Mapping) and "value" in value and not isinstance(value["value"], Decimal | int):
        return address_from_parts(value)
    return Address(text=text_of(value))


def text_of(value: object) -> str:  # noqa: PLR0911  # one kind of value a line
    """Any value of a Pipedrive field as a person would write it."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Decimal):
        return plain_number(value)
    if isinstance(value, Mapping):
        if "label" in value and "value" not in value:  # an option
            return text_of(value["label"])
        if "currency" in value:  # an amount of money
            amount = text_of(value.get("value"))
            return f"{amount} {text_of(value['currency'])}".strip() if amount else ""
        if text_of(value.get("until")):  # from a day or an hour to another
            return f"{text_of(value.get('value'))} – {text_of(value['until'])}"
        return text_of(value.get("value", value.get("name")))
    if isinstance(value, list):
        return _text_of_list(value)
    return str(value)


def _in_one_line(text: str) -> str:
    """For a field of one line: a browser takes line breaks out of it, and two addresses would become one."""
    return " ".join(composed(text).split())


def _text_of_list(values: list[object]) -> str:
    entries = [entry for entry in values if text_of(entry)]
    if any(isinstance(entry, Mapping) and "value" in entry for entry in entries):  # e-mails and telephones
        primary = [entry for entry in entries if isinstance(entry, Mapping) and entry.get("primary")]
        return text_of((primary or entries)[0])
    return ", ".join(text_of(entry) for entry in entries)  # a set of options


# Lines


def _products(deal: Deal) -> list[tuple[DealProduct, Decimal | None]]:
    """The enabled products with their tax; without any product one line from the deal's value, with no known tax.

    Where Pipedrive adds no tax it says nothing of it either: its 0 % is no zero rate.
    """
    if deal.products:
        known = deal.tax_method != TaxMethod.NONE
        enabled = [product for product in deal.products if product.enabled]
        return [(product, product.tax_percentage if known and product.names_tax else None) for product in enabled]
    whole = DealProduct(
        attachment_id=0,
        product_id=None,
        name=deal.title,
        quantity=Decimal(1),
        unit_price=deal.value,
        discount=Discount(),
        tax_percentage=Decimal(0),
        enabled=True,
    )
    return [(whole, None)]


def _line(
    product: DealProduct, item: ItemProposal, code: TaxProposal, *, percentage: Decimal, currency: str
) -> DraftLine:
    price, discount = product.unit_price, _as_in_its_field(product.discount, currency)
    comments = product.comments.strip()
    return DraftLine(
        # One more than goes on the invoice, so that the check sees that something is left out.
        description=(f"{product.name}\n{comments}" if comments else product.name)[: LONGEST_DESCRIPTION + 1],
        item_id=item.item_id or item.inactive_id,  # an inactive one is refused with its name
        quantity=product.quantity,
        unit_price=price,
        discount=line_discount(product.quantity, price, discount, currency),
        discount_text=discount.text,
        tax_code_id=code.code_id,
        tax_percentage=percentage,
        product_id=product.product_id,
        attachment_id=product.attachment_id or None,
        product_code=product.code,
        new_item=item.name if item.reason == ItemReason.NEW else "",
    )


def _as_kept(product: DealProduct, currency: str, *, before_tax: bool) -> DealProduct:
    """With no more decimals than QuickBooks keeps, where the line's amount is the same; else a person has to see it."""
    if before_tax:
        product = _before_tax(product, currency)
    quantity = _with_decimals(product.quantity, MOST_QUANTITY_DECIMALS)
    price = _with_decimals(product.unit_price, MOST_PRICE_DECIMALS)
    kept = replace(product, quantity=quantity, unit_price=price)
    return kept if _amount(kept, currency) == _amount(product, currency) else product


def _with_decimals(number: Decimal, most: int) -> Decimal:
    return to_places(number, most) if decimal_places(number) > most else number


def _before_tax(product: DealProduct, currency: str) -> DealProduct:
    """QuickBooks would add the tax a second time.

    The price gets as many decimals as the line needs to come to its amount before tax, to the cent; a discount that is
    an amount takes the odd cent.
    """
    if not product.tax_percentage or product.tax_percentage <= -HUNDRED:  # of nothing, no price before tax can be told
        return product
    exact, off = _without_tax(product.unit_price, product.tax_percentage), product.discount
    billed = product.quantity * (1 - off.value / HUNDRED if off.is_percentage else 1)
    wanted = round_amount(billed * exact, currency)
    prices = [to_places(exact, places) for places in range(decimals(currency), MOST_PRICE_DECIMALS + 1)]
    price = next((price for price in prices if round_amount(billed * price, currency) == wanted), prices[-1])
    if off.value and not off.is_percentage:
        left = _without_tax(product.quantity * product.unit_price - off.value, product.tax_percentage)
        off = replace(off, value=round_amount(billed * price, currency) - round_amount(left, currency))
    return replace(product, unit_price=price, discount=off)


def _without_tax(amount: Decimal, percentage: Decimal) -> Decimal:
    return amount * HUNDRED / (HUNDRED + percentage)


def _as_in_its_field(discount: Discount, currency: str) -> Discount:
    """An amount to the currency's decimals, before anything is taken off: the form is read again as it stands."""
    return discount if discount.is_percentage else replace(discount, value=round_amount(discount.value, currency))


def _whole_discount(
    deal: Deal, lines: Iterable[DraftLine], products: Iterable[DealProduct]
) -> tuple[Decimal | None, Decimal | None]:
    """(percentage, amount): QuickBooks takes one discount an invoice, so a deal's several are added up to an amount.

    An amount is like the deal's prices; where the lines are before tax and those are not, it shrinks as the lines do.
    """
    discounts = [discount for discount in deal.discounts if discount.value]
    if not discounts:
        return None, None
    if len(discounts) == 1 and discounts[0].is_percentage:
        return discounts[0].value, None
    subtotal = sum((line.amount(deal.currency) for line in lines), Decimal(0))
    percentage = sum((discount.value for discount in discounts if discount.is_percentage), Decimal(0))
    amount = sum((discount.value for discount in discounts if not discount.is_percentage), Decimal(0))
    full = _of_the_deal(products, deal.currency)
    if full and full != subtotal:
        amount = amount * subtotal / full
    return None, round_amount(subtotal * percentage / HUNDRED + amount, deal.currency)


def _of_the_deal(products: Iterable[DealProduct], currency: str) -> Decimal:
    """What the lines come to at the deal's own prices."""
    return sum((_amount(product, currency) for product in products), Decimal(0))


def _amount(product: DealProduct, currency: str) -> Decimal:
    off = line_discount(product.quantity, product.unit_price, product.discount, currency)
    return round_amount(product.quantity * product.unit_price, currency) - off
