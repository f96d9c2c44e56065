"""Deals that become invoices by themselves, where the company has set a rule: found by looking at what has changed in
Pipedrive, and made as a person would with a form in which there is nothing to ask.

A deal that a rule is for gets a `ReadyDeal`, once. The invoice is asked for with a key that follows from the deal, by
`services.request_invoice` like every other: rights, checks and the promise that there is one are the same. Whatever the
form would ask about waits for a person, with the reason.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Least
from django.utils import translation

from integration_settings.clock import LONGEST_DIFFERENCE, shared_now, spread
from integration_settings.deal_rules import (
    WON,
    DealState,
    Outcome,
    Rule,
    Rules,
    rule_for,
    rule_wanting,
    rules_of,
    stored_rules,
)
from integration_settings.errors import ConnectionExpired, NotFound, RateLimited, ServiceError, ServiceUnavailable
from integration_settings.kept_lists import read_once
from integration_settings.models import Company, DealRules, PipedriveUser
from integration_settings.presets import NONE
from integration_settings.rights import NotAllowed, Right, demand, rights_of
from integration_settings.selectors import hold_company, quickbooks_of
from integration_settings.tenancy import Visitor, language_of
from invoices import services
from invoices.customers import is_anothers, one_like_it_is_made
from invoices.deal_answers import deal_state
from invoices.deal_gateway import (
    DealFacts,
    deal_state_now,
    deals_changed_since,
    facts_of,
    load_instalments,
    party_of_loaded,
)
from invoices.domain.actions import Action
from invoices.domain.checks import Finding
from invoices.domain.draft import AmountsAre
from invoices.domain.money import Money
from invoices.domain.plain import plain
from invoices.domain.status import Submission
from invoices.domain.unattended import Why, for_all_readers, standing_in_the_way, why_not_unattended
from invoices.drafting import Preparation, prepare
from invoices.leases import LONG_WAITS
from invoices.models import Invoice, InvoiceAction, ReadyDeal
from invoices.so_far import deals_with_living_invoices, taken_back
from invoices.unsent_forms import somebody_has_begun

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=5)  # ten of Pipedrive's tokens each time, a tenth of the smallest account's day with all
A_MINUTE = timedelta(minutes=1)
WITHOUT_ANYBODY = timedelta(hours=1)
OVERLAP = timedelta(minutes=2)  # Pipedrive may list a change a little later than it dates it
IN_HAND = timedelta(minutes=3)  # longer than both services can take with everything
ARCHIVED_MINUTES, ARCHIVED_SINCE = 6, timedelta(hours=6)  # a little more than from one look to the next
MOST_READ, ONE_SECOND = 5_000, timedelta(seconds=1)  # deals of a look, which a worker can read in its time
MOST_AT_ONCE = 20  # invoices of one look: more is an import, or a change in bulk, which nobody meant to be billed
MOST_TOLD = 3  # findings of a deal; the form tells all
GIVEN_UP_AFTER = timedelta(days=3)  # then nobody expects an invoice by itself any more
MOST_COUNTED = 30_000  # tries; the column has room for little more
MOST_WORTH = Decimal(10) ** 24  # of a deal; the column has room for little more, and none at all for nonsense
TOLD = ("title", "value", "currency")  # of a deal
NO_USER = "no_user"


# Finding them


def look_for_deals(rules_id: int) -> list[int]:
    """Reads what has changed in the company's deals since the last look, and notes down those that a rule is for. The
    ids of the `ReadyDeal`s that can be carried out. Harmless when it is not due; never raises a `ServiceError`.
    """
    begun = shared_now()
    stored = _claim_look(rules_id)
    if stored is None:
        return []
    user = stored.user
    if user is None or not user.is_connected:
        return _looked(stored, WITHOUT_ANYBODY, problem=NO_USER)
    try:
        changed, all_of_them = deals_changed_since(user, stored.read_until - OVERLAP, most=MOST_READ)
        archived = _archived(stored, user, begun)
    except ServiceError as error:
        log.info("%s: the deals could not be read: %s", stored, error)
        wait = timedelta(seconds=error.retry_after) if isinstance(error, RateLimited) else timedelta(0)
        gone = isinstance(error, ConnectionExpired) and not user.is_connected
        return _looked(stored, max(wait, EVERY), problem=NO_USER if gone else type(error).__name__)
    rules = rules_of(stored_rules(stored.company))  # as they are now: of what is chosen later no deal is old enough
    found = _note_down(stored.company, rules, [*archived, *changed])
    times = [state.changed_at for state, _ in changed if state.changed_at]
    known = [moment for moment in times if moment < begun + LONGEST_DIFFERENCE]
    if all_of_them:  # and nothing is older: else what changed in bulk would be read with each look
        _looked(stored, EVERY, read_until=max(stored.read_until, *known, begun - LONGEST_DIFFERENCE))
    else:  # the rest at once; of one second there may be more than that
        begin = stored.read_until - OVERLAP
        _looked(stored, timedelta(0), read_until=max(begin + ONE_SECOND, *known) + OVERLAP)
    return found


def _archived(stored: DealRules, user: PipedriveUser, now: datetime) -> list[tuple[DealState, DealFacts]]:
    """Deals that are archived as soon as they are won, by an automation say. Their list is dearer, so it is read once
    an hour, and for longer than that, as one time may fail; each company has its own minutes.
    """
    if (now.minute - stored.pk) % 60 >= ARCHIVED_MINUTES:
        return []
    return deals_changed_since(user, now - ARCHIVED_SINCE, most=MOST_READ, archived=True)[0]


def look_sooner(company: Company) -> int | None:
    """For whoever has just changed a deal and does not want to wait: the id of what is to be looked at now. None for a
    company without rules, and where the last look is not a minute ago.
    """
    now = shared_now()
    rows = DealRules.objects.filter(company=company, next_look_at__gt=now, next_look_at__lt=now + EVERY - A_MINUTE)
    rows_id = rows.values_list("pk", flat=True).first()
    return rows_id if rows_id and rows.update(next_look_at=now) else None


def _claim_look(rules_id: int) -> DealRules | None:
    """Moves the due time into the future: whoever dies with it leaves it due again."""
    now = shared_now()
    if DealRules.objects.filter(pk=rules_id, next_look_at__lte=now).update(next_look_at=now + IN_HAND) != 1:
        return None
    return DealRules.objects.select_related("company", "user__company").filter(pk=rules_id).first()


def _looked(stored: DealRules, wait: timedelta, *, problem: str = "", **columns: Any) -> list[int]:
    """Rules that were taken away meanwhile stay away."""
    rows = DealRules.objects.filter(pk=stored.pk, next_look_at__isnull=False)
    rows.update(next_look_at=shared_now() + spread(wait), problem=problem, **columns)
    return []


def _note_down(company: Company, rules: Rules, changed: Iterable[tuple[DealState, DealFacts]]) -> list[int]:
    by_deal = {state.deal_id: (state, facts) for state, facts in changed}  # as it was read last
    found = [(rule_for(rules, state), state, facts) for state, facts in by_deal.values()]
    wanted = {facts.deal_id: _ready(company, facts, state, rule) for rule, state, facts in found if rule}
    too_late = {state.deal_id for rule, state, _ in found if rule and _is_too_late(rule.came(state))}
    listed = list(company.ready_deals.filter(deal_id__in=wanted))
    known = {row.deal_id for row in listed} | deals_with_living_invoices(company, wanted)
    new = [row for deal_id, row in wanted.items() if deal_id not in known]
    many = sum(row.outcome != Outcome.PREPARE for row in new) > MOST_AT_ONCE
    gone = taken_back(company, [row.deal_id for row in new])
    for row in new:
        row.why = _why_from_the_start(row, gone=row.deal_id in gone, late=row.deal_id in too_late, many=many)
        row.next_attempt_at = None if row.why else row.found_at
    with transaction.atomic():
        if not hold_company(company.pk):
            return []
        _forget(company, [deal_id for deal_id, (state, _) in by_deal.items() if not rule_wanting(rules, state)])
        _tell_anew(listed, wanted)
        ReadyDeal.objects.bulk_create(new, ignore_conflicts=True)
    if new:
        log.info("company %s: %s deals are ready to be invoiced", company.pipedrive_company_id, len(new))
    started = company.ready_deals.filter(deal_id__in=[row.deal_id for row in new], next_attempt_at__isnull=False)
    return list(started.values_list("pk", flat=True))


def _ready(company: Company, facts: DealFacts, state: DealState, rule: Rule) -> ReadyDeal:
    shown = facts.value if abs(facts.value.amount) < MOST_WORTH else Money(Decimal(0), "")
    return ReadyDeal(
        company=company,
        deal_id=facts.deal_id,
        title=facts.title[:255],
        value=shown.amount,
        currency=shown.currency[:3],
        pipeline_id=state.pipeline_id,
        when=rule.when,
        outcome=rule.outcome_for(state),
        found_at=shared_now(),
    )


def _tell_anew(listed: Iterable[ReadyDeal], now: Mapping[int, ReadyDeal]) -> None:
    """What deals are called and worth by now."""
    changed = []
    for row in listed:
        before = [getattr(row, name) for name in TOLD]
        for name in TOLD:
            setattr(row, name, getattr(now[row.deal_id], name))
        changed += [row] if before != [getattr(row, name) for name in TOLD] else []
    ReadyDeal.objects.bulk_update(changed, TOLD, batch_size=500)


def _why_from_the_start(row: ReadyDeal, *, gone: bool, late: bool, many: bool) -> str:
    if row.outcome == Outcome.PREPARE:
        return Why.WANTED
    return Why.TAKEN_BACK if gone else Why.GAVE_UP if late else Why.MANY if many else ""


def _forget(company: Company, deal_ids: Iterable[int]) -> None:
    """Deals that are not where the rule wants them any more, of which nothing was made: they may get there again."""
    rows = company.ready_deals.filter(deal_id__in=list(deal_ids), invoice__isnull=True, next_attempt_at__isnull=True)
    rows.delete()


# Making the invoice


@dataclass(frozen=True, slots=True)
class Made:
    """What was asked for with one step, for whoever hands it out."""

    invoice: Invoice | None = None
    action: InvoiceAction | None = None


NOTHING = Made()


def carry_out(ready_id: int) -> Made:
    """Takes a deal one step further: its invoice is asked for, or its e-mail, or it waits for a person. Harmless when
    there is nothing to do; never raises a `ServiceError`.
    """
    row = _claim(ready_id)
    if row is None:
        return NOTHING
    try:
        with read_once():
            return _step(row)
    except NotAllowed:
        _wait_for_a_person(row, Why.NOT_SENT if row.invoice else Why.NO_RIGHT)
    except (services.DealChanged, services.DealMoved, services.NumberUnderWay, services.WantedNoMore):
        # In this very moment: it is looked at anew.
        _later(row, _longer_each_time(row))
    except services.DealInvoiced:
        _done(row)
    except ServiceError as error:
        if isinstance(error, NotFound) and error.service == "pipedrive" and not row.invoice:  # there is no such deal
            row.delete()
        else:
            log.info("%s waits: %s", row, error)
            _try_again(row, error)
    except (ObjectDoesNotExist, IntegrityError):
        if Company.objects.filter(pk=row.company_id).exists():
            raise
        log.info("%s: the company has left meanwhile", row)
    return NOTHING


def _claim(ready_id: int) -> ReadyDeal | None:
    """As `_claim_look`. Two at once would ask with the same key for the same invoice."""
    now = shared_now()
    due = ReadyDeal.objects.filter(pk=ready_id, next_attempt_at__lte=now)
    attempts = Least(F("attempts") + 1, Value(MOST_COUNTED))
    if due.update(next_attempt_at=now + IN_HAND, attempts=attempts) != 1:
        return None
    return ReadyDeal.objects.select_related("company", "invoice").filter(pk=ready_id).first()


def _step(row: ReadyDeal) -> Made:
    """Raises `NotAllowed`, what `services.request_invoice` raises of a deal that is another one now, and the
    `ServiceError`s of both services.
    """
    stored = DealRules.objects.select_related("user__company__settings").filter(company=row.company).first()
    if stored is None or stored.user is None:
        raise ConnectionExpired("pipedrive", "nobody in whose name the rules act")
    user = stored.user
    visitor = Visitor(row.company, user, "invoice", quickbooks_of(row.company))
    if row.invoice:  # somebody else's, who had the row in hand until this moment, where it is not to be sent
        return _send(row, row.invoice, visitor) if row.outcome == Outcome.SEND else _done(row)
    invoice = Invoice.objects.filter(company=row.company, intent_key=row.intent_key).first()
    with translation.override(language_of(user)):
        return _asked(row, invoice) if invoice else _make(row, visitor, rules_of(stored))


def _make(row: ReadyDeal, visitor: Visitor, rules: Rules) -> Made:
    if _is_too_late(row.found_at):
        return _wait_for_a_person(row, Why.GAVE_UP)
    found_for = rules.get(row.pipeline_id or 0)
    preset = found_for.preset if found_for else ""
    visitor.user.preset_choice = preset  # the rule's, else the company's default, whatever this user had last
    prepared = prepare(visitor, row.deal_id)
    deal, before_tax = prepared.deal, prepared.worth_before_tax
    if prepared.so_far.count:
        return _done(row)
    state = deal_state(deal.values)
    rule = rule_wanting(rules, state)
    if rule is None:  # it has left its place, or nobody wants it any more
        row.delete()
        return NOTHING
    then = rule.outcome_for(state, Outcome(row.outcome)) if rule.is_for(state) else Outcome.PREPARE
    if then == Outcome.PREPARE:
        return _wait_for_a_person(row, Why.WANTED)
    if rule.preset != preset:  # the deal has gone to another pipeline
        _write(row, pipeline_id=state.pipeline_id)
        raise services.WantedNoMore
    if not prepared.customer.complete:
        raise ServiceUnavailable("quickbooks", "not all was told that says whose customer it is")
    sends = then == Outcome.SEND
    in_the_way = standing_in_the_way(prepared.findings, sends=sends)
    if why := _why_not(row, visitor, prepared, in_the_way, sends=sends):
        return _wait_for_a_person(row, why, () if why in (Why.PLAN, Why.PRESET) else in_the_way)
    draft = prepared.rest.without_done

    def still(now: DealFacts) -> bool:
        if now.place != facts_of(deal).place or not _still_acts(row.company, visitor.user, rules):
            return False
        return not (
            somebody_has_begun(row.company, row.deal_id) or one_like_it_is_made(visitor.connection, draft, now.party)
        )

    row.outcome = then
    # Whoever finds the invoice without us does no more with it.
    _write(row, outcome=then, when=rule.when, pipeline_id=state.pipeline_id)
    requested = services.request_invoice(
        visitor=visitor,
        draft=draft,
        intent_key=row.intent_key,
        template_id=prepared.template.id,
        seen=services.SeenDeal(
            value=Money(deal.value, deal.currency),
            worth_in_all=prepared.worth_in_all,
            with_tax=before_tax is not None or prepared.draft.amounts_are == AmountsAre.TAX_INCLUSIVE,
            before_tax=before_tax,
            party=party_of_loaded(deal),
            invoices=0,
            latest=prepared.so_far.latest,
        ),
        unattended=still,
    )
    return _asked(row, requested.invoice)


def _still_acts(company: Company, user: PipedriveUser, rules: Rules) -> bool:
    """Nobody has changed the rules, in whose name they act, or what that person may do."""
    stored = stored_rules(company)
    same = stored is not None and stored.user_id == user.pk and rules_of(stored) == rules
    return bool(same and stored and stored.user and Right.CREATE in rights_of(stored.user))


def _why_not(
    row: ReadyDeal, visitor: Visitor, prepared: Preparation, in_the_way: list[Finding], *, sends: bool
) -> Why | None:
    if taken_back(row.company, [row.deal_id]):
        return Why.TAKEN_BACK
    if somebody_has_begun(row.company, row.deal_id):
        return Why.BEGUN
    if visitor.user.preset_choice not in ("", NONE, prepared.template.id):
        return Why.PRESET
    if load_instalments(visitor.user, prepared.deal.id):
        return Why.PLAN
    return why_not_unattended(
        in_the_way,
        prepared.tax_proposals,
        customer_is_clear=prepared.customer.is_clear and not is_anothers(visitor.connection, prepared.customer),
        email=prepared.draft.bill_to.email,
        sends=sends,
    )


def _asked(row: ReadyDeal, invoice: Invoice) -> Made:
    """The invoice is on its way as every other; what is left is to e-mail it once it is there."""
    log.info("%s becomes invoice %s", row, invoice.public_id)
    sends = row.outcome == Outcome.SEND
    later = shared_now() + timedelta(seconds=LONG_WAITS[0]) if sends else None
    with transaction.atomic():
        if hold_company(row.company_id):  # else an uninstall could wait for the row, and the row for its invoice
            _write(row, invoice=invoice, next_attempt_at=later, attempts=0)
    return Made(invoice=invoice)


def _send(row: ReadyDeal, invoice: Invoice, visitor: Visitor) -> Made:
    """E-mails it once QuickBooks has it. One that was refused stands on the desk: whoever makes another sends that."""
    if not invoice.is_settled:
        return _later(row, _longer_each_time(row))
    if invoice.submission == Submission.REJECTED:
        return _done(row)
    if not invoice.email or not _still_sends(row, visitor.user):
        return _wait_for_a_person(row, Why.NOT_SENT)
    key = uuid.uuid5(row.intent_key, "e-mail")
    try:
        action = services.request_action(visitor, invoice, Action.SEND, intent_key=key, to=invoice.email)
    except services.Busy:  # somebody attaches a file, say
        return _later(row, _longer_each_time(row))
    except services.NotPossible:
        was_taken_back = invoice.voided_on or invoice.deleted_on
        return _done(row) if was_taken_back else _wait_for_a_person(row, Why.NOT_SENT)  # the books are others
    _done(row)
    return Made(action=action)


def _still_sends(row: ReadyDeal, user: PipedriveUser) -> bool:
    """While the invoice was made nobody has switched that off, nor reopened, lost or deleted the deal; that it goes on
    to the next stage is no matter.
    """
    demand(user, Right.SEND)  # here, as it may take a while
    try:
        status = deal_state_now(user, row.deal_id).status
    except NotFound:
        return False
    rules = rules_of(stored_rules(row.company)).items()
    its_own = [rule for pipeline, rule in rules if row.pipeline_id in (None, pipeline)]
    wanted = any((rule.when, rule.then) == (row.when, Outcome.SEND) for rule in its_own)
    return wanted and (status == WON or (status == "open" and row.when != WON))


# What becomes of a row


def _write(row: ReadyDeal, **columns: Any) -> None:
    ReadyDeal.objects.filter(pk=row.pk).update(**columns)


def _done(row: ReadyDeal) -> Made:
    _write(row, next_attempt_at=None)
    return NOTHING


def _later(row: ReadyDeal, wait: timedelta) -> Made:
    _write(row, next_attempt_at=shared_now() + wait)
    return NOTHING


def _wait_for_a_person(row: ReadyDeal, why: Why, in_the_way: Sequence[Finding] = ()) -> Made:
    log.info("%s waits for a person: %s %s", row, why, " ".join(finding.code for finding in in_the_way[:MOST_TOLD]))
    _write(row, why=why, next_attempt_at=None, findings=plain(for_all_readers(in_the_way[:MOST_TOLD])))
    return NOTHING


def _try_again(row: ReadyDeal, error: ServiceError) -> Made:
    if _is_too_late(row.found_at):
        return _wait_for_a_person(row, Why.NOT_SENT if row.invoice else Why.GAVE_UP)
    wait = timedelta(seconds=error.retry_after) if isinstance(error, RateLimited) else timedelta(0)
    return _later(row, max(wait, _longer_each_time(row)))


def _is_too_late(since: datetime | None) -> bool:
    return since is None or shared_now() - since > GIVEN_UP_AFTER


def _longer_each_time(row: ReadyDeal) -> timedelta:
    return spread(timedelta(seconds=LONG_WAITS[min(row.attempts, len(LONG_WAITS)) - 1]))
