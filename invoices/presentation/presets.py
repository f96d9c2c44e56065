"""The preset's field: what can be chosen, what QuickBooks prints with, and what the chosen one left alone."""

from __future__ import annotations

from django.utils.translation import gettext as _

from integration_settings.presets import template_called
from invoices.domain.presets import touched
from invoices.presentation.finding_parts import Words
from invoices.presentation.form_parts import Choice, Material, PresetField


def preset_field(material: Material) -> PresetField:
    form, templates = material.input, material.lists.templates
    chosen = template_called(templates, form.preset)
    choices = tuple(Choice(each.id, each.name or _("No preset"), each.id == chosen.id) for each in templates)
    return PresetField(
        choices=choices if len(choices) > 1 else (),
        form_styles_url=material.form_styles_url,
        kept=_kept(material, chosen.due_days) if chosen.id else "",
    )


def _kept(material: Material, due_days: int | None) -> str:
    """Which fields have something else than the preset, because a person said so."""
    form, memory = material.input, material.memory
    typed = touched(form.texts(memory.base), memory.filled)
    fields = [field for field in memory.filled if field in typed and memory.filled[field] != memory.base[field]]
    if due_days is not None and not form.due_follows:
        fields.append("due_date")
    if not fields:
        return ""
    words = Words(material.say, material.profile.country, {}, dict(material.profile.own_fields))
    # Translators: below the choice of a preset; {fields} are names of fields, with commas between
    return _("Left as you have it: {fields}").format(fields=", ".join(words.label(field) for field in fields))
