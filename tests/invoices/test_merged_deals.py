"""A deal, organization or person that was merged into another one: what was invoiced there is seen in that one."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.core.cache import cache

from integration_settings import reference
from integration_settings.models import CompanySettings
from integration_settings.pipedrive import PipedriveClient
from integration_settings.pipedrive_fields import pipedrive_fields
from invoices import moved_deals, notes
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.factories import a_draft, make_invoice, make_pending_invoice
from tests.invoices.conftest import RACKING
from tests.invoices.desk import CREATE, submit
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db

FORM, PANEL = "/embed/invoice/form", "/embed/panel/content"


@pytest.fixture
def crm(harbour, control, deal_id):
    """Two deals of one organization, and what people do with them in Pipedrive."""

    class Crm:
        company_id = harbour.pair.pipedrive_company_id
        gone = deal_id(harbour, RACKING)

        def __init__(self):
            deals = control.company(self.company_id)["deals"]
            first = deals[str(self.gone)]
            self.kept = next(int(key) for key, deal in deals.items() if deal["org_id"] not in (None, first["org_id"]))
            self.title = deals[str(self.kept)]["title"]
            self.change(self.kept, org_id=first["org_id"], person_id=first["person_id"])

        def change(self, deal, **members):
            control.change_company(self.company_id, {"deals": {str(deal): members}})

        def merge(self):
            control.advance(60)
            control.merge(self.company_id, "deals", gone=self.gone, into=self.kept)

        def merge_party(self, what, *, gone):
            control.advance(60)
            into = next(int(key) for key in control.company(self.company_id)[what] if int(key) != gone)
            control.merge(self.company_id, what, gone=gone, into=into)
            return into

    return Crm()


@pytest.fixture
def invoiced(harbour, fill_in):
    """The first deal's invoice, with its note."""
    browser, fields = fill_in(harbour)
    assert browser.post(CREATE, fields).status_code == 200
    invoice = submit(Invoice.objects.get())
    assert invoice.submission == Submission.SUCCEEDED
    notes.publish_note(invoice.pk)
    invoice.refresh_from_db()
    assert invoice.note_id
    return invoice


@pytest.fixture
def panel_of(browse, harbour):
    return lambda deal: Page(browse(harbour.user, "panel").get(PANEL, {"resource": "deal", "id": deal}))


@pytest.fixture
def form_of(browse, harbour):
    return lambda deal: Page(browse(harbour.user).get(FORM, {"deal": deal}))


def test_the_panel_of_the_deal_that_stays_shows_its_invoices(crm, invoiced, panel_of):
    crm.merge()
    assert invoiced.number in panel_of(crm.kept).text


def test_the_form_of_the_deal_that_stays_tells_what_was_invoiced(crm, invoiced, form_of):
    crm.merge()
    assert "This deal has been invoiced before" in form_of(crm.kept).text


def test_a_form_that_was_open_when_they_were_merged_asks_first(crm, harbour, fill_in, invoiced):
    crm.change(crm.kept, value=0)
    browser, fields = fill_in(harbour, crm.title)
    standard = next(code.id for code in reference.tax_codes(harbour.company) if code.name == "20.0% S")
    crm.merge()
    answer = browser.post(CREATE, fields | {f"{fields['line']}-tax": standard})
    assert answer.status_code == 422
    assert "Another invoice of this deal was asked for since this form was opened." in Page(answer).text


def test_a_rewritten_note_tells_where_its_deal_went(crm, invoiced):
    crm.merge()
    Invoice.objects.filter(pk=invoiced.pk).update(balance=0, note_due_at=invoiced.created_at)
    notes.publish_note(invoiced.pk)
    invoiced.refresh_from_db()
    assert invoiced.deal_id == crm.kept


def test_a_note_that_found_its_deal_gone_is_written_in_the_one_that_stays(crm, invoiced, panel_of, control):
    """Another invoice's note tells of the merge later."""
    later = make_invoice(
        invoiced.company,
        deal_id=crm.gone,
        qbo_invoice_id="77",
        created_by_id=invoiced.created_by_id,
        note_due_at=invoiced.created_at,
    )
    crm.merge()
    cache.clear()  # the deal was seen long ago
    notes.publish_note(later.pk)
    assert Invoice.objects.get(pk=later.pk).note_problem == "deal_gone"
    panel_of(crm.kept)
    notes.publish_note(later.pk)
    later.refresh_from_db()
    assert (later.deal_id, later.note_problem) == (crm.kept, "")
    assert control.company(crm.company_id)["notes"][str(later.note_id)]["deal_id"] == crm.kept


def test_an_invoice_that_was_asked_for_in_the_moment_of_a_merge_goes_after_the_others(crm, invoiced, panel_of, control):
    crm.merge()
    panel_of(crm.kept)
    cache.clear()
    asked = {"deal_id": crm.gone, "created_by_id": invoiced.created_by_id, "note_due_at": invoiced.created_at}
    late = make_invoice(invoiced.company, qbo_invoice_id="77", **asked)
    for _ in range(2):  # the first finds the deal gone
        notes.publish_note(late.pk)
    late.refresh_from_db()
    assert (late.deal_id, late.note_problem) == (crm.kept, "")
    assert control.company(crm.company_id)["notes"][str(late.note_id)]["deal_id"] == crm.kept


def test_who_died_asking_where_a_deal_went_is_followed_by_who_finds_it(crm, invoiced, panel_of, monkeypatch):
    def die(*_args, **_members):
        raise KeyboardInterrupt

    crm.merge()
    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(PipedriveClient, "note", die)
        panel_of(crm.kept)
    assert invoiced.number in panel_of(crm.kept).text


def test_an_administrator_keeps_the_note_current_when_its_deal_and_its_maker_are_gone(crm, invoiced, control):
    crm.merge()
    gone = {"created_by_id": 999, "balance": 0, "note_due_at": invoiced.created_at}
    Invoice.objects.filter(pk=invoiced.pk).update(**gone)
    cache.clear()  # the deal was seen long ago
    notes.publish_note(invoiced.pk)
    note = control.company(crm.company_id)["notes"][str(invoiced.note_id)]
    assert "· Paid" in note["content"]


def test_nothing_moves_while_both_deals_are_there(crm, invoiced, panel_of, form_of):
    assert invoiced.number not in panel_of(crm.kept).text
    form_of(crm.kept)
    invoiced.refresh_from_db()
    assert invoiced.deal_id == crm.gone


def test_nothing_moves_from_a_deal_that_was_deleted(crm, invoiced, panel_of, form_of):
    crm.change(crm.gone, is_deleted=True, status="deleted")
    assert invoiced.number not in panel_of(crm.kept).text
    form_of(crm.kept)
    invoiced.refresh_from_db()
    assert invoiced.deal_id == crm.gone


def test_a_panel_asks_for_the_others_once_for_each_change_of_its_deal(crm, invoiced, panel_of, control):
    panel_of(crm.kept)
    control.forget_requests()
    panel_of(crm.kept)
    assert control.requests("pipedrive") == []


def test_a_form_asks_for_the_others_along_with_its_deal(crm, invoiced, panel_of, form_of, control):
    """And for none of them twice, also where their organization, their person and their customer are the same."""
    panel_of(crm.kept)
    control.forget_requests()
    form_of(crm.kept)
    asked = [request["path"].rsplit("/", 1)[-1] for request in control.requests("pipedrive", path="/deals/")]
    assert asked.count(str(crm.gone)) == 1
    assert asked[0] == str(crm.gone), "before its own deal has been read"


def test_the_form_of_what_was_refused_before_is_the_one_of_the_deal_that_stays(crm, invoiced, panel_of, browse):
    refused = make_pending_invoice(
        invoiced.company,
        invoiced.draft,
        deal_id=crm.gone,
        created_by_id=invoiced.created_by_id,
        submission=Submission.REJECTED,
        refusal={"code": "6000", "field": "", "detail": "No."},
    )
    crm.merge()
    panel_of(crm.kept)
    again = browse(invoiced.company.users.get()).post(f"/embed/invoice/{refused.public_id}/retry")
    assert Page(again).fields()["deal"] == str(crm.kept)


# Deals are numbered in each company of Pipedrive by themselves, so that another company has deals of the same numbers.


@pytest.mark.parametrize("which", ["gone", "kept"])
def test_what_another_company_invoiced_in_deals_of_these_numbers_is_not_touched(
    crm, invoiced, panel_of, other_company, which
):
    party = {"organization_id": 8001, "person_id": 8002}
    strangers = make_invoice(other_company, deal_id=getattr(crm, which), note_problem="deal_gone", **party)
    before = Invoice.objects.filter(pk=strangers.pk).values().get()
    crm.merge()
    panel_of(crm.kept)
    invoiced.refresh_from_db()
    assert invoiced.deal_id == crm.kept
    assert Invoice.objects.filter(pk=strangers.pk).values().get() == before


def test_where_another_companys_deal_of_that_number_went_is_nothing_to_go_by(company, other_company):
    alone = make_invoice(company, deal_id=12)
    make_invoice(other_company, deal_id=99, draft=to_json(a_draft(deal_id=12)))
    assert not moved_deals.goes_after_the_others(alone)
    assert Invoice.objects.get(pk=alone.pk).deal_id == 12


def test_of_another_companys_deals_and_notes_nobody_is_asked(crm, invoiced, panel_of, other_company, control):
    party = {"organization_id": invoiced.organization_id, "person_id": invoiced.person_id}
    make_invoice(other_company, deal_id=987654, note_id=876543, **party)
    panel_of(crm.kept)
    asked = [request["path"] for request in control.requests("pipedrive")]
    assert any(path.endswith(f"/deals/{crm.gone}") for path in asked)
    assert not any("987654" in path or "876543" in path for path in asked)


def test_the_fields_of_the_deal_that_took_it_in_tell_of_its_invoices(crm, invoiced, panel_of, harbour, control):
    status = next(each.code for each in pipedrive_fields(harbour.user) if each.name == "Invoice status")
    CompanySettings.objects.update_or_create(company=harbour.company, defaults={"deal_status_field": status})
    crm.merge()
    panel_of(crm.kept)
    notes.publish_note(invoiced.pk)
    shown = control.company(crm.company_id)["deals"][str(crm.kept)]["custom_fields"]
    assert shown[status.removeprefix("deal.")] == "Open"


# Organizations and persons


@pytest.mark.parametrize(("what", "kind"), [("organizations", "organization"), ("persons", "person")])
def test_the_panel_of_a_party_that_took_in_the_customers_shows_the_invoices(crm, invoiced, harbour, browse, what, kind):
    panel = browse(harbour.user, "panel")
    into = crm.merge_party(what, gone=getattr(invoiced, f"{kind}_id"))
    cache.clear()  # the deal was seen long ago
    panel.get(PANEL, {"resource": "deal", "id": invoiced.deal_id})
    assert invoiced.number in Page(panel.get(PANEL, {"resource": kind, "id": into})).text


def test_another_companys_invoice_in_a_deal_of_that_number_stays_with_its_party(crm, invoiced, panel_of, other_company):
    strangers = make_invoice(other_company, deal_id=invoiced.deal_id, organization_id=8001, person_id=8002)
    into = crm.merge_party("organizations", gone=invoiced.organization_id)
    cache.clear()
    panel_of(invoiced.deal_id)
    assert Invoice.objects.get(pk=invoiced.pk).organization_id == into
    assert Invoice.objects.get(pk=strangers.pk).party == ("organization", 8001)


def test_what_may_be_run_again_keeps_those_for_whom_its_customer_was_chosen(crm, invoiced, panel_of):
    Invoice.objects.filter(pk=invoiced.pk).update(submission=Submission.REJECTED, refusal={"code": "6000"})
    crm.merge_party("organizations", gone=invoiced.organization_id)
    cache.clear()
    panel_of(invoiced.deal_id)
    assert Invoice.objects.get().organization_id == invoiced.organization_id
