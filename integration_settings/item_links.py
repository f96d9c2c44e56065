"""Which QuickBooks item a product of Pipedrive is: what people chose, always of one company and one set of books."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from integration_settings.models import CompanySettings, ItemLink, ItemPolicy, QuickBooksConnection
from integration_settings.prepared import Prepared
from integration_settings.reference import Account, Item
from integration_settings.selectors import hold_company

ItemState = Literal["active", "inactive", "gone"]
LONGEST = 255


@dataclass(frozen=True, slots=True)
class ProductItem:
    """One saved choice as the settings show it. `item_name` is today's, or the former one of an item that is gone."""

    link: ItemLink
    item_name: str
    sku: str
    state: ItemState

    @property
    def is_fault(self) -> bool:
        return self.state != "active"


def links_of(connection: QuickBooksConnection) -> QuerySet[ItemLink]:
    return ItemLink.objects.filter(company=connection.company_id, realm_id=connection.realm_id)


def linked_items(connection: QuickBooksConnection) -> dict[int, tuple[str, datetime]]:
    """The id of the chosen item and when it was chosen, by product."""
    links = _chosen_in(connection.company_id, connection.realm_id)
    return {link.product_id: (link.item_id, link.linked_at) for link in links}


@Prepared
def _chosen_in(company_id: int, realm_id: str) -> QuerySet[ItemLink]:
    links = ItemLink.objects.filter(company=company_id, realm_id=realm_id)
    return links.only("product_id", "item_id", "linked_at")


def link_item(
    connection: QuickBooksConnection, product_id: int, *, name: str, code: str, item: Item, by: str, used: bool = True
) -> None:
    """Remembers the item for the next invoices. `used`: an invoice is just being made with it."""
    now = timezone.now()
    columns = {
        "product_name": name[:LONGEST],
        "product_code": code[:LONGEST],
        "item_id": item.id,
        "item_name": item.shown_name[:LONGEST],
        "linked_by": by[:LONGEST],
        "linked_at": now,
        **({"last_used_at": now} if used else {}),
    }
    company_id, realm_id = connection.company_id, connection.realm_id
    with transaction.atomic():
        if hold_company(company_id):  # else the company has left: there is nobody to remember it for
            ItemLink.objects.update_or_create(
                company_id=company_id, realm_id=realm_id, product_id=product_id, defaults=columns
            )


def mark_used(connection: QuickBooksConnection, products: Collection[tuple[int, str]]) -> None:
    """(product id, item id) of the lines of an invoice: only where that is the saved choice."""
    used = set(products)
    links = links_of(connection).filter(product_id__in={product_id for product_id, _ in used})
    current = [link.pk for link in links if (link.product_id, link.item_id) in used]
    ItemLink.objects.filter(pk__in=current).update(last_used_at=timezone.now())


def product_items(connection: QuickBooksConnection, items: Sequence[Item], text: str = "") -> list[ProductItem]:
    """The saved choices whose product or item has all words of the text; those to repair first, then by name."""
    by_id = {item.id: item for item in items}
    words = text.casefold().split()
    found = []
    for link in links_of(connection):
        shown = product_item(link, by_id.get(link.item_id))
        searched = f"{link.product_name} {link.product_code} {shown.item_name} {shown.sku}".casefold()
        if all(word in searched for word in words):
            found.append(shown)
    found.sort(key=lambda row: (not row.is_fault, row.link.product_name.casefold(), row.link.product_id))
    return found


def product_item(link: ItemLink, item: Item | None) -> ProductItem:
    if item is None:
        return ProductItem(link, link.item_name, "", "gone")
    return ProductItem(link, item.shown_name, item.sku, "active" if item.active else "inactive")


# The policy for products without an item


@dataclass(frozen=True, slots=True)
class ChosenPolicy:
    """The company's policy for the books that are connected now; ids of other books never appear in it."""

    policy: ItemPolicy = ItemPolicy.STOP
    default_item_id: str = ""
    default_item_name: str = ""
    income_account_id: str = ""


def policy_of(stored: CompanySettings, connection: QuickBooksConnection | None) -> ChosenPolicy:
    if connection is None or stored.items_realm_id != connection.realm_id:
        return ChosenPolicy()
    return ChosenPolicy(
        ItemPolicy(stored.item_policy), stored.default_item_id, stored.default_item_name, stored.income_account_id
    )


def usable_account(chosen: ChosenPolicy, accounts: Sequence[Account]) -> str:
    """The account for new items when items are to be created and QuickBooks still has it, else ""."""
    wanted = chosen.income_account_id if chosen.policy == ItemPolicy.CREATE else ""
    return wanted if wanted in {account.id for account in accounts} else ""
