"""The sentences of the findings: the thing by name, what is wrong, what to do next.

Each code of `domain.checks` and of `forms` has its words here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from invoices.domain.checks import Finding
from invoices.presentation.estimate import called
from invoices.presentation.finding_parts import Told, Words, day_of, number_of, text_of
from invoices.presentation.finding_words_of_lines import TELLING_OF_LINES

# The customer


def _customer_chosen(finding: Finding, _w: Words) -> Told:
    return Told(_("“{customer}” is in QuickBooks").format(customer=text_of(finding, "customer")))


def _customer_gone(finding: Finding, _w: Words) -> Told:
    said = _("“{customer}” is inactive in QuickBooks or no longer there. Choose another customer.")
    return Told(_("The customer cannot be invoiced"), said.format(customer=text_of(finding, "customer")))


def _customer_not_chosen(_finding: Finding, _w: Words) -> Told:
    return Told(_("No customer is chosen"), _("Choose one of QuickBooks’ customers, or a new one."))


def _no_name(_finding: Finding, _w: Words) -> Told:
    return Told(_("The customer has no name"), _("Type the name that the customer gets in QuickBooks."))


def _name_taken(finding: Finding, _w: Words) -> Told:
    return Told(
        _("The customer’s name is taken in QuickBooks"),
        _("Customers, vendors and employees share their names there. Another name is proposed beside “{name}”.").format(
            name=text_of(finding, "name")
        ),
    )


def _name_cleaned(finding: Finding, _w: Words) -> Told:
    name, cleaned = text_of(finding, "name"), text_of(finding, "cleaned")
    if ":" in name:
        said = _("QuickBooks takes no colon in names. “{name}” becomes “{cleaned}”.")
    else:
        said = _("QuickBooks takes names without line breaks and double blanks. “{name}” becomes “{cleaned}”.")
    return Told(_("The customer’s name is changed a little"), said.format(name=name, cleaned=cleaned))


def _email_invalid(finding: Finding, _w: Words) -> Told:
    email = text_of(finding, "email")
    return Told(
        _("E-mail address is not complete"),
        # Translators: an e-mail address, quoted
        _("“{email}”").format(email=email),
        _("“{email}” is not an e-mail address. It needs one “@” and an ending such as “.com”.").format(email=email),
    )


def _no_email(_finding: Finding, _w: Words) -> Told:
    return Told(_("No e-mail address"), _("The invoice can be created; sending it needs an address."))


def _no_place(_finding: Finding, _w: Words) -> Told:
    said = _("Without city, state and ZIP code in the address QuickBooks may tax by your company’s own place.")
    return Told(_("It is not known where the customer is"), said)


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
    theirs, ours = text_of(finding, "customer_currency"), text_of(finding, "currency")
    said = _("{customer} is kept in {theirs}. Invoice in {theirs}, or use a second customer kept in {ours}.")
    new_customer = text_of(finding, "new_customer")
    if not new_customer:
        said = _("{customer} is kept in {theirs}, the invoice is in {ours}. Invoice in {theirs}.")
    return Told(
        _("The customer has another currency"),
        said.format(customer=text_of(finding, "customer"), theirs=theirs, ours=ours),
        value=theirs,
        value_label=_("Invoice in {currency}").format(currency=theirs),
        new_customer=new_customer,
    )


def _currency_unknown(finding: Finding, _w: Words) -> Told:
    return Told(
        _("QuickBooks does not know this currency"),
        _("“{currency}” is no currency code. Choose another one.").format(currency=text_of(finding, "currency")),
    )


def _multicurrency_off(finding: Finding, _w: Words) -> Told:
    home = text_of(finding, "home_currency")
    said = _("QuickBooks keeps this company in {home} only. Invoice in {home}, or switch on Multicurrency there.")
    return Told(
        _("QuickBooks uses one currency"),
        said.format(home=home, currency=text_of(finding, "currency")),
        value=home,
        value_label=_("Invoice in {currency}").format(currency=home),
    )


def _not_the_deals_currency(finding: Finding, _w: Words) -> Told:
    said = _("The deal is in {deal}, the invoice in {currency}. Its prices are taken as they stand, not converted.")
    return Told(
        _("Not the deal’s currency"),
        said.format(deal=text_of(finding, "deal_currency"), currency=text_of(finding, "currency")),
    )


def _date_missing(finding: Finding, with_words: Words) -> Told:
    field = with_words.label(finding.field)
    return Told(_("{field} is empty").format(field=field), _("Type a date, or a number of days such as +14."))


def _date_unreadable(finding: Finding, with_words: Words) -> Told:
    return Told(
        _("{field} is not a date").format(field=with_words.label(finding.field)),
        _("“{text}” cannot be read as a date. Type it like {example}.").format(
            text=text_of(finding, "text"), example=with_words.say.day(date(2026, 12, 7))
        ),
    )


def _due_before_invoice(finding: Finding, with_words: Words) -> Told:
    earliest = with_words.say.day(day_of(finding, "earliest"))
    return Told(
        _("Due date is before the invoice date"),
        _("Choose {date} or later.").format(date=earliest),
        value=earliest,
        value_label=_("Use {date}").format(date=earliest),
    )


def _due_date_over(finding: Finding, with_words: Words) -> Told:
    said = _("After {date} the invoice is overdue as soon as it exists. If that is not meant, choose a later day.")
    return Told(_("The due date is over"), said.format(date=with_words.say.day(day_of(finding, "on"))))


def _far_date(finding: Finding, with_words: Words) -> Told:
    return Told(
        # Translators: {field} is the label of a field, as in "Invoice date is far from today"
        _("{field} is far from today").format(field=with_words.label(finding.field)),
        _("{date} is more than a year away. If that is not meant, type it again.").format(
            date=with_words.say.day(day_of(finding, "on"))
        ),
    )


def _books_closed(finding: Finding, with_words: Words) -> Told:
    until = day_of(finding, "until")
    first_open = with_words.say.day(until + timedelta(days=1))
    said = _("Choose {date} or later, or ask whoever keeps the books to open the period in QuickBooks.")
    return Told(
        _("The books are closed up to {date}").format(date=with_words.say.day(until)),
        said.format(date=first_open),
        value=first_open,
        value_label=_("Use {date}").format(date=first_open),
    )


def _books_open(finding: Finding, with_words: Words) -> Told:
    return Told(_("The books are open on {date}").format(date=with_words.say.day(day_of(finding, "on"))))


def _no_number(_finding: Finding, _w: Words) -> Told:
    return Told(_("The invoice has no number"), _("This QuickBooks company numbers its invoices by hand. Type one."))


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


def _tax_switched_on(_finding: Finding, with_words: Words) -> Told:
    return Told(
        _("QuickBooks has {tax} switched on now").format(tax=with_words.tax),
        _("Choose how the prices relate to it, and a code on each line."),
    )


def _prices_were_with_tax(_finding: Finding, with_words: Words) -> Told:
    said = _("The deal’s prices include tax. QuickBooks adds {tax} itself, so the prices here are without it.")
    return Told(_("Prices were changed to be before tax"), said.format(tax=with_words.tax))


def _negative_total(_finding: Finding, _w: Words) -> Told:
    return Told(_("The total is below zero"), _("QuickBooks takes that only as a credit note. Change the lines."))


def _zero_total(_finding: Finding, _w: Words) -> Told:
    return Told(_("The total is zero"), _("QuickBooks takes the invoice and shows it as paid."))


def _invoiced_before(finding: Finding, with_words: Words) -> Told:
    title = _("This deal has been invoiced before")
    if "amount" not in finding.values:
        if finding.code == "invoiced_before_unconfirmed":
            return Told(
                title,
                _(
                    "There are earlier invoices in different currencies, not all confirmed by QuickBooks yet. "
                    "If this is one of them, do not create it again."
                ),
            )
        return Told(title, _("There are earlier invoices in different currencies. You can still create this one."))
    count = int(number_of(finding, "count"))
    amount = with_words.say.amount(number_of(finding, "amount"), text_of(finding, "currency"))
    said = ngettext(
        "{count} earlier invoice for {amount}. You can still create this one.",
        "{count} earlier invoices for {amount} in all. You can still create this one.",
        count,
    )
    if finding.code == "invoiced_before_unconfirmed":
        said = ngettext(
            "{count} earlier invoice for {amount}, not confirmed by QuickBooks yet. "
            "If this is the same, do not create it again.",
            "{count} earlier invoices for {amount} in all, not all confirmed by QuickBooks yet. "
            "If this is one of them, do not create it again.",
            count,
        )
    return Told(title, said.format(count=count, amount=amount))


def _same_again(finding: Finding, with_words: Words) -> Told:
    title = _("Another invoice has this customer and amount")
    if "day" not in finding.values:
        return Told(title, _("It belongs to another deal. If it is the same order, do not create this one."))
    said = _("{name} created {number} in another deal on {day}. If it is the same order, do not create this one.")
    if not text_of(finding, "number"):
        said = _("{name} asked for it in another deal on {day}. If it is the same order, do not create this one.")
    name, number = text_of(finding, "created_by"), text_of(finding, "number")
    said = said.format(name=name, number=number, day=with_words.say.day(day_of(finding, "day")))
    return Told(title, said)


def _over_the_deal(finding: Finding, with_words: Words) -> Told:
    amount = with_words.say.amount(number_of(finding, "amount"), text_of(finding, "currency"))
    return Told(
        _("This invoices {amount} more than the deal").format(amount=amount),
        _("Tick the box when that is meant.") if finding.blocks else "",
    )


def _within_the_deal(finding: Finding, with_words: Words) -> Told:
    currency = text_of(finding, "currency")
    amount, left = (with_words.say.amount(number_of(finding, name), currency) for name in ("amount", "left"))
    if finding.values.get("first"):
        # Translators: said before "This invoice bills £9,000.00 of it." or "This invoice bills all of it."
        before = _("The deal is worth {left}.")
    else:
        # Translators: said before "This invoice bills £9,000.00 of it." or "This invoice bills all of it."
        before = _("{left} of the deal was still to be invoiced.")
    now = _("This invoice bills all of it.") if amount == left else _("This invoice bills {amount} of it.")
    # Translators: of amounts; {tax} is VAT, GST or sales tax
    tax = _("Amounts here are without {tax}.") if finding.values.get("tax_left_out") else ""
    text = " ".join(part for part in (before, now, tax) if part)
    return Told(_("Total is within the deal"), text.format(left=left, amount=amount, tax=with_words.tax))


def _estimate_of_another(finding: Finding, _w: Words) -> Told:
    return Told(
        _("The estimate is another customer’s"),
        _("Choose the customer of “{estimate}” again, or do not use the estimate.").format(estimate=_of(finding)),
    )


def _estimate_currency(finding: Finding, _w: Words) -> Told:
    said = _("“{estimate}” is in {currency}. Invoice in {currency}, or do not use the estimate.")
    said = said.format(estimate=_of(finding), currency=text_of(finding, "currency"))
    return Told(_("The estimate has another currency"), said)


def _estimate_used(finding: Finding, _w: Words) -> Told:
    said = _("Another invoice is made from “{estimate}”. Look at that one first, or do not use the estimate.")
    return Told(_("The estimate is invoiced already"), said.format(estimate=_of(finding)))


def _unlike_the_estimate(finding: Finding, with_words: Words) -> Told:
    amount = with_words.say.amount(number_of(finding, "amount"), text_of(finding, "currency"))
    if finding.code == "over_estimate":
        return Told(
            _("This invoices {amount} more than the estimate").format(amount=amount),
            _("Compare it with “{estimate}” if that is not meant.").format(estimate=_of(finding)),
        )
    said = _("QuickBooks closes “{estimate}” all the same, and what is left of it is not offered again.")
    return Told(
        _("This invoices {amount} less than the estimate").format(amount=amount), said.format(estimate=_of(finding))
    )


def _of(finding: Finding) -> str:
    return called(text_of(finding, "number"))


TELLING: dict[str, Callable[[Finding, Words], Told]] = {
    **TELLING_OF_LINES,
    "customer_chosen": _customer_chosen,
    "customer_gone": _customer_gone,
    "customer_not_chosen": _customer_not_chosen,
    "no_name": _no_name,
    "name_cleaned": _name_cleaned,
    "name_taken": _name_taken,
    "email_invalid": _email_invalid,
    "no_email": _no_email,
    "no_place": _no_place,
    "too_long": _too_long,
    "currency_clash": _currency_clash,
    "currency_unknown": _currency_unknown,
    "multicurrency_off": _multicurrency_off,
    "not_the_deals_currency": _not_the_deals_currency,
    "date_missing": _date_missing,
    "date_unreadable": _date_unreadable,
    "due_before_invoice": _due_before_invoice,
    "due_date_over": _due_date_over,
    "far_date": _far_date,
    "books_closed": _books_closed,
    "books_open": _books_open,
    "no_number": _no_number,
    "two_discounts": _two_discounts,
    "discounts_off": _discounts_off,
    "discount_over_total": _discount_over_total,
    "tax_setting_gone": _wrong_tax_setting,
    "tax_switched_on": _tax_switched_on,
    "prices_were_with_tax": _prices_were_with_tax,
    "negative_total": _negative_total,
    "zero_total": _zero_total,
    "estimate_of_another": _estimate_of_another,
    "estimate_currency": _estimate_currency,
    "estimate_used": _estimate_used,
    "over_estimate": _unlike_the_estimate,
    "under_estimate": _unlike_the_estimate,
    "invoiced_before": _invoiced_before,
    "invoiced_before_unconfirmed": _invoiced_before,
    "same_again": _same_again,
    "over_the_deal": _over_the_deal,
    "within_the_deal": _within_the_deal,
}
