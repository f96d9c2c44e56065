"""Coral Bay Tours Pty Ltd in QuickBooks: GST, prices that include it, and numbers that the company gives itself."""

from __future__ import annotations

from ..quickbooks import books as b
from ..quickbooks import payments
from . import quickbooks as seed
from . import quickbooks_settings as settings

HOME = {
    "Line1": "1 Wharf Street",
    "City": "Cairns",
    "CountrySubDivisionCode": "QLD",
    "PostalCode": "4870",
    "Country": "AUS",
}
CUSTOMERS = (
    (
        "Northern Dive Club",
        "ruby@northerndive.example",
        "14 Abbott Street",
        "Cairns City",
        "QLD",
        "4870",
        "51 824 753 556",
    ),
    (
        "Pemberton Primary School",
        "office@pemberton.example",
        "2 School Road",
        "Innisfail",
        "QLD",
        "4860",
        "83 914 571 673",
    ),
    (
        "Great Reef Hostels",
        "bookings@greatreef.example",
        "30 Esplanade",
        "Cairns City",
        "QLD",
        "4870",
        "53 004 085 616",
    ),
    ("Daintree Walks", "hello@daintreewalks.example", "6 Front Street", "Mossman", "QLD", "4873", ""),
    (
        "Sydney Scuba Society",
        "treasurer@sydneyscuba.example",
        "100 Pitt Street",
        "Sydney",
        "NSW",
        "2000",
        "11 222 333 444",
    ),
    ("Tableland Coffee", "accounts@tableland.example", "9 Main Street", "Mareeba", "QLD", "4880", ""),
)
ITEMS = (
    ("Reef day cruise", "240.00", "REEF-DAY", "GST"), ("Snorkel hire", "25.00", "SNORKEL", "GST"),
    ("Airport transfer", "60.00", "TRANSFER", "GST"),
    ("Marine park levy", "7.50", "EMC", "FREE"), ("Wetsuit hire", "20.00", "WETSUIT", "GST"),
    ("Photo package", "45.45", "PHOTO", "GST"),
    ("Glass-bottom boat", "90.00", "GLASS", "GST"),
)  # fmt: skip


def fill(books: b.Books) -> None:
    chosen = settings.Settings(
        "Coral Bay Tours Pty Ltd", "AU", "AUD", HOME, "accounts@coralbay.example", custom_numbers=True
    )
    books.company = settings.company(books, chosen)
    books.preferences = settings.preferences(books, chosen)
    income = seed.account(books, "Sales", "Income", "SalesOfProductIncome", "Revenue")
    seed.account(books, "Services", "Income", "ServiceFeeIncome", "Revenue")
    chosen.discount_account = seed.account(books, "Discounts given", "Income", "DiscountsRefundsGiven", "Revenue")
    seed.account(books, "Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable", "Asset")
    seed.account(books, "Undeposited Funds", "Other Current Asset", "UndepositedFunds", "Asset")
    seed.term(books, "Due on receipt", 0)
    chosen.default_terms = seed.term(books, "Net 7", 7)
    seed.term(books, "Net 14", 14)
    seed.term(books, "Net 30", 30)
    books.preferences = settings.preferences(books, chosen)
    codes = gst(books)
    seed.payment_methods(books)
    for name, email, line, city, state, code, abn in CUSTOMERS:
        more = {"PrimaryTaxIdentifier": abn} if abn else {}
        seed.customer(books, name, email, seed.postal(line, city, state, code, "AUS"), **more)
    seed.vendor(books, "Marina Fuel Pty Ltd")
    seed.employee(books, "Matilda", "Brooks")
    items = {
        name: seed.item(books, name, price, income, sku=sku, SalesTaxCodeRef={"value": codes[code]})
        for name, price, sku, code in ITEMS
    }
    history(books, items, codes)


def gst(books: b.Books) -> dict[str, str]:
    office = seed.agency(books, "ATO")
    ten = seed.tax_rate(books, "GST (sales)", "10", office)
    free = seed.tax_rate(books, "GST free (sales)", "0", office, "ZERO_RATE")
    taxed_input = seed.tax_rate(books, "Input tax (sales)", "0", office, "ZERO_RATE")
    export = seed.tax_rate(books, "GST-free exports (sales)", "0", office, "ZERO_RATE")
    outside = seed.tax_rate(books, "Out of scope (sales)", "0", office, "ZERO_RATE")
    bought = seed.tax_rate(books, "GST (purchases)", "10", office)
    codes = {
        "GST": seed.tax_code(books, "GST", [ten], [bought]),
        "FREE": seed.tax_code(books, "GST free", [free]),
        "INPUT": seed.tax_code(books, "Input tax", [taxed_input]),
        "EXPORT": seed.tax_code(books, "GST-free exports", [export]),
        "OUT": seed.tax_code(books, "Out of scope", [outside]),
    }
    seed.tax_code(books, "GST on capital (purchases only)", [], [bought])
    return codes


def history(books: b.Books, items: dict[str, str], codes: dict[str, str]) -> None:
    ids = {row["DisplayName"]: row["Id"] for row in books.table("Customer").rows.values()}
    for days, number, name, sold in (
        (80, "CB-0917", "Great Reef Hostels", (items["Reef day cruise"], "6", "240.00", codes["GST"])),
        (33, "CB-0918", "Northern Dive Club", (items["Snorkel hire"], "12", "25.00", codes["GST"])),
        (11, "CB-0919", "Sydney Scuba Society", (items["Marine park levy"], "20", "7.50", codes["FREE"])),
    ):
        seed.days_ago(books, days)
        row = seed.invoice(books, ids[name], [sold], 7, DocNumber=number)
        if days == 80:
            payments.receive(books, row, row["TotalAmt"])
