"""The stand-in's own pages."""

from __future__ import annotations

from pathlib import Path

from ...pages import environment

TEMPLATES = environment(Path(__file__).parent)
