"""Words that depend on the QuickBooks company's country: its name, its tax, customers' addresses and tax numbers."""

from __future__ import annotations

from functools import cache

from babel.core import get_global
from django.utils.translation import gettext, pgettext

from integration_settings.formats import locale_of

# fmt: off
EUROPEAN_UNION = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}
VAT_COUNTRIES = EUROPEAN_UNION | {"AE", "BH", "CH", "GB", "KE", "NG", "NO", "PH", "SA", "TH", "ZA"}
GST_COUNTRIES = {"AU", "IN", "NZ", "SG"}
# fmt: on
# Only these companies keep a tax number on a customer.
# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer
TAX_ID_COUNTRIES = {"GB", "AU", "CA", "IN"}
LANGUAGES_OF_ADDRESSES = (
    "en",
    "de",
    "fr",
    "es",
    "pt",
    "it",
    "nl",
    "pl",
    "et",
    "lv",
    "lt",
    "fi",
    "sv",
    "nb",
    "da",
    "cs",
)
SPOKEN_NAMES = {"great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "the netherlands": "NL"}
# ISO 3166: "gb" and "gbr" to GB; CLDR keeps the codes of three letters as aliases of those of two.
_BY_CODE: dict[str, str] = {
    alias.casefold(): codes[0]
    for alias, codes in get_global("territory_aliases").items()
    if alias.isalpha() and len(codes) == 1 and len(codes[0]) == 2
}


def country_name(code: str, language: str) -> str:
    """ "United Kingdom" for GB, in the given language; the code itself for one that nobody knows."""
    return str(locale_of(language).territories.get(code, code))


def tax_word(country: str) -> str:
    """The company's tax as it stands within a sentence: VAT, GST, sales tax."""
    if country in VAT_COUNTRIES:
        return pgettext("name of the tax", "VAT")
    if country in GST_COUNTRIES:
        return pgettext("name of the tax", "GST")
    if country == "CA":
        return pgettext("name of the tax", "GST/HST")
    if country == "MY":  # sales tax and service tax, since 2018
        return pgettext("name of the tax", "SST")
    if country == "US":
        return pgettext("name of the tax", "sales tax")
    return pgettext("name of the tax", "tax")


def tax_heading(country: str) -> str:
    """The company's tax at the beginning of a line or as a label: VAT, GST, Sales tax."""
    word = tax_word(country)
    return word[:1].upper() + word[1:]


def amounts_are_labels(country: str) -> dict[str, str]:
    """How the prices of an invoice may relate to the tax; not in the United States."""
    tax = tax_word(country)
    return {
        # Translators: how prices relate to the tax; {tax} is VAT or GST
        "exclusive": gettext("Exclusive of {tax}").format(tax=tax),
        "inclusive": gettext("Inclusive of {tax}").format(tax=tax),
        "none": gettext("Without {tax}").format(tax=tax),
    }


def tax_id_label(country: str) -> str:
    """What a customer's number at the tax office is called there."""
    labels = {
        "GB": gettext("VAT number"),
        "AU": gettext("ABN"),
        "CA": gettext("GST/HST number"),
        "IN": gettext("GSTIN"),
        "NZ": gettext("GST number"),
    }
    return labels.get(country) or (gettext("VAT number") if country in EUROPEAN_UNION else gettext("Tax ID"))


def keeps_tax_ids(country: str) -> bool:
    return country in TAX_ID_COUNTRIES


def region_label(country: str) -> str:
    labels = {
        "GB": gettext("County"),
        "US": gettext("State"),
        "AU": gettext("State"),
        "CA": gettext("Province"),
        "IN": gettext("State"),
    }
    return labels.get(country, gettext("Region"))


def postal_code_label(country: str) -> str:
    labels = {"US": gettext("ZIP code"), "GB": gettext("Postcode"), "AU": gettext("Postcode")}
    return labels.get(country, gettext("Postal code"))


def country_code(text: str) -> str:
    """The two letters of a country for its name in a common language, or for either of its ISO codes.

    What nobody knows comes back in small letters, so that it can still be compared.
    """
    known = " ".join(text.replace(".", "").split()).casefold()
    if found := _BY_CODE.get(known) or SPOKEN_NAMES.get(known):
        return found
    if len(known) == 2 and known.upper() in _country_names("en").values():
        return known.upper()
    names = (_country_names(language) for language in LANGUAGES_OF_ADDRESSES)
    return next((each[known] for each in names if known in each), known)


@cache
def _country_names(language: str) -> dict[str, str]:
    territories = {str(code): name for code, name in locale_of(language).territories.items()}
    return {name.casefold(): code for code, name in territories.items() if code.isalpha() and len(code) == 2}
