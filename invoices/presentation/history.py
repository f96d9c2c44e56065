"""What was written to QuickBooks for one invoice, step by step, in words that can be copied for support."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from invoices.domain.actions import Action
from invoices.domain.refusals import CANCELLED
from invoices.domain.status import Submission
from invoices.models import Invoice, InvoiceAction, QuickBooksWrite, WriteKind, WriteOutcome
from invoices.presentation.actions import found_done, not_done, why_not
from invoices.presentation.estimate import not_linked
from invoices.presentation.say import Say
from invoices.selectors import refusal_of


@dataclass(frozen=True, slots=True)
class HistoryStep:
    time: str
    what: str
    tone: str = ""  # "positive", "negative", "warning" or "" for quiet
    small: str = ""  # for support: codes and ids
    by: str = ""
    detail: str = ""  # what of `small` stands below the step where who asked and Intuit's id have columns of their own
    trace_id: str = ""

    @property
    def line(self) -> str:
        return " · ".join(part for part in (self.time, self.what, self.small) if part)


@dataclass(frozen=True, slots=True)
class History:
    title: str
    steps: tuple[HistoryStep, ...]

    @property
    def support_text(self) -> str:
        return "\n".join([self.title, *(step.line for step in self.steps)])


TONES = {
    WriteOutcome.DONE: "positive",
    WriteOutcome.REFUSED: "negative",
    WriteOutcome.UNKNOWN: "warning",
    WriteOutcome.NOTHING_DONE: "warning",
}


def history_of(
    invoice: Invoice,
    writes: Sequence[QuickBooksWrite],
    asked_since: Iterable[InvoiceAction],
    say: Say,
    *,
    by_rule: bool = False,
) -> History:
    """`asked_since` are the voids, deletions and e-mails that people have asked for; `by_rule`: nobody has pressed for
    the invoice itself.
    """
    asked = _found_again() if invoice.was_found else _asked(invoice, by_rule=by_rule)
    steps = [(invoice.created_at, HistoryStep(_moment(invoice.created_at, say), asked, by=invoice.created_by_name))]
    steps += [(write.begun_at, _step(write, say)) for write in writes]
    told = any(write.kind == WriteKind.CREATE_INVOICE and write.outcome == WriteOutcome.DONE for write in writes)
    if invoice.submission == Submission.SUCCEEDED and invoice.settled_at and not told:
        # Nothing but a search told us, or it is older than these notes.
        found = HistoryStep(_moment(invoice.settled_at, say), _("The invoice is in QuickBooks"), "positive")
        steps.append((invoice.settled_at, found))
    if invoice.estimate_kept is False and invoice.settled_at:
        steps.append((invoice.settled_at, HistoryStep(_moment(invoice.settled_at, say), not_linked(), "warning")))
    for action in asked_since:
        own = [write for write in writes if write.request_id.startswith(action.request_id)]
        if action.settled_at and not (own and _says_so(own[-1], action)):
            steps.append((action.settled_at, _found(action, say)))
    cancelled = invoice.refusal or {}
    if cancelled.get("code") == CANCELLED and invoice.settled_at:
        by = str(cancelled.get("by", ""))
        ended = _("{name} withdrew it before it was sent to QuickBooks").format(name=by)
        steps.append((invoice.settled_at, HistoryStep(_moment(invoice.settled_at, say), ended, by=by)))
    steps.sort(key=lambda step: step[0])
    title = _("History of invoice {number}") if invoice.number else _("History of the invoice")
    title = title.format(number=invoice.number)
    return History(title, tuple(step for _moment_of_it, step in steps))


def _found_again() -> str:
    # Translators: first step of the history of an invoice that our own records had lost
    return _("Found in QuickBooks with this deal’s mark; who asked for it is not on record")


def _asked(invoice: Invoice, *, by_rule: bool) -> str:
    if by_rule:
        # Translators: first step of the history of an invoice that was made automatically
        return _("Made by itself when the deal was ready, in the name of {name}").format(name=invoice.created_by_name)
    if invoice.estimate_id:
        said = _("{name} asked for the invoice, from estimate {number}")
        return said.format(name=invoice.created_by_name, number=invoice.estimate_number or "–")
    # Translators: first step of an invoice's history
    return _("{name} asked for the invoice").format(name=invoice.created_by_name)


def _says_so(last: QuickBooksWrite, action: InvoiceAction) -> bool:
    """The answer to its last call tells how it ended."""
    if action.submission == Submission.SUCCEEDED:
        return last.outcome == WriteOutcome.DONE
    return last.outcome == WriteOutcome.REFUSED and last.code == (action.refusal or {}).get("code")


def _found(action: InvoiceAction, say: Say) -> HistoryStep:
    """How it ended where no answer to a call says so: a look at the invoice told."""
    kind, refusal = Action(action.kind), refusal_of(action)
    if refusal is not None:
        what, tone = f"{not_done(kind)} {why_not(refusal, kind)}", "negative"
    else:
        what, tone = found_done(kind), "positive"
    return HistoryStep(_moment(action.settled_at or action.asked_at, say), what, tone)


def _moment(moment: datetime, say: Say) -> str:
    """To the second, as support compares it with logs."""
    return f"{say.day(moment.astimezone(say.zone).date())}, {say.clock(moment, seconds=True)}"


def _step(write: QuickBooksWrite, say: Say) -> HistoryStep:
    kinds = {
        WriteKind.CREATE_CUSTOMER: _("Create the customer"),
        WriteKind.UPDATE_CUSTOMER: _("Update the customer"),
        WriteKind.CREATE_ITEM: _("Create an item"),
        WriteKind.CREATE_INVOICE: _("Create the invoice"),
        WriteKind.VOID: _("Void the invoice"),
        WriteKind.DELETE: _("Delete the invoice"),
        WriteKind.SEND: _("Send the invoice by e-mail"),
        WriteKind.ATTACH: _("Attach a file"),
    }
    outcomes = {
        WriteOutcome.DONE: _("done"),
        WriteOutcome.REFUSED: _("refused"),
        WriteOutcome.UNKNOWN: _("no answer in time"),
        WriteOutcome.NOTHING_DONE: _("not done, tried again later"),
    }
    # Translators: of a call to QuickBooks whose end is not known yet
    outcome = outcomes[WriteOutcome(write.outcome)] if write.outcome else _("under way")
    by = _("asked by {name}").format(name=write.asked_by_name)
    code = _("QuickBooks code %(code)s") % {"code": write.code} if write.code else ""
    trace = _("Intuit request id %(id)s") % {"id": write.trace_id} if write.trace_id else ""
    ours = _("our request id {id}").format(id=write.request_id)
    rest = (
        _("sent: {fields}").format(fields=", ".join(in_words(write.sent_fields))) if write.sent_fields else "",
        _("digest {digest}").format(digest=write.sent_digest[:16]) if write.sent_digest else "",
        _("try {count}").format(count=say.number(write.tries)) if write.tries > 1 else "",
    )
    return HistoryStep(
        time=_moment(write.begun_at, say),
        # Translators: a step of an invoice's history, as in "Create the invoice: refused"
        what=_("{step}: {outcome}").format(step=kinds[WriteKind(write.kind)], outcome=outcome),
        tone=TONES[WriteOutcome(write.outcome)] if write.outcome else "",
        small=_row(by, code, trace, ours, *rest),
        by=write.asked_by_name,
        detail=_row(code, ours),
        trace_id=write.trace_id,
    )


def in_words(members: Iterable[str]) -> list[str]:
    """Members of what is sent to QuickBooks, as people know them; one without a word of ours as QuickBooks has it."""
    words = {
        # of an invoice
        "CustomerRef": _("Customer"),
        "TxnDate": _("Invoice date"),
        "DueDate": _("Due date"),
        "Line": _("Lines"),
        "PrivateNote": _("Private note"),
        "SalesTermRef": pgettext("of payment", "Terms"),
        "GlobalTaxCalculation": _("Tax treatment"),
        "CurrencyRef": _("Currency"),
        "ExchangeRate": _("Exchange rate"),
        "TxnTaxDetail": _("Sales tax rate"),
        "DocNumber": _("Invoice number"),
        "BillEmail": _("E-mail"),
        "BillEmailCc": _("CC"),
        "BillEmailBcc": _("BCC"),
        "CustomerMemo": _("Message to the customer"),
        "ClassRef": _("Class"),
        "DepartmentRef": _("Location"),
        "CustomField": _("Custom fields"),
        "LinkedTxn": _("Estimate"),
        "ApplyTaxAfterDiscount": _("Tax after discount"),
        "sendTo": _("E-mail to"),
        # of a customer
        "DisplayName": _("Name"),
        "PrimaryEmailAddr": _("E-mail"),
        "BillAddr": _("Billing address"),
        "ShipAddr": _("Shipping address"),
        "PrimaryTaxIdentifier": _("Tax ID"),
        "GSTIN": _("GSTIN"),
        "Notes": _("Notes"),
        # of an item
        "Name": _("Name"),
        "Type": _("Type"),
        "Sku": _("SKU"),
        "IncomeAccountRef": _("Income account"),
        "SalesTaxCodeRef": _("Tax code"),
        "Taxable": _("Taxable"),
        # of a file
        "AttachableRef": _("Invoice"),
        "FileName": _("Name"),
        "ContentType": _("Type"),
        "Note": _("Notes"),
        # of what is there already
        "Id": _("QuickBooks id"),
        "SyncToken": _("Version"),
    }
    return [words.get(member, member) for member in members if member != "sparse"]  # which only says how it is meant


def _row(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
