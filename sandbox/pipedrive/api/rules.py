"""Which parameters and body members a call takes, and of which type: nothing else gets in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..wire import Record, RefusalError

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Param:
    """One query parameter. `kind`: int, text, flag (0 or 1), bool, date, moment; `many` is a list with commas."""

    kind: str = "text"
    choices: tuple[str, ...] = ()
    many: int = 0
    required: bool = False
    least: int | None = None
    most: int | None = None


INT, TEXT, BOOL = Param("int"), Param(), Param("bool")
LIMIT = Param("int", least=1, most=500)
DIRECTION = Param(choices=("asc", "desc"))
CUSTOM_FIELDS = Param(many=15)
IDS = Param("int", many=100)


def read_query(pairs: list[tuple[str, str]], rules: dict[str, Param]) -> Record:
    """The values of a query by name, lists as lists. Raises RefusalError (400)."""
    values: Record = {}
    for name, text in pairs:
        if name not in rules:
            raise RefusalError(400, f"Validation failed: query.{name}: unknown parameter")
        if name in values:
            raise RefusalError(400, f"Validation failed: query.{name}: given twice")
        rule = rules[name]
        if rule.many:
            parts = text.split(",")
            if len(parts) > rule.many:
                raise RefusalError(400, f"Validation failed: query.{name}: at most {rule.many} values")
            values[name] = [read_text(f"query.{name}", part, rule) for part in parts]
        else:
            values[name] = read_text(f"query.{name}", text, rule)
    for name, rule in rules.items():
        if rule.required and name not in values:
            raise RefusalError(400, f"Validation failed: query.{name}: required")
    return values


def read_text(where: str, text: str, rule: Param) -> Any:
    """The value that one text of a query stands for."""
    problem = ""
    if rule.choices and text not in rule.choices:
        problem = f"must be one of {', '.join(rule.choices)}"
    elif rule.kind == "int":
        if re.fullmatch(r"-?\d{1,18}", text):
            number = int(text)
            if (rule.least is None or number >= rule.least) and (rule.most is None or number <= rule.most):
                return number
            problem = f"must be between {rule.least} and {rule.most}"
        else:
            problem = "must be a whole number"
    elif rule.kind in ("flag", "bool"):
        words = {"0": False, "1": True} if rule.kind == "flag" else {"false": False, "true": True}
        if text in words:
            return words[text]
        problem = f"must be one of {', '.join(words)}"
    elif rule.kind == "date" and not DATE.fullmatch(text):
        problem = "must be a date, YYYY-MM-DD"
    elif rule.kind == "moment" and not MOMENT.fullmatch(text):
        problem = "must be a time as in RFC 3339"
    if problem:
        raise RefusalError(400, f"Validation failed: {where}: {problem}")
    return text


@dataclass(frozen=True)
class Member:
    """One member of a JSON body. `kind`: int, number, text, flag, bool, date, uuid, ints, object."""

    kind: str
    required: bool = False
    nullable: bool = False
    choices: tuple[str, ...] = ()


def fits(value: Any, kind: str) -> bool:
    """Strict: no number in quotes, no 1 for true (Pipedrive: v2 migration guide, strict types)."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    checks = {
        "int": whole,
        "number": whole or isinstance(value, Decimal),
        "text": isinstance(value, str),
        "flag": whole and value in (0, 1),
        "bool": isinstance(value, bool),
        "date": isinstance(value, str) and DATE.fullmatch(value) is not None,
        "uuid": isinstance(value, str) and UUID.fullmatch(value) is not None,
        "ints": isinstance(value, list) and all(fits(part, "int") for part in value),
        "object": isinstance(value, dict),
    }
    return checks[kind]


def check_body(body: Any, rules: dict[str, Member]) -> Record:
    """The body, if every member is known and of its type. Raises RefusalError (400)."""
    if not isinstance(body, dict):
        raise RefusalError(400, "Validation failed: body: must be an object")
    for name, value in body.items():
        if name not in rules:
            raise RefusalError(400, f"Validation failed: {name}: unknown member")
        rule = rules[name]
        if value is None and rule.nullable:
            continue
        if not fits(value, rule.kind):
            raise RefusalError(400, f"Validation failed: {name}: must be of type {rule.kind}")
        if rule.choices and value not in rule.choices:
            raise RefusalError(400, f"Validation failed: {name}: must be one of {', '.join(rule.choices)}")
    for name, rule in rules.items():
        if rule.required and name not in body:
            raise RefusalError(400, f"Validation failed: {name}: required")
    return body
