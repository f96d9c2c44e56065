"""Which fields of Pipedrive can fill something on an invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.utils.translation import gettext

from integration_settings.kept_lists import ONE_HOUR, Row, Rows, kept
from integration_settings.models import PipedriveUser
from integration_settings.pipedrive import FieldsOf, Json, PipedriveClient


@dataclass(frozen=True, slots=True)
class Field:
    """A field of Pipedrive that can fill something on the invoice. `code` is "organization.address" or the like."""

    code: str
    label: str
    type: str
    kind: FieldsOf
    name: str
    custom: bool

    @property
    def tells_of_invoices(self) -> bool:
        """Whether it can be kept current from a deal's invoices."""
        return self.kind == "deal" and self.custom and self.type in (*TEXTS, *AMOUNTS)


TEXTS, AMOUNTS = ("varchar", "text"), ("double", "monetary")
KINDS: tuple[FieldsOf, ...] = ("organization", "person", "deal")
# Their values are ids or structures that mean nothing on an invoice.
WITHOUT_TEXT = {
    *("activity", "billing_frequency", "deal", "deals", "json", "lead", "org", "people", "picture", "price_list"),
    *("project", "projects_board", "projects_phase", "stage", "user", "visible_to"),
}
# Pipedrive gives labels with its options only for custom fields; of its own (labels, channel) an object has bare ids.
OPTIONS = ("enum", "set")
# The definitions may name these in the singular, the objects carry them in the plural.
CODES_OF_VALUES = {("person", "email"): "emails", ("person", "phone"): "phones"}


def pipedrive_fields(user: PipedriveUser, max_age: timedelta = ONE_HOUR) -> list[Field]:
    """All organization, person and deal fields of the company whose value is text of some kind, in that order."""
    client = PipedriveClient(user)
    labels = {
        # Translators: a field of Pipedrive in a list of choices, "Organization – Address".
        "organization": gettext("Organization – {field}"),
        # Translators: a field of Pipedrive in a list of choices, "Person – Email".
        "person": gettext("Person – {field}"),
        # Translators: a field of Pipedrive in a list of choices, "Deal – Title".
        "deal": gettext("Deal – {field}"),
    }
    found = []
    for kind in KINDS:
        rows = kept(user.company, f"pipedrive_{kind}_fields", partial(_read_fields, client, kind), _told, max_age)
        found += [
            Field(f"{kind}.{code}", labels[kind].format(field=name), of, kind, name, custom)
            for code, name, of, custom in rows
        ]
    return found


def _told(row: Row) -> tuple[str, str, str, bool]:
    return row["code"], row["name"], row["type"], row["custom"]


def _read_fields(client: PipedriveClient, kind: FieldsOf) -> Rows:
    return [
        {
            "code": CODES_OF_VALUES.get((kind, str(field["field_code"])), str(field["field_code"])),
            "name": str(field.get("field_name") or field["field_code"]),
            "type": str(field.get("field_type") or "text"),
            "custom": field.get("is_custom_field") is True,
        }
        for field in client.fields(kind)
        if field.get("field_code") and _has_text(field)
    ]


def _has_text(field: Json) -> bool:
    of = field.get("field_type")
    if of in OPTIONS and not field.get("is_custom_field"):
        return False
    return of not in WITHOUT_TEXT and not field.get("is_optional_response_field")
