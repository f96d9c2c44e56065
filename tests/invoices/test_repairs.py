"""One invoice takes the place of a refused one, whoever presses where; nothing is cancelled that may have been sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.utils import timezone

from integration_settings import reference
from integration_settings.item_links import link_item
from integration_settings.models import ItemLink
from invoices import attention, customers, leases, repairs, services, submission
from invoices.domain.books import can_be_sold
from invoices.domain.causes import Cause, Kind, as_it_is, cause_of, with_item, with_name
from invoices.domain.draft import from_json, to_json
from invoices.domain.matching import CustomerCandidate
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.conftest import visitor_of
from tests.factories import a_bill_to, a_draft, a_line, make_pending_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.invoices.conftest import RACKING
from tests.invoices.intents import ask, in_the_books, settle
from tests.invoices.test_deal_gateway import deal_called
from tests.invoices.test_exactly_once import at_once, customers_called, several_processes

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


@pytest.fixture
def draft(harbour, control):
    """What QuickBooks takes, for a customer of its own."""
    item = next(item for item in reference.items(harbour.company) if item.active)
    code = next(code for code in reference.tax_codes(harbour.company) if code.name == "20.0% S")
    line = a_line(item_id=item.id, tax_code_id=code.id)
    deal_id = deal_called(control, harbour.pair, RACKING)
    due_date = timezone.now().date() + timedelta(days=14)
    return a_draft(deal_id=deal_id, lines=(line,), bill_to=a_bill_to(name="Once Only Ltd"), due_date=due_date)


def refuse(row, **refusal):
    columns = {"submission": Submission.REJECTED, "settled_at": timezone.now(), "next_attempt_at": None}
    Invoice.objects.filter(pk=row.pk).update(refusal={"code": "6190", "field": ""} | refusal, **columns)
    row.refresh_from_db()
    return row


def desk(tenant):
    """What somebody sees who is about to press."""
    visitor = visitor_of(tenant.user, "settings")
    groups = [group for group in attention.desk_of(visitor).groups if group.cause.kind == Kind.ELSEWHERE]
    return visitor, groups


def press(tenant, mend=as_it_is):
    visitor, groups = desk(tenant)
    return [repairs.run_again(visitor, group, mend) for group in groups]


# Running again


@several_processes
def test_three_presses_at_once_make_one_invoice(harbour, draft, control):
    refused = refuse(ask(harbour, draft))
    at_once(*[lambda: press(harbour)] * 3)
    successor = services.successor_of(refused)
    assert Invoice.objects.count() == 2
    settle(successor)
    assert len(in_the_books(control, harbour, refused, successor)) == 1
    assert len(customers_called(control, harbour, "Once Only")) == 1
    refused.refresh_from_db()
    assert refused.put_away_at is not None


@several_processes
def test_the_desk_and_the_form_opened_again_make_one_invoice(harbour, draft, control):
    refused = refuse(ask(harbour, draft))
    at_once(lambda: press(harbour), lambda: ask(harbour, draft, refused.key_of_successor))
    assert Invoice.objects.exclude(pk=refused.pk).count() == 1
    settle(services.successor_of(refused))
    assert len(in_the_books(control, harbour, refused, services.successor_of(refused))) == 1


def test_a_successor_that_is_refused_itself_can_be_run_again(harbour, draft):
    first = refuse(ask(harbour, draft))
    press(harbour)
    second = refuse(services.successor_of(first))
    press(harbour)
    third = services.successor_of(second)
    assert len({first.pk, second.pk, third.pk}) == 3
    assert Invoice.objects.count() == 3


def test_it_is_booked_at_the_rate_that_quickbooks_has_now(harbour, draft, control):
    """Somebody may have corrected it since the refused one was to be sent."""
    refused = refuse(ask(harbour, replace(draft, currency="EUR")))
    Invoice.objects.filter(pk=refused.pk).update(draft=refused.draft | {"exchange_rate": "0.5"})
    press(harbour)
    successor = services.successor_of(refused)
    settle(successor)
    (made,) = in_the_books(control, harbour, refused, successor)
    assert made["ExchangeRate"] != 0.5
    successor.refresh_from_db()
    assert Decimal(successor.draft["exchange_rate"]) == Decimal(str(made["ExchangeRate"]))


def found_in_the_books(harbour, draft, refused):
    """Its answer said no, and the sweep has found that it exists all the same."""
    Invoice.objects.filter(pk=refused.pk).update(
        submission=Submission.SUCCEEDED, refusal=None, qbo_invoice_id="4711", total=120, balance=120
    )


def invoiced_by_a_form(harbour, draft, refused):
    ask(harbour, draft)


def put_away(harbour, draft, refused):
    Invoice.objects.filter(pk=refused.pk).update(put_away_at=timezone.now())


@pytest.mark.parametrize("meanwhile", [found_in_the_books, invoiced_by_a_form, put_away])
def test_what_is_settled_while_the_desk_runs_is_not_run_again(harbour, draft, meanwhile):
    """Pipedrive is asked about each deal of a group, so its last one is run many seconds after the desk was read."""
    refused = refuse(ask(harbour, draft))
    visitor, (group,) = desk(harbour)
    meanwhile(harbour, draft, refused)
    before = Invoice.objects.count()
    run = repairs.run_again(visitor, group, as_it_is)
    assert (run.started, run.held, run.left) == ((), 0, 0)
    assert Invoice.objects.count() == before
    refused.refresh_from_db()
    assert "held" not in (refused.refusal or {})


def test_what_another_company_invoices_in_a_deal_of_that_number_settles_nothing(company, other_company):
    refused = make_pending_invoice(company, to_json(a_draft()), deal_id=12, submission=Submission.REJECTED)
    make_pending_invoice(other_company, to_json(a_draft()), deal_id=12)
    row = Invoice(company=company, intent_key=refused.key_of_successor)
    services._refuse_settled(row, refused)


def test_many_are_run_in_parts(harbour, draft, monkeypatch):
    monkeypatch.setattr(repairs, "AT_ONCE", 1)
    first = refuse(ask(harbour, draft))
    Invoice.objects.filter(pk=first.pk).update(deal_id=first.deal_id + 100_000)
    refuse(ask(harbour, draft))
    ((run),) = press(harbour)
    assert (len(run.started), run.left) == (1, 1)


def test_those_that_have_to_be_looked_at_do_not_keep_the_others_from_running(harbour, draft, monkeypatch):
    monkeypatch.setattr(repairs, "AT_ONCE", 2)
    good = refuse(ask(harbour, draft))
    for number in range(3):
        past_due = refuse(ask(harbour, replace(draft, due_date=timezone.now().date() - timedelta(days=1))))
        Invoice.objects.filter(pk=past_due.pk).update(deal_id=past_due.deal_id + 100_000 + number)
    (first,), (second,), (third,) = press(harbour), press(harbour), press(harbour)
    assert [(len(run.started), run.held, run.left) for run in (first, second, third)] == [
        (0, 2, 2),
        (1, 1, 0),
        (0, 2, 0),
    ]
    assert second.started == (services.successor_of(good),)


def test_while_pipedrive_does_not_answer_what_was_not_tried_stays(harbour, draft, control):
    refused = refuse(ask(harbour, draft))
    cache.clear()
    control.fault("status", service="pipedrive", status=503, path="/deals/", times=20)
    ((run),) = press(harbour)
    assert (run.started, run.left) == ((), 1)
    assert run.problem is not None
    refused.refresh_from_db()
    assert refused.put_away_at is None


def test_the_preset_of_whoever_presses_stays_what_it_was(harbour, draft):
    refuse(ask(harbour, draft))
    harbour.user.preset_choice = "7"
    harbour.user.save()
    press(harbour)
    harbour.user.refresh_from_db()
    assert harbour.user.preset_choice == "7"


def chosen_now(harbour, draft):
    """The item of the product and the customer of the party, as the next form has them."""
    (line,) = draft.lines
    party = Invoice.objects.latest("pk").party
    customer = customers.linked_customer(harbour.company, harbour.realm, party, draft.currency)
    return ItemLink.objects.get(product_id=line.product_id).item_id, customer.customer_id


def test_what_somebody_has_chosen_since_is_not_undone_by_an_older_invoice(harbour, draft):
    """Its item and its customer were chosen a week ago, and called wrong by a colleague since."""
    older, newer = [item for item in reference.items(harbour.company) if can_be_sold(item)][:2]
    line = replace(draft.lines[0], product_id=501, item_id=older.id, item_chosen=True)
    draft = replace(draft, lines=(line,), bill_to=a_bill_to(customer_id="58"))
    refused = refuse(ask(harbour, draft))
    assert chosen_now(harbour, draft) == (older.id, "58")
    link_item(harbour.company.quickbooks, 501, name="Bay", code="", item=newer, by="Ben")
    later = CustomerCandidate("59", "Bramley Foods Ltd", currency=draft.currency)
    customers.link(company=harbour.company, realm_id=harbour.realm, party=refused.party, customer=later, by="Ben")
    press(harbour)
    assert services.successor_of(refused) is not None
    assert chosen_now(harbour, draft) == (newer.id, "59")


# Causes


def test_whether_tax_is_in_the_deals_value_goes_on_to_the_successor(harbour, draft):
    refused = refuse(ask(harbour, draft, seen=services.SeenDeal(with_tax=True)))
    press(harbour)
    assert services.successor_of(refused).deal_then == refused.deal_then
    assert refused.deal_then["with_tax"]


def test_a_cause_is_the_same_for_all_that_one_repair_releases():
    lines = (a_line(item_id="1"), a_line(item_id="118", description="Bay"))
    one = cause_of(a_draft(lines=lines), code="610", field="lines.1.item")
    other = cause_of(a_draft(lines=lines[1:]), code="610", field="lines.0.item")
    assert (one, one.kind) == (other, Kind.ITEM)
    mended = with_item(one, "7")(a_draft(lines=lines))
    assert [line.item_id for line in mended.lines] == ["1", "7"]
    assert [line.item_chosen for line in mended.lines] == [False, True]


def test_a_tax_code_that_is_gone_is_one_cause_on_whichever_lines_it_stands():
    lines = (a_line(tax_code_id="1"), a_line(tax_code_id="6"))
    one = cause_of(a_draft(lines=lines), code="610", field="lines.1.tax_code")
    assert one == cause_of(a_draft(lines=lines[1:]), code="610", field="lines.0.tax_code")
    assert one != cause_of(a_draft(lines=lines), code="610", field="lines.0.tax_code")


def test_a_new_item_that_was_refused_is_replaced_by_the_chosen_one():
    line = a_line(item_id="", new_item="Bay", product_id=501, income_account_id="79")
    cause = cause_of(a_draft(lines=(line,)), code="6240", field="lines.0.item", new_item="Bay")
    (mended,) = with_item(cause, "7")(a_draft(lines=(line,))).lines
    assert (mended.item_id, mended.new_item, mended.income_account_id) == ("7", "", "")
    assert not mended.needs_new_item


def test_a_customer_that_has_the_name_is_for_the_form():
    named = a_draft(bill_to=a_bill_to(name="Moss"))
    assert cause_of(named, code="6240", field="customer.name", taken_by="customer").kind == Kind.FORM
    assert cause_of(named, code="6240", field="customer.name", taken_by="vendor").kind == Kind.NAME
    assert with_name("Moss (Customer)")(named).bill_to.name == "Moss (Customer)"


@pytest.mark.parametrize("field", ["lines.7.item", "lines.x.item", "lines.0.tax_code", "lines", ""])
def test_a_field_that_names_no_item_of_the_draft_is_for_the_form(field):
    assert cause_of(a_draft(), code="610", field=field).kind == Kind.FORM


def test_nothing_can_be_read_from_the_key_of_a_cause():
    key = Cause(Kind.NAME, "6240 moss & co", "Moss & Co").key
    assert "moss" not in key
    assert key.isalnum()


def test_what_was_meant_for_other_books_is_never_run_again(harbour, draft):
    refuse(ask(harbour, draft))
    Invoice.objects.update(realm_id="4711")
    (group,) = attention.desk_of(visitor_of(harbour.user)).groups
    assert group.cause.kind == Kind.FORM


# Cancelling


def cancel(row):
    return leases.cancel(row, "Priya Nair")


@several_processes
def test_a_cancellation_and_a_worker_in_the_same_moment_leave_one_of_the_two(harbour, draft, control):
    for _ in range(4):
        row, said = ask(harbour, draft), []
        at_once(lambda row=row: submission.submit(row.pk), lambda row=row, said=said: said.append(cancel(row)))
        row.refresh_from_db()
        if said == [True]:
            assert (row.submission, row.refusal["code"]) == (Submission.REJECTED, "cancelled")
            assert in_the_books(control, harbour, row) == []
        else:
            assert row.submission == Submission.SUCCEEDED
            assert len(in_the_books(control, harbour, row)) == 1


def test_a_worker_that_was_stopped_before_sending_finds_it_cancelled(company):
    """Its lease ran out, somebody cancelled, and it goes on as if nothing had happened."""
    gateway = FakeInvoiceGateway()
    gateway.add_customer("Bramley Foods Ltd", customer_id="7")
    row = make_pending_invoice(company, to_json(a_draft(bill_to=a_bill_to(customer_id="7"))))
    said = []

    def late(connection):
        Invoice.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        said.append(cancel(row))
        return gateway

    submission.submit(row.pk, late)
    assert said == [True]
    assert "create_invoice" not in gateway.calls
    row.refresh_from_db()
    assert (row.submission, row.next_attempt_at) == (Submission.REJECTED, None)


@pytest.mark.parametrize(
    "columns",
    [
        {"sent_at": timezone.now()},
        {"submission": Submission.UNKNOWN},
        {"submission": Submission.SUCCEEDED},
        {"lease_until": timezone.now() + timedelta(days=1), "lease_token": "a worker"},
    ],
    ids=["sent", "unknown", "done", "in hand"],
)
def test_what_may_have_been_sent_is_not_cancelled(company, columns):
    row = make_pending_invoice(company, to_json(a_draft()), **columns)
    before = Invoice.objects.filter(pk=row.pk).values().get()
    assert cancel(row) is False
    assert Invoice.objects.filter(pk=row.pk).values().get() == before


def test_a_cancelled_invoice_can_be_taken_up_again_from_its_deal(harbour, draft, control):
    row = ask(harbour, draft)
    assert cancel(row)
    row.refresh_from_db()
    assert from_json(row.draft).bill_to.name == "Once Only Ltd"
    again = ask(harbour, draft, row.key_of_successor)
    settle(again)
    assert len(in_the_books(control, harbour, row, again)) == 1
