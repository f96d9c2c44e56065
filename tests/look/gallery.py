"""Every piece of the design system on pages of its own, as a picture book and for the tests; not part of the app.

`python -m tests.look.gallery [port]` serves it: `/` lists the pages, `/host?page=panel-invoices&width=385&theme=dark`
shows one inside a frame, with a small host that answers the App Extensions SDK. The framed pages go through the real
middleware, so the content security policy holds for them as it does for the app.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from integration_settings.formats import read_as

HERE = Path(__file__).parent
PAGES = HERE / "pages"
HOST = (HERE / "host.html").read_text()
SURFACES = {"panel": "panel", "form": "invoice", "result": "invoice", "settings": "settings", "components": "settings"}


def row(number: str, status: str, amount: str, second: str, **more: str) -> dict[str, str]:
    return {"number": number, "status": status, "amount": amount, "second": second, **more}


ROWS = [
    row("1053", "open", "£2,880.00", "Due 7 Dec 2026 · e-mailed 20 Nov"),
    row("1051", "partially_paid", "£7,200.00", "Due 4 Dec 2026 · £3,000.00 paid", open="£4,200.00 open"),
    row("1050", "voided", "£7,200.00", "Voided 3 Nov 2026", off="yes"),
    row("1048", "overdue", "£4,320.00", " · due 9 Nov 2026", alert="14 days overdue"),
    row("1044", "deleted", "£960.00", "Deleted in QuickBooks 28 Oct 2026", off="yes"),
    row("1042", "paid", "£3,600.00", "Paid 2 Nov 2026"),
]


def line(name: str, item: str, figures: tuple[str, str, str, str], reason: str, **more: Any) -> dict[str, Any]:
    quantity, price, discount, amount = figures
    shown = {"quantity": quantity, "price": price, "discount": discount, "amount": amount}
    return {"name": name, "item": item, "reason": reason, **shown, **more}


TWENTY, ZERO, SAYS = "Product tax is 20%", "Product tax is 0%", "As the item says"
LINES = [
    line(
        "Pallet racking bay, 4 levels",
        "Pallet racking bay 4L, by SKU RACK-4L",
        ("12", "520.00", "5%", "£5,928.00"),
        TWENTY,
        tax="20.0% S",
    ),
    line(
        "On-site installation, day rate",
        "Installation, as last time",
        ("3", "640.00", "", "£1,920.00"),
        TWENTY,
        tax="20.0% S",
    ),
    line(
        "Safety inspection and certificate",
        "",
        ("1", "852.00", "", "£852.00"),
        TWENTY,
        tax="20.0% S",
        fault="No QuickBooks item yet",
    ),
    line("Printed safety manuals", "Safety manual, same name", ("20", "15.00", "", "£300.00"), ZERO, tax="0.0% Z"),
]
TAXABLE = [
    line(
        "Intraoral scanner, model X2",
        "Scanner X2, by SKU IOS-X2",
        ("2", "2,950.00", "", "$5,900.00"),
        SAYS,
        taxable=True,
    ),
    line("Calibration kit", "Calibration kit, same name", ("2", "180.00", "$20.00", "$340.00"), SAYS, taxable=True),
    line("Staff training, half day", "Training, as last time", ("1", "600.00", "", "$600.00"), "Service item"),
    line("Extended warranty, 3 years", "Warranty 36M, by SKU WAR-36", ("2", "420.00", "", "$840.00"), SAYS, off=True),
]


def context(name: str) -> dict[str, Any]:
    return {
        "rows": ROWS,
        "few": [ROWS[0], ROWS[1], ROWS[3]],
        "lines": TAXABLE if name.startswith("form-us") else LINES,
        "errors": "errors" in name,
        "page": name,
        "surface": SURFACES.get(name.split("-", maxsplit=1)[0], "panel"),
        "page_token": "a-token",
        "paid": Decimal(5500),
        "open": Decimal(5900),
        "overdue": Decimal(3600),
        "whole": Decimal(24000),
    }


@csrf_exempt
def piece(request: HttpRequest, name: str) -> HttpResponse:
    """One page of the gallery; `?as=` names the reader's locale, `?status=` answers with that status."""
    file = PAGES / f"{name}.html"
    if not file.resolve().is_relative_to(PAGES) or not file.exists():
        raise Http404
    with read_as(request.GET.get("as", "en_GB")):
        text = engines["django"].from_string(file.read_text()).render(context(name), request)
    response = HttpResponse(text, status=int(request.GET.get("status", "200")))
    response["X-Request-Id"] = "7F3K29QD"
    return response


# The names that the base templates link to; the app's own views take no part here.
urlpatterns = [
    path("embed/gallery/<slug:name>", piece),
    *(path(name, piece, {"name": "pages-outside"}, name=name) for name in ("home", "support", "privacy", "terms")),
    path("embed/token", piece, {"name": "pages-fault"}, name="embed_token"),
]


def application() -> Callable[..., Iterable[bytes]]:
    settings.ROOT_URLCONF = "tests.look.gallery"
    settings.PIPEDRIVE_FRAME_ANCESTORS = ["'self'"]
    settings.ALLOWED_HOSTS = ["*"]
    settings.DEBUG = True  # lets the staticfiles handler serve from the source folders
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    if str(HERE) not in [str(folder) for folder in settings.TEMPLATES[0]["DIRS"]]:
        settings.TEMPLATES[0]["DIRS"] = [*settings.TEMPLATES[0]["DIRS"], HERE]
        engines._templates = None
        engines.__dict__.pop("templates", None)
        engines._engines.clear()
    framed = StaticFilesHandler(get_wsgi_application())

    def door(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/gallery.css":
            start("200 OK", [("Content-Type", "text/css")])
            return [(HERE / "gallery.css").read_bytes()]
        if environ["PATH_INFO"].startswith("/static/"):
            cached = [("Cache-Control", "max-age=600")]
            return framed(environ, lambda status, headers, *rest: start(status, [*headers, *cached], *rest))
        if environ["PATH_INFO"] not in ("/", "/host"):
            return framed(environ, start)
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        if environ["PATH_INFO"] == "/":
            names = sorted(file.stem for file in PAGES.glob("*.html") if not file.stem.startswith("_"))
            links = "".join(f'<li><a href="/host?page={name}">{name}</a>' for name in names)
            return [f"<!doctype html><title>Gallery</title><ul>{links}</ul>".encode()]
        query = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
        surface = SURFACES.get(query.get("page", "").split("-")[0], "panel")
        widths = {"panel": "385", "settings": "960", "invoice": "1000"}
        filled = HOST
        for key, default in (
            ("page", ""),
            ("width", widths[surface]),
            ("height", "720"),
            ("theme", "light"),
            ("more", ""),
            ("mode", ""),
        ):
            filled = filled.replace(f"[[{key}]]", query.get(key, default).replace('"', "").replace("<", ""))
        return [filled.encode()]

    return door


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads the requests of a gallery."""


def serve(port: int = 0) -> Server:
    server = make_server("127.0.0.1", port, application(), server_class=Server, handler_class=Quiet)
    assert isinstance(server, Server)
    return server


if __name__ == "__main__":
    server = serve(int(sys.argv[1]) if len(sys.argv) > 1 else 8123)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}/\n")
    sys.stdout.flush()  # a reader behind a pipe waits for it
    server.serve_forever()
