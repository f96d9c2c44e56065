"""The stand-in's webhooks: every change is told once, gathered and signed as Intuit does it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sandbox.quickbooks import notices

from .desk import Desk

TOKEN = "verifier-0123456789"


@pytest.fixture
def told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, Any]]]:
    """The notices that the app got, by which it was told since the desk was opened."""
    got: list[list[dict[str, Any]]] = []

    def send(config: Any, body: bytes) -> int:
        assert config.verifier_token == TOKEN
        got.append(json.loads(body))
        return 200

    monkeypatch.setattr(notices, "send", send)
    monkeypatch.setattr(notices, "DELAY", 0)
    desk.control("/quickbooks/notices", {"verifier_token": TOKEN})
    return got


def settle(desk: Desk) -> None:
    for task in list(desk.sandbox.worlds["quickbooks"].notices.tasks):  # type: ignore[attr-defined]
        desk.loop.run_until_complete(asyncio.wait_for(task, 5))


def test_a_payment_tells_of_itself_and_of_its_invoice(desk: Desk, told: list[list[dict[str, Any]]]) -> None:
    made = desk.saved("invoice", desk.invoice())
    settle(desk)
    desk.book("payment", id=made["Id"])
    settle(desk)
    kinds = [{(event["type"], event["intuitaccountid"]) for event in notice} for notice in told]
    assert kinds == [
        {("qbo.invoice.created.v1", desk.realm)},
        {("qbo.payment.created.v1", desk.realm), ("qbo.invoice.updated.v1", desk.realm)},
    ]
    assert made["Id"] in {event["intuitentityid"] for event in told[1]}
    assert desk.control("/quickbooks/notices", {}) == {"waiting": 0, "sent": [200, 200]}


def test_a_deletion_is_told(desk: Desk, told: list[list[dict[str, Any]]]) -> None:
    made = desk.saved("invoice", desk.invoice())
    settle(desk)
    desk.book("delete", id=made["Id"])
    settle(desk)
    assert [event["type"] for event in told[-1]] == ["qbo.invoice.deleted.v1"]


def test_changes_of_lists_and_settings_are_told(desk: Desk, told: list[list[dict[str, Any]]]) -> None:
    desk.book("list_activity", entity="Term", id="1", active=False)
    desk.book("set_preferences", set={"SalesFormsPrefs": {"CustomTxnNumbers": True}})
    desk.saved("customer", {"DisplayName": "Kyoto Tea", "CurrencyRef": {"value": "JPY"}})
    settle(desk)
    kinds = [event["type"] for notice in told for event in notice]
    assert kinds == ["qbo.term.updated.v1", "qbo.preferences.updated.v1", "qbo.currency.created.v1"]


def test_nothing_is_told_without_a_token_and_after_a_reset(desk: Desk, told: list[list[dict[str, Any]]]) -> None:
    desk.control("/reset", {})
    desk.enter(desk.realm)
    desk.saved("invoice", desk.invoice())
    settle(desk)
    assert told == []


def test_the_signature_is_over_the_body() -> None:
    assert notices.signature(b"[]", "a") != notices.signature(b"[]", "b") != notices.signature(b"[ ]", "b")
