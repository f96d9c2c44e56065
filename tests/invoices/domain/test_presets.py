"""What a preset puts into a form, and what it leaves alone."""

from __future__ import annotations

from integration_settings.presets import QUICKBOOKS_DEFAULT, Template
from invoices.domain.draft import AmountsAre
from invoices.domain.presets import filled, moved, texts_of, touched, with_texts
from tests.factories import a_draft
from tests.invoices.domain.books import books

PRESET = Template("1", "Standard", memo="Thanks", cc="a@b.example", amounts_are="none", own_fields=(("1", "PO"),))
BASE = {"memo": "", "private_note": "", "cc": "", "bcc": "", "own.1": "", "amounts_are": "exclusive"}


def test_it_fills_what_the_deal_left_empty():
    assert filled(BASE | {"memo": "From the deal"}, PRESET) == BASE | {
        "memo": "From the deal",
        "cc": "a@b.example",
        "own.1": "PO",
        "amounts_are": "none",
    }


def test_quickbooks_default_fills_in_nothing():
    assert filled(BASE, QUICKBOOKS_DEFAULT) == BASE


def test_a_field_that_the_company_does_not_have_is_not_invented():
    assert set(filled({"memo": ""}, PRESET)) == {"memo"}


def test_only_what_a_person_has_changed_is_touched():
    before = filled(BASE, PRESET)
    assert touched(before | {"memo": " Thanks\n"}, before) == set()
    assert touched(before | {"memo": "Thank you", "cc": ""}, before) == {"memo", "cc"}


def test_another_preset_moves_all_but_what_a_person_has_changed():
    before = filled(BASE, PRESET)
    shown = before | {"memo": "Typed"}
    assert moved(shown, before, filled(BASE, QUICKBOOKS_DEFAULT)) == BASE | {"memo": "Typed"}


def test_a_draft_has_the_fields_of_its_company():
    assert "amounts_are" not in texts_of(a_draft(amounts_are=AmountsAre.WITHOUT_TAX_SETTING), books("US"))
    draft = with_texts(a_draft(), BASE | {"memo": "Hello", "own.1": "PO-1", "amounts_are": "inclusive"})
    assert (draft.memo, draft.amounts_are) == ("Hello", AmountsAre.TAX_INCLUSIVE)
    assert draft.extras.own_fields == (("1", "PO-1"),)
    assert texts_of(draft, books())["memo"] == "Hello"
