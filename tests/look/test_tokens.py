"""The colours of both themes and the contrast of every pair that stands on a page, computed from the style sheet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[2] / "static" / "css"
TOKENS = (CSS / "tokens.css").read_text()
HEX = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")


def block(selector: str) -> dict[str, str]:
    found = re.search(re.escape(selector) + r" \{(.*?)\n *\}", TOKENS, re.DOTALL)
    assert found, f"no block for {selector}"
    return dict(HEX.findall(found[1]))


LIGHT = block(":root")
THEMES = {"light": LIGHT, "dark": LIGHT | block('[data-theme="dark"]')}
BACKGROUNDS = ("page", "surface", "sunken", "raised", "hover")
SOFT = ("accent-soft", "positive-soft", "warning-soft", "negative-soft", "info-soft", "neutral-soft")
STATUSES = ("positive", "warning", "negative", "info", "neutral")


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def pairs(inks: tuple[str, ...], papers: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(ink, paper) for ink in inks for paper in papers]


# What is read: at least 4.5 to 1.
READ = [
    *pairs(("text", "text-quiet"), (*BACKGROUNDS, *SOFT)),
    *pairs(("accent-text",), (*BACKGROUNDS, "accent-soft")),
    *pairs(("on-accent",), ("accent", "accent-hover", "accent-pressed", "negative-button", "negative-button-hover")),
    *((status, f"{status}-soft") for status in STATUSES),
    *pairs(STATUSES, BACKGROUNDS),
]
# What carries a meaning by its shape: at least 3 to 1.
SEEN = [
    *pairs(("control-edge",), ("page", "surface", "sunken", "raised")),
    *pairs(("accent",), ("page", "surface")),
    ("on-accent", "control-edge"),  # the tick of a box that is switched off
    *pairs(("focus",), (*BACKGROUNDS, "accent-soft")),
    *pairs(("negative-edge",), ("page", "surface", "track")),
    ("negative-button", "surface"),
    *pairs(("bar-paid", "bar-open"), ("track", "surface")),
]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("ink", "paper"), READ)
def test_what_is_read_has_a_contrast_of_four_and_a_half(theme: str, ink: str, paper: str) -> None:
    colours = THEMES[theme]
    assert contrast(colours[ink], colours[paper]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("part", "ground"), SEEN)
def test_what_carries_a_meaning_has_a_contrast_of_three(theme: str, part: str, ground: str) -> None:
    colours = THEMES[theme]
    assert contrast(colours[part], colours[ground]) >= 3


# The worst pair of each row of the design's table, in light and in dark, to two digits as measured there.
MEASURED = [
    ("control-edge", "page", "raised", 3.15, 3.75),
    ("text", "negative-soft", "hover", 13.4, 9.5),
    ("text-quiet", "negative-soft", "hover", 5.1, 5.4),
    ("on-accent", "accent", "accent", 4.58, 4.58),
    ("accent", "page", "surface", 4.20, 3.54),
    ("on-accent", "accent-hover", "accent-hover", 5.98, 5.36),
    ("on-accent", "accent-pressed", "accent-pressed", 8.93, 6.57),
    ("accent-text", "hover", "hover", 5.74, 5.82),
    ("text", "accent-soft", "accent-soft", 13.7, 10.4),
    ("focus", "page", "surface", 6.00, 7.72),
    ("positive", "positive-soft", "positive-soft", 5.15, 7.42),
    ("warning", "warning-soft", "warning-soft", 5.83, 7.80),
    ("info", "info-soft", "info-soft", 5.65, 6.87),
    ("neutral", "neutral-soft", "neutral-soft", 6.59, 6.71),
    ("on-accent", "negative-button", "negative-button", 5.75, 4.71),
    ("bar-paid", "track", "track", 3.27, 3.63),
    ("bar-open", "track", "track", 3.28, 3.54),
]


@pytest.mark.parametrize(("ink", "light_ground", "dark_ground", "light", "dark"), MEASURED)
def test_the_sheet_has_the_colours_that_were_measured(
    ink: str, light_ground: str, dark_ground: str, light: float, dark: float
) -> None:
    assert contrast(THEMES["light"][ink], THEMES["light"][light_ground]) == pytest.approx(light, abs=0.06)
    assert contrast(THEMES["dark"][ink], THEMES["dark"][dark_ground]) == pytest.approx(dark, abs=0.06)


def test_pages_that_follow_the_operating_system_have_the_same_dark_colours() -> None:
    assert block(":root:not([data-theme])") == block('[data-theme="dark"]')


def test_no_other_sheet_names_a_colour_of_its_own() -> None:
    for sheet in sorted(CSS.glob("*.css")):
        if sheet.name != "tokens.css":
            text = re.sub(r'url\("data:[^"]*"\)', "", sheet.read_text())
            text = text.replace("rgb(14 16 23 / 45%)", "")  # the veil behind a dialog, the same in both themes
            assert not re.findall(r"#[0-9a-f]{3,8}\b(?=[;\s,)])|rgb\(", text), sheet.name


def test_every_token_that_is_used_exists() -> None:
    known = set(re.findall(r"--([a-z0-9-]+):", TOKENS))
    for sheet in sorted(CSS.glob("*.css")):
        unknown = set(re.findall(r"var\(--([a-z0-9-]+)", sheet.read_text())) - known
        assert not unknown, f"{sheet.name}: {sorted(unknown)}"


def test_sheets_write_for_both_reading_directions() -> None:
    """Logical sides only, so that a right-to-left language needs no second sheet."""
    physical = re.compile(
        r"^\s*(?:(?:margin|padding|border)-(?:left|right)|left|right|text-align: (?:left|right))\b", re.M
    )
    for sheet in sorted(CSS.glob("*.css")):
        assert not physical.findall(sheet.read_text()), sheet.name
