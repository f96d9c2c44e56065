"""What waits on the desk, in words: since when, how often it was tried, when again, and for how long at most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration_settings.formats import with_one_stop
from invoices.attention import Waiting
from invoices.domain.actions import Action
from invoices.domain.money import Money
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Invoice, InvoiceAction
from invoices.presentation.panel import Banner
from invoices.presentation.say import Say


@dataclass(frozen=True, slots=True)
class WaitingRow:
    key: str
    title: str
    text: str
    public_id: str
    what: str  # "", "action" or "customer"
    verifying: bool
    button: str = ""
    can_cancel: bool = False


def waiting_row(row: Waiting, say: Say, now: datetime) -> WaitingRow:
    intent = row.intent
    verifying = intent.submission == Submission.UNKNOWN
    lost = verifying and row.former_books
    what = "action" if isinstance(intent, InvoiceAction) else "customer" if isinstance(intent, CustomerUpdate) else ""
    return WaitingRow(
        key=f"{row.invoice.public_id}{what}",
        title=named(row.invoice, row.worth, say),
        text=" ".join(part for part in (_doing(row), _since(row, say, now), _until(row, say)) if part),
        public_id=str(row.invoice.public_id),
        what=what,
        verifying=verifying,
        button="" if row.signed_out or row.in_hand or lost else _("Check now") if verifying else _("Try now"),
        can_cancel=row.can_cancel,
    )


def named(invoice: Invoice, worth: Money | None, say: Say) -> str:
    """An invoice that has no number yet, and what it is worth."""
    return f"{title_of(invoice)} · {say.money(worth)}" if worth else title_of(invoice)


def title_of(invoice: Invoice) -> str:
    """The deal's, else the customer's name."""
    customer = invoice.customer_name or str(invoice.draft.get("bill_to", {}).get("name", ""))
    return str(invoice.deal_then.get("title") or "") or customer or _("Deal {number}").format(number=invoice.deal_id)


def _doing(row: Waiting) -> str:
    intent = row.intent
    if isinstance(intent, InvoiceAction):
        return {
            Action.VOID: _("To be voided."),
            Action.DELETE: _("To be deleted."),
            Action.SEND: _("To be sent to {address}.").format(address=intent.to),
            Action.ATTACH: _("Files to be attached."),
        }[Action(intent.kind)]
    return _("The customer is to be updated.") if isinstance(intent, CustomerUpdate) else ""


def _since(row: Waiting, say: Say, now: datetime) -> str:
    intent = row.intent
    if row.signed_out:
        said = _("Requested {moment}; it waits until somebody signs in to QuickBooks again.")
        return said.format(moment=say.since(row.since, now))
    if row.in_hand:
        return _("It is being sent at this moment.")
    tries = ngettext("Tried {count} time", "Tried {count} times", intent.attempts).format(
        count=say.number(intent.attempts)
    )
    if intent.submission == Submission.UNKNOWN:
        sent = say.since(intent.sent_at or row.since, now, seconds=True)
        if row.former_books:
            said = _("Sent {moment}, no answer. We ask again once the former QuickBooks company is connected.")
            return said.format(moment=sent)
        # Translators: {tries} is "Tried 2 times", {next} is "next try 09:24"
        said = _("Sent {moment}, no answer. {tries}, {next}; we ask until we know. There will never be two.")
        return said.format(moment=sent, tries=tries, next=say.next_try(intent.next_attempt_at, now))
    if not intent.attempts:
        return _("Requested {moment}; it goes out at any moment.").format(moment=say.since(row.since, now))
    said = _("QuickBooks has not taken it since {moment}. {tries}, {next}.")
    next_try = say.next_try(intent.next_attempt_at, now)
    return with_one_stop(said.format(moment=say.since(row.since, now), tries=tries, next=next_try))


def _until(row: Waiting, say: Say) -> str:
    if row.until is None:
        return ""
    return _("It is given up {moment} at the latest.").format(moment=say.moment(row.until))


def waiting_banner(moved: bool) -> Banner | None:
    if moved:
        return None
    return Banner("info", _("It is being sent at this moment, or it is done."), _("The list shows what it is now."))


def cancelled_banner(done: bool, what: str) -> Banner:
    """`what` as in a `WaitingRow`. A new customer or item may have been created before the invoice."""
    if done and what:
        return Banner("done", _("Withdrawn."), _("Nothing of it has been done in QuickBooks, and nothing will be."))
    if done:
        said = _("There is no invoice of it in QuickBooks. What was entered stays on the deal.")
        return Banner("done", _("Withdrawn."), said)
    fact = _("It cannot be withdrawn any more.")
    return Banner("warning", fact, _("It is being sent at this moment, or was sent. The list shows what it is now."))
