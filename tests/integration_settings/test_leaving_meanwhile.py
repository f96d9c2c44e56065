"""Somebody uninstalls the app, or takes a row away, in the middle of a request or a sign-in of his."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from integration_settings import reference, services
from integration_settings.models import Company, InvoicePreset, ItemLink, SignIn
from integration_settings.oauth import Grant
from integration_settings.quickbooks import QuickBooksClient
from integration_settings.tickets import issue_ticket
from integration_settings.views import quickbooks_sign_in
from invoices.domain.status import Submission
from tests.factories import make_item_link, make_pending_invoice, make_preset
from tests.integration_settings.browsing import Person
from tests.integration_settings.settings_pages import CHOICES, text_of

pytestmark = pytest.mark.django_db(transaction=True)
ADMINISTERS = 'UPDATE "integration_settings_company"'  # the last of what asks Pipedrive who administers writes


@pytest.fixture
def when():
    """when(statement, happens, work): it happens when the first statement of `work` with this text is committed; what
    `work` answers.
    """

    def run(statement, happens, work):
        pending = [happens]

        def wrapper(execute, sql, parameters, many, context):
            answer = execute(sql, parameters, many, context)
            if statement in sql and pending:
                transaction.on_commit(pending.pop())
            return answer

        with database.execute_wrapper(wrapper):
            answer = work()
        assert not pending, "that statement was not made"
        return answer

    return run


def leaving(tenant):
    def leave():
        for user in list(tenant.company.users.all()):
            services.uninstall(pipedrive_company_id=tenant.company.pipedrive_company_id, user_id=user.user_id)

    return leave


def a_product(tenant):
    chosen = next(item.id for item in reference.items(tenant.company) if item.active)
    return f"products/{make_item_link(tenant.company).product_id}", {"item": chosen}


DISCONNECTED = 'UPDATE "integration_settings_quickbooksconnection"'
READ_LISTS = 'SELECT "integration_settings_referencelist"'
PRESSES = {
    "settings": (lambda tenant: ("save", CHOICES | {"books": tenant.realm}), ADMINISTERS),
    "disconnect": (lambda tenant: ("disconnect", {}), ADMINISTERS),
    "disconnected": (lambda tenant: ("disconnect", {}), DISCONNECTED),
    "shown": (lambda tenant: ("disconnect", {}), READ_LISTS),
    "preset": (lambda tenant: ("presets/new", {"preset-name": "Standard UK"}), ADMINISTERS),
}


@pytest.mark.parametrize("press", PRESSES)
def test_who_has_uninstalled_while_a_press_in_the_settings_was_under_way_is_told(client, tenant, headers, when, press):
    form, statement = PRESSES[press]
    path, sent = form(tenant)
    answer = when(statement, leaving(tenant), lambda: client.post(f"/embed/settings/{path}", sent, headers=headers))
    assert not Company.objects.exists()
    assert (answer.status_code, answer.headers["X-Page-Token"]) == (401, "expired")
    assert "not installed" in text_of(answer)


def test_who_has_uninstalled_while_an_invoice_was_asked_after_is_told(client, tenant, page_token, when):
    waiting = {"submission": Submission.UNKNOWN, "created_by_id": tenant.user.user_id, "sent_at": timezone.now()}
    invoice = make_pending_invoice(tenant.company, **waiting)
    path, headers = f"/embed/invoice/{invoice.public_id}/check", page_token(tenant.user, "invoice")
    answer = when('UPDATE "invoices_invoice"', leaving(tenant), lambda: client.post(path, headers=headers))
    assert (answer.status_code, answer.headers["X-Page-Token"]) == (401, "expired")


def test_a_row_that_is_missing_for_another_reason_is_a_fault_as_before(client, tenant, headers, when):
    with pytest.raises(tenant.quickbooks.DoesNotExist):
        when(ADMINISTERS, tenant.quickbooks.delete, lambda: client.post("/embed/settings/disconnect", headers=headers))


def test_an_item_is_chosen_while_a_colleague_removes_the_choice(client, tenant, headers, when):
    path, chosen = a_product(tenant)
    remove = ItemLink.objects.all().delete
    answer = when(ADMINISTERS, remove, lambda: client.post(f"/embed/settings/{path}", chosen, headers=headers))
    assert answer.status_code == 200
    assert ItemLink.objects.get().item_id == chosen["item"]


def test_a_preset_that_a_colleague_deletes_while_it_is_saved_does_not_come_back_unseen(client, tenant, headers, when):
    preset = make_preset(tenant.company)
    path, sent = f"/embed/settings/presets/{preset.pk}", {"preset-name": "Standard UK"}
    delete = InvoicePreset.objects.all().delete
    answer = when(ADMINISTERS, delete, lambda: client.post(path, sent, headers=headers))
    assert answer.status_code == 404
    assert "A colleague has deleted this preset" in answer.content.decode()
    assert not InvoicePreset.objects.exists()


@pytest.fixture
def after(monkeypatch):
    """after(module, "name", happens): it happens whenever that function has just been called."""

    def arrange(module, name, happens):
        original = getattr(module, name)

        def called(*args, **kwargs):
            answer = original(*args, **kwargs)
            happens()
            return answer

        monkeypatch.setattr(module, name, called)

    return arrange


def test_an_install_that_is_undone_in_the_same_moment_ends_on_a_page(client, stand_ins, tenant, after):
    person = Person(stand_ins, tenant.pair)
    url = person.start_install()
    after(services, "install", leaving(tenant))
    onwards = person.get(url)
    assert onwards.status_code == 302
    assert not SignIn.objects.exclude(company=None).exists()
    assert (
        "This sign-in link has been used"
        in person.client.get(onwards.headers["Location"], follow=True).content.decode()
    )


def test_a_sign_in_of_a_company_that_leaves_before_the_consent_ends_on_a_page(stand_ins, tenant, after):
    person = Person(stand_ins, tenant.pair)
    shown = person.get(f"/quickbooks/connect?{urlencode({'ticket': issue_ticket(tenant.user)})}")
    after(quickbooks_sign_in, "use_up", leaving(tenant))
    answer = person.client.get(shown.context["go_on_url"], follow=True)
    assert "This sign-in link has been used" in answer.content.decode()


def test_a_company_that_leaves_while_its_books_tell_their_profile_ends_no_sign_in_with_a_fault(tenant, after, control):
    told = control.grant_quickbooks(tenant.realm)
    grant = Grant(told["access_token"], told["refresh_token"], timezone.now() + timedelta(hours=1), None)
    after(QuickBooksClient, "preferences", leaving(tenant))
    company = Company.objects.get()
    services.connect_books(company, realm_id=tenant.realm, grant=grant, by="Priya Nair")
    assert not Company.objects.exists()
    assert len(control.requests("quickbooks", path="revoke")) == 1
