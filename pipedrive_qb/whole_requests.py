"""What Django does not read: bodies whose length is not told beforehand, and texts in charsets that nobody writes. And
addresses that it would read otherwise than the proxy in front has.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.utils.http import parse_header_parameters

READ = ("utf-8", "ascii", "iso8859-1")
"""Charsets as Python calls them. Django would take any codec by whose name somebody asks: “hex” is for no text, and
“utf-7” makes halves of signs, which nothing can be stored or compared with.
"""


class WholeRequests:
    """Stands before Django, behind gunicorn."""

    def __init__(self, application: WSGIHandler) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Django's answer; an empty 400 for what it cannot even begin to read, and for who says below which prefix we
        live. We live below none, and gunicorn believes a header of that name where the proxy beside it passes it on: of
        “//admin/” it would make the page that the proxy lets nobody have.
        """
        if environ.get("SCRIPT_NAME") or not _charset_is_read(environ):
            start_response("400 Bad Request", [("Content-Length", "0")])
            return []
        if "HTTP_TRANSFER_ENCODING" in environ:
            # In pieces, as senders and proxies that do not keep bodies have them: Django takes what has no length for
            # empty. One byte too many is enough for it to refuse the rest.
            body = environ["wsgi.input"].read((settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) + 1)
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return self.application(environ, start_response)


def _charset_is_read(environ: dict[str, Any]) -> bool:
    """Whether we read what the sender says that his texts are written in, those in the address included."""
    try:
        _kind, told = parse_header_parameters(environ.get("CONTENT_TYPE", ""))
        return codecs.lookup(told.get("charset", "utf-8")).name in READ
    except (LookupError, ValueError):
        return False
