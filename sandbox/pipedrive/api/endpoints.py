"""The table of endpoints: path, cost, scopes and parameters as Pipedrive's OpenAPI documents of August 2026 give them."""

from __future__ import annotations

from . import contacts, deal_lines, deals, field_definitions, files, notes, pipelines, users
from .calls import Endpoint, Handler
from .paging import paged
from .rules import BOOL, CUSTOM_FIELDS, IDS, INT, MOMENT_PARAM, TEXT, Member, Param

DEALS_READ = ("deals:read", "deals:full")
DEALS_FULL = ("deals:full",)
CONTACTS_READ = ("contacts:read", "contacts:full")
PRODUCTS_READ = ("products:read", "products:full")
STAGES_READ = (*DEALS_READ, "admin")
NOTES_READ = (*DEALS_READ, *CONTACTS_READ)
NOTES_WRITE = ("deals:full", "contacts:full")
FILES_READ = (*NOTES_READ, "activities:read", "activities:full")
FILES_WRITE = (*NOTES_WRITE, "activities:full")

CONTACT_COUNTS = (
    "next_activity_id", "last_activity_id", "open_deals_count", "related_open_deals_count", "closed_deals_count",
    "related_closed_deals_count", "email_messages_count", "activities_count", "done_activities_count",
    "undone_activities_count", "files_count", "notes_count", "followers_count", "won_deals_count",
    "related_won_deals_count", "lost_deals_count", "related_lost_deals_count", "smart_bcc_email",
)  # fmt: skip
PERSON_EXTRAS = (
    *CONTACT_COUNTS, "participant_open_deals_count", "participant_closed_deals_count", "last_incoming_mail_time",
    "last_outgoing_mail_time", "marketing_status", "doi_status",
)  # fmt: skip
ORGANIZATION_EXTRAS = (*CONTACT_COUNTS, "people_count")


def extras(names: tuple[str, ...]) -> Param:
    return Param(choices=names, many=len(names))


def one(names: tuple[str, ...]) -> dict[str, Param]:
    """Parameters of a single deal, person or organization."""
    shown = {"custom_fields": CUSTOM_FIELDS, "include_option_labels": BOOL, "include_labels": BOOL}
    return shown | {"include_fields": extras(names)}


LIST = {"filter_id": INT, "ids": IDS, "owner_id": INT, "updated_since": MOMENT_PARAM, "updated_until": MOMENT_PARAM}
BY_TIME = ("id", "update_time", "add_time")
DEALS_QUERY = paged(*BY_TIME, **LIST, **one(deals.DEAL_EXTRAS)) | {
    "person_id": INT,
    "org_id": INT,
    "pipeline_id": INT,
    "stage_id": INT,
    "status": Param(choices=deals.STATUSES, many=4),
}
PERSONS_QUERY = paged(*BY_TIME, **LIST, **one(PERSON_EXTRAS)) | {"org_id": INT, "deal_id": INT}
ORGANIZATIONS_QUERY = paged(*BY_TIME, **LIST, **one(ORGANIZATION_EXTRAS))
PRODUCTS_QUERY = paged("id", "name", "add_time", "update_time", custom_fields=CUSTOM_FIELDS) | {
    "filter_id": INT,
    "ids": IDS,
    "owner_id": INT,
    "updated_since": MOMENT_PARAM,
}
DEAL_IDS = Param("int", many=100, required=True)
LINES = ("id", "add_time", "update_time", "order_nr")


def get(
    api: str, path: str, handler: Handler, cost: int, scopes: tuple[str, ...], query: dict[str, Param] | None = None
) -> Endpoint:
    return Endpoint(api, "GET", path, handler, cost, scopes, query or {})


def write(
    api: str,
    method: str,
    path: str,
    handler: Handler,
    cost: int,
    scopes: tuple[str, ...],
    body: dict[str, Member] | None = None,
) -> Endpoint:
    return Endpoint(api, method, path, handler, cost, scopes, {}, body)


def field_endpoints(owner: str, path: str, scopes: tuple[str, ...]) -> list[Endpoint]:
    """Product fields know no important and required fields."""
    names = field_definitions.EXTRAS if owner != "product" else ("ui_visibility",)
    return [
        get("v2", path, field_definitions.list_fields(owner), 10, scopes, paged(include_fields=extras(names))),
        get(
            "v2",
            path + "/{field_code}",
            field_definitions.get_field(owner),
            1,
            scopes,
            {"include_fields": extras(names)},
        ),
    ]


V1 = [
    get("v1", "/users/me", users.me, 2, ("base",)),
    get("v1", "/users", users.list_users, 20, ("users:read",)),
    get("v1", "/currencies", users.list_currencies, 20, ("base",), {"term": TEXT}),
    get("v1", "/notes", notes.list_notes, 20, NOTES_READ, notes.NOTES_QUERY),
    get("v1", "/notes/{id}", notes.get_note, 2, NOTES_READ),
    write("v1", "POST", "/notes", notes.add_note, 10, NOTES_WRITE, notes.NEW_NOTE_BODY),
    write("v1", "PUT", "/notes/{id}", notes.change_note, 10, NOTES_WRITE, notes.NOTE_BODY),
    write("v1", "DELETE", "/notes/{id}", notes.delete_note, 6, NOTES_WRITE),
    get("v1", "/files", files.list_files, 20, FILES_READ, files.FILES_QUERY),
    get("v1", "/files/{id}", files.get_file, 2, FILES_READ),
    get("v1", "/files/{id}/download", files.download_file, 20, FILES_READ),
    get("v1", "/deals/{id}/files", files.files_of_deal, 20, DEALS_READ, files.FILES_QUERY),
    write("v1", "POST", "/files", files.add_file, 10, FILES_WRITE),
]
V2 = [
    get("v2", "/deals/products", deal_lines.products_of_deals, 10, (*DEALS_READ, *PRODUCTS_READ),
        paged(*LINES, "deal_id", deal_ids=DEAL_IDS)),
    get("v2", "/deals/installments", deal_lines.installments_of_deals, 10, DEALS_READ,
        paged("id", "billing_date", "deal_id", deal_ids=DEAL_IDS)),
    get("v2", "/deals", deals.list_deals, 10, DEALS_READ, DEALS_QUERY),
    get("v2", "/deals/{id}", deals.get_deal, 1, DEALS_READ, one(deals.DEAL_EXTRAS)),
    write("v2", "PATCH", "/deals/{id}", deals.patch_deal, 5, DEALS_FULL, deals.DEAL_BODY),
    get("v2", "/deals/{id}/products", deal_lines.products_of_deal, 10, (*DEALS_READ, *PRODUCTS_READ), paged(*LINES)),
    get("v2", "/deals/{id}/discounts", deal_lines.discounts_of_deal, 10, DEALS_READ),
    get("v2", "/persons", contacts.list_many(contacts.PERSON), 10, CONTACTS_READ, PERSONS_QUERY),
    get("v2", "/persons/{id}", contacts.get_one(contacts.PERSON), 1, CONTACTS_READ, one(PERSON_EXTRAS)),
    get("v2", "/organizations", contacts.list_many(contacts.ORGANIZATION), 10, CONTACTS_READ, ORGANIZATIONS_QUERY),
    get("v2", "/organizations/{id}", contacts.get_one(contacts.ORGANIZATION), 1, CONTACTS_READ, one(ORGANIZATION_EXTRAS)),
    get("v2", "/products", contacts.list_many(contacts.PRODUCT), 10, PRODUCTS_READ, PRODUCTS_QUERY),
    get("v2", "/products/{id}", contacts.get_one(contacts.PRODUCT), 1, PRODUCTS_READ),
    get("v2", "/pipelines", pipelines.list_pipelines, 5, STAGES_READ, paged(*BY_TIME)),
    get("v2", "/stages", pipelines.list_stages, 5, STAGES_READ, paged(*BY_TIME, "order_nr", pipeline_id=INT)),
    get("v2", "/stages/{id}", pipelines.get_stage, 1, STAGES_READ),
    *field_endpoints("deal", "/dealFields", (*DEALS_READ, "deal-fields:full", "admin")),
    *field_endpoints("person", "/personFields", (*CONTACTS_READ, "contact-fields:full", "admin")),
    *field_endpoints("organization", "/organizationFields", (*CONTACTS_READ, "contact-fields:full", "admin")),
    *field_endpoints("product", "/productFields", (*PRODUCTS_READ, "product-fields:full")),
]  # fmt: skip
