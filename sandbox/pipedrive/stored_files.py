"""The version 1 shape of a file, for uploads and seeds alike."""

from __future__ import annotations

from pathlib import PurePath

from .company import Company
from .wire import Record

PLACES = ("deal_id", "person_id", "org_id", "product_id", "activity_id", "lead_id", "project_id")


def file_record(
    company: Company, number: int, name: str, *, size: int, user_id: int, when: str, places: Record
) -> Record:
    """All members but `url`, which is added when it is shown."""
    path = PurePath(name)
    deal = company.deals.get(places.get("deal_id") or 0)
    person = company.persons.get(places.get("person_id") or 0)
    organization = company.organizations.get(places.get("org_id") or 0)
    return {
        "id": number,
        "user_id": user_id,
        **{place: places.get(place) for place in PLACES},
        "log_id": None,
        "add_time": when,
        "update_time": when,
        "file_name": f"{path.stem}_{number:08x}{path.suffix}",
        "file_type": path.suffix.lstrip(".").lower(),
        "file_size": size,
        "active_flag": True,
        "inline_flag": False,
        "remote_location": "s3",
        "remote_id": "",
        "cid": "",
        "s3_bucket": "",
        "mail_message_id": "",
        "mail_template_id": "",
        "deal_name": deal["title"] if deal else None,
        "person_name": person["name"] if person else None,
        "org_name": organization["name"] if organization else None,
        "product_name": None,
        "lead_name": None,
        "project_name": None,
        "name": name,
        "description": "",
    }
