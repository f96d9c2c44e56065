"""What a rule asks for is what the form would have asked for, pressed as it opens: for all deals of companies in four
countries about which nobody has to be asked.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import deal_rules
from integration_settings.deal_rules import WON, Choice, Outcome
from integration_settings.models import DealRules
from invoices import automatic
from invoices.models import CustomerLink, Invoice
from tests.invoices.form_answers import CREATE
from tests.invoices.fragments import Page

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


def asked_for(invoice):
    """Where an address is known in parts they are sent, and the form shows no more of it."""
    draft = invoice.draft
    address = draft["bill_to"]["address"]
    if address["line1"] or address["city"]:
        address["text"] = ""
    return draft, invoice.deal_then, invoice.preset_name, invoice.party


@pytest.mark.parametrize(("country", "least"), [("GB", 9), ("US", 2), ("AU", 3), ("CA", 5)])
def test_a_rule_asks_for_what_the_form_would(connect, control, browse, country, least):
    tenant = connect(country)
    company_id = tenant.pair.pipedrive_company_id
    deals = control.company(company_id)["deals"]
    won = {"status": "won", "won_time": control.now()}
    control.change_company(company_id, {"deals": dict.fromkeys(deals, won)})
    pipelines = {deal["pipeline_id"] for deal in deals.values()}
    deal_rules.store(tenant.company, dict.fromkeys(pipelines, Choice(WON, Outcome.CREATE)), tenant.user)
    stored = DealRules.objects.get()
    begun = timezone.now() - timedelta(hours=1)
    stored.rules = {
        key: rule | dict.fromkeys(["since", "then_since"], begun.isoformat()) for key, rule in stored.rules.items()
    }
    stored.read_until = begun
    stored.save()
    by_rule = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(automatic, "MOST_AT_ONCE", len(deals))
        for ready_id in automatic.look_for_deals(stored.pk):
            automatic.carry_out(ready_id)
            by_rule |= {invoice.deal_id: asked_for(invoice) for invoice in Invoice.objects.all()}
            Invoice.objects.all().delete()  # the next one may need its number
    assert len(by_rule) >= least

    CustomerLink.objects.all().delete()
    browser = browse(tenant.user)
    for deal_id, wanted in by_rule.items():
        fields = Page(browser.get("/embed/invoice/form", {"deal": deal_id})).fields()
        answer = browser.post(CREATE, fields)
        assert answer.status_code == 200, Page(answer).text
        assert asked_for(Invoice.objects.get()) == wanted
        Invoice.objects.all().delete()
