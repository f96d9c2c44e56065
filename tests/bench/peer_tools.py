"""Other people's tools: an environment of its own for each, made when it is first asked for, and one look of one.

The environments lie in `.venv/peers`, which git ignores, one folder for each set of exact versions.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / ".venv" / "peers"
LONGEST = 600  # seconds, of an installation or of a look


class NotInstalled(Exception):
    """Says why, in a line."""


@dataclass(frozen=True)
class Tool:
    """`program` is the part of `one_run.py`, `more` what its order says beside. `needs` are the exact versions to
    install; without any our own environment does. `watches` tools look at our invoices alone."""

    name: str
    program: str
    more: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    python: str = ">=3.10"
    watches: bool = False
    notes: str = ""

    def interpreter(self) -> Path:
        """Raises NotInstalled."""
        return environment(self.needs, self.python) if self.needs else Path(sys.executable)


@dataclass(frozen=True)
class Seen:
    """Invoices by id, as a tool told of them."""

    changed: set[str]
    deleted: set[str]


@dataclass(frozen=True)
class Look:
    """`seconds` without the start of Python and the imports; `peak` in MB, of the whole process."""

    seconds: float
    peak: float
    seen: Seen


def environment(needs: tuple[str, ...], python: str) -> Path:
    """The interpreter of an environment that has these and what they need. Raises NotInstalled."""
    folder = KEPT / "+".join(needs).replace("==", "-")
    interpreter, whole = folder / "bin" / "python", folder / "whole"
    if whole.exists():
        return interpreter
    shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"   installing {', '.join(needs)} …\n")
    sys.stdout.flush()
    uv = str(ROOT / ".venv" / "bin" / "uv")
    done([uv, "venv", "--quiet", "--no-python-downloads", "--python", python, str(folder)])
    try:
        done([uv, "pip", "install", "--quiet", "--system-certs", "--python", str(interpreter), *needs])
    except NotInstalled:  # uv knows nothing of pip's own configuration, see script/bootstrap
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", str(interpreter)]
        done([*pip, "install", *needs])
    whole.touch()
    return interpreter


def done(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST)
    except (OSError, subprocess.SubprocessError) as problem:
        said = str(getattr(problem, "stderr", None) or problem)
        raise NotInstalled(" ".join(said.split())[-300:]) from problem


def look(tool: Tool, order: dict[str, Any], variables: dict[str, str]) -> Look:
    """Runs it once, to its end, in its own process. Raises NotInstalled, and RuntimeError when it fails."""
    interpreter = tool.interpreter()
    with tempfile.TemporaryDirectory(prefix="pipedrive-qb-peer-") as place:
        folder = Path(place)
        vitals, file = folder / "vitals.json", folder / "order.json"
        file.write_text(json.dumps({**order, **tool.more, "folder": place, "vitals": str(vitals), "root": str(ROOT)}))
        with (folder / "told").open("w") as told, (folder / "log").open("w") as log:
            command = [str(interpreter), "-I", str(Path(__file__).with_name("one_run.py")), tool.program, str(file)]
            subprocess.run(
                command,
                cwd=place,
                env={**ours(), **variables},
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=log,
                timeout=LONGEST,
                check=False,
            )
        if not vitals.exists():
            raise RuntimeError(f"{tool.name}: {(folder / 'log').read_text()[-2000:]}")
        with (folder / "told").open() as lines:
            return Look(**json.loads(vitals.read_text()), seen=seen(lines))


def ours() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    return {**kept, "NO_PROXY": "127.0.0.1,localhost", "OAUTHLIB_INSECURE_TRANSPORT": "1"}


def seen(lines: Iterable[str]) -> Seen:
    """The invoices in a tap's or a connector's messages; each counts once, however often it was told."""
    found = Seen(set(), set())
    for line in lines:
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("type") != "RECORD":
            continue
        inner = message["record"]
        stream, row = message.get("stream") or inner["stream"], inner.get("data", inner)
        if stream == "invoices":
            found.changed.add(str(row["Id"]))
        elif stream == "deleted_objects" and row["Type"] == "Invoice":
            found.deleted.add(str(row["Id"]))
    return found


def reads(calls: Iterable[dict[str, Any]]) -> int:
    """Data reads among the stand-in's calls: those answered; a batch is as many as it has items."""
    return sum(call["items"] or 1 for call in calls if call["status"] == 200 and call["path"].startswith("/v3/"))
