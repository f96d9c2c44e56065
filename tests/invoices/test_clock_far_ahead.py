"""A machine that has booted with a wrong clock ends nothing by it that is still needed."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from integration_settings import clock, connections, services
from integration_settings.clock import database_now
from integration_settings.models import Company, ReferenceList, UsedTicket
from invoices import unsent_forms
from invoices.models import UnsentForm
from tests.factories import make_company, make_user

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
FAR = timedelta(days=400)


@pytest.fixture(autouse=True)
def two_clocks(monkeypatch):
    monkeypatch.setattr(clock, "database_now", database_now)


def test_what_is_kept_for_a_while_is_not_deleted_before(company, user):
    now = timezone.now()
    left = make_company(created_at=now - timedelta(days=100))
    make_user(left, state="ended", ended_at=now - timedelta(days=1))
    UnsentForm.objects.create(company=company, user=user, deal_id=1, locale="en_GB", fields="")
    ReferenceList.objects.create(company=company, kind="items", fetched_at=now)
    UsedTicket.objects.create(nonce_digest="used", used_at=now)
    with time_machine.travel(now + FAR):
        services.remove_abandoned_companies()
        services.forget_old_traces()
        unsent_forms.forget_old()
    assert Company.objects.filter(pk=left.pk).exists()
    for kind in (UnsentForm, ReferenceList, UsedTicket):
        assert kind.objects.exists(), kind


def test_a_grant_that_ends_by_a_clock_of_last_year_ends_today(user):
    """Else its company would be abandoned at once."""
    Company.objects.update(created_at=timezone.now() - FAR)
    with time_machine.travel(timezone.now() - FAR):
        connections._write_end(user, "invalid_grant")
    assert services.remove_abandoned_companies() == 0
