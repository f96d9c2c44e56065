"""The look of the stand-ins' own pages."""

from __future__ import annotations

from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent


def environment(folder: Path) -> Environment:
    """Templates of one service, which may extend `base.html`; everything is escaped."""
    loader = ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(HERE)])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
