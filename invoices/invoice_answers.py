"""QuickBooks' JSON about invoices, payments and customers, read into our own words. Unknown members are ignored."""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime
from decimal import Decimal
from typing import Any

from integration_settings.quickbooks import number_of
from invoices.domain.addresses import MOST_LINES
from invoices.domain.customer_update import AddressParts, CustomerRecord, is_masked
from invoices.domain.draft import AmountsAre
from invoices.domain.estimate import Estimate, LeftOut, OfferedLine
from invoices.domain.matching import CustomerCandidate, Described
from invoices.domain.money import decimal_places, to_places

Json = Mapping[str, Any]
log = logging.getLogger(__name__)

ZERO, ONE = Decimal(0), Decimal(1)
NAMES = ("DisplayName", "FullyQualifiedName", "CompanyName")  # Intuit's schema does not promise the first
PLACES = 5  # after the point, of amounts in our columns
TAX_WORDS = re.compile(  # what a number at a tax office is called, in the languages of this app and some more
    r"\b(tax|steuer\w*|ust\S*|uid|vat|abn|acn|gst\w*|hst|ein|nif|cif|iva|tva|siren|siret|pvn|nmr|kmkr|cnpj|cpf|btw|mva|moms)\b",
    re.IGNORECASE,
)
DELETED = " (deleted)"  # QuickBooks adds it to the name of whatever was made inactive


@dataclass(frozen=True, slots=True)
class IssuedInvoice:
    """An invoice as QuickBooks reports it. Amounts are in its own currency; `tax` is contained in `total`. None is an
    amount that cannot be read, which is not zero.
    """

    qbo_invoice_id: str
    sync_token: str
    number: str
    customer_id: str
    customer_name: str
    currency: str
    total: Decimal | None
    tax: Decimal | None
    balance: Decimal | None
    invoice_date: date | None
    due_date: date | None
    line_amounts: tuple[Decimal | None, ...]
    private_note: str
    emailed: bool
    emailed_at: datetime | None  # not every e-mailed invoice tells
    created_at: datetime | None
    updated_at: datetime | None
    payment_ids: tuple[str, ...] = ()
    email: str = ""  # where it is sent, several addresses with commas between
    quantities: tuple[Decimal, ...] = ()  # of its lines
    own_fields: tuple[tuple[str, str], ...] = ()  # of the company's own fields those with a text: (id, name)
    voided: bool = False  # only when QuickBooks says so in as many words; see `domain.status.looks_voided`
    deleted: bool = False
    estimate_ids: tuple[str, ...] | None = None  # that it is made from; None where QuickBooks says nothing of links


@dataclass(frozen=True, slots=True)
class AppliedPayment:
    """A payment or credit memo, and the invoices it is applied to; one that is `gone` (deleted, voided) tells none."""

    paid_on: date | None
    invoice_ids: tuple[str, ...]
    gone: bool = False
    payment_id: str = ""
    credited: Mapping[str, Decimal] = field(default_factory=dict)  # by invoice: what of it is a credit and no money


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    customer_id: str
    name: str
    email: str
    place: str
    currency: str
    active: bool
    notes: str
    tax_ids: tuple[str, ...] = ()  # those that came in the clear
    address_lines: tuple[str, ...] = ()
    postal_code: str = ""
    term_id: str = ""  # its payment terms
    sales_tax_id: str = ""  # the tax code that it usually pays
    exempt: bool = False  # from sales tax

    def described(self) -> Described:
        """With what tells who it is, for comparing only: nothing of it goes into a page."""
        return Described(self.as_candidate(), self.tax_ids, self.address_lines, self.postal_code)

    def as_candidate(self) -> CustomerCandidate:
        return CustomerCandidate(
            customer_id=self.customer_id,
            name=self.name,
            email=self.email,
            place=self.place,
            currency=self.currency,
            active=self.active,
            term_id=self.term_id,
            sales_tax_id=self.sales_tax_id,
            exempt=self.exempt,
        )


def issued_invoice(answer: Json) -> IssuedInvoice:
    """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice

    A deleted invoice has an id and little else. `invoiceStatus` is in the schema, not in answers: it is not read.
    """
    meta = _object(answer, "MetaData")
    delivery = _object(answer, "DeliveryInfo")
    total = _told_amount(answer, "TotalAmt")
    return IssuedInvoice(
        qbo_invoice_id=_text(answer, "Id"),
        sync_token=_text(answer, "SyncToken"),
        number=_text(answer, "DocNumber"),
        customer_id=_text(_object(answer, "CustomerRef"), "value"),
        customer_name=_text(_object(answer, "CustomerRef"), "name"),
        currency=_text(_object(answer, "CurrencyRef"), "value"),
        total=total,
        tax=_amount(_object(answer, "TxnTaxDetail"), "TotalTax"),
        balance=_told_amount(answer, "Balance") if _is_told(answer, "Balance") else total,  # silence is no payment
        invoice_date=_date(answer, "TxnDate"),
        due_date=_date(answer, "DueDate"),
        line_amounts=tuple(
            _amount(line, "Amount") for line in _list(answer, "Line") if line.get("DetailType") != "SubTotalLineDetail"
        ),
        private_note=_text(answer, "PrivateNote"),
        emailed=answer.get("EmailStatus") == "EmailSent",
        emailed_at=_moment(delivery, "DeliveryTime"),
        created_at=_moment(meta, "CreateTime"),
        updated_at=_moment(meta, "LastUpdatedTime"),
        payment_ids=tuple(
            _text(link, "TxnId") for link in _list(answer, "LinkedTxn") if link.get("TxnType") == "Payment"
        ),
        email=_text(_object(answer, "BillEmail"), "Address"),
        quantities=tuple(_quantity(line) for line in _list(answer, "Line")),
        own_fields=tuple(
            (_text(field, "DefinitionId"), _text(field, "Name"))
            for field in _list(answer, "CustomField")
            if _text(field, "StringValue")
        ),
        voided=answer.get("status") == "Voided",
        deleted=answer.get("status") == "Deleted",
        estimate_ids=_estimate_ids(answer) if "LinkedTxn" in answer else None,
    )


def _estimate_ids(answer: Json) -> tuple[str, ...]:
    """Its lines may name it, too: those of a progress invoice, say."""
    links = [
        *_list(answer, "LinkedTxn"),
        *(link for line in _list(answer, "Line") for link in _list(line, "LinkedTxn")),
    ]
    return tuple(dict.fromkeys(_text(link, "TxnId") for link in links if link.get("TxnType") == "Estimate"))


PRICES = {
    "TaxExcluded": AmountsAre.TAX_EXCLUSIVE,
    "TaxInclusive": AmountsAre.TAX_INCLUSIVE,
    "NotApplicable": AmountsAre.NO_TAX,
}


def estimate(answer: Json) -> Estimate:
    """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/estimate

    The lines of a bundle stand for it. The subtotal at the end of all lines is QuickBooks' own; others are somebody's.
    """
    left_out: Counter[LeftOut] = Counter()
    lines = tuple(_offered_lines(_list(answer, "Line"), left_out))
    left_out[LeftOut.SUBTOTALS] -= 1
    discounts = [line for line in _list(answer, "Line") if line.get("DetailType") == "DiscountLineDetail"]
    left_out[LeftOut.OTHERS] += len(discounts[1:])
    discount = discounts[0] if discounts else {}
    by_percentage = _object(discount, "DiscountLineDetail").get("PercentBased") is True
    return Estimate(
        id=_text(answer, "Id"),
        number=_text(answer, "DocNumber"),
        status=_text(answer, "TxnStatus"),
        customer_id=_text(_object(answer, "CustomerRef"), "value"),
        customer_name=_text(_object(answer, "CustomerRef"), "name"),
        currency=_text(_object(answer, "CurrencyRef"), "value"),
        total=_told_amount(answer, "TotalAmt"),
        tax=_amount(_object(answer, "TxnTaxDetail"), "TotalTax") or ZERO,
        day=_date(answer, "TxnDate"),
        ends_on=_date(answer, "ExpirationDate"),
        prices=PRICES.get(_text(answer, "GlobalTaxCalculation")),
        lines=lines,
        discount_percentage=_figure(_object(discount, "DiscountLineDetail"), "DiscountPercent")
        if by_percentage
        else None,
        discount_amount=None if by_percentage else _figure(discount, "Amount"),
        tax_after_discount=answer.get("ApplyTaxAfterDiscount") is True,
        sales_tax_id=_text(_object(_object(answer, "TxnTaxDetail"), "TxnTaxCodeRef"), "value"),
        class_id=_text(_object(answer, "ClassRef"), "value"),
        location_id=_text(_object(answer, "DepartmentRef"), "value"),
        own_fields=tuple(
            (_text(field, "DefinitionId"), text)
            for field in _list(answer, "CustomField")
            if (text := _text(field, "StringValue"))
        ),
        left_out={what: count for what, count in left_out.items() if count > 0},
        invoice_ids=tuple(
            _text(link, "TxnId") for link in _list(answer, "LinkedTxn") if link.get("TxnType") == "Invoice"
        ),
    )


def _offered_lines(lines: Iterable[Json], left_out: Counter[LeftOut]) -> Iterator[OfferedLine]:
    for line in lines:
        kind, amount = line.get("DetailType"), _amount(line, "Amount")
        detail = _object(line, "SalesItemLineDetail")
        item = _object(detail, "ItemRef")
        if kind == "GroupLineDetail":
            left_out[LeftOut.BUNDLES] += 1
            yield from _offered_lines(_list(_object(line, "GroupLineDetail"), "Line"), left_out)
        elif kind == "SalesItemLineDetail" and amount is not None and (item or amount):
            yield OfferedLine(
                description=_text(line, "Description") or _text(item, "name").rpartition(":")[2],
                item_id=_text(item, "value"),
                quantity=_figure(detail, "Qty"),
                unit_price=_figure(detail, "UnitPrice"),
                amount=amount,
                gross=_figure(detail, "TaxInclusiveAmt"),
                tax_code_id=_text(_object(detail, "TaxCodeRef"), "value"),
                class_id=_text(_object(detail, "ClassRef"), "value"),
                service_date=_date(detail, "ServiceDate"),
            )
        elif kind == "SubTotalLineDetail":
            left_out[LeftOut.SUBTOTALS] += 1
        elif kind != "DiscountLineDetail":
            left_out[LeftOut.TEXTS if kind in ("DescriptionOnly", "SalesItemLineDetail") else LeftOut.OTHERS] += 1


def _figure(answer: Json, name: str) -> Decimal | None:
    """As it is told; None where it is not, or cannot be read."""
    return number_of(answer[name]) if _is_told(answer, name) else None


def payment_link(answer: Json) -> str:
    """The customer's page of an invoice read with `include=invoiceLink`; "" when QuickBooks gives none."""
    return _text(answer, "InvoiceLink")


def applied_payment(answer: Json) -> AppliedPayment:
    """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/payment

    Credit memos have the same links, and may name one invoice beside.
    """
    links = [link for line in _list(answer, "Line") for link in _list(line, "LinkedTxn")]
    links += _list(answer, "LinkedTxn")
    invoices = [_text(link, "TxnId") for link in links if link.get("TxnType") == "Invoice"]
    if reference := _text(_object(answer, "InvoiceRef"), "value"):
        invoices.append(reference)
    return AppliedPayment(
        paid_on=_date(answer, "TxnDate"),
        invoice_ids=tuple(dict.fromkeys(invoices)),
        gone=answer.get("status") in ("Deleted", "Voided") or not (invoices or _amount(answer, "TotalAmt") != 0),
        payment_id=_text(answer, "Id"),
        credited=_credited(answer),
    )


def _credited(answer: Json) -> dict[str, Decimal]:
    """Credits are used by a payment that is higher in its invoices than in the money that came: often of none at all.
    Which of several invoices the credit is for is not told; each has its share of it. Of amounts that are not told,
    or cannot be read, none is.
    """
    came, unapplied = _told_amount(answer, "TotalAmt"), _amount(answer, "UnappliedAmt")
    settled: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in _list(answer, "Line"):
        amount = _amount(line, "Amount")
        for link in _list(line, "LinkedTxn"):
            if link.get("TxnType") != "Invoice":
                continue
            if amount is None:
                return {}
            settled[_text(link, "TxnId")] += amount
    if came is None or unapplied is None:
        return {}
    whole = sum(settled.values(), ZERO)
    credit = whole - (came - unapplied)
    if not 0 < credit <= whole:
        return {}
    return {invoice_id: to_places(part * credit / whole, PLACES) for invoice_id, part in settled.items() if part}


def known_customer(answer: Json) -> KnownCustomer:
    """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer"""
    address = _object(answer, "BillAddr")
    active = answer.get("Active") is not False
    name = next((told for member in NAMES if (told := _text(answer, member))), "")
    return KnownCustomer(
        customer_id=_text(answer, "Id"),
        name=name if active else name.removesuffix(DELETED),
        email=_text(_object(answer, "PrimaryEmailAddr"), "Address"),
        place=_text(address, "City") or _text(address, "Line1"),
        currency=_text(_object(answer, "CurrencyRef"), "value"),
        active=active,
        notes=_text(answer, "Notes"),
        tax_ids=_readable_tax_ids(answer),
        address_lines=_address_lines(address),
        postal_code=_text(address, "PostalCode"),
        term_id=_text(_object(answer, "SalesTermRef"), "value"),
        sales_tax_id=_text(_object(answer, "DefaultTaxCodeRef"), "value"),
        exempt=answer.get("Taxable") is False,
    )


def _readable_tax_ids(answer: Json) -> tuple[str, ...]:
    """Never a masked one. Where QuickBooks has no field for it, it may stand in the notes: "Tax number: 12-3456789"."""
    told = [_text(answer, name) for name in ("PrimaryTaxIdentifier", "SecondaryTaxIdentifier", "GSTIN")]
    for line in _text(answer, "Notes").splitlines():
        label, _colon, number = line.rpartition(":")
        told += [number.strip()] if TAX_WORDS.search(label) else []
    return tuple(tax_id for tax_id in told if tax_id and not is_masked(tax_id))


def _address_parts(address: Json) -> AddressParts:
    return AddressParts(
        street="\n".join(_address_lines(address)),
        city=_text(address, "City"),
        region=_text(address, "CountrySubDivisionCode"),
        postal_code=_text(address, "PostalCode"),
        country=_text(address, "Country"),
    )


def _address_lines(address: Json) -> tuple[str, ...]:
    lines = (_text(address, f"Line{number}") for number in range(1, MOST_LINES + 1))
    return tuple(line for line in lines if line)


def customer_record(answer: Json) -> CustomerRecord:
    """The customer with all that can be updated. Its tax number comes masked: `XXXXXX56789`. In India there may be a
    GSTIN in a field of its own, which is the number then.
    """
    shipping = _object(answer, "ShipAddr")
    known, gstin = known_customer(answer), _text(answer, "GSTIN")
    return CustomerRecord(
        customer_id=known.customer_id,
        sync_token=_text(answer, "SyncToken"),
        name=known.name,
        active=known.active,
        email=known.email,
        address=_address_parts(_object(answer, "BillAddr")),
        ship_address=_address_parts(shipping) if shipping else None,
        tax_id=gstin or _text(answer, "PrimaryTaxIdentifier"),
        is_gstin=bool(gstin),
        notes=known.notes,
        term_id=known.term_id,
        sales_tax_id=known.sales_tax_id,
        exempt=known.exempt,
    )


def _object(answer: Json, name: str) -> Json:
    found = answer.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(answer: Json, name: str) -> list[Json]:
    found = answer.get(name)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, Iterable) else []


def _text(answer: Json, name: str) -> str:
    found = answer.get(name)
    return "" if found is None or isinstance(found, Mapping | list) else str(found)


def _amount(answer: Json, name: str) -> Decimal | None:
    """As exactly as the columns keep it, else each look would find another amount than the row has. Zero where nothing
    is told, None for what cannot be read.
    """
    told = answer.get(name)
    found = ZERO if told is None or told == "" else number_of(told)
    if found is None:
        log.warning("an amount of QuickBooks cannot be read: %s", name)
        return None
    return found if decimal_places(found) <= PLACES else to_places(found, PLACES)


def _told_amount(answer: Json, name: str) -> Decimal | None:
    """Of an amount that is always told, silence is not zero: an invoice of nothing, or one that is paid."""
    return _amount(answer, name) if _is_told(answer, name) else None


def _is_told(answer: Json, name: str) -> bool:
    return answer.get(name) not in (None, "")


def _quantity(line: Json) -> Decimal:
    """One that cannot be read is not zero."""
    told = _object(line, "SalesItemLineDetail").get("Qty")
    found = number_of(told or 0)
    return ONE if found is None else found


def _date(answer: Json, name: str) -> date | None:
    try:
        return date.fromisoformat(_text(answer, name)[:10])
    except ValueError:
        return None


def _moment(answer: Json, name: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(answer, name))
    except ValueError:
        return None
    if not MINYEAR < moment.year < MAXYEAR:  # no time: in another zone it may be of a year that no calendar has
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
