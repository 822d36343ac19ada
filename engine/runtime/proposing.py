"""What is proposed about records inside one act: keeps it, works out the record as it would be, applies it or drops it.

The record's row is locked before it is asked what is pending, so that of two proposals at a time the later one sees the
earlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engine.catalog.kinds.workflow import Event, Workflow
from engine.catalog.shapes import PROPOSED
from engine.errors import Complaint, InvalidValues, Refused
from engine.fields.rows import RowsField
from engine.policy.access import Actor
from engine.policy.proposal import Patch, number_rows, patch, put_in
from engine.ports import Reason, Record, Verdict
from engine.runtime.act import Act, Working
from engine.store.keys import new_key
from engine.store.transaction import Transaction

if TYPE_CHECKING:
    from engine.runtime.effects import Effects
    from engine.runtime.service import Service

PROPOSAL = "proposal"
PENDING, APPLIED, DROPPED = "pending", "applied", "dropped"
#: The longest reason that is kept with what was dropped; comments of approvals may be longer, and stand with the vote.
LONGEST_WHY = 400
#: Votes of one case that are looked through for those who have agreed.
MOST_VOTES = 5_000


class Proposals:
    """What is proposed about the records of one service. ``system``: as whom a proposed record is worked out, since
    that must not turn on who reads it."""

    def __init__(self, service: Service, system: Actor) -> None:
        self._service = service
        self._system = system
        service.store.records.also(PROPOSED, self._read)

    # What is pending ------------------------------------------------------------------------------------------------

    def pending(self, tx: Transaction, model: str, key: str) -> Record | None:
        """What is proposed about the record and neither applied nor dropped yet."""
        equal = {"model": model, "record": key, "outcome": PENDING}
        found = self._service.store.query.equal(tx, PROPOSAL, equal, limit=1)
        return found[0] if found else None

    def may_begin(self, act: Act, working: Working, workflow: Workflow, event: Event) -> Verdict:
        """Whether the actor may propose any of the event's fields, and nothing is proposed yet."""
        service, model, record = self._service, working.model, working.record
        verdict = self.alone(act, working, workflow, event.name)
        if not verdict:
            return verdict
        names = act.names(model, record, event.name)
        each = [
            service.rights.may_propose(act.actor, model, record, [name], names)
            for name in service.inputs.fields(model, event)
        ]
        return next((one for one in each if one), each[0] if each else Verdict(False))

    def alone(self, act: Act, working: Working, workflow: Workflow, event: str) -> Verdict:
        """Whether nothing is proposed of the record yet; else the verdict names what is, and whose it is."""
        pending = self.pending(act.tx, working.model, working.record["id"])
        return Verdict(True) if pending is None else self._pending(workflow, event, pending)

    def _pending(self, workflow: Workflow, event: str, proposal: Record) -> Verdict:
        text = self._pending_text(proposal)
        return Verdict(False, (Reason(f"{workflow.name}.{event}", "PROPOSAL_PENDING", text),))

    def _pending_text(self, proposal: Record) -> dict[str, str]:
        zone = ZoneInfo(self._service.catalog.app.timezone)
        who, when = _whose(proposal), f"{proposal['proposed_at'].astimezone(zone):%Y-%m-%d %H:%M}"
        return {
            "zh": f"{who} 已于 {when} 提出修改，尚未处理",
            "en": f"{who} proposed a change at {when}, which is pending",
        }

    def conflicts(self, record: Record, proposal: Record, model: str) -> list[Complaint]:
        """Where the record has changed since in what the proposal changes, too."""
        return self._patch(model, record, proposal).conflicts

    def _read(self, tx: Transaction, model: str, record: Record) -> Record | None:
        """The record as it would be; None where nothing is proposed."""
        proposal = self.pending(tx, model, record["id"])
        if proposal is None:
            return None
        return self._would_be(self._service.act(tx, self._system), model, record, proposal)

    def _would_be(self, act: Act, model: str, record: Record, proposal: Record) -> Record:
        service, plan = self._service, self._service.plan(model)
        found = self._patch(model, record, proposal)
        twin = act.store.records.twin(act.tx, model, record)
        # What stands against it is told when it is applied; until then it is shown as far as it can be worked out.
        complaints: list[Complaint] = []
        typed = plan.reader.read(found.values, complaints)
        service.links.resolve(act, plan.reader, [("", typed)], complaints, trusted=True)
        service.merge(plan, twin, typed, complaints, found.new)
        service.complain_about(act, plan, twin, complaints)
        number_rows(found, service.catalog.fields(model), twin)
        return twin

    def _patch(self, model: str, record: Record, proposal: Record) -> Patch:
        return patch(proposal["changes"] or {}, self._service.catalog.fields(model), record)

    def refresh(self, act: Act, working: Working) -> None:
        """Works out anew what is proposed of a record that has just changed, where somebody has asked for it."""
        if working.record.get(PROPOSED) is not None:
            proposal = self.pending(act.tx, working.model, working.record["id"])
            if proposal is not None:
                working.record[PROPOSED] = self._would_be(act, working.model, working.record, proposal)

    # Acts -----------------------------------------------------------------------------------------------------------

    def propose(
        self, effects: Effects, working: Working, workflow: Workflow, event: Event, values: Record, given: Record
    ) -> None:
        """Keeps typed values as the pending version of a record in hand, which stays as it is; ``given`` is what was
        put in besides. InvalidValues with everything that would be wrong with it, and where nothing would change."""
        service, act, model, record = self._service, effects.act, working.model, working.record
        plan, fields = service.plan(model), service.catalog.fields(model)
        twin = act.store.records.twin(act.tx, model, record)
        complaints: list[Complaint] = []
        service.merge(plan, twin, values, complaints)
        if complaints:
            raise InvalidValues(complaints=complaints)
        service.work_out(act, plan, twin, complaints)
        _promise(act, fields, twin)
        differences = act.store.history.differences(model, record, twin)
        changes = put_in(differences, fields, service.inputs.fields(model, event))
        if not changes:
            message = "nothing would change: put in what shall be different"
            raise InvalidValues(complaints=[Complaint("", "NOTHING_PROPOSED", message)])
        kept = {
            "model": model,
            "record": record["id"],
            "workflow": workflow.name,
            "event": event.name,
            "place": str(event.span),
            "changes": changes,
            "input": {name: event.input[name].wire(value) for name, value in given.items() if value is not None},
            "seen_version": record["version"],
            "proposed_by": act.author(),
            "proposed_at": act.moment,
        }
        service.make(effects, PROPOSAL, kept)
        act.flush()
        record[PROPOSED] = twin
        working.touched = True
        working.trail.append(Reason(f"{workflow.name}.{event.name}", "proposed", event.label, event.span))

    def apply(self, effects: Effects, working: Working) -> Record:
        """The record in hand, now as it was proposed. Refused where nothing is pending, and where the record has
        changed in the same fields since: then nothing is lost, the proposal stays."""
        service, act, record = self._service, effects.act, working.record
        proposal = self._demanded(act, working, "apply")
        found = self._patch(working.model, record, proposal)
        if found.conflicts:
            text = f"the record has changed since {_whose(proposal)} proposed this (version {proposal['seen_version']})"
            raise Refused(text, code="PROPOSAL_CONFLICT", complaints=found.conflicts)
        complaints: list[Complaint] = []
        typed = service.plan(working.model).reader.read(found.values, complaints)
        record[PROPOSED] = None
        service.assign(act, working, typed, complaints, new=found.new)
        number_rows(found, service.catalog.fields(working.model), record)
        act.flush()
        self._close(effects, proposal, APPLIED, became_version=record["version"])
        agreed = tuple(self._agreed(act, working, proposal))
        working.trail.append(self._reason(proposal, APPLIED, proposed_text(proposal), agreed))
        return record

    def drop(self, effects: Effects, working: Working, why: str | None) -> None:
        """Ends what is proposed of a record in hand; without a reason with that of who has said no to it. Refused where
        nothing is pending."""
        act = effects.act
        proposal = self._demanded(act, working, "drop")
        working.record[PROPOSED] = None
        working.touched = True
        if why is None:
            why = next((vote["comment"] for vote in self._votes(act, working, proposal, "reject")), None)
        self._close(effects, proposal, DROPPED, why=why[:LONGEST_WHY] if why else None)
        working.trail.append(self._reason(proposal, DROPPED, why or proposed_text(proposal)))

    def _demanded(self, act: Act, working: Working, verb: str) -> Record:
        act.flush()
        proposal = self.pending(act.tx, working.model, working.record["id"])
        if proposal is None:
            raise Refused(f"nothing is proposed of this {working.model} that one could {verb}", code="NOTHING_PENDING")
        return proposal

    def _close(self, effects: Effects, proposal: Record, outcome: str, **more: Any) -> None:
        act = effects.act
        closed = {"outcome": outcome, "closed_at": act.moment, "closed_by": act.author(), **more}
        self._service.assign(act, act.hold_on(PROPOSAL, proposal, effects.event), closed)

    @staticmethod
    def _reason(proposal: Record, outcome: str, message: Any, parts: tuple[Reason, ...] = ()) -> Reason:
        """Why the record changes, or does not, for its history."""
        read = {"proposed_by": _whose(proposal), "proposed_at": proposal["proposed_at"]}
        return Reason(f"{proposal['workflow']}.{proposal['event']}", outcome, message, read=read, parts=parts)

    def _agreed(self, act: Act, working: Working, proposal: Record) -> list[Reason]:
        """Who has agreed since it was proposed."""
        votes = self._votes(act, working, proposal, "approve")
        return [Reason(f"vote.{vote['task']['step']}", "approve", vote["person"]["login"]) for vote in votes]

    @staticmethod
    def _votes(act: Act, working: Working, proposal: Record, decision: str) -> list[Record]:
        """What people have said since it was proposed."""
        case = act.case_of(working)
        if case is None:
            return []
        votes = act.store.query.equal(act.tx, "vote", {"case": case, "decision": decision}, limit=MOST_VOTES)
        return [vote for vote in votes if vote["decided_at"] >= proposal["proposed_at"]]


def _promise(act: Act, fields: Mapping[str, Any], record: Record) -> None:
    """Promises new rows their ids."""
    for name, found in fields.items():
        if isinstance(found, RowsField):
            for row in record[name]:
                if row["id"] is None:
                    row["id"] = new_key(act.moment)
                _promise(act, found.of, row)


def _whose(proposal: Record) -> str:
    """The name of who has proposed it."""
    by = proposal["proposed_by"]
    return str(by["name"] or by["login"]) if by is not None else "the system"


def proposed_text(proposal: Record) -> dict[str, str]:
    """Who has proposed it."""
    who = _whose(proposal)
    return {"zh": f"{who} 提出", "en": f"proposed by {who}"}
