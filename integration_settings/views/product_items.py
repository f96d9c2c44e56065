"""Products and their items in the settings: what was chosen, what has to be repaired, another choice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from integration_settings import kept_lists, reference
from integration_settings.errors import ServiceError
from integration_settings.fault_words import fault_words
from integration_settings.item_links import link_item, links_of, product_item, product_items
from integration_settings.models import ItemLink
from integration_settings.reference import AS_STORED, Item
from integration_settings.rights import administers
from integration_settings.tenancy import Visitor, page_token_required

AT_ONCE = 20
FOLDER = "integration_settings/fragments"


@page_token_required
@require_safe
def products(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """GET /embed/settings/products?q=&show=faults&from=: the card, its list (part=list) or more of it (part=rows)."""
    part = request.GET.get("part", "")
    template = {"list": "product_list.html", "rows": "product_rows.html"}.get(part, "products_card.html")
    return render(request, f"{FOLDER}/{template}", _list(request, visitor))


@page_token_required
@require_POST
def change(request: HttpRequest, visitor: Visitor, product_id: int) -> HttpResponse:
    """POST /embed/settings/products/<id> item=: another item for the product; answers with its row."""
    link = _link(visitor, product_id)
    if link is None:
        return _not_there(request)
    if not administers(visitor.user) or visitor.connection is None:
        return _row(request, visitor, link, problem=_("Nothing was changed. That is for administrators."), status=403)
    item = next((item for item in _items(visitor) if item.id == request.POST.get("item") and item.active), None)
    if item is None:
        return _row(request, visitor, link, problem=_("Choose one of the active items of QuickBooks."), status=422)
    link_item(
        visitor.connection,
        link.product_id,
        name=link.product_name,
        code=link.product_code,
        item=item,
        by=visitor.user.name,
        used=False,
    )
    link = _link(visitor, product_id)
    if link is None:
        return _not_there(request)
    # Translators: read out after another item was chosen; the places are names of a product and of an item
    said = _("“{product}” is “{item}” from now on").format(product=link.product_name, item=item.name)
    return _row(request, visitor, link, announce=said)


@page_token_required
@require_POST
def forget(request: HttpRequest, visitor: Visitor, product_id: int) -> HttpResponse:
    """POST /embed/settings/products/<id>/forget: the next invoice looks for an item anew."""
    link = _link(visitor, product_id)
    if link is None:
        return _not_there(request)
    if not administers(visitor.user):
        return _row(request, visitor, link, problem=_("Nothing was changed. That is for administrators."), status=403)
    link.delete()
    return render(request, f"{FOLDER}/product_forgotten.html", {"name": link.product_name})


def _link(visitor: Visitor, product_id: int) -> ItemLink | None:
    """Of this company and the books that are connected now; anything else is not there."""
    links = links_of(visitor.connection) if visitor.connection else ItemLink.objects.none()
    return links.filter(product_id=product_id).first()


def _not_there(request: HttpRequest) -> HttpResponse:
    """A colleague has removed it since the page was opened, or connected other books."""
    response = render(request, f"{FOLDER}/product_forgotten.html", status=404)
    response["X-Fragment"] = "swap"
    return response


def _items(visitor: Visitor) -> list[Item]:
    try:
        return reference.items(visitor.company, AS_STORED)
    except ServiceError:
        return []


def _list(request: HttpRequest, visitor: Visitor) -> dict[str, Any]:
    text = request.GET.get("q", "").strip()[:100]
    only_faults = request.GET.get("show") == "faults"
    first = _whole(request.GET.get("from", ""))
    context: dict[str, Any] = {"q": text, "only_faults": only_faults, "may_change": visitor.user.is_admin}
    if visitor.connection is None:
        return context | {"not_connected": True}
    try:
        items = reference.items(visitor.company)
    except ServiceError as error:
        return context | {"problem": fault_words(error)}
    found = product_items(visitor.connection, items, text)
    faults = [row for row in found if row.is_fault]
    wanted = faults if only_faults else found
    return context | {
        "rows": wanted[first : first + AT_ONCE],
        "more": min(max(len(wanted) - first - AT_ONCE, 0), AT_ONCE),
        "next": first + AT_ONCE,
        "continued": first > 0,
        "count": len(found),
        "fault_count": len(faults),
        "any": bool(found) or links_of(visitor.connection).exists(),
        "read_at": _read_at(visitor),
    }


def _read_at(visitor: Visitor) -> datetime | None:
    """When the items were read, None where they have changed since: it is not known then."""
    moment = kept_lists.read_at(visitor.company, "items")
    return moment if moment and moment > kept_lists.OUTDATED else None


def _row(
    request: HttpRequest, visitor: Visitor, link: ItemLink, *, problem: str = "", announce: str = "", status: int = 200
) -> HttpResponse:
    item = next((item for item in _items(visitor) if item.id == link.item_id), None)
    context = {
        "row": product_item(link, item),
        "row_problem": problem,
        "announce": announce,
        "swapped": True,
        "may_change": visitor.user.is_admin,
    }
    response = render(request, f"{FOLDER}/product_row.html", context, status=status)
    if status != 200:
        response["X-Fragment"] = "swap"
    return response


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
