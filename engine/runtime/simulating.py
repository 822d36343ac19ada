"""What a changed workflow, or anything that its steps use, would make of the cases there are: every act of the past is
performed once more under the definitions in force and under the changed ones, up to the first that comes to something
else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, or_, select

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.workflow import Workflow
from engine.errors import EngineError
from engine.ports import Record
from engine.runtime.past import Moment, Past
from engine.runtime.replaying import DECISIONS, Came, PastAct, Sort, Stage
from engine.runtime.titles import title_of
from engine.store.cases import CASE
from engine.store.history import EVENT, HISTORY
from engine.store.migrate.plan import plan
from engine.store.store import Store
from engine.store.transaction import Transaction

if TYPE_CHECKING:
    from engine.runtime.engine import Engine

#: Cases that are in memory at a time, each with the record as it was at all of its acts.
CHUNK = 20
#: Cases that are told one by one.
MOST_EXAMPLES = 10
#: Acts that are nothing which definitions could make something else of.
PASSED_OVER = frozenset({"delete", "restore", "migrate"})
#: What an open case would do if somebody looked at it under the changed definitions.
NOW = "now"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A case that would go elsewhere: at which act, when, and what that came to and would come to."""

    record: str
    title: str
    act: str
    at: datetime
    before: str
    after: str


@dataclass(slots=True)
class Simulated:
    """What became of the cases of one workflow. ``changed`` counts by (act, what it came to, what it would come to).
    ``unlike``: acts that do not come to what they came to then even under the definitions in force, since something
    that they read has no past."""

    workflow: str
    cases: int = 0
    acts: int = 0
    unlike: int = 0
    gone: int = 0
    changed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: list[Elsewhere] = field(default_factory=list)

    def tell(self, case: Mapping[str, Any], title: str, past: PastAct, before: Came, after: Came) -> None:
        """Counts a case that would go elsewhere."""
        act = past.said if past.before or past.after else NOW
        self.changed[act, str(before), after.besides(before)] += 1
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(Elsewhere(str(case["record"]), title, act, past.at, before.named, after.named))


class Simulation:
    """Changed definitions against those in force, over the cases of a database."""

    def __init__(
        self, engine: Engine, present: Catalog, changed: Catalog, progress: Callable[[int], None] = lambda _done: None
    ) -> None:
        """Raises EngineError where the changed definitions need other tables than there are."""
        steps = plan(engine.database, changed, present=present).operations
        if steps:
            raise EngineError(
                "the files change tables, and cases are tried on those that there are: leave out "
                + "; ".join(map(str, steps[:3]))
            )
        self._database = engine.database
        self._progress = progress
        self._present = present
        self._now = engine.clock.now()
        self._store = Store(present, engine.database)
        self._stages = [Stage(catalog, engine.database, engine.catalog_at, self._now) for catalog in (present, changed)]
        self._changed = changed

    def run(self, workflows: Collection[str], since: datetime) -> list[Simulated]:
        """What would become of the cases of the workflows: of the open ones, and of those that are over since then."""
        return [self._run(self._present.workflows[name], since) for name in workflows]

    def _run(self, flow: Workflow, since: datetime) -> Simulated:
        result, last = Simulated(flow.name), ""
        fields = self._present.fields(flow.for_)
        past = Past(self._store, frozenset((name,) for name in fields if name not in self._live(flow.for_)), flow.for_)
        while True:
            cases, acts, titles, last = self._database.read(partial(self._chunk, flow, since, past, last))
            for case in cases:
                result.cases += 1
                found = acts.get(str(case["record"]))
                if found is None:
                    result.gone += 1
                else:
                    self._replay(result, flow, case, found, titles.get(str(case["record"]), ""))
            self._progress(result.cases)
            if not last:
                return result

    def _live(self, model: str) -> Collection[str]:
        return self._present.live_fields(model)

    def _replay(
        self, result: Simulated, flow: Workflow, case: Mapping[str, Any], acts: Sequence[PastAct], title: str
    ) -> None:
        """Performs the acts of a case until one comes to something else."""
        for past in acts:
            before, after = (stage.came(case, past) for stage in self._stages)
            result.acts += 1
            if past.to is not None and before.state != flow.place_of(past.to):
                result.unlike += 1
            if not self._same(flow, before, after):
                result.tell(case, title, past, before, after)
                return

    def _same(self, flow: Workflow, before: Came, after: Came) -> bool:
        """Whether two acts came to the same; a state that is called otherwise is the same state."""
        heir = self._changed.heir_of(flow.name)
        state = heir.place_of(before.state) if heir is not None and before.state is not None else before.state
        return (state, before.refused, before.asked) == (after.state, after.refused, after.asked)

    # The past -------------------------------------------------------------------------------------------------------

    def _chunk(
        self, flow: Workflow, since: datetime, past: Past, after: str, tx: Transaction
    ) -> tuple[list[dict[str, Any]], dict[str, list[PastAct]], dict[str, str], str]:
        """Cases, what has happened to their records, what these are called, and the id of the last case; empty where
        there are no more."""
        table = self._store.tables[CASE]
        names = ("id", "model", "record", "workflow", "state", "entered_at", "ended_at")
        query = select(*(table.c[name] for name in names)).where(
            table.c["workflow"].in_([flow.name, *flow.was]), table.c["deleted_at"].is_(None)
        )
        query = query.where(or_(table.c["ended_at"].is_(None), table.c["ended_at"] >= since))
        query = query.where(table.c["id"] > after) if after else query
        cases = tx.core(query.order_by(table.c["id"]).limit(CHUNK))
        drafts = {str(case["record"]): self._acts(tx, flow, case) for case in cases}
        asked = [(key, Moment(act.at, "" if act.from_before else None)) for key, acts in drafts.items() for act in acts]
        records = iter(past.records(tx, asked))
        acts: dict[str, list[PastAct]] = {}
        for case in cases:
            key = str(case["record"])
            found = [_with(act, next(records)) for act in drafts[key]]
            if any(act.before is None and act.after is None for act in found):
                continue  # in the trash
            if case["ended_at"] is None:
                found.append(PastAct(self._now, "change", (), case["state"], None, case["entered_at"] or self._now))
            acts[key] = found
        last = str(cases[-1]["id"]) if len(cases) == CHUNK else ""
        return cases, acts, self._titles(flow.for_, acts), last

    def _titles(self, model: str, acts: Mapping[str, Sequence[PastAct]]) -> dict[str, str]:
        shown: dict[str, str] = {}
        for key, found in acts.items():
            record = next((act.before or act.after for act in reversed(found) if act.before or act.after), None)
            shown[key] = (title_of(self._present, model, record) if record is not None else None) or key
        return shown

    def _acts(self, tx: Transaction, flow: Workflow, case: Mapping[str, Any]) -> list[PastAct]:
        """What has happened to the record of a case, moment by moment."""
        logged = self._logged(tx, str(case["record"]))
        moved = self._moved(tx, str(case["record"]), {entry["at"] for entry in logged})
        moments = [(at, list(entries)) for at, entries in groupby(logged, key=lambda entry: entry["at"])] + [
            (at, []) for at in moved
        ]
        events = frozenset(flow.every_event())
        acts: list[PastAct] = []
        entered: datetime | None = None
        for at, entries in sorted(moments, key=lambda moment: moment[0]):
            names = [str(entry["name"]) for entry in entries]
            state, to = (entries[0]["from_state"], entries[-1]["to_state"]) if entries else moved[at]
            entered = entered or at
            if not PASSED_OVER.issuperset(names) or not names:
                acts.append(PastAct(at, _sort(flow, events, names, state, to), entries, state, to, entered))
            entered = at if state != to else entered
        return acts

    def _logged(self, tx: Transaction, key: str) -> Sequence[Mapping[str, Any]]:
        event = self._store.tables[EVENT]
        names = ("id", "at", "name", "actor", "ip", "channel", "from_state", "to_state", "input")
        query = select(*(event.c[name] for name in names)).where(event.c["record"] == key)
        return tx.core(query.where(event.c["deleted_at"].is_(None)).order_by(event.c["at"], event.c["id"]))

    def _moved(self, tx: Transaction, key: str, logged: Collection[datetime]) -> dict[datetime, tuple[Any, Any]]:
        """When and how the record has moved without an entry in the log: what it waited for has changed."""
        history = self._store.tables[HISTORY]
        query = select(history.c["at"], history.c["changes"]).where(history.c["record"] == key)
        query = query.where(history.c["deleted_at"].is_(None), cast(history.c["changes"], Text).contains('"status"'))
        return {
            row["at"]: tuple(row["changes"]["status"])
            for row in tx.core(query.order_by(history.c["at"]))
            if row["at"] not in logged and "status" in row["changes"]
        }


def _sort(flow: Workflow, events: Collection[str], names: Sequence[str], state: str | None, to: str | None) -> Sort:
    """How what was done is done once more."""
    name = names[0] if names else ""
    if state is None:
        return "made"
    place = flow.place_of(state)
    standing = flow.states[place] if place is not None else None
    if name in events:
        return "event"
    if standing is not None and name in standing.timers:
        return "timer"
    decided = standing is not None and bool(standing.approval) and state != to
    return "decision" if decided and name in DECISIONS else "change"


def _with(act: PastAct, record: Record | None) -> PastAct:
    """The act with the record as it was."""
    return replace(act, before=record) if act.from_before else replace(act, after=record)
