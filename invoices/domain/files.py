"""Files of a deal, which of them QuickBooks takes, and how far each is that somebody wants attached to an invoice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

LARGEST = 20 * 1024 * 1024  # bytes; what QuickBooks' own pages take of one file
MOST_AT_ONCE = 10
LONGEST_NAME = 1000
TYPES = {
    "ai": "application/postscript",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eps": "application/postscript",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "pdf": "application/pdf",
    "png": "image/png",
    "rtf": "application/rtf",
    "tif": "image/tiff",
    "txt": "text/plain",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "text/xml",
}
"""Endings of the names that QuickBooks takes, and what it is told they are:
https://developer.intuit.com/app/developer/qbo/docs/workflows/attach-images-and-notes
"""


class Unfit(StrEnum):
    """Why a file of the deal cannot be attached."""

    TYPE = "type"
    SIZE = "size"
    EMPTY = "empty"
    ELSEWHERE = "elsewhere"  # Pipedrive has a link only


@dataclass(frozen=True, slots=True)
class DealFile:
    """As Pipedrive lists it. `size` in bytes; `elsewhere`: it is kept by another service, such as Google Drive."""

    file_id: int
    name: str
    size: int
    added_at: datetime | None
    elsewhere: bool = False

    @property
    def unfit(self) -> Unfit | None:
        if self.elsewhere:
            return Unfit.ELSEWHERE
        if content_type(self.name) is None:
            return Unfit.TYPE
        if self.size > LARGEST:
            return Unfit.SIZE
        return None if self.size > 0 else Unfit.EMPTY


@dataclass(frozen=True, slots=True)
class FileWish:
    """A file that somebody wants attached. `on_send`: e-mails of the invoice take it along."""

    file_id: int
    name: str
    size: int
    on_send: bool
    sent: bool = False  # it went out, and no answer has told yet what became of it
    attachable_id: str = ""  # QuickBooks' own, once it is there
    refusal: dict[str, str] | None = None  # why it is not, as in `models.Intent`

    @property
    def is_settled(self) -> bool:
        return bool(self.attachable_id) or self.refusal is not None


def content_type(name: str) -> str | None:
    """By the ending of the name; None for what QuickBooks does not take."""
    return TYPES.get(name.rpartition(".")[2].lower()) if "." in name else None


def to_json(wishes: Iterable[FileWish]) -> list[dict[str, Any]]:
    return [asdict(wish) for wish in wishes]


def from_json(stored: Iterable[dict[str, Any]]) -> list[FileWish]:
    """Members of a newer version are left out."""
    known = {field.name for field in fields(FileWish)}
    return [FileWish(**{name: value for name, value in each.items() if name in known}) for each in stored]
