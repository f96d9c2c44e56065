"""Files of a deal with its invoice in QuickBooks: what can be chosen, that each is attached once, and what is told."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from integration_settings.models import CompanySettings, PipedriveUser
from invoices import actions, attachments, tasks
from invoices.domain import files as domain
from invoices.domain.actions import Action
from invoices.domain.refusals import FILE_GONE, FILE_TOO_LARGE, GAVE_UP, NO_GRANT, NOT_ATTACHED
from invoices.domain.status import Submission
from invoices.invoice_gateway import QuickBooksGateway
from invoices.models import InvoiceAction
from invoices.reports import apply_report, zone
from tests.dying import lives
from tests.factories import a_draft, a_line, make_invoice
from tests.invoices.conftest import RACKING
from tests.invoices.desk import item_id
from tests.invoices.fragments import Page
from tests.invoices.gateway_cases import new_id
from tests.invoices.intents import let_all_time_pass, let_time_pass, settle

pytestmark = pytest.mark.django_db(transaction=True)
ODD = "Moss & Co – discounts and odd quantities"
QUOTE, ORDER = "Quote BF phase 2.pdf", "Signed order BF-2026-0871.pdf"
UPLOAD = "/upload$"


@pytest.fixture
def desk(harbour, control, deal_id, browse):
    """An invoice of a deal with files; desk.files() -> by name what Pipedrive has."""

    class Desk:
        def __init__(self):
            self.invoice = self.another(RACKING)

        def another(self, title):
            gateway = QuickBooksGateway(harbour.quickbooks)
            customer = next(
                row for row in control.books(harbour.realm)["customers"] if row["DisplayName"] == "Bramley Foods Ltd"
            )
            code = next(
                row["SalesTaxCodeRef"]["value"]
                for row in control.books(harbour.realm)["items"]
                if row["Name"] == "Installation"
            )
            line = a_line(item_id=item_id(harbour, "Installation"), tax_code_id=code)
            issued = gateway.create_invoice(a_draft(lines=(line,)), customer["Id"], request_id=new_id())
            columns = {"qbo_invoice_id": issued.qbo_invoice_id, "realm_id": harbour.realm}
            columns |= {"created_by_id": harbour.user.user_id, "deal_id": deal_id(harbour, title)}
            row = make_invoice(harbour.company, **columns)
            apply_report(row, issued, place=zone("UTC"))
            return row

        def files(self):
            rows = control.company(harbour.pair.pipedrive_company_id)["files"].values()
            return {row["name"]: row["id"] for row in rows}

        def change_file(self, name, **members):
            changes = {"files": {str(self.files()[name]): members}}
            control.change_company(harbour.pair.pipedrive_company_id, changes)

        def address(self, what="files"):
            query = f"?resource=deal&id={self.invoice.deal_id}"
            return f"/embed/invoice/{self.invoice.public_id}/{what}{query}"

        def look(self, user=None):
            return Page(browse(user or harbour.user, "panel").get(self.address()))

        def press(self, *names, user=None, key=None, **fields):
            sent = {"file": [self.files()[name] for name in names], "intent_key": key or str(uuid.uuid4())} | fields
            return browse(user or harbour.user, "panel").post(self.address(), sent)

        def panel(self):
            query = {"resource": "deal", "id": self.invoice.deal_id}
            return Page(browse(harbour.user, "panel").get("/embed/panel/content", query)).text

        def want(self, *names, on_send=True, user=None):
            wishes = [domain.FileWish(self.files()[name], name, 1, on_send) for name in names]
            return actions.ask(
                self.invoice, Action.ATTACH, user=user or harbour.user, intent_key=uuid.uuid4(), files=wishes
            )

        def attached(self, invoice=None):
            wanted = (invoice or self.invoice).qbo_invoice_id
            return [
                row["FileName"]
                for row in control.books(harbour.realm)["attachables"]
                if row["AttachableRef"][0]["EntityRef"]["value"] == wanted
            ]

    return Desk()


def carry_out(action):
    actions.carry_out(action.pk)
    action.refresh_from_db()
    return action


def chosen(page):
    """The names that can be ticked, and the ones that cannot with the reason."""
    labels = [box.parent.text for box in page.elements if box.attributes.get("name") == "file"]
    off = [box for box in page.elements if box.attributes.get("name") == "file" and "disabled" in box.attributes]
    return [text for text in labels if text not in [box.parent.text for box in off]], [box.parent.text for box in off]


# What can be chosen


def test_the_files_of_the_deal_stand_there_with_their_size_and_day(desk):
    can, cannot = chosen(desk.look())
    assert [text.split(".pdf")[0] for text in can] == ["Signed order BF-2026-0871", "Quote BF phase 2"]
    assert cannot == []
    assert "1 KB · " in can[0]


def test_what_quickbooks_does_not_take_cannot_be_ticked_and_says_why(desk):
    desk.invoice = desk.another(ODD)
    can, cannot = chosen(desk.look())
    assert [text.partition(" · ")[0] for text in can] == ["Floor plan Aire Park.PNG 825 KB"]
    told = " | ".join(cannot)
    assert "Site survey.mp4 61 MB" in told
    assert "QuickBooks does not take this type of file" in told
    assert "larger than 20 MB" in told
    assert "kept in Google Drive; Pipedrive has the link only" in told


def test_a_deal_without_files_says_where_they_come_from(desk, harbour, deal_id):
    desk.invoice = desk.another("Spare shelves, Hull")
    page = desk.look()
    assert "This deal has no files in Pipedrive." in page.text
    assert not any(element.attributes.get("type") == "submit" for element in page.elements)


def test_without_a_tick_nothing_is_stored_and_the_form_says_so(desk):
    answer = desk.press()
    assert answer.status_code == 422
    assert "Tick the files to attach." in Page(answer).text
    assert not InvoiceAction.objects.exists()


def test_more_than_ten_at_once_are_told_and_none_is_left_out_silently(desk):
    answer = desk.press(file=[desk.files()[QUOTE], *range(1000, 1010)])
    page = Page(answer)
    assert answer.status_code == 422
    assert "At most 10 files at once." in page.text
    ticked = [
        box.parent.text for box in page.elements if "checked" in box.attributes and box.attributes["name"] == "file"
    ]
    assert [text.startswith(QUOTE) for text in ticked] == [True]
    assert not InvoiceAction.objects.exists()


def test_the_list_costs_nothing_before_somebody_asks_for_it(desk, control):
    control.forget_requests()
    desk.panel()
    assert not control.requests("pipedrive", path="/files")


# Each once


def test_chosen_files_are_attached_to_the_invoice_and_go_along_with_its_email(desk, harbour, control):
    assert desk.press(QUOTE, ORDER, on_send="yes").status_code == 200
    action = carry_out(InvoiceAction.objects.get())
    assert (action.submission, action.refusal) == (Submission.SUCCEEDED, None)
    assert sorted(desk.attached()) == [QUOTE, ORDER]
    QuickBooksGateway(harbour.quickbooks).send_invoice(
        desk.invoice.qbo_invoice_id, "a@bramley.example", request_id=new_id()
    )
    assert sorted(control.books(harbour.realm)["outbox"][-1]["files"]) == [QUOTE, ORDER]


def test_without_the_tick_the_customer_does_not_get_them(desk, harbour, control):
    desk.press(QUOTE)
    carry_out(InvoiceAction.objects.get())
    (row,) = control.books(harbour.realm)["attachables"]
    assert row["AttachableRef"][0]["IncludeOnSend"] is False
    assert (row["ContentType"], row["FileName"]) == ("application/pdf", QUOTE)
    assert row["Note"].startswith(f"Pipedrive deal {desk.invoice.deal_id} · file {desk.files()[QUOTE]} · ")


def test_quickbooks_gets_the_very_bytes(desk, harbour, control):
    desk.press(QUOTE)
    carry_out(InvoiceAction.objects.get())
    (row,) = control.books(harbour.realm)["attachables"]
    size = control.company(harbour.pair.pipedrive_company_id)["files"][str(desk.files()[QUOTE])]["file_size"]
    assert row["Size"] == size


def test_a_double_press_is_one_wish(desk):
    key = str(uuid.uuid4())
    desk.press(QUOTE, key=key)
    desk.press(QUOTE, key=key)
    carry_out(InvoiceAction.objects.get())
    assert "The invoice has changed meanwhile." not in Page(desk.press(QUOTE, key=key)).text
    assert (desk.attached(), InvoiceAction.objects.count()) == ([QUOTE], 1)


def test_what_is_attached_already_is_not_taken_again_from_a_list_that_did_not_say_so(desk):
    desk.press(QUOTE)
    carry_out(InvoiceAction.objects.get())
    answer = Page(desk.press(QUOTE))
    assert "The invoice has changed meanwhile." in answer.text
    assert InvoiceAction.objects.count() == 1


def test_what_somebody_has_taken_away_in_quickbooks_can_be_attached_again(desk):
    desk.press(QUOTE)
    carry_out(InvoiceAction.objects.get())
    page = desk.look()
    box = next(e for e in page.elements if e.attributes.get("name") == "again")
    assert box.parent.text.endswith("attached already")
    desk.press(again=[desk.files()[QUOTE]])
    carry_out(InvoiceAction.objects.latest("pk"))
    assert desk.attached() == [QUOTE, QUOTE]


def test_while_something_else_is_done_with_the_invoice_files_are_not_forgotten_silently(desk, harbour):
    actions.ask(desk.invoice, Action.SEND, user=harbour.user, intent_key=uuid.uuid4(), to="a@b.example")
    assert "Something else is being done with this invoice." in Page(desk.press(QUOTE)).text
    assert InvoiceAction.objects.get().kind == Action.SEND


def test_while_files_are_attached_an_email_is_not_forgotten_silently(desk, harbour, browse):
    desk.want(QUOTE)
    sent = {"to": "a@bramley.example", "intent_key": str(uuid.uuid4())}
    answer = browse(harbour.user, "panel").post(desk.address("send"), sent)
    assert "Something else is being done with this invoice." in Page(answer).text
    assert InvoiceAction.objects.get().kind == Action.ATTACH


def test_whoever_sends_the_invoice_is_told_what_goes_along(desk, harbour, browse):
    carry_out(desk.want(QUOTE, on_send=False))
    carry_out(desk.want(ORDER))
    text = Page(browse(harbour.user, "panel").get(desk.address("send"))).text
    assert "1 attached file goes along." in text


def test_a_file_whose_answer_was_lost_is_found_and_not_sent_again(desk, harbour, control):
    control.fault("lost", method="POST", path=UPLOAD, times=1, company=harbour.realm)
    action = carry_out(desk.want(QUOTE, ORDER))
    assert action.submission == Submission.UNKNOWN
    assert "We are checking whether the file was attached." in desk.panel()
    settle(action, actions.carry_out)
    assert action.submission == Submission.SUCCEEDED
    assert sorted(desk.attached()) == [QUOTE, ORDER]


def test_a_file_that_never_arrived_is_told_after_two_looks_and_not_sent_by_itself(desk, harbour, control):
    control.fault("reset", method="POST", path=UPLOAD, times=1, company=harbour.realm)
    action = carry_out(desk.want(QUOTE))
    assert action.submission == Submission.UNKNOWN
    settle(action, actions.carry_out)
    assert (action.submission, action.refusal["code"]) == (Submission.REJECTED, NOT_ATTACHED)
    assert desk.attached() == []
    assert "“Quote BF phase 2.pdf”: QuickBooks shows no trace of it. It can be attached again." in desk.panel()
    carry_out(desk.want(QUOTE))
    assert desk.attached() == [QUOTE]


def test_a_worker_that_dies_at_any_moment_leaves_each_file_there_once_or_told(desk, control, harbour, handed_out):
    for life in lives():
        desk.invoice = desk.another(RACKING)
        action = desk.want(QUOTE, ORDER)
        life.do(lambda row_id=action.pk: tasks.carry_out_action(row_id))
        for _ in range(12):
            let_all_time_pass()
            actions.carry_out(action.pk)
        action.refresh_from_db()
        assert action.is_settled, life.at
        told = [wish.name for wish in domain.from_json(action.files) if wish.attachable_id]
        assert sorted(desk.attached()) == sorted(told), life.at
        assert len(told) == 2 or (action.refusal or {}).get("code") == NOT_ATTACHED, life.at


# What one of them is refused for


def test_a_file_that_pipedrive_has_no_more_keeps_no_other_one(desk):
    action = desk.want(QUOTE, ORDER)
    desk.change_file(QUOTE, active_flag=False)
    carry_out(action)
    assert (action.submission, action.refusal["code"]) == (Submission.REJECTED, FILE_GONE)
    assert desk.attached() == [ORDER]
    assert "Files could not be attached. “Quote BF phase 2.pdf”: Pipedrive does not have this file" in desk.panel()


def test_a_file_that_has_become_too_large_is_not_taken_into_memory(desk, monkeypatch):
    monkeypatch.setattr(attachments, "LARGEST", 40)
    action = carry_out(desk.want(QUOTE))
    assert action.refusal["code"] == FILE_TOO_LARGE
    assert desk.attached() == []


def test_quickbooks_own_refusal_is_told_in_its_words(desk, harbour, control):
    action = desk.want(QUOTE)
    wishes = domain.from_json(action.files)
    action.files = domain.to_json([domain.FileWish(wishes[0].file_id, "film.mp4", 1, on_send=True)])
    action.save()
    carry_out(action)
    assert action.refusal["code"] == "6000"
    assert "Files of this type cannot be attached" in desk.panel()


def test_whoever_is_no_user_any_more_attaches_nothing_by_another_ones_grant(desk, harbour, colleague):
    tom = colleague(harbour)
    action = desk.want(QUOTE, user=tom)
    PipedriveUser.objects.filter(pk=tom.pk).delete()
    carry_out(action)
    assert action.refusal["code"] == NO_GRANT
    assert desk.attached() == []


def test_a_day_later_nobody_expects_it_any_more(desk):
    action = desk.want(QUOTE)
    InvoiceAction.objects.filter(pk=action.pk).update(asked_at=timezone.now() - timezone.timedelta(hours=25))
    carry_out(action)
    assert (action.submission, action.refusal["code"]) == (Submission.REJECTED, GAVE_UP)


def test_while_pipedrive_or_quickbooks_is_away_it_waits_and_is_done_then(desk, harbour, control):
    control.fault("status", status=503, service="pipedrive", path="/download", times=3)
    action = carry_out(desk.want(QUOTE))
    assert (action.submission, action.is_settled) == (Submission.PENDING, False)
    control.fault("status", status=503, method="POST", path=UPLOAD, times=1, company=harbour.realm)
    let_time_pass(action)
    carry_out(action)
    settle(action, actions.carry_out)
    assert len(desk.attached()) == (action.submission == Submission.SUCCEEDED)


# Where Pipedrive keeps them


def test_a_file_is_fetched_where_pipedrive_says_that_it_is_without_a_token(desk, harbour, control, caplog):
    control.change_company(harbour.pair.pipedrive_company_id, {"keeps_files_elsewhere": True})
    carry_out(desk.want(QUOTE))
    assert desk.attached() == [QUOTE]
    assert "/stored/" not in caplog.text


# Who may


def test_without_the_right_to_create_nothing_is_attached(desk, harbour, colleague):
    CompanySettings.objects.update_or_create(company=harbour.company, defaults={"everyone_creates": False})
    tom = colleague(harbour)
    assert not any(box.attributes.get("name") == "file" for box in desk.look(tom).elements)
    assert desk.press(QUOTE, user=tom).status_code == 403
    assert not InvoiceAction.objects.exists()


def test_a_file_of_another_deal_is_not_taken_from_the_browser(desk):
    desk.press("Floor plan Aire Park.PNG")
    assert not InvoiceAction.objects.exists()


def test_the_history_tells_of_each_file_without_its_name(desk, harbour, browse):
    desk.press(QUOTE)
    carry_out(InvoiceAction.objects.get())
    text = Page(browse(harbour.user, "panel").get(desk.address("history"))).text
    assert "Attach a file: done" in text
    assert QUOTE not in text
