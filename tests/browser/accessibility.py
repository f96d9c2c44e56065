"""What axe-core finds wrong with a page: https://github.com/dequelabs/axe-core (vendored beside this file)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from playwright.sync_api import Frame, Page

SOURCE = Path(__file__).parent / "vendor/axe-core/4.14.1/axe.min.js"
RUN = """() => axe.run(document, { resultTypes: ["violations"], elementRef: false }).then(({ violations }) =>
    violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id} (${help}): ${target.join(" ")}`)))"""


@cache
def source() -> str:
    return SOURCE.read_text()


def violations(page: Page | Frame) -> list[str]:
    """One line a violation: the rule, what it wants, and the element. All rules run, those of good practice too."""
    page.evaluate(source())
    found: list[str] = page.evaluate(RUN)
    return found
