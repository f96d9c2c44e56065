"""Whether a draft may become an invoice that nobody looks at: only where the form would have nothing to ask."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from enum import StrEnum

from invoices.domain.checks import Finding, Severity
from invoices.domain.tax import TaxProposal

TOLD_BY_THE_INVOICE = {"no_place", "name_cleaned", "description_cut", "prices_were_with_tax"}
"""Warnings about what a person would hardly do otherwise."""


TOLD_TO_ONE = {"same_again"}
"""Of these only their reader may know more than that it is so, see `so_far.same_again`."""


class Why(StrEnum):
    """Why a deal that a rule is for waits for a person."""

    WANTED = "wanted"  # the rule says so
    MANY = "many"  # too many came at once: an import, say
    TAKEN_BACK = "taken_back"  # somebody has voided or deleted an invoice of it
    BEGUN = "begun"  # somebody has a form of it that is not sent
    CUSTOMER = "customer"  # several could be meant, or one is like it
    TAX = "tax"  # several codes have the product's rate
    CHECKS = "checks"  # the form's checks block it
    LOOK = "look"  # or warn
    PRESET = "preset"  # of the rule is gone
    PLAN = "plan"  # the deal is billed in instalments
    NO_EMAIL = "no_email"  # to send it to
    NO_RIGHT = "no_right"  # has the one in whose name the rule acts
    GAVE_UP = "gave_up"  # a service did not answer for days
    NOT_SENT = "not_sent"  # the invoice is there, and could not be e-mailed


def standing_in_the_way(findings: Iterable[Finding], *, sends: bool) -> list[Finding]:
    """Those that block, else those that a person has to see."""
    found = list(findings)
    harmless = TOLD_BY_THE_INVOICE | ({"no_email"} if not sends else set())
    warned = [each for each in found if each.severity == Severity.WARNS and each.code not in harmless]
    return [each for each in found if each.blocks] or warned


def for_all_readers(findings: Iterable[Finding]) -> list[Finding]:
    """As whoever sees the deal may read them, and not only the one in whose name they were made."""
    return [replace(each, values={}) if each.code in TOLD_TO_ONE else each for each in findings]


def why_not_unattended(
    in_the_way: Collection[Finding],
    tax_proposals: Iterable[TaxProposal],
    *,
    customer_is_clear: bool,
    email: str,
    sends: bool,
) -> Why | None:
    """`in_the_way` is what `standing_in_the_way` says, `email` where the invoice would be sent. None where nobody is
    needed.
    """
    if any(finding.blocks for finding in in_the_way):
        return Why.CHECKS
    if not customer_is_clear:
        return Why.CUSTOMER
    if any(proposal.as_likely for proposal in tax_proposals):
        return Why.TAX
    if sends and not email:
        return Why.NO_EMAIL
    return Why.LOOK if in_the_way else None
