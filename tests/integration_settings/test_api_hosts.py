"""Where a refreshed token of Pipedrive's goes from then on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import connections
from integration_settings.errors import ServiceUnavailable
from integration_settings.models import PipedriveUser
from tests.integration_settings.vendors import PIPEDRIVE_TOKEN, pipedrive_answer

pytestmark = pytest.mark.django_db


def expire(row):
    row.access_expires_at = timezone.now() + timedelta(minutes=4)  # less than the margin
    row.save()


def test_pipedrive_naming_a_foreign_host_at_a_refresh_changes_nothing(user, vendor):
    expire(user)
    vendor.post(PIPEDRIVE_TOKEN, json=pipedrive_answer(api_domain="https://evil.example"))
    with pytest.raises(ServiceUnavailable):
        connections.fresh_access_token(user)
    assert PipedriveUser.objects.get(pk=user.pk).api_domain == user.api_domain


def test_a_refresh_of_pipedrives_that_names_no_host_keeps_the_one_from_before(user, vendor):
    expire(user)
    answer, before = pipedrive_answer(), user.api_domain
    del answer["api_domain"]
    vendor.post(PIPEDRIVE_TOKEN, json=answer)
    assert connections.fresh_access_token(user) == "new-access"
    stored = PipedriveUser.objects.get(pk=user.pk)
    assert (stored.access_token, stored.api_domain) == ("new-access", before) == (user.access_token, user.api_domain)
