"""Sales tax and VAT of a sale."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from . import books as b
from . import money, refusals
from .lines import MOST_TAXABLE_LINES, Lines
from .money import ZERO
from .wire import Row

NO_TAX_WORDS = {"TAX", "NON"}


@dataclass
class Taxed:
    """Outcome: `total` is the tax, `detail` the TxnTaxDetail of answers."""

    total: Decimal
    detail: Row


@dataclass
class Share:
    """What falls under one tax code: `net` before tax, `gross` with tax where the prices included it."""

    code: Row
    net: Decimal = ZERO
    gross: Decimal = ZERO


def compute(books: b.Books, sale: Row, lines: Lines, given: Row | None) -> Taxed:
    """Sets the tax codes and gross amounts of the lines, and returns the tax. `given` is the request's TxnTaxDetail."""
    if not books.taxed:
        for line in lines.sold:
            line["SalesItemLineDetail"].pop("TaxInclusiveAmt", None)
        return Taxed(ZERO, {"TotalTax": ZERO})
    if books.american:
        return american(books, sale, lines, given)
    return elsewhere(books, sale, lines, given)


# -- United States ----


def american(books: b.Books, sale: Row, lines: Lines, given: Row | None) -> Taxed:
    """One rate for the whole sale, on the lines that are taxable; an explicit total is honoured and spread."""
    customer = books.get("Customer", sale["CustomerRef"]["value"])
    taxable = [line for line in lines.sold if settle_pseudo_code(books, line, customer)]
    refuse_many(taxable)
    base = taxable_base(sale, lines, taxable)
    code = code_of_state(books, destination(books, sale)) if books.automated else code_asked_for(books, given)
    exempt = books.automated and not customer.get("Taxable", True)
    rates = rates_of(books, code) if code and not exempt else []
    tax_lines = [tax_line(rate, base, money.rounded(base * rate["RateValue"] / 100, lines.currency)) for rate in rates]
    total = sum((line["Amount"] for line in tax_lines), ZERO)
    if given and "TotalTax" in given and tax_lines and given["TotalTax"] != total:
        total = money.rounded(given["TotalTax"], lines.currency)
        for line, part in zip(
            tax_lines, money.shares(total, [rate["RateValue"] for rate in rates], lines.currency), strict=True
        ):
            line["Amount"] = part
    detail: Row = {"TxnTaxCodeRef": {"value": code["Id"]}} if code else {}
    return Taxed(total, {**detail, "TotalTax": total, **({"TaxLine": tax_lines} if tax_lines else {})})


def taxable_base(sale: Row, lines: Lines, taxable: list[Row]) -> Decimal:
    """A discount before tax is shared between what is taxable and what is not, in the order of the lines."""
    base: Decimal = sum((line["Amount"] for line in taxable), ZERO)
    if sale.get("ApplyTaxAfterDiscount") and lines.discount and taxable:
        first = lines.sold[0] is taxable[0]
        parts = [base, lines.subtotal - base] if first else [lines.subtotal - base, base]
        base -= money.shares(lines.discount["Amount"], parts, lines.currency)[0 if first else 1]
    return base


def code_asked_for(books: b.Books, given: Row | None) -> Row | None:
    """Without automated sales tax the request names the rate; without one nothing is taxed."""
    reference = (given or {}).get("TxnTaxCodeRef")
    if not reference:
        return None
    code = books.refer("TaxCode", reference, "TxnTaxDetail.TxnTaxCodeRef")
    if not code["TaxGroup"] or not rates_of(books, code):
        raise refusals.invalid_reference("TxnTaxDetail.TxnTaxCodeRef")
    return code


def settle_pseudo_code(books: b.Books, line: Row, customer: Row) -> bool:
    """TAX or NON, from the line or else from the item; True if the line is taxable."""
    detail = line["SalesItemLineDetail"]
    detail.pop("TaxInclusiveAmt", None)
    word = detail.get("TaxCodeRef", {}).get("value")
    if word is None:
        item = books.get("Item", detail["ItemRef"]["value"])
        word = "TAX" if item.get("Taxable") and customer.get("Taxable", True) else "NON"
    if word not in NO_TAX_WORDS:
        raise refusals.invalid_reference("Line.SalesItemLineDetail.TaxCodeRef")
    detail["TaxCodeRef"] = {"value": word}
    return bool(word == "TAX")


def destination(books: b.Books, sale: Row) -> str:
    """Where it is shipped to; without that the company's own place, wherever the bill goes."""
    address = sale.get("ShipAddr") or books.company["CompanyAddr"]
    return str(address.get("CountrySubDivisionCode", "")).upper()


def code_of_state(books: b.Books, state: str) -> Row | None:
    """The tax codes of an automated company are made by the service, one a state; its description names the state."""
    for code in books.table("TaxCode").rows.values():
        if code.get("TaxGroup") and code.get("Description") == state:
            return code
    return None


# -- everywhere else ----


def elsewhere(books: b.Books, sale: Row, lines: Lines, given: Row | None) -> Taxed:
    way = sale["GlobalTaxCalculation"]
    if way == "NotApplicable":
        for line in lines.sold:
            line["SalesItemLineDetail"].pop("TaxCodeRef", None)
            line["SalesItemLineDetail"].pop("TaxInclusiveAmt", None)
        return Taxed(ZERO, {"TotalTax": ZERO})
    shares = by_code(books, lines, inclusive=way == "TaxInclusive")
    take_off_discount(books, shares, lines)
    tax_lines = (
        inclusive_lines(books, shares, lines.currency)
        if way == "TaxInclusive"
        else excluded_lines(books, shares, lines.currency)
    )
    total = sum((line["Amount"] for line in tax_lines), ZERO)
    if given and "TotalTax" in given and given["TotalTax"] != total:
        raise refusals.business(
            f"The tax of {given['TotalTax']} does not fit the lines, whose tax is {total}. Leave TxnTaxDetail out.",
        )
    return Taxed(total, {"TotalTax": total, "TaxLine": tax_lines})


def by_code(books: b.Books, lines: Lines, inclusive: bool) -> list[Share]:
    shares: dict[str, Share] = {}
    taxable = []
    for line in lines.shown:
        if line["DetailType"] != "SalesItemLineDetail":
            continue
        detail = line["SalesItemLineDetail"]
        if "value" not in detail.get("TaxCodeRef", {}):
            word = "VAT" if books.country == "GB" else "GST"
            raise refusals.business(f"Make sure all your transactions have a {word} rate before you save.")
        code = books.refer("TaxCode", detail["TaxCodeRef"], "Line.SalesItemLineDetail.TaxCodeRef")
        detail["TaxCodeRef"] = {"value": code["Id"]}
        share = shares.setdefault(code["Id"], Share(code))
        share.net += line["Amount"]
        if inclusive:
            share.gross += gross_of(books, line, code, lines.currency)
        else:
            detail.pop("TaxInclusiveAmt", None)
        if any(rate["RateValue"] for rate in rates_of(books, code)):
            taxable.append(line)
    refuse_many(taxable)
    return list(shares.values())


def gross_of(books: b.Books, line: Row, code: Row, currency: str) -> Decimal:
    """The gross amount of a line, as given or computed; the request's Amount is net either way."""
    detail, net = line["SalesItemLineDetail"], line["Amount"]
    expected = net + net * percent_of(books, code) / 100
    gross: Decimal = money.rounded(detail.get("TaxInclusiveAmt", expected), currency)
    if abs(gross - expected) > money.smallest(currency):
        raise refusals.business(
            f"TaxInclusiveAmt {gross} does not fit the net amount {net} at {percent_of(books, code)} %.",
        )
    detail["TaxInclusiveAmt"] = gross
    return gross


def take_off_discount(books: b.Books, shares: list[Share], lines: Lines) -> None:
    """A discount lowers what is taxed, in proportion to the net amounts; its own amount is net too."""
    if lines.discount is None:
        return
    amount = lines.discount["Amount"]
    parts = money.shares(amount, [share.net for share in shares], lines.currency)
    for share, part in zip(shares, parts, strict=True):
        if share.net:
            share.gross -= money.rounded(share.gross * part / share.net, lines.currency)
        share.net -= part


def excluded_lines(books: b.Books, shares: list[Share], currency: str) -> list[Row]:
    """Tax is rounded once a rate, over all lines."""
    sums: dict[str, Decimal] = {}
    for share in shares:
        for rate in rates_of(books, share.code):
            sums[rate["Id"]] = sums.get(rate["Id"], ZERO) + share.net
    return [
        tax_line(rate, net, money.rounded(net * rate["RateValue"] / 100, currency))
        for rate, net in ((books.table("TaxRate").rows[identity], net) for identity, net in sums.items())
    ]


def inclusive_lines(books: b.Books, shares: list[Share], currency: str) -> list[Row]:
    """Tax is what lies between gross and net; with several rates under one code it is shared between them."""
    found: dict[str, Row] = {}
    for share in shares:
        rates = rates_of(books, share.code)
        for rate, part in zip(rates, parts_of_tax(share.gross - share.net, rates, share.net, currency), strict=True):
            line = found.setdefault(rate["Id"], tax_line(rate, ZERO, ZERO))
            line["Amount"] += part
            line["TaxLineDetail"]["NetAmountTaxable"] += share.net
            line["TaxLineDetail"]["TaxInclusiveAmount"] = (
                line["TaxLineDetail"].get("TaxInclusiveAmount", ZERO) + share.gross
            )
    return list(found.values())


def parts_of_tax(tax: Decimal, rates: list[Row], net: Decimal, currency: str) -> list[Decimal]:
    """The last rate takes the remainder, so that the parts add up even when rates cancel each other out."""
    parts = [money.rounded(net * rate["RateValue"] / 100, currency) for rate in rates[:-1]]
    return [*parts, tax - sum(parts, ZERO)] if rates else []


# -- shared ----


def rates_of(books: b.Books, code: Row) -> list[Row]:
    details = code.get("SalesTaxRateList", {}).get("TaxRateDetail", [])
    return [books.table("TaxRate").rows[detail["TaxRateRef"]["value"]] for detail in details]


def percent_of(books: b.Books, code: Row) -> Decimal:
    return sum((rate["RateValue"] for rate in rates_of(books, code)), ZERO)


def tax_line(rate: Row, net: Decimal, amount: Decimal) -> Row:
    detail = {
        "TaxRateRef": {"value": rate["Id"]},
        "PercentBased": True,
        "TaxPercent": rate["RateValue"],
        "NetAmountTaxable": net,
    }
    return {"Amount": amount, "DetailType": "TaxLineDetail", "TaxLineDetail": detail}


def refuse_many(taxable: list[Row]) -> None:
    if len(taxable) > MOST_TAXABLE_LINES:
        raise refusals.business(f"A taxable transaction has at most {MOST_TAXABLE_LINES} lines.")
