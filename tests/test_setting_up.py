"""docs/setting-up.md: what people type into the two portals is what the code serves, sends and asks for."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.urls import resolve, reverse
from intuitlib.enums import Scopes

from integration_settings import connections, oauth, sign_ins
from integration_settings.reference import FOLLOWED, UNTOLD
from invoices import pacing
from sandbox.quickbooks import notices
from tests.test_deployment import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "setting-up.md").read_text()
PIPEDRIVE, INTUIT = TEXT.split("\n## Intuit")
ADDRESSES = sorted(set(re.findall(r"`\{APP_URL\}(/[^`]*)`", TEXT)))
TYPED = {
    "home", "privacy", "terms", "support",
    "pipedrive_install", "pipedrive_callback", "embed_panel", "embed_invoice", "embed_settings",
    "quickbooks_callback", "quickbooks_launch", "quickbooks_disconnected", "quickbooks_reconnect",
    "webhooks_quickbooks",
}  # fmt: skip
"""The addresses that stand in both portals, by name. They do not change without everybody typing them anew."""


def cells(text: str, columns: int) -> list[list[str]]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in rows if len(row) == columns and not row[0].startswith("---")]


def value_of(text: str, field: str) -> str:
    (found,) = [row[1] for columns in (2, 3) for row in cells(text, columns) if row[0] == field]
    return found


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_address_is_one_of_ours(path):
    assert resolve(path).url_name in TYPED


def test_no_address_is_left_out():
    assert set(ADDRESSES) == {reverse(name) for name in TYPED}


@pytest.mark.parametrize(
    "text, field, name",
    [
        (PIPEDRIVE, "OAuth callback URL", "pipedrive_callback"),
        (PIPEDRIVE, "Installation URL", "pipedrive_install"),
        (INTUIT, "Redirect URI", "quickbooks_callback"),
        (INTUIT, "Launch URL", "quickbooks_launch"),
        (INTUIT, "Disconnect URL", "quickbooks_disconnected"),
        (INTUIT, "Reconnect URL", "quickbooks_reconnect"),
        (INTUIT, "Webhook, endpoint URL", "webhooks_quickbooks"),
    ],
)
def test_each_field_has_its_address(text, field, name):
    assert value_of(text, field) == f"`{{APP_URL}}{reverse(name)}`"


def test_both_consents_name_the_registered_addresses(monkeypatch):
    endpoints = dict.fromkeys(
        ("authorization_endpoint", "token_endpoint", "revocation_endpoint"), "https://example.com"
    )
    monkeypatch.setattr(oauth, "intuit_endpoints", lambda: endpoints)
    for url, text, field in (
        (oauth.pipedrive_consent_url("s"), PIPEDRIVE, "OAuth callback URL"),
        (oauth.quickbooks_consent_url("s"), INTUIT, "Redirect URI"),
    ):
        (sent,) = parse_qs(urlsplit(url).query)["redirect_uri"]
        assert sent == value_of(text, field).strip("`").replace("{APP_URL}", settings.APP_URL)


def test_the_scopes_are_those_that_every_exchange_is_judged_by():
    ticked = [row[0].strip("`") for row in cells(PIPEDRIVE, 2) if re.fullmatch(r"`(base|[a-z-]+:(read|full))`", row[0])]
    (judged,) = re.findall(r'--scopes "([^"]+)"', (ROOT / ".ci" / "run").read_text())
    assert ticked == judged.split()
    assert f"`{Scopes.ACCOUNTING.value}`" in INTUIT


def test_the_extensions_fit_pipedrives_form_and_the_modal_is_found_by_its_name():
    extensions = {row[0]: row for row in cells(PIPEDRIVE, 5)[1:]}
    assert set(extensions) == {"Custom panel", "Custom modal", "Custom UI for app settings"}
    for _, name, description, *_ in extensions.values():
        assert len(name) <= 30
        assert len(description) <= 150
    assert extensions["Custom modal"][1] == VARIABLES["PIPEDRIVE_MODAL_ID"].args[1].value


def test_every_variable_that_is_named_exists():
    named = set(re.findall(r"`([A-Z][A-Z_]+)(?:=[^`]*)?`", TEXT)) - {"DELETE"}
    assert named
    assert named <= set(VARIABLES)


def test_every_answer_points_to_what_exists():
    rows = cells(INTUIT, 3)[1:]
    assert len(rows) > 15
    for _, _, where in rows:
        path = where.strip("`")
        assert not path or (resolve(path) if path.startswith("/") else (ROOT / path).is_file()), path


def test_everything_that_is_asked_of_quickbooks_is_told():
    sources = [*(ROOT / "integration_settings").glob("*.py"), *(ROOT / "invoices").glob("*.py")]
    names = (
        "Vendor|Employee|Customer|Item|Term|Class|Department|Account|ExchangeRate|CompanyCurrency|CreditMemo|Payment"
    )
    asked = {name for path in sources for name in re.findall(rf'"({names})"', path.read_text())}
    assert len(asked) == len(names.split("|"))
    told = value_of(INTUIT, "What is read and written").lower()
    for name in asked:
        words = re.sub(r"(?<!^)([A-Z])", r" \1", name).lower().removeprefix("company ")
        assert words in told or words.removesuffix("y") + "ies" in told, name


def test_notices_tell_of_all_that_is_believed_while_they_arrive():
    """Else a new item or changed terms would be unknown until the next look, which is a day later where they do."""
    sentence = value_of(INTUIT, "Webhook, events").partition(", all operations")[0]
    events = set(re.split(r", | and ", sentence))
    lists = {name.removeprefix("Company") for name, kind in FOLLOWED.items() if kind not in UNTOLD}
    assert events == {"Invoice", "Payment", "CreditMemo", "Item", *lists, "Preferences"}
    assert events == set(notices.TOLD.values())


def test_the_figures_of_the_answers_are_those_of_the_code():
    assert oauth.DISCOVERY_LIFE == 24 * 3600
    assert connections.MARGIN.total_seconds() == 5 * 60
    assert sign_ins.SIGN_IN_LIFE.total_seconds() == 10 * 60
    assert [(limit.days, times) for limit, times in pacing.BY_AGE[:2]] == [(3, 1), (14, 4)]
    assert pacing.BY_AGE[-1][1] * 15 == 4 * 60
    told = value_of(INTUIT, "How often companies are read")
    assert "every 15 minutes for three days" in told
    assert "hourly up to two weeks, then every four hours" in told
