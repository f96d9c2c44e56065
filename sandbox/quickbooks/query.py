"""The query language: one entity, conditions joined by AND, order and page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from . import books as b
from . import refusals
from .tables import Table, value_of
from .wire import Row, date_from, moment_from

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|[=<>(),*;])|(?P<word>[\w.]+)|(?P<other>\S))", re.DOTALL
)
LONGEST_PAGE = 1000
TIMES = ("MetaData.CreateTime", "MetaData.LastUpdatedTime")
NAME = ("Id", "Name", "Active", *TIMES)
PERSON = ("Id", "DisplayName", "GivenName", "FamilyName", "CompanyName", "PrimaryEmailAddr", "Active", *TIMES)
FILTERABLE: dict[str, tuple[str, ...]] = {
    "Invoice": (
        "Id",
        "CustomerRef",
        "DocNumber",
        "TxnDate",
        "DueDate",
        "Balance",
        "SalesTermRef",
        "ProjectRef",
        *TIMES,
    ),
    "Customer": (*PERSON, "FullyQualifiedName", "Balance"),
    "Vendor": (*PERSON, "Balance"),
    "Employee": PERSON,
    "Payment": ("Id", "CustomerRef", "TxnDate", "TotalAmt", *TIMES),
    "CreditMemo": ("Id", "CustomerRef", "DocNumber", "TxnDate", "Balance", *TIMES),
    "Estimate": ("Id", "CustomerRef", "DocNumber", "TxnDate", "DueDate", *TIMES),
    "Item": (*NAME, "Sku", "Type", "FullyQualifiedName", "UnitPrice", "ParentRef"),
    "Account": (
        *NAME,
        "FullyQualifiedName",
        "AccountType",
        "AccountSubType",
        "Classification",
        "CurrentBalance",
        "ParentRef",
    ),
    "Term": NAME,
    "TaxCode": NAME,
    "TaxRate": NAME,
    "TaxAgency": ("Id", "DisplayName", *TIMES),
    "Class": (*NAME, "FullyQualifiedName"),
    "Department": (*NAME, "FullyQualifiedName"),
    "PaymentMethod": NAME,
    "CompanyCurrency": (*NAME, "Code"),
    "ExchangeRate": ("SourceCurrencyCode", "AsOfDate"),
    "RecurringTransaction": ("Id", *TIMES),
    "Attachable": ("Id", "FileName", "Note", "Category", *TIMES),
    "CompanyInfo": ("Id", *TIMES),
    "Preferences": ("Id", *TIMES),
}
DATES = {"TxnDate", "DueDate", "AsOfDate"}
NUMBERS = {"Balance", "TotalAmt", "UnitPrice", "CurrentBalance"}


@dataclass
class Condition:
    attribute: str
    operator: str
    values: list[Any]


@dataclass
class Statement:
    entity: str
    columns: list[str] | None = None
    counts: bool = False
    conditions: list[Condition] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    """(attribute, descending)"""
    start: int = 1
    limit: int = 100


class Parser:
    """Reads one statement. Raises 4000 where it makes no sense, 4001 where it names what does not exist."""

    def __init__(self, text: str) -> None:
        self.tokens = list(tokens(text))
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def word(self) -> str:
        return self.peek().lower()

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def expect(self, *words: str) -> str:
        token = self.take()
        if token.lower() not in words:
            raise refusals.query_does_not_parse(f'Encountered "{token}". Was expecting: {" or ".join(words).upper()}')
        return token

    def identifier(self) -> str:
        token = self.take()
        if not re.fullmatch(r"[A-Za-z][\w.]*", token):
            raise refusals.query_does_not_parse(f'Encountered "{token}". Was expecting: <IDENTIFIER>')
        return token

    def attribute(self) -> str:
        """Intuit's own examples also write `Metadata`."""
        return re.sub(r"^Metadata\.", "MetaData.", self.identifier())

    def statement(self) -> Statement:
        self.expect("select")
        columns, counts = self.columns()
        self.expect("from")
        found = Statement(self.identifier(), columns, counts)
        if found.entity not in FILTERABLE:
            raise refusals.invalid_query(f"Invalid context declaration: {found.entity}")
        if self.word() == "where":
            self.take()
            found.conditions = [self.condition(found.entity)]
            while self.word() == "and":
                self.take()
                found.conditions.append(self.condition(found.entity))
        self.rest(found)
        if self.peek() == ";":
            self.take()
        if self.peek():
            raise refusals.query_does_not_parse(f'Encountered "{self.peek()}". Was expecting: <EOF>')
        return found

    def columns(self) -> tuple[list[str] | None, bool]:
        if self.peek() == "*":
            self.take()
            return None, False
        first = self.identifier()
        if first.lower() == "count" and self.peek() == "(":
            for sign in ("(", "*", ")"):
                self.expect(sign)
            return None, True
        found = [first]
        while self.peek() == ",":
            self.take()
            found.append(self.identifier())
        return [name for name in found if name != "*"] or None, False

    def condition(self, entity: str) -> Condition:
        attribute = self.attribute()
        operator = self.take().lower()
        if operator not in ("in", "=", "<", ">", "<=", ">=", "like"):
            raise refusals.query_does_not_parse(f'Encountered "{operator}" after {attribute}')
        if attribute not in FILTERABLE[entity]:
            raise refusals.invalid_query(f"property '{attribute}' is not queryable")
        if operator == "in":
            self.expect("(")
            values = [self.value(attribute)]
            while self.peek() == ",":
                self.take()
                values.append(self.value(attribute))
            self.expect(")")
            return Condition(attribute, "in", values)
        return Condition(attribute, operator, [self.value(attribute, plain=operator == "like")])

    def value(self, attribute: str, plain: bool = False) -> Any:
        token = self.take()
        if token.lower() in ("true", "false"):
            return token.lower() == "true"
        if not token.startswith("'"):
            raise refusals.query_does_not_parse(f'Encountered "{token}". Was expecting: <QUOTED_STRING>')
        text = re.sub(r"\\(.)", r"\1", token[1:-1])
        return text if plain else typed(attribute, text)

    def rest(self, found: Statement) -> None:
        while self.word() in ("order", "orderby", "startposition", "maxresults"):
            word = self.take().lower()
            if word == "order":
                self.expect("by")
                word = "orderby"
            if word == "orderby":
                self.order(found)
            elif word == "startposition":
                found.start = self.whole(1, None)
            else:
                found.limit = self.whole(1, LONGEST_PAGE)

    def order(self, found: Statement) -> None:
        while True:
            attribute = self.attribute()
            if attribute not in FILTERABLE[found.entity]:
                raise refusals.invalid_query(f"property '{attribute}' is not sortable")
            down = self.take().lower() == "desc" if self.word() in ("asc", "desc") else False
            found.order.append((attribute, down))
            if self.peek() != ",":
                return
            self.take()

    def whole(self, least: int, most: int | None) -> int:
        token = self.take().strip("'")
        if not token.isdigit():
            raise refusals.query_does_not_parse(f'Encountered "{token}". Was expecting: <INTEGER>')
        if int(token) < least:
            raise refusals.invalid_query(f"value {token} is too small. Min allowed value is {least}")
        if most is not None and int(token) > most:
            raise refusals.invalid_query(f"value {token} is too large. Max allowed value is {most}")
        return int(token)


def tokens(text: str) -> Iterator[str]:
    for found in TOKEN.finditer(text):
        if found["other"]:
            raise refusals.query_does_not_parse(f'Lexical error. Encountered: "{found["other"]}"')
        yield found[0].strip()


def typed(attribute: str, text: str) -> Any:
    """The value of a condition, in the kind of its attribute. Raises 4001."""
    try:
        if attribute in TIMES:
            return moment_from(text)
        if attribute in DATES:
            return date_from(text)
        if attribute in NUMBERS:
            return Decimal(text)
        if attribute == "Active":
            return {"true": True, "false": False}[text.lower()]
    except (ValueError, ArithmeticError, KeyError) as error:
        raise refusals.invalid_query(f"Invalid value '{text}' for property {attribute}") from error
    return text


# -- running ----


def run(books: b.Books, text: str, lag: float = 0.0) -> Row:
    """The QueryResponse of a statement. Objects made less than `lag` seconds ago are not seen (a fault on demand)."""
    statement = Parser(text).statement()
    table = table_of(books, statement.entity)
    rows: Iterable[Row] = candidates(table, statement)
    if lag:
        limit = books.now() - timedelta(seconds=lag)
        rows = (row for row in rows if table.created[row["Id"]] <= limit)
    tests = [test_of(table, condition) for condition in conditions(statement)]
    rows = (row for row in rows if all(test(row) for test in tests))
    if statement.counts:
        return {"totalCount": sum(1 for _ in rows)}
    found = page(table, statement, rows)
    if not found:
        return {}
    if statement.columns is not None:
        found = [projected(row, statement.columns) for row in found]
    answer: Row = {statement.entity: found, "startPosition": statement.start, "maxResults": len(found)}
    if statement.entity == "Invoice":
        answer["totalCount"] = len(found)
    return answer


def table_of(books: b.Books, entity: str) -> Table:
    if entity not in ("CompanyInfo", "Preferences"):
        return books.table(entity)
    single = Table(entity)
    row = books.company if entity == "CompanyInfo" else books.preferences
    single.rows["1"] = row
    single.created["1"] = single.updated["1"] = moment_from(row["MetaData"]["LastUpdatedTime"])
    return single


def conditions(statement: Statement) -> list[Condition]:
    """Lists show what is active, unless the statement asks about that itself."""
    named = {condition.attribute for condition in statement.conditions}
    if "Active" in FILTERABLE[statement.entity] and "Active" not in named:
        return [*statement.conditions, Condition("Active", "=", [True])]
    return statement.conditions


def candidates(table: Table, statement: Statement) -> Iterable[Row]:
    """As few rows as an index allows, in the order in which an unordered statement answers."""
    for condition in statement.conditions:
        if condition.operator in ("=", "in"):
            if condition.attribute == "Id":
                return [table.rows[value] for value in condition.values if value in table.rows]
            if condition.attribute in table.indexes:
                return [row for value in condition.values for row in table.having(condition.attribute, value)]
        if condition.attribute == "MetaData.LastUpdatedTime" and condition.operator in (">", ">="):
            return [table.rows[identity] for identity in reversed(table.changed_since(condition.values[0]))]
    if table.name in b.TRANSACTIONS and not statement.order:
        return table.newest_first()
    if statement.order == [("MetaData.CreateTime", True)]:
        return table.latest_made_first()
    return table.rows.values()


def test_of(table: Table, condition: Condition) -> Callable[[Row], bool]:
    read = reader(table, condition.attribute)
    values, operator = condition.values, condition.operator
    first = values[0]
    if operator == "in":
        return lambda row: read(row) in values
    if operator == "like":
        pattern = re.compile(".*".join(re.escape(part) for part in str(first).split("%")), re.IGNORECASE | re.DOTALL)
        return lambda row: pattern.fullmatch(str(read(row) or "")) is not None
    if operator == "=":
        return lambda row: bool(read(row) == first)
    return lambda row: ordered(operator, read(row), first)


def ordered(operator: str, value: Any, other: Any) -> bool:
    if value is None or type(value) is not type(other):
        return False
    return bool(
        {
            "<": lambda: value < other,
            ">": lambda: value > other,
            "<=": lambda: value <= other,
            ">=": lambda: value >= other,
        }[operator]()
    )


def reader(table: Table, attribute: str) -> Callable[[Row], Any]:
    """Reads an attribute in the kind in which conditions hold it."""
    if attribute == "MetaData.LastUpdatedTime":
        return lambda row: table.updated[row["Id"]].replace(microsecond=0)
    if attribute == "MetaData.CreateTime":
        return lambda row: table.created[row["Id"]].replace(microsecond=0)
    if attribute == "Active":
        return lambda row: row.get("Active", True)
    if attribute in DATES:
        return lambda row: date_from(row[attribute]) if row.get(attribute) else None
    if attribute in NUMBERS:
        return lambda row: Decimal(row[attribute]) if attribute in row else None
    return lambda row: value_of(row, attribute)


def page(table: Table, statement: Statement, rows: Iterable[Row]) -> list[Row]:
    last = statement.start - 1 + statement.limit
    if statement.order == [("MetaData.CreateTime", True)] and not statement.conditions:
        found = list(islice(rows, last))
    elif statement.order:
        found = list(rows)
        for attribute, down in reversed(statement.order):
            found.sort(key=sort_key(table, attribute), reverse=down)
    elif table.name in b.TRANSACTIONS or table.name in ("ExchangeRate", "CompanyInfo", "Preferences"):
        found = list(islice(rows, last))
    else:
        found = sorted(
            rows,
            key=lambda row: str(row.get("DisplayName") or row.get("FullyQualifiedName") or row.get("Name")).casefold(),
        )
    return found[statement.start - 1 : last]


def sort_key(table: Table, attribute: str) -> Callable[[Row], Any]:
    if attribute == "Id":
        return lambda row: int(row["Id"]) if row["Id"].isdigit() else 0
    if attribute == "MetaData.CreateTime":
        return lambda row: table.created[row["Id"]]
    if attribute == "MetaData.LastUpdatedTime":
        return lambda row: table.updated[row["Id"]]
    read = reader(table, attribute)

    def key(row: Row) -> Any:
        value = read(row)
        folded = value.casefold() if isinstance(value, str) else value
        return (value is not None, folded)

    return key


def projected(row: Row, columns: list[str]) -> Row:
    wanted = {column.partition(".")[0] for column in columns} | {"Id", "domain"}
    return {**{name: value for name, value in row.items() if name in wanted}, "sparse": True}
