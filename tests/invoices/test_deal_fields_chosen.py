"""A field that was just chosen tells of the invoices that are there already, of the latest ones without waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db import connection as database
from django.utils import timezone

from integration_settings import services
from integration_settings.models import CompanySettings
from integration_settings.pipedrive_fields import pipedrive_fields
from integration_settings.stages import stages
from invoices import due, following, notes
from invoices.models import Invoice
from tests.factories import D, an_issued, make_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.invoices.conftest import RACKING
from tests.invoices.meanwhile import beside, meanwhile, start
from tests.invoices.noting import START, clock

__all__ = ["beside", "clock", "meanwhile", "start"]

pytestmark = pytest.mark.django_db

STATUS, NUMBERS = f"deal.{'a' * 40}", f"deal.{'b' * 40}"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def save(company, user):
    def save(**values):
        chosen = {"deal_status_field": "", "deal_number_field": "", "deal_open_field": ""} | values
        services.save_settings(company, by=user, values={"writes_notes": False} | chosen)

    return save


def told(company, **columns):
    """An invoice, and a note that says all of it."""
    return make_invoice(company, **{"note_id": 501, "note_due_at": None} | columns)


def waits():
    """For each invoice, the latest first, the minutes until its deal is told; None for those that are not due."""
    times = Invoice.objects.order_by("-pk").values_list("note_due_at", flat=True)
    return [None if time is None else (time - START) / MINUTE for time in times]


def test_the_deals_invoiced_last_are_told_at_once_and_the_others_ten_a_minute(company, save):
    for _ in range(25):
        told(company)
    save(deal_status_field=STATUS)
    assert waits() == [*[0] * 10, *[1] * 10, *[2] * 5]
    assert len(due.notes(timezone.now())) == 10


def test_no_more_than_five_hundred_deals(company, save):
    for _ in range(502):
        told(company)
    save(deal_number_field=NUMBERS)
    assert waits()[499:] == [49, None, None]


def test_a_deal_is_told_once_however_many_invoices_it_has(company, save):
    for _ in range(3):
        told(company, deal_id=12)
    save(deal_open_field=STATUS)
    assert waits() == [0, None, None]


def test_what_was_chosen_before_is_not_told_again(company, save):
    told(company)
    save(deal_status_field=STATUS)
    Invoice.objects.update(note_due_at=None)
    save(deal_status_field=STATUS, due_days=7)
    save()
    assert waits() == [None]
    save(deal_status_field=STATUS)
    assert waits() == [0]


def test_a_field_in_place_of_another_is_told(company, save):
    told(company)
    save(deal_status_field=STATUS)
    Invoice.objects.update(note_due_at=None)
    save(deal_status_field=NUMBERS)
    assert waits() == [0]


def test_no_note_is_written_for_it_nor_one_tried_again_that_was_given_up(company, save):
    told(company, deal_id=12)
    told(company, deal_id=12, note_attempts=notes.TRIED, note_problem=notes.NOTE_GONE)
    told(company, deal_id=13, note_attempts=notes.TRIED)  # somebody has put away what was said of it
    told(company, deal_id=14, note_id=None)  # notes were off
    save(deal_status_field=STATUS, writes_notes=True)
    assert waits() == [None, None, None, 0]


def test_without_notes_all_that_were_made_are_told(company, save):
    told(company, note_id=None)
    save(deal_status_field=STATUS)
    assert waits() == [0]


def test_neither_other_books_nor_another_company_nor_what_is_no_invoice_yet(company, other_company, save):
    told(company, realm_id="999")
    told(other_company)
    told(company, qbo_invoice_id="")
    save(deal_status_field=STATUS)
    assert waits() == [None, None, None]


def test_what_is_due_sooner_stays_so_and_what_is_due_later_comes_sooner(company, save):
    told(company, note_due_at=START + 5 * MINUTE)
    for _ in range(10):
        told(company, note_due_at=START - MINUTE)
    save(deal_status_field=STATUS)
    assert waits() == [*[-1] * 10, 1]


def test_whoever_wrote_when_the_field_was_chosen_is_followed_by_another(company, save):
    """He may have read the settings before."""
    for _ in range(30):
        told(company, note_due_at=START + MINUTE, note_lease_until=START + MINUTE)
    save(deal_status_field=STATUS)
    assert waits() == [0] * 30
    assert not due.notes(timezone.now())


def test_whoever_ends_in_between_has_chosen_nothing(company, save):
    told(company)

    def is_lost(execute, sql, params, many, context):
        if sql.startswith('UPDATE "invoices_invoice"'):
            raise OperationalError("connection lost")
        return execute(sql, params, many, context)

    with database.execute_wrapper(is_lost), pytest.raises(OperationalError):
        save(deal_status_field=STATUS)
    assert not CompanySettings.objects.filter(company=company).exclude(deal_status_field="").exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_whoever_takes_over_news_of_these_invoices_waits_for_the_choice_and_never_in_a_circle(
    company, quickbooks, save, meanwhile
):
    """The choice begins with the latest invoice, and news with the first one."""
    gateway = FakeInvoiceGateway()
    rows = [told(company) for _ in range(15)]
    for row in (rows[0], rows[-1]):
        gateway.invoices[row.qbo_invoice_id] = an_issued(row, balance=D(0), updated_at=timezone.now())
    quickbooks.row().update(changes_cursor=timezone.now() - MINUTE)
    quickbooks.refresh_from_db()
    taken_over = meanwhile(
        'UPDATE "invoices_invoice"',
        lambda: following.catch_up(quickbooks, lambda connection: gateway),
        lambda: save(deal_status_field=STATUS),
    )
    assert taken_over == 2
    assert waits() == [0] * 10 + [1] * 4 + [0]


# Over the stand-in of Pipedrive


@pytest.fixture
def deal(harbour, control, deal_id):
    """deal.choose() has its status told; deal.status() and deal.stage() are what it shows then."""
    number, company_id = deal_id(harbour, RACKING), harbour.pair.pipedrive_company_id
    codes = {field.name: field.code for field in pipedrive_fields(harbour.user) if field.tells_of_invoices}
    status = codes["Invoice status"]

    class TheDeal:
        id = number

        @staticmethod
        def shown():
            return control.company(company_id)["deals"][str(number)]

        def status(self):
            return self.shown()["custom_fields"].get(status.removeprefix("deal."))

        def choose(self, **values):
            chosen = {"deal_status_field": status, "writes_notes": False, "deal_fields_language": "en"} | values
            services.save_settings(harbour.company, by=harbour.user, values=chosen)

        @staticmethod
        def publish_due():
            for invoice_id in due.notes(timezone.now()):
                notes.publish_note(invoice_id)

    return TheDeal()


@pytest.fixture
def paid(harbour, deal, clock):
    """An invoice over the deal's whole value, paid before anybody chose a field."""
    party = {"realm_id": harbour.realm, "created_by_id": harbour.user.user_id, "deal_id": deal.id}
    worth = D(str(deal.shown()["value"]))
    invoice = make_invoice(harbour.company, total=worth, tax=D(0), balance=D(0), **party)
    clock.shift(MINUTE)
    return invoice


def test_a_deal_has_the_field_as_soon_as_somebody_comes_by(deal, paid):
    deal.choose()
    deal.publish_due()
    assert deal.status() == "Paid"


@pytest.fixture
def last_stage(harbour, deal):
    pipeline = deal.shown()["pipeline_id"]
    ids = [each.id for each in stages(harbour.user) if each.pipeline_id == pipeline]
    return {"paid_stages": {str(pipeline): ids[-1]}}, ids[-1]


def test_what_was_paid_before_moves_no_deal(deal, paid, last_stage):
    chosen, stage = last_stage
    deal.choose(**chosen)
    deal.publish_due()
    assert deal.status() == "Paid"
    assert deal.shown()["stage_id"] != stage


def test_what_is_paid_later_moves_it(deal, paid, last_stage, clock):
    chosen, stage = last_stage
    Invoice.objects.update(balance=D("1.00"))
    deal.choose(**chosen)
    deal.publish_due()
    assert deal.status() == "Partially paid"
    clock.shift(MINUTE)
    Invoice.objects.update(balance=D(0), qbo_updated_at=timezone.now(), note_due_at=timezone.now())
    deal.publish_due()
    assert (deal.status(), deal.shown()["stage_id"]) == ("Paid", stage)
