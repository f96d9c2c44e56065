"""Every message comes three times, late and in any order, to processes that die at any moment of their work."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import replace

import pytest
from django.utils import timezone

from integration_settings import tasks as of_settings
from integration_settings.models import QuickBooksConnection
from invoices import actions, customer_updates, tasks
from invoices.customer_updates import Wish
from invoices.domain.actions import Action
from invoices.domain.customer_update import Change, CustomerField
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate
from tests.dying import Life
from tests.invoices.intents import ask, draft_for, in_the_books, let_all_time_pass, notes_of, settle

pytestmark = pytest.mark.django_db(transaction=True)
DEATHS, LONGEST = 0.5, 40  # of the messages, and within so many moments
ANSWERED = "the answer to POST"  # the moment in which something is done that nobody here knows of
ROUNDS = 30


@pytest.fixture
def tenant(connect):
    return connect("GB")


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_done_twice_and_nothing_lost(tenant, control, handed_out, seed):
    dice = random.Random(seed)
    draft = draft_for(tenant, control)
    there = ask(tenant, draft)
    settle(there)
    letter = actions.ask(there, Action.SEND, user=tenant.user, intent_key=uuid.uuid4(), to="one@once.example")
    new = replace(draft, bill_to=replace(draft.bill_to, name="Twice Ltd"))
    added = Change(CustomerField.NOTES, (), ("DE 123 456 789", "VAT number: DE 123 456 789"))
    customer_updates.store(there, Wish(there.customer_id, "Once Only Ltd", (added,)))
    first, second = ask(tenant, new), ask(tenant, replace(new, memo="the other one"))
    QuickBooksConnection.objects.update(next_sync_at=timezone.now())
    control.fault("ignore_requestid", company=tenant.realm)
    messages = [
        *((tasks.submit_invoice, row.pk) for row in (there, first, second)),
        *((tasks.publish_note, row.pk) for row in (there, first, second)),
        (tasks.carry_out_action, letter.pk),
        (tasks.update_customer, there.customer_update.pk),
        (tasks.sync_company, tenant.quickbooks.pk),
        (of_settings.read_ahead, tenant.company.pk),
        (of_settings.know_user, tenant.user.pk),
        (tasks.dispatch_due_work,),
        (of_settings.keep_installations_alive,),
        (of_settings.forget_finished_sign_ins,),
    ] * 3
    dice.shuffle(messages)
    for task, *row_id in messages:
        dies = dice.random() < DEATHS and task is not tasks.sync_company  # which works in a thread of its own
        life = dice.choice([Life(dice.randint(1, LONGEST)), Life(1, named=ANSWERED)]) if dies else Life(10_000)
        life.do(lambda done=task, of=row_id: done(*of))
        if dice.random() < 0.4:
            let_all_time_pass()
    for _ in range(ROUNDS):
        let_all_time_pass()
        tasks.dispatch_due_work()
        tasks.follow_companies()
        for name, row_id in handed_out() * 2:
            getattr(tasks, name)(row_id)
    for invoice in (there, first, second):
        invoice.refresh_from_db()
        assert invoice.submission == Submission.SUCCEEDED
        assert len(in_the_books(control, tenant, invoice)) == 1
        assert notes_of(control, tenant, invoice) == [invoice.note_id]
    letter.refresh_from_db()
    books = control.books(tenant.realm)
    assert letter.is_settled
    assert len(books["outbox"]) == (1 if letter.submission == Submission.SUCCEEDED else len(books["outbox"])) <= 1
    notes = {row["DisplayName"]: row.get("Notes") for row in books["customers"]}
    assert CustomerUpdate.objects.get().submission == Submission.SUCCEEDED
    assert notes["Once Only Ltd"].count("VAT number: DE 123 456 789") == 1
    assert Counter(row["DisplayName"] for row in books["customers"])["Twice Ltd"] == 1
