"""A deal's billing plan in the panel: its instalments, and which invoice bills each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from invoices.domain.money import Money
from invoices.domain.plan import Instalment
from invoices.domain.status import InvoiceStatus
from invoices.presentation.say import Say


@dataclass(frozen=True, slots=True)
class PlanRow:
    """`flag` is "" while no invoice bills it; `text` tells when it is to be billed, or by which invoice it is. `late`:
    that day is over.
    """

    id: int
    name: str
    amount: str
    text: str
    flag: str = ""
    label: str = ""  # of its button, for those who hear it alone
    late: bool = False


Billing = tuple[str, InvoiceStatus | None]  # number and status of an invoice; none before QuickBooks has it


def plan_rows(plan: Sequence[Instalment], billed: Mapping[int, Billing], currency: str, say: Say) -> list[PlanRow]:
    return [_row(each, place, billed.get(each.id), currency, say) for place, each in enumerate(plan, start=1)]


def _row(each: Instalment, place: int, billing: Billing | None, currency: str, say: Say) -> PlanRow:
    # Translators: an instalment of a deal's billing plan that has no name
    name = each.description or _("Instalment {number}").format(number=say.number(place))
    amount = say.money(Money(each.amount, currency))
    if billing is None:
        # Translators: button beside an instalment
        label = _("Invoice this: {name}, {amount}").format(name=name, amount=amount)
        late = each.bill_on is not None and each.bill_on < say.today()
        return PlanRow(each.id, name, amount, _to_be_billed(each.bill_on, say), label=label, late=late)
    number, status = billing
    text = _("Invoice {number}").format(number=number) if number else _("Its invoice is on its way")
    return PlanRow(each.id, name, amount, text, flag=str(status or "waiting"))


def _to_be_billed(day: date | None, say: Say) -> str:
    if day is None:
        return ""
    if (days := (say.today() - day).days) > 0:
        # Translators: of an instalment: "Was to be billed on 1 Dec 2026, 3 days ago"
        said = ngettext(
            "Was to be billed on {date}, {count} day ago", "Was to be billed on {date}, {count} days ago", days
        )
        return said.format(date=say.day(day), count=say.number(days))
    # Translators: of an instalment: "To be billed on 1 Dec 2026"
    return _("To be billed on {date}").format(date=say.day(day))
