"""Findings as the form shows them: in words, at their fields, with the fix beside the fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from invoices.domain.checks import Finding, Severity
from invoices.presentation.finding_parts import Told, Words
from invoices.presentation.finding_words import TELLING


@dataclass(frozen=True, slots=True)
class Fix:
    """A link to the field, or, with a `value`, a button that puts it in."""

    label: str
    target: str
    value: str = ""
    opens_items: bool = False  # the target is a line whose item is to be chosen
    new_customer: str = ""  # a second button: the invoice goes to a new customer of that name


@dataclass(frozen=True, slots=True)
class Issue:
    field: str
    target: str  # id of the element that takes the focus
    severity: Severity
    title: str
    text: str = ""
    sentence: str = ""  # as it stands at the field and in the summary
    fix: Fix | None = None
    code: str = ""  # of the finding

    @property
    def blocks(self) -> bool:
        return self.severity == Severity.BLOCKS

    @property
    def css(self) -> str:
        return {Severity.BLOCKS: "error", Severity.WARNS: "warning", Severity.FINE: "fine"}[self.severity]

    @property
    def icon(self) -> str:
        return {Severity.BLOCKS: "error", Severity.WARNS: "warning", Severity.FINE: "checked"}[self.severity]


TARGETS = {
    "customer": "f-customer",
    "customer.name": "f-name",
    "customer.taken_name": "name-check",  # says it itself, with the way out
    "customer.email": "f-email",
    "customer.address": "f-street",
    "customer.tax_id": "f-tax_id",
    "currency": "f-currency",
    "invoice_date": "f-invoice_date",
    "due_date": "f-due_date",
    "number": "f-number",
    "amounts_are": "f-amounts_are",
    "sales_tax": "f-sales_tax",
    "memo": "f-memo",
    "private_note": "f-private_note",
    "cc": "f-cc",
    "bcc": "f-bcc",
    "class": "f-class_id",
    "location": "f-location_id",
    "discount": "f-discount",
    "estimate": "f-estimate",
    "lines": "f-add-line",
    "over_deal": "f-over_deal",
    "": "f-customer",
}

PAGE = (
    *("customer", "customer.name", "customer.taken_name", "customer.address", "customer.tax_id"),
    *("currency", "invoice_date", "due_date", "amounts_are", "sales_tax", "number", "own", "customer.email"),
    *(
        "location",
        "class",
        "memo",
        "cc",
        "bcc",
        "private_note",
        "estimate",
        "lines.",
        "lines",
        "discount",
        "over_deal",
        "",
    ),
)
"""The fields as they follow one another on the page."""

LINE_TARGETS = {"tax_code": "tax", "unit_price": "price", "item": "choose"}


def target_of(field: str) -> str:
    """The id of the element that a finding's field stands for."""
    if field.startswith("own."):
        return f"f-own-{field.removeprefix('own.')}"
    if not field.startswith("lines."):
        return TARGETS.get(field, "f-customer")
    _lines, key, part = field.split(".", 2)
    return f"{key}-{LINE_TARGETS.get(part, part)}"


def by_keys(findings: Iterable[Finding], keys: tuple[str, ...]) -> list[Finding]:
    """Findings that name a line by its place in the draft, naming it by its row in the form instead."""
    return [replace(finding, field=by_key(finding.field, keys)) for finding in findings]


def by_key(field: str, keys: tuple[str, ...]) -> str:
    first, _dot, rest = field.partition(".")
    index, _dot, part = rest.partition(".")
    known = first == "lines" and index.isdigit() and int(index) < len(keys)
    return f"lines.{keys[int(index)]}.{part}" if known else field


def issues_of(findings: Iterable[Finding], with_words: Words) -> tuple[Issue, ...]:
    """In words; those that block first, and each kind in the order of the page, whoever found them."""
    severities, rows = list(Severity), list(with_words.line_names)

    def place(finding: Finding) -> tuple[int, int, int]:
        first, _dot, rest = finding.field.partition(".")
        key = rest.partition(".")[0]
        name = {"own": "own", "lines": "lines."}.get(first, finding.field) if rest else finding.field
        page = PAGE.index(name) if name in PAGE else len(PAGE)
        return severities.index(finding.severity), page, rows.index(key) if key in rows else 0

    return tuple(_issue(finding, with_words) for finding in sorted(findings, key=place))


def _issue(finding: Finding, with_words: Words) -> Issue:
    tell = TELLING.get(finding.code)
    told = tell(finding, with_words) if tell else Told(_unnamed(finding, with_words))
    return Issue(
        field=finding.field,
        target=target_of(finding.field),
        severity=finding.severity,
        title=told.title,
        text=told.text,
        sentence=told.sentence or f"{told.title.rstrip('.')}. {told.text}".strip(),
        fix=_fix(finding, told, with_words) if finding.blocks or told.value else None,
        code=finding.code,
    )


def _unnamed(finding: Finding, with_words: Words) -> str:
    # Translators: {field} is the label of a field, {code} a technical word
    return _("{field} needs another look ({code})").format(field=with_words.label(finding.field), code=finding.code)


def _fix(finding: Finding, told: Told, with_words: Words) -> Fix | None:
    target = target_of(finding.field)
    if told.value:
        return Fix(told.value_label, target, told.value, new_customer=told.new_customer)
    if finding.field.startswith("lines.") and finding.field.endswith(".item"):
        # Translators: button beside a line that has no QuickBooks item
        return Fix(_("Choose item"), target, opens_items=True)
    if finding.field == "over_deal":
        return None  # its box stands beside it
    if finding.field == "lines":
        return Fix(_("Add a line"), target)
    # Translators: link that moves to the field named {field}
    return Fix(_("Go to {field}").format(field=with_words.label(finding.field)), target)
