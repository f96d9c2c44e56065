"""Deals that a rule turns into invoices, with a worker that dies, or meets another one, at each of its statements."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from integration_settings.deal_rules import Outcome
from invoices import automatic
from invoices.domain.status import Submission
from invoices.models import Invoice, InvoiceAction, ReadyDeal
from tests.invoices.selling import SHELVES, sales

__all__ = ["sales"]
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


class Died(BaseException):
    """Nothing of ours runs after it."""


def dying_at(number, when):
    """An execute wrapper that dies at that statement: `when` it was made, or before."""
    made = 0

    def wrapper(execute, sql, parameters, many, context):
        nonlocal made
        made += 1
        if made == number and when == "before":
            raise Died
        answer = execute(sql, parameters, many, context)
        if made == number:
            raise Died
        return answer

    return wrapper


@pytest.fixture
def each_death():
    """each_death(when, work, then): `work` dies at one statement after the other, and `then` looks at what is left; all
    of it is taken back before the next death. How many there were.
    """

    def run(when, work, then):
        number = 0
        while True:
            number += 1
            with transaction.atomic():
                try:
                    with connection.execute_wrapper(dying_at(number, when)):
                        work()
                    died = False
                except Died:
                    died = True
                then()
                transaction.set_rollback(True)
            if not died:
                return number - 1

    return run


BOTH = pytest.mark.parametrize("when", ["before", "after"])


@BOTH
def test_a_look_that_dies_anywhere_finds_its_deal_once(sales, each_death, when):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)

    def then():
        sales.look()
        assert ReadyDeal.objects.count() == 1
        assert len(sales.carry_out()) == 1

    assert each_death(when, sales.look, then) > 5


@BOTH
def test_a_creation_that_dies_anywhere_ends_with_one_invoice(sales, each_death, when):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    row = sales.row(SHELVES)

    def then():
        (invoice,) = sales.carry_out()
        sales.look()
        assert sales.carry_out() == [invoice]
        found = sales.row(SHELVES)
        assert (found.invoice, found.why, found.next_attempt_at) == (invoice, "", None)

    assert each_death(when, lambda: automatic.carry_out(row.pk), then) > 15


@BOTH
def test_an_e_mail_that_dies_anywhere_is_sent_once(sales, each_death, when):
    sales.set_rule(Outcome.SEND)
    sales.win(SHELVES)
    (invoice,) = sales.invoice_by_rule()
    columns = {"submission": Submission.SUCCEEDED, "settled_at": timezone.now(), "next_attempt_at": None}
    Invoice.objects.update(qbo_invoice_id="77", email="a@b.example", total="10", balance="10", **columns)
    ReadyDeal.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    row = sales.row(SHELVES)

    def then():
        sales.carry_out()
        sales.carry_out()
        (action,) = InvoiceAction.objects.all()
        assert (action.kind, action.to, action.invoice_id) == ("send", "a@b.example", invoice.pk)
        found = sales.row(SHELVES)
        assert (found.why, found.next_attempt_at) == ("", None)

    assert each_death(when, lambda: automatic.carry_out(row.pk), then) > 5


# Another worker


@pytest.fixture
def each_meeting():
    """each_meeting(work, other, then): `other` is done at one statement of `work` after the other, outside of its
    transactions, as they keep others out; and `then` looks at what is left. How many there were.
    """

    def run(work, other, then):
        number = 0
        while True:
            number += 1
            made, met, depth = 0, False, len(connection.savepoint_ids)

            def wrapper(execute, sql, parameters, many, context):
                nonlocal made, met
                answer = execute(sql, parameters, many, context)
                made += not met
                outside = len(connection.savepoint_ids) <= depth + 1 and not sql.startswith("SAVEPOINT")  # noqa: B023  # called in this turn
                if made == number and not met and outside:  # noqa: B023  # called in this turn
                    met = True
                    other()
                return answer

            with transaction.atomic():
                with connection.execute_wrapper(wrapper):
                    work()
                then()
                transaction.set_rollback(True)
            if made < number:
                return number - 1

    return run


def test_two_looks_that_meet_anywhere_find_a_deal_once(sales, each_meeting):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)

    def then():
        assert ReadyDeal.objects.count() == 1
        assert len(sales.carry_out()) == 1

    assert each_meeting(sales.look, sales.look, then) > 5


def test_two_creations_that_meet_anywhere_make_one_invoice(sales, each_meeting):
    sales.set_rule(Outcome.CREATE)
    sales.win(SHELVES)
    sales.look()
    row = sales.row(SHELVES)

    def then():
        (invoice,) = sales.carry_out()
        found = sales.row(SHELVES)
        assert (found.invoice, found.why, found.next_attempt_at) == (invoice, "", None)

    assert each_meeting(lambda: automatic.carry_out(row.pk), sales.carry_out, then) > 15
