"""Whatever the definitions become, one step after the other: the tables are those of a fresh database, and what was not
taken away is still there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.store.database import Database
from engine.store.migrate.compare import wanted
from engine.store.tables import Tables
from tests.databases import PostgresServer
from tests.store.migrating import Yard, catalog_of

Fields = dict[str, str]
Opened = Callable[[], AbstractContextManager[str]]

TYPES: Mapping[str, dict[str, Any]] = {
    "text": {"type": "text"},
    "short": {"type": "text", "max": 5},
    "integer": {"type": "integer"},
    "money": {"type": "money"},
    "exact": {"type": "decimal", "digits": 5},
    "coarse": {"type": "decimal", "digits": 1},
    "date": {"type": "date"},
    "flag": {"type": "boolean", "default": "true"},
    "note": {"type": "json"},
}
VALUES: Mapping[str, Any] = {
    "text": "12 km",
    "short": "7",
    "integer": 42,
    "money": Decimal("12.34"),
    "exact": Decimal("0.12345"),
    "coarse": Decimal("3.5"),
    "date": date(2026, 11, 22),
    "flag": False,
    "note": {"a": [1, "b"]},
}
NAMES = ("a", "b", "c", "d")
COMPARABLE = set(TYPES) - {"note"}


@dataclass(frozen=True)
class Model:
    """A model of the test: its fields and those of its rows by type, and the fields that it had under other names."""

    fields: Fields
    rows: Fields | None
    was: str | None
    renamed: Mapping[str, str]
    indexed: tuple[str, ...]

    def document(self, name: str) -> str:
        fields: dict[str, Any] = {"code": {"type": "text", "unique": True}}
        fields |= {
            f: TYPES[t] | ({"was": self.renamed[f]} if f in self.renamed else {}) for f, t in self.fields.items()
        }
        if self.rows:
            fields["rows"] = {"type": "rows", "of": {f: TYPES[t] for f, t in self.rows.items()}}
        document: dict[str, Any] = {"model": name, "key": "code", "fields": fields}
        if self.was:
            document["was"] = self.was
        if self.indexed:
            document |= {"index": [list(self.indexed)], "unique": [["code", *self.indexed]]}
        return json.dumps(document)


State = dict[str, Model]


def text_of(state: State) -> str:
    return "\n---\n".join(model.document(name) for name, model in sorted(state.items()))


fields = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(TYPES)), max_size=4)


@st.composite
def models(draw: st.DrawFn, before: Model | None, was: str | None) -> Model:
    """A model, at times one that grew out of another."""
    found = dict(draw(fields))
    renamed: dict[str, str] = {}
    if before is not None and draw(st.booleans()):
        kept = {name: type_ for name, type_ in before.fields.items() if draw(st.booleans())}
        found = {**found, **kept}
        for old in sorted(set(before.fields) - set(found)):
            new = draw(st.sampled_from(NAMES))
            if new not in found and new not in before.fields:
                renamed[new] = old
                found[new] = before.fields[old]
    rows = draw(st.none() | st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(TYPES)), min_size=1))
    candidates = sorted(name for name, type_ in found.items() if type_ in COMPARABLE)
    indexed = draw(st.lists(st.sampled_from(candidates), unique=True, max_size=2)) if candidates else []
    return Model(found, rows, was, renamed, tuple(indexed))


@st.composite
def states(draw: st.DrawFn) -> list[State]:
    """Definitions that follow each other."""
    all_: list[State] = []
    before: State = {}
    for _ in range(draw(st.integers(2, 4))):
        state: State = {}
        for name in draw(st.sets(st.sampled_from(["one", "two", "three"]), min_size=1)):
            was = None
            if name not in before:
                gone = sorted(set(before) - {*state, *(model.was for model in state.values())})
                was = draw(st.none() | st.sampled_from(gone)) if gone else None
            state[name] = draw(models(before.get(was or name), was))
        # A model that is still there was no other one before.
        state = {
            name: Model(m.fields, m.rows, m.was if m.was not in state else None, m.renamed, m.indexed)
            for name, m in state.items()
        }
        all_.append(state)
        before = state
    return all_


@contextmanager
def sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder, 'scratch.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Gives an empty database each time it is called."""
    if request.param == "sqlite":
        return sqlite
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.scratch


@settings(
    max_examples=max(6, settings.default.max_examples // 10),  # an example is several applications, of all tables
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=states())
def test_applied_one_after_the_other(opened: Opened, steps: list[State]) -> None:
    with opened() as url:
        database = Database.open(url, durable=False)
        try:
            follow(Yard(database), steps)
        finally:
            database.close()


def follow(yard: Yard, steps: list[State]) -> None:
    expected: dict[str, dict[str, Any]] = {}
    for state in steps:
        definitions = text_of(state)
        catalog = catalog_of(definitions)
        yard.apply(definitions, allow_loss=True)
        assert yard.schema == wanted(Tables(catalog), yard.database.dialect)
        assert not yard.plan(definitions).changes
        desk = yard.desk(definitions)
        kept: dict[str, dict[str, Any]] = {}
        for name, model in state.items():
            for key, values in expected.get(model.was or name, {}).items():
                record = desk.get(name, key)
                assert record["code"] == values["code"]
                for field, type_ in model.fields.items():
                    old = model.renamed.get(field, field)
                    if old in values["types"] and same(values["types"][old], type_):
                        assert record[field] == values["values"][old]
                    elif old not in values["types"]:
                        # Not there before: the default, or nothing.
                        assert record[field] is (True if type_ == "flag" else None)
                kept.setdefault(name, {})[key] = {
                    "code": values["code"],
                    "types": dict(model.fields),
                    "values": {field: record[field] for field in model.fields},
                }
            values = {field: VALUES[type_] for field, type_ in model.fields.items()}
            code = f"{name}{len(kept.get(name, {}))}"
            rows = [{field: VALUES[type_] for field, type_ in model.rows.items()}] if model.rows else []
            key = desk.add(name, code=code, **values, **({"rows": rows} if model.rows else {}))
            kept.setdefault(name, {})[key] = {"code": code, "types": dict(model.fields), "values": values}
        expected = kept


def same(before: str, after: str) -> bool:
    """Whether every value of the one type is one of the other."""
    widened = {("short", "text"), ("coarse", "money"), ("coarse", "exact"), ("money", "exact")}
    return before == after or (before, after) in widened
