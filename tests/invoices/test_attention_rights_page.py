"""The desk: who sees and may do what, and names that are out to do harm."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from integration_settings.models import CompanySettings
from invoices import attention
from invoices.domain.draft import to_json
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Invoice, InvoiceAction
from tests.conftest import visitor_of
from tests.factories import a_bill_to, a_draft, make_invoice, make_pending_invoice, make_user
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.desk import DESK, item_id, press, refused
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def tom(company):
    return make_user(company, name="Tom Hale", is_admin=False)


def test_others_see_what_they_asked_for_themselves(desk, company, user, tom):
    bill_to = a_bill_to(name="Kestrel Logistics")
    refused(company, deal_id=1)
    refused(company, deal_id=2, created_by_id=tom.user_id, deal_then={}, draft=to_json(a_draft(bill_to=bill_to)))
    waiting = make_pending_invoice(company, to_json(a_draft()), deal_id=3)
    page = desk(tom)
    assert "Kestrel Logistics" in page.text
    assert "Warehouse racking" not in page.text
    assert str(waiting.public_id) not in str([e.attributes for e in page.elements])
    assert "What happened" not in page.text
    assert "Warehouse racking" in desk(user).text
    assert "An administrator or Tom Hale can fix this." in page.text


def test_without_the_right_to_create_the_desk_is_read_and_nothing_else(harbour, colleague, refuse, browse, desk):
    tom = colleague(harbour)
    row = refuse(RACKING, user=tom)
    CompanySettings.objects.filter(company=harbour.company).update(everyone_creates=False)
    page = desk(tom)
    assert RACKING in page.text
    assert "An administrator can fix this." in page.text
    assert not [e for e in page.elements if e.tag == "button"]
    key = next(e.id for e in page.elements if e.id.startswith("issue-")).removeprefix("issue-")
    chosen = {"item": item_id(harbour, "Delivery")}
    for what in ("run", "put-away"):
        answer = browse(tom, "settings").post(f"{DESK}/{key}/{what}", chosen)
        assert (answer.status_code, answer.headers["X-Fragment"]) == (403, "swap")
        assert f"{harbour.user.name} can change that." in Page(answer).text
    row.refresh_from_db()
    assert row.put_away_at is None
    assert Invoice.objects.count() == 1


def test_without_the_right_to_create_no_note_is_written_again(company, user, tom, desk, browse):
    invoice = make_invoice(company, note_problem="gave_up", created_by_id=tom.user_id)
    again = press(desk(tom), "Write it again")
    CompanySettings.objects.filter(company=company).update(everyone_creates=False)
    assert browse(tom, "settings").post(again).status_code == 403
    invoice.refresh_from_db()
    assert (invoice.note_problem, invoice.note_due_at) == ("gave_up", None)


def test_with_the_right_his_own_are_repaired_by_himself(harbour, colleague, refuse, browse, desk):
    tom = colleague(harbour)
    refuse(NORTHGATE)
    refuse(RACKING, user=tom)
    run = press(desk(tom), "Choose item and run again").replace("/item", "/run")
    assert (
        "1 invoice is on its way"
        in Page(browse(tom, "settings").post(run, {"item": item_id(harbour, "Delivery")})).text
    )
    assert Invoice.objects.latest("pk").created_by_id == tom.user_id
    assert "Stops 1 invoice worth" in desk(harbour.user).text


@pytest.mark.parametrize("what", ["now", "cancel"])
def test_nobody_touches_what_a_colleague_asked_for(browse, company, user, tom, what):
    row = make_pending_invoice(company, to_json(a_draft()), next_attempt_at=timezone.now() + timedelta(hours=1))
    assert browse(tom, "settings").post(f"{DESK}/{row.public_id}/{what}").status_code == 404
    assert browse(tom, "settings").get(f"{DESK}/{row.public_id}/happened").status_code == 404
    before = row.next_attempt_at
    row.refresh_from_db()
    assert (row.submission, row.next_attempt_at) == (Submission.PENDING, before)
    assert browse(user, "settings").post(f"{DESK}/{row.public_id}/{what}").status_code == 200


@pytest.mark.parametrize(
    ("address", "status"), [(DESK + "/{}/happened", 404), ("/embed/invoice/{}/history", 403)], ids=["desk", "panel"]
)
def test_who_no_longer_administers_reads_no_history(harbour, colleague, browse, address, status):
    tom = colleague(harbour)
    type(tom).objects.filter(pk=tom.pk).update(is_admin=True)
    invoice = make_invoice(harbour.company, created_by_id=tom.user_id)
    assert browse(tom, "settings").get(address.format(invoice.public_id)).status_code == status


@pytest.mark.parametrize("what", ["now", "cancel"])
def test_who_no_longer_administers_sees_and_touches_only_his_own(harbour, colleague, browse, desk, what):
    """The desk was open when the right was taken away: nobody has opened the settings since."""
    tom = colleague(harbour)
    type(tom).objects.filter(pk=tom.pk).update(is_admin=True)
    stopped = refused(harbour.company, deal_id=1)
    waits = make_pending_invoice(harbour.company, to_json(a_draft()), deal_id=2)
    assert "Warehouse racking" in desk(harbour.user).text
    key = next(e.id for e in desk(harbour.user).elements if e.id.startswith("issue-")).removeprefix("issue-")
    browser = browse(tom, "settings")
    assert browser.post(f"{DESK}/{waits.public_id}/{what}").status_code == 404
    type(tom).objects.filter(pk=tom.pk).update(is_admin=True)
    cache.clear()
    assert "Nothing needs you" in desk(tom).text
    for repair in ("run", "put-away"):
        assert "Somebody else was faster." in Page(browser.post(f"{DESK}/{key}/{repair}")).text
    stopped.refresh_from_db()
    assert stopped.put_away_at is None


def test_causes_of_another_company_are_not_there(desk, browse, company, user, other_company):
    refused(other_company, deal_id=5)
    stranger = other_company.users.get()
    key = next(e.id for e in desk(stranger).elements if e.id.startswith("issue-")).removeprefix("issue-")
    assert "Nothing needs you" in desk(user).text
    for what in ("run", "put-away"):
        assert "Somebody else was faster." in Page(browse(user, "settings").post(f"{DESK}/{key}/{what}")).text
    assert not Invoice.objects.filter(company=other_company, put_away_at__isnull=False).exists()


def test_a_later_invoice_of_another_company_in_a_deal_of_that_number_takes_nothing_off_the_desk(
    desk, company, user, other_company
):
    refused(company, deal_id=5)
    make_pending_invoice(other_company, to_json(a_draft()), deal_id=5)
    assert "Nothing needs you" not in desk(user).text


def test_notes_waiting_rows_and_counts_of_another_company_are_not_on_the_desk(desk, company, user, other_company):
    before = desk(user).text
    make_invoice(other_company, note_problem="deal_gone")
    make_pending_invoice(other_company, to_json(a_draft()))
    visitor = visitor_of(user)
    assert (attention._notes(visitor), attention._waiting(visitor, visitor.connection)) == ([], ())
    assert attention._done_today(visitor, visitor.connection, company) == 0
    assert desk(user).text == before


@pytest.mark.parametrize("fails", [True, False])
def test_actions_and_updates_of_another_company_are_not_on_the_desk(desk, company, user, other_company, fails):
    before = desk(user).text
    there = make_invoice(other_company)
    now = timezone.now()
    failed = {"submission": Submission.REJECTED, "settled_at": now, "refusal": {"code": "610"}}
    state = failed if fails else {"next_attempt_at": now}
    InvoiceAction.objects.create(
        company=other_company,
        invoice=there,
        kind="void",
        intent_key=there.intent_key,
        asked_by_id=user.user_id,
        **state,
    )
    CustomerUpdate.objects.create(
        company=other_company, invoice=there, customer_id="7", customer_name="Theirs", **state
    )
    visitor = visitor_of(user)
    assert (attention._failed(visitor), attention._waiting(visitor, visitor.connection)) == ([], ())
    assert desk(user).text == before


HOSTILE = ['<b>"Bold" & Sons</b>', "\u202ereversed", "a" * 500, "{count} %(name)s", "'; DROP TABLE"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(desk, company, user, name):
    draft = to_json(a_draft(bill_to=a_bill_to(name=name)))
    refusal = {"code": "6240", "field": "customer.name", "taken_by": "vendor", "name": name}
    refused(company, draft=draft, refusal=refusal, deal_then={"title": name, "value": "1", "currency": "GBP"})
    make_pending_invoice(company, draft, deal_id=77)
    page = desk(user)
    assert page.text.count(" ".join(name.split())) >= 3
    assert not [e for e in page.elements if e.tag == "b" and "Bold" in e.text]
