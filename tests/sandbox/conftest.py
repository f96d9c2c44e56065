"""A fresh stand-in for each test; its files are not the place for the app's own fixtures."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .crm import Crm
from .desk import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk(exchange_log=os.environ.get("SANDBOX_TEST_EXCHANGES"))
    yield found
    found.close()


@pytest.fixture
def crm() -> Iterator[Crm]:
    found = Crm(exchange_log=os.environ.get("SANDBOX_TEST_EXCHANGES"))
    yield found
    found.close()
