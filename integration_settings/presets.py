"""Presets: what the company's administrators have prepared for new invoices.

QuickBooks' API has no choice of a form style: it prints with the company's own. `list_templates` is the one place that
says what can be chosen, so that an API for styles could be put in there.
https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/invoice
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower

from integration_settings.models import Company, InvoicePreset, PipedriveUser, QuickBooksConnection
from integration_settings.prepared import Prepared
from integration_settings.selectors import hold_company, quickbooks_url

MOST_PRESETS = 50
NONE = "none"  # what a user is remembered with who wants no preset although the company has a default


@dataclass(frozen=True, slots=True)
class Template:
    """One choice for an invoice. The one without an id is QuickBooks' own default and fills in nothing."""

    id: str = ""
    name: str = ""
    is_default: bool = False
    memo: str = ""
    private_note: str = ""
    cc: str = ""
    bcc: str = ""
    due_days: int | None = None
    amounts_are: str = ""
    own_fields: tuple[tuple[str, str], ...] = ()

    @property
    def row_id(self) -> int | None:
        return int(self.id) if self.id else None


QUICKBOOKS_DEFAULT = Template()


def presets_of(company: Company) -> QuerySet[InvoicePreset]:
    return _by_name.ask(company.pk)


@Prepared
def _by_name(company_id: int) -> QuerySet[InvoicePreset]:
    return InvoicePreset.objects.filter(company=company_id).order_by(Lower("name"), "pk")


def list_templates(connection: QuickBooksConnection) -> list[Template]:
    """QuickBooks' default first, then the presets of the connected company by name."""
    presets = _by_name(connection.company_id)
    return [QUICKBOOKS_DEFAULT, *(_template(preset, connection.realm_id) for preset in presets)]


def template_called(templates: Sequence[Template], template_id: str) -> Template:
    """The one with this id; QuickBooks' default for one that is not there (any more)."""
    return next((each for each in templates if each.id == template_id), QUICKBOOKS_DEFAULT)


def opening_template(templates: Sequence[Template], user: PipedriveUser) -> Template:
    """What a new form opens with: what this user used last against the company's default, else that default."""
    ids = {each.id for each in templates if each.id}
    if user.preset_choice == NONE or user.preset_choice in ids:
        return template_called(templates, user.preset_choice)
    return next((each for each in templates if each.is_default), QUICKBOOKS_DEFAULT)


def remember_template(templates: Sequence[Template], user: PipedriveUser, used: Template) -> None:
    """For the user's next form; whoever uses the company's default follows it, also when it becomes another one."""
    default = next((each for each in templates if each.is_default), QUICKBOOKS_DEFAULT)
    choice = "" if used.id == default.id else used.id or NONE
    if user.preset_choice != choice:
        user.preset_choice = choice
        PipedriveUser.objects.filter(pk=user.pk).update(preset_choice=choice)  # none when the user has left meanwhile


def form_styles_url(connection: QuickBooksConnection) -> str:
    """Where the company keeps its custom form styles in QuickBooks."""
    return quickbooks_url(connection, "salesforms")


def save_preset(preset: InvoicePreset, *, by: str, values: dict[str, Any]) -> None:
    """Stores a new or changed preset, which was read while its company was held: a colleague may have changed or
    deleted it until then. Raises IntegrityError when its name is taken, DoesNotExist when the company has left.
    """
    with transaction.atomic():
        # Two defaults at once would refuse each other.
        Company.objects.select_for_update(no_key=True).get(pk=preset.company_id)
        if values["is_default"]:
            presets_of(preset.company).exclude(pk=preset.pk).update(is_default=False)
        for name, value in values.items():
            setattr(preset, name, value)
        preset.updated_by = by
        preset.save()


def delete_preset(preset: InvoicePreset) -> None:
    """Invoices that were made with it stay as they are; none is stored with it meanwhile."""
    with transaction.atomic():
        hold_company(preset.company_id)
        preset.delete()


def _template(preset: InvoicePreset, realm_id: str) -> Template:
    own = preset.own_fields if preset.realm_id == realm_id else {}
    return Template(
        id=str(preset.pk),
        name=preset.name,
        is_default=preset.is_default,
        memo=preset.memo,
        private_note=preset.private_note,
        cc=preset.cc,
        bcc=preset.bcc,
        due_days=preset.due_days,
        amounts_are=preset.amounts_are,
        own_fields=tuple(sorted((str(field_id), str(text)) for field_id, text in own.items() if text)),
    )
