"""When a deal is invoiced by itself: the company's rules, at most one a pipeline. None until somebody sets one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from integration_settings.clock import LONGEST_DIFFERENCE, pipedrive_now, shared_now
from integration_settings.models import Company, DealRules, PipedriveUser

WON = "won"


class Outcome(StrEnum):
    """What becomes of a deal that a rule is for."""

    PREPARE = "prepare"  # it is listed as ready, and a person makes the invoice
    CREATE = "create"
    SEND = "send"  # created and e-mailed


@dataclass(frozen=True, slots=True)
class DealState:
    """Where a deal stands in Pipedrive, and since when; times are Pipedrive's, None where it tells none."""

    deal_id: int
    pipeline_id: int | None
    stage_id: int | None
    status: str  # "open", "won", "lost" or "deleted"
    won_at: datetime | None
    in_stage_since: datetime | None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`when` is `WON` or the id of a stage. Deals that were there before `since` are nobody's surprise: they are left
    alone. Those that were there before `then` was chosen get no more than was wanted then. `preset` is the id of what
    its invoices start with, or `presets.NONE`; "" for what every new form starts with.
    """

    when: str
    then: Outcome
    since: datetime
    then_since: datetime
    preset: str = ""

    def wants(self, deal: DealState) -> bool:
        """Whether the deal is where the rule wants it."""
        if self.when == WON:
            return deal.status == WON
        return deal.status in ("open", WON) and str(deal.stage_id) == self.when

    def is_for(self, deal: DealState) -> bool:
        """Whether it is there, and got there with the rule in force."""
        came = self.came(deal)
        return self.wants(deal) and came is not None and came >= self.since

    def outcome_for(self, deal: DealState, found_for: Outcome = Outcome.PREPARE) -> Outcome:
        """What becomes of a deal that it is for; `found_for` is what was wanted when the deal was found."""
        came = self.came(deal)
        is_new = came is not None and came >= self.then_since
        return self.then if is_new else min(self.then, found_for, key=list(Outcome).index)

    def came(self, deal: DealState) -> datetime | None:
        """When it got there; None where Pipedrive does not tell."""
        return deal.won_at if self.when == WON else deal.in_stage_since


Rules = Mapping[int, Rule]  # by the pipeline's id


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody has chosen for a pipeline."""

    when: str
    then: Outcome
    preset: str = ""


def rules_of(stored: DealRules | None) -> Rules:
    return {
        int(pipeline): Rule(
            rule["when"],
            Outcome(rule["then"]),
            datetime.fromisoformat(rule["since"]),
            datetime.fromisoformat(rule.get("then_since", rule["since"])),
            rule.get("preset", ""),
        )
        for pipeline, rule in (stored.rules if stored else {}).items()
    }


def rule_wanting(rules: Rules, deal: DealState) -> Rule | None:
    """The rule that wants deals where this one is, whenever it got there."""
    rule = rules.get(deal.pipeline_id or 0)
    return rule if rule and rule.wants(deal) else None


def rule_for(rules: Rules, deal: DealState) -> Rule | None:
    """The rule that wants the deal invoiced, None without one."""
    rule = rules.get(deal.pipeline_id or 0)
    return rule if rule and rule.is_for(deal) else None


def stored_rules(company: Company) -> DealRules | None:
    return DealRules.objects.select_related("user").filter(company=company).first()


def store(company: Company, chosen: Mapping[int, Choice], user: PipedriveUser) -> None:
    """In place of the company's rules; those that stay as they are go on, and the others begin now. They act with the
    grant of whoever changed them last, or found them without one. Within the transaction that saves the settings.
    """
    now, stored = pipedrive_now(), stored_rules(company)  # what it is compared with is Pipedrive's, too
    before = rules_of(stored)
    rules = {pipeline: _begun(before.get(pipeline), choice, now) for pipeline, choice in chosen.items()}
    if (stored is None and not rules) or (rules == before and not (stored and stored.stands_still)):
        return
    values = {
        "rules": {str(pipeline): _as_json(rule) for pipeline, rule in sorted(rules.items())},
        "user": company.users.filter(pk=user.pk).first(),  # None who has left in this very moment
        "next_look_at": shared_now() if rules else None,
        "problem": "",
    }
    if not before:  # nobody has looked since the last rule was taken away
        values["read_until"] = now - LONGEST_DIFFERENCE
    DealRules.objects.update_or_create(company=company, defaults=values)


def _begun(before: Rule | None, choice: Choice, now: datetime) -> Rule:
    """One that wants something else of the same deals goes on: those that nobody has seen yet are not forgotten."""
    if before is None or before.when != choice.when:
        return Rule(choice.when, choice.then, now, now, choice.preset)
    then_since = before.then_since if before.then == choice.then else now
    return Rule(choice.when, choice.then, before.since, then_since, choice.preset)


def _as_json(rule: Rule) -> dict[str, str]:
    since = {"since": rule.since.isoformat(), "then_since": rule.then_since.isoformat()}
    preset = {"preset": rule.preset} if rule.preset else {}
    return {"when": rule.when, "then": rule.then, **since, **preset}
