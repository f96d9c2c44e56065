"""Fields that every Pipedrive account has, as version 2 describes them."""

from __future__ import annotations

from ..pipedrive.wire import Record

ADDRESS_SUBFIELDS: list[Record] = [
    {"field_code": code, "field_name": f"{name} of Address", "field_type": "varchar"}
    for code, name in (
        ("value", "Address value"), ("street_number", "House number"), ("route", "Street/road name"),
        ("subpremise", "Apartment/suite"), ("locality", "City/town/village"), ("sublocality", "District/sublocality"),
        ("admin_area_level_1", "State/province"), ("admin_area_level_2", "County"), ("country", "Country"),
        ("postal_code", "ZIP/Postal code"), ("formatted_address", "Full/combined address"),
    )
]  # fmt: skip
VALUE_SUBFIELDS: list[Record] = [
    {"field_code": "value", "field_name": "Amount of Value", "field_type": "double"},
    {"field_code": "currency", "field_name": "Currency of Value", "field_type": "varchar"},
]
STATUSES: list[Record] = [
    {"id": "open", "label": "Open"}, {"id": "won", "label": "Won"}, {"id": "lost", "label": "Lost"},
    {"id": "deleted", "label": "Deleted"},
]  # fmt: skip


LABELS: list[Record] = [
    {"id": 901, "label": "Customer", "color": "green"}, {"id": 902, "label": "Hot lead", "color": "red"},
]  # fmt: skip


def built_in(
    code: str, name: str, kind: str, *, options: list[Record] | None = None, subfields: list[Record] | None = None,
    optional: bool = False,
) -> Record:  # fmt: skip
    return {
        "field_name": name,
        "field_code": code,
        "description": None,
        "field_type": kind,
        "options": options,
        "subfields": subfields,
        "is_custom_field": False,
        "is_optional_response_field": optional,
    }


TIMES = [built_in("add_time", "Created", "date"), built_in("update_time", "Last updated", "date")]
BUILT_IN: dict[str, list[Record]] = {
    "deal": [
        built_in("id", "ID", "int"),
        built_in("title", "Title", "varchar"),
        built_in("value", "Value", "monetary", subfields=VALUE_SUBFIELDS),
        built_in("status", "Status", "status", options=STATUSES),
        built_in("stage_id", "Stage", "stage"),
        built_in("owner_id", "Owner", "user"),
        built_in("person_id", "Contact person", "people"),
        built_in("org_id", "Organization", "org"),
        built_in("expected_close_date", "Expected close date", "date"),
        built_in("probability", "Probability", "int"),
        built_in("label_ids", "Label", "set", options=LABELS),
        built_in("lost_reason", "Lost reason", "varchar_options"),
        built_in("visible_to", "Visible to", "visible_to"),
        *TIMES,
        built_in("products_count", "Number of products", "int", optional=True),
    ],
    "person": [
        built_in("id", "ID", "int"),
        built_in("name", "Name", "varchar"),
        built_in("first_name", "First name", "varchar"),
        built_in("last_name", "Last name", "varchar"),
        built_in("emails", "Email", "varchar"),
        built_in("phones", "Phone", "phone"),
        built_in("org_id", "Organization", "org"),
        built_in("owner_id", "Owner", "user"),
        built_in("label_ids", "Label", "set", options=LABELS),
        built_in("visible_to", "Visible to", "visible_to"),
        *TIMES,
        built_in("notes_count", "Number of notes", "int", optional=True),
    ],
    "organization": [
        built_in("id", "ID", "int"),
        built_in("name", "Name", "varchar"),
        built_in("address", "Address", "address", subfields=ADDRESS_SUBFIELDS),
        built_in("website", "Website", "varchar"),
        built_in("owner_id", "Owner", "user"),
        built_in("label_ids", "Label", "set", options=LABELS),
        built_in("visible_to", "Visible to", "visible_to"),
        *TIMES,
        built_in("people_count", "People", "int", optional=True),
    ],
    "product": [
        built_in("id", "ID", "int"),
        built_in("name", "Name", "varchar"),
        built_in("code", "Product code", "varchar"),
        built_in("description", "Description", "text"),
        built_in("unit", "Unit", "varchar"),
        built_in("tax", "Tax", "double"),
        built_in("owner_id", "Owner", "user"),
        *TIMES,
    ],
}
