"""What is repaired once for all invoices that it stopped: they run again, or are put away.

Running again is a new intent made of what the refused form had confirmed, with the repair applied, through the same
`services.request_invoice` as the form's press: the same rights, the same checks, the same evidence, and whoever presses
has asked for it. Its key is derived from the refused row, and the form that is opened again from that row carries the
same key: however many people press, on the desk or in the form, one invoice takes the place of a refused one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils import timezone

from integration_settings import reference, rights
from integration_settings.clock import shared_now
from integration_settings.errors import NotFound, ServiceError
from integration_settings.reference import AS_STORED, Item
from integration_settings.rights import Right
from integration_settings.tenancy import Visitor, zone_of
from invoices import notes, services
from invoices.attention import Group
from invoices.domain.books import can_be_sold
from invoices.domain.causes import Held, Kind, Mend
from invoices.domain.draft import InvoiceDraft, asks_for_more
from invoices.domain.money import Money
from invoices.domain.status import Submission
from invoices.drafting import connected, preview
from invoices.models import CustomerUpdate, Intent, Invoice, InvoiceAction
from invoices.so_far import like_the_invoices

AT_ONCE = 25  # Pipedrive is asked for each deal; the rest stays in the list for another press


@dataclass(frozen=True, slots=True)
class RunAgain:
    """`started` are on their way; `left` were never tried, and `problem` is why where it was not for their number."""

    started: tuple[Invoice, ...]
    held: int
    left: int
    problem: ServiceError | None = None


def run_again(visitor: Visitor, group: Group, mend: Mend) -> RunAgain:
    """All of a group, mended. What its person has to look at first stays in the list with the reason, and lets those
    go first that have not been tried yet.

    Raises `NotAllowed` without the right to create invoices, `ConnectionExpired` without a connection.
    """
    rights.demand(visitor.user, Right.CREATE)
    connected(visitor.connection)
    started: list[Invoice] = []
    held, problem, tried = 0, None, 0
    rows = sorted(group.stopped, key=lambda row: bool(row.held))
    for row in rows[:AT_ONCE]:
        try:
            found = _again(visitor, row.invoice, mend)
        except ServiceError as error:
            problem = error
            break
        except services.Settled:  # it left the desk while the others were run
            found = None
        tried += 1
        if isinstance(found, Invoice):
            started.append(found)
        elif found is not None:
            held += 1
            _hold(row.invoice, found)
    return RunAgain(tuple(started), held, sum(not row.held for row in rows[tried:]), problem)


def _again(visitor: Visitor, refused: Invoice, mend: Mend) -> Invoice | Held:
    if successor := services.successor_of(refused):
        return successor
    worth = refused.deal_worth_then
    if worth is None:
        return Held.DEAL_UNKNOWN
    # The day's rate is asked for when it is sent, as of a form's draft: it may have been corrected since.
    draft = replace(mend(_chosen_then(refused.confirmed)), exchange_rate=None)
    if why := _held_by(visitor, refused, draft, worth):
        return why
    try:
        requested = services.request_invoice(
            visitor=visitor,
            draft=draft,
            intent_key=refused.key_of_successor,
            template_id=str(refused.preset_id or ""),
            seen=services.SeenDeal(
                value=worth,
                worth_in_all=refused.deal_in_all,
                with_tax=bool(refused.deal_then.get("with_tax")),
                before_tax=refused.deal_before_tax,
                party=refused.party,
            ),
            in_place_of=refused,
        )
    except (services.DealChanged, services.DealMoved, services.EstimateUsed) as changed:
        return Held.CHECKS if isinstance(changed, services.EstimateUsed) else Held.DEAL_CHANGED
    except NotFound:
        return Held.DEAL_GONE
    return requested.invoice


def _chosen_then(draft: InvoiceDraft) -> InvoiceDraft:
    """What its person chose for the products was remembered then, and somebody may have chosen another item since."""
    return replace(draft, lines=tuple(replace(line, item_chosen=False) for line in draft.lines))


def _held_by(visitor: Visitor, refused: Invoice, draft: InvoiceDraft, worth: Money) -> Held | None:
    """Its own dates or the form's checks; neither dates nor a total that somebody confirmed change unattended."""
    if asks_for_more(refused.draft):
        return Held.CHECKS
    if draft.due_date < timezone.now().astimezone(zone_of(visitor)).date():
        return Held.PAST_DUE
    to_bill = like_the_invoices(worth, [refused])
    now = preview(visitor.company, draft, deal_value=to_bill, worth_in_all=refused.deal_in_all)
    if now.blocked:
        return Held.CHECKS
    confirmed = refused.confirmed_total
    if confirmed is not None and (confirmed != now.totals.total or not now.totals.tax_known):
        return Held.OTHER_TOTAL
    return None


def _hold(refused: Invoice, why: Held) -> None:
    refusal = {**(refused.refusal or {}), "held": str(why)}
    Invoice.objects.filter(pk=refused.pk).update(refusal=refusal)


def item_to_choose(visitor: Visitor, item_id: str) -> Item | None:
    """An item of the company that a line can have; None for any other id, and while QuickBooks tells nothing."""
    try:
        items = reference.items(visitor.company, AS_STORED)
    except ServiceError:
        return None
    return next((item for item in items if item.id == item_id and can_be_sold(item)), None)


def put_away(visitor: Visitor, group: Group) -> None:
    """Somebody has read it. What was entered stays on the deals; a note is tried again when its invoice changes.

    Raises `NotAllowed` without the right to create invoices.
    """
    rights.demand(visitor.user, Right.CREATE)
    if group.cause.kind == Kind.NOTE:
        Invoice.objects.filter(pk__in=[row.invoice.pk for row in group.stopped]).update(note_problem="")
        return
    kinds: dict[Kind, type[Intent]] = {Kind.ACTION: InvoiceAction, Kind.CUSTOMER: CustomerUpdate}
    rows = kinds.get(group.cause.kind, Invoice)._default_manager.filter(
        pk__in=[row.intent.pk for row in group.stopped if row.intent is not None],
        submission=Submission.REJECTED,
        put_away_at__isnull=True,
    )
    rows.update(put_away_at=timezone.now())


def write_notes_now(visitor: Visitor, group: Group) -> list[int]:
    """Makes due now the notes that could not be written; the ids of their invoices. Raises `NotAllowed`."""
    rights.demand(visitor.user, Right.CREATE)
    rows = Invoice.objects.filter(pk__in=[row.invoice.pk for row in group.stopped]).exclude(note_problem="")
    ids = list(rows.values_list("pk", flat=True))
    rows.filter(note_problem=notes.NOTE_GONE).update(note_id=None, note_digest="")  # the deal gets another one
    rows.update(note_due_at=shared_now(), note_attempts=notes.TRIED)
    return ids
