"""The pages of the gallery (tests/look), in a frame whose host answers as Pipedrive does."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, Route

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = sorted(
    page.stem for page in (ROOT / "tests/look/pages").glob("*.html") if not page.stem.startswith(("_", "pages-"))
)


@pytest.fixture(scope="module")
def gallery() -> Iterator[str]:
    """The gallery's address; a process of its own, because it bends the settings."""
    command = [sys.executable, "-m", "tests.look.gallery", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().rstrip("/")
        finally:
            process.terminate()


class Shown:
    """One page of the gallery inside a host's frame."""

    def __init__(self, page: Page, gallery: str) -> None:
        self.page, self.gallery = page, gallery
        self.complaints: list[str] = []
        page.on("console", lambda message: self.hear(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(text)

    def open(self, name: str, **query: Any) -> Frame:
        words = "".join(f"&{key}={value}" for key, value in query.items())
        self.page.goto(f"{self.gallery}/host?page={name}{words}")
        frame = self.page.frame(url=re.compile(r"/embed/gallery/"))
        assert frame is not None
        frame.wait_for_load_state()
        return frame

    def ready(self, name: str, **query: Any) -> Frame:
        frame = self.open(name, **query)
        frame.wait_for_selector("[data-host=ready]")
        return frame

    def calls(self, command: str) -> list[Any]:
        calls: list[dict[str, Any]] = self.page.evaluate("window.calls")
        return [call.get("args") for call in calls if call["command"] == command]


@pytest.fixture(scope="module")
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """One for all pages here, which keep nothing: files that never change are fetched and compiled once."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def shown(profile: BrowserContext, gallery: str) -> Iterator[Shown]:
    made = Shown(profile.new_page(), gallery)
    yield made
    made.page.close()
    # What htmx logs about an answer that was made to fail is part of the test, a refused style or script is not.
    assert [text for text in made.complaints if "Content Security" in text or "Error:" in text] == []


def fulfil(body: str = "", status: int = 200, **headers: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, body=body, headers={"Content-Type": "text/html", **headers})
