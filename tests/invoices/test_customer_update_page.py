"""Updating the customer as a person does it: the card of the form, and the press."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import reference
from integration_settings.models import CompanySettings, ReferenceList
from integration_settings.pipedrive_fields import pipedrive_fields
from invoices import customer_updates, form_memory, submission
from invoices.domain import mapping
from invoices.domain.deal import Address
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Invoice
from tests.conftest import visitor_of
from tests.factories import make_customer_link
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.form_answers import previewed, refused
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
CARD, CREATE, SECTION = "/embed/invoice/customer-update", "/embed/invoice/create", "/embed/invoice/customer"
ALL = ["address", "email", "tax_id"]
TICKED = {"update_customer": "yes"}


def choose(tenant, **changes):
    """The fields that fill the invoice, as in the pictures."""
    fields = {field.name: field.code for field in pipedrive_fields(tenant.user)}
    chosen = {"email_field": fields["Billing e-mail"], "tax_id_field": fields["VAT no."]} | changes
    CompanySettings.objects.filter(company=tenant.company).update(**chosen)


def bramley(control, tenant):
    return next(row for row in control.books(tenant.realm)["customers"] if row["DisplayName"] == "Bramley Foods Ltd")


def carded(browser, fields, **changes):
    answer = browser.post(CARD, fields | changes)
    assert answer.status_code == 200, answer.content.decode()
    return Page(answer)


def ticks(page):
    found = [e for e in page.elements if e.attributes.get("name") == "update_field"]
    return {e.attributes["value"]: "checked" in e.attributes for e in found}


def whole(page):
    return next(e for e in page.elements if e.attributes.get("name") == "update_customer")


def carried_out():
    update = CustomerUpdate.objects.get()
    customer_updates.carry_out(update.pk)
    update.refresh_from_db()
    return update


@pytest.fixture
def with_card(harbour, fill_in):
    """(browser, fields, card): a form that can be created, with the card of its preselected customer."""
    choose(harbour, updates_customers=True)
    browser, fields = fill_in(harbour)
    card = carded(browser, fields)
    return browser, fields | card.fields(), card


# The card


def test_the_form_asks_for_the_card_and_again_when_another_customer_is_chosen(harbour, open_form):
    _, _, page = open_form(harbour)
    place = page.by_id("customer-update").attributes
    assert (place["hx-post"], place["hx-trigger"]) == (CARD, "load, change from:#f-customer, customer:again")


def test_an_address_in_one_piece_is_not_ticked_and_says_what_it_would_empty(harbour, fill_in, monkeypatch):
    choose(harbour, updates_customers=True)
    one_piece = Address(text="Unit 3, Aire Park, York YO1 7HH, UK")
    monkeypatch.setattr(mapping, "field_address", lambda _deal, _field: one_piece)
    browser, fields = fill_in(harbour)
    card = carded(browser, fields)
    assert ticks(card)["address"] is False
    assert "town and postal code emptied if ticked" in card.text


def test_the_card_shows_both_versions_with_the_differing_parts_marked(with_card):
    _, _, card = with_card
    assert card.by_id("update-old-address").text == "14 Canal Road , Leeds LS11 5PS"
    assert card.by_id("update-new-address").text == "Aire Park, Unit 3 , Leeds LS11 5PS"
    assert [e.text for e in card.by_class("diff__old")] == ["14 Canal Road", "office@"]
    assert [e.text for e in card.by_class("diff__new")] == ["Aire Park, Unit 3", "accounts@"]
    assert card.by_id("update-old-tax_id").text == "•••••73846 ends in 73846"
    assert card.by_id("update-new-tax_id").text == "GB 428 173 846 · same ending, kept as it is"
    assert "VAT number" in card.text
    assert ticks(card) == {"address": True, "email": True, "tax_id": False}
    assert card.by_id("update-aside").text == "2 of 3 differences ticked"
    assert "XXXX" not in card.text


def test_a_customer_that_is_called_otherwise_in_quickbooks_by_now_is_told_and_remembered_so(
    harbour, open_form, control
):
    choose(harbour)
    customer = bramley(control, harbour)
    make_customer_link(harbour.company, party_id=1, customer_id=customer["Id"], name="Bramley Foods Ltd")
    control.book(harbour.realm, "rename_customer", id=customer["Id"], name="Orchard Holdings Ltd")
    browser, fields, page = open_form(harbour, RACKING)
    assert fields["customer"] == customer["Id"]
    card = carded(browser, fields)
    assert "In QuickBooks this customer is called “Orchard Holdings Ltd” now." in card.text
    again = refused(browser, fields | card.fields(), due_date="2020-01-01")
    assert "“Orchard Holdings Ltd”" in again.by_id("customer-update").text
    _, fields, page = open_form(harbour, RACKING)
    assert "Orchard Holdings Ltd" in page.by_id("customer-section").text
    assert "is called" not in carded(browser, fields).text


def test_the_whole_is_ticked_only_where_the_company_wants_that(harbour, fill_in):
    choose(harbour)
    browser, fields = fill_in(harbour)
    card = carded(browser, fields)
    assert "checked" not in whole(card).attributes
    assert "hidden" in card.by_id("update-table").attributes
    assert card.by_id("update-aside").text == "3 differences"
    choose(harbour, updates_customers=True)
    card = carded(browser, fields)
    assert "checked" in whole(card).attributes
    assert "hidden" not in card.by_id("update-table").attributes


def test_the_card_costs_one_read_and_follows_the_customer(with_card, control):
    browser, fields, _ = with_card
    candidates = [e for e in Page(browser.post(SECTION, fields | {"found": "new"})).elements if "match" in e.classes]
    other = next(e for e in candidates if "Bramley Farm Foods" in e.text)
    chosen = next(e for e in other.walk() if e.attributes.get("name") == "customer").attributes["value"]
    control.forget_requests()
    card = carded(browser, fields, customer=chosen)
    (call,) = control.requests("quickbooks")
    assert call["path"].endswith(f"/customer/{chosen}")
    assert "3 Fossgate" in card.by_id("update-old-address").text
    assert card.by_id("update-old-tax_id").text == "Empty"
    assert ticks(card)["tax_id"]


def test_a_new_customer_has_no_card(harbour, open_form, control):
    browser, fields, _ = open_form(harbour, NORTHGATE)
    control.forget_requests()
    assert carded(browser, fields).text == ""
    assert control.requests("quickbooks") == []


def usually_taxed(control, tenant, name):
    """The customer has that code in QuickBooks from now on."""
    code = next(code for code in reference.tax_codes(tenant.company) if code.name == name)
    change = {"DefaultTaxCodeRef": {"value": code.id}}
    control.book(tenant.realm, "edit_customer", id=bramley(control, tenant)["Id"], set=change)
    return code.id


def test_what_the_customer_usually_pays_is_told_where_a_line_has_another_code(harbour, fill_in, control):
    code = usually_taxed(control, harbour, "0.0% Z")
    browser, fields = fill_in(harbour)
    told = carded(browser, fields).by_id("usual-tax")
    assert told.text == "QuickBooks usually taxes this customer with “0.0% Z”. Use it for all lines"
    assert next(e for e in told.walk() if e.tag == "button").attributes["data-tax-code"] == code
    assert not carded(browser, fields, amounts_are="none").has_id("usual-tax")
    ticked = [name.partition("-")[0] for name in fields if name.endswith("-ticked")]
    assert not carded(browser, fields | {f"{key}-tax": code for key in ticked}).has_id("usual-tax")
    card = carded(browser, fields)
    again = Page(browser.post(CREATE, fields | card.fields() | {"invoice_date": "someday"}))
    assert again.by_id("usual-tax").text == told.text  # a refused press takes it away from nobody


def test_what_the_customer_usually_pays_is_told_also_where_the_deal_knows_nothing_else_of_him(
    harbour, connect, fill_in, control
):
    nothing = {"address_field": "", "email_field": "", "tax_id_field": ""}
    choose(harbour, **nothing)
    usually_taxed(control, harbour, "0.0% Z")
    card = carded(*fill_in(harbour))
    assert card.by_id("usual-tax").text.startswith("QuickBooks usually taxes this customer with “0.0% Z”.")
    assert ticks(card) == {}
    assert "same details" not in card.text, "there were none to compare"
    american = connect("US")
    CompanySettings.objects.filter(company=american.company).update(**nothing)
    browser, fields = fill_in(american, "Prairie Family Clinic – gloves")
    control.forget_requests()
    assert carded(browser, fields).text == "Estimates of this customer"
    assert control.requests("quickbooks") == [], "a customer there has no code for lines"


def test_lines_with_the_code_that_the_customer_usually_pays_are_no_matter_for_a_warning(harbour, fill_in, control):
    code = usually_taxed(control, harbour, "No VAT")
    browser, fields = fill_in(harbour)
    fields |= {name: code for name in fields if name.endswith("-tax")}
    assert "are without VAT, though their items have some" in previewed(browser, fields).text
    assert "though their items have some" not in previewed(browser, fields | carded(browser, fields).fields()).text


def test_the_form_does_not_say_that_a_customer_is_in_quickbooks_who_is_inactive_there(harbour, fill_in, control):
    browser, fields = fill_in(harbour)
    customer = bramley(control, harbour)["Id"]
    control.book(harbour.realm, "deactivate_customer", id=customer)
    card = carded(browser, fields)
    assert "inactive in QuickBooks or no longer there" in card.text
    told = previewed(browser, fields | card.fields()).text
    assert "“Bramley Foods Ltd” is inactive in QuickBooks or no longer there. Choose another customer." in told
    assert "“Bramley Foods Ltd” is in QuickBooks" not in told
    page = refused(browser, fields | card.fields())
    assert "The customer cannot be invoiced" in page.by_id("errors").text
    control.book(harbour.realm, "activate_customer", id=customer)
    assert "gone_customer" not in carded(browser, fields).fields()


def test_who_is_gone_is_no_matter_once_another_customer_is_chosen(harbour, fill_in):
    browser, fields = fill_in(harbour)
    told = previewed(browser, fields | {"gone_customer": "999"}).text
    assert "“Bramley Foods Ltd” is in QuickBooks" in told


def test_a_code_that_is_used_no_more_is_not_told(harbour, fill_in, control):
    code = usually_taxed(control, harbour, "0.0% Z")
    browser, fields = fill_in(harbour)
    codes = ReferenceList.objects.get(company=harbour.company, kind="tax_codes")
    codes.rows = [row for row in codes.rows if row["id"] != code]
    codes.save()
    assert not carded(browser, fields).has_id("usual-tax")


def test_in_the_united_states_the_invoice_has_one_rate_and_no_line_is_told_another(connect, control, fill_in):
    pair = control.clone("US")
    control.book(pair.realm, "tax_by_hand")
    tenant = connect("US", pair=pair)
    browser, fields = fill_in(tenant, "Prairie Family Clinic – gloves")
    page = carded(browser, fields, sales_tax=fields["sales_tax"])
    assert page.text
    assert not page.has_id("usual-tax")


def test_without_a_difference_one_quiet_line_says_so(harbour, fill_in, control):
    choose(harbour, address_field="")
    control.book(
        harbour.realm,
        "edit_customer",
        id=bramley(control, harbour)["Id"],
        set={"PrimaryEmailAddr": {"Address": "Accounts@bramleyfoods.co.uk"}},
    )
    browser, fields = fill_in(harbour)
    card = carded(browser, fields)
    assert card.text.startswith("QuickBooks has the same details for this customer.")
    assert ticks(card) == {}


def test_a_country_without_a_field_says_so_and_offers_the_notes(harbour, fill_in, control):
    choose(harbour, updates_customers=True)
    harbour.quickbooks.country = "IE"
    harbour.quickbooks.save()
    browser, fields = fill_in(harbour)
    card = carded(browser, fields)
    assert card.by_id("update-old-notes").text == "QuickBooks has no field for it in this country"
    assert card.by_id("update-new-notes").text == "GB 428 173 846 · added to the customer’s notes if ticked"
    assert ticks(card) == {"address": True, "email": True, "notes": False}


def test_a_silent_quickbooks_leaves_the_form_as_it_is(harbour, fill_in, control):
    browser, fields = fill_in(harbour)
    control.fault("status", status=503, path="/customer/", times=None)
    card = carded(browser, fields)
    assert "could not be read, so nothing of it is updated" in card.text
    assert card.by_id("update-again").attributes["hx-post"] == CARD


def test_hostile_values_are_only_text(harbour, fill_in, control):
    identity = bramley(control, harbour)["Id"]
    evil = {"Line1": '<script>alert("x")</script>', "City": "\u202egnirts"}
    control.book(harbour.realm, "edit_customer", id=identity, set={"BillAddr": evil})
    browser, fields = fill_in(harbour)
    answer = browser.post(CARD, fields).content.decode()
    assert "<script>" not in answer
    assert "&lt;script&gt;" in answer


def test_a_linked_customer_that_is_gone_cannot_be_updated(harbour, fill_in, control):
    identity = bramley(control, harbour)["Id"]
    make_customer_link(harbour.company, party_id=1, customer_id=identity)
    browser, fields = fill_in(harbour, RACKING)
    control.book(harbour.realm, "deactivate_customer", id=identity)
    assert "is inactive in QuickBooks or no longer there" in carded(browser, fields).text


# The press


@pytest.mark.parametrize("chosen", [["email"], ["address"], ["tax_id"], ALL], ids="+".join)
def test_exactly_what_was_ticked_is_written_and_nothing_else(with_card, harbour, control, chosen):
    browser, fields, _ = with_card
    before = bramley(control, harbour)
    answer = browser.post(CREATE, fields | TICKED | {"update_field": chosen})
    assert answer.status_code == 200
    assert "The customer is being updated in QuickBooks…" in Page(answer).text
    assert bramley(control, harbour) == before  # a worker does it, not the page
    assert carried_out().submission == Submission.SUCCEEDED
    after = bramley(control, harbour)
    members = {"email": "PrimaryEmailAddr", "address": "BillAddr", "tax_id": "PrimaryTaxIdentifier"}
    changed = {name for name in after if after[name] != before.get(name)} - {"MetaData", "SyncToken"}
    assert changed == {members[field] for field in chosen}
    assert set(before) <= set(after)
    if "email" in chosen:
        assert after["PrimaryEmailAddr"]["Address"] == "accounts@bramleyfoods.co.uk"
    if "address" in chosen:
        address = {name: text for name, text in after["BillAddr"].items() if name != "Id"}
        assert address == {
            "Line1": "Aire Park",
            "Line2": "Unit 3",
            "City": "Leeds",
            "PostalCode": "LS11 5PS",
            "Country": "GBR",
        }


@pytest.mark.parametrize(
    "changes",
    [
        {"update_field": ALL},
        {"update_customer": "yes", "update_field": []},
        {"update_customer": "yes", "update_field": ["DisplayName", "notes"]},
        {"update_customer": "yes", "update_field": ALL, "seen_customer": ""},
    ],
    ids=["whole not ticked", "no row ticked", "invented rows", "nothing seen"],
)
def test_nothing_is_stored_that_was_not_seen_and_ticked(with_card, changes):
    browser, fields, _ = with_card
    fields = {name: value for name, value in fields.items() if name not in ("update_customer", "update_field")}
    assert browser.post(CREATE, fields | changes).status_code == 200
    assert Invoice.objects.count() == 1
    assert not CustomerUpdate.objects.exists()


def test_what_was_seen_of_one_customer_is_not_written_to_another(with_card):
    browser, fields, _ = with_card
    answer = browser.post(CREATE, fields | TICKED | {"update_field": ALL, "customer": "new", "name": "Brand New Ltd"})
    assert answer.status_code == 200
    assert not CustomerUpdate.objects.exists()


def test_ticks_are_kept_when_the_press_is_refused(with_card, control):
    browser, fields, _ = with_card
    control.forget_requests()
    answer = browser.post(CREATE, fields | TICKED | {"update_field": ["tax_id"], "due_date": "nonsense"})
    assert answer.status_code == 422
    page = Page(answer)
    assert ticks(page) == {"address": False, "email": False, "tax_id": True}
    assert "checked" in whole(page).attributes
    assert page.by_id("customer-update").attributes["hx-trigger"] == "change from:#f-customer, customer:again"
    assert page.fields()["seen_customer"] == fields["seen_customer"]
    assert control.requests("quickbooks") == []


def test_the_update_goes_its_way_when_quickbooks_refuses_the_invoice(with_card, harbour, control):
    browser, fields, _ = with_card
    browser.post(CREATE, fields | TICKED | {"update_field": ["email"]})
    control.book(harbour.realm, "deactivate_item", id=fields["l1-item"])
    submission.submit(Invoice.objects.get().pk)
    assert Invoice.objects.get().submission == Submission.REJECTED
    assert carried_out().submission == Submission.SUCCEEDED
    assert bramley(control, harbour)["PrimaryEmailAddr"]["Address"] == "accounts@bramleyfoods.co.uk"


def test_a_lost_answer_costs_nothing(with_card, harbour, control):
    browser, fields, _ = with_card
    browser.post(CREATE, fields | TICKED | {"update_field": ALL})
    control.fault("lost", method="POST", path="/customer$", times=1)
    assert carried_out().submission == Submission.UNKNOWN
    version = bramley(control, harbour)["SyncToken"]
    CustomerUpdate.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    assert carried_out().submission == Submission.SUCCEEDED
    assert bramley(control, harbour)["SyncToken"] == version


def test_what_a_bookkeeper_edited_meanwhile_stays(with_card, harbour, control):
    browser, fields, _ = with_card
    identity = bramley(control, harbour)["Id"]
    browser.post(CREATE, fields | TICKED | {"update_field": ["email", "address"]})
    edit = {"PrimaryEmailAddr": {"Address": "books@bramleyfoods.co.uk"}}
    control.book(harbour.realm, "edit_customer", id=identity, set=edit)
    before = bramley(control, harbour)
    assert carried_out().refusal["code"] == "edited_elsewhere"
    assert bramley(control, harbour) == before


# Strangers


def test_the_customer_of_another_company_is_refused(harbour, with_card, control, connect, page_token, client):
    _, fields, _ = with_card
    control.forget_requests()
    stranger = connect("US")
    headers = page_token(stranger.user, "invoice")
    for path in (CARD, CREATE):
        assert client.post(path, fields | TICKED | {"update_field": ALL}, headers=headers).status_code == 410
    assert not Invoice.objects.exists()
    assert [call for call in control.requests("quickbooks") if "/customer/" in call["path"]] == []


def test_an_id_that_was_not_offered_is_refused(harbour, open_form, control):
    browser, fields, _ = open_form(harbour)
    control.forget_requests()
    assert browser.post(CARD, fields | {"customer": "3"}).status_code == 410
    assert control.requests("quickbooks") == []


@pytest.mark.parametrize("whose", ["somebody else's", "other books'", "forged"])
def test_only_what_was_shown_to_this_person_of_these_books_counts(with_card, harbour, colleague, whose):
    browser, fields, _ = with_card
    seen = form_memory.recall_seen(fields["seen_customer"], visitor_of(harbour.user))
    if whose == "somebody else's":
        token = form_memory.keep_seen(seen, visitor_of(colleague(harbour)))
    elif whose == "other books'":
        visitor = visitor_of(harbour.user)
        visitor.connection.realm_id = "1"
        token = form_memory.keep_seen(seen, visitor)
    else:
        token = fields["seen_customer"][:-2] + "xx"
    answer = browser.post(CREATE, fields | TICKED | {"update_field": ALL, "seen_customer": token})
    assert answer.status_code == 410
    assert not Invoice.objects.exists()
