"""Why invoices stop, told apart such that one repair releases all that stopped for the same reason."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from invoices.domain.draft import DraftLine, InvoiceDraft
from invoices.domain.refusals import ACCESS_DENIED, BOOKS_CLOSED, GAVE_UP, NAME_TAKEN, NOT_PAID_FOR, OTHER_BOOKS

Mend = Callable[[InvoiceDraft], InvoiceDraft]

MENDED_ELSEWHERE = (BOOKS_CLOSED, NOT_PAID_FOR, ACCESS_DENIED, GAVE_UP, OTHER_BOOKS)
CUSTOMERS = ("customer", "inactive customer")
PART_OF_LINE = re.compile(r"lines\.(\d+)\.(item|tax_code)")


class Kind(StrEnum):
    """Who or what is to be mended. The first four stop invoices, the others are told beside them."""

    ITEM = "item"  # QuickBooks does not take the item of a line: another one is chosen
    NAME = "name"  # nor the name of the new customer: another one is proposed
    ELSEWHERE = "elsewhere"  # mended outside of the invoice; then it runs again as it is
    FORM = "form"  # somebody has to look at the form
    CONNECTION = "connection"
    FIELD = "field"  # of Pipedrive, that filled something on invoices
    ACTION = "action"
    CUSTOMER = "customer"  # the update of one
    NOTE = "note"  # in the deal's history


class Held(StrEnum):
    """Why a refused invoice was not run again unattended: its person has to look."""

    DEAL_CHANGED = "deal_changed"
    DEAL_GONE = "deal_gone"  # or not to be seen by whoever ran it
    DEAL_UNKNOWN = "deal_unknown"  # nobody noted what the deal was worth
    CHECKS = "checks"  # the form's checks do not let it pass any more
    OTHER_TOTAL = "other_total"  # than the one that was confirmed: tax rates were changed since, say
    PAST_DUE = "past_due"  # with the dates that were confirmed it would be overdue from its first moment


@dataclass(frozen=True, slots=True)
class Cause:
    """Equal for all that the same repair releases. `name` is what it is about, as people call it."""

    kind: Kind
    about: str
    name: str = ""

    @property
    def key(self) -> str:
        """Names the cause in an address; nothing of what it is about can be read from it."""
        return hashlib.sha256(f"{self.kind} {self.about}".encode()).hexdigest()[:20]


def cause_of(
    draft: InvoiceDraft, *, code: str, field: str, quote: str = "", taken_by: str = "", new_item: str = ""
) -> Cause:
    """Why QuickBooks refused the draft; the arguments are those of `selectors.Refusal`, `quote` its own words."""
    found = PART_OF_LINE.fullmatch(field)
    if found and int(found[1]) < len(draft.lines):
        line = draft.lines[int(found[1])]
        if found[2] == "tax_code":
            field = f"tax code {line.tax_code_id}"  # on whichever line it stands
        elif item := item_of(line):
            return Cause(Kind.ITEM, item, new_item or line.new_item or line.name)
    name = draft.bill_to.name
    if field == "customer.name" and draft.bill_to.is_new and taken_by not in CUSTOMERS:
        return Cause(Kind.NAME, f"{code} {name.casefold()}", name)
    if code in MENDED_ELSEWHERE:
        return Cause(Kind.ELSEWHERE, code)
    party = name.casefold() if code == NAME_TAKEN or field.startswith("customer") else ""
    return Cause(Kind.FORM, f"{code} {field} {party} {quote}", name if party else "")


def item_of(line: DraftLine) -> str:
    """The item that a line names or is to get, "" for none."""
    if line.item_id:
        return f"item {line.item_id}"
    return f"new {line.product_id} {line.new_item.casefold()}" if line.needs_new_item else ""


def item_id_of(cause: Cause) -> str:
    """QuickBooks' id of the item that it does not take, "" for one that could not be created."""
    word, _, item_id = cause.about.partition(" ")
    return item_id if word == "item" else ""


def with_item(cause: Cause, item_id: str) -> Mend:
    """Another item on all lines that have the cause's; the choice counts as the person's and is remembered."""

    def mended(line: DraftLine) -> DraftLine:
        if item_of(line) != cause.about:
            return line
        return replace(line, item_id=item_id, item_chosen=True, new_item="", income_account_id="")

    return lambda draft: replace(draft, lines=tuple(map(mended, draft.lines)))


def with_name(name: str) -> Mend:
    """Another name for the new customer."""
    return lambda draft: replace(draft, bill_to=replace(draft.bill_to, name=name))


def as_it_is(draft: InvoiceDraft) -> InvoiceDraft:
    return draft
