"""Fills a database with the records of ``seed`` documents: users, master data, and what they have done with them.

A seed is no definition: it stands beside the application, in ``examples/``, and is read only when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from engine.catalog.kinds.example import Act
from engine.catalog.vocabulary import Vocabulary
from engine.errors import EngineError, Span
from engine.runtime.clock import SetClock
from engine.runtime.play import Player, Unplayable, explain
from engine.runtime.service import Service
from engine.source.problems import Problems
from engine.source.reader import read_folder
from engine.source.shape import Duration, Located, Name, option
from engine.store.database import Database
from engine.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class SeedUser(Located):
    """Somebody who can log in."""

    name: str
    roles: tuple[Name, ...]
    email: str | None = None
    fields: Mapping[Name, Any] = option(default_factory=dict, help="What the application keeps of its users besides")

    def values(self) -> dict[str, Any]:
        """The fields of the record, without the login."""
        roles = [{"role": role} for role in self.roles]
        return {"name": self.name, "email": self.email, "roles": roles, **self.fields}


@dataclass(frozen=True, kw_only=True)
class Seed(Located):
    """Records that are there from the start, and acts that come after them."""

    seed: Name
    past: Duration | None = option(None, help="How long ago the acts begin; `wait` brings them nearer to the present")
    users: Mapping[Name, SeedUser] = option(default_factory=dict)
    records: tuple[Mapping[str, Any], ...] = option((), help="Each {model: {field: value}}; links by key")
    do: tuple[Act, ...] = ()


class SeedError(EngineError):
    """A seed that does not fit the application."""


def read_seeds(folder: Path, vocabulary: Vocabulary) -> list[Seed]:
    """The seeds of a folder, sorted by their files. Raises DefinitionError."""
    problems = Problems()
    seeds = []
    for document in read_folder(folder.parent, (folder.name,), problems).documents:
        found = vocabulary.grammar.parse(Seed, document, problems)
        if found is not None:
            seeds.append(found)
    problems.raise_errors()
    return seeds


class Sower:
    """Puts seeds into a database: all of them or nothing, and a second time nothing."""

    def __init__(self, service: Service, database: Database, root: Path) -> None:
        self._service = service
        self._database = database
        self._root = root

    def sow(self, seeds: Sequence[Seed]) -> bool:
        """Whether anything was put in: not where the first user of the seeds is there already. Raises SeedError."""
        return self._database.write(lambda tx: self._sow(tx, seeds)).result()

    def _sow(self, tx: Transaction, seeds: Sequence[Seed]) -> bool:
        first = next((login for seed in seeds for login in seed.users), None)
        if first is None or self._service.store.records.resolve(tx, "user", [first]):
            return False
        for seed in seeds:
            self._put(tx, seed)
        # Nobody wants to hear now of what has happened in a past that is made up.
        self._service.store.jobs.forget(tx)
        return True

    def _put(self, tx: Transaction, seed: Seed) -> None:
        now = self._service.clock.now()
        clock = SetClock(now - (seed.past.timedelta if seed.past is not None else timedelta(0)))
        player = Player(self._service.on(clock), self._database, clock, self._root, within=tx)
        for login, user in seed.users.items():
            with _located(user.span):
                player.put("user", {"login": login, **user.values()})
        for number, entry in enumerate(seed.records):
            with _located(seed.span_of("records", number)):
                for model, values in entry.items():
                    player.put(model, values)
        for act in seed.do:
            with _located(act.span):
                player.perform(act)
                if clock.now() > now:
                    raise Unplayable("this is in the future: let the seed's `past` be longer")


@contextmanager
def _located(span: Span) -> Iterator[None]:
    """Says where it stands of what does not fit."""
    try:
        yield
    except EngineError as error:
        raise SeedError(f"{span}: {explain(error)}") from error
