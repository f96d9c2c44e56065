"""Deals that a rule of their company has found ready to be invoiced and that wait for a person, see `automatic`."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from integration_settings import rights
from integration_settings.clock import shared_now
from integration_settings.models import Company
from integration_settings.rights import Right
from integration_settings.tenancy import Visitor
from invoices.domain.unattended import Why
from invoices.models import Invoice, ReadyDeal
from invoices.so_far import all_living

LONGEST_LIST = 50


def waiting_deals(company: Company) -> QuerySet[ReadyDeal]:
    """Those of the company that nobody has invoiced or put away meanwhile, the latest first."""
    invoiced = Exists(all_living(company.pk).filter(deal_id=OuterRef("deal_id")))
    rows = ReadyDeal.objects.filter(company=company, put_away_at__isnull=True).exclude(why="")
    return rows.filter(Q(why=Why.NOT_SENT) | ~invoiced).select_related("invoice").order_by("-pk")


def waiting_deal(company: Company, deal_id: int) -> ReadyDeal | None:
    """The deal, where it waits to be invoiced."""
    return waiting_deals(company).filter(deal_id=deal_id).exclude(why=Why.NOT_SENT).first()


def try_again(visitor: Visitor, deal_id: int) -> int | None:
    """Whatever kept the rule from it may be mended: the row's id, now due; None where it does not wait any more.

    Raises `NotAllowed` without the right to create invoices.
    """
    rights.demand(visitor.user, Right.CREATE)
    row = waiting_deals(visitor.company).filter(deal_id=deal_id).exclude(why=Why.WANTED).first()
    if row is None:
        return None
    now = shared_now()
    rows = ReadyDeal.objects.filter(pk=row.pk, why=row.why, next_attempt_at__isnull=True)
    return row.pk if rows.update(why="", next_attempt_at=now, found_at=now, attempts=0) else None


def put_away(visitor: Visitor, deal_id: int) -> None:
    """Nobody is to be told of it any more. Raises `NotAllowed` without the right to create invoices."""
    rights.demand(visitor.user, Right.CREATE)
    visitor.company.ready_deals.filter(deal_id=deal_id).exclude(why="").update(put_away_at=timezone.now())


def was_made_by_rule(invoice: Invoice) -> bool:
    return ReadyDeal.objects.filter(invoice=invoice).exists()
