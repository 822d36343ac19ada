"""Drives the generators of policy inside a transaction: performs each effect and sends its answer back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.model import Arising
from engine.catalog.kinds.workflow import State, Workflow
from engine.errors import Complaint, InvalidValues, Refused
from engine.policy.rules import work_through
from engine.policy.transition import decided, enter, may_fire, proceed, take, waited_for_elsewhere
from engine.ports import (
    Alias,
    Apply,
    Ask,
    Change,
    Create,
    Decide,
    Delete,
    Drop,
    Effect,
    Expand,
    Find,
    Fire,
    LetGo,
    Match,
    Move,
    Notify,
    PlaceHold,
    Price,
    Reason,
    Record,
    Refresh,
    ReleaseHold,
    Route,
    Run,
    Update,
)
from engine.runtime import holding
from engine.runtime.act import Act, Working
from engine.runtime.approving import Approving
from engine.runtime.deciding import asked
from engine.runtime.pricing import Answer, priced
from engine.runtime.risking import guarded, watch
from engine.runtime.routing import routed
from engine.steps.step import Frame, run_steps

if TYPE_CHECKING:
    from engine.runtime.service import Service

T = TypeVar("T")

#: An act that is still opening new ways after so many rounds goes round in a circle.
MOST_ROUNDS = 50
#: A `find` without a limit reads at most so many records: work is bounded.
MOST_FOUND = 10_000


class Effects:
    """Performs effects for one act."""

    def __init__(self, service: Service, act: Act, event: str) -> None:
        self.service = service
        self.act = act
        self.event = event
        self._perform: dict[type[Any], Callable[[Any], Any]] = {
            Alias: self._alias,
            Apply: self._apply,
            Ask: self._ask,
            Change: self._change,
            Create: self._create,
            Decide: self._decide,
            Delete: self._delete,
            Drop: self._drop,
            Expand: self._expand,
            Find: self._find,
            Fire: self._fire,
            Match: self._match,
            Move: self._move,
            Notify: self._notify,
            PlaceHold: self._hold,
            Price: self._price,
            Refresh: self._refresh,
            LetGo: self._let_go,
            ReleaseHold: self._release,
            Route: self._route,
            Run: self._run,
            Update: self._update,
        }

    def drive(self, steps: Generator[Effect, Any, T]) -> T:
        """What the generator returns, after all its effects have been performed."""
        answer: Any = None
        while True:
            try:
                effect = steps.send(answer)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]  # StopIteration's value is untyped
            answer = self.perform(effect)

    def perform(self, effect: Effect) -> Any:
        """The answer to one effect."""
        return self._perform[type(effect)](effect)

    def settle(self) -> None:
        """Tries the branches of every record in hand that has been touched, until nothing moves any more."""
        for _ in range(MOST_ROUNDS):
            self._arise()
            self.service.awaited(self.act).tell(self.act, self.event)
            touched = [working for working in self.act.working.values() if working.touched]
            if not touched:
                self.service.deadlines.follow(self.act, self.event)
                return
            for working in touched:
                working.touched, working.timed = False, True
                workflow = self.service.workflow_of(self.act, working)
                if workflow is not None:
                    self.drive(proceed(workflow, self.frame(working)))
        raise Refused(f"records still move each other after {MOST_ROUNDS} rounds", code="TOO_MANY_HOPS")

    def _arise(self) -> None:
        """Notes the events that arise because fields of records in hand have changed, each once in an act."""
        for working in list(self.act.working.values()):
            for name, arising in self.act.catalog.models[working.model].changes.items():
                if name not in working.arisen and working.origin is not None and _changed(working, arising):
                    working.arisen.add(name)
                    status = working.record["status"]
                    self.act.note(working, name, status, status)
                    watch(self, working, name)

    def frame(self, working: Working, **more: Any) -> Frame:
        """What steps about a record in hand see."""
        return self.act.frame(working.model, working.record, self.event, **more)

    # Records --------------------------------------------------------------------------------------------------------

    def _change(self, effect: Change) -> Record:
        working = self.in_hand(effect.model, effect.record)
        for row, values in effect.rows:
            row.update(values)
        self.service.assign(self.act, working, dict(effect.values))
        return working.record

    def _create(self, effect: Create) -> Record:
        if effect.once:
            self.act.flush()
            equal = {name: effect.values[name] for name in effect.once}
            self.act.tx.alone(once_key(effect.model, equal))
            found = self.act.store.query.equal(self.act.tx, effect.model, equal, limit=1)
            if found:
                return found[0]
        return self.service.make(self, effect.model, dict(effect.values)).record

    def _delete(self, effect: Delete) -> int:
        self.act.flush()
        found = self.act.store.query.find(
            self.act.tx, effect.model, where=effect.where, names=effect.scope, limit=MOST_FOUND + 1
        )
        refuse_many(found, effect.model)
        for record in found:
            self.service.trash(self, self.act.hold_on(effect.model, record, self.event))
        return len(found)

    def _find(self, effect: Find) -> list[Record]:
        self.act.flush()
        return self.act.store.query.find(
            self.act.tx,
            effect.model,
            where=effect.where,
            names=effect.scope,
            sort=effect.sort,
            limit=MOST_FOUND if effect.limit is None else effect.limit,
            group=effect.group,
            measure=effect.measure,
        )

    def _match(self, effect: Match) -> dict[tuple[Any, ...], Record]:
        self.act.flush()
        return self.act.store.matching.by_fields(self.act.tx, effect.model, effect.by, effect.keys)

    def _alias(self, effect: Alias) -> dict[str, Record]:
        return self.act.store.matching.by_alias(self.act.tx, effect.model, effect.channel, effect.texts)

    def _expand(self, effect: Expand) -> None:
        self.act.store.records.expand(self.act.tx, effect.place, effect.records, effect.reads)

    def _update(self, effect: Update) -> int:
        """One UPDATE decides who passes ``require``; the records are then taken in hand for checks and history."""
        self.act.flush()
        query = self.act.store.query
        before = query.find(
            self.act.tx, effect.model, where=effect.where, names=effect.scope, limit=MOST_FOUND + 1, lock=True
        )
        refuse_many(before, effect.model)
        in_hand = {record["id"]: self.act.hold_on(effect.model, record, self.event) for record in before}
        changed = query.update_where(
            self.act.tx,
            effect.model,
            where=effect.where,
            require=effect.require,
            values=effect.values,
            names=effect.scope,
        )
        for key, columns in changed.items():
            working = in_hand[key]
            working.record.update(columns)
            if working.stored is not None:
                working.stored = {**working.stored, **columns}
            working.written = True
            self.service.assign(self.act, working, {})
        return len(changed)

    def in_hand(self, model: str, record: Record) -> Working:
        """The record in hand, taken for this act if it was not yet."""
        return self.act.working.get(record["id"]) or self.act.take(model, record["id"], self.event)

    # Workflow -------------------------------------------------------------------------------------------------------

    def _move(self, effect: Move) -> None:
        working = self.in_hand(effect.model, effect.record)
        workflow = self.service.workflow_of(self.act, working)
        self.leave(working)
        working.record["status"] = effect.state
        working.dirty = working.moved = working.timed = working.entered = True
        working.trail.append(effect.why)
        if working.case is not None:
            over = workflow is not None and effect.state in workflow.final
            working.case |= {"state": effect.state, "entered_at": self.act.moment}
            working.case["ended_at"] = self.act.moment if over else None

    def leave(self, working: Working) -> None:
        """Calls off what the state still asks of people: the record goes on without it."""
        workflow = self.service.workflow_of(self.act, working)
        state = workflow.states.get(working.record["status"]) if workflow is not None else None
        if state is not None and state.approval:
            case = self.act.case_of(working)
            if case is not None and case["state"] is not None:  # else it comes here only now
                Approving(self, working, state).cancel()

    def ask_again(self, working: Working) -> None:
        """Begins the approval of the state that a record has come back to, from the trash."""
        workflow = self.service.workflow_of(self.act, working)
        state = workflow.states.get(working.record["status"]) if workflow is not None else None
        if workflow is not None and state is not None and state.approval:
            self.go_on(working, workflow, state, Approving(self, working, state).begin())

    def go_on(self, working: Working, workflow: Workflow, state: State, outcome: str | None) -> None:
        """Moves the record to where its approval leads, once that is decided."""
        if outcome is not None:
            to, why = decided(workflow, state, outcome)
            self.drive(enter(workflow, to, self.frame(working), why))

    def _ask(self, effect: Ask) -> Any:
        working = self.in_hand(effect.model, effect.record)
        workflow = self.service.workflow_of(self.act, working)
        if workflow is None:
            raise RuntimeError(f"{effect.model} has no workflow to ask somebody in")
        return Approving(self, working, workflow.states[effect.state]).begin()

    def _refresh(self, effect: Refresh) -> None:
        self.service.awaited(self.act).refresh(self.act, self.in_hand(effect.model, effect.record))

    def _fire(self, effect: Fire) -> Record:
        """An event that a step fires: the engine's own authority, but state, holds and guards count. News that only
        the engine brings passes over a record whose state does not wait for it: others of the same group may."""
        working = self.in_hand(effect.model, effect.record)
        workflow = self.service.workflow_of(self.act, working)
        if workflow is None:
            raise Refused(f"{effect.model} has no workflow to fire {effect.event} in", code="TRANSITION_REFUSED")
        if self.service.event_of(workflow, working, effect.event) is None and waited_for_elsewhere(
            workflow, effect.event
        ):
            text = f"not waited for in the state {working.record['status']!r}"
            working.trail.append(Reason(f"{workflow.name}.{effect.event}", "passed over", text, workflow.span))
            return working.record
        put_in = {**self.service.blank_input(workflow, working, effect.event), **effect.input}
        frame = self.act.frame(working.model, working.record, effect.event, input=put_in)
        verdict = may_fire(workflow, effect.event, frame, working.record["holds"])
        event = self.service.event_of(workflow, working, effect.event)
        if not verdict or event is None:
            raise refusal(verdict.reasons)
        verdict = guarded(self.act, working.model, working.record, effect.event)
        if not verdict:
            raise refusal(verdict.reasons)
        before = working.record["status"]
        entry = self.act.note(working, effect.event, before, before)
        working.trail.extend(verdict.reasons)
        watch(self, working, effect.event, event.to)
        self.drive(take(workflow, event, frame))
        entry["to_state"] = working.record["status"]
        return working.record

    def _run(self, effect: Run) -> Any:
        catalog = self._knowing(effect.name, effect.model, effect.record, "actions", "checks")
        frame = self.act.frame(effect.model, effect.record, self.event, input=dict(effect.input))
        if effect.name in catalog.actions:
            self.drive(run_steps(catalog.actions[effect.name].steps, frame))
            return None
        checks = catalog.checks[effect.name]
        verdict = self.drive(work_through(checks.name, checks.rules, frame, _refused_by_rules))
        if effect.record is not None:
            self.in_hand(str(effect.model), effect.record).trail.extend(verdict.reasons)
        return verdict

    def _knowing(self, name: str, model: str | None, record: Record | None, *kinds: str) -> Catalog:
        """The definitions that have what goes by that name: the present ones; else those that the record's case pins,
        for an older version of a workflow may name what is no more."""
        present = self.act.catalog
        if record is None or model is None or any(name in getattr(present, kind) for kind in kinds):
            return present
        case = self.act.case_of(self.in_hand(model, record))
        return self.service.catalog_of(self.act.tx, case) if case is not None else present

    def _decide(self, effect: Decide) -> Any:
        working = None
        if effect.model is not None and effect.record is not None:
            working = self.in_hand(effect.model, effect.record)
        catalog = self._knowing(effect.table, effect.model, effect.record, "tables")
        return asked(self.service, catalog, self.act, effect, working, self.event)

    def _price(self, effect: Price) -> Answer:
        catalog = self._knowing(effect.pricing, effect.model, effect.record, "pricings")
        return priced(catalog, self.act, effect, self.in_hand(effect.model, effect.record), self.event)

    def _route(self, effect: Route) -> tuple[list[Record], list[Record]]:
        catalog = self._knowing(effect.routing, effect.model, effect.record, "routings")
        answer = routed(catalog, self.act, effect, self.in_hand(effect.model, effect.record))
        return answer.parts, answer.missing

    # Proposals ------------------------------------------------------------------------------------------------------

    def _apply(self, effect: Apply) -> Record:
        return self.service.proposals.apply(self, self.in_hand(effect.model, effect.record))

    def _drop(self, effect: Drop) -> None:
        self.service.proposals.drop(self, self.in_hand(effect.model, effect.record), effect.why)

    # Holds and news -------------------------------------------------------------------------------------------------

    def _hold(self, effect: PlaceHold) -> Record:
        return holding.place(self, effect)

    def _release(self, effect: ReleaseHold) -> int:
        return holding.release_named(self, effect)

    def _let_go(self, effect: LetGo) -> bool:
        return holding.let_go(self, effect)

    def _notify(self, effect: Notify) -> str:
        return self.act.queue_message(effect)


def _changed(working: Working, arising: Arising) -> bool:
    """Whether one of the fields is not what it was when the act began."""
    origin = working.origin or {}
    return any(_plain(origin[name]) != _plain(working.record[name]) for name in arising.of)


def _plain(value: Any) -> Any:
    """The value as it is compared: a linked record by its id."""
    return value.get("id") if isinstance(value, dict) and "id" in value else value


def once_key(model: str, equal: Mapping[str, Any]) -> str:
    """The text that tells apart what is to be made once: of two acts at a time only one may find that it is not there
    yet."""
    return " ".join((model, *(f"{name}={_once_text(value)!r}" for name, value in sorted(equal.items()))))


def _once_text(value: Any) -> str | None:
    """One text for values that the database takes for equal."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return str(value["id"])
    return None if value is None else str(value)


def refuse_many(found: Sequence[Record], model: str) -> None:
    """Refuses a step that would change more records than one act may: half of them would be a silent mistake."""
    if len(found) > MOST_FOUND:
        raise Refused(f"more than {MOST_FOUND} records of {model} in one step", code="TOO_MANY_RECORDS")


def refusal(reasons: tuple[Reason, ...]) -> Refused:
    """The exception for an event that may not be fired, from the reasons of its verdict."""
    reason = reasons[0]
    parts = [Complaint("", part.outcome, part.message or part.rule) for part in reason.parts]
    return Refused(reason.message, code=reason.outcome, complaints=parts, reasons=reasons)


def _refused_by_rules(complaints: Any, reasons: Any) -> Refused:
    return Refused("a rule refuses this", code=complaints[0].code, complaints=complaints, reasons=reasons)


def not_accepted(complaints: Any, reasons: Any) -> InvalidValues:
    """The exception for an arrival that the rules of its channel do not accept."""
    return InvalidValues("not accepted", code=complaints[0].code, complaints=complaints, reasons=reasons)
