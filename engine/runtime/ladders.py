"""Climbs one rung of the ladder over a hold or a task: reminds, hands on, decides, or runs steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from engine.errors import EngineError
from engine.policy.approve import Outcome
from engine.ports import Notify, Reason, Record
from engine.runtime.act import Working
from engine.runtime.approving import VOTE, Approving, Ended
from engine.runtime.people import People
from engine.steps.late import Rung
from engine.steps.step import run_steps

if TYPE_CHECKING:
    from engine.runtime.effects import Effects

#: How a task ends that is decided because nobody has answered.
DECIDES: Mapping[str, Outcome] = {"approve": "approved", "reject": "rejected"}
NOBODY = "nobody to escalate to"


class Waiting(Protocol):
    """Something that waits for people."""

    def people(self) -> list[str]:
        """Whom it waits for, for the history: logins, or a role."""
        ...

    def remind(self) -> str:
        """What has become of a reminder."""
        ...

    def escalate(self, rung: Rung) -> str:
        """What has become of handing it to whom the rung names."""
        ...

    def run(self, rung: Rung) -> str:
        """What has become of the rung's steps."""
        ...

    def decide(self, rung: Rung) -> str:
        """What has become of deciding it."""
        ...

    def recipients(self) -> Iterable[Mapping[str, Any]]:
        """Whom a message goes to."""
        ...


def climb(effects: Effects, working: Working, waiting: Waiting, rung: Rung) -> str:
    """What came of the rung. Its message goes to those for whom it waits then."""
    match rung.do:
        case "remind":
            outcome = waiting.remind()
        case "escalate":
            outcome = waiting.escalate(rung)
        case "approve" | "reject":
            outcome = waiting.decide(rung)
        case _:
            outcome = waiting.run(rung)
    if rung.message is not None:
        for recipient in waiting.recipients():
            effects.act.queue_message(Notify(rung.message, recipient, working.model, working.record))
    return outcome


class HeldUp:
    """A hold in hand, and the record in hand that it holds."""

    def __init__(self, effects: Effects, working: Working, hold: Working) -> None:
        self._effects = effects
        self._working = working
        self._hold = hold

    def people(self) -> list[str]:
        person, role = self._hold.record["assignee"], self._hold.record["assignee_role"]
        return [str(person["login"])] if person is not None else [str(role)] if role is not None else []

    def remind(self) -> str:
        self._assign(reminded=(self._hold.record["reminded"] or 0) + 1)
        return "reminded"

    def escalate(self, rung: Rung) -> str:
        to = rung.to
        assert to is not None  # linking sees to it
        if to.role is not None:
            self._assign(assignee=None, assignee_role=to.role)
            return "escalated"
        found = People(self._effects.act).meant(to, self._frame())
        if not found:
            return NOBODY
        self._assign(assignee=found[0].person, assignee_role=None)
        return "escalated"

    def run(self, rung: Rung) -> str:
        self._effects.drive(run_steps(rung.steps, self._frame()))
        return "done"

    def decide(self, rung: Rung) -> str:
        raise EngineError(f"{rung.span}: a hold is released, not decided")

    def recipients(self) -> Iterable[Mapping[str, Any]]:
        person, role = self._hold.record["assignee"], self._hold.record["assignee_role"]
        if person is not None:
            yield {"model": "user", "id": person["id"]}
        elif role is not None:
            yield {"role": role}

    def _frame(self) -> Any:
        return self._effects.frame(self._working, assignee=self._hold.record["assignee"])

    def _assign(self, **values: Any) -> None:
        self._effects.service.assign(self._effects.act, self._hold, values)


class Asked:
    """A task in hand, and the approval of the record in hand that it belongs to."""

    def __init__(self, effects: Effects, working: Working, key: str) -> None:
        workflow = effects.service.workflow_of(effects.act, working)
        state = workflow.states.get(working.record["status"]) if workflow is not None else None
        if workflow is None or state is None or not state.approval:
            raise EngineError(f"{working.model} {working.record['id']} asks nobody any more")
        self._effects = effects
        self._working = working
        self._workflow = workflow
        self._state = state
        self._approving = Approving(effects, working, state)
        self._task = next(task for task in self._approving.tasks if task["id"] == key)

    def people(self) -> list[str]:
        return [str(vote["person"]["login"]) for vote in self._open()]

    def remind(self) -> str:
        self._approving.set("task", self._task, reminded=(self._task["reminded"] or 0) + 1)
        return "reminded"

    def escalate(self, rung: Rung) -> str:
        """Everybody who has not answered is replaced by whom the rung finds for them, and who has no other part. Who
        has nobody stays."""
        to = rung.to
        assert to is not None  # linking sees to it
        people = People(self._effects.act)
        own = self._approving.own()
        handed_on = 0
        for vote in self._open():
            meant = people.meant(to, self._effects.frame(self._working, assignee=vote["person"]))
            present = [found for one in meant if (found := people.present(one)) is not None]
            others = [
                one
                for one in present
                if one.person["id"] not in (*own, vote["person"]["id"])
                and self._approving.may_take(self._task, vote, one.person)
            ]
            if not others:
                continue
            why = {"decision": "transferred", "decided_at": self._effects.act.moment, "waiting": False}
            self._approving.set(VOTE, vote, **why)
            handed_on += 1
            for one in others:
                self._approving.hand(self._task, vote, one)
        if handed_on == 0:
            return NOBODY
        one_left = {vote["person"]["id"]: vote["person"] for vote in self._open()}
        assignee = next(iter(one_left.values())) if len(one_left) == 1 else None
        self._approving.set("task", self._task, assignee=assignee, assignee_role=to.role, assignee_team=None)
        self._approving.count(self._task, self._approving.signature(self._task))
        self._go_on()
        return "escalated"

    def run(self, rung: Rung) -> str:
        person = next((vote["person"] for vote in self._open()), None)
        self._effects.drive(run_steps(rung.steps, self._effects.frame(self._working, assignee=person)))
        return "done"

    def decide(self, rung: Rung) -> str:
        outcome = DECIDES[str(rung.do)]
        why = Reason(f"{self._workflow.name}.{self._state.name}.{self._task['step']}.late", outcome, span=rung.span)
        self._approving.close(self._task, Ended(outcome, why=why))
        self._go_on()
        return outcome

    def recipients(self) -> Iterable[Mapping[str, Any]]:
        return [{"model": "user", "id": vote["person"]["id"]} for vote in self._votes() if vote["waiting"]]

    def _votes(self) -> list[Record]:
        return self._approving.votes_of(self._task)

    def _open(self) -> list[Record]:
        """The parts of those who have not answered."""
        return [vote for vote in self._votes() if vote["decision"] is None and vote["part"] != "cc"]

    def _go_on(self) -> None:
        self._effects.go_on(self._working, self._workflow, self._state, self._approving.advance())
