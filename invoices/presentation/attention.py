"""The desk "Needs attention" as ready values: what to fix and by whom, what waits and until when."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration_settings.errors import SubscriptionEnded
from integration_settings.fault_words import fault_words, shut_out_words
from integration_settings.formats import with_one_stop
from integration_settings.models import DISCONNECTED, SHUT_OUT, Company
from integration_settings.reference import Item
from integration_settings.selectors import deal_url
from invoices.attention import Desk, Group, Stopped
from invoices.domain.actions import Action
from invoices.domain.causes import Held, Kind, item_id_of
from invoices.domain.money import Money
from invoices.domain.names import clean_name
from invoices.domain.refusals import NAME_TAKEN
from invoices.domain.status import Submission
from invoices.models import Invoice
from invoices.presentation import actions, customer_update, refusals
from invoices.presentation.finding_parts import Words
from invoices.presentation.panel import Banner
from invoices.presentation.ready import ReadyRow, ready_row
from invoices.presentation.say import Say
from invoices.presentation.waiting import WaitingRow, named, title_of, waiting_row
from invoices.repairs import RunAgain

MOST_CHIPS = 12
RUNS = (Kind.ITEM, Kind.NAME, Kind.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Place:
    """Who looks, and what the words need to know of the company."""

    company: Company
    is_admin: bool
    may_repair: bool
    items: Mapping[str, Item] | None  # None while nobody can tell
    lost_fields: tuple[str, ...] = ()
    country: str = ""
    own_fields: Mapping[str, str] = field(default_factory=dict)  # names by id


@dataclass(frozen=True, slots=True)
class DealChip:
    """`text` is title and worth together, for those who hear it."""

    deal_id: int
    url: str
    title: str
    worth: str
    text: str


@dataclass(frozen=True, slots=True)
class Single:
    """One invoice of an issue where it needs more than a chip."""

    public_id: str
    chip: DealChip
    text: str
    may_open: bool


@dataclass(frozen=True, slots=True)
class Issue:
    """`button` repairs it in the way that `repair` names: "item", "name", "run", "note", "connect" or "field"."""

    key: str
    title: str
    text: str
    chips: tuple[DealChip, ...] = ()
    more: str = ""
    singles: tuple[Single, ...] = ()
    repair: str = ""
    button: str = ""
    first: str = ""  # the invoice whose history is offered
    away: str = ""  # the question before it is put away; "" where that makes no sense
    form: Single | None = None  # the only invoice, where nothing but its form can repair it
    card: str = "fields"  # of the settings, that a "field" is chosen on

    @property
    def name(self) -> str:
        """What its buttons are for, to those who hear them alone: what two invoices have in common is no name."""
        return self.form.chip.text if self.form else self.title


@dataclass(frozen=True, slots=True)
class AttentionPage:
    issues: tuple[Issue, ...]
    ready: tuple[ReadyRow, ...]
    waiting: tuple[WaitingRow, ...]
    being_made: int  # invoices of deals by a rule
    by_itself: str  # which says so, "" without any
    signed_out: bool  # what waits does so until somebody signs in
    done_today: str
    time: str  # of the look
    checked: str
    may_look_back: bool  # at histories
    cut: str = ""  # that there may be more than stands here
    banner: Banner | None = None

    @property
    def count(self) -> int:
        """Of what needs somebody."""
        return len(self.issues) + len(self.ready)

    @property
    def under_way(self) -> int:
        return len(self.waiting) + self.being_made

    @property
    def tries_all_again(self) -> bool:
        return sum(row.again for row in self.ready) > 1

    @property
    def digest(self) -> str:
        """Changes when anything shown changes; a poll that brings the same is answered with nothing."""
        return hashlib.sha256(repr(replace(self, banner=None)).encode()).hexdigest()[:16]


def attention_page(desk: Desk, place: Place, say: Say, now: datetime, banner: Banner | None = None) -> AttentionPage:
    return AttentionPage(
        issues=(
            *(_issue(group, place, say) for group in desk.groups),
            *(_lost(name, place) for name in place.lost_fields),
            *_rules(desk),
        ),
        ready=tuple(
            ready_row(row, place.company, Words(say, place.country, {}, place.own_fields), has_rules=desk.has_rules)
            for row in desk.ready
        ),
        waiting=tuple(waiting_row(row, say, now) for row in desk.waiting),
        being_made=desk.being_made,
        by_itself=_by_itself(desk.being_made, say) if desk.being_made else "",
        signed_out=any(row.signed_out for row in desk.waiting) or bool(desk.being_made and not desk.connected),
        # Translators: how many invoices were created since midnight
        done_today=_("Done today {count}").format(count=say.number(desk.done_today)),
        time=say.clock(now),
        checked=_("Checked {time}").format(time=say.clock(now)),
        may_look_back=place.is_admin,
        cut=_cut(desk, say),
        banner=banner,
    )


def _by_itself(count: int, say: Say) -> str:
    # Translators: of deals for which a rule is making the invoices at this moment
    said = ngettext(
        "{count} deal is being invoiced by itself.", "{count} deals are being invoiced by themselves.", count
    )
    return said.format(count=say.number(count))


def _cut(desk: Desk, say: Say) -> str:
    if not desk.shown_of_many:
        return ""
    # Translators: on the page of what needs somebody; a kind is invoices, e-mails, updates of customers, notes
    said = _("Of each kind the latest {count} stand here. The others follow once these are settled.")
    return said.format(count=say.number(desk.shown_of_many))


# To fix


def _issue(group: Group, place: Place, say: Say) -> Issue:
    kind, count = group.cause.kind, len(group.stopped)
    title, why = _told(group, place)
    repair, button = _repair(group, place, count, say)
    runs = kind in RUNS and bool(proposed_name(group) or kind != Kind.NAME)
    listed = kind != Kind.CONNECTION
    alone = [row for row in group.stopped if listed and (not runs or row.held)]
    singles = tuple(_single(row, place, say) for row in alone)
    only = singles[0] if len(group.stopped) == len(singles) == 1 and not repair else None
    shown = [row for row in group.stopped if row not in alone or only]
    chips, hidden = tuple(_chip(row, place.company, say) for row in shown[:MOST_CHIPS]), len(shown) - MOST_CHIPS
    return Issue(
        key=group.cause.key,
        title=title,
        text=" ".join(
            part for part in (why, _stops(group, say), only.text if only else "", _who(group, place)) if part
        ),
        chips=chips,
        more=ngettext("and {count} more", "and {count} more", hidden).format(count=say.number(hidden))
        if hidden > 0
        else "",
        singles=() if only else singles,
        repair="form" if only and only.may_open else repair,
        button=_("Open the form") if only else button,
        first=str(shown[0].invoice.public_id) if shown and listed else "",
        away=_away(group, say) if place.may_repair and listed else "",
        form=only,
    )


def _told(group: Group, place: Place) -> tuple[str, str]:  # noqa: PLR0911  # one line a cause
    """What is wrong, in a heading, and the sentence below it."""
    cause, refusal = group.cause, group.refusal
    match cause.kind:
        case Kind.ITEM:
            return _item(group, place)
        case Kind.NAME:
            return _name(group)
        case Kind.CONNECTION if cause.about in SHUT_OUT:
            return shut_out_words(cause.about)
        case Kind.CONNECTION:
            off = cause.about == DISCONNECTED
            fact = _("QuickBooks is disconnected") if off else _("QuickBooks ended the connection")
            return fact, _("Nothing new goes to QuickBooks before somebody signs in again.")
        case Kind.ACTION if refusal:
            what = Action(cause.name)
            return actions.not_done(what).rstrip("."), actions.why_not(refusal, what)
        case Kind.CUSTOMER if refusal:
            title = _("{customer} was not updated in QuickBooks").format(customer=cause.name)
            return title, customer_update.why_not(refusal, cause.name)
        case Kind.NOTE:
            return _("A note could not be written into the deal’s history"), _note(cause.about)
        case _:
            told = refusals.explain(refusal, customer=cause.name)
            return told.fact.rstrip("."), told.text


def _item(group: Group, place: Place) -> tuple[str, str]:
    item_id, refusal = item_id_of(group.cause), group.refusal
    if not item_id:
        told = refusals.explain(refusal)
        return told.fact.rstrip("."), told.text
    item = (place.items or {}).get(item_id)
    if item is None and place.items is not None:
        return _("“{item}” is no longer in QuickBooks").format(item=group.cause.name), ""
    name = item.shown_name if item else group.cause.name
    if item and not item.active:
        return _("“{item}” is inactive in QuickBooks.").format(item=name).rstrip("."), ""
    return _("QuickBooks does not take the item “{item}”").format(item=name), refusals.quoted(
        refusal
    ) if refusal else ""


def _name(group: Group) -> tuple[str, str]:
    name, refusal = group.cause.name, group.refusal
    if refusal and refusal.code == NAME_TAKEN:
        owners = {
            "vendor": _("“{name}” is already a vendor in QuickBooks"),
            "employee": _("“{name}” is already an employee in QuickBooks"),
        }
        fact = owners.get(refusal.taken_by, _("The name “{name}” is taken in QuickBooks"))
        return fact.format(name=name), _("QuickBooks needs another name for the customer.")
    if ":" in name:
        return _("The name “{name}” has a colon").format(name=name), _("QuickBooks keeps colons for sub-customers.")
    fact = _("QuickBooks does not take the name “{name}”").format(name=name)
    return fact, refusals.quoted(refusal) if refusal else ""


def proposed_name(group: Group) -> str:
    """What the new customer may be called instead, "" when nothing better than what was refused is known."""
    if group.cause.kind != Kind.NAME:
        return ""
    name = clean_name(group.cause.name)
    if group.refusal is None or group.refusal.code != NAME_TAKEN:
        return name if name != group.cause.name else ""
    ending = refusals.free_name("")
    return "" if name.endswith(ending) else clean_name(refusals.free_name(name))


def _note(problem: str) -> str:
    known = {
        "no_user": _("Nobody who may see the deal is signed in to Pipedrive with the app."),
        "deal_gone": _("The deal was deleted, or nobody who uses the app may see it."),
        "note_gone": _("Somebody has deleted the note."),
        "refused": _("Pipedrive refused it."),
    }
    return known.get(problem, _("Pipedrive did not answer for a week."))


def _stops(group: Group, say: Say) -> str:
    count = len(group.stopped)
    if not count or group.cause.kind in (Kind.ACTION, Kind.CUSTOMER, Kind.NOTE):
        return ""
    worth = " + ".join(say.money(money) for money in group.worth)
    if not worth:
        return ngettext("Stops {count} invoice.", "Stops {count} invoices.", count).format(count=say.number(count))
    # Translators: {worth} is an amount of money, or several with a plus between them
    said = ngettext("Stops {count} invoice worth {worth}.", "Stops {count} invoices worth {worth}.", count)
    return said.format(count=say.number(count), worth=worth)


def _who(group: Group, place: Place) -> str:
    """Who can repair it; nothing where that is the reader alone, who has the button beside it."""
    if group.cause.about in SHUT_OUT:  # which tells it
        return ""
    if group.cause.kind in (Kind.CONNECTION, Kind.FIELD) or not group.fixers:
        return "" if place.is_admin else _("An administrator can fix this.")
    # Translators: {name} is a person who may repair what stopped the invoices
    return _("An administrator or {name} can fix this.").format(name=", ".join(group.fixers))


def _repair(  # noqa: PLR0911  # one line a cause
    group: Group, place: Place, count: int, say: Say
) -> tuple[str, str]:
    kind = group.cause.kind
    if kind == Kind.CONNECTION:
        helps = group.cause.about != SubscriptionEnded.__name__
        return ("connect", _("Sign in again")) if place.is_admin and helps else ("", "")
    if not place.may_repair:
        return "", ""
    shown = say.number(count)
    if kind == Kind.ITEM:
        said = ngettext("Choose item and run again", "Choose item and run all {count}", count)
        return "item", said.format(count=shown)
    if name := proposed_name(group):
        # Translators: a button; {name} is another name for the customer
        return "name", _("Use “{name}”").format(name=name)
    if kind == Kind.ELSEWHERE:
        return "run", run_button(count, say)
    if kind == Kind.NOTE and group.cause.about != "deal_gone":
        return "note", _("Write it again")
    return "", ""


def run_button(count: int, say: Say) -> str:
    return ngettext("Run again", "Run all {count} again", count).format(count=say.number(count))


def _away(group: Group, say: Say) -> str:
    count = len(group.stopped)
    return ngettext("Put {count} entry away?", "Put {count} entries away?", count).format(count=say.number(count))


def _chip(row: Stopped, company: Company, say: Say) -> DealChip:
    invoice = row.invoice
    return DealChip(
        deal_id=invoice.deal_id,
        url=deal_url(company, invoice.deal_id),
        title=title_of(invoice),
        worth=say.money(row.worth) if row.worth else "",
        text=named(invoice, row.worth, say),
    )


def _single(row: Stopped, place: Place, say: Say) -> Single:
    day = say.moment(row.invoice.created_at)
    text = with_one_stop(_("Asked for by {name}, {moment}.").format(name=row.invoice.created_by_name, moment=day))
    if row.held:
        text = _held(row.held)
    elif row.invoice.number or row.invoice.was_found:  # of that one nobody is on record who asked for it
        text = _("Invoice {number}.").format(number=row.invoice.number or f"#{row.invoice.qbo_invoice_id}")
    return Single(
        public_id=str(row.invoice.public_id),
        chip=_chip(row, place.company, say),
        text=text,
        may_open=place.may_repair and row.intent == row.invoice and row.invoice.submission == Submission.REJECTED,
    )


def _held(why: str) -> str:
    return {
        Held.DEAL_CHANGED: _("Not run again: the deal is worth something else now. Look at it in the form."),
        Held.DEAL_GONE: _("Not run again: the deal was deleted, or you may not see it."),
        Held.DEAL_UNKNOWN: _("Not run again: nobody noted what the deal was worth then. Look at it in the form."),
        Held.OTHER_TOTAL: _("Not run again: its total would be another one today. Look at it in the form."),
        Held.PAST_DUE: _("Not run again: it would be overdue at once. Look at its dates in the form."),
        Held.CHECKS: _("Not run again: the form’s checks do not let it pass now. The form says what is wrong."),
    }[Held(why)]


def _lost(name: str, place: Place) -> Issue:
    return Issue(
        key=f"field-{hashlib.sha256(name.encode()).hexdigest()[:8]}",
        title=_("The Pipedrive field for “{field}” is gone").format(field=name),
        text=_("Invoices are made without it.")
        if place.is_admin
        else _("Invoices are made without it. An administrator can choose another field."),
        repair="field" if place.is_admin else "",
        button=_("Choose another field"),
    )


def _rules(desk: Desk) -> list[Issue]:
    """Why no rule finds a deal."""
    if desk.rules_stand_still:
        text = _("Whoever set them up is not signed in to Pipedrive any more.")
    elif desk.rules_see_nothing:
        text = _("Pipedrive does not tell which deals have changed. It is asked again and again; no deal is left out.")
    else:
        return []
    title, button = _("No invoices are made by themselves"), _("Look at the settings")
    return [Issue(key="rules", title=title, text=text, repair="field", button=button, card="automatic")]


# What a press has done


def run_banner(run: RunAgain, say: Say) -> Banner:
    count = len(run.started)
    fact = ngettext("{count} invoice is on its way", "{count} invoices are on their way", count)
    if not count:
        fact = _("No invoice was run again")
    parts = []
    if run.held:
        said = ngettext(
            "{count} stays here; the reason stands beside it.",
            "{count} stay here; the reason stands beside each.",
            run.held,
        )
        parts.append(said.format(count=say.number(run.held)))
    if run.problem:
        parts.append(fault_words(run.problem))
    if run.left:
        said = ngettext("{count} is left: press again.", "{count} are left: press again.", run.left)
        parts.append(said.format(count=say.number(run.left)))
    kind = "done" if count and not run.problem else "warning"
    return Banner(kind, fact.format(count=say.number(count)), " ".join(parts))


def tried_again_banner(begun: int, say: Say) -> Banner:
    if not begun:
        return gone_banner()
    fact = ngettext("{count} invoice is tried once more.", "{count} invoices are tried once more.", begun)
    return Banner("done", fact.format(count=say.number(begun)), _("What cannot be made is back here in a moment."))


def gone_banner() -> Banner:
    return Banner("info", _("Somebody else was faster."), _("The list shows what is left."))


def story_of(invoice: Invoice, worth: Money | None, say: Say) -> str:
    """Which invoice a history is about."""
    # Translators: below "What happened"; {name} is a deal or a customer and an amount
    return _("Invoice for {name}").format(name=named(invoice, worth, say))
