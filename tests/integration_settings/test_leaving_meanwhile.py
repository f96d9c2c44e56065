"""A company that uninstalls while a page of it is being made: the page says so, and is no error of ours."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.db import transaction

from integration_settings import reference, services
from integration_settings.models import Company, CompanySettings
from tests.factories import make_item_link
from tests.integration_settings.settings_pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)

DISCONNECT, PRODUCT = "/embed/settings/disconnect", "/embed/settings/products/501"


@pytest.fixture
def after(tenant):
    """after(statement): the company leaves when a statement with this text is committed."""

    def leave():
        services.uninstall(pipedrive_company_id=tenant.company.pipedrive_company_id, user_id=tenant.user.user_id)

    def run(statement, work):
        left = []

        def wrapper(execute, sql, parameters, many, context):
            answer = execute(sql, parameters, many, context)
            if statement in sql and not left:
                left.append(True)
                transaction.on_commit(leave)
            return answer

        with database.execute_wrapper(wrapper):
            answer = work()
        assert not Company.objects.filter(pk=tenant.company.pk).exists()
        return answer

    return run


@pytest.mark.parametrize(
    ("path", "statement"),
    [
        (DISCONNECT, 'UPDATE "integration_settings_quickbooksconnection"'),
        (DISCONNECT, 'FROM "integration_settings_companysettings"'),
        (PRODUCT, 'UPDATE "integration_settings_itemlink"'),
    ],
)
def test_the_page_says_that_the_app_is_not_installed(client, headers, tenant, after, path, statement):
    make_item_link(tenant.company, item_id="3", product_id=501)
    CompanySettings.objects.get_or_create(company=tenant.company)
    item = next(item.id for item in reference.items(tenant.company) if item.active)
    answer = after(statement, lambda: client.post(path, {"item": item}, headers=headers))
    assert (answer.status_code, answer["X-Page-Token"]) == (401, "expired")
    assert "not installed" in text_of(answer)
