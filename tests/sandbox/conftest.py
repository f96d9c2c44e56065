"""A fresh stand-in for each test; its files are not the place for the app's own fixtures."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from .crm import Crm
from .desk import Desk


@pytest.fixture(scope="session", autouse=True)
def spared_collector() -> Iterator[None]:
    """Seeding makes many small objects; without this the collector goes through all of Django each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk()
    yield found
    found.close()


@pytest.fixture
def crm() -> Iterator[Crm]:
    found = Crm()
    yield found
    found.close()
