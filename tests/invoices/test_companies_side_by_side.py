"""Companies with the same ids for everything, in one process, in any order: nobody ever sees anything of another."""

from __future__ import annotations

import os
import random

import pytest

from integration_settings import reference
from invoices import tasks
from invoices.models import Invoice
from tests.invoices.conftest import RACKING
from tests.invoices.form_answers import CREATE, CUSTOMERS, ITEMS, PREVIEW
from tests.invoices.fragments import Page
from tests.stand_ins import Control

pytestmark = pytest.mark.django_db
MARKS = ("Alderson", "Birchwood", "Cedarling")  # in every name that its company has, and in no other's
STEPS = int(os.environ.get("SIDE_BY_SIDE_STEPS", "60"))  # 1000 for the whole property
PANEL, FORM, SETTINGS = "/embed/panel", "/embed/invoice/form", "/embed/settings"


def mark_everything(control: Control, tenant, mark):
    number = tenant.pair.pipedrive_company_id
    company = control.company(number)
    control.change_company(
        number,
        {
            "deals": {key: {"title": f"{mark} {deal['title']}"} for key, deal in company["deals"].items()},
            "organizations": {key: {"name": f"{mark} {key}"} for key in company["organizations"]},
            "persons": {key: {"name": f"{mark} {key}"} for key in company["persons"]},
        },
    )
    for customer in control.books(tenant.realm)["customers"]:
        control.book(tenant.realm, "rename_customer", id=customer["Id"], name=f"{mark} {customer['Id']}")


class Side:
    """One company: its user's pages, and what happens for it in the background."""

    def __init__(self, tenant, mark, browse, control, dice):
        self.tenant, self.mark, self.control, self.dice = tenant, mark, control, dice
        self.panel, self.form, self.settings = (browse(tenant.user, of) for of in ("panel", "invoice", "settings"))
        deals = control.company(tenant.pair.pipedrive_company_id)["deals"]
        self.deal = next(deal for deal in deals.values() if RACKING in deal["title"])
        self.fields = {}
        self.saw = []

    def see(self, answer):
        self.saw.append(answer.content.decode())
        return answer

    def look_at_the_panel(self):
        kind, number = self.dice.choice([("deal", self.deal["id"]), ("organization", self.deal["org_id"])])
        self.see(self.panel.get(f"{PANEL}/content", {"resource": kind, "id": number}))

    def refresh_the_panel(self):
        self.see(self.panel.post(f"{PANEL}/refresh?resource=deal&id={self.deal['id']}"))

    def open_the_form(self):
        answer = self.see(self.form.get(FORM, {"deal": self.deal["id"]}))
        self.fields = Page(answer).fields()
        item = next(item.id for item in reference.items(self.tenant.company) if item.active and item.type == "Service")
        self.fields |= {key: value or item for key, value in self.fields.items() if key.endswith("-item")}
        self.fields |= {"over_deal": "yes"}

    def look_at_the_totals(self):
        if self.fields:
            self.see(self.form.post(PREVIEW, self.fields))

    def press_create(self):
        if self.fields:
            self.see(self.form.post(CREATE, self.fields))
            self.fields = {}

    def search(self):
        self.see(self.form.get(CUSTOMERS, {"q": self.dice.choice(["er", "li", "wood", "1"])}))
        self.see(self.form.get(ITEMS, {"q": "a"}))

    def look_at_the_settings(self):
        self.see(self.settings.get(f"{SETTINGS}/content"))
        self.see(self.settings.get(f"{SETTINGS}/deals", {"q": ""}))
        self.see(self.settings.get(f"{SETTINGS}/in-deal", {"whole": "1"}))

    def work_off(self):
        for invoice in self.tenant.company.invoices.all():
            tasks.submit_invoice(invoice.pk)
            tasks.publish_note(invoice.pk)
        tasks.sync_company(self.tenant.quickbooks.pk)

    def try_what_is_anothers(self):
        foreign = Invoice.objects.exclude(company=self.tenant.company).order_by("?").first()
        if foreign:
            for page in ("result", "history", "pdf"):
                assert self.see(self.form.get(f"/embed/invoice/{foreign.public_id}/{page}")).status_code == 404

    def told_of_others(self):
        others = [mark for mark in MARKS if mark != self.mark]
        notes = str(self.control.company(self.tenant.pair.pipedrive_company_id)["notes"])
        everything = [*self.saw, notes, str(self.control.books(self.tenant.realm))]
        return [text for text in everything if any(mark in text for mark in others)]


DEEDS = (
    *(Side.look_at_the_panel, Side.refresh_the_panel, Side.open_the_form, Side.look_at_the_totals, Side.press_create),
    *(Side.search, Side.look_at_the_settings, Side.work_off, Side.try_what_is_anothers),
)


def test_in_whatever_order_they_come_nobody_sees_anything_of_another(connect, control, browse):
    dice = random.Random(1)
    sides = []
    for mark in MARKS:
        tenant = connect("GB")
        mark_everything(control, tenant, mark)
        sides.append(Side(tenant, mark, browse, control, dice))
        sides[-1].open_the_form()
        sides[-1].press_create()
    for _ in range(STEPS):
        dice.choice(DEEDS)(dice.choice(sides))
    assert len({side.deal["id"] for side in sides}) == 1
    for side in sides:
        side.work_off()
        assert side.told_of_others() == []
        assert any(side.mark in text for text in side.saw)
    assert Invoice.objects.exclude(qbo_invoice_id="").count() >= len(MARKS)
