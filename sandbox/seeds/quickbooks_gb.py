"""Harbour & Pine Ltd in QuickBooks: VAT, several currencies, and enough names to make searching worthwhile."""

from __future__ import annotations

from decimal import Decimal

from ..quickbooks import books as b
from ..quickbooks import invoices, payments
from ..quickbooks.wire import Row
from . import quickbooks as seed
from . import quickbooks_settings as settings

HOME = {"Line1": "7 Dock Street", "City": "Leeds", "PostalCode": "LS10 1JF", "Country": "GBR"}
TOWNS = (
    ("Leeds", "LS1 4DY"), ("York", "YO1 7HH"), ("Sheffield", "S1 2HE"), ("Hull", "HU1 1NQ"), ("Bradford", "BD1 5HQ"),
    ("Manchester", "M2 5DB"),
    ("Newcastle upon Tyne", "NE1 5DW"), ("Durham", "DH1 3NU"), ("Lincoln", "LN1 3DF"), ("Nottingham", "NG1 5DT"),
)  # fmt: skip
CUSTOMERS = (
    "Abbey Road Bakery", "Aire Valley Plumbing", "Ainsley Fabrications", "Applegarth Nurseries", "Ashdown Timber",
    "Beckett & Daughters",
    "Bramall Cycles", "Bramhope Village Shop", "Bridgewater Textiles", "Calder Print Works", "Castlegate Dental",
    "Chapel Allerton Wines",
    "Chestnut Coffee Roasters", "Clifford Mill", "Colliery Brewing Company", "Copper Kettle Cafe", "Dales Outdoor",
    "Denby Dale Pies",
    "Eastgate Opticians", "Elmet Farm Supplies", "Esk Valley Boats", "Fairfax Books", "Foundry Climbing",
    "Garforth Garage",
    "Glasshouse Studio", "Golden Acre Garden Centre", "Greenhow Quarry", "Haigh & Partners", "Headingley Sports",
    "Hilltop Dairy",
    "Holbeck Joinery", "Ilkley Moor Walks", "Ings Lane Upholstery", "Kirkstall Forge Metals",
    "Knaresborough Ceramics", "Linden Veterinary",
    "Malham Cheese", "Meanwood Valley Farm", "Nidderdale Logistics", "Northgate Books", "Oakwood Furniture",
    "Otley Wharf Storage",
    "Pennine Solar", "Quarry Hill Music", "Roundhay Flowers", "Saltaire Canal Trips", "Selby Cold Stores",
    "Skipton Wool",
    "Temple Newsam Estates", "Thornton Signs", "Ure Bank Pottery", "Wakefield Tools", "Wharfe Instruments",
    "Yeadon Air Freight",
)  # fmt: skip
GOODS = (
    ("Beam 2700 mm", "28.40", "BEAM-27"), ("Beam 3300 mm", "34.90", "BEAM-33"),
    ("Upright frame 2.5 m", "61.00", "FRAME-25"),
    ("Upright frame 4 m", "92.50", "FRAME-40"), ("Row spacer", "6.20", "SPACER"), ("Wire mesh deck", "18.75", "MESH"),
    ("Column guard", "11.60", "GUARD-C"), ("End barrier", "74.00", "BARRIER"),
    ("Safety pin, pack of 50", "9.95", "PIN-50"),
    ("Load notice", "4.50", "NOTICE"), ("Floor bolt M12", "0.85", "BOLT-M12"), ("Shelf 900 × 400", "31.50", "SHELF-94"),
    ("Shelf 1200 × 500", "42.00", "SHELF-125"), ("Power cable, per metre", "4.375", "CAB-M"),
    ("Label holder", "0.38", "LABEL-H"),
    ("Timber deck board", "13.20", "DECK-T"), ("Mezzanine stair", "1480.00", "MEZZ-ST"),
    ("Mezzanine panel", "212.00", "MEZZ-P"),
    ("Picking trolley", "149.00", "TROLLEY"), ("Pallet truck", "279.00", "TRUCK"), ("Packing bench", "325.00", "BENCH"),
    ("Plastic bin, small", "2.15", "BIN-S"), ("Plastic bin, large", "5.90", "BIN-L"),
    ("Cantilever arm", "38.00", "CANT-ARM"),
    ("Cantilever column", "164.00", "CANT-COL"), ("Strip curtain", "96.00", "CURTAIN"),
    ("Corner mirror", "33.00", "MIRROR"),
    ("Floor tape 50 m", "12.80", "TAPE-50"),
)  # fmt: skip
SERVICES = (
    ("Installation", "640.00", ""), ("Safety inspection", "420.00", "INSPECT"), ("Delivery", "85.00", "DELIV"),
    ("Warehouse design", "1250.00", "DESIGN"),
    ("Dismantling", "480.00", "DISMANTLE"), ("Repair, per hour", "58.00", "REPAIR-H"),
    ("Inspection plan", "95.00", "PLAN-M"),
    ("Forklift training", "275.00", "TRAIN"), ("Heating for the site office", "120.00", "HEAT"),
    ("Site survey", "190.00", "SURVEY"),
)  # fmt: skip


def fill(books: b.Books) -> None:
    chosen = settings.Settings(
        "Harbour & Pine Ltd",
        "GB",
        "GBP",
        HOME,
        "accounts@harbourpine.example",
        multicurrency=True,
        departments=True,
        fields=("PO number",),
    )
    books.company = settings.company(books, chosen)
    books.preferences = settings.preferences(books, chosen)
    sales = accounts(books, chosen)
    agreed = terms(books, chosen)
    codes = vat(books)
    books.preferences = settings.preferences(books, chosen)
    books.rates = {
        "EUR": Decimal("0.8421"),
        "USD": Decimal("0.7564"),
        "JPY": Decimal("0.00498"),
        "KWD": Decimal("2.4591"),
    }
    for code in ("EUR", "USD"):
        books.add_currency(code)
    seed.named(books, "Department", "Leeds", "York")
    seed.payment_methods(books)
    people(books, agreed)
    goods = catalogue(books, sales, codes)
    history(books, goods, codes)
    offers(books, goods, codes)
    books.next_number = 1042


def accounts(books: b.Books, chosen: settings.Settings) -> dict[str, str]:
    made = {
        "goods": seed.account(books, "Sales of Product Income", "Income", "SalesOfProductIncome", "Revenue"),
        "services": seed.account(books, "Services", "Income", "ServiceFeeIncome", "Revenue"),
    }
    chosen.discount_account = seed.account(books, "Discounts given", "Income", "DiscountsRefundsGiven", "Revenue")
    seed.account(books, "Debtors", "Accounts Receivable", "AccountsReceivable", "Asset")
    seed.account(books, "Undeposited Funds", "Other Current Asset", "UndepositedFunds", "Asset")
    seed.account(books, "Current account", "Bank", "CashOnHand", "Asset")
    seed.account(books, "Stock", "Other Current Asset", "Inventory", "Asset")
    seed.account(books, "Cost of sales", "Cost of Goods Sold", "SuppliesMaterialsCogs", "Expense")
    seed.account(books, "VAT Control", "Other Current Liability", "GlobalTaxPayable", "Liability")
    return made


def terms(books: b.Books, chosen: settings.Settings) -> dict[str, Row]:
    """References by name, as far as customers have them."""
    seed.term(books, "Due on receipt", 0)
    fourteen = seed.term(books, "Net 14", 14)
    named = {
        "Net 30": seed.term(books, "Net 30", 30),
        "Net 60": seed.term(books, "Net 60", 60),
        "End of month": seed.month_term(books, "End of month", 31, 10),
    }
    seed.term(books, "Net 90 (old)", 90, active=False)
    chosen.default_terms = fourteen
    return {name: {"value": identity} for name, identity in named.items()}


def vat(books: b.Books) -> dict[str, str]:
    """Codes by a short word."""
    hmrc = seed.agency(books, "HM Revenue & Customs (VAT)")

    def rate(name: str, percent: str, special: str = "NONE") -> str:
        return seed.tax_rate(books, name, percent, hmrc, special)

    standard, reduced, zero = (
        rate("20.0% S (Sales)", "20"),
        rate("5.0% R (Sales)", "5"),
        rate("0.0% Z (Sales)", "0", "ZERO_RATE"),
    )
    exempt, none = rate("Exempt (Sales)", "0", "ZERO_RATE"), rate("No VAT (Sales)", "0", "ZERO_RATE")
    charged, taken = (
        rate("20.0% RC (Sales)", "20", "REVERSE_CHARGE"),
        rate("20.0% RC (Sales, reversed)", "-20", "REVERSE_CHARGE"),
    )
    bought = rate("20.0% S (Purchases)", "20")
    old = rate("17.5% S (Sales)", "17.5")
    codes = {
        "S": seed.tax_code(books, "20.0% S", [standard], [bought]),
        "R": seed.tax_code(books, "5.0% R", [reduced]),
        "Z": seed.tax_code(books, "0.0% Z", [zero]),
        "E": seed.tax_code(books, "Exempt", [exempt]),
        "N": seed.tax_code(books, "No VAT", [none]),
        "RC": seed.tax_code(books, "20.0% RC", [charged, taken]),
    }
    seed.tax_code(books, "20.0% P (purchases only)", [], [bought])
    seed.tax_code(books, "17.5% S", [old], active=False)
    return codes


def people(books: b.Books, agreed: dict[str, Row]) -> None:
    leeds = seed.postal("14 Canal Road", "Leeds", "", "LS11 5PS", "GBR")
    york = seed.postal("3 Fossgate", "York", "", "YO1 9TA", "GBR")
    seed.customer(
        books, "Bramley Foods Ltd", "office@bramleyfoods.co.uk", leeds,
        PrimaryTaxIdentifier="GB 428173846", PrimaryPhone={"FreeFormNumber": "0113 496 0123"}, GivenName="Alice",
        FamilyName="Whitcombe", SalesTermRef=agreed["Net 30"],
    )  # fmt: skip
    seed.customer(books, "Bramley Farm Foods", "hello@bramleyfarm.example", york, SalesTermRef=agreed["Net 60"])
    seed.customer(
        books, "Moss & Co", "oliver@mossandco.example", seed.postal("12 Stonegate", "York", "", "YO1 8AS", "GBR"),
        SalesTermRef=agreed["End of month"],
    )  # fmt: skip
    seed.customer(
        books, "Rheingold Küchen GmbH", "buchhaltung@rheingold.example",
        seed.postal("Venloer Straße 310", "Köln", "", "50823", "DEU"),
        CurrencyRef={"value": "EUR"},
    )  # fmt: skip
    seed.customer(
        books,
        "Pelican Export Inc",
        "ap@pelican.example",
        seed.postal("40 Harbor Way", "Boston", "MA", "02210", "USA"),
        CurrencyRef={"value": "USD"},
    )
    seed.customer(
        books, "O'Brien & Sons", "sean@obrien.example", seed.postal("1 Quay Street", "Galway", "", "H91 R8PY", "IRL")
    )
    seed.customer(
        books, "Ķekava būve SIA", "birojs@kekava.example", seed.postal("Rīgas iela 2", "Ķekava", "", "LV-2123", "LVA")
    )
    seed.customer(books, "مطبخ البحر", "info@bahr.example")
    gone = seed.customer(books, "Old Mill Catering", "old@oldmill.example")
    for index, name in enumerate(CUSTOMERS):
        town, code = TOWNS[index % len(TOWNS)]
        mail = name.lower().replace("&", "and").replace(" ", "")
        seed.customer(
            books, name, f"office@{mail}.example", seed.postal(f"{index + 3} Market Street", town, "", code, "GBR")
        )
    seed.make_inactive(books, "Customer", gone)
    seed.vendor(books, "Lakeview Dental Group")
    seed.vendor(books, "Northern Steel Supplies")
    seed.employee(books, "Priya", "Nair")


def catalogue(books: b.Books, sales: dict[str, str], codes: dict[str, str]) -> dict[str, str]:
    """Items by name. The first one is the company's default item."""

    def goods(name: str, price: str, sku: str, code: str = "S") -> str:
        kind = {"SalesTaxCodeRef": {"value": codes[code]}, "Description": name}
        return seed.item(books, name, price, sales["goods"], sku=sku, kind="NonInventory", **kind)

    made = {"Sales": seed.item(books, "Sales", "0", sales["services"], SalesTaxCodeRef={"value": codes["S"]})}
    racks = seed.item(books, "Racking", "0", "", kind="Category")
    parent = {"ParentRef": {"value": racks}, "SubItem": True}
    made["Pallet racking bay 4L"] = seed.item(
        books,
        "Pallet racking bay 4L",
        "520.00",
        sales["goods"],
        sku="RACK-4L",
        kind="NonInventory",
        SalesTaxCodeRef={"value": codes["S"]},
    )
    low = goods("Pallet racking bay 3L", "430.00", "RACK-3L")
    seed.item(books, "Pallet racking bay 6L", "710.00", sales["goods"], sku="RACK-6L", kind="NonInventory", **parent)
    made["Safety manual"] = goods("Safety manual", "15.00", "MANUAL", "Z")
    for name, price, sku in GOODS:
        made[name] = goods(name, price, sku)
    for name, price, sku in SERVICES:
        code = codes["E"] if name == "Forklift training" else codes["R"] if name.startswith("Heating") else codes["S"]
        made[name] = seed.item(
            books, name, price, sales["services"], sku=sku, Description=name, SalesTaxCodeRef={"value": code}
        )
    seed.make_inactive(books, "Item", low)
    return made


def history(books: b.Books, goods: dict[str, str], codes: dict[str, str]) -> None:
    """Invoices in every state, numbers 1031 to 1041."""
    books.next_number = 1031
    ids = {row["DisplayName"]: row["Id"] for row in books.table("Customer").rows.values()}
    standard = codes["S"]
    bramley, moss, euro = ids["Bramley Foods Ltd"], ids["Moss & Co"], ids["Rheingold Küchen GmbH"]
    frame, shelf, fitting = goods["Upright frame 4 m"], goods["Shelf 900 × 400"], goods["Installation"]

    def sell(days: float, customer: str, *sold: tuple[str, str, str, str], due: int = 30) -> Row:
        seed.days_ago(books, days)
        return seed.invoice(books, customer, sold, due)

    old = sell(290, bramley, (fitting, "1", "640.00", standard))
    payments.receive(books, old, old["TotalAmt"])
    paid = sell(200, moss, (frame, "10", "92.50", standard), (fitting, "0.5", "640.00", standard))
    seed.days_ago(books, 175)
    payments.receive(books, paid, paid["TotalAmt"])
    part = sell(140, bramley, (shelf, "40", "31.50", standard))
    seed.days_ago(books, 120)
    payments.receive(books, part, Decimal("800.00"))
    wrong = sell(95, ids["Abbey Road Bakery"], (shelf, "4", "31.50", standard))
    seed.days_ago(books, 94)
    invoices.void(books, {"Id": wrong["Id"], "SyncToken": wrong["SyncToken"]})
    sell(60, euro, (frame, "6", "110.00", codes["Z"]))
    sell(50, ids["Pelican Export Inc"], (goods["Warehouse design"], "1", "1600.00", codes["N"]))
    sell(44, bramley, (fitting, "5.625", "640.00", standard))
    sell(30, ids["Bramley Farm Foods"], (goods["Safety manual"], "12", "15.00", codes["Z"]))
    sell(
        14,
        ids["Selby Cold Stores"],
        (goods["Mezzanine panel"], "18", "212.00", standard),
        (fitting, "3", "640.00", standard),
    )
    sell(6, moss, (goods["Packing bench"], "2", "325.00", standard))
    sell(2, ids["O'Brien & Sons"], (goods["Pallet truck"], "1", "279.00", codes["Z"]))


def offers(books: b.Books, goods: dict[str, str], codes: dict[str, str]) -> None:
    """Estimates: two that can be invoiced, one that somebody refused, one that was closed by hand."""
    ids = {row["DisplayName"]: row["Id"] for row in books.table("Customer").rows.values()}
    bramley, moss, standard = ids["Bramley Foods Ltd"], ids["Moss & Co"], codes["S"]
    seed.days_ago(books, 1)
    five = {"PercentBased": True, "DiscountPercent": Decimal(5)}
    today = books.today().isoformat()
    accepted: Row = {"TxnStatus": "Accepted", "AcceptedBy": "Alice Whitcombe", "AcceptedDate": today}
    seed.estimate(
        books, bramley, [(goods["Shelf 900 × 400"], "50", "31.50", standard)],
        {"DetailType": "DiscountLineDetail", "DiscountLineDetail": five}, **accepted,
    )  # fmt: skip
    bays, fitting = (goods["Pallet racking bay 4L"], "24", "520.00"), (goods["Installation"], "8", "640.00")
    text = {"DetailType": "DescriptionOnly", "Description": "Fitting at the weekend on request."}
    seed.estimate(books, bramley, [(*bays, standard), (*fitting, standard)], text, days=45)
    seed.estimate(books, moss, [(goods["Site survey"], "1", "190.00", standard)], TxnStatus="Rejected")
    seed.estimate(books, moss, [(goods["Delivery"], "1", "85.00", standard)], TxnStatus="Closed")
