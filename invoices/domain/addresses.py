"""Postal addresses: from Pipedrive's parts or free text to the lines and members that QuickBooks keeps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import takewhile

from invoices.domain.deal import Address

MOST_LINES = 5
LONGEST_LINE, LONGEST_PLACE, LONGEST_POSTAL_CODE = 500, 255, 30

US_STATES = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA",
    "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY",
    "louisiana": "LA",
    "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI", "minnesota": "MN", "mississippi": "MS",
    "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV", "new hampshire": "NH", "new jersey": "NJ",
    "new mexico": "NM", "new york": "NY", "north carolina": "NC", "north dakota": "ND", "ohio": "OH", "oklahoma": "OK",
    "oregon": "OR", "pennsylvania": "PA", "puerto rico": "PR", "rhode island": "RI", "south carolina": "SC",
    "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT", "virginia": "VA",
    "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
}  # fmt: skip
AUSTRALIAN_STATES = {
    "australian capital territory": "ACT", "new south wales": "NSW", "northern territory": "NT", "queensland": "QLD",
    "south australia": "SA", "tasmania": "TAS", "victoria": "VIC", "western australia": "WA",
}  # fmt: skip
CANADIAN_PROVINCES = {
    "alberta": "AB", "british columbia": "BC", "colombie-britannique": "BC", "manitoba": "MB", "new brunswick": "NB",
    "nouveau-brunswick": "NB", "newfoundland and labrador": "NL", "terre-neuve-et-labrador": "NL",
    "northwest territories": "NT", "territoires du nord-ouest": "NT", "nova scotia": "NS", "nouvelle-écosse": "NS",
    "nunavut": "NU", "ontario": "ON", "prince edward island": "PE", "île-du-prince-édouard": "PE", "quebec": "QC",
    "québec": "QC", "saskatchewan": "SK", "yukon": "YT",
}  # fmt: skip
STATES = {
    "united states": US_STATES, "united states of america": US_STATES, "usa": US_STATES, "us": US_STATES,
    "australia": AUSTRALIAN_STATES, "aus": AUSTRALIAN_STATES, "au": AUSTRALIAN_STATES,
    "canada": CANADIAN_PROVINCES, "can": CANADIAN_PROVINCES, "ca": CANADIAN_PROVINCES,
}  # fmt: skip


def address_from_parts(parts: Mapping[str, object]) -> Address:
    """Pipedrive's address object; every part may be missing. Without parts the text alone remains."""
    text = _part(parts, "value") or _part(parts, "formatted_address")
    number, route = _part(parts, "street_number"), _part(parts, "route")
    country = _part(parts, "country")
    region = _part(parts, "admin_area_level_1")
    city = _part(parts, "locality") or _part(parts, "sublocality")
    if not (route or city or _part(parts, "postal_code")):
        return Address(text=text)
    return Address(
        text=text,
        line1=_street(number, route, text) or _before_the_place(text, parts),
        line2=", ".join(part for part in (_part(parts, "subpremise"), _district(parts, text)) if part),
        city=city,
        region=STATES.get(country.casefold(), {}).get(region.casefold(), region),
        postal_code=_part(parts, "postal_code"),
        country=country,
    )


def address_lines(address: Address) -> list[str]:
    """What goes before the town: the street and its addition, or all of a free text, cut into at most five lines."""
    if address.line1 or address.city or address.postal_code:
        return [line[:LONGEST_LINE] for line in (address.line1, address.line2) if line]
    lines = [" ".join(line.split()) for line in address.text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], ", ".join(lines[MOST_LINES - 1 :])]
    return [line[:LONGEST_LINE] for line in lines]


def same_place(address: Address, lines: Iterable[str], postal_code: str) -> bool:
    """Whether street and postal code are the same, without regard to case, blanks and punctuation.

    Of an address that is one free text, both have to stand in it.
    """
    code, wanted = _letters(postal_code), [_letters(line) for line in lines]
    if not code:
        return False
    if address.postal_code:
        return _letters(address.postal_code) == code and _letters(address.line1) in [line for line in wanted if line]
    words = f" {_words(address.text)} "
    streets = [_words(line) for line in lines]
    return f" {_words(postal_code)} " in words and any(f" {street} " in words for street in streets if street)


def _letters(text: str) -> str:
    return _words(text).replace(" ", "")


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _street(number: str, route: str, text: str) -> str:
    """House number before or after the street as the whole text has it; before it when the text does not tell.

    The text may have the street's name shorter ("C. de Alcalá, 45"), and a comma between.
    """
    if not number or not route:
        return route or number
    words, first = _words(text).split(), _words(number).partition(" ")[0]
    before = words[words.index(first) - 1] if first in words[1:] and words[0] != first else ""
    if len(before) > 1 and any(word.startswith(before) for word in _words(route).split()):
        return f"{route}, {number}" if f", {number}" in text else f"{route} {number}"
    return f"{number} {route}"


def _district(parts: Mapping[str, object], text: str) -> str:
    """The part of a town that letters need in Brazil, India or Japan: there the whole text has it."""
    town, district = _part(parts, "locality"), _part(parts, "sublocality")
    needed = town and _words(district) != _words(town) and f" {_words(district)} " in f" {_words(text)} "
    return district if needed else ""


def _before_the_place(text: str, parts: Mapping[str, object]) -> str:
    """What the whole text has before the town of an address without a street: a post box, a building."""
    names = ("locality", "sublocality", "admin_area_level_2", "admin_area_level_1", "postal_code", "country")
    places = [f" {_words(_part(parts, name))} " for name in names if _part(parts, name)]
    pieces = [piece.strip() for piece in re.split(r"[,\n]", text)]
    before = takewhile(lambda piece: not any(place in f" {_words(piece)} " for place in places), pieces)
    return ", ".join(piece for piece in before if piece and piece != _part(parts, "subpremise"))


def _part(parts: Mapping[str, object], name: str) -> str:
    value = parts.get(name)
    return str(value).strip() if value not in (None, "") else ""
