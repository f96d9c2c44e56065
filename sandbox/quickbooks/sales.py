"""What invoices and credit memos have in common: header, lines, tax and totals."""

from __future__ import annotations

from decimal import Decimal

from . import addresses, lines, money, refusals, tax, terms
from . import books as b
from .money import ZERO
from .wire import Row, date_from

READ_ONLY = {
    "Id", "SyncToken", "MetaData", "sparse", "domain", "status", "TotalAmt", "Balance", "HomeTotalAmt", "HomeBalance",
    "LinkedTxn",
    "DeliveryInfo", "InvoiceLink", "RemainingCredit", "TxnTaxDetail", "invoiceStatus", "invoiceStatusLog",
    "TemplateRef", "AutoDocNumber",
}  # fmt: skip
DIRECT = (
    "PrivateNote", "CustomerMemo", "BillEmail", "BillEmailCc", "BillEmailBcc", "ShipDate", "TrackingNum",
    "ShipMethodRef",
    "TransactionLocationType", "PaymentRefNum", "PONumber", "Deposit", "InvoiceRef",
)  # fmt: skip


def merged(body: Row, old: Row | None) -> Row:
    """What is to be written: a sparse update keeps what it does not mention, a full one forgets it."""
    writable = {name: value for name, value in body.items() if name not in READ_ONLY}
    if old is not None and body.get("sparse"):
        kept = {name: value for name, value in old.items() if name not in READ_ONLY}
        return {**kept, **writable}
    return writable


def build(books: b.Books, body: Row, old: Row | None) -> Row:
    """A complete row of a sale, without number, links and balance. Raises Refusal."""
    wanted = merged(body, old)
    if "Line" not in wanted or not wanted["Line"]:
        raise refusals.required("Line")
    if old is None:
        refuse_untracked(books, wanted)
    customer = customer_of(books, wanted, old)
    currency = currency_of(books, wanted, customer)
    day = wanted.get("TxnDate", books.today().isoformat())[:10]
    books.refuse_closed(day)
    if old is not None:
        books.refuse_closed(old["TxnDate"])
    own = old is not None and "Line" not in body
    found = lines.read(books, wanted["Line"], currency, old["Line"] if old else [], trusted=own)
    row: Row = {"domain": "QBO", "sparse": False, "Id": old["Id"] if old else ""}
    row |= {"CustomField": custom_fields(books, wanted), "TxnDate": day, "CurrencyRef": money.reference(currency)}
    if books.multicurrency:
        row["ExchangeRate"] = exchange_rate(books, wanted, currency)
    row |= {name: wanted[name] for name in DIRECT if name in wanted}
    row |= references(books, wanted)
    row |= {
        "CustomerRef": b.link(customer, "Customer"),
        **addresses_of(books, wanted, customer, old),
        "FreeFormAddress": True,
    }
    row["ApplyTaxAfterDiscount"] = bool(wanted.get("ApplyTaxAfterDiscount", False)) and books.american
    if not books.american:
        if "GlobalTaxCalculation" not in wanted and books.taxed:
            raise refusals.required("GlobalTaxCalculation")
        row["GlobalTaxCalculation"] = wanted.get("GlobalTaxCalculation", "TaxExcluded")
    taxed = tax.compute(books, row, found, tax_asked_for(body, old))
    row |= {"Line": lines.with_totals(found), "TxnTaxDetail": taxed.detail}
    row |= totals(books, found, taxed.total, row)
    row |= statuses(wanted, row)
    return row


def tax_asked_for(body: Row, old: Row | None) -> Row | None:
    """The request's; the rate stays where a sparse update does not speak of tax."""
    if "TxnTaxDetail" in body or old is None or not body.get("sparse"):
        return body.get("TxnTaxDetail")
    kept = old["TxnTaxDetail"].get("TxnTaxCodeRef")
    return {"TxnTaxCodeRef": kept} if kept else None


def customer_of(books: b.Books, wanted: Row, old: Row | None) -> Row:
    reference = wanted.get("CustomerRef")
    if not reference:
        raise refusals.required("CustomerRef")
    if old is not None and reference.get("value") == old["CustomerRef"]["value"]:
        return books.get("Customer", reference["value"])
    return books.refer("Customer", reference, "CustomerRef")


def currency_of(books: b.Books, wanted: Row, customer: Row) -> str:
    given = wanted.get("CurrencyRef", {}).get("value")
    expected = str(customer["CurrencyRef"]["value"])
    if given is None:
        if books.multicurrency:
            raise refusals.required("CurrencyRef")
        return books.home
    if not books.multicurrency and given != books.home:
        raise refusals.business(f"Multicurrency is switched off; only {books.home} can be used.")
    if given != expected:
        raise refusals.business(f"The customer's currency is {expected}; a transaction in {given} is not possible.")
    return str(given)


def exchange_rate(books: b.Books, wanted: Row, currency: str) -> Decimal:
    given: Decimal = wanted.get("ExchangeRate", books.rate(currency))
    if given <= 0:
        raise refusals.business("An exchange rate is greater than zero.")
    return Decimal(1) if currency == books.home else given


def custom_fields(books: b.Books, wanted: Row) -> list[Row]:
    """All fields that the company shows, with the values that the request has for them."""
    values = {field.get("DefinitionId"): field.get("StringValue") for field in wanted.get("CustomField", [])}
    shown = []
    for definition, name in enabled_fields(books):
        value = values.get(definition)
        shown.append(
            {
                "DefinitionId": definition,
                "Name": name,
                "Type": "StringType",
                **({"StringValue": value} if value else {}),
            }
        )
    return shown


def enabled_fields(books: b.Books) -> list[tuple[str, str]]:
    settings = {}
    for group in books.sales_setting("CustomField") or []:
        for field in group["CustomField"]:
            settings[field["Name"]] = field.get("BooleanValue", field.get("StringValue"))
    names = []
    for index in ("1", "2", "3"):
        name = settings.get(f"SalesFormsPrefs.SalesCustomName{index}")
        if settings.get(f"SalesFormsPrefs.UseSalesCustom{index}") and name:
            names.append((index, str(name)))
    return names


def refuse_untracked(books: b.Books, wanted: Row) -> None:
    """A class or a location has no place where the company does not track it there."""
    lines = [line.get("SalesItemLineDetail", {}) for line in wanted["Line"]]
    for setting, used, words in (
        ("ClassTrackingPerTxn", "ClassRef" in wanted, "Class tracking for each transaction"),
        ("ClassTrackingPerTxnLine", any("ClassRef" in line for line in lines), "Class tracking for each line"),
        ("TrackDepartments", "DepartmentRef" in wanted, "Location tracking"),
    ):
        if used and not books.preferences["AccountingInfoPrefs"].get(setting):
            raise refusals.business(f"{words} is turned off.")


def references(books: b.Books, wanted: Row) -> Row:
    found: Row = {}
    for member, entity in (
        ("SalesTermRef", "Term"),
        ("ClassRef", "Class"),
        ("DepartmentRef", "Department"),
        ("PaymentMethodRef", "PaymentMethod"),
    ):
        if wanted.get(member, {}).get("value"):
            found[member] = b.link(books.refer(entity, wanted[member], member), entity)
    if "DepositToAccountRef" in wanted:
        found["DepositToAccountRef"] = b.link(
            books.refer("Account", wanted["DepositToAccountRef"], "DepositToAccountRef"), "Account"
        )
    return found


def addresses_of(books: b.Books, wanted: Row, customer: Row, old: Row | None) -> Row:
    bill = wanted.get("BillAddr") or customer.get("BillAddr")
    ship = wanted.get("ShipAddr") or customer.get("ShipAddr")
    found: Row = {}
    if bill:
        bill = bill if "Id" in bill else addresses.kept(books, bill)
        found["BillAddr"] = addresses.flattened(bill, customer["DisplayName"]) if old else bill
    if ship:
        found["ShipAddr"] = ship if "Id" in ship else addresses.kept(books, ship)
    origin = wanted.get("ShipFromAddr") or (books.company["CompanyAddr"] if books.american else None)
    if origin:
        origin = origin if "Id" in origin else addresses.kept(books, origin)
        found["ShipFromAddr"] = addresses.flattened(origin, "")
    return found


def totals(books: b.Books, found: lines.Lines, tax_total: Decimal, row: Row) -> Row:
    discount = found.discount["Amount"] if found.discount else ZERO
    total = found.subtotal - discount + tax_total
    if total < 0:
        raise refusals.business("Transaction amount must be 0 or greater.")
    result = {"TotalAmt": total}
    if books.multicurrency:
        result["HomeTotalAmt"] = money.rounded(total * row["ExchangeRate"], books.home)
    return result


def statuses(wanted: Row, row: Row) -> Row:
    email = wanted.get("EmailStatus", "NotSet")
    if email == "NeedToSend" and not row.get("BillEmail", {}).get("Address"):
        raise refusals.required("BillEmail.Address")
    check_emails(row)
    return {"PrintStatus": wanted.get("PrintStatus", "NeedToPrint"), "EmailStatus": email}


def check_emails(row: Row) -> None:
    for member in ("BillEmail", "BillEmailCc", "BillEmailBcc", "PrimaryEmailAddr"):
        address = row.get(member, {}).get("Address")
        if address and not ("@" in address and "." in address):
            raise refusals.business(f"{address} is no e-mail address.")


def term_of(books: b.Books, row: Row, customer: Row) -> Row | None:
    """The term that sets the due date: the sale's, else the customer's, else the company's."""
    for reference in (row.get("SalesTermRef"), customer.get("SalesTermRef"), books.sales_setting("DefaultTerms")):
        if reference and reference.get("value"):
            return books.table("Term").rows.get(reference["value"])
    return None


def due_date(books: b.Books, row: Row) -> str:
    customer = books.get("Customer", row["CustomerRef"]["value"])
    return terms.due_date(date_from(row["TxnDate"]), term_of(books, row, customer)).isoformat()


def zeroed(row: Row) -> Row:
    """All amounts and quantities 0, as after a void."""
    shown = []
    for line in row["Line"]:
        changed = {**line, "Amount": ZERO} if "Amount" in line else dict(line)
        detail = line.get("SalesItemLineDetail")
        if detail:
            zero = {name: ZERO for name in ("Qty", "TaxInclusiveAmt") if name in detail}
            changed["SalesItemLineDetail"] = {**detail, **zero}
        shown.append(changed)
    note = row.get("PrivateNote")
    home: Row = {name: ZERO for name in ("HomeTotalAmt", "HomeBalance") if name in row}
    voided = {"Line": shown, "TxnTaxDetail": {"TotalTax": ZERO}, "TotalAmt": ZERO, "Balance": ZERO, **home}
    return {**row, **voided, "PrivateNote": f"Voided - {note}"[:4000] if note else "Voided"}
