"""The estimate that an invoice is made from, in words: in the list, in the form, and beside the invoice."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from invoices.domain.estimate import LeftOut
from invoices.estimates import Offered
from invoices.form_memory import Memory
from invoices.presentation.say import Say


@dataclass(frozen=True, slots=True)
class Option:
    """A row of the list; without a `value` it cannot be chosen, and `why_not` says so."""

    value: str
    title: str
    total: str
    about: str
    label: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class ChosenEstimate:
    """What stands above the lines; `left_out` are sentences."""

    title: str
    text: str
    left_out: tuple[str, ...]


def called(number: str) -> str:
    # Translators: an estimate (an offer) in QuickBooks, by its number
    return _("Estimate {number}").format(number=number) if number else _("Estimate without a number")


def option(offered: Offered, value: str, say: Say) -> Option:
    estimate = offered.estimate
    # Translators: the state of an estimate: the customer has not answered yet
    pending = pgettext("estimate", "Pending")
    parts = [
        say.day(estimate.day) if estimate.day else "",
        # Translators: the state of an estimate: the customer has agreed
        pgettext("estimate", "Accepted") if estimate.status == "Accepted" else pending,
    ]
    if estimate.ends_on:
        # Translators: of an estimate, after its date
        ends = _("expired {date}") if offered.is_over else _("valid until {date}")
        parts.append(ends.format(date=say.day(estimate.ends_on)))
    title = called(estimate.number)
    return Option(
        value="" if offered.used else value,
        title=title,
        total=say.amount(estimate.total or Decimal(0), offered.taken_over.draft.currency),
        about=" · ".join(part for part in parts if part),
        # Translators: button beside an estimate, {estimate} is "Estimate 1002"
        label=_("Invoice it: {estimate}").format(estimate=title),
        why_not=_("An invoice of it was asked for already.") if offered.used else "",
    )


def chosen(memory: Memory, say: Say) -> ChosenEstimate | None:
    estimate = memory.estimate
    if estimate is None:
        return None
    return ChosenEstimate(
        title=f"{called(estimate.number)} · {say.amount(estimate.total, estimate.currency)}",
        text=_("The lines are the estimate’s. QuickBooks closes it when the invoice is created, and links both."),
        left_out=tuple(_left_out(what, count, say) for what, count in memory.left_out),
    )


def _left_out(what: str, count: int, say: Say) -> str:
    match what:
        case LeftOut.TEXTS:
            said = ngettext(
                "{count} line of text is not taken over.", "{count} lines of text are not taken over.", count
            )
        case LeftOut.SUBTOTALS:
            said = ngettext("{count} subtotal is not taken over.", "{count} subtotals are not taken over.", count)
        case LeftOut.BUNDLES:
            said = ngettext(
                "{count} bundle stands here as the items in it.",
                "{count} bundles stand here as the items in them.",
                count,
            )
        case LeftOut.CLASSES:
            return _("Its lines have several classes; the invoice has one.")
        case LeftOut.TAX_BEFORE_DISCOUNT:
            return _("The estimate has the tax before its discount, the invoice after it.")
        case _other:
            said = ngettext(
                "{count} line could not be taken over; compare with QuickBooks.",
                "{count} lines could not be taken over; compare with QuickBooks.",
                count,
            )
    return said.format(count=say.number(count))


def not_linked() -> str:
    """Of an invoice that QuickBooks took without the link, or that somebody has freed of it there."""
    return _("QuickBooks has not linked it: close the estimate there, or it may be invoiced again")


def beside(number: str) -> str:
    """After something else about an invoice that is made from one."""
    # Translators: at the end of a line about an invoice
    return _("from estimate {number}").format(number=number)
