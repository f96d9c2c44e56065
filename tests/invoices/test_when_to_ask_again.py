"""Who was refused, or found nobody, asks later and later, and nobody's writes wait behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import connections
from integration_settings.errors import ConnectionExpired, RateLimited, ServiceUnavailable
from integration_settings.models import ConnectionState, QuickBooksConnection
from integration_settings.oauth import Grant
from invoices import following
from invoices.invoice_gateway import ReportedChanges
from tests.factories import an_issued, make_invoice
from tests.invoices.submitting import clock, gateway

__all__ = ["clock", "gateway"]


def catch_up(company, gateway):
    connection = QuickBooksConnection.objects.get(company=company)
    return following.catch_up(connection, lambda connection: gateway)


def test_a_rate_limit_is_obeyed_and_what_is_to_be_written_goes_first_afterwards(company, gateway):
    gateway.fail("changed_since", RateLimited("quickbooks", "429", retry_after=600))
    with pytest.raises(RateLimited):
        catch_up(company, gateway)
    found = QuickBooksConnection.objects.get()
    assert found.next_sync_at == timezone.now() + timedelta(seconds=610)
    assert (found.last_sync_problem, found.sync_lease_until) == ("RateLimited", None)


def test_who_is_refused_again_and_again_is_asked_as_seldom_as_one_that_is_away(company, gateway, clock):
    QuickBooksConnection.objects.update(last_synced_at=timezone.now())
    asked = 0
    until = timezone.now() + timedelta(days=1)
    while timezone.now() < until:
        gateway.fail("changed_since", RateLimited("quickbooks", "429"))
        with pytest.raises(RateLimited):
            catch_up(company, gateway)
        asked += 1
        clock.move_to(QuickBooksConnection.objects.get().next_sync_at)
    assert asked < 45
    catch_up(company, gateway)
    gateway.fail("changed_since", RateLimited("quickbooks", "429"))
    with pytest.raises(RateLimited):
        catch_up(company, gateway)
    assert QuickBooksConnection.objects.get().next_sync_at == timezone.now() + timedelta(seconds=70)


def test_what_former_books_refuse_delays_no_look_at_the_others(company, gateway, clock):
    former = QuickBooksConnection.objects.get(company=company)
    grant = Grant("a", "r", timezone.now() + timedelta(hours=1), None)
    connections.connect_quickbooks(company, realm_id="99", grant=grant, connected_by="Tom Hale")
    following.pause(former, ConnectionExpired("quickbooks", "revoked"))
    found = QuickBooksConnection.objects.get(company=company)
    assert (found.next_sync_at, found.last_sync_problem) == (timezone.now(), "")


def test_pauses_grow_with_the_outage_up_to_an_hour(company, gateway, clock):
    QuickBooksConnection.objects.update(last_synced_at=timezone.now())
    pauses = []
    for _ in range(14):
        gateway.fail("changed_since", ServiceUnavailable("quickbooks", "down"))
        with pytest.raises(ServiceUnavailable):
            catch_up(company, gateway)
        found = QuickBooksConnection.objects.get()
        pauses.append(found.next_sync_at - timezone.now())
        clock.move_to(found.next_sync_at)
    assert pauses[0] < timedelta(seconds=20)
    assert timedelta(minutes=45) < pauses[-1] <= timedelta(hours=1)
    catch_up(company, gateway)
    assert QuickBooksConnection.objects.get().last_sync_problem == ""


def test_nobody_asks_while_the_connection_is_ended(company, gateway):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED, next_sync_at=timezone.now())
    assert not following.due_connections(timezone.now()).exists()
    assert catch_up(company, gateway) is None
    assert gateway.calls == []


def test_one_answer_with_a_time_far_ahead_hides_no_change_for_good(company, gateway, clock):
    """Of what changes until that time has come no later answer would tell."""
    row, right = make_invoice(company), gateway.changed_since
    QuickBooksConnection.objects.update(changes_cursor=timezone.now())
    gateway.changed_since = lambda _since: ReportedChanges(timezone.now() + timedelta(hours=2), (), ())
    catch_up(company, gateway)
    gateway.changed_since = right
    clock.shift(timedelta(minutes=1))
    gateway.deleted.append(an_issued(row, deleted=True))
    catch_up(company, gateway)
    assert gateway.calls == ["changed_since"]
    row.refresh_from_db()
    assert row.deleted_on


def test_a_clock_that_was_a_year_ahead_for_a_moment_hides_no_change_for_good(company, gateway, clock):
    row, now = make_invoice(company), timezone.now()
    gateway.invoices[row.qbo_invoice_id] = an_issued(row)
    QuickBooksConnection.objects.update(changes_cursor=now)
    clock.shift(timedelta(days=365))
    catch_up(company, gateway)
    clock.shift(timedelta(days=-365))
    gateway.calls.clear()
    catch_up(company, gateway)
    assert gateway.calls == ["read_invoices"], "all of ours, once"
    assert QuickBooksConnection.objects.get().changes_cursor <= now
    catch_up(company, gateway)
    assert gateway.calls == ["read_invoices", "changed_since"]
