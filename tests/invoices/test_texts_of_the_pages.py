"""No page says anything that is not in the catalogue: with every message put in brackets, only data is left outside."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from babel import Locale
from django.utils import timezone
from django.utils.translation import trans_real

from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from tests.factories import a_draft, frame_token_of, make_invoice, make_pending_invoice
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
SPOKEN = (
    "aria-label",
    "placeholder",
    "title",
    "alt",
    "aria-description",
    "data-announce",
    "data-question",
    "data-title",
)
WORD = re.compile(r"[^\W\d_]{3,}")
NAMES = {"given", "QuickBooks", "Pipedrive", "Intuit", "Online", "GBP", "USD"}
ENGLISH = Locale("en", "GB")


@pytest.fixture(autouse=True)
def bracketed(monkeypatch):
    """Every message is spoken in brackets, whatever the language."""

    def one(_, message):
        return f"⟦{message.rpartition(chr(4))[2]}⟧"

    def several(self, singular, plural, number):
        return one(self, singular if number == 1 else plural)

    monkeypatch.setattr(trans_real.DjangoTranslation, "gettext", one)
    monkeypatch.setattr(trans_real.DjangoTranslation, "ngettext", several)


@pytest.fixture
def data(harbour, control):
    """Every word that stands in Pipedrive's or QuickBooks' records, and those of dates and currencies."""
    records = [control.company(harbour.pair.pipedrive_company_id), control.books(harbour.realm)]
    known = json.dumps(records, ensure_ascii=False) + harbour.company.name + harbour.company.domain
    for words in (ENGLISH.currencies.values(), ENGLISH.territories.values()):
        known += " ".join(words)
    for width in ("abbreviated", "wide"):
        known += " ".join(ENGLISH.months["format"][width].values())
    return {word.casefold() for word in WORD.findall(known)} | {name.casefold() for name in NAMES}


def outside(text):
    """What is left of a text without what is bracketed, brackets within brackets included."""
    while True:
        shorter = re.sub(r"⟦[^⟦⟧]*⟧", " ", text)
        if shorter == text:
            return text
        text = shorter


def said_beside_the_catalogue(answer, data):
    assert answer.status_code in (200, 401, 404, 409, 422), answer.content.decode()[:300]
    page = Page(answer)
    texts = []
    for element in page.elements:
        if element.tag not in ("script", "style"):
            texts.append(" ".join(child for child in element.children if isinstance(child, str)))
        texts += [value for name, value in element.attributes.items() if name in SPOKEN]
    assert "⟦" in "".join(texts), "the messages are not bracketed"
    return {word for text in texts for word in WORD.findall(outside(text)) if word.casefold() not in data}


def test_the_settings_and_their_products(harbour, colleague, browse, data):
    for user in (harbour.user, colleague(harbour)):
        for path in ("/embed/settings/content", "/embed/settings/products"):
            assert said_beside_the_catalogue(browse(user, "settings").get(path), data) == set()


@pytest.mark.parametrize(
    "title", [RACKING, NORTHGATE, "Moss & Co – shop refit, survey", "Eleanor Finch – garage shelves"]
)
def test_the_form_and_its_faults(harbour, browse, deal_id, title, data):
    browser = browse(harbour.user)
    answer = browser.get("/embed/invoice/form", {"deal": deal_id(harbour, title)})
    assert said_beside_the_catalogue(answer, data) == set()
    fields = Page(answer).fields() | {"due_date": "yesterday", "l1-price": "much", "currency": "", "email": "nobody"}
    assert said_beside_the_catalogue(browser.post("/embed/invoice/create", fields), data) == set()
    for path in ("customers?q=moss", "items?q=rack&line=l1"):
        assert said_beside_the_catalogue(browser.get(f"/embed/invoice/{path}"), data) == set()


def every_state(tenant):
    """One invoice for each thing that the panel can say of one."""
    company, deal = tenant.company, {"deal_id": 12, "draft": to_json(a_draft(deal_id=12))}
    day = timezone.now().date()
    make_invoice(company, **deal, number="1001", due_date=day + timedelta(days=9))
    make_invoice(company, **deal, number="1002", due_date=day - timedelta(days=9))
    make_invoice(company, **deal, number="1003", balance=0)
    make_invoice(company, **deal, number="1004", balance=5)
    make_pending_invoice(company, **deal)
    refusal = {"code": "6140", "field": "number", "message": "", "detail": "", "trace_id": "1-2-3"}
    make_pending_invoice(company, **deal, submission=Submission.REJECTED, refusal=refusal, settled_at=timezone.now())
    make_pending_invoice(company, **deal, submission=Submission.UNKNOWN, sent_at=timezone.now())


@pytest.mark.parametrize("surface", ["deal", "organization", "person"])
def test_the_panel_in_every_state(harbour, browse, seen, surface, data):
    browser = browse(harbour.user, "panel")
    seen(harbour.user, 12)
    content = f"/embed/panel/content?resource={surface}&id=12"
    assert said_beside_the_catalogue(browser.get(content), data) == set()
    every_state(harbour)
    assert said_beside_the_catalogue(browser.get(content), data) == set()
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    assert said_beside_the_catalogue(browser.get(content), data) == set()
    QuickBooksConnection.objects.all().delete()
    assert said_beside_the_catalogue(browser.get(content), data) == set()


def test_the_result_in_every_state(harbour, browse, seen, data):
    seen(harbour.user, 12)
    every_state(harbour)
    browser = browse(harbour.user)
    for invoice in harbour.company.invoices.all():
        answer = browser.get(f"/embed/invoice/{invoice.public_id}/result")
        assert said_beside_the_catalogue(answer, data) == set()


@pytest.mark.parametrize(
    "path",
    ["/", "/support", "/quickbooks/disconnected", "/quickbooks/launch", "/quickbooks/reconnect", "/pipedrive/callback",
     "/quickbooks/callback", "/embed/panel", "/embed/settings", "/embed/invoice"],
)  # fmt: skip
def test_the_pages_outside_and_the_shells(client, harbour, path, data):
    for query in ({}, {"token": frame_token_of(harbour.user), "selectedIds": "12", "resource": "deal"}):
        assert said_beside_the_catalogue(client.get(path, query, follow=True), data) == set()
