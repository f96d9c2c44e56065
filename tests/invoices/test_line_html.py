"""Rows that look alike are drawn once: what comes out is what the template would draw of each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.template.loader import render_to_string

from integration_settings.formats import read_as
from invoices import drafting
from invoices.presentation import line_html
from invoices.presentation.form import form_page
from invoices.views.answers import say
from invoices.views.form_material import material_as_opened
from tests.conftest import visitor_of
from tests.invoices.conftest import RACKING
from tests.invoices.test_deal_gateway import deal_called

pytestmark = pytest.mark.django_db
HOSTILE = "<b>\"Rack\" & 'bay'</b> \ue000amount\ue001 {{ page }}"


@pytest.fixture
def page(connect, control):
    """A form with rows of every kind: by item, tick, tax, reason, and with texts that could be taken for places."""
    tenant = connect("GB")
    visitor = visitor_of(tenant.user, "invoice")
    preparation = drafting.prepare(visitor, deal_called(control, tenant.pair, RACKING))
    with read_as("en_GB"):
        made = form_page(material_as_opened(visitor, preparation, say()))
    first, *others = made.rows
    more = (
        replace(first, input=replace(first.input, key="m1", ticked=False)),
        replace(first, input=replace(first.input, key="m2", price=HOSTILE, discount=""), name=HOSTILE, reason=""),
        replace(first, input=replace(first.input, key="m3"), item_text=HOSTILE, reason=HOSTILE, amount=HOSTILE),
        replace(first, input=replace(first.input, key="m4"), errors={"price": "Not a number", "items": {}}),
        replace(first, input=replace(first.input, key="m5", added=True, description=HOSTILE)),
    )
    named = tuple(replace(row, labels=line_html.named(made.line_labels, row.name)) for row in more)
    return replace(made, rows=(first, *others, *named))


@pytest.mark.parametrize("opened", [frozenset(), frozenset({"service_dates"})])
def test_every_row_is_as_the_template_draws_it(page, opened):
    page = replace(page, opened=opened)
    drawn = [render_to_string("invoices/form_line.html", {"page": page, "row": row}) for row in page.rows]
    assert line_html.rows_html(page).replace("\n", "") == "".join(drawn).replace("\n", "")


def test_what_looks_alike_is_drawn_once(page, monkeypatch):
    template = line_html.get_template("invoices/form_line.html")
    drawn = []

    class Counting:
        def render(self, context):
            drawn.append(context["row"])
            return template.render(context)

    monkeypatch.setattr(line_html, "get_template", lambda name: Counting())
    many = replace(page, rows=tuple(replace(page.rows[0], name=f"Bay {number}") for number in range(200)))
    line_html.rows_html(many)
    assert len(drawn) == 1
