"""Words of the form that depend on the QuickBooks company's country; more of them in `country_words`."""

from __future__ import annotations

from django.utils.translation import gettext as _

from integration_settings.country_words import amounts_are_labels, keeps_tax_ids, tax_id_label, tax_word

__all__ = [
    "amounts_are_labels",
    "keeps_tax_ids",
    "postal_code_label",
    "region_label",
    "tax_heading",
    "tax_id_label",
    "tax_word",
]


def tax_heading(country: str) -> str:
    """The company's tax at the beginning of a line or as a label: VAT, GST, Sales tax."""
    word = tax_word(country)
    return word[:1].upper() + word[1:]


def region_label(country: str) -> str:
    labels = {"GB": _("County"), "US": _("State"), "AU": _("State"), "CA": _("Province"), "IN": _("State")}
    return labels.get(country, _("Region"))


def postal_code_label(country: str) -> str:
    labels = {"US": _("ZIP code"), "GB": _("Postcode"), "AU": _("Postcode")}
    return labels.get(country, _("Postal code"))
