"""Every address against every kind of stranger. A new address is covered, or named here, or this fails."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator

import jwt
import pytest
import time_machine
from django.conf import settings
from django.core import signing
from django.urls import URLPattern, URLResolver, get_resolver

from integration_settings.tenancy import PAGE_TOKEN_SALT
from tests.factories import frame_token, frame_token_of, make_invoice

pytestmark = pytest.mark.django_db

OPEN = {
    "home", "privacy", "terms", "support", "sign_in_outcome",  # pages for anyone
    "pipedrive_install", "pipedrive_callback",  # a browser's mark and a state, or Basic credentials, prove these
    "quickbooks_connect", "quickbooks_callback", "quickbooks_launch", "quickbooks_reconnect", "quickbooks_disconnected",
    "webhooks_quickbooks",  # Intuit's signature proves these
    "healthz", "readyz", "metrics",
}  # fmt: skip
SHELLS = {"embed_panel", "embed_invoice", "embed_settings"}
RENEWAL = "embed_token"
ANY_ID = str(uuid.UUID(int=7))


def walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(name, path) of every address, with an invented id in place of each parameter."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, path)
        else:
            yield pattern.name or "", "/" + re.sub(r"<uuid:\w+>", ANY_ID, re.sub(r"<(?!uuid)[^>]+>", "7", path))


ADDRESSES = dict(walk(get_resolver().url_patterns))
FRAGMENTS = sorted(
    name for name, path in ADDRESSES.items() if path.startswith("/embed/") and name not in SHELLS and name != RENEWAL
)

READ = {
    "embed_attention_happened", "embed_attention_item", "embed_invoice_customers", "embed_invoice_estimates",
    "embed_invoice_form",
    "embed_invoice_history", "embed_invoice_items", "embed_invoice_look_ahead", "embed_invoice_payment_link",
    "embed_invoice_pdf", "embed_invoice_result", "embed_panel_account", "embed_panel_content",
    "embed_panel_plan", "embed_settings_attention",
    "embed_settings_content", "embed_settings_deals", "embed_settings_in_deal", "embed_settings_presets",
    "embed_settings_products",
}  # fmt: skip
READ_AND_SENT = {
    "embed_invoice_send",
    "embed_invoice_files",
    "embed_settings_preset_change",
    "embed_settings_preset_new",
}
"""All other fragments are only sent to."""


def test_every_address_has_a_name_and_a_door():
    assert all(ADDRESSES), ADDRESSES
    embedded = {name for name, path in ADDRESSES.items() if path.startswith("/embed/")}
    assert embedded >= SHELLS | {RENEWAL}
    assert set(ADDRESSES) - embedded <= OPEN


def claims_of(user) -> dict[str, object]:
    return {"companyId": user.company.pipedrive_company_id, "userId": user.user_id, "exp": 4_102_444_800}


def page_token(user, salt: str = PAGE_TOKEN_SALT) -> str:
    return signing.dumps({"c": user.company.pipedrive_company_id, "u": user.user_id, "s": "panel"}, salt=salt)


BAD_FRAME_TOKENS = {
    "none": lambda user: "",
    "junk": lambda user: "not.a.token",
    "forged": lambda user: frame_token_of(user, secret="somebody-elses-secret-0123456789abcdef"),
    "expired": lambda user: frame_token_of(user, expires_in=-31),
    "without an end": lambda user: frame_token_of(user, exp=None),
    "unsigned": lambda user: jwt.encode(claims_of(user), None, algorithm="none"),
    "of another algorithm": lambda user: jwt.encode(claims_of(user), settings.PIPEDRIVE_JWT_SECRET, algorithm="HS512"),
    "for a user who did not install": lambda user: frame_token(user.company.pipedrive_company_id, user.user_id + 1),
    "for a company that did not install": lambda user: frame_token(user.company.pipedrive_company_id + 1, user.user_id),
    "with a number as text": lambda user: frame_token_of(user, companyId=str(user.company.pipedrive_company_id)),
    "with true for a number": lambda user: frame_token_of(user, userId=True),
    "with a page token": page_token,
}


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
@pytest.mark.parametrize("kind", BAD_FRAME_TOKENS)
@pytest.mark.parametrize("name", sorted(SHELLS))
def test_a_frame_without_proof_is_refused(client, user, name, kind):
    answer = client.get(ADDRESSES[name], {"id": "frame", "token": BAD_FRAME_TOKENS[kind](user)})
    assert answer.status_code == 401
    assert user.company.name not in answer.content.decode()


@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
@pytest.mark.parametrize("kind", BAD_FRAME_TOKENS)
def test_no_page_token_is_made_without_proof(client, user, kind):
    body = {"token": BAD_FRAME_TOKENS[kind](user), "surface": "panel"}
    answer = client.post(ADDRESSES[RENEWAL], body, content_type="application/json")
    assert answer.status_code == 401
    assert "page_token" not in answer.json()


BAD_HEADERS = {
    "none": lambda user: {},
    "empty": lambda user: {"Authorization": "Bearer "},
    "junk": lambda user: {"Authorization": "Bearer not-a-token"},
    "another scheme": lambda user: {"Authorization": f"Basic {page_token(user)}"},
    "changed": lambda user: {"Authorization": f"Bearer {page_token(user)[:-2]}xx"},
    "signed for another purpose": lambda user: {"Authorization": f"Bearer {page_token(user, salt='something-else')}"},
    "pipedrive's own token": lambda user: {"Authorization": f"Bearer {frame_token_of(user)}"},
}


@pytest.mark.parametrize("kind", BAD_HEADERS)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_fragment_without_proof_is_refused(client, user, name, method, kind):
    answer = getattr(client, method)(ADDRESSES[name], headers=BAD_HEADERS[kind](user))
    assert answer.status_code == 401
    assert answer.headers["X-Page-Token"] == "expired"
    assert user.company.name not in answer.content.decode()


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_page_token_ends_after_half_an_hour(client, user, name):
    headers = {"Authorization": f"Bearer {page_token(user)}"}
    with time_machine.travel(time.time() + 31 * 60):
        assert client.post(ADDRESSES[name], headers=headers).status_code == 401


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_page_token_ends_with_the_installation(client, user, name):
    headers = {"Authorization": f"Bearer {page_token(user)}"}
    user.delete()
    assert client.post(ADDRESSES[name], headers=headers).status_code == 401


@pytest.mark.parametrize("name", [name for name in FRAGMENTS if ANY_ID in ADDRESSES[name]])
def test_the_invoice_of_another_company_is_not_there(client, user, other_company, name):
    foreign = make_invoice(other_company)
    before = type(foreign).objects.filter(pk=foreign.pk).values().get()
    headers = {"Authorization": f"Bearer {page_token(user)}"}
    path = ADDRESSES[name].replace(ANY_ID, str(foreign.public_id))
    answers = {client.get(path, headers=headers).status_code, client.post(path, headers=headers).status_code}
    assert answers <= {404, 405}
    assert 404 in answers
    assert type(foreign).objects.filter(pk=foreign.pk).values().get() == before


@pytest.mark.parametrize("name", sorted(OPEN & set(ADDRESSES)))
def test_a_page_outside_may_not_be_framed(client, name, settings):
    settings.QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN = ""
    answer = client.get(ADDRESSES[name])
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.status_code < 500 or name == "readyz"


@pytest.mark.parametrize("name", sorted(OPEN & set(ADDRESSES)))
def test_no_page_outside_is_kept_by_a_browser_or_a_proxy(client, name):
    kept = {word.strip() for word in client.get(ADDRESSES[name]).headers["Cache-Control"].split(",")}
    assert kept >= {"no-cache", "no-store"}


@pytest.mark.parametrize("name", sorted(SHELLS))
def test_an_embedded_page_may_be_framed_by_pipedrive_alone_and_is_not_kept(client, user, name):
    answer = client.get(ADDRESSES[name], {"id": "frame", "token": frame_token_of(user)})
    assert answer.status_code == 200
    assert f"frame-ancestors {settings.PIPEDRIVE_FRAME_ANCESTORS[0]}" in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-cache, no-store"
    assert not answer.cookies


@pytest.mark.parametrize("name", ["home", "embed_panel"])
def test_a_page_loads_runs_and_sends_only_what_is_ours(client, user, name):
    answer = client.get(ADDRESSES[name], {"id": "frame", "token": frame_token_of(user)})
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy.pop("frame-ancestors")
    own = dict.fromkeys(("script-src", "style-src", "font-src", "connect-src", "form-action"), "'self'")
    assert policy == own | {"default-src": "'none'", "base-uri": "'none'", "img-src": "'self' data:"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("name", FRAGMENTS)
def test_nothing_is_done_by_fetching_an_address_and_nothing_read_by_sending_to_it(client, user, name):
    """Asked for its methods it is not carried out, which a view without any said would be."""
    answer = client.options(ADDRESSES[name], headers={"Authorization": f"Bearer {page_token(user)}"})
    taken = {"GET", "HEAD"} if name in READ else {"GET", "POST"} if name in READ_AND_SENT else {"POST"}
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, taken)
