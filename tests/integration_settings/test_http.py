"""The one place that sends: time limits, repeats of reads, translation of lost answers, the log."""

from __future__ import annotations

import gzip
import logging
import re
import socket
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
import requests

from integration_settings import http, sockets
from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    ServiceUnavailable,
)

URL = "https://harbourpine.pipedrive.com/api/v2/deals/1"
QUERY = "https://quickbooks.api.intuit.com/v3/company/1/query"


# Repeats


@pytest.mark.parametrize(
    ("read", "tries", "elapsed", "status", "retry_after", "again"),
    [
        (True, 1, 0.0, None, None, True),
        (True, 2, 1.0, 503, None, True),
        (True, 3, 1.0, 503, None, False),  # twice is enough
        (True, 1, 0.0, 500, None, True),
        (True, 1, 4.9, 500, None, False),  # too late to start again
        (True, 1, 0.0, 429, 1.0, True),
        (True, 1, 0.0, 429, 60.0, False),  # too long for somebody who waits
        (True, 1, 0.0, 429, None, False),
        (True, 1, 0.0, 404, None, False),
        (True, 1, 0.0, 200, None, False),
        (True, 1, 0.0, 401, None, False),
        (False, 1, 0.0, None, None, False),  # a write may have been done
        (False, 1, 0.0, 503, None, False),
        (False, 1, 0.0, 429, 0.1, False),
    ],
)
def test_only_reads_are_repeated_and_not_for_long(read, tries, elapsed, status, retry_after, again):
    pause = http.pause_before_retry(
        read=read, tries=tries, elapsed=elapsed, status=status, retry_after=retry_after, dice=0.5
    )
    assert (pause is not None) is again
    if pause is not None:
        assert elapsed + pause <= http.RETRY_WINDOW
        assert pause >= (retry_after or 0)


def test_the_second_pause_is_longer_and_dice_spread_them():
    def pause(tries, dice):
        return http.pause_before_retry(read=True, tries=tries, elapsed=0, status=503, retry_after=None, dice=dice)

    assert pause(1, 0) < pause(2, 0) < pause(2, 0.9)


@pytest.mark.parametrize(
    ("method", "url", "read"),
    [
        ("GET", URL, True),
        ("POST", QUERY, True),
        ("post", QUERY + "?minorversion=75", True),
        ("POST", "https://x/v3/company/1/invoice?query=1", False),
        ("PUT", URL, False),
        ("DELETE", URL, False),
    ],
)
def test_queries_are_reads_although_they_are_posted(method, url, read):
    assert http.is_read(method, url) is read


def test_a_read_that_fails_twice_succeeds_the_third_time(vendor, no_waiting):
    vendor.get(URL, status=503)
    vendor.get(URL, body=requests.ConnectionError())
    vendor.get(URL, json={"success": True})
    assert http.open_session("pipedrive").get(URL).status_code == 200
    assert len(vendor.calls) == 3
    assert len(no_waiting) == 2


def test_a_write_is_sent_once(vendor, no_waiting):
    vendor.post(URL, status=503)
    assert http.open_session("pipedrive").post(URL, json={}).status_code == 503
    assert len(vendor.calls) == 1


# Lost answers


@pytest.mark.parametrize("problem", [requests.ReadTimeout(), requests.ConnectionError("reset"), OSError("reset")])
@pytest.mark.parametrize(("method", "expected"), [("GET", ServiceUnavailable), ("POST", OutcomeUnknown)])
def test_a_lost_answer_is_unavailable_for_reads_and_unknown_for_writes(vendor, no_waiting, problem, method, expected):
    vendor.add(method, URL, body=problem)
    with pytest.raises(expected) as caught:
        http.open_session("pipedrive").request(method, URL)
    assert type(caught.value) is expected


def test_a_write_that_was_never_sent_is_merely_unavailable(vendor, unused_port):
    vendor.add_passthru("http://127.0.0.1")
    with pytest.raises(ServiceUnavailable):
        http.open_session("pipedrive").post(f"http://127.0.0.1:{unused_port}/x", json={})
    vendor.post(URL, body=requests.ConnectTimeout())
    with pytest.raises(ServiceUnavailable):
        http.open_session("pipedrive").post(URL)


@pytest.fixture
def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(behaviour):
    """A server for one connection after the other that does what `behaviour(socket)` says."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        ended = threading.Event()

        def serve():
            while not ended.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.recv(65536)
                    with suppress(OSError):
                        behaviour(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        ended.set()
        thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def test_a_body_that_drips_for_ever_is_given_up(monkeypatch):
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.5)
    monkeypatch.setattr(http, "RETRY_WINDOW", 0.0)

    def drip(connection):
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        for _ in range(60):
            connection.sendall(b"1")
            time.sleep(0.05)

    assert seconds_until_given_up(drip) < 2.5


def seconds_until_given_up(behaviour):
    with server(behaviour) as url:
        begun = time.monotonic()
        with pytest.raises(ServiceUnavailable):
            http.open_session("pipedrive").get(url)
        return time.monotonic() - begun


DRIPS = {
    "a line of the head": (HEAD + b"X-Long: ", b"a"),
    "lines of the head": (HEAD, b"X-Many: a\r\n"),
    "promises to go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the length of a part": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
}


@pytest.mark.parametrize("first, then", DRIPS.values(), ids=DRIPS)
def test_an_answer_that_drips_before_its_body_is_given_up_as_well(monkeypatch, first, then):
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.5)
    monkeypatch.setattr(http, "RETRY_WINDOW", 0.0)

    def drip(connection):
        connection.sendall(first)
        for _ in range(60):
            connection.sendall(then)
            time.sleep(0.05)  # the drip is the fault; nothing is waited for

    assert seconds_until_given_up(drip) < 2.5


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_without_end_does_not_take_the_memory_of_all(monkeypatch, packed):
    monkeypatch.setattr(http, "LARGEST_BODY", 1_000_000)
    monkeypatch.setattr(http, "RETRY_WINDOW", 0.0)
    body = b" " * 1_500_000
    sent = gzip.compress(body) if packed else body
    encoding = b"Content-Encoding: gzip\r\n" if packed else b""
    answer = HEAD + encoding + f"Content-Length: {len(sent)}\r\n\r\n".encode() + sent
    with server(lambda connection: connection.sendall(answer)) as url, pytest.raises(OutcomeUnknown):
        http.open_session("pipedrive").post(url)


def test_a_server_that_never_answers_does_not_hold_us(monkeypatch):
    monkeypatch.setattr(http, "RETRY_WINDOW", 0.0)
    with server(lambda connection: time.sleep(1)) as url, pytest.raises(OutcomeUnknown):
        http.open_session("pipedrive", read_seconds=0.2).post(url)


def test_a_body_cut_short_is_no_answer(monkeypatch):
    monkeypatch.setattr(http, "RETRY_WINDOW", 0.0)
    answer = HEAD + b"Content-Length: 100\r\n\r\n{}"
    with server(lambda connection: connection.sendall(answer)) as url, pytest.raises(OutcomeUnknown):
        http.open_session("pipedrive").post(url)


def test_a_compressed_body_is_read(vendor):
    body = gzip.compress(b'{"a": 1}')
    answer = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with server(lambda connection: connection.sendall(answer)) as url:
        vendor.add_passthru("http://127.0.0.1")
        assert http.parse_json(http.open_session("pipedrive").get(url)) == {"a": 1}


def test_redirects_are_not_followed(vendor):
    vendor.get(URL, status=302, headers={"Location": "http://169.254.169.254/"})
    response = http.open_session("pipedrive").get(URL)
    assert response.status_code == 302
    assert len(vendor.calls) == 1


def test_every_call_has_a_time_limit(vendor):
    vendor.get(URL, json={})
    http.open_session("quickbooks").get(URL)
    assert vendor.calls[0].request.req_kwargs["timeout"] == (http.CONNECT_SECONDS, http.READ_SECONDS)
    assert http.READ_SECONDS + http.CONNECT_SECONDS + http.RETRY_WINDOW <= http.TOTAL_SECONDS


def test_sessions_share_no_headers():
    one, two = http.open_session("pipedrive", access_token="a"), http.open_session("pipedrive", access_token="b")
    assert (one.headers["Authorization"], two.headers["Authorization"]) == ("Bearer a", "Bearer b")


def test_calls_share_a_connection():
    accepted = []

    def answer_twice(connection):
        accepted.append(connection)
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
        if connection.recv(65536):
            connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n[]")

    with server(answer_twice) as url:
        answers = [http.open_session("pipedrive", access_token=token).get(url).text for token in ("a", "b")]
    assert (answers, len(accepted)) == (["{}", "[]"], 1)


def test_what_a_firewall_on_the_way_may_have_forgotten_is_not_used_any_more(monkeypatch):
    """It swallows what comes later without a word to either end: only the time limit would end a call."""
    kept = []

    def answer_once_and_say_nothing_more(connection):
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
        kept.append(connection.dup())

    monkeypatch.setattr(sockets, "KEPT_SECONDS", 0.0)
    with server(answer_once_and_say_nothing_more) as url:
        answers = [http.open_session("quickbooks", read_seconds=0.5).post(url).text for _ in range(2)]
    assert (answers, len(kept)) == (["{}", "{}"], 2)
    for connection in kept:
        connection.close()


def test_what_is_said_before_the_answer_leaves_it_to_nobody_else():
    """A server or a proxy in front of it may send 103 Early Hints, asked or not."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"

    def answer_twice(connection):
        connection.sendall(hints)
        time.sleep(0.3)  # hints come while the answer is being made: that it takes a while is the case
        connection.sendall(hints + HEAD + b'Content-Length: 3\r\n\r\n"a"')
        if connection.recv(65536):
            connection.sendall(HEAD + b'Content-Length: 3\r\n\r\n"b"')

    with server(answer_twice) as url:
        answers = [http.open_session("pipedrive", access_token=token).get(url) for token in ("a", "b")]
    assert [(each.status_code, each.text) for each in answers] == [(200, '"a"'), (200, '"b"')]


def test_what_an_address_was_looked_up_too_long_for_is_not_sent(monkeypatch):
    """Somebody else may have taken over the invoice by then."""
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.2)
    look_up = socket.getaddrinfo

    def slowly(*args, **kwargs):
        time.sleep(0.3)  # how long a name server keeps silent is the fault
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        with pytest.raises(ServiceUnavailable):
            http.open_session("pipedrive").post(f"http://127.0.0.1:{listening.getsockname()[1]}/x", json={})
        connection, _ = listening.accept()
        with connection:
            assert connection.recv(65536) == b""


def test_what_a_process_was_stopped_too_long_before_is_not_sent_on_a_kept_connection(monkeypatch):
    heard = []

    def answer_and_listen(connection):
        connection.sendall(HEAD + b'Content-Length: 3\r\n\r\n"a"')
        heard.append(connection.recv(65536))

    with server(answer_and_listen) as url:
        http.open_session("pipedrive").get(url)
        monkeypatch.setattr(http, "TOTAL_SECONDS", 0)
        with pytest.raises(ServiceUnavailable):
            http.open_session("pipedrive").post(url, json={})
    assert heard == [b""], "it was hung up"


def test_the_environment_leads_no_call_elsewhere(vendor, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {urlsplit(URL).hostname} login somebody password else")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    vendor.get(URL, json={})
    http.open_session("pipedrive", access_token="a").get(URL)
    sent = vendor.calls[0].request
    assert not sent.req_kwargs.get("proxies")
    assert sent.headers["Authorization"] == "Bearer a"


def test_cookies_of_one_answer_are_not_sent_with_the_next_call(vendor):
    vendor.get(URL, json={}, headers={"Set-Cookie": "who=a; Path=/"})
    session = http.open_session("pipedrive")
    session.get(URL), session.get(URL)
    assert "Cookie" not in vendor.calls[1].request.headers


@pytest.mark.parametrize(
    ("url", "params"),
    [
        (
            "https://api.example.com/v3/company/1/cdc",
            {"entities": "Invoice,Item", "changedSince": "2026-11-27T00:00:00+00:00"},
        ),
        ("https://api.example.com:8443/api/v2/deals", {"ids": [1, 2], "empty": "", "left_out": None}),
        ("https://api.example.com/x", {"text": "Ä & b/c?%~'"}),
        ("https://api.example.com/x", {}),
        ("https://api.example.com/x", None),
        ("https://api.example.com/a b/ä?kept=1", {"more": "2"}),
        ("https://api.example.com", {"more": "2"}),
    ],
)
@pytest.mark.parametrize(
    "content", [{}, {"data": {}}, {"data": "{}"}, {"data": {"a": "b"}}, {"json": {"a": 1}}, {"json": {}}]
)
@pytest.mark.parametrize("method", ["GET", "post"])
def test_what_is_sent_is_what_requests_would_send(vendor, method, url, params, content):
    """`responses` sees both, so its copy of a request is compared."""
    vendor.add(method.upper(), re.compile(".*"), json={})
    headers = {"User-Agent": "deal-invoices", "Accept-Encoding": "gzip, deflate", "X-Mine": "1"}
    http.open_session("pipedrive").request(
        method, url, params=params, headers={"X-Mine": "1"}, auth=("a", "b"), **content
    )
    requests.request(method, url, params=params, headers=headers, auth=("a", "b"), **content)
    ours, theirs = (call.request for call in vendor.calls)
    assert (ours.method, ours.url, ours.body, ours.headers) == (theirs.method, theirs.url, theirs.body, theirs.headers)


# What a status means


@pytest.mark.parametrize(
    ("status", "for_read", "for_write"),
    [
        (400, Rejected, Rejected),
        (401, ConnectionExpired, ConnectionExpired),
        (402, AccessDenied, AccessDenied),
        (403, AccessDenied, AccessDenied),
        (404, NotFound, NotFound),
        (408, ServiceUnavailable, OutcomeUnknown),
        (410, NotFound, NotFound),
        (422, Rejected, Rejected),
        (429, RateLimited, RateLimited),
        (500, ServiceUnavailable, OutcomeUnknown),
        (502, ServiceUnavailable, OutcomeUnknown),
        (504, ServiceUnavailable, OutcomeUnknown),
        (302, ServiceUnavailable, OutcomeUnknown),
    ],
)
def test_a_status_is_named_for_what_to_do(vendor, no_waiting, status, for_read, for_write):
    for method, expected in (("GET", for_read), ("POST", for_write)):
        vendor.add(method, URL, status=status)
        error = http.error_for("pipedrive", http.open_session("pipedrive").request(method, URL))
        assert type(error) is expected


def test_a_good_status_is_no_error(vendor):
    vendor.get(URL, json={})
    assert http.error_for("pipedrive", http.open_session("pipedrive").get(URL)) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "nonsense"}, 60),
        ({"x-ratelimit-reset": "9"}, 9),
        ({"x-ratelimit-reset": "9", "x-daily-ratelimit-token-remaining": "20"}, 9),
        ({"x-ratelimit-reset": "9", "x-daily-ratelimit-token-remaining": "many"}, 9),
        ({"Retry-After": "7", "x-daily-ratelimit-token-remaining": "0"}, 7),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 24 * 3600),
        ({"Retry-After": "2678400"}, 24 * 3600),
        ({"Retry-After": "inf"}, 60),
        ({"Retry-After": "nan"}, 60),
        ({"x-ratelimit-reset": str(datetime(2001, 9, 9, 2, tzinfo=UTC).timestamp())}, 0),
        ({"x-ratelimit-reset": str(datetime(2200, 1, 1, tzinfo=UTC).timestamp())}, 24 * 3600),
    ],
)
def test_a_limit_says_how_long_to_wait(vendor, headers, seconds):
    vendor.post(URL, status=429, headers=headers)
    error = http.error_for("quickbooks", http.open_session("quickbooks").post(URL))
    assert error.retry_after == seconds


# Numbers and logs


def test_fractions_are_decimals_and_whole_numbers_ints(vendor):
    vendor.get(URL, body='{"a": 0.1, "b": 12, "c": 1e2, "d": "0.1"}')
    found = http.parse_json(http.open_session("pipedrive").get(URL))
    assert found == {"a": Decimal("0.1"), "b": 12, "c": Decimal("1E+2"), "d": "0.1"}
    assert [type(value) for value in found.values()] == [Decimal, int, Decimal, str]


def test_json_is_utf_8_whatever_the_answer_says_it_is(vendor):
    for told in ("text/plain", "text/html; charset=iso-8859-1"):
        vendor.get(URL, body='\ufeff{"a": "Müller"}'.encode(), content_type=told)
        assert http.parse_json(http.open_session("pipedrive").get(URL)) == {"a": "Müller"}


def test_what_no_database_takes_is_told_as_a_mark(vendor):
    vendor.get(URL, body=r'{"a": ["half \ud83d", "whole \ud83d\ude00"], "n\u0000": "\u0000 \\u0000"}')
    found = http.parse_json(http.open_session("pipedrive").get(URL))
    assert found == {"a": ["half \ufffd", "whole \U0001f600"], "n\ufffd": "\ufffd \\u0000"}


def test_json_that_is_nested_without_end_is_none(vendor):
    vendor.get(URL, body="[" * 100_000)
    with pytest.raises(ValueError, match="deep"):
        http.parse_json(http.open_session("pipedrive").get(URL))


def test_the_log_names_the_call_and_the_trace_and_no_secret(vendor, caplog):
    vendor.post(QUERY, json={}, headers={"intuit_tid": "1-abc"})
    with caplog.at_level(logging.DEBUG):
        http.open_session("quickbooks", access_token="secret-token").post(
            QUERY, params={"secret": "in-query"}, data="secret body"
        )
    assert "quickbooks POST /v3/company/1/query 200" in caplog.text
    assert "trace=1-abc" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("name", ["intuit_tid", "Intuit-Tid"])
def test_intuits_trace_id_is_kept_as_it_is_documented_and_as_it_was_recorded(vendor, name):
    vendor.post(QUERY, json={}, headers={name: "1-abc"})
    assert http.trace_id_of("quickbooks", http.open_session("quickbooks").post(QUERY)) == "1-abc"


def test_an_error_carries_the_trace_id(vendor):
    vendor.post(URL, status=400, headers={"x-correlation-id": "c-1"})
    error = http.error_for("pipedrive", http.open_session("pipedrive").post(URL))
    assert (error.trace_id, error.status) == ("c-1", 400)
    assert str(error) == "pipedrive: POST /api/v2/deals/1 400"
