"""The host side of App Extensions in the stand-in Pipedrive, seen by a page that speaks the wire protocol itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Frame, Page, expect

from tests.stand_ins import StandIns

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DONE = {"data": None}
"""An answer without content."""
GUEST = b"""<!doctype html><title>guest</title><a href="/elsewhere" target="_blank">elsewhere</a><script>
const query = Object.fromEntries(new URLSearchParams(location.search));
const events = [];
function send(type, member, args, answered) {
  const channel = new MessageChannel();
  channel.port1.onmessage = (message) => answered(message.data);
  parent.postMessage({id: query.id, payload: {type, ...member, args}}, "*", [channel.port2]);
}
const execute = (command, args) => new Promise((resolve) => send("command", {command}, args, resolve));
const listen = (event) => send("listener", {event}, undefined, (told) => events.push([event, told]));
const answers = (command, args, patience = 10000) => new Promise((resolve) => {
  const all = [];
  setTimeout(() => resolve(all), patience);
  send("command", {command}, args, (answer) => {
    if (all.push(answer) === 1) setTimeout(() => resolve(all), 100);
  });
});
</script>"""


@dataclass
class Guests:
    url: str


@pytest.fixture
def guests() -> Iterator[Guests]:
    """Serves the same page at every address of the app, on another site than the stand-in."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(GUEST)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield Guests(f"http://localhost:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.fixture
def page(chromium: Browser, stand_ins: StandIns, guests: Guests) -> Iterator[Page]:
    """Priya, with the app installed."""
    stand_ins.control.set_app(guests.url)
    stand_ins.control.grant_pipedrive(101, 1001)
    context = chromium.new_context(viewport={"width": 1240, "height": 900}, base_url=stand_ins.pipedrive_url)
    found = context.new_page()
    found.goto("/as/1001")
    yield found
    context.close()


def guest(page: Page, kind: str = "panel") -> Frame:
    """The frame of this kind, its page loaded. A browser may exchange a frame whose page is of another site."""
    path = {"panel": "/embed/panel", "modal": "/embed/invoice", "settings": "/embed/settings"}[kind]
    for _ in range(100):
        found = [frame for frame in page.frames if path in frame.url]
        with suppress(Error):
            if found:
                found[0].wait_for_function("typeof execute === 'function'", polling=50)
                return found[0]
        page.wait_for_timeout(50)
    raise AssertionError(f"no {kind}")


def open_deal(page: Page, height: int | None = None) -> Frame:
    page.goto("/web/harbourpine/deal/1")
    panel = guest(page)
    size = {"size": {"height": height}} if height else None
    assert panel.evaluate("size => execute('initialize', size)", size) == DONE
    return panel


def size_of(page: Page, selector: str) -> tuple[int, int]:
    box = page.locator(f"{selector} iframe").bounding_box()
    assert box
    return round(box["width"]), round(box["height"])


def test_the_panel_learns_where_it_is_and_gets_the_size_it_asks_for(page: Page) -> None:
    panel = open_deal(page, 420)
    query = panel.evaluate("query")
    assert {name: query[name] for name in ("userId", "companyId", "resource", "view", "selectedIds", "theme")} == {
        "userId": "1001",
        "companyId": "101",
        "resource": "deal",
        "view": "details",
        "selectedIds": "1",
        "theme": "light",
    }
    assert size_of(page, "#panel") == (385, 420)


def test_a_height_out_of_range_is_ignored(page: Page) -> None:
    panel = open_deal(page, 420)
    for wanted, height in ((99, 420), (751, 420), ("500", 420), (None, 420), (100, 100), (750, 750)):
        assert panel.evaluate("height => answers('resize', {height})", wanted) == [DONE]
        assert size_of(page, "#panel") == (385, height), wanted


ANSWERS: list[tuple[str, Any, dict[str, Any]]] = [
    ("get_metadata", None, {"data": {"windowHeight": 900, "windowWidth": 1240}}),
    ("show_snackbar", {"message": "Saved"}, DONE),
    ("initialize", None, DONE),
    ("open_modal", {"type": "custom_modal", "action_id": "Other"}, {"error": "Modal not found"}),
    ("open_modal", {"type": "json_modal", "action_id": "x"}, {"data": {"status": "closed"}}),
    ("close_modal", None, {"error": "No modal to close"}),
    ("set_focus_mode", True, {"error": "Command is not available for this extension"}),
    ("toString", None, {"error": "Invalid command"}),
]


def test_each_command_is_answered_exactly_once(page: Page) -> None:
    panel = open_deal(page)
    for command, args, answer in ANSWERS:
        assert panel.evaluate("([command, args]) => answers(command, args)", [command, args]) == [answer], command
        assert page.evaluate("__calls.at(-1).name") == command


def test_nothing_but_initialize_works_before_it(page: Page) -> None:
    page.goto("/web/harbourpine/deal/1")
    assert guest(page).evaluate("execute('get_metadata')") == {"error": "Extension is not initialized"}


def test_a_fresh_token_comes_from_the_server(page: Page) -> None:
    panel = open_deal(page)
    token = panel.evaluate("execute('get_signed_token')")["data"]["token"]
    assert token.count(".") == 2


def test_a_modal_gets_its_data_and_tells_the_panel_when_it_closes(page: Page) -> None:
    panel = open_deal(page)
    panel.evaluate("listen('close_custom_modal')")
    wanted = {"type": "custom_modal", "action_id": "QuickBooks invoice", "data": {"deal": 1}}
    panel.evaluate(
        "args => { window.opened = execute('open_modal', args) }",
        wanted,
    )
    modal = guest(page, "modal")
    assert modal.evaluate("execute('initialize', {size: {width: 900, height: 600}})") == DONE
    assert modal.evaluate("query.data") == '{"deal":1}'
    assert "selectedIds" not in modal.evaluate("query")
    assert size_of(page, "dialog") == (900, 600)
    assert modal.evaluate("execute('resize', {width: 319, height: 500})") == DONE
    assert modal.evaluate("execute('resize', {width: 1300})") == DONE
    assert size_of(page, "dialog") == (900, 600)
    modal.evaluate("void execute('close_modal')")
    expect(page.locator("dialog")).to_have_count(0)
    assert panel.evaluate("opened") == {"data": {"status": "closed"}}
    assert panel.evaluate("events") == [["close_custom_modal", {"data": {}}]]


def test_the_menu_opens_the_modal_with_the_open_record(page: Page) -> None:
    open_deal(page)
    page.get_by_label("More actions").click()
    page.get_by_role("button", name="QuickBooks invoice", exact=True).click()
    modal = guest(page, "modal")
    query = modal.evaluate("query")
    assert (query["resource"], query["view"], query["selectedIds"]) == ("deal", "details", "1")
    page.get_by_label("Close").click()
    expect(page.locator("dialog")).to_have_count(0)


def test_a_question_waits_for_its_answer(page: Page) -> None:
    panel = open_deal(page)
    question = {"title": "Void invoice 1051?", "description": "For good.", "okText": "Void invoice"}
    for button, confirmed in (("Void invoice", True), ("Cancel", False)):
        panel.evaluate("question => { window.answer = execute('show_confirmation', question) }", question)
        expect(page.get_by_role("heading", name="Void invoice 1051?")).to_be_visible()
        page.get_by_role("button", name=button, exact=True).click()
        assert panel.evaluate("answer") == {"data": {"confirmed": confirmed}}
        expect(page.locator("dialog")).to_have_count(0)


def test_events_reach_those_who_listen(page: Page) -> None:
    panel = open_deal(page)
    panel.evaluate("['user_settings_change', 'visibility'].forEach(listen)")
    with page.expect_response("**/theme"):  # the next page's theme is the cookie of this answer
        page.get_by_label("Switch between light and dark").click()
    page.get_by_role("button", name="QuickBooks invoices").click()
    panel.wait_for_function("events.length === 2", polling=50)  # a hidden frame draws nothing
    assert panel.evaluate("events") == [
        ["user_settings_change", {"data": {"theme": "dark"}}],
        ["visibility", {"data": {"is_visible": False, "context": {"invoker": "user"}}}],
    ]
    assert open_deal(page).evaluate("query.theme") == "dark"


def test_a_message_from_anybody_else_is_ignored(page: Page) -> None:
    panel = open_deal(page)
    number = panel.evaluate("query.id")
    calls = page.evaluate("__calls.length")
    forged = """id => new Promise((resolve) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => resolve("answered");
      window.postMessage({id, payload: {type: "command", command: "get_signed_token"}}, "*", [channel.port2]);
      setTimeout(() => resolve("ignored"), 300);
    })"""
    assert page.evaluate(forged, number) == "ignored"
    assert panel.evaluate("query.id = 'another', answers('get_signed_token', null, 300)") == []
    assert page.evaluate("__calls.length") == calls


def test_a_page_that_stays_silent_for_ten_seconds_is_taken_away(page: Page) -> None:
    page.clock.install(time=0)
    page.clock.pause_at(1)
    page.goto("/web/harbourpine/deal/1")
    guest(page)
    page.clock.fast_forward(9_000)
    assert page.locator("#panel iframe").count() == 1
    page.clock.fast_forward(1_500)
    expect(page.locator("#panel")).to_contain_text("Something went wrong")
    assert page.locator("#panel iframe").count() == 0
    page.locator("#panel").get_by_role("button", name="Refresh").click()
    assert guest(page).evaluate("execute('initialize')") == DONE


def test_a_reloaded_frame_has_a_new_id_and_token(page: Page) -> None:
    former = open_deal(page).evaluate("query.id")
    page.evaluate("__sandbox.reload('panel')")
    page.wait_for_function("id => __sandbox.frames().length === 1 && __sandbox.frames()[0].id !== id", arg=former)
    assert guest(page).evaluate("query.id") != former


def test_redirects_lead_to_records_and_to_the_apps_settings(page: Page) -> None:
    panel = open_deal(page)
    panel.evaluate("void execute('redirect_to', {view: 'organizations', id: 1})")
    page.wait_for_url("**/web/harbourpine/organization/1")
    panel = guest(page)
    assert panel.evaluate("[query.resource, query.selectedIds]") == ["organization", "1"]
    panel.evaluate(
        "void execute('initialize').then(() => execute('redirect_to', {view: 'settings', context: {tab: 'fields'}}))"
    )
    page.wait_for_url("**/app-settings?tab=fields")
    assert guest(page, "settings").evaluate("[query.tab, query.companyId]") == ["fields", "101"]


def test_a_link_of_the_panel_opens_a_tab(page: Page) -> None:
    panel = open_deal(page)
    with page.context.expect_page() as opened:
        panel.get_by_text("elsewhere").click()
    assert opened.value.url.endswith("/elsewhere")


def test_the_history_shows_a_new_note_without_a_reload(page: Page, stand_ins: StandIns) -> None:
    open_deal(page)
    token = stand_ins.control.grant_pipedrive(101, 1002)["access_token"]
    page.context.request.post(
        "/api/v1/notes", headers={"Authorization": f"Bearer {token}"}, data={"content": "<b>fresh</b>", "deal_id": 1}
    )
    expect(page.get_by_label("History").locator(".note .content")).to_have_text("fresh", timeout=8_000)
