"""Very many invoices of which some lose their answer after the work: each is in the books once.
`script/ledger --creates 10000` for the whole count."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from invoices import submission
from invoices.domain.status import Submission
from invoices.invoice_bodies import carries_mark
from invoices.models import Invoice
from tests.factories import a_bill_to
from tests.invoices.intents import ask, draft_for, settle

pytestmark = [pytest.mark.usefixtures("few_logs"), pytest.mark.django_db, pytest.mark.timeout(3600)]

CREATES = int(os.environ.get("MANY_CREATES", "40"))
LOST = 0.05
"""The share whose answer is lost after the work, and again that many whose new customer's is."""


@pytest.mark.parametrize("ignored", [False, True], ids=["request ids honoured", "request ids ignored"])
def test_every_invoice_is_in_the_books_once_although_answers_are_lost(connect, control, ignored):
    tenant = connect("GB")
    draft = draft_for(tenant, control)
    dice, begun, lost = random.Random(f"creates {ignored}"), time.monotonic(), Counter()
    if ignored:
        control.fault("ignore_requestid", company=tenant.realm)
    for number in range(CREATES):
        line = replace(draft.lines[0], unit_price=Decimal(number + 100) / 100)
        invoice = ask(tenant, replace(draft, lines=(line,), bill_to=a_bill_to(name=f"Customer {number // 3}")))
        for write in ("invoice", "customer"):
            if dice.random() < LOST or number == 0:
                control.fault("lost", method="POST", path=f"/{write}$", company=tenant.realm, times=1)
                lost[write] += 1
        submission.submit(invoice.pk)
        settle(invoice)
        assert invoice.submission == Submission.SUCCEEDED, (number, invoice.refusal)
    books = control.books(tenant.realm)
    marked = [row for row in books["invoices"] if "Pipedrive deal" in row.get("PrivateNote", "")]
    names = Counter(row["DisplayName"] for row in books["customers"] if row["DisplayName"].startswith("Customer "))
    sys.stdout.write(
        f"\n{CREATES} creates, answers lost: {dict(lost)}: {len(marked)} invoices, {len(names)} customers,"
        f" {sum(names.values()) - len(names)} of them twice; {time.monotonic() - begun:.0f} s\n"
    )
    assert len(marked) == CREATES
    by_id = {row["Id"]: row for row in marked}
    for invoice in Invoice.objects.filter(company=tenant.company):
        row = by_id.pop(invoice.qbo_invoice_id)
        assert carries_mark(row["PrivateNote"], invoice.request_id)
        assert Decimal(str(row["TotalAmt"])) == invoice.total
    assert not by_id
    assert set(names.values()) == {1}
