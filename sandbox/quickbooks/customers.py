"""Customers: create, change, make inactive."""

from __future__ import annotations

import re

from . import addresses, money, names, refusals, sales
from . import books as b
from .money import ZERO
from .wire import Row

PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
READ_ONLY = {
    "Id",
    "SyncToken",
    "MetaData",
    "sparse",
    "domain",
    "status",
    "Balance",
    "BalanceWithJobs",
    "FullyQualifiedName",
    "Level",
    "OverDueBalance",
    "V4IDPseudonym",
}
ALWAYS_KEPT = ("DisplayName", "PrintOnCheckName", "CurrencyRef", "Active")
WITH_TAX_ID = {"GB", "CA", "AU", "IN"}
DEEPEST = 4
SHOWN_OF_TAX_ID = 5


def save(books: b.Books, body: Row) -> Row:
    """Creates, or changes when the body has an Id."""
    old = books.for_update("Customer", body) if body.get("Id") else None
    wanted = merged(body, old)
    for part in (*PARTS, "DisplayName"):
        names.refuse_signs(str(wanted.get(part, "")))
    sales.check_emails(wanted)
    row: Row = {"Taxable": bool(wanted.pop("Taxable", True))}
    row |= {
        name: value for name, value in wanted.items() if value not in ("", {}) and not name.endswith("TaxIdentifier")
    }
    row["Id"] = old["Id"] if old else books.new_id("Customer")
    row |= naming(wanted, old)
    row |= hierarchy(books, wanted)
    row |= currency(books, wanted, old)
    row |= references(books, wanted)
    for member in ("BillAddr", "ShipAddr"):
        if member in row and "Id" not in row[member]:
            row[member] = addresses.kept(books, row[member])
    balance = old["Balance"] if old else ZERO
    row |= {"Balance": balance, "BalanceWithJobs": balance, "BillWithParent": bool(wanted.get("BillWithParent", False))}
    row |= {
        "PreferredDeliveryMethod": wanted.get("PreferredDeliveryMethod", "Print"),
        "IsProject": False,
        "domain": "QBO",
        "sparse": False,
    }
    row |= tax_ids(books, wanted, row["Id"], old)
    names.take(books, "Customer", row)
    books.store("Customer", row)
    if old is not None and old["DisplayName"] != row["DisplayName"]:
        rename_references(books, row)
    return row


def merged(body: Row, old: Row | None) -> Row:
    wanted = {name: value for name, value in body.items() if name not in READ_ONLY}
    if old is None:
        return wanted
    kept = {name: value for name, value in old.items() if name not in READ_ONLY}
    if not body.get("sparse"):
        kept = {name: kept[name] for name in ALWAYS_KEPT if name in kept}
    return {**kept, **wanted}


def naming(wanted: Row, old: Row | None) -> Row:
    """The name shown, built from the parts where none is given; and what it becomes for an inactive customer."""
    built = " ".join(str(wanted[part]).strip() for part in PARTS if wanted.get(part))
    shown = str(wanted.get("DisplayName") or "").strip() or (old["DisplayName"] if old else built)
    if not shown:
        raise refusals.required("DisplayName")
    active = bool(wanted.get("Active", True))
    check_name = wanted.get("PrintOnCheckName") or wanted.get("CompanyName") or built or shown
    return {
        "DisplayName": names.after_activity(shown, active),
        "PrintOnCheckName": str(check_name)[:110],
        "Active": active,
    }


def hierarchy(books: b.Books, wanted: Row) -> Row:
    if not wanted.get("ParentRef", {}).get("value"):
        return {"Job": bool(wanted.get("Job", False)), "FullyQualifiedName": shown_name(wanted)}
    parent = books.refer("Customer", wanted["ParentRef"], "ParentRef")
    level = int(parent.get("Level", 0)) + 1
    if level > DEEPEST:
        raise refusals.business(f"Sub-customers go {DEEPEST} levels deep.")
    full = f"{parent['FullyQualifiedName']}:{shown_name(wanted)}"
    return {"Job": True, "ParentRef": b.link(parent, "Customer"), "Level": level, "FullyQualifiedName": full}


def shown_name(wanted: Row) -> str:
    found = naming(wanted, None)
    return str(found["DisplayName"])


def currency(books: b.Books, wanted: Row, old: Row | None) -> Row:
    """Chosen when the customer is made, never changed."""
    code = str(wanted.get("CurrencyRef", {}).get("value", books.home))
    if old is not None and code != old["CurrencyRef"]["value"]:
        raise refusals.business("The currency of a customer cannot be changed.")
    if not re.fullmatch("[A-Z]{3}", code):
        raise refusals.invalid_reference("CurrencyRef")
    if code != books.home and not books.multicurrency:
        raise refusals.business(f"Multicurrency is switched off; only {books.home} can be used.")
    if old is None:
        books.add_currency(code)
    return {"CurrencyRef": money.reference(code)}


def references(books: b.Books, wanted: Row) -> Row:
    found: Row = {}
    for member, entity in (
        ("SalesTermRef", "Term"),
        ("PaymentMethodRef", "PaymentMethod"),
        ("DefaultTaxCodeRef", "TaxCode"),
    ):
        if wanted.get(member, {}).get("value"):
            found[member] = {"value": books.refer(entity, wanted[member], member)["Id"]}
    return found


def tax_ids(books: b.Books, wanted: Row, identity: str, old: Row | None) -> Row:
    """Kept aside, answered masked, and only where the country knows such an identifier."""
    found: Row = {}
    if books.country not in WITH_TAX_ID:
        return found
    for member in ("PrimaryTaxIdentifier", "SecondaryTaxIdentifier"):
        place = f"{identity}.{member}"
        value = wanted.get(member)
        if value and not (old is not None and value == old.get(member) and place in books.tax_ids):
            books.tax_ids[place] = str(value)
        elif not value:
            books.tax_ids.pop(place, None)
        if place in books.tax_ids:
            found[member] = masked(books.tax_ids[place])
    return found


def masked(value: str) -> str:
    """`123-45-6789` -> `XXXXXX56789`: as long as before, the last five letters or digits in the clear."""
    plain = re.sub(r"[^0-9A-Za-z]", "", value)
    return "X" * max(len(value) - SHOWN_OF_TAX_ID, 0) + plain[-SHOWN_OF_TAX_ID:]


def rename_references(books: b.Books, row: Row) -> None:
    """Transactions show the name that a customer has today; that alone is no change of theirs."""
    for entity in b.TRANSACTIONS:
        table = books.table(entity)
        for transaction in table.having("CustomerRef", row["Id"]):
            table.place({**transaction, "CustomerRef": b.link(row, "Customer")}, transaction)
