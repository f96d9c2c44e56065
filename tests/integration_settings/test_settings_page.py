"""The settings inside Pipedrive, over the stand-in: what is shown, saved, refused, and who may."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils.html import escape

from integration_settings import services
from integration_settings.models import CompanySettings
from tests.factories import frame_token_of
from tests.integration_settings.settings_pages import CHOICES, CONTENT, SAVE, field_named, text_of
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db


def test_the_shell_asks_nobody(client, tenant, control):
    control.forget_requests()
    answer = client.get("/embed/settings", {"token": frame_token_of(tenant.user), "id": "f1"})
    assert answer.status_code == 200
    assert f'hx-get="{CONTENT}"' in answer.content.decode()
    assert control.requests() == []


def test_the_list_of_sections_is_in_the_order_of_the_page(client, tenant, headers):
    shown = text_of(client.get(CONTENT, headers=headers))
    listed = re.findall(r'class="nav-entry" href="#([a-z-]+)"', shown)
    assert listed == re.findall(r'<option value="([a-z-]+)">', shown.partition("</select>")[0])
    places = [shown.index(f' id="{section}"') for section in listed]
    assert places == sorted(places)
    assert shown.index(' id="items"') < shown.index(' id="products"') < shown.index(' id="presets"')


def test_each_table_of_the_settings_has_a_name_for_whoever_lists_them(client, tenant, headers):
    page = Page(client.get(CONTENT, headers=headers))
    titles = {element.attributes.get("id"): element.text for element in page.elements if element.tag in ("h2", "h3")}
    tables = [element for element in page.elements if element.tag == "table"]
    named = {titles.get(table.attributes.get("aria-labelledby", "")) for table in tables}
    assert named == {
        "Fields that fill the invoice",
        "Deal fields that tell of the invoices",
        "A deal that is invoiced and paid goes to",
        "Automatic invoices",
        "Rights",
    }


def test_both_connections_fields_and_terms_are_shown(client, tenant, headers):
    answer = client.get(CONTENT, headers=headers)
    shown = text_of(answer)
    assert answer.status_code == 200
    assert tenant.quickbooks.name in shown
    assert "QuickBooks Online, United Kingdom" in shown
    assert "GBP, more than one currency · VAT on · invoice numbers by QuickBooks" in shown
    assert "VAT number" in shown
    assert "Issued 13 Mar, due 27 Mar" in shown
    assert "Save for the company" in shown
    assert "Sign in again" in shown
    assert "/quickbooks/connect?ticket=" in shown


def test_all_fields_are_offered_in_groups_with_the_suggested_ones_chosen(client, tenant, headers, control):
    form = client.get(CONTENT, headers=headers).context["form"]
    groups = dict(form.fields["email_field"].choices)
    assert groups[""] == "Not filled"
    offered = [code for kind in ("Organization", "Person", "Deal") for code, _ in groups[kind]]
    assert {"organization.name", "organization.address", "person.emails", "deal.title"} <= set(offered)
    assert any(len(code) == len("deal.") + 40 for code in offered)
    # Bare ids mean nothing to anybody; the options of a custom field come with their labels.
    assert not {"deal.owner_id", "deal.label_ids", "person.label_ids"} & set(offered)
    assert "deal." + field_named(tenant, control, "deal", "Priority") in offered
    assert form["recipient_field"].value() == "organization.name"
    assert form["address_field"].value() == "organization.address"
    assert form["email_field"].value() == "person.emails"
    assert "" not in dict(form.fields["recipient_field"].choices)


def test_saving_is_for_everyone_in_the_company(client, tenant, headers, control, tom, page_token):
    vat = "organization." + field_named(tenant, control, "organization", "VAT no.")
    answer = client.post(SAVE, CHOICES | {"tax_id_field": vat, "due_days": "7"}, headers=headers)
    assert answer.status_code == 200
    tenant.company.refresh_from_db()
    assert f'data-snackbar="Saved for everyone in {escape(tenant.company.name)}"' in answer.content.decode()
    stored = CompanySettings.objects.get(company=tenant.company)
    assert (stored.tax_id_field, stored.due_days, stored.updated_by) == (vat, 7, tenant.user.name)
    shown = text_of(client.get(CONTENT, headers=page_token(tom, "settings")))
    assert "Organization – VAT no." in shown
    assert "Issued 13 Mar, due 20 Mar" in shown


def test_a_page_that_a_colleague_has_overtaken_saves_what_its_person_changed_and_no_more(client, tenant, headers):
    mine = Page(client.get(CONTENT, headers=headers)).fields()
    theirs = {
        "recipient_field": "person.name",
        "due_days": "30",
        "updates_customers": "on",
        "own_field_1": "deal.title",
    }
    assert client.post(SAVE, CHOICES | theirs, headers=headers).status_code == 200
    answer = client.post(SAVE, mine | {"due_days": "7", "memo_field": "deal.title"}, headers=headers)
    assert answer.status_code == 200
    stored = CompanySettings.objects.get(company=tenant.company)
    assert (stored.due_days, stored.memo_field) == (7, "deal.title")
    assert (stored.recipient_field, stored.updates_customers) == ("person.name", True)
    assert stored.own_fields_from == {"1": "deal.title"}
    assert Page(answer).fields()["recipient_field"] == "person.name"  # and here it is seen


def test_what_the_page_did_not_have_yet_stays_as_it_is(client, tenant, headers):
    CompanySettings.objects.update(own_fields_from={"1": "deal.title", "2": "deal.status"}, items_realm_id=tenant.realm)
    mine = Page(client.get(CONTENT, headers=headers)).fields()
    tenant.quickbooks.profile |= {"own_fields": [["1", "PO number"], ["2", "Cost centre"]]}
    tenant.quickbooks.save()
    assert "own_field_2" not in mine
    assert client.post(SAVE, mine | {"due_days": "7"}, headers=headers).status_code == 200
    stored = CompanySettings.objects.get(company=tenant.company)
    assert (stored.due_days, stored.own_fields_from) == (7, {"1": "deal.title", "2": "deal.status"})


def test_an_entry_that_was_refused_is_compared_with_what_is_stored_by_then(client, tenant, headers):
    mine = Page(client.get(CONTENT, headers=headers)).fields()
    CompanySettings.objects.update(recipient_field="person.name")
    refused = Page(client.post(SAVE, mine | {"due_days": "x"}, headers=headers)).fields()
    assert (refused["due_days"], refused["recipient_field"]) == ("x", "person.name")
    client.post(SAVE, refused | {"due_days": "7", "recipient_field": "organization.name"}, headers=headers)
    stored = CompanySettings.objects.get(company=tenant.company)
    assert (stored.due_days, stored.recipient_field) == (7, "organization.name")


@pytest.mark.parametrize(
    "shown", ["", "no json", "[1]", "[" * 100_000, '{"due_days": ["14"], "recipient_field": {}}'], ids=range(5)
)
def test_of_a_page_that_does_not_tell_what_it_showed_everything_counts(client, tenant, headers, shown):
    CompanySettings.objects.update(due_days=30)
    assert client.post(SAVE, CHOICES | {"shown": shown}, headers=headers).status_code == 200
    assert CompanySettings.objects.get(company=tenant.company).due_days == 14


@pytest.mark.parametrize(
    ("switch", "words"),
    [
        ("updates_customers", "Tick “Update this customer in QuickBooks” on every new invoice"),
        ("customer_terms_first", "The customer’s QuickBooks terms come first"),
    ],
)
def test_a_switch_is_off_until_the_company_says_so(client, tenant, headers, tom, page_token, switch, words):
    before = client.get(CONTENT, headers=headers)
    assert words in text_of(before)
    assert not before.context["form"][switch].value()
    client.post(SAVE, CHOICES | {switch: "on"}, headers=headers)
    assert getattr(CompanySettings.objects.get(company=tenant.company), switch)
    assert client.get(CONTENT, headers=headers).context["form"][switch].value()
    shown = text_of(client.get(CONTENT, headers=page_token(tom, "settings")))
    assert f'{words}</span><div class="read-only"><span>Yes</span>' in shown
    client.post(SAVE, CHOICES, headers=headers)
    assert not getattr(CompanySettings.objects.get(company=tenant.company), switch)


def test_fields_of_the_form_and_the_companys_own_can_be_filled_too(client, tenant, headers, control, tom, page_token):
    form = client.get(CONTENT, headers=headers).context["form"]
    further = [row.field.name for row in form.rows][4:]
    assert further == ["memo_field", "private_note_field", "cc_field", "own_field_1"]
    assert {form[name].value() for name in further} == {""}  # nothing is filled unless the company says so
    assert form["own_field_1"].label == "PO number"
    po = "deal." + field_named(tenant, control, "deal", "Customer PO")
    chosen = {"memo_field": "deal.title", "cc_field": "person.emails", "own_field_1": po}
    assert client.post(SAVE, CHOICES | chosen, headers=headers).status_code == 200
    stored = CompanySettings.objects.get(company=tenant.company)
    assert (stored.memo_field, stored.private_note_field, stored.cc_field) == ("deal.title", "", "person.emails")
    assert (stored.own_fields_from, stored.items_realm_id) == ({"1": po}, tenant.realm)
    assert "Deal – Customer PO" in text_of(client.get(CONTENT, headers=page_token(tom, "settings")))
    client.post(SAVE, CHOICES | {"own_field_1": ""}, headers=headers)
    assert CompanySettings.objects.get(company=tenant.company).own_fields_from == {}


def test_an_own_field_of_other_books_is_not_filled(client, tenant, headers):
    CompanySettings.objects.update(own_fields_from={"1": "deal.title"}, items_realm_id="another")
    assert client.get(CONTENT, headers=headers).context["form"]["own_field_1"].value() == ""


def test_a_mapped_field_that_is_gone_is_pointed_out_and_a_foreign_one_refused(client, tenant, headers):
    CompanySettings.objects.update(own_fields_from={"1": "deal.gone"}, items_realm_id=tenant.realm)
    answer = client.get(CONTENT, headers=headers)
    assert next(row.gone for row in answer.context["form"].rows if row.field.name == "own_field_1")
    assert "This field is gone from Pipedrive" in text_of(answer)
    refused = client.post(SAVE, CHOICES | {"memo_field": "deal.invented"}, headers=headers)
    assert refused.status_code == 422
    assert "does not have this field" in " ".join(refused.context["form"].errors["memo_field"])


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"due_days": ""}, "due_days", "0 means due on the invoice date"),
        ({"due_days": "-1"}, "due_days", "before the invoice date"),
        ({"due_days": "366"}, "due_days", "365 days"),
        ({"due_days": "7.5"}, "due_days", "whole number"),
        ({"due_days": "<b>"}, "due_days", "whole number"),
        ({"recipient_field": ""}, "recipient_field", "needs a recipient"),
        ({"recipient_field": "deal.invented"}, "recipient_field", "does not have this field"),
        ({"email_field": "company.secret"}, "email_field", "does not have this field"),
    ],
)
def test_a_wrong_entry_is_refused_at_its_field_and_the_rest_is_kept(client, tenant, headers, change, field, words):
    answer = client.post(SAVE, CHOICES | {"tax_id_field": "organization.website"} | change, headers=headers)
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])
    assert answer.context["form"]["tax_id_field"].value() == "organization.website"
    assert "1 thing to fix before this can be saved" in text_of(answer)
    assert CompanySettings.objects.get(company=tenant.company).tax_id_field == ""


def test_the_save_bar_compares_with_what_is_saved_even_after_a_refusal(client, tenant, headers):
    answer = client.post(SAVE, CHOICES | {"due_days": "999"}, headers=headers)
    entry = answer.context["form"]["due_days"].as_widget()
    assert 'value="999"' in entry
    assert 'data-saved="14"' in entry


def test_a_field_that_is_gone_from_pipedrive_is_pointed_out_at_its_row(client, tenant, headers):
    tenant.company.settings.tax_id_field = "organization." + "a" * 40
    tenant.company.settings.save()
    answer = client.get(CONTENT, headers=headers)
    gone = [row.field.name for row in answer.context["form"].rows if row.gone]
    assert gone == ["tax_id_field"]
    assert "This field is gone from Pipedrive" in text_of(answer)
    # Other choices can still be saved; the lost one is pointed out until somebody chooses.
    kept = client.post(SAVE, CHOICES | {"tax_id_field": "organization." + "a" * 40, "due_days": "9"}, headers=headers)
    assert kept.status_code == 200
    assert CompanySettings.objects.get(company=tenant.company).due_days == 9
    assert "This field is gone from Pipedrive" in text_of(kept)


def test_whoever_is_no_administrator_sees_everything_and_who_can_change_it(client, tenant, tom, page_token):
    answer = client.get(CONTENT, headers=page_token(tom, "settings"))
    shown = text_of(answer)
    assert tenant.quickbooks.name in shown
    assert f"Changing them is for Pipedrive administrators: {tenant.user.name}." in shown
    for forbidden in ("Save for the company", "Disconnect", "/quickbooks/connect", "<select name", "Sign in again"):
        assert forbidden not in shown


@pytest.mark.parametrize("path", [SAVE, "/embed/settings/disconnect"])
def test_whoever_is_no_administrator_changes_nothing(client, tenant, tom, page_token, path):
    answer = client.post(path, CHOICES | {"due_days": "1"}, headers=page_token(tom, "settings"))
    assert answer.status_code == 403
    assert answer.headers["X-Fragment"] == "swap"
    assert "Nothing was changed." in text_of(answer)
    tenant.quickbooks.refresh_from_db()
    assert tenant.quickbooks.is_connected
    assert CompanySettings.objects.get(company=tenant.company).due_days == 14


@pytest.mark.parametrize("path", [SAVE, "/embed/settings/disconnect"])
def test_whoever_no_longer_administers_changes_nothing_on_a_page_that_is_still_open(
    client, tenant, headers, control, path
):
    control.change_company(tenant.company.pipedrive_company_id, {"users": {tenant.user.user_id: {"admin": False}}})
    assert client.post(path, CHOICES | {"due_days": "3"}, headers=headers).status_code == 403
    assert CompanySettings.objects.get(company=tenant.company).due_days == 14
    tenant.quickbooks.refresh_from_db()
    assert tenant.quickbooks.is_connected


def test_rights_are_read_again_when_the_page_opens(client, tenant, headers, control):
    tenant.user.is_admin = False
    tenant.user.save()
    assert "Save for the company" in text_of(client.get(CONTENT, headers=headers))
    tenant.user.refresh_from_db()
    assert tenant.user.is_admin


def test_rights_are_asked_for_once_in_a_few_minutes(client, tenant, headers, control):
    control.forget_requests()
    client.get(CONTENT, headers=headers)
    client.get(CONTENT, headers=headers)
    assert len(control.requests("pipedrive", path="/users/me")) == 1
    assert len(control.requests("pipedrive", path="Fields")) == 3


def test_fields_that_cannot_be_read_leave_the_rest_usable(client, tenant, headers, control, no_waiting):
    control.fault("status", service="pipedrive", path="Fields", status=503)
    answer = client.get(CONTENT, headers=headers)
    shown = text_of(answer)
    assert answer.status_code == 200
    assert "The list of Pipedrive’s fields could not be read" in shown
    assert tenant.quickbooks.name in shown
    refused = client.post(SAVE, CHOICES | {"due_days": "3"}, headers=headers)
    assert refused.status_code == 422
    assert CompanySettings.objects.get(company=tenant.company).due_days == 14


def test_a_dead_pipedrive_grant_leads_to_a_new_install(client, tenant, headers, control):
    control.expire_tokens("pipedrive", tenant.pair.pipedrive_company_id, kind="all")
    answer = client.get(CONTENT, headers=headers)
    assert answer.status_code == 401
    assert "The app is not installed for you" in text_of(answer)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ("7", "due 20 Mar"),
        ("0", "due 13 Mar"),
        ("365", "Issued 13 Mar 2026, due 13 Mar 2027"),
        ("", ""),
        ("x", ""),
        ("999", ""),
    ],
)
def test_the_example_follows_the_entry(client, tenant, headers, days, words):
    shown = text_of(client.get(CONTENT, {"part": "due-example", "due_days": days}, headers=headers))
    assert words in shown
    assert bool(shown.strip()) is bool(words)


def test_hostile_names_are_shown_as_text(client, tenant, headers):
    tenant.company.name = tenant.quickbooks.name = '<script>alert(1)</script>"><img src=x>'
    tenant.company.save()
    tenant.quickbooks.save()
    for answer in (
        client.get(CONTENT, {"part": "connection"}, headers=headers),
        client.post(SAVE, CHOICES, headers=headers),
    ):
        assert "<script>" not in answer.content.decode()
        assert "<img" not in answer.content.decode()


@pytest.mark.parametrize("country", ["US", "AU", "CA"])
def test_words_follow_the_country_of_the_books(client, connect, page_token, country):
    tenant = connect(country)
    shown = Page(client.get(CONTENT, headers=page_token(tenant.user, "settings"))).text
    expected = {
        "US": ("Tax ID", "sales tax on", "QuickBooks keeps no tax number of customers in this country."),
        "CA": ("GST/HST number", "GST/HST on"),
        "AU": ("ABN", "GST on", "invoice numbers by whoever creates the invoice"),
    }
    for words in expected[country]:
        assert words in shown
    assert "VAT" not in shown.replace("VAT no.", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [("post", CONTENT), ("get", SAVE), ("get", "/embed/settings/disconnect"), ("get", "/embed/settings/check")],
)
def test_each_address_has_its_method(client, tenant, headers, method, path):
    assert getattr(client, method)(path, headers=headers).status_code == 405


def test_one_companys_settings_are_not_anothers(client, tenant, headers, other_company):
    client.post(SAVE, CHOICES | {"due_days": "3"}, headers=headers)
    assert CompanySettings.objects.get(company=other_company).due_days == 14
    assert other_company.name not in text_of(client.get(CONTENT, headers=headers))


# Fields of the deal that tell of its invoices


TOLD = ("deal_status_field", "deal_number_field", "deal_open_field")


def test_custom_fields_of_a_fitting_kind_are_offered_for_what_a_deal_tells(client, tenant, headers, control):
    form = client.get(CONTENT, headers=headers).context["form"]
    texts, amounts = (dict(form.fields[name].choices) for name in ("deal_number_field", "deal_open_field"))
    assert {"No field", "Invoice status", "Invoice numbers", "Customer PO"} <= set(texts.values())
    assert set(amounts.values()) == {"No field", "Deposit"}
    assert "deal.title" not in texts


def test_the_page_says_how_many_deals_get_a_field_that_was_just_chosen_and_how_soon(client, tenant, headers):
    said = f"the {services.DEALS_TOLD} deals that were invoiced last get it within the hour"
    assert said in text_of(client.get(CONTENT, headers=headers))
    assert timedelta(hours=1) > services.BETWEEN * (services.DEALS_TOLD / services.TOLD_AT_ONCE)


def test_what_a_deal_tells_is_saved_with_the_language_of_whoever_chose_it(client, tenant, headers, control):
    def reads(*language):
        company = tenant.pair.pipedrive_company_id
        control.change_company(company, {"users": {str(tenant.user.user_id): {"language": list(language)}}})
        client.get(CONTENT, headers=headers)

    status, number = (
        "deal." + field_named(tenant, control, "deal", f"Invoice {name}") for name in ("status", "numbers")
    )
    chosen = CHOICES | {"deal_status_field": status, "deal_number_field": number}
    reads("de", "DE")
    assert client.post(SAVE, chosen, headers=headers).status_code == 200
    reads("en", "GB")
    client.post(SAVE, chosen | {"due_days": "30"}, headers=headers)
    stored = CompanySettings.objects.get(company=tenant.company)
    assert [getattr(stored, name) for name in TOLD] == [status, number, ""]
    assert (stored.due_days, stored.deal_fields_language) == (30, "de")


def test_one_field_does_not_tell_two_things(client, tenant, headers, control):
    field = "deal." + field_named(tenant, control, "deal", "Invoice status")
    answer = client.post(SAVE, CHOICES | {"deal_status_field": field, "deal_number_field": field}, headers=headers)
    assert answer.status_code == 422
    assert "This field has the status already. Choose another one." in text_of(answer)
    assert not CompanySettings.objects.filter(company=tenant.company).exclude(deal_status_field="").exists()


def test_a_field_that_told_of_invoices_and_is_gone_is_pointed_out(client, tenant, headers):
    gone = f"deal.{'a' * 40}"
    CompanySettings.objects.update_or_create(company=tenant.company, defaults={"deal_status_field": gone})
    assert "so nothing is written. Choose another one or “No field”." in text_of(client.get(CONTENT, headers=headers))


def stages_of(tenant, control):
    """(the pipeline's name, its id, its last stage's id), of the company's first pipeline"""
    shown = control.company(tenant.pair.pipedrive_company_id)
    pipeline = next(iter(shown["pipelines"].values()))
    of_it = [int(number) for number, stage in shown["stages"].items() if stage["pipeline_id"] == pipeline["id"]]
    return pipeline["name"], pipeline["id"], max(of_it)


def test_the_stage_of_paid_deals_is_chosen_for_each_pipeline(client, tenant, headers, control):
    name, pipeline, last = stages_of(tenant, control)
    form = client.get(CONTENT, headers=headers).context["form"]
    assert [row.field.label for row in form.paid] == [name, "Service contracts"]
    assert dict(form[f"paid_stage_{pipeline}"].field.choices)[str(last)] == "Delivered"
    status = "deal." + field_named(tenant, control, "deal", "Invoice status")
    chosen = CHOICES | {"deal_status_field": status, f"paid_stage_{pipeline}": str(last)}
    assert client.post(SAVE, chosen, headers=headers).status_code == 200
    assert CompanySettings.objects.get(company=tenant.company).paid_stages == {str(pipeline): last}
    client.post(SAVE, chosen | {f"paid_stage_{pipeline}": ""}, headers=headers)
    assert CompanySettings.objects.get(company=tenant.company).paid_stages == {}


def test_a_stage_needs_a_field_that_keeps_the_status(client, tenant, headers, control):
    _, pipeline, last = stages_of(tenant, control)
    answer = client.post(SAVE, CHOICES | {f"paid_stage_{pipeline}": str(last)}, headers=headers)
    assert answer.status_code == 422
    assert "Choose a field: its status tells that a paid deal was moved already." in text_of(answer)


def test_stages_that_pipedrive_does_not_tell_of_stay_as_they_were_chosen(client, tenant, headers, control, no_waiting):
    field = "deal." + field_named(tenant, control, "deal", "Invoice status")
    CompanySettings.objects.update_or_create(
        company=tenant.company, defaults={"paid_stages": {"7": 70}, "deal_status_field": field}
    )
    control.fault("status", service="pipedrive", status=503, path="/stages$")
    assert client.post(SAVE, CHOICES | {"deal_status_field": field}, headers=headers).status_code == 200
    assert CompanySettings.objects.get(company=tenant.company).paid_stages == {"7": 70}
