"""The table of endpoints: path, cost, scopes, parameters, as Pipedrive's OpenAPI documents of August 2026 give them."""

from __future__ import annotations

from starlette.responses import Response

from ..wire import RefusalError
from . import contacts, deal_lines, deals, field_definitions, files, notes, users
from .calls import Call, Endpoint, Handler
from .paging import paged
from .rules import BOOL, CUSTOM_FIELDS, IDS, TEXT, Member, Param

DEALS_READ = ("deals:read", "deals:full")
DEALS_FULL = ("deals:full",)
CONTACTS_READ = ("contacts:read", "contacts:full")
PRODUCTS_READ = ("products:read", "products:full")
FILES_READ = (*DEALS_READ, *CONTACTS_READ, "activities:read", "activities:full")
NOTES_READ = (*DEALS_READ, *CONTACTS_READ)
NOTES_WRITE = ("deals:full", "contacts:full")
FIELD_SCOPES = {
    "deal": (*DEALS_READ, "deal-fields:full", "admin"),
    "person": (*CONTACTS_READ, "contact-fields:full", "admin"),
    "organization": (*CONTACTS_READ, "contact-fields:full", "admin"),
    "product": (*PRODUCTS_READ, "product-fields:full"),
}

ONE = {"custom_fields": CUSTOM_FIELDS, "include_option_labels": BOOL}
BY_TIME = ("id", "update_time", "add_time")
MANY = paged(*BY_TIME, ids=IDS, **ONE)
DEALS = MANY | {"status": Param(choices=deals.STATUSES, many=4), "updated_since": Param("moment")}
PRODUCTS_QUERY = paged("id", "name", "add_time", "update_time", ids=IDS, custom_fields=CUSTOM_FIELDS)
DEAL_IDS = Param("int", many=100, required=True)
LINES = ("id", "add_time", "update_time", "order_nr")


def on(
    line: str,
    handler: Handler,
    cost: int,
    scopes: tuple[str, ...],
    query: dict[str, Param] | None = None,
    *,
    body: dict[str, Member] | None = None,
) -> Endpoint:
    """`line` is method, version and path, e.g. GET v2 /deals/{id}."""
    method, api, path = line.split(" ")
    return Endpoint(api, method, path, handler, cost, scopes, query or {}, body)


async def never(call: Call) -> Response:
    """Stands behind scopes that the app does not have; reached only if somebody grants them."""
    raise RefusalError(501, "Not part of the stand-in")


OUTSIDE_V1 = [
    on("GET v1 /webhooks", never, 10, ("admin", "webhooks:read", "webhooks:full")),
    on("POST v1 /webhooks", never, 10, ("admin", "webhooks:full")),
    on("GET v1 /deals/{id}/flow", never, 40, ("recents:read",)),
    on("GET v1 /deals/{id}/changelog", never, 20, ("recents:read",)),
]
OUTSIDE_V2 = [
    on("GET v2 /activities", never, 10, ("activities:read", "activities:full")),
    on("POST v2 /activities", never, 5, ("activities:full",)),
    on("POST v2 /dealFields", never, 5, ("deal-fields:full", "admin")),
    on("POST v2 /persons", never, 5, ("contacts:full",)),
    on("PATCH v2 /persons/{id}", never, 5, ("contacts:full",)),
    on("POST v2 /organizations", never, 5, ("contacts:full",)),
    on("PATCH v2 /organizations/{id}", never, 5, ("contacts:full",)),
    on("POST v2 /products", never, 5, ("products:full",)),
    on("PATCH v2 /products/{id}", never, 5, ("products:full",)),
]
"""Documented calls that the granted scopes do not cover: 403, as in real life."""

V1 = [
    *OUTSIDE_V1,
    on("GET v1 /users/me", users.me, 2, ("base",)),
    on("GET v1 /users", users.list_users, 20, ("users:read",)),
    on("GET v1 /currencies", users.list_currencies, 20, ("base",), {"term": TEXT}),
    on("GET v1 /deals/{id}/files", files.list_files, 20, DEALS_READ, files.FILES_QUERY),
    on("GET v1 /files/{id}/download", files.download, 20, FILES_READ),
    on("GET v1 /notes", notes.list_notes, 20, NOTES_READ, notes.NOTES_QUERY),
    on("GET v1 /notes/{id}", notes.get_note, 2, NOTES_READ),
    on("POST v1 /notes", notes.add_note, 10, NOTES_WRITE, body=notes.NEW_NOTE_BODY),
    on("PUT v1 /notes/{id}", notes.change_note, 10, NOTES_WRITE, body=notes.NOTE_BODY),
    on("DELETE v1 /notes/{id}", notes.delete_note, 6, NOTES_WRITE),
]
V2 = [
    *OUTSIDE_V2,
    on("GET v2 /deals/products", deal_lines.products_of_deals, 10, (*DEALS_READ, *PRODUCTS_READ),
        paged(*LINES, "deal_id", deal_ids=DEAL_IDS)),
    on("GET v2 /deals/installments", deal_lines.installments_of_deals, 10, DEALS_READ,
        paged("id", "billing_date", "deal_id", deal_ids=DEAL_IDS)),
    on("GET v2 /deals", deals.list_deals, 10, DEALS_READ, DEALS),
    on("GET v2 /deals/archived", deals.list_archived_deals, 20, DEALS_READ, DEALS),
    on("GET v2 /deals/{id}", deals.get_deal, 1, DEALS_READ, ONE),
    on("PATCH v2 /deals/{id}", deals.patch_deal, 5, DEALS_FULL, body=deals.DEAL_BODY),
    on("GET v2 /pipelines", deals.list_pipelines, 5, DEALS_READ, paged("id", "update_time", "add_time")),
    on("GET v2 /stages", deals.list_stages, 5, DEALS_READ,
        paged("id", "update_time", "add_time", "order_nr", pipeline_id=Param("int"))),
    on("GET v2 /deals/{id}/products", deal_lines.products_of_deal, 10, (*DEALS_READ, *PRODUCTS_READ), paged(*LINES)),
    on("GET v2 /deals/{id}/discounts", deal_lines.discounts_of_deal, 10, DEALS_READ),
    on("GET v2 /persons", contacts.list_many(contacts.PERSON), 10, CONTACTS_READ, MANY),
    on("GET v2 /persons/{id}", contacts.get_one(contacts.PERSON), 1, CONTACTS_READ, ONE),
    on("GET v2 /organizations", contacts.list_many(contacts.ORGANIZATION), 10, CONTACTS_READ, MANY),
    on("GET v2 /organizations/{id}", contacts.get_one(contacts.ORGANIZATION), 1, CONTACTS_READ, ONE),
    on("GET v2 /products", contacts.list_many(contacts.PRODUCT), 10, PRODUCTS_READ, PRODUCTS_QUERY),
    on("GET v2 /products/{id}", contacts.get_one(contacts.PRODUCT), 1, PRODUCTS_READ),
    *(
        on(f"GET v2 /{owner}Fields", field_definitions.list_fields(owner), 10, scopes, paged())
        for owner, scopes in FIELD_SCOPES.items()
    ),
]  # fmt: skip
