"""Lines of a sale: what a request may say, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from . import books as b
from . import money, refusals
from .money import ZERO
from .wire import Row

MOST_LINES = 10_000
MOST_TAXABLE_LINES = 750
PRICE_PLACES = Decimal("0.0000001")


@dataclass
class Lines:
    """`shown` are the lines in their order without subtotal and discount; `sold` those of them that sell an item."""

    currency: str
    shown: list[Row] = field(default_factory=list)
    sold: list[Row] = field(default_factory=list)
    discount: Row | None = None

    @property
    def subtotal(self) -> Decimal:
        return sum((line["Amount"] for line in self.sold), ZERO)


def read(books: b.Books, given: list[Row], currency: str, old: list[Row], trusted: bool) -> Lines:
    """The lines of a request. `trusted` ones come from the books: what they refer to may be inactive by now."""
    found = Lines(currency)
    if len(given) > MOST_LINES:
        raise refusals.business(f"A transaction has at most {MOST_LINES} lines.")
    for index, line in enumerate(given, start=1):
        kind = line.get("DetailType")
        if kind is None:
            raise refusals.required("Line.DetailType")
        if kind == "DiscountLineDetail":
            take_discount(books, line, found)
        elif kind == "SalesItemLineDetail" and has_item(line):
            sold = sales_line(books, line, index, currency, trusted)
            found.shown.append(sold)
            found.sold.append(sold)
        elif kind in ("DescriptionOnly", "SalesItemLineDetail"):
            found.shown.append(description_line(line))
        elif kind == "GroupLineDetail":
            raise refusals.business("Bundles are not kept by this stand-in.")
    if not found.sold:
        raise refusals.required("Line")
    settle_discount(found)
    number_lines(found.shown, old)
    return found


def has_item(line: Row) -> bool:
    """Without an item a line is text, and its amount counts for nothing."""
    return bool(line.get("SalesItemLineDetail", {}).get("ItemRef", {}).get("value"))


def description_line(line: Row) -> Row:
    kept: Row = {name: line[name] for name in ("Id", "Description") if name in line}
    return {**kept, "DetailType": "DescriptionOnly", "DescriptionLineDetail": line.get("DescriptionLineDetail", {})}


def sales_line(books: b.Books, line: Row, index: int, currency: str, trusted: bool) -> Row:
    where = f"Line[{index}]"
    if "Amount" not in line:
        raise refusals.required("Line.Amount")
    detail = dict(line["SalesItemLineDetail"])
    item = item_of(books, detail["ItemRef"], trusted)
    amount = money.rounded(line["Amount"], currency)
    check_amount(line["Amount"], detail, currency, where)
    if "ClassRef" in detail and not trusted:
        detail["ClassRef"] = b.link(
            books.refer("Class", detail["ClassRef"], "Line.SalesItemLineDetail.ClassRef"), "Class"
        )
    if "Qty" in detail and "UnitPrice" not in detail and detail["Qty"] != 0:
        detail["UnitPrice"] = (amount / detail["Qty"]).quantize(PRICE_PLACES).normalize()
    account = item.get("IncomeAccountRef")
    kept: Row = {name: line[name] for name in ("Id", "Description", "LinkedTxn") if name in line}
    ordered: Row = {"ItemRef": b.link(item, "Item")}
    ordered |= {name: detail[name] for name in ("ClassRef", "UnitPrice", "Qty") if name in detail}
    if account:
        ordered["ItemAccountRef"] = account
    ordered |= {name: detail[name] for name in ("TaxCodeRef", "TaxInclusiveAmt", "ServiceDate") if name in detail}
    return {
        **kept,
        "Amount": amount,
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": ordered,
        "CustomExtensions": [],
    }


def item_of(books: b.Books, reference: Row, trusted: bool) -> Row:
    if trusted:
        return books.get("Item", reference["value"])
    item = books.refer("Item", reference, "Line.SalesItemLineDetail.ItemRef")
    if item["Type"] in ("Category", "Group"):
        raise refusals.business(f"{item['Name']} is a {item['Type'].lower()} and cannot be sold on a line.")
    return item


def check_amount(amount: Decimal, detail: Row, currency: str, where: str) -> None:
    """Quantity times price, exactly or rounded to the currency."""
    if "Qty" in detail and "UnitPrice" in detail:
        exact = detail["Qty"] * detail["UnitPrice"]
        if amount not in (exact, money.rounded(exact, currency)) and money.rounded(amount, currency) != exact:
            raise refusals.amount_mismatch(f"{where}.Amount")


def take_discount(books: b.Books, line: Row, found: Lines) -> None:
    if not books.sales_setting("AllowDiscount"):
        raise refusals.business("Discounts are switched off in this company's settings.")
    if found.discount is not None:
        raise refusals.business("A transaction has at most one discount.")
    detail = dict(line.get("DiscountLineDetail", {}))
    account = detail.get("DiscountAccountRef") or {"value": str(books.sales_setting("DefaultDiscountAccount"))}
    detail["DiscountAccountRef"] = b.link(books.refer("Account", account, "DiscountAccountRef"), "Account")
    percent = bool(detail.get("PercentBased"))
    if percent and "DiscountPercent" not in detail:
        raise refusals.required("Line.DiscountLineDetail.DiscountPercent")
    if not percent and "Amount" not in line:
        raise refusals.required("Line.Amount")
    ordered = {"PercentBased": percent, **{key: value for key, value in detail.items() if key != "PercentBased"}}
    found.discount = {
        "Amount": line.get("Amount", ZERO),
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": ordered,
    }


def settle_discount(found: Lines) -> None:
    if found.discount is None:
        return
    detail = found.discount["DiscountLineDetail"]
    amount = found.discount["Amount"]
    if detail["PercentBased"]:
        amount = found.subtotal * detail["DiscountPercent"] / 100
    found.discount["Amount"] = money.rounded(amount, found.currency)
    if found.discount["Amount"] < 0:
        raise refusals.business("A discount cannot be negative.")


def number_lines(shown: list[Row], old: list[Row]) -> None:
    """A line whose id is known keeps it; every other line gets a new one."""
    known = {line["Id"] for line in old if "Id" in line}
    following = max((int(identity) for identity in known if identity.isdigit()), default=0) + 1
    used: set[str] = set()
    for index, line in enumerate(shown, start=1):
        identity = str(line.get("Id"))
        if identity not in known or identity in used:
            identity, following = str(following), following + 1
        used.add(identity)
        rest = {name: value for name, value in line.items() if name not in ("Id", "LineNum")}
        line.clear()
        line.update({"Id": identity, "LineNum": index, **rest})


def with_totals(found: Lines) -> list[Row]:
    """As answers show them: the lines, their subtotal, the discount."""
    subtotal = {"Amount": found.subtotal, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
    return [*found.shown, subtotal, *([found.discount] if found.discount else [])]
