"""The table, for a terminal and for docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

from django.utils import timezone

from tests.bench.harness import GOALS, Result

COLUMNS = ("goal", "what", "target", "measured", "", "reads", "s", "CPU s", "MB")


def verdict(result: Result) -> str:
    return {True: "met", False: "MISSED", None: "–"}[result.met]


def figure(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def cells(result: Result) -> list[str]:
    figures = (result.reads, result.seconds, result.cpu, result.rss)
    told = [result.goal, result.what, result.target, result.measured, verdict(result)]
    return [*told, *(figure(value) for value in figures)]


def line(result: Result) -> str:
    parts = f"   {verdict(result):<6} {result.what}: {result.measured} (target {result.target})"
    return parts + (f"\n          {result.notes}" if result.notes else "")


def table(results: Iterable[Result]) -> str:
    rows = [list(COLUMNS), *(cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def write(path: Path, results: list[Result], *, load: str, short: bool) -> None:
    """The page. Goals that were not measured in this run keep the section that an earlier one has written."""
    head = [
        "# Benchmarks",
        "",
        "Written by `script/bench`: every figure is measured, none is typed. Each section says when.",
        "PostgreSQL and Redis run on the same machine, and commits go to the disk.",
        "",
        "`sandbox` are the full stand-ins. `fleet` is a small one for very many companies, in its own process, whose",
        "CPU is not counted. “reads” are data reads of QuickBooks, which are metered, “CPU s” is that of our own",
        "processes together, “MB” the peak of the biggest of them.",
    ]
    run = (
        f"{timezone.now():%d %B %Y}, {os.cpu_count()} cores, Python {platform.python_version()}, load before the start:"
        f" {load}{'; a shortened run' if short else ''}."
    )
    sections = written(path) | {
        name: "\n".join([run, "", *page(result for result in results if result.goal == name)])
        for name in dict.fromkeys(result.goal for result in results)
    }
    head += ["", *summary(sections)]
    text = [f"\n## {name} {GOALS[name].title}\n\n{sections[name]}" for name in GOALS if name in sections]
    left = [name for name in GOALS if name not in sections]
    path.write_text("\n".join([*head, *text, *([f"\nNot measured yet: {', '.join(left)}."] if left else [])]) + "\n")


def summary(sections: dict[str, str]) -> list[str]:
    """What became of each goal, for who reads no further."""
    lines = ["| goal | figures that met it |", "| --- | --- |"]
    for name in (name for name in GOALS if name in sections):
        met, missed = (sections[name].count(f"| {word} |") for word in ("met", "MISSED"))
        title = f"{name} {GOALS[name].title}"
        link = re.sub(r"[^a-z0-9 ]", "", title.lower()).replace(" ", "-")
        lines.append(f"| [{title}](#{link}) | {f'{met} of {met + missed}' if met + missed else '–'} |")
    return lines


def written(path: Path) -> dict[str, str]:
    """The sections that are there, by their goals, without the headings."""
    found: dict[str, str] = {}
    for part in path.read_text().split("\n## ")[1:] if path.exists() else []:
        heading, _, body = part.partition("\n")
        found[heading.split()[0]] = body.partition("\nNot measured yet:")[0].strip()
    return found


def page(results: Iterable[Result]) -> list[str]:
    found = list(results)
    lines = [
        "| what | target | measured | | reads | s | CPU s | MB | against |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [f"| {' | '.join([*cells(result)[1:], result.against])} |" for result in found]
    notes: dict[str, list[str]] = {}
    for result in found:
        if result.notes:
            notes.setdefault(result.notes, []).append(result.what)
    return [*lines, *(f"\n{'; '.join(dict.fromkeys(about))}: {note}." for note, about in notes.items())]
