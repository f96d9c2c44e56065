"""The invoice form's fields: as they were sent, and what they mean. Nothing here calls a vendor.

A field is read in the person's locale; a choice is looked up among what the company may use now. What cannot be read
becomes a finding at its field, and the rest is read all the same, so that everything wrong is told at once.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from django.http import QueryDict

from integration_settings.formats import parse_date, parse_decimal
from integration_settings.presets import Template
from integration_settings.reference import Item, Tag, TaxCode, Term
from invoices.domain.checks import Finding, FindingValue, Severity
from invoices.domain.deal import Address, Discount
from invoices.domain.draft import AmountsAre, BillTo, DraftLine, Extras, InvoiceDraft, line_discount
from invoices.domain.emails import addresses_in, as_quickbooks_keeps
from invoices.domain.matching import CustomerCandidate, ItemReason
from invoices.domain.names import composed
from invoices.domain.presets import OWN, Texts
from invoices.domain.terms import due_date as due_by
from invoices.form_memory import Memory

NEW_CUSTOMER = "new"
NEW_ITEM = "new"  # in place of an item's id: the one that was proposed is created with the invoice
MOST_LINES = 1000
MOST_UPDATED = 10
LINE_KEY = re.compile(r"[a-z][a-z0-9]{0,11}")
INSTALMENT = re.compile(r"[0-9]{1,18}", re.ASCII)
LONGEST_TEXT = 5000
OWN_FIELDS = ("1", "2", "3")  # ids of the fields that a company may add to its sales forms
PERCENT = re.compile("[%％٪]")
PASTED = ("email", "tax_id", "number")  # with a mark that nobody sees it would be another address or number
NO_DISCOUNT = ("", "-", "–", "—", "−")


@dataclass(frozen=True, slots=True)
class LineInput:
    """One row of the grid as it stands in the fields. `added`: by the person, not from the deal.

    Only added rows have a description of their own; what the others say stands in the form's memory.
    """

    key: str
    ticked: bool = True
    added: bool = False
    description: str = ""
    item_id: str = ""
    quantity: str = ""
    price: str = ""
    discount: str = ""
    tax_code_id: str = ""
    service_date: str = ""
    instalment: str = ""  # its id, of a line that bills one

    @property
    def name(self) -> str:
        """What the person called it."""
        return self.description.partition("\n")[0]

    @property
    def untouched(self) -> bool:
        """Added by the person, and as "Add a line" makes it."""
        typed = (self.description, self.item_id, self.price, self.discount, self.tax_code_id, self.service_date)
        return self.added and self.quantity == "1" and not any(typed)


@dataclass(frozen=True, slots=True)
class FormInput:
    """The whole form as it stands in the fields, all text."""

    deal_id: int
    intent_key: uuid.UUID
    customer: str = NEW_CUSTOMER  # a QuickBooks id, or NEW_CUSTOMER, or "" when nothing is chosen
    name: str = ""
    email: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    tax_id: str = ""
    currency: str = ""
    invoice_date: str = ""
    due_date: str = ""
    due_follows: bool = True  # the due date was not touched, so it moves with the invoice date
    amounts_are: str = ""
    preset: str = ""  # the id of a template, "" for QuickBooks' default
    sales_tax: str = ""  # the rate of the whole invoice, in US companies without automated sales tax
    sales_tax_follows: bool = True  # it was not touched, so it is the usual one of the chosen customer
    number: str = ""
    memo: str = ""
    private_note: str = ""
    cc: str = ""
    bcc: str = ""
    class_id: str = ""
    location_id: str = ""
    own_fields: tuple[tuple[str, str], ...] = ()
    discount: str = ""
    lines: tuple[LineInput, ...] = ()
    taken_name: str = ""  # of a new customer; what QuickBooks was last found to have already
    gone_customer: str = ""  # its id; QuickBooks was last found to have it no more, or inactive
    usual_tax: str = ""  # the code that QuickBooks usually taxes the chosen customer with
    over_deal: bool = False  # ticked: more than the deal is worth, on purpose
    updates_customer: bool = False
    updated_fields: tuple[str, ...] = ()  # ticked differences between QuickBooks' customer and the deal
    seen_customer: str = ""  # what was shown of them, see `form_memory.keep_seen`

    def own_field(self, field_id: str) -> str:
        return dict(self.own_fields).get(field_id, "")

    def texts(self, fields: Iterable[str]) -> dict[str, str]:
        """The fields that a preset can fill, by their names in `domain.presets`."""
        own = {f"{OWN}{field_id}": text for field_id, text in self.own_fields}
        return {name: own.get(name, "") if name.startswith(OWN) else getattr(self, name) for name in fields}

    def with_texts(self, texts: Texts) -> FormInput:
        own = dict(self.own_fields) | {name.removeprefix(OWN): texts[name] for name in texts if name.startswith(OWN)}
        rest = {name: text for name, text in texts.items() if not name.startswith(OWN)}
        return replace(self, own_fields=tuple(own.items()), **rest)  # type: ignore[arg-type]  # all of them are texts

    def without_untouched(self) -> FormInput:
        """With the lines that nobody has filled in yet unticked, so that they are not spoken of."""
        return replace(
            self, lines=tuple(replace(line, ticked=False) if line.untouched else line for line in self.lines)
        )

    @property
    def ticked(self) -> tuple[LineInput, ...]:
        return tuple(line for line in self.lines if line.ticked)


class UnreadableForm(Exception):
    """Not a form of ours: its hidden fields are missing or out of shape."""


class TooManyLines(UnreadableForm):
    """More than `MOST_LINES`."""


@dataclass(frozen=True, slots=True)
class Lists:
    """What the company may choose from, as last read."""

    tax_codes: Mapping[str, TaxCode]
    items: Mapping[str, Item]
    currencies: tuple[str, ...]  # the home currency first
    classes: Mapping[str, Tag] = field(default_factory=dict)
    locations: Mapping[str, Tag] = field(default_factory=dict)
    terms: Mapping[str, Term] = field(default_factory=dict)  # for customers that have some
    templates: tuple[Template, ...] = ()  # QuickBooks' default first


@dataclass(frozen=True, slots=True)
class Reading:
    """`draft` has harmless values where a field could not be read; `keys[n]` is the row of `draft.lines[n]`."""

    draft: InvoiceDraft
    findings: tuple[Finding, ...]
    keys: tuple[str, ...]
    figures_readable: bool
    amounts: Mapping[str, Decimal]  # of every row whose numbers can be read, ticked or not

    @property
    def unreadable(self) -> frozenset[str]:
        """The fields about which nothing more needs to be said."""
        return frozenset(finding.field for finding in self.findings)


def read_post(post: QueryDict) -> FormInput:
    """The fields as sent; raises `UnreadableForm`."""
    try:
        deal_id, intent_key = int(post.get("deal", "")), uuid.UUID(post.get("intent_key", ""))
    except ValueError as error:
        raise UnreadableForm from error
    texts = {
        name: _text(post, name)
        for name in (
            "customer", "name", "email", "street", "city", "region", "postal_code", "country", "tax_id", "currency",
            "invoice_date", "due_date", "amounts_are", "sales_tax", "preset", "number", "memo", "discount",
            "private_note", "cc", "bcc", "class_id", "location_id", "taken_name",
            "gone_customer", "usual_tax",
        )
    }  # fmt: skip
    texts |= {name: composed(texts[name]) for name in PASTED}
    keys = list(dict.fromkeys(key for key in post.getlist("line") if LINE_KEY.fullmatch(key)))
    if len(keys) > MOST_LINES:
        raise TooManyLines
    return FormInput(
        deal_id=deal_id,
        intent_key=intent_key,
        due_follows=post.get("due_follows") == "yes",
        sales_tax_follows=post.get("sales_tax_follows") == "yes",
        own_fields=tuple((name, composed(_text(post, f"own-{name}")).strip()) for name in OWN_FIELDS),
        lines=tuple(_read_line(post, key) for key in keys),
        over_deal=post.get("over_deal") == "yes",
        updates_customer=post.get("update_customer") == "yes",
        updated_fields=tuple(post.getlist("update_field")[:MOST_UPDATED]),
        seen_customer=post.get("seen_customer", ""),
        **{name: text if name in ("memo", "private_note", "street") else text.strip() for name, text in texts.items()},
    )


def _text(post: QueryDict, name: str) -> str:
    return post.get(name, "")[:LONGEST_TEXT].replace("\r\n", "\n").replace("\0", "")


def _read_line(post: QueryDict, key: str) -> LineInput:
    def text(name: str) -> str:
        return _text(post, f"{key}-{name}").strip()

    return LineInput(
        key=key,
        ticked=text("ticked") == "yes",
        added=text("added") == "yes",
        description=text("description"),
        item_id=text("item"),
        quantity=text("quantity"),
        price=text("price"),
        discount=text("discount"),
        tax_code_id=text("tax"),
        service_date=text("service_date"),
        instalment=text("instalment"),
    )


def understand(form: FormInput, *, memory: Memory, lists: Lists, locale: str, today: date) -> Reading:
    """What the fields mean, with a finding for each that means nothing."""
    currency = form.currency if re.fullmatch("[A-Z]{3}", form.currency) else memory.deal_currency
    reader = _Reader(locale, today, currency)
    chosen = memory.customer(form.customer)
    if form.customer != NEW_CUSTOMER and chosen is None:
        reader.complain("customer", "customer_not_chosen")
    invoice_date = reader.date("invoice_date", form.invoice_date, otherwise=today)
    due_date = reader.date("due_date", form.due_date, after=invoice_date, otherwise=invoice_date)
    term = term_of(form, memory, lists.terms)
    percentage, amount = reader.whole_discount(form.discount)
    draft = InvoiceDraft(
        deal_id=form.deal_id,
        bill_to=_bill_to(form, chosen),
        currency=currency,
        exchange_rate=None,  # of the invoice's day, which the worker asks for
        invoice_date=invoice_date,
        due_date=due_date,
        amounts_are=_amounts_are(form.amounts_are, memory),
        lines=tuple(_with_origin(reader.line(line, lists), line, memory) for line in form.ticked),
        number=form.number,
        sales_tax_id=form.sales_tax,
        estimate=memory.estimate,
        discount_percentage=percentage,
        discount_amount=amount,
        memo=form.memo.strip(),
        private_note=form.private_note.strip(),
        term_id=term.id if term and due_by(term, invoice_date) == due_date else "",
        extras=Extras(
            cc=", ".join(addresses_in(form.cc)),
            bcc=", ".join(addresses_in(form.bcc)),
            class_id=reader.tag("class", form.class_id, lists.classes),
            location_id=reader.tag("location", form.location_id, lists.locations),
            own_fields=tuple(pair for pair in form.own_fields if pair[1]),
        ),
    )
    return Reading(
        draft=draft,
        findings=tuple(reader.findings),
        keys=tuple(line.key for line in form.ticked),
        figures_readable=reader.figures_readable,
        amounts=_amounts(form.lines, currency, lists, locale, today),
    )


def _with_origin(read: DraftLine, line: LineInput, memory: Memory) -> DraftLine:
    known = memory.lines.get(line.key)
    if known is None:
        return read
    new = line.item_id == NEW_ITEM and known.item.reason == ItemReason.NEW
    return replace(
        read,
        description=known.description,
        product_id=known.product_id,
        attachment_id=known.attachment_id,
        product_code=known.product_code,
        item_chosen=bool(read.item_id) and read.item_id != known.item.item_id,
        new_item=known.item.name if new else "",
    )


def _amounts(lines: tuple[LineInput, ...], currency: str, lists: Lists, locale: str, today: date) -> dict[str, Decimal]:
    amounts = {}
    for line in lines:
        reader = _Reader(locale, today, currency)
        read = reader.line(line, lists)
        if reader.figures_readable:
            amounts[line.key] = read.amount(currency)
    return amounts


def _bill_to(form: FormInput, chosen: CustomerCandidate | None) -> BillTo:
    return BillTo(
        customer_id="" if form.customer == NEW_CUSTOMER else form.customer,
        name=chosen.name if chosen and chosen.name else form.name,
        email=as_quickbooks_keeps(form.email),
        address=_address(form),
        tax_id=form.tax_id,
        exempt=bool(chosen and chosen.exempt),
    )


def _address(form: FormInput) -> Address:
    """In parts as soon as one part is known; a street alone is the whole address as somebody wrote it."""
    street = form.street.strip()
    if not any((form.city, form.region, form.postal_code, form.country)):
        return Address(text=street)
    first, _, rest = street.partition("\n")
    return Address(
        line1=first.strip(),
        line2=", ".join(part.strip() for part in rest.splitlines() if part.strip()),
        city=form.city,
        region=form.region,
        postal_code=form.postal_code,
        country=form.country,
    )


def _amounts_are(text: str, memory: Memory) -> AmountsAre:
    """The proposal stands when the field is not shown (US companies, companies without tax) or says nonsense."""
    try:
        chosen = AmountsAre(text)
    except ValueError:
        return memory.amounts_are
    return memory.amounts_are if chosen == AmountsAre.WITHOUT_TAX_SETTING else chosen


class _Reader:
    """Reads one form and collects what could not be read."""

    def __init__(self, locale: str, today: date, currency: str) -> None:
        self.locale, self.today, self.currency = locale, today, currency
        self.findings: list[Finding] = []
        self.figures_readable = True

    def complain(self, name: str, code: str, **values: FindingValue) -> None:
        self.findings.append(Finding(name, Severity.BLOCKS, code, values))

    def date(self, name: str, text: str, *, otherwise: date, after: date | None = None) -> date:
        try:
            return parse_date(text, self.locale, today=self.today, after=after)
        except (ValueError, OverflowError):
            self.complain(name, "date_unreadable" if text else "date_missing", text=text)
            return otherwise

    def number(self, name: str, text: str) -> Decimal:
        if not text:
            self.complain(name, "number_missing")  # and counts nothing, so the rest can be added up
            return Decimal(0)
        try:
            return parse_decimal(text, self.locale, self.currency)
        except ValueError:
            self.figures_readable = False
            self.complain(name, "number_unreadable", text=text)
            return Decimal(0)

    def discount(self, name: str, text: str) -> Discount:
        if text in NO_DISCOUNT:
            return Discount()
        is_percentage = PERCENT.search(text) is not None
        try:
            value = parse_decimal(PERCENT.sub(" ", text, count=1), self.locale, self.currency)
        except ValueError:
            self.figures_readable = False
            self.complain(name, "discount_unreadable", text=text)
            return Discount()
        return Discount(value, is_percentage)

    def whole_discount(self, text: str) -> tuple[Decimal | None, Decimal | None]:
        discount = self.discount("discount", text)
        if not discount.value:
            return None, None
        return (discount.value, None) if discount.is_percentage else (None, discount.value)

    def tag(self, name: str, chosen: str, known: Mapping[str, Tag]) -> str:
        """Told once: the field that comes back has nothing chosen. A company without any tracks none any more."""
        if chosen in known:
            return chosen
        if chosen and known:
            self.complain(name, "tag_gone")
        return ""

    def line(self, line: LineInput, lists: Lists) -> DraftLine:
        place = f"lines.{line.key}"
        quantity = self.number(f"{place}.quantity", line.quantity)
        price = self.number(f"{place}.unit_price", line.price)
        discount = self.discount(f"{place}.discount", line.discount)
        code = lists.tax_codes.get(line.tax_code_id)
        day = self.date(f"{place}.service_date", line.service_date, otherwise=self.today) if line.service_date else None
        return DraftLine(
            description=line.description,
            item_id=line.item_id if line.item_id in lists.items else "",
            quantity=quantity,
            unit_price=price,
            discount=line_discount(quantity, price, discount, self.currency),
            discount_text=discount.text,
            tax_code_id=code.id if code else "",
            tax_percentage=code.percentage if code else Decimal(0),
            service_date=day,
            instalment_id=int(line.instalment) if INSTALMENT.fullmatch(line.instalment) else None,
        )


def term_of(form: FormInput, memory: Memory, terms: Mapping[str, Term]) -> Term | None:
    """The chosen customer's terms in QuickBooks, where the company wants them."""
    customer = memory.customer(form.customer)
    return terms.get(customer.term_id) if customer else None


def due_date_moved(
    form: FormInput, *, memory: Memory, terms: Mapping[str, Term], locale: str, today: date
) -> date | None:
    """Where the untouched due date belongs by the invoice date and the customer; None when it stays."""
    if not form.due_follows:
        return None
    term = term_of(form, memory, terms)
    try:
        invoice_date = parse_date(form.invoice_date, locale, today=today)
        return (due_by(term, invoice_date) if term else None) or invoice_date + memory.due_after
    except (ValueError, OverflowError):
        return None
