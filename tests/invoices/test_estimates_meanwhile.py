"""Two presses of one estimate at the very same moment: what holds the second one back is seen on PostgreSQL alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invoices import services
from invoices.domain.draft import FromEstimate
from invoices.models import Invoice
from tests.factories import D, a_bill_to
from tests.invoices.conftest import NORTHGATE
from tests.invoices.intents import ask, draft_for
from tests.invoices.meanwhile import beside, meanwhile, start

__all__ = ["beside", "meanwhile", "start"]
pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_of_two_presses_at_once_one_makes_the_invoice(harbour, control, deal_id, meanwhile):
    """The second one comes when the first has just seen that nobody has the estimate, and has not stored its row."""
    estimate = FromEstimate("41", "1001", "7", "GBP", D("120.00"), D("20.00"))
    first = replace(draft_for(harbour, control), bill_to=a_bill_to(customer_id="7"), estimate=estimate)
    other = replace(first, deal_id=deal_id(harbour, NORTHGATE))

    def late():
        with pytest.raises(services.EstimateUsed):
            ask(harbour, other)
        return "told"

    looked = '"invoices_invoice"."estimate_id" = '
    assert meanwhile(looked, late, lambda: ask(harbour, first)) == "told"
    assert [row.deal_id for row in Invoice.objects.all()] == [first.deal_id]
