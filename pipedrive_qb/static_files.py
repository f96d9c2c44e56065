"""Static files as they are served: made small, named by their content, compressed."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.core.files.base import ContentFile, File
from django.http import HttpRequest, HttpResponseBase
from rcssmin import cssmin
from rjsmin import jsmin
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

DIGEST = re.compile(r"\.[0-9a-f]{12}(?=\.\w+$)")  # of the content, before the end of a name
SMALLER: dict[str, Callable[[str], str]] = {"css": cssmin, "js": jsmin}


class SmallStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    """Leaves out our comments and blanks, a fifth of what a browser loads first. What others wrote stays as it came."""

    def _save(self, name: str, content: File[bytes]) -> str:
        smaller = SMALLER.get(name.rpartition(".")[2])
        if smaller and not name.startswith("vendor/"):
            content = ContentFile(smaller(b"".join(content.chunks()).decode()).encode())
        saved: str = super()._save(name, content)
        return saved


class ServedStaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # it has no types
    """A page of another version names its files by what is in them there: while two versions serve, and for a page that
    was on its way when they changed, it would have neither style nor script. It gets what stands there here, for the
    minute that files without a digest are kept.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked, find = request.path_info, self.find_file if self.autorefresh else self.files.get
        found = find(asked) or find(DIGEST.sub("", asked))
        answer: HttpResponseBase = self.serve(found, request) if found else self.get_response(request)
        return answer
