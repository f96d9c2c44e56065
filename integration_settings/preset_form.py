"""The form of one preset: as long as QuickBooks takes it, and only what the company's books have a place for."""

from __future__ import annotations

import re
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from integration_settings.country_words import amounts_are_labels
from integration_settings.forms import MOST_DAYS, shown_of, with_changes_only
from integration_settings.models import InvoicePreset
from integration_settings.presets import presets_of
from integration_settings.profile import Profile

# The same as the invoice form's, see `invoices.domain.checks`; a test compares them.
LONGEST_MEMO, LONGEST_PRIVATE_NOTE, LONGEST_COPIES, LONGEST_OWN_FIELD = 1000, 3900, 200, 31
LONGEST_NAME = 60
PREFIX = "preset"  # of the names of the fields, which stand on one page with the settings
TEXTS = ("name", "memo", "private_note", "cc", "bcc", "amounts_are")


def _input(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "input", "autocomplete": "off", "dir": "auto", **attributes})


def _area() -> forms.Textarea:
    return forms.Textarea(attrs={"class": "input input--area", "rows": "2", "dir": "auto"})


class PresetForm(forms.Form):
    """`own_fields` are shown by the names that the company gave them in QuickBooks."""

    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        widget=_input(),
        error_messages={"required": _("The preset needs a name.")},
    )
    memo = forms.CharField(label=_("Message to the customer"), required=False, max_length=LONGEST_MEMO, widget=_area())
    private_note = forms.CharField(
        label=_("Private note"), required=False, max_length=LONGEST_PRIVATE_NOTE, widget=_area()
    )
    due_days = forms.IntegerField(
        label=_("Due"),
        required=False,
        min_value=0,
        max_value=MOST_DAYS,
        widget=_input(inputmode="numeric"),
        error_messages={
            "invalid": _("Due needs a whole number of days, for example 14."),
            "min_value": _("Due cannot be before the invoice date. 0 means due on the invoice date."),
            "max_value": _("Due can be 365 days after the invoice date at most."),
        },
    )
    amounts_are = forms.ChoiceField(label=_("Amounts are"), required=False)
    cc = forms.CharField(label=_("CC"), required=False, max_length=LONGEST_COPIES, widget=_input())
    bcc = forms.CharField(label=_("BCC"), required=False, max_length=LONGEST_COPIES, widget=_input())
    is_default = forms.BooleanField(label=_("New invoices start with this preset"), required=False)

    def __init__(self, data: Any = None, *, preset: InvoicePreset, profile: Profile, realm_id: str) -> None:
        self.preset, self.realm_id = preset, realm_id
        self.own_before: dict[str, str] = preset.own_fields if preset.realm_id == realm_id else {}
        self.own_names = {f"own_{field_id}": (field_id, name) for field_id, name in profile.own_fields}
        initial = {name: getattr(preset, name) for name in (*TEXTS, "due_days", "is_default")}
        own = {name: self.own_before.get(field_id, "") for name, (field_id, _name) in self.own_names.items()}
        stored = initial | own
        if data and preset.pk:
            data = with_changes_only(data, stored, f"{PREFIX}-")
        if data and data.get(f"{PREFIX}-books", realm_id) != realm_id:
            # What was typed for a field of other books is nothing for the one that has its number here.
            data = data.copy()
            data.update({f"{PREFIX}-{name}": text for name, text in own.items()})
        super().__init__(data, initial=stored, prefix=PREFIX)
        for name, (_id, label) in self.own_names.items():
            self.fields[name] = forms.CharField(
                label=label, required=False, max_length=LONGEST_OWN_FIELD, widget=_input()
            )
        if profile.is_us or not profile.uses_sales_tax:
            del self.fields["amounts_are"]
        else:
            amounts = cast(forms.ChoiceField, self.fields["amounts_are"])
            amounts.choices = [("", _("As the deal says")), *amounts_are_labels(profile.country).items()]
        for name, field in self.fields.items():
            # Translators: the places are numbers of characters
            field.error_messages["max_length"] = (
                _("A preset’s name has %(limit_value)d characters at most. This has %(show_value)d.")
                if name == "name"  # which QuickBooks never sees
                else _("QuickBooks takes %(limit_value)d characters. This has %(show_value)d.")
            )

    def focus(self) -> None:
        """On the first fault, else on the name."""
        self.fields[next(iter(self.errors), "name")].widget.attrs["data-autofocus"] = True

    @property
    def shown(self) -> str:
        """What is stored while the form is drawn: what a colleague saves meanwhile stays as it is."""
        return shown_of(self.initial)

    @property
    def own_rows(self) -> list[forms.BoundField]:
        return [self[name] for name in self.own_names]

    @property
    def values(self) -> dict[str, Any]:
        """For `presets.save_preset`. Own fields of other books stay until some are typed for the connected ones."""
        cleaned = self.cleaned_data
        shown = {field_id: cleaned[name] for name, (field_id, _label) in self.own_names.items()}
        own = {field_id: text for field_id, text in (self.own_before | shown).items() if text}
        kept = {name: cleaned.get(name, getattr(self.preset, name)) for name in (*TEXTS, "due_days", "is_default")}
        of_others = self.preset.realm_id not in ("", self.realm_id) and not own
        return kept if of_others else kept | {"own_fields": own, "realm_id": self.realm_id}

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if presets_of(self.preset.company).exclude(pk=self.preset.pk).filter(name__iexact=name).exists():
            raise ValidationError(self.name_taken(name))
        return name

    def name_taken(self, name: str) -> str:
        # Translators: {name} is what somebody called a preset
        return _("“{name}” is another preset. Choose another name.").format(name=name)

    def clean_cc(self) -> str:
        return self._addresses("cc")

    def clean_bcc(self) -> str:
        return self._addresses("bcc")

    def _addresses(self, field: str) -> str:
        addresses = [part for part in re.split(r"[\s,;]+", str(self.cleaned_data[field])) if part]
        for address in addresses:
            try:
                validate_email(address)
            except ValidationError as error:
                # Translators: {address} is what somebody typed
                told = _("“{address}” is not an e-mail address.").format(address=address)
                raise ValidationError(told) from error
        return ", ".join(addresses)
