"""Invoices of ours without a row, after a restore or as a bookkeeper's copies: they come back from QuickBooks."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import connections
from integration_settings import services as integration
from integration_settings.models import Company, Removal
from integration_settings.oauth import Grant
from invoices import drafting, following, notes, services
from invoices.domain.draft import AmountsAre, from_json
from invoices.domain.status import Submission
from invoices.invoice_bodies import invoice_body, mark_line
from invoices.invoice_gateway import QuickBooksGateway, owner_of
from invoices.models import Invoice
from invoices.so_far import invoiced_so_far
from tests.conftest import connect_user, visitor_of
from tests.factories import an_issued, make_company, make_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.invoices.fragments import Page
from tests.invoices.intents import ask, draft_for, in_the_books, settle
from tests.invoices.noting import FakePipedrive

pytestmark = pytest.mark.django_db


def look(company, make_gateway=following.QuickBooksGateway):
    """As at the first turn of a restored service, whose cursor is that of the backup."""
    books = company.quickbooks
    books.row().update(changes_cursor=timezone.now() - timedelta(hours=1), sync_lease_until=None)
    books.refresh_from_db()
    return following.catch_up(books, make_gateway)


def lose_the_row(invoice):
    invoice.delete()
    assert Invoice.objects.count() == 0


@pytest.fixture
def lost(harbour, control):
    """An invoice that was made and has no row any more, as it was."""
    invoice = ask(harbour, draft_for(harbour, control))
    settle(invoice)
    lost = Invoice.objects.get()
    lose_the_row(invoice)
    return lost


def test_an_invoice_without_a_row_is_in_its_deal_again_and_counts_there(harbour, lost):
    assert look(harbour.company) == 1
    row = Invoice.objects.get()
    for name in ("company", "realm_id", "deal_id", "qbo_invoice_id", "number", "customer_id", "currency", "due_date"):
        assert getattr(row, name) == getattr(lost, name), name
    assert (row.total, row.tax, row.balance, row.submission) == (lost.total, lost.tax, lost.balance, "succeeded")
    assert row.was_found
    (line,) = from_json(row.draft).lines
    assert line.amount(row.currency) == lost.total - lost.tax
    so_far = invoiced_so_far(harbour.company, lost.deal_id)
    assert (so_far.count, so_far.amount.amount) == (1, lost.total - lost.tax)
    found = drafting.preview(harbour.company, from_json(lost.draft))
    assert "invoiced_before" in {finding.code for finding in found.findings}


def test_it_is_followed_from_then_on(harbour, control, lost):
    look(harbour.company)
    control.book(harbour.realm, "payment", id=lost.qbo_invoice_id, amount=str(lost.total))
    look(harbour.company)
    row = Invoice.objects.get()
    assert (row.balance, bool(row.paid_on)) == (0, True)


def test_looking_twice_takes_it_up_once(harbour, lost):
    assert [look(harbour.company), look(harbour.company)] == [1, 0]
    assert Invoice.objects.count() == 1


def test_the_same_press_once_more_leads_to_the_invoice_that_is_there(harbour, control, lost):
    look(harbour.company)
    again = services.request_invoice(
        visitor=visitor_of(harbour.user, "invoice"), draft=from_json(lost.draft), intent_key=lost.intent_key
    )
    assert (again.differs, again.invoice.number) == (False, lost.number)
    assert Invoice.objects.count() == 1


def test_the_same_press_before_anybody_looked_leads_there_too(harbour, control, lost):
    again = ask(harbour, from_json(lost.draft), lost.intent_key)
    settle(again)
    assert again.qbo_invoice_id == lost.qbo_invoice_id
    assert len(in_the_books(control, harbour, again)) == 1


def test_another_press_is_told_of_it(harbour, lost):
    look(harbour.company)
    with pytest.raises(services.DealInvoiced):
        ask(harbour, from_json(lost.draft), uuid.uuid4(), seen=services.SeenDeal(invoices=0))


# Uninstalled and installed again


def connect_again(tenant, control, *, company):
    answer = control.grant_quickbooks(tenant.realm)
    in_a_while = timezone.now() + timedelta(days=1)
    grant = Grant(answer["access_token"], answer["refresh_token"], in_a_while, in_a_while)
    return connections.connect_quickbooks(company, realm_id=tenant.realm, grant=grant, connected_by="Priya Nair")


def test_a_company_that_installs_again_has_its_invoices_in_their_deals_and_their_notes_kept_current(harbour, control):
    control.advance(-3 * 3600)
    invoice = ask(harbour, draft_for(harbour, control))
    settle(invoice)
    notes.publish_note(invoice.pk)
    control.advance(3 * 3600)
    number = harbour.company.pipedrive_company_id
    integration.uninstall(pipedrive_company_id=number, user_id=harbour.user.user_id)
    assert not Invoice.objects.exists()
    again = make_company(pipedrive_company_id=number, name=harbour.company.name)
    connect_user(control, again, harbour.pair)
    following.catch_up(connect_again(harbour, control, company=again))
    found = Invoice.objects.get()
    assert (found.deal_id, found.qbo_invoice_id, found.number) == (
        invoice.deal_id,
        invoice.qbo_invoice_id,
        invoice.number,
    )
    notes.publish_note(found.pk)
    assert len(control.company(number)["notes"]) == 1


def test_a_company_that_was_never_here_reads_nothing_of_before(harbour, control):
    stranger = make_company()
    assert timezone.now() - connect_again(harbour, control, company=stranger).changes_cursor < timedelta(minutes=1)


def test_what_the_former_books_or_another_company_had_is_no_reason_to_read_new_books_from_before(company):
    make_invoice(company)
    Removal.objects.create(pipedrive_company_id=company.pipedrive_company_id + 1, why=Removal.Why.UNINSTALLED)
    in_a_while = timezone.now() + timedelta(days=1)
    grant = Grant("access", "refresh", in_a_while, in_a_while)
    new = connections.connect_quickbooks(company, realm_id="99", grant=grant, connected_by="Priya Nair")
    assert timezone.now() - new.changes_cursor < timedelta(minutes=1)


# What else stands in the books


@pytest.fixture
def gateway(company):
    return FakeInvoiceGateway(owner=owner_of(company.quickbooks))


def put(gateway, number, note, **fields):
    moment = timezone.now() - timedelta(minutes=30)
    row = Invoice(qbo_invoice_id=number, currency="GBP", number=f"10{number}", customer_id="7")
    fields = {"created_at": moment, "updated_at": moment, "private_note": note} | fields
    gateway.invoices[number] = an_issued(row, **fields)


def taken_up(company, gateway):
    look(company, lambda connection: gateway)
    return [row.qbo_invoice_id for row in Invoice.objects.order_by("pk")]


def test_of_two_with_one_mark_the_later_one_is_somebodys_copy(company, gateway):
    note = mark_line(12, "request-1", gateway.owner)
    put(gateway, "88", note, created_at=timezone.now() - timedelta(minutes=10))
    put(gateway, "77", note)
    assert taken_up(company, gateway) == ["77"]


def test_what_another_company_of_pipedrive_bills_in_the_same_books_is_not_ours(company, other_company, gateway):
    put(gateway, "77", mark_line(12, "request-1", owner_of(other_company.quickbooks)))
    assert taken_up(company, gateway) == []


@pytest.mark.parametrize("note", ["Pipedrive deal 12 · 0123456789ab", "Pipedrive deal 12 · 0123456789ab-01234567", ""])
def test_a_note_that_only_looks_like_ours_makes_no_row(company, gateway, note):
    put(gateway, "77", note)
    assert taken_up(company, gateway) == []


def test_an_invoice_that_is_gone_already_is_left_where_it_is(company, gateway):
    put(gateway, "77", mark_line(12, "request-1", gateway.owner))
    gateway.delete("77")
    assert taken_up(company, gateway) == []


def test_what_is_found_when_the_company_has_left_makes_no_row(company, gateway):
    put(gateway, "77", mark_line(12, "request-1", gateway.owner))
    ask_for = gateway.changed_since

    def leave(*asked, **more):
        Company.objects.filter(pk=company.pk).delete()
        return ask_for(*asked, **more)

    gateway.changed_since = leave
    assert taken_up(company, gateway) == []


def test_one_that_was_voided_since_is_shown_as_voided(company, gateway):
    put(gateway, "77", mark_line(12, "request-1", gateway.owner))
    gateway.void("77")
    assert taken_up(company, gateway) == ["77"]
    assert Invoice.objects.get().voided_on is not None


def test_a_whole_answer_that_was_cut_off_brings_them_too(company, gateway):
    put(gateway, "77", mark_line(12, "request-1", gateway.owner))
    answer = gateway.changed_since
    gateway.changed_since = lambda moment: replace(answer(moment), cut_off=True)
    assert taken_up(company, gateway) == ["77"]


def test_an_american_one_has_prices_as_american_books_have_them(company, gateway):
    company.quickbooks.row().update(profile=company.quickbooks.profile | {"country": "US"})
    company.quickbooks.refresh_from_db()
    put(gateway, "77", mark_line(12, "request-1", gateway.owner))
    taken_up(company, gateway)
    assert from_json(Invoice.objects.get().draft).amounts_are is AmountsAre.WITHOUT_TAX_SETTING


# A bookkeeper corrects an invoice: copies it, private note and all, changes the copy, takes the first one away


@pytest.fixture
def original(company, gateway):
    row = make_invoice(company, number="1042", deal_id=12, organization_id=31, customer_id="7", request_id="request-1")
    note = mark_line(12, "request-1", gateway.owner)
    moment = timezone.now() - timedelta(minutes=40)
    gateway.invoices[row.qbo_invoice_id] = an_issued(row, private_note=note, created_at=moment, updated_at=moment)
    return row


def copy(gateway, original, **fields):
    put(gateway, "77", gateway.invoices[original.qbo_invoice_id].private_note, **fields)


@pytest.mark.parametrize("gone", ["void", "delete"])
@pytest.mark.parametrize("looks", ["one look tells both", "the copy was told before"])
def test_a_copy_whose_original_is_gone_takes_its_place_in_the_deal(company, gateway, original, gone, looks):
    copy(gateway, original)
    if looks == "the copy was told before":
        assert taken_up(company, gateway) == [original.qbo_invoice_id]
    getattr(gateway, gone)(original.qbo_invoice_id)
    assert taken_up(company, gateway) == [original.qbo_invoice_id, "77"]
    so_far = invoiced_so_far(company, 12)
    row = Invoice.objects.get(qbo_invoice_id="77")
    assert (so_far.count, so_far.amount.amount) == (1, row.total - row.tax)
    assert (row.organization_id, row.draft, row.was_found) == (31, original.draft, True)


def test_a_copy_of_that_copy_takes_its_place_in_turn(company, gateway, original):
    copy(gateway, original)
    gateway.delete(original.qbo_invoice_id)
    look(company, lambda connection: gateway)
    put(gateway, "78", gateway.invoices["77"].private_note)
    gateway.void("77")
    assert taken_up(company, gateway) == [original.qbo_invoice_id, "77", "78"]


def test_a_copy_is_known_also_where_its_deal_was_merged_into_another_one(company, gateway, original):
    Invoice.objects.filter(pk=original.pk).update(deal_id=13, draft=original.draft | {"deal_id": 12})
    copy(gateway, original)
    assert taken_up(company, gateway) == [original.qbo_invoice_id]
    gateway.delete(original.qbo_invoice_id)
    assert taken_up(company, gateway) == [original.qbo_invoice_id, "77"]
    assert Invoice.objects.get(qbo_invoice_id="77").deal_id == 13


@pytest.mark.parametrize("other", ["customer_id", "voided"])
def test_a_copy_for_another_customer_or_a_voided_one_stays_out_of_the_deal(company, gateway, original, other):
    copy(gateway, original, **{other: "8"} if other == "customer_id" else {})
    gateway.delete(original.qbo_invoice_id)
    if other == "voided":
        gateway.void("77")
    assert taken_up(company, gateway) == [original.qbo_invoice_id]


def test_an_old_press_sent_again_leads_to_the_original_and_not_to_its_copy(harbour, control):
    draft, key = draft_for(harbour, control), uuid.uuid4()
    invoice = ask(harbour, draft, key)
    settle(invoice)
    gateway = QuickBooksGateway(harbour.company.quickbooks)
    mark = mark_line(invoice.deal_id, invoice.request_id, owner_of(harbour.company.quickbooks))
    body = invoice_body(draft, invoice.customer_id, gateway.books, mark=mark)
    copied = gateway.client.create("Invoice", body, request_id=uuid.uuid4().hex)
    control.book(harbour.realm, "void", id=invoice.qbo_invoice_id)
    look(harbour.company)
    assert Invoice.objects.get(qbo_invoice_id=copied["Id"]).number == copied["DocNumber"]
    assert ask(harbour, draft, key) == invoice
    control.book(harbour.realm, "payment", id=copied["Id"], amount=str(copied["TotalAmt"]))
    look(harbour.company)
    assert [bool(row.paid_on) for row in Invoice.objects.order_by("pk")] == [False, True]


# What people see of it


@pytest.fixture
def found(company, user, seen):
    seen(user, 12)
    return make_invoice(
        company, deal_id=12, created_by_id=0, created_by_name="", note_due_at=timezone.now(), note_attempts=1
    )


def test_its_note_in_the_deal_is_found_and_not_written_a_second_time(found, user):
    pipedrive = FakePipedrive()(user)
    address = f"https://qbo.example/app/invoice?txnId={found.qbo_invoice_id}&deeplinkcompanyid={found.realm_id}"
    pipedrive.add_note(deal_id=12, content=f'<b>Invoice</b><a href="{address}">Open in QuickBooks</a>')
    notes.publish_note(found.pk, pipedrive)
    assert len(pipedrive.notes) == 1
    found.refresh_from_db()
    assert (found.note_id, found.note_due_at is None or found.note_due_at > timezone.now()) == (501, True)


def test_it_stands_with_the_deals_organization_and_person_again(found, user):
    notes.publish_note(found.pk, FakePipedrive())
    found.refresh_from_db()
    assert (found.organization_id, found.person_id) != (None, None)


def test_its_history_says_that_nobody_is_on_record(browse, found, user):
    page = Page(browse(user, "panel").get(f"/embed/invoice/{found.public_id}/history", {"resource": "deal", "id": 12}))
    assert "who asked for it is not on record" in page.text
    assert found.submission == Submission.SUCCEEDED
