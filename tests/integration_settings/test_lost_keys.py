"""A row that none of the encryption keys opens: its people sign in again, and nobody else notices it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.utils import timezone

from integration_settings import connections, services
from integration_settings.checks import stored_tokens_readable
from integration_settings.errors import ConnectionExpired
from integration_settings.models import Company, PipedriveUser, QuickBooksConnection, Removal
from integration_settings.tenancy import NotProven, visitor_from_pipedrive
from tests.factories import frame_token_of, make_company, make_connection, make_user
from tests.integration_settings.settings_pages import CONTENT, text_of
from tests.integration_settings.vendors import PIPEDRIVE_TOKEN, pipedrive_answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def lose(settings):
    """lose(row): its tokens are encrypted with a key that is nowhere any more. Gives what stands in the table."""

    def make(row):
        keys = settings.TOKEN_ENCRYPTION_KEYS
        settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        row.save(update_fields=["access_token", "refresh_token"])
        settings.TOKEN_ENCRYPTION_KEYS = keys
        return ciphertext_of(row)

    return make


def ciphertext_of(row):
    with database.cursor() as cursor:
        cursor.execute(f"SELECT access_token, refresh_token FROM {row._meta.db_table} WHERE id = %s", [row.pk])
        return cursor.fetchone()


def test_the_grants_of_others_are_kept_alive(company, vendor, lose):
    long_ago = timezone.now() - timedelta(days=31)
    lost, idle = make_user(company, refreshed_at=long_ago), make_user(company, refreshed_at=long_ago)
    before = lose(lost)
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer())
    assert services.keep_installations_alive() == 1
    assert PipedriveUser.objects.get(pk=idle.pk).access_token == "new-access"
    assert ciphertext_of(lost) == before, "its key may come back"


def test_no_call_is_made_with_it_and_what_is_stored_stays(quickbooks, vendor, lose, caplog):
    before = lose(quickbooks)
    row = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    for token in (connections.fresh_access_token, connections.keep_alive):
        with pytest.raises(ConnectionExpired):
            token(row)
    row.save()
    assert ciphertext_of(row) == before
    assert f"quickbooks connection of {row.realm_id} is ended (no key opens its tokens)" in caplog.text
    assert not vendor.calls


def test_with_its_key_back_it_goes_on_as_if_nothing_had_been(quickbooks, vendor, settings):
    keys = settings.TOKEN_ENCRYPTION_KEYS
    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(ConnectionExpired):
        connections.fresh_access_token(QuickBooksConnection.objects.get(pk=quickbooks.pk))
    settings.TOKEN_ENCRYPTION_KEYS = keys
    row = QuickBooksConnection.objects.get(pk=quickbooks.pk)
    assert connections.fresh_access_token(row) == quickbooks.access_token


def test_the_settings_ask_for_the_sign_in(client, tenant, headers, lose):
    lose(tenant.quickbooks)
    shown = text_of(client.get(CONTENT, headers=headers))
    assert "Sign-in needed" in shown
    assert "Sign in to QuickBooks" in shown


def test_whoever_installed_with_it_installs_again(user, lose):
    token = frame_token_of(user)
    lose(user)
    with pytest.raises(NotProven) as refused:
        visitor_from_pipedrive(token, "panel")
    assert refused.value.not_installed


def test_a_company_is_not_taken_for_abandoned(company, lose):
    Company.objects.filter(pk=company.pk).update(created_at=timezone.now() - timedelta(days=90))
    lose(make_user(company))
    assert services.remove_abandoned_companies() == 0


def test_the_proof_of_a_removal_says_that_intuit_was_not_told(user, quickbooks, vendor, lose):
    lose(quickbooks)
    services.uninstall(pipedrive_company_id=user.company.pipedrive_company_id, user_id=user.user_id)
    assert [row.revoked for row in Removal.objects.all()] == [False]


# The operator's command


def test_rotating_goes_on_after_it_and_says_what_to_do(user, quickbooks, settings, lose):
    before = lose(user)
    new = Fernet.generate_key().decode()
    settings.TOKEN_ENCRYPTION_KEYS = [new, *settings.TOKEN_ENCRYPTION_KEYS]
    with pytest.raises(CommandError) as told:
        call_command("rotate_keys")
    assert str(told.value).startswith(
        "Rows encrypted with the first key: 1. Rows that no key opens, and that stay as they are: 1. Add the key"
    )
    assert "--give-up-unreadable" in str(told.value)
    assert ciphertext_of(user) == before
    settings.TOKEN_ENCRYPTION_KEYS = [new]
    assert QuickBooksConnection.objects.get(pk=quickbooks.pk).refresh_token == quickbooks.refresh_token


def test_after_a_lost_key_the_service_starts_again_once_its_connections_are_given_up(settings, capsys):
    lost = make_connection(make_company(), changes_cursor=timezone.now())
    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    kept = make_connection(make_company())
    assert stored_tokens_readable(None, databases=["default"])
    call_command("rotate_keys", "--give-up-unreadable")
    assert capsys.readouterr().out.startswith(
        "Rows encrypted with the first key: 1. Rows that no key opened, and that are given up: 1."
    )
    assert not stored_tokens_readable(None, databases=["default"])
    given_up, other = (QuickBooksConnection.objects.get(pk=row.pk) for row in (lost, kept))
    assert (given_up.state, given_up.ended_why, ciphertext_of(lost)) == ("ended", "unreadable", ("", ""))
    assert (given_up.realm_id, given_up.changes_cursor) == (lost.realm_id, lost.changes_cursor)
    assert (other.state, other.refresh_token) == ("connected", kept.refresh_token)
