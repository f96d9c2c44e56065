"""Static files as a browser gets them, also those that a page of another version names."""

from __future__ import annotations

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.test import Client

from pipedrive_qb.static_files import ServedStaticFiles

SCRIPT = "vendor/htmx/htmx.min.js"


@pytest.fixture
def get(settings, tmp_path):
    """get(address) -> the answer of a version that has one script."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "pipedrive_qb.static_files.SmallStaticFiles"}}
    staticfiles_storage.save(SCRIPT, ContentFile(b"htmx"))
    list(staticfiles_storage.post_process({SCRIPT: (staticfiles_storage, SCRIPT)}))
    return Client().get  # it makes the middleware anew, which looks for its files then


def test_a_file_of_this_version_is_kept_for_ever(get):
    answer = get(staticfiles_storage.url(SCRIPT))
    assert (answer.getvalue(), answer["Cache-Control"]) == (b"htmx", "max-age=315360000, public, immutable")


def test_a_file_may_not_be_framed_either(get):
    answer = get(staticfiles_storage.url(SCRIPT))
    assert answer.getvalue() == b"htmx"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_a_page_of_another_version_gets_the_file_as_it_is_here_for_a_minute(get):
    answer = get("/static/vendor/htmx/htmx.min.0123456789ab.js")
    assert (answer.getvalue(), answer["Cache-Control"]) == (b"htmx", "max-age=60, public")


@pytest.mark.parametrize(
    "address", ["/static/js/gone.0123456789ab.js", "/static/vendor/htmx/htmx.min.012345.js", "/static/../manage.py"]
)
def test_what_is_no_file_here_is_left_to_others(get, rf, address):
    others = HttpResponse(status=404)
    assert ServedStaticFiles(lambda request: others)(rf.get(address)) is others
