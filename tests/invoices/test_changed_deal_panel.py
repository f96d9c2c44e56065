"""A deal that is worth something else than when it was invoiced says so in its panel."""

from __future__ import annotations

import pytest
from django.utils import timezone

from invoices.domain.status import Submission
from tests.factories import make_invoice
from tests.invoices.conftest import RACKING
from tests.invoices.fragments import Page
from tests.invoices.panels import CONTENT, DEAL, REFRESH, look

__all__ = ["look"]
pytestmark = pytest.mark.django_db
THEN = {"title": "Warehouse racking", "value": "18000.00", "currency": "GBP"}
NOW = THEN | {"value": "24000.00"}


def invoiced(company, then=THEN, **columns):
    return make_invoice(company, deal_id=DEAL, deal_then=then, **columns)


def test_it_tells_what_it_was_worth_when_the_latest_invoice_was_made(look, company):
    invoiced(company, THEN | {"value": "9000.00"}, number="1050")
    invoiced(company, number="1051")
    said = "The deal has changed since invoice 1051: it was worth £18,000.00 then."
    assert said in look().text


def test_before_its_number_is_known_that_is_told_without(look, company):
    invoiced(company, NOW, number="1050")
    invoiced(company, number="", qbo_invoice_id="", submission=Submission.UNKNOWN)
    assert "The deal has changed since: it was worth £18,000.00 at its latest invoice." in look().text


def test_a_value_of_the_same_amount_in_another_currency_is_another_one(look, company):
    invoiced(company, NOW | {"currency": "EUR"})
    assert "it was worth €24,000.00 then" in look().text


@pytest.mark.parametrize(
    "columns",
    [
        {"then": NOW},
        {"then": {}},
        {"voided_on": timezone.now().date()},
        {"deleted_on": timezone.now().date()},
        {"submission": Submission.REJECTED},
    ],
)
def test_what_does_not_count_or_has_not_changed_is_not_told(look, company, columns):
    invoiced(company, NOW)
    invoiced(company, **{"then": THEN} | columns)
    assert "has changed since" not in look().text


def test_a_refresh_knows_what_the_deal_is_worth_now(browse, harbour, control, deal_id):
    deal = deal_id(harbour, RACKING)
    make_invoice(harbour.company, deal_id=deal, deal_then=NOW, number="1051")
    where, panel = f"?resource=deal&id={deal}", browse(harbour.user, "panel")
    assert "has changed since" not in Page(panel.get(CONTENT + where)).text
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {str(deal): {"value": 25000}}})
    assert "The deal has changed since invoice 1051" in Page(panel.post(REFRESH + where)).text
