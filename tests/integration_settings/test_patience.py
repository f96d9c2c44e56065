"""What is stored although the database is away for a moment; PostgreSQL itself restarts in `test_database_away`."""

from __future__ import annotations

import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)

from integration_settings import patience
from integration_settings.patience import patiently

pytestmark = pytest.mark.django_db  # whoever waits looks whether the connection is good any more


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The pauses that would have been made."""
    made = []
    monkeypatch.setattr(patience, "wait", made.append)
    return made


def failing(error, times):
    left = [error] * times

    def store():
        if left:
            raise left.pop()("server closed the connection unexpectedly")
        return "stored"

    return store


@pytest.mark.parametrize("error", [DatabaseError, InterfaceError, InternalError, OperationalError])
def test_it_waits_for_a_database_that_is_away_however_that_is_told(error, waits):
    assert patiently(failing(error, 3)) == "stored"
    assert len(waits) == 3


@pytest.mark.parametrize("error", [DataError, IntegrityError, ProgrammingError])
def test_what_is_the_statements_own_fault_is_told_at_once(error, waits):
    with pytest.raises(error):
        patiently(failing(error, 1))
    assert waits == []


def test_a_database_that_stays_away_is_told(monkeypatch):
    monkeypatch.setattr(patience, "LONGEST", 0)
    with pytest.raises(OperationalError):
        patiently(failing(OperationalError, 1))
