"""A person at a browser, in clear verbs. Finds things as people do: by role and name, not by class."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    FrameLocator,
    Locator,
    Page,
    Playwright,
    expect,
)

from tests.browser.accessibility import violations

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 120_000
"""Milliseconds a person waits for a page before giving up."""
STILL = 3  # looks in a row that see a window in one place


def installed_browser() -> str | None:
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=installed_browser(), args=ARGUMENTS)
    try:
        yield browser
    finally:
        browser.close()


def context_of(browser: Browser, *, dark: bool = False, width: int = 1360, height: int = 900) -> BrowserContext:
    """A fresh profile; third-party cookies are blocked, as a new Debian Chromium has it."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-GB"
    )
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    return context


class Watcher:
    """Remembers what a page complained about. A complaint fails the test that has no reason to expect it."""

    HARMLESS = re.compile(r"status of 4(01|04|09|22)")  # answers that pages are made for

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        context.on("page", self.watch)

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self.hear(page, message))
        page.on("dialog", lambda dialog: self.answer(page, dialog))

    def hear(self, page: Page, message: ConsoleMessage) -> None:
        if message.type == "error" and not self.HARMLESS.search(message.text):
            self.complaints.append(f"{page.url}: {message.text}")

    def answer(self, page: Page, dialog: Dialog) -> None:
        self.complaints.append(f"{page.url}: a browser dialog: {dialog.message}")
        dialog.dismiss()


class Salesperson:
    """At work in Pipedrive. `page` is the tab of Pipedrive; the app is seen in its frames."""

    def __init__(self, context: BrowserContext, pipedrive_url: str) -> None:
        self.watcher = Watcher(context)
        self.context = context
        self.url = pipedrive_url
        self.page = context.new_page()
        self.domain = ""

    # Pipedrive

    def sign_in(self, name: str, domain: str) -> None:
        """Chooses a person of the cast on the start page."""
        self.page.goto(f"{self.url}/")
        card = self.page.locator("section.card", has=self.page.get_by_text(domain))
        card.get_by_role("button", name=name).click()
        self.page.wait_for_url(re.compile("/web/|/$"))
        self.domain = domain

    def install(self) -> None:
        """From the Marketplace listing to the end of Pipedrive's consent."""
        self.page.get_by_role("navigation").get_by_role("link", name="Marketplace").click()
        self.page.get_by_role("link", name=re.compile("Install")).click()
        self.page.get_by_role("button", name="Allow and install").click()

    def cancel_install(self) -> None:
        self.page.get_by_role("navigation").get_by_role("link", name="Marketplace").click()
        self.page.get_by_role("link", name=re.compile("Install")).click()
        self.page.get_by_role("button", name="Cancel").click()

    def connect_quickbooks(self, company: str) -> None:
        """QuickBooks' consent, wherever it is open."""
        page = self.page_with(re.compile("/connect/oauth2"))
        page.get_by_label("Company").select_option(label=company)
        page.get_by_role("button", name="Connect").click()

    def shut_out_by(self, surface: str) -> list[str]:
        """What keeps some people from using the frame that is open: "panel", "invoice" or "settings"."""
        frame = next(frame for frame in self.page.frames if f"/embed/{surface}" in frame.url)
        frame.locator("main").first.wait_for(state="visible")  # nothing is, until the host has answered
        return violations(frame)

    def page_with(self, url: re.Pattern[str]) -> Page:
        """The tab at this address, whether it is ours or one that the app opened."""
        deadline = PATIENCE
        while deadline > 0:
            for page in self.context.pages:
                if url.search(page.url):
                    page.wait_for_load_state()
                    return page
            self.page.wait_for_timeout(100)
            deadline -= 100
        raise AssertionError(f"no tab at {url.pattern}; open are {[page.url for page in self.context.pages]}")

    def open_deal(self, title: str) -> None:
        self.page.get_by_role("navigation").get_by_role("link", name="Deals").click()
        self.page.get_by_role("link", name=title, exact=True).click()
        expect(self.page.get_by_role("heading", name=title)).to_be_visible()

    def open_settings(self) -> None:
        self.page.get_by_role("navigation").get_by_role("link", name="Settings").click()
        self.page.get_by_role("link", name="Settings", exact=True).last.click()

    @property
    def timeline(self) -> Locator:
        return self.page.get_by_label("History")

    def note(self, text: str | re.Pattern[str]) -> Locator:
        """The notes of the open deal that contain a text."""
        return self.timeline.locator(".note .content").filter(has_text=text)

    # The app, in its three frames

    @property
    def settings(self) -> FrameLocator:
        return self.page.frame_locator("section.settings-frame iframe")

    @property
    def panel(self) -> FrameLocator:
        return self.page.frame_locator("#panel iframe")

    @property
    def form(self) -> FrameLocator:
        """The custom modal: the invoice form and, after it was sent, its result."""
        return self.page.frame_locator("dialog.custom-modal iframe")

    def set_due_days(self, days: int) -> None:
        field = self.settings.get_by_label(re.compile("Due", re.IGNORECASE)).first
        expect(field).to_be_visible()
        field.fill(str(days))

    def save_settings(self) -> None:
        self.settings.get_by_role("button", name="Save for the company").click()
        expect(self.settings.get_by_text(re.compile("Saved for everyone"))).to_be_visible()
        expect(self.settings.locator("#in-deal-recipient_field")).not_to_be_empty()  # nothing is under way any more

    def start_invoice(self) -> None:
        self.panel.get_by_role("button", name="New invoice").first.click()
        expect(self.form.get_by_role("button", name="Create invoice").first).to_be_visible()
        self.stands_still(self.page.locator("dialog.custom-modal iframe"))

    def stands_still(self, frame: Locator) -> None:
        """The host moves and resizes a window while it opens; a press that is aimed in that moment lands beside it."""
        places: list[object] = []
        while len(places) < STILL or places[-STILL:] != [places[-1]] * STILL:
            places.append(frame.bounding_box())
            self.page.wait_for_timeout(120)

    def choose_item(self, product: str, item: str) -> None:
        """Gives a line of the form its QuickBooks item."""
        line = self.form.get_by_role("row").filter(has_text=product)
        line.get_by_role("button", name=re.compile("^Choose")).click()
        line.get_by_role("combobox", name="QuickBooks item").fill(item)
        self.form.get_by_role("option", name=item).first.click()

    def walk_to(self, target: Locator, *, steps: int = 150) -> None:
        """By the keyboard alone: Tab until this has the focus, in whichever frame it is."""
        expect(target).to_be_visible()
        for _ in range(steps):
            if target.evaluate("element => element === document.activeElement && document.hasFocus()"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{steps} presses of Tab do not lead to {target}")

    def create_invoice(self) -> None:
        self.form.get_by_role("button", name="Create invoice").first.click()

    def expect_created(self) -> str:
        """Waits for the result; returns the invoice's number."""
        line = self.form.get_by_text(re.compile(r"Invoice \S+ is in QuickBooks")).first
        expect(line).to_be_visible(timeout=PATIENCE)
        found = re.search(r"Invoice (\S+) is in QuickBooks", line.inner_text())
        assert found
        return found[1]

    def close_modal(self) -> None:
        self.page.locator("dialog.custom-modal > header button").click()
        expect(self.page.locator("dialog.custom-modal")).to_have_count(0)

    def row(self, number: str) -> Locator:
        """The invoice's row in the panel."""
        return self.panel.get_by_role("listitem").filter(has=self.panel.get_by_text(number, exact=True))

    def expect_flag(self, number: str, flag: str, *, seconds: float = 60) -> None:
        expect(self.row(number).get_by_text(flag, exact=True).first).to_be_visible(timeout=seconds * 1000)

    def picture(self, folder: Path, name: str, target: Locator | Page | None = None) -> None:
        """Saves what is seen, for people to look at."""
        folder.mkdir(parents=True, exist_ok=True)
        (target or self.page).screenshot(path=folder / f"{name}.png")


class Bookkeeper:
    """At work in QuickBooks, in a browser of her own."""

    def __init__(self, context: BrowserContext, quickbooks_url: str, realm: str) -> None:
        self.page = context.new_page()
        self.url = f"{quickbooks_url}/web/{realm}"

    def open_invoice(self, number: str) -> None:
        self.page.goto(self.url)
        self.page.get_by_role("link", name=number, exact=True).click()

    def receive_payment(self, number: str, amount: str | None = None) -> None:
        """The whole balance unless another amount is given."""
        self.open_invoice(number)
        if amount is not None:
            self.page.get_by_label("Amount received").fill(amount)
        self.page.get_by_role("button", name="Receive payment").click()
        with suppress(AssertionError):
            expect(self.page.get_by_role("status")).to_be_visible(timeout=2000)

    def void(self, number: str) -> None:
        self.open_invoice(number)
        self.page.get_by_role("button", name="Void").click()

    def invoices(self) -> list[str]:
        """The numbers of all invoices in the books."""
        self.page.goto(self.url)
        return self.page.locator("tbody tr td:first-child").all_inner_texts()
