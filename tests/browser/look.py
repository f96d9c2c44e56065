"""Pictures of every page in every state, in both themes, of the running demo: `script/screenshots`.

Start `script/server` first. The demo's stand-ins are set back to their seeds, and faults are made on purpose, so that
refusals and lost answers can be seen. Pictures go to docs/img/ or to the folder given.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from tests.browser.driver import Bookkeeper, Salesperson, context_of, installed_browser, launched
from tests.stand_ins import Control

ROOT = Path(__file__).resolve().parent.parent.parent
REALMS = {
    "harbourpine": "9130350000000101",
    "cedarlane": "9130350000000102",
    "coralbay": "9130350000000103",
    "birchline": "9130350000000104",
}
BOOKS = {
    "harbourpine": "Harbour & Pine Ltd (GB)",
    "cedarlane": "Cedar Lane Supply Inc (US)",
    "coralbay": "Coral Bay Tours Pty Ltd (AU)",
    "birchline": "Birchline Furniture Ltd (CA)",
}
WHO = {
    "harbourpine": "Priya Nair",
    "cedarlane": "Dana Whitfield",
    "coralbay": "Matilda Brooks",
    "birchline": "Simone Tremblay",
}
PHASE_2 = "Bramley Foods – warehouse racking, phase 2"
SEVEN = "Northgate Dental – storage fit-out"
SHELVES = "Spare shelves, Hull"
YEARLY = "Bramley Foods – annual maintenance"
GARAGE = "Eleanor Finch – garage shelves"
OUTSIDE = {
    "home": "/",
    "privacy": "/privacy",
    "terms": "/terms",
    "support": "/support",
    "stale": "/pipedrive/callback?code=x&state=y",
}


class Gallery:
    """One theme's round through the product."""

    def __init__(self, browser: Browser, control: Control, options: argparse.Namespace, *, dark: bool) -> None:
        self.browser, self.control, self.options, self.dark = browser, control, options, dark
        self.theme = "dark" if dark else "light"
        self.failed: list[str] = []

    def person(self, *, width: int = 1360, height: int = 900) -> Salesperson:
        context = context_of(self.browser, dark=self.dark, width=width, height=height)
        someone = Salesperson(context, self.options.pipedrive)
        if self.dark:
            context.add_cookies([{"name": "pipedrive_stand_in_theme", "value": "dark", "url": self.options.pipedrive}])
        return someone

    def save(self, someone: Salesperson, name: str, selector: str = "") -> None:
        """The whole tab, or one part of it at its full height."""
        someone.page.wait_for_timeout(400)
        path = self.options.folder / f"{name}-{self.theme}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if selector:
            someone.page.locator(selector).first.screenshot(path=path)
        else:
            someone.page.screenshot(path=path)
        print(path.name, flush=True)

    def attempt(self, name: str, act: Callable[[], None]) -> None:
        """A state that cannot be reached is told, and the round goes on."""
        try:
            act()
        except (Error, AssertionError) as error:
            self.failed.append(f"{name} ({self.theme}): {str(error).splitlines()[0]}")
            print(f"!! {self.failed[-1]}", flush=True)

    # The round

    def connected(self, domain: str = "harbourpine", **size: int) -> Salesperson:
        someone = self.person(**size)
        someone.sign_in(WHO[domain], domain)
        someone.install()
        with suppress(AssertionError):
            someone.page.wait_for_url(re.compile("/connect/oauth2|/settings/"))
        if "/connect/oauth2" in someone.page.url:
            someone.connect_quickbooks(BOOKS[domain])
            someone.page.wait_for_url(re.compile("/settings/"))
        return someone

    def outside(self) -> None:
        someone = self.person(width=1100, height=760)
        for name, path in OUTSIDE.items():
            someone.page.goto(self.options.app + path)
            self.save(someone, f"outside-{name}")
        someone.sign_in("Priya Nair", "harbourpine")
        self.save(someone, "stand-in-deals")
        someone.cancel_install()
        self.save(someone, "outside-install-cancelled")
        someone.context.close()

    def consents(self) -> None:
        someone = self.person(width=1100, height=760)
        someone.page.goto(self.options.pipedrive)
        self.save(someone, "stand-in-start")
        someone.sign_in("Priya Nair", "harbourpine")
        someone.install()
        someone.page.wait_for_url(re.compile("/connect/oauth2"))
        self.save(someone, "stand-in-quickbooks-consent")
        someone.page.get_by_role("button", name="Cancel").click()
        someone.page.wait_for_url(re.compile("^" + re.escape(self.options.app)))
        self.save(someone, "outside-quickbooks-cancelled")
        for name in ("Priya Nair", "Tom Hale"):
            someone.sign_in(name, "harbourpine")
            if name == "Tom Hale":
                someone.install()
                someone.page.wait_for_url(re.compile("/settings/"))
            someone.open_deal(SHELVES)
            someone.panel.get_by_text("QuickBooks").first.wait_for()
            self.save(someone, f"panel-not-connected-{name.split()[0].lower()}", "#panel iframe")
        someone.context.close()

    def settings(self) -> None:
        someone = self.connected()
        someone.settings.get_by_text("Fields that fill the invoice").wait_for()
        someone.settings.get_by_label("Show the result for").fill(PHASE_2)
        someone.settings.get_by_role("option", name=PHASE_2).click()
        someone.settings.locator("#in-deal-recipient_field", has_text="Bramley Foods").wait_for()
        someone.settings.get_by_text("Fields that fill the invoice").click()  # nothing has the focus
        self.save(someone, "settings", "section.settings-frame iframe")
        someone.settings.locator("#automatic").scroll_into_view_if_needed()
        self.save(someone, "settings-automatic", "section.settings-frame iframe")
        someone.page.set_viewport_size({"width": 760, "height": 900})
        self.save(someone, "settings-narrow", "section.settings-frame iframe")
        someone.context.close()

    def open_form(self, someone: Salesperson, title: str) -> None:
        someone.open_deal(title)
        someone.start_invoice()

    @staticmethod
    def create(someone: Salesperson) -> None:
        """Also for a deal that was invoiced in the round before."""
        over = someone.form.get_by_label("Bill more than the deal")
        if over.count():
            over.check()
        someone.create_invoice()

    def forms(self) -> None:
        someone = self.connected()
        someone.open_deal(PHASE_2)
        someone.panel.get_by_role("button", name="New invoice").first.wait_for()
        self.save(someone, "panel-empty", "#panel iframe")
        someone.start_invoice()
        self.save(someone, "form-opening", "dialog.custom-modal iframe")
        self.create(someone)
        someone.page.wait_for_timeout(1500)
        self.save(someone, "form-errors", "dialog.custom-modal iframe")
        someone.close_modal()
        someone.page.set_viewport_size({"width": 720, "height": 900})
        someone.start_invoice()
        self.save(someone, "form-narrow", "dialog.custom-modal iframe")
        someone.close_modal()
        someone.page.set_viewport_size({"width": 1360, "height": 2600})
        self.open_form(someone, SEVEN)
        self.save(someone, "form-seven", "dialog.custom-modal iframe")
        someone.context.close()

    def results(self) -> None:
        realm = REALMS["harbourpine"]
        someone = self.connected()
        self.control.fault("hang", method="POST", path="/invoice$", seconds=4, times=1, company=realm)
        self.open_form(someone, SHELVES)
        self.create(someone)
        someone.page.wait_for_timeout(1500)
        self.save(someone, "result-sending", "dialog.custom-modal iframe")
        number = someone.expect_created()
        self.save(someone, "result-created", "dialog.custom-modal iframe")
        someone.close_modal()
        someone.expect_flag(number, "Open")
        self.save(someone, "panel-invoices", "#panel iframe")
        Bookkeeper(someone.context, self.options.quickbooks, realm).receive_payment(number, "100")
        someone.expect_flag(number, "Partially paid", seconds=60)
        someone.page.bring_to_front()
        someone.page.wait_for_timeout(4000)
        self.save(someone, "deal")
        self.control.fault("lost", method="POST", path="/invoice$", times=1, company=realm)
        self.control.fault("query_lag", seconds=60, company=realm)
        self.control.fault("ignore_requestid", company=realm)
        someone.start_invoice()
        self.create(someone)
        someone.form.get_by_text(re.compile("checking whether")).first.wait_for(timeout=30_000)
        self.save(someone, "result-being-verified", "dialog.custom-modal iframe")
        someone.close_modal()
        someone.page.wait_for_timeout(1500)
        self.save(someone, "panel-being-verified", "#panel iframe")
        self.control.clear_faults()
        someone.context.close()

    def readme(self) -> None:
        """The two pictures of README.md: a deal with a paid, a partly paid and a voided invoice; its form."""
        someone = self.connected()
        bookkeeper = Bookkeeper(someone.context, self.options.quickbooks, REALMS["harbourpine"])
        deeds: dict[str, Callable[[str], None]] = {
            "Paid": bookkeeper.receive_payment,
            "Partially paid": lambda number: bookkeeper.receive_payment(number, "3000"),
            "Voided": bookkeeper.void,
        }
        for flag, deed in deeds.items():
            someone.page.bring_to_front()  # in a tab behind another one a press in a frame goes astray
            self.open_form(someone, PHASE_2)
            items = {"On-site installation": "Installation", "Safety inspection and certificate": "Installation"}
            for line, item in (items | {"Printed safety manuals": "Safety manual"}).items():
                if someone.form.get_by_role("row", name=line).get_by_text("No QuickBooks item yet").count():
                    someone.choose_item(line, item)
            someone.form.get_by_text("Every line has an active item").wait_for()
            if flag == "Paid":
                self.save(someone, "form", "dialog.custom-modal iframe")
            self.create(someone)
            number = someone.expect_created()
            someone.close_modal()
            deed(number)
            someone.page.bring_to_front()
            someone.expect_flag(number, flag, seconds=60)
        someone.page.mouse.move(0, 0)
        self.save(someone, "panel", "#panel iframe")
        someone.page.wait_for_timeout(4000)
        self.save(someone, "deal-three-invoices")
        someone.context.close()

    def other_countries(self) -> None:
        for domain in ("cedarlane", "coralbay", "birchline"):
            someone = self.connected(domain, width=1360, height=1400)
            someone.page.goto(f"{self.options.pipedrive}/web/{domain}/deals")
            someone.page.locator("tbody tr td:first-child a").first.click()
            someone.start_invoice()
            self.save(someone, f"form-{domain}", "dialog.custom-modal iframe")
            someone.context.close()

    def records(self) -> None:
        someone = self.connected()
        someone.open_deal(SHELVES)
        someone.page.get_by_role("link", name="Bramley Foods Limited").first.click()
        someone.panel.get_by_role("listitem").first.wait_for()
        self.save(someone, "panel-organization", "#panel iframe")
        someone.open_deal(YEARLY)
        someone.panel.get_by_role("button", name="More", exact=True).click()
        someone.panel.get_by_role("menuitem", name="Billing plan").click()
        someone.panel.get_by_role("heading", name="Billing plan").wait_for()
        self.save(someone, "panel-billing-plan", "#panel iframe")
        someone.context.close()

    def ended(self) -> None:
        someone = self.connected()
        self.control.expire_tokens("quickbooks", REALMS["harbourpine"], "all")
        someone.open_settings()
        someone.settings.get_by_role("button", name="Check now").click()  # with nothing to follow it is found out late
        someone.settings.get_by_text(re.compile("ended the connection|Connection ended")).first.wait_for()
        self.save(someone, "settings-connection-ended", "section.settings-frame iframe")
        someone.open_deal(SHELVES)
        someone.panel.get_by_text(re.compile("ended the connection")).first.wait_for()
        self.save(someone, "panel-connection-ended", "#panel iframe")
        someone.context.close()

    def run(self) -> list[str]:
        rounds = (
            self.outside,
            self.consents,
            self.settings,
            self.forms,
            self.results,
            self.records,
            self.readme,
            self.other_countries,
            self.ended,
        )
        for act in rounds:
            self.control.clear_faults()
            if not self.options.only or act.__name__ in self.options.only.split(","):
                self.attempt(act.__name__, act)
        return self.failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "img")
    parser.add_argument("--app", default="http://localhost:8000")
    parser.add_argument("--pipedrive", default="http://127.0.0.1:8010")
    parser.add_argument("--quickbooks", default="http://127.0.0.1:8020")
    parser.add_argument("--theme", choices=("light", "dark", "both"), default="both")
    parser.add_argument("--only", default="", help="rounds, e.g. forms,results")
    options = parser.parse_args()
    if installed_browser() is None:
        parser.error("no Chromium on this machine; on Debian: apt-get install chromium")
    failed: list[str] = []
    with sync_playwright() as playwright, launched(playwright) as browser:
        for dark in (False, True):
            if options.theme in ("both", "dark" if dark else "light"):
                failed += Gallery(browser, Control(options.pipedrive), options, dark=dark).run()
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
