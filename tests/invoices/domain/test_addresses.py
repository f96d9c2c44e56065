"""Addresses: Pipedrive's parts or free text become lines and members."""

import pytest

from invoices.domain.addresses import address_from_parts, address_lines
from invoices.domain.deal import Address


def test_parts_become_an_address():
    parts = {
        "value": "Unit 3, Aire Park, Leeds LS11 5PS, United Kingdom",
        "street_number": None,
        "route": "Aire Park",
        "subpremise": "Unit 3",
        "locality": "Leeds",
        "admin_area_level_1": "England",
        "country": "United Kingdom",
        "postal_code": "LS11 5PS",
    }
    found = address_from_parts(parts)
    assert (found.line1, found.line2, found.city) == ("Aire Park", "Unit 3", "Leeds")
    assert (found.region, found.postal_code, found.country) == ("England", "LS11 5PS", "United Kingdom")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 Stonegate, York", "12 Stonegate"),
        ("Stonegate 12, York", "Stonegate 12"),
        ("something else", "12 Stonegate"),
    ],
)
def test_the_house_number_stands_where_the_text_has_it(text, expected):
    assert address_from_parts({"value": text, "street_number": "12", "route": "Stonegate"}).line1 == expected


@pytest.mark.parametrize(
    ("text", "number", "route", "expected"),
    [
        ("Rua Augusta, 1500 - Consolação, São Paulo", "1500", "Rua Augusta", "Rua Augusta, 1500"),
        ("C. de Alcalá, 45, 28014 Madrid", "45", "Calle de Alcalá", "Calle de Alcalá, 45"),
        ("Friedrichstr. 43a, 10117 Berlin", "43a", "Friedrichstraße", "Friedrichstraße 43a"),
        ("Via Roma 12/B, 20121 Milano", "12/B", "Via Roma", "Via Roma 12/B"),
        ("Flat 2, 12 High St, Leeds", "12", "High Street", "12 High Street"),
        ("12 Highway 12, Baraboo, WI", "12", "Highway 12", "12 Highway 12"),
        ("12, rue de Rivoli, 75004 Paris", "12", "Rue de Rivoli", "12 Rue de Rivoli"),
    ],
)
def test_the_house_number_stays_behind_a_street_that_is_written_shorter_or_with_a_comma(text, number, route, expected):
    assert address_from_parts({"value": text, "street_number": number, "route": route}).line1 == expected


@pytest.mark.parametrize(
    ("text", "district", "town", "expected"),
    [
        ("Rua Augusta, 1500 - Consolação, São Paulo", "Consolação", "São Paulo", ["Rua Augusta, 1500", "Consolação"]),
        ("Rua Augusta, 1500, Berlin", "Mitte", "Berlin", ["Rua Augusta, 1500"]),  # a district that nobody writes
        ("Rua Augusta, 1500, Santos", "Santos", "Santos", ["Rua Augusta, 1500"]),
        ("Rua Augusta, 1500, Santos", "Santos", "", ["Rua Augusta, 1500"]),  # it stands for the town
    ],
)
def test_the_district_of_a_town_is_kept_where_the_whole_address_has_it(text, district, town, expected):
    parts = {"value": text, "street_number": "1500", "route": "Rua Augusta", "sublocality": district, "locality": town}
    assert address_lines(address_from_parts(parts)) == expected


@pytest.mark.parametrize(
    ("country", "region", "expected"),
    [
        ("United States", "Illinois", "IL"),
        ("Australia", "New South Wales", "NSW"),
        ("United Kingdom", "England", "England"),
        ("United States", "IL", "IL"),
        ("Canada", "Colombie-Britannique", "BC"),
    ],
)
def test_states_are_written_as_the_country_does(country, region, expected):
    parts = {"locality": "X", "admin_area_level_1": region, "country": country}
    assert address_from_parts(parts).region == expected


def test_without_parts_the_text_remains():
    found = address_from_parts({"value": "Dock 4\nHull", "route": None})
    assert found == Address(text="Dock 4\nHull")
    assert address_lines(found) == ["Dock 4", "Hull"]


def test_a_long_free_text_is_put_into_five_lines():
    lines = address_lines(Address(text="\n".join(str(number) for number in range(1, 9))))
    assert lines == ["1", "2", "3", "4", "5, 6, 7, 8"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PO Box 12, London NW1 6XE, United Kingdom", ["PO Box 12"]),
        ("Tower 2, Harbour Park, London, UK", ["Harbour Park", "Tower 2"]),
        ("London NW1 6XE, UK", []),
        ("", []),
    ],
)
def test_what_stands_before_the_town_is_kept_where_no_street_is_known(text, expected):
    parts = {"value": text, "locality": "London", "country": "United Kingdom"}
    parts |= {"subpremise": "Tower 2"} if "Tower" in text else {}
    assert address_lines(address_from_parts(parts)) == expected
