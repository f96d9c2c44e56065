"""The operator's page at /admin/: there only when switched on, for people with an account, and without any secret."""

from __future__ import annotations

import importlib
import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import clear_url_caches, reverse
from django.utils import timezone

from integration_settings import operator_sign_in, services
from integration_settings.crypto import EncryptedTextField
from integration_settings.models import ConnectionState
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Invoice, InvoiceAction, QuickBooksWrite, WriteKind, WriteOutcome
from pipedrive_qb import urls
from tests.factories import frame_token_of, make_invoice, make_pending_invoice

pytestmark = pytest.mark.django_db
PASSWORD = "a long one of four words"
OURS = [model for model in admin.site._registry if model._meta.app_label in ("integration_settings", "invoices")]


@pytest.fixture
def switched_on(settings):
    settings.OPERATOR_PAGE = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a slow one proves nothing here
    importlib.reload(urls)
    clear_url_caches()
    yield
    settings.OPERATOR_PAGE = False
    importlib.reload(urls)
    clear_url_caches()


@pytest.fixture
def operator(switched_on):
    User.objects.create_superuser("olga", password=PASSWORD)
    client = Client()
    answer = client.post("/admin/login/", {"username": "olga", "password": PASSWORD, "next": "/admin/"})
    assert answer.status_code == 302
    return client


def listing(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def try_again(client, *invoices, **options):
    body = {"action": "try_again_now", "_selected_action": [invoice.pk for invoice in invoices]}
    return client.post(listing(Invoice), body, follow=True, **options)


def test_it_is_not_there_unless_switched_on(client):
    for path in ("/admin/", "/admin/login/", "/admin"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert not answer.cookies


def test_a_stranger_is_asked_to_sign_in_and_sees_nothing(client, company, switched_on):
    for model in OURS:
        answer = client.get(listing(model))
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")
    assert client.post("/admin/login/", {"username": "olga", "password": "guess"}).status_code == 200
    assert "operator" not in client.cookies


def test_the_log_tells_of_every_sign_in_and_names_nobody(operator, client, caplog):
    client.post("/admin/login/", {"username": "olga", "password": "guess"})
    client.post("/admin/login/", {"username": "olga", "password": PASSWORD})
    assert "a sign-in is refused" in caplog.text
    assert f"operator {User.objects.get().pk} signed in" in caplog.text
    assert "olga" not in caplog.text


def test_a_stranger_who_sends_too_many_fields_is_no_error_that_anybody_is_called_for(client, switched_on, caplog):
    assert client.post("/admin/login/", {f"f{number}": "" for number in range(12_001)}).status_code == 400
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


def test_an_account_that_is_no_operators_does_not_get_in(client, switched_on):
    User.objects.create_user("sam", password=PASSWORD)
    client.post("/admin/login/", {"username": "sam", "password": PASSWORD})
    assert client.get("/admin/").status_code == 302


def test_companies_and_connections_are_shown_with_state_and_since(operator, company, user):
    company.quickbooks.state = ConnectionState.ENDED
    company.quickbooks.ended_at = timezone.now() - timedelta(days=400)
    company.quickbooks.ended_why = "invalid_grant"
    company.quickbooks.save()
    companies = operator.get(listing(type(company))).content.decode()
    assert "Harbour &amp; Pine" in companies
    assert "ended" in companies
    connections = operator.get(listing(type(company.quickbooks))).content.decode()
    assert "invalid_grant" in connections
    assert str(company.quickbooks.ended_at.year) in connections
    assert str(user.user_id) in operator.get(listing(type(user))).content.decode()


def test_no_page_shows_a_token_or_a_customer(operator, company, user):
    planted = {"canary-access", "canary-refresh", "Canary Foods", "canary@example.com", "canary words"}
    for row in (user, company.quickbooks):
        row.access_token, row.refresh_token = "canary-access", "canary-refresh"
        row.save()
    invoice = make_invoice(
        company,
        submission=Submission.REJECTED,
        customer_name="Canary Foods",
        email="canary@example.com",
        draft={"memo": "canary words"},
        refusal={"code": "6000", "field": "", "message": "canary words", "detail": "canary words", "trace_id": "t-1"},
    )
    pages = ["/admin/"] + [listing(model) for model in OURS]
    pages += [
        reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        for row in (company, user, company.quickbooks, invoice)
    ]
    for page in pages:
        answer = operator.get(page)
        assert answer.status_code == 200
        stored = {type(user).objects.filter(pk=user.pk).extra(select={"raw": "refresh_token"}).values_list("raw")[0][0]}
        assert not [secret for secret in planted | stored if secret in answer.content.decode()], page
    assert "6000" in operator.get(listing(Invoice)).content.decode()


def test_no_encrypted_column_is_among_those_that_are_shown():
    assert len(OURS) == 9
    for model in OURS:
        page = admin.site._registry[model]
        secret = {field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)}
        assert page.fields, "without a list of its own a page would show every column"
        assert not secret & {*page.fields, *page.list_display, *page.search_fields}


def test_nothing_can_be_added_changed_or_removed(operator, company):
    model = type(company)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert operator.post(reverse(f"{name}_add"), {"name": "New"}).status_code == 403
    assert operator.post(reverse(f"{name}_delete", args=[company.pk]), {"post": "yes"}).status_code == 403
    assert operator.post(reverse(f"{name}_change", args=[company.pk]), {"name": "Other"}).status_code == 403
    company.refresh_from_db()
    assert company.name == "Harbour & Pine"
    assert operator.get("/admin/auth/user/").status_code == 404


def test_only_what_failed_or_waits_is_listed(operator, company):
    make_invoice(company)
    waiting = make_pending_invoice(company)
    page = operator.get(listing(Invoice))
    assert [invoice.pk for invoice in page.context["cl"].result_list] == [waiting.pk]
    assert "Invoices that failed or wait" in page.content.decode()


def found(operator, model=Invoice, **query):
    return {row.pk for row in operator.get(listing(model), query).context["cl"].result_list}


def test_what_a_customer_copied_for_support_finds_the_invoice(operator, company, other_company):
    """Its number, the deal's, and the ids of the history; and the company as the log names it."""
    made, waiting = make_invoice(company, number="INV-77"), make_pending_invoice(company)
    stranger = make_invoice(other_company)
    write = {"company": company, "invoice": made, "kind": WriteKind.CREATE_CUSTOMER, "request_id": "4de14881ab77"}
    QuickBooksWrite.objects.create(**write, outcome=WriteOutcome.DONE, trace_id="1-9fe4b0e2-89f7f24cb766")
    for term in ("INV-77", made.request_id, "4de14881ab77", "1-9fe4b0e2-89f7f24cb766"):
        assert found(operator, q=term) == {made.pk}, term
    assert found(operator, q=company.pipedrive_company_id) == {made.pk, waiting.pk}
    assert found(operator, submission="succeeded") == {made.pk, stranger.pk}
    page = operator.get(reverse("admin:invoices_invoice_change", args=[made.pk])).content.decode()
    assert "1-9fe4b0e2-89f7f24cb766" in page
    assert "4de14881ab77" in page


def test_an_invoice_that_somebody_misses_is_found_by_company_and_deal_and_says_where_it_went(operator, company):
    for deal_id, gone in ((11, {}), (12, {"deleted_on": timezone.now().date()}), (13, {"voided_on": timezone.now()})):
        make_invoice(company, deal_id=deal_id, number=f"INV-{deal_id}", qbo_invoice_id=str(deal_id), **gone)
    make_pending_invoice(company, deal_id=14)
    for deal_id, told in ((11, "INV-11"), (12, "INV-12, deleted"), (13, "INV-13, voided"), (14, "–")):
        page = operator.get(listing(Invoice), {"q": f"{company.pipedrive_company_id} {deal_id}"}).content.decode()
        assert re.findall(r'field-in_quickbooks">([^<]*)<', page) == [told]


def test_an_invoice_without_its_note_is_found_by_why(operator, company):
    make_invoice(company)
    without = make_invoice(company, note_problem="deal_gone")
    assert found(operator, note_problem="deal_gone") == {without.pk}


def test_actions_and_updates_are_found_by_company_and_id(operator, company, other_company):
    for model, own in ((InvoiceAction, {"kind": "void", "asked_by_id": 1}), (CustomerUpdate, {"customer_id": "7"})):
        rows = [
            model.objects.create(
                company=each, invoice=make_invoice(each), request_id=f"id-of-{each.domain}", **own, **unsettled
            )
            for each in (company, other_company)
            for unsettled in [{"intent_key": uuid.uuid4()} if model is InvoiceAction else {}]
        ]
        for term in (company.pipedrive_company_id, "id-of-harbourpine", rows[0].invoice.public_id):
            assert found(operator, model, q=term) == {rows[0].pk}, term


def test_what_waits_for_a_person_says_so(operator, company, other_company):
    signed_out = make_pending_invoice(company)
    company.quickbooks.row().update(state=ConnectionState.ENDED)
    make_pending_invoice(other_company, realm_id="9130359999999999", submission=Submission.UNKNOWN)
    page = operator.get(listing(Invoice), {"q": signed_out.public_id}).content.decode()
    assert "nobody is signed in" in page
    assert "other books are connected" not in page
    assert "other books are connected" in operator.get(listing(Invoice)).content.decode()


def test_who_has_spent_the_months_reads_and_who_is_paused_is_shown(operator, company, other_company):
    until = timezone.now() + timedelta(days=300)
    company.quickbooks.row().update(reads_month="2026-11", reads=4711, paused_until=until)
    connections = type(company.quickbooks)
    assert found(operator, connections, reads_month="2026-11") == {company.quickbooks.pk}
    assert "4711" in operator.get(listing(connections)).content.decode()
    name = "admin:integration_settings_quickbooksconnection_change"
    assert str(until.year) in operator.get(reverse(name, args=[company.quickbooks.pk])).content.decode()


def test_try_again_now_makes_due_what_waits(operator, company, django_capture_on_commit_callbacks, monkeypatch):
    later = timezone.now() + timedelta(hours=1)
    waiting = make_pending_invoice(company, next_attempt_at=later)
    untouched = make_pending_invoice(company, next_attempt_at=later)
    with django_capture_on_commit_callbacks() as told:
        answer = try_again(operator, waiting)
    assert "1 of 1 are tried again now." in answer.content.decode()
    waiting.refresh_from_db()
    untouched.refresh_from_db()
    assert waiting.next_attempt_at <= timezone.now()
    assert untouched.next_attempt_at == later
    assert len(told) == 1


def test_what_was_refused_or_is_under_way_stays_as_it_is(operator, company):
    later = timezone.now() + timedelta(hours=1)
    refused = make_invoice(company, submission=Submission.REJECTED)
    held = make_pending_invoice(company, next_attempt_at=later, lease_until=later, lease_token="x")
    answer = try_again(operator, refused, held)
    assert "None was waiting." in answer.content.decode()
    refused.refresh_from_db()
    held.refresh_from_db()
    assert (refused.submission, refused.next_attempt_at) == (Submission.REJECTED, None)
    assert held.next_attempt_at == later


def test_a_foreign_page_cannot_press_the_button(operator, company):
    waiting = make_pending_invoice(company, next_attempt_at=timezone.now() + timedelta(hours=1))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert try_again(strict, waiting).status_code == 403
    later = waiting.next_attempt_at
    waiting.refresh_from_db()
    assert waiting.next_attempt_at == later


def test_a_browser_says_where_its_forms_come_from_and_tells_nobody_else(operator):
    """Without a referrer it would send `Origin: null`, and the sign-in would be refused as a foreign page's."""
    assert operator.get("/admin/login/")["Referrer-Policy"] == "same-origin"
    assert operator.get("/")["Referrer-Policy"] == "no-referrer"


def test_what_a_company_calls_itself_stays_text(operator, company):
    company.name = "<script>alert(1)</script>"
    company.save()
    assert "<script>alert(1)" not in operator.get(listing(type(company))).content.decode()


def test_it_may_not_be_framed_and_is_not_kept(operator):
    for path in ("/admin/", "/admin/login/"):
        answer = operator.get(path)
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert "no-store" in answer["Cache-Control"]


def test_its_cookies_live_below_it_alone(operator, user):
    for cookie in operator.cookies.values():
        assert cookie["path"] == "/admin/"
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
    for path in ("/", "/embed/panel", "/healthz"):
        answer = operator.get(path, {"id": "frame", "token": frame_token_of(user)})
        assert not answer.cookies
        assert not hasattr(answer.wsgi_request, "session")


def test_it_needs_no_script_or_style_inside_the_page(operator, company):
    for path in ("/admin/", listing(Invoice), "/admin/login/"):
        page = operator.get(path).content.decode()
        assert "<style" not in page
        assert " onclick=" not in page


def test_a_session_that_is_over_is_forgotten(operator):
    Session.objects.update(expire_date=timezone.now() - timedelta(minutes=1))
    services.forget_old_traces()
    assert not Session.objects.exists()


# Guessing


def sign_in(password, *, name="olga", address="192.0.2.1"):
    """200 is the form again, 302 the way in."""
    form = {"username": name, "password": password, "next": "/admin/"}
    return Client().post("/admin/login/", form, REMOTE_ADDR=address)


def refused(answer):
    return answer.status_code == 200 and "Too many attempts" in answer.content.decode()


def test_who_guesses_at_an_account_is_not_listened_to_for_some_minutes(operator):
    for number in range(5):
        assert not refused(sign_in("guess", address=f"192.0.2.{number}"))
    assert refused(sign_in(PASSWORD, address="198.51.100.1"))
    assert refused(sign_in(PASSWORD, name="OLGA"))
    assert not refused(sign_in("guess", name="somebody else"))
    later = timezone.now() + timedelta(minutes=operator_sign_in.MINUTES, seconds=1)
    with time_machine.travel(later):
        assert sign_in(PASSWORD).status_code == 302


def test_who_guesses_many_accounts_from_one_address_is_not_listened_to_either(operator):
    for number in range(20):
        assert not refused(sign_in("guess", name=f"name {number}", address="2001:db8::1"))
    assert refused(sign_in(PASSWORD, address="2001:db8::ffff"))
    assert sign_in(PASSWORD, address="2001:db8:0:1::1").status_code == 302


def test_who_signs_in_has_made_no_mistakes(operator):
    for _ in range(3):
        for _ in range(4):
            sign_in("guess")
        assert sign_in(PASSWORD).status_code == 302


def test_behind_the_proxy_a_visitor_is_whom_the_proxy_saw(rf, settings):
    request = rf.get("/admin/login/", REMOTE_ADDR="172.18.0.1", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7"})
    assert operator_sign_in.visitor_address(request) == "172.18.0.1"
    settings.SECURE_SITE = True
    assert operator_sign_in.visitor_address(request) == "192.0.2.7"
    nonsense = rf.get("/admin/login/", REMOTE_ADDR="172.18.0.1", headers={"X-Forwarded-For": "unknown"})
    assert operator_sign_in.visitor_address(nonsense) == "172.18.0.1"


def test_neither_name_nor_address_is_kept_or_logged(operator, caplog, monkeypatch):
    kept = []
    monkeypatch.setattr(operator_sign_in.cache, "add", lambda key, *_: kept.append(key))
    monkeypatch.setattr(operator_sign_in.cache, "incr", lambda key: 100)
    assert refused(sign_in("guess"))
    assert kept
    assert "too many attempts" in caplog.text
    assert not [text for text in (*kept, caplog.text) if "olga" in text or "192.0.2" in text]
