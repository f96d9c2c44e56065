"""Names and figures that break other programs, from Pipedrive's records through the form to the books and back."""

from __future__ import annotations

import html
import re

import pytest

from invoices import notes, submission
from invoices.domain.names import clean_name
from invoices.models import Invoice
from tests.factories import D
from tests.invoices.conftest import RACKING
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
NAMES = {
    "an apostrophe and a backslash": "O'Brien \\' Sons\\",
    "the language of queries": "x') OR ('1' = '1' -- %",
    "a script": "<script>alert(1)</script>",
    "the end of a field": "</textarea></select>\"'><img src=x onerror=alert(1)>",
    "braces of templates": "{{ 7*7 }} {% now 'Y' %} ${7*7} %(name)s %s",
    "an address that acts": "javascript:alert(document.domain)",
    "a drawing": "<svg/onload=alert(1)> &lt;b&gt; &amp;",
    "text that runs backwards": "Acme \u202egnp.exe\u202c & Söhne",
    "many scripts and signs": "株式会社 Ωmega 🏭 مثال",
    "a colon, a tab and a line break": "Atlas: Trade\tCounter\nLeeds",
    "blanks on both sides": "   Moss & Co   ",
}
UNREADABLE = "Moss\0 & Co"
"""No database keeps it."""


def spoil(control, tenant, title, text):
    """As if `text` had been written wherever people write in Pipedrive: deal, organization, person, product lines."""
    number = tenant.pair.pipedrive_company_id
    company = control.company(number)
    deal = next(deal for deal in company["deals"].values() if deal["title"] == title)
    lines = company["deal_products"][str(deal["id"])]
    control.change_company(
        number,
        {
            "deals": {deal["id"]: {"title": text}},
            "organizations": {deal["org_id"]: {"name": text}},
            "persons": {deal["person_id"]: {"name": text}},
            "deal_products": {deal["id"]: [line | {"name": text, "comments": text} for line in lines]},
        },
    )
    return deal["id"]


def one_line(text):
    return " ".join(text.split())


def shown_as_text(answer, text):
    """True when the page holds the text, and nothing of it came to life."""
    assert answer.status_code == 200, answer.content.decode()
    page = Page(answer)
    for element in page.elements:
        assert not [name for name in element.attributes if name.startswith("on")]
        assert not element.attributes.get("href", "").casefold().startswith("javascript:")
        assert element.tag not in ("script", "img") or "alert" not in str(element.attributes) + element.text
    values = [value for element in page.elements for value in element.attributes.values()]
    return one_line(text) in one_line(" ".join([page.text, *values]))


def test_a_name_that_no_database_keeps_shows_where_it_is_broken(harbour, browse, control):
    deal = spoil(control, harbour, RACKING, UNREADABLE)
    answer = browse(harbour.user).get("/embed/invoice/form", {"deal": deal})
    assert shown_as_text(answer, "Moss� & Co")


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
def test_a_hostile_name_stays_text_from_the_deal_to_the_books_and_back(harbour, browse, control, fill_in, text):
    deal = spoil(control, harbour, RACKING, text)
    browser, fields = fill_in(harbour, text)
    assert shown_as_text(browser.get("/embed/invoice/form", {"deal": deal}), clean_name(text))
    answer = browser.post("/embed/invoice/create", fields | {"memo": text, "private_note": text})
    assert shown_as_text(answer, clean_name(text))

    invoice = Invoice.objects.get()
    submission.submit(invoice.pk)
    books = control.books(harbour.realm)
    issued = next(row for row in books["invoices"] if row["Id"] == Invoice.objects.get().qbo_invoice_id)
    customer = next(row for row in books["customers"] if row["Id"] == issued["CustomerRef"]["value"])
    assert customer["DisplayName"] == clean_name(text)
    assert issued["CustomerMemo"]["value"] == text.strip()
    assert one_line(text) in one_line(issued["Line"][0]["Description"])
    assert f"{text.strip()}\n" in issued["PrivateNote"]
    assert shown_as_text(browser.get(f"/embed/invoice/{invoice.public_id}/result"), clean_name(text))

    panel = browse(harbour.user, "panel").get("/embed/panel/content", {"resource": "deal", "id": deal})
    assert shown_as_text(panel, issued["DocNumber"])

    notes.publish_note(invoice.pk)
    (note,) = [
        note for note in control.company(harbour.pair.pipedrive_company_id)["notes"].values() if note["deal_id"] == deal
    ]
    assert one_line(clean_name(text)) in one_line(html.unescape(re.sub(r"</?(p|b|br|a)\b[^>]*>", " ", note["content"])))
    assert not re.search(r"<(script|img|svg|textarea|select)", note["content"], re.IGNORECASE)

    pdf = browse(harbour.user, "panel").get(f"/embed/invoice/{invoice.public_id}/pdf")
    assert re.fullmatch(r'attachment; filename="[\w.-]+\.pdf"', pdf["Content-Disposition"], re.ASCII)


def test_marks_that_nobody_sees_do_not_make_another_address_of_an_email(harbour, fill_in):
    browser, fields = fill_in(harbour)
    pressed = {"email": "\u202aann@moss.example\u202c", "cc": "bo@moss.example\u200b, cy@moss.example"}
    assert browser.post("/embed/invoice/create", fields | pressed).status_code == 200
    draft = Invoice.objects.get().draft
    assert draft["bill_to"]["email"] == "ann@moss.example"
    assert draft["extras"]["cc"] == "bo@moss.example, cy@moss.example"


def test_marks_that_nobody_sees_do_not_make_another_number_of_an_invoices(connect, fill_in):
    """QuickBooks would take it beside the one that looks the same, and no search would find it."""
    browser, fields = fill_in(connect("AU"), "Northern Dive Club – Easter weekend")
    fields |= {"number": "\u200e10\u200b77", "own-1": "PO\ufeff 12"}
    assert browser.post("/embed/invoice/create", fields).status_code == 200
    draft = Invoice.objects.get().draft
    assert (draft["number"], draft["extras"]["own_fields"]) == ("1077", [["1", "PO 12"]])


FIGURES = [
    # quantity, price, discount; what becomes of the line: its net amount, or the words at its field
    ("0", "10", "", D("0.00")),
    ("-3", "10.10", "", D("-30.30")),
    ("0.00001", "250000", "", D("2.50")),
    ("0.0000001", "10", "", "keeps 5 decimals"),
    ("1000000000000", "1", "", "more than QuickBooks can keep"),
    ("9" * 26, "9" * 14, "", "more than QuickBooks can keep"),
    ("1", "9" * 27, "5%", "more than QuickBooks can keep"),
    ("1", "19.99", "9" * 27, "discount"),
    ("1e3", "10", "", "number"),
    ("12,5", "10", "", D("125.00")),
    ("NaN", "10", "", "number"),
    ("Infinity", "10", "", "number"),
    ("3", "0.3333333", "", D("1.00")),
    ("1", "0.33333333", "", "keeps 7 decimals"),
    ("1", "1.005", "", D("1.01")),
    ("3", "33.335", "10%", D("90.00")),
    ("1", "19.99", "100%", D("0.00")),
    ("1", "19.99", "110%", "discount"),
    ("1", "19.99", "20", "discount"),
    ("1", "-19.99", "", D("-19.99")),
    ("99999.99999", "99.9999999", "", D("9999999.99")),
]


@pytest.mark.parametrize("quantity, price, discount, outcome", FIGURES)
def test_a_figure_is_the_same_on_the_form_in_our_rows_and_in_the_books_or_refused_at_its_field(
    harbour, fill_in, control, quantity, price, discount, outcome
):
    browser, fields = fill_in(harbour)
    first, *others = fields["line"]
    for key in others:
        fields.pop(f"{key}-ticked", None)
    steady = others[0]  # beside a line of £1,920.00, so that the whole invoice is not negative
    fields |= {f"{steady}-ticked": "yes", f"{first}-quantity": quantity, f"{first}-price": price}
    fields |= {f"{first}-discount": discount, "over_deal": "yes"}
    page = Page(browser.post("/embed/invoice/preview", fields))
    answer = browser.post("/embed/invoice/create", fields)
    if isinstance(outcome, str):
        assert answer.status_code == 422
        assert not Invoice.objects.exists()
        told = " ".join(element.text for element in Page(answer).by_class("field__error"))
        assert outcome in told, Page(answer).text
        return
    total = (D("1920.00") + outcome) * D("1.2")
    shown = total_of(page)
    assert abs(shown - total) <= D("0.01")
    submission.submit(Invoice.objects.get().pk)
    invoice = Invoice.objects.get()
    issued = next(row for row in control.books(harbour.realm)["invoices"] if row["Id"] == invoice.qbo_invoice_id)
    assert {shown, invoice.total, D(str(issued["TotalAmt"]))} == {shown}


FIGURES_OF_A_DEAL = [
    # quantity and price in Pipedrive; the fields of the form, and the line's net amount or the words at its field
    (100_000, 0.123456, "100,000", "0.123456", D("12345.60")),
    (3, 33.333333333333336, "3", "33.3333333", D("100.00")),
    (0.30000000000000004, 10, "0.3", "10.00", D("3.00")),
    (0.123456789, 10_000, "0.123456789", "10,000.00", "keeps 5 decimals"),
    (10**14, 10**16, f"{10**14:,}", f"{10**16:,}.00", "more than QuickBooks can keep"),
]


@pytest.mark.parametrize("quantity, price, quantity_shown, price_shown, outcome", FIGURES_OF_A_DEAL)
def test_a_figure_of_the_deal_is_billed_as_it_is_or_refused_at_its_field(
    harbour, fill_in, control, deal_id, quantity, price, quantity_shown, price_shown, outcome
):
    deal, number = deal_id(harbour, RACKING), harbour.pair.pipedrive_company_id
    line = control.company(number)["deal_products"][str(deal)][0]
    control.change_company(
        number, {"deal_products": {deal: [line | {"quantity": quantity, "item_price": price, "discount": 0}]}}
    )
    browser, fields = fill_in(harbour, over_deal="yes")
    assert (fields["l1-quantity"], fields["l1-price"]) == (quantity_shown, price_shown)
    answer = browser.post("/embed/invoice/create", fields)
    if isinstance(outcome, str):
        assert answer.status_code == 422
        assert outcome in " ".join(element.text for element in Page(answer).by_class("field__error"))
        return
    submission.submit(Invoice.objects.get().pk)
    assert Invoice.objects.get().total == outcome * D("1.2")


def total_of(page):
    return D(re.sub(r"[^\d.-]", "", page.by_class("total__whole")[0].text))


BARE = {
    "nobody": {"org_id": None, "person_id": None},
    "an organization that was deleted": {"org_id": 999_999},
    "a person that was deleted": {"person_id": 999_999},
}


@pytest.mark.parametrize("members", BARE.values(), ids=BARE)
def test_a_deal_that_lacks_somebody_opens_and_says_what_is_missing(harbour, browse, control, deal_id, members):
    deal = deal_id(harbour, RACKING)
    number = harbour.pair.pipedrive_company_id
    control.change_company(number, {"deals": {deal: members}, "deal_products": {deal: []}})
    browser = browse(harbour.user)
    answer = browser.get("/embed/invoice/form", {"deal": deal})
    assert answer.status_code == 200
    fields = Page(answer).fields()
    assert fields["line"], "one line from the deal's value"
    refused = browser.post("/embed/invoice/create", fields)
    assert refused.status_code == 422
    told = [element.text for element in Page(refused).by_class("field__error")]
    assert told
    assert not Invoice.objects.exists()


def test_a_product_that_was_deleted_leaves_its_line_and_asks_for_an_item(harbour, browse, control, deal_id):
    deal = deal_id(harbour, RACKING)
    number = harbour.pair.pipedrive_company_id
    lines = control.company(number)["deal_products"][str(deal)]
    control.change_company(number, {"deal_products": {deal: [line | {"product_id": 999_999} for line in lines]}})
    answer = browse(harbour.user).get("/embed/invoice/form", {"deal": deal})
    page = Page(answer)
    assert lines[0]["name"] in page.text
    assert page.fields()["l1-item"] == ""


def test_a_currency_that_no_bank_knows_is_refused_with_its_repair(harbour, browse, deal_id):
    browser = browse(harbour.user)
    answer = browser.get("/embed/invoice/form", {"deal": deal_id(harbour, "Moss & Co – paid in Harbour points")})
    assert answer.status_code == 200
    refused = browser.post("/embed/invoice/create", Page(answer).fields())
    assert refused.status_code == 422
    (unknown,) = [
        finding for finding in Page(refused).by_class("finding") if "does not know this currency" in finding.text
    ]
    assert "Choose another one" in unknown.text
    assert "kept in HPP" not in Page(refused).text, "a second customer in that currency cannot be had either"


def deal_of(control, tenant, deal, count):
    number = tenant.pair.pipedrive_company_id
    line = control.company(number)["deal_products"][str(deal)][0]
    many = [line | {"id": 10_000 + index, "name": f"Part {index}", "discount": 0} for index in range(count)]
    control.change_company(number, {"deal_products": {deal: many}})


def created(browser, fields, control, tenant):
    answer = browser.post("/embed/invoice/create", fields)
    assert answer.status_code == 200, Page(answer).text[:500]
    submission.submit(Invoice.objects.get().pk)
    invoice = Invoice.objects.get()
    issued = next(row for row in control.books(tenant.realm)["invoices"] if row["Id"] == invoice.qbo_invoice_id)
    assert invoice.total == D(str(issued["TotalAmt"]))
    return [one for one in issued["Line"] if one["DetailType"] == "SalesItemLineDetail"]


def test_five_hundred_products_become_five_hundred_lines(harbour, control, fill_in, deal_id):
    deal_of(control, harbour, deal_id(harbour, RACKING), 500)
    browser, fields = fill_in(harbour, over_deal="yes")
    assert len(created(browser, fields, control, harbour)) == 500


def test_a_thousand_products_are_more_than_quickbooks_taxes_at_once_and_can_be_billed_in_parts(
    harbour, control, fill_in, deal_id
):
    deal_of(control, harbour, deal_id(harbour, RACKING), 1000)
    browser, fields = fill_in(harbour, over_deal="yes")
    refused = browser.post("/embed/invoice/create", fields)
    assert refused.status_code == 422
    assert "QuickBooks takes 750 of them on one invoice" in Page(refused).by_id("errors").text
    for key in fields["line"][750:]:
        fields.pop(f"{key}-ticked")
    assert len(created(browser, fields, control, harbour)) == 750
