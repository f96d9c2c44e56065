"""Products and services: create, change, make inactive."""

from __future__ import annotations

from . import books as b
from . import names, refusals
from .money import ZERO
from .wire import Row

READ_ONLY = {"Id", "SyncToken", "MetaData", "sparse", "domain", "status", "FullyQualifiedName", "Level"}
SOLD = ("Service", "NonInventory", "Inventory")
ACCOUNTS = {
    "IncomeAccountRef": ("Income", "Other Income"),
    "ExpenseAccountRef": ("Cost of Goods Sold", "Expense", "Other Expense"),
    "AssetAccountRef": ("Other Current Asset",),
}


def save(books: b.Books, body: Row) -> Row:
    """Creates, or changes when the body has an Id."""
    old = books.for_update("Item", body) if body.get("Id") else None
    wanted = {name: value for name, value in body.items() if name not in READ_ONLY}
    if old is not None:
        kept = {name: value for name, value in old.items() if name not in READ_ONLY}
        kept = kept if body.get("sparse") else {name: kept[name] for name in ("Type", "Active") if name in kept}
        wanted = {**kept, **wanted}
    check(wanted)
    active = bool(wanted.get("Active", True))
    row: Row = {"Name": names.after_activity(str(wanted["Name"]).strip(), active)}
    row |= {name: wanted[name] for name in ("Sku", "Description") if wanted.get(name)}
    row |= {"Active": active, **parentage(books, wanted, row["Name"]), "Taxable": bool(wanted.get("Taxable", False))}
    if not books.american:
        row["SalesTaxIncluded"] = bool(wanted.get("SalesTaxIncluded", False))
        if wanted.get("SalesTaxCodeRef", {}).get("value"):
            row["SalesTaxCodeRef"] = b.link(
                books.refer("TaxCode", wanted["SalesTaxCodeRef"], "SalesTaxCodeRef"), "TaxCode"
            )
    row |= {"UnitPrice": wanted.get("UnitPrice", ZERO), "Type": wanted["Type"], **accounts(books, wanted)}
    row |= {
        name: wanted[name] for name in ("PurchaseDesc", "QtyOnHand", "InvStartDate", "ReorderPoint") if name in wanted
    }
    row |= {
        "PurchaseCost": wanted.get("PurchaseCost", ZERO),
        "TrackQtyOnHand": wanted["Type"] == "Inventory",
        "DeferredRevenue": False,
    }
    row |= {"domain": "QBO", "sparse": False, "Id": old["Id"] if old else books.new_id("Item")}
    names.take_item(books, row)
    return books.store("Item", row)


def check(wanted: Row) -> None:
    if not str(wanted.get("Name") or "").strip():
        raise refusals.required("Name")
    names.refuse_signs(str(wanted["Name"]))
    if "Type" not in wanted:
        raise refusals.required("Type")
    if wanted["Type"] == "Group":
        raise refusals.business("Bundles are not kept by this stand-in.")
    needed: tuple[str, ...] = ("IncomeAccountRef",) if wanted["Type"] in SOLD else ()
    if wanted["Type"] == "Inventory":
        needed += ("ExpenseAccountRef", "AssetAccountRef", "InvStartDate", "QtyOnHand")
    for member in needed:
        if member not in wanted:
            raise refusals.required(member)


def accounts(books: b.Books, wanted: Row) -> Row:
    found: Row = {}
    for member, kinds in ACCOUNTS.items():
        if member in wanted:
            account = books.refer("Account", wanted[member], member)
            if account["AccountType"] not in kinds:
                raise refusals.business(f"{account['Name']} is an account of type {account['AccountType']}.")
            found[member] = b.link(account, "Account")
    return found


def parentage(books: b.Books, wanted: Row, name: str) -> Row:
    if not wanted.get("ParentRef", {}).get("value"):
        return {"FullyQualifiedName": name}
    parent = books.refer("Item", wanted["ParentRef"], "ParentRef")
    if parent["Type"] != "Category":
        raise refusals.business("Only a category can hold other items.")
    return {
        "SubItem": True,
        "ParentRef": b.link(parent, "Item"),
        "Level": 1,
        "FullyQualifiedName": f"{parent['FullyQualifiedName']}:{name}",
    }
