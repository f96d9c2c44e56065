"""Notes of version 1: kept, cleaned, limited, changed and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from .crm import DEPOT, EWA, PHASE_2, SECRET, TOM, Crm


def test_a_note_hangs_on_its_deal_and_names_its_author(crm: Crm) -> None:
    crm.be(TOM)
    note = crm.note("<p>Invoice 1042</p>", pinned_to_deal_flag=1)
    assert note["deal"] == {"title": "Bramley Foods – warehouse racking, phase 2"}
    assert note["user"]["name"] == "Tom Hale"
    assert note["user"]["is_you"] is True
    assert note["pinned_to_deal_flag"] is True
    assert note["last_update_user_id"] is None
    assert note["add_time"] == note["update_time"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<p><b>Invoice</b> <i>1042</i><br>x</p>", "<p><b>Invoice</b> <i>1042</i><br>x</p>"),
        (
            "<ul><li>one</li><li>two</li></ul><ol><li><u>3</u></li></ol>",
            "<ul><li>one</li><li>two</li></ul><ol><li><u>3</u></li></ol>",
        ),
        ("<strong>a</strong><em>b</em>", "<strong>a</strong><em>b</em>"),
        ("a<script>alert(1)</script>b<style>p{}</style>", "ab"),
        ("<img src=x onerror=alert(1)>text<div class=x>in</div>", "textin"),
        ('<p onclick="x()" style="color:red">p</p>', "<p>p</p>"),
        ('<a href="javascript:alert(1)">x</a>', "x"),
        ("&lt;b&gt;O'Brien &amp; Sons&lt;/b&gt;", "&lt;b&gt;O'Brien &amp; Sons&lt;/b&gt;"),
        ("<b>never closed", "<b>never closed</b>"),
        ("<b>a</p>b</b>", "<b>ab</b>"),
        ("price < 5 & more", "price &lt; 5 &amp; more"),
    ],
)
def test_only_harmless_html_survives(crm: Crm, given: str, kept: str) -> None:
    assert crm.note(given)["content"] == kept


def test_a_web_link_survives_with_its_address_alone(crm: Crm) -> None:
    content = crm.note('<a href="https://qbo.example/a?b=1&amp;c=2" onclick="x()">Open</a>')["content"]
    assert 'href="https://qbo.example/a?b=1&amp;c=2"' in content
    assert "onclick" not in content


def test_a_change_keeps_the_entry_and_tells_who_and_when(crm: Crm) -> None:
    note = crm.note("Open")
    crm.be(TOM)
    crm.advance(60)
    changed = crm.call("PUT", f"/v1/notes/{note['id']}", json={"content": "Paid", "pinned_to_deal_flag": 1}).json()[
        "data"
    ]
    assert (changed["content"], changed["pinned_to_deal_flag"], changed["user_id"]) == ("Paid", True, 1001)
    assert changed["last_update_user_id"] == 1002
    assert changed["update_time"] > changed["add_time"] == note["add_time"]
    assert crm.data(f"/v1/notes/{note['id']}")["content"] == "Paid"


def test_a_deleted_note_is_gone(crm: Crm) -> None:
    note = crm.note("Open")
    assert crm.call("DELETE", f"/v1/notes/{note['id']}").json() == {"success": True, "data": True}
    assert crm.get(f"/v1/notes/{note['id']}").status_code == 404
    assert crm.call("PUT", f"/v1/notes/{note['id']}", json={"content": "x"}).status_code == 404
    assert crm.data("/v1/notes", deal_id=str(PHASE_2)) == []


def test_the_list_is_filtered_sorted_and_paged(crm: Crm) -> None:
    for number in range(5):
        crm.note(f"note {number}", add_time=f"2026-11-0{number + 1} 10:00:00")
    crm.note("elsewhere", deal_id=DEPOT)
    query = {"deal_id": str(PHASE_2), "sort": "add_time DESC", "limit": "2"}
    first = crm.get("/v1/notes", **query).json()
    assert [note["content"] for note in first["data"]] == ["note 4", "note 3"]
    assert first["additional_data"]["pagination"] == {
        "start": 0,
        "limit": 2,
        "more_items_in_collection": True,
        "next_start": 2,
    }
    last = crm.get("/v1/notes", start="4", **query).json()
    assert [note["content"] for note in last["data"]] == ["note 0"]
    assert last["additional_data"]["pagination"]["more_items_in_collection"] is False


def test_notes_of_a_hidden_deal_are_hidden(crm: Crm) -> None:
    note = crm.note("secret", deal_id=SECRET)
    crm.be(EWA)
    assert crm.get(f"/v1/notes/{note['id']}").status_code == 404
    assert crm.data("/v1/notes") == []
    assert crm.call("POST", "/v1/notes", json={"content": "x", "deal_id": SECRET}).status_code == 404


def test_a_deal_takes_a_hundred_notes(crm: Crm) -> None:
    for number in range(100):
        last = crm.note(f"note {number}")
    refused = crm.call("POST", "/v1/notes", json={"content": "one more", "deal_id": PHASE_2})
    assert refused.status_code == 403
    assert "limit" in refused.json()["error"]
    crm.call("DELETE", f"/v1/notes/{last['id']}")
    crm.note("room again")


@pytest.mark.parametrize(("size", "status"), [(100 * 1024, 200), (100 * 1024 + 1, 400)])
def test_a_note_takes_a_hundred_kilobytes(crm: Crm, size: int, status: int) -> None:
    body = {"content": "x" * size, "deal_id": PHASE_2}
    assert crm.call("POST", "/v1/notes", json=body).status_code == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"deal_id": PHASE_2}, 400),
        ({"content": "", "deal_id": PHASE_2}, 400),
        ({"content": "<script>x</script>", "deal_id": PHASE_2}, 400),
        ({"content": "x"}, 400),
        ({"content": "x", "deal_id": "1"}, 400),
        ({"content": "x", "deal_id": PHASE_2, "pinned_to_deal_flag": True}, 400),
        ({"content": "x", "deal_id": PHASE_2, "pinned_to_deal_flag": 2}, 400),
        ({"content": "x", "deal_id": PHASE_2, "colour": "red"}, 400),
        ({"content": "x", "deal_id": PHASE_2, "add_time": "2026-11-01T10:00:00Z"}, 400),
        ({"content": "x", "deal_id": 9999}, 404),
        ({"content": "x", "org_id": 9999}, 404),
    ],
)
def test_a_note_of_the_wrong_form_is_refused(crm: Crm, body: dict[str, Any], status: int) -> None:
    assert crm.call("POST", "/v1/notes", json=body).status_code == status
    assert crm.data("/v1/notes") == []


def test_only_an_administrator_writes_in_another_name(crm: Crm) -> None:
    assert crm.note("x", user_id=1002)["user"]["name"] == "Tom Hale"
    crm.be(TOM)
    assert crm.call("POST", "/v1/notes", json={"content": "x", "deal_id": PHASE_2, "user_id": 1001}).status_code == 403
