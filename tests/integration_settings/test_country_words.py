"""Countries as people and services write them."""

from __future__ import annotations

import pytest

from integration_settings.country_words import country_code, tax_heading


@pytest.mark.parametrize(
    "text, code",
    [
        *[(text, "GB") for text in ("GB", "gbr", "UK", "United Kingdom", "Great Britain", "England", "Royaume-Uni")],
        *[(text, "US") for text in ("US", "U.S.A.", "united  states", "Vereinigte Staaten")],
        *[(text, "DE") for text in ("DEU", "Germany", "Deutschland", "Vācija")],
        ("Atlantis", "atlantis"),
        ("Leeds", "leeds"),
        ("", ""),
    ],
)
def test_a_country_is_known_by_its_names_and_codes(text, code):
    assert country_code(text) == code


@pytest.mark.parametrize(("country", "word"), [("SG", "GST"), ("MY", "SST"), ("ZA", "VAT"), ("US", "Sales tax")])
def test_the_tax_has_its_name_in_the_country(country, word):
    assert tax_heading(country) == word
