"""The goals, in the order in which they are run. A new family is a module of functions named with `harness.goal`."""

from __future__ import annotations

import importlib

FAMILIES = ("reads", "months", "notices", "sweeps", "neighbours", "pages", "vitals", "peers")


def load() -> None:
    for name in FAMILIES:
        importlib.import_module(f"tests.bench.{name}")
