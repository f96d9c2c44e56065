"""What Pipedrive's answers about a deal say. Odd members count as not there; nothing here asks anybody.

https://developers.pipedrive.com/docs/api/v1/Deals
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from integration_settings.deal_rules import DealState
from invoices.domain.deal import DealProduct, Discount, Frequency, Recurrence, TaxMethod
from invoices.domain.files import DealFile
from invoices.domain.money import round_amount
from invoices.domain.plan import Instalment

KEPT_ELSEWHERE = "googledrive"  # the one place beside Pipedrive's own that its reference names
LARGEST_ID = 2**63  # what a column holds is below it
Json = Mapping[str, Any]


def deal_state(values: Mapping[str, object]) -> DealState:
    """Where the deal with these `values`, see `domain.deal.Deal`, stands in Pipedrive."""
    deleted = values.get("is_deleted") is True
    return DealState(
        deal_id=id_of(values.get("id")) or 0,
        pipeline_id=id_of(values.get("pipeline_id")),
        stage_id=id_of(values.get("stage_id")),
        status="deleted" if deleted else text_of(values.get("status")),
        won_at=_moment(values.get("won_time")),
        # A deal that was made in its stage has not changed it.
        in_stage_since=_moment(values.get("stage_change_time")) or _moment(values.get("add_time")),
        changed_at=_moment(values.get("update_time")),
    )


def _moment(told: object) -> datetime | None:
    """None for what is no time. One without a zone is universal time, as in version 1."""
    try:
        moment = datetime.fromisoformat(text_of(told))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def tax_method_of(rows: Iterable[Json]) -> TaxMethod:
    """Pipedrive keeps the method with each product and one for all products of a deal."""
    for row in rows:
        if row.get("tax_method") in set(TaxMethod):
            return TaxMethod(row["tax_method"])
    return TaxMethod.EXCLUSIVE


def deal_product(row: Json, codes: Mapping[int, Json]) -> DealProduct:
    """https://developers.pipedrive.com/docs/api/v1/Deals#getDealProducts"""
    product_id = id_of(row.get("product_id"))
    product = codes.get(product_id or 0, {})
    return DealProduct(
        attachment_id=int(row["id"]),
        product_id=product_id,
        name=text_of(row.get("name")) or text_of(product.get("name")),
        quantity=number_of(row.get("quantity")),
        unit_price=number_of(row.get("item_price")),
        discount=line_discount_of(row),
        tax_percentage=number_of(row.get("tax")),
        enabled=row.get("is_enabled") is not False,
        code=text_of(product.get("code")),
        comments=text_of(row.get("comments")),
        recurrence=_recurrence(row),
        names_tax=row.get("tax") is not None,
    )


def _recurrence(row: Json) -> Recurrence | None:
    """Plans without recurring products leave both members out, or have "one-time". Cycles that are no number end at
    some time that nobody can tell.
    """
    frequency, cycles = row.get("billing_frequency"), int(number_of(row.get("billing_frequency_cycles")))
    if frequency not in set(Frequency):
        return None
    return Recurrence(Frequency(frequency), cycles if cycles > 0 else None)


def line_discount_of(row: Json) -> Discount:
    """The discount of the whole line. One whose kind is not told is a percentage, which is Pipedrive's default.

    Whether Pipedrive's amount is meant per line or per unit is not documented. Its own `sum` of the line tells: when
    only the reading per unit gives that sum, it is per unit.
    """
    value = number_of(row.get("discount"))
    if row.get("discount_type") in (None, "", "percentage"):
        return Discount(value, True)
    quantity, full = number_of(row.get("quantity")), number_of(row.get("quantity")) * number_of(row.get("item_price"))
    if value and row.get("sum") is not None and quantity != 1:
        currency = text_of(row.get("currency"))
        told = round_amount(number_of(row.get("sum")), currency)
        factors = [
            Decimal(1),
            1 + number_of(row.get("tax")) / 100,
        ]  # the sum may contain the tax, which is not told either
        per_line = {round_amount((full - value) * factor, currency) for factor in factors}
        per_unit = {round_amount((full - value * quantity) * factor, currency) for factor in factors}
        if told in per_unit and told not in per_line:
            return Discount(value * quantity, False)
    return Discount(value, False)


def deal_discount(row: Json) -> Discount:
    """https://developers.pipedrive.com/docs/api/v1/Deals#getAdditionalDiscounts"""
    return Discount(number_of(row.get("amount")), row.get("type") == "percentage", text_of(row.get("description")))


def instalment(answer: Json) -> Instalment:
    day: date | None = None
    with suppress(ValueError):
        day = date.fromisoformat(text_of(answer.get("billing_date"))[:10])
    number = id_of(answer.get("id")) or 0
    return Instalment(number, number_of(answer.get("amount")), day, text_of(answer.get("description")))


def deal_file(answer: Json) -> DealFile:
    added: datetime | None = None
    with suppress(ValueError):
        added = datetime.fromisoformat(text_of(answer.get("add_time"))).replace(tzinfo=UTC)
    elsewhere = text_of(answer.get("remote_location")) == KEPT_ELSEWHERE
    name = text_of(answer.get("name")) or text_of(answer.get("file_name"))
    size = int(min(max(number_of(answer.get("file_size")), Decimal(0)), Decimal(LARGEST_ID)))
    return DealFile(id_of(answer.get("id")) or 0, name, size, added, elsewhere)


def deal_of_note(answer: Json) -> int | None:
    """https://developers.pipedrive.com/docs/api/v1/Notes#getNote ; None where it hangs on something else, a lead say"""
    return id_of(answer.get("deal_id"))


def values_of(answer: Json) -> dict[str, object]:
    """All fields by their code; custom ones stand in an object of their own."""
    custom = answer.get("custom_fields")
    plain = {name: value for name, value in answer.items() if name != "custom_fields"}
    return plain | (dict(custom) if isinstance(custom, Mapping) else {})


def id_of(value: object) -> int | None:
    """Version 1 answers carry an object in places where version 2 has the bare id."""
    found = value.get("value") if isinstance(value, Mapping) else value
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def text_of(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else ""


def number_of(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return Decimal(0)
    try:
        found = Decimal(value)
    except InvalidOperation:
        return Decimal(0)
    return found if found.is_finite() else Decimal(0)
