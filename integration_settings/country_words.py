"""Words that depend on the QuickBooks company's country: its name, its tax, and its customers' tax numbers."""

from __future__ import annotations

from django.utils.translation import gettext, pgettext

from integration_settings.formats import locale_of

# fmt: off
EUROPEAN_UNION = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}
VAT_COUNTRIES = EUROPEAN_UNION | {"AE", "BH", "CH", "GB", "KE", "NG", "NO", "PH", "SA", "TH", "ZA"}
GST_COUNTRIES = {"AU", "IN", "MY", "NZ", "SG"}
# fmt: on
# Only these companies keep a tax number on a customer.
# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer
TAX_ID_COUNTRIES = {"GB", "AU", "CA", "IN"}


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
    if country == "US":
        return pgettext("name of the tax", "sales tax")
    return pgettext("name of the tax", "tax")


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
