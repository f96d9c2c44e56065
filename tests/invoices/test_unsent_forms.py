"""A form that is left without creating: what was typed is there again, for whoever typed it, for a week."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_save
from django.http import QueryDict

from integration_settings import services
from integration_settings.connections import disconnect_quickbooks
from integration_settings.crypto import Unreadable
from integration_settings.models import PipedriveUser
from invoices import form_memory, tasks, unsent_forms
from invoices.models import Invoice, UnsentForm
from tests.conftest import visitor_of
from tests.factories import make_invoice
from tests.invoices.conftest import NORTHGATE, RACKING
from tests.invoices.form_answers import CREATE, FORM, pressed
from tests.invoices.fragments import Page
from tests.invoices.test_customer_update_page import carded, choose

pytestmark = pytest.mark.django_db

LEAVE = "/embed/invoice/leave"
TYPED = {"l1-quantity": "7", "memo": "As agreed on the phone", "customer": "new", "name": "Bramley Two"}


@pytest.fixture
def left(fill_in):
    """left(tenant) -> (browser, what stood in the form when its person left it)"""

    def make(tenant, title=RACKING, **changes):
        browser, fields = fill_in(tenant, title)
        fields |= TYPED | changes
        assert browser.post(LEAVE, fields).status_code == 204
        return browser, fields

    return make


def opened(browser, fields, **query):
    answer = browser.get(FORM, {"deal": fields["deal"], **query})
    assert answer.status_code == 200
    return Page(answer)


def typed_in(page):
    fields = page.fields()
    return {name: fields[name] for name in TYPED}


def test_what_was_typed_is_there_again_and_makes_one_invoice(harbour, left, control):
    browser, fields = left(harbour)
    page = opened(browser, fields)
    assert typed_in(page) == TYPED
    assert page.by_class("banner--info")[0].text.startswith("Your entries of ")
    assert "Nothing of them was sent to QuickBooks." in page.by_class("banner--info")[0].text
    assert not Invoice.objects.exists()
    _, invoice = pressed(browser, page.fields())
    assert (invoice.draft["memo"], invoice.draft["lines"][0]["quantity"]) == ("As agreed on the phone", "7")
    assert str(invoice.intent_key) == fields["intent_key"]
    assert not UnsentForm.objects.exists()


def test_whoever_wants_to_begins_afresh_from_the_deal(harbour, left):
    browser, fields = left(harbour)
    (button,) = [each for each in opened(browser, fields).elements if each.text == "Start afresh from the deal"]
    page = Page(browser.get(button.attributes["hx-get"]))
    assert page.fields()["l1-quantity"] == "12"
    assert page.by_class("banner--info") == []
    assert typed_in(opened(browser, fields)) == TYPED, "until an invoice is asked for, nothing is lost"


def test_what_was_left_last_counts(harbour, left):
    browser, fields = left(harbour)
    assert browser.post(LEAVE, fields | {"memo": "On second thoughts"}).status_code == 204
    assert opened(browser, fields).fields()["memo"] == "On second thoughts"
    assert UnsentForm.objects.count() == 1


def test_a_colleague_begins_with_the_deal(harbour, left, browse, colleague):
    _, fields = left(harbour)
    page = opened(browse(colleague(harbour)), fields)
    assert page.fields()["l1-quantity"] == "12"


def test_another_deal_begins_with_itself(harbour, left, open_form):
    left(harbour)
    _, fields, _ = open_form(harbour, NORTHGATE)
    assert fields["memo"] != TYPED["memo"]


def test_after_a_week_it_is_gone(harbour, left, browse):
    _, fields = left(harbour)
    almost, after = timedelta(days=6, hours=23), timedelta(days=7, seconds=1)
    with time_machine.travel(time.time() + almost.total_seconds()):
        tasks.forget_unsent_forms()
        assert typed_in(opened(browse(harbour.user), fields)) == TYPED
    with time_machine.travel(time.time() + after.total_seconds()):
        assert opened(browse(harbour.user), fields).fields()["l1-quantity"] == "12"
        tasks.forget_unsent_forms()
    assert not UnsentForm.objects.exists()


def in_days(days):
    return time_machine.travel(time.time() + timedelta(days=days).total_seconds())


def test_a_date_that_nobody_typed_is_that_of_today_and_the_due_date_follows(harbour, left, browse):
    _, fields = left(harbour)
    for days in (3, 5):
        with in_days(days):
            again = opened(browse(harbour.user), fields).fields()
            begun_anew = opened(browse(harbour.user), fields, afresh=1).fields()
            assert again["memo"] == TYPED["memo"]
            assert again["invoice_date"] == begun_anew["invoice_date"] != fields["invoice_date"]
            assert again["due_date"] == begun_anew["due_date"] != fields["due_date"]
            assert browse(harbour.user).post(LEAVE, again).status_code == 204


def test_a_date_that_somebody_typed_stays(harbour, left, browse):
    dates = {"invoice_date": "2 Nov 2026", "due_date": "9 Dec 2026", "due_follows": ""}
    _, fields = left(harbour, **dates)
    with in_days(3):
        again = opened(browse(harbour.user), fields).fields()
    assert (again["invoice_date"], again["due_date"]) == ("2 Nov 2026", "9 Dec 2026")


@pytest.mark.parametrize("typed", [{}, {"invoice_date": "2 Nov 2026", "due_date": "9 Dec 2026", "due_follows": ""}])
def test_what_is_taken_up_on_its_last_day_is_good_for_a_week_again(harbour, fill_in, browse, typed):
    choose(harbour, updates_customers=True)
    browser, fields = fill_in(harbour)
    fields |= carded(browser, fields).fields() | typed
    assert browser.post(LEAVE, fields).status_code == 204
    with in_days(6.9):
        again = opened(browse(harbour.user), fields).fields()
    assert again["seen_customer"]
    with in_days(7.1):
        assert browse(harbour.user).post("/embed/invoice/preview", again).status_code == 200


def test_a_deal_that_changed_since_is_told(harbour, left, control):
    browser, fields = left(harbour)
    control.change_company(harbour.pair.pipedrive_company_id, {"deals": {int(fields["deal"]): {"value": 25_000}}})
    page = opened(browser, fields)
    assert typed_in(page) == TYPED
    assert "The deal has changed since then" in page.by_class("banner--warning")[0].text
    answer = browser.post(CREATE, page.fields())
    assert answer.status_code == 422
    assert "The deal has changed since this form was opened." in Page(answer).text


@pytest.mark.parametrize("changes", [{"tax": 0}, {"quantity": 24, "item_price": 550}, {"discount": 4}])
def test_a_product_that_changed_since_is_told_also_where_the_deal_is_worth_the_same(harbour, left, control, changes):
    browser, fields = left(harbour)
    assert "Nothing of them was sent" in opened(browser, fields).by_class("banner--info")[0].text
    company, deal = harbour.pair.pipedrive_company_id, fields["deal"]
    first, *others = control.company(company)["deal_products"][deal]
    control.change_company(company, {"deal_products": {deal: [first | changes, *others]}})
    control.change_company(company, {"deals": {deal: {"value": 24_000}}})
    page = opened(browser, fields)
    assert typed_in(page) == TYPED
    assert "The deal has changed since then" in page.by_class("banner--warning")[0].text


def test_what_was_sent_meanwhile_is_not_kept(harbour, fill_in):
    browser, fields = fill_in(harbour)
    pressed(browser, fields)
    assert browser.post(LEAVE, fields).status_code == 204
    assert not UnsentForm.objects.exists()


def test_what_was_kept_in_the_moment_of_the_press_is_not_offered(harbour, left):
    browser, fields = left(harbour)
    kept = UnsentForm.objects.values().get()
    pressed(browser, fields)
    UnsentForm.objects.create(**kept)
    assert opened(browser, fields).fields()["memo"] != TYPED["memo"]


def test_what_is_kept_in_the_moment_of_the_press_is_gone_like_the_rest(harbour, fill_in):
    """The window is closed right after the press: both requests are under way at once."""
    browser, fields = fill_in(harbour)

    def press(**_):
        pre_save.disconnect(press, UnsentForm)
        pressed(browser, fields)

    pre_save.connect(press, UnsentForm)
    assert browser.post(LEAVE, fields).status_code == 204
    assert Invoice.objects.count() == 1
    assert not UnsentForm.objects.exists()


def test_a_colleagues_entries_stay_when_the_deal_is_invoiced(harbour, left, browse, colleague, open_form):
    browser, fields = left(harbour)
    tom = colleague(harbour)
    _, theirs, _ = open_form(harbour, RACKING, user=tom)
    items = {name: text for name, text in fields.items() if name.endswith("-item")}
    assert browse(tom).post(LEAVE, theirs | items | {"memo": "Theirs"}).status_code == 204
    assert browser.post(CREATE, fields).status_code == 200
    assert [row.user_id for row in UnsentForm.objects.all()] == [tom.pk]


def test_the_key_of_another_companys_invoice_takes_nobodys_entries_away(harbour, left, other_company):
    browser, fields = left(harbour)
    make_invoice(other_company, intent_key=fields["intent_key"])
    assert typed_in(opened(browser, fields)) == TYPED


def test_of_somebody_who_has_just_left_his_colleagues_nothing_is_kept_either(harbour, colleague):
    tom = colleague(harbour)
    visitor = visitor_of(tom, "invoice")
    services.uninstall(pipedrive_company_id=harbour.company.pipedrive_company_id, user_id=tom.user_id)
    unsent_forms.keep(visitor, deal_id=12, intent_key=uuid.uuid4(), fields=QueryDict("a=b"), locale="en_GB")
    assert not UnsentForm.objects.exists()


def test_of_somebody_who_has_just_left_the_app_nothing_is_kept(harbour):
    visitor = visitor_of(harbour.user, "invoice")
    services.uninstall(pipedrive_company_id=harbour.company.pipedrive_company_id, user_id=harbour.user.user_id)
    unsent_forms.keep(visitor, deal_id=12, intent_key=uuid.uuid4(), fields=QueryDict("a=b"), locale="en_GB")
    assert not UnsentForm.objects.exists()


@pytest.mark.parametrize("what", ["preview", "preset", "customer", "create"])
def test_when_somebody_disconnects_quickbooks_meanwhile_that_is_said_and_the_entries_are_kept(harbour, fill_in, what):
    """The lists that the form is drawn from go with the connection."""
    browser, fields = fill_in(harbour)
    fields |= TYPED
    disconnect_quickbooks(harbour.company)
    answer = browser.post(f"/embed/invoice/{what}", fields | {"found": "new"})
    assert (answer.status_code, answer.headers["X-Fragment"]) == (409, "swap")
    assert answer.headers["HX-Retarget"] == "#invoice", "nothing is ready to create any more"
    assert "QuickBooks is disconnected" in Page(answer).text
    kept = QueryDict(UnsentForm.objects.get(user=harbour.user).fields)
    assert {name: kept[name] for name in TYPED} == TYPED
    assert not Invoice.objects.exists()


def test_figures_are_not_taken_over_into_another_locale(harbour, left, browse):
    _, fields = left(harbour)
    PipedriveUser.objects.filter(pk=harbour.user.pk).update(locale="de_DE", language="de")
    assert opened(browse(harbour.user), fields).fields()["l1-quantity"] == "12"


def test_entries_for_other_books_are_not_offered(harbour, left):
    browser, fields = left(harbour)
    elsewhere = visitor_of(harbour.user, "invoice")
    memory = form_memory.recall(fields["kept"], elsewhere, deal_id=int(fields["deal"]))
    elsewhere.connection.realm_id = "9130350000009999"
    row = UnsentForm.objects.get()
    stored = QueryDict(row.fields, mutable=True)
    stored["kept"] = form_memory.keep(memory, elsewhere)
    row.fields = stored.urlencode()
    row.save()
    assert opened(browser, fields).fields()["l1-quantity"] == "12"


def test_of_a_deal_that_is_hidden_now_nothing_is_shown(harbour, left, control):
    browser, fields = left(harbour)
    cache.clear()
    control.fault("status", service="pipedrive", status=403, times=None, path="/deals/")
    answer = browser.get(FORM, {"deal": fields["deal"]})
    assert answer.status_code == 404
    assert TYPED["memo"] not in answer.content.decode()


def test_what_is_no_form_of_ours_is_not_kept(harbour, left, browse, colleague):
    browser, fields = left(harbour)
    UnsentForm.objects.all().delete()
    for changes in ({"kept": "x"}, {"deal": "nonsense"}, {"deal": "99999"}):
        answer = browser.post(LEAVE, fields | changes)
        assert answer.status_code == 410, changes
        assert answer.json()["fact"] == "This form has been open for too long"
    assert browse(colleague(harbour)).post(LEAVE, fields).status_code == 410, "the memory is somebody else's"
    assert not UnsentForm.objects.exists()


def test_no_entry_stands_in_the_database_in_clear_and_a_new_key_reads_it(harbour, left, browse, settings):
    _, fields = left(harbour)
    with connection.cursor() as cursor:
        cursor.execute("SELECT fields FROM invoices_unsentform")
        (stored,) = cursor.fetchone()
    assert stored.startswith("gAAAA")
    new = Fernet.generate_key().decode()
    settings.TOKEN_ENCRYPTION_KEYS = [new, *settings.TOKEN_ENCRYPTION_KEYS]
    call_command("rotate_keys")
    settings.TOKEN_ENCRYPTION_KEYS = [new]
    assert typed_in(opened(browse(harbour.user), fields)) == TYPED


def test_entries_that_no_key_opens_are_gone_and_the_form_opens_as_new(harbour, left, browse):
    _, fields = left(harbour)
    UnsentForm.objects.update(fields=encrypted_with_another_key("l1-quantity=7"))
    assert Page(browse(harbour.user).get(FORM, {"deal": fields["deal"]})).fields()["l1-quantity"] != "7"
    call_command("rotate_keys", "--give-up-unreadable")
    assert not UnsentForm.objects.exists()


def encrypted_with_another_key(text):
    """As it stands in the table."""
    return Unreadable(Fernet(Fernet.generate_key()).encrypt(text.encode()).decode())


def test_the_question_for_leaving_names_whose_entries_are_kept(harbour, open_form):
    _, _, page = open_form(harbour)
    form = page.by_id("invoice-form").attributes
    assert form["data-keep"] == LEAVE
    assert (
        form["data-leave-text"] == "The entries for Bramley Foods Limited are kept as a draft on this deal for 7 days."
    )
