"""QuickBooks' refusals: which field of the form each belongs to.

The codes: https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

NAME_TAKEN, NUMBER_TAKEN, BOOKS_CLOSED, NOT_THERE = "6240", "6140", "6210", "610"
NO_REFERENCE = "2500"  # of what an invoice names: inactive, merged into another one, or never there
NOT_PAID_FOR, NOT_TO_BE_LINKED = "6190", "620"
UNKNOWN_MEMBER = "2010"
# Our own, for what ended without an answer of QuickBooks
OTHER_BOOKS, GAVE_UP, ACCESS_DENIED, CANCELLED = "other_books", "gave_up", "access_denied", "cancelled"
NOT_SENT = "not_sent"  # of an e-mail whose answer was lost: the invoice shows no trace of it
PAID_MEANWHILE = "paid_meanwhile"  # of a void: whoever asked for it had seen less paid
NOT_ATTACHED = "not_attached"  # of a file whose answer was lost: QuickBooks has none with our mark
FILE_GONE, FILE_TOO_LARGE = "file_gone", "file_too_large"  # in Pipedrive
NO_GRANT = "no_grant"  # of whoever asked: Pipedrive gives the file to nobody else
ESTIMATE_GONE = "estimate_gone"  # closed, rejected or deleted since it was chosen
ESTIMATE_CHANGED = "estimate_changed"  # or it says something else
VOIDED_MEANWHILE = "voided_meanwhile"  # of an e-mail: nobody wants to be asked for nothing
BY_CODE = {
    NAME_TAKEN: "customer.name",
    NUMBER_TAKEN: "number",
    BOOKS_CLOSED: "invoice_date",
    NOT_TO_BE_LINKED: "estimate",
}


class Step(StrEnum):
    """What was being written when QuickBooks refused."""

    CUSTOMER = "customer"
    ITEM = "item"
    INVOICE = "invoice"


# Words of the element or, failing that, of QuickBooks' own sentence; the first that is found decides.
CUSTOMER_WORDS = (
    ("PrimaryEmailAddr", "customer.email"),
    ("e-mail", "customer.email"),
    ("email", "customer.email"),
    ("PrimaryTaxIdentifier", "customer.tax_id"),
    ("tax identifier", "customer.tax_id"),
    ("GSTIN", "customer.tax_id"),
    ("CurrencyRef", "currency"),
    ("currency", "currency"),
    ("BillAddr", "customer.address"),
    ("Line1", "customer.address"),
    ("PostalCode", "customer.address"),
    ("Country", "customer.address"),
    ("City", "customer.address"),
    ("DisplayName", "customer.name"),
    ("name", "customer.name"),
)
INVOICE_WORDS = (
    ("LinkedTxn", "estimate"),
    ("estimate", "estimate"),
    ("DocNumber", "number"),
    ("TxnTaxCodeRef", "sales_tax"),
    ("BillEmailCc", "cc"),
    ("BillEmailBcc", "bcc"),
    ("BillEmail", "customer.email"),
    ("e-mail", "customer.email"),
    ("DiscountLineDetail", "discount"),
    ("discount", "discount"),
    ("CurrencyRef", "currency"),
    ("currency", "currency"),
    ("ExchangeRate", "currency"),
    ("exchange rate", "currency"),
    ("DueDate", "due_date"),
    ("due date", "due_date"),
    ("SalesTermRef", "due_date"),
    ("TxnDate", "invoice_date"),
    ("closed", "invoice_date"),
    ("CustomerMemo", "memo"),
    ("PrivateNote", "private_note"),
    ("ClassRef", "class"),
    ("DepartmentRef", "location"),
    ("CustomerRef", "customer"),
    ("customer", "customer"),
    ("BillAddr", "customer.address"),
)
LINE_WORDS = (
    ("TaxCodeRef", "tax_code"),
    ("tax code", "tax_code"),
    ("VAT", "tax_code"),
    ("GST", "tax_code"),
    ("TaxInclusiveAmt", "tax_code"),
    ("ItemRef", "item"),
    ("item", "item"),
    ("Qty", "quantity"),
    ("UnitPrice", "unit_price"),
    ("Description", "description"),
    ("Amount", "unit_price"),
    ("ServiceDate", "service_date"),
)
LINE_NUMBER = re.compile(r"Line(?:\[(\d+)\]|\s(\d+))", re.IGNORECASE)


def field_of(step: Step, code: str, *, element: str, detail: str, line_origins: Sequence[int] = ()) -> str:
    """The form's field, "" for none. `line_origins[n]` is the draft's line that the request's line n came from."""
    if code in BY_CODE:
        return BY_CODE[code]
    if code in (UNKNOWN_MEMBER, NOT_THERE, NO_REFERENCE):
        detail = ""  # it lists all members that QuickBooks knows, or all that can be inactive
    if step == Step.CUSTOMER:
        return _first(CUSTOMER_WORDS, element) or _first(CUSTOMER_WORDS, detail) or "customer"
    for text in (element, detail):
        if line := _line_field(text, line_origins):
            return line
        if field := _first(INVOICE_WORDS, text):
            return field
    return ""


def _line_field(text: str, line_origins: Sequence[int]) -> str:
    part = _first(LINE_WORDS, text)
    number = LINE_NUMBER.search(text)
    if number is None:
        return "lines" if part and "discount" not in text.casefold() else ""
    position = int(number[1] or number[2]) - 1
    if not 0 <= position < len(line_origins):
        return "lines"
    return f"lines.{line_origins[position]}.{part or 'item'}"


def _first(words: Sequence[tuple[str, str]], text: str) -> str:
    return next((field for word, field in words if re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE)), "")
