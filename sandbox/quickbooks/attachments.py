"""Files that are uploaded, and what they are attached to."""

from __future__ import annotations

import re
from typing import Any

from . import books as b
from . import refusals, validation
from .refusals import Refusal
from .wire import Row, loads

LARGEST = 100 * 1024 * 1024
TYPES = (
    "ai", "csv", "doc", "docx", "eps", "gif", "jpeg", "jpg", "ods", "pages", "pdf", "png", "rtf", "tif", "txt", "xls",
    "xlsx", "xml",
)  # fmt: skip
PART = re.compile(r'name="(?P<name>[^"]*)"(?:;\s*filename="(?P<filename>[^"]*)")?')


def upload(books: b.Books, content_type: str, body: bytes) -> list[Row]:
    """One answer a file, a refusal too. Raises 2010 for what is no such form, 2020 without a file."""
    parts = read_form(content_type, body)
    files = sorted(name for name in parts if name.startswith("file_content_"))
    if not files:
        raise refusals.required("file_content_0")
    answers: list[Row] = []
    for name in files:
        told = parts.get(name.replace("content", "metadata"))
        try:
            answers.append({"Attachable": store(books, parts[name], told[2] if told else b"{}")})
        except Refusal as refusal:
            answers.append({"Fault": refusal.fault()})
    return answers


def read_form(content_type: str, body: bytes) -> dict[str, tuple[str, str, bytes]]:
    """By the name of the part: name of the file, content type, content."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if found is None:
        raise refusals.invalid_value("body", "has no boundary,")
    parts: dict[str, tuple[str, str, bytes]] = {}
    for piece in body.split(b"--" + found[1].encode())[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        headers = {name.lower(): value for name, value in headers.items()}
        named = PART.search(headers.get("content-disposition", ""))
        if named is None:
            raise refusals.invalid_value("body", "has a part without a name,")
        parts[named["name"]] = named["filename"] or "", headers.get("content-type", ""), content.removesuffix(b"\r\n")
    return parts


def store(books: b.Books, file: tuple[str, str, bytes], metadata: bytes) -> Row:
    name, kind, content = file
    try:
        told: Any = loads(metadata.decode())
    except ValueError as error:
        raise refusals.invalid_value("body", f"is no JSON ({error}),") from error
    wanted = validation.check("Attachable", told)
    name = wanted.get("FileName") or name
    if not name:
        raise refusals.required("FileName")
    if len(content) > LARGEST:
        raise refusals.business("The file is larger than 100 MB.")
    if name.rpartition(".")[2].lower() not in TYPES:
        raise refusals.business(f"Files of this type cannot be attached. {name.rpartition('.')[2]}")
    for reference in wanted.get("AttachableRef", []):
        check_reference(books, reference)
    identity = books.new_id("Attachable")
    row = {
        "FileName": name,
        "FileAccessUri": f"/v3/company/{books.realm}/download/{identity}",
        "Size": len(content),
        "ContentType": wanted.get("ContentType") or kind,
        "domain": "QBO",
        "sparse": False,
        "Id": identity,
    }
    if wanted.get("Note"):
        row["Note"] = wanted["Note"]
    references = [
        {"EntityRef": reference["EntityRef"], "IncludeOnSend": bool(reference.get("IncludeOnSend", False))}
        for reference in wanted.get("AttachableRef", [])
    ]
    books.files[identity] = content
    return books.store("Attachable", row | ({"AttachableRef": references} if references else {}))


def check_reference(books: b.Books, reference: Row) -> None:
    entity = reference.get("EntityRef") or {}
    kind, identity = str(entity.get("type") or ""), str(entity.get("value") or "")
    table = books.tables.get(kind[:1].upper() + kind[1:])
    if table is None or identity not in table.rows:
        there = f"The entity {kind} {identity} that you are trying to link does not exist. {kind} {identity}"
        raise refusals.business(there)


def sent_with(books: b.Books, invoice_id: str) -> list[str]:
    """Names of the files that an e-mail of the invoice takes along."""
    wanted = {"type": "Invoice", "value": invoice_id}
    return [
        row["FileName"]
        for row in books.table("Attachable").rows.values()
        for reference in row.get("AttachableRef", [])
        if reference["IncludeOnSend"] and {name: reference["EntityRef"].get(name) for name in wanted} == wanted
    ]
