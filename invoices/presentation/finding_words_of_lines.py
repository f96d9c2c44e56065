"""The sentences of the findings about lines; see `finding_words`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from invoices.domain.checks import Finding
from invoices.presentation.finding_parts import Told, Words, line_name, number_of, text_of


def _no_lines(_finding: Finding, _w: Words) -> Told:
    return Told(_("The invoice has no lines"), _("Tick at least one line, or add one."))


def _too_many_lines(finding: Finding, with_words: Words) -> Told:
    count, most = with_words.say.number(number_of(finding, "count")), with_words.say.number(number_of(finding, "most"))
    return Told(
        _("Too many lines"),
        _("{count} lines are ticked; QuickBooks takes {most} on one invoice.").format(count=count, most=most),
    )


def _too_many_taxable_lines(finding: Finding, with_words: Words) -> Told:
    count, most = with_words.say.number(number_of(finding, "count")), with_words.say.number(number_of(finding, "most"))
    said = _("{count} lines with tax are ticked; QuickBooks takes {most} of them on one invoice.")
    return Told(_("Too many lines with tax"), said.format(count=count, most=most))


def _no_item(finding: Finding, with_words: Words) -> Told:
    name = line_name(finding, with_words)
    return Told(
        _("A line has no QuickBooks item"),
        # Translators: the name of a line, quoted
        _("“{line}”").format(line=name),
        _("“{line}” has no QuickBooks item. Choose one.").format(line=name),
    )


def _item_gone(finding: Finding, with_words: Words) -> Told:
    name = line_name(finding, with_words)
    return Told(
        _("A line’s item is no longer in QuickBooks"),
        _("“{line}”").format(line=name),
        _("The item of “{line}” is no longer in QuickBooks. Choose another one.").format(line=name),
    )


def _inactive_item(finding: Finding, with_words: Words) -> Told:
    name = line_name(finding, with_words)
    said = _("“{item}” is inactive in QuickBooks. Choose another item or make it active there.")
    return Told(
        _("An item is inactive in QuickBooks"),
        _("“{line}”").format(line=name),
        _("“{line}”: {said}").format(line=name, said=said.format(item=text_of(finding, "item"))),
    )


def _no_tax_code(finding: Finding, with_words: Words) -> Told:
    name = line_name(finding, with_words)
    return Told(
        # Translators: {tax} is VAT, GST or sales tax
        _("A line has no {tax} code").format(tax=with_words.tax),
        _("“{line}”").format(line=name),
        _("“{line}” has no {tax} code. Choose one.").format(line=name, tax=with_words.tax),
    )


def _tax_code_gone(finding: Finding, with_words: Words) -> Told:
    name = line_name(finding, with_words)
    return Told(
        _("A line’s {tax} code is not in use").format(tax=with_words.tax),
        _("“{line}”").format(line=name),
        _("The {tax} code of “{line}” is not in use in QuickBooks. Choose another one.").format(
            line=name, tax=with_words.tax
        ),
    )


def _no_sales_tax(finding: Finding, _w: Words) -> Told:
    count = int(number_of(finding, "count"))
    said = ngettext(
        "{count} line is taxable. Choose the rate, or mark the line as not taxable.",
        "{count} lines are taxable. Choose the rate, or mark the lines as not taxable.",
        count,
    )
    return Told(_("No sales tax rate is chosen"), said.format(count=count))


def _sales_tax_gone(_finding: Finding, _w: Words) -> Told:
    return Told(_("The sales tax rate is not in use in QuickBooks"), _("Choose another one."))


def _tag_gone(finding: Finding, with_words: Words) -> Told:
    what = _("{field}: what was chosen is not in use in QuickBooks").format(field=with_words.label(finding.field))
    return Told(what, _("Choose another one, or none."))


def _number_missing(finding: Finding, with_words: Words) -> Told:
    field, name = with_words.label(finding.field), line_name(finding, with_words)
    return Told(
        _("{field} is empty").format(field=field),
        _("“{line}”").format(line=name),
        _("{field} of “{line}” is empty. Type a number.").format(field=field, line=name),
    )


def _number_unreadable(finding: Finding, with_words: Words) -> Told:
    field, name, text = with_words.label(finding.field), line_name(finding, with_words), text_of(finding, "text")
    return Told(
        _("{field} is not a number").format(field=field),
        _("“{text}” of “{line}” cannot be read.").format(text=text, line=name),
        _("{field} of “{line}”: “{text}” is not a number. Type it like {example}.").format(
            field=field, line=name, text=text, example=with_words.say.number(Decimal("1234.5"))
        ),
    )


def _discount_unreadable(finding: Finding, with_words: Words) -> Told:
    text = text_of(finding, "text")
    said = _("“{text}” cannot be read. Type a percentage such as 5%, or an amount such as 20.").format(text=text)
    if finding.field == "discount":
        return Told(_("The discount is not a number"), said)
    name = line_name(finding, with_words)
    # Translators: {said} is a whole sentence about what was typed
    return Told(_("A discount is not a number"), said, _("Discount of “{line}”: {said}").format(line=name, said=said))


def _too_many_decimals(finding: Finding, with_words: Words) -> Told:
    field, name, most = with_words.label(finding.field), line_name(finding, with_words), int(number_of(finding, "most"))
    said = ngettext("QuickBooks keeps {most} decimal.", "QuickBooks keeps {most} decimals.", most).format(most=most)
    return Told(
        _("{field} has too many decimals").format(field=field),
        # Translators: {line} is the name of a line, {said} a whole sentence
        _("“{line}”: {said}").format(line=name, said=said),
    )


def _too_large(finding: Finding, with_words: Words) -> Told:
    return Told(
        _("A number is too large for QuickBooks"),
        _("“{line}”").format(line=line_name(finding, with_words)),
        _("“{line}” comes to more than QuickBooks can keep.").format(line=line_name(finding, with_words)),
    )


def _no_quantity(finding: Finding, with_words: Words) -> Told:
    return Told(_("A line has quantity 0"), _("“{line}” adds nothing.").format(line=line_name(finding, with_words)))


def _description_cut(finding: Finding, with_words: Words) -> Told:
    # Translators: of a product of the deal with a very long comment; {longest} is a number of characters
    said = _("“{line}” and its comment have more than {longest} characters. The rest does not go on the invoice.")
    name, longest = line_name(finding, with_words), with_words.say.number(number_of(finding, "longest"))
    return Told(_("A comment is longer than QuickBooks takes"), said.format(line=name, longest=longest))


def _instalment_billed(finding: Finding, with_words: Words) -> Told:
    # Translators: {line} is the name of an instalment of the deal's billing plan
    said = _("Another invoice of this deal bills “{line}”. Take the line out, or void that invoice first.")
    return Told(_("An instalment is invoiced already"), said.format(line=line_name(finding, with_words)))


def _discount_over_line(finding: Finding, with_words: Words) -> Told:
    return Told(
        _("A discount is larger than its line"),
        _("“{line}”").format(line=line_name(finding, with_words)),
        _("The discount of “{line}” is larger than the line.").format(line=line_name(finding, with_words)),
    )


def _all_items(_finding: Finding, _w: Words) -> Told:
    return Told(_("Every line has an active item"))


def _new_items(finding: Finding, _w: Words) -> Told:
    count = int(number_of(finding, "count"))
    said = ngettext(
        "{count} new item is created with the invoice", "{count} new items are created with the invoice", count
    )
    return Told(said.format(count=count))


def _all_tax_codes(_finding: Finding, with_words: Words) -> Told:
    return Told(_("Every line has a {tax} code").format(tax=with_words.tax))


def _items_are_taxed(finding: Finding, with_words: Words) -> Told:
    count = int(number_of(finding, "count"))
    # Translators: the place {tax} is VAT or GST
    fact = ngettext(
        "{count} line is without {tax}, though its item has some",
        "{count} lines are without {tax}, though their items have some",
        count,
    )
    said = _("QuickBooks sells “{item}” with {tax_code}. If that is right, choose it on the line.")
    item = text_of(finding, "item") or text_of(finding, "line")  # findings of earlier versions name the line
    return Told(
        fact.format(count=count, tax=with_words.tax), said.format(item=item, tax_code=text_of(finding, "tax_code"))
    )


def _without_tax(_finding: Finding, with_words: Words) -> Told:
    return Told(
        _("No {tax} is charged on this invoice").format(tax=with_words.tax),
        _("If it is due, choose another entry for “Amounts are”."),
    )


def _all_at_zero(_finding: Finding, with_words: Words) -> Told:
    return Told(
        _("No {tax} is charged on this invoice").format(tax=with_words.tax),
        _("All lines are at 0%, and no item says so in QuickBooks. If it is due, choose its code on the lines."),
    )


TELLING_OF_LINES: dict[str, Callable[[Finding, Words], Told]] = {
    "no_lines": _no_lines,
    "too_many_lines": _too_many_lines,
    "too_many_taxable_lines": _too_many_taxable_lines,
    "no_item": _no_item,
    "item_gone": _item_gone,
    "inactive_item": _inactive_item,
    "no_tax_code": _no_tax_code,
    "tax_code_gone": _tax_code_gone,
    "no_sales_tax": _no_sales_tax,
    "sales_tax_gone": _sales_tax_gone,
    "tag_gone": _tag_gone,
    "number_missing": _number_missing,
    "number_unreadable": _number_unreadable,
    "discount_unreadable": _discount_unreadable,
    "too_many_decimals": _too_many_decimals,
    "too_large": _too_large,
    "no_quantity": _no_quantity,
    "description_cut": _description_cut,
    "instalment_billed": _instalment_billed,
    "discount_over_line": _discount_over_line,
    "all_items": _all_items,
    "new_items": _new_items,
    "all_tax_codes": _all_tax_codes,
    "items_are_taxed": _items_are_taxed,
    "without_tax": _without_tax,
    "all_at_zero": _all_at_zero,
}
