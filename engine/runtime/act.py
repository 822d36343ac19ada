"""One act: what one actor does at one moment in one transaction, and everything that follows from it.

The act keeps the records it works on in memory, each beside what the database holds. Steps change the memory; ``flush``
writes the difference, before anything reads tables and at the end. However often it is flushed, an act raises a
record's version once and leaves one entry in its history.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.workflow import Workflow
from engine.errors import NotFound
from engine.expressions.calendars import WorkingTime
from engine.expressions.functions.lists import LISTS
from engine.fields.link import LinkField
from engine.policy.access import Actor
from engine.ports import Lists, Notify, Reason, Record
from engine.runtime.telling import with_kind
from engine.steps.step import Frame
from engine.store.keys import new_key
from engine.store.store import Store
from engine.store.transaction import Transaction
from engine.tables.columns import show

Names = dict[str, Any]

#: The queue of messages that are to be written and sent.
MESSAGE = "message"


@dataclass(slots=True)
class Working:
    """A record in hand. ``origin`` is what it was when the act began, None for a new one; ``stored`` what the database
    holds now."""

    model: str
    record: Record
    origin: Record | None
    stored: Record | None
    act: str
    #: What the database held when those who wait for this record were last told of it.
    told: Record | None = None
    trail: list[Reason] = field(default_factory=list)
    #: Something has changed that the branches of its state may read.
    touched: bool = False
    #: Its timers may be others now; and ``entered``: it has entered a state, whose timers begin anew.
    timed: bool = False
    entered: bool = False
    #: It has entered a state since its case was written.
    moved: bool = False
    #: Its memory may differ from ``stored``; and ``written``: it has differed from ``origin``.
    dirty: bool = False
    written: bool = False
    workflow: Workflow | None = None
    case: Record | None = None
    #: The events that have arisen in this act because fields have changed.
    arisen: set[str] = field(default_factory=set)


class Act:
    """The transaction, the actor, the moment, and the records in hand."""

    def __init__(
        self,
        catalog: Catalog,
        store: Store,
        tx: Transaction,
        actor: Actor,
        moment: datetime,
        *,
        timezone: str | None = None,
    ) -> None:
        self.catalog = catalog
        self.store = store
        self.tx = tx
        self.actor = actor
        self.moment = moment
        zone = timezone or catalog.app.timezone
        self._names = standing_names(actor, moment, zone, catalog.working_time, store.lists.at(moment, tx))
        self.working: dict[str, Working] = {}
        self.log: list[Record] = []
        self.jobs: list[Record] = []

    def names(self, model: str | None, record: Record | None, event: str, **more: Any) -> Names:
        """What expressions about the record may name besides its fields."""
        names: Names = {**self._names, "event": self._event(event)}
        if model is not None and record is not None:
            names["record"] = names[model] = record
        names.update(more)
        return names

    def frame(self, model: str | None, record: Record | None, event: str, **more: Any) -> Frame:
        """What steps about the record see."""
        return Frame(model, record, self.names(model, record, event, **more))

    def _event(self, name: str) -> Record:
        return event_facts(self.actor, self.moment, name)

    # Records in hand ------------------------------------------------------------------------------------------------

    def take(self, model: str, key: str, act: str, reads: frozenset[tuple[str, ...]] = frozenset()) -> Working:
        """The record in hand, loaded and locked for this transaction on first use. NotFound when there is none."""
        working = self.working.get(key)
        if working is None:
            found = self.store.records.load(self.tx, model, [key], reads, lock=True)
            if not found:
                raise NotFound(f"there is no {model} {key}")
            working = self.hold_on(model, found[0], act)
        return working

    def hold_on(self, model: str, record: Record, act: str) -> Working:
        """The record in hand, from one that this transaction has loaded."""
        working = self.working.get(record["id"])
        if working is None:
            before = self.store.records.snapshot(model, record)
            working = self.working[record["id"]] = Working(model, record, before, before, act)
        return working

    def begin(self, model: str, record: Record, act: str) -> Working:
        """The new record in hand; it has no past."""
        record["id"] = new_key(self.moment)
        record["version"] = 1
        record["created_at"] = record["updated_at"] = self.moment
        record["created_by"] = self.author()
        record["deleted_at"] = None
        record = self.store.records.adopt(self.tx, model, record)
        working = self.working[record["id"]] = Working(model, record, None, None, act, dirty=True)
        return working

    def sign(self, record: Record) -> None:
        """Gives a new record its owner and team, the actor's where nobody else's are put in. Before anything is worked
        out: rules and rights may read them."""
        if record.get("owner") is None:
            record["owner"] = self.author()
        if record.get("team") is None:
            record["team"] = self.actor.facts.get("team")

    def author(self) -> Record | None:
        return self.actor.facts if self.actor.id is not None else None

    # Cases ----------------------------------------------------------------------------------------------------------

    def start_case(self, working: Working, workflow: Workflow) -> None:
        """Starts a case on a new record: it pins the workflow's version and the definitions it came with."""
        working.workflow = workflow
        working.case = {
            "id": new_key(self.moment),
            "model": working.model,
            "record": working.record["id"],
            "workflow": workflow.name,
            "workflow_version": workflow.fingerprint,
            "definitions": self.catalog.fingerprint,
            "state": workflow.start,
            "entered_at": self.moment,
            "started_at": self.moment,
            "ended_at": None,
        }

    def case_of(self, working: Working) -> Record | None:
        """The record's case, or None when it has none."""
        if working.case is None and working.stored is not None:
            working.case = self.store.cases.of(self.tx, working.record["id"])
        return working.case

    # News -----------------------------------------------------------------------------------------------------------

    def queue_message(self, effect: Notify) -> str:
        """The id of the job that delivers the message once this is committed. Who it goes to is settled now, how to
        reach them when it is sent."""
        key = new_key(self.moment)
        payload = {
            "message": effect.message,
            "user": self.actor.id,
            "model": effect.model,
            "record": effect.record["id"] if effect.record is not None else None,
            "to": self._recipient(effect),
            "data": dict(effect.data),
        }
        self.jobs.append({"id": key, "queue": MESSAGE, "payload": payload, "due_at": self.moment})
        return key

    def _recipient(self, effect: Notify) -> dict[str, Any] | None:
        """``{"model", "id"}`` of a linked record, ``{"address"}``, ``{"role"}``; None where the record names nobody."""
        if effect.to is None:
            return None
        if not isinstance(effect.to, str):
            return dict(effect.to)
        fields = self.catalog.fields(effect.model) if effect.model is not None else {}
        field = fields.get(effect.to)
        if field is None or effect.record is None:
            return {"role": effect.to}
        value = effect.record[effect.to]
        if value is None:
            return None
        return (
            {"model": field.target, "id": value["id"]}
            if isinstance(field, LinkField)
            else {"address": field.wire(value)}
        )

    # Writing --------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Makes the database equal to the records in hand."""
        for working in list(self.working.values()):
            if working.dirty:
                self._flush(working)

    def _flush(self, working: Working) -> None:
        record, stored = working.record, working.stored
        working.dirty = False
        if stored is None:
            self.store.records.insert(self.tx, working.model, record)
            if working.case is not None:
                self.store.cases.start(self.tx, working.case)
        elif self.store.history.differences(working.model, stored, record):
            if working.origin is not None and record["version"] == working.origin["version"]:
                record["version"] += 1
                record["updated_at"] = self.moment
            self.store.records.update(self.tx, working.model, stored, record)
        elif not working.moved:
            return
        if working.moved and working.case is not None and stored is not None:
            self.store.cases.move(self.tx, working.case)
        working.moved = False
        working.written = True
        working.stored = self.store.records.snapshot(working.model, record)

    def note(
        self, working: Working, name: str, from_state: str | None, to_state: str | None, put_in: Any = None
    ) -> Record:
        """An entry of the event log; written at the end of the act."""
        entry: Record = {
            "id": new_key(self.moment),
            "at": self.moment,
            "actor": self.author(),
            "actor_name": self.actor.login,
            "ip": self.actor.ip,
            "channel": self.actor.channel,
            "model": working.model,
            "record": working.record["id"],
            "name": name,
            "from_state": from_state,
            "to_state": to_state,
            "input": put_in,
        }
        self.log.append(entry)
        return entry

    def finish(self) -> None:
        """Writes what is left: records, the event log, one history entry for each changed record, the jobs."""
        self.flush()
        event = self.log[0]["id"] if self.log else None
        self.store.history.events(self.tx, self.log)
        self.store.history.append(
            self.tx,
            [
                {
                    "id": new_key(self.moment),
                    "at": self.moment,
                    "actor": self.author(),
                    "actor_name": self.actor.login,
                    "model": working.model,
                    "record": working.record["id"],
                    "record_version": working.record["version"],
                    "act": working.act,
                    "event": event,
                    "changes": changes,
                    "definitions": self.catalog.fingerprint,
                    "reasons": [with_kind(self.catalog, plain_reason(reason)) for reason in working.trail],
                }
                for working in self.working.values()
                # A rule that was tried is told even where it has changed nothing.
                if (changes := self._changes(working)) or working.trail
            ],
        )
        self.store.jobs.add(self.tx, self.jobs)

    def _changes(self, working: Working) -> dict[str, Any]:
        """What this act has changed of the record; nothing where it has never been written."""
        if not working.written:
            return {}
        return self.store.history.differences(working.model, working.origin, working.record)


def standing_names(actor: Actor, moment: datetime, zone: str, calendar: WorkingTime | None, lists: Lists) -> Names:
    """What expressions may name wherever they stand, but for the event."""
    return {
        "user": actor.facts,
        "now": moment,
        "today": moment.astimezone(ZoneInfo(zone)).date(),
        "timezone": zone,
        "_calendar": calendar,
        LISTS: lists,
    }


def event_facts(actor: Actor, moment: datetime, name: str) -> Record:
    """What expressions see as ``event``."""
    return {"name": name, "at": moment, "ip": actor.ip, "device": actor.device, "channel": actor.channel}


def plain_reason(reason: Reason) -> dict[str, Any]:
    """A reason as JSON for the history."""
    plain: dict[str, Any] = {"rule": reason.rule, "outcome": reason.outcome}
    if reason.message:
        plain["message"] = reason.message
    if reason.span is not None:
        plain["at"] = str(reason.span)
    if reason.read:
        plain["read"] = {name: None if value is None else show(value) for name, value in reason.read.items()}
    if reason.parts:
        plain["parts"] = [plain_reason(part) for part in reason.parts]
    return plain
