"""Which item of QuickBooks a product of Pipedrive is: choices that are remembered, the policy, and new items."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from integration_settings import kept_lists, reference
from integration_settings.errors import Rejected, ServiceError
from integration_settings.item_links import link_item, links_of, mark_used, policy_of, usable_account
from integration_settings.kept_lists import ONE_HOUR
from integration_settings.models import CompanySettings, QuickBooksConnection
from integration_settings.models import ItemPolicy as Policy
from integration_settings.reference import AS_STORED, Item
from integration_settings.selectors import hold_company, settings_of
from invoices.claims import claimed
from invoices.domain.books import NEVER_SOLD, can_be_sold
from invoices.domain.draft import DraftLine, InvoiceDraft, to_json
from invoices.domain.matching import ItemPolicy
from invoices.domain.names import same_name
from invoices.domain.refusals import NAME_TAKEN
from invoices.domain.tax import is_of_customer
from invoices.evidence import written_down
from invoices.invoice_gateway import InvoiceGateway
from invoices.leases import renew
from invoices.models import Invoice, WriteKind

# Choices and policy


def item_policy(connection: QuickBooksConnection, stored: CompanySettings, max_age: timedelta = ONE_HOUR) -> ItemPolicy:
    """What a product without an item gets. An account that is gone creates nothing: then a person is asked.

    Raises the `ServiceError`s of QuickBooks when the accounts are needed and were never read.
    """
    chosen = policy_of(stored, connection)
    if chosen.policy == Policy.DEFAULT:
        return ItemPolicy(default_item_id=chosen.default_item_id)
    if chosen.policy == Policy.CREATE:
        accounts = reference.income_accounts(connection.company, max_age)
        return ItemPolicy(income_account_id=usable_account(chosen, accounts))
    return ItemPolicy()


def up_to_date_items(
    connection: QuickBooksConnection, items: list[Item], chosen: Mapping[int, tuple[str, datetime]]
) -> list[Item]:
    """The list again when an item was chosen or created that is younger than it: a choice is not lost for an hour."""
    read_at = kept_lists.read_at(connection.company, "items")
    newer = {item_id for item_id, linked_at in chosen.values() if read_at and linked_at >= read_at}
    if newer <= {item.id for item in items}:
        return items
    return reference.items(connection.company, timedelta(0))


def creates_items(connection: QuickBooksConnection, draft: InvoiceDraft) -> bool:
    """Whether the draft has new items and the company's policy, as it is now, creates them."""
    if not any(line.needs_new_item for line in draft.lines):
        return False
    return bool(item_policy(connection, settings_of(connection.company), AS_STORED).income_account_id)


def with_income_account(connection: QuickBooksConnection, draft: InvoiceDraft) -> InvoiceDraft:
    """The draft whose new items have the company's account: what a form says about it need not be believed."""
    if not any(line.needs_new_item for line in draft.lines):
        return draft
    account = item_policy(connection, settings_of(connection.company), AS_STORED).income_account_id
    lines = (replace(line, income_account_id=account if line.needs_new_item else "") for line in draft.lines)
    return replace(draft, lines=tuple(lines))


def remember_items(connection: QuickBooksConnection, draft: InvoiceDraft, *, by: str) -> None:
    """Whoever chose an item for a product has said what that product is; of two choices the last one counts."""
    chosen = [(line.product_id, line) for line in draft.lines if line.product_id and line.item_chosen]
    known: dict[str, Item] = {}
    with suppress(ServiceError):  # a choice may be lost, never the word about the invoice that is stored already
        known = {item.id: item for item in reference.items(connection.company, AS_STORED)} if chosen else {}
    for product_id, line in chosen:
        item = known.get(line.item_id)
        if item and can_be_sold(item):
            link_item(connection, product_id, name=line.name, code=line.product_code, item=item, by=by)
    mark_used(connection, [(line.product_id, line.item_id) for line in draft.lines if line.product_id])


# New items


class ItemRefused(Exception):
    """QuickBooks did not take the new item of the draft's line `index`.

    `taken_by` is "inactive item" or "category" when that has the name, else "".
    """

    def __init__(self, index: int, name: str, refusal: Rejected, taken_by: str = "") -> None:
        super().__init__(f"item of line {index}: {refusal}")
        self.index = index
        self.name = name
        self.refusal = refusal
        self.taken_by = taken_by


def with_items(
    invoice: Invoice, draft: InvoiceDraft, connection: QuickBooksConnection, gateway: InvoiceGateway
) -> InvoiceDraft:
    """The draft with an item on every line; those that are new are created first, each once.

    The row then holds the draft with them, so that whatever is sent later names the same items. Raises `ItemRefused`,
    `claims.Busy`, `LeaseLost` and the errors of `integration_settings.errors`. A lost answer costs nothing: names are
    unique in QuickBooks, and the request id stands on the row before the call.
    """
    if not any(line.needs_new_item for line in draft.lines):
        return draft
    lines = list(draft.lines)
    made: dict[int, str] = {}
    for index, line in enumerate(lines):
        if not line.needs_new_item or line.product_id is None:
            continue
        if line.product_id not in made:
            renew(invoice)  # each item takes a call or two of its own
            made[line.product_id] = _item_of(invoice, index, line, connection, gateway)
        lines[index] = replace(line, item_id=made[line.product_id])
    complete = replace(draft, lines=tuple(lines))
    renew(invoice, draft=to_json(complete))
    return complete


def _item_of(
    invoice: Invoice, index: int, line: DraftLine, connection: QuickBooksConnection, gateway: InvoiceGateway
) -> str:
    product_id = line.product_id or 0
    if found := _made_meanwhile(line, connection):
        return found
    with claimed(invoice, "product", product_id):
        if found := _made_meanwhile(line, connection):
            return found
        item = _create(invoice, index, _for_every_customer(line, connection), gateway)
        with transaction.atomic():
            # Gone when the app was uninstalled meanwhile: then there is nobody to remember it for.
            if hold_company(invoice.company_id):
                by = invoice.created_by_name
                link_item(connection, product_id, name=line.name, code=line.product_code, item=item, by=by)
                reference.keep_items(connection, [item])
        return item.id


def _for_every_customer(line: DraftLine, connection: QuickBooksConnection) -> DraftLine:
    """Without the code that only this customer's invoice has: other customers' lines would get it from the item."""
    with kept_lists.only_kept(), suppress(kept_lists.NotKept):
        codes = reference.tax_codes(connection.company, AS_STORED)
        if any(is_of_customer(code) for code in codes if code.id == line.tax_code_id):
            return replace(line, tax_code_id="")
    return line


def _made_meanwhile(line: DraftLine, connection: QuickBooksConnection) -> str:
    """The product's item, when it is the one that the draft would create: another deal was first, or a try before."""
    link = links_of(connection).filter(product_id=line.product_id or 0).first()
    if link is None or not same_name(link.item_name, line.new_item):
        return ""
    items = reference.items(connection.company, AS_STORED)
    return next((item.id for item in items if item.id == link.item_id and can_be_sold(item)), "")


def _create(invoice: Invoice, index: int, line: DraftLine, gateway: InvoiceGateway) -> Item:
    """The new item, or the one of exactly that name: it came from a try before, or a bookkeeper was faster."""
    request_id = str(invoice.item_request_ids[str(line.product_id)])
    try:
        with written_down(WriteKind.CREATE_ITEM, invoice, gateway, request_id=request_id):
            return gateway.create_item(line, request_id=request_id)
    except Rejected as refusal:
        owner = gateway.item_named(line.new_item) if refusal.code == NAME_TAKEN else None
        if owner is None:
            raise ItemRefused(index, line.new_item, refusal) from refusal
        if can_be_sold(owner):
            return owner
        taken_by = "category" if owner.type in NEVER_SOLD else "inactive item"
        raise ItemRefused(index, owner.shown_name, refusal, taken_by) from refusal
