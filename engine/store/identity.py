"""Which dict stands for which record: in one transaction the same one, however it is reached.

A record that the store made knows where it came from. What of it has not been read yet (the columns behind a link,
rows, what links back) is read when somebody first asks for it. ``expand`` reads ahead, for many records at once; this
is for what nobody foresaw, such as a path in an action that a workflow runs.
"""

from __future__ import annotations

from typing import Any, Protocol

from engine.ports import Record
from engine.store.transaction import Transaction


class Source(Protocol):
    """What can read more of a record."""

    def read_member(self, tx: Transaction, place: str, record: Record, name: str) -> None:
        """Puts the member into the record, and whatever comes with it. KeyError when there is no such member."""
        ...


class StoredRecord(dict[str, Any]):
    """A record (or row) that stands for a stored one. Its members come when they are asked for."""

    # Set by who makes one: a constructor of our own would cost as much again as the dict.
    __slots__ = ("identity", "place")
    identity: Identity
    place: str

    def __missing__(self, name: str) -> Any:
        self.identity.read_member(self.place, self, name)
        return super().__getitem__(name)


class Identity:
    """The records of one transaction by model (or rows place) and id. Those not read yet hold only their id."""

    def __init__(self, tx: Transaction, source: Source) -> None:
        self._tx = tx
        self._source = source

    @classmethod
    def of(cls, tx: Transaction, source: Source) -> Identity:
        """That of the transaction."""
        found: Identity | None = tx.memo.get(cls)
        if found is None:
            found = tx.memo[cls] = cls(tx, source)
        return found

    def __getitem__(self, place: str) -> dict[str, Record]:
        """The known records of a place, by id."""
        # They lie in the memo itself, which is emptied with the transaction: no circle keeps them in memory.
        known: dict[str, Record] | None = self._tx.memo.get(place)
        if known is None:
            known = self._tx.memo[place] = {}
        return known

    def adopt(self, place: str, record: Record) -> Record:
        """A new record, known from now on by its id."""
        stored = StoredRecord(record)
        stored.identity, stored.place = self, place
        self[place][stored["id"]] = stored
        return stored

    def link(self, place: str, key: str) -> Record:
        """The record that a link leads to."""
        known = self[place]
        found = known.get(key)
        if found is None:
            stub = StoredRecord(id=key)
            stub.identity, stub.place = self, place
            found = known[key] = stub
        return found

    def read_member(self, place: str, record: Record, name: str) -> None:
        """Reads a member of a record that is not there yet."""
        self._source.read_member(self._tx, place, record, name)


def is_read(record: Record) -> bool:
    """Whether the record's columns have been read, so that it is more than an id."""
    return len(record) > 1
