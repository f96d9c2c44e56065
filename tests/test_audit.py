"""`script/audit` asks about every locked package, and never calls "nothing known" what it could not ask."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "sandbox/requirements.lock", "tests/requirements.lock")


@pytest.fixture
def audit(tmp_path):
    """audit(code, said) -> (exit code, all that was printed, the packages asked about), with a uv that says that."""

    def run(code, said):
        asked = tmp_path / "asked"
        asked.unlink(missing_ok=True)
        uv = tmp_path / "uv"
        uv.write_text(
            f"#!/bin/sh\ncp \"$6/pyproject.toml\" {asked}-$(ls {tmp_path} | wc -l)\necho '{said}'\nexit {code}\n"
        )
        uv.chmod(0o755)
        done = subprocess.run(
            ["script/audit"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "UV": str(uv)},
            capture_output=True,
            text=True,
            check=False,
        )
        files = sorted(tmp_path.glob("asked-*"), key=lambda file: file.stat().st_mtime_ns)
        projects = [tomllib.loads(file.read_text())["project"]["dependencies"] for file in files]
        return done.returncode, done.stdout + done.stderr, projects

    return run


def test_every_locked_version_is_asked_about(audit):
    code, _, projects = audit(0, "Found no known vulnerabilities")
    assert code == 0
    assert len(projects) == len(LOCKS)
    for lock, asked in zip(LOCKS, projects, strict=True):
        locked = set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;]+)", (ROOT / lock).read_text(), re.M))
        found = {(Requirement(text).name, str(Requirement(text).specifier).removeprefix("==")) for text in asked}
        assert found == locked


def test_a_known_hole_ends_it_with_one(audit):
    code, said, _ = audit(1, "django 5.2.19 has 1 known vulnerability")
    assert code == 1
    assert "known vulnerability" in said


def test_a_database_that_cannot_be_asked_is_no_good_news(audit):
    code, said, _ = audit(2, "error: Request failed after 3 retries")
    assert code == 2
    assert said.count("The database could not be asked") == len(LOCKS)
