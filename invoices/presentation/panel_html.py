"""The rows of the panel as HTML."""

from __future__ import annotations

from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from integration_settings.short_memory import kept_for_an_hour
from invoices.presentation.panel import Panel
from invoices.presentation.panel_rows import Row

KEPT = 1024  # rows, of some two thousand bytes each


@dataclass(frozen=True, slots=True)
class Around:
    """What else a row shows. `query` leads back to the same panel; `safe` says which texts are HTML already, because as
    keys these equal those that are not.
    """

    query: str
    language: str
    can_invoice: bool
    may_create: bool
    safe: tuple[bool, bool]


def rows_html(panel: Panel, query: str) -> list[SafeString]:
    may_create, language = panel.can_invoice and not panel.no_right, get_language() or ""

    def around(row: Row) -> Around:
        safe = isinstance(row.second, SafeString), isinstance(row.text, SafeString)
        return Around(query, language, panel.can_invoice, may_create, safe)

    return [_row_html(row, around(row)) for row in panel.rows]


@kept_for_an_hour(KEPT)
def _row_html(row: Row, around: Around) -> SafeString:
    """By all that it shows, so that what is kept is never an older state: drawing is half of what a panel costs."""
    return render_to_string("invoices/panel_row.html", {"row": row, "around": around})
