"""The rows of the panel, as ready values: one invoice each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from integration_settings.rights import Right
from integration_settings.short_memory import kept_for_an_hour
from invoices.domain.status import InvoiceStatus, Submission
from invoices.presentation import refusals
from invoices.presentation.actions import Menu, Progress, menu_of, progress_of
from invoices.presentation.customer_update import progress_of_update
from invoices.presentation.estimate import beside as from_estimate
from invoices.presentation.say import Say
from invoices.selectors import InvoiceRow

DOING, MORE = 44, 36
"""Pixels of a line that tells of an action, and of “Show 3 more”."""
KEPT = 4096  # settled rows as readers saw them
HEIGHTS = {"plain": 59, "off": 59, "refused": 132, "verifying": 132, "waiting": 100}


@dataclass(frozen=True, slots=True)
class Row:
    public_id: str
    flag: str
    number: str
    amount: str
    kind: str  # "plain", "off" (voided, deleted), "verifying", "waiting", "refused"
    second: str | SafeString = ""
    open_part: str = ""
    text: str | SafeString = ""
    note: str = ""
    menu: Menu | None = None
    doing: Progress | None = None
    updating: Progress | None = None  # the customer
    deal_id: int = 0
    deal_title: str = ""
    deal_url: str = ""
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What the panel is about: the record that is open in Pipedrive, and who looks at it."""

    resource: str
    resource_id: int
    is_admin: bool
    company_name: str
    admin_names: tuple[str, ...]
    country: str
    disconnected_here: bool = False
    deal_titles: Mapping[int, str] = field(default_factory=dict)
    deal_urls: Mapping[int, str] = field(default_factory=dict)
    rights: frozenset[Right] = frozenset(Right)


def rows_that_fit(rows: tuple[Row, ...], room: int) -> tuple[Row, ...]:
    """All of them, or as many as leave room for "Show 3 more"; never none."""
    if sum(map(_height, rows)) <= room:
        return rows
    used, count = MORE, 0
    for row in rows:
        used += _height(row)
        if used > room:
            break
        count += 1
    return rows[: max(count, 1)]


def _height(row: Row) -> int:
    return HEIGHTS[row.kind] + DOING * sum(line is not None for line in (row.doing, row.updating))


def row_of(row: InvoiceRow, place: Place, say: Say, now: datetime, changed: frozenset[str]) -> Row:
    made = _settled(row, _reader(place, say)) if row.status is not None else _under_way(row, place, say, now)
    if place.resource == "deal" and not changed:
        return made
    return replace(
        made,
        deal_title=place.deal_titles.get(row.deal_id, ""),
        deal_url=place.deal_urls.get(row.deal_id, ""),
        changed=made.public_id in changed,
    )


def _made(row: InvoiceRow, say: Say) -> Row:
    return Row(
        public_id=str(row.public_id),
        flag="",
        number=row.number,
        amount=say.money(row.total) if row.total is not None else "",
        kind="plain",
        deal_id=row.deal_id,
        updating=progress_of_update(row.updating),
    )


def _under_way(row: InvoiceRow, place: Place, say: Say, now: datetime) -> Row:
    """Before it exists in QuickBooks, or never will."""
    made = _made(row, say)
    if place.is_admin:
        made = replace(made, menu=menu_of(row, say, place.rights, history=True))
    if row.submission == Submission.REJECTED:
        return replace(made, flag="not_created", kind="refused", text=refusals.short(row.refusal))
    if row.submission == Submission.UNKNOWN:
        return _being_verified(row, made, say, now)
    if row.waiting:
        text = _("It is sent to QuickBooks as soon as somebody signs in again. There is no need to create it again.")
        return replace(made, flag="waiting", kind="waiting", text=text)
    text = _("The invoice is on its way to QuickBooks.")
    return replace(made, flag="waiting", kind="verifying", text=text, note=_asked(row, say, now))


def _being_verified(row: InvoiceRow, made: Row, say: Say, now: datetime) -> Row:
    """Nobody can be asked whether it exists while its books are not connected."""
    note = _asked(row, say, now)
    if row.former_books:
        note, text = (
            "",
            _(
                "QuickBooks did not answer in time, and another company is connected now. "
                "Look for the invoice in the former one before you create it again."
            ),
        )
    elif row.waiting:
        note, text = (
            "",
            _(
                "QuickBooks did not answer in time. We ask it whether the invoice exists as soon as somebody signs in "
                "again; please don’t create it again."
            ),
        )
    else:
        text = _(
            "QuickBooks did not answer in time. We are asking it whether the invoice exists; "
            "please don’t create it again."
        )
    return replace(made, flag="being_verified", kind="verifying", text=text, note=note)


def _asked(row: InvoiceRow, say: Say, now: datetime) -> str:
    """Since when, and when again where nobody is at it. Only what may be in QuickBooks is called sent."""
    moment, sent = say.since(row.created_at, now), row.submission == Submission.UNKNOWN
    if row.next_attempt_at is None or row.next_attempt_at <= now:
        return (_("Sent {moment}") if sent else _("Requested {moment}")).format(moment=moment)
    # Translators: an invoice that is not settled yet; {next} is "next try 09:24" or "next try in 20 s"
    said = _("Sent {moment}, {next}") if sent else _("Requested {moment}, {next}")
    return said.format(moment=moment, next=say.next_try(row.next_attempt_at, now))


class Reader(NamedTuple):
    """All that a settled row depends on beside the invoice."""

    say: Say
    language: str
    rights: frozenset[Right]
    is_admin: bool
    brief: bool  # beside it the deal is named as well


def _reader(place: Place, say: Say) -> Reader:
    return Reader(say, get_language() or "", place.rights, place.is_admin, place.resource != "deal")


@kept_for_an_hour(KEPT)
def _settled(row: InvoiceRow, reader: Reader) -> Row:
    """By all that it says, so that what is kept is never an older state: an open panel asks again every few seconds,
    and hardly ever has anything changed.
    """
    say, off = reader.say, row.status in (InvoiceStatus.VOIDED, InvoiceStatus.DELETED)
    number = row.number or _("No number")
    menu = menu_of(row, say, reader.rights, history=reader.is_admin)
    return replace(
        _made(row, say),
        flag=str(row.status),
        kind="off" if off else "plain",
        number=number,
        second=second_line(row, say, brief=reader.brief),
        open_part=_open_part(row, say),
        menu=None if menu.is_empty else menu,
        doing=progress_of(row.doing),
    )


def _open_part(row: InvoiceRow, say: Say) -> str:
    if row.status in (InvoiceStatus.PARTIALLY_PAID, InvoiceStatus.OVERDUE) and row.settled and row.balance:
        # Translators: right end of an invoice's second line; what is still to be paid
        return _("{amount} open").format(amount=say.money(row.balance))
    return ""


def second_line(  # noqa: PLR0911  # one line a status
    row: InvoiceRow, say: Say, *, brief: bool
) -> str | SafeString:
    due = say.day(row.due_date) if row.due_date else ""
    match row.status:
        case InvoiceStatus.PAID:
            return _paid_line(row, say)
        case InvoiceStatus.VOIDED:
            return (
                _("Voided {date}").format(date=say.day(row.voided_on)) if row.voided_on else _("Voided in QuickBooks")
            )
        case InvoiceStatus.DELETED:
            if row.deleted_on is None:
                return _("Deleted in QuickBooks")
            return _("Deleted in QuickBooks {date}").format(date=say.day(row.deleted_on))
        case _other if row.former_books:
            known = (row.checked_at or row.created_at).astimezone(say.zone).date()
            # Translators: of an invoice in the QuickBooks company that was connected before: how old its status is
            return _("Former company · as of {date}").format(date=say.day(known))
        case InvoiceStatus.OVERDUE:
            return _overdue_line(row, due, say, brief=brief)
        case InvoiceStatus.UNKNOWN:
            return _("QuickBooks has not reported an amount yet")
    if not due:
        return _("No due date")
    if brief:
        return _("Due {date}").format(date=due)
    if row.settled:
        return " · ".join([_("Due {date}").format(date=due), *_settled_parts(row, say)])
    if row.emailed_on and row.due_date:
        emailed = say.day_short(row.emailed_on, near=row.due_date)
        return _("Due {date} · e-mailed {emailed}").format(date=due, emailed=emailed)
    if row.estimate:
        return " · ".join([_("Due {date}").format(date=due), from_estimate(row.estimate)])
    return _("Due {date}").format(date=due)


def _paid_line(row: InvoiceRow, say: Say) -> str:
    """QuickBooks calls it paid, too, when nobody has paid anything: a credit note has cancelled it."""
    if row.paid_on is None:
        return " · ".join(_settled_parts(row, say)) if row.credited else _("Nothing left to pay")
    if not row.credited:
        return _("Paid {date}").format(date=say.day(row.paid_on))
    if not row.paid:
        # Translators: instead of "Paid 23 Nov 2026": a credit note has settled all of the invoice, no money
        return _("Credited {date}").format(date=say.day(row.paid_on))
    return " · ".join([_("Paid {date}").format(date=say.day(row.paid_on)), _settled_parts(row, say)[-1]])


def _settled_parts(row: InvoiceRow, say: Say) -> list[str]:
    """By money, and by credits."""
    parts = []
    if row.paid:
        parts.append(_("{amount} paid").format(amount=say.money(row.paid)))
    if row.credited:
        # Translators: what credit notes have settled of an invoice
        parts.append(_("{amount} credited").format(amount=say.money(row.credited)))
    return parts


def _overdue_line(row: InvoiceRow, due: str, say: Say, *, brief: bool) -> SafeString:
    days = ngettext("{count} day overdue", "{count} days overdue", row.days_overdue)
    alert = format_html('<span class="row__alert">{}</span>', days.format(count=say.number(row.days_overdue)))
    if brief:
        return alert
    if row.settled:
        return format_html("{} · {}", alert, " · ".join(_settled_parts(row, say)))
    return format_html(_("{overdue} · due {date}"), overdue=alert, date=due)
