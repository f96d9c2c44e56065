"""What the note in the deal's history says: to whom, in whose language, by whose calendar, and safe to read."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone

from invoices import notes
from tests.factories import D, make_user
from tests.invoices.noting import clock, invoice

__all__ = ["clock", "invoice"]


def text_of(invoice, user, **changes):
    for name, value in changes.items():
        setattr(invoice, name, value)
    return str(notes.note_of(invoice, invoice.company.quickbooks, reader=user, now=timezone.now()).html)


def test_an_e_mail_of_the_evening_is_of_the_company_s_day(invoice, user):
    invoice.company.quickbooks.timezone = "America/Los_Angeles"
    told = text_of(invoice, user, emailed_at=datetime(2026, 11, 21, 3, tzinfo=UTC))
    assert "e-mailed 20 Nov 2026" in told


def test_it_says_what_the_picture_says(invoice, user, settings):
    link = (
        f"{settings.QUICKBOOKS_WEB_URL}/app/login?pagereq=invoice%3FtxnId%3D77&amp;deeplinkcompanyid={invoice.realm_id}"
    )
    assert text_of(invoice, user) == (
        "<b>Invoice 1051 · Partially paid</b>"
        "<ul><li>Total £7,200.00 · paid £3,000.00 · open £4,200.00</li>"
        "<li>Issued 4 Nov 2026 · due 4 Dec 2026</li>"
        "<li>Customer Bramley Foods Ltd</li></ul>"
        f'<a href="{link}">Open in QuickBooks</a> · status of 23 Nov 2026, 09:14'
    )


@pytest.mark.parametrize(
    ("changes", "title", "row"),
    [
        ({"balance": D(7200)}, "Open", "<li>Total £7,200.00</li>"),
        ({"balance": D(0), "paid_on": date(2026, 11, 20)}, "Paid", "<li>Issued 4 Nov 2026 · paid 20 Nov 2026</li>"),
        ({"balance": D(7200), "due_date": date(2026, 11, 9)}, "Overdue", "<li>Issued 4 Nov 2026 · due 9 Nov 2026</li>"),
        ({"voided_on": date(2026, 11, 3)}, "Voided", "<li>Was £7,200.00; voided on 3 Nov 2026</li>"),
        (
            {"deleted_on": date(2026, 11, 3)},
            "Deleted",
            "<li>Was £7,200.00; deleted in QuickBooks on 3 Nov 2026</li>",
        ),
        (
            {"emailed_at": datetime(2026, 11, 20, 12, tzinfo=UTC)},
            "Partially paid",
            "<li>Issued 4 Nov 2026 · due 4 Dec 2026 · e-mailed 20 Nov 2026</li>",
        ),
    ],
)
def test_every_status_has_its_words(invoice, user, changes, title, row):
    text = text_of(invoice, user, **changes)
    assert f"<b>Invoice 1051 · {title}</b>" in text
    assert row in text


def test_it_says_when_quickbooks_was_asked_and_not_when_it_was_written(invoice, user, clock):
    """Overdue by the calendar, while nobody has signed in to QuickBooks for weeks."""
    clock.move_to(datetime(2026, 12, 20, 8, 0, tzinfo=UTC))
    told = text_of(invoice, user)
    assert "Overdue" in told
    assert told.endswith("status of 23 Nov 2026, 09:14")
    invoice.company.quickbooks.last_synced_at = datetime(2026, 12, 19, 7, 30, tzinfo=UTC)
    assert text_of(invoice, user).endswith("status of 19 Dec 2026, 07:30")


def test_its_time_names_the_zone_once_somebody_in_the_company_has_another_clock(invoice, user):
    make_user(invoice.company, timezone="Europe/Lisbon")
    assert text_of(invoice, user).endswith("status of 23 Nov 2026, 09:14")
    make_user(invoice.company, timezone="Europe/Berlin")
    assert text_of(invoice, user).endswith("status of 23 Nov 2026, 09:14\u00a0GMT")


def test_a_zone_that_nobody_knows_is_no_other_clock(invoice, user):
    invoice.company.users.update(timezone="Nowhere/Land")
    invoice.company.quickbooks.timezone = "Europe/Berlin"
    assert text_of(invoice, user).endswith("status of 23 Nov 2026, 10:14")


def test_a_deleted_invoice_has_no_link(invoice, user):
    assert "<a " not in text_of(invoice, user, deleted_on=date(2026, 11, 3))


def test_foreign_text_is_only_text(invoice, user):
    text = text_of(invoice, user, customer_name='<script>alert("x")</script> O\'Brien & Sons', number="<b>1</b>")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "Invoice &lt;b&gt;1&lt;/b&gt;" in text


def test_money_and_dates_are_in_the_creators_locale(invoice, user):
    user.locale = "de_DE"
    text = text_of(invoice, user).replace("\xa0", " ")
    assert "Total 7.200,00 £" in text
    assert "04.11.2026" in text


def test_the_companys_calendar_decides_about_overdue(invoice, user, clock):
    """In Sydney it is tomorrow already."""
    invoice.company.quickbooks.timezone = "Australia/Sydney"
    clock.move_to(datetime(2026, 12, 4, 14, 0, tzinfo=UTC))
    assert "Overdue" in text_of(invoice, user)
    invoice.company.quickbooks.timezone = "America/Chicago"
    assert "Overdue" not in text_of(invoice, user)
