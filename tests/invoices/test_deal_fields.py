"""Fields of a deal that tell of its invoices, over the stand-in of Pipedrive."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from integration_settings.errors import AccessDenied
from integration_settings.kept_lists import put_into_kept
from integration_settings.models import CompanySettings
from integration_settings.pipedrive import PipedriveClient
from integration_settings.pipedrive_fields import pipedrive_fields
from integration_settings.stages import stages
from invoices import notes
from invoices.models import Invoice
from tests.factories import D, make_invoice
from tests.invoices.conftest import RACKING

pytestmark = pytest.mark.django_db


@pytest.fixture
def deal(harbour, control, deal_id):
    """The deal, with fields chosen for what is told of its invoices."""

    class TheDeal:
        id = deal_id(harbour, RACKING)
        company_id = harbour.pair.pipedrive_company_id

        def __init__(self):
            found = pipedrive_fields(harbour.user)
            self.codes = {field.name: field.code for field in found if field.tells_of_invoices}

        def shown(self):
            values = control.company(self.company_id)["deals"][str(self.id)]["custom_fields"]
            names = ("Invoice status", "Invoice numbers", "Deposit")
            return tuple(values.get(self.codes[name].removeprefix("deal.")) for name in names)

        def put(self, **values):
            control.change_company(self.company_id, {"deals": {str(self.id): {"custom_fields": values}}})

        def code(self, name):
            return self.codes[name].removeprefix("deal.")

        def written(self):
            return len(control.requests("pipedrive", method="PATCH"))

    the_deal = TheDeal()
    choose(
        harbour.company,
        deal_status_field=the_deal.codes["Invoice status"],
        deal_number_field=the_deal.codes["Invoice numbers"],
        deal_open_field=the_deal.codes["Deposit"],
    )
    control.forget_requests()
    return the_deal


def choose(company, **fields):
    CompanySettings.objects.update_or_create(company=company, defaults={"writes_notes": False} | fields)


@pytest.fixture
def invoiced(harbour, deal):
    def make(number="1051", **columns):
        values = {"total": D("7200.00"), "balance": D("7200.00"), "due_date": date(2099, 12, 31)} | columns
        party = {"realm_id": harbour.realm, "created_by_id": harbour.user.user_id}
        return make_invoice(harbour.company, deal_id=deal.id, number=number, note_due_at=None, **party, **values)

    return make


def publish(invoice, make_client=PipedriveClient):
    Invoice.objects.filter(pk=invoice.pk).update(note_due_at=timezone.now(), note_lease_until=None)
    notes.publish_note(invoice.pk, make_client)
    invoice.refresh_from_db()
    return invoice


def pounds(amount):
    return {"value": amount, "currency": "GBP"}


def test_they_follow_the_invoice_with_a_note_or_without(deal, invoiced, harbour):
    invoice = publish(invoiced())
    assert deal.shown() == ("Open", "1051", pounds(7200))
    assert invoice.note_id is None
    choose(harbour.company, writes_notes=True)
    Invoice.objects.filter(pk=invoice.pk).update(balance=D("0.00"))
    assert publish(invoice).note_id
    assert deal.shown() == ("Paid", "1051", pounds(0))


def test_fields_that_nobody_has_chosen_are_left_alone(deal, invoiced, harbour, control):
    choose(harbour.company, deal_status_field="", deal_number_field="", deal_open_field="")
    before = deal.shown()
    publish(invoiced())
    assert (deal.shown(), control.requests("pipedrive")) == (before, [])


def test_what_they_say_already_is_not_written_again(deal, invoiced):
    invoice = publish(invoiced())
    publish(invoice)
    assert deal.written() == 1
    deal.put(**{deal.code("Invoice status"): "Somebody's own text"})
    publish(invoice)
    assert (deal.written(), deal.shown()[0]) == (2, "Open")


def test_all_invoices_of_the_deal_are_told_of_together(deal, invoiced):
    invoiced("1051", balance=D("0.00"))
    invoiced("1052", total=D("300.25"), balance=D("300.25"))
    invoiced("1053", voided_on=date(2026, 11, 3), total=D(0), balance=D(0))
    publish(invoiced("1054", total=D("10.00"), balance=D("10.00")))
    assert deal.shown() == ("Partially paid", "1051, 1052, 1054", pounds(310.25))


def test_a_deal_whose_only_invoice_is_voided_tells_that_and_no_number(deal, invoiced):
    invoice = publish(invoiced())
    Invoice.objects.filter(pk=invoice.pk).update(voided_on=date(2026, 11, 3), total=0, balance=0)
    publish(invoice)
    assert deal.shown() == ("Voided", None, None)


def test_what_quickbooks_has_yet_to_tell_is_not_guessed(deal, invoiced):
    publish(invoiced("1051"))
    publish(invoiced("1052", total=None, balance=None))
    assert deal.shown() == (None, "1051, 1052", pounds(7200))


def test_sums_in_several_currencies_are_not_added_up(deal, invoiced):
    invoiced("1051")
    publish(invoiced("1052", currency="EUR"))
    assert deal.shown()[2] is None


def test_many_numbers_end_before_the_field_is_full(deal, invoiced):
    for number in range(60):
        invoice = invoiced(f"2026-{number:04}")
    publish(invoice)
    numbers = deal.shown()[1]
    assert len(numbers) <= 255
    assert numbers.startswith("2026-0000, 2026-0001, ")
    assert numbers.endswith("…")


def test_the_status_is_told_in_the_language_of_whoever_chose_the_field(deal, invoiced, harbour):
    choose(harbour.company, deal_fields_language="de")
    publish(invoiced())
    assert deal.shown()[0] == "Offen"


def test_another_companys_invoice_in_a_deal_of_that_number_is_not_told_of(deal, invoiced, other_company):
    make_invoice(other_company, deal_id=deal.id, number="9999", total=D("1.00"), balance=D("1.00"))
    publish(invoiced())
    assert deal.shown() == ("Open", "1051", pounds(7200))


def test_a_field_that_is_gone_keeps_the_others_no_longer_out(deal, invoiced, harbour):
    gone = {"code": "f" * 40, "name": "Gone since", "type": "varchar", "custom": True}
    put_into_kept(harbour.company.pk, "pipedrive_deal_fields", [gone], in_place_of=())
    choose(harbour.company, deal_number_field=f"deal.{'f' * 40}")
    publish(invoiced())
    assert deal.shown() == ("Open", None, pounds(7200))


def test_a_number_takes_the_amount_without_its_currency(deal, invoiced, harbour):
    asked = []

    class Client(PipedriveClient):
        def update_deal(self, deal_id, *, custom_fields, stage_id=None):
            asked.append(custom_fields)
            return {"id": deal_id}

    number = {"code": "d" * 40, "name": "Open", "type": "double", "custom": True}
    put_into_kept(harbour.company.pk, "pipedrive_deal_fields", [number], in_place_of=())
    choose(harbour.company, deal_status_field="", deal_number_field="", deal_open_field=f"deal.{'d' * 40}")
    publish(invoiced(balance=D("12.50")), Client)
    assert asked == [{"d" * 40: 12.5}]


def test_while_pipedrive_does_not_answer_they_wait_with_the_note(deal, invoiced, control):
    control.fault("status", service="pipedrive", status=503, path=f"/deals/{deal.id}$")
    invoice = publish(invoiced())
    assert invoice.note_due_at > timezone.now()
    control.clear_faults()
    publish(invoice)
    assert deal.shown() == ("Open", "1051", pounds(7200))


def test_a_colleague_writes_what_the_maker_may_not(deal, invoiced, harbour, colleague):
    other, wrote = colleague(harbour), []

    class Client(PipedriveClient):
        def update_deal(self, deal_id, *, custom_fields, stage_id=None):
            if self.user == harbour.user:
                raise AccessDenied("pipedrive", "403")
            wrote.append(self.user)
            return super().update_deal(deal_id, custom_fields=custom_fields)

    publish(invoiced(), Client)
    assert (wrote, deal.shown()) == ([other], ("Open", "1051", pounds(7200)))


def test_what_changes_while_it_is_written_is_written_too(deal, invoiced):
    invoice, other = invoiced("1051"), invoiced("1052")

    class Client(PipedriveClient):
        def update_deal(self, deal_id, *, custom_fields, stage_id=None):
            Invoice.objects.filter(pk=other.pk).update(balance=D("0.00"))
            return super().update_deal(deal_id, custom_fields=custom_fields)

    publish(invoice, Client)
    assert deal.shown() == ("Partially paid", "1051, 1052", pounds(7200))


# The stage of a deal that is paid


@pytest.fixture
def sales(deal, harbour, control):
    """The stages of the deal's pipeline, by name; a paid deal is to go to the last one."""
    shown = control.company(deal.company_id)
    pipeline = shown["deals"][str(deal.id)]["pipeline_id"]
    names = {each.name: each.id for each in stages(harbour.user) if each.pipeline_id == pipeline}
    choose(harbour.company, paid_stages={str(pipeline): names["Delivered"]})
    return names


@pytest.fixture
def stage(deal, control, sales):
    ids = {number: name for name, number in sales.items()}
    return lambda: ids[control.company(deal.company_id)["deals"][str(deal.id)]["stage_id"]]


def put(control, deal, **members):
    control.change_company(deal.company_id, {"deals": {str(deal.id): members}})


@pytest.fixture
def paid(deal, invoiced, control):
    """An invoice over the deal's whole value, paid."""
    worth = D(str(control.company(deal.company_id)["deals"][str(deal.id)]["value"]))
    return invoiced(total=worth, tax=D(0), balance=D("0.00"))


def test_a_deal_that_is_invoiced_and_paid_goes_to_its_stage_once(deal, sales, stage, paid, control):
    assert stage() != "Delivered"
    publish(paid)
    assert (stage(), deal.shown()[0]) == ("Delivered", "Paid")
    put(control, deal, stage_id=sales["Qualified"])  # somebody moves it elsewhere
    publish(paid)
    assert stage() == "Qualified"


@pytest.mark.parametrize(
    ("balance", "what"),
    [("10.00", {}), ("0.00", {"value": 999_999}), ("0.00", {"status": "lost"}), ("0.00", {"currency": "EUR"})],
    ids=["part of it is open", "a part is not invoiced", "lost", "in another currency"],
)  # fmt: skip
def test_a_deal_stays_where_it_is_while_anything_is_left_to_do(deal, stage, paid, control, balance, what):
    put(control, deal, **what)
    before = stage()
    Invoice.objects.filter(pk=paid.pk).update(balance=D(balance))
    publish(paid)
    assert stage() == before
    assert deal.shown()[0] in ("Paid", "Partially paid")


def test_a_deal_of_another_pipeline_stays_where_it_is(deal, harbour, stage, paid):
    before = stage()
    choose(harbour.company, paid_stages={"999": 1})
    publish(paid)
    assert (stage(), deal.shown()[0]) == (before, "Paid")


def test_a_stage_that_is_gone_keeps_the_fields_no_longer_out(deal, harbour, stage, paid, sales, control):
    before = stage()
    pipeline = control.company(deal.company_id)["deals"][str(deal.id)]["pipeline_id"]
    choose(harbour.company, paid_stages={str(pipeline): 987654})
    publish(paid)
    assert (stage(), deal.shown()[0]) == (before, "Paid")


def test_a_field_that_is_gone_keeps_no_paid_deal_from_its_stage(deal, harbour, stage, paid):
    gone = {"code": "f" * 40, "name": "Gone since", "type": "varchar", "custom": True}
    put_into_kept(harbour.company.pk, "pipedrive_deal_fields", [gone], in_place_of=())
    choose(harbour.company, deal_number_field=f"deal.{'f' * 40}")
    publish(paid)
    assert (stage(), deal.shown()[0]) == ("Delivered", "Paid")
