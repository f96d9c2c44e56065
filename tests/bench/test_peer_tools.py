"""What `script/bench --peers` counts of other people's tools. No tool and no network is needed."""

from __future__ import annotations

import pytest

from tests.bench import peer_tools


def test_an_invoice_counts_once_however_a_tool_tells_of_it():
    lines = [
        "INFO no message at all\n",
        '{"type": "SCHEMA", "stream": "invoices", "schema": {}}\n',
        '{"type": "RECORD", "stream": "invoices", "record": {"Id": "7", "MetaData": {}}}\n',
        '{"type": "RECORD", "stream": "invoices", "record": {"Id": "7", "MetaData": {}}}\n',
        '{"type": "RECORD", "record": {"stream": "invoices", "data": {"Id": "8"}, "emitted_at": 1}}\n',
        '{"type": "RECORD", "stream": "deleted_objects", "record": {"Id": "9", "Type": "Invoice"}}\n',
        '{"type": "RECORD", "stream": "deleted_objects", "record": {"Id": "10", "Type": "Payment"}}\n',
        '{"type": "STATE", "value": {"bookmarks": {}}}\n',
    ]
    assert peer_tools.seen(lines) == peer_tools.Seen(changed={"7", "8"}, deleted={"9"})


def test_a_batch_is_as_many_reads_as_it_has_queries():
    def call(path, status=200, items=None):
        return {"path": path, "status": status, "items": items}

    company = "/v3/company/9130"
    calls = [call(f"{company}/batch", items=24), call(f"{company}/cdc"), call("/oauth2/v1/tokens/bearer")]
    assert peer_tools.reads(calls) == 25
    assert peer_tools.reads([call(f"{company}/query", status=401)]) == 0


def test_what_cannot_be_installed_says_why_and_is_tried_again(monkeypatch, tmp_path):
    monkeypatch.setattr(peer_tools, "KEPT", tmp_path)
    for _ in range(2):
        with pytest.raises(peer_tools.NotInstalled, match="99"):
            peer_tools.environment(("a-tool==1.0",), ">=99")
