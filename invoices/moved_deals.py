"""Invoices follow their deal: to another organization or person, and into the deal that it was merged into.

Pipedrive does not name the deal that has taken in another one, or was made of one by way of a lead. But a deal's notes
go along, ours among them, which we know by their ids: once a deal is gone, the note of its invoice tells which deal has
taken its place. What was invoiced there counts here from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet

from integration_settings.clock import shared_now
from integration_settings.connections import fresh_access_token
from integration_settings.errors import ServiceError
from integration_settings.models import Company, PipedriveUser
from integration_settings.pipedrive import Json, PipedriveClient
from integration_settings.prepared import Prepared
from integration_settings.side_by_side import SideBySide
from invoices.deal_answers import deal_of_note
from invoices.deal_gateway import DealFacts, shown_soon
from invoices.domain.status import Submission
from invoices.models import Invoice

log = logging.getLogger(__name__)

MOST_ASKED = 5  # deals, those invoiced last: a token each
LOOKED_SECONDS = 24 * 3600
DEAL_GONE = "deal_gone"  # why an invoice has no note
Parties = dict[str, Any]  # whose deals are looked for: organization, person or QuickBooks customer, by the column


@dataclass(frozen=True, slots=True)
class Beside:
    """Other deals of `parties` that were invoiced: a note of ours in each, and what Pipedrive says of the deal soon."""

    parties: Parties = field(default_factory=dict)
    notes: dict[int, int] = field(default_factory=dict)
    shown: dict[int, Future[DealFacts | None]] = field(default_factory=dict)


def ask_beside(calls: SideBySide, user: PipedriveUser, facts: DealFacts) -> Beside:
    """Asks about them along with other `calls`, for `bring_along`. Raises what `fresh_access_token` raises."""
    parties = _parties(facts)
    notes = _notes_beside(user.company, facts.deal_id, parties)
    if notes:
        fresh_access_token(user)  # before the threads start: none of them should have to refresh
    return Beside(parties, notes, shown_soon(calls, user, notes))


def bring_along(
    user: PipedriveUser, facts: DealFacts, *, customer_id: str = "", anew: bool = False, asked: Beside | None = None
) -> None:
    """Brings into a deal that `user` sees what was invoiced in the deals it has taken in, and to its organization and
    person what was invoiced in it: theirs may have been merged, too, and then nobody else shows it.

    Asks Pipedrive only where other deals of the same organization, person or QuickBooks customer were invoiced, and,
    unless `anew`, only when the deal has changed since this user's last look: a merge changes it. What was `asked`
    before is not asked again. Never raises a `ServiceError`: what cannot be asked now is asked with the next form.
    """
    key = f"deals-taken-in:{user.company_id}:{user.user_id}:{facts.deal_id}"
    if not anew and (not facts.update_time or cache.get(key) == facts.update_time):
        return
    _to_its_party(user.company, facts)
    asked = asked or Beside()
    _take_in(user, asked)
    parties = {name: party for name, party in _parties(facts, customer_id).items() if asked.parties.get(name) != party}
    notes = _notes_beside(user.company, facts.deal_id, parties, known=asked.notes)
    if notes:
        with suppress(ServiceError):
            fresh_access_token(user)
            with SideBySide(len(notes)) as calls:
                beside = Beside(parties, notes, shown_soon(calls, user, notes))
            _take_in(user, beside)
    cache.set(key, facts.update_time, LOOKED_SECONDS)  # not before: who ends meanwhile has not looked


def _to_its_party(company: Company, facts: DealFacts) -> None:
    """An invoice that is under way, or may be run again, keeps those for whom its customer was chosen."""
    there = facts.organization_id, facts.person_id
    if any((row.organization_id, row.person_id) != there for row in _made_in(company.pk, facts.deal_id)):
        rows = Invoice.objects.filter(company=company, deal_id=facts.deal_id, submission=Submission.SUCCEEDED)
        rows.update(organization_id=facts.organization_id, person_id=facts.person_id)


@Prepared
def _made_in(company_id: int, deal_id: int) -> QuerySet[Invoice]:
    rows = Invoice.objects.filter(company=company_id, deal_id=deal_id, submission=Submission.SUCCEEDED)
    return rows.only("organization_id", "person_id")


def _take_in(user: PipedriveUser, beside: Beside) -> None:
    for deal_id, shown in beside.shown.items():
        with suppress(ServiceError):
            if shown.result() is None:
                note = PipedriveClient(user).note(beside.notes[deal_id])
                _follow(user.company, deal_id, deal_of_note(note))


def follow_note(client: PipedriveClient, deal_id: int, answer: Json) -> None:
    """After a note of that deal's invoices was rewritten: the answer tells in which deal it is by now, at no cost.

    Raises no `ServiceError`; that the deal is gone is asked for where the note is in another one.
    """
    place = deal_of_note(answer)
    if place in (None, deal_id):
        return
    with suppress(ServiceError), SideBySide(1) as calls:
        if shown_soon(calls, client.user, [deal_id])[deal_id].result() is None:
            _follow(client.user.company, deal_id, place)


def goes_after_the_others(invoice: Invoice) -> bool:
    """Whether an invoice whose deal is gone belongs to another one by now, as all that was asked for in that deal does.
    One that was asked for in the moment in which the others went, goes after them.
    """
    row = Invoice.objects.filter(pk=invoice.pk, deal_id=invoice.deal_id)
    if not row.exists():
        return True
    of_that_deal = Invoice.objects.filter(company=invoice.company_id, draft__deal_id=invoice.deal_id)
    gone_on = of_that_deal.exclude(deal_id=invoice.deal_id).order_by("-pk")
    place = gone_on.values_list("deal_id", flat=True).first()
    return place is not None and row.update(deal_id=place) == 1


def _follow(company: Company, gone: int, place: int | None) -> None:
    """All that was asked for in the deal `gone` belongs to the deal `place`, where its notes are. Those go there, too,
    that were given up because it is gone.
    """
    if place is None or place == gone:
        return
    with transaction.atomic():
        rows = Invoice.objects.filter(company=company, deal_id=gone)
        rows.filter(note_problem=DEAL_GONE).update(note_problem="", note_due_at=shared_now())
        one = list(rows.exclude(qbo_invoice_id="").values_list("pk", flat=True)[:1])
        moved = rows.update(deal_id=place)
        Invoice.objects.filter(pk__in=one).update(note_due_at=shared_now())  # with its note come the fields of the deal
    log.info("deal %s is gone, deal %s has its place and its %s invoices", gone, place, moved)


def _parties(facts: DealFacts, customer_id: str = "") -> Parties:
    same = {"organization_id": facts.organization_id, "person_id": facts.person_id, "customer_id": customer_id}
    return {column: value for column, value in same.items() if value}


def _notes_beside(company: Company, deal_id: int, parties: Parties, *, known: Collection[int] = ()) -> dict[int, int]:
    """Of the deals of the same parties that were invoiced last, without the `known` ones: a note of ours, by the
    deal's id.
    """
    found: dict[int, int] = {}
    for column, party in parties.items():  # one after the other: each has its index
        for row in NOTES_OF[column](company.pk, deal_id, party):
            if row.note_id and row.deal_id not in known and len(found) + len(known) < MOST_ASKED:
                found.setdefault(row.deal_id, row.note_id)
    return found


def _latest_notes(company_id: int, other_than: int, **party: int | str) -> QuerySet[Invoice]:
    rows = Invoice.objects.filter(company=company_id, note_id__isnull=False, voided_on__isnull=True, **party)
    rows = rows.filter(deleted_on__isnull=True).exclude(deal_id=other_than).order_by("-pk")
    return rows.only("deal_id", "note_id")[: MOST_ASKED * 2]


@Prepared
def _notes_of_organization(company_id: int, other_than: int, organization_id: int) -> QuerySet[Invoice]:
    return _latest_notes(company_id, other_than, organization_id=organization_id)


@Prepared
def _notes_of_person(company_id: int, other_than: int, person_id: int) -> QuerySet[Invoice]:
    return _latest_notes(company_id, other_than, person_id=person_id)


@Prepared
def _notes_of_customer(company_id: int, other_than: int, customer_id: str) -> QuerySet[Invoice]:
    return _latest_notes(company_id, other_than, customer_id=customer_id)


NOTES_OF: dict[str, Prepared[[int, int, Any], Invoice]] = {
    "organization_id": _notes_of_organization,
    "person_id": _notes_of_person,
    "customer_id": _notes_of_customer,
}
