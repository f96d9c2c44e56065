"""The deal's files, to be attached to an invoice, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from invoices.domain.files import LARGEST, DealFile, Unfit
from invoices.presentation.say import Say

KILOBYTE = Decimal(1024)


@dataclass(frozen=True, slots=True)
class FileRow:
    """`why` it cannot be chosen, "" when it can. One that is `attached` can be once more: somebody may have taken it
    away in QuickBooks.
    """

    file_id: int
    name: str
    about: str
    why: str = ""
    attached: bool = False


@dataclass(frozen=True, slots=True)
class FilesForm:
    number: str
    rows: tuple[FileRow, ...]
    intent_key: str
    ticked: frozenset[int] = frozenset()
    on_send: bool = True
    error: str = ""
    problem: str = ""  # why nothing can be attached at all

    @property
    def can_attach(self) -> bool:
        return not self.problem and any(not row.why for row in self.rows)


def rows_of(files: Iterable[DealFile], attached: Collection[int], say: Say) -> tuple[FileRow, ...]:
    return tuple(
        FileRow(
            file.file_id,
            file.name,
            _about(file, say),
            _why_not(file.unfit, say),
            file.file_id in attached,
        )
        for file in files
    )


def size_in_words(size: int, say: Say) -> str:
    kilobytes = max(Decimal(size) / KILOBYTE, Decimal(1))
    if kilobytes < 1000:
        # Translators: size of a file
        return _("{size} KB").format(size=say.number(kilobytes.quantize(Decimal(1))))
    # Translators: size of a file
    return _("{size} MB").format(size=say.number((kilobytes / KILOBYTE).quantize(Decimal("0.1"))))


def _about(file: DealFile, say: Say) -> str:
    added = say.day(file.added_at.astimezone(say.zone).date()) if file.added_at else ""
    return " · ".join(part for part in (size_in_words(file.size, say) if file.size else "", added) if part)


def _why_not(unfit: Unfit | None, say: Say) -> str:
    if unfit is None:
        return ""
    return {
        # Translators: why a file cannot be attached
        Unfit.TYPE: _("QuickBooks does not take this type of file"),
        Unfit.SIZE: _("larger than {size}").format(size=size_in_words(LARGEST, say)),
        Unfit.EMPTY: _("an empty file"),
        Unfit.ELSEWHERE: _("kept in Google Drive; Pipedrive has the link only"),
    }[unfit]
