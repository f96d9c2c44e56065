"""The desk of the settings over both stand-ins: causes repaired once, and what happened."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings.errors import ServiceError
from integration_settings.models import CompanySettings, ItemLink, QuickBooksConnection, ReferenceList
from invoices import attention, following, notes
from invoices.domain.draft import from_json, to_json
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Invoice, InvoiceAction, QuickBooksWrite
from tests.factories import a_bill_to, a_draft, make_invoice, make_pending_invoice
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.desk import CREATE, count, item_id, press, refused, submit
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


# To fix


def test_nothing_to_fix_says_so_with_its_time(desk, user):
    page = desk(user)
    assert re.search(r"Nothing needs you\. Last checked \d\d:\d\d\.", page.text)
    assert len(re.findall(r"\d\d:\d\d", page.text)) == 1  # and not beside the title, too
    assert count(page) == ""
    assert "Done today 0" in page.text


def test_one_item_chosen_runs_all_that_it_stopped(harbour, refuse, browse, desk, control):
    first, second = refuse(RACKING), refuse(NORTHGATE)
    page = desk(harbour.user)
    assert count(page) == "1"
    assert "Stops 2 invoices worth £" in page.text
    assert RACKING in page.text
    assert NORTHGATE in page.text
    browser = browse(harbour.user, "settings")
    form = Page(browser.get(press(page, "Choose item and run all 2")))
    address = next(e for e in form.elements if e.tag == "form").attributes["hx-post"]
    answer = browser.post(address, {"item": item_id(harbour, "Delivery")})
    assert answer.status_code == 200
    assert "2 invoices are on their way" in Page(answer).text
    again = list(Invoice.objects.filter(submission=Submission.PENDING).order_by("pk"))
    assert {invoice.deal_id for invoice in again} == {first.deal_id, second.deal_id}
    for invoice in again:
        assert submit(invoice).submission == Submission.SUCCEEDED
        assert {line.item_id for line in from_json(invoice.draft).lines} == {item_id(harbour, "Delivery")}
        assert invoice.created_by_id == harbour.user.user_id
        assert QuickBooksWrite.objects.filter(invoice=invoice, kind="create_invoice", outcome="done").exists()
    assert all(row.put_away_at for row in Invoice.objects.filter(pk__in=[first.pk, second.pk]))
    assert {link.item_id for link in ItemLink.objects.all()} == {item_id(harbour, "Delivery")}
    page = desk(harbour.user)
    assert "Nothing needs you" in page.text
    assert "Done today 2" in page.text


def test_a_list_that_has_no_room_for_all_says_so(desk, user, company, quickbooks, monkeypatch):
    said = "Of each kind the latest 2 stand here. The others follow once these are settled."
    monkeypatch.setattr(attention, "LATEST", 2)
    refused(company, deal_id=1, refusal={"code": "610"})
    make_invoice(company, note_problem="refused")
    make_pending_invoice(company, to_json(a_draft()), deal_id=2)
    assert said not in desk(user).text, "one of each kind"
    refused(company, deal_id=3)
    refused(company, deal_id=4)
    assert said in desk(user).text


def test_the_repair_leaves_all_that_was_confirmed_as_it_was(harbour, refuse, browse, desk):
    before = from_json(refuse(RACKING).draft)
    browser = browse(harbour.user, "settings")
    form = press(desk(harbour.user), "Choose item")
    browser.post(form.replace("/item", "/run"), {"item": item_id(harbour, "Delivery")})
    after = from_json(Invoice.objects.latest("pk").draft)
    for old, new in zip(before.lines, after.lines, strict=True):
        kept = ("description", "quantity", "unit_price", "discount", "tax_code_id", "product_id")
        assert [getattr(old, name) for name in kept] == [getattr(new, name) for name in kept]
    assert (before.bill_to, before.invoice_date, before.due_date) == (after.bill_to, after.invoice_date, after.due_date)
    assert before.expected_total == after.expected_total


def test_a_second_press_and_the_form_opened_again_make_no_second_invoice(harbour, refuse, browse, desk):
    row = refuse(RACKING)
    browser = browse(harbour.user, "settings")
    opened = Page(browse(harbour.user).post(f"/embed/invoice/{row.public_id}/retry")).fields()
    run = press(desk(harbour.user), "Choose item").replace("/item", "/run")
    chosen = {"item": item_id(harbour, "Delivery")}
    assert "1 invoice is on its way" in Page(browser.post(run, chosen)).text
    assert "Somebody else was faster." in Page(browser.post(run, chosen)).text
    opened |= {name: chosen["item"] for name in opened if re.fullmatch(r"l\d-item", name)} | {"over_deal": "yes"}
    answer = browse(harbour.user).post(CREATE, opened)
    assert answer.status_code == 200
    assert Invoice.objects.count() == 2
    late = Page(browse(harbour.user).post(f"/embed/invoice/{row.public_id}/retry"))
    assert not late.has_id("create"), "what has become of it is shown instead of another form"


def test_without_an_item_the_small_form_says_what_is_missing(harbour, refuse, browse, desk):
    refuse(RACKING)
    form = press(desk(harbour.user), "Choose item")
    answer = browse(harbour.user, "settings").post(form.replace("/item", "/run"), {"item": "999999"})
    assert (answer.status_code, answer.headers["X-Fragment"]) == (422, "swap")
    assert answer.headers["HX-Retarget"].startswith("#repair-")
    assert "Choose one of the active items of QuickBooks." in Page(answer).text
    assert Invoice.objects.count() == 1


@pytest.mark.parametrize(("days", "year"), [(3, False), (368, True)])
def test_what_was_asked_for_long_ago_says_in_which_year(company, user, quickbooks, desk, days, year):
    asked = timezone.now() - timedelta(days=days)
    refused(company, created_at=asked)
    (words,) = re.findall(r"Asked for by [^.]*", desk(user).text)
    assert (str(asked.year) in words) is year


def test_a_deal_that_changed_stays_with_its_reason_and_its_form(harbour, refuse, browse, desk):
    row = refuse(RACKING)
    Invoice.objects.filter(pk=row.pk).update(deal_then=row.deal_then | {"value": "99999999"})
    run = press(desk(harbour.user), "Choose item").replace("/item", "/run")
    answer = Page(browse(harbour.user, "settings").post(run, {"item": item_id(harbour, "Delivery")}))
    assert "No invoice was run again 1 stays here; the reason stands beside it." in answer.text
    for page in (answer, desk(harbour.user)):
        assert "Not run again: the deal is worth something else now. Look at it in the form." in page.text
        assert any(
            row.deal_id == int(e.attributes["data-open-invoice"]) for e in page.with_attribute("data-open-invoice")
        )
    assert Invoice.objects.count() == 1


CHECKS = "Not run again: the form’s checks do not let it pass now."


@pytest.mark.parametrize(
    "draft, columns, why",
    [
        ({"invoice_date": "2200-01-01"}, {}, CHECKS),
        ({"known_to_a_newer_version": "7"}, {}, CHECKS),
        (
            {"invoice_date": "2020-01-01", "due_date": "2020-01-15"},
            {},
            "Not run again: it would be overdue at once. Look at its dates in the form.",
        ),
        ({}, {"deal_then": {}}, "Not run again: nobody noted what the deal was worth then."),
    ],
    ids=["its checks stop it", "a newer version's", "overdue at once", "of before we noted what deals are worth"],
)
def test_what_somebody_has_to_look_at_is_not_run_again_unattended(harbour, refuse, browse, desk, draft, columns, why):
    row = refuse(RACKING)
    Invoice.objects.filter(pk=row.pk).update(draft=row.draft | draft, **columns)
    run = press(desk(harbour.user), "Choose item").replace("/item", "/run")
    answer = Page(browse(harbour.user, "settings").post(run, {"item": item_id(harbour, "Delivery")}))
    assert why in answer.text
    assert Invoice.objects.count() == 1


def test_a_total_that_nobody_confirmed_is_not_invoiced_unattended(harbour, refuse, browse, desk):
    """The rate of its tax code was raised after it had been refused."""
    refuse(RACKING)
    codes = ReferenceList.objects.get(company=harbour.company, kind="tax_codes")
    codes.rows = [
        row | {"rates": [rate | {"percentage": "21"} for rate in row["rates"]], "percentage": "21"}
        if row["percentage"] == "20"
        else row
        for row in codes.rows
    ]
    codes.save()
    run = press(desk(harbour.user), "Choose item").replace("/item", "/run")
    answer = Page(browse(harbour.user, "settings").post(run, {"item": item_id(harbour, "Delivery")}))
    assert "Not run again: its total would be another one today." in answer.text
    assert Invoice.objects.count() == 1


@pytest.mark.parametrize(
    "known, title",
    [
        ({"active": False, "name": "Bay 3L (deleted)"}, "“Bay 3L” is inactive in QuickBooks"),
        ({"active": True, "name": "Bay 3L"}, "QuickBooks does not take the item “Bay 3L”"),
        ({"id": "7"}, "“Pallet racking bay 4L” is no longer in QuickBooks"),
        (None, "QuickBooks does not take the item “Pallet racking bay 4L”"),
    ],
    ids=["inactive", "active", "gone", "nobody can tell"],
)
def test_an_item_is_called_what_the_stored_list_calls_it(desk, company, user, known, title):
    if known is not None:
        item = {
            "id": "1",
            "name": "Bay",
            "sku": "",
            "type": "Service",
            "price": None,
            "tax_code_id": "",
            "taxable": False,
        }
        rows = [item | {"active": True} | known]
        company.reference_lists.create(kind="items", rows=rows, fetched_at=timezone.now())
    else:
        QuickBooksConnection.objects.filter(company=company).update(access_expires_at=timezone.now(), refresh_token="")
    refused(company, refusal={"code": "610", "field": "lines.0.item", "detail": ""})
    assert title in desk(user).text


def test_a_name_that_a_vendor_has_gets_the_free_one(harbour, fill_in, browse, desk, control):
    vendor = control.books(harbour.realm)["vendors"][0]["DisplayName"]
    browser, fields = fill_in(harbour, NORTHGATE, customer="new", name=vendor)
    assert browser.post(CREATE, fields).status_code == 200
    row = submit(Invoice.objects.latest("pk"))
    assert row.refusal["taken_by"] == "vendor"
    page = desk(harbour.user)
    assert f"“{vendor}” is already a vendor in QuickBooks" in page.text
    answer = Page(browse(harbour.user, "settings").post(press(page, f"Use “{vendor} (Customer)”")))
    assert "1 invoice is on its way" in answer.text
    made = submit(Invoice.objects.latest("pk"))
    assert (made.submission, made.customer_name) == (Submission.SUCCEEDED, f"{vendor} (Customer)")


def test_a_name_with_a_colon_gets_a_dash(desk, company, user):
    bill_to = a_bill_to(name="Atlas: Trade Counter")
    refused(company, draft=to_json(a_draft(bill_to=bill_to)), refusal={"code": "2040", "field": "customer.name"})
    page = desk(user)
    assert "The name “Atlas: Trade Counter” has a colon" in page.text
    assert press(page, "Use “Atlas – Trade Counter”")


def test_what_is_mended_in_quickbooks_runs_again_as_it_is(harbour, refuse, browse, desk):
    row = refuse(RACKING)
    Invoice.objects.filter(pk=row.pk).update(refusal=row.refusal | {"code": "6190", "field": ""})
    page = desk(harbour.user)
    assert "QuickBooks takes no entries from this company now" in page.text
    browse(harbour.user, "settings").post(press(page, "Run again"))
    assert submit(Invoice.objects.latest("pk")).submission == Submission.SUCCEEDED
    assert Invoice.objects.count() == 2


def test_sums_are_told_for_each_currency(desk, company, user):
    for number, currency in enumerate(("GBP", "EUR", "EUR")):
        draft = to_json(a_draft(currency=currency))
        refused(company, deal_id=100 + number, currency=currency, draft=draft, refusal={"code": "6210"})
    text = desk(user).text
    assert "Stops 3 invoices worth €200.00 + £100.00." in text
    assert "The books are closed for the invoice date" in text


def test_no_two_buttons_are_called_the_same(desk, company, user):
    for deal_id, detail in ((12, "No."), (13, "Nein."), (14, "No."), (15, "")):
        refused(company, deal_id=deal_id, deal_then={"title": f"Deal {deal_id}"}, refusal={"detail": detail})
    refused(company, deal_id=16, deal_then={"title": "Deal 16"}, refusal={"code": "6210"})
    buttons = [element for element in desk(user).elements if element.tag == "button"]
    names = [button.attributes.get("aria-label", button.text) for button in buttons]
    assert "Run again: The books are closed for the invoice date" in names
    assert len(names) == len(set(names))


def test_a_long_title_is_cut_and_its_amount_is_not(desk, company, user):
    refused(company, deal_id=12, deal_then={"title": "T" * 200}, refusal={"code": "6000", "detail": "No."})
    page = desk(user)
    assert "QuickBooks says: “No”. Stops 1 invoice worth £" in page.text
    (chip,) = (element for element in page.elements if "issue__deal" in element.classes)
    title, amount = chip.children
    assert (title.text, title.classes) == ("T" * 200, ["cut"])
    assert amount.text.startswith("· £")


def test_whoever_went_on_to_another_invoice_of_the_deal_left_nothing_to_fix(desk, company, user):
    refused(company, deal_id=12)
    make_invoice(company, deal_id=12)
    assert "Nothing needs you" in desk(user).text


def test_what_is_put_away_leaves_the_desk_and_stays_on_the_deal(desk, browse, seen, company, user):
    row = refused(company, deal_id=12)
    page = desk(user)
    assert "QuickBooks says: “No”." in page.text
    answer = Page(browse(user, "settings").post(press(page, "Put away")))
    assert "Nothing needs you" in answer.text
    assert "QuickBooks says: “No”." not in answer.text
    seen(user, 12)
    panel = Page(browse(user, "panel").get("/embed/panel/content", {"resource": "deal", "id": 12}))
    assert panel.has_id(f"again-{row.public_id}")


def test_failed_actions_customers_and_notes_are_listed_and_put_away(desk, browse, company, user):
    invoice = make_invoice(company, number="1051", note_problem="deal_gone")
    failed = {"submission": Submission.REJECTED, "settled_at": timezone.now(), "next_attempt_at": None}
    action = InvoiceAction.objects.create(
        company=company, invoice=invoice, kind="send", intent_key=invoice.intent_key, asked_by_id=user.user_id,
        asked_by_name=user.name, refusal={"code": "not_sent"}, **failed,
    )  # fmt: skip
    update = CustomerUpdate.objects.create(
        company=company, invoice=invoice, customer_id="7", customer_name="Bramley Foods Ltd",
        refusal={"code": "610"}, **failed,
    )  # fmt: skip
    page = desk(user)
    assert count(page) == "3"
    assert "The e-mail was not sent QuickBooks shows no trace of it. It can be sent again." in page.text
    assert (
        "Bramley Foods Ltd was not updated in QuickBooks It is inactive in QuickBooks or no longer there." in page.text
    )
    assert "A note could not be written into the deal’s history The deal was deleted" in page.text
    assert "Stops" not in page.text
    for address in [e.attributes["hx-post"] for e in page.elements if e.id.startswith("away-")]:
        browse(user, "settings").post(address)
    assert "Nothing needs you" in desk(user).text
    action.refresh_from_db()
    update.refresh_from_db()
    assert action.put_away_at
    assert update.put_away_at


def test_a_note_is_written_again_on_request(desk, browse, company, user):
    invoice = make_invoice(company, note_problem="gave_up")
    browse(user, "settings").post(press(desk(user), "Write it again"))
    invoice.refresh_from_db()
    assert invoice.note_due_at <= timezone.now()


@pytest.mark.parametrize(("problem", "kept"), [("note_gone", (None, "")), ("gave_up", (501, "of its text"))])
def test_a_note_that_somebody_deleted_is_written_anew_on_request(desk, browse, company, user, problem, kept):
    invoice = make_invoice(company, note_problem=problem, note_id=501, note_digest="of its text")
    browse(user, "settings").post(press(desk(user), "Write it again"))
    invoice.refresh_from_db()
    assert (invoice.note_id, invoice.note_digest) == kept
    assert invoice.note_attempts == notes.TRIED  # whether it is there after all is looked first


def test_an_ended_connection_is_one_cause_for_all_that_waits(desk, company, user):
    QuickBooksConnection.objects.filter(company=company).update(state="expired", ended_why="refused")
    for number in (1, 2):
        make_pending_invoice(company, to_json(a_draft(deal_id=number)), deal_id=number)
    page = desk(user)
    assert "QuickBooks ended the connection" in page.text
    assert "Stops 2 invoices worth £200.00." in page.text
    assert "Sign in again" in page.text
    assert "can fix this" not in page.text  # who reads it can, and has the button beside it
    assert "it waits until somebody signs in to QuickBooks again." in page.text
    assert "Goes on by itself once somebody has signed in to QuickBooks again." in page.text
    assert "nothing to do" not in page.text
    assert not [e for e in page.elements if e.id.startswith("now-")]


def test_a_field_that_is_gone_leads_to_the_fields(harbour, desk):
    CompanySettings.objects.filter(company=harbour.company).update(memo_field=f"deal.{'a' * 40}")
    page = desk(harbour.user)
    assert "The Pipedrive field for “Message to the customer” is gone" in page.text
    assert "An administrator" not in page.text
    assert [e.attributes["href"] for e in page.elements if e.tag == "a" and e.text == "Choose another field"] == [
        "#fields"
    ]


def test_a_field_that_is_gone_is_told_of_the_companys_own_fields_too(harbour, desk):
    settings = CompanySettings.objects.filter(company=harbour.company)
    settings.update(own_fields_from={"1": f"deal.{'a' * 40}"}, items_realm_id=harbour.realm)
    assert "The Pipedrive field for “PO number” is gone" in desk(harbour.user).text
    settings.update(items_realm_id="other books")  # what was chosen there fills nothing here
    assert "The Pipedrive field for" not in desk(harbour.user).text


# What happened


def test_what_happened_is_told_newest_first_and_can_be_copied(harbour, refuse, browse, desk):
    row = refuse(RACKING)
    page = Page(browse(harbour.user, "settings").get(press(desk(harbour.user), "What happened")))
    assert f"Invoice for {RACKING} · £" in page.text
    cells = [e.text for e in page.elements if e.tag == "td"]
    assert cells[1].startswith("Create the invoice: refused QuickBooks code 610")
    assert harbour.user.name in cells[2]
    assert cells[3] == QuickBooksWrite.objects.get(invoice=row, kind="create_invoice").trace_id
    assert "Create the invoice: refused" in page.with_attribute("data-copy")[0].attributes["data-copy"]


@pytest.mark.parametrize(
    ("why", "told", "button"),
    [
        ("rights", "QuickBooks refused to answer", True),
        ("subscription", "Your QuickBooks subscription has ended", False),
    ],
)
def test_statuses_that_stand_still_because_quickbooks_lets_nobody_in_need_somebody(
    harbour, control, browse, desk, why, told, button
):
    control.book(harbour.realm, "refuse", why=why)
    with pytest.raises(ServiceError):
        following.catch_up(harbour.quickbooks)
    page = desk(harbour.user)
    assert (count(page), told in page.text) == ("1", True)
    assert ("Sign in again" in page.text) == button
    settings = browse(harbour.user, "settings")
    assert told in Page(settings.get("/embed/settings/content")).by_id("connection").text
    control.book(harbour.realm, "refuse", why=None)
    card = Page(settings.post("/embed/settings/check")).by_id("connection").text
    assert (told in card, "Connected" in card) == (False, True)
    assert "Nothing needs you" in desk(harbour.user).text
