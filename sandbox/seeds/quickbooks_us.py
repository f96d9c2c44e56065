"""Cedar Lane Supply Inc in QuickBooks: automated sales tax, one currency."""

from __future__ import annotations

from ..quickbooks import books as b
from ..quickbooks import payments
from ..quickbooks.wire import Row
from . import quickbooks as seed
from . import quickbooks_settings as settings

HOME = {
    "Line1": "1200 W Cedar Lane",
    "City": "Springfield",
    "CountrySubDivisionCode": "IL",
    "PostalCode": "62702",
    "Country": "USA",
}
STATES = {"IL": "10.25", "TX": "8.25", "OR": "0", "WA": "10.3", "CA": "9.5", "NY": "8.875", "FL": "7", "MA": "6.25"}
CUSTOMERS = (
    ("Lakeview Orthodontics PLLC", "frontdesk@lakevieworthodontics.example", "98 Dock St", "Tacoma", "WA", "98402"),
    ("Prairie Family Clinic", "ap@prairieclinic.example", "415 W Lake St", "Chicago", "IL", "60606"),
    (
        "Hawthorne School District",
        "business@hawthorneschools.example",
        "3131 SE Hawthorne Blvd",
        "Portland",
        "OR",
        "97214",
    ),
    ("Alamo Pediatric Dentistry", "office@alamopediatric.example", "210 Broadway St", "San Antonio", "TX", "78205"),
    ("Bay Street Oral Surgery", "billing@baystreet.example", "77 Bay St", "San Francisco", "CA", "94133"),
    ("Hudson Valley Endodontics", "ap@hudsonendo.example", "5 Main St", "Poughkeepsie", "NY", "12601"),
    ("Sunrise Smiles", "hello@sunrisesmiles.example", "900 Ocean Dr", "Miami", "FL", "33139"),
    ("Mystic River Health", "accounts@mysticriver.example", "12 River St", "Medford", "MA", "02155"),
    (
        "Springfield Hospital",
        "payables@springfieldhospital.example",
        "800 E Carpenter St",
        "Springfield",
        "IL",
        "62702",
    ),
    ("Quincy Community College", "purchasing@quincy.example", "3800 Maine St", "Quincy", "IL", "62305"),
)
ITEMS = (
    ("Scanner X2", "2950.00", "IOS-X2", True), ("Calibration kit", "180.00", "CAL-KIT", True),
    ("Training", "600.00", "", False),
    ("Warranty 36M", "420.00", "WAR-36", True), ("Nitrile gloves, box of 100", "14.99", "GLV-100", True),
    ("Sterilizer", "3480.00", "STER-1", True),
    ("Curing light", "389.00", "CURE-L", True), ("Service visit", "185.00", "SVC-V", False),
    ("Shipping and handling", "25.00", "SHIP", False),
)  # fmt: skip


def fill(books: b.Books) -> None:
    chosen = settings.Settings(
        "Cedar Lane Supply Inc",
        "US",
        "USD",
        HOME,
        "billing@cedarlane.example",
        automated_tax=True,
        classes=True,
        fields=("P.O. number",),
    )
    books.company = settings.company(books, chosen)
    books.preferences = settings.preferences(books, chosen)
    goods = seed.account(books, "Sales of Product Income", "Income", "SalesOfProductIncome", "Revenue")
    services = seed.account(books, "Services", "Income", "ServiceFeeIncome", "Revenue")
    chosen.discount_account = seed.account(books, "Discounts given", "Income", "DiscountsRefundsGiven", "Revenue")
    seed.account(books, "Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable", "Asset")
    seed.account(books, "Undeposited Funds", "Other Current Asset", "UndepositedFunds", "Asset")
    seed.account(books, "Checking", "Bank", "Checking", "Asset")
    seed.term(books, "Due on receipt", 0)
    seed.term(books, "Net 15", 15)
    chosen.default_terms = seed.term(books, "Net 30", 30)
    seed.term(books, "Net 60", 60)
    books.preferences = settings.preferences(books, chosen)
    sales_tax(books)
    seed.named(books, "Class", "East", "West")
    seed.payment_methods(books)
    for name, email, line, city, state, code in CUSTOMERS:
        place = seed.postal(line, city, state, code, "USA")
        seed.customer(books, name, email, place, ShipAddr=place)  # as the web form does by itself
    seed.vendor(books, "Lakeview Dental Group")
    seed.employee(books, "Dana", "Whitfield")
    items = {}
    for name, price, sku, taxed in ITEMS:
        account, kind = (goods, "NonInventory") if taxed else (services, "Service")
        items[name] = seed.item(books, name, price, account, sku=sku, kind=kind, Taxable=taxed)
    history(books, items)
    offers(books, items)
    books.next_number = 2307


def sales_tax(books: b.Books) -> None:
    """The two words for lines, and a code a state, which the service chooses by itself."""
    for word, taxable in (("TAX", True), ("NON", False)):
        seed.add(
            books, "TaxCode", {"Id": word, "Name": word, "Description": word, "Taxable": taxable, "TaxGroup": False}
        )
    custom = {
        "Id": "CustomSalesTax",
        "Name": "CustomSalesTax",
        "Description": "CustomSalesTax",
        "Taxable": True,
        "TaxGroup": True,
    }
    seed.add(books, "TaxCode", custom)
    for state, percent in STATES.items():
        agency = seed.agency(books, f"{state} Department of Revenue")
        rate = seed.tax_rate(books, f"{state} sales tax", percent, agency)
        code = seed.tax_code(books, f"{state} automated", [rate])
        row = books.table("TaxCode").rows[code]
        books.table("TaxCode").place({**row, "Description": state}, row)


# A company that never moved to automated sales tax: rates of agencies, put together to one code a place.
AGENCIES = {"IL": "Illinois Department of Revenue", "WA": "Washington Department of Revenue"}
RATES = {
    "Illinois State": ("IL", "6.25"), "Springfield city": ("IL", "2.5"), "Sangamon County": ("IL", "1"),
    "Chicago city": ("IL", "1.25"), "Cook County": ("IL", "1.75"), "Regional transportation": ("IL", "1"),
    "Washington State": ("WA", "6.5"), "Tacoma city": ("WA", "3.8"), "Outside our states": ("IL", "0"),
}  # fmt: skip
PLACES = {
    "Springfield, IL": ("Illinois State", "Springfield city", "Sangamon County"),
    "Chicago, IL": ("Illinois State", "Chicago city", "Cook County", "Regional transportation"),
    "Tacoma, WA": ("Washington State", "Tacoma city"),
    "Out of state": ("Outside our states",),
}
RATE_OF_CUSTOMER = {"Lakeview Orthodontics PLLC": "Tacoma, WA", "Prairie Family Clinic": "Chicago, IL"}
EXEMPT = ("Hawthorne School District",)


def tax_by_hand(books: b.Books) -> None:
    """In place of `sales_tax`: the service chooses nothing any more, and the codes that it had made are gone."""
    for code in list(books.table("TaxCode").rows.values()):
        if code["TaxGroup"] and code["Id"] != "CustomSalesTax":
            books.drop("TaxCode", code["Id"])
    offices = {state: seed.agency(books, name) for state, name in AGENCIES.items()}
    rates = {name: seed.tax_rate(books, name, percent, offices[state]) for name, (state, percent) in RATES.items()}
    codes = {place: seed.tax_code(books, place, [rates[name] for name in names]) for place, names in PLACES.items()}
    seed.tax_code(books, "Chicago, IL (until June)", [rates["Illinois State"]], active=False)
    books.preferences = {
        **books.preferences,
        "TaxPrefs": {"UsingSalesTax": True, "TaxGroupCodeRef": {"value": codes["Springfield, IL"]}},
    }
    for row in list(books.table("Customer").rows.values()):
        changes: Row = {}
        if place := RATE_OF_CUSTOMER.get(row["DisplayName"]):
            changes["DefaultTaxCodeRef"] = {"value": codes[place]}
        if row["DisplayName"] in EXEMPT:
            changes |= {"Taxable": False, "ResaleNum": "OR-EX-5521"}
        if changes:
            books.store("Customer", {**row, **changes})


def history(books: b.Books, items: dict[str, str]) -> None:
    books.next_number = 2301
    ids = {row["DisplayName"]: row["Id"] for row in books.table("Customer").rows.values()}
    for days, name, sold in (
        (120, "Lakeview Orthodontics PLLC", (items["Scanner X2"], "1", "2950.00", "TAX")),
        (75, "Prairie Family Clinic", (items["Nitrile gloves, box of 100"], "40", "14.99", "TAX")),
        (45, "Hawthorne School District", (items["Calibration kit"], "2", "180.00", "TAX")),
        (20, "Springfield Hospital", (items["Sterilizer"], "1", "3480.00", "TAX")),
        (9, "Sunrise Smiles", (items["Training"], "1", "600.00", "NON")),
        (3, "Lakeview Orthodontics PLLC", (items["Curing light"], "3", "389.00", "TAX")),
    ):
        seed.days_ago(books, days)
        row = seed.invoice(books, ids[name], [sold])
        if days == 120:
            payments.receive(books, row, row["TotalAmt"])


def offers(books: b.Books, items: dict[str, str]) -> None:
    """An estimate that can be invoiced."""
    clinic = next(
        row["Id"] for row in books.table("Customer").rows.values() if row["DisplayName"] == "Prairie Family Clinic"
    )
    seed.days_ago(books, 1)
    seed.estimate(books, clinic, [(items["Nitrile gloves, box of 100"], "40", "14.99", "TAX")])
