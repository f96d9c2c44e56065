"""`script/guards` takes minutes and is run by hand; that its list fits the code is seen here."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_guards import GUARDS, Guard

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_stands_once_where_the_list_says(guard: Guard) -> None:
    assert (ROOT / guard.file).read_text().count(guard.line) == 1


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_the_tests_that_watch_a_guard_are_there(guard: Guard) -> None:
    assert guard.tests
    assert [name for name in guard.tests.split() if not (ROOT / name).exists()] == []
