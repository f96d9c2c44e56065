"""What processes have used, from the kernel's own account (Linux)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """`cpu` in seconds, children that ended included; `rss` and `peak` in MB, of the biggest single process."""

    cpu: float = 0.0
    rss: float = 0.0
    peak: float = 0.0


def of(*roots: int) -> Usage:
    """Of these processes and everything below them."""
    cpu, rss, peak = 0.0, 0.0, 0.0
    for pid in family(roots):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        except (FileNotFoundError, ProcessLookupError):
            continue
        cpu += sum(int(field) for field in fields[11:15]) / TICK
        rss = max(rss, megabytes(status.get("VmRSS", "0 kB")))
        peak = max(peak, megabytes(status.get("VmHWM", "0 kB")))
    return Usage(cpu, rss, peak)


def peaks(*roots: int) -> dict[int, float]:
    """The peak of each of these processes and of everything below them, in MB."""
    found = {}
    for pid in family(roots):
        try:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[pid] = megabytes(status.get("VmHWM", "0 kB"))
    return found


def family(roots: tuple[int, ...]) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], list(roots)
    while left:
        pid = left.pop()
        found.append(pid)
        left += parents.get(pid, [])
    return found


def megabytes(text: str) -> float:
    return int(text.split(maxsplit=1)[0]) / 1024


def load() -> str:
    """The machine's load before the start: of the last one, five and fifteen minutes."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())
