"""The file of variables, `.env`."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import environ

NAMED = re.compile(r"(export )?\w+=", re.ASCII)


def read_variables(path: Path) -> list[str]:
    """Puts what the file holds into the environment, where that says nothing else; nothing when there is no such file.

    What is wrong with it, one line each. A line of it may hold a secret, so none is repeated.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"{path.name} cannot be read: {error.strerror}."]
    except UnicodeDecodeError:
        return [f"{path.name} cannot be read: it is no text in UTF-8."]
    wrong = [number for number, line in enumerate(lines, 1) if line and line[0] != "#" and not NAMED.match(line)]
    environ.Env.read_env(StringIO("\n".join(line for line in lines if NAMED.match(line))))
    return [f"{path.name}: line {number} is not NAME=value, without a blank before the sign." for number in wrong]
