"""Birchline Furniture in Pipedrive: the Canadian company, which sells to provinces with taxes of their own."""

from __future__ import annotations

from ..pipedrive.company import Company
from .pipedrive_builder import Builder, Details, Line, address

PLACE = ("en-CA", "en_CA", "America/Toronto")


def company(number: int, domain: str) -> Company:
    return Company(
        number, domain, "Birchline Furniture", "CA", "Furniture", "CAD", "growth", contact_sync=True, seed="ca"
    )


def fill(build: Builder) -> None:
    build.user(1, "Simone Tremblay", "simone@birchline.example", admin=True, group="sales", place=PLACE)
    french = ("fr-CA", "fr_CA", "America/Toronto")
    build.user(2, "Étienne Roy", "etienne@birchline.example", admin=False, group="sales", place=french)
    build.pipeline("Sales", ("Inquiry", "Drawing sent", "Quoted", "Agreed"))
    build.currencies(
        ("CAD", "Canadian Dollar", "CA$", 2, False),
        ("USD", "US Dollar", "$", 2, False),
        ("JPY", "Japanese Yen", "¥", 0, False),
    )
    number = build.custom("organization", "GST/HST number", "varchar")
    billing = build.custom("organization", "Billing e-mail", "varchar")
    order = build.custom("deal", "PO number", "varchar")
    chair = build.product("Lobby armchair", "640", "ARM-LOB", "pc", "13")
    table = build.product("Oak table, 180 cm", "1280", "TBL-OAK-180", "pc", "13")
    terrace = build.product("Terrace chair", "94.50", "CH-TER", "pc", "13")
    shelf = build.product("Shelf unit", "329.99", "SHELF-U", "pc", "13")
    delivery = build.product("Delivery and assembly", "85", "DELIV", "visit", "13")
    signs = build.product("Braille signs", "42", "BRAILLE", "pc", "0")
    bay = address(
        "17 Harbour St, Thunder Bay, ON P7B 5Z7, Canada", street_number="17", route="Harbour Street",
        locality="Thunder Bay", admin_area_level_1="Ontario", country="Canada", postal_code="P7B 5Z7",
    )  # fmt: skip
    lakehead = build.organization(
        "Lakehead Hotels Ltd", bay, {number: "842910573 RT0001", billing: "ap@lakeheadhotels.example"}
    )
    anna = build.person("Anna Kowalchuk", lakehead, ["anna@lakeheadhotels.example"], ["+1 807-555-0176"])
    lobby = build.deal(
        "Lakehead Hotels – lobby",
        lakehead,
        anna,
        [
            Line(chair, "12", discount="5"),
            Line(table, "2", discount="100", discount_type="amount"),
            Line(signs, "9"),
            Line(delivery),
        ],
        Details(stage=4, custom={order: "LH-2291"}),
    )
    build.discount(lobby, "percentage", "2.5", "Early order")
    denis = address(
        "4012 Rue Saint-Denis, Montréal, QC H2W 2M4, Canada", street_number="4012", route="Rue Saint-Denis",
        locality="Montréal", admin_area_level_1="Québec", country="Canada", postal_code="H2W 2M4",
    )  # fmt: skip
    eclair = build.organization("Café Éclair inc.", denis, {number: "806377415 RT0001"})
    chantal = build.person("Chantal Bélanger", eclair, ["chantal@cafeeclair.example"], ["+1 514-555-0139"])
    build.deal(
        "Café Éclair – terrasse d’été",
        eclair,
        chantal,
        [Line(terrace, "37", tax="14.975"), Line(delivery, tax="14.975")],
        Details(stage=3, owner=2),
    )
    pender = address(
        "1200 W Pender St, Vancouver, BC V6E 2S8, Canada", street_number="1200", route="West Pender Street",
        locality="Vancouver", admin_area_level_1="British Columbia", country="Canada", postal_code="V6E 2S8",
    )  # fmt: skip
    crest = build.organization("Pacific Crest Clinics", pender)
    mei = build.person("Mei Chan", crest, ["mei@pacificcrest.example"])
    build.deal(
        "Pacific Crest – waiting rooms",
        crest,
        mei,
        [Line(chair, "7", tax="12"), Line(shelf, "3", tax="12", discount="7.5")],
        Details(stage=3),
    )
    detroit = address(
        "300 Michigan Ave, Detroit, MI 48226, USA", street_number="300", route="Michigan Avenue", locality="Detroit",
        admin_area_level_1="Michigan", country="United States", postal_code="48226",
    )  # fmt: skip
    lakes = build.organization("Great Lakes Outfitters", detroit)
    bill = build.person("Bill Sorensen", lakes, ["bill@greatlakes.example"])
    build.deal(
        "Great Lakes Outfitters – store fixtures",
        lakes,
        bill,
        [Line(shelf, "10", "239", tax="0"), Line(delivery, "1", "60", tax="0")],
        Details(stage=4, currency="USD"),
    )
    calgary = address(
        "410 9 Ave SW, Calgary, AB T2P 1K1, Canada", street_number="410", route="9 Avenue Southwest",
        locality="Calgary", admin_area_level_1="Alberta", country="Canada", postal_code="T2P 1K1",
    )  # fmt: skip
    wind = build.organization("Prairie Wind Energy Ltd", calgary, {number: "731554209 RT0001"})
    raj = build.person("Raj Dhillon", wind, ["raj@prairiewind.example"])
    build.deal(
        "Prairie Wind – meeting room", wind, raj, [Line(table, tax="5"), Line(chair, "8", tax="5")], Details(stage=2)
    )
    home = address(
        "61 Rue Principale, Sherbrooke, QC J1H 1A1, Canada", street_number="61", route="Rue Principale",
        locality="Sherbrooke", admin_area_level_1="Québec", country="Canada", postal_code="J1H 1A1",
    )  # fmt: skip
    olivier = build.person("Olivier Gagné", None, ["olivier@gagne.example"], postal_address=home, owner=2)
    build.deal(
        "Olivier Gagné – bibliothèque",
        None,
        olivier,
        [Line(shelf, "4", "379.41", tax="14.975"), Line(delivery, "1", "97.73", tax="14.975")],
        Details(stage=2, owner=2, tax_method="inclusive"),
    )
    library = build.organization("Hamilton Public Library", None)
    joel = build.person("Joel Sato", library, ["joel@hpl.example"])
    build.deal(
        "Hamilton Library – branches in four provinces",
        library,
        joel,
        [
            Line(terrace, "11", "33.33", tax="13"),
            Line(shelf, "3", "10.01", tax="14.975"),
            Line(terrace, "7", "0.99", tax="12"),
            Line(signs, "5"),
            Line(delivery, "1", "19.99", tax="5"),
        ],
        Details(stage=1),
    )
