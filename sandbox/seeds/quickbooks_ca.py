"""Birchline Furniture Ltd in QuickBooks: GST and what the provinces add to it, Canadian and US dollars."""

from __future__ import annotations

from decimal import Decimal

from ..quickbooks import books as b
from ..quickbooks import payments
from . import quickbooks as seed
from . import quickbooks_settings as settings

HOME = {
    "Line1": "88 Foundry Lane",
    "City": "Hamilton",
    "CountrySubDivisionCode": "ON",
    "PostalCode": "L8P 4X3",
    "Country": "CAN",
}
CUSTOMERS = (
    (
        "Lakehead Hotels Ltd",
        "ap@lakeheadhotels.example",
        "17 Harbour St",
        "Thunder Bay",
        "ON",
        "P7B 5Z7",
        "842910573 RT0001",
    ),
    (
        "Pacific Crest Clinics Inc",
        "accounts@pacificcrest.example",
        "1200 W Pender St",
        "Vancouver",
        "BC",
        "V6E 2S8",
        "",
    ),
    (
        "Prairie Wind Energy Ltd",
        "payables@prairiewind.example",
        "410 9 Ave SW",
        "Calgary",
        "AB",
        "T2P 1K1",
        "731554209 RT0001",
    ),
    (
        "Café Éclair inc.",
        "compta@cafeeclair.example",
        "4012, rue Saint-Denis",
        "Montréal",
        "QC",
        "H2W 2M4",
        "806377415 RT0001",
    ),
    (
        "Commission scolaire des Érables",
        "factures@cserables.example",
        "25, boul. Laurier",
        "Québec",
        "QC",
        "G1R 2L3",
        "",
    ),
    ("Cape Breton Inns", "office@capebretoninns.example", "7 Esplanade", "Sydney", "NS", "B1P 1A1", ""),
    ("Hamilton Public Library", "finance@hpl.example", "55 York Blvd", "Hamilton", "ON", "L8N 4E4", ""),
)
ITEMS = (
    ("Lobby armchair", "640.00", "ARM-LOB", "ON"), ("Oak table, 180 cm", "1280.00", "TBL-OAK-180", "ON"),
    ("Terrace chair", "94.50", "CH-TER", "ON"), ("Shelf unit", "329.99", "SHELF-U", "ON"),
    ("Delivery and assembly", "85.00", "DELIV", "ON"), ("Design session", "150.00", "DESIGN", "ON"),
    ("Braille signs", "42.00", "BRAILLE", "ZERO"), ("Fire safety course", "220.00", "FIRE", "EXEMPT"),
)  # fmt: skip


def fill(books: b.Books) -> None:
    chosen = settings.Settings(
        "Birchline Furniture Ltd",
        "CA",
        "CAD",
        HOME,
        "accounts@birchline.example",
        multicurrency=True,
        fields=("PO number",),
    )
    books.company = settings.company(books, chosen)
    books.preferences = settings.preferences(books, chosen)
    books.rates = {
        "USD": Decimal("1.3815"),
        "EUR": Decimal("1.6042"),
        "JPY": Decimal("0.00921"),
        "KWD": Decimal("4.4907"),
    }
    for code in ("USD", "EUR"):
        books.add_currency(code)
    income = seed.account(books, "Sales", "Income", "SalesOfProductIncome", "Revenue")
    seed.account(books, "Services", "Income", "ServiceFeeIncome", "Revenue")
    chosen.discount_account = seed.account(books, "Discounts given", "Income", "DiscountsRefundsGiven", "Revenue")
    seed.account(books, "Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable", "Asset")
    seed.account(books, "Undeposited Funds", "Other Current Asset", "UndepositedFunds", "Asset")
    seed.account(books, "GST/HST Payable", "Other Current Liability", "GlobalTaxPayable", "Liability")
    seed.term(books, "Due on receipt", 0)
    seed.term(books, "Net 15", 15)
    chosen.default_terms = seed.term(books, "Net 30", 30)
    seed.term(books, "Net 60", 60)
    books.preferences = settings.preferences(books, chosen)
    codes = sales_taxes(books)
    seed.payment_methods(books)
    for name, email, line, city, province, code, number in CUSTOMERS:
        more = {"PrimaryTaxIdentifier": number} if number else {}
        seed.customer(books, name, email, seed.postal(line, city, province, code, "CAN"), **more)
    seed.customer(
        books,
        "Great Lakes Outfitters Inc",
        "ap@greatlakes.example",
        seed.postal("300 Michigan Ave", "Detroit", "MI", "48226", "USA"),
        CurrencyRef={"value": "USD"},
    )
    seed.vendor(books, "Sawmill Supply Co")
    seed.employee(books, "Simone", "Tremblay")
    items = {
        name: seed.item(books, name, price, income, sku=sku, SalesTaxCodeRef={"value": codes[code]})
        for name, price, sku, code in ITEMS
    }
    history(books, items, codes)
    books.next_number = 5107


def sales_taxes(books: b.Books) -> dict[str, str]:
    """Codes by a short word. One rate may be under several codes, and a code may have the rates of two offices."""
    canada = seed.agency(books, "Canada Revenue Agency")
    columbia, quebec = seed.agency(books, "Ministry of Finance (BC)"), seed.agency(books, "Revenu Québec")
    gst = seed.tax_rate(books, "GST", "5", canada)
    ontario, nova_scotia = seed.tax_rate(books, "HST ON", "13", canada), seed.tax_rate(books, "HST NS", "14", canada)
    pst, qst = seed.tax_rate(books, "PST BC", "7", columbia), seed.tax_rate(books, "QST", "9.975", quebec)
    zero = seed.tax_rate(books, "GST/HST zero-rated", "0", canada, "ZERO_RATE")
    exempt = seed.tax_rate(books, "GST/HST exempt", "0", canada, "ZERO_RATE")
    outside = seed.tax_rate(books, "Out of scope", "0", canada, "ZERO_RATE")
    bought = seed.tax_rate(books, "GST/HST (ITC)", "5", canada)
    codes = {
        "GST": seed.tax_code(books, "GST", [gst], [bought]),
        "ON": seed.tax_code(books, "HST ON", [ontario]),
        "BC": seed.tax_code(books, "GST/PST BC", [gst, pst]),
        "QC": seed.tax_code(books, "GST/QST QC - 9.975", [gst, qst]),
        "NS": seed.tax_code(books, "HST NS", [nova_scotia]),
        "ZERO": seed.tax_code(books, "Zero-rated", [zero]),
        "EXEMPT": seed.tax_code(books, "Exempt", [exempt]),
        "OUT": seed.tax_code(books, "Out of scope", [outside]),
    }
    seed.tax_code(books, "GST (purchases only)", [], [bought])
    before = seed.tax_rate(books, "HST NS 2016", "15", canada)
    seed.tax_code(books, "HST NS 2016", [before], active=False)
    return codes


def history(books: b.Books, items: dict[str, str], codes: dict[str, str]) -> None:
    books.next_number = 5101
    ids = {row["DisplayName"]: row["Id"] for row in books.table("Customer").rows.values()}
    for days, name, sold in (
        (110, "Lakehead Hotels Ltd", (items["Lobby armchair"], "6", "640.00", codes["ON"])),
        (70, "Café Éclair inc.", (items["Terrace chair"], "24", "94.50", codes["QC"])),
        (41, "Pacific Crest Clinics Inc", (items["Oak table, 180 cm"], "2", "1280.00", codes["BC"])),
        (33, "Great Lakes Outfitters Inc", (items["Shelf unit"], "10", "239.00", codes["ZERO"])),
        (12, "Prairie Wind Energy Ltd", (items["Design session"], "3", "150.00", codes["GST"])),
        (4, "Hamilton Public Library", (items["Braille signs"], "8", "42.00", codes["ZERO"])),
    ):
        seed.days_ago(books, days)
        row = seed.invoice(books, ids[name], [sold])
        if days == 110:
            payments.receive(books, row, row["TotalAmt"])
