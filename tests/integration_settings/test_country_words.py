"""Countries as people and services write them."""

from __future__ import annotations

import pytest

from integration_settings.country_words import country_code


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
