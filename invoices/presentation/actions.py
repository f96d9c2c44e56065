"""What can be done with an invoice of the panel, in words: the questions asked before, and how it goes."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from integration_settings.rights import Right
from invoices.actions import NEEDS
from invoices.domain.actions import Action
from invoices.domain.money import Money
from invoices.domain.refusals import (
    BOOKS_CLOSED,
    FILE_GONE,
    FILE_TOO_LARGE,
    NO_GRANT,
    NOT_ATTACHED,
    NOT_SENT,
    NOT_THERE,
    PAID_MEANWHILE,
    VOIDED_MEANWHILE,
)
from invoices.domain.status import Submission
from invoices.presentation.refusals import quoted, reasons
from invoices.presentation.say import Say
from invoices.selectors import Doing, InvoiceRow, Refusal


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before a step that cannot be undone."""

    title: str
    text: str
    button: str
    paid: str = ""  # what the question says has been paid, for the answer; as a plain number


@dataclass(frozen=True, slots=True)
class Menu:
    """The entries behind the "…" of an invoice; those that make no sense for it, or without the right, are absent."""

    name: str
    quickbooks_url: str
    send: bool = False
    link: bool = False
    pdf: bool = False
    void: Question | None = None
    delete: Question | None = None
    history: bool = False
    files: bool = False

    @property
    def is_empty(self) -> bool:
        entries = (
            self.quickbooks_url,
            self.send,
            self.files,
            self.link,
            self.pdf,
            self.void,
            self.delete,
            self.history,
        )
        return not any(entries)


@dataclass(frozen=True, slots=True)
class Progress:
    """An action under way, or why it was not done."""

    text: str
    failed: bool = False


def called(number: str, total: Money | None, say: Say) -> str:
    """What follows the word invoice in a button or question: its number, or its amount while it has none."""
    return number or (say.money(total) if total else _("No number"))


def menu_of(row: InvoiceRow, say: Say, rights: frozenset[Right], *, history: bool = False) -> Menu:
    """While something is done with the invoice nothing else can be begun. `history`: the reader may see it."""
    number = called(row.number, row.total, say)
    idle = row.doing is None or row.doing.refusal is not None
    can = {action for action in row.can if NEEDS[action] in rights} if idle else set()
    return Menu(
        # Translators: name of the button that opens the menu of one invoice
        name=_("More for invoice {number}").format(number=number),
        quickbooks_url=row.quickbooks_url if row.deleted_on is None else "",
        send=Action.SEND in can,
        link=row.can_be_paid,
        pdf=row.has_document,
        void=_void(row, number, say) if Action.VOID in can else None,
        delete=_delete(row, number) if Action.DELETE in can else None,
        history=history,
        files=Action.ATTACH in can,
    )


def _void(row: InvoiceRow, number: str, say: Say) -> Question:
    if row.settled and row.settled == row.credited:
        text = _(
            "A credit of {amount} has settled it. QuickBooks may want that taken off first; otherwise the customer has "
            "it again. A voided invoice cannot be un-voided."
        ).format(amount=say.money(row.settled))
    elif row.settled:
        text = _(
            "{amount} has been paid on it. QuickBooks may want that payment removed first; otherwise it keeps it as "
            "the customer’s credit. A voided invoice cannot be un-voided."
        ).format(amount=say.money(row.settled))
    else:
        text = _(
            "It stays in QuickBooks with its number, all amounts become zero. A voided invoice cannot be un-voided."
        )
    paid = format(row.settled.amount, "f") if row.settled else "0"
    return Question(_("Void invoice {number}?").format(number=number), text, _("Void invoice"), paid)


def _delete(row: InvoiceRow, number: str) -> Question:
    if row.settled and row.settled == row.credited:
        text = _(
            "It disappears from QuickBooks with its number; the deal keeps a line saying so. QuickBooks wants the "
            "credit on it taken off first. This cannot be undone."
        )
    elif row.settled:
        text = _(
            "It disappears from QuickBooks with its number; the deal keeps a line saying so. QuickBooks wants the "
            "payment on it removed first. This cannot be undone."
        )
    else:
        text = _(
            "It disappears from QuickBooks with its number; the deal keeps a line saying so. This cannot be undone."
        )
    return Question(_("Delete invoice {number}?").format(number=number), text, _("Delete invoice"))


def progress_of(doing: Doing | None) -> Progress | None:
    if doing is None:
        return None
    if doing.refusal is not None:
        return Progress(f"{not_done(doing.kind)} {why_not(doing.refusal, doing.kind)}".strip(), failed=True)
    if doing.submission == Submission.UNKNOWN:
        return Progress(
            {
                Action.VOID: _("QuickBooks did not answer in time. We are checking whether the invoice was voided."),
                Action.DELETE: _("QuickBooks did not answer in time. We are checking whether the invoice was deleted."),
                Action.SEND: _("QuickBooks did not answer in time. We are checking whether the e-mail was sent."),
                Action.ATTACH: _("QuickBooks did not answer in time. We are checking whether the file was attached."),
            }[doing.kind]
        )
    return Progress(
        {
            Action.VOID: _("Being voided in QuickBooks…"),
            Action.DELETE: _("Being deleted in QuickBooks…"),
            Action.SEND: _("QuickBooks is sending it to {address}…").format(address=doing.to),
            Action.ATTACH: _("Files are being attached in QuickBooks…"),
        }[doing.kind]
    )


def not_done(kind: Action) -> str:
    return {
        Action.VOID: _("The invoice was not voided."),
        Action.DELETE: _("The invoice was not deleted."),
        Action.SEND: _("The e-mail was not sent."),
        Action.ATTACH: _("Files could not be attached."),
    }[kind]


def found_done(kind: Action) -> str:
    """Its answer was lost, and a look at the invoice told."""
    return {
        Action.VOID: _("The invoice is void in QuickBooks"),
        Action.DELETE: _("The invoice is not in QuickBooks any more"),
        Action.SEND: _("QuickBooks has sent the e-mail"),
        Action.ATTACH: _("The files are attached in QuickBooks"),
    }[kind]


def why_not(refusal: Refusal, kind: Action) -> str:
    why = _why_not(refusal, kind)
    # Translators: {files} is one or more names of files, {why} a sentence
    return _("{files}: {why}").format(files=refusal.name, why=why) if kind == Action.ATTACH and refusal.name else why


def _why_not(refusal: Refusal, kind: Action) -> str:
    known = reasons() | {
        NOT_SENT: _("QuickBooks shows no trace of it. It can be sent again."),
        NOT_THERE: _("It is not in QuickBooks any more."),
        BOOKS_CLOSED: _("The books are closed for its date. Whoever keeps them can open the period in QuickBooks."),
        PAID_MEANWHILE: _("A payment has come in that was not shown yet. Voiding it has to be asked for again."),
        # Translators: why an invoice was not e-mailed; it = the invoice
        VOIDED_MEANWHILE: _("It was voided meanwhile."),
        NOT_ATTACHED: _("QuickBooks shows no trace of it. It can be attached again."),
        FILE_GONE: _("Pipedrive does not have this file any more, or not for you."),
        FILE_TOO_LARGE: _("It is larger than QuickBooks takes."),
        NO_GRANT: _("Whoever asked for it is not signed in to Pipedrive any more. It can be attached again."),
    }
    if refusal.code in known:
        return known[refusal.code]
    said = quoted(refusal)
    if kind == Action.DELETE and "link" in f"{refusal.detail} {refusal.message}".lower():
        return _(
            "A payment or credit is linked to it. Once that is removed in QuickBooks it can be deleted; "
            "or it can be voided."
        )
    return said or _("QuickBooks gave no reason.")
