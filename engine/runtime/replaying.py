"""Acts of the past, performed once more under some definitions, by the functions of live acts: in a transaction in
which the record and its case are put back to where they were, and which is undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from sqlalchemy import Dialect, Table, Update, bindparam

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.risk import CREATE
from engine.catalog.kinds.workflow import Workflow
from engine.errors import EngineError, NotFound, NotLoggedIn, RequestError
from engine.fields.link import LookupField
from engine.policy.access import Actor
from engine.policy.transition import enter, events_from, go_off
from engine.ports import Fire, Reason, Record
from engine.runtime.actors import actor_of
from engine.runtime.approving import MOST, TASK, VOTE
from engine.runtime.effects import Effects
from engine.runtime.risking import watch
from engine.runtime.service import SYSTEM, Service
from engine.store.cases import CASE, PINNED
from engine.store.database import Database
from engine.store.statement import Statement
from engine.store.store import Store
from engine.store.transaction import Transaction

#: What people and ladders do about a task, and what the approval comes to where that decides it.
DECISIONS: Mapping[str, str] = {
    "approve": "approved",
    "approved": "approved",
    "reject": "rejected",
    "rejected": "rejected",
    "return": "returned",
}
HOLD = "hold"
#: Moments are told apart down to this.
INSTANT = timedelta(microseconds=1)
#: How an act is performed once more: the record is made, an event fired, a timer goes off, an approval is decided; or
#: its branches are tried, since something has changed that they read.
Sort = Literal["made", "event", "timer", "decision", "change"]


@dataclass(frozen=True, slots=True)
class PastAct:
    """What has happened to a record at one moment. ``entries`` are those of the log of events, the first being what was
    done; none where the record has moved since something else has changed. ``before`` and ``after`` are the record as
    it was; None of both: it is as it is now. ``entered`` is since when it was in the state from which it went."""

    at: datetime
    sort: Sort
    entries: Sequence[Mapping[str, Any]]
    state: str | None
    to: str | None
    entered: datetime
    before: Record | None = None
    after: Record | None = None

    @property
    def name(self) -> str:
        """What was done."""
        return str(self.entries[0]["name"]) if self.entries else "change"

    @property
    def said(self) -> str:
        """What was done, for people: of a record that was made, what else was done at once."""
        return ", ".join(str(entry["name"]) for entry in self.entries) if self.sort == "made" else self.name

    @property
    def from_before(self) -> bool:
        """Whether it begins with the record as it was before it; else with what it has made of the fields."""
        return self.sort in ("event", "timer")


@dataclass(frozen=True, slots=True)
class Came:
    """What an act came to: the state, or how it was refused; and who is asked because of it, the logins by step."""

    state: str | None
    refused: str | None = None
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        return self._said("asks", list(self.asked))

    @property
    def named(self) -> str:
        """The same with the people."""
        return self._said("asks", [f"{step}: {' and '.join(people)}" for step, people in self.asked.items()])

    def besides(self, other: Came) -> str:
        """What it came to otherwise than the other; of the same steps those at which others are asked."""
        if str(self) != str(other):
            return str(self)
        differ = [step for step, people in self.asked.items() if people != other.asked[step]]
        return self._said("asks others at", differ)

    def _said(self, asks: str, whom: Sequence[str]) -> str:
        what = self.refused or str(self.state)
        return f"{what} ({asks} {', '.join(whom)})" if whom else what


class Then:
    """The clock of a replay: at the moment of the act."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


class Stage:
    """One catalogue, under which acts are performed once more on the records of a database."""

    def __init__(
        self, catalog: Catalog, database: Database, catalog_at: Callable[[Transaction, str], Catalog], now: datetime
    ) -> None:
        self.catalog = catalog
        self._database = database
        self._clock = Then(now)

        def pinned(tx: Transaction, fingerprint: str) -> Catalog:
            return catalog if fingerprint == catalog.fingerprint else catalog_at(tx, fingerprint)

        store = Store(catalog, database)
        self._service = Service(catalog, store, self._clock, pinned)
        self._back = Back(store, database.engine.dialect)
        self._actors: dict[str, Actor] = {}

    def came(self, case: Mapping[str, Any], past: PastAct) -> Came:
        """What the act comes to under these definitions."""
        flow = self.catalog.heir_of(case["workflow"])
        if flow is None:
            return Came(None, f"there is no workflow '{case['workflow']}'")
        state = flow.place_of(past.state) if past.state is not None else flow.start
        if state is None:
            return Came(None, f"there is no state '{past.state}'")
        self._clock.moment = past.at
        return self._database.trial(partial(self._perform, case=case, past=past, flow=flow, state=state))

    def _perform(self, tx: Transaction, case: Mapping[str, Any], past: PastAct, flow: Workflow, state: str) -> Came:
        service, model, key = self._service, str(case["model"]), str(case["record"])
        try:
            self._set_back(tx, case, past, flow, state)
            actor = self._actor(tx, past)
            if past.sort == "event":
                status = service.fire(tx, actor, model, key, past.name, past.entries[0]["input"])["status"]
            else:
                status = self._by_hand(tx, actor, model, key, past, flow, state)
            tx.settle()
        except RequestError as error:
            return Came(None, f"refused: {error.code}")
        except EngineError as error:
            return Came(None, f"fails: {error}")
        return Came(str(status), asked=self._asked(tx, case, past.at))

    def _asked(self, tx: Transaction, case: Mapping[str, Any], at: datetime) -> dict[str, tuple[str, ...]]:
        """The logins of those who are asked since that moment, by step."""
        query = self._service.store.query
        opened = {"case": {"id": case["id"]}, "outcome": None, "opened_at": at}
        steps = {task["id"]: str(task["step"]) for task in query.equal(tx, TASK, opened, limit=100)}
        people: dict[str, list[str]] = {step: [] for step in sorted(steps.values())}
        for vote in query.equal(tx, VOTE, {"case": {"id": case["id"]}}, limit=MOST) if steps else []:
            if vote["task"]["id"] in steps and vote["part"] != "cc":
                people[steps[vote["task"]["id"]]].append(str(vote["person"]["login"]))
        return {step: tuple(sorted(logins)) for step, logins in people.items()}

    def _by_hand(
        self, tx: Transaction, actor: Actor, model: str, key: str, past: PastAct, flow: Workflow, state: str
    ) -> Any:
        """The status after an act that is no event of the workflow."""
        service = self._service
        act = service.act(tx, actor)
        working = act.take(model, key, past.name, service.plan(model).reads)
        service.store.records.expand(tx, model, [working.record], flow.reads)
        effects = Effects(service, act, past.name)
        standing = flow.states[state]
        if past.sort == "made":
            watch(effects, working, CREATE)
            why = Reason(f"{flow.name}.start", state, span=flow.span)
            effects.drive(enter(flow, state, effects.frame(working), why))
            for entry in past.entries[1:]:  # a channel submits what it brings
                if entry["name"] in events_from(flow, working.record["status"]):
                    effects.perform(Fire(model, working.record, str(entry["name"])))
        elif past.sort == "timer" and past.name in standing.timers:
            effects.drive(go_off(flow, standing, standing.timers[past.name], effects.frame(working)))
        elif past.sort == "decision" and (outcome := DECISIONS[past.name]) in standing.decided:
            effects.go_on(working, flow, standing, outcome)  # what people have decided stays decided
        working.touched = True
        effects.settle()
        act.finish()
        return working.record["status"]

    def _actor(self, tx: Transaction, past: PastAct) -> Actor:
        """Who did it, without limits: what their roles grant now says nothing about then."""
        entry = past.entries[0] if past.entries else {}
        key = entry.get("actor")
        if key is None:
            return replace(SYSTEM, channel=entry.get("channel"), ip=entry.get("ip"))
        found = self._actors.get(str(key))
        if found is None:
            try:
                found = replace(actor_of(self._service, tx, str(key)), everything=True)
            except NotLoggedIn:
                found = SYSTEM
            self._actors[str(key)] = found
        return replace(found, channel=entry.get("channel"), ip=entry.get("ip"))

    # Setting back ---------------------------------------------------------------------------------------------------

    def _set_back(self, tx: Transaction, case: Mapping[str, Any], past: PastAct, flow: Workflow, state: str) -> None:
        """Makes the record, its holds and its case what they were when the act began; what it did itself is undone."""
        store, model, key = self._service.store, str(case["model"]), str(case["record"])
        found = store.records.load(tx, model, [key], lock=True)
        if not found:
            raise NotFound(f"there is no {model} {key}")  # since its past was read
        record = found[0]
        then = past.before if past.from_before else past.after
        before = store.records.snapshot(model, record)
        if then is not None:
            live = self.catalog.live_fields(model)
            for name, field in self.catalog.fields(model).items():
                if (
                    name in then
                    and name not in live
                    and name not in ("id", "version")
                    and not isinstance(field, LookupField)
                ):
                    record[name] = then[name]
        record["status"] = state
        record["version"] += 1
        store.records.update(tx, model, before, record)
        back = self._back
        tx.run(back.tasks, (past.at, key, past.at))
        if then is not None:
            own = past.from_before or past.sort == "made"
            since = past.at if own else past.at + INSTANT
            tx.run(back.placed, (past.at, key, since))
            tx.run(back.released, (key, since))
        pinned = (flow.name, flow.fingerprint, self.catalog.fingerprint, state, past.entered)
        tx.run(back.case, (*pinned, case["id"]))
        # What was read is not what is there now.
        tx.settle()
        tx.memo.clear()


class Back:
    """The statements that put back what stands around a record: they are asked for every act."""

    def __init__(self, store: Store, dialect: Dialect) -> None:
        task, hold, case = (store.tables[name] for name in (TASK, HOLD, CASE))
        then: Any = bindparam("then_")
        which: Any = bindparam("which_")
        since: Any = bindparam("since_")

        def later(table: Table, column: str) -> Update:
            return table.update().where(table.c["record"] == which, table.c[column] >= since)

        #: Takes away the tasks, and the holds, that came later; opens the holds that were let go later.
        self.tasks = Statement(later(task, "opened_at").values(deleted_at=then), dialect, ("then_", "which_", "since_"))
        self.placed = Statement(
            later(hold, "opened_at").values(deleted_at=then), dialect, ("then_", "which_", "since_")
        )
        again = later(hold, "released_at").values(released_at=None, open=True)
        self.released = Statement(again, dialect, ("which_", "since_"))
        names = (*PINNED, "state", "entered_at")
        given: dict[str, Any] = {name: bindparam(f"{name}_") for name in names}
        pin = case.update().where(case.c["id"] == which).values(**given, ended_at=None)
        self.case = Statement(pin, dialect, (*(f"{name}_" for name in names), "which_"))
