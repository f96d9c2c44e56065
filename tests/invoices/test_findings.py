"""Every finding of the checks and of the form has words, a place in the form, and where possible a repair."""

from __future__ import annotations

import ast
import json
from datetime import UTC, date
from pathlib import Path

import pytest

from invoices import forms
from invoices.domain import checks
from invoices.domain.checks import Finding, Severity
from invoices.domain.plain import plain
from invoices.models import ReadyDeal
from invoices.presentation.finding_parts import Words
from invoices.presentation.finding_words import TELLING
from invoices.presentation.findings import by_keys, issues_of, target_of
from invoices.presentation.say import Say
from invoices.ready_deals import findings_of
from tests.factories import D

WORDS = Words(Say("en_GB", UTC), "GB", {"l1": "Pallet racking bay"})
VALUES = {
    "amount": D("1200.00"), "cleaned": "Atlas – Trade", "count": 2, "currency": "EUR", "customer": "Moss & Co",
    "created_by": "Priya Nair", "customer_currency": "GBP", "day": date(2026, 11, 21),
    "deal_currency": "EUR", "earliest": date(2026, 11, 23), "email": "a@b", "home_currency": "GBP",
    "item": "Bay 3L", "left": D(9), "length": 41, "line": "Racking", "longest": 31, "most": 5, "name": "Atlas: Trade",
    "on": date(2026, 11, 23), "tax_code": "20.0% S", "text": "much", "total": D(-1), "until": date(2026, 11, 30),
}  # fmt: skip


def codes_made_by(module):
    """The codes that a module gives to its findings, read from its source."""
    found = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        place = {"_blocks": 1, "_warns": 1, "_fine": 1, "complain": 1}.get(name)
        if place is None or len(node.args) <= place:
            continue
        for part in ast.walk(node.args[place]):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                found.add(part.value)
    return found


CODES = sorted(codes_made_by(checks) | codes_made_by(forms))


def test_the_codes_are_found_in_the_source():
    assert {"no_item", "due_before_invoice", "number_unreadable", "within_the_deal"} <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_words(code):
    assert code in TELLING


@pytest.mark.parametrize("code", sorted(TELLING))
def test_every_sentence_is_whole(code):
    field = "lines.l1.quantity" if code.startswith(("number", "too_many_d", "too_large")) else "due_date"
    (issue,) = issues_of([Finding(field, Severity.BLOCKS, code, VALUES)], WORDS)
    for text in (issue.title, issue.text, issue.sentence):
        assert "{" not in text
        assert "None" not in text
    assert issue.title
    assert issue.fix
    assert issue.fix.label


@pytest.mark.parametrize("code", sorted(TELLING))
def test_what_was_kept_of_a_finding_is_told_as_it_was(code):
    finding = Finding("lines.l1.quantity", Severity.BLOCKS, code, VALUES)
    row = ReadyDeal(findings=json.loads(json.dumps(plain([finding]))))
    assert issues_of(findings_of(row), WORDS) == issues_of([finding], WORDS)


@pytest.mark.parametrize("code", ["no_item", "item_gone", "inactive_item"])
def test_a_fault_of_an_item_names_the_line(code):
    """Many lines may have the same item."""
    (issue,) = issues_of([Finding("lines.l1.item", Severity.BLOCKS, code, VALUES)], WORDS)
    assert "“Pallet racking bay”" in issue.text
    assert "“Pallet racking bay”" in issue.sentence


def test_an_invoice_like_this_one_is_named_as_soon_as_it_has_a_number_to_whoever_may_know_it():
    values = {"created_by": "Priya Nair", "day": date(2026, 11, 21)}
    found = [Finding("", Severity.WARNS, "same_again", values | {"number": number}) for number in ("1042", "")]
    found.append(Finding("", Severity.WARNS, "same_again"))
    named, unnamed, hidden = (issue.text for issue in issues_of(found, WORDS))
    assert named.startswith("Priya Nair created 1042 in another deal on 21 Nov 2026.")
    assert unnamed.startswith("Priya Nair asked for it in another deal on 21 Nov 2026.")
    assert hidden.startswith("It belongs to another deal.")


@pytest.mark.parametrize("code", ["invoiced_before", "invoiced_before_unconfirmed"])
def test_the_worth_of_earlier_invoices_is_no_lower_bound_and_a_sum_is_called_one(code):
    values = {"amount": D("300"), "currency": "GBP"}
    found = [Finding("", Severity.WARNS, code, values | {"count": count}) for count in (1, 3)]
    one, three = (issue.text for issue in issues_of(found, WORDS))
    assert one.startswith("1 earlier invoice for £300.00")
    assert three.startswith("3 earlier invoices for £300.00 in all")


def test_earlier_invoices_in_different_currencies_have_no_sum():
    found = [
        Finding("", Severity.WARNS, code, {"count": 2}) for code in ("invoiced_before", "invoiced_before_unconfirmed")
    ]
    before, unconfirmed = (issue.text for issue in issues_of(found, WORDS))
    assert before == "There are earlier invoices in different currencies. You can still create this one."
    assert unconfirmed.startswith("There are earlier invoices in different currencies, not all confirmed")


def test_a_finding_without_words_is_told_by_its_field():
    (issue,) = issues_of([Finding("due_date", Severity.BLOCKS, "brand_new")], WORDS)
    assert issue.title == "Due date needs another look (brand_new)"


@pytest.mark.parametrize(
    "field, target",
    [
        ("due_date", "f-due_date"),
        ("customer.name", "f-name"),
        ("lines.l4.item", "l4-choose"),
        ("lines.l4.tax_code", "l4-tax"),
        ("lines.l4.unit_price", "l4-price"),
        ("lines", "f-add-line"),
        ("", "f-customer"),
    ],
)
def test_each_field_has_an_element(field, target):
    assert target_of(field) == target


def test_lines_are_named_by_their_row():
    found = by_keys(
        [Finding("lines.1.item", Severity.BLOCKS, "no_item"), Finding("lines", Severity.FINE, "all_items")],
        ("l1", "a7"),
    )
    assert [finding.field for finding in found] == ["lines.a7.item", "lines"]


@pytest.mark.parametrize(
    "code, field, button",
    [
        ("due_before_invoice", "due_date", "Use 23 Nov 2026"),
        ("books_closed", "invoice_date", "Use 1 Dec 2026"),
        ("currency_clash", "currency", "Invoice in GBP"),
        ("no_item", "lines.l1.item", "Choose item"),
        ("too_long", "memo", "Go to Message to the customer"),
        ("discount_over_total", "discount", "Go to Discount on the whole invoice"),
        ("discount_over_line", "lines.l1.discount", "Go to Discount"),
    ],
)
def test_the_fix_stands_beside_the_fault(code, field, button):
    (issue,) = issues_of([Finding(field, Severity.BLOCKS, code, VALUES)], WORDS)
    assert issue.fix.label == button
