"""Drafts into fields: the form as it opens for a deal, and as it comes back after QuickBooks refused it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from django.utils.translation import gettext as _

from invoices.deal_gateway import party_of_loaded
from invoices.domain.customer_update import PartyDetails
from invoices.domain.deal import Address
from invoices.domain.draft import DraftLine, InvoiceDraft
from invoices.domain.money import round_amount
from invoices.domain.plain import plain_number
from invoices.domain.presets import OWN
from invoices.drafting import Preparation
from invoices.form_memory import LineMemory, Memory
from invoices.forms import NEW_CUSTOMER, NEW_ITEM, OWN_FIELDS, FormInput, LineInput, Lists
from invoices.presentation.say import Say

NO_KEY = uuid.UUID(int=0)
ESTIMATE = "e"  # begins the keys of lines that an estimate has brought
OF_ESTIMATE = ("currency", "amounts_are", "discount", "class_id", "location_id", "sales_tax")  # and own fields
TICKED = "ticked"


def memory_of(preparation: Preparation) -> Memory:
    """What the form has to remember of its preparation."""
    deal, choice, draft = preparation.deal, preparation.customer, preparation.draft
    rest = preparation.rest
    proposals = zip(
        draft.lines, preparation.item_proposals, preparation.tax_proposals, rest.invoiced, rest.left, strict=True
    )
    memory = Memory(
        deal_id=deal.id,
        deal_value=deal.value,
        deal_currency=deal.currency,
        party_kind=choice.party_kind,
        party_name=choice.party_name,
        person_name=deal.person.name if deal.person else "",
        linked_id=choice.linked.customer_id if choice.linked else "",
        candidates=((choice.linked,) if choice.linked else ()) + choice.candidates,
        customers_told=choice.complete,
        lines={
            key_of(index): LineMemory(
                line.description,
                item,
                tax,
                line.product_id,
                line.attachment_id,
                line.product_code,
                invoiced,
                left,
                deal.recurring.get(line.attachment_id or 0),
                f"{plain_number(line.quantity)} × {plain_number(line.unit_price)} - {line.discount_text}",
            )
            for index, (line, item, tax, invoiced, left) in enumerate(proposals)
        },
        product_count=sum(1 for product in deal.products if product.enabled),
        usual_due_days=preparation.due_days,
        due_days=preparation.due_days,
        amounts_are=draft.amounts_are,
        details=PartyDetails(draft.bill_to.email, draft.bill_to.address, draft.bill_to.tax_id),
        base=dict(preparation.base),
        party=party_of_loaded(deal),
        invoices_before=preparation.so_far.count,
        latest_before=preparation.so_far.latest,
        uses_terms=bool(preparation.terms),
        opened_with=draft.invoice_date.isoformat(),
        prices_were_with_tax=preparation.worth_before_tax is not None,
        worth_before_tax=preparation.worth_before_tax,
        worth_in_all=preparation.worth_in_all,
    )
    return memory.with_preset(preparation.template)


def opened(preparation: Preparation, say: Say) -> FormInput:
    """The form as it first opens: everything is ticked that the deal brings along and no earlier invoice has."""
    draft = preparation.draft
    lines = tuple(
        replace(line_input(line, key_of(index), draft.currency, say), ticked=left)
        for index, (line, left) in enumerate(zip(draft.lines, preparation.rest.left, strict=True))
    )
    form = head_of(draft, say)
    return replace(
        form,
        intent_key=preparation.intent_key,
        customer=preparation.customer.preselected or NEW_CUSTOMER,
        lines=lines,
        due_follows=True,
        preset=preparation.template.id,
    )


def reopened(
    preparation: Preparation, stored: InvoiceDraft, say: Say, *, other_books: bool = False
) -> tuple[FormInput, tuple[str, ...]]:
    """The form with what a person had entered, and for each line of the stored draft the row that shows it.

    The lines are in the order in which he had put them. Products of the deal that were left out then stay unticked,
    where they are in the deal. A draft for `other_books` than those connected now keeps its words and figures; whatever
    is an id of those books is chosen anew.
    """
    if other_books:
        stored = _for_these_books(preparation, stored)
    left = dict(enumerate(stored.lines))
    entered: dict[int, LineInput] = {}
    rows: list[LineInput | None] = []  # None for the next of those that were entered
    for position, line in enumerate(preparation.draft.lines):
        index = next((index for index, kept in left.items() if _same_origin(kept, line)), None)
        shown = line if index is None else left.pop(index)
        if shown.needs_new_item:  # it may have been created since, or the policy may be another one
            shown = replace(shown, item_id=line.item_id, new_item=line.new_item)
        if not shown.tax_code_id:  # the company may have had no tax then
            shown = replace(shown, tax_code_id=line.tax_code_id)
        row = line_input(shown, key_of(position), stored.currency, say)
        if index is None:
            rows.append(replace(row, ticked=False))
        else:
            entered[index] = replace(row, ticked=True)
            rows.append(None)
    begins = ESTIMATE if stored.estimate and not other_books else "n"
    for index, line in left.items():
        entered[index] = replace(line_input(line, f"{begins}{index + 1}", stored.currency, say), added=True)
        rows.append(None)
    in_order = (entered[index] for index in range(len(stored.lines)))
    form = replace(
        head_of(stored, say),
        intent_key=preparation.intent_key,
        customer=stored.bill_to.customer_id or NEW_CUSTOMER,
        lines=tuple(row or next(in_order) for row in rows),
        due_follows=False,
        preset=preparation.template.id,
        sales_tax_follows=False,
    )
    return form, tuple(entered[index].key for index in range(len(stored.lines)))


def _for_these_books(preparation: Preparation, stored: InvoiceDraft) -> InvoiceDraft:
    """Prices stay only where they relate to tax as the deal's do here: US companies have none with tax."""
    fresh = preparation.draft
    same_prices = stored.amounts_are == fresh.amounts_are

    def chosen_anew(line: DraftLine) -> DraftLine:
        own = next((each for each in fresh.lines if _same_origin(line, each)), None)
        if own is None:
            return replace(line, item_id="", tax_code_id="", new_item="")
        if not same_prices:
            return own
        return replace(line, item_id=own.item_id, tax_code_id=own.tax_code_id, new_item=own.new_item)

    return replace(
        stored,
        bill_to=replace(stored.bill_to, customer_id=preparation.customer.preselected, exempt=fresh.bill_to.exempt),
        amounts_are=fresh.amounts_are,
        lines=tuple(map(chosen_anew, stored.lines)),
        number=fresh.number,
        sales_tax_id=fresh.sales_tax_id,
        extras=replace(stored.extras, class_id="", location_id="", own_fields=fresh.extras.own_fields),
    )


def _same_origin(kept: DraftLine, line: DraftLine) -> bool:
    """From the same product of the deal, or both the one line that stands for the deal's value."""
    if kept.attachment_id != line.attachment_id:
        return False
    return line.attachment_id is not None or kept.name == line.name


def head_of(draft: InvoiceDraft, say: Say) -> FormInput:
    address = draft.bill_to.address
    return FormInput(
        deal_id=draft.deal_id,
        intent_key=NO_KEY,
        name=draft.bill_to.name,
        email=draft.bill_to.email,
        street=street_of(address),
        city=address.city,
        region=address.region,
        postal_code=address.postal_code,
        country=address.country,
        tax_id=draft.bill_to.tax_id,
        currency=draft.currency,
        invoice_date=say.day(draft.invoice_date),
        due_date=say.day(draft.due_date),
        amounts_are=str(draft.amounts_are),
        sales_tax=draft.sales_tax_id,
        number=draft.number,
        memo=draft.memo,
        private_note=draft.private_note,
        cc=draft.extras.cc,
        bcc=draft.extras.bcc,
        class_id=draft.extras.class_id,
        location_id=draft.extras.location_id,
        own_fields=draft.extras.own_fields,
        discount=whole_discount(draft, say),
    )


def street_of(address: Address) -> str:
    """The lines of the street, or the whole address when nobody took it apart."""
    lines = [line for line in (address.line1, address.line2) if line]
    in_parts = lines or address.city or address.region or address.postal_code or address.country
    return "\n".join(lines) if in_parts else address.text


def line_input(line: DraftLine, key: str, currency: str, say: Say) -> LineInput:
    return LineInput(
        key=key,
        description=line.description,
        item_id=line.item_id or (NEW_ITEM if line.needs_new_item else ""),
        quantity=say.figure(line.quantity),
        price=say.price(line.unit_price, currency),
        discount=localised_discount(line.discount_text, currency, say),
        tax_code_id=line.tax_code_id,
        service_date=say.day(line.service_date) if line.service_date else "",
        instalment=str(line.instalment_id or ""),
    )


def for_instalment(form: FormInput, lines: Sequence[DraftLine], say: Say) -> FormInput:
    """The opened form with these lines in place of the deal's, which stay there unticked. Several of one instalment are
    told apart by their tax, and so is one for whose tax no code fits.
    """
    if len({line.tax_percentage for line in lines}) > 1 or any(_has_no_code(line) for line in lines):
        lines = [replace(line, description=_with_tax(line, say)) for line in lines]
    added = (
        replace(line_input(line, f"i{place}", form.currency, say), added=True)
        for place, line in enumerate(lines, start=1)
    )
    rest = (replace(line, ticked=False) for line in form.lines)
    return replace(form, lines=(*added, *rest), discount="")


def _has_no_code(line: DraftLine) -> bool:
    return bool(line.tax_percentage and not line.tax_code_id)


def _with_tax(line: DraftLine, say: Say) -> str:
    # Translators: a line that bills a part of an instalment, with the rate of its tax: "Deposit – Racking (20%)"
    said = _("{line} ({percentage})")
    return said.format(line=line.description, percentage=say.percent(line.tax_percentage))


def before_estimate(form: FormInput) -> dict[str, str]:
    """What `for_estimate` changes, for when somebody thinks better of it."""
    ticked = " ".join(line.key for line in form.ticked)
    return form.texts([*OF_ESTIMATE, *(f"{OWN}{field_id}" for field_id, _text in form.own_fields)]) | {TICKED: ticked}


def for_estimate(form: FormInput, estimate: InvoiceDraft, say: Say, lists: Lists) -> FormInput:
    """The form with what an estimate says in place of what stood there: lines of before stay, and are not ticked."""
    added = (
        replace(line_input(line, f"{ESTIMATE}{place}", estimate.currency, say), added=True)
        for place, line in enumerate(estimate.lines, start=1)
    )
    rest = (replace(line, ticked=False) for line in form.lines if not _is_of_estimate(line))
    own = {field_id: text for field_id, text in estimate.extras.own_fields if field_id in OWN_FIELDS}
    texts = {"currency": estimate.currency, "amounts_are": str(estimate.amounts_are)}
    texts["discount"] = whole_discount(estimate, say)
    for name, chosen, known in (
        ("class_id", estimate.extras.class_id, lists.classes),
        ("location_id", estimate.extras.location_id, lists.locations),
        ("sales_tax", estimate.sales_tax_id, lists.tax_codes),
    ):
        if chosen in known:
            texts[name] = chosen
    form = form.with_texts(texts | {f"{OWN}{field_id}": text for field_id, text in own.items()})
    follows = form.sales_tax_follows and "sales_tax" not in texts
    return replace(form, lines=(*added, *rest), sales_tax_follows=follows)


def without_estimate(form: FormInput, before: Mapping[str, str]) -> FormInput:
    """As it was before one was chosen; other fields stay as they were typed since."""
    ticked = before.get(TICKED, "").split()
    lines = (line for line in form.lines if not _is_of_estimate(line))
    lines = (replace(line, ticked=line.ticked or line.key in ticked) for line in lines)
    texts = {name: text for name, text in before.items() if name in OF_ESTIMATE or name.startswith(OWN)}
    return replace(form.with_texts(texts), lines=tuple(lines))


def _is_of_estimate(line: LineInput) -> bool:
    return line.added and line.key.startswith(ESTIMATE)


def whole_discount(draft: InvoiceDraft, say: Say) -> str:
    if draft.discount_percentage:
        return say.percent(draft.discount_percentage)
    return discount_amount(draft.discount_amount, draft.currency, say) if draft.discount_amount else ""


def localised_discount(text: str, currency: str, say: Say) -> str:
    """ "5%" or "20.5" as the draft keeps it, in the reader's locale."""
    if not re.fullmatch(r"[0-9.]+%?", text):
        return text
    value = Decimal(text.rstrip("%"))
    return say.percent(value) if text.endswith("%") else discount_amount(value, currency, say)


def discount_amount(value: Decimal, currency: str, say: Say) -> str:
    """With the currency's sign, so that it is seen to be money; without, where the sign is made of letters, or where
    the currency's decimals would not hold all of it.
    """
    shown = say.amount(value, currency)
    whole = round_amount(value, currency) == value
    return shown if whole and not any(sign.isalpha() for sign in shown) else say.price(value, currency)


def key_of(index: int) -> str:
    return f"l{index + 1}"
