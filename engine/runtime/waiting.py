"""Which records wait for which others: what the branches and timers of their states read over links, followed the other
way."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.workflow import Workflow
from engine.errors import EngineError, NotFound, Refused
from engine.expressions.types import BOOLEAN
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.runtime.act import Act, Working

_log = logging.getLogger(__name__)
Path = tuple[str, ...]

#: At most so many records go on because of one change: work is bounded, and half of them would be a silent mistake.
MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Leg:
    """One step from a record to those that it reads: over a link of its own or of its ``rows``, or against ``back``,
    the link of the others that leads here under the name ``name``."""

    model: str
    name: str
    target: str
    rows: Path = ()
    back: str | None = None


@dataclass(slots=True)
class Way:
    """From records that wait to those that they wait for, and which fields decide."""

    legs: tuple[Leg, ...]
    states: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)


class Awaited:
    """The ways of one catalogue: those of its own workflows, and of the versions that open cases pin."""

    def __init__(self, catalog: Catalog, workflows: Iterable[Workflow]) -> None:
        self._catalog = catalog
        self._ways: dict[tuple[Leg, ...], Way] = {}
        for workflow in workflows:
            for state in workflow.states.values():
                asked = [branch.if_ for branch in state.next.values()]
                asked += [formula for timer in state.timers.values() for formula in (timer.at, timer.since)]
                for formula in asked:
                    if formula is not None:
                        expression = formula.expression
                        own = [path[1:] for path in expression.scope_reads if path[0] in ("record", workflow.for_)]
                        for path in (*expression.reads, *own):
                            self._follow(workflow.for_, path, (), state.name)
        #: By the model of those that are waited for.
        self.ways: dict[str, list[Way]] = {}
        #: By the model and the state of those that wait.
        self.begun: dict[tuple[str, str], list[Way]] = {}
        for legs, way in self._ways.items():
            self.ways.setdefault(legs[-1].target, []).append(way)
            for name in way.states:
                self.begun.setdefault((legs[0].model, name), []).append(way)

    @classmethod
    def of(cls, act: Act, catalog_of: Callable[[Record], Catalog]) -> Awaited:
        """The ways of the act's catalogue. ``catalog_of`` gives the definitions with which a case began."""
        present = act.catalog.workflows
        versions = {flow.fingerprint for flow in present.values()}
        pinned = [case for case in _open_versions(act) if case["workflow_version"] not in versions]
        older = [flow for case in pinned if (flow := _older(case, catalog_of)) is not None]
        return cls(act.catalog, [*present.values(), *older])

    def _follow(self, model: str, path: Path, legs: tuple[Leg, ...], state: str) -> None:
        """Adds the ways along a path. What it names that is no more (a pinned version may) ends it."""
        rows: Path = ()
        for at, name in enumerate(path):
            found = self._catalog.row_fields(model, rows).get(name)
            live = self._catalog.live_fields(model).get(name) if not rows else None
            back = self._catalog.back_links(model).get(name) if not rows else None
            if isinstance(found, LookupField):
                return self._follow(model, (*rows, *found.steps, *path[at + 1 :]), legs, state)
            if live is not None and live.expression is not None:
                for read in live.expression.reads:
                    self._follow(model, read, legs, state)
                return None
            if found is None and back is None:
                return None
            if legs and back is None:
                self._way(legs, state).reads.add((*rows, name)[0])
            if isinstance(found, RowsField):
                rows = (*rows, name)
            elif isinstance(found, LinkField) and "." not in found.target:
                legs, model, rows = (*legs, Leg(model, name, found.target, rows)), found.target, ()
            elif back is not None:
                legs, model = (*legs, Leg(model, name, back.model, back=back.field)), back.model
                self._way(legs, state)  # that there is one more, or one less, counts as well
            else:
                return None
        return None

    def _way(self, legs: tuple[Leg, ...], state: str) -> Way:
        way = self._ways.setdefault(legs, Way(legs))
        way.states.add(state)
        return way

    def refresh(self, act: Act, working: Working) -> None:
        """Lets a record in hand see what this act has made or changed of those that its state's conditions read."""
        changed = {other.model for other in act.working.values() if other.dirty or other.written}
        ways = [
            way
            for way in self.begun.get((working.model, working.record["status"]), ())
            if way.legs[-1].target in changed
        ]
        if ways:
            act.flush()
            self._look_up(act, working.model, working.record["id"])
            for way in ways:
                _forget(working.record, way.legs)

    # Telling --------------------------------------------------------------------------------------------------------

    def tell(self, act: Act, event: str) -> None:
        """Touches the records in whose branches something has changed that they read of others."""
        if not any(working.model in self.ways for working in act.working.values()):
            return
        act.flush()
        for working in list(act.working.values()):
            if working.model not in self.ways or not working.written or working.told is working.stored:
                continue
            before, working.told = working.told or working.origin, working.stored
            for way in self.ways[working.model]:
                if _matters(way, before, working.record):
                    for key in self._waiting(act, way, working, before):
                        self._touch(act, way, key, event)

    def _waiting(self, act: Act, way: Way, working: Working, before: Record | None) -> list[str]:
        """The ids of the records that wait at the beginning of the way, the oldest first."""
        ids = {working.record["id"]}
        records: Sequence[Record] = [state for state in (before, working.stored) if state is not None]
        for at, leg in reversed(list(enumerate(way.legs))):
            if not ids:
                return []
            if leg.back is not None:
                if at + 1 < len(way.legs):
                    records = act.store.records.load(act.tx, leg.target, sorted(ids))
                ids = {record[leg.back]["id"] for record in records if record[leg.back] is not None}
            else:
                ids = {found["id"] for found in self._holders(act, leg, ids, way.states if at == 0 else ())}
        return sorted(ids)

    def _holders(self, act: Act, leg: Leg, ids: Collection[str], states: Collection[str]) -> list[Record]:
        """The records whose link leads to one of the ids; where they wait, in one of the states."""
        where = _link_condition(leg.rows, leg.name, json.dumps(sorted(ids)))
        if states:
            where += f" and status in {json.dumps(sorted(states))}"
        expression = self._catalog.compile(where, self._catalog.scope(leg.model), BOOLEAN)
        found = act.store.query.find(
            act.tx, leg.model, where=expression, names=act.names(None, None, "read"), limit=MOST_WAITING + 1
        )
        if len(found) > MOST_WAITING:
            raise Refused(f"more than {MOST_WAITING} records of {leg.model} wait for this", code="TOO_MANY_RECORDS")
        return found

    def _touch(self, act: Act, way: Way, key: str, event: str) -> None:
        """Touches one of them. Locked first and read again after, so that of two acts at a time the later sees both."""
        first = way.legs[0]
        try:
            waiting = act.take(first.model, key, event)
        except NotFound:
            return  # in the trash
        self._look_up(act, first.model, key)
        _forget(waiting.record, way.legs)
        waiting.touched = True

    def _look_up(self, act: Act, model: str, key: str) -> None:
        """Reads anew what a record looks up, or works out when it is read: that has changed with the others."""
        if self._catalog.live_fields(model) or any(
            isinstance(found, LookupField) for found in self._catalog.fields(model).values()
        ):
            act.store.records.load(act.tx, model, [key])


def _matters(way: Way, before: Record | None, after: Record) -> bool:
    """Whether the change of a record is one that those at the beginning of the way read."""
    back = way.legs[-1].back
    if before is None:
        return back is not None  # nobody's own link leads to what has just been made, unless that was changed, too
    names = {*way.reads, "deleted_at", *([back] if back is not None else [])}
    return any(not _same(before.get(name), after.get(name)) for name in names)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping) and "id" in one:
        return bool(one["id"] == other.get("id"))
    return bool(one == other)


def _link_condition(rows: Path, name: str, ids: str) -> str:
    """The condition that a link, which may stand in rows of rows, leads to one of the ids."""
    prefix = f"each{len(rows)}." if rows else ""
    condition = f"{prefix}{name}.id in {ids}"
    for depth in range(len(rows), 0, -1):
        outer = f"each{depth - 1}." if depth > 1 else ""
        condition = f"any({condition} for each{depth} in {outer}{rows[depth - 1]})"
    return condition


def _forget(record: Record, legs: Sequence[Leg]) -> None:
    """Takes what leads here out of memory along the way: it is read anew when somebody asks for it."""
    holders: list[Record] = [record]
    for leg in legs:
        if leg.back is not None:
            for holder in holders:
                holder.pop(leg.name, None)
            return
        holders = [row[leg.name] for holder in holders for row in _rows(holder, leg.rows) if row.get(leg.name)]


def _rows(record: Record, path: Path) -> Iterator[Record]:
    if not path:
        yield record
    else:
        for row in record.get(path[0]) or ():
            yield from _rows(row, path[1:])


def _open_versions(act: Act) -> list[Record]:
    """The versions of workflows that open cases pin: ``workflow``, ``workflow_version``, ``definitions`` with it."""
    case = act.store.tables["case"]
    named = (case.c["workflow"], case.c["workflow_version"])
    clause = select(*named, func.min(case.c["definitions"]).label("definitions"))
    return act.tx.core(clause.where(case.c["ended_at"].is_(None)).group_by(*named))


def _older(case: Record, catalog_of: Callable[[Record], Catalog]) -> Workflow | None:
    """The workflow that an open case pins; None where its definitions are lost: nobody can act on that case, and the
    others must go on."""
    try:
        return catalog_of(case).workflows.get(case["workflow"])
    except EngineError as error:
        _log.warning("nothing waits in %s %s: %s", case["workflow"], case["workflow_version"][:12], error)
        return None
