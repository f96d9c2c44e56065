"""What every template has to keep to: nothing inline, only signs and classes that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory

from integration_settings.templatetags import look

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SYMBOLS = set(re.findall(r'id="icon-([a-z-]+)"', (ROOT / "templates/includes/icons.html").read_text()))


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


@pytest.mark.parametrize("template", TEMPLATES, ids=by_name)
def test_nothing_is_inline_that_the_content_policy_would_refuse(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<style\b", text)
    assert not re.search(r"<[^>]*\sstyle\s*=", text)
    assert not re.search(r"<[^>]*\son[a-z]+\s*=", text)
    assert not re.search(r"<[^>]*\shx-on", text)
    assert not re.search(r"javascript:", text)
    assert not re.search(r"hx-vals='js:|hx-headers='js:", text)
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in script


@pytest.mark.parametrize("template", TEMPLATES, ids=by_name)
def test_every_sign_that_a_template_names_is_drawn(template: Path) -> None:
    named = set(re.findall(r'{% icon "([^"]+)"', template.read_text()))
    assert named <= SYMBOLS


def test_the_form_names_no_sign_that_its_page_leaves_out() -> None:
    page = render_to_string("includes/icons.html", {"page_surface": "invoice"})
    drawn = set(re.findall(r'id="icon-([a-z-]+)"', page))
    theirs = [*(ROOT / "templates/invoices").glob("*.html"), *(ROOT / "templates/includes").glob("embedded*.html")]
    for template in theirs:
        if not template.name.startswith(("panel", "attention", "deal_options", "fields_in_deal")):
            text = template.read_text()
            assert set(re.findall(r'{% icon "([^"]+)"', text)) <= drawn, template.name
            assert "{% flag " not in text, template.name  # whose signs are not all there


def test_every_class_that_a_sheet_dresses_stands_somewhere() -> None:
    """What nothing carries any more is weight in each first load. `tag--{{ tone }}` stands for all that begin so."""
    written = [text for template in TEMPLATES for text in re.findall(r'"([^"]*)"', template.read_text())]
    for script in (ROOT / "static/js").glob("*.js"):
        written += [text for line in script.read_text().splitlines() for text in re.findall(r'["`]([^"`]*)["`]', line)]
    for module in (file for app in ("integration_settings", "invoices") for file in (ROOT / app).rglob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Constant)]
        written += [node.value for node in nodes if isinstance(node.value, str)]
    names = {name for text in written for name in re.split(r"[^\w-]+", text)}
    begun = tuple(name for name in names if name.endswith(("--", "__")))
    for sheet in sorted((ROOT / "static/css").glob("*.css")):
        rules = re.sub(r"/\*.*?\*/|url\([^)]*\)|\d\.\d", "", sheet.read_text(), flags=re.DOTALL)
        dressed = set(re.findall(r"\.([a-z][\w-]*)", rules)) - names - {"htmx-request"}
        assert not {name for name in dressed if not name.startswith(begun)}, sheet.name


def test_every_flag_has_a_sign_that_is_drawn() -> None:
    assert {sign for sign, _, _ in look.FLAGS.values()} <= SYMBOLS


def test_a_flag_says_its_word_and_hides_its_sign() -> None:
    flag = look.flag("overdue")
    assert flag.endswith("Overdue</span>")
    assert 'aria-hidden="true"' in flag
    assert look.flag("something new").endswith("Unknown</span>")


def test_the_bar_is_full_when_more_is_invoiced_than_the_deal_is_worth() -> None:
    from decimal import Decimal

    half = look.money_bar(paid=Decimal(50), open=Decimal(0), overdue=Decimal(0), whole=Decimal(100))
    assert 'width="50.00%"' in half
    beyond = look.money_bar(paid=Decimal(150), open=Decimal(50), overdue=Decimal(0), whole=Decimal(100))
    assert re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', beyond) == [("0", "75.00"), ("75.00", "25.00")]
    assert "<rect" not in look.money_bar(paid=Decimal(0), open=Decimal(0), overdue=Decimal(0), whole=Decimal(0))


@pytest.mark.parametrize(("query", "theme"), [("", "light"), ("?theme=dark", "dark"), ('?theme="><script>', "light")])
def test_the_theme_of_the_first_paint_is_the_hosts(query: str, theme: str) -> None:
    request = RequestFactory().get(f"/embed/panel{query}")
    assert f'data-theme="{theme}"' in render_to_string("base_embedded.html", {"surface": "panel"}, request=request)


def test_a_page_without_a_proof_carries_no_token() -> None:
    request = RequestFactory().get("/embed/panel")
    text = render_to_string("base_embedded.html", {"surface": "panel", "page_token": ""}, request=request)
    assert "data-page-token" not in text
    assert 'data-surface="panel"' in text
