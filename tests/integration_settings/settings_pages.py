"""What the tests of the settings page share."""

from __future__ import annotations

CONTENT, SAVE = "/embed/settings/content", "/embed/settings/save"

CHOICES = {
    "recipient_field": "organization.name",
    "address_field": "organization.address",
    "email_field": "person.emails",
    "tax_id_field": "",
    "due_days": "14",
}


def text_of(response):
    return " ".join(response.content.decode().replace("&amp;", "&").replace("&#x27;", "'").split())


def field_named(tenant, control, kind, name):
    company = control.company(tenant.pair.pipedrive_company_id)
    return next(field["field_code"] for field in company["fields"][kind] if field["field_name"] == name)
