"""What the settings show beside each mapped field: its value in a deal, and what becomes of it on an invoice."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from integration_settings.forms import own_mapping
from invoices.domain.deal import Deal
from invoices.domain.mapping import FieldChoices, bill_to, field_email, field_text
from invoices.domain.names import clean_name


@dataclass(frozen=True, slots=True)
class Cell:
    """`name` is the choice in the settings form. Without a `text` only the hint stands there."""

    name: str
    text: str
    hint: str = ""


def cells_of(deal: Deal, choices: FieldChoices) -> list[Cell]:
    """One for each choice that the settings have."""
    texts = {
        "tax_id_field": (choices.tax_id, field_text(deal, choices.tax_id)),
        "email_field": (choices.email, bill_to(deal, choices).email),
        "memo_field": (choices.memo, field_text(deal, choices.memo)),
        "private_note_field": (choices.private_note, field_text(deal, choices.private_note)),
        "cc_field": (choices.cc, field_email(deal, choices.cc)),
    }
    own = {own_mapping(own_id): (field, field_text(deal, field)) for own_id, field in choices.own_fields}
    plain = [Cell(name, text, "" if text else _empty(field)) for name, (field, text) in (texts | own).items()]
    return [_recipient(deal, choices), _address(deal, choices), *plain]


def _recipient(deal: Deal, choices: FieldChoices) -> Cell:
    name, in_field = clean_name(bill_to(deal, choices).name), field_text(deal, choices.recipient)
    if not name:
        return Cell("recipient_field", "", _("Empty in this deal"))
    if not in_field:
        hint = _("The field is empty, so the organization’s or person’s name is taken")
        return Cell("recipient_field", name, hint)
    # Translators: {name} has characters that QuickBooks does not take, and what is shown is without them
    hint = _("Cleaned for QuickBooks; Pipedrive has “{name}”").format(name=in_field)
    return Cell("recipient_field", name, "" if name == in_field else hint)


def _address(deal: Deal, choices: FieldChoices) -> Cell:
    address = bill_to(deal, choices).address
    in_parts = address.line1 or address.city or address.postal_code
    text = address.text or ", ".join(filter(None, (address.line1, address.city, address.postal_code)))
    if not text:
        return Cell("address_field", "", _empty(choices.address))
    # Translators: what becomes of an address that Pipedrive keeps in parts
    return Cell("address_field", text, _("Split into street, town, postcode, country") if in_parts else "")


def _empty(field: str) -> str:
    return _("Empty in this deal") if field else _("Stays empty")
