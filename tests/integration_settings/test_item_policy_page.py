"""The settings' choice of what becomes of products that have no item in QuickBooks."""

from __future__ import annotations

import pytest

from integration_settings import reference
from integration_settings.models import CompanySettings
from integration_settings.quickbooks import QuickBooksClient
from tests.integration_settings.settings_pages import CHOICES, CONTENT, SAVE, text_of

pytestmark = pytest.mark.django_db


def accounts_of(tenant):
    return {account.name: account.id for account in reference.income_accounts(tenant.company)}


def item_named(tenant, name):
    return next(item.id for item in reference.items(tenant.company) if item.name == name)


def policy_of_stored(tenant):
    stored = CompanySettings.objects.get(company=tenant.company)
    return stored.item_policy, stored.default_item_id, stored.income_account_id


def test_products_without_an_item_stop_the_form_until_somebody_decides(client, tenant, headers):
    shown = text_of(client.get(CONTENT, headers=headers))
    assert "When a product has no item" in shown
    assert "Use one item for everything" in shown
    assert "As a service item with the income account you choose here." in shown
    assert policy_of_stored(tenant) == ("stop", "", "")


def test_one_item_for_everything_is_saved_for_these_books(client, tenant, headers):
    item = item_named(tenant, "Installation")
    answer = client.post(SAVE, CHOICES | {"item_policy": "default", "default_item_id": item}, headers=headers)
    assert answer.status_code == 200
    assert policy_of_stored(tenant) == ("default", item, "")
    stored = CompanySettings.objects.get(company=tenant.company)
    assert (stored.items_realm_id, stored.default_item_name) == (tenant.realm, "Installation")
    assert 'value="Installation"' in client.get(CONTENT, headers=headers).content.decode()


@pytest.mark.parametrize("chosen", [{"item_policy": "default"}, {"item_policy": "stop", "due_days": "7"}])
def test_a_page_of_former_books_saves_nothing_for_the_others(client, tenant, headers, chosen):
    """The same ids are other items and accounts there."""
    item = item_named(tenant, "Installation")
    shown = client.get(CONTENT, headers=headers).content.decode()
    assert f'<input type="hidden" name="books" value="{tenant.realm}">' in shown
    tenant.quickbooks.realm_id = "9130350000009999"
    tenant.quickbooks.save()
    fields = CHOICES | {"default_item_id": item, "books": tenant.realm} | chosen
    answer = client.post(SAVE, fields, headers=headers)
    assert answer.status_code == 409
    assert "Another QuickBooks company is connected now.</b> Nothing was changed." in text_of(answer)
    assert 'role="alert" tabindex="-1" data-autofocus' in text_of(answer), "it stands at the top of a long page"
    stored = CompanySettings.objects.get(company=tenant.company)
    assert (stored.items_realm_id, stored.default_item_id, stored.due_days) == ("", "", 14)


def test_new_items_get_the_chosen_income_account(client, tenant, headers):
    account = accounts_of(tenant)["Services"]
    answer = client.post(SAVE, CHOICES | {"item_policy": "create", "income_account_id": account}, headers=headers)
    assert answer.status_code == 200
    assert policy_of_stored(tenant) == ("create", "", account)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"item_policy": "default"}, "default_item_id", "Choose the item that products without one get."),
        ({"item_policy": "default", "default_item_id": "9999"}, "default_item_id", "inactive or gone"),
        ({"item_policy": "create"}, "income_account_id", "Choose the income account of new items."),
        ({"item_policy": "create", "income_account_id": "9999"}, "income_account_id", "inactive or gone"),
        ({"item_policy": "invented"}, "item_policy", "invented"),
    ],
)
def test_a_policy_without_what_it_needs_is_refused_at_its_field(client, tenant, headers, change, field, words):
    answer = client.post(SAVE, CHOICES | change, headers=headers)
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])
    assert f'href="#id_{field}"' in answer.content.decode()
    assert policy_of_stored(tenant)[0] == "stop"


def test_an_inactive_item_or_an_account_of_another_kind_cannot_be_chosen(client, tenant, headers, control):
    item = item_named(tenant, "Pallet racking bay 3L (deleted)")
    (bank,) = QuickBooksClient(tenant.quickbooks).query("select * from Account where AccountType = 'Bank'")
    for change in (
        {"item_policy": "default", "default_item_id": item},
        {"item_policy": "create", "income_account_id": bank["Id"]},
    ):
        assert client.post(SAVE, CHOICES | change, headers=headers).status_code == 422


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"item_policy": "default", "default_item_id": "9999", "default_item_name": "Sales"}, "This item is inactive"),
        ({"item_policy": "create", "income_account_id": "9999"}, "This account is inactive"),
    ],
)
def test_what_has_disappeared_is_pointed_out_and_other_choices_can_still_be_saved(
    client, tenant, headers, stored, words
):
    CompanySettings.objects.filter(company=tenant.company).update(items_realm_id=tenant.realm, **stored)
    assert words in text_of(client.get(CONTENT, headers=headers))
    sent = {name: value for name, value in stored.items() if name != "default_item_name"}
    assert client.post(SAVE, CHOICES | sent | {"due_days": "9"}, headers=headers).status_code == 200
    assert CompanySettings.objects.get(company=tenant.company).due_days == 9


def test_a_policy_for_other_books_counts_for_nothing(client, tenant, headers):
    CompanySettings.objects.filter(company=tenant.company).update(
        item_policy="default", default_item_id="1", default_item_name="Their item", items_realm_id="4711"
    )
    shown = client.get(CONTENT, headers=headers)
    assert shown.context["form"].policy == "stop"
    assert "Their item" not in text_of(shown)


def test_what_was_chosen_for_former_books_stays_until_something_is_chosen_for_these(client, tenant, headers):
    """They may be connected again, at once where these were connected by mistake."""
    theirs = {"item_policy": "default", "default_item_id": "1", "default_item_name": "Their item"}
    theirs |= {"own_fields_from": {"1": "deal.title"}, "items_realm_id": "4711"}
    CompanySettings.objects.filter(company=tenant.company).update(**theirs)
    assert client.post(SAVE, CHOICES | {"due_days": "9"}, headers=headers).status_code == 200
    stored = CompanySettings.objects.get(company=tenant.company)
    assert stored.due_days == 9
    assert {name: getattr(stored, name) for name in theirs} == theirs
    assert client.post(SAVE, CHOICES | {"own_field_1": "deal.title"}, headers=headers).status_code == 200
    stored.refresh_from_db()
    assert (stored.items_realm_id, stored.own_fields_from) == (tenant.realm, {"1": "deal.title"})
    assert policy_of_stored(tenant) == ("stop", "", "")


def test_items_that_cannot_be_read_leave_the_policy_as_it_is(client, tenant, headers, control, no_waiting):
    CompanySettings.objects.filter(company=tenant.company).update(
        item_policy="default", default_item_id="1", default_item_name="Sales", items_realm_id=tenant.realm
    )
    control.fault("status", path="/query", status=503, times=None)
    assert "QuickBooks’ items and accounts could not be read" in text_of(client.get(CONTENT, headers=headers))
    sent = {"item_policy": "default", "default_item_id": "1", "due_days": "9"}
    assert client.post(SAVE, CHOICES | sent, headers=headers).status_code == 200
    stored = CompanySettings.objects.get(company=tenant.company)
    assert (stored.due_days, stored.default_item_id, stored.default_item_name) == (9, "1", "Sales")


def test_whoever_is_no_administrator_sees_the_policy(client, tenant, tom, page_token):
    account = accounts_of(tenant)
    CompanySettings.objects.filter(company=tenant.company).update(
        item_policy="create", income_account_id=account["Services"], items_realm_id=tenant.realm
    )
    shown = text_of(client.get(CONTENT, headers=page_token(tom, "settings")))
    assert "The item is created, with the income account Services" in shown
    assert 'name="item_policy"' not in shown
