"""A frame between its host and our server: modal, theme and tokens, answers that fail or never come, and leaving."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Route, expect

from tests.browser.shown import Shown, fulfil, gallery, profile, shown

__all__ = ["gallery", "profile", "shown"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


# The host


def test_outside_pipedrive_the_page_says_where_to_open_it(shown: Shown) -> None:
    shown.page.goto(f"{shown.gallery}/embed/gallery/panel-invoices?id=x")
    expect(shown.page.get_by_role("heading", level=1, name="Open this page from a deal in Pipedrive")).to_be_visible()


def test_a_silent_host_takes_nothing_away_and_our_own_dialog_asks(shown: Shown) -> None:
    frame = shown.open("panel-invoices", mode="silent", height=625)
    sent: list[str] = []
    shown.page.route("**/_voided", lambda route: (sent.append(route.request.method), fulfil("<li>Voided</li>")(route)))
    expect(frame.get_by_role("heading", name="Invoices", level=2)).to_be_visible()
    frame.get_by_role("button", name="More for invoice 1053").click()
    frame.get_by_role("menuitem", name="Void…").click()
    dialog = frame.get_by_role("dialog", name="Void invoice 1053?")
    expect(dialog).to_be_visible(timeout=12_000)
    assert sent == []
    dialog.get_by_role("button", name="Void invoice").click()
    expect(frame.get_by_text("Voided", exact=True).first).to_be_visible()
    assert sent == ["POST"]


def test_a_host_that_starts_but_answers_nothing_more_gets_our_own_dialog(shown: Shown) -> None:
    frame = shown.ready("panel-invoices", mode="deaf", height=625)
    frame.get_by_role("button", name="More for invoice 1053").click()
    frame.get_by_role("menuitem", name="Void…").click()
    dialog = frame.get_by_role("dialog", name="Void invoice 1053?")
    expect(dialog).to_be_visible()
    frame.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_host_asks_before_a_dangerous_step_and_a_no_stops_it(shown: Shown) -> None:
    frame = shown.ready("panel-invoices")
    sent: list[str] = []
    shown.page.route("**/_voided", lambda route: (sent.append("sent"), route.continue_()))
    shown.page.evaluate("answers.show_confirmation = { confirmed: false }")
    frame.get_by_role("button", name="More for invoice 1053").click()
    frame.get_by_role("menuitem", name="Void…").click()
    shown.page.wait_for_function("calls.some(call => call.command === 'show_confirmation')")
    asked = shown.calls("show_confirmation")[0]
    assert (asked["title"], asked["okText"], asked["okColor"]) == ("Void invoice 1053?", "Void invoice", "negative")
    shown.page.wait_for_timeout(300)
    assert sent == []
    expect(frame.get_by_role("button", name="More for invoice 1053")).to_be_focused()
    shown.page.evaluate("answers.show_confirmation = { confirmed: true }")
    frame.get_by_role("button", name="More for invoice 1053").click()
    frame.get_by_role("menuitem", name="Void…").click()
    shown.page.wait_for_function("calls.some(call => call.command === 'show_snackbar')")
    assert sent == ["sent"]
    assert shown.calls("show_snackbar") == [{"message": "Invoice voided"}]
    expect(frame.locator("#live")).to_have_text("Invoice voided")


def test_the_theme_follows_the_host(shown: Shown) -> None:
    frame = shown.ready("panel-empty")
    shown.page.evaluate("push('user_settings_change', { theme: 'dark' })")
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_button_opens_the_modal_with_the_deal_and_hears_it_close(shown: Shown) -> None:
    frame = shown.ready("panel-invoices")
    frame.evaluate("""() => {
        document.body.dataset.closed = 0;
        document.body.addEventListener("host:modal-closed", () => { document.body.dataset.closed++; });
    }""")
    # The host tells it on both ways at the same moment, the page hears it once.
    shown.page.evaluate("""() => addEventListener("message", ({ data }) => {
        if (data?.payload?.command === "open_modal") push("close_custom_modal");
    })""")
    frame.get_by_role("button", name="New invoice").click()
    expect(frame.locator("body")).not_to_have_attribute("data-closed", "0")
    shown.page.wait_for_timeout(200)
    expect(frame.locator("body")).to_have_attribute("data-closed", "1")
    assert shown.calls("open_modal") == [
        {"type": "custom_modal", "action_id": "QuickBooks invoice", "data": {"deal": 12}}
    ]


# Requests


def test_every_request_carries_the_page_token_and_an_expired_one_is_renewed_once(shown: Shown) -> None:
    tokens: list[str] = []
    locales = set[str | None]()

    def answer(route: Route) -> None:
        tokens.append(route.request.headers.get("authorization", ""))
        locales.add(route.request.headers.get("x-page-locale"))
        if tokens[-1] == "Bearer fresh":
            fulfil("<li>Voided</li>")(route)
        else:
            fulfil("old", 401, **{"X-Page-Token": "expired"})(route)

    renewals: list[Any] = []

    def renew(route: Route) -> None:
        renewals.append(json.loads(route.request.post_data or ""))
        route.fulfill(json={"page_token": "fresh", "expires_in": 1800})

    frame = shown.ready("panel-invoices")
    shown.page.route("**/_voided", answer)
    shown.page.route("**/embed/token", renew)
    frame.get_by_role("button", name="More for invoice 1053").click()
    frame.get_by_role("menuitem", name="Void…").click()
    expect(frame.get_by_text("Voided", exact=True).first).to_be_visible()
    shown.page.wait_for_timeout(200)
    assert tokens == ["Bearer a-token", "Bearer fresh"]
    assert locales == {frame.evaluate("document.body.dataset.locale")}
    assert renewals == [{"token": "signed", "surface": "panel"}]


def test_entries_are_kept_a_while_after_the_last_change_and_on_leaving(shown: Shown) -> None:
    kept: list[str] = []

    def keep(route: Route) -> None:
        assert route.request.headers["authorization"] == "Bearer a-token"
        kept.append(parse_qs(route.request.post_data or "")["memo"][0])
        fulfil(status=503 if len(kept) == 1 else 204)(route)

    shown.page.clock.install()
    frame = shown.ready("form-uk")
    shown.page.route("**/_kept", keep)
    frame.evaluate("document.querySelector('[data-dirty-guard]').dataset.keep = '/_kept'")
    frame.evaluate("document.getElementById('memo').name = 'memo'")
    message = frame.get_by_label("Message to the customer")
    shown.page.clock.fast_forward(60_000)  # nothing was changed
    message.fill("Than")
    shown.page.clock.fast_forward(14_000)
    message.fill("Thanks")
    shown.page.clock.fast_forward(14_000)
    assert kept == []
    with shown.page.expect_response("**/_kept"):  # it goes wrong, and nobody is disturbed
        shown.page.clock.fast_forward(1_100)
    assert kept == ["Thanks"]
    message.fill("Thank you")
    with shown.page.expect_response("**/_kept"):
        shown.page.clock.fast_forward(15_100)
    assert kept == ["Thanks", "Thank you"]
    expect(frame.get_by_role("alert")).to_have_count(0)
    shown.page.clock.fast_forward(60_000)
    assert kept == ["Thanks", "Thank you"]
    message.fill("Thank you all")
    with shown.page.expect_request("**/_kept") as last:
        shown.page.evaluate("document.getElementById('frame').remove()")  # as the window's cross does
    assert parse_qs(last.value.post_data or "")["memo"] == ["Thank you all"]


def test_a_token_that_stays_refused_is_said_and_not_asked_for_without_end(shown: Shown) -> None:
    frame = shown.ready("panel-invoices")
    tries: list[int] = []
    refuse = fulfil("no", 401, **{"X-Page-Token": "expired"})
    shown.page.route("**/_voided", lambda route: (tries.append(1), refuse(route)))
    shown.page.route("**/embed/token", lambda route: route.fulfill(json={"page_token": "b", "expires_in": 1800}))
    frame.get_by_role("button", name="More for invoice 1053").click()
    frame.get_by_role("menuitem", name="Void…").click()
    expect(frame.get_by_role("alert")).to_contain_text("This page has been open for a long time")
    assert len(tries) == 2


@pytest.mark.parametrize(
    ("renewed", "words"),
    [
        (fulfil("no", 401), "This page has been open for a long time"),
        (fulfil('{"page_token": "fresh", "expires_in": 1800}'), "This page has been open for a long time"),
        (fulfil("no", 503), "This could not be shown"),
        (lambda route: route.abort(), "The connection was interrupted"),
    ],
    ids=["nobody vouches", "refused again", "we have a fault", "no network"],
)
def test_a_link_that_the_page_may_not_fetch_is_said_to_be_what_it_is(
    shown: Shown, renewed: Callable[[Route], None], words: str
) -> None:
    frame = shown.ready("panel-invoices")
    shown.page.route("**/_link", fulfil("no", 401, **{"X-Page-Token": "expired"}))
    shown.page.route("**/embed/token", renewed)
    entry = frame.locator("[data-copy]").first
    entry.evaluate("entry => { delete entry.dataset.copy; entry.dataset.copyFrom = '/_link' }")
    frame.get_by_role("button", name="More for invoice 1053").click()
    frame.get_by_role("menuitem", name="Copy payment link").click()
    expect(frame.get_by_role("alert")).to_contain_text(words)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (lambda route: route.abort(), "The connection was interrupted"),
        (fulfil("no", 502), "This could not be shown"),
    ],
    ids=["no network", "a gateway"],
)
def test_a_page_that_could_not_be_renewed_for_a_moment_is_not_given_up(
    shown: Shown, first: Callable[[Route], None], words: str
) -> None:
    frame = shown.ready("panel-invoices")
    renewals: list[int] = []

    def voided(route: Route) -> None:
        fresh = route.request.headers.get("authorization") == "Bearer fresh"
        (fulfil("<li>Voided</li>") if fresh else fulfil("old", 401, **{"X-Page-Token": "expired"}))(route)

    def renew(route: Route) -> None:
        renewals.append(1)
        if len(renewals) == 1:
            first(route)
        else:
            route.fulfill(json={"page_token": "fresh", "expires_in": 1800})

    shown.page.route("**/_voided", voided)
    shown.page.route("**/embed/token", renew)
    frame.get_by_role("button", name="More for invoice 1053").click()
    frame.get_by_role("menuitem", name="Void…").click()
    expect(frame.get_by_role("alert")).to_contain_text(words)
    frame.get_by_role("button", name="Try again").click()
    expect(frame.get_by_text("Voided", exact=True).first).to_be_visible()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (fulfil("<h1>raw error page</h1>", 500, **{"X-Request-Id": "7F3K29QD"}), "7F3K29QD"),
        (lambda route: route.abort(), "The connection was interrupted"),
    ],
)
def test_a_failed_request_is_said_in_place_keeps_the_entries_and_can_be_repeated(
    shown: Shown, answer: Callable[[Route], None], words: str
) -> None:
    frame = shown.ready("form-uk")
    shown.page.route("**/result-created", answer)
    frame.locator("#po").fill("PO-77")
    frame.get_by_role("button", name="Create invoice").click()
    expect(frame.get_by_role("alert")).to_contain_text(words)
    expect(frame.locator("#po")).to_have_value("PO-77")
    assert "raw error page" not in frame.content()
    shown.page.unroute("**/result-created")
    frame.get_by_role("button", name="Try again").click()
    expect(frame.get_by_role("heading", name="Invoice 1054 is in QuickBooks")).to_be_focused()


def test_a_failure_is_no_longer_said_beside_the_news_that_came_meanwhile(shown: Shown) -> None:
    frame = shown.ready("result-being-verified")
    shown.page.route("**/result-created", lambda route: route.abort())
    frame.evaluate("""() => {
        const buttons = [...document.querySelectorAll("button")];
        const check = buttons.find(({ textContent }) => textContent.includes("Check now"));
        check.setAttribute("hx-post", "/embed/gallery/result-created");
        check.setAttribute("hx-target", "#invoice");
        htmx.process(check);
    }""")
    frame.get_by_role("button", name="Check now").click()
    expect(frame.get_by_role("alert")).to_contain_text("The connection was interrupted")
    news = "<section class='result'><h2>Invoice 1054 was created</h2></section>"
    frame.evaluate("(news) => htmx.swap('.result', news, { swapStyle: 'outerHTML' })", news)
    expect(frame.get_by_role("heading", name="Invoice 1054 was created")).to_be_visible()
    expect(frame.get_by_role("alert")).to_have_count(0)


def test_a_failure_that_nobody_caused_goes_when_the_page_is_up_to_date_again(shown: Shown) -> None:
    frame = shown.ready("panel-invoices")
    shown.page.route("**/_panel", lambda route: route.abort())
    frame.evaluate("""() => {
        const panel = document.getElementById("panel");
        panel.setAttribute("hx-get", "_panel");
        panel.setAttribute("hx-trigger", "again");
        const asks = "hx-get='_panel' hx-target='#panel' hx-trigger='tick' data-on-error=keep";
        const poll = `<div id=poll hidden ${asks}></div>`;
        panel.insertAdjacentHTML("beforeend", poll);
        htmx.process(panel);
        htmx.trigger(panel, "again");
    }""")
    expect(frame.get_by_role("alert")).to_contain_text("The connection was interrupted")
    shown.page.unroute("**/_panel")
    shown.page.route("**/_panel", fulfil("", 204))  # nothing is new
    frame.evaluate("htmx.trigger('#poll', 'tick')")
    expect(frame.get_by_role("alert")).to_have_count(0)
    expect(frame.get_by_role("heading", name="Invoices", level=2)).to_be_visible()


def test_a_page_that_could_not_load_shows_the_failure_where_the_skeleton_was(shown: Shown) -> None:
    frame = shown.ready("panel-loading")
    shown.page.route("**/missing", fulfil("", 503))
    frame.evaluate("""() => {
        document.getElementById("panel").setAttribute("hx-get", "/embed/gallery/missing");
        document.getElementById("panel").setAttribute("hx-trigger", "again");
        htmx.process(document.getElementById("panel"));
        htmx.trigger("#panel", "again");
    }""")
    expect(frame.get_by_role("alert")).to_contain_text("This could not be shown")
    expect(frame.locator(".skeleton")).to_have_count(0)


def test_an_error_written_by_the_server_is_shown_as_it_is(shown: Shown) -> None:
    frame = shown.ready("form-uk")
    shown.page.route("**/result-created", fulfil("<p>QuickBooks says no</p>", 409, **{"X-Fragment": "swap"}))
    frame.get_by_role("button", name="Create invoice").click()
    expect(frame.get_by_text("QuickBooks says no")).to_be_visible()


def test_a_text_that_has_to_be_fetched_is_promised_to_the_clipboard_within_the_press(shown: Shown) -> None:
    """Safari takes nothing after a wait, and had to show each payment link instead of copying it."""
    frame = shown.ready("panel-invoices")
    answers: list[Route] = []
    shown.page.route("**/payment-link", lambda route, _: answers.append(route))
    frame.evaluate("""() => {
        navigator.clipboard.write = async ([item]) => {
            window.copied = "promised";
            window.copied = await (await item.getType("text/plain")).text();
        };
        const entry = document.querySelector("[data-copy]");
        entry.removeAttribute("data-copy");
        entry.dataset.copyFrom = "/payment-link";
        entry.click();
    }""")
    assert frame.evaluate("window.copied") == "promised"
    while not answers:
        shown.page.wait_for_timeout(20)
    answers[0].fulfill(status=200, body='{"text": "https://pay.example/h/9"}', content_type="application/json")
    while shown.calls("show_snackbar") == []:
        shown.page.wait_for_timeout(20)
    assert frame.evaluate("window.copied") == "https://pay.example/h/9"


def test_what_the_browser_does_not_copy_is_shown_and_not_called_copied(shown: Shown) -> None:
    frame = shown.ready("panel-invoices")
    # As in Pipedrive's frame when the press was too long ago
    frame.evaluate("() => { navigator.clipboard.write = () => Promise.reject() }")
    frame.evaluate("() => { document.execCommand = () => false }")
    frame.get_by_role("button", name="More for invoice 1053").click()
    frame.get_by_role("menuitem", name="Copy payment link").click()
    expect(frame.get_by_role("alert")).to_contain_text("https://pay.example/h/7fK2")
    assert shown.calls("show_snackbar") == []


def test_a_second_press_sends_nothing_and_the_button_says_what_it_does(shown: Shown) -> None:
    frame = shown.ready("form-uk")
    sent: list[Route] = []

    def hold(route: Route) -> None:
        sent.append(route)

    shown.page.route("**/result-created", hold)
    button = frame.get_by_role("button", name="Create invoice")
    button.dblclick()
    expect(frame.get_by_role("button", name="Creating…")).to_have_attribute("aria-disabled", "true")
    frame.locator(".is-busy").click(force=True)
    frame.locator("#po").press("Enter")
    shown.page.wait_for_timeout(300)
    assert len(sent) == 1
    sent[0].fulfill(status=500, body="")
    expect(button).not_to_have_attribute("aria-disabled", "true")


def test_nothing_is_brought_up_to_date_while_somebody_types_an_address(shown: Shown) -> None:
    frame = shown.ready("result-created")
    asked: list[int] = []
    shown.page.route("**/_news", lambda route: (asked.append(1), fulfil("")(route)))
    frame.evaluate("""() => {
        const poll = "<div id=poll hx-get='_news' hx-trigger='tick' data-on-error=keep></div>";
        document.body.insertAdjacentHTML("beforeend", `<form data-hold></form>${poll}`);
        htmx.process(document.getElementById("poll"));
        htmx.trigger("#poll", "tick");
    }""")
    shown.page.wait_for_timeout(300)
    assert asked == []
    frame.evaluate("() => { document.querySelector('[data-hold]').remove(); htmx.trigger('#poll', 'tick'); }")
    frame.wait_for_selector("#poll:not(.htmx-request)", state="attached")
    shown.page.wait_for_timeout(300)
    assert asked == [1]


def test_leaving_with_changes_asks_first(shown: Shown) -> None:
    frame = shown.ready("form-uk")
    frame.get_by_role("button", name="Cancel").click()
    shown.page.wait_for_function("calls.some(call => call.command === 'close_modal')")
    assert shown.calls("show_confirmation") == []
    frame.locator("#po").fill("changed")
    shown.page.evaluate("answers.show_confirmation = { confirmed: false }")
    frame.get_by_role("button", name="Cancel").click()
    shown.page.wait_for_function("calls.some(call => call.command === 'show_confirmation')")
    assert shown.calls("show_confirmation")[0]["okColor"] == "primary"
    shown.page.wait_for_timeout(200)
    assert len(shown.calls("close_modal")) == 1


def test_entries_that_cannot_be_kept_are_not_lost_without_a_word(shown: Shown) -> None:
    frame = shown.ready("form-uk")
    frame.locator("form.invoice").evaluate("form => { form.dataset.keep = '/embed/gallery/nowhere' }")
    frame.locator("#po").fill("changed")
    shown.page.evaluate("answers.show_confirmation = { confirmed: true }")
    frame.get_by_role("button", name="Cancel").click()
    expect(frame.get_by_text("This could not be shown")).to_be_visible()
    assert shown.calls("close_modal") == []
    expect(frame.locator("#po")).to_have_value("changed")


def test_a_form_that_is_gone_is_said_and_then_left_without_another_word(shown: Shown) -> None:
    frame = shown.ready("form-uk")
    frame.locator("form.invoice").evaluate("form => { form.dataset.keep = '/_kept' }")
    said = {"fact": "This form has been open for too long", "effect": "Close it."}
    shown.page.route("**/_kept", lambda route: route.fulfill(status=410, json=said))
    frame.locator("#po").fill("changed")
    shown.page.evaluate("answers.show_confirmation = { confirmed: true }")
    frame.get_by_role("button", name="Cancel").click()
    expect(frame.get_by_text("This form has been open for too long")).to_be_visible()
    assert shown.calls("close_modal") == []
    frame.get_by_role("button", name="Cancel").click()
    shown.page.wait_for_function("calls.some(call => call.command === 'close_modal')")
    assert len(shown.calls("show_confirmation")) == 1


def test_the_focus_stays_where_the_reader_is_when_what_had_it_is_gone(shown: Shown) -> None:
    frame = shown.ready("form-uk")
    shown.page.route("**/_saved", fulfil(f"<h2>Top</h2>{'<br>' * 200}<h2>Read here</h2>"))
    frame.evaluate("""() => {
        document.body.insertAdjacentHTML("beforeend", `<section id="long">${"<br>".repeat(200)}
            <button hx-get="/_saved" hx-target="#long">Save for the company</button></section>`);
        htmx.process(document.getElementById("long"));
    }""")
    frame.get_by_role("button", name="Save for the company").press("Enter")
    expect(frame.get_by_role("heading", name="Read here")).to_be_focused()
