"""What falls due: keeps the timers of states and of what waits for people, and lets them go off, each in one act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.workflow import Workflow
from engine.errors import EngineError, NotFound
from engine.policy.access import Actor
from engine.policy.deadlines import Moment, again, by_calendar, changes, end_of, moment_of, row_of
from engine.policy.transition import go_off
from engine.ports import Reason, Record
from engine.runtime.act import Act, Working
from engine.runtime.effects import Effects
from engine.runtime.ladders import Asked, HeldUp, Waiting, climb
from engine.source.formulas import parts
from engine.source.shape import Duration, Located
from engine.steps.late import Rung, Timed
from engine.store.transaction import Transaction

if TYPE_CHECKING:
    from engine.runtime.service import Service

#: The rung of what is due itself: nothing happens then, but that it is noted.
DUE = 0
#: Timers that follow a new calendar in one transaction.
BATCH = 1_000


class Deadlines:
    """The timers of one service, which go off as the acts of the ``system``."""

    def __init__(self, service: Service, system: Actor) -> None:
        self._service = service
        self._system = system
        self._rows = service.store.timers

    # Timers of states -----------------------------------------------------------------------------------------------

    def follow(self, act: Act, event: str) -> None:
        """Makes the timers of every record in hand those of the state it stands in, at the moments that it says now."""
        for working in list(act.working.values()):
            if working.timed:
                working.timed = False
                workflow = self._service.workflow_of(act, working)
                if workflow is not None and workflow.has_timers:
                    self._follow(act, working, workflow, event)

    def _follow(self, act: Act, working: Working, workflow: Workflow, event: str) -> None:
        record, case = working.record, act.case_of(working)
        if case is None:
            return
        state = workflow.states.get(record["status"])
        timers = state.timers if state is not None and record["deleted_at"] is None else {}
        entered, calendar = case["entered_at"] or case["started_at"], act.catalog.working_time
        frame = act.frame(working.model, record, event)
        wanted = {
            f"{record['status']}.{name}": moment_of(timer, frame, entered, calendar) for name, timer in timers.items()
        }
        if not wanted and working.origin is None:
            return
        found = changes(wanted, self._rows.of(act.tx, case["id"]), entered=working.entered)
        working.entered = False
        for key in found.drop:
            self._rows.drop(act.tx, key)
        for row in found.move:
            self._rows.move(act.tx, self._stamped(row))
        about = {"kind": "case", "subject": case["id"], "model": working.model, "record": record["id"]}
        self._rows.add(act.tx, [self._stamped({**about, **row}) for row in found.add], act.moment)

    def _stamped(self, row: Mapping[str, Any]) -> Record:
        """The row with the version of the calendar that it was worked out by, if any was asked."""
        calendar = self._service.catalog.working_time
        counted = row["span"] is not None and Duration.parse(row["span"]).of_working_time
        return {**row, "calendar": calendar.version if counted and calendar is not None else None}

    # What waits for people ------------------------------------------------------------------------------------------

    def open(
        self,
        act: Act,
        kind: str,
        subject: Record,
        timed: Timed,
        *,
        step: str,
        round: int = 1,
        since: datetime | None = None,
    ) -> None:
        """Sets the timers of a hold or a task that has been opened: when it is due, and each rung of its ladder. Of one
        that is opened again, ``since`` some later moment, those that have not gone off before, and what they still
        repeat."""
        since, calendar = since or subject["opened_at"], act.catalog.working_time
        spans = {DUE: timed.due} if timed.due is not None else {}
        spans |= {number: rung.after for number, rung in enumerate(timed.late, 1)}
        about = {
            "kind": kind,
            "subject": subject["id"],
            "model": subject["model"],
            "record": subject["record"],
            "step": step,
            "round": round,
            "place": place_of(timed),
            "definitions": act.catalog.fingerprint,
        }
        if about["place"] not in timed_by_place(act.catalog):  # it is of the definitions that the case pins
            holder = act.working.get(subject["record"])
            case = act.case_of(holder) if holder is not None else None
            about |= {"definitions": case["definitions"]} if case is not None else {}
        past = self._rows.of(act.tx, subject["id"]) if spans else []
        latest = {row["rung"]: row for row in sorted(past, key=lambda row: row["turn"])}
        rows = []
        for rung, span in spans.items():
            last, following = latest.get(rung), (1, Moment(since, end_of(since, span, calendar), span))
            if last is not None:
                done = last["done_at"] is not None and rung != DUE
                left = self._left(act, timed.late[rung - 1], last, since) if done else None
                if left is None:
                    continue
                following = left
            turn, moment = following
            rows.append(self._stamped({**about, "rung": rung, "turn": turn, **row_of(moment)}))
        self._rows.add(act.tx, rows, act.moment)

    @staticmethod
    def _left(act: Act, rung: Rung, last: Record, since: datetime) -> tuple[int, Moment] | None:
        """What a rung still repeats that has gone off before."""
        return again(rung, last["turn"], max(last["due_at"], since), act.moment, act.catalog.working_time)

    def close(self, act: Act, subject: str) -> None:
        """Calls off what was still to come for a hold or a task."""
        self._rows.clear(act.tx, subject)

    def park(self, act: Act, working: Working) -> None:
        """Lets the ladders over the holds of a record that goes to the trash rest with it."""
        self._rows.park(act.tx, working.record["id"], act.moment)

    def resume(self, act: Act, working: Working) -> None:
        """Lets the ladders over the holds of a record that is back from the trash go on where they stood."""
        self._rows.resume(act.tx, working.record["id"])

    # Going off ------------------------------------------------------------------------------------------------------

    def go_off(self, tx: Transaction, key: str) -> bool:
        """Whether the timer goes off in this act: not where it has done so before, was moved or called off."""
        service, timer = self._service, self._rows.get(tx, key)
        now = service.clock.now()
        if timer is None or timer["done_at"] is not None or timer["due_at"] > now:
            return False
        act = Act(service.catalog, service.store, tx, self._system, now)
        event = str(timer["step"]).rpartition(".")[2]
        try:
            # In the sequence in which releasing takes them. A task is read after its record, as when somebody answers.
            hold = act.take(timer["kind"], timer["subject"], event) if timer["kind"] == "hold" else None
            working = act.take(timer["model"], timer["record"], event, service.plan(timer["model"]).reads)
        except NotFound:
            self._rows.drop(tx, key)  # in the trash: coming back from there sets the timers of its state anew
            return False
        if not self._rows.done(tx, key, now):
            return False
        effects = Effects(service, act, event)
        if timer["kind"] == "case":
            entry = self._state_timer(effects, working, timer)
        elif hold is not None:
            entry = self._rung(effects, working, HeldUp(effects, working, hold), timer)
        else:
            entry = self._rung(effects, working, Asked(effects, working, timer["subject"]), timer)
        effects.settle()
        entry["to_state"] = working.record["status"]
        act.finish()
        return True

    def _state_timer(self, effects: Effects, working: Working, timer: Record) -> Record:
        """The entry of the event log about a timer of a state, which goes off."""
        act, record = effects.act, working.record
        workflow = self._service.workflow_of(act, working)
        name = str(timer["step"]).rpartition(".")[2]
        state = workflow.states.get(record["status"]) if workflow is not None else None
        found = state.timers.get(name) if state is not None else None
        if workflow is None or state is None or found is None:
            raise EngineError(f"{working.model} {record['id']} has no timer {timer['step']}")
        act.store.records.expand(act.tx, working.model, [record], workflow.reads)
        rule = f"{workflow.name}.{state.name}.timers.{name}"
        entry = act.note(working, name, record["status"], record["status"])
        working.trail.append(Reason(rule, "fired", found.label, found.span, read=_when(timer)))
        self._repeat(act, timer, again(found, timer["turn"], timer["due_at"], act.moment, act.catalog.working_time))
        effects.drive(go_off(workflow, state, found, act.frame(working.model, record, name)))
        return entry

    def _rung(self, effects: Effects, working: Working, waiting: Waiting, timer: Record) -> Record:
        """The entry of the event log about a rung of the ladder over a hold or a task."""
        act = effects.act
        status = working.record["status"]
        rule = f"{timer['kind']}.{timer['step']}.late.{timer['rung']}"
        if timer["rung"] == DUE:
            working.trail.append(Reason(rule, "overdue", read=_when(timer)))
            return act.note(working, "overdue", status, status, {timer["kind"]: timer["step"]})
        rung = self._rung_of(act.tx, timer)
        self._repeat(act, timer, again(rung, timer["turn"], timer["due_at"], act.moment, act.catalog.working_time))
        read = {**_when(timer), "assignee": ", ".join(waiting.people())}
        entry = act.note(working, "late", status, status)
        outcome = climb(effects, working, waiting, rung)
        entry |= {"name": outcome, "input": {timer["kind"]: timer["step"], "to": ", ".join(waiting.people()) or None}}
        working.trail.append(Reason(rule, outcome, span=rung.span, read=read))
        return entry

    def _repeat(self, act: Act, timer: Record, following: tuple[int, Moment] | None) -> None:
        if following is not None:
            turn, moment = following
            row = {**timer, "id": None, "turn": turn, "fired_at": None, "done_at": None, **row_of(moment)}
            del row["id"]
            self._rows.add(act.tx, [self._stamped(row)], act.moment)

    def _rung_of(self, tx: Transaction, timer: Record) -> Rung:
        """The rung as it was when the timer was set: of the present definitions where they say the same, else of
        those."""
        service, place = self._service, timer["place"]
        found = timed_by_place(service.catalog).get(place)
        if found is None:
            found = timed_by_place(service.catalog_of(tx, timer))[place]
        return found.late[int(timer["rung"]) - 1]

    # A new calendar -------------------------------------------------------------------------------------------------

    def follow_calendar(self, tx: Transaction) -> int:
        """How many timers in working time have been moved because the calendar says something else now; at most a
        batch, none when all follow it."""
        calendar = self._service.catalog.working_time
        if calendar is None:
            return 0
        stale = self._rows.stale(tx, calendar.version, BATCH)
        for row in by_calendar(stale, calendar):
            self._rows.move(tx, self._stamped(row))
            if row["rung"] == DUE:
                table = self._service.store.tables[row["kind"]]
                tx.change(table.update().where(table.c["id"] == row["subject"]).values(due_at=row["due_at"]))
        return len(stale)


def timed_by_place(catalog: Catalog) -> Mapping[str, Timed]:
    """What of the definitions is timed, by its place and what it says."""

    def found() -> Iterator[tuple[str, Timed]]:
        for definitions in vars(catalog).values():
            if isinstance(definitions, Mapping):
                for part in parts([found for found in definitions.values() if isinstance(found, Located)], Located):
                    if hasattr(part, "late"):
                        timed: Any = part
                        yield place_of(timed), timed

    return catalog.memo("timed", lambda: dict(found()))


def place_of(timed: Any) -> str:
    """The place of a part of the definitions, and what it says, in a text that another version has only where both are
    the same."""
    at: Located = timed
    return f"{at.document.kind}:{at.document.name}/{'/'.join(map(str, at.path))}#{at.print}"


def _when(timer: Record) -> dict[str, datetime]:
    return {"since": timer["since"], "due_at": timer["due_at"]}
