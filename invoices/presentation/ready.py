"""Deals that a rule has found ready to be invoiced, in words: why each waits for a person."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from integration_settings.models import Company
from integration_settings.selectors import deal_url
from invoices.domain.money import Money
from invoices.domain.unattended import Why
from invoices.models import ReadyDeal
from invoices.presentation.finding_parts import Words
from invoices.presentation.findings import issues_of
from invoices.ready_deals import NOT_TRIED_AGAIN, findings_of


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """`again`: the rule may try it once more; `invoices`: its form is what it waits for, else what its panel has."""

    deal_id: int
    url: str
    title: str
    worth: str
    name: str  # title and worth, for those who hear them
    text: str
    again: bool
    invoices: bool


def ready_row(row: ReadyDeal, company: Company, with_words: Words, *, has_rules: bool) -> ReadyRow:
    say = with_words.say
    title = row.title or _("Deal {number}").format(number=row.deal_id)
    worth = say.money(Money(row.value, row.currency)) if row.currency else ""
    why = Why(row.why)
    return ReadyRow(
        deal_id=row.deal_id,
        url=deal_url(company, row.deal_id),
        title=title,
        worth=worth,
        name=f"{title} · {worth}" if worth else title,
        text=waits_because(row, with_words),
        again=has_rules and why not in NOT_TRIED_AGAIN,
        invoices=why not in (Why.NOT_SENT, Why.PLAN),
    )


def waits_because(row: ReadyDeal, with_words: Words) -> str:
    """In a sentence or two; of what the form's checks have found the first ones."""
    if row.findings:
        return " ".join(issue.sentence for issue in issues_of(findings_of(row), with_words))
    if row.why == Why.NOT_SENT and row.invoice and row.invoice.number:
        return _("Invoice {number} was created and not e-mailed.").format(number=row.invoice.number)
    return {
        Why.WANTED: _("Nobody has made the invoice yet."),
        Why.MANY: _("Many deals got here at once, so no invoice was made by itself."),
        Why.TAKEN_BACK: _("An invoice of this deal was voided or deleted. Make another one if it is wanted."),
        Why.BEGUN: _("Somebody has begun an invoice of this deal and has not created it yet."),
        Why.CUSTOMER: _("QuickBooks has customers like this one: choose the right one in the form."),
        Why.TAX: _("Several tax codes have the product’s rate: choose one in the form."),
        Why.CHECKS: _("The form’s checks do not let it pass. The form says what is wrong."),
        Why.LOOK: _("The form has something to point out first."),
        Why.PRESET: _("The preset for invoices of this pipeline is gone. Choose another one in the settings."),
        Why.PLAN: _("It is billed in instalments: invoice each of them from “Billing plan” in the deal’s panel."),
        Why.NO_EMAIL: _("There is no e-mail address to send it to."),
        Why.NO_RIGHT: _("Whoever set up the automatic invoices has no right to create invoices."),
        Why.GAVE_UP: _("It could not be made in time."),
        Why.NOT_SENT: _("The invoice was created and not e-mailed."),
    }[Why(row.why)]
