"""Deals and what hangs on them, version 2."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from .crm import DEPOT, EWA, MATILDA, ODD, PHASE_2, SECRET, SURVEY, TOM, Crm


def test_a_deal_carries_its_value_and_its_customer_but_only_their_ids(crm: Crm) -> None:
    deal = crm.data(f"/v2/deals/{PHASE_2}")
    assert (deal["title"], deal["value"], deal["currency"]) == (
        "Bramley Foods – warehouse racking, phase 2",
        24000,
        "GBP",
    )
    assert isinstance(deal["org_id"], int)
    assert isinstance(deal["person_id"], int)


def test_custom_fields_are_keyed_by_code_and_unset_ones_are_null(crm: Crm) -> None:
    fields = crm.data(f"/v2/deals/{PHASE_2}")["custom_fields"]
    assert all(len(code) == 40 for code in fields)
    assert fields[crm.field("Customer PO")] == "BF-2026-0871"
    assert fields[crm.field("Invoice numbers")] is None
    assert fields[crm.field("Deposit")] == {"value": 4800, "currency": "GBP"}
    assert isinstance(fields[crm.field("Priority")], int)


def test_labels_of_options_come_when_asked_for(crm: Crm) -> None:
    code = crm.field("Priority")
    fields = crm.data(f"/v2/deals/{PHASE_2}", include_option_labels="true", custom_fields=code)["custom_fields"]
    assert list(fields) == [code]
    assert fields[code]["label"] == "High"


def test_the_list_leaves_out_what_the_user_may_not_see(crm: Crm) -> None:
    everything = {deal["id"] for deal in crm.data("/v2/deals", limit="500")}
    crm.be(EWA)
    assert everything - {deal["id"] for deal in crm.data("/v2/deals", limit="500")} == {SECRET}


@pytest.mark.parametrize(
    "path", [f"/v2/deals/{SECRET}", f"/v2/deals/{SECRET}/products", f"/v2/deals/{SECRET}/discounts"]
)
def test_a_hidden_deal_is_not_found(crm: Crm, path: str) -> None:
    crm.be(TOM)
    assert crm.get(path).status_code == 200
    crm.be(EWA)
    answer = crm.get(path)
    assert answer.status_code == 404
    assert answer.json()["success"] is False


def test_lines_of_a_hidden_deal_are_left_out_of_a_list_for_several_deals(crm: Crm) -> None:
    crm.be(EWA)
    lines = crm.data("/v2/deals/products", deal_ids=f"{PHASE_2},{SECRET}")
    assert {line["deal_id"] for line in lines} == {PHASE_2}


def test_a_deal_may_have_no_products_at_all(crm: Crm) -> None:
    assert crm.data(f"/v2/deals/{SURVEY}/products") == []


def test_lines_come_page_by_page_without_gap_or_overlap(crm: Crm) -> None:
    orders: list[int] = []
    query = {"sort_by": "order_nr", "limit": "50"}
    while True:
        answer = crm.get(f"/v2/deals/{DEPOT}/products", **query).json()
        orders += [line["order_nr"] for line in answer["data"]]
        cursor = answer["additional_data"]["next_cursor"]
        if cursor is None:
            break
        query["cursor"] = cursor
    assert orders == list(range(1, 121))


def test_line_sums_follow_from_quantity_price_and_discount(crm: Crm) -> None:
    lines = crm.data(f"/v2/deals/{ODD}/products", sort_by="order_nr")
    assert [line["sum"] for line in lines] == [1.46, 1365, 200.5, 37.5, 852]
    assert [line["is_enabled"] for line in lines] == [True, True, True, True, False]
    assert lines[0]["quantity"] == 0.333
    assert (lines[2]["discount"], lines[2]["discount_type"]) == (20, "amount")


def test_a_deal_has_discounts_besides_those_of_its_lines(crm: Crm) -> None:
    discounts = crm.data(f"/v2/deals/{ODD}/discounts")
    assert [(entry["type"], entry["amount"]) for entry in discounts] == [("percentage", 5), ("amount", 15.5)]


def test_instalments_need_to_know_which_deals(crm: Crm) -> None:
    assert crm.get("/v2/deals/installments").status_code == 400
    plan = crm.data("/v2/deals/installments", deal_ids="3", sort_by="billing_date")
    assert [entry["description"] for entry in plan] == ["Quarter 1", "Quarter 2", "Quarter 3", "Quarter 4"]


def test_australian_prices_include_their_tax(crm: Crm) -> None:
    crm.be(MATILDA)
    assert {line["tax_method"] for line in crm.data("/v2/deals/1/products")} == {"inclusive"}


def test_a_change_is_answered_and_kept(crm: Crm) -> None:
    code = crm.field("Invoice numbers")
    body = {"custom_fields": {code: "1054"}, "value": 24000.5, "stage_id": 5, "title": "Bramley, changed"}
    answer = crm.call("PATCH", f"/v2/deals/{PHASE_2}", json=body)
    assert answer.status_code == 200, answer.text
    for deal in (answer.json()["data"], crm.data(f"/v2/deals/{PHASE_2}")):
        assert (deal["title"], deal["value"], deal["stage_id"]) == ("Bramley, changed", 24000.5, 5)
        assert deal["custom_fields"][code] == "1054"


def test_winning_and_reopening_set_and_clear_the_times(crm: Crm) -> None:
    won = crm.call("PATCH", f"/v2/deals/{PHASE_2}", json={"status": "won"}).json()["data"]
    assert won["won_time"] == won["close_time"]
    assert won["local_won_date"] == won["won_time"][:10]
    again = crm.call("PATCH", f"/v2/deals/{PHASE_2}", json={"status": "open"}).json()["data"]
    assert (again["won_time"], again["close_time"], again["local_won_date"]) == (None, None, None)


@pytest.mark.parametrize(
    "body",
    [
        {"value": "24000"},
        {"value": True},
        {"title": 5},
        {"title": " "},
        {"status": "paid"},
        {"stage_id": 99},
        {"org_id": "1"},
        {"currency": "XXX"},
        {"expected_close_date": "23.11.2026"},
        {"invoice": "1054"},
        {"custom_fields": {"f" * 40: "x"}},
        {"custom_fields": []},
        [],
    ],
)
def test_a_change_of_the_wrong_form_is_refused_and_changes_nothing(crm: Crm, body: Any) -> None:
    before = crm.data(f"/v2/deals/{PHASE_2}")
    assert crm.call("PATCH", f"/v2/deals/{PHASE_2}", json=body).status_code == 400
    assert crm.data(f"/v2/deals/{PHASE_2}") == before


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("Customer PO", "x" * 255, True),
        ("Customer PO", "x" * 256, False),
        ("Customer PO", 5, False),
        ("Priority", "High", False),
        ("Priority", 9999, False),
        ("Came through", [], False),
        ("Came through", None, True),
        ("Deposit", {"value": 5, "currency": "GBP"}, True),
        ("Deposit", 5, False),
        ("Work period", {"value": "2026-12-01", "until": "2026-12-05"}, True),
        ("Work period", {"value": "2026-12-01"}, False),
        ("Work period", "2026-12-01", False),
        ("Delivery address", {"value": "1 Test Street"}, True),
        ("Delivery address", "1 Test Street", False),
    ],
)
def test_a_custom_value_has_the_form_of_its_fields_type(crm: Crm, name: str, value: Any, good: bool) -> None:
    body = {"custom_fields": {crm.field(name): value}}
    assert (crm.call("PATCH", f"/v2/deals/{PHASE_2}", json=body).status_code == 200) is good


def test_labels_are_bare_ids(crm: Crm) -> None:
    assert crm.data(f"/v2/deals/{PHASE_2}", include_option_labels="true")["label_ids"] == [901, 902]


def test_a_period_has_two_days(crm: Crm) -> None:
    shown = crm.data(f"/v2/deals/{PHASE_2}")["custom_fields"][crm.field("Work period")]
    assert shown == {"value": "2026-11-30", "until": "2026-12-04"}


def test_deals_are_listed_by_when_they_changed_and_by_their_status(crm: Crm) -> None:
    def listed(**query: str) -> dict[int, str]:
        return {deal["id"]: deal["status"] for deal in crm.data("/v2/deals", limit="500", **query)}

    moment = crm.data(f"/v2/deals/{PHASE_2}")["update_time"]
    assert PHASE_2 in listed(updated_since=moment)
    later = (datetime.fromisoformat(moment) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert PHASE_2 not in listed(updated_since=later)
    assert set(listed(status="won").values()) <= {"won"}
    assert PHASE_2 in listed(status="open,won,lost,deleted")
    assert crm.get("/v2/deals", status="open,closed").status_code == 400


def test_a_deleted_deal_is_listed_for_who_asks_for_deleted_ones(crm: Crm) -> None:
    crm.control("/pipedrive/company", {"id": 101, "set": {"deals": {str(PHASE_2): {"is_deleted": True}}}})
    assert PHASE_2 not in {deal["id"] for deal in crm.data("/v2/deals", limit="500")}
    assert PHASE_2 in {deal["id"] for deal in crm.data("/v2/deals", limit="500", status="won,deleted")}
    assert PHASE_2 not in {deal["id"] for deal in crm.data("/v2/deals", limit="500", status="open,won,lost")}
