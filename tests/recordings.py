"""Answers that QuickBooks really gave, as public projects have recorded them.

They lie beside the repository, not in it: in `../shared/specs/quickbooks/recorded`, or wherever
QUICKBOOKS_RECORDINGS says. Without them the tests that need them are skipped; where CI is set they fail.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("QUICKBOOKS_RECORDINGS") or ROOT.parent / "shared/specs/quickbooks/recorded")


@dataclass(frozen=True)
class Recording:
    method: str
    address: str
    status: int
    body: bytes
    content_type: str = "application/json"

    @property
    def json(self) -> Any:
        """Numbers as our client gives them: exact."""
        return json.loads(self.body, parse_float=Decimal)


def folder() -> Path:
    if FOLDER.is_dir():
        return FOLDER
    reason = f"the recorded answers of QuickBooks are not at {FOLDER}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason)
    pytest.skip(reason)


def cassette(name: str) -> list[Recording]:
    """The exchanges of a cassette (YAML), in their order."""
    found = yaml.safe_load((folder() / "minimul-qbo_api-vcr" / f"{name}.yml").read_text())
    return [
        Recording(
            method=exchange["request"]["method"].upper(),
            address=exchange["request"]["uri"],
            status=exchange["response"]["status"]["code"],
            body=_bytes(exchange["response"]["body"]["string"]),
            content_type=exchange["response"]["headers"].get("Content-Type", ["application/json"])[0],
        )
        for exchange in found["http_interactions"]
    ]


def _bytes(body: str | bytes) -> bytes:
    return body if isinstance(body, bytes) else body.encode()


def answer(name: str) -> Recording:
    """The first answer in a file of 2026, e.g. "create-invoice"."""
    path = folder() / "nango-integration-templates" / f"quickbooks-tests-{name}.test.json"
    (method, by_address), *_ = json.loads(path.read_text())["api"].items()
    address, found = next(iter(by_address.items()))
    return Recording(method.upper(), address, found["status"], json.dumps(found["response"]).encode())


def xml(name: str) -> bytes:
    return (folder() / "ruckus-quickbooks-ruby" / f"{name}.xml").read_bytes()
