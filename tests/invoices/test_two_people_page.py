"""Two people have the form of one deal open: the second press asks before it makes another invoice."""

from __future__ import annotations

import pytest

from integration_settings import rights
from integration_settings.services import uninstall
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.factories import make_invoice
from tests.invoices.conftest import RACKING
from tests.invoices.form_answers import CREATE
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(harbour, fill_in, control, deal_id, colleague, browse):
    """both(value): (browser, fields) of each, for a deal of that value that has lines of £10,740.00 with tax"""

    def make(value):
        deal = deal_id(harbour, RACKING)
        control.change_company(harbour.pair.pipedrive_company_id, {"deals": {deal: {"value": value}}})
        browser, fields = fill_in(harbour)
        tom = browse(colleague(harbour))
        theirs = Page(tom.get("/embed/invoice/form", {"deal": deal})).fields()
        items = {name: text for name, text in fields.items() if name.endswith("-item")}
        return (browser, fields), (tom, theirs | items)

    return make


@pytest.mark.parametrize("value", [0, 21_480], ids=["a deal without a value", "a deal billed in parts"])
def test_the_second_is_asked_and_may_mean_it(both, value):
    (first, fields), (second, theirs) = both(value)
    assert first.post(CREATE, fields).status_code == 200
    asked = second.post(CREATE, theirs | {"memo": "Second half"})
    assert asked.status_code == 422
    page = Page(asked)
    assert "Another invoice of this deal was asked for since this form was opened." in page.text
    assert Invoice.objects.count() == 1
    again = page.fields()
    assert again["memo"] == "Second half"
    assert second.post(CREATE, again).status_code == 200
    assert Invoice.objects.count() == 2


def test_one_that_took_the_place_of_a_voided_one_is_asked_about_too(harbour, fill_in, control, deal_id):
    """A colleague has corrected the invoice while the form stood open: the deal still has one, and it is another."""
    deal = deal_id(harbour, RACKING)
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {deal: {"value": 0}}})
    wrong = make_invoice(harbour.company, deal_id=deal)
    browser, fields = fill_in(harbour)
    Invoice.objects.filter(pk=wrong.pk).update(voided_on=wrong.invoice_date)
    make_invoice(harbour.company, deal_id=deal)
    asked = browser.post(CREATE, fields)
    assert asked.status_code == 422
    assert "Another invoice of this deal was asked for since this form was opened." in Page(asked).text
    assert Invoice.objects.count() == 2
    assert browser.post(CREATE, Page(asked).fields()).status_code == 200
    assert Invoice.objects.count() == 3


def test_a_refused_one_that_exists_after_all_is_asked_about_too(harbour, fill_in, control, deal_id):
    deal = deal_id(harbour, RACKING)
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {deal: {"value": 0}}})
    refused = make_invoice(harbour.company, deal_id=deal, submission=Submission.REJECTED)
    make_invoice(harbour.company, deal_id=deal)
    browser, fields = fill_in(harbour)
    Invoice.objects.filter(pk=refused.pk).update(submission=Submission.SUCCEEDED)
    assert browser.post(CREATE, fields).status_code == 422
    assert Invoice.objects.count() == 2


def test_a_press_while_the_company_leaves_ends_in_a_reason(harbour, fill_in, monkeypatch):
    browser, fields = fill_in(harbour)

    def leave(user, right):
        uninstall(pipedrive_company_id=harbour.company.pipedrive_company_id, user_id=user.user_id)

    monkeypatch.setattr(rights, "demand", leave)
    answer = browser.post(CREATE, fields)
    assert answer.status_code == 422
    assert "The invoice was not created." in Page(answer).text
    assert not Invoice.objects.exists()


def test_the_same_form_twice_is_one_invoice_and_no_question(both):
    (first, fields), _ = both(0)
    assert first.post(CREATE, fields).status_code == first.post(CREATE, fields).status_code == 200
    assert Invoice.objects.count() == 1


def test_an_invoice_of_another_deal_over_the_same_is_told_by_number_to_its_maker_and_to_nobody_else(both):
    (first, fields), (second, theirs) = both(0)
    assert first.post(CREATE, fields).status_code == 200
    number = "1042"
    # A deal that Tom may not be allowed to open
    Invoice.objects.update(deal_id=4711, number=number, customer_id=fields["customer"])
    preview = "/embed/invoice/preview"
    assert f"Priya Nair created {number} in another deal" in Page(first.post(preview, fields)).text
    told = Page(second.post(preview, theirs)).text
    assert "It belongs to another deal." in told
    assert number not in told
    assert "Priya Nair" not in told
    for browser, words in ((first, f"Priya Nair created {number}"), (second, "It belongs to another deal.")):
        opened = browser.get("/embed/invoice/form", {"deal": theirs["deal"]})
        assert words in Page(opened).text
