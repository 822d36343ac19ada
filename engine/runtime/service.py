"""The acts on records: create, update, fire, delete, and what reads them. Each checks access itself, inside the
transaction.

One service belongs to one catalogue. Its methods run synchronously in the transaction they are given; who calls them
wraps them in ``database.write`` or ``database.read``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.risk import CREATE
from engine.catalog.kinds.workflow import Event, Workflow
from engine.catalog.shapes import PROPOSED
from engine.errors import AccessDenied, Complaint, InvalidValues, NotFound, Refused, RequestError, StaleVersion
from engine.policy.access import Actor, Rights
from engine.policy.transition import enter, events_from, may_begin, may_fire, take
from engine.policy.values import merge_rows, whole_rows
from engine.ports import Clock, Reason, Record, Verdict
from engine.runtime import holding
from engine.runtime.act import Act, Working
from engine.runtime.covering import circle_of_covers
from engine.runtime.deadlines import Deadlines
from engine.runtime.effects import Effects, refusal
from engine.runtime.inputs import Inputs
from engine.runtime.links import LinkResolver
from engine.runtime.people import LEAVE
from engine.runtime.plans import ModelPlan
from engine.runtime.proposing import Proposals
from engine.runtime.risking import guarded, watch
from engine.runtime.waiting import Awaited
from engine.store.store import Store
from engine.store.transaction import Transaction

Values = Mapping[str, Any]

#: The model of people. Who may write it must not make anybody more than they are themselves.
USER = "user"

#: The engine itself, where it acts without a person behind it.
SYSTEM = Actor(
    None, "system", "system", everything=True, facts={"id": None, "login": "system", "roles": [], "teams": []}
)


class Service:
    """The acts of one catalogue."""

    def __init__(
        self, catalog: Catalog, store: Store, clock: Clock, catalog_at: Callable[[Transaction, str], Catalog]
    ) -> None:
        self.catalog = catalog
        self.store = store
        self.clock = clock
        self.rights = Rights(catalog)
        self.links = LinkResolver(catalog, store, self.rights)
        self.deadlines = Deadlines(self, SYSTEM)
        self.proposals = Proposals(self, SYSTEM)
        self.inputs = Inputs(catalog, self.links)
        self._awaited: Awaited | None = None
        self._catalog_at = catalog_at

    def on(self, clock: Clock) -> Service:
        """The same acts by another clock: what fills a database with a past."""
        return Service(self.catalog, self.store, clock, self._catalog_at)

    # Acts -----------------------------------------------------------------------------------------------------------

    def create(
        self, tx: Transaction, actor: Actor, model: str, values: Values, *, channel: str | None = None
    ) -> Record:
        """The new record, after it has entered the start of its workflow and gone as far as that leads."""
        self._known(model)
        self._demand(self.rights.may_create(actor, model, None, {}))
        act = self.act(tx, actor)
        plan = self.plan(model)
        complaints: list[Complaint] = []
        typed = plan.reader.read(values, complaints)
        if model == USER:
            self._demand_roles(actor, typed, None)
        self.links.resolve(act, plan.reader, [("", typed)], complaints)
        effects = Effects(self, act, "create")
        working = self.make(effects, model, typed, channel=channel, complaints=complaints, guarded=True)
        return self._done(effects, working)

    def update(
        self, tx: Transaction, actor: Actor, model: str, key: str, values: Values, *, version: int | None = None
    ) -> Record:
        """The changed record. Rows that are given replace the rows there are: matched by id, else by their key."""
        act = self.act(tx, actor)
        working = self._open(act, model, key, "update", version)
        plan = self.plan(model)
        names = act.names(model, working.record, "update")
        self._demand(self.rights.may_update(actor, model, working.record, list(values), names))
        complaints: list[Complaint] = []
        typed = plan.reader.read(values, complaints)
        if model == USER:
            self._demand_roles(actor, typed, working.record)
        self.links.resolve(act, plan.reader, [("", typed)], complaints)
        effects = Effects(self, act, "update")
        status = working.record["status"]
        act.note(working, "update", status, status)
        self.assign(act, working, typed, complaints)
        return self._done(effects, working)

    def fire(
        self,
        tx: Transaction,
        actor: Actor,
        model: str,
        key: str,
        event: str,
        put_in: Values | None = None,
        *,
        version: int | None = None,
    ) -> Record:
        """The record after the event and all that follows from it."""
        act = self.act(tx, actor)
        working = self._open(act, model, key, f"event:{event}", version)
        workflow = self.workflow_of(act, working)
        if workflow is None:
            raise Refused(f"{model} has no workflow", code="TRANSITION_REFUSED")
        self.store.records.expand(tx, model, [working.record], workflow.reads)
        known = self.event_of(workflow, working, event)
        self._demand(self.rights.may_fire(actor, model, event, known.by if known else None))
        effects = Effects(self, act, event)
        given, own = self.inputs.read(act, model, known, put_in or {})
        frame = act.frame(model, working.record, event, input=given)
        if event in workflow.proposing:
            self._propose(effects, working, workflow, event, own, given)
        verdict = may_fire(workflow, event, frame, working.record["holds"])
        if not verdict or known is None:
            raise refusal(verdict.reasons)
        guards = guarded(act, model, working.record, event)
        if not guards:
            raise refusal(guards.reasons)
        before = working.record["status"]
        # What is proposed is kept with the proposal.
        told = {name: value for name, value in (put_in or {}).items() if name not in own}
        entry = act.note(working, event, before, before, told or None)
        working.trail.extend((*verdict.reasons, *guards.reasons))
        watch(effects, working, event, known.to)
        effects.drive(take(workflow, known, frame))
        return self._done(effects, working, entry)

    def delete(self, tx: Transaction, actor: Actor, model: str, key: str, *, version: int | None = None) -> None:
        """Moves the record to the trash; ``restore`` brings it back."""
        act = self.act(tx, actor)
        working = self._open(act, model, key, "delete", version)
        self._demand(self.rights.may_delete(actor, model, working.record, act.names(model, working.record, "delete")))
        status = working.record["status"]
        act.note(working, "delete", status, status)
        effects = Effects(self, act, "delete")
        self.trash(effects, working)
        self._done(effects, working)

    def restore(self, tx: Transaction, actor: Actor, model: str, key: str) -> Record:
        """The record, back from the trash."""
        self._known(model)
        act = self.act(tx, actor)
        found = self.store.records.load(tx, model, [key], trashed=True, lock=True)
        names = act.names(model, found[0] if found else None, "restore")
        if not found or not self.rights.may_read(actor, model, found[0], names):
            raise NotFound(f"there is no {model} {key} in the trash")
        self._demand(self.rights.may_delete(actor, model, found[0], names))
        working = act.hold_on(model, found[0], "restore")
        act.note(working, "restore", working.record["status"], working.record["status"])
        working.record["deleted_at"] = None
        working.dirty = working.timed = working.touched = True
        self.deadlines.resume(act, working)
        effects = Effects(self, act, "restore")
        effects.ask_again(working)
        return self._done(effects, working)

    def release(self, tx: Transaction, actor: Actor, hold_key: str, why: str) -> Record:
        """The held record after the hold is released and what waited for it has gone on. The assignee's right, or its
        role's; a reason must be given."""
        act = self.act(tx, actor)
        hold = act.take("hold", hold_key, "release")
        self._demand(self.may_release(actor, hold.record))
        if hold.record["released_at"] is not None:
            raise Refused("this hold has been released already", code="ALREADY_RELEASED")
        if not why.strip():
            raise InvalidValues(complaints=[Complaint("why", "VALUE_REQUIRED", "a reason is required")])
        model, key = hold.record["model"], hold.record["record"]
        working = act.take(model, key, "release", self.plan(model).reads)
        effects = Effects(self, act, "release")
        status = working.record["status"]
        entry = act.note(working, "release", status, status, {"hold": hold.record["name"], "why": why})
        holding.release(effects, working, hold, why)
        return self._done(effects, working, entry)

    # Inner acts: shared by the public ones and by effects, which act with the authority of the definitions ----------

    def make(
        self,
        effects: Effects,
        model: str,
        values: Record,
        *,
        channel: str | None = None,
        complaints: list[Complaint] | None = None,
        guarded: bool = False,
    ) -> Working:
        """The new record in hand, from typed values. Raises InvalidValues for what it lacks, with
        ``complaints`` first."""
        act, plan = effects.act, self.plan(model)
        complaints = [] if complaints is None else complaints
        if not guarded:
            self.links.resolve(act, plan.reader, [("", values)], complaints, trusted=True)
        record = self.blank(plan, values)
        workflow = self.catalog.workflow_for(model, channel)
        if workflow is not None:
            record["status"] = workflow.start
        act.sign(record)
        self.work_out(act, plan, record, complaints)
        names = act.names(model, record, "create")
        if guarded:
            self._demand(self.rights.may_create(act.actor, model, record, names))
        working = act.begin(model, record, "create")
        record = working.record
        entry = act.note(working, "create", None, None)
        if workflow is not None:
            act.start_case(working, workflow)
        watch(effects, working, CREATE)
        if workflow is not None:
            start = str(workflow.start)
            effects.drive(
                enter(
                    workflow,
                    start,
                    act.frame(model, record, effects.event),
                    Reason(f"{workflow.name}.start", start, span=workflow.span),
                    new=True,
                )
            )
            entry["to_state"] = record["status"]
        return working

    def assign(
        self,
        act: Act,
        working: Working,
        values: Record,
        complaints: list[Complaint] | None = None,
        *,
        new: Collection[str] = (),
    ) -> None:
        """Sets typed values on a record in hand, and works out what follows. ``new``: ids of rows that are new."""
        plan, record = self.plan(working.model), working.record
        complaints = [] if complaints is None else complaints
        self.links.resolve(act, plan.reader, [("", values)], complaints, trusted=True)
        unknown: list[Complaint] = []
        self.merge(plan, record, values, unknown, new)
        if unknown:  # the rest would only complain about the rows that are missing
            raise InvalidValues(complaints=[*complaints, *unknown])
        self.work_out(act, plan, record, complaints)
        self.proposals.refresh(act, working)
        working.touched = working.dirty = True

    @staticmethod
    def blank(plan: ModelPlan, values: Record) -> Record:
        """A record that is not saved yet, with every field there is and the typed values that are given."""
        record = plan.reader.blank()
        record.update(values)
        record.update((name, []) for name in plan.back_links)
        if plan.proposes:
            record[PROPOSED] = None
        record["id"], record["version"], record["status"], record["holds"] = None, 1, None, []
        for name, reader in plan.reader.rows.items():
            record[name] = whole_rows(reader, record[name])
        return record

    @staticmethod
    def merge(
        plan: ModelPlan, record: Record, values: Record, complaints: list[Complaint], new: Collection[str] = ()
    ) -> None:
        """Puts typed values into a record; rows that are given change those of their id or key (but for those of a
        ``new`` id), and replace the others."""
        for name, value in values.items():
            reader = plan.reader.rows.get(name)
            if reader is None:
                record[name] = value
            else:
                record[name] = merge_rows(plan.reader.fields[name], reader, record[name], value, name, complaints, new)

    def work_out(self, act: Act, plan: ModelPlan, record: Record, complaints: list[Complaint]) -> None:
        """Defaults, computed fields, checks, in place; InvalidValues with everything that is wrong."""
        self.complain_about(act, plan, record, complaints)
        if complaints:
            raise InvalidValues(complaints=complaints)

    def complain_about(self, act: Act, plan: ModelPlan, record: Record, complaints: list[Complaint]) -> None:
        """The same without raising: ``complaints`` grows. A place that was wrong before is not
        complained about twice."""
        names = act.names(plan.name, record, "save")
        wrong = {complaint.at for complaint in complaints}
        records = self.store.records
        records.expand(act.tx, plan.name, [record], plan.reads)
        if plan.computer.fill(record, names):
            self.links.resolve(act, plan.reader, [("", record)], complaints, trusted=True)
            records.expand(act.tx, plan.name, [record], plan.reads)
        plan.computer.compute(record, names, complaints)
        complaints.extend(c for c in plan.computer.complaints(record, names) if c.at not in wrong)
        if plan.name == LEAVE:
            complaints.extend(circle_of_covers(act, record))

    def trash(self, effects: Effects, working: Working) -> None:
        """Marks a record in hand as deleted; nobody needs to decide about it any more."""
        effects.leave(working)
        working.record["deleted_at"] = effects.act.moment
        self.deadlines.park(effects.act, working)
        working.dirty = working.timed = True

    # Workflow -------------------------------------------------------------------------------------------------------

    def workflow_of(self, act: Act, working: Working) -> Workflow | None:
        """The workflow that the record's case pins: the present one, or that of the definitions it started with."""
        if working.workflow is None and working.record["status"] is not None:
            case = act.case_of(working)
            if case is not None:
                working.workflow = self._pinned(act.tx, case)
        return working.workflow

    def _pinned(self, tx: Transaction, case: Record) -> Workflow:
        present = self.catalog.workflows.get(case["workflow"])
        if present is not None and present.fingerprint == case["workflow_version"]:
            return present
        return self.catalog_of(tx, case).workflows[case["workflow"]]

    def awaited(self, act: Act) -> Awaited:
        """Which records wait for which others, worked out at the first act: by then no case begins in an older
        version any more."""
        if self._awaited is None:
            self._awaited = Awaited.of(act, lambda case: self.catalog_of(act.tx, case))
        return self._awaited

    def catalog_of(self, tx: Transaction, case: Record) -> Catalog:
        """The definitions with which a case began."""
        return self._catalog_at(tx, case["definitions"])

    @staticmethod
    def event_of(workflow: Workflow, working: Working, name: str) -> Event | None:
        """The event of that name in the record's state, or None when it has no such event there."""
        return events_from(workflow, working.record["status"]).get(name)

    def _propose(
        self, effects: Effects, working: Working, workflow: Workflow, name: str, values: Record, given: Record
    ) -> None:
        """Keeps what is put in as the pending version of a record, before the event's guard is asked: it may read it.
        Refused where one is pending already."""
        act, model, record = effects.act, working.model, working.record
        verdict = self.proposals.alone(act, working, workflow, name) and may_begin(
            workflow, name, record, record["holds"]
        )
        event = self.event_of(workflow, working, name)
        if not verdict or event is None:
            raise refusal(verdict.reasons)
        self._demand(self.rights.may_propose(act.actor, model, record, list(values), act.names(model, record, name)))
        if model == USER:
            self._demand_roles(act.actor, values, record)
        self.proposals.propose(effects, working, workflow, event, values, given)

    def blank_input(self, workflow: Workflow, working: Working, name: str) -> Record:
        """The input of an event in the record's state with nothing put in."""
        event = self.event_of(workflow, working, name)
        return self.inputs.blank(event) if event is not None else {}

    # Helpers --------------------------------------------------------------------------------------------------------

    def plan(self, model: str) -> ModelPlan:
        """The model's plan, worked out once per catalogue."""
        return self.catalog.memo((ModelPlan, model), lambda: ModelPlan.of(self.catalog, model))

    def act(self, tx: Transaction, actor: Actor) -> Act:
        """A new act of the actor, at this moment."""
        return Act(self.catalog, self.store, tx, actor, self.clock.now())

    def _known(self, model: str) -> None:
        if model not in self.catalog.models:
            raise NotFound(f"there is no model {model}")

    def _open(self, act: Act, model: str, key: str, name: str, version: int | None) -> Working:
        """The record in hand, if the actor may know of it and has seen its present version."""
        self._known(model)
        working = act.take(model, key, name, self.plan(model).reads)
        if not self.rights.may_read(act.actor, model, working.record, act.names(model, working.record, name)):
            raise NotFound(f"there is no {model} {key}")
        if version is not None and version != working.record["version"]:
            raise StaleVersion(f"you have read version {version}, and it is version {working.record['version']} now")
        return working

    def _done(self, effects: Effects, working: Working, entry: Record | None = None) -> Record:
        effects.settle()
        if entry is not None:
            entry["to_state"] = working.record["status"]
        effects.act.finish()
        return working.record

    def may_release(self, actor: Actor, hold: Record) -> Verdict:
        """Whether the actor may release the hold: it is assigned to them, or to a role of theirs."""
        if self.rights.unlimited(actor):
            return Verdict(True)
        assignee = hold["assignee"]
        if assignee is not None and assignee["id"] == actor.id:
            return Verdict(True)
        if hold["assignee_role"] in actor.roles:
            return Verdict(True)
        who = hold["assignee_role"] or (assignee and assignee["id"]) or "nobody"
        return Verdict(False, (Reason(f"hold.{hold['name']}", "denied", f"this hold is assigned to {who}"),))

    def _demand_roles(self, actor: Actor, values: Record, before: Record | None) -> None:
        """Refuses to give a user roles that the actor may not give. Those the user has already are not given anew."""
        had = {row["role"] for row in before["roles"]} if before is not None else set()
        given = {row.get("role") for row in values.get("roles", ())} - {None}
        self._demand(self.rights.may_give_roles(actor, given - had))

    @staticmethod
    def _demand(verdict: Verdict) -> None:
        if not verdict:
            raise denied(verdict)


def denied(verdict: Verdict) -> RequestError:
    """The exception for a right that nobody grants."""
    message = verdict.reasons[0].message if verdict.reasons else None
    return AccessDenied(message, reasons=verdict.reasons)
