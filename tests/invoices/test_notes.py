"""The note in the deal's history: one per invoice, kept current, never doubled, written by somebody who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    ServiceUnavailable,
    SubscriptionEnded,
)
from integration_settings.models import CompanySettings, ConnectionState
from invoices import due, notes, selectors
from invoices.deal_gateway import DealFacts, remember
from invoices.domain.money import Money
from invoices.models import Invoice
from invoices.reports import apply_report
from tests.factories import D, an_issued, make_user
from tests.invoices.noting import START, clock, invoice, pipedrive, publish

__all__ = ["clock", "invoice", "pipedrive"]


# How it gets there


def test_it_is_written_once_and_then_rewritten(invoice, pipedrive, user):
    publish(invoice, pipedrive)
    assert [call for call, _ in pipedrive.calls] == ["add_note"]
    assert (invoice.note_id, invoice.note_attempts) == (501, 0)
    Invoice.objects.filter(pk=invoice.pk).update(balance=0, note_due_at=timezone.now())
    publish(invoice, pipedrive)
    assert [call for call, _ in pipedrive.calls] == ["add_note", "update_note"]
    assert "Paid" in pipedrive.notes[501]["content"]
    assert invoice.note_due_at is None


def without_notes(company):
    CompanySettings.objects.update_or_create(company=company, defaults={"writes_notes": False})


def test_a_company_that_wants_no_notes_gets_none(invoice, pipedrive, company):
    without_notes(company)
    publish(invoice, pipedrive)
    assert pipedrive.calls == []
    assert invoice.note_id is None
    assert invoice.note_due_at is None or invoice.note_due_at > START


def test_a_note_that_is_there_stays_current_when_no_new_ones_are_wanted(invoice, pipedrive, company):
    publish(invoice, pipedrive)
    without_notes(company)
    Invoice.objects.filter(pk=invoice.pk).update(balance=D("0"), note_due_at=START)
    publish(invoice, pipedrive)
    assert "· Paid" in pipedrive.notes[501]["content"]


def test_a_note_with_a_lost_answer_is_found_again_although_no_new_ones_are_wanted(invoice, pipedrive, company, clock):
    pipedrive.fail("add_note", OutcomeUnknown("pipedrive", "lost"), done=True)
    publish(invoice, pipedrive)
    without_notes(company)
    clock.move_to(invoice.note_due_at)
    publish(invoice, pipedrive)
    assert invoice.note_id == 501
    assert len(pipedrive.notes) == 1


def test_the_same_text_is_not_written_twice(invoice, pipedrive, clock):
    publish(invoice, pipedrive)
    clock.shift(timedelta(hours=5))
    Invoice.objects.filter(pk=invoice.pk).update(note_due_at=timezone.now())
    publish(invoice, pipedrive)
    assert [call for call, _ in pipedrive.calls] == ["add_note"]


def test_one_that_is_written_over_midnight_turns_overdue_all_the_same(invoice, pipedrive, company, clock):
    type(company.quickbooks).objects.update(timezone="UTC")
    midnight = datetime(2026, 12, 5, tzinfo=UTC)
    clock.move_to(midnight - timedelta(milliseconds=200))
    add = pipedrive.add_note

    def slowly(**arguments):
        clock.shift(timedelta(seconds=1))
        return add(**arguments)

    pipedrive.add_note = slowly
    publish(invoice, pipedrive)
    publish(invoice, pipedrive)
    (note,) = pipedrive.notes.values()
    assert "Overdue" in note["content"]
    assert invoice.note_due_at is None


def test_what_fell_due_while_other_books_were_connected_is_written_once_its_own_are_back(
    invoice, pipedrive, company, clock
):
    publish(invoice, pipedrive)
    books = type(company.quickbooks).objects
    books.update(realm_id="99", timezone="UTC")
    clock.move_to(invoice.note_due_at)
    publish(invoice, pipedrive)
    assert "Overdue" not in pipedrive.notes[501]["content"]
    books.update(realm_id=invoice.realm_id)
    clock.move_to(invoice.note_due_at)
    publish(invoice, pipedrive)
    assert "Overdue" in pipedrive.notes[501]["content"]


def test_it_is_due_again_at_the_companys_midnight_after_the_due_date(invoice, pipedrive, clock):
    invoice.company.quickbooks.timezone = "Australia/Sydney"
    invoice.company.quickbooks.save()
    publish(invoice, pipedrive)
    midnight = datetime(2026, 12, 4, 13, 0, tzinfo=UTC)
    assert invoice.note_due_at == midnight
    assert due.notes(midnight - timedelta(seconds=1)) == []
    clock.move_to(midnight)
    assert due.notes(timezone.now()) == [invoice.pk]
    publish(invoice, pipedrive)
    assert "Overdue" in pipedrive.notes[501]["content"]
    assert invoice.note_due_at is None


def test_nothing_happens_before_it_is_due(invoice, pipedrive):
    Invoice.objects.filter(pk=invoice.pk).update(note_due_at=START + timedelta(seconds=1))
    publish(invoice, pipedrive)
    assert pipedrive.calls == []


def test_two_workers_at_once_write_one_note(invoice, pipedrive):
    real = pipedrive.add_note

    def meanwhile(**kwargs):
        pipedrive.add_note = real
        notes.publish_note(invoice.pk, pipedrive)
        return real(**kwargs)

    pipedrive.add_note = meanwhile
    publish(invoice, pipedrive)
    assert len(pipedrive.notes) == 1


def test_a_change_that_comes_while_pipedrive_takes_its_time_makes_no_second_note(invoice, pipedrive, clock):
    """Ten seconds later the row would be handed out again, and the first note is not there to be found."""
    add = pipedrive.add_note

    def slowly(**arguments):
        pipedrive.add_note = add
        clock.shift(timedelta(seconds=12))
        changed = Invoice.objects.get(pk=invoice.pk)
        apply_report(changed, an_issued(changed, balance=D(0), updated_at=timezone.now()), place=UTC)
        publish(invoice, pipedrive)
        return add(**arguments)

    pipedrive.add_note = slowly
    publish(invoice, pipedrive)
    assert len(pipedrive.notes) == 1
    clock.shift(notes.LEASE)
    publish(invoice, pipedrive)
    (note,) = pipedrive.notes.values()
    assert "Paid" in note["content"]
    assert invoice.note_due_at is None


def test_a_worker_that_was_stopped_before_it_wrote_finds_the_door_closed(
    invoice, pipedrive, company, user, clock, monkeypatch
):
    make_user(company, name="Tom Hale")
    pipedrive.closed_to[user.user_id] = AccessDenied("pipedrive", "403")

    def stopped(*_):
        monkeypatch.setattr(notes, "may_see_deal", lambda user, deal_id: True)
        clock.shift(notes.LEASE)
        publish(invoice, pipedrive)
        return True

    monkeypatch.setattr(notes, "may_see_deal", stopped)
    publish(invoice, pipedrive)
    (note_id,) = pipedrive.notes
    assert (invoice.note_id, invoice.note_due_at) == (note_id, notes.overdue_from(invoice, UTC))


def test_a_worker_that_was_stopped_writes_none_while_another_one_has_it_in_hand(
    invoice, pipedrive, company, user, clock, monkeypatch
):
    make_user(company, name="Tom Hale")
    pipedrive.closed_to[user.user_id] = AccessDenied("pipedrive", "403")

    def stopped(*_):
        clock.shift(notes.LEASE)
        Invoice.objects.filter(pk=invoice.pk).update(note_lease_until=timezone.now() + notes.LEASE)
        return True

    monkeypatch.setattr(notes, "may_see_deal", stopped)
    publish(invoice, pipedrive)
    assert not pipedrive.notes


def test_a_worker_that_ends_late_leaves_the_hold_of_the_next_one(invoice, pipedrive, clock, monkeypatch):
    publish(invoice, pipedrive)
    Invoice.objects.filter(pk=invoice.pk).update(balance=0, note_due_at=timezone.now())
    rewrite = pipedrive.update_note

    def slowly(**note):
        clock.shift(notes.LEASE)
        Invoice.objects.filter(pk=invoice.pk).update(note_lease_until=timezone.now() + notes.LEASE)
        return rewrite(**note)

    monkeypatch.setattr(pipedrive, "update_note", slowly)
    publish(invoice, pipedrive)
    assert invoice.note_lease_until == timezone.now() + notes.LEASE


@pytest.mark.parametrize(
    "error", [OutcomeUnknown("pipedrive", "timeout"), ServiceUnavailable("pipedrive", "502")], ids=["lost", "502"]
)
def test_a_note_whose_answer_was_lost_is_found_again(invoice, pipedrive, clock, error):
    pipedrive.fail("add_note", error, done=True)
    publish(invoice, pipedrive)
    assert invoice.note_id is None
    clock.move_to(invoice.note_due_at)
    publish(invoice, pipedrive)
    assert [call for call, _ in pipedrive.calls][:2] == ["add_note", "deal_notes"]
    assert "add_note" not in [call for call, _ in pipedrive.calls][1:]
    assert (invoice.note_id, len(pipedrive.notes)) == (501, 1)


def test_a_deleted_note_that_pipedrive_still_lists_is_not_taken_for_the_one_that_is_there(invoice, pipedrive):
    publish(invoice, pipedrive)
    pipedrive.notes[501]["active_flag"] = False
    Invoice.objects.filter(pk=invoice.pk).update(note_id=None, note_due_at=START, note_attempts=notes.TRIED)
    publish(invoice, pipedrive)
    assert invoice.note_id == 502


def test_a_worker_killed_after_the_answer_leaves_one_note(invoice, pipedrive, clock):
    class Killed(BaseException):
        pass

    pipedrive.fail("add_note", Killed(), done=True)
    with pytest.raises(Killed):
        publish(invoice, pipedrive)
    clock.shift(notes.LEASE)
    assert due.notes(timezone.now()) == [invoice.pk]
    publish(invoice, pipedrive)
    assert (invoice.note_id, len(pipedrive.notes)) == (501, 1)


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ("pagereq=invoice%3FtxnId%3D779&deeplinkcompanyid={realm}", False),
        ("pagereq=invoice%3FtxnId%3D77&deeplinkcompanyid=1", False),
        ("pagereq=invoice%3FtxnId%3D77&deeplinkcompanyid={realm}", True),
        ("/invoice?txnId=77&amp;deeplinkcompanyid={realm}", True),
    ],
)
def test_another_invoices_note_is_not_taken_for_ours(invoice, pipedrive, others, found):
    content = others.replace("{realm}", invoice.realm_id)
    pipedrive.notes[9] = {"id": 9, "content": f'<a href="https://qbo.intuit.com/app/login?{content}">x</a>'}
    Invoice.objects.filter(pk=invoice.pk).update(note_attempts=1)
    publish(invoice, pipedrive)
    assert invoice.note_id == (9 if found else 501)


@pytest.mark.parametrize(
    "error", [ServiceUnavailable("pipedrive", "502"), RateLimited("pipedrive", "429", retry_after=2)]
)
def test_trouble_is_waited_out_longer_and_longer(invoice, pipedrive, clock, error):
    waits = []
    for _ in range(7):
        pipedrive.fail("add_note", error)
        publish(invoice, pipedrive)
        waits.append((invoice.note_due_at - timezone.now()).total_seconds())
        clock.move_to(invoice.note_due_at)
    assert waits[0] < 6
    assert 3200 < waits[-1] < 4000
    publish(invoice, pipedrive)
    assert (invoice.note_id, invoice.note_attempts) == (501, 0)


def test_pipedrives_own_wait_is_obeyed(invoice, pipedrive):
    pipedrive.fail("add_note", RateLimited("pipedrive", "429", retry_after=40_000))
    publish(invoice, pipedrive)
    assert invoice.note_due_at == timezone.now() + timedelta(seconds=40_000)


def test_news_that_come_while_a_note_is_written_are_written_next(invoice, pipedrive):
    real = pipedrive.add_note

    def meanwhile(**kwargs):
        Invoice.objects.filter(pk=invoice.pk).update(balance=0, note_due_at=timezone.now())
        return real(**kwargs)

    pipedrive.add_note = meanwhile
    publish(invoice, pipedrive)
    assert due.notes(timezone.now()) == [invoice.pk]
    publish(invoice, pipedrive)
    assert "Paid" in pipedrive.notes[501]["content"]


@pytest.mark.parametrize(
    ("note_id", "error", "problem"),
    [
        (None, NotFound("pipedrive", "404"), "deal_gone"),
        (501, NotFound("pipedrive", "404"), "note_gone"),
        (None, Rejected("pipedrive", "400"), "refused"),
        (None, AccessDenied("pipedrive", "403"), "refused"),  # the deal has as many notes as a deal can have
    ],
)
def test_what_cannot_be_written_is_given_up_with_the_reason(invoice, pipedrive, note_id, error, problem):
    Invoice.objects.filter(pk=invoice.pk).update(note_id=note_id)
    pipedrive.fail("update_note" if note_id else "add_note", error)
    publish(invoice, pipedrive)
    assert (invoice.note_problem, invoice.note_due_at) == (problem, None)
    assert selectors.invoice_row(invoice).note_problem == problem


def test_one_whose_deal_goes_into_another_in_this_moment_is_written_there(invoice, pipedrive):
    add = pipedrive.add_note

    def merged(*, deal_id, content):
        if deal_id == 13:
            return add(deal_id=deal_id, content=content)
        Invoice.objects.filter(pk=invoice.pk).update(deal_id=13)
        raise NotFound("pipedrive", "404")

    pipedrive.add_note = merged
    publish(invoice, pipedrive)
    publish(invoice, pipedrive)
    assert [note["deal_id"] for note in pipedrive.notes.values()] == [13]
    assert (invoice.note_problem, invoice.note_id) == ("", 501)


def test_a_note_whose_answer_was_lost_before_it_was_given_up_is_found_again(invoice, pipedrive, clock):
    pipedrive.fail("add_note", OutcomeUnknown("pipedrive", "lost"), done=True)
    publish(invoice, pipedrive)
    clock.move_to(invoice.note_due_at)
    pipedrive.fail("deal_notes", AccessDenied("pipedrive", "403"))
    publish(invoice, pipedrive)
    assert invoice.note_problem == "refused"
    Invoice.objects.filter(pk=invoice.pk).update(balance=0, note_due_at=timezone.now())
    publish(invoice, pipedrive)
    (note,) = pipedrive.notes.values()
    assert "Paid" in note["content"]


def test_an_unpaid_pipedrive_is_waited_for(invoice, pipedrive, clock):
    pipedrive.fail("add_note", SubscriptionEnded("pipedrive", "402"))
    publish(invoice, pipedrive)
    assert invoice.note_problem == ""
    clock.move_to(invoice.note_due_at)
    publish(invoice, pipedrive)
    assert invoice.note_id == 501


def test_an_intent_without_invoice_has_no_note(invoice, pipedrive):
    Invoice.objects.filter(pk=invoice.pk).update(qbo_invoice_id="")
    assert due.notes(timezone.now()) == []
    publish(invoice, pipedrive)
    assert (pipedrive.calls, invoice.note_due_at) == ([], None)


# Who writes it


def see(user, deal_id=12):
    remember(user, DealFacts(deal_id, "Racking", Money(D(1), "GBP"), None, None))


def test_a_colleague_writes_when_the_creator_is_gone(invoice, pipedrive, company, user):
    colleague = make_user(company, name="Tom Hale")
    see(colleague)
    user.state = ConnectionState.ENDED
    user.save()
    publish(invoice, pipedrive)
    assert pipedrive.calls == [("add_note", colleague.user_id)]


@pytest.mark.parametrize(
    "error", [ConnectionExpired("pipedrive", "revoked"), AccessDenied("pipedrive", "403"), NotFound("pipedrive", "404")]
)
def test_a_colleague_writes_when_the_creator_may_not(invoice, pipedrive, company, user, error):
    colleague = make_user(company, name="Tom Hale")
    see(colleague)
    pipedrive.closed_to[user.user_id] = error
    publish(invoice, pipedrive)
    assert [user_id for _, user_id in pipedrive.calls] == [user.user_id, colleague.user_id]
    assert invoice.note_id == 501


def test_of_a_large_company_not_everybody_is_asked_for_what_nobody_may_do(invoice, pipedrive, company, user):
    """A deal has as many notes as it can have: each try costs tokens, and a task has a minute and a half."""
    users = [user, *(make_user(company, is_admin=number == 39) for number in range(40))]
    for each in users:
        see(each)
        pipedrive.closed_to[each.user_id] = AccessDenied("pipedrive", "403")
    publish(invoice, pipedrive)
    asked = [user_id for _, user_id in pipedrive.calls]
    assert asked[:2] == [user.user_id, users[-1].user_id], "who made it, then the administrator"
    assert len(asked) == 1 + notes.MOST_COLLEAGUES
    assert (invoice.note_problem, invoice.note_due_at) == ("refused", None)


def test_whoever_cannot_see_the_deal_does_not_write(invoice, pipedrive, company, user, monkeypatch):
    make_user(company, name="Ewa Nowak")
    monkeypatch.setattr(notes, "may_see_deal", lambda user, deal_id: False)
    pipedrive.closed_to[user.user_id] = ConnectionExpired("pipedrive", "revoked")
    publish(invoice, pipedrive)
    assert [user_id for _, user_id in pipedrive.calls] == [user.user_id]
    assert invoice.note_problem == "no_user"
    assert invoice.note_due_at > timezone.now()


def test_a_user_of_another_company_never_writes(invoice, pipedrive, other_company, user):
    stranger = other_company.users.get()
    stranger.user_id = user.user_id + 1
    stranger.save()
    see(stranger)
    user.state = ConnectionState.ENDED
    user.save()
    publish(invoice, pipedrive)
    assert pipedrive.calls == []
    assert invoice.note_problem == "no_user"


def test_it_is_given_up_after_a_week_of_trying(invoice, pipedrive):
    Invoice.objects.filter(pk=invoice.pk).update(note_attempts=notes.MOST_TRIES)
    pipedrive.fail("deal_notes", ServiceUnavailable("pipedrive", "502"))
    publish(invoice, pipedrive)
    assert (invoice.note_problem, invoice.note_due_at) == ("gave_up", None)
    cache.clear()
