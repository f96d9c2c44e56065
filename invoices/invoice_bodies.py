"""A confirmed draft as the JSON that QuickBooks takes: known members only, numbers as Decimal, nothing it would refuse.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice#create-an-invoice
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from integration_settings.country_words import keeps_tax_ids
from invoices.domain.addresses import MOST_LINES, address_lines
from invoices.domain.books import NOT_TAXABLE, TAXABLE, Books, ClassPer
from invoices.domain.checks import LONGEST_DESCRIPTION
from invoices.domain.customer_update import AddressParts, Change, CustomerField, CustomerRecord, is_masked, with_line
from invoices.domain.deal import Address
from invoices.domain.draft import AmountsAre, BillTo, DraftLine, Extras, InvoiceDraft
from invoices.domain.files import LONGEST_NAME as LONGEST_FILE_NAME
from invoices.domain.files import FileWish, content_type
from invoices.domain.money import decimal_places, unit_price_for
from invoices.domain.names import clean_item_name, clean_name
from invoices.domain.plain import plain_number
from invoices.domain.tax import LineFigures, is_taxed, line_figures, net_discount

Body = dict[str, Any]

GLOBAL_TAX = {
    AmountsAre.TAX_EXCLUSIVE: "TaxExcluded",
    AmountsAre.TAX_INCLUSIVE: "TaxInclusive",
    AmountsAre.NO_TAX: "NotApplicable",
    AmountsAre.WITHOUT_TAX_SETTING: "TaxExcluded",  # so that a line without a code is refused once there is a tax
}
MOST_PERCENTAGE_DECIMALS = 5
MARK_LINE = re.compile(r"\bPipedrive deal ([0-9]{1,18}) · ([0-9a-f]{12})-([0-9a-f]{8})\b")
FOUND, MARK_LENGTH = "found ", 12
LONGEST_NOTE, LONGEST_SKU = 4000, 100


def party_mark(reference: str) -> str:
    """What a customer of ours carries in its notes. `reference` tells the party, see `customers.mark_of_party`."""
    return f"Created from Pipedrive · {reference}"


def mark_of(request_id: str) -> str:
    """The short reference by which an invoice of ours is found again; it cannot be guessed from the deal."""
    if request_id.startswith(FOUND):
        return request_id.removeprefix(FOUND)[:MARK_LENGTH]
    return hashlib.sha256(f"invoice {request_id}".encode()).hexdigest()[:MARK_LENGTH]


def request_id_of_found(mark: str) -> str:
    """In place of the request id of an invoice of which nothing but its mark is known."""
    return f"{FOUND}{mark}"


def request_id_of_copy(mark: str, qbo_invoice_id: str) -> str:
    """In place of the request id of a copy that somebody made in QuickBooks: no press of ours ever leads to it."""
    return f"{FOUND}{mark} {qbo_invoice_id}"


def mark_line(deal_id: int, request_id: str, owner: str) -> str:
    """`owner` is who bills from these deals, see `invoice_gateway.owner_of`: others may use the same books."""
    mark = mark_of(request_id)
    return f"Pipedrive deal {deal_id} · {mark}-{_seal(owner, deal_id, mark)}"


def marked_deal(private_note: str, owner: str) -> tuple[int, str] | None:
    """The deal whose invoice this is, and its mark; None for what is not that owner's, or not ours at all."""
    for deal_id, mark, seal in MARK_LINE.findall(private_note):
        if seal == _seal(owner, int(deal_id), mark):
            return int(deal_id), mark
    return None


def _seal(owner: str, deal_id: int, mark: str) -> str:
    return hashlib.sha256(f"{owner} {deal_id} {mark}".encode()).hexdigest()[:8]


def carries_mark(private_note: str, request_id: str) -> bool:
    """QuickBooks may put words before the note (when voiding), and people may write around it."""
    return mark_of(request_id) in private_note


def attachable_body(qbo_invoice_id: str, wish: FileWish, *, deal_id: int, request_id: str) -> Body:
    """What a file belongs to, and how it is found again.

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/attachable
    """
    reference = {"EntityRef": {"type": "Invoice", "value": qbo_invoice_id}, "IncludeOnSend": wish.on_send}
    return {
        "AttachableRef": [reference],
        "FileName": wish.name[-LONGEST_FILE_NAME:],
        "ContentType": content_type(wish.name) or "application/octet-stream",
        "Note": f"Pipedrive deal {deal_id} · file {wish.file_id} · {mark_of(request_id)}",
    }


def customer_body(bill_to: BillTo, currency: str, books: Books, *, mark: str) -> Body:
    """https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer#create-a-customer"""
    body: Body = {"DisplayName": clean_name(bill_to.name), "Notes": mark}
    if bill_to.email:
        body["PrimaryEmailAddr"] = {"Address": bill_to.email}
    if bill_to.address:
        body["BillAddr"] = address_body(bill_to.address)
    if books.american and bill_to.address.names_place:
        # Sales tax is that of the place it is shipped to, and without one the company's own.
        body["ShipAddr"] = body["BillAddr"]
    if bill_to.tax_id and keeps_tax_ids(books.country):
        body["PrimaryTaxIdentifier"] = bill_to.tax_id
    if books.names_currency:
        body["CurrencyRef"] = {"value": currency}
    return body


def customer_update_body(record: CustomerRecord, changes: Iterable[Change]) -> Body:
    """For a sparse update: the changed members and nothing else. Raises ValueError for a masked tax number.

    https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer#sparse-update-a-customer
    """
    body: Body = {"Id": record.customer_id, "SyncToken": record.sync_token}
    for change in changes:
        match change.field:
            case CustomerField.ADDRESS:
                body["BillAddr"] = whole_address_body(AddressParts(*change.after))
                if record.address == record.ship_address:  # "same as billing address"
                    body["ShipAddr"] = body["BillAddr"]
            case CustomerField.EMAIL:
                body["PrimaryEmailAddr"] = {"Address": change.after[0]}
            case CustomerField.TAX_ID:
                if change.after[0] == record.tax_id or is_masked(change.after[0]):
                    raise ValueError("a masked tax number is never written back")
                body["GSTIN" if record.is_gstin else "PrimaryTaxIdentifier"] = change.after[0]
            case CustomerField.NOTES:
                body["Notes"] = with_line(record.notes, change.after[1])
    return body


def whole_address_body(parts: AddressParts) -> Body:
    """With its empty members too: whether QuickBooks replaces or completes the old one, nothing of it stays behind."""
    lines = parts.street.split("\n")
    body: Body = {f"Line{number}": "".join(lines[number - 1 : number]) for number in range(1, MOST_LINES + 1)}
    return body | {
        "City": parts.city,
        "CountrySubDivisionCode": parts.region,
        "PostalCode": parts.postal_code,
        "Country": parts.country,
    }


def item_body(line: DraftLine, books: Books) -> Body:
    """The item that a line is to get: https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/item#create-an-item

    A service: sold without stock, and nothing but the income account is needed for it.
    """
    body: Body = {
        "Name": clean_item_name(line.new_item),
        "Type": "Service",
        "IncomeAccountRef": {"value": line.income_account_id},
    }
    sku = line.product_code.strip()
    if sku and len(sku) <= LONGEST_SKU:  # half a code would be another product's
        body["Sku"] = sku
    if books.american:
        body["Taxable"] = line.tax_code_id == TAXABLE
    elif books.uses_sales_tax and line.tax_code_id:
        body["SalesTaxCodeRef"] = {"value": line.tax_code_id}
    return body


def address_body(address: Address) -> Body:
    body: Body = {f"Line{number}": line for number, line in enumerate(address_lines(address), start=1)}
    parts = {
        "City": address.city,
        "CountrySubDivisionCode": address.region,
        "PostalCode": address.postal_code,
        "Country": address.country,
    }
    return body | {name: part for name, part in parts.items() if part}


def invoice_body(draft: InvoiceDraft, customer_id: str, books: Books, *, mark: str) -> Body:
    """`mark` is the invoice's own `mark_line`."""
    note = draft.private_note.strip()[: LONGEST_NOTE - len(mark) - 1]
    body: Body = {
        "CustomerRef": {"value": customer_id},
        "TxnDate": draft.invoice_date.isoformat(),
        "DueDate": draft.due_date.isoformat(),
        "Line": [line.body for line in sent_lines(draft, books)],
        "PrivateNote": f"{note}\n{mark}" if note else mark,
    }
    if draft.term_id:
        body["SalesTermRef"] = {"value": draft.term_id}
    if not books.american:
        body["GlobalTaxCalculation"] = GLOBAL_TAX[draft.amounts_are]
    if books.names_currency:
        body["CurrencyRef"] = {"value": draft.currency}
    if books.multicurrency and draft.currency != books.home_currency and draft.exchange_rate:
        body["ExchangeRate"] = draft.exchange_rate
    if books.names_sales_tax and draft.sales_tax_id and any(is_taxed(line, draft, books) for line in draft.lines):
        body["TxnTaxDetail"] = {"TxnTaxCodeRef": {"value": draft.sales_tax_id}}
    if books.custom_numbers and draft.number:
        body["DocNumber"] = draft.number
    if draft.bill_to.email:
        body["BillEmail"] = {"Address": draft.bill_to.email}
    if draft.memo.strip():
        body["CustomerMemo"] = {"value": draft.memo.strip()}
    _put_extras(body, draft.extras, books)
    if draft.estimate:  # on the whole invoice: of an estimate's parts the API makes no invoices
        body["LinkedTxn"] = [{"TxnId": draft.estimate.id, "TxnType": "Estimate"}]
    if draft.has_discount:
        body["Line"].append(_discount_body(draft, books))
        if books.american:
            body["ApplyTaxAfterDiscount"] = True
    return body


def _put_extras(body: Body, extras: Extras, books: Books) -> None:
    """Only what the company's books have a place for; QuickBooks would refuse a class where classes are off."""
    for member, addresses in (("BillEmailCc", extras.cc), ("BillEmailBcc", extras.bcc)):
        if addresses:
            body[member] = {"Address": addresses}
    if extras.class_id and books.class_per == ClassPer.INVOICE:
        body["ClassRef"] = {"value": extras.class_id}
    if extras.location_id and books.has_locations:
        body["DepartmentRef"] = {"value": extras.location_id}
    own = [
        {"DefinitionId": field.id, "Name": field.name, "Type": "StringType", "StringValue": extras.own_field(field.id)}
        for field in books.own_fields
        if extras.own_field(field.id)
    ]
    if own:
        body["CustomField"] = own


@dataclass(frozen=True, slots=True)
class SentLine:
    """`origin` is the index of the draft's line it stands for: a discount may need a line of its own."""

    origin: int
    body: Body


def sent_lines(draft: InvoiceDraft, books: Books) -> list[SentLine]:
    return [
        SentLine(index, body) for index, line in enumerate(draft.lines) for body in _line_bodies(line, draft, books)
    ]


def _line_bodies(line: DraftLine, draft: InvoiceDraft, books: Books) -> list[Body]:
    """One line with the reduced price. When no price gives the exact amount: the full price and a negative line, or,
    where the tax contained in both would not add up, the whole as one piece.
    """
    figures = line_figures(line, draft)
    text = line.description[:LONGEST_DESCRIPTION]
    make = partial(_sales_line, line, draft, books)
    price = unit_price_for(line.quantity, figures.net, draft.currency, wanted=line.unit_price)
    if price is not None:
        words = f"{text} ({_discount_words(line)})" if line.discount else text
        return [make(figures, quantity=line.quantity, price=price, description=words)]
    if figures.gross is not None:
        lump = f"{text} ({plain_number(line.quantity)} × {plain_number(line.unit_price)}"
        lump += f", {_discount_words(line)})" if line.discount else ")"
        return [make(figures, quantity=Decimal(1), price=figures.net, description=lump)]
    full, off = LineFigures(line.before_discount(draft.currency), None), LineFigures(-line.discount, None)
    return [
        make(full, quantity=line.quantity, price=line.unit_price, description=text),
        make(off, quantity=Decimal(1), price=off.net, description=f"{text} ({_discount_words(line)})"),
    ]


def _sales_line(
    line: DraftLine,
    draft: InvoiceDraft,
    books: Books,
    figures: LineFigures,
    *,
    quantity: Decimal,
    price: Decimal,
    description: str,
) -> Body:
    detail: Body = {"ItemRef": {"value": line.item_id}, "Qty": quantity, "UnitPrice": price}
    if books.uses_sales_tax and draft.amounts_are != AmountsAre.NO_TAX and line.tax_code_id:
        exempt = books.names_sales_tax and draft.bill_to.exempt
        detail["TaxCodeRef"] = {"value": NOT_TAXABLE if exempt else line.tax_code_id}
    if figures.gross is not None:
        detail["TaxInclusiveAmt"] = figures.gross
    if draft.extras.class_id and books.class_per == ClassPer.LINE:
        detail["ClassRef"] = {"value": draft.extras.class_id}
    if line.service_date and books.has_service_dates:
        detail["ServiceDate"] = line.service_date.isoformat()
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": figures.net,
        "Description": description,
        "SalesItemLineDetail": detail,
    }


def _discount_words(line: DraftLine) -> str:
    """For the customer's eyes, whatever the language: "-5%", "-20.00"."""
    text = line.discount_text.strip()
    return f"-{text if text.endswith('%') else format(line.discount, 'f')}"


def _discount_body(draft: InvoiceDraft, books: Books) -> Body:
    """A percentage with very many decimals, a third of something, goes as the amount that it comes to."""
    percentage = draft.discount_percentage
    detail: Body = {"PercentBased": False}
    if percentage and decimal_places(percentage) <= MOST_PERCENTAGE_DECIMALS:
        detail = {"PercentBased": True, "DiscountPercent": percentage}
    if books.discount_account_id:
        detail["DiscountAccountRef"] = {"value": books.discount_account_id}
    return {"DetailType": "DiscountLineDetail", "Amount": net_discount(draft), "DiscountLineDetail": detail}
