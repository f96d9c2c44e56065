"""The invoice form: how faults come back, who gets nothing, and when nothing can be had."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import signing
from django.utils import timezone

from integration_settings.models import ConnectionState, QuickBooksConnection
from invoices.domain.matching import CustomerCandidate
from invoices.form_memory import CANDIDATE_SALT, SALT, BadMemory, accept, offer
from invoices.models import CustomerLink, Invoice
from tests.conftest import visitor_of
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.form_answers import (
    CREATE,
    CUSTOMER,
    CUSTOMERS,
    FORM,
    ITEMS,
    PREVIEW,
    previewed,
    refused,
    told_at,
)
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


# A press that cannot be taken


def test_everything_wrong_is_told_at_once_at_its_field(harbour, open_form):
    browser, fields, _ = open_form(harbour, RACKING)
    page = refused(
        browser, fields, due_date="2020-01-01", email="acounts@bramleyfoods", memo="x" * 1001, **{"l1-price": "much"}
    )
    assert page.by_id("errors").text.startswith("7 things to fix before QuickBooks can take this invoice")
    links = [e.attributes["href"] for e in page.by_id("errors").walk() if e.tag == "a"]
    assert all(page.has_id(link[1:]) for link in links)
    assert told_at(page, "f-due_date").startswith("Due date is before the invoice date. Choose ")
    assert told_at(page, "f-memo") == "Message to the customer has 1001 characters. QuickBooks takes 1000."
    assert told_at(page, "f-email").startswith("“acounts@bramleyfoods” is not an e-mail address.")
    assert told_at(page, "l1-price").startswith("Price of “Pallet racking bay, 4 levels”: “much” is not a number.")
    assert "line--fault" in page.by_id("l2").classes
    assert page.elements[1].text == "Error: New invoice"
    assert page.by_id("errors").attributes["tabindex"] == "-1"
    assert page.with_attribute("data-autofocus")[0].id == "errors"


ADDED = {"a1-added": "yes", "a1-ticked": "yes", "a1-quantity": "1"}


def test_a_line_that_nobody_has_touched_is_not_counted_before_the_press(harbour, fill_in):
    browser, fields = fill_in(harbour, NORTHGATE)
    fields["line"] = [*fields["line"], "a1"]
    assert "Ready" in previewed(browser, fields, changed="a1", **ADDED).by_id("preflight").text
    begun = previewed(browser, fields, changed="a1", **ADDED, **{"a1-description": "Site visit"})
    assert "3 to fix" in begun.by_id("preflight").text
    assert refused(browser, fields, **ADDED).by_id("errors").text.startswith("3 things to fix")


def test_a_line_that_nobody_has_touched_does_not_make_an_invoice(harbour, fill_in):
    browser, fields = fill_in(harbour, NORTHGATE)
    assert "The invoice has no lines" in previewed(browser, fields, line=["a1"], **ADDED).by_id("preflight").text


def test_lines_of_one_name_are_told_apart(harbour, fill_in):
    browser, fields = fill_in(harbour, NORTHGATE)
    fields["line"] = [*fields["line"], "a1", "a2"]
    for key in ("a1", "a2"):
        fields |= {f"{key}-added": "yes", f"{key}-ticked": "yes", f"{key}-description": "Site visit"}
        fields |= {f"{key}-quantity": "1", f"{key}-price": "10", f"{key}-tax": fields["l1-tax"]}
    told = refused(browser, fields).by_id("errors").text
    assert "“Site visit (1)” has no QuickBooks item" in told
    assert "“Site visit (2)” has no QuickBooks item" in told


def test_the_input_is_kept(harbour, open_form):
    browser, fields, _ = open_form(harbour, NORTHGATE)
    del fields["l2-ticked"]
    typed = {
        "name": "<i>Northgate</i>",
        "street": "1 High St\nFloor 2",
        "memo": "Thank you",
        "l1-price": "much",
        "line": [*reversed(fields["line"]), "a1"],
        "a1-added": "yes",
        "a1-ticked": "yes",
        "a1-description": "Site visit",
        "a1-quantity": "1",
        "a1-price": "80",
        "a1-tax": fields["l1-tax"],
        "a1-item": "",
        "a1-discount": "",
    }
    page = refused(browser, fields, **typed)
    again = page.fields()
    unchanged = {
        name: value for name, value in (fields | typed).items() if name not in ("changed", "to_fix", "q", "found")
    }
    assert {name: again.get(name) for name in unchanged} == unchanged
    assert [row.id for row in page.by_class("line") if row.parent.id == "line-rows"] == [
        *reversed(fields["line"]),
        "a1",
    ]


def test_a_choice_is_checked_again_when_it_is_sent(harbour, fill_in, control):
    browser, fields = fill_in(harbour)
    assert "has no QuickBooks item" in refused(browser, fields, **{"l2-item": "99999"}).by_id("errors").text
    assert "has no VAT code" in refused(browser, fields, **{"l2-tax": "99999"}).by_id("errors").text


def test_a_form_without_lines_is_not_sent(harbour, fill_in):
    browser, fields = fill_in(harbour)
    for key in fields["line"]:
        fields.pop(f"{key}-ticked", None)
    assert "The invoice has no lines" in refused(browser, fields).by_id("errors").text


# Who gets nothing, and when nothing can be had


@pytest.mark.parametrize("path", [FORM, CUSTOMERS, ITEMS])
def test_reading_is_by_get_only(browse, user, path):
    assert browse(user).post(path).status_code == 405


@pytest.mark.parametrize("path", [PREVIEW, CREATE, CUSTOMER])
def test_sending_is_by_post_only(browse, user, path):
    assert browse(user).get(path).status_code == 405


def test_a_deal_that_the_user_may_not_see_cannot_be_billed(harbour, browse, deal_id, colleague):
    answer = browse(colleague(harbour, 1)).get(FORM, {"deal": deal_id(harbour, "Confidential")})
    assert (answer.status_code, answer.headers["X-Fragment"]) == (404, "swap")
    assert "This deal is not here for you" in Page(answer).text


@pytest.mark.parametrize("deal", ["", "abc", "999999"])
def test_a_deal_that_does_not_exist_is_not_there(harbour, browse, deal):
    assert browse(harbour.user).get(FORM, {"deal": deal}).status_code == 404


def test_a_form_serves_only_the_user_and_the_deal_it_was_made_for(harbour, fill_in, browse, colleague, deal_id):
    _, fields = fill_in(harbour)
    tom = browse(colleague(harbour))
    for path in (PREVIEW, CREATE, CUSTOMER):
        assert tom.post(path, fields).status_code == 410
        assert browse(harbour.user).post(path, fields | {"deal": deal_id(harbour, NORTHGATE)}).status_code == 410
    assert not Invoice.objects.exists()


NOT_OURS = {
    "no memory": {"kept": ""},
    "a forged one": {"kept": "forged"},
    "somebody else's": {"kept": signing.dumps({"for": [1, 2], "memory": {"deal_id": 1}}, salt=SALT)},
    "no intent": {"intent_key": "none"},
    "no deal": {"deal": "x"},
}


def test_what_was_offered_in_one_company_is_nothing_in_another_one_of_the_same_person_and_books(
    company, user, other_company
):
    other_company.users.update(user_id=user.user_id)
    QuickBooksConnection.objects.filter(company=other_company).update(realm_id=company.quickbooks.realm_id)
    offered = offer(CustomerCandidate("70", "Moss & Co"), visitor_of(user, "invoice"))
    assert accept(offered, visitor_of(user, "invoice")).name == "Moss & Co"
    with pytest.raises(BadMemory):
        accept(offered, visitor_of(other_company.users.get(), "invoice"))


def test_a_form_that_is_not_ours_is_refused(harbour, fill_in):
    browser, fields = fill_in(harbour)
    for what, change in NOT_OURS.items():
        for path in (PREVIEW, CREATE, CUSTOMER, "/embed/invoice/customer-update"):
            answer = browser.post(path, fields | change)
            assert (answer.status_code, answer.headers["X-Fragment"]) == (410, "swap"), what
            assert answer.headers["HX-Retarget"] == "#invoice", "nothing is ready to create any more"
            assert "This form has been open for too long" in Page(answer).text
    assert not Invoice.objects.exists()


def test_more_lines_than_a_form_takes_are_told_before_anything_is_typed(harbour, browse, deal_id, fill_in, control):
    browser, fields = fill_in(harbour)
    answer = browser.post(CREATE, fields | {"line": [f"a{n}" for n in range(1001)]})
    assert "Too many lines This form takes up to 1,000 lines." in Page(answer).text
    company, deal = harbour.pair.pipedrive_company_id, deal_id(harbour, RACKING)
    line = control.company(company)["deal_products"][str(deal)][0]
    lines = [{**line, "id": 70_000 + number, "order_nr": number} for number in range(1001)]
    control.change_company(company, {"deal_products": {str(deal): lines}})
    page = Page(browser.get(FORM, {"deal": deal}))
    assert "Too many lines This form takes up to 1,000 lines." in page.text
    assert not page.has_id("invoice-form")


def test_what_another_version_of_ours_has_made_stays_on_screen_and_can_be_tried_again(harbour, fill_in):
    """While a version is put in place, or taken back, its forms come to the other one; the next try may not."""

    def stays_on_screen(answer):
        return answer.status_code == 503 and not {"X-Fragment", "HX-Retarget"} & set(answer.headers)

    browser, fields = fill_in(harbour)
    content = signing.loads(fields["kept"], salt=SALT)
    content["memory"]["lines"]["l1"]["item"]["reason"] = "a reason of tomorrow"
    kept = {"kept": signing.dumps(content, salt=SALT, compress=True)}
    for path in (PREVIEW, CREATE, "/embed/invoice/leave"):
        assert stays_on_screen(browser.post(path, fields | kept)), path
    option = {"for": content["for"], "books": content["books"], "customer": {"customer_id": "1", "shoe_size": 44}}
    found = {"found": signing.dumps(option, salt=CANDIDATE_SALT)}
    assert stays_on_screen(browser.post(CUSTOMER, fields | found))
    assert not Invoice.objects.exists()


def test_a_form_of_before_it_named_its_books_is_too_old_and_not_of_others(harbour, fill_in):
    browser, fields = fill_in(harbour)
    content = signing.loads(fields["kept"], salt=SALT)
    del content["books"]
    answer = browser.post(PREVIEW, fields | {"kept": signing.dumps(content, salt=SALT, compress=True)})
    assert "This form has been open for too long" in Page(answer).text


def test_a_form_lives_for_a_week(harbour, fill_in, browse):
    _, fields = fill_in(harbour)
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1), tick=True):
        assert browse(harbour.user).post(PREVIEW, fields).status_code == 410


def test_without_a_connection_the_form_says_who_can_make_one(connect, browse, deal_id, colleague):
    tenant = connect("GB", quickbooks=False)
    deal = deal_id(tenant, RACKING)
    admin, tom = browse(tenant.user).get(FORM, {"deal": deal}), browse(colleague(tenant)).get(FORM, {"deal": deal})
    assert (admin.status_code, tom.status_code) == (409, 409)
    assert "/quickbooks/connect?ticket=" in admin.content.decode()
    assert "/quickbooks/connect" not in tom.content.decode()
    assert f"up to {tenant.user.name}" in Page(tom).text


def test_when_the_connection_ended_the_form_says_so(harbour, browse, deal_id):
    QuickBooksConnection.objects.update(state=ConnectionState.ENDED)
    answer = browse(harbour.user).get(FORM, {"deal": deal_id(harbour, RACKING)})
    assert answer.status_code == 409
    assert "QuickBooks is disconnected" in Page(answer).text


@pytest.mark.parametrize("service, name", [("quickbooks", "QuickBooks"), ("pipedrive", "Pipedrive")])
def test_a_silent_service_is_named_and_can_be_asked_again(harbour, browse, deal_id, control, service, name):
    deal = deal_id(harbour, RACKING)
    control.fault("status", service=service, status=503, times=None)
    answer = browse(harbour.user).get(FORM, {"deal": deal})
    page = Page(answer)
    assert (answer.status_code, answer.headers["X-Fragment"]) == (503, "swap")
    assert f"{name} does not answer right now" in page.text
    assert "Nothing was sent to QuickBooks." in page.text
    assert any(e.attributes.get("hx-get") == f"{FORM}?deal={deal}" for e in page.elements)


def test_the_links_stay_as_they_are_until_an_invoice_is_asked_for(harbour, fill_in):
    browser, fields = fill_in(harbour)
    previewed(browser, fields)
    assert not CustomerLink.objects.exists()
