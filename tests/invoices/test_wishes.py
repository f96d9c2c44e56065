"""What people wish for an invoice: what is taken, what is kept of it, and when its reason is read and put away."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.errors import ConnectionExpired, Rejected
from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices import actions, services
from invoices.domain.actions import Action
from invoices.models import InvoiceAction
from tests.conftest import visitor_of
from tests.factories import make_user
from tests.invoices.acting import CALLS, an_open_one, carry_out, doing, invoice, want, writes
from tests.invoices.submitting import LOST, START, clock, gateway

__all__ = ["clock", "gateway", "invoice"]

pytestmark = pytest.mark.django_db


def test_only_what_makes_sense_is_taken(invoice, user, gateway):
    visitor = visitor_of(user)
    gateway.void(invoice.qbo_invoice_id)
    carry_out(want(invoice, Action.VOID, user), gateway)
    invoice.refresh_from_db()
    for kind in (Action.VOID, Action.SEND):
        with pytest.raises(services.NotPossible):
            services.request_action(visitor, invoice, kind, intent_key=uuid.uuid4())
    action = services.request_action(visitor, invoice, Action.DELETE, intent_key=uuid.uuid4())
    carry_out(action, gateway)
    invoice.refresh_from_db()
    with pytest.raises(services.NotPossible):
        services.request_action(visitor, invoice, Action.DELETE, intent_key=uuid.uuid4())


def test_nothing_is_taken_without_a_connection(invoice, user):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    with pytest.raises(ConnectionExpired):
        services.request_action(visitor_of(user), invoice, Action.VOID, intent_key=uuid.uuid4())
    assert not InvoiceAction.objects.exists()


def test_a_new_wish_puts_the_reason_of_the_last_one_away_and_of_no_other_invoice(company, invoice, user, gateway):
    other = an_open_one(company, gateway)
    gateway.fail("void_invoice", Rejected("quickbooks", "refused", code="6210"), times=2)
    for each in (invoice, other):
        carry_out(want(each, Action.VOID, user), gateway)
        assert doing(each).refusal.code == "6210"
    want(invoice, Action.VOID, user)
    assert doing(invoice).refusal is None
    assert doing(other).refusal.code == "6210"


def test_what_somebody_has_read_keeps_the_time_when_he_read_it(invoice, user, gateway, clock):
    gateway.fail("void_invoice", Rejected("quickbooks", "refused", code="6210"))
    first = want(invoice, Action.VOID, user)
    carry_out(first, gateway)
    for _ in range(2):
        actions.put_away(invoice)
        clock.shift(timedelta(hours=1))
    first.refresh_from_db()
    assert first.put_away_at == START


def test_what_is_under_way_cannot_be_put_away(invoice, user):
    action = want(invoice, Action.VOID, user)
    actions.put_away(invoice)
    action.refresh_from_db()
    assert action.put_away_at is None


def test_it_is_kept_who_wished_it_also_where_a_colleague_made_the_invoice(company, invoice, gateway):
    tom = make_user(company, name="Tom Hale")
    action = want(invoice, Action.VOID, tom)
    carry_out(action, gateway)
    assert (action.asked_by_id, action.asked_by_name) == (tom.user_id, "Tom Hale")
    assert [write.asked_by_name for write in invoice.writes.all()] == ["Tom Hale"]
    assert invoice.created_by_name != "Tom Hale"


def test_the_invoice_is_looked_at_soon_after(invoice, user, gateway, settings):
    QuickBooksConnection.objects.update(next_sync_at=START + timedelta(days=1))
    carry_out(want(invoice, Action.SEND, user), gateway)
    soon = QuickBooksConnection.objects.get().next_sync_at
    assert soon <= START + timedelta(seconds=settings.QUICKBOOKS_SYNC_SECONDS)


@pytest.mark.parametrize("kind", [Action.VOID, Action.DELETE])
def test_while_no_answer_ever_comes_it_is_tried_ever_more_seldom(invoice, user, gateway, clock, kind):
    gateway.fail(CALLS[kind], LOST, times=10_000)
    action = want(invoice, kind, user)
    carry_out(action, gateway)
    while timezone.now() < START + timedelta(hours=1):
        clock.move_to(action.next_attempt_at)
        carry_out(action, gateway)
    assert writes(gateway, kind) < 80
