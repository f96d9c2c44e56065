"""The settings form: shapes and choices. It asks no vendor; the caller brings the fields that Pipedrive has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from integration_settings.country_words import tax_id_label
from integration_settings.deal_rules import WON, Choice, Outcome, Rules
from integration_settings.item_links import LONGEST, ChosenPolicy
from integration_settings.models import CompanySettings, InvoicePreset, ItemPolicy, QuickBooksConnection
from integration_settings.pipedrive_fields import AMOUNTS, TEXTS, Field
from integration_settings.presets import NONE
from integration_settings.profile import profile_of
from integration_settings.reference import Account, Item
from integration_settings.selectors import own_fields_from
from integration_settings.stages import Stage

MOST_DAYS = 365
MAPPINGS = (
    *("recipient_field", "address_field", "email_field", "tax_id_field"),
    *("memo_field", "private_note_field", "cc_field"),
)
TOLD = ("deal_status_field", "deal_number_field", "deal_open_field")
OWN_MAPPING = "own_field_"
PAID_STAGE = "paid_stage_"
RULE_WHEN, RULE_THEN, RULE_PRESET = "rule_when_", "rule_then_", "rule_preset_"
SWITCHES = ("customer_terms_first", "updates_customers", "writes_notes")
OF_BOOKS = ("item_policy", "default_item_id", "default_item_name", "income_account_id", "own_fields_from")
POLICY = ("item_policy", "default_item_id", "income_account_id")
THEN = (
    (str(Outcome.PREPARE), _("List it as ready to be invoiced")),
    (str(Outcome.CREATE), _("Create the invoice")),
    (str(Outcome.SEND), _("Create and e-mail the invoice")),
)
_NO_ITEM = _("Choose the item that products without one get.")
_ITEM_GONE = _("This item is inactive or gone from QuickBooks. Choose another one.")
_NO_ACCOUNT = _("Choose the income account of new items.")
_ACCOUNT_GONE = _("This account is inactive or gone from QuickBooks. Choose another one.")


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One line of the mapping: what the template shows. `gone`: Pipedrive no longer has the stored field."""

    field: forms.BoundField
    gone: bool
    shown: str
    optional: bool


@dataclass(frozen=True, slots=True)
class RuleRow:
    """When a deal of one pipeline is invoiced by itself, and what happens then."""

    pipeline: int
    when: forms.BoundField
    then: forms.BoundField
    preset: forms.BoundField | None  # None where the company has none
    shown: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """The policy's item or account. `gone`: QuickBooks no longer offers it; `saved` is the stored one's name."""

    field: forms.BoundField
    value: str
    name: str
    saved: str
    gone: bool
    offered: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OwnFields:
    """The fields that the company has added to its sales forms: names by id, and what fills each."""

    names: Mapping[str, str]
    filled_from: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ItemLists:
    """What the policy for products without an item may name: active items and income accounts, None when not read."""

    chosen: ChosenPolicy
    items: Sequence[Item] | None = None
    accounts: Sequence[Account] | None = None


class SettingsForm(forms.Form):
    """Which field fills what, which fields of the deal tell of its invoices, when one is made by itself, the payment
    term, three switches, and what becomes of products without an item.

    A stored field, item or account that the service no longer has may stay; it is pointed out.
    """

    recipient_field = forms.ChoiceField(label=_("Recipient"))
    address_field = forms.ChoiceField(label=_("Address"), required=False)
    email_field = forms.ChoiceField(label=_("E-mail"), required=False)
    tax_id_field = forms.ChoiceField(required=False)
    memo_field = forms.ChoiceField(label=_("Message to the customer"), required=False)
    private_note_field = forms.ChoiceField(label=_("Private note"), required=False)
    cc_field = forms.ChoiceField(label=_("CC"), required=False)
    deal_status_field = forms.ChoiceField(label=_("Invoice status"), required=False)
    deal_number_field = forms.ChoiceField(label=_("Invoice numbers"), required=False)
    deal_open_field = forms.ChoiceField(label=_("Amount still open"), required=False)
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

    customer_terms_first = forms.BooleanField(
        label=_("The customer’s QuickBooks terms come first"),
        required=False,
        widget=forms.CheckboxInput(attrs={"data-change-label": _("The customer’s terms")}),
    )
    updates_customers = forms.BooleanField(
        label=_("Tick “Update this customer in QuickBooks” on every new invoice"),
        required=False,
        widget=forms.CheckboxInput(attrs={"data-change-label": _("Update customers")}),
    )
    writes_notes = forms.BooleanField(
        label=_("Write a note in the deal’s history for each invoice and keep its status current"),
        required=False,
        widget=forms.CheckboxInput(attrs={"data-change-label": _("Notes in the history")}),
    )
    item_policy = forms.ChoiceField(choices=ItemPolicy.choices, required=False)
    default_item_id = forms.CharField(required=False, max_length=32)
    income_account_id = forms.CharField(required=False, max_length=32)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        stored: CompanySettings,
        fields: Sequence[Field],
        tax_id_label: str,
        items: ItemLists,
        own: OwnFields,
        stages: Sequence[Stage] = (),
        rules: Rules | None = None,
        presets: Sequence[InvoicePreset] = (),
    ) -> None:
        self.items, self.own, self.paid_stages, self.rules = items, own, dict(stored.paid_stages), dict(rules or {})
        self.pipelines = {f"{PAID_STAGE}{stage.pipeline_id}": stage.pipeline for stage in stages}
        values = {name: getattr(stored, name) for name in (*MAPPINGS, *TOLD, "due_days")}
        values |= {own_mapping(field_id): self.own.filled_from.get(field_id, "") for field_id in self.own.names}
        kept = {name: str(self.paid_stages.get(name.removeprefix(PAID_STAGE), "")) for name in self.pipelines}
        values |= kept | self._stored_rules()
        self.mappings = (*MAPPINGS, *map(own_mapping, self.own.names))
        policy = {name: getattr(items.chosen, name.replace("item_policy", "policy")) for name in POLICY}
        switches = {name: getattr(stored, name) for name in SWITCHES}
        initial = values | policy | switches
        together = [
            (f"{RULE_WHEN}{pipeline}", f"{RULE_THEN}{pipeline}", f"{RULE_PRESET}{pipeline}")
            for pipeline in self._shown_pipelines
        ]
        super().__init__(data and with_changes_only(data, initial, together=together), initial=initial)
        for field_id, label in self.own.names.items():
            self.fields[own_mapping(field_id)] = forms.ChoiceField(label=label, required=False)
        for name, label in self.pipelines.items():
            self.fields[name] = forms.ChoiceField(
                label=label, required=False, choices=_stage_choices(stages, name, kept[name])
            )
        self._add_rules(stages, presets)
        known = {field.code for field in fields}
        self.missing = {name for name in (*self.mappings, *TOLD) if values[name] and values[name] not in known}
        self.fields["tax_id_field"].label = tax_id_label
        for name, value in values.items():
            self.fields[name].widget.attrs["data-saved"] = value  # the save bar compares with it, also after a refusal
        for name, on in switches.items():
            self.fields[name].widget.attrs["data-saved"] = "on" if on else ""
        for name in (*self.mappings, *TOLD):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  # tells mypy what the class body says
            lost = values[name] if name in self.missing else ""
            if name in TOLD:
                field.choices = _told_choices(fields, AMOUNTS if name == "deal_open_field" else TEXTS, lost=lost)
            else:
                field.choices = _choices(fields, required=field.required, lost=lost)
            if name in self.missing:
                field.widget.attrs["aria-describedby"] = f"id_{name}_gone"
            field.error_messages["invalid_choice"] = _("Pipedrive does not have this field any more. Choose another.")
            field.error_messages["required"] = _("An invoice needs a recipient. Choose a field.")

    @property
    def shown(self) -> str:
        """What is stored while the page is drawn; it comes back with the form, see `with_changes_only`."""
        return shown_of(self.initial)

    @property
    def rows(self) -> list[MappingRow]:
        return [
            MappingRow(self[name], name in self.missing, self._shown(name), optional=not self.fields[name].required)
            for name in self.mappings
        ]

    @property
    def told(self) -> list[MappingRow]:
        return [MappingRow(self[name], name in self.missing, self._shown(name), optional=True) for name in TOLD]

    @property
    def paid(self) -> list[MappingRow]:
        return [MappingRow(self[name], False, self._shown(name), optional=True) for name in self.pipelines]

    def _stored_rules(self) -> dict[str, str]:
        found = {pipeline: self.rules.get(pipeline) for pipeline in self._shown_pipelines}
        whens = {f"{RULE_WHEN}{pipeline}": rule.when if rule else "" for pipeline, rule in found.items()}
        thens = {f"{RULE_THEN}{each}": rule.then if rule else Outcome.PREPARE for each, rule in found.items()}
        return whens | thens | {f"{RULE_PRESET}{each}": rule.preset if rule else "" for each, rule in found.items()}

    def _add_rules(self, stages: Sequence[Stage], presets: Sequence[InvoicePreset]) -> None:
        for pipeline in self._shown_pipelines:
            own = [stage for stage in stages if stage.pipeline_id == pipeline]
            name = own[0].pipeline
            kept = self.initial[f"{RULE_WHEN}{pipeline}"]
            when = forms.ChoiceField(label=name, required=False, choices=_when_choices(own, kept))
            then = forms.ChoiceField(label=name, required=False, choices=THEN)
            offered = _preset_choices(presets, self.initial[f"{RULE_PRESET}{pipeline}"])
            preset = forms.ChoiceField(label=name, required=False, choices=offered)
            for field, column in ((when, "when"), (then, "then"), (preset, "preset")):
                field.widget.attrs |= {
                    "aria-labelledby": f"rule-{pipeline} rules-{column}",
                    "data-change-label": f"{_('Automatic invoices')}, {name}",
                }
                self.fields[f"rule_{column}_{pipeline}"] = field

    @property
    def rule_rows(self) -> list[RuleRow]:
        return [self._rule_row(pipeline) for pipeline in self._shown_pipelines]

    def _rule_row(self, pipeline: int) -> RuleRow:
        when, then, preset = (f"{column}{pipeline}" for column in (RULE_WHEN, RULE_THEN, RULE_PRESET))
        own = len(self.fields[preset].choices) > 1  # type: ignore[attr-defined]  # all of these have choices
        shown = (self._shown(when), self._shown(then), self._shown(preset) if own else "")
        return RuleRow(pipeline, self[when], self[then], self[preset] if own else None, shown)

    @property
    def _shown_pipelines(self) -> list[int]:
        return [int(name.removeprefix(PAID_STAGE)) for name in self.pipelines]

    @property
    def chosen_rules(self) -> dict[int, Choice]:
        """For `services.save_settings`. Those of pipelines that the page did not show stay."""
        chosen = {pipeline: Choice(rule.when, rule.then, rule.preset) for pipeline, rule in self.rules.items()}
        for pipeline in self._shown_pipelines:
            chosen.pop(pipeline, None)
            if when := self.cleaned_data.get(f"{RULE_WHEN}{pipeline}"):
                then = self.cleaned_data.get(f"{RULE_THEN}{pipeline}") or Outcome.PREPARE
                chosen[pipeline] = Choice(when, Outcome(then), self.cleaned_data.get(f"{RULE_PRESET}{pipeline}", ""))
        return chosen

    @property
    def values(self) -> dict[str, Any]:
        """For `services.save_settings`."""
        shown = {field_id: self.cleaned_data[own_mapping(field_id)] for field_id in self.own.names}
        own = {field_id: code for field_id, code in {**self.own.filled_from, **shown}.items() if code}
        dynamic = (OWN_MAPPING, PAID_STAGE, RULE_WHEN, RULE_THEN, RULE_PRESET)
        rest = {name: value for name, value in self.cleaned_data.items() if not name.startswith(dynamic)}
        return rest | {"own_fields_from": own, "paid_stages": self._chosen_stages()}

    def _chosen_stages(self) -> dict[str, int]:
        """Those of pipelines that the page did not show stay: Pipedrive may not have told of them."""
        chosen = {name.removeprefix(PAID_STAGE): self.cleaned_data.get(name) for name in self.pipelines}
        return {pipeline: int(stage) for pipeline, stage in (self.paid_stages | chosen).items() if stage}

    @property
    def names_books(self) -> bool:
        """Whether something is chosen that means something in the connected books alone."""
        return self.cleaned_data["item_policy"] != ItemPolicy.STOP or bool(self.values["own_fields_from"])

    def clean_item_policy(self) -> str:
        return self.cleaned_data["item_policy"] or self.items.chosen.policy

    def clean(self) -> dict[str, Any]:
        """The item or the account that the policy needs is there; what it does not need is not asked about."""
        cleaned = super().clean() or self.cleaned_data
        policy = cleaned.get("item_policy")
        cleaned["default_item_id"] = self._known(
            "default_item_id", self._item_names, policy == ItemPolicy.DEFAULT, _NO_ITEM, _ITEM_GONE
        )
        cleaned["income_account_id"] = self._known(
            "income_account_id", self._account_names, policy == ItemPolicy.CREATE, _NO_ACCOUNT, _ACCOUNT_GONE
        )
        status, number = cleaned.get("deal_status_field"), cleaned.get("deal_number_field")
        if status and status == number:
            self.add_error("deal_number_field", _("This field has the status already. Choose another one."))
        if not status and any(cleaned.get(name) for name in self.pipelines):
            self.add_error(
                "deal_status_field", _("Choose a field: its status tells that a paid deal was moved already.")
            )
        chosen = cleaned["default_item_id"]
        kept = self.items.chosen.default_item_name if chosen == self.items.chosen.default_item_id else ""
        cleaned["default_item_name"] = self._item_names.get(chosen, kept)[:LONGEST]
        return cleaned

    def _known(self, name: str, offered: dict[str, str], needed: bool, missing: Any, gone: Any) -> str:
        value = str(self.cleaned_data.get(name, ""))
        if value and (value in offered or value == getattr(self.items.chosen, name)):
            return value
        if needed:
            self.add_error(name, gone if value else missing)
        return ""

    @property
    def _item_names(self) -> dict[str, str]:
        return {item.id: item.name for item in self.items.items or ()}

    @property
    def _account_names(self) -> dict[str, str]:
        return {account.id: account.name for account in self.items.accounts or ()}

    @property
    def policy(self) -> str:
        return str(self["item_policy"].value() or ItemPolicy.STOP)

    @property
    def default_item(self) -> PolicyChoice:
        value, chosen = str(self["default_item_id"].value() or ""), self.items.chosen
        former = chosen.default_item_name if value == chosen.default_item_id else ""
        gone = bool(value) and self.items.items is not None and value not in self._item_names
        saved = self._item_names.get(chosen.default_item_id, chosen.default_item_name)
        return PolicyChoice(self["default_item_id"], value, self._item_names.get(value, former), saved, gone)

    @property
    def income_account(self) -> PolicyChoice:
        value = str(self["income_account_id"].value() or "")
        gone = bool(value) and self.items.accounts is not None and value not in self._account_names
        names = self._account_names
        saved = names.get(self.items.chosen.income_account_id, "")
        return PolicyChoice(
            self["income_account_id"], value, names.get(value, ""), saved, gone, tuple(sorted(names.items(), key=_name))
        )

    def _shown(self, name: str) -> str:
        """The label of the choice in force, for those who may only look."""
        chosen = str(self[name].value() or "")
        for value, label in self.fields[name].choices:  # type: ignore[attr-defined]
            entries = label if isinstance(label, list) else [(value, label)]
            for code, text in entries:
                if code == chosen:
                    return str(text)
        return str(_("Not filled"))


def lost_mappings(
    stored: CompanySettings, fields: Sequence[Field], connection: QuickBooksConnection | None
) -> tuple[str, ...]:
    """What was to be filled from fields that Pipedrive no longer has, or told in them, by the names that the settings
    give it.
    """
    known = {field.code for field in fields}
    labels = {name: str(SettingsForm.base_fields[name].label or "") for name in MAPPINGS}
    labels["tax_id_field"] = tax_id_label(connection.country if connection else "")
    labels |= {name: str(SettingsForm.base_fields[name].label or "") for name in TOLD}
    chosen = [(labels[name], getattr(stored, name)) for name in (*MAPPINGS, *TOLD)]
    own = own_fields_from(stored, connection)
    names = profile_of(connection).own_fields if connection else ()
    chosen += [(name, own.get(field_id, "")) for field_id, name in names]
    return tuple(label for label, code in chosen if code and code not in known)


def shown_of(stored: Mapping[str, Any]) -> str:
    """What a page shows of what is stored, as the text that `with_changes_only` reads."""
    return json.dumps({name: _sent(value) for name, value in stored.items()})


def with_changes_only(
    data: QueryDict, stored: Mapping[str, Any], prefix: str = "", *, together: Iterable[tuple[str, ...]] = ()
) -> QueryDict:
    """The form as sent, with what is stored now wherever the person has left what the page showed, or the page did not
    have it yet: a colleague may have saved meanwhile, and that is not taken back by somebody who has not even seen it.
    `prefix` stands before the names of the form's fields; of those that count `together` a change of one is of all.
    """
    try:
        shown = json.loads(data.get(f"{prefix}shown", ""))
    except (ValueError, RecursionError):
        shown = None
    merged = data.copy()
    if isinstance(shown, dict):
        left = {name for name in stored if name not in shown or shown[name] == data.get(prefix + name, "")}
        for names in together:
            left = left if left.issuperset(names) else left.difference(names)
        for name in left:
            merged[prefix + name] = _sent(stored[name])
    return merged


def _sent(value: Any) -> str:
    """As a browser sends it; nothing for a box without a tick."""
    return ("on" if value else "") if isinstance(value, bool) else "" if value is None else str(value)


def own_mapping(field_id: str) -> str:
    """The name of the choice that fills one of the company's own fields."""
    return f"{OWN_MAPPING}{field_id}"


def _name(entry: tuple[str, str]) -> str:
    return entry[1].casefold()


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


def _told_choices(fields: Sequence[Field], types: Sequence[str], *, lost: str) -> list[tuple[str, Any]]:
    choices: list[tuple[str, Any]] = [("", _("No field"))]
    if lost:
        choices.append((lost, _("A field that is gone")))
    return [*choices, *((each.code, each.name) for each in fields if each.tells_of_invoices and each.type in types)]


def _stage_choices(stages: Sequence[Stage], name: str, kept: str) -> list[tuple[str, Any]]:
    found = [(str(each.id), each.name) for each in stages if f"{PAID_STAGE}{each.pipeline_id}" == name]
    lost = kept and kept not in dict(found)
    return [("", _("Not moved")), *([(kept, _("A stage that is gone"))] if lost else []), *found]


def _when_choices(stages: Sequence[Stage], kept: str) -> list[tuple[str, Any]]:
    found = [(str(each.id), each.name) for each in stages]
    lost = kept not in ("", WON, *dict(found))
    gone = [(kept, _("A stage that is gone"))] if lost else []
    # Translators: heads a list of the stages of a pipeline
    return [("", _("Never")), (WON, _("The deal is won")), *gone, (str(_("The deal reaches the stage")), found)]


def _preset_choices(presets: Sequence[InvoicePreset], kept: str) -> list[tuple[str, Any]]:
    """Only the first one where there is nothing to choose."""
    # Translators: of the company's presets for new invoices, in a list of choices
    found = [(str(preset.pk), _("Preset: {name}").format(name=preset.name)) for preset in presets]
    # Translators: what automatic invoices start with, where the company has marked one of its presets as the default
    none = [(NONE, _("No preset"))] if any(preset.is_default for preset in presets) else []
    gone = [(kept, _("A preset that is gone"))] if kept not in ("", *dict(none), *dict(found)) else []
    # Translators: what automatic invoices start with: the preset that a new form starts with, too
    return [("", _("The usual preset")), *gone, *found, *none]
