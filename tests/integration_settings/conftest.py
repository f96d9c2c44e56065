"""What the tests of this app share besides `tests/conftest.py`."""

from __future__ import annotations

import pytest

from tests.conftest import connect_user


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made."""
    pauses: list[float] = []
    monkeypatch.setattr("integration_settings.http.wait", pauses.append)
    return pauses


@pytest.fixture
def tenant(connect):
    return connect("GB")


@pytest.fixture
def headers(tenant, page_token):
    return page_token(tenant.user, "settings")


@pytest.fixture
def tom(tenant, control):
    """A colleague who is no administrator."""
    return connect_user(control, tenant.company, tenant.pair, "GB", tenant.pair.others[0]["id"])
