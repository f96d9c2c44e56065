"""Harbour & Pine in Pipedrive: the British company, with everything that is awkward."""

from __future__ import annotations

from dataclasses import dataclass

from ..pipedrive.company import OWNER_GROUP, Company
from .pipedrive_builder import Builder, Details, Line, address

PLACE = ("en-GB", "en_GB", "Europe/London")
QUOTE = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PICTURE = b"\x89PNG\r\n\x1a\n"
LONG_NAME = (
    "The Worshipful Society of Independent Warehouse Keepers, Shelf Builders, Pallet Makers, Cold Store Operators and "
    "Allied Trades of the Counties of Yorkshire, Lancashire, Derbyshire, Nottinghamshire and Lincolnshire (Northern "
    "Branch, Purchasing Department)"
)


@dataclass(frozen=True)
class Fields:
    """Codes of the custom fields."""

    vat: str
    billing: str
    segment: str
    purchase_order: str
    priority: str
    deposit: str
    delivery: str
    invoice: str
    invoice_status: str
    channels: str
    period: str
    role: str


def company(number: int, domain: str) -> Company:
    return Company(number, domain, "Harbour & Pine", "GB", "Wholesale", "GBP", "growth", contact_sync=False, seed="gb")


def fill(build: Builder) -> None:
    build.user(1, "Priya Nair", "priya@harbourpine.example", admin=True, group="sales", place=PLACE)
    build.user(2, "Tom Hale", "tom@harbourpine.example", admin=False, group="sales", place=PLACE)
    build.user(3, "Ewa Nowak", "ewa@harbourpine.example", admin=False, group="service", place=PLACE)
    build.pipeline("Sales", ("Qualified", "Site visit", "Quote sent", "Order confirmed", "Delivered"))
    build.pipeline("Service contracts", ("New", "Offered", "Running"))
    build.currencies(
        ("GBP", "Pound Sterling", "£", 2, False),
        ("EUR", "Euro", "€", 2, False),
        ("USD", "US Dollar", "$", 2, False),
        ("JPY", "Japanese Yen", "¥", 0, False),
        ("HPP", "Harbour points", "HPP", 0, True),
    )
    fields = custom_fields(build)
    products = catalogue(build)
    bramley(build, fields, products)
    customers(build, fields, products)
    names(build, products)
    special(build, fields, products)


def custom_fields(build: Builder) -> Fields:
    return Fields(
        vat=build.custom("organization", "VAT no.", "varchar"),
        billing=build.custom("organization", "Billing e-mail", "varchar"),
        segment=build.custom("organization", "Segment", "enum", ("Food", "Retail", "Health", "Public")),
        purchase_order=build.custom("deal", "Customer PO", "varchar", description="The customer's own order number"),
        priority=build.custom("deal", "Priority", "enum", ("Low", "Normal", "High")),
        deposit=build.custom("deal", "Deposit", "monetary"),
        delivery=build.custom("deal", "Delivery address", "address"),
        invoice=build.custom("deal", "Invoice numbers", "varchar"),
        invoice_status=build.custom("deal", "Invoice status", "varchar"),
        channels=build.custom("deal", "Came through", "set", ("Trade fair", "Website", "Existing customer")),
        period=build.custom("deal", "Work period", "daterange"),
        role=build.custom("person", "Role", "enum", ("Buyer", "Accounts", "Director")),
    )


def catalogue(build: Builder) -> dict[str, int]:
    """Products by a short name. Codes match QuickBooks' SKUs where the name alone would not."""
    return {
        "rack": build.product("Pallet racking bay, 4 levels", "520", "RACK-4L", "bay", "20"),
        "rack3": build.product("Pallet racking bay, 3 levels", "430", "RACK-3L", "bay", "20"),
        "fitting": build.product("On-site installation, day rate", "640", "", "day", "20"),
        "inspection": build.product("Safety inspection and certificate", "852", "", "", "20"),
        "manual": build.product("Printed safety manuals", "15", "", "pc", "0"),
        "shelf": build.product("Shelf 900 × 400", "31.50", "SHELF-94", "pc", "20"),
        "bolt": build.product("Floor bolt M12", "0.85", "BOLT-M12", "pc", "20"),
        "cable": build.product("Power cable, per metre", "4.375", "CAB-M", "m", "20"),
        "heat": build.product("Heating for the site office", "120", "HEAT", "week", "5"),
        "training": build.product("Forklift training (exempt)", "275", "TRAIN", "person", "0"),
        "plan": build.product("Inspection plan", "95", "PLAN-M", "month", "20", billing="monthly"),
        "design": build.product("Warehouse design", "1250", "DESIGN", "", "20"),
    }


def bramley(build: Builder, fields: Fields, products: dict[str, int]) -> None:
    """The customer of the design's pictures, with three deals."""
    food = build.option("organization", fields.segment, "Food")
    where = address(
        "Unit 3, Aire Park, Leeds LS11 5PS, United Kingdom", subpremise="Unit 3", route="Aire Park", locality="Leeds",
        admin_area_level_1="England", admin_area_level_2="West Yorkshire",
        country="United Kingdom", postal_code="LS11 5PS",
    )  # fmt: skip
    custom = {fields.vat: "GB 428 173 846", fields.billing: "accounts@bramleyfoods.co.uk", fields.segment: food}
    bramley = build.organization("Bramley Foods Limited", where, custom, website="https://bramleyfoods.co.uk")
    buyer = {fields.role: build.option("person", fields.role, "Buyer")}
    alice = build.person(
        "Alice Whitcombe", bramley, ["alice.whitcombe@bramleyfoods.co.uk"], ["+44 113 496 0123"], buyer
    )
    phase2 = build.deal(
        "Bramley Foods – warehouse racking, phase 2",
        bramley,
        alice,
        [
            Line(products["rack"], "12", discount="5"),
            Line(products["fitting"], "3"),
            Line(products["inspection"]),
            Line(products["manual"], "20"),
        ],
        Details(
            stage=4,
            age=45,
            custom={
                fields.purchase_order: "BF-2026-0871",
                fields.priority: build.option("deal", fields.priority, "High"),
                fields.channels: [build.option("deal", fields.channels, "Existing customer")],
                fields.deposit: {"value": 4800, "currency": "GBP"},
                fields.period: {"value": "2026-11-30", "until": "2026-12-04"},
            },
        ),
        value="24000",
    )
    build.activity(phase2, "Site survey, Aire Park", "meeting", days_ago=26, who="done by Tom Hale")
    build.activity(phase2, "Delivery slot for week 49", "email", days_ago=6, who="Alice Whitcombe")
    build.file(phase2, "Quote BF phase 2.pdf", QUOTE, days_ago=25)
    build.file(phase2, "Signed order BF-2026-0871.pdf", QUOTE + b" signed", days_ago=8, owner=2)
    build.deal("Spare shelves, Hull", bramley, alice, [Line(products["shelf"], "50")], Details(stage=5, owner=2))
    yearly = build.deal(
        "Bramley Foods – annual maintenance",
        bramley,
        alice,
        [Line(products["inspection"], "4"), Line(products["fitting"], "2")],
        Details(stage=4, owner=2),
    )
    for number, days in enumerate((-5, 85, 175, 265), start=1):
        build.installment(yearly, "1172", days, f"Quarter {number}")


def customers(build: Builder, fields: Fields, products: dict[str, int]) -> None:
    """Ordinary customers, each with one difficulty."""
    york = address(
        "12 Stonegate, York YO1 8AS, United Kingdom", street_number="12", route="Stonegate", locality="York",
        country="United Kingdom", postal_code="YO1 8AS",
    )  # fmt: skip
    moss = build.organization("Moss & Co", york, {fields.vat: "GB 731 402 118"}, owner=2)
    oliver = build.person("Oliver Moss", moss, ["oliver@mossandco.example"], owner=2)
    build.deal("Moss & Co – shop refit, survey", moss, oliver, details=Details(stage=2, owner=2), value="3450")
    health = {
        fields.segment: build.option("organization", fields.segment, "Health"),
        fields.billing: "hannah@northgate.example",
    }
    leeds = address(
        "88 North Street, Leeds LS2 7PN, United Kingdom", street_number="88", route="North Street", locality="Leeds",
        country="United Kingdom", postal_code="LS2 7PN",
    )  # fmt: skip
    northgate = build.organization("Northgate Dental Practice", leeds, health)
    hannah = build.person("Dr Hannah Patel", northgate, ["hannah@northgate.example"], ["0113 496 0188"])
    seven = [
        Line(products["shelf"], "24"),
        Line(products["bolt"], "200", comments="Stainless,\nnot zinc"),
        Line(products["cable"], "37.5"),
        Line(products["heat"], "2"),
        Line(products["training"], "3"),
        Line(products["fitting"], "1.5"),
        Line(products["design"], "1", discount="10"),
    ]
    build.deal("Northgate Dental – storage fit-out", northgate, hannah, seven, Details(stage=3))
    depot = [
        Line(
            products[("shelf", "bolt", "rack", "rack3", "cable")[number % 5]],
            str(1 + number % 7),
            name=f"Position {number:03d}: {('shelf', 'bolts', 'racking bay', 'low racking bay', 'cable')[number % 5]}",
            discount="2.5" if number % 10 == 0 else "0",
        )
        for number in range(1, 121)
    ]
    build.deal("Regional depot – full kit list", moss, oliver, depot, Details(stage=3, owner=2))
    cologne = address(
        "Venloer Straße 310, 50823 Köln, Deutschland", street_number="310", route="Venloer Straße", locality="Köln",
        admin_area_level_1="Nordrhein-Westfalen", country="Deutschland", postal_code="50823",
    )  # fmt: skip
    rheingold = build.organization("Rheingold Küchen GmbH", cologne, {fields.vat: "DE 811 907 980"})
    juergen = build.person("Jürgen Groß", rheingold, ["j.gross@rheingold.example"], ["+49 221 4960 123"])
    euro = [Line(products["rack"], "4", "610", tax="0"), Line(products["cable"], "12.25", "5.10", tax="0")]
    build.deal("Rheingold – Küchenlager Köln", rheingold, juergen, euro, Details(stage=4, currency="EUR"))
    boston = address(
        "40 Harbor Way, Boston, MA 02210, USA", street_number="40", route="Harbor Way", locality="Boston",
        admin_area_level_1="Massachusetts", country="United States", postal_code="02210",
    )  # fmt: skip
    pelican = build.organization("Pelican Export Inc", boston)
    marge = build.person("Marge Dillon", pelican, ["marge@pelican.example"])
    dollars = [Line(products["design"], "2", "1600", tax="0", comments="Export, outside the scope of VAT")]
    build.deal("Pelican – layout for Boston", pelican, marge, dollars, Details(stage=4, currency="USD"))
    hall = build.organization(
        "Fenwick Village Hall", None, {fields.segment: build.option("organization", fields.segment, "Public")}
    )
    graham = build.person("Graham Pike", hall, (), ["01904 496 0155"])
    build.deal("Fenwick Village Hall – one rack", hall, graham, [Line(products["rack3"])], Details(stage=4))
    eleanor = build.person("Eleanor Finch", None, ["old@finch.example", "eleanor@finch.example"], primary=1)
    build.deal("Eleanor Finch – garage shelves", None, eleanor, [Line(products["shelf"], "6")], Details(stage=4))


def names(build: Builder, products: dict[str, int]) -> None:
    """Names that break careless programs."""
    rows = (
        (
            "<b>O'Brien & Sons</b>",
            "Siobhán O'Brien",
            "siobhan@obrien.example",
            '<b>O\'Brien & Sons</b> – "quoted" racking',
        ),
        ("مؤسسة النخيل للتجارة", "ليلى حداد", "layla@nakheel.example", "رفوف المستودع – المرحلة ١"),
        ("גלריה כרמל בע״מ", "נועה לוי", "noa@carmel.example", "מדפים לגלריה"),
        ("SIA Šķēle un Ķirsis", "Jānis Kalniņš", "janis@skele.example", "Šķēle un Ķirsis – noliktavas plaukti"),
        ("Sunny Side ☀️ Café 🍳", "Zoë Marsh", "zoe@sunnyside.example", "🍳 Kitchen shelves 👩‍🍳 for Sunny Side"),
        ("Atlas: Trade Counter", "Ray Attwood", "ray@atlas.example", "Atlas: Trade Counter – racking"),
        (
            LONG_NAME,
            "Bartholomew Featherstonehaugh-Cholmondeley",
            "b.f@society.example",
            "Shelves for the Society " + "x" * 200,
        ),
    )
    for organization, person, email, title in rows:
        where = address("1 Test Street, Leeds LS1 4AP", route="Test Street", street_number="1", locality="Leeds")
        org_id = build.organization(organization, where, owner=2)
        person_id = build.person(person, org_id, [email], owner=2)
        build.deal(title, org_id, person_id, [Line(products["shelf"], "3")], Details(stage=2, owner=2))


def special(build: Builder, fields: Fields, products: dict[str, int]) -> None:
    """Discounts, recurring lines, hidden, closed and uninvoiceable deals."""
    moss = next(number for number, found in build.company.organizations.items() if found["name"] == "Moss & Co")
    oliver = next(number for number, found in build.company.persons.items() if found["name"] == "Oliver Moss")
    tricky = build.deal(
        "Moss & Co – discounts and odd quantities",
        moss,
        oliver,
        [
            Line(products["cable"], "0.333"),
            Line(products["rack"], "3", discount="12.5"),
            Line(products["shelf"], "7", discount="20", discount_type="amount"),
            Line(products["bolt"], "1000", "0.0375"),
            Line(products["inspection"], enabled=False),
        ],
        Details(stage=4, owner=2),
    )
    build.discount(tricky, "percentage", "5", "Loyal customer")
    build.discount(tricky, "amount", "15.50", "Returned pallets")
    build.file(tricky, "Floor plan Aire Park.PNG", PICTURE, days_ago=20, owner=2, size=845_000)
    build.file(tricky, "Site survey.mp4", b"\0", days_ago=26, owner=2, size=64_000_000)
    build.file(tricky, "Racking drawings.pdf", QUOTE, days_ago=24, size=26_500_000)
    build.file(tricky, "Shared calculation.xlsx", b"", days_ago=22, where="googledrive")
    recurring = [Line(products["plan"], billing="monthly", cycles=12), Line(products["inspection"])]
    build.deal("Moss & Co – inspection plan", moss, oliver, recurring, Details(stage=8, owner=2))
    secret = build.organization("Albion Land Holdings plc", None, owner=1, visible_to=OWNER_GROUP)
    hidden = Details(stage=1, visible_to=OWNER_GROUP)
    build.deal("Confidential – site acquisition", secret, None, [Line(products["design"], "4")], hidden)
    won = {fields.purchase_order: "MC-77"}
    details = Details(stage=5, owner=2, status="won", custom=won, closes_in=None)
    build.deal("Moss & Co – mezzanine", moss, oliver, [Line(products["rack3"], "9")], details)
    build.deal("Moss & Co – lost to a rival", moss, oliver, [Line(products["rack"])], Details(status="lost", owner=2))
    points = Details(stage=1, owner=2, currency="HPP")
    build.deal("Moss & Co – paid in Harbour points", moss, oliver, [Line(products["shelf"], "2", "100")], points)
