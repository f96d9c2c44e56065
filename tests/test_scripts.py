"""Who asks a script what it does is told, and nothing is done."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["audit", "ledger", "lock", "messages", "server"])
@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_help_prints_the_head_of_a_script_and_does_nothing(name: str, asked: str, tmp_path: Path) -> None:
    for file in (name, "usage"):
        shutil.copy(ROOT / "script" / file, tmp_path)
    answer = subprocess.run([tmp_path / name, asked], capture_output=True, text=True, timeout=20, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    first_words = (ROOT / "script" / name).read_text().splitlines()[1].removeprefix("# ")
    assert answer.stdout.startswith(first_words)
    assert "set -" not in answer.stdout
