"""Who leaves in the moment of the press has pressed all the same: what is remembered of it costs no word about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration_settings import services as integration
from integration_settings.models import CompanySettings, ItemLink, PipedriveUser
from invoices.models import CustomerLink, Invoice
from tests.factories import a_bill_to, make_preset
from tests.invoices.intents import ask, draft_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def draft(harbour, control):
    """For a customer and with an item that somebody has just chosen."""
    found = draft_for(harbour, control)
    lines = tuple(replace(line, product_id=501, item_chosen=True) for line in found.lines)
    return replace(found, bill_to=a_bill_to(customer_id="7", name="Bramley Foods Ltd"), lines=lines)


@pytest.fixture
def press(harbour, draft):
    """press(*people): these uninstall the app when the invoice has just been stored."""
    preset = make_preset(harbour.company, name="Standard UK")

    def make(*people):
        def leave(stored):
            for user in people:
                integration.uninstall(pipedrive_company_id=harbour.pair.pipedrive_company_id, user_id=user.user_id)

        return ask(harbour, draft, template_id=str(preset.pk), hand_over=leave)

    return make


def test_the_press_of_a_user_who_leaves_is_answered(harbour, press, colleague):
    colleague(harbour)
    row = press(harbour.user)
    assert Invoice.objects.get() == row
    assert not PipedriveUser.objects.filter(pk=harbour.user.pk).exists()
    assert (CustomerLink.objects.count(), ItemLink.objects.count()) == (1, 1)


def test_the_press_of_a_company_that_leaves_is_answered_and_nothing_of_it_stays(harbour, press):
    press(harbour.user)
    for kind in (Invoice, CustomerLink, ItemLink, CompanySettings):
        assert not kind.objects.exists()
