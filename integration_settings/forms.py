"""The settings form: shapes and choices. It asks no vendor; the caller brings the fields that Pipedrive has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from integration_settings.models import CompanySettings
from integration_settings.pipedrive_fields import Field

MOST_DAYS = 365
MAPPINGS = ("recipient_field", "address_field", "email_field", "tax_id_field")


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One line of the mapping: what the template shows. `gone`: Pipedrive no longer has the stored field."""

    field: forms.BoundField
    gone: bool
    shown: str
    optional: bool


class SettingsForm(forms.Form):
    """Four mappings, the payment term, a default. A stored field that Pipedrive no longer has may stay; it is told."""

    recipient_field = forms.ChoiceField(label=_("Recipient"))
    address_field = forms.ChoiceField(label=_("Address"), required=False)
    email_field = forms.ChoiceField(label=_("E-mail"), required=False)
    tax_id_field = forms.ChoiceField(required=False)
    due_days = forms.IntegerField(
        label=_("Due"),
        widget=forms.TextInput(attrs={"class": "input", "inputmode": "numeric", "autocomplete": "off"}),
        min_value=0,
        max_value=MOST_DAYS,
        error_messages={
            "required": _("Due needs a number of days. 0 means due on the invoice date."),
            "invalid": _("Due needs a whole number of days, for example 14."),
            "min_value": _("Due cannot be before the invoice date. 0 means due on the invoice date."),
            "max_value": _("Due can be 365 days after the invoice date at most."),
        },
    )

    updates_customers = forms.BooleanField(
        label=_("Tick “Update this customer in QuickBooks” on every new invoice"),
        required=False,
        widget=forms.CheckboxInput(attrs={"data-change-label": _("Update customers")}),
    )

    def __init__(
        self, data: Any = None, *, stored: CompanySettings, fields: Sequence[Field], tax_id_label: str
    ) -> None:
        values = {name: getattr(stored, name) for name in (*MAPPINGS, "due_days")}
        super().__init__(data, initial=values | {"updates_customers": stored.updates_customers})
        known = {field.code for field in fields}
        self.missing = {name for name in MAPPINGS if values[name] and values[name] not in known}
        self.fields["tax_id_field"].label = tax_id_label
        for name, value in values.items():
            self.fields[name].widget.attrs["data-saved"] = value  # the save bar compares with it, also after a refusal
        for name in MAPPINGS:
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  # tells mypy what the class body says
            field.choices = _choices(fields, required=field.required, lost=values[name] if name in self.missing else "")
            if name in self.missing:
                field.widget.attrs["aria-describedby"] = f"id_{name}_gone"
            field.error_messages["invalid_choice"] = _("Pipedrive does not have this field any more. Choose another.")
            field.error_messages["required"] = _("An invoice needs a recipient. Choose a field.")

    @property
    def rows(self) -> list[MappingRow]:
        return [
            MappingRow(self[name], name in self.missing, self._shown(name), optional=not self.fields[name].required)
            for name in MAPPINGS
        ]

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    def _shown(self, name: str) -> str:
        """The label of the choice in force, for those who may only look."""
        chosen = str(self[name].value() or "")
        for value, label in self.fields[name].choices:  # type: ignore[attr-defined]
            entries = label if isinstance(label, list) else [(value, label)]
            for code, text in entries:
                if code == chosen:
                    return str(text)
        return str(_("Not filled"))


def _choices(fields: Sequence[Field], *, required: bool, lost: str) -> list[tuple[str, Any]]:
    """Grouped as the person knows them from Pipedrive."""
    groups: dict[str, list[tuple[str, str]]] = {"organization": [], "person": [], "deal": []}
    for field in fields:
        groups[field.kind].append((field.code, field.label))
    names = {"organization": _("Organization"), "person": _("Person"), "deal": _("Deal")}
    choices: list[tuple[str, Any]] = [] if required else [("", _("Not filled"))]
    if lost:
        choices.append((lost, _("A field that is gone")))
    for kind, entries in groups.items():
        if entries:
            choices.append((str(names[kind]), entries))
    return choices
