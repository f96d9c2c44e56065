"""Deals that a rule of their company has found ready to be invoiced and that wait for a person, see `automatic`."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from integration_settings import rights
from integration_settings.clock import shared_now
from integration_settings.deal_rules import rules_of, stored_rules
from integration_settings.models import Company
from integration_settings.rights import Right
from integration_settings.tenancy import Visitor
from invoices.domain.checks import Finding, Severity
from invoices.domain.unattended import Why
from invoices.models import Invoice, ReadyDeal
from invoices.so_far import all_living

AT_ONCE = 50  # that are tried again; the others stay for another press
NOT_TRIED_AGAIN = (Why.WANTED, Why.TAKEN_BACK, Why.NOT_SENT, Why.PLAN)


def waiting_deals(company: Company) -> QuerySet[ReadyDeal]:
    """Those of the company that nobody has invoiced or put away meanwhile, the latest first."""
    invoiced = Exists(all_living(company.pk).filter(deal_id=OuterRef("deal_id")))
    rows = ReadyDeal.objects.filter(company=company, put_away_at__isnull=True).exclude(why="")
    return rows.filter(Q(why=Why.NOT_SENT) | ~invoiced).select_related("invoice").order_by("-pk")


def waiting_deal(company: Company, deal_id: int) -> ReadyDeal | None:
    """The deal, where it waits to be invoiced."""
    return waiting_deals(company).filter(deal_id=deal_id).exclude(why=Why.NOT_SENT).first()


def try_again(visitor: Visitor, deal_id: int | None = None) -> list[int]:
    """Whatever kept the rule from it, or from all of them, may be mended: the ids of the rows that are due now. Those
    that a person is to make stay.

    Raises `NotAllowed` without the right to create invoices.
    """
    rights.demand(visitor.user, Right.CREATE)
    if not rules_of(stored_rules(visitor.company)):
        return []  # nobody wants them any more: they would go from the list, and nobody would make them
    rows = waiting_deals(visitor.company).exclude(why__in=NOT_TRIED_AGAIN)
    if deal_id is not None:
        rows = rows.filter(deal_id=deal_id)
    now = shared_now()
    begun = {"why": "", "findings": [], "next_attempt_at": now, "found_at": now, "attempts": 0}
    waiting = ReadyDeal.objects.filter(next_attempt_at__isnull=True).exclude(why="")
    return [pk for pk in rows.values_list("pk", flat=True)[:AT_ONCE] if waiting.filter(pk=pk).update(**begun)]


def findings_of(row: ReadyDeal) -> list[Finding]:
    """What stood in its way then."""
    return [Finding(each["field"], Severity(each["severity"]), each["code"], each["values"]) for each in row.findings]


def put_away(visitor: Visitor, deal_id: int) -> None:
    """Nobody is to be told of it any more. Raises `NotAllowed` without the right to create invoices."""
    rights.demand(visitor.user, Right.CREATE)
    visitor.company.ready_deals.filter(deal_id=deal_id).exclude(why="").update(put_away_at=timezone.now())


def was_made_by_rule(invoice: Invoice) -> bool:
    return ReadyDeal.objects.filter(invoice=invoice).exists()
