"""The panel in a deal, a person or an organization, as ready values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from integration_settings import country_words
from integration_settings.errors import SubscriptionEnded
from integration_settings.fault_words import shut_out_words
from integration_settings.formats import with_one_stop
from integration_settings.models import TOLD_ADMINISTRATORS, TOLD_EVERYONE
from integration_settings.rights import Right
from invoices.domain.unattended import Why
from invoices.panel_figures import Owed, Sums
from invoices.presentation.finding_parts import Words
from invoices.presentation.panel_rows import Place, Row, row_of, rows_that_fit
from invoices.presentation.ready import waits_because
from invoices.presentation.rights import switched_off
from invoices.presentation.say import Say
from invoices.selectors import FIRST, PanelData

ROOM = 479
"""Pixels for rows: of the 750 that Pipedrive gives a panel at most, what head, sums, heading and foot leave."""
BANNER, NO_RIGHT, CHANGED = 132, 56, 48
POLL, POLL_BUSY = 10, 2
"""Seconds between two looks at our own store; sooner while an answer of QuickBooks is near."""


@dataclass(frozen=True, slots=True)
class Legend:
    kind: str  # "paid", "open", "overdue", "rest"
    label: str
    amount: str


@dataclass(frozen=True, slots=True)
class Sum:
    headline: str
    aside: str
    legend: tuple[Legend, ...]
    note: str = ""
    over: str = ""
    changed: str = ""  # that the deal was worth something else when it was invoiced
    bar: Mapping[str, Decimal] = field(default_factory=dict)  # paid, open, overdue, whole; empty: no bar


@dataclass(frozen=True, slots=True)
class Banner:
    """`sign_in` is the word on the link to QuickBooks' sign-in, "" for those whom it would not let in; `again` is that
    on a button for `again_url`. `plan`: with a way to the deal's billing plan.
    """

    kind: str
    fact: str
    text: str
    sign_in: str = ""
    again_url: str = ""
    again: str = ""
    plan: bool = False


@dataclass(frozen=True, slots=True)
class Unlink:
    """The menu entry, and the question it asks first."""

    entry: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    state: str  # "not_connected", "empty", "list"
    resource: str
    resource_id: int
    may_connect: bool
    company_name: str
    admins: str
    customer_name: str
    customer_url: str
    owes: str  # the menu entry that tells what the customer owes, "" without one
    unlink: Unlink | None
    may_disconnect: bool
    banner: Banner | None
    sum: Sum | None
    rows: tuple[Row, ...]
    count: int
    hidden: int
    more_text: str
    not_listed: str  # in the list of all, of those that are too many for it
    being_made: bool  # the invoice, by a rule
    can_invoice: bool
    no_right: str  # why there is no "+ Invoice", and who can change that
    checked: str
    checked_is_old: bool
    checking: str
    books_name: str
    poll_seconds: int = POLL
    announce: str = ""

    @property
    def digest(self) -> str:
        """Changes when anything shown changes; a poll that brings the same is answered with nothing."""
        return hashlib.sha256(repr(replace(self, announce="")).encode()).hexdigest()[:16]


def panel_of(
    data: PanelData,
    place: Place,
    say: Say,
    now: datetime,
    *,
    changed: frozenset[str] = frozenset(),
    everything: bool = False,
    problem: Banner | None = None,
) -> Panel:
    """`changed`: public ids of the rows that a refresh altered; `problem`: why a refresh brought nothing."""
    banner = _ended(data, place, say, now) or problem or _shut_out(data, place, say, now)
    banner = banner or _ends_soon(data, place, say, now) or _ready(data, place, say)
    some = data.rows if everything else data.rows[:FIRST]
    rows = tuple(row_of(row, place, say, now, changed) for row in some)
    can_invoice = place.resource == "deal" and not everything
    no_right = _no_right(place) if can_invoice else ""
    room = ROOM - (BANNER if banner else 0) - (NO_RIGHT if no_right else 0) - (CHANGED if data.changed else 0)
    shown = rows if everything else rows_that_fit(rows, room)
    hidden = data.count - len(shown)
    return Panel(
        state="not_connected" if not data.ever_connected else "list" if rows else "empty",
        resource=place.resource,
        resource_id=place.resource_id,
        may_connect=place.is_admin,
        company_name=place.company_name,
        admins=names_in_a_row(place.admin_names),
        customer_name=data.customer_name,
        customer_url=data.customer_url,
        owes=_owes(data, place),
        unlink=_unlink(data, place),
        may_disconnect=place.is_admin and data.connected,
        banner=banner,
        sum=_sum(data, place, say),
        rows=shown,
        count=data.count,
        hidden=hidden,
        more_text=""
        if everything
        else ngettext("Show {count} more", "Show {count} more", hidden).format(count=say.number(hidden)),
        not_listed=_not_listed(hidden, say) if everything and hidden else "",
        being_made=data.being_made,
        can_invoice=can_invoice,
        no_right=no_right,
        checked=_checked(data, say, now),
        checking=_checking(data, say, now),
        checked_is_old=data.stale,
        books_name=data.books_name,
        poll_seconds=POLL_BUSY if data.unsettled or data.being_made else POLL,
    )


def _not_listed(count: int, say: Say) -> str:
    said = ngettext(
        "{count} older invoice is not listed here. QuickBooks has it.",
        "{count} older invoices are not listed here. QuickBooks has them.",
        count,
    )
    return said.format(count=say.number(count))


def names_in_a_row(names: tuple[str, ...]) -> str:
    """ "Priya Nair", "Priya Nair or Tom Hale", "Priya Nair, Tom Hale or one of 3 others"."""
    if len(names) > 3:
        # Translators: who may connect QuickBooks; {names} is a list of two names
        rest = ngettext(
            "{names} or {count} other administrator", "{names} or {count} other administrators", len(names) - 2
        )
        return rest.format(names=", ".join(names[:2]), count=len(names) - 2)
    if len(names) > 1:
        # Translators: the last pair in a list of people of whom any will do
        return _("{names} or {last}").format(names=", ".join(names[:-1]), last=names[-1])
    return "".join(names)


def _no_right(place: Place) -> str:
    if Right.CREATE in place.rights:
        return ""
    return " ".join([_("You can see invoices here."), *switched_off(Right.CREATE, names_in_a_row(place.admin_names))])


def _checked(data: PanelData, say: Say, now: datetime) -> str:
    if data.checked_at is None:
        return _("Not checked yet")
    time = say.checked(data.checked_at, now)
    # Translators: foot of the panel, when QuickBooks was last asked
    return (_("Last checked {time}") if data.stale else _("Checked {time}")).format(time=time)


def _checking(data: PanelData, say: Say, now: datetime) -> str:
    """Stands in the foot while a refresh runs; the old time stays until the new one is there."""
    if data.checked_at is None:
        return _("Checking QuickBooks…")
    return _("Checking QuickBooks… last checked {time}").format(time=say.checked(data.checked_at, now))


def _owes(data: PanelData, place: Place) -> str:
    if not (data.customer_name and data.connected) or Right.CREATE not in place.rights:
        return ""
    return what_is_owed(data.customer_name)


def what_is_owed(customer: str) -> str:
    """Names an entry of the menu and what it shows."""
    # Translators: entry of a menu, and heading of what it shows
    return _("What {customer} owes").format(customer=customer)


def _unlink(data: PanelData, place: Place) -> Unlink | None:
    if not data.customer_name or Right.CREATE not in place.rights:
        return None
    return Unlink(
        entry=_("Unlink {customer}…").format(customer=data.customer_name),
        title=_("Unlink {customer}?").format(customer=data.customer_name),
        text=_("The next invoice asks for the customer again. Invoices stay as they are."),
    )


def _ended(data: PanelData, place: Place, say: Say, now: datetime) -> Banner | None:
    if data.connected or not data.ever_connected:
        return None
    fact = _("QuickBooks is disconnected") if place.disconnected_here else _("QuickBooks ended the connection")
    parts = _statuses_from(data, say, now)
    if data.waiting:
        parts.append(
            ngettext(
                "{count} invoice waits; it is created once somebody signs in again.",
                "{count} invoices wait; they are created once somebody signs in again.",
                data.waiting,
            ).format(count=say.number(data.waiting))
        )
    else:
        parts.append(_("New invoices can be created once somebody signs in again."))
    if not place.is_admin:
        parts.append(_who_signs_in(place))
    return Banner("error", fact, " ".join(parts), sign_in=_("Reconnect") if place.is_admin else "")


def _statuses_from(data: PanelData, say: Say, now: datetime) -> list[str]:
    if not data.checked_at:
        return []
    return [with_one_stop(_("Statuses below are from {time}.").format(time=say.checked(data.checked_at, now)))]


def _shut_out(data: PanelData, place: Place, say: Say, now: datetime) -> Banner | None:
    """The sign-in stands, and QuickBooks answers nothing until a person does something about it."""
    if not data.shut_out:
        return None
    fact, text = shut_out_words(data.shut_out)
    helps = place.is_admin and data.shut_out != SubscriptionEnded.__name__
    parts = [*_statuses_from(data, say, now), text]
    return Banner("warning", fact, " ".join(parts), sign_in=_("Reconnect") if helps else "")


def _ends_soon(data: PanelData, place: Place, say: Say, now: datetime) -> Banner | None:
    """A month before for those who can do something about it, a week before for everyone."""
    if data.sign_in_by is None or data.sign_in_by - now > (TOLD_ADMINISTRATORS if place.is_admin else TOLD_EVERYONE):
        return None
    # Translators: in the panel; Intuit ends every sign-in after some years
    fact = _("Sign in to QuickBooks again by {day}").format(day=say.day(data.sign_in_by.astimezone(say.zone).date()))
    text = _("Intuit limits how long a sign-in lasts. Until then everything works.")
    if place.is_admin:
        return Banner("warning", fact, text, sign_in=_("Sign in now"))
    return Banner("warning", fact, f"{text} {_who_signs_in(place)}")


def _ready(data: PanelData, place: Place, say: Say) -> Banner | None:
    """A rule wants the deal invoiced, and is about to do it, or it waits for a person."""
    if data.being_made:
        text = _("It appears here in a moment, or why it could not be made.")
        return Banner("info", _("The invoice of this deal is being made by itself."), text)
    if data.ready is None:
        return None
    # Translators: of a deal in Pipedrive
    text = waits_because(data.ready, Words(say, place.country, {}))
    return Banner("info", _("Ready to be invoiced."), text, plan=data.ready.why == Why.PLAN)


def _who_signs_in(place: Place) -> str:
    if not place.admin_names:
        return _("Signing in is for Pipedrive administrators.")
    return _("Signing in is for Pipedrive administrators: %(names)s.") % {"names": names_in_a_row(place.admin_names)}


# Sums


def _sum(data: PanelData, place: Place, say: Say) -> Sum | None:
    if data.sums is None:
        return None
    if isinstance(data.sums, Owed):
        return _sum_of_party(data.sums, say, data.deals)
    return replace(_sum_of_deal(data.sums, place, say), changed=_changed(data, say))


def _changed(data: PanelData, say: Say) -> str:
    if data.changed is None:
        return ""
    worth, number = data.changed
    if not number:
        return _("The deal has changed since: it was worth {amount} at its latest invoice.").format(
            amount=say.money(worth)
        )
    # Translators: {number} is that of an invoice
    said = _("The deal has changed since invoice {number}: it was worth {amount} then.")
    return said.format(number=number, amount=say.money(worth))


def _sum_of_deal(sums: Sums, place: Place, say: Say) -> Sum:
    whole = max((sums.invoiced, sums.deal_value or sums.invoiced), key=lambda money: money.amount)
    legend = [
        Legend("paid", pgettext("part of the deal", "Paid"), say.money(sums.paid)),
        # Translators: part of what was invoiced that credit notes have settled, not money
        Legend("credited", pgettext("part of the deal", "Credited"), say.money(sums.credited)),
        Legend("open", pgettext("part of the deal", "Open"), say.money(sums.open)),
        Legend("overdue", pgettext("part of the deal", "Overdue"), say.money(sums.overdue)),
    ]
    parts = (sums.paid, sums.credited, sums.open, sums.overdue)
    legend = [entry for entry, money in zip(legend, parts, strict=True) if money]
    if sums.not_invoiced:
        legend.append(Legend("rest", _("Not invoiced"), say.money(sums.not_invoiced)))
    return Sum(
        # Translators: headline of the panel; how much of the deal has been invoiced
        headline=_("{amount} invoiced").format(amount=say.money(sums.invoiced)),
        # Translators: follows "£15,000.00 invoiced"; the value of the deal
        aside=_("of {amount}").format(amount=say.money(sums.deal_value)) if sums.deal_value else "",
        legend=tuple(legend),
        note=_tax_note(sums, place),
        over=_("{amount} more than the deal").format(amount=say.money(sums.over)) if sums.over else "",
        bar={
            "paid": sums.paid.amount,
            "open": sums.open.amount,
            "overdue": sums.overdue.amount,
            "whole": whole.amount,
        },
    )


def _tax_note(sums: Sums, place: Place) -> str:
    tax = country_words.tax_word(place.country)
    if sums.with_tax:
        # Translators: the place is VAT, GST or sales tax
        return _("Amounts here are with {tax}, like the deal value.").format(tax=tax)
    if sums.tax_taken_out:
        # Translators: of a deal whose value has sales tax in it, and whose invoices were made with prices before tax
        said = _("Amounts here are without {tax}, and so is the deal value; in Pipedrive it is with {tax}.")
        return said.format(tax=tax)
    return _("Amounts here are without {tax}, like the deal value.").format(tax=tax)


def _sum_of_party(sums: Owed, say: Say, deals: int) -> Sum:
    legend = [
        Legend("open", _("Not due"), say.money(sums.open)),
        Legend("overdue", pgettext("part of the deal", "Overdue"), say.money(sums.overdue)),
    ]
    return Sum(
        # Translators: headline of the panel of an organization; what its invoices still owe
        headline=_("{amount} open").format(amount=say.money(sums.open + sums.overdue)),
        aside=ngettext("{count} deal", "{count} deals", deals).format(count=say.number(deals)),
        legend=tuple(legend),
    )


def refreshed(panel: Panel, say: Say, *, changed: int) -> Panel:
    """The panel with what a screen reader is told after a refresh."""
    told = (
        ngettext("{checked}, {count} invoice changed", "{checked}, {count} invoices changed", changed)
        if changed
        else _("{checked}, nothing changed")
    )
    return replace(panel, announce=told.format(checked=panel.checked, count=say.number(changed)))
