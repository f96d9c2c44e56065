"""Presets in the invoice form: what they fill in, what they leave alone, and how they are remembered."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import timedelta

import pytest

from integration_settings.models import CompanySettings, InvoicePreset, PipedriveUser
from integration_settings.presets import delete_preset
from invoices.deal_gateway import deal_now
from invoices.domain.draft import AmountsAre, from_json
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.factories import make_company, make_preset
from tests.invoices.conftest import RACKING
from tests.invoices.fragments import Page
from tests.invoices.intents import ask, draft_for

pytestmark = pytest.mark.django_db
PRESET, PREVIEW, CREATE = "/embed/invoice/preset", "/embed/invoice/preview", "/embed/invoice/create"


@pytest.fixture
def standard(harbour):
    return make_preset(
        harbour.company,
        name="Standard UK",
        memo="Thank you for your order.",
        private_note="By the framework agreement",
        cc="office@harbourpine.example",
        due_days=30,
        amounts_are="inclusive",
        own_fields={"1": "FRAMEWORK-7"},
        realm_id=harbour.realm,
    )


@pytest.fixture
def short(harbour):
    return make_preset(harbour.company, name="Short", memo="Thanks!", due_days=7)


def choose(browser, fields, preset, **typed):
    """What the page puts into its fields when the preset is chosen: (the fields then, the answer's page)."""
    answer = browser.post(PRESET, fields | typed | {"preset": str(preset.pk) if preset else ""})
    assert answer.status_code == 200, answer.content.decode()[:500]
    page = Page(answer)
    after = (
        fields | typed | {"preset": page.fields().get("preset", ""), "kept": page.by_id("f-kept").attributes["value"]}
    )
    for put in page.with_attribute("data-put"):
        name = put.attributes["data-put"].removeprefix("f-")
        assert name in after, name
        after[name] = put.attributes["data-value"]
    return after, page


def test_without_presets_the_form_says_which_style_quickbooks_prints(harbour, open_form):
    _, fields, page = open_form(harbour, RACKING)
    assert "preset" not in fields
    assert page.by_id("f-preset").text == "QuickBooks default"
    assert "Printed in QuickBooks’ default form style." in page.by_id("f-preset-hint").text
    link = next(e for e in page.by_id("f-preset-hint").walk() if e.tag == "a")
    assert "pagereq=salesforms" in link.attributes["href"]


def test_no_preset_is_the_first_choice_and_foreign_ones_are_none(harbour, open_form, standard):
    make_preset(make_company(), name="Foreign")
    _, fields, page = open_form(harbour, RACKING)
    assert fields["preset"] == ""
    assert [e.text for e in page.by_id("f-preset").walk() if e.tag == "option"] == ["No preset", "Standard UK"]


def test_a_chosen_preset_fills_the_form_and_leaves_what_was_typed(harbour, open_form, standard):
    browser, fields, _ = open_form(harbour, RACKING)
    after, page = choose(browser, fields, standard, memo="As agreed with Alice")
    assert after["memo"] == "As agreed with Alice"
    assert after["private_note"] == "By the framework agreement"
    assert (after["cc"], after["own-1"]) == ("office@harbourpine.example", "FRAMEWORK-7")
    assert after["amounts_are"] == "inclusive"
    assert page.by_id("f-preset-kept").text == "Left as you have it: Message to the customer"
    assert page.with_attribute("data-announce")[0].attributes["data-announce"].endswith("Message to the customer")


def test_the_untouched_due_date_follows_the_preset_and_a_typed_one_stays(harbour, open_form, standard):
    browser, fields, _ = open_form(harbour, RACKING)
    after, _ = choose(browser, fields, standard)
    hint = Page(browser.post(PREVIEW, after)).by_id("f-due_date-hint").text
    assert hint == "30 days after the invoice date"
    typed, page = choose(browser, fields, standard, due_date="+5", due_follows="")
    assert typed["due_date"] == "+5"
    assert page.by_id("f-preset-kept").text == "Left as you have it: Due date"


def test_another_preset_takes_the_place_of_the_first_and_none_takes_it_back(harbour, open_form, standard, short):
    browser, fields, _ = open_form(harbour, RACKING)
    once, _ = choose(browser, fields, standard)
    twice, page = choose(browser, once, short)
    assert (twice["memo"], twice["private_note"], twice["cc"], twice["own-1"]) == ("Thanks!", "", "", "")
    assert twice["amounts_are"] == fields["amounts_are"]
    assert not page.has_id("f-preset-kept")
    back, _ = choose(browser, twice, None)
    assert {name: back[name] for name in fields if name != "kept"} == {
        name: fields[name] for name in fields if name != "kept"
    }


def test_what_somebody_emptied_stays_empty(harbour, open_form, standard, short):
    browser, fields, _ = open_form(harbour, RACKING)
    once, _ = choose(browser, fields, standard)
    twice, _ = choose(browser, once, short, memo="")
    assert twice["memo"] == ""


def test_the_preset_of_another_company_fills_in_nothing(harbour, open_form, standard):
    foreign = make_preset(make_company(), name="Foreign", memo="Theirs")
    browser, fields, _ = open_form(harbour, RACKING)
    after, page = choose(browser, fields, foreign)
    assert (after["preset"], after["memo"]) == ("", "")
    assert "Theirs" not in page.text


@pytest.fixture
def mapped(harbour, control):
    """The company fills the form's own fields from the deal."""
    company = control.company(harbour.pair.pipedrive_company_id)
    code = next(field["field_code"] for field in company["fields"]["deal"] if field["field_name"] == "Customer PO")
    CompanySettings.objects.filter(company=harbour.company).update(
        memo_field="deal.title",
        cc_field="person.emails",
        own_fields_from={"1": f"deal.{code}"},
        items_realm_id=harbour.realm,
    )


def test_what_the_company_maps_fills_the_form(harbour, open_form, mapped):
    _, fields, page = open_form(harbour, RACKING)
    assert (fields["memo"], fields["own-1"], fields["private_note"]) == (RACKING, "BF-2026-0871", "")
    assert "@" in fields["cc"]
    assert "open" in next(e for e in page.elements if e.tag == "details" and "CC" in e.text).attributes


def test_a_preset_fills_only_what_the_mapping_left_empty(harbour, open_form, mapped, standard, control):
    browser, fields, _ = open_form(harbour, RACKING)
    after, page = choose(browser, fields, standard)
    assert {name: after[name] for name in ("memo", "own-1", "cc")} == {
        name: fields[name] for name in ("memo", "own-1", "cc")
    }
    assert after["private_note"] == "By the framework agreement"
    assert not page.has_id("f-preset-kept")


def test_own_fields_of_other_books_are_not_filled_from_the_deal(harbour, open_form, mapped):
    CompanySettings.objects.update(items_realm_id="another")
    assert open_form(harbour, RACKING)[1]["own-1"] == ""


def test_choosing_asks_no_vendor(harbour, open_form, standard, control):
    browser, fields, _ = open_form(harbour, RACKING)
    control.forget_requests()
    choose(browser, fields, standard)
    assert control.requests() == []


def test_the_default_fills_the_form_when_it_opens_and_its_faults_are_told(harbour, open_form, standard):
    InvoicePreset.objects.update(is_default=True, memo="m" * 1001)
    _, fields, page = open_form(harbour, RACKING)
    assert fields["preset"] == str(standard.pk)
    assert (fields["private_note"], fields["amounts_are"]) == ("By the framework agreement", "inclusive")
    assert page.by_id("f-due_date-hint").text == "30 days after the invoice date"
    assert "1001 characters; QuickBooks takes 1000." in page.text
    assert "open" in next(e for e in page.elements if e.tag == "details" and "Private note" in e.text).attributes


def test_an_american_company_is_not_asked_how_amounts_relate_to_tax(connect, open_form):
    tenant = connect("US")
    make_preset(tenant.company, name="Standard", amounts_are="inclusive", memo="Thanks", is_default=True)
    browser, fields, _ = open_form(tenant, "Lakeview Dental – scanners for two rooms")
    assert (fields["memo"], "amounts_are" in fields) == ("Thanks", False)
    after, _ = choose(browser, fields, None)
    assert after["memo"] == ""


def test_it_is_stored_with_the_invoice_and_remembered_for_its_user(harbour, fill_in, open_form, standard, colleague):
    browser, fields = fill_in(harbour)
    after, _ = choose(browser, fields, standard)
    answer = browser.post(CREATE, after)
    assert answer.status_code == 200, answer.content.decode()
    invoice = Invoice.objects.get()
    draft = from_json(invoice.draft)
    assert (invoice.preset_id, invoice.preset_name) == (standard.pk, "Standard UK")
    assert (draft.memo, draft.amounts_are) == ("Thank you for your order.", AmountsAre.TAX_INCLUSIVE)
    assert draft.due_date - draft.invoice_date == timedelta(days=30)
    assert open_form(harbour, RACKING, user=PipedriveUser.objects.get(pk=harbour.user.pk))[1]["preset"] == str(
        standard.pk
    )
    assert open_form(harbour, RACKING, user=colleague(harbour))[1]["preset"] == ""
    standard.delete()
    invoice.refresh_from_db()
    assert (invoice.preset_id, invoice.preset_name) == (None, "Standard UK")


def test_after_a_refusal_the_preset_is_chosen_still_and_nothing_is_filled_in_again(harbour, fill_in, standard):
    browser, fields = fill_in(harbour)
    after, _ = choose(browser, fields, standard)
    browser.post(CREATE, after | {"memo": "", "cc": ""})
    invoice = Invoice.objects.get()
    Invoice.objects.update(submission=Submission.REJECTED, refusal={"code": "6000"})
    page = Page(browser.post(f"/embed/invoice/{invoice.public_id}/retry"))
    again = page.fields()
    assert (again["preset"], again["memo"], again["cc"]) == (str(standard.pk), "", "")
    assert again["own-1"] == "FRAMEWORK-7"
    assert page.by_id("f-preset-kept").text == "Left as you have it: Message to the customer, CC, Due date"


def test_a_preset_that_is_deleted_while_its_invoice_is_asked_for_stands_in_nobodys_way(harbour, control, standard):
    """Between the choice and the storing Pipedrive is asked for the deal, which may take seconds."""
    draft, deal_soon = draft_for(harbour, control), Future()

    def meanwhile():
        delete_preset(standard)
        return deal_now(harbour.user, draft.deal_id)

    deal_soon.result = meanwhile
    row = ask(harbour, draft, template_id=str(standard.pk), deal_soon=deal_soon)
    row.refresh_from_db()
    assert (row.preset, row.preset_name) == (None, "Standard UK")
