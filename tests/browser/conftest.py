"""A real Chromium. Where the machine has none, the browser tests are skipped and say so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser import driver


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if driver.installed_browser() is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright, driver.launched(playwright) as browser:
            yield browser
    finally:
        os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
        if before is not None:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def person(chromium: Browser, stand_ins: object) -> Iterator[Callable[..., driver.Salesperson]]:
    """person() -> somebody in Pipedrive with a fresh browser profile. What pages complain about fails the test."""
    made: list[driver.Salesperson] = []

    def make(*, dark: bool = False, width: int = 1360, height: int = 900) -> driver.Salesperson:
        context = driver.context_of(chromium, dark=dark, width=width, height=height)
        someone = driver.Salesperson(context, stand_ins.pipedrive_url)  # type: ignore[attr-defined]
        made.append(someone)
        return someone

    yield make
    complaints = [complaint for someone in made for complaint in someone.watcher.complaints]
    for someone in made:
        someone.context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def bookkeeper(chromium: Browser, stand_ins: object) -> Iterator[Callable[[str], driver.Bookkeeper]]:
    """bookkeeper(realm) -> somebody in QuickBooks."""
    contexts = []

    def make(realm: str) -> driver.Bookkeeper:
        context = driver.context_of(chromium)
        contexts.append(context)
        return driver.Bookkeeper(context, stand_ins.quickbooks_url, realm)  # type: ignore[attr-defined]

    yield make
    for context in contexts:
        context.close()
