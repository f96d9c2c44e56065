"""What Django does not read: bodies whose length is not told beforehand, and texts in a charset that is none."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.core.handlers.wsgi import WSGIHandler


class WholeRequests:
    """Stands before Django, behind gunicorn."""

    def __init__(self, application: WSGIHandler) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Django's answer; an empty 400 for what it cannot even begin to read."""
        if "HTTP_TRANSFER_ENCODING" in environ:
            # In pieces, as senders and proxies that do not keep bodies have them: Django takes what has no length for
            # empty. One byte too many is enough for it to refuse the rest.
            body = environ["wsgi.input"].read((settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) + 1)
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        try:
            return self.application(environ, start_response)
        except (LookupError, ValueError, TooManyFieldsSent):
            # It has answered every fault of a page. What comes here is the charset of a header: Python has codecs by
            # names such as “hex” that are for no text, and Django takes the fault of some for too many fields.
            start_response("400 Bad Request", [("Content-Length", "0")])
            return []
