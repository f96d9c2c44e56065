"""Presets in the settings: the list for everybody; adding, changing and deleting for administrators."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from integration_settings.country_words import amounts_are_labels
from integration_settings.models import InvoicePreset
from integration_settings.preset_form import PresetForm
from integration_settings.presets import MOST_PRESETS, delete_preset, form_styles_url, presets_of, save_preset
from integration_settings.profile import Profile, profile_of
from integration_settings.rights import administers
from integration_settings.selectors import administrators_of, hold_company
from integration_settings.tenancy import Visitor, page_token_required

FOLDER = "integration_settings/fragments"


@page_token_required
@require_safe
def presets(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """GET /embed/settings/presets: the card with its list."""
    return _card(request, visitor)


@page_token_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """GET and POST /embed/settings/presets/new: the form of one more preset, and the form as it was filled in."""
    if not administers(visitor.user):
        return _refused(request, visitor)
    if presets_of(visitor.company).count() >= MOST_PRESETS:
        # Translators: {most} is a number
        said = _("There are {most} presets, which is the most. Delete one first.").format(most=MOST_PRESETS)
        return _card(request, visitor, problem=said, status=409)
    return _form(request, visitor, InvoicePreset(company=visitor.company))


@page_token_required
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, visitor: Visitor, preset_id: int) -> HttpResponse:
    """GET and POST /embed/settings/presets/<id>"""
    preset = _preset(visitor, preset_id)
    if preset is None and (request.method == "GET" or not administers(visitor.user)):
        return _not_there(request, visitor)
    if not administers(visitor.user):
        return _refused(request, visitor)
    return _form(request, visitor, preset or InvoicePreset(company=visitor.company), deleted=preset is None)


@page_token_required
@require_POST
def delete(request: HttpRequest, visitor: Visitor, preset_id: int) -> HttpResponse:
    """POST /embed/settings/presets/<id>/delete: invoices made with it stay as they are."""
    preset = _preset(visitor, preset_id)
    if preset is None:
        return _not_there(request, visitor)
    if not administers(visitor.user):
        return _refused(request, visitor)
    delete_preset(preset)
    # Translators: read out after a preset was deleted
    return _card(request, visitor, announce=_("Preset “{name}” is deleted").format(name=preset.name))


def _preset(visitor: Visitor, preset_id: int) -> InvoicePreset | None:
    return presets_of(visitor.company).filter(pk=preset_id).first()


def _profile(visitor: Visitor) -> Profile:
    return profile_of(visitor.connection) if visitor.connection else Profile()


def _form(request: HttpRequest, visitor: Visitor, preset: InvoicePreset, *, deleted: bool = False) -> HttpResponse:
    """`deleted` is the preset that a colleague deleted while its form was open: it comes back as a new one."""
    if request.method == "GET":
        form = _made_of(visitor, preset)
        form.focus()
        return render(request, f"{FOLDER}/preset_form.html", {"form": form, "preset": preset})
    with transaction.atomic():
        # What a colleague saves in this moment is stored before the form is compared with it, or waits.
        hold_company(visitor.company.pk)
        now = _preset(visitor, preset.pk) if preset.pk else preset
        preset, deleted = now or InvoicePreset(company=visitor.company), deleted or now is None
        form = _made_of(visitor, preset, request.POST)
        saved = form.is_valid() and not deleted and _is_saved(form, visitor)
    if saved:
        # Translators: read out after a preset was saved
        said = _("Preset “{name}” is saved for everyone").format(name=preset.name)
        return _card(request, visitor, announce=said, changed=preset.pk)
    form.focus()
    context = {"form": form, "preset": preset, "deleted": deleted}
    response = render(request, f"{FOLDER}/preset_form.html", context, status=404 if deleted else 422)
    response["X-Fragment"] = "swap"
    return response


def _made_of(visitor: Visitor, preset: InvoicePreset, data: QueryDict | None = None) -> PresetForm:
    realm_id = visitor.connection.realm_id if visitor.connection else preset.realm_id
    return PresetForm(data, preset=preset, profile=_profile(visitor), realm_id=realm_id)


def _is_saved(form: PresetForm, visitor: Visitor) -> bool:
    try:
        save_preset(form.preset, by=visitor.user.name, values=form.values)
    except IntegrityError:  # a colleague was faster by a moment
        form.add_error("name", form.name_taken(form.cleaned_data["name"]))
        return False
    return True


def _not_there(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    return _card(request, visitor, problem=_("This preset is not there any more."), status=404)


def _refused(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    return _card(request, visitor, problem=_("Nothing was changed. That is for administrators."), status=403)


def _card(
    request: HttpRequest,
    visitor: Visitor,
    *,
    problem: str = "",
    announce: str = "",
    changed: int = 0,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "rows": [{"preset": preset, "facts": _facts(preset, visitor)} for preset in presets_of(visitor.company)],
        "may_change": visitor.user.is_admin,
        "administrators": [user.name for user in administrators_of(visitor.company)],
        "form_styles_url": form_styles_url(visitor.connection) if visitor.connection else "",
        "problem": problem,
        "announce": announce,
        "changed": changed,
    }
    response = render(request, f"{FOLDER}/presets_card.html", context, status=status)
    if status != 200:
        response["X-Fragment"] = "swap"
    return response


def _facts(preset: InvoicePreset, visitor: Visitor) -> list[tuple[str, str]]:
    """(what is filled in, with what), without what is left as it is."""
    profile = _profile(visitor)
    own = preset.own_fields if visitor.connection and preset.realm_id == visitor.connection.realm_id else {}
    days = preset.due_days
    due = ngettext("{count} day after the invoice date", "{count} days after the invoice date", days or 0)
    amounts = "" if profile.is_us else amounts_are_labels(profile.country).get(preset.amounts_are, "")
    facts = [
        (_("Message to the customer"), preset.memo),
        (_("Private note"), preset.private_note),
        (_("Due"), "" if days is None else due.format(count=days)),
        (_("Amounts are"), amounts),
        *((name, str(own.get(field_id, ""))) for field_id, name in profile.own_fields),
        (_("CC"), preset.cc),
        (_("BCC"), preset.bcc),
    ]
    return [(label, value) for label, value in facts if value]
