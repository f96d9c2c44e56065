"""What people do to deals and invoices while a rule is at them."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import deal_rules
from integration_settings.deal_rules import WON, Choice, Outcome
from integration_settings.errors import NotFound
from integration_settings.models import CompanySettings, DealRules, PipedriveUser, QuickBooksConnection
from invoices import actions, automatic, notes, ready_deals
from invoices.domain.actions import Action
from invoices.domain.files import FileWish
from invoices.domain.status import Submission
from invoices.domain.unattended import Why
from invoices.models import Invoice, InvoiceAction, ReadyDeal, UnsentForm
from invoices.unsent_forms import KEPT_FOR
from tests.conftest import visitor_of
from tests.factories import make_invoice
from tests.invoices.intents import settle
from tests.invoices.selling import EARLIER, GARAGE, SALES, SHELVES, sales

__all__ = ["sales"]
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
TODAY = timezone.now().date()


@pytest.fixture
def created(sales):
    """created(Outcome.SEND): the invoice of a deal, that QuickBooks has."""

    def make(then):
        sales.set_rule(then)
        sales.win(SHELVES)
        (invoice,) = sales.invoice_by_rule()
        settle(invoice)
        assert invoice.submission == Submission.SUCCEEDED
        return invoice

    return make


# The invoice


def test_one_that_is_in_other_books_by_now_is_not_sent_and_somebody_is_told(sales, created):
    created(Outcome.SEND)
    QuickBooksConnection.objects.update(realm_id="9999")
    sales.carry_out()
    assert not InvoiceAction.objects.exists()
    assert sales.row(SHELVES).why == Why.NOT_SENT


@pytest.mark.parametrize("change", [{"status": "open"}, {"status": "lost"}, {"is_deleted": True}])
def test_one_whose_deal_is_won_no_more_is_not_sent_and_somebody_is_told(sales, created, change):
    """Won by mistake, and reopened while its invoice was on its way."""
    created(Outcome.SEND)
    sales.change(SHELVES, **change)
    sales.carry_out()
    assert not InvoiceAction.objects.exists()
    assert sales.row(SHELVES).why == Why.NOT_SENT


@pytest.mark.parametrize(("change", "sent"), [({"stage_id": 5}, True), ({"status": "lost"}, False)])
def test_one_whose_deal_has_gone_on_to_the_next_stage_is_sent(sales, change, sent):
    sales.set_rule(Outcome.SEND, when="4")
    sales.move(SHELVES, 4)
    (invoice,) = sales.invoice_by_rule()
    settle(invoice)
    sales.change(SHELVES, **change)
    sales.carry_out()
    assert InvoiceAction.objects.exists() == sent


def test_one_is_not_sent_while_pipedrive_does_not_say_that_its_deal_is_still_won(sales, created, control):
    created(Outcome.SEND)
    control.fault("status", service="pipedrive", status=503, path=r"/deals/\d+$", times=9)
    sales.carry_out()
    assert not InvoiceAction.objects.exists()
    control.clear_faults()
    sales.carry_out()
    assert InvoiceAction.objects.count() == 1


@pytest.mark.parametrize("column", ["voided_on", "deleted_on"])
def test_one_that_somebody_took_back_is_not_sent_and_nobody_is_told(sales, created, column):
    created(Outcome.SEND)
    Invoice.objects.update(**{column: TODAY})
    sales.carry_out()
    assert not InvoiceAction.objects.exists()
    row = sales.row(SHELVES)
    assert (row.why, row.next_attempt_at) == ("", None)


@pytest.mark.parametrize("column", ["voided_on", "deleted_on"])
def test_one_that_somebody_took_back_is_never_made_again(sales, created, column):
    invoice = created(Outcome.CREATE)
    Invoice.objects.update(**{column: TODAY})
    sales.change(SHELVES, status="open", won_time=None)
    sales.look()
    sales.win(SHELVES)
    assert sales.invoice_by_rule() == [invoice]


@pytest.mark.parametrize("column", ["voided_on", "deleted_on"])
def test_a_deal_whose_invoice_a_person_has_taken_back_waits_for_a_person(sales, harbour, column):
    sales.set_rule(Outcome.CREATE)
    made = make_invoice(harbour.company, deal_id=sales.win(SHELVES), realm_id=harbour.realm, **{column: TODAY})
    assert sales.invoice_by_rule() == [made]
    assert sales.row(SHELVES).why == Why.TAKEN_BACK


def test_so_does_one_that_was_invoiced_and_taken_back_since_it_was_found(sales, harbour):
    sales.set_rule(Outcome.CREATE)
    deal_id = sales.win(SHELVES)
    sales.look()
    made = make_invoice(harbour.company, deal_id=deal_id, realm_id=harbour.realm, voided_on=TODAY)
    assert sales.carry_out() == [made]
    assert sales.row(SHELVES).why == Why.TAKEN_BACK


def test_one_that_was_refused_to_a_person_is_made_by_the_rule(sales, harbour):
    sales.set_rule(Outcome.CREATE)
    deal_id = sales.win(SHELVES)
    make_invoice(harbour.company, deal_id=deal_id, realm_id=harbour.realm, submission=Submission.REJECTED)
    assert len(sales.invoice_by_rule()) == 2


# The deal


def test_deals_of_one_new_customer_make_one_customer(sales, harbour, control, deal_id):
    sales.set_rule(Outcome.CREATE)
    garage = control.company(sales.company_id)["deals"][str(deal_id(harbour, GARAGE))]
    party = {name: garage[name] for name in ("org_id", "person_id")}
    sales.change(SHELVES, **party)
    sales.win(SHELVES, GARAGE)
    made = sales.invoice_by_rule()
    assert [invoice.draft["bill_to"]["customer_id"] for invoice in made] == ["", ""]
    for invoice in made:
        settle(invoice)
    assert {invoice.submission for invoice in made} == {Submission.SUCCEEDED}
    assert len({invoice.customer_id for invoice in made}) == 1


@pytest.mark.parametrize("into", ["the other", "the one"])
def test_deals_that_are_merged_after_one_was_invoiced_get_no_second_invoice(sales, harbour, control, deal_id, into):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    settle(invoice)
    notes.publish_note(invoice.pk)
    one, other = deal_id(harbour, SHELVES), deal_id(harbour, GARAGE)
    gone, kept = (one, other) if into == "the other" else (other, one)
    control.merge(sales.company_id, "deals", gone=gone, into=kept)
    sales.win(GARAGE if into == "the other" else SHELVES)
    assert sales.invoice_by_rule() == [invoice]


def test_a_deal_that_is_merged_away_before_it_is_invoiced_is_forgotten(sales, harbour, control, deal_id):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    control.merge(sales.company_id, "deals", gone=deal_id(harbour, SHELVES), into=deal_id(harbour, GARAGE))
    assert sales.carry_out() == []
    assert not ReadyDeal.objects.exists()


@pytest.mark.parametrize(
    ("change", "why"), [({"value": 999999}, ""), ({"currency": "EUR"}, Why.CHECKS), ({"org_id": None}, Why.CUSTOMER)]
)
def test_a_deal_that_changes_in_the_moment_it_is_invoiced_is_looked_at_once_more(sales, monkeypatch, change, why):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    prepare, done = automatic.prepare, []

    def changed(*args, **kwargs):
        made = prepare(*args, **kwargs)
        if not done:
            done.append(sales.change(SHELVES, **change))
        return made

    monkeypatch.setattr(automatic, "prepare", changed)
    assert sales.carry_out() == []
    assert sales.row(SHELVES).next_attempt_at > timezone.now()
    made = sales.carry_out()
    row = sales.row(SHELVES)
    assert (row.why, bool(row.invoice), len(made)) == (why, not why, 0 if why else 1)


@pytest.fixture
def meanwhile(sales, monkeypatch):
    """meanwhile(do): once everything has been read for the invoice, and before it is asked for."""

    def run(do, last_read="prepare"):
        read, done = getattr(automatic, last_read), []

        def interrupted(*args, **kwargs):
            made = read(*args, **kwargs)
            if not done:
                done.append(True)
                do()
            return made

        monkeypatch.setattr(automatic, last_read, interrupted)

    return run


@pytest.mark.parametrize("change", [{"status": "lost"}, {"is_deleted": True}, {"status": "open"}, {"pipeline_id": 2}])
def test_a_deal_that_leaves_its_place_in_the_moment_it_is_invoiced_gets_no_invoice(sales, meanwhile, change):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    meanwhile(lambda: sales.change(SHELVES, **change))
    assert sales.carry_out() == []
    assert sales.carry_out() == []
    assert not ReadyDeal.objects.exists()


def test_while_pipedrive_does_not_say_whether_the_deal_is_still_won_nothing_is_made(sales, meanwhile, control):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    meanwhile(lambda: control.fault("status", service="pipedrive", status=503, path=r"/deals/\d+$", times=9))
    assert sales.carry_out() == []
    control.clear_faults()
    assert len(sales.carry_out()) == 1


@pytest.mark.parametrize(
    ("then", "made"), [(None, 0), (Outcome.PREPARE, 0), (Outcome.CREATE, 1)], ids=["off", "listed", "not e-mailed"]
)
def test_a_rule_that_is_changed_in_the_moment_a_deal_is_invoiced_counts_as_it_is_now(
    sales, harbour, meanwhile, then, made
):
    sales.set_rule(Outcome.SEND)
    sales.win(SHELVES)
    sales.look()
    chosen = {SALES: Choice(WON, then)} if then else {}
    meanwhile(lambda: deal_rules.store(harbour.company, chosen, harbour.user))
    assert sales.carry_out() == []
    assert len(sales.carry_out()) == made
    assert not ReadyDeal.objects.filter(outcome=Outcome.SEND, invoice__isnull=False).exists()


def test_a_right_that_is_taken_away_in_the_moment_a_deal_is_invoiced_is_gone(sales, harbour, meanwhile, control):
    sales.set_rule(Outcome.CREATE)
    PipedriveUser.objects.update(is_admin=False)
    control.change_company(sales.company_id, {"users": {str(harbour.user.user_id): {"admin": False}}})
    sales.win(SHELVES)
    sales.look()
    meanwhile(lambda: CompanySettings.objects.update(everyone_creates=False))
    assert sales.carry_out() == []
    assert sales.carry_out() == []
    assert sales.row(SHELVES).why == Why.NO_RIGHT


def test_a_form_that_somebody_begins_in_the_moment_a_deal_is_invoiced_is_not_passed_over(
    sales, harbour, meanwhile, open_form, colleague
):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    browser, fields, _page = open_form(harbour, SHELVES, colleague(harbour))
    meanwhile(lambda: browser.post("/embed/invoice/leave", fields | {"memo": "PO 4711"}), "load_instalments")
    assert sales.carry_out() == []
    assert sales.carry_out() == []
    assert sales.row(SHELVES).why == Why.BEGUN


@pytest.mark.parametrize("name", ["Zora Quill-Hunt", "ZORA QUILL"])
def test_of_two_new_customers_that_are_alike_the_second_waits_for_a_person(sales, harbour, control, deal_id, name):
    """No search finds the first while it is being made; afterwards it does."""
    sales.set_rule(Outcome.CREATE)
    garage = control.company(sales.company_id)["deals"][str(deal_id(harbour, GARAGE))]
    one = garage["person_id"]
    other = next(int(each) for each in control.company(sales.company_id)["persons"] if int(each) != one)
    called = {
        str(person): {"name": named, "first_name": "Zora", "emails": [{"value": mail, "primary": True}]}
        for person, named, mail in ((one, "Zora Quill", "zora@one.example"), (other, name, "zora@other.example"))
    }
    control.change_company(sales.company_id, {"persons": called})
    sales.change(SHELVES, org_id=None, person_id=other)
    sales.win(GARAGE, SHELVES)
    (first,) = sales.invoice_by_rule()
    assert sales.carry_out() == [first]
    settle(first)
    assert sales.carry_out() == [first]
    assert [row.why for row in ReadyDeal.objects.filter(invoice__isnull=True)] == [Why.CUSTOMER]


def test_of_an_invoice_like_it_in_another_deal_nothing_is_told_to_those_who_may_not_see_that_deal(sales, created):
    """The form tells its number to its maker, in whose name the rule looks; the reason is told to others, too."""
    created(Outcome.CREATE)
    ReadyDeal.objects.all().delete()
    Invoice.objects.update(deal_id=99, number="1042", intent_key=uuid.uuid4())
    DealRules.objects.update(read_until=timezone.now() + EARLIER)
    sales.invoice_by_rule()
    row = sales.row(SHELVES)
    assert row.why == Why.LOOK
    assert [(each["code"], each["values"]) for each in row.findings] == [("same_again", {})]


def test_what_somebody_has_typed_in_a_form_is_not_passed_over(sales, harbour, open_form, colleague):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    browser, fields, _page = open_form(harbour, SHELVES, colleague(harbour))
    browser.post("/embed/invoice/leave", fields | {"memo": "PO 4711"})
    assert sales.invoice_by_rule() == []
    assert sales.row(SHELVES).why == Why.BEGUN
    UnsentForm.objects.update(left_at=timezone.now() - KEPT_FOR)
    ready_deals.try_again(visitor_of(harbour.user, "settings"))
    assert len(sales.carry_out()) == 1


def test_a_deal_that_is_seen_only_days_after_it_was_won_waits_for_a_person(sales, harbour, control):
    """Nobody was signed in to look, or it was archived until now: nobody expects its invoice by itself any more."""
    sales.set_rule(Outcome.SEND, since=timedelta(days=-9))
    long_ago = (timezone.now() - timedelta(days=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sales.change(SHELVES, status="won", won_time=long_ago)
    assert sales.invoice_by_rule() == []
    assert sales.row(SHELVES).why == Why.GAVE_UP
    ready_deals.try_again(visitor_of(harbour.user, "settings"))
    assert len(sales.carry_out()) == 1


# What is not found


def test_what_quickbooks_has_no_more_is_no_reason_to_forget_the_deal(sales, monkeypatch):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()

    def gone(*_):
        raise NotFound("quickbooks", "no such list")

    with monkeypatch.context() as patch:
        patch.setattr(automatic, "prepare", gone)
        assert sales.carry_out() == []
    assert len(sales.carry_out()) == 1


def test_deals_of_books_that_number_by_hand_get_numbers_of_their_own(connect, control):
    """The next number is one more than the last that QuickBooks has; of two deals at once the second waits for that."""
    tenant = connect("AU")
    company_id = tenant.pair.pipedrive_company_id
    won = {"status": "won", "won_time": control.now()}
    control.change_company(company_id, {"deals": {str(deal_id): won for deal_id in (1, 2)}})
    deal_rules.store(tenant.company, {1: Choice(WON, Outcome.CREATE)}, tenant.user)
    stored = DealRules.objects.get()
    stored.rules = {key: rule | {"since": "2020-01-01T00:00:00+00:00"} for key, rule in stored.rules.items()}
    stored.save()
    now = timezone.now()
    for deal_id in (1, 2):
        of_deal = {"title": "Reef", "value": 1, "currency": "AUD", "when": WON, "outcome": Outcome.CREATE}
        ReadyDeal.objects.create(company=tenant.company, deal_id=deal_id, next_attempt_at=now, **of_deal)
    first, second = ReadyDeal.objects.order_by("pk")
    automatic.carry_out(first.pk)
    automatic.carry_out(second.pk)
    (invoice,) = Invoice.objects.all()
    settle(invoice)
    ReadyDeal.objects.filter(pk=second.pk).update(next_attempt_at=timezone.now())
    automatic.carry_out(second.pk)
    other = Invoice.objects.exclude(pk=invoice.pk).get()
    settle(other)
    assert {invoice.submission, other.submission} == {Submission.SUCCEEDED}
    assert invoice.number != other.number


def test_the_email_of_a_rule_waits_while_somebody_attaches_a_file(sales, created, harbour):
    invoice = created(Outcome.SEND)
    wish = FileWish(1, "Quote.pdf", 1, on_send=True)
    attaching = actions.ask(invoice, Action.ATTACH, user=harbour.user, intent_key=uuid.uuid4(), files=[wish])
    sales.carry_out()
    assert InvoiceAction.objects.get().kind == Action.ATTACH
    InvoiceAction.objects.filter(pk=attaching.pk).update(submission=Submission.SUCCEEDED, settled_at=timezone.now())
    sales.carry_out()
    assert InvoiceAction.objects.latest("pk").kind == Action.SEND
