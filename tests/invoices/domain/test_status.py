"""The one status of an invoice, and how a void is recognised."""

from datetime import date

import pytest

from invoices.domain.status import InvoiceStatus, derive_status, looks_voided, status_of_all
from tests.factories import D

DUE = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("total", "balance", "today", "voided", "deleted", "expected"),
    [
        ("120", "120", DUE, False, False, InvoiceStatus.OPEN),
        ("120", "20", DUE, False, False, InvoiceStatus.PARTIALLY_PAID),
        ("120", "0.01", DUE, False, False, InvoiceStatus.PARTIALLY_PAID),
        ("120", "0", date(2027, 1, 1), False, False, InvoiceStatus.PAID),
        ("120", "-5", DUE, False, False, InvoiceStatus.PAID),
        ("120", "120", date(2026, 12, 1), False, False, InvoiceStatus.OVERDUE),
        ("120", "20", date(2026, 12, 1), False, False, InvoiceStatus.OVERDUE),
        ("0", "0", DUE, False, False, InvoiceStatus.PAID),
        ("120", "0", DUE, True, False, InvoiceStatus.VOIDED),
        ("120", "120", DUE, True, True, InvoiceStatus.DELETED),
        (None, None, DUE, False, False, InvoiceStatus.UNKNOWN),
        (None, "0", DUE, False, False, InvoiceStatus.UNKNOWN),
        ("120", None, DUE, False, False, InvoiceStatus.UNKNOWN),
    ],
)
def test_it_derives_one_status(total, balance, today, voided, deleted, expected):
    found = derive_status(
        total=D(total) if total else None,
        balance=D(balance) if balance else None,
        due=DUE,
        today=today,
        voided=voided,
        deleted=deleted,
    )
    assert found == expected


def test_without_a_due_date_nothing_is_overdue():
    found = derive_status(
        total=D("120"), balance=D("120"), due=None, today=date(2099, 1, 1), voided=False, deleted=False
    )
    assert found == InvoiceStatus.OPEN


@pytest.mark.parametrize(
    ("total", "lines", "quantities", "note", "earlier", "expected"),
    [
        ("0", ["0", "0"], ["0", "0"], "Voided - old note", None, True),
        ("0", ["0"], ["0"], "Storniert", "120", True),  # in another language only the amounts tell
        ("0", ["0"], ["0"], "Storniert", "0.50", True),
        ("0", ["0"], ["0"], "Replaces the voided invoice 1001", None, False),
        ("0", ["0"], ["0"], "", None, False),  # an invoice over nothing
        ("0", ["10", "-10"], ["1", "1"], "", "120", False),  # edited to nothing
        ("0", ["0"], ["2"], "", "120", False),  # a price edited to nothing
        ("0", ["0", "0"], ["2", "0"], "", "120", False),  # beside a line that is only words
        ("0", ["10", "-10", "0"], ["1", "1", "0"], "Voided by mistake", "120", False),
        ("5", ["0"], ["0"], "Voided by mistake", "120", False),
        ("5", ["5"], ["1"], "Voided by mistake", "120", False),
    ],
)
def test_it_recognises_a_void_by_zeros_and_by_what_was_before(total, lines, quantities, note, earlier, expected):
    found = looks_voided(
        total=D(total),
        line_amounts=[D(line) for line in lines],
        quantities=[D(quantity) for quantity in quantities],
        private_note=note,
        earlier_total=D(earlier) if earlier else None,
    )
    assert found is expected


def test_what_was_voided_once_stays_so_whatever_its_note_says():
    known = {"line_amounts": [D(0)], "quantities": [D(0)], "private_note": "", "earlier_total": None}
    assert looks_voided(total=D(0), **known, earlier_voided=True)
    assert not looks_voided(total=D(0), **known, earlier_voided=False)


OPEN, PARTLY, PAID, OVERDUE, VOIDED, DELETED, UNKNOWN = InvoiceStatus


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        ([], None),
        ([OPEN], OPEN),
        ([PAID, PAID], PAID),
        ([PAID, OPEN], PARTLY),
        ([PARTLY, PAID], PARTLY),
        ([PAID, OVERDUE, OPEN], OVERDUE),
        ([OPEN, VOIDED, DELETED], OPEN),
        ([VOIDED, DELETED], VOIDED),
        ([DELETED, DELETED], DELETED),
        ([PAID, UNKNOWN], None),
        ([UNKNOWN, VOIDED], None),
    ],
)
def test_a_deals_invoices_have_one_status_together(statuses, told):
    assert status_of_all(statuses) == told
