"""An invoice whose note is due, and a Pipedrive that keeps the notes of one deal."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime

import pytest
import time_machine

from integration_settings.errors import NotFound
from invoices import notes
from tests.factories import D, make_invoice

START = datetime(2026, 11, 23, 9, 14, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


class FakePipedrive:
    """The notes of one deal, with the same troubles for everybody or for some users only."""

    def __init__(self):
        self.notes = {}
        self.calls = []
        self.troubles = []
        self.closed_to = {}
        self.ids = itertools.count(501)

    def __call__(self, user):
        self.user = user
        return self

    def fail(self, call, error, *, done=False):
        self.troubles.append((call, error, done))

    def _do(self, call, work):
        self.calls.append((call, self.user.user_id))
        if self.user.user_id in self.closed_to:
            raise self.closed_to[self.user.user_id]
        trouble = self.troubles.pop(0) if self.troubles and self.troubles[0][0] == call else None
        if trouble and not trouble[2]:
            raise trouble[1]
        answer = work()
        if trouble:
            raise trouble[1]
        return answer

    def add_note(self, *, deal_id, content):
        def add():
            number = next(self.ids)
            self.notes[number] = {"id": number, "deal_id": deal_id, "content": content.replace("&", "&amp;")}
            return {"id": number}

        return self._do("add_note", add)

    def update_note(self, *, note_id, content):
        def update():
            if note_id not in self.notes:
                raise NotFound("pipedrive", "404")
            self.notes[note_id]["content"] = content
            return {"id": note_id}

        return self._do("update_note", update)

    def deal_notes(self, deal_id):
        return self._do("deal_notes", lambda: list(self.notes.values()))


@pytest.fixture
def pipedrive():
    return FakePipedrive()


@pytest.fixture
def invoice(company, user):
    return make_invoice(
        company,
        deal_id=12,
        created_by_id=user.user_id,
        number="1051",
        qbo_invoice_id="77",
        total=D("7200.00"),
        balance=D("4200.00"),
        invoice_date=date(2026, 11, 4),
        due_date=date(2026, 12, 4),
        customer_name="Bramley Foods Ltd",
        note_due_at=START,
    )


def publish(invoice, pipedrive):
    notes.publish_note(invoice.pk, pipedrive)
    invoice.refresh_from_db()
