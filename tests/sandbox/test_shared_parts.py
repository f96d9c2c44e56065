"""Clock, faults, recording and the process that serves both stand-ins."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .desk import GB, Desk, refusal

ROOT = Path(__file__).resolve().parents[2]


def fault(desk: Desk, kind: str, **more: Any) -> None:
    desk.control("/faults", {"kind": kind, "service": "quickbooks", **more})


def test_the_clock_moves_and_a_reset_brings_it_back(desk: Desk) -> None:
    assert desk.control("/clock", {"set": "2026-12-01T09:00:00Z"})["now"].startswith("2026-12-01T09:00:0")
    assert desk.control("/clock", {"advance_seconds": 86400})["now"].startswith("2026-12-02")
    desk.control("/reset", {})
    assert not desk.control("/clock", method="GET")["now"].startswith("2026-12-02")


def test_a_reset_brings_the_seeds_back(desk: Desk) -> None:
    desk.saved("customer", {"DisplayName": "Temporary"})
    fault(desk, "status", status=500)
    desk.control("/reset", {})
    assert desk.get("preferences").status_code == 401
    desk.enter(GB)
    assert desk.rows("select * from Customer where DisplayName = 'Temporary'") == []
    assert desk.control("/requests", method="GET")[-1]["path"].endswith("/query")


def test_a_call_that_was_under_way_at_a_reset_is_not_counted_after_it(desk: Desk) -> None:
    """A killed worker's call may be held by a fault for long; it is no call of the next test."""
    fault(desk, "hang", seconds=3600, path="/preferences$")
    under_way = desk.loop.create_task(desk.http.get(desk.url("preferences"), headers=desk.headers()))
    for _ in range(50):  # turns of the loop, until nothing is left to do but to hang
        desk.loop.run_until_complete(asyncio.sleep(0))
    desk.control("/reset", {})
    under_way.cancel()
    desk.loop.run_until_complete(asyncio.gather(under_way, return_exceptions=True))
    assert under_way.cancelled()
    assert [call for call in desk.control("/requests", method="GET") if call["path"].endswith("/preferences")] == []


@pytest.mark.parametrize(("status", "code"), [(429, "3001"), (500, "10000"), (503, "10000"), (403, "3100")])
def test_a_status_comes_before_the_work_with_the_vendors_body(desk: Desk, status: int, code: str) -> None:
    fault(desk, "status", status=status, times=1, path="/customer$", retry_after=7)
    answer = desk.post("customer", {"DisplayName": "Never made"})
    assert refusal(answer)[:2] == (status, code)
    assert answer.headers["retry-after"] == "7"
    assert desk.saved("customer", {"DisplayName": "Never made"})


def test_a_request_is_recorded_whole_even_if_a_fault_answers_it_unread(tmp_path: Path) -> None:
    file = tmp_path / "exchanges.jsonl"
    desk = Desk(exchange_log=str(file))
    desk.enter(GB)
    fault(desk, "status", status=503, times=1, path="/customer$")
    desk.post("customer", {"DisplayName": "Never made"})
    desk.saved("customer", {"DisplayName": "Made"})
    desk.close()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    sent = [json.loads(line["request_body"])["DisplayName"] for line in lines if "/customer" in line["url"]]
    assert sent == ["Never made", "Made"]


def test_half_a_request_is_none(desk: Desk, tmp_path: Path) -> None:
    """A worker may be killed between the head of a request and its body."""
    file = tmp_path / "exchanges.jsonl"
    desk.sandbox.log.open(str(file))
    arrived = iter([{"type": "http.request", "body": b'{"Display', "more_body": True}, {"type": "http.disconnect"}])
    answered: list[Any] = []

    async def receive() -> Any:
        return next(arrived)

    async def send(message: Any) -> None:
        answered.append(message)

    head = [(name.lower().encode(), value.encode()) for name, value in desk.headers().items()]
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/v3/company/{GB}/customer",
        "query_string": b"",
        "headers": head,
    }
    desk.loop.run_until_complete(desk.sandbox.apps["quickbooks"](scope, receive, send))
    desk.sandbox.log.open(None)
    assert answered == []
    assert file.read_text() == ""
    assert [call for call in desk.control("/requests", method="GET") if call["path"].endswith("/customer")] == []


def test_an_expired_token_can_be_pretended(desk: Desk) -> None:
    fault(desk, "status", status=401, times=1)
    assert desk.get("preferences").json()["fault"]["error"][0]["code"] == "3200"


def test_an_error_after_the_work_leaves_the_work_done(desk: Desk) -> None:
    fault(desk, "error_after", status=502, times=1, method="POST")
    assert desk.post("customer", {"DisplayName": "Made all the same"}, requestid="q1").status_code == 502
    assert desk.customer("Made all the same")
    assert desk.saved("customer", {"DisplayName": "Made all the same"}, requestid="q1")


def test_a_lost_answer_leaves_the_work_done_and_a_reset_connection_does_not(desk: Desk) -> None:
    for kind, found in (("lost", 1), ("reset", 0)):
        fault(desk, kind, times=1, method="POST")
        with pytest.raises(ConnectionError):
            desk.post("customer", {"DisplayName": kind})
        assert len(desk.rows(f"select * from Customer where DisplayName = '{kind}'")) == found


def test_html_may_come_instead_of_json(desk: Desk) -> None:
    fault(desk, "html", times=1)
    answer = desk.get("preferences")
    assert (answer.status_code, answer.headers["content-type"][:9]) == (502, "text/html")


@pytest.mark.parametrize("kind", ["latency", "hang"])
def test_an_answer_can_be_late(desk: Desk, kind: str) -> None:
    fault(desk, kind, times=1, seconds=0.2)
    start = time.monotonic()
    assert desk.get("preferences").status_code == 200
    assert time.monotonic() - start >= 0.2


def test_a_rule_skips_counts_and_chooses(desk: Desk) -> None:
    fault(desk, "status", status=500, skip=1, times=1, path="preferences", company=GB)
    fault(desk, "status", status=503, service="pipedrive")
    fault(desk, "status", status=503, company="1")
    assert [desk.get("preferences").status_code for _ in range(3)] == [200, 500, 200]
    fault(desk, "status", status=500)
    assert desk.get("preferences").status_code == 500
    desk.control("/faults", method="DELETE")
    assert desk.get("preferences").status_code == 200


@pytest.mark.parametrize("body", [{"kind": "fire"}, {"kind": "status", "colour": 1}, {"kind": "lost", "path": "("}])
def test_a_rule_that_makes_no_sense_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    assert desk.send("POST", "/_sandbox/faults", json=body).status_code == 400


def test_the_ledger_tells_every_call(desk: Desk) -> None:
    desk.control("/requests", method="DELETE")
    fault(desk, "status", status=429, times=1)
    desk.post("customer", {"DisplayName": "x"}, requestid="abc")
    desk.send("GET", f"/web/{GB}")
    (call,) = desk.control("/requests?service=quickbooks", method="GET")
    assert (call["service"], call["method"], call["company"]) == ("quickbooks", "POST", GB)
    assert (call["path"], call["requestid"]) == (f"/v3/company/{GB}/customer", "abc")
    assert (call["status"], call["fault"]) == (429, "status")


def test_the_recording_keeps_the_scheme_but_no_secret(tmp_path: Path) -> None:
    desk = Desk(exchange_log=str(tmp_path / "run.jsonl"))
    desk.control("/test", {"name": "a test"})
    tokens = desk.exchange(desk.consent()["code"]).json()
    desk.token = tokens["access_token"]
    desk.get("preferences")
    desk.refresh(tokens["refresh_token"])
    desk.token = "x" * 40
    desk.get("preferences")
    desk.send("GET", f"/web/{GB}")
    desk.close()
    text = (tmp_path / "run.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["url"] for line in lines] == [
        "/oauth2/v1/tokens/bearer",
        f"/v3/company/{GB}/preferences",
        "/oauth2/v1/tokens/bearer",
        f"/v3/company/{GB}/preferences",
    ]
    assert lines[0]["request_headers"]["authorization"] == "Basic <redacted>"
    assert lines[1]["request_headers"]["authorization"] == "Bearer <redacted>"
    assert "grant_type=refresh_token" in lines[2]["request_body"]
    assert {line["test"] for line in lines} == {"a test"}
    for secret in (tokens["access_token"][60:90], tokens["refresh_token"], "x" * 13):
        assert secret not in text


@pytest.fixture(scope="module")
def process() -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [sys.executable, "-m", "sandbox", "--pipedrive-port", "0", "--quickbooks-port", "0", "--no-throttle"]
    environment = {**os.environ, "EXCHANGE_LOG": ""}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as found:
        assert found.stdout is not None
        yield found, json.loads(found.stdout.readline())
        if found.poll() is None:
            found.kill()


def test_one_process_serves_both_and_closes_connections_for_real(
    process: tuple[subprocess.Popen[str], dict[str, str]],
) -> None:
    running, urls = process
    with httpx.Client(trust_env=False) as http:
        url = urls["quickbooks"]
        assert http.get(f"{url}/.well-known/openid_configuration").json()["token_endpoint"].startswith(url)
        token = http.post(f"{url}/_sandbox/grant", json={"service": "quickbooks", "realm": GB}).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        for kind, error in (("lost", httpx.RemoteProtocolError), ("reset", httpx.TransportError)):
            http.post(f"{url}/_sandbox/faults", json={"kind": kind, "times": 1})
            with pytest.raises(error):
                http.get(f"{url}/v3/company/{GB}/preferences", headers=headers)
        assert http.get(f"{url}/v3/company/{GB}/preferences", headers=headers).status_code == 200
        assert http.get(f"{url}/_sandbox/static/base.css").status_code == 200
        for other in urls.values():
            assert http.get(f"{other}/_sandbox/clock").status_code == 200
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0
