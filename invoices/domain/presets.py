"""What a preset puts into a form, and what of the form it leaves alone.

All of it is text by the field's name, as the form has it, so that one rule serves the draft that a form opens with and
the fields that come back from it: what somebody typed or emptied stays, everything else follows the preset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from invoices.domain.books import Books
from invoices.domain.draft import AmountsAre, InvoiceDraft

Texts = Mapping[str, str]  # memo, private_note, cc, bcc, amounts_are; own.1 is a field of the company's own
OWN = "own."


class Preset(Protocol):
    @property
    def memo(self) -> str: ...
    @property
    def private_note(self) -> str: ...
    @property
    def cc(self) -> str: ...
    @property
    def bcc(self) -> str: ...
    @property
    def amounts_are(self) -> str: ...
    @property
    def due_days(self) -> int | None: ...
    @property
    def own_fields(self) -> tuple[tuple[str, str], ...]: ...


def texts_of(draft: InvoiceDraft, books: Books) -> dict[str, str]:
    """The draft's fields that a preset can fill in this company."""
    extras = draft.extras
    texts = {"memo": draft.memo, "private_note": draft.private_note, "cc": extras.cc, "bcc": extras.bcc}
    texts |= {f"{OWN}{field.id}": extras.own_field(field.id) for field in books.own_fields}
    return texts | ({"amounts_are": str(draft.amounts_are)} if books.needs_tax_codes else {})


def filled(base: Texts, preset: Preset) -> dict[str, str]:
    """The fields while nobody touches them: `base` came with the deal, and the preset fills what that left empty.

    Amounts are never left empty: what the preset says about them comes before the deal.
    """
    given = {name: getattr(preset, name) for name in ("memo", "private_note", "cc", "bcc")}
    given |= {f"{OWN}{field_id}": text for field_id, text in preset.own_fields}
    texts = {field: text or given.get(field, "") for field, text in base.items()}
    if preset.amounts_are and "amounts_are" in base:
        texts["amounts_are"] = preset.amounts_are
    return texts


def touched(shown: Texts, before: Texts) -> frozenset[str]:
    """The fields that a person has typed in or emptied: they differ from what was put there."""
    return frozenset(field for field, text in before.items() if shown.get(field, "").strip() != text.strip())


def moved(shown: Texts, before: Texts, after: Texts) -> dict[str, str]:
    """The fields after another preset was chosen."""
    kept = touched(shown, before)
    return {field: shown.get(field, "") if field in kept else text for field, text in after.items()}


def with_texts(draft: InvoiceDraft, texts: Texts) -> InvoiceDraft:
    own = tuple((field.removeprefix(OWN), text) for field, text in texts.items() if field.startswith(OWN) and text)
    return replace(
        draft,
        memo=texts["memo"],
        private_note=texts["private_note"],
        amounts_are=AmountsAre(texts.get("amounts_are", draft.amounts_are)),
        extras=replace(draft.extras, cc=texts["cc"], bcc=texts["bcc"], own_fields=own),
    )
