"""One kind of entity of one company: rows by id, indexes, and the order of changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from .wire import Row, stamp


def value_of(row: Row, attribute: str) -> Any:
    """`CustomerRef` means its id, `PrimaryEmailAddr` its address, `A.B` a member of a member; None when absent."""
    found: Any = row
    for part in attribute.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, dict):
        found = found.get("value", found.get("Address"))
    return found


class Table:
    """Rows are replaced, never changed in place, so that a refused call leaves nothing half done."""

    def __init__(self, name: str, indexed: tuple[str, ...] = ()) -> None:
        self.name = name
        self.rows: dict[str, Row] = {}
        self.created: dict[str, datetime] = {}
        self.updated: OrderedDict[str, datetime] = OrderedDict()
        self.deleted: OrderedDict[str, datetime] = OrderedDict()
        self.in_order = True
        """False once the clock was set back: then the order of `updated` proves nothing."""
        self.latest: datetime | None = None
        self.indexes: dict[str, dict[Any, dict[str, None]]] = {attribute: {} for attribute in indexed}

    def put(self, row: Row, now: datetime, *, keep_token: bool = False) -> Row:
        """Stores a new or changed row. Sets MetaData and raises the SyncToken of a changed one, unless told not to."""
        identity = row["Id"]
        old = self.rows.get(identity)
        meta = {
            "CreateTime": stamp(now),
            **(old["MetaData"] if old else row.get("MetaData", {})),
            "LastUpdatedTime": stamp(now),
        }
        if old is None:
            row["SyncToken"] = row.get("SyncToken", "0")
            self.created[identity] = now
        else:
            row["SyncToken"] = old["SyncToken"] if keep_token else str(int(old["SyncToken"]) + 1)
        row["MetaData"] = meta
        self.place(row, old)
        self.moved(now)
        self.updated[identity] = now
        self.updated.move_to_end(identity)
        return row

    def place(self, row: Row, old: Row | None) -> None:
        """Replaces the content alone, e.g. after a customer was renamed; times and token stay."""
        identity = row["Id"]
        for attribute, index in self.indexes.items():
            if old is not None:
                index.get(value_of(old, attribute), {}).pop(identity, None)
            index.setdefault(value_of(row, attribute), {})[identity] = None
        self.rows[identity] = row

    def remove(self, identity: str, now: datetime) -> None:
        row = self.rows.pop(identity)
        for attribute, index in self.indexes.items():
            index.get(value_of(row, attribute), {}).pop(identity, None)
        del self.created[identity], self.updated[identity]
        self.deleted[identity] = now
        self.moved(now)

    def moved(self, now: datetime) -> None:
        if self.latest is not None and now < self.latest:
            self.in_order = False
        self.latest = now

    def sort(self) -> None:
        """Brings the order of changes right after rows were put in with times of the past."""
        self.created = dict(sorted(self.created.items(), key=lambda pair: pair[1]))
        self.updated = OrderedDict(sorted(self.updated.items(), key=lambda pair: pair[1]))
        self.latest = max([*self.updated.values(), *self.deleted.values()], default=None)
        self.in_order = True

    def having(self, attribute: str, value: object) -> list[Row]:
        """Rows with that value of an indexed attribute, in the order in which they came."""
        return [self.rows[identity] for identity in self.indexes[attribute].get(value, {})]

    def newest_first(self) -> Iterator[Row]:
        order = (
            reversed(self.updated)
            if self.in_order
            else sorted(self.updated, key=self.updated.__getitem__, reverse=True)
        )
        return (self.rows[identity] for identity in order)

    def latest_made_first(self) -> Iterator[Row]:
        order = (
            reversed(self.created)
            if self.in_order
            else sorted(self.created, key=self.created.__getitem__, reverse=True)
        )
        return (self.rows[identity] for identity in order)

    def changed_since(self, since: datetime) -> list[str]:
        """Ids changed at or after that second, oldest change first."""
        floor = since.replace(microsecond=0)
        if not self.in_order:
            found = [identity for identity, moment in self.updated.items() if moment.replace(microsecond=0) >= floor]
            return sorted(found, key=self.updated.__getitem__)
        found = []
        for identity in reversed(self.updated):
            if self.updated[identity].replace(microsecond=0) < floor:
                break
            found.append(identity)
        return found[::-1]

    def deleted_since(self, since: datetime) -> list[str]:
        floor = since.replace(microsecond=0)
        return [identity for identity, moment in self.deleted.items() if moment.replace(microsecond=0) >= floor]
