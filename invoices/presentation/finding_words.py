"""The sentences of the findings: the thing by name, what is wrong, what to do next.

Each code of `domain.checks` and of `forms` has its words here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from invoices.domain.checks import Finding
from invoices.presentation.finding_parts import Told, Words


def _line_name(finding: Finding, with_words: Words) -> str:
    key = finding.field.split(".")[1] if finding.field.startswith("lines.") else ""
    return str(with_words.line_names.get(key) or finding.values.get("line") or _("Line without a name"))


def _number(finding: Finding, name: str) -> Decimal:
    return Decimal(str(finding.values.get(name, 0)))


def _day(finding: Finding, name: str) -> date:
    value = finding.values[name]
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _text(finding: Finding, name: str) -> str:
    return str(finding.values.get(name, ""))


# The customer


def _customer_chosen(finding: Finding, _w: Words) -> Told:
    return Told(_("“{customer}” is in QuickBooks").format(customer=_text(finding, "customer")))


def _customer_not_chosen(_finding: Finding, _w: Words) -> Told:
    return Told(_("No customer is chosen"), _("Choose one of QuickBooks’ customers, or a new one."))


def _no_name(_finding: Finding, _w: Words) -> Told:
    return Told(_("The customer has no name"), _("Type the name that the customer gets in QuickBooks."))


def _name_taken(finding: Finding, _w: Words) -> Told:
    return Told(
        _("The customer’s name is taken in QuickBooks"),
        _("Customers, vendors and employees share their names there. Another name is proposed beside “{name}”.").format(
            name=_text(finding, "name")
        ),
    )


def _name_cleaned(finding: Finding, _w: Words) -> Told:
    name, cleaned = _text(finding, "name"), _text(finding, "cleaned")
    if ":" in name:
        said = _("QuickBooks takes no colon in names. “{name}” becomes “{cleaned}”.")
    else:
        said = _("QuickBooks takes names without line breaks and double blanks. “{name}” becomes “{cleaned}”.")
    return Told(_("The customer’s name is changed a little"), said.format(name=name, cleaned=cleaned))


def _email_invalid(finding: Finding, _w: Words) -> Told:
    email = _text(finding, "email")
    return Told(
        _("E-mail address is not complete"),
        # Translators: an e-mail address, quoted
        _("“{email}”").format(email=email),
        _("“{email}” is not an e-mail address. It needs one “@” and an ending such as “.com”.").format(email=email),
    )


def _no_email(_finding: Finding, _w: Words) -> Told:
    return Told(_("No e-mail address"), _("The invoice can be created; sending it needs an address."))


def _too_long(finding: Finding, with_words: Words) -> Told:
    field = with_words.label(finding.field)
    length, longest = finding.values.get("length", 0), finding.values.get("longest", 0)
    return Told(
        # Translators: {field} is the label of a field, as in "PO number is too long"
        _("{field} is too long").format(field=field),
        _("{length} characters; QuickBooks takes {longest}.").format(length=length, longest=longest),
        _("{field} has {length} characters. QuickBooks takes {longest}.").format(
            field=field, length=length, longest=longest
        ),
    )


# The head of the invoice


def _currency_clash(finding: Finding, _w: Words) -> Told:
    theirs, ours = _text(finding, "customer_currency"), _text(finding, "currency")
    said = _("{customer} is kept in {theirs}. Invoice in {theirs}, or use a second customer kept in {ours}.")
    new_customer = _text(finding, "new_customer")
    if not new_customer:
        said = _("{customer} is kept in {theirs}, the invoice is in {ours}. Invoice in {theirs}.")
    return Told(
        _("The customer has another currency"),
        said.format(customer=_text(finding, "customer"), theirs=theirs, ours=ours),
        value=theirs,
        value_label=_("Invoice in {currency}").format(currency=theirs),
        new_customer=new_customer,
    )


def _currency_unknown(finding: Finding, _w: Words) -> Told:
    return Told(
        _("QuickBooks does not know this currency"),
        _("“{currency}” is no currency code. Choose another one.").format(currency=_text(finding, "currency")),
    )


def _multicurrency_off(finding: Finding, _w: Words) -> Told:
    home = _text(finding, "home_currency")
    said = _("QuickBooks keeps this company in {home} only. Invoice in {home}, or switch on Multicurrency there.")
    return Told(
        _("QuickBooks uses one currency"),
        said.format(home=home, currency=_text(finding, "currency")),
        value=home,
        value_label=_("Invoice in {currency}").format(currency=home),
    )


def _not_the_deals_currency(finding: Finding, _w: Words) -> Told:
    said = _("The deal is in {deal}, the invoice in {currency}. Its prices are taken as they stand, not converted.")
    return Told(
        _("Not the deal’s currency"),
        said.format(deal=_text(finding, "deal_currency"), currency=_text(finding, "currency")),
    )


def _date_missing(finding: Finding, with_words: Words) -> Told:
    field = with_words.label(finding.field)
    return Told(_("{field} is empty").format(field=field), _("Type a date, or a number of days such as +14."))


def _date_unreadable(finding: Finding, with_words: Words) -> Told:
    return Told(
        _("{field} is not a date").format(field=with_words.label(finding.field)),
        _("“{text}” cannot be read as a date. Type it like {example}.").format(
            text=_text(finding, "text"), example=with_words.say.day(date(2026, 12, 7))
        ),
    )


def _due_before_invoice(finding: Finding, with_words: Words) -> Told:
    earliest = with_words.say.day(_day(finding, "earliest"))
    return Told(
        _("Due date is before the invoice date"),
        _("Choose {date} or later.").format(date=earliest),
        value=earliest,
        value_label=_("Use {date}").format(date=earliest),
    )


def _books_closed(finding: Finding, with_words: Words) -> Told:
    until = _day(finding, "until")
    first_open = with_words.say.day(until + timedelta(days=1))
    said = _("Choose {date} or later, or ask whoever keeps the books to open the period in QuickBooks.")
    return Told(
        _("The books are closed up to {date}").format(date=with_words.say.day(until)),
        said.format(date=first_open),
        value=first_open,
        value_label=_("Use {date}").format(date=first_open),
    )


def _books_open(finding: Finding, with_words: Words) -> Told:
    return Told(_("The books are open on {date}").format(date=with_words.say.day(_day(finding, "on"))))


def _no_number(_finding: Finding, _w: Words) -> Told:
    return Told(_("The invoice has no number"), _("This QuickBooks company numbers its invoices by hand. Type one."))


# Lines


def _no_lines(_finding: Finding, _w: Words) -> Told:
    return Told(_("The invoice has no lines"), _("Tick at least one line, or add one."))


def _too_many_lines(finding: Finding, with_words: Words) -> Told:
    count, most = with_words.say.number(_number(finding, "count")), with_words.say.number(_number(finding, "most"))
    return Told(
        _("Too many lines"),
        _("{count} lines are ticked; QuickBooks takes {most} on one invoice.").format(count=count, most=most),
    )


def _too_many_taxable_lines(finding: Finding, with_words: Words) -> Told:
    count, most = with_words.say.number(_number(finding, "count")), with_words.say.number(_number(finding, "most"))
    said = _("{count} lines with tax are ticked; QuickBooks takes {most} of them on one invoice.")
    return Told(_("Too many lines with tax"), said.format(count=count, most=most))


def _no_item(finding: Finding, with_words: Words) -> Told:
    name = _line_name(finding, with_words)
    return Told(
        _("A line has no QuickBooks item"),
        # Translators: the name of a line, quoted
        _("“{line}”").format(line=name),
        _("“{line}” has no QuickBooks item. Choose one.").format(line=name),
    )


def _item_gone(finding: Finding, with_words: Words) -> Told:
    name = _line_name(finding, with_words)
    return Told(
        _("A line’s item is no longer in QuickBooks"),
        _("“{line}”").format(line=name),
        _("The item of “{line}” is no longer in QuickBooks. Choose another one.").format(line=name),
    )


def _inactive_item(finding: Finding, with_words: Words) -> Told:
    name = _line_name(finding, with_words)
    said = _("“{item}” is inactive in QuickBooks. Choose another item or make it active there.")
    return Told(
        _("An item is inactive in QuickBooks"),
        _("“{line}”").format(line=name),
        _("“{line}”: {said}").format(line=name, said=said.format(item=_text(finding, "item"))),
    )


def _item_not_sold(finding: Finding, with_words: Words) -> Told:
    name = _line_name(finding, with_words)
    said = _("“{item}” is a group or category in QuickBooks. Choose another item.")
    return Told(
        _("An item cannot stand on an invoice"),
        _("“{line}”: {said}").format(line=name, said=said.format(item=_text(finding, "item"))),
    )


def _no_tax_code(finding: Finding, with_words: Words) -> Told:
    name = _line_name(finding, with_words)
    return Told(
        # Translators: {tax} is VAT, GST or sales tax
        _("A line has no {tax} code").format(tax=with_words.tax),
        _("“{line}”").format(line=name),
        _("“{line}” has no {tax} code. Choose one.").format(line=name, tax=with_words.tax),
    )


def _tax_code_gone(finding: Finding, with_words: Words) -> Told:
    name = _line_name(finding, with_words)
    return Told(
        _("A line’s {tax} code is not in use").format(tax=with_words.tax),
        _("“{line}”").format(line=name),
        _("The {tax} code of “{line}” is not in use in QuickBooks. Choose another one.").format(
            line=name, tax=with_words.tax
        ),
    )


def _no_sales_tax(finding: Finding, _w: Words) -> Told:
    count = int(_number(finding, "count"))
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
    field, name = with_words.label(finding.field), _line_name(finding, with_words)
    return Told(
        _("{field} is empty").format(field=field),
        _("“{line}”").format(line=name),
        _("{field} of “{line}” is empty. Type a number.").format(field=field, line=name),
    )


def _number_unreadable(finding: Finding, with_words: Words) -> Told:
    field, name, text = with_words.label(finding.field), _line_name(finding, with_words), _text(finding, "text")
    return Told(
        _("{field} is not a number").format(field=field),
        _("“{text}” of “{line}” cannot be read.").format(text=text, line=name),
        _("{field} of “{line}”: “{text}” is not a number. Type it like {example}.").format(
            field=field, line=name, text=text, example=with_words.say.number(Decimal("1234.5"))
        ),
    )


def _discount_unreadable(finding: Finding, with_words: Words) -> Told:
    text = _text(finding, "text")
    said = _("“{text}” cannot be read. Type a percentage such as 5%, or an amount such as 20.").format(text=text)
    if finding.field == "discount":
        return Told(_("The discount is not a number"), said)
    name = _line_name(finding, with_words)
    # Translators: {said} is a whole sentence about what was typed
    return Told(_("A discount is not a number"), said, _("Discount of “{line}”: {said}").format(line=name, said=said))


def _too_many_decimals(finding: Finding, with_words: Words) -> Told:
    field, name, most = with_words.label(finding.field), _line_name(finding, with_words), int(_number(finding, "most"))
    said = ngettext("QuickBooks keeps {most} decimal.", "QuickBooks keeps {most} decimals.", most).format(most=most)
    return Told(
        _("{field} has too many decimals").format(field=field),
        # Translators: {line} is the name of a line, {said} a whole sentence
        _("“{line}”: {said}").format(line=name, said=said),
    )


def _too_large(finding: Finding, with_words: Words) -> Told:
    return Told(
        _("A number is too large for QuickBooks"),
        _("“{line}”").format(line=_line_name(finding, with_words)),
        _("“{line}” comes to more than QuickBooks can keep.").format(line=_line_name(finding, with_words)),
    )


def _no_quantity(finding: Finding, with_words: Words) -> Told:
    return Told(_("A line has quantity 0"), _("“{line}” adds nothing.").format(line=_line_name(finding, with_words)))


def _discount_over_line(finding: Finding, with_words: Words) -> Told:
    return Told(
        _("A discount is larger than its line"),
        _("“{line}”").format(line=_line_name(finding, with_words)),
        _("The discount of “{line}” is larger than the line.").format(line=_line_name(finding, with_words)),
    )


def _all_items(_finding: Finding, _w: Words) -> Told:
    return Told(_("Every line has an active item"))


def _new_items(finding: Finding, _w: Words) -> Told:
    count = int(_number(finding, "count"))
    said = ngettext(
        "{count} new item is created with the invoice", "{count} new items are created with the invoice", count
    )
    return Told(said.format(count=count))


def _all_tax_codes(_finding: Finding, with_words: Words) -> Told:
    return Told(_("Every line has a {tax} code").format(tax=with_words.tax))


def _items_are_taxed(finding: Finding, with_words: Words) -> Told:
    count = int(_number(finding, "count"))
    # Translators: the place {tax} is VAT or GST
    fact = ngettext(
        "{count} line is without {tax}, though its item has some",
        "{count} lines are without {tax}, though their items have some",
        count,
    )
    said = _("In QuickBooks “{line}” is sold with {tax_code}. If that is right, choose it on the line.")
    return Told(
        fact.format(count=count, tax=with_words.tax),
        said.format(line=_line_name(finding, with_words), tax_code=_text(finding, "tax_code")),
    )


def _without_tax(_finding: Finding, with_words: Words) -> Told:
    return Told(
        _("No {tax} is charged on this invoice").format(tax=with_words.tax),
        _("If it is due, choose another entry for “Amounts are”."),
    )


# The whole


def _two_discounts(_finding: Finding, _w: Words) -> Told:
    return Told(_("Two discounts on the whole invoice"), _("QuickBooks takes a percentage or an amount, not both."))


def _discounts_off(_finding: Finding, _w: Words) -> Told:
    said = _(
        "This QuickBooks company has them switched off. Remove the discount, or switch them on in its sales settings."
    )
    return Told(_("QuickBooks takes no discount on the whole invoice"), said)


def _discount_over_total(_finding: Finding, _w: Words) -> Told:
    return Told(_("The discount is larger than the invoice"), _("Choose a smaller one."))


def _wrong_tax_setting(_finding: Finding, _w: Words) -> Told:
    return Told(_("The tax setting does not fit this QuickBooks company"), _("Open the form again."))


def _prices_were_with_tax(_finding: Finding, with_words: Words) -> Told:
    said = _("The deal’s prices include tax. QuickBooks adds {tax} itself, so the prices here are without it.")
    return Told(_("Prices were changed to be before tax"), said.format(tax=with_words.tax))


def _negative_total(_finding: Finding, _w: Words) -> Told:
    return Told(_("The total is below zero"), _("QuickBooks takes that only as a credit note. Change the lines."))


def _zero_total(_finding: Finding, _w: Words) -> Told:
    return Told(_("The total is zero"), _("QuickBooks takes the invoice and shows it as paid."))


def _invoiced_before(finding: Finding, with_words: Words) -> Told:
    count = int(_number(finding, "count"))
    amount = with_words.say.amount(_number(finding, "amount"), _text(finding, "currency"))
    said = ngettext(
        "{count} earlier invoice over {amount}. You can still create this one.",
        "{count} earlier invoices over {amount}. You can still create this one.",
        count,
    )
    return Told(_("This deal has been invoiced before"), said.format(count=count, amount=amount))


def _over_the_deal(finding: Finding, with_words: Words) -> Told:
    amount = with_words.say.amount(_number(finding, "amount"), _text(finding, "currency"))
    return Told(
        _("This invoices {amount} more than the deal").format(amount=amount),
        _("Tick the box when that is meant.") if finding.blocks else "",
    )


def _within_the_deal(finding: Finding, with_words: Words) -> Told:
    currency = _text(finding, "currency")
    amount, left = (with_words.say.amount(_number(finding, name), currency) for name in ("amount", "left"))
    return Told(
        _("Total is within the deal"),
        # Translators: what this invoice takes of what the deal still had to be invoiced, both without tax
        _("{amount} of {left} was left.").format(amount=amount, left=left),
    )


TELLING: dict[str, Callable[[Finding, Words], Told]] = {
    "customer_chosen": _customer_chosen,
    "customer_not_chosen": _customer_not_chosen,
    "no_name": _no_name,
    "name_cleaned": _name_cleaned,
    "name_taken": _name_taken,
    "email_invalid": _email_invalid,
    "no_email": _no_email,
    "too_long": _too_long,
    "currency_clash": _currency_clash,
    "currency_unknown": _currency_unknown,
    "multicurrency_off": _multicurrency_off,
    "not_the_deals_currency": _not_the_deals_currency,
    "date_missing": _date_missing,
    "date_unreadable": _date_unreadable,
    "due_before_invoice": _due_before_invoice,
    "books_closed": _books_closed,
    "books_open": _books_open,
    "no_number": _no_number,
    "no_lines": _no_lines,
    "too_many_lines": _too_many_lines,
    "too_many_taxable_lines": _too_many_taxable_lines,
    "no_item": _no_item,
    "item_gone": _item_gone,
    "inactive_item": _inactive_item,
    "item_not_sold": _item_not_sold,
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
    "discount_over_line": _discount_over_line,
    "all_items": _all_items,
    "new_items": _new_items,
    "all_tax_codes": _all_tax_codes,
    "two_discounts": _two_discounts,
    "discounts_off": _discounts_off,
    "discount_over_total": _discount_over_total,
    "items_are_taxed": _items_are_taxed,
    "without_tax": _without_tax,
    "tax_setting_of_another_country": _wrong_tax_setting,
    "prices_were_with_tax": _prices_were_with_tax,
    "negative_total": _negative_total,
    "zero_total": _zero_total,
    "invoiced_before": _invoiced_before,
    "over_the_deal": _over_the_deal,
    "within_the_deal": _within_the_deal,
}
