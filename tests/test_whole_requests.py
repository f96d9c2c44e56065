"""What a sender may do that Django alone does not read, through the web server's own door."""

from __future__ import annotations

import base64
import hashlib
import hmac
from io import BytesIO
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from pipedrive_qb.whole_requests import WholeRequests

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask():
    """The status of the answer to a request as gunicorn hands it on."""
    door = WholeRequests(get_wsgi_application())
    request_started.disconnect(close_old_connections)  # as Django's test client does: a test keeps its connection

    def status_of(method: str, path: str, body: bytes = b"", **more: str) -> int:
        said: list[str] = []
        address, _, query = path.partition("?")
        environ = {"REQUEST_METHOD": method, "PATH_INFO": address, "QUERY_STRING": query, "HTTP_HOST": "testserver"}
        setup_testing_defaults(environ)
        environ |= {"wsgi.input": BytesIO(body), **more}
        list(door(environ, lambda status, headers, exc_info=None: said.append(status)))
        return int(said[0].split()[0])

    yield status_of
    request_started.connect(close_old_connections)


def in_pieces(**more: str) -> dict[str, str]:
    """gunicorn puts the pieces together, and nobody has told their length."""
    return {"HTTP_TRANSFER_ENCODING": "chunked", **more}


@pytest.mark.parametrize("prefix", ["/", "/embed"])
def test_nobody_is_led_past_the_proxys_rules_by_a_prefix_of_his_own(ask, prefix):
    """Of “//admin/” and “/embed/admin/”, which the proxy lets through, gunicorn makes “/admin/” with such a header."""
    assert ask("GET", "/healthz", SCRIPT_NAME="") == 200
    assert ask("GET", "/healthz", SCRIPT_NAME=prefix) == 400


def test_an_uninstall_that_comes_in_pieces_removes_the_company(ask, company, settings):
    user = company.users.get()
    told = f'{{"client_id": "{settings.PIPEDRIVE_CLIENT_ID}", "company_id": {company.pipedrive_company_id}, '
    told += f'"user_id": {user.user_id}}}'
    proof = base64.b64encode(f"{settings.PIPEDRIVE_CLIENT_ID}:{settings.PIPEDRIVE_CLIENT_SECRET}".encode()).decode()
    answer = ask("DELETE", "/pipedrive/callback", told.encode(), **in_pieces(HTTP_AUTHORIZATION=f"Basic {proof}"))
    assert answer == 204
    assert not type(user).objects.filter(pk=user.pk).exists()


def test_a_notice_that_comes_in_pieces_is_proven_by_its_signature(ask, settings):
    settings.QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN = "a-verifier"
    body = b'[{"intuitaccountid": "1"}]'
    signature = base64.b64encode(hmac.new(b"a-verifier", body, hashlib.sha256).digest()).decode()
    assert ask("POST", "/webhooks/quickbooks", body, **in_pieces(HTTP_INTUIT_SIGNATURE=signature)) == 200
    assert ask("POST", "/webhooks/quickbooks", body + b" ", **in_pieces(HTTP_INTUIT_SIGNATURE=signature)) == 401


def test_pieces_without_end_are_refused_at_the_same_size_as_other_bodies(ask, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert ask("POST", "/embed/token", b"x" * 100_000, **in_pieces()) == 400


ODD = ["hex", "base64", "undefined", "idna", "utf-7", "unicode_escape", "raw_unicode_escape", "x" * 2000, "\0"]
HALF_A_SIGN = ["%e4", "%2B2AA-", "%5Cud800"]


@pytest.mark.parametrize("charset", ODD)
@pytest.mark.parametrize("half", HALF_A_SIGN)
def test_a_charset_that_nobody_writes_is_the_senders_fault_and_not_ours(ask, charset, half):
    query = f"/pipedrive/callback?state={half}&code=secret"
    assert ask("GET", query, CONTENT_TYPE=f"text/plain; charset={charset}") == 400


@pytest.mark.parametrize("charset", ["UTF-8", '"utf-8"', "us-ascii", "ISO-8859-1"])
def test_a_charset_that_senders_name_is_read(ask, charset):
    assert ask("POST", "/embed/token", b"{}", CONTENT_TYPE=f"application/json; charset={charset}") == 401


def test_a_file_that_nobody_asked_for_is_not_kept_and_the_fields_beside_it_are_read(rf):
    file = SimpleUploadedFile("large.bin", b"x" * 3_000_000)
    request = rf.post("/admin/login/", {"before": "1", "file": file, "after": "2"})
    assert request.POST.dict() == {"before": "1", "after": "2"}
    assert not request.FILES
