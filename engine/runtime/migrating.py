"""Moves open cases to another version of their workflow, many at a time, each in an act of its own; and takes a run of
that back. A run that was broken off goes on where it stopped: what it has moved is of that version already."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from engine.catalog.kinds.workflow import Workflow
from engine.errors import EngineError
from engine.expressions.types import BOOLEAN
from engine.ports import Record
from engine.registry import did_you_mean
from engine.runtime.moving import MIGRATE, SHORT, Goal, Moved, Stays, move
from engine.runtime.service import SYSTEM
from engine.runtime.titles import title_of
from engine.store.cases import CASE
from engine.store.history import EVENT
from engine.store.keys import is_key
from engine.store.transaction import Transaction

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

MIGRATION = "migration"
#: Cases that are in memory at a time.
CHUNK = 200
#: Cases that are told one by one, of those that moved, and of those that stay for one reason.
MOST_EXAMPLES = 5
#: Runs that a complaint names.
MOST_RUNS = 5


@dataclass(slots=True)
class Report:
    """What became of the open cases of one workflow. ``run`` takes it back; None where nothing was moved. ``moved``
    counts by (state before, state after, where that led), ``stays`` by the reason, ``notes`` what of the tasks is
    another thing; ``examples`` are records by the same keys."""

    workflow: str
    version: str
    run: str | None = None
    moved: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    examples: dict[Any, list[str]] = field(default_factory=dict)

    def tell(self, became: Moved | Stays, title: str) -> None:
        """Counts what became of a case."""
        key: Any = str(became)
        if isinstance(became, Moved):
            key = (became.before, became.after, became.now)
            self.moved[key] += 1
            self.notes.update(became.notes)
        else:
            self.stays[key] += 1
        examples = self.examples.setdefault(key, [])
        if len(examples) < MOST_EXAMPLES:
            examples.append(title)


class Migrations:
    """Runs on the database of one application, under the definitions that are in force."""

    def __init__(self, engine: Engine, progress: Callable[[int], None] = lambda _done: None) -> None:
        self._engine = engine
        self._service = engine.service
        self._database = engine.database
        self._progress = progress

    # There ----------------------------------------------------------------------------------------------------------

    def run(
        self, workflow: str | None = None, *, to: str | None = None, where: str | None = None, dry: bool = False
    ) -> list[Report]:
        """What became of the open cases of a workflow, or of all, that are of another version than the definitions
        ``to`` have (the first letters of what ``plan`` calls them; those in force when absent). ``where`` is a
        condition on their records. ``dry``: what would become of them; every act is tried, and undone."""
        reports = []
        for goal in self._goals(workflow, to):
            model = goal.workflow.for_
            if where is not None:
                catalog = self._service.catalog
                catalog.compile(where, catalog.scope(model), BOOLEAN)  # says what is wrong with it before any is moved
            reports.append(self._run(goal, where, dry=dry))
        return reports

    def _goals(self, workflow: str | None, to: str | None) -> list[Goal]:
        catalog = self._database.read(partial(self._definitions, to)) if to is not None else self._service.catalog
        if workflow is None:
            return [Goal(catalog, flow) for flow in catalog.workflows.values() if flow.states]
        found = catalog.heir_of(workflow)
        if found is None or not found.states:
            raise EngineError(
                "; ".join(filter(None, (f"no workflow '{workflow}'", did_you_mean(workflow, catalog.workflows))))
            )
        return [Goal(catalog, found)]

    def _definitions(self, name: str, tx: Transaction) -> Any:
        known = dict.fromkeys(found.fingerprint for found in self._engine.snapshots.list(tx))
        found = [each for each in known if each.startswith(name)]
        if len(found) != 1 or not name:
            last = ", ".join(each[:12] for each in list(known)[:MOST_RUNS])
            wrong = f"several definitions begin with {name!r}" if len(found) > 1 else f"no definitions {name!r}"
            raise EngineError(f"{wrong} were applied to this database; the last are {last}")
        return self._engine.catalog_at(tx, found[0])

    def _run(self, goal: Goal, where: str | None, *, dry: bool) -> Report:
        report, done = Report(goal.workflow.name, goal.workflow.fingerprint), 0
        for cases in self._cases(goal, where):
            if report.run is None and not dry:
                report.run = self._begin(goal, where)
            told = {"run": report.run}
            acts = [
                partial(move, self._service, model=case["model"], key=case["record"], goal=goal, told=told)
                for case in cases
            ]
            self._perform(report, cases, acts, dry=dry)
            done += len(cases)
            self._progress(done)
        if report.run is not None:
            self._end(report.run, "ended_at")
            if not report.moved:
                report.run = None
        return report

    def _cases(self, goal: Goal, where: str | None) -> Iterator[list[Record]]:
        """The open cases of another version, in chunks."""
        flow, last = goal.workflow, ""
        while True:
            cases, last = self._database.read(partial(self._chunk, flow, where, last))
            if cases:
                yield cases
            if not last:
                return

    def _chunk(self, flow: Workflow, where: str | None, after: str, tx: Transaction) -> tuple[list[Record], str]:
        case = self._service.store.tables[CASE]
        other = or_(case.c["workflow"] != flow.name, case.c["workflow_version"] != flow.fingerprint)
        query = select(case.c["id"], case.c["model"], case.c["record"]).where(
            case.c["workflow"].in_([flow.name, *flow.was]), other,
            case.c["ended_at"].is_(None), case.c["deleted_at"].is_(None),
        )  # fmt: skip
        query = query.where(case.c["id"] > after) if after else query
        found = tx.core(query.order_by(case.c["id"]).limit(CHUNK))
        last = str(found[-1]["id"]) if len(found) == CHUNK else ""
        cases = [{name: str(value) for name, value in each.items()} for each in found]
        return self._chosen(tx, flow.for_, where, cases), last

    def _chosen(self, tx: Transaction, model: str, where: str | None, cases: list[Record]) -> list[Record]:
        """Those of the cases whose records hold the condition."""
        if where is None or not cases:
            return cases
        catalog, store = self._service.catalog, self._service.store
        condition = f"({where}) and id in {json.dumps([case['record'] for case in cases])}"
        expression = catalog.compile(condition, catalog.scope(model), BOOLEAN)
        names = self._service.act(tx, SYSTEM).names(None, None, "read")
        chosen = {record["id"] for record in store.query.find(tx, model, where=expression, names=names, limit=CHUNK)}
        return [case for case in cases if case["record"] in chosen]

    # Back -----------------------------------------------------------------------------------------------------------

    def revert(self, run: str, *, dry: bool = False) -> Report:
        """What became of the cases that a run has moved. Those that have moved on since stay."""
        found = self._database.read(partial(self._find, run))
        report, done = Report(found["workflow"], found["workflow_version"], run), 0
        for entries in self._entries(found):
            acts = [partial(self._back, entry=entry, run=found) for entry in entries]
            self._perform(report, entries, acts, dry=dry)
            done += len(entries)
            self._progress(done)
        if not dry:
            self._end(run, "reverted_at")
        return report

    def _find(self, run: str, tx: Transaction) -> Record:
        store = self._service.store
        found = store.records.load(tx, MIGRATION, [run]) if is_key(run) else []
        if not found:
            table = store.tables[MIGRATION]
            last = tx.core(select(table.c["id"]).order_by(table.c["id"].desc()).limit(MOST_RUNS))
            known = "; the last are " + ", ".join(str(row["id"]) for row in last) if last else "; there was none"
            raise EngineError(f"there is no run {run!r}{known}")
        return found[0]

    def _entries(self, run: Record) -> Iterator[list[Mapping[str, Any]]]:
        """What the log of events has of the run, in chunks."""
        until, last = run["ended_at"] or self._service.clock.now(), ""
        while True:
            entries: Sequence[Mapping[str, Any]] = self._database.read(partial(self._logged, run, until, last))
            wanted = [entry for entry in entries if (entry["input"] or {}).get("run") == run["id"]]
            if wanted:
                yield wanted
            if len(entries) < CHUNK:
                return
            last = str(entries[-1]["id"])

    def _logged(self, run: Record, until: Any, after: str, tx: Transaction) -> list[dict[str, Any]]:
        event = self._service.store.tables[EVENT]
        names = ("id", "at", "model", "record", "to_state", "input")
        query = select(*(event.c[name] for name in names)).where(
            event.c["name"] == MIGRATE, event.c["at"] >= run["started_at"], event.c["at"] <= until
        )
        query = query.where(event.c["id"] > after) if after else query
        return tx.core(query.order_by(event.c["id"]).limit(CHUNK))

    def _back(self, tx: Transaction, entry: Mapping[str, Any], run: Record) -> Moved:
        """What became of a case that is moved back."""
        store, told = self._service.store, entry["input"]
        model, key, before = str(entry["model"]), str(entry["record"]), told["from"]
        # Locked before it is asked what has happened to it since.
        store.records.load(tx, model, [key], lock=True)
        case = store.cases.of(tx, key)
        if case is None or (case["workflow"], case["workflow_version"]) == (before["workflow"], before["version"]):
            raise Stays("it has been taken back already")
        if entry["to_state"] != told["to"]:
            raise Stays(f"it went on to '{entry['to_state']}' when it was moved")
        event = store.tables[EVENT]
        since = select(event.c["name"]).where(event.c["record"] == key, event.c["at"] >= entry["at"])
        since = since.where(event.c["id"] > entry["id"], event.c["name"] != "update").order_by(event.c["id"]).limit(1)
        later = tx.core(since)
        if later:
            raise Stays(f"it has moved on since: {later[0]['name']}")
        if case["entered_at"] is not None and case["entered_at"] > entry["at"]:
            raise Stays(f"it has moved on since, to '{case['state']}'")
        past = self._engine.catalog_at(tx, before["definitions"])
        goal = Goal(past, past.workflows[before["workflow"]], before["state"])
        return move(self._service, tx, model, key, goal, {"taken_back": run["id"]})

    # Both -----------------------------------------------------------------------------------------------------------

    def _perform(
        self,
        report: Report,
        about: Sequence[Mapping[str, Any]],
        acts: Iterable[Callable[[Transaction], Moved]],
        *,
        dry: bool,
    ) -> None:
        """Performs the acts, each in a transaction of its own, and tells what came of them."""
        # Written many at a time, so that they share the wait for the disk; of trials nothing is written.
        write = self._database.write
        ends = [partial(self._database.trial, act) if dry else write(act).result for act in acts]
        titles = self._titles(about)
        for each, end in zip(about, ends, strict=True):
            title = titles.get(str(each["record"]), str(each["record"]))
            try:
                report.tell(end(), title)
            except EngineError as error:
                report.tell(Stays(str(error)), title)

    def _titles(self, about: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """What people call the records."""
        titles: dict[str, str] = {}
        for model in {str(each["model"]) for each in about}:
            ids = [str(each["record"]) for each in about if each["model"] == model]
            titles |= self._database.read(partial(self._called, model, ids))
        return titles

    def _called(self, model: str, ids: Sequence[str], tx: Transaction) -> dict[str, str]:
        catalog = self._service.catalog
        found = self._service.store.records.lookup(tx, model, ids)
        titles = {key: title_of(catalog, model, record) for key, record in found.items()}
        return {key: title for key, title in titles.items() if title is not None}

    def _begin(self, goal: Goal, where: str | None) -> str:
        """The id of the run: of the one of the same goal that was broken off, else of a new one."""
        service, flow = self._service, goal.workflow
        pinned = {
            "workflow": flow.name,
            "workflow_version": flow.fingerprint,
            "definitions": goal.definitions.fingerprint,
        }
        same = {**pinned, "condition": where, "ended_at": None}

        def work(tx: Transaction) -> str:
            broken = service.store.query.equal(tx, MIGRATION, same, limit=1)
            if broken:
                return str(broken[0]["id"])
            values = {**pinned, "condition": where, "started_at": service.clock.now().isoformat()}
            return str(service.create(tx, SYSTEM, MIGRATION, values)["id"])

        return self._engine.write(work)

    def _end(self, run: str, when: str) -> None:
        moment = self._service.clock.now().isoformat()
        self._engine.write(lambda tx: self._service.update(tx, SYSTEM, MIGRATION, run, {when: moment}))


def short(version: str) -> str:
    """What people see of a version's name."""
    return version[:SHORT]
