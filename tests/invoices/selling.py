"""Companies whose deals a rule turns into invoices: what people do to deals in Pipedrive, and what the worker does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from integration_settings import deal_rules
from integration_settings.deal_rules import WON, Choice
from integration_settings.models import DealRules
from invoices import automatic
from invoices.models import Invoice, ReadyDeal

SHELVES = "Spare shelves, Hull"  # the form opens without a question
GARAGE = "Eleanor Finch – garage shelves"  # nor here, for a new customer
QUOTED = '<b>O\'Brien & Sons</b> – "quoted" racking'  # QuickBooks has somebody who is like it
SECRET = "Confidential – site acquisition"  # nobody's e-mail address
SALES, SERVICE = 1, 2  # the pipelines
EARLIER, LATER = timedelta(hours=-1), timedelta(minutes=1)


@pytest.fixture
def sales(harbour, control, deal_id):
    """What people do to deals in Pipedrive, and what the worker does after them."""

    class Sales:
        company_id = harbour.pair.pipedrive_company_id

        def set_rule(self, then, when=WON, *, since=EARLIER):
            deal_rules.store(harbour.company, {SALES: Choice(when, then)}, harbour.user)
            stored = DealRules.objects.get()
            begun = timezone.now() + since
            stored.rules = {
                key: rule | dict.fromkeys(["since", "then_since"], begun.isoformat())
                for key, rule in stored.rules.items()
            }
            stored.read_until = begun
            stored.save()

        def change(self, *titles, **values):
            ids = {title: deal_id(harbour, title) for title in titles}
            control.change_company(self.company_id, {"deals": {str(each): values for each in ids.values()}})
            return next(iter(ids.values()))

        def win(self, *titles):
            return self.change(*titles, status="won", won_time=control.now())

        def move(self, title, stage):
            return self.change(title, stage_id=stage, stage_change_time=control.now())

        def look(self):
            DealRules.objects.update(next_look_at=F("next_look_at") - timedelta(hours=2))
            return automatic.look_for_deals(DealRules.objects.get().pk)

        def carry_out(self):
            """Until nothing is due that a worker can do by itself."""
            for row in ReadyDeal.objects.filter(next_attempt_at__isnull=False):
                ReadyDeal.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now())
                automatic.carry_out(row.pk)
            return list(Invoice.objects.order_by("pk"))

        def invoice_by_rule(self):
            self.look()
            return self.carry_out()

        def products_of(self, title):
            lines = control.company(self.company_id)["deal_products"][str(deal_id(harbour, title))]
            return [line["name"] for line in lines]

        def row(self, title):
            return ReadyDeal.objects.get(deal_id=deal_id(harbour, title))

    return Sales()
