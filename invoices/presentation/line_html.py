"""The rows of the form as HTML. Those that look alike are drawn once, and the others of them filled in: a deal may have
hundreds, and a template takes a hundred times as long as putting texts into what it has drawn.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape

from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from invoices.presentation.form_lines import named
from invoices.presentation.form_parts import FormPage, LineRow

PLACE = re.compile("\ue000(\\w+)\ue001")  # private signs, which no template has


def rows_html(page: FormPage) -> SafeString:
    """All rows of the page, each as `form_line.html` draws it."""
    template, drawn, parts = get_template("invoices/form_line.html"), dict[object, str](), []
    for row in page.rows:
        if row.input.added or row.errors:  # seldom, and hardly one like the other
            parts.append(template.render({"page": page, "row": row}))
            continue
        look = (
            row.input.ticked,
            row.item_icon,
            bool(row.invoiced),
            bool(row.reason),
            row.item_tax,
            row.options,
            row.codes,
        )
        if look not in drawn:
            lines = template.render({"page": page, "row": _with_places(row, page)})
            drawn[look] = lines.replace("\n", "")  # the texts that may have some are put in later
        parts.append(_filled(drawn[look], row))
    return mark_safe("".join(parts))  # noqa: S308  # drawn by the template; what is put in is escaped


def _with_places(row: LineRow, page: FormPage) -> LineRow:
    """The row with a place in the stead of each of its texts, see `_filled`."""
    return replace(
        row,
        input=replace(
            row.input,
            key=_place("key"),
            item_id=_place("item_id"),
            quantity=_place("quantity"),
            price=_place("price"),
            discount=_place("discount"),
            service_date=_place("service_date"),
        ),
        name=_place("name"),
        item_text=_place("item_text"),
        invoiced=_place("invoiced") if row.invoiced else "",
        reason=_place("reason") if row.reason else "",
        amount=_place("amount"),
        labels=named(page.line_labels, _place("name")),
    )


def _place(text: str) -> str:
    return f"\ue000{text}\ue001"


def _filled(drawn: str, row: LineRow) -> str:
    def text(place: re.Match[str]) -> str:
        return escape(getattr(row if hasattr(row, place[1]) else row.input, place[1]))

    return PLACE.sub(text, drawn)
