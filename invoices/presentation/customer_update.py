"""The customer in QuickBooks beside what Pipedrive says: the card of the form, and how the update went, in words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration_settings import country_words
from integration_settings.country_words import country_code
from invoices.domain.books import TaxCode
from invoices.domain.customer_update import (
    EDITED_ELSEWHERE,
    Change,
    CustomerField,
    Difference,
    Reason,
    ending,
    ends_alike,
    same_words,
)
from invoices.domain.draft import AmountsAre
from invoices.domain.names import same_name
from invoices.domain.refusals import NOT_THERE
from invoices.domain.status import Submission
from invoices.form_memory import SeenCustomer
from invoices.forms import FormInput
from invoices.presentation.actions import Progress
from invoices.presentation.refusals import quoted, reasons
from invoices.presentation.say import Say
from invoices.selectors import Refusal, Updating

HIDDEN = "•" * 5
COUNTRY = 4  # its place in an address as it is shown


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a value; the changed ones are marked."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    field: str
    label: str
    old: tuple[Piece, ...]
    new: tuple[Piece, ...]
    ticked: bool
    possible: bool
    old_words: str = ""  # in place of a value, or how a masked number is read out
    note: str = ""
    kept: bool = False  # the note holds only while it is not ticked


@dataclass(frozen=True, slots=True)
class UpdateCard:
    """`seen` is what the card shows, signed; without `rows` the `line` says why there is nothing to tick."""

    seen: str = ""
    on: bool = False
    rows: tuple[DifferenceRow, ...] = ()
    tickable: bool = False
    aside: str = ""
    aside_ticked: str = ""  # with {ticked} for the page to fill in
    aside_all: str = ""
    line: str = ""
    again: bool = False
    tax_code: TaxCode | None = None  # what the customer usually pays, where the invoice has something else
    usual_tax: str = ""  # the id of what it usually pays
    gone_customer: str = ""  # the id of one that is not there any more
    renamed: str = ""  # that it has another name now than the form shows
    estimates_of: str = ""  # the id of a customer whose estimates may be asked for


def card_of(
    customer: SeenCustomer, seen: str, *, on: bool, ticked: Collection[str] | None, country: str, say: Say
) -> UpdateCard:
    """`ticked` are the rows as a person has left them, None for the proposed ones."""
    if all(difference.reason == Reason.SAME_ENDING for difference in customer.differences):
        return UpdateCard(line=_("QuickBooks has the same details for this customer."))
    rows = tuple(_row(difference, ticked, country) for difference in customer.differences)
    count = sum(row.possible for row in rows)
    if not count:
        return UpdateCard(rows=rows, aside=_("Nothing of this can be written"))
    shown = say.number(count)
    said = ngettext("{ticked} of {count} difference ticked", "{ticked} of {count} differences ticked", count)
    aside_ticked = said.replace("{count}", shown)
    aside_all = ngettext("{count} difference", "{count} differences", count).format(count=shown)
    number = say.number(sum(row.ticked for row in rows))
    return UpdateCard(
        seen=seen,
        on=on,
        rows=rows,
        tickable=True,
        aside=aside_ticked.replace("{ticked}", number) if on else aside_all,
        aside_ticked=aside_ticked,
        aside_all=aside_all,
    )


def with_name(card: UpdateCard, now: str, shown: str) -> UpdateCard:
    """With the customer's name in QuickBooks, where the form shows another one."""
    if same_name(now, shown):
        return card
    return replace(card, renamed=_("In QuickBooks this customer is called “{name}” now.").format(name=now))


def with_usual_tax(card: UpdateCard, usual: TaxCode | None, form: FormInput) -> UpdateCard:
    """With the code that QuickBooks usually taxes the customer with, told where a line of the form has another."""
    if usual is None:
        return card
    taxed = form.amounts_are != AmountsAre.NO_TAX
    differs = taxed and any(line.tax_code_id != usual.id for line in form.ticked)
    return replace(card, usual_tax=usual.id, tax_code=usual if differs else None)


def unread(problem: str) -> UpdateCard:
    """QuickBooks did not answer; the invoice can be created all the same."""
    said = _("The customer in QuickBooks could not be read, so nothing of it is updated. {problem}.")
    return UpdateCard(line=said.format(problem=problem), again=True)


def not_active(customer_id: str) -> UpdateCard:
    said = _("This customer is inactive in QuickBooks or no longer there, so it cannot be updated.")
    return UpdateCard(line=said, gone_customer=customer_id)


def _row(difference: Difference, ticked: Collection[str] | None, country: str) -> DifferenceRow:
    field, change = difference.field, difference.change
    old, new = _pieces(change)
    chosen = difference.proposed if ticked is None else field in ticked
    return DifferenceRow(
        field=str(field),
        label=field_label(field, country),
        old=old,
        new=new,
        ticked=difference.possible and chosen,
        possible=difference.possible,
        old_words=_old_words(change),
        note=_note(difference.reason),
        kept=difference.reason == Reason.SAME_ENDING,
    )


def field_label(field: str, country: str) -> str:
    labels = {CustomerField.ADDRESS: _("Address"), CustomerField.EMAIL: _("E-mail")}
    return labels.get(CustomerField(field)) or country_words.tax_id_label(country)


def _note(reason: Reason) -> str:
    """Stands behind Pipedrive's value, after a dot."""
    return {
        Reason.NONE: "",
        Reason.SAME_ENDING: _("same ending, kept as it is"),
        Reason.NO_FIELD: _("added to the customer’s notes if ticked"),
        Reason.NOTES_FULL: _("stays in Pipedrive, the customer’s notes are full"),
        Reason.ONE_TEXT: _("all of it in the street, town and postal code emptied if ticked"),
        Reason.NOT_AN_EMAIL: _("not an e-mail address, so it is not written"),
        Reason.TOO_LONG: _("too long for QuickBooks, so it is not written"),
        Reason.MASKED: _("part of it is hidden, so it is not written"),
    }[reason]


def _old_words(change: Change) -> str:
    if change.field == CustomerField.NOTES:
        return _("QuickBooks has no field for it in this country")
    if not any(change.before):
        # Translators: QuickBooks has nothing in this field of the customer
        return _("Empty")
    if change.field == CustomerField.TAX_ID:
        # Translators: read out in place of a number of which only the end is known
        return _("ends in {characters}").format(characters=ending(change.before[0]))
    return ""


def _pieces(change: Change) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    match change.field:
        case CustomerField.ADDRESS:
            return _address(change.before, change.after), _address(change.after, change.before)
        case CustomerField.EMAIL:
            return _email(change.before[0], change.after[0]), _email(change.after[0], change.before[0])
        case CustomerField.TAX_ID:
            old = ending(change.before[0])
            changed = not ends_alike(change.before[0], change.after[0])
            masked = (Piece(f"{HIDDEN}{old}", changed),) if old else ()
            return masked, (Piece(change.after[0], changed),)
        case CustomerField.NOTES:
            return (), (Piece(change.after[0]),)


def _address(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[Piece, ...]:
    """As "Unit 3, Aire Park, Leeds LS11 5PS", part by part; the country only where it is another."""
    street, city, region, postal_code, country = one
    shown = (street.replace("\n", ", "), city, postal_code, region, country)
    theirs = (other[0], other[1], other[3], other[2], other[4])
    pieces: list[Piece] = []
    for position, (text, counterpart) in enumerate(zip(shown, theirs, strict=True)):
        is_country = position == COUNTRY
        same = same_words(text, counterpart) or (is_country and country_code(text) == country_code(counterpart))
        if not text or (is_country and same):
            continue
        if pieces:
            pieces.append(Piece(" " if position == 2 and city else ", "))
        pieces.append(Piece(text, not same))
    return tuple(pieces)


def _email(one: str, other: str) -> tuple[Piece, ...]:
    """Before and behind the "@", each marked if it is another."""
    (name, at, domain), (others_name, _at, others_domain) = one.rpartition("@"), other.rpartition("@")
    pieces = (
        Piece(name + at, name.casefold() != others_name.casefold()),
        Piece(domain, domain.casefold() != others_domain.casefold()),
    )
    return tuple(piece for piece in pieces if piece.text)


# How it went


def progress_of_update(updating: Updating | None) -> Progress | None:
    """For the panel's row: what is under way or failed; nothing once it is done or the reason was put away."""
    if updating is None or updating.put_away or updating.submission == Submission.SUCCEEDED:
        return None
    return told(updating)


def told(updating: Updating, country: str = "") -> Progress:
    if updating.refusal is not None:
        why = why_not(updating.refusal, updating.customer_name)
        return Progress(f"{_('The customer was not updated.')} {why}", failed=True)
    if updating.submission == Submission.UNKNOWN:
        return Progress(_("QuickBooks did not answer in time. We are checking whether the customer was updated."))
    if updating.submission == Submission.SUCCEEDED:
        labels = ", ".join(dict.fromkeys(field_label(field, country) for field in updating.fields))
        # Translators: {fields} are names of fields, as in "Address, E-mail"
        return Progress(_("Customer updated in QuickBooks: {fields}").format(fields=labels))
    return Progress(_("The customer is being updated in QuickBooks…"))


def why_not(refusal: Refusal, customer: str) -> str:
    """The time of the other change is not told: an invoice moves QuickBooks' time of the customer, too."""
    known = reasons() | {
        EDITED_ELSEWHERE: _(
            "{customer} was changed in QuickBooks meanwhile. Look at both versions before you write."
        ).format(customer=customer),
        NOT_THERE: _("It is inactive in QuickBooks or no longer there."),
    }
    return known.get(refusal.code) or quoted(refusal) or _("QuickBooks gave no reason.")
