"""Cedar Lane Supply in Pipedrive: the American company, where QuickBooks computes the sales tax."""

from __future__ import annotations

from ..pipedrive.company import Company
from .pipedrive_builder import Builder, Details, Line, address

PLACE = ("en-US", "en_US", "America/Chicago")


def company(number: int, domain: str) -> Company:
    return Company(
        number, domain, "Cedar Lane Supply", "US", "Medical equipment", "USD", "premium", contact_sync=False, seed="us"
    )


def fill(build: Builder) -> None:
    build.user(1, "Dana Whitfield", "dana@cedarlane.example", admin=True, group="sales", place=PLACE)
    build.user(
        2,
        "Luis Romero",
        "luis@cedarlane.example",
        admin=False,
        group="sales",
        place=("es-US", "es_US", "America/Denver"),
    )
    build.pipeline("Pipeline", ("Lead in", "Demo scheduled", "Proposal made", "Negotiations started"))
    build.currencies(("USD", "US Dollar", "$", 2, False), ("CAD", "Canadian Dollar", "CA$", 2, False))
    resale = build.custom("organization", "Resale certificate", "varchar")
    billing = build.custom("organization", "Billing email", "varchar")
    order = build.custom("deal", "P.O. number", "varchar")
    ship_to = build.custom("deal", "Ship to", "address")
    scanner = build.product("Intraoral scanner, model X2", "2950", "IOS-X2", "ea")
    kit = build.product("Calibration kit", "180", "", "ea")
    training = build.product("Staff training, half day", "600", "", "session")
    warranty = build.product("Extended warranty, 3 years", "420", "WAR-36", "ea")
    gloves = build.product("Nitrile gloves, box of 100", "14.99", "GLV-100", "box")
    tacoma = address(
        "2210 Pacific Ave, Suite 400, Tacoma, WA 98402, USA", street_number="2210",
        route="Pacific Avenue", subpremise="Suite 400",
        locality="Tacoma", admin_area_level_1="Washington", admin_area_level_2="Pierce County", country="United States",
        postal_code="98402",
    )  # fmt: skip
    lakeview = build.organization("Lakeview Dental Group", tacoma, {billing: "billing@lakeviewdental.com"})
    maria = build.person("Maria Ortega", lakeview, ["m.ortega@lakeviewdental.com"], ["+1 253-555-0142"])
    commerce = address(
        "870 Commerce St, Tacoma, WA 98402, USA", street_number="870", route="Commerce Street", locality="Tacoma",
        admin_area_level_1="Washington", country="United States", postal_code="98402",
    )  # fmt: skip
    scanners = build.deal(
        "Lakeview Dental – scanners for two rooms",
        lakeview,
        maria,
        [
            Line(scanner, "2"),
            Line(kit, "2", discount="20", discount_type="amount"),
            Line(training),
            Line(warranty, "2"),
        ],
        Details(stage=4, custom={order: "44-1180", ship_to: commerce}),
    )
    build.discount(scanners, "percentage", "5", "Launch offer")
    chicago = address(
        "415 W Lake St, Chicago, IL 60606, USA", street_number="415", route="West Lake Street", locality="Chicago",
        admin_area_level_1="Illinois", country="United States", postal_code="60606",
    )  # fmt: skip
    prairie = build.organization("Prairie Family Clinic", chicago, {billing: "ap@prairieclinic.example"})
    ed = build.person("Ed Novak", prairie, ["ed@prairieclinic.example"], ["+1 312-555-0117"])
    build.deal("Prairie Family Clinic – gloves", prairie, ed, [Line(gloves, "40")], Details(stage=3, owner=2))
    portland = address(
        "3131 SE Hawthorne Blvd, Portland, OR 97214, USA", street_number="3131", route="Southeast Hawthorne Boulevard",
        locality="Portland", admin_area_level_1="Oregon", country="United States", postal_code="97214",
    )  # fmt: skip
    school = build.organization("Hawthorne School District", portland, {resale: "OR-EX-5521"})
    joan = build.person("Joan Ferris", school, ["joan@hawthorneschools.example"])
    build.deal("Hawthorne schools – tax free state", school, joan, [Line(gloves, "12"), Line(kit)], Details(stage=3))
    build.deal("Walk-in: no lines yet", None, joan, details=Details(stage=1, owner=2), value="950")
