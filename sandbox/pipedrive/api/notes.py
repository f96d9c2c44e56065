"""Notes, version 1. Rests on https://developers.pipedrive.com/docs/api/v1/Notes."""

from __future__ import annotations

import re

from starlette.responses import Response

from ..wire import Record, RefusalError, success, time_v1
from .calls import Call
from .note_html import sanitize
from .paging import page_v1
from .rules import INT, TEXT, Member, Param

MOST_BYTES = 100 * 1024
MOST_NOTES = 100
PLACES = ("deal", "person", "org", "lead", "project", "task")
PINS = ("lead", "deal", "organization", "person", "project", "task")
STAMP = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
SORTABLE = {"id", "user_id", "deal_id", "org_id", "person_id", "content", "add_time", "update_time"}

NOTE_BODY = {
    "content": Member("text"),
    "deal_id": Member("int"),
    "person_id": Member("int"),
    "org_id": Member("int"),
    "lead_id": Member("uuid"),
    "project_id": Member("int"),
    "task_id": Member("int"),
    "user_id": Member("int"),
    "add_time": Member("text"),
} | {f"pinned_to_{place}_flag": Member("flag") for place in PINS}
NEW_NOTE_BODY = NOTE_BODY | {"content": Member("text", required=True)}
NOTES_QUERY = (
    {f"pinned_to_{place}_flag": Param("flag") for place in PINS}
    | dict.fromkeys(("user_id", "deal_id", "person_id", "org_id", "project_id", "task_id"), INT)
    | {
        "lead_id": TEXT,
        "start": Param("int", least=0),
        "limit": Param("int", least=1, most=500),
        "sort": TEXT,
        "start_date": Param("date"),
        "end_date": Param("date"),
        "updated_since": Param("moment"),
    }
)


def visible(call: Call, note: Record) -> bool:
    """A note is seen by whoever sees what it hangs on."""
    company = call.company
    places = (
        (note["deal_id"], company.deals),
        (note["person_id"], company.persons),
        (note["org_id"], company.organizations),
    )
    return all(
        number is None or (number in records and company.sees(call.user, records[number])) for number, records in places
    )


def find_note(call: Call) -> Record:
    """Raises RefusalError (404)."""
    note = call.company.notes.get(call.id)
    if note is None or not note["active_flag"] or not visible(call, note):
        raise RefusalError(404, "Note not found")
    return note


def show_note(call: Call, note: Record) -> Record:
    company = call.company
    author = company.users[note["user_id"]]
    deal = company.deals.get(note["deal_id"])
    person = company.persons.get(note["person_id"])
    organization = company.organizations.get(note["org_id"])
    return note | {
        "deal": {"title": deal["title"]} if deal else None,
        "person": {"name": person["name"]} if person else None,
        "organization": {"name": organization["name"]} if organization else None,
        "project": None,
        "user": {"email": author.email, "name": author.name, "icon_url": None, "is_you": author.id == call.user.id},
    }


def check_content(content: str) -> str:
    """Sanitised content. Raises RefusalError (400)."""
    if len(content.encode()) > MOST_BYTES:
        raise RefusalError(400, "Note content exceeds the maximum size of 100 KB")
    clean = sanitize(content)
    if not clean.strip():
        raise RefusalError(400, "Validation failed: content: must not be empty")
    return clean


def check_places(call: Call) -> None:
    """Everything named must be there and visible; only admins may write as somebody else. Raises RefusalError."""
    body, company = call.body, call.company
    for name, records, word in (
        ("deal_id", company.deals, "Deal"),
        ("person_id", company.persons, "Person"),
        ("org_id", company.organizations, "Organization"),
    ):
        if name in body and (body[name] not in records or not company.sees(call.user, records[body[name]])):
            raise RefusalError(404, f"{word} not found")
    for name in ("lead_id", "project_id", "task_id"):
        if name in body:
            raise RefusalError(404, f"{name.removesuffix('_id').capitalize()} not found")
    if "user_id" in body and body["user_id"] != call.user.id and not call.user.admin:
        raise RefusalError(403, "Only admins can set the author of a note")
    if "user_id" in body and body["user_id"] not in company.users:
        raise RefusalError(400, "Validation failed: user_id: not found")
    if "add_time" in body and not STAMP.fullmatch(body["add_time"]):
        raise RefusalError(400, "Validation failed: add_time: must be YYYY-MM-DD HH:MM:SS")


async def list_notes(call: Call) -> Response:
    query = call.query
    found = [note for note in call.company.notes.values() if note["active_flag"] and visible(call, note)]
    for name in ("user_id", "deal_id", "person_id", "org_id", "lead_id", "project_id", "task_id"):
        if name in query:
            found = [note for note in found if note[name] == query[name]]
    for place in PINS:
        name = f"pinned_to_{place}_flag"
        if name in query:
            found = [note for note in found if note[name] == query[name]]
    if "start_date" in query:
        found = [note for note in found if note["add_time"][:10] >= query["start_date"]]
    if "end_date" in query:
        found = [note for note in found if note["add_time"][:10] <= query["end_date"]]
    if "updated_since" in query:
        found = [note for note in found if note["update_time"].replace(" ", "T") + "Z" >= query["updated_since"]]
    for part in reversed(query.get("sort", "id ASC").split(",")):
        name, _, direction = part.strip().partition(" ")
        if name not in SORTABLE or direction.upper() not in ("", "ASC", "DESC"):
            raise RefusalError(400, "Validation failed: query.sort: unknown field or direction")
        found.sort(key=lambda note: (note[name] is None, note[name] or 0), reverse=direction.upper() == "DESC")
    return page_v1([show_note(call, note) for note in found], query)


async def get_note(call: Call) -> Response:
    return success(show_note(call, find_note(call)))


async def add_note(call: Call) -> Response:
    body, company = call.body, call.company
    content = check_content(body["content"])
    if not any(f"{place}_id" in body for place in PLACES):
        raise RefusalError(
            400, "Validation failed: one of deal_id, person_id, org_id, lead_id, project_id, task_id is required"
        )
    check_places(call)
    deal_id = body.get("deal_id")
    if deal_id is not None and len(company.deal_notes(deal_id)) >= MOST_NOTES:
        raise RefusalError(403, "Couldn't add note. You've reached the notes per deal limit.")
    now = time_v1(call.clock.now())
    note: Record = {
        "id": company.next_id("note"),
        "user_id": body.get("user_id", call.user.id),
        "deal_id": deal_id,
        "person_id": body.get("person_id"),
        "org_id": body.get("org_id"),
        "lead_id": None,
        "project_id": None,
        "task_id": None,
        "content": content,
        "add_time": body.get("add_time", now),
        "update_time": body.get("add_time", now),
        "active_flag": True,
        "last_update_user_id": None,
    } | {f"pinned_to_{place}_flag": bool(body.get(f"pinned_to_{place}_flag", 0)) for place in PINS}
    company.notes[note["id"]] = note
    return success(show_note(call, note))


async def change_note(call: Call) -> Response:
    note, changes = find_note(call), dict(call.body)
    if "content" in changes:
        changes["content"] = check_content(changes["content"])
    check_places(call)
    for name, value in changes.items():
        note[name] = bool(value) if name.startswith("pinned_to_") else value
    note["update_time"] = time_v1(call.clock.now())
    note["last_update_user_id"] = call.user.id
    return success(show_note(call, note))


async def delete_note(call: Call) -> Response:
    find_note(call)["active_flag"] = False
    return success(True)
