"""Values of custom fields: shown, filtered and checked by the type that the field's definition gives them.

Rests on https://pipedrive.readme.io/docs/pipedrive-api-v2-migration-guide.
"""

from __future__ import annotations

from typing import Any

from ..wire import Record, RefusalError
from .calls import Call
from .rules import fits

TEXTS = {"varchar", "text", "varchar_auto", "phone"}
IDS = {"user", "org", "people"}


def shown_custom_fields(call: Call, owner: str, record: Record) -> Record:
    """All custom values of a record, or those that `custom_fields` names; unset ones are null."""
    wanted = call.query.get("custom_fields")
    labels = call.query.get("include_option_labels", False)
    values = record["custom_fields"]
    shown: Record = {}
    for entry in call.company.fields[owner]:
        code = entry["field_code"]
        if entry["is_custom_field"] and (wanted is None or code in wanted):
            value = values.get(code)
            shown[code] = labelled(entry, value) if labels else value
    return shown


def labelled(entry: Record, value: Any) -> Any:
    """`include_option_labels`: an option's id becomes id and label."""
    labels = {option["id"]: option["label"] for option in entry["options"] or []}
    if entry["field_type"] == "enum" and value is not None:
        return {"id": value, "label": labels.get(value)}
    if entry["field_type"] == "set" and value is not None:
        return [{"id": part, "label": labels.get(part)} for part in value]
    return value


def check_custom_fields(call: Call, owner: str, values: Record) -> None:
    """Raises RefusalError (400) for an unknown code or a value of the wrong type."""
    for code, value in values.items():
        entry = call.company.custom_field(owner, code)
        if entry is None:
            raise RefusalError(400, f"Validation failed: custom_fields.{code}: unknown field")
        if value is not None and not suits(entry, value):
            raise RefusalError(
                400, f"Validation failed: custom_fields.{code}: invalid value for type {entry['field_type']}"
            )


def suits(entry: Record, value: Any) -> bool:
    """Does a value have the form of its field's type?"""
    kind = entry["field_type"]
    options = {option["id"] for option in entry["options"] or []}
    if kind in TEXTS:
        good = isinstance(value, str) and (kind == "text" or len(value) <= 255)
    elif kind in IDS:
        good = fits(value, "int")
    elif kind in ("double", "int"):
        good = fits(value, "number")
    elif kind == "date":
        good = fits(value, "date")
    elif kind == "enum":
        good = fits(value, "int") and value in options
    elif kind == "set":
        good = fits(value, "ints") and value != [] and set(value) <= options
    elif kind == "daterange":
        good = (
            isinstance(value, dict)
            and set(value) == {"value", "until"}
            and all(fits(day, "date") for day in value.values())
        )
    elif kind == "monetary":
        good = isinstance(value, dict) and set(value) == {"value", "currency"} and fits(value["value"], "number")
    else:
        good = isinstance(value, dict) and isinstance(value.get("value"), str)
    return good
