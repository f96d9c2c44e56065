"""Following: what QuickBooks reports is taken over, nothing is passed by, nobody else's row is touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.utils import timezone

from integration_settings import connections
from integration_settings.errors import ConnectionExpired
from integration_settings.models import QuickBooksConnection, ReferenceList
from integration_settings.oauth import Grant
from integration_settings.reference import Item
from invoices import following, submission
from invoices.domain.draft import to_json
from invoices.domain.status import InvoiceStatus, Submission
from invoices.invoice_answers import AppliedPayment
from invoices.invoice_bodies import mark_line
from invoices.invoice_gateway import ReportedChanges
from invoices.models import Invoice
from invoices.reports import status_of
from tests.factories import D, a_bill_to, a_draft, make_invoice, make_pending_invoice
from tests.invoices.submitting import START, clock, gateway

__all__ = ["clock", "gateway"]

TODAY = START.date()


@pytest.fixture
def issued(company, gateway, clock):
    """An invoice of ours over 100.00 (as the fake counts no tax), ten minutes old."""
    row = make_pending_invoice(company, to_json(a_draft(bill_to=a_bill_to(customer_id="7"))), currency="GBP")
    submission.submit(row.pk, lambda connection: gateway)
    clock.shift(timedelta(minutes=10))
    row.refresh_from_db()
    Invoice.objects.filter(pk=row.pk).update(note_due_at=None)
    gateway.calls.clear()
    return row


def catch_up(company, gateway):
    connection = QuickBooksConnection.objects.get(company=company)
    return following.catch_up(connection, lambda connection: gateway)


def due():
    return list(following.due_connections(timezone.now()).values_list("pk", flat=True))


def status(row, today=TODAY):
    row.refresh_from_db()
    return status_of(row, today)


def test_a_payment_is_seen_with_one_call(company, gateway, issued):
    gateway.pay(issued.qbo_invoice_id, "40.00")
    assert catch_up(company, gateway) == 1
    assert gateway.calls == ["changed_since"]
    assert status(issued) == InvoiceStatus.PARTIALLY_PAID
    assert issued.balance == D(60)
    assert issued.note_due_at == timezone.now()


def test_paid_takes_the_date_of_the_payment(company, gateway, issued):
    gateway.pay(issued.qbo_invoice_id, "100.00", date(2026, 11, 20))
    catch_up(company, gateway)
    assert (status(issued), issued.paid_on) == (InvoiceStatus.PAID, date(2026, 11, 20))


def test_a_payment_whose_date_was_corrected_corrects_the_note(company, gateway, issued, clock):
    gateway.pay(issued.qbo_invoice_id, "100.00", date(2026, 11, 20))
    catch_up(company, gateway)
    Invoice.objects.update(note_due_at=None)
    gateway.payments = [AppliedPayment(date(2026, 11, 19), (issued.qbo_invoice_id,))]
    clock.shift(timedelta(minutes=1))
    assert catch_up(company, gateway) == 1
    issued.refresh_from_db()
    assert (issued.paid_on, issued.note_due_at) == (date(2026, 11, 19), timezone.now())


def test_of_several_payments_an_early_one_that_is_edited_does_not_move_the_day_of_the_last(company, gateway, issued):
    gateway.pay(issued.qbo_invoice_id, "40.00", date(2026, 11, 5))
    gateway.pay(issued.qbo_invoice_id, "60.00", date(2026, 11, 20))
    gateway.change(issued.qbo_invoice_id, payment_ids=("1", "2"))
    catch_up(company, gateway)
    gateway.payments = [AppliedPayment(date(2026, 11, 5), (issued.qbo_invoice_id,))]
    catch_up(company, gateway)
    assert (status(issued), issued.paid_on) == (InvoiceStatus.PAID, date(2026, 11, 20))


def test_an_unpaid_invoice_is_open_again(company, gateway, issued):
    gateway.pay(issued.qbo_invoice_id, "100.00")
    catch_up(company, gateway)
    gateway.change(issued.qbo_invoice_id, balance=D(100))
    catch_up(company, gateway)
    assert (status(issued), issued.paid_on) == (InvoiceStatus.OPEN, None)


def test_a_void_keeps_what_it_was(company, gateway, issued):
    gateway.void(issued.qbo_invoice_id)
    catch_up(company, gateway)
    assert status(issued) == InvoiceStatus.VOIDED
    assert (issued.total, issued.balance, issued.voided_on) == (D(100), D(0), TODAY)


def test_a_void_stays_a_void_when_it_is_reported_again(company, gateway, issued):
    gateway.void(issued.qbo_invoice_id)
    catch_up(company, gateway)
    gateway.change(issued.qbo_invoice_id, private_note="Annulé")
    catch_up(company, gateway)
    assert (status(issued), issued.total) == (InvoiceStatus.VOIDED, D(100))


def test_a_deleted_invoice_stays_on_record(company, gateway, issued):
    gateway.delete(issued.qbo_invoice_id)
    assert catch_up(company, gateway) == 1
    assert (status(issued), issued.deleted_on, issued.total) == (InvoiceStatus.DELETED, TODAY, D(100))
    assert catch_up(company, gateway) == 0


def test_an_edited_invoice_is_taken_over(company, gateway, issued):
    gateway.change(
        issued.qbo_invoice_id,
        total=D(150),
        balance=D(150),
        number="BF-1",
        due_date=date(2026, 11, 1),
        customer_id="9",
        customer_name="Merged Ltd",
    )
    catch_up(company, gateway)
    assert status(issued) == InvoiceStatus.OVERDUE
    assert (issued.total, issued.number, issued.customer_id, issued.customer_name) == (
        D(150),
        "BF-1",
        "9",
        "Merged Ltd",
    )


def test_an_emailed_invoice_says_since_when(company, gateway, issued):
    gateway.change(issued.qbo_invoice_id, emailed=True)
    catch_up(company, gateway)
    issued.refresh_from_db()
    assert issued.emailed_at == timezone.now()


def test_the_same_news_again_are_no_news(company, gateway, issued):
    gateway.pay(issued.qbo_invoice_id, "40.00")
    assert catch_up(company, gateway) == 1
    Invoice.objects.update(note_due_at=None)
    assert catch_up(company, gateway) == 0
    issued.refresh_from_db()
    assert issued.note_due_at is None


def test_an_older_version_never_overwrites_a_later_one(company, gateway, issued, clock):
    before = gateway.invoices[issued.qbo_invoice_id]
    gateway.pay(issued.qbo_invoice_id, "40.00")
    catch_up(company, gateway)
    gateway.invoices[issued.qbo_invoice_id] = before
    gateway.changed_since = lambda moment: ReportedChanges(timezone.now(), (before,), ())
    catch_up(company, gateway)
    assert status(issued) == InvoiceStatus.PARTIALLY_PAID


def test_of_two_versions_of_one_second_the_later_wins(company, gateway, issued):
    gateway.pay(issued.qbo_invoice_id, "40.00")
    catch_up(company, gateway)
    current = gateway.invoices[issued.qbo_invoice_id]
    stale = replace(current, sync_token=str(int(current.sync_token) - 1), balance=D(100))
    gateway.changed_since = lambda moment: ReportedChanges(timezone.now(), (stale,), ())
    catch_up(company, gateway)
    assert status(issued) == InvoiceStatus.PARTIALLY_PAID


def test_a_look_at_the_former_books_that_ends_after_a_switch_is_no_look_at_the_new_ones(company, gateway, issued):
    """Neither is anything taken for read there, nor do the former items stand among the new ones."""
    later = timezone.now() + timedelta(hours=1)
    make_invoice(company, realm_id="99")
    asked = gateway.changed_since

    def switched_meanwhile(moment):
        found = replace(asked(moment), items=(Item("5", "Hours", "", "Service", True, None, "", False),))
        connections.connect_quickbooks(company, realm_id="99", grant=Grant("a", "r", later, later), connected_by="Ann")
        ReferenceList.objects.create(company=company, kind="items", rows=[], fetched_at=timezone.now())
        return found

    gateway.changed_since = switched_meanwhile
    gateway.pay(issued.qbo_invoice_id, "100.00")
    catch_up(company, gateway)
    found = QuickBooksConnection.objects.get()
    assert (found.realm_id, found.changes_cursor, found.last_synced_at) == ("99", None, None)
    assert due() == [found.pk]
    assert ReferenceList.objects.get().rows == []


# Payments without their invoices


def test_an_invoice_named_by_a_payment_is_read_when_it_was_not_reported(company, gateway, issued):
    gateway.pay(issued.qbo_invoice_id, "100.00", date(2026, 11, 20))
    old = replace(gateway.invoices[issued.qbo_invoice_id], updated_at=issued.qbo_updated_at)
    gateway.invoices[issued.qbo_invoice_id] = old
    QuickBooksConnection.objects.update(changes_cursor=timezone.now())
    catch_up(company, gateway)
    assert gateway.calls == ["changed_since", "read_invoices"]
    assert (status(issued), issued.paid_on) == (InvoiceStatus.PAID, date(2026, 11, 20))


def test_payments_of_foreign_invoices_cost_nothing(company, gateway, issued):
    gateway.payments.append(AppliedPayment(TODAY, ("4711",)))
    catch_up(company, gateway)
    assert gateway.calls == ["changed_since"]


@pytest.mark.parametrize("others", [0, 1])
def test_a_payment_that_is_gone_makes_us_look_at_what_was_paid(company, gateway, issued, others):
    """Whatever other invoices are reported in the same moment."""
    gateway.pay(issued.qbo_invoice_id, "100.00")
    catch_up(company, gateway)
    unpaid = replace(gateway.invoices[issued.qbo_invoice_id], balance=D(100))
    gateway.invoices[issued.qbo_invoice_id] = replace(unpaid, updated_at=issued.qbo_updated_at)
    Invoice.objects.update(qbo_updated_at=issued.qbo_updated_at)
    gateway.payments = [AppliedPayment(None, (), gone=True)]
    other = replace(unpaid, qbo_invoice_id="4711", private_note="")
    reported = (other,) * others
    gateway.changed_since = lambda moment: ReportedChanges(timezone.now(), reported, tuple(gateway.payments))
    gateway.calls.clear()
    catch_up(company, gateway)
    assert gateway.calls == ["read_invoices"]
    assert status(issued) == InvoiceStatus.OPEN


# Too much, too old


def test_more_changes_than_one_answer_holds_are_all_found(company, gateway, issued):
    old = START - timedelta(days=1)
    others = [make_invoice(company, qbo_invoice_id=str(number), qbo_updated_at=old) for number in range(5000, 5003)]
    template = gateway.invoices[issued.qbo_invoice_id]
    for number in range(1200):
        gateway.invoices[f"x{number}"] = replace(template, qbo_invoice_id=f"x{number}", updated_at=timezone.now())
    for row in others[:2]:
        gateway.invoices[row.qbo_invoice_id] = replace(
            template, qbo_invoice_id=row.qbo_invoice_id, balance=D(0), updated_at=timezone.now() + timedelta(seconds=1)
        )
    gateway.void(issued.qbo_invoice_id)
    catch_up(company, gateway)
    assert gateway.calls == ["changed_since", "read_invoices"]
    assert status(issued) == InvoiceStatus.VOIDED
    assert [status(row) for row in others] == [InvoiceStatus.PAID, InvoiceStatus.PAID, InvoiceStatus.DELETED]


def test_very_many_changes_are_taken_over_in_slices_with_rests_between(company, gateway, issued, monkeypatch):
    seen, rests = [], []
    monkeypatch.setattr(following, "SLICE", 2)
    monkeypatch.setattr(following, "rest", rests.append)
    rows = [make_invoice(company, qbo_invoice_id=str(number)) for number in range(5000, 5005)]
    template = gateway.invoices.pop(issued.qbo_invoice_id)
    Invoice.objects.filter(pk=issued.pk).update(qbo_updated_at=START - timedelta(days=1))
    for row in rows:
        gateway.invoices[row.qbo_invoice_id] = replace(
            template, qbo_invoice_id=row.qbo_invoice_id, balance=D(0), updated_at=timezone.now() + timedelta(seconds=1)
        )
    QuickBooksConnection.objects.update(changes_cursor=None)
    connection = QuickBooksConnection.objects.get()

    def still():
        connection.refresh_from_db()
        assert connection.changes_cursor is None
        assert connection.sync_lease_until > timezone.now()
        seen.append(
            Invoice.objects.filter(balance=0).count() + Invoice.objects.filter(deleted_on__isnull=False).count()
        )

    following.catch_up(QuickBooksConnection.objects.get(), lambda _: gateway, still)
    assert seen == [3, 5, 6], "two of those that changed and one that is gone, and so on"
    assert len(rests) == 4, "after the reading and after each slice"
    assert [status(row) for row in (*rows, issued)] == [InvoiceStatus.PAID] * 5 + [InvoiceStatus.DELETED]


def test_other_books_that_are_connected_during_a_long_look_need_not_wait_for_its_end(company, gateway, issued):
    QuickBooksConnection.objects.update(changes_cursor=None)

    def still():
        others = {"realm_id": "999", "sync_lease_until": None, "next_sync_at": timezone.now()}
        QuickBooksConnection.objects.exclude(realm_id="999").update(**others)

    gateway.void(issued.qbo_invoice_id)
    make_invoice(company, qbo_invoice_id="5000")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(following, "SLICE", 1)
        patched.setattr(following, "IDS_AT_ONCE", 1)
        following.catch_up(QuickBooksConnection.objects.get(), lambda _: gateway, still)
    assert QuickBooksConnection.objects.get().sync_lease_until is None


@pytest.mark.parametrize("cursor", [None, 30, 90])
def test_after_a_long_absence_all_of_ours_are_read(company, gateway, issued, clock, cursor):
    clock.shift(timedelta(hours=1))
    then = START - timedelta(days=cursor) if cursor else None
    QuickBooksConnection.objects.update(changes_cursor=then)
    gateway.delete(issued.qbo_invoice_id)
    catch_up(company, gateway)
    assert gateway.calls == ["read_invoices"]
    assert status(issued) == InvoiceStatus.DELETED
    assert QuickBooksConnection.objects.get().changes_cursor <= timezone.now() - timedelta(minutes=10)


def test_an_invoice_that_a_search_does_not_find_yet_is_not_called_deleted(company, gateway, issued, clock):
    """Nothing else would ever bring it back: the next change of it may be weeks away."""
    QuickBooksConnection.objects.update(changes_cursor=None)
    gateway.blind = True
    catch_up(company, gateway)
    assert status(issued) == InvoiceStatus.OPEN
    gateway.blind = False
    gateway.delete(issued.qbo_invoice_id)
    clock.shift(timedelta(minutes=1))
    catch_up(company, gateway)
    assert status(issued) == InvoiceStatus.DELETED


def test_the_cursor_is_quickbooks_time_and_is_read_with_an_overlap(company, gateway, issued):
    theirs = timezone.now() - timedelta(minutes=7)
    asked = []

    def changed_since(moment):
        asked.append(moment)
        return ReportedChanges(theirs, (), ())

    gateway.changed_since = changed_since
    QuickBooksConnection.objects.update(changes_cursor=START)
    catch_up(company, gateway)
    assert QuickBooksConnection.objects.get().changes_cursor == theirs
    catch_up(company, gateway)
    assert asked == [START - following.OVERLAP, theirs - following.OVERLAP]
    assert timedelta(minutes=5) <= following.OVERLAP  # by so much QuickBooks' index and clocks may differ


def test_a_crash_while_applying_leaves_the_cursor_where_it_was(company, gateway, issued, monkeypatch):
    before = QuickBooksConnection.objects.get().changes_cursor
    gateway.pay(issued.qbo_invoice_id, "40.00")

    def crash(*_args, **_kwargs):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(following.pacing, "pace", crash)
        with pytest.raises(RuntimeError):
            catch_up(company, gateway)
    assert QuickBooksConnection.objects.get().changes_cursor == before
    assert status(issued) == InvoiceStatus.OPEN
    QuickBooksConnection.objects.update(sync_lease_until=None)
    catch_up(company, gateway)
    assert status(issued) == InvoiceStatus.PARTIALLY_PAID


def test_a_notice_that_comes_while_somebody_looks_is_looked_at_once_more(company, gateway, issued, clock):
    asked = gateway.changed_since

    def told_meanwhile(moment):
        answer = asked(moment)
        clock.shift(timedelta(seconds=1))
        QuickBooksConnection.objects.update(last_notice_at=timezone.now())
        return answer

    gateway.changed_since = told_meanwhile
    catch_up(company, gateway)
    clock.shift(timedelta(seconds=1))
    assert due() == [company.quickbooks.pk]
    gateway.changed_since = asked
    catch_up(company, gateway)
    assert due() == []


# Ours and only ours


def test_rows_of_another_company_and_of_other_books_are_not_touched(company, other_company, gateway, issued):
    same_id = {"qbo_invoice_id": issued.qbo_invoice_id}
    strangers = make_invoice(other_company, **same_id)
    same_books = make_invoice(other_company, realm_id=company.quickbooks.realm_id, **same_id)
    elsewhere = make_invoice(company, realm_id="other books", **same_id)
    gateway.void(issued.qbo_invoice_id)
    catch_up(company, gateway)
    assert {status(row) for row in (strangers, same_books, elsewhere)} == {InvoiceStatus.OPEN}


def test_an_invoice_with_our_mark_settles_the_waiting_intent(company, gateway, issued, clock):
    draft = a_draft(bill_to=a_bill_to(customer_id="7"))
    waiting = make_pending_invoice(company, to_json(draft), currency="GBP", deal_id=12, sent_at=timezone.now())
    Invoice.objects.filter(pk=waiting.pk).update(
        submission=Submission.UNKNOWN, lease_until=timezone.now() + timedelta(seconds=60), lease_token="somebody"
    )
    note = "Thanks\n" + mark_line(12, waiting.request_id, "")
    gateway.invoices["4711"] = replace(
        gateway.invoices[issued.qbo_invoice_id], qbo_invoice_id="4711", private_note=note, updated_at=timezone.now()
    )
    catch_up(company, gateway)
    waiting.refresh_from_db()
    assert (waiting.submission, waiting.qbo_invoice_id) == (Submission.SUCCEEDED, "4711")
    assert (waiting.next_attempt_at, waiting.lease_token) == (None, "")
    assert waiting.note_due_at is not None


def test_of_an_invoice_and_its_copy_the_first_one_settles_the_intent_though_it_changed_later(company, gateway, issued):
    """Changes come in the order of their last one: the copy was made, and then the invoice itself was edited."""
    waiting = make_pending_invoice(company, to_json(a_draft()), currency="GBP", deal_id=12, sent_at=timezone.now())
    Invoice.objects.filter(pk=waiting.pk).update(submission=Submission.UNKNOWN)
    made = replace(
        gateway.invoices[issued.qbo_invoice_id],
        private_note=mark_line(12, waiting.request_id, ""),
        created_at=timezone.now() - timedelta(minutes=9),
    )
    copied, edited = timezone.now() - timedelta(minutes=1), timezone.now()
    gateway.invoices["4712"] = replace(made, qbo_invoice_id="4712", created_at=copied, updated_at=copied)
    gateway.invoices["4711"] = replace(made, qbo_invoice_id="4711", updated_at=edited)
    catch_up(company, gateway)
    waiting.refresh_from_db()
    assert waiting.qbo_invoice_id == "4711"


def test_a_copy_that_a_bookkeeper_made_is_not_taken_for_ours(company, gateway, issued):
    copy = replace(gateway.invoices[issued.qbo_invoice_id], qbo_invoice_id="4711", updated_at=timezone.now())
    gateway.invoices["4711"] = copy
    catch_up(company, gateway)
    assert Invoice.objects.filter(qbo_invoice_id="4711").count() == 0


# When to look again


@pytest.mark.parametrize(
    ("balance", "soon"), [("100", True), ("0", False)], ids=["something is unpaid", "everything is paid"]
)
def test_it_looks_again_soon_only_while_something_may_change(company, gateway, issued, settings, balance, soon):
    gateway.change(issued.qbo_invoice_id, balance=D(balance))
    catch_up(company, gateway)
    wait = timedelta(seconds=settings.QUICKBOOKS_SYNC_SECONDS) if soon else timedelta(days=1)
    assert QuickBooksConnection.objects.get().next_sync_at == timezone.now() + wait


def test_an_unsettled_intent_is_a_reason_to_look_soon(company, gateway, settings):
    make_pending_invoice(company, to_json(a_draft()))
    catch_up(company, gateway)
    soon = timedelta(seconds=settings.QUICKBOOKS_SYNC_SECONDS)
    assert QuickBooksConnection.objects.get().next_sync_at == timezone.now() + soon


def test_a_connection_that_ends_on_the_way_is_told(company, gateway):
    gateway.fail("changed_since", ConnectionExpired("quickbooks", "revoked"))
    with pytest.raises(ConnectionExpired):
        catch_up(company, gateway)
    assert QuickBooksConnection.objects.get().last_sync_problem == "ConnectionExpired"


def test_two_at_once_make_one_call(company, gateway):
    real = gateway.changed_since

    def meanwhile(moment):
        gateway.changed_since = real
        assert catch_up(company, gateway) is None
        return real(moment)

    gateway.changed_since = meanwhile
    assert catch_up(company, gateway) == 0
    assert gateway.calls == ["changed_since"]


def test_what_died_with_a_lease_is_due_again(company, gateway, clock):
    QuickBooksConnection.objects.update(next_sync_at=timezone.now(), sync_lease_until=timezone.now() + following.LEASE)
    assert due() == []
    clock.shift(following.LEASE + timedelta(seconds=1))
    assert due() == [company.quickbooks.pk]


def test_a_company_that_leaves_while_quickbooks_is_asked_ends_the_look_quietly(company, gateway, issued):
    answer = gateway.changed_since

    def meanwhile(moment):
        company.delete()
        return answer(moment)

    gateway.changed_since = meanwhile
    gateway.change(issued.qbo_invoice_id, due_date=TODAY)
    assert catch_up(company, gateway) == 0
    assert not Invoice.objects.exists()
