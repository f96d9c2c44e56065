"""How the frames feel on a slow machine and line: what is drawn when, what moves, how soon a press is answered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.harness import App, Bench, Result, goal, percentile
from tests.bench.pages import RACKING, deal_called
from tests.browser import driver
from tests.conftest import Tenant, connect_tenant
from tests.factories import frame_token_of, make_invoice

LINE, SLOWER = 100, 4
"""Milliseconds of a round trip between browser and app, and by how much the machine is slower."""
WATCH = """
window.vitals = {lcp: 0, cls: 0, inp: 0};
new PerformanceObserver(l => l.getEntries().forEach(e => vitals.lcp = e.startTime))
  .observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(l => l.getEntries().forEach(e => { if (!e.hadRecentInput) vitals.cls += e.value; }))
  .observe({type: 'layout-shift', buffered: true});
const pressed = e => { if (e.interactionId) vitals.inp = Math.max(vitals.inp, e.duration); };
new PerformanceObserver(l => l.getEntries().forEach(pressed))
  .observe({type: 'event', buffered: true, durationThreshold: 16});
"""


@goal("P14", "Iframe vitals")
def vitals(bench: Bench) -> Iterator[Result]:
    if driver.installed_browser() is None:
        yield Result("P14", "no Chromium on this machine", "", "not measured", None, "")
        return
    times = bench.size(5, 2)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in this thread
    with bench.stand_ins() as found, bench.app(found.settings, web=True) as app:
        tenant = connect_tenant(found.control)
        deal = deal_called(found.control, tenant, RACKING)
        for number in range(10):
            make_invoice(tenant.company, realm_id=tenant.realm, deal_id=deal["id"], number=str(2000 + number))
        with sync_playwright() as playwright, driver.launched(playwright) as browser:
            for surface in SURFACES:
                yield from of_surface(browser, app, tenant, deal["id"], surface, times)


SURFACES: dict[str, tuple[str, str, str]] = {
    # what to wait for, what to press, how
    "panel": ("/embed/panel", ".row", "[aria-haspopup=menu]"),
    "form": ("/embed/invoice", "#invoice-form", "#f-invoice_date"),
    "settings": ("/embed/settings", "#fields", "#id_due_days"),
}


def of_surface(browser: Browser, app: App, tenant: Tenant, deal_id: int, surface: str, times: int) -> Iterator[Result]:
    found = [visit(browser, address(app, tenant, deal_id, surface), *SURFACES[surface][1:]) for _ in range(times)]
    against = f"sandbox, {times} visits with an empty cache, {LINE} ms line, {SLOWER} times slower machine"

    def median(name: str) -> float:
        return percentile([one[name] for one in found], 50)

    yield Result("P14", f"{surface}: LCP", "<= 1.0 s", f"{median('lcp') / 1000:.2f} s", median("lcp") <= 1000, against)
    yield Result("P14", f"{surface}: CLS", "<= 0.02", f"{median('cls'):.3f}", median("cls") <= 0.02, against)
    yield Result("P14", f"{surface}: INP", "<= 100 ms", f"{median('inp'):.0f} ms", median("inp") <= 100, against)
    if surface == "panel":
        weight = median("bytes") / 1024
        yield Result("P14", "panel: first load", "<= 60 KB", f"{weight:.0f} KB", weight <= 60, against)


def address(app: App, tenant: Tenant, deal_id: int, surface: str) -> str:
    assert app.web
    query = {"token": frame_token_of(tenant.user), "id": "1", "theme": "light"}
    if surface == "panel":
        query |= {"resource": "deal", "selectedIds": str(deal_id)}
    if surface == "form":
        query["data"] = f'{{"deal": {deal_id}}}'
    return f"{app.web.url}{SURFACES[surface][0]}?{urlencode(query)}"


def visit(browser: Browser, url: str, ready: str, press: str) -> dict[str, float]:
    context = driver.context_of(browser, width=1000, height=720)
    page = context.new_page()
    page.add_init_script(WATCH)
    weights: list[float] = []
    hampered(page, weights)
    page.goto(url)
    page.locator(ready).first.wait_for()
    page.wait_for_timeout(1500)
    page.locator(press).first.click()
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(700)
    found: dict[str, float] = page.evaluate("vitals")
    context.close()
    return found | {"bytes": sum(weights)}


def hampered(page: Page, weights: list[float]) -> None:
    """The line and the machine of somebody on the road; `weights` gathers the bytes that came over the line."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    line: dict[str, Any] = {"offline": False, "latency": LINE, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", line)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    session.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
