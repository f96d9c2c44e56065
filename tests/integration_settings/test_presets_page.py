"""Presets in the settings: who sees them, who keeps them, and what is refused at which field."""

from __future__ import annotations

import pytest

from integration_settings import preset_form
from integration_settings.models import InvoicePreset, QuickBooksConnection
from integration_settings.presets import (
    MOST_PRESETS,
    list_templates,
    opening_template,
    remember_template,
    save_preset,
    template_called,
)
from invoices.domain import checks
from tests.factories import make_company, make_connection, make_preset, make_user
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
PRESETS, NEW = "/embed/settings/presets", "/embed/settings/presets/new"
STANDARD = {
    "preset-name": "Standard UK",
    "preset-memo": "Thank you for your order.",
    "preset-private_note": "Checked by Priya",
    "preset-due_days": "30",
    "preset-amounts_are": "inclusive",
    "preset-own_1": "FRAMEWORK-7",
    "preset-cc": "office@harbourpine.example; boss@harbourpine.example",
    "preset-bcc": "",
}


@pytest.fixture
def admin(headers):
    return headers


@pytest.fixture
def tom(tom, page_token):
    """What the colleague's pages send."""
    return page_token(tom, "settings")


def address_of(preset, rest=""):
    return f"{PRESETS}/{preset.pk}{rest}"


def test_the_settings_have_a_card_for_them(client, tenant, admin):
    page = Page(client.get("/embed/settings/content", headers=admin))
    assert page.by_id("presets").attributes["hx-get"] == PRESETS
    assert "No presets yet" in Page(client.get(PRESETS, headers=admin)).text


def test_an_administrator_adds_one_for_everyone(client, tenant, admin, tom):
    form = Page(client.get(NEW, headers=admin))
    assert set(form.fields()) == {*STANDARD, "preset-books"} - {"preset-is_default"}
    assert "PO number (optional)" in form.text
    answer = client.post(NEW, STANDARD, headers=admin)
    assert "Preset “Standard UK” is saved for everyone" in answer.content.decode()
    stored = InvoicePreset.objects.get(company=tenant.company)
    assert (stored.name, stored.due_days, stored.amounts_are) == ("Standard UK", 30, "inclusive")
    assert stored.cc == "office@harbourpine.example, boss@harbourpine.example"
    assert (stored.own_fields, stored.realm_id) == ({"1": "FRAMEWORK-7"}, tenant.realm)
    assert (stored.updated_by, stored.is_default) == (tenant.user.name, False)
    page = Page(client.get(PRESETS, headers=tom))
    for part in ("Standard UK", "Thank you for your order.", "30 days after the invoice date", "Inclusive of VAT"):
        assert part in page.text
    assert "PO number FRAMEWORK-7" in page.text


def test_it_is_changed_and_keeps_its_place(client, tenant, admin):
    preset = make_preset(tenant.company, name="Standard", memo="Thanks")
    shown = Page(client.get(address_of(preset), headers=admin)).fields()
    assert (shown["preset-name"], shown["preset-memo"]) == ("Standard", "Thanks")
    client.post(address_of(preset), shown | {"preset-memo": "Thank you"}, headers=admin)
    preset.refresh_from_db()
    assert (preset.name, preset.memo) == ("Standard", "Thank you")
    assert InvoicePreset.objects.count() == 1


def test_what_a_colleague_has_changed_meanwhile_stays(client, tenant, admin):
    preset = make_preset(tenant.company, name="Standard", memo="Thanks", due_days=14, is_default=True)
    mine = Page(client.get(address_of(preset), headers=admin)).fields()
    theirs = mine | {"preset-memo": "Thank you", "preset-due_days": "", "preset-own_1": "BF-7"}
    del theirs["preset-is_default"]
    assert client.post(address_of(preset), theirs, headers=admin).status_code == 200
    assert client.post(address_of(preset), mine | {"preset-name": "UK"}, headers=admin).status_code == 200
    preset.refresh_from_db()
    assert (preset.name, preset.memo, preset.due_days, preset.is_default) == ("UK", "Thank you", None, False)
    assert preset.own_fields == {"1": "BF-7"}


def test_one_that_a_colleague_has_deleted_meanwhile_comes_back_as_it_was_typed(client, tenant, admin):
    preset = make_preset(tenant.company, name="Standard", memo="Thanks")
    mine = Page(client.get(address_of(preset), headers=admin)).fields()
    client.post(address_of(preset, "/delete"), headers=admin)
    answer = client.post(address_of(preset), mine | {"preset-memo": "Thank you"}, headers=admin)
    assert (answer.status_code, answer.headers["X-Fragment"]) == (404, "swap")
    page = Page(answer)
    assert "A colleague has deleted this preset." in page.text
    assert (page.fields()["preset-name"], page.fields()["preset-memo"]) == ("Standard", "Thank you")
    assert not InvoicePreset.objects.exists()
    assert [each.attributes["hx-post"] for each in page.with_attribute("hx-post")] == [NEW]
    assert client.post(NEW, page.fields(), headers=admin).status_code == 200
    assert InvoicePreset.objects.get().memo == "Thank you"


@pytest.mark.parametrize("path", ["", "/delete"])
def test_one_that_is_gone_is_told_on_the_card(client, tenant, admin, path):
    preset = make_preset(tenant.company, name="Standard")
    address = address_of(preset, path)
    preset.delete()
    answer = client.post(address, headers=admin) if path else client.get(address, headers=admin)
    assert (answer.status_code, answer.headers["X-Fragment"]) == (404, "swap")
    assert "This preset is not there any more." in answer.content.decode()


def test_what_was_typed_for_a_field_of_other_books_is_not_saved_for_the_one_of_its_number(client, tenant, admin):
    preset = make_preset(tenant.company, name="Standard")
    mine = Page(client.get(address_of(preset), headers=admin)).fields() | {"preset-own_1": "BF-7"}
    QuickBooksConnection.objects.update(realm_id="4711")
    assert client.post(address_of(preset), mine, headers=admin).status_code == 200
    preset.refresh_from_db()
    assert preset.own_fields == {}


def test_a_preset_keeps_what_it_has_for_former_books_until_something_is_typed_for_these(client, tenant, admin):
    preset = make_preset(tenant.company, name="Standard", own_fields={"1": "BF-7"}, realm_id="4711")
    fields = Page(client.get(address_of(preset), headers=admin)).fields()
    assert client.post(address_of(preset), fields | {"preset-memo": "Thanks"}, headers=admin).status_code == 200
    preset.refresh_from_db()
    assert (preset.memo, preset.own_fields, preset.realm_id) == ("Thanks", {"1": "BF-7"}, "4711")
    assert client.post(address_of(preset), fields | {"preset-own_1": "PO 1"}, headers=admin).status_code == 200
    preset.refresh_from_db()
    assert (preset.own_fields, preset.realm_id) == ({"1": "PO 1"}, tenant.realm)


def test_one_at_most_is_the_default(client, tenant, admin):
    first, second = make_preset(tenant.company, name="A", is_default=True), make_preset(tenant.company, name="B")
    shown = Page(client.get(address_of(second), headers=admin)).fields()
    client.post(address_of(second), shown | {"preset-is_default": "on"}, headers=admin)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_default, second.is_default) == (False, True)
    tags = [element.parent.text for element in Page(client.get(PRESETS, headers=admin)).by_class("tag")]
    assert tags == ["B Default"]


def test_deleting_is_asked_first(client, tenant, admin):
    preset = make_preset(tenant.company, name="Standard")
    button = next(
        element
        for element in Page(client.get(PRESETS, headers=admin)).with_attribute("hx-post")
        if element.attributes["hx-post"] == address_of(preset, "/delete")
    )
    assert button.attributes["data-confirm-title"] == "Delete preset “Standard”?"
    assert button.attributes["aria-label"] == "Delete preset Standard"
    answer = client.post(address_of(preset, "/delete"), headers=admin)
    assert "Preset “Standard” is deleted" in answer.content.decode()
    assert not InvoicePreset.objects.exists()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"preset-name": "  "}, "name", "The preset needs a name."),
        ({"preset-name": "N" * 61}, "name", "A preset’s name has 60 characters at most. This has 61."),
        ({"preset-name": "standard"}, "name", "“standard” is another preset."),
        ({"preset-due_days": "soon"}, "due_days", "whole number of days"),
        ({"preset-due_days": "366"}, "due_days", "365 days"),
        ({"preset-memo": "m" * 1001}, "memo", "takes 1000 characters"),
        ({"preset-own_1": "P" * 32}, "own_1", "takes 31 characters. This has 32."),
        ({"preset-cc": "boss@x.example, wrong"}, "cc", "“wrong” is not an e-mail address."),
        ({"preset-amounts_are": "guessed"}, "amounts_are", "Select a valid choice"),
    ],
)
def test_a_wrong_entry_is_told_at_its_field_and_the_rest_is_kept(client, tenant, admin, change, field, words):
    make_preset(tenant.company, name="Standard")
    answer = client.post(NEW, STANDARD | change, headers=admin)
    assert (answer.status_code, answer.headers["X-Fragment"]) == (422, "swap")
    page = Page(answer)
    control = page.by_id(f"id_preset-{field}")
    assert control.attributes["aria-invalid"] == "true"
    assert "data-autofocus" in control.attributes
    assert words in page.by_id(f"id_preset-{field}_error").text
    assert page.fields()["preset-private_note"] == "Checked by Priya"
    assert InvoicePreset.objects.count() == 1


def test_whoever_is_no_administrator_may_only_look(client, tenant, tom):
    preset = make_preset(tenant.company, name="Standard", memo="Thanks")
    page = Page(client.get(PRESETS, headers=tom))
    assert "Thanks" in page.text
    assert not page.with_attribute("hx-post")
    assert not page.has_id("add-preset")
    for answer in (
        client.get(NEW, headers=tom),
        client.post(NEW, STANDARD, headers=tom),
        client.post(address_of(preset), STANDARD, headers=tom),
        client.post(address_of(preset, "/delete"), headers=tom),
    ):
        assert answer.status_code == 403
        assert "Nothing was changed. That is for administrators." in answer.content.decode()
        assert tenant.user.name in answer.content.decode()
    preset.refresh_from_db()
    assert (preset.name, InvoicePreset.objects.count()) == ("Standard", 1)


@pytest.mark.parametrize("what", ["/new", "/{}", "/{}/delete"])
def test_whoever_no_longer_administers_changes_none_on_a_page_that_is_still_open(client, tenant, admin, control, what):
    preset = make_preset(tenant.company, name="Standard")
    control.change_company(tenant.company.pipedrive_company_id, {"users": {tenant.user.user_id: {"admin": False}}})
    assert client.post(PRESETS + what.format(preset.pk), STANDARD, headers=admin).status_code == 403
    assert [each.name for each in InvoicePreset.objects.all()] == ["Standard"]


def test_the_preset_of_another_company_is_not_there(client, user, other_company, page_token):
    foreign = make_preset(other_company, name="Secret", memo="Theirs")
    headers = page_token(user, "settings")
    assert client.get(address_of(foreign), headers=headers).status_code == 404
    assert client.post(address_of(foreign), STANDARD, headers=headers).status_code == 404
    assert client.post(address_of(foreign, "/delete"), headers=headers).status_code == 404
    assert "Secret" not in client.get(PRESETS, headers=headers).content.decode()
    foreign.refresh_from_db()
    assert (foreign.name, foreign.memo) == ("Secret", "Theirs")


def test_there_is_an_end_to_them(client, user, page_token):
    for number in range(MOST_PRESETS):
        make_preset(user.company, name=f"Preset {number}")
    answer = client.post(NEW, STANDARD, headers=page_token(user, "settings"))
    assert answer.status_code == 409
    assert "Delete one first" in answer.content.decode()
    assert InvoicePreset.objects.count() == MOST_PRESETS


def test_the_card_leads_to_quickbooks_own_form_styles(client, tenant, admin):
    link = next(e for e in Page(client.get(PRESETS, headers=admin)).by_class("link") if e.tag == "a")
    assert "pagereq=salesforms" in link.attributes["href"]
    assert f"deeplinkcompanyid={tenant.realm}" in link.attributes["href"]


def test_the_same_length_is_too_long_for_a_preset_and_for_the_form():
    for name in ("LONGEST_MEMO", "LONGEST_PRIVATE_NOTE", "LONGEST_COPIES", "LONGEST_OWN_FIELD"):
        assert getattr(preset_form, name) == getattr(checks, name)


# What can be chosen


@pytest.fixture
def books():
    return make_connection(make_company())


def names(templates):
    return [each.name for each in templates]


def test_quickbooks_own_default_comes_first_and_fills_in_nothing(books):
    make_preset(books.company, name="beta")
    make_preset(books.company, name="Alpha")
    make_preset(make_company(), name="Foreign")
    templates = list_templates(books)
    assert names(templates) == ["", "Alpha", "beta"]
    assert (templates[0].id, templates[0].memo, templates[0].due_days) == ("", "", None)
    assert template_called(templates, "999999").id == ""


def test_own_fields_count_only_in_the_books_they_were_written_for(books):
    make_preset(books.company, name="Old", own_fields={"1": "PO"}, realm_id="another")
    make_preset(books.company, name="This", own_fields={"1": "PO"}, realm_id=books.realm_id)
    assert [each.own_fields for each in list_templates(books)] == [(), (), (("1", "PO"),)]


def test_a_form_opens_with_the_default_until_its_user_wants_another(books):
    user = make_user(books.company)
    other = make_preset(books.company, name="Other")
    make_preset(books.company, name="Standard", is_default=True)
    templates = list_templates(books)
    nothing, other_one, standard = templates
    assert opening_template(templates, user) == standard
    for used in (other_one, nothing):
        remember_template(templates, user, used)
        user.refresh_from_db()
        assert opening_template(templates, user) == used
    remember_template(templates, user, standard)
    assert user.preset_choice == ""
    remember_template(templates, user, other_one)
    other.delete()
    assert opening_template(list_templates(books), user).name == "Standard"


def test_a_default_replaces_the_one_before_in_one_go(books):
    first, second = make_preset(books.company, name="A", is_default=True), make_preset(books.company, name="B")
    save_preset(second, by="Priya Nair", values={"is_default": True})
    first.refresh_from_db()
    assert (first.is_default, second.is_default) == (False, True)
