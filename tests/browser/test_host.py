"""The ground under the browser tests: the frame is on another site than the page, and its cookies are blocked."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def framed_server():
    """A page on localhost that sets a cookie; yields its address and the cookies that came back."""
    cookies: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/framed":
                cookies.append(self.headers.get("Cookie", ""))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Set-Cookie", "mark=1; SameSite=None; Secure; Path=/")
            self.end_headers()
            self.wfile.write(b"<p>framed</p>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/framed", cookies
        server.shutdown()


def test_a_cookie_set_in_a_frame_of_another_site_does_not_come_back(chromium, stand_ins, framed_server):
    address, cookies = framed_server
    context = chromium.new_context()
    page = context.new_page()
    for _ in range(2):
        page.goto(stand_ins.pipedrive_url)
        page.evaluate("src => document.body.append(Object.assign(document.createElement('iframe'), {src}))", address)
        page.frame_locator("iframe").get_by_text("framed").wait_for()
    context.close()
    assert cookies == ["", ""]


def test_the_start_page_leads_to_the_marketplace(person):
    someone = person()
    someone.sign_in("Priya Nair", "harbourpine")
    someone.page.get_by_role("navigation").get_by_role("link", name="Marketplace").click()
    assert someone.page.get_by_role("link", name="Install now").is_visible()
