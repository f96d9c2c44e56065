"""Queries that every page asks. To make the statement costs the ORM several times what it takes to ask it, and it is
the same but for its values: here the ORM makes it once, and it is asked with other values from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from inspect import signature
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar, get_type_hints

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)
Values = ParamSpec("Values")
A_NUMBER, A_TEXT = 1_900_000_000, "a value to come, "  # stand for them, each with its place added
A_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
LARGEST = 2**63 - 1


class Statement(NamedTuple):
    compiler: SQLCompiler
    text: str
    values: tuple[Any, ...]
    places: tuple[Any, ...]  # what stands in `values` for each argument


class Prepared(Generic[Values, Row]):
    """Made from a function of ints, texts and moments, by position, that gives a query. Called, it gives that query's
    rows.
    """

    def __init__(self, ask: Callable[Values, QuerySet[Row]]) -> None:
        self.ask = ask
        self._statement: Statement | None = None

    def __call__(self, *arguments: Values.args, **_: Values.kwargs) -> list[Row]:
        made = self._statement = self._statement or self._make()
        if any(isinstance(value, int) and abs(value) > LARGEST for value in arguments):
            return []  # no column holds it, and the database would refuse it
        given = dict(zip(made.places, map(_as_column, arguments), strict=True))
        asking = copy(made.compiler)
        asking.connection = connections[DEFAULT_DB_ALIAS]  # this thread's
        values = tuple(given.get(value, value) for value in made.values)
        asking.as_sql = lambda *_: (made.text, values)  # type: ignore[method-assign]  # of this copy alone
        query = SimpleNamespace(get_compiler=lambda using: asking)
        rows: Any = SimpleNamespace(db=DEFAULT_DB_ALIAS, query=query, model=None, _known_related_objects={})
        return list(ModelIterable(rows))

    def _make(self) -> Statement:
        hints, names = get_type_hints(self.ask), signature(self.ask).parameters
        places = [_place(hints[name], at) for at, name in enumerate(names)]
        ask: Callable[..., QuerySet[Row]] = self.ask
        compiler = ask(*places).query.get_compiler(using=DEFAULT_DB_ALIAS)
        text, values = compiler.as_sql()
        return Statement(compiler, text, values, tuple(map(_as_column, places)))


def _place(kind: type, at: int) -> Any:
    if kind is datetime:
        return A_MOMENT.replace(microsecond=at)
    return A_NUMBER + at if kind is int else f"{A_TEXT}{at}"


def _as_column(value: Any) -> Any:
    """As it stands among a statement's values, in which SQLite has moments as texts."""
    if isinstance(value, datetime):
        return connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value(value)
    return value
