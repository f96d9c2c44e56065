"""What the sentences of the findings are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from integration_settings import country_words
from invoices.domain.checks import Finding
from invoices.presentation.say import Say


@dataclass(frozen=True, slots=True)
class Told:
    """The words of one finding. Without `sentence` it is title and text."""

    title: str
    text: str = ""
    sentence: str = ""
    value: str = ""  # what a button may put into the field
    value_label: str = ""
    new_customer: str = ""  # the name under which a button may put in a new customer


@dataclass(frozen=True, slots=True)
class Words:
    """What the sentences of one form are made with. `line_names`: the name of each line, by its key."""

    say: Say
    country: str
    line_names: Mapping[str, str]
    own_fields: Mapping[str, str] = field(default_factory=dict)  # names by id

    @property
    def tax(self) -> str:
        return country_words.tax_word(self.country)

    def label(self, field: str) -> str:
        """The field as the form names it."""
        of_line = field.startswith("lines.")
        part = field.rpartition(".")[2] if of_line else field
        labels = {
            "customer": _("Customer"),
            "customer.name": _("Name in QuickBooks"),
            "customer.taken_name": _("Name in QuickBooks"),
            "customer.email": _("E-mail to"),
            "customer.address": _("Billing address"),
            "customer.tax_id": country_words.tax_id_label(self.country),
            "currency": _("Currency"),
            "invoice_date": _("Invoice date"),
            "due_date": _("Due date"),
            "number": _("Invoice number"),
            "amounts_are": _("Amounts are"),
            "sales_tax": _("Sales tax rate"),
            "memo": _("Message to the customer"),
            "private_note": _("Private note"),
            "cc": _("CC"),
            "bcc": _("BCC"),
            "class": _("Class"),
            "location": _("Location"),
            "service_date": _("Service date"),
            "discount": _("Discount") if of_line else _("Discount on the whole invoice"),
            "estimate": _("Estimate"),
            "lines": _("Lines"),
            "over_deal": _("Bill more than the deal"),
            "item": _("QuickBooks item"),
            "tax_code": country_words.tax_heading(self.country),
            "quantity": _("Quantity"),
            "unit_price": _("Price"),
            "description": _("Description"),
        }
        return labels.get(part) or self.own_fields.get(part.removeprefix("own."), part)


def line_name(finding: Finding, with_words: Words) -> str:
    key = finding.field.split(".")[1] if finding.field.startswith("lines.") else ""
    return str(with_words.line_names.get(key) or finding.values.get("line") or _("Line without a name"))


def number_of(finding: Finding, name: str) -> Decimal:
    return Decimal(str(finding.values.get(name, 0)))


def day_of(finding: Finding, name: str) -> date:
    value = finding.values[name]
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def text_of(finding: Finding, name: str) -> str:
    return str(finding.values.get(name, ""))
