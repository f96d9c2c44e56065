"""The lines of the invoice form: name, item and tax of each, with the reason it was proposed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration_settings import country_words
from integration_settings.profile import Profile
from invoices.domain.books import NOT_TAXABLE, TAXABLE
from invoices.domain.deal import Frequency, Recurrence
from invoices.domain.matching import ItemReason
from invoices.domain.tax import TaxReason, code_of_item, item_decides
from invoices.form_memory import LineMemory, Memory
from invoices.forms import NEW_ITEM, FormInput, LineInput, Lists
from invoices.presentation.estimate import called
from invoices.presentation.findings import Issue
from invoices.presentation.form_parts import Choice, LineRow, Material
from invoices.presentation.say import Say

MOST_OTHERS = 3  # a line's cell is narrow
OPTION, CHOSEN = '<option value="{}">{}</option>', '<option value="{}" selected>{}</option>'


def lines_aside(form: FormInput, memory: Memory, say: Say) -> str:
    if _bills_an_instalment(form):
        return _("An instalment of the deal’s billing plan")
    if memory.estimate:
        return called(memory.estimate.number)
    from_deal = memory.product_count
    if not from_deal:
        return _("The deal has no products; this line is its value")
    ticked = sum(1 for line in form.lines if line.ticked and not line.added)
    if ticked == from_deal:
        said = ngettext("From the deal’s {count} product", "From the deal’s {count} products", from_deal)
        return said.format(count=say.number(from_deal))
    said = ngettext("{ticked} of the deal’s {count} product", "{ticked} of the deal’s {count} products", from_deal)
    return said.format(ticked=say.number(ticked), count=say.number(from_deal))


def not_ticked(form: FormInput, memory: Memory) -> str:
    names = [_line_name(line, memory) for line in form.lines if not line.ticked and _stays(line, memory)]
    if not names:
        return ""
    if _bills_an_instalment(form):
        return _("Not ticked: what the deal sells, which its instalments bill.")
    if memory.estimate:
        return _("Not ticked: what stood here before; the invoice has the estimate’s lines.")
    if len(names) > 3:
        said = ngettext(
            "Not ticked: {count} line stays on the deal for a later invoice.",
            "Not ticked: {count} lines stay on the deal for a later invoice.",
            len(names),
        )
        return said.format(count=len(names))
    said = ngettext(
        "Not ticked: {names} stays on the deal for a later invoice.",
        "Not ticked: {names} stay on the deal for a later invoice.",
        len(names),
    )
    # Translators: the name of a line, quoted, in a list of such names
    return said.format(names=", ".join(_("“{line}”").format(line=name) for name in names))


def _bills_an_instalment(form: FormInput) -> bool:
    return any(line.ticked and line.instalment for line in form.lines)


def _stays(line: LineInput, memory: Memory) -> bool:
    """On the deal, for a later invoice: nobody typed it in here, and no earlier one has it."""
    known = memory.lines.get(line.key)
    return not line.added and (known is None or known.left)


def line_rows(
    material: Material, errors: Iterable[Issue] = (), only: Collection[str] | None = None
) -> tuple[LineRow, ...]:
    """All rows, or those with the keys `only`."""
    currency = material.input.currency
    amounts = {key: material.say.amount(amount, currency) for key, amount in material.amounts.items()}
    faults: dict[str, dict[str, str]] = {}
    for issue in errors:
        if issue.field.startswith("lines."):
            _lines, key, _part = issue.field.split(".", 2)
            faults.setdefault(key, {}).setdefault(issue.target.partition("-")[2], issue.sentence)
    make = _Rows(material)
    return tuple(
        make.row(line, faults.get(line.key, {}), amounts.get(line.key, ""))
        for line in material.input.lines
        if only is None or line.key in only
    )


def empty_row(material: Material) -> LineRow:
    """What "Add a line" adds; its key is replaced by a fresh one."""
    return _Rows(material).row(LineInput(key="KEY", added=True, quantity="1"), {}, "")


def _line_name(line: LineInput, memory: Memory) -> str:
    known = memory.lines.get(line.key)
    return known.name if known else line.name


class _Rows:
    """Makes the rows of one page. What is the same for many of them is made once: a deal may have hundreds."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.mode = tax_mode(material.profile)
        self.labels = line_labels(material.profile.country)
        self.options: dict[str, SafeString] = {}

    def row(self, line: LineInput, errors: Mapping[str, str], amount: str) -> LineRow:
        memory, lists = self.material.memory, self.material.lists
        known = memory.lines.get(line.key)
        name = _line_name(line, memory)
        text, icon = _item_state(line, known, lists)
        return LineRow(
            input=line,
            name=name,
            item_text=text,
            item_icon=icon,
            invoiced=_invoiced(known, self.material.say),
            reason=_tax_reason(line, known, self.material) if self.mode != "none" else "",
            item_tax=None if line.instalment else self._item_tax(known),  # whose code is that of what it stands for
            codes=_yes_or_no(line) if self.mode == "pair" else (),
            options=self._options(line.tax_code_id) if self.mode == "codes" else "",
            amount=amount,
            errors=errors,
            labels=named(self.labels, name),
        )

    def _item_tax(self, known: LineMemory | None) -> str | None:
        if not item_decides(known.tax if known else None, american=self.material.profile.is_us):
            return None
        return known.tax.code_id if known else ""

    def _options(self, chosen: str) -> SafeString:
        if chosen not in self.options:
            codes = self.material.lists.tax_codes.values()
            offered = [("", _("Choose")), *((code.id, code.name) for code in codes if code.active or code.id == chosen)]
            shown = (
                format_html(CHOSEN if value and value == chosen else OPTION, value, name) for value, name in offered
            )
            self.options[chosen] = format_html_join("", "{}", ((option,) for option in shown))
        return self.options[chosen]


def _yes_or_no(line: LineInput) -> tuple[Choice, ...]:
    return (
        Choice(TAXABLE, _("Yes"), line.tax_code_id == TAXABLE),
        Choice(NOT_TAXABLE, _("No"), line.tax_code_id == NOT_TAXABLE),
    )


def line_labels(country: str) -> dict[str, str]:
    """Every control of the grid is named after its line; the name stays a place, for lines that have none yet."""
    tax = country_words.tax_heading(country)
    return {
        # Translators: names of the controls of one line; the place is the line's name
        "tick": _("Invoice {name}"),
        "quantity": _("Quantity, {name}"),
        "price": _("Price, {name}"),
        "discount": _("Discount, {name}, percentage or amount"),
        "tax": _("Taxable, {name}") if country == "US" else _("{tax}, {name}").format(tax=tax, name="{name}"),
        "service_date": _("Service date, {name}"),
        "choose_service_date": _("Choose the service date, {name}"),
        "remove": _("Remove {name}"),
        "choose": _("Choose item for {name}"),
    }


def named(labels: Mapping[str, str], name: str) -> dict[str, str]:
    # Translators: stands in for the name of a line that has none yet
    return {part: label.replace("{name}", name or _("the new line")) for part, label in labels.items()}


def _item_state(line: LineInput, known: LineMemory | None, lists: Lists) -> tuple[str, str]:
    """(text, icon); with "error" the line cannot stand so."""
    item = lists.items.get(line.item_id)
    if line.item_id == NEW_ITEM and known and known.item.reason == ItemReason.NEW:
        # Translators: the item that a line will stand for; {item} is its name
        return _("New item “{item}”, created with the invoice").format(item=known.item.name), "plus"
    if item is None:
        if known and known.item.reason == ItemReason.INACTIVE:
            return _("“{item}” is inactive").format(item=known.item.name), "error"
        if known and known.item.reason == ItemReason.NONE and known.item.name:
            # Translators: nothing is chosen, because a product could be any of several items
            return _("More than one QuickBooks item fits"), "error"
        return _("No QuickBooks item yet"), "error"
    if not item.active:
        return _("“{item}” is inactive").format(item=item.shown_name), "error"
    reason = known.item.reason if known and known.item.item_id == item.id else None
    told = {
        # Translators: which item a line stands for, and why
        ItemReason.SKU: _("{item}, by SKU {sku}"),
        ItemReason.NAME: _("{item}, same name"),
        ItemReason.LINKED: _("{item}, as last time"),
        # Translators: the item that the company wants for all products without one
        ItemReason.DEFAULT: _("Default item, {item}"),
    }
    said = told[reason] if reason in told else _("{item}, chosen here")
    return said.format(item=item.name, sku=item.sku), "checked"


def _invoiced(known: LineMemory | None, say: Say) -> str:
    if known is not None and known.recurrence is not None:
        return _times_invoiced(known.recurrence, known.invoiced, say)
    if known is None or not known.invoiced:
        return ""
    # Translators: under a line of the form; {quantity} is how much of the product earlier invoices of the deal have
    return _("{quantity} invoiced before").format(quantity=say.number(known.invoiced))


def _times_invoiced(recurrence: Recurrence, times: Decimal, say: Say) -> str:
    every = {
        # Translators: under a line of the form: how often the product is billed
        Frequency.WEEKLY: _("Billed every week"),
        Frequency.MONTHLY: _("Billed every month"),
        Frequency.QUARTERLY: _("Billed every quarter"),
        Frequency.HALF_YEARLY: _("Billed every half-year"),
        Frequency.YEARLY: _("Billed every year"),
    }[recurrence.frequency]
    if recurrence.cycles is None and not times:
        return every
    if recurrence.cycles is None:
        # Translators: {every} is "Billed every month"; {times} is how many times it was invoiced
        return _("{every}, {times} invoiced so far").format(every=every, times=say.number(times))
    return _("{every}, {times} of {all} invoiced so far").format(
        every=every, times=say.number(times), all=say.number(recurrence.cycles)
    )


def _tax_reason(line: LineInput, known: LineMemory | None, material: Material) -> str:
    american, item = material.profile.is_us, material.lists.items.get(line.item_id)
    if item and item_decides(known.tax if known else None, american=american):
        as_item = line.tax_code_id and line.tax_code_id == code_of_item(item, american=american)
        return _("As the item says") if as_item else ""
    if known is None:
        return ""
    proposal, say = known.tax, material.say
    percentage = say.percent(proposal.percentage) if proposal.percentage is not None else ""
    if proposal.reason == TaxReason.NO_CODE_FITS:
        return _("Product tax is {percentage}, no QuickBooks code has that").format(percentage=percentage)
    if proposal.reason == TaxReason.PRODUCT_TAX:
        return _as_product(percentage, proposal.as_likely)
    return ""


def _as_product(percentage: str, as_likely: Sequence[str]) -> str:
    if not as_likely:
        return _("Product tax is {percentage}").format(percentage=percentage)
    others = ", ".join([*as_likely[:MOST_OTHERS], *(["…"] if len(as_likely) > MOST_OTHERS else [])])
    # Translators: why a tax code is proposed; {others} are names of codes that have the same percentage
    return _("Product tax is {percentage}. Same rate: {others}").format(percentage=percentage, others=others)


def tax_mode(profile: Profile) -> str:
    if not profile.uses_sales_tax:
        return "none"
    return "pair" if profile.is_us else "codes"
