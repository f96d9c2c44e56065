"""Fields of a deal that tell of its invoices, for lists, filters and automations in Pipedrive, and the stage to which a
deal goes that is invoiced and paid: the company's settings name them. Both follow whenever the note of one of its
invoices is due.

What stands in the fields is read first: nothing is written where they say it already, however often somebody comes by.
That the status there becomes “Paid” is also what moves the deal: once, and not again when somebody moves it elsewhere;
nor when the field was chosen after the deal was paid.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from django.utils import translation

from integration_settings.errors import AccessDenied, ConnectionExpired, NotFound, Rejected
from integration_settings.models import Company, CompanySettings, PipedriveUser
from integration_settings.pipedrive import Json, PipedriveClient
from integration_settings.pipedrive_fields import pipedrive_fields
from integration_settings.reference import AS_STORED
from integration_settings.selectors import settings_of
from invoices.domain.money import Money, is_rounding
from invoices.domain.status import InvoiceStatus, status_of_all
from invoices.models import Invoice
from invoices.reports import status_of
from invoices.so_far import like_the_invoices, living_invoices, summed_up

log = logging.getLogger(__name__)

LONGEST = 255  # characters of a text field
MOST_WRITERS = 3  # who see the deal: where so many may not change it, its fields are for few
MOST_TIMES = 3  # as often as the deal's invoices may change while they are written
MONETARY = "monetary"

Word = Callable[[InvoiceStatus], str]
Values = dict[str, Any]  # by the field's code, as Pipedrive takes and shows them


@dataclass(frozen=True, slots=True)
class Told:
    """What the fields are to say, and whether the deal has been invoiced and paid since they say it."""

    values: Values
    paid: bool


def keep_current(
    invoice: Invoice,
    writers: Iterable[PipedriveUser],
    make_client: Callable[[PipedriveUser], PipedriveClient],
    *,
    today: date,
    word: Word,
) -> None:
    """Writes what the invoices of `invoice`'s deal say into the fields that its company has chosen, with the grant of
    the first of the `writers` who may change the deal. `today` is the date in the QuickBooks company's time zone,
    `word` names a status in the language of the moment.

    What Pipedrive refuses is left and told in the log; the settings show a field that is gone. Raises the other
    errors of `integration_settings.errors`: then it is worth another try.
    """
    company, deal_id, stored = invoice.company, invoice.deal_id, settings_of(invoice.company)
    if not any((stored.deal_status_field, stored.deal_number_field, stored.deal_open_field)):
        return None
    for user in islice(writers, MOST_WRITERS):
        try:
            types = {each.code: each.type for each in pipedrive_fields(user, AS_STORED) if each.tells_of_invoices}
            return _write(make_client(user), _Wanted(company, deal_id, stored, types, today, word))
        except (ConnectionExpired, AccessDenied, NotFound) as error:
            log.info("user %s cannot write the fields of deal %s: %s", user.user_id, deal_id, error)
        except Rejected as refusal:
            return log.warning("deal %s cannot be read for what tells of its invoices: %s", deal_id, refusal)
    return None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the fields are to say; `now` reads it anew each time."""

    company: Company
    deal_id: int
    stored: CompanySettings
    types: Mapping[str, str]  # of the fields that Pipedrive has
    today: date
    word: Word

    def now(self, deal: Json) -> Told:
        rows = list(Invoice.objects.filter(company=self.company, deal_id=self.deal_id).exclude(qbo_invoice_id=""))
        stored, living = self.stored, [row for row in rows if not row.voided_on and not row.deleted_on]
        with translation.override(stored.deal_fields_language or None):
            status = status_of_all([status_of(row, self.today) for row in rows])
            told = {
                stored.deal_status_field: self.word(status) if status else None,
                stored.deal_number_field: _numbers(living),
            }
        if all(row.balance is not None for row in living):  # else QuickBooks has yet to say what is open
            told[stored.deal_open_field] = _open(living, self.types.get(stored.deal_open_field, ""))
        values = {field.removeprefix("deal."): value for field, value in told.items() if field in self.types}
        return Told(values, status == InvoiceStatus.PAID and self._is_news(rows) and self._is_whole(deal))

    def stage(self, deal: Json) -> int | None:
        """Where the deal goes once it is paid; None for one that is there, or lost, or of another pipeline."""
        wanted = self.stored.paid_stages.get(str(deal.get("pipeline_id")))
        return wanted if wanted != deal.get("stage_id") and deal.get("status") != "lost" else None

    def _is_news(self, rows: Iterable[Invoice]) -> bool:
        since = self.stored.deal_status_since
        return since is None or any(row.qbo_updated_at and row.qbo_updated_at >= since for row in rows)

    def _is_whole(self, deal: Json) -> bool:
        """Nothing is left of its value: else the rest will be invoiced, and paid, one day."""
        living = living_invoices(self.company, self.deal_id)
        invoiced = summed_up(living).amount
        if invoiced is None or invoiced.currency != deal.get("currency"):
            return False
        try:
            worth = Money(Decimal(str(deal.get("value") or 0)), invoiced.currency)
        except InvalidOperation:
            return False
        left = like_the_invoices(worth, reversed(living)).amount - invoiced.amount
        return left <= 0 or is_rounding(left, invoiced.currency)


def _write(client: PipedriveClient, wanted: _Wanted) -> None:
    deal = client.deal(wanted.deal_id)
    shown = deal.get("custom_fields")
    shown = dict(shown) if isinstance(shown, Mapping) else {}
    status = wanted.stored.deal_status_field.removeprefix("deal.")
    for _ in range(MOST_TIMES):
        told = wanted.now(deal)
        changed = {code: value for code, value in told.values.items() if not _same(shown.get(code), value)}
        if not changed:
            return
        stage = wanted.stage(deal) if told.paid and status in changed else None
        try:
            client.update_deal(wanted.deal_id, custom_fields=changed, stage_id=stage)
        except Rejected as refusal:
            log.warning("deal %s does not take all that tells of its invoices: %s", wanted.deal_id, refusal)
            _one_by_one(client, wanted.deal_id, changed, status, stage)
        shown |= changed


def _one_by_one(client: PipedriveClient, deal_id: int, changed: Values, status: str, stage: int | None) -> None:
    """A field or a stage that is gone, say, does not keep the others out. The stage goes with the status, which tells
    that the deal was moved.
    """
    for code, value in changed.items():
        for moved in (stage, None) if stage and code == status else (None,):
            with suppress(Rejected):
                client.update_deal(deal_id, custom_fields={code: value}, stage_id=moved)
                break


def _numbers(living: Sequence[Invoice]) -> str | None:
    text = ""
    for number in (row.number or f"#{row.qbo_invoice_id}" for row in sorted(living, key=lambda row: row.pk)):
        longer = f"{text}, {number}" if text else number
        if len(longer) > LONGEST - 1:
            return f"{text}…"
        text = longer
    return text or None


def _open(living: Sequence[Invoice], kind: str) -> Any:
    """None where nothing is invoiced, and for a sum over several currencies, which nobody can pay."""
    currencies = {row.currency for row in living}
    if len(currencies) != 1:
        return None
    amount = sum((max(row.balance or Decimal(0), Decimal(0)) for row in living), Decimal(0))
    return {"value": amount, "currency": currencies.pop()} if kind == MONETARY else amount


def _same(shown: Any, wanted: Any) -> bool:
    """An empty field is shown as null, as an empty text, or not at all."""
    if isinstance(shown, Mapping) and isinstance(wanted, Mapping):
        return _same(shown.get("value"), wanted["value"]) and shown.get("currency") == wanted["currency"]
    return bool((shown or None) == wanted)
