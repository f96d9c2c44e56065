"""What differs between a customer in QuickBooks and the deal, and what is left to write of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration_settings.country_words import country_code
from invoices.domain.customer_update import (
    AddressParts,
    Change,
    Comparison,
    CustomerField,
    CustomerRecord,
    EditedElsewhere,
    PartyDetails,
    Reason,
)
from invoices.domain.deal import Address

BRITISH = Comparison(keeps_tax_ids=True, country_of=country_code, tax_id_label="VAT number")
GERMAN = replace(BRITISH, keeps_tax_ids=False)
CANAL_ROAD = AddressParts("14 Canal Road", "Leeds", "", "LS11 5PS", "GBR")
BRAMLEY = CustomerRecord(
    "58", "3", "Bramley Foods Ltd", email="office@bramleyfoods.co.uk", address=CANAL_ROAD, tax_id="XXXXXX73846"
)
SAME = Address(line1="14 Canal Road", city="Leeds", postal_code="LS11 5PS", country="United Kingdom")
AIRE_PARK = Address(line1="Unit 3, Aire Park", city="Leeds", postal_code="LS11 5PS", country="United Kingdom")


def differences(wanted, record=BRAMLEY, books=BRITISH):
    return {found.field: found for found in books.differences(record, wanted)}


def written(wanted, where, record=BRAMLEY, books=BRITISH):
    return differences(wanted, record, books)[where].change.after


@pytest.mark.parametrize(
    "address",
    [Address(), Address(city="leeds"), Address(city="Leeds", country="UK"), replace(SAME, postal_code="")],
)
def test_what_pipedrive_does_not_say_is_never_taken_away(address):
    assert differences(PartyDetails(address=address)) == {}


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("4581 Finch St., Bayshore, CA 94326", "CA"),
        ("4581 Finch St., Bayshore, California 94326, USA", "CA"),
        ("4581 Finch St.\nBayshore CA 94326", "California"),
    ],
)
def test_an_address_in_one_line_is_the_same_with_its_state_in_it(text, state):
    bayshore = replace(BRAMLEY, address=AddressParts("4581 Finch St.", "Bayshore", state, "94326", "USA"))
    elsewhere = text.replace(" CA ", " NV ").replace("California", "Nevada")
    assert CustomerField.ADDRESS not in differences(PartyDetails(address=Address(text=text)), bayshore)
    assert CustomerField.ADDRESS in differences(PartyDetails(address=Address(text=elsewhere)), bayshore)


@pytest.mark.parametrize(
    "address",
    [
        SAME,
        replace(SAME, country=""),
        replace(SAME, country="GB"),
        replace(SAME, country="Vereinigtes Königreich"),
        replace(SAME, line1="14  canal road,", postal_code="ls115ps"),
        replace(SAME, region="England"),
        Address(text="14 Canal Road, Leeds LS11 5PS, UK"),
        Address(text="14 Canal Road\nLS11 5PS Leeds"),
    ],
)
def test_another_spelling_is_no_difference(address):
    assert differences(PartyDetails(address=address)) == {}


@pytest.mark.parametrize(
    "address",
    [
        AIRE_PARK,
        replace(SAME, line1="41 Canal Road"),
        replace(SAME, city="York"),
        replace(SAME, postal_code="LS11 5PT"),
        replace(SAME, country="Ireland"),
        replace(SAME, line2="Unit 3"),
    ],
)
def test_another_place_is_a_difference(address):
    (found,) = differences(PartyDetails(address=address)).values()
    assert (found.field, found.proposed, found.possible) == (CustomerField.ADDRESS, True, True)
    assert found.change.before == CANAL_ROAD.values


def test_an_address_in_one_piece_empties_town_and_postal_code_only_if_somebody_ticks_it():
    wanted = PartyDetails(address=Address(text="Unit 3, Aire Park, York YO1 7HH, UK"))
    (found,) = differences(wanted).values()
    assert (found.proposed, found.possible, found.reason) == (False, True, Reason.ONE_TEXT)
    as_text = replace(BRAMLEY, address=AddressParts("14 Canal Road, Leeds LS11 5PS"))
    (found,) = differences(wanted, as_text).values()
    assert (found.proposed, found.reason) == (True, Reason.NONE)


def test_the_country_keeps_its_spelling_when_it_is_the_same():
    assert written(PartyDetails(address=AIRE_PARK), CustomerField.ADDRESS) == (
        "Unit 3, Aire Park",
        "Leeds",
        "",
        "LS11 5PS",
        "GBR",
    )


def test_a_region_stays_with_its_town_and_goes_with_it():
    record = replace(BRAMLEY, address=replace(CANAL_ROAD, region="West Yorkshire"))
    assert written(PartyDetails(address=AIRE_PARK), CustomerField.ADDRESS, record)[2] == "West Yorkshire"
    moved = replace(AIRE_PARK, city="London")
    assert written(PartyDetails(address=moved), CustomerField.ADDRESS, record)[2] == ""


def test_a_part_of_the_kingdom_is_no_county():
    assert written(PartyDetails(address=replace(AIRE_PARK, region="England")), CustomerField.ADDRESS)[2] == ""


def test_american_states_are_known_by_name_and_letters():
    boston = replace(BRAMLEY, address=AddressParts("40 Harbor Way", "Boston", "MA", "02210", "USA"))
    wanted = Address(
        line1="40 Harbor Way", city="Boston", region="Massachusetts", postal_code="02210", country="United States"
    )
    assert differences(PartyDetails(address=wanted), boston) == {}
    assert differences(PartyDetails(address=replace(wanted, region="NY")), boston) != {}


@pytest.mark.parametrize("email", ["OFFICE@BramleyFoods.co.uk", " office@bramleyfoods.co.uk "])
def test_an_email_in_capitals_is_the_same(email):
    assert differences(PartyDetails(email=email)) == {}


def test_one_of_several_addresses_in_quickbooks_is_good_enough():
    record = replace(BRAMLEY, email="office@bramleyfoods.co.uk, ann@bramleyfoods.co.uk")
    assert differences(PartyDetails(email="ann@bramleyfoods.co.uk"), record) == {}
    assert written(PartyDetails(email="bo@bramleyfoods.co.uk"), CustomerField.EMAIL, record) == (
        "bo@bramleyfoods.co.uk",
    )


def test_several_addresses_are_written_together_and_are_there_when_all_of_them_are():
    wanted = PartyDetails(email="bo@bramleyfoods.co.uk, office@bramleyfoods.co.uk")
    found = differences(wanted)[CustomerField.EMAIL]
    assert (found.possible, found.change.after) == (True, (wanted.email,))
    assert BRITISH.left_to_write([found.change], BRAMLEY) == (found.change,)
    there = replace(BRAMLEY, email="Office@bramleyfoods.co.uk,bo@bramleyfoods.co.uk")
    assert BRITISH.left_to_write([found.change], there) == ()
    assert differences(wanted, there) == {}


def test_what_is_no_email_is_shown_and_never_written():
    found = differences(PartyDetails(email="accounts@bramley"))[CustomerField.EMAIL]
    assert (found.possible, found.reason) == (False, Reason.NOT_AN_EMAIL)


def test_a_tax_number_with_the_same_ending_is_kept_unless_somebody_asks():
    found = differences(PartyDetails(tax_id="GB 428 173 846"))[CustomerField.TAX_ID]
    assert (found.proposed, found.possible, found.reason) == (False, True, Reason.SAME_ENDING)


def test_a_tax_number_with_another_ending_is_proposed():
    found = differences(PartyDetails(tax_id="GB 428 173 847"))[CustomerField.TAX_ID]
    assert (found.proposed, found.change) == (
        True,
        Change(CustomerField.TAX_ID, ("XXXXXX73846",), ("GB 428 173 847",)),
    )
    assert differences(PartyDetails(tax_id="GB 428 173 846"), replace(BRAMLEY, tax_id=""))[
        CustomerField.TAX_ID
    ].proposed


@pytest.mark.parametrize("masked", ["XXXXXX99999", "•••••99999", "****99999"])
def test_a_masked_tax_number_is_never_offered_as_a_value(masked):
    found = differences(PartyDetails(tax_id=masked))[CustomerField.TAX_ID]
    assert (found.possible, found.reason) == (False, Reason.MASKED)


def test_without_a_field_for_it_the_tax_number_can_go_into_the_notes_if_somebody_asks():
    record = replace(BRAMLEY, notes="Pays late")
    (found,) = GERMAN.differences(record, PartyDetails(tax_id="DE 123 456 789"))
    assert (found.field, found.proposed, found.reason) == (CustomerField.NOTES, False, Reason.NO_FIELD)
    assert found.change.after == ("DE 123 456 789", "VAT number: DE 123 456 789")
    known = replace(record, notes="Pays late\nUSt-ID DE123456789")
    assert GERMAN.differences(known, PartyDetails(tax_id="DE 123 456 789")) == ()
    full = replace(record, notes="x" * 1990)
    (found,) = GERMAN.differences(full, PartyDetails(tax_id="DE 123 456 789"))
    assert (found.possible, found.reason) == (False, Reason.NOTES_FULL)


# What is left to write


def test_what_is_there_already_needs_no_write():
    wanted = PartyDetails(email="new@bramleyfoods.co.uk", address=AIRE_PARK, tax_id="GB 111 222 333")
    changes = [found.change for found in BRITISH.differences(BRAMLEY, wanted)]
    assert BRITISH.left_to_write(changes, BRAMLEY) == tuple(changes)
    done = replace(
        BRAMLEY,
        email="new@bramleyfoods.co.uk",
        address=AddressParts("Unit 3, Aire Park", "Leeds", "", "LS11 5PS", "GBR"),
        tax_id="XXXXXXXXX22333",
    )
    assert BRITISH.left_to_write(changes, done) == ()
    half = replace(BRAMLEY, email="new@bramleyfoods.co.uk")
    assert [change.field for change in BRITISH.left_to_write(changes, half)] == [
        CustomerField.ADDRESS,
        CustomerField.TAX_ID,
    ]


@pytest.mark.parametrize(
    "where, edit",
    [
        (CustomerField.EMAIL, {"email": "somebody@bramleyfoods.co.uk"}),
        (CustomerField.ADDRESS, {"address": replace(CANAL_ROAD, city="York")}),
        (CustomerField.TAX_ID, {"tax_id": "XXXXXX00000"}),
    ],
)
def test_what_nobody_saw_is_never_overwritten(where, edit):
    wanted = PartyDetails(email="new@bramleyfoods.co.uk", address=AIRE_PARK, tax_id="GB 111 222 333")
    change = differences(wanted)[where].change
    with pytest.raises(EditedElsewhere) as edited:
        BRITISH.left_to_write([change], replace(BRAMLEY, **edit))
    assert edited.value.field == where
    others = [found.change for found in BRITISH.differences(BRAMLEY, wanted) if found.field != where]
    assert len(BRITISH.left_to_write(others, replace(BRAMLEY, **edit))) == 2


def test_a_number_that_ends_alike_is_written_when_it_was_asked_for():
    change = differences(PartyDetails(tax_id="GB 428 173 846"))[CustomerField.TAX_ID].change
    assert BRITISH.left_to_write([change], BRAMLEY) == (change,)
