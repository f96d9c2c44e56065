"""The new customer's name beside what QuickBooks has already: whose it is, and the way out."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from invoices.customers import NameClash
from invoices.presentation.refusals import free_name


@dataclass(frozen=True, slots=True)
class NameCheck:
    """`offered` is the option of the customer that may be taken, `free` a name that may be put in; one at most."""

    name: str
    sentence: str
    offered: str = ""
    customer: str = ""
    free: str = ""


def name_check(clash: NameClash, *, offered: str = "") -> NameCheck:
    """`offered` is what `form_memory.offer` made of an active customer."""
    name = clash.name
    if clash.customer and clash.customer.active:
        said = _("“{name}” is already a customer in QuickBooks. Choose that customer, or give this one another name.")
        return NameCheck(name, said.format(name=name), offered, clash.customer.name)
    sentences = {
        "customer": _("“{name}” is an inactive customer in QuickBooks, so this one needs another name."),
        "vendor": _("“{name}” is already a vendor, so QuickBooks needs another name."),
        "employee": _("“{name}” is already an employee, so QuickBooks needs another name."),
    }
    return NameCheck(name, sentences[clash.owner].format(name=name), free=free_name(name))
