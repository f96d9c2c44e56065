"""One note per invoice in the deal's history, rewritten when what it says changes; and beside it the deal's own fields.

Pipedrive has no request ids for notes: after a lost answer the deal's notes are searched for ours before another is
written. It is known by its link into QuickBooks, which names the company and the invoice.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F
from django.utils import timezone, translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from integration_settings import formats
from integration_settings.clock import shared_now, spread, zone_called
from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    NotFound,
    RateLimited,
    Rejected,
    ServiceError,
)
from integration_settings.models import Company, ConnectionState, PipedriveUser, QuickBooksConnection
from integration_settings.pipedrive import PipedriveClient
from integration_settings.selectors import quickbooks_url, settings_of
from integration_settings.tenancy import language_of
from invoices import deal_fields
from invoices.deal_gateway import may_see_deal, seen_deal
from invoices.domain.status import InvoiceStatus
from invoices.leases import LeaseLost, free
from invoices.models import Invoice
from invoices.moved_deals import DEAL_GONE, follow_note, goes_after_the_others
from invoices.reports import overdue_from, status_of, zone

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
WAITS = (5, 15, 60, 300, 900, 3600)  # seconds before the next try
MOST_TRIES = 150  # about a week of hours
MOST_COLLEAGUES = 20  # who are asked in place of the creator
TRIED = 1  # after which the next try first looks whether one before it has written the note
OTHER_BOOKS = timedelta(hours=6)  # are connected: until it is looked again whether the company has come back to its own
NOTE_GONE = "note_gone"  # somebody has deleted it

MakeClient = Callable[[PipedriveUser], PipedriveClient]


class GivenUp(Exception):
    """The note cannot be written, and trying again will not change that. The text is a word for `note_problem`."""


@dataclass(frozen=True, slots=True)
class Note:
    """`text` without the time of the check: two notes with the same text need no rewriting."""

    text: SafeString
    checked: str

    @property
    def html(self) -> SafeString:
        return format_html("{}{}", self.text, self.checked)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def publish_note(invoice_id: int, make_client: MakeClient = PipedriveClient) -> None:
    """Writes or rewrites the note of an invoice when it is due; harmless otherwise. Never raises a `ServiceError`.

    A company that wants no notes gets no new ones; one that is there would tell an old status, so it is kept current.
    """
    invoice = _claim(invoice_id)
    if invoice is None:
        return None
    connection = QuickBooksConnection.objects.filter(company=invoice.company, realm_id=invoice.realm_id).first()
    if connection is None or not invoice.qbo_invoice_id:
        later = shared_now() + OTHER_BOOKS if invoice.qbo_invoice_id else None
        return _finish(invoice, note_due_at=later, note_attempts=TRIED)
    now = timezone.now()  # one for both: what is written before midnight and done after it is due again
    today = now.astimezone(zone(connection.timezone)).date()
    try:
        deal_fields.keep_current(invoice, _writers(invoice), make_client, today=today, word=status_word)
        done = _write(invoice, connection, make_client, now)
    except LeaseLost:
        return log.warning("another worker writes the note of invoice %s", invoice.public_id)
    except GivenUp as reason:
        return _give_up(invoice, str(reason))
    except ServiceError as error:
        return _finish(invoice, **_later(invoice, error))
    again = overdue_from(invoice, zone(connection.timezone))
    future = again if again and again > now else None
    return _finish(invoice, note_due_at=future, note_attempts=0, note_problem="", **done)


def _claim(invoice_id: int) -> Invoice | None:
    """Moves the due time into the future: whoever dies with it leaves it due again. A change that makes it due before
    waits for the end of this one: a note that Pipedrive is still taking cannot be found, and would be written twice.
    """
    now = shared_now()
    until = now + LEASE
    due = Invoice.objects.filter(free(now, "note_lease_until"), pk=invoice_id, note_due_at__lte=now)
    claim = {"note_due_at": until, "note_lease_until": until, "note_attempts": F("note_attempts") + 1}
    if due.update(**claim) != 1:
        return None
    invoice = Invoice.objects.select_related("company").filter(pk=invoice_id).first()
    if invoice is not None:  # else the company has left us in this very moment
        invoice.note_due_at = invoice.note_lease_until = until
    return invoice


def _renew(invoice: Invoice) -> None:
    """Before a note that nobody could find yet is written. Raises `LeaseLost` when our time was over."""
    until = shared_now() + LEASE
    mine = Invoice.objects.filter(pk=invoice.pk, note_lease_until=invoice.note_lease_until)
    if mine.update(note_lease_until=until) != 1:
        raise LeaseLost(str(invoice))
    invoice.note_lease_until = until


def _finish(invoice: Invoice, *, note_due_at: datetime | None, **columns: Any) -> None:
    """A change that came meanwhile has set its own time, which stays."""
    rows = Invoice.objects.filter(pk=invoice.pk)
    if columns:
        rows.update(**columns)
    rows.filter(note_due_at=invoice.note_due_at).update(note_due_at=note_due_at)
    rows.filter(note_lease_until=invoice.note_lease_until).update(note_lease_until=None)


def _give_up(invoice: Invoice, why: str) -> None:
    if why == DEAL_GONE and goes_after_the_others(invoice):  # and so does its note
        return _finish(invoice, note_due_at=shared_now(), note_attempts=TRIED)
    log.warning("the note of invoice %s is given up: %s", invoice.public_id, why)
    return _finish(invoice, note_due_at=None, note_problem=why, note_attempts=TRIED)


def _later(invoice: Invoice, error: ServiceError) -> dict[str, Any]:
    log.info("the note of invoice %s waits: %s", invoice.public_id, error)
    if invoice.note_attempts >= MOST_TRIES:
        return {"note_due_at": None, "note_problem": "gave_up", "note_attempts": TRIED}
    wait = spread(timedelta(seconds=WAITS[min(invoice.note_attempts, len(WAITS)) - 1]))
    if isinstance(error, RateLimited):
        wait = max(wait, timedelta(seconds=error.retry_after))
    problem = "no_user" if isinstance(error, ConnectionExpired) else ""
    return {"note_due_at": shared_now() + wait, "note_problem": problem}


# Writing


def _write(
    invoice: Invoice, connection: QuickBooksConnection, make_client: MakeClient, now: datetime
) -> dict[str, Any]:
    """With the grant of whoever made the invoice, else of a colleague who may see the deal. Returns what to store."""
    problem: ServiceError = ConnectionExpired("pipedrive", "no user of the company is connected")
    for user in _writers(invoice):
        try:
            return _write_as(user, invoice, connection, make_client(user), now)
        except (ConnectionExpired, AccessDenied, NotFound) as error:
            problem = error
        except Rejected as refusal:
            raise GivenUp("refused") from refusal
    if isinstance(problem, NotFound):
        raise GivenUp(NOTE_GONE if invoice.note_id else DEAL_GONE) from problem
    if isinstance(problem, AccessDenied):  # for all who may see the deal: it has its hundred notes already, say
        raise GivenUp("refused") from problem
    raise problem


def _writers(invoice: Invoice) -> Iterator[PipedriveUser]:
    """Administrators come first among the colleagues: they see most. Where so many cannot write it, nobody can; to ask
    thousands would take longer than a task may, and the company's tokens of the day.

    Where nobody sees the deal it may be gone, merged into another one say, and its note there: administrators try.
    """
    users = invoice.company.users.filter(state=ConnectionState.CONNECTED)
    yield from users.filter(user_id=invoice.created_by_id)
    colleagues = users.exclude(user_id=invoice.created_by_id).order_by("-is_admin", "connected_at")[:MOST_COLLEAGUES]
    nobody = True
    for user in colleagues:
        try:
            visible = may_see_deal(user, invoice.deal_id)
        except ConnectionExpired:
            continue
        if visible:
            nobody = False
            yield user
    if nobody and invoice.note_id:
        yield from (user for user in colleagues if user.is_admin)


def _write_as(
    user: PipedriveUser, invoice: Invoice, connection: QuickBooksConnection, client: PipedriveClient, now: datetime
) -> dict[str, Any]:
    if invoice.was_found and (facts := seen_deal(user, invoice.deal_id)):  # QuickBooks knows the deal's number alone
        party = {"organization_id": facts.organization_id, "person_id": facts.person_id}
        Invoice.objects.filter(pk=invoice.pk).update(**party)
    note = note_of(invoice, connection, reader=_reader(invoice) or user, now=now)
    unfinished = invoice.note_id is None and invoice.note_attempts > TRIED
    if unfinished and (found := _find(client, invoice)):  # an earlier try did not tell us how it ended
        Invoice.objects.filter(pk=invoice.pk).update(note_id=found)
        invoice.note_id = found
    if invoice.note_id is None and not settings_of(invoice.company).writes_notes:
        return {}
    if invoice.note_id is None:
        _renew(invoice)
        answer = client.add_note(deal_id=invoice.deal_id, content=note.html)
        return {"note_id": int(answer["id"]), "note_digest": note.digest}
    if invoice.note_digest != note.digest:
        follow_note(client, invoice.deal_id, client.update_note(note_id=invoice.note_id, content=note.html))
    return {"note_digest": note.digest, "note_id": invoice.note_id}


def _reader(invoice: Invoice) -> PipedriveUser | None:
    """Whoever made the invoice: its note speaks his language, also when a colleague's grant writes it."""
    return invoice.company.users.filter(user_id=invoice.created_by_id).first()


def _find(client: PipedriveClient, invoice: Invoice) -> int | None:
    ours = re.compile(rf"txnId(?:%3D|=){re.escape(invoice.qbo_invoice_id)}(?!\d)")
    for note in client.deal_notes(invoice.deal_id):
        content = str(note.get("content") or "")
        if ours.search(content) and invoice.realm_id in content and note.get("active_flag") is not False:
            return int(note["id"])
    return None


# What it says


def note_of(invoice: Invoice, connection: QuickBooksConnection, *, reader: PipedriveUser, now: datetime) -> Note:
    """Bold, list and link only: Pipedrive strips other tags. Everything that comes from outside is escaped."""
    place = zone(connection.timezone)
    with translation.override(language_of(reader)):
        status = status_of(invoice, now.astimezone(place).date())
        # Translators: first line of the note in a deal's history: "Invoice 1051 · Partially paid"
        title = _("Invoice {number} · {status}").format(number=_number(invoice), status=status_word(status))
        rows = format_html_join("", "<li>{}</li>", ((row,) for row in _rows(invoice, status, reader.locale, place)))
        link = "" if status == InvoiceStatus.DELETED else _link(invoice, connection)
        text = format_html("<b>{}</b><ul>{}</ul>{}", title, rows, link)
        known = _known_at(invoice, connection) or now
        # Translators: when the status in the note was read: "status of 23 Nov 2026, 09:14"
        checked = _("status of {date}, {time}").format(
            date=formats.format_date(known.astimezone(place).date(), reader.locale),
            time=formats.format_time(known, reader.locale, place, own=_elsewhere(invoice.company, known, place)),
        )
    return Note(text, checked if not link else f" · {checked}")


def _elsewhere(company: Company, moment: datetime, place: ZoneInfo) -> ZoneInfo | None:
    """The zone of a user whose own clock shows another time: everybody in the company reads the same note."""
    zones = map(zone_called, company.users.values_list("timezone", flat=True).distinct())
    told = moment.astimezone(place).utcoffset()
    return next((own for own in zones if own and moment.astimezone(own).utcoffset() != told), None)


def _known_at(invoice: Invoice, connection: QuickBooksConnection) -> datetime | None:
    """When QuickBooks last confirmed what the note says: it may be written much later, and while nobody can ask."""
    return max((moment for moment in (invoice.checked_at, connection.last_synced_at) if moment), default=None)


def status_word(status: InvoiceStatus) -> str:
    words = {
        InvoiceStatus.OPEN: _("Open"),
        InvoiceStatus.PARTIALLY_PAID: _("Partially paid"),
        InvoiceStatus.PAID: _("Paid"),
        InvoiceStatus.OVERDUE: _("Overdue"),
        InvoiceStatus.VOIDED: _("Voided"),
        InvoiceStatus.DELETED: _("Deleted"),
        InvoiceStatus.UNKNOWN: _("Unknown"),
    }
    return words[status]


def _number(invoice: Invoice) -> str:
    return invoice.number or f"#{invoice.qbo_invoice_id}"


def _rows(invoice: Invoice, status: InvoiceStatus, locale: str, place: ZoneInfo) -> Iterator[str]:
    if status in (InvoiceStatus.VOIDED, InvoiceStatus.DELETED):
        yield _what_was(invoice, status, locale)
    else:
        yield _amounts(invoice, locale)
        yield _dates(invoice, status, locale, place)
    # Translators: in the note of an invoice, followed by the customer's name in QuickBooks
    yield _("Customer {name}").format(name=invoice.customer_name)
    if invoice.estimate_number:
        yield _("Estimate {number}").format(number=invoice.estimate_number)


def _what_was(invoice: Invoice, status: InvoiceStatus, locale: str) -> str:
    if invoice.total is None:  # it could not be read
        if status == InvoiceStatus.VOIDED:
            return _("Voided {date}").format(date=_day(invoice.voided_on, locale))
        return _("Deleted in QuickBooks {date}").format(date=_day(invoice.deleted_on, locale))
    total = _money(invoice.total, invoice.currency, locale)
    if status == InvoiceStatus.VOIDED:
        # Translators: in the note of a voided invoice: "Was £7,200.00; voided on 3 Nov 2026"
        return _("Was {total}; voided on {date}").format(total=total, date=_day(invoice.voided_on, locale))
    # Translators: in the note of a deleted invoice: "Was £960.00; deleted in QuickBooks on 28 Oct 2026"
    return _("Was {total}; deleted in QuickBooks on {date}").format(total=total, date=_day(invoice.deleted_on, locale))


def _amounts(invoice: Invoice, locale: str) -> str:
    if invoice.total is None or invoice.balance is None:
        return _("QuickBooks has not reported an amount yet")
    total, balance = invoice.total, invoice.balance
    whole = _money(total, invoice.currency, locale)
    if total == balance or not total:
        # Translators: in the note of an invoice: "Total £2,880.00"
        return _("Total {total}").format(total=whole)
    parts = (
        # Translators: in the note of an invoice: "Total £7,200.00 · paid £3,000.00 · credited £200.00 · open £4,000.00"
        (_("paid {amount}"), invoice.settled - invoice.credited),
        # Translators: what credit notes have settled of an invoice, not money
        (_("credited {amount}"), invoice.credited),
        # Translators: what is left to pay of an invoice
        (_("open {amount}"), balance),
    )
    told = [text.format(amount=_money(amount, invoice.currency, locale)) for text, amount in parts if amount]
    return " · ".join([_("Total {total}").format(total=whole), *told])


def _dates(invoice: Invoice, status: InvoiceStatus, locale: str, place: ZoneInfo) -> str:
    issued, due = _day(invoice.invoice_date, locale), _day(invoice.due_date, locale)
    if status == InvoiceStatus.PAID and invoice.paid_on and invoice.credited == invoice.total:
        # Translators: in the note of an invoice that a credit note has settled, no money
        return _("Issued {issued} · credited {credited}").format(issued=issued, credited=_day(invoice.paid_on, locale))
    if status == InvoiceStatus.PAID and invoice.paid_on:
        # Translators: in the note of an invoice: "Issued 20 Nov 2026 · paid 2 Dec 2026"
        return _("Issued {issued} · paid {paid}").format(issued=issued, paid=_day(invoice.paid_on, locale))
    if invoice.emailed_at:
        # Translators: in the note of an invoice: "Issued 20 Nov 2026 · due 7 Dec 2026 · e-mailed 20 Nov 2026"
        return _("Issued {issued} · due {due} · e-mailed {emailed}").format(
            issued=issued, due=due, emailed=_day(invoice.emailed_at.astimezone(place).date(), locale)
        )
    # Translators: in the note of an invoice: "Issued 20 Nov 2026 · due 7 Dec 2026"
    return _("Issued {issued} · due {due}").format(issued=issued, due=due)


def _link(invoice: Invoice, connection: QuickBooksConnection) -> SafeString:
    address = quickbooks_url(connection, "invoice", txnId=invoice.qbo_invoice_id)
    return format_html('<a href="{}">{}</a>', address, _("Open in QuickBooks"))


def _money(amount: Decimal | None, currency: str, locale: str) -> str:
    return formats.format_money(amount or Decimal(0), currency, locale)


def _day(day: date | None, locale: str) -> str:
    return formats.format_date(day, locale) if day else "–"
