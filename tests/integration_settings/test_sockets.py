"""What goes out: whole, part by part, and only within the deadline of its call."""

from __future__ import annotations

import pytest

from integration_settings import http
from integration_settings.sockets import Outgoing, this_call
from tests.integration_settings.test_http import HEAD, server


@pytest.mark.parametrize("body", ["ü" * 300_000, b"x" * 300_000], ids=["text", "bytes"])
def test_a_large_body_arrives_whole_whether_it_is_text_or_bytes(body):
    arrived = []

    def hear_all(connection):
        connection.settimeout(5)
        sent = body.encode() if isinstance(body, str) else body
        told = b""
        while not told.endswith(sent[-1000:]):
            told += connection.recv(65536)
        arrived.append(told)
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    with server(hear_all) as url:
        assert http.open_session("quickbooks").post(url, data=body).text == "{}"
    assert len(arrived) == 1


def test_a_large_body_goes_out_part_by_part_and_only_in_time(monkeypatch):
    body = Outgoing(b"x" * 100)
    assert body.read(10) == b"x" * 10
    monkeypatch.setattr(this_call, "deadline", 0.0)
    with pytest.raises(TimeoutError):
        body.read(10)
