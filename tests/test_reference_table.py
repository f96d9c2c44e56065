"""docs/reference.md and docs/reliability.md: each point and each case has its row, and each row a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
POINTS = range(1, 48)
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", (ROOT / "docs" / "reference.md").read_text(), re.M)

CASES = re.findall(r"^\| ([A-Z]-?\d+) \| .+? \| .+? \| (.+?) \|$", (ROOT / "docs" / "reliability.md").read_text(), re.M)


def test_each_point_has_one_row():
    assert [int(number) for number, *_ in ROWS] == list(POINTS)


@pytest.mark.parametrize("number, proof", [(int(number), proof) for number, _, _, proof in ROWS])
def test_each_row_names_a_test_that_exists(number, proof):
    assert_exists(proof)


def test_each_case_has_one_row():
    assert len(CASES) > 60
    assert len({case for case, _ in CASES}) == len(CASES)


@pytest.mark.parametrize("case, proof", CASES)
def test_each_case_names_a_test_that_exists(case, proof):
    assert_exists(proof)


def assert_exists(proof):
    file, name = re.fullmatch(r"`(tests/\S+\.py)::(test_\w+)`", proof).groups()
    assert re.search(rf"^ *def {name}\(", (ROOT / file).read_text(), re.M), f"{file} has no {name}"
