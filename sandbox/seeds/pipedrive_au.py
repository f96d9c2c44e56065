"""Coral Bay Tours in Pipedrive: the Australian company, whose prices include GST."""

from __future__ import annotations

from ..pipedrive.company import Company
from .pipedrive_builder import Builder, Details, Line, address

PLACE = ("en-AU", "en_AU", "Australia/Sydney")


def company(number: int, domain: str) -> Company:
    return Company(number, domain, "Coral Bay Tours", "AU", "Travel", "AUD", "lite", contact_sync=True, seed="au")


def fill(build: Builder) -> None:
    build.user(1, "Matilda Brooks", "matilda@coralbay.example", admin=True, group="office", place=PLACE)
    build.user(
        2,
        "Jack Nguyen",
        "jack@coralbay.example",
        admin=False,
        group="office",
        place=("en-AU", "en_AU", "Australia/Perth"),
    )
    build.pipeline("Bookings", ("Enquiry", "Quoted", "Deposit paid", "Travelled"))
    build.currencies(("AUD", "Australian Dollar", "$", 2, False), ("NZD", "New Zealand Dollar", "NZ$", 2, False))
    abn = build.custom("organization", "ABN", "varchar")
    reference = build.custom("deal", "Order reference", "varchar")
    reef = build.product("Reef day cruise", "264", "REEF-DAY", "guest", "10")
    snorkel = build.product("Snorkel hire", "27.50", "SNORKEL", "guest", "10")
    transfer = build.product("Airport transfer", "66", "TRANSFER", "trip", "10")
    levy = build.product("Marine park levy (GST free)", "7.50", "EMC", "guest", "0")
    cairns = address(
        "14 Abbott Street, Cairns City QLD 4870, Australia", street_number="14",
        route="Abbott Street", locality="Cairns City",
        admin_area_level_1="Queensland", country="Australia", postal_code="4870",
    )  # fmt: skip
    dive = build.organization("Northern Dive Club", cairns, {abn: "51 824 753 556"})
    ruby = build.person("Ruby Carmody", dive, ["ruby@northerndive.example"], ["+61 7 5550 1234"], postal_address=cairns)
    build.deal(
        "Northern Dive Club – Easter weekend",
        dive,
        ruby,
        [Line(reef, "18", discount="10"), Line(snorkel, "18"), Line(levy, "18"), Line(transfer, "2")],
        Details(stage=3, custom={reference: "NDC-EASTER"}, tax_method="inclusive"),
    )
    lane = address(
        "3/27 Hill St, Newtown NSW 2042, Australia", subpremise="3", street_number="27",
        route="Hill Street", locality="Newtown",
        admin_area_level_1="New South Wales", country="Australia", postal_code="2042",
    )  # fmt: skip
    family = build.person("Owen Tanaka", None, ["owen@tanaka.example"], postal_address=lane, owner=2)
    build.deal(
        "Tanaka family – reef cruise",
        None,
        family,
        [Line(reef, "4"), Line(levy, "4")],
        Details(stage=2, owner=2, tax_method="inclusive"),
    )
    school = build.organization("Pemberton Primary School", None, {abn: "83 914 571 673"})
    lead = build.person("Gail Osborne", school, ["gail@pemberton.example"])
    build.deal(
        "Pemberton school camp",
        school,
        lead,
        [Line(reef, "31.5"), Line(transfer, "1")],
        Details(stage=2, tax_method="inclusive"),
    )
