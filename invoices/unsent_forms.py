"""Forms that were left without creating: what a person typed is there again when he opens the deal's form.

Kept for the person who typed it, for a week, encrypted; gone as soon as the invoice is asked for.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from integration_settings.clock import shared_now
from integration_settings.models import Company, PipedriveUser
from integration_settings.prepared import Prepared
from integration_settings.selectors import hold_company
from integration_settings.tenancy import Visitor
from invoices.form_memory import LIFE
from invoices.models import Invoice, UnsentForm

KEPT_FOR = LIFE  # the form carries what it was made from, which is believed no longer


@dataclass(frozen=True, slots=True)
class Left:
    """The fields as the browser sent them, and when."""

    fields: QueryDict
    left_at: datetime


def keep(visitor: Visitor, *, deal_id: int, intent_key: uuid.UUID, fields: QueryDict, locale: str) -> None:
    """In place of what this person left before. A form that was sent meanwhile has nothing left to be kept."""
    if was_sent(visitor, intent_key):
        return
    what = {"locale": locale, "fields": fields.urlencode(), "left_at": timezone.now(), "company": visitor.company}
    with transaction.atomic():
        # Gone when the app was uninstalled meanwhile: then there is nobody to keep it for.
        if hold_company(visitor.company.pk) and PipedriveUser.objects.filter(pk=visitor.user.pk).exists():
            visitor.user.unsent_forms.update_or_create(deal_id=deal_id, defaults=what)
    if was_sent(visitor, intent_key):  # in this very moment
        forget(visitor, deal_id)


def left(visitor: Visitor, *, deal_id: int, locale: str) -> Left | None:
    """What this person left of the deal's form, in the locale in which he reads now: figures mean others elsewhere."""
    found = _left(visitor.company.pk, visitor.user.pk, deal_id, locale, timezone.now() - KEPT_FOR)
    row = found[0] if found else None
    if row is None or not row.fields:  # no key opens it
        return None
    fields = QueryDict(row.fields)
    return None if was_sent(visitor, uuid.UUID(fields["intent_key"])) else Left(fields, row.left_at)


@Prepared
def _left(company_id: int, user_id: int, deal_id: int, locale: str, since: datetime) -> QuerySet[UnsentForm]:
    rows = UnsentForm.objects.filter(company=company_id, user=user_id, deal_id=deal_id)
    return rows.filter(locale=locale, left_at__gt=since)


def somebody_has_begun(company: Company, deal_id: int) -> bool:
    """Whether anybody of the company has left a form of the deal that can be taken up again."""
    rows = UnsentForm.objects.filter(company=company, deal_id=deal_id, left_at__gt=timezone.now() - KEPT_FOR)
    return rows.exists()


def forget(visitor: Visitor, deal_id: int) -> None:
    """The invoice was asked for."""
    visitor.user.unsent_forms.filter(deal_id=deal_id).delete()


def forget_old() -> None:
    UnsentForm.objects.filter(left_at__lte=shared_now() - KEPT_FOR).delete()


def was_sent(visitor: Visitor, intent_key: uuid.UUID) -> bool:
    """Whether the invoice of this form was asked for, whatever became of it."""
    return Invoice.objects.filter(company=visitor.company, intent_key=intent_key).exists()
