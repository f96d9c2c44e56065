"""Who sees the result of a "Create invoice", and who gets nothing."""

from __future__ import annotations

import uuid

import pytest

from integration_settings.models import CompanySettings
from invoices.domain.draft import to_json
from invoices.models import Invoice
from invoices.services import successor_of
from tests.factories import a_bill_to, a_draft, make_invoice, make_pending_invoice, make_user
from tests.invoices.conftest import DEAL, RACKING
from tests.invoices.form_answers import CREATE, address
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


def test_wrong_methods_are_refused(stored, browse, user):
    invoice = stored()
    assert browse(user).post(address(invoice)).status_code == 405
    assert browse(user).get(address(invoice, "retry")).status_code == 405


def test_another_companys_invoice_is_not_there(browse, user, other_company):
    foreign = make_invoice(other_company)
    unknown = f"/embed/invoice/{uuid.uuid4()}/result"
    assert browse(user).get(address(foreign)).status_code == 404
    assert browse(user).post(address(foreign, "retry")).status_code == 404
    theirs, nobodys = browse(user).get(address(foreign)), browse(user).get(unknown)
    assert theirs.content.replace(theirs["X-Request-Id"].encode(), b"") == nobodys.content.replace(
        nobodys["X-Request-Id"].encode(), b""
    )


def test_a_colleague_who_may_not_see_the_deal_sees_no_result(harbour, browse, deal_id, colleague):
    ewa = colleague(harbour, 1)
    hidden = make_pending_invoice(
        harbour.company,
        to_json(a_draft()),
        deal_id=deal_id(harbour, "Confidential"),
        created_by_id=harbour.user.user_id,
    )
    answer = browse(ewa).get(address(hidden))
    assert answer.status_code == 404
    assert "Bramley" not in answer.content.decode()
    shown = make_pending_invoice(
        harbour.company, to_json(a_draft()), deal_id=deal_id(harbour, RACKING), created_by_id=harbour.user.user_id
    )
    assert browse(ewa).get(address(shown)).status_code == 200


def test_the_key_of_another_deals_form_shows_nothing_of_its_invoice(harbour, fill_in):
    """That of a refused invoice's successor follows from its address, which somebody may have seen once."""
    refused = make_pending_invoice(harbour.company, to_json(a_draft()), deal_id=987_654, created_by_id=1)
    make_pending_invoice(
        harbour.company,
        to_json(a_draft(bill_to=a_bill_to(name="Kestrel Logistics"))),
        deal_id=987_654,
        created_by_id=1,
        intent_key=refused.key_of_successor,
    )
    browser, fields = fill_in(harbour)
    answer = browser.post(CREATE, fields | {"intent_key": str(refused.key_of_successor)})
    assert answer.status_code == 404
    assert "Kestrel" not in answer.content.decode()
    assert Invoice.objects.count() == 2


def test_a_deals_form_does_not_take_the_place_of_another_deals_refused_invoice(harbour, fill_in):
    """Else nobody could bill that deal any more: its form, opened again, would show the other deal's invoice."""
    refused = make_pending_invoice(harbour.company, to_json(a_draft()), deal_id=987_654, created_by_id=1)
    browser, fields = fill_in(harbour)
    assert browser.post(CREATE, fields | {"intent_key": str(refused.key_of_successor)}).status_code == 404
    assert successor_of(refused) is None
    assert browser.post(CREATE, fields).status_code == 200


def test_the_key_of_another_companys_invoice_gives_nobody_the_right_to_create(
    harbour, other_company, colleague, open_form, fill_in
):
    _, filled = fill_in(harbour)
    browser, fields, _ = open_form(harbour, RACKING, user=colleague(harbour))
    fields |= {name: text for name, text in filled.items() if name.endswith("-item")}
    CompanySettings.objects.filter(company=harbour.company).update(everyone_creates=False)
    make_invoice(other_company, intent_key=fields["intent_key"])
    assert browser.post(CREATE, fields).status_code == 403
    assert not harbour.company.invoices.exists()


def test_the_key_of_another_companys_invoice_spares_nobody_the_question(
    harbour, other_company, fill_in, control, deal_id
):
    """Nor is that invoice taken for what a second press of one's own finds."""
    deal = deal_id(harbour, RACKING)
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {deal: {"value": 0}}})
    browser, fields = fill_in(harbour)
    make_invoice(harbour.company, deal_id=deal)
    make_invoice(other_company, intent_key=fields["intent_key"])
    asked = browser.post(CREATE, fields)
    assert asked.status_code == 422
    assert harbour.company.invoices.count() == 1
    again = Page(asked).fields()
    assert [browser.post(CREATE, again).status_code for _ in range(2)] == [200, 200]
    assert harbour.company.invoices.count() == 2


def test_a_refused_invoice_of_another_company_has_no_successor_here(harbour, other_company, fill_in):
    """Its deal may have the number of one of ours."""
    browser, fields = fill_in(harbour)
    theirs = make_pending_invoice(other_company, to_json(a_draft()), deal_id=fields["deal"], created_by_id=1)
    assert browser.post(CREATE, fields | {"intent_key": str(theirs.key_of_successor)}).status_code == 404
    ours = make_pending_invoice(harbour.company, to_json(a_draft()), deal_id=fields["deal"], created_by_id=1)
    make_invoice(other_company, intent_key=ours.key_of_successor)
    assert successor_of(ours) is None


def test_a_colleague_of_the_company_is_asked_for_the_deal_first(stored, company, browse, seen):
    tom = make_user(company, name="Tom Hale", is_admin=False)
    seen(tom, DEAL)
    assert browse(tom).get(address(stored())).status_code == 200


def test_a_press_that_creates_nothing_is_in_the_log_with_its_reason_and_nobodys_name(harbour, fill_in, control, caplog):
    """No row tells of it to whoever looks for the invoice that somebody misses."""
    caplog.set_level("INFO", "invoices")
    browser, fields = fill_in(harbour)
    deal = fields["deal"]
    assert browser.post(CREATE, fields | {"customer": "new", "name": "Canary Foods", "l1-item": ""}).status_code == 422
    (stopped,) = [record.getMessage() for record in caplog.records if "nothing is created" in record.getMessage()]
    assert stopped == f"deal {deal}: user {harbour.user.user_id} pressed, and nothing is created: no_item"
    caplog.clear()
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {deal: {"value": 7}}})
    assert browser.post(CREATE, fields).status_code == 422
    assert f"deal {deal}: user {harbour.user.user_id} pressed, and nothing is created: DealChanged" in caplog.text
    assert "Canary" not in caplog.text
