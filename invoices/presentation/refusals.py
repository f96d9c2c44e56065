"""Why an invoice was not created, in words: the fact, and what to do next.

The codes are QuickBooks': https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
and, in small letters, our own for what ends before QuickBooks is asked. Where a code says little, QuickBooks' own
sentence is shown as such.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from invoices.domain.refusals import (
    ACCESS_DENIED,
    BOOKS_CLOSED,
    CANCELLED,
    ESTIMATE_CHANGED,
    ESTIMATE_GONE,
    GAVE_UP,
    NAME_TAKEN,
    NO_REFERENCE,
    NOT_PAID_FOR,
    NOT_THERE,
    NUMBER_TAKEN,
    OTHER_BOOKS,
)
from invoices.selectors import Refusal

NOT_REFUSED = (
    OTHER_BOOKS,
    GAVE_UP,
    CANCELLED,
    ESTIMATE_GONE,
    ESTIMATE_CHANGED,
)  # by QuickBooks, which may have a new customer or item of it
LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True)
class Explained:
    fact: str
    text: str
    is_quote: bool = False  # the text is QuickBooks' own and says more than the fact

    @property
    def sentence(self) -> str:
        """Both, as it stands at a field."""
        return f"{self.fact} {self.text}".strip()


def lead(refusal: Refusal | None) -> str:
    """The sentence below "The invoice was not created"."""
    if refusal and refusal.code in NOT_REFUSED:
        return _("There is no invoice of it in QuickBooks. Your entries are kept.")
    return _("QuickBooks refused it, so there is no invoice there. Your entries are kept.")


def explain(refusal: Refusal | None, *, customer: str = "") -> Explained:
    """`customer` is the name that the new customer was to get."""
    if refusal is None:
        return Explained(_("QuickBooks refused the invoice."), "")
    if refusal.new_item:
        return _item_refused(refusal)
    if refusal.code == NAME_TAKEN:
        return _name_taken(refusal, customer)
    if refusal.field == "estimate":
        return _estimate_refused(refusal)
    known = {
        NUMBER_TAKEN: Explained(_("The invoice number is taken in QuickBooks."), _("Give the invoice another number.")),
        BOOKS_CLOSED: Explained(
            _("The books are closed for the invoice date."),
            _("Choose a later date, or ask whoever keeps the books to open the period in QuickBooks."),
        ),
        **dict.fromkeys((NOT_THERE, NO_REFERENCE), Explained(_not_there(refusal.field), quoted(refusal))),
        NOT_PAID_FOR: Explained(
            _("QuickBooks takes no entries from this company now."),
            _("Its subscription has ended or is not paid. Whoever keeps the books can renew it in QuickBooks."),
        ),
        OTHER_BOOKS: Explained(
            _("Another QuickBooks company was connected meanwhile."),
            _("Open the invoice again to create it in the company that is connected now."),
        ),
        GAVE_UP: Explained(_("It has waited too long for QuickBooks."), _("Open the invoice again to create it now.")),
        CANCELLED: Explained(
            _("It was withdrawn before it was sent to QuickBooks."), _("Open it again to create it after all.")
        ),
        ACCESS_DENIED: Explained(
            _("QuickBooks does not let the app write invoices."),
            _("Whoever connected QuickBooks may have lost rights there. An administrator can sign in again."),
        ),
    }
    quote = quoted(refusal)
    return known.get(refusal.code) or Explained(_("QuickBooks refused the invoice."), quote, bool(quote))


def reasons() -> dict[str, str]:
    """Why something that is asked for beside the form (an action, the update of a customer) was not done, by the codes
    that mean the same for all of it.
    """
    return {
        NOT_PAID_FOR: _("QuickBooks takes no entries from this company; its subscription has ended or is not paid."),
        OTHER_BOOKS: _("Another QuickBooks company was connected meanwhile."),
        GAVE_UP: _("It has waited too long for QuickBooks."),
        ACCESS_DENIED: _(
            "QuickBooks does not let the app do this: whoever signed in may lack rights there. "
            "An administrator can sign in again, with an account that has them."
        ),
    }


def _not_there(field: str) -> str:
    if field == "customer":
        return _("The customer is inactive in QuickBooks or no longer there.")
    if field == "discount":
        return _(
            "The account for discounts is inactive in QuickBooks. Bill without the discount, or have it made active."
        )
    if field == "sales_tax":
        return _("The sales tax rate is inactive in QuickBooks or no longer there.")
    if field.endswith(".tax_code"):
        return _("A tax code on this invoice is inactive in QuickBooks or no longer there.")
    if field.startswith("lines."):
        return _("An item on this invoice is inactive in QuickBooks or no longer there.")
    return _("Something this invoice names is inactive in QuickBooks or no longer there.")


def _estimate_refused(refusal: Refusal) -> Explained:
    if refusal.code == ESTIMATE_CHANGED:
        said = _("Choose it again to take over what it says now, or do not use the estimate.")
        return Explained(_("The estimate was changed in QuickBooks since it was chosen."), said)
    if refusal.code == ESTIMATE_GONE:
        said = _("It was closed, rejected or deleted in QuickBooks. Choose another one, or do not use the estimate.")
    else:
        said = quoted(refusal)
    return Explained(_("The estimate can no longer be invoiced."), said)


def _name_taken(refusal: Refusal, customer: str) -> Explained:
    if refusal.taken_by == "customer" and refusal.customer:
        fact = _("“{name}” is already a customer in QuickBooks.").format(name=refusal.customer)
        return Explained(fact, _("Choose that customer, or give this one another name."))
    if refusal.taken_by == "inactive customer" and refusal.customer:
        fact = _("“{name}” is an inactive customer in QuickBooks.").format(name=refusal.customer)
        return Explained(fact, _("Make it active there and choose it, or give this one another name."))
    owners = {
        "vendor": _("A vendor in QuickBooks has the customer’s name already."),
        "employee": _("An employee in QuickBooks has the customer’s name already."),
    }
    fact = owners.get(refusal.taken_by, _("The customer’s name is taken in QuickBooks."))
    if not customer:
        return Explained(fact, _("QuickBooks needs another name for the customer."))
    said = _("QuickBooks needs another name for the customer. We suggest “{suggestion}”.")
    return Explained(fact, said.format(suggestion=free_name(customer)))


def _item_refused(refusal: Refusal) -> Explained:
    name = refusal.new_item
    if refusal.taken_by == "inactive item":
        fact = _("“{item}” is inactive in QuickBooks.").format(item=name)
        return Explained(fact, _("Choose another item or make it active there."))
    if refusal.taken_by == "category":
        fact = _("“{item}” is a category in QuickBooks, so no item can have that name.").format(item=name)
        return Explained(fact, _("Choose another item."))
    fact = _("QuickBooks did not take the new item “{item}”.").format(item=name)
    return Explained(fact, quoted(refusal) or _("Choose another item."))


def free_name(name: str) -> str:
    """What a customer may be called whose name a vendor or an employee has."""
    # Translators: added to a name that a vendor has already, as in "Lakeview Dental Group (Customer)"
    return _("{name} (Customer)").format(name=name)


def quoted(refusal: Refusal) -> str:
    words = (refusal.detail or refusal.message).strip().removesuffix(".")
    if not words:
        return ""
    cut = words if len(words) <= LONGEST_QUOTE else words[: LONGEST_QUOTE - 1].rstrip() + "…"
    # Translators: {words} is QuickBooks' own text, in QuickBooks' language
    return _("QuickBooks says: “{words}”.").format(words=cut)


def short(refusal: Refusal | None) -> str:
    """One or two lines for a row of the panel."""
    explained = explain(refusal)
    return explained.text if explained.is_quote else explained.sentence
