"""What hangs on a deal: products, discounts, instalments. Rests on https://developers.pipedrive.com/docs/api/v1/Deals."""

from __future__ import annotations

from starlette.responses import Response

from ..wire import Record, success
from .calls import Call
from .deals import find_deal
from .paging import page


def of_visible_deals(call: Call, records: dict[int, list[Record]]) -> list[Record]:
    """Those of `deal_ids` that the user may see; the others are left out without a word."""
    company = call.company
    wanted = [company.deals[deal_id] for deal_id in dict.fromkeys(call.query["deal_ids"]) if deal_id in company.deals]
    return [entry for deal in wanted if company.sees(call.user, deal) for entry in records.get(deal["id"], [])]


async def products_of_deal(call: Call) -> Response:
    deal = find_deal(call, call.id)
    return page(call.company.deal_products.get(deal["id"], []), call.query)


async def products_of_deals(call: Call) -> Response:
    return page(of_visible_deals(call, call.company.deal_products), call.query)


async def discounts_of_deal(call: Call) -> Response:
    deal = find_deal(call, call.id)
    return success(call.company.discounts.get(deal["id"], []))


async def installments_of_deals(call: Call) -> Response:
    return page(of_visible_deals(call, call.company.installments), call.query)
