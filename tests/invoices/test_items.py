"""Items that are created with an invoice: one a product, whatever is lost on the way and whoever comes second."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import kept_lists
from integration_settings.errors import Rejected
from integration_settings.models import ItemLink, ReferenceList
from invoices import submission
from invoices.domain.draft import from_json, to_json
from invoices.domain.status import Submission
from invoices.selectors import refusal_of
from tests.factories import a_bill_to, a_draft, a_line, make_item_link, make_pending_invoice
from tests.invoices.submitting import DOWN, LOST, START, Killed, clock, gateway, settle, submit

__all__ = ["clock", "gateway"]


@pytest.fixture
def items(company):
    """The company's list of items, as last read."""
    return ReferenceList.objects.create(company=company, kind="items", rows=[], fetched_at=timezone.now())


def new_item_line(product_id=501, name="Safety inspection", **fields):
    values = {"item_id": "", "product_id": product_id, "description": name, "new_item": name, "product_code": "SVC"}
    return a_line(**({**values, "income_account_id": "79"} | fields))


def an_intent(company, *lines):
    draft = a_draft(bill_to=a_bill_to(customer_id="7"), lines=lines or (new_item_line(),))
    ids = {str(line.product_id): f"item-{line.product_id}-{timezone.now()}" for line in draft.lines}
    return make_pending_invoice(company, to_json(draft), currency="GBP", item_request_ids=ids)


@pytest.fixture
def intent(company, items):
    return an_intent(company)


def billed_items(invoice):
    return [line.item_id for line in from_json(invoice.draft).lines]


def test_the_item_is_created_first_and_then_remembered_for_the_product(intent, gateway, items):
    submit(intent, gateway)
    assert gateway.calls == ["create_item", "create_invoice"]
    (item,) = gateway.items.values()
    assert (item.name, item.sku, item.tax_code_id) == ("Safety inspection", "SVC", "2")
    assert billed_items(intent) == [item.id]
    link = ItemLink.objects.get(company=intent.company, realm_id=intent.realm_id, product_id=501)
    assert (link.item_id, link.product_name, link.product_code) == (item.id, "Safety inspection", "SVC")
    assert (link.linked_by, link.last_used_at) == (intent.created_by_name, START)
    items.refresh_from_db()
    assert [row["id"] for row in items.rows] == [item.id], "the next form knows it at once"


def test_a_product_on_two_lines_gets_one_item(company, items, gateway):
    intent = an_intent(company, new_item_line(), a_line(), new_item_line())
    submit(intent, gateway)
    (item,) = gateway.items.values()
    assert billed_items(intent) == [item.id, "1", item.id]


@pytest.mark.parametrize("honours", [True, False], ids=["request ids honoured", "request ids ignored"])
@pytest.mark.parametrize("done", [True, False], ids=["after the work", "before the work"])
def test_a_lost_answer_ends_with_one_item(intent, gateway, clock, honours, done):
    gateway.honours_request_ids = honours
    gateway.fail("create_item", LOST, done=done)
    submit(intent, gateway)
    assert intent.submission == Submission.PENDING, "nothing of the invoice was sent"
    settle(intent, gateway, clock)
    assert intent.submission == Submission.SUCCEEDED
    assert len(gateway.items) == len(gateway.invoices) == 1
    assert billed_items(intent) == list(gateway.items)


def test_the_request_id_stays_the_same_over_all_tries(intent, gateway, clock):
    seen = []
    create = gateway.create_item
    gateway.create_item = lambda line, *, request_id: (seen.append(request_id), create(line, request_id=request_id))[1]
    gateway.fail("create_item", DOWN, times=2)
    settle(intent, gateway, clock)
    assert len(seen) == 3
    assert set(seen) == {intent.item_request_ids["501"]}


def test_a_worker_killed_after_the_item_leaves_it_to_the_next(intent, gateway, clock):
    def die(*_args, **_kwargs):
        raise Killed

    real, gateway.create_invoice = gateway.create_invoice, die
    with pytest.raises(Killed):
        submit(intent, gateway)
    gateway.create_invoice = real
    intent.refresh_from_db()
    settle(intent, gateway, clock)
    assert len(gateway.items) == len(gateway.invoices) == 1


def test_a_lost_invoice_is_sent_again_with_the_same_items(intent, gateway, clock):
    gateway.fail("create_invoice", LOST)
    settle(intent, gateway, clock)
    assert gateway.calls.count("create_item") == 1
    assert billed_items(intent) == list(gateway.items)


def test_two_invoices_at_once_create_one_item(intent, company, gateway, clock):
    second = an_intent(company)

    def meanwhile(line, *, request_id):
        gateway.create_item = create
        submit(second, gateway)
        assert second.submission == Submission.PENDING, "the second waits for the first"
        return create(line, request_id=request_id)

    create, gateway.create_item = gateway.create_item, meanwhile
    submit(intent, gateway)
    settle(second, gateway, clock)
    assert gateway.calls.count("create_item") == 1
    assert billed_items(second) == billed_items(intent)
    assert len(gateway.invoices) == 2


def test_a_bookkeeper_who_was_faster_made_the_item(intent, gateway):
    made = gateway.add_item("SAFETY inspection")
    submit(intent, gateway)
    assert intent.submission == Submission.SUCCEEDED
    assert billed_items(intent) == [made.id]


@pytest.mark.parametrize(
    ("taken", "taken_by"),
    [({"active": False, "name": "Safety inspection (deleted)"}, "inactive item"), ({"type": "Category"}, "category")],
)
def test_a_name_that_cannot_be_used_is_refused_at_the_lines_item(company, items, gateway, taken, taken_by):
    gateway.add_item(**({"name": "Safety inspection"} | taken))
    intent = an_intent(company, a_line(), new_item_line())
    submit(intent, gateway)
    assert intent.submission == Submission.REJECTED
    refusal = refusal_of(intent)
    assert (refusal.field, refusal.taken_by, refusal.new_item) == ("lines.1.item", taken_by, "Safety inspection")
    assert gateway.invoices == {}
    assert not ItemLink.objects.exists()


def test_another_refusal_stands_at_the_line_too(intent, gateway):
    gateway.fail("create_item", Rejected("quickbooks", "refused", code="2500", detail="Invalid Reference Id"))
    submit(intent, gateway)
    refusal = refusal_of(intent)
    assert (refusal.field, refusal.code, refusal.detail) == ("lines.0.item", "2500", "Invalid Reference Id")
    assert refusal.new_item == "Safety inspection"


def read_item(items, name="Safety inspection", **fields):
    """Item 55, in the company's list."""
    row = {"id": "55", "name": name, "sku": "", "type": "Service", "active": True, "price": None}
    items.rows = [row | {"tax_code_id": "", "taxable": False} | fields]
    items.save()


def test_an_item_that_was_made_for_the_product_meanwhile_is_taken(intent, gateway, items):
    read_item(items)
    make_item_link(intent.company, item_id="55", item_name="Safety inspection", product_id=501)
    submit(intent, gateway)
    assert (gateway.calls, billed_items(intent)) == (["create_invoice"], ["55"])


def test_what_was_confirmed_as_new_becomes_no_other_item_that_a_colleague_chose_meanwhile(intent, gateway, items):
    read_item(items, "Inspection of racks")
    make_item_link(intent.company, item_id="55", item_name="Inspection of racks", product_id=501)
    submit(intent, gateway)
    assert billed_items(intent) == list(gateway.items) != ["55"]


def test_an_item_that_is_not_sold_any_more_is_not_taken_for_the_product(intent, gateway, items):
    read_item(items, active=False)
    make_item_link(intent.company, item_id="55", item_name="Safety inspection", product_id=501)
    submit(intent, gateway)
    assert billed_items(intent) == list(gateway.items) != ["55"]


def test_a_choice_for_other_books_or_of_another_company_is_nobodys_business(intent, gateway, other_company, items):
    read_item(items)
    make_item_link(intent.company, realm_id="4711", item_id="55", item_name="Safety inspection", product_id=501)
    chosen = {"item_id": "55", "item_name": "Safety inspection", "product_id": 501}
    make_item_link(other_company, realm_id=intent.realm_id, **chosen)  # two companies may share their books
    submit(intent, gateway)
    assert gateway.calls[0] == "create_item"
    assert billed_items(intent) == list(gateway.items) != ["55"]
    assert ItemLink.objects.filter(item_id="55").count() == 2, "and they stay as they were"


def test_the_app_may_be_uninstalled_while_an_item_is_created(intent, gateway):
    def meanwhile(line, *, request_id):
        company = intent.company
        type(company).objects.filter(pk=company.pk).delete()
        return create(line, request_id=request_id)

    create, gateway.create_item = gateway.create_item, meanwhile
    submission.submit(intent.pk, lambda connection: gateway)
    assert not ItemLink.objects.exists()
    assert gateway.invoices == {}


def test_an_item_created_while_the_list_is_read_is_younger_than_the_list(intent, gateway, clock):
    """So that the next form, which knows the choice, reads the list again and does not call the item gone."""

    def read():
        clock.shift(timedelta(seconds=1))
        submit(intent, gateway)
        clock.shift(timedelta(seconds=1))
        return []  # as it was before

    kept_lists.kept(intent.company, "items", read, dict, timedelta(0))
    assert kept_lists.read_at(intent.company, "items") < ItemLink.objects.get().linked_at
