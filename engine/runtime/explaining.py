"""Why a record is as it is: its state, what is worked out, what holds it, what may be done with it and by whom.

Everything comes from the same definitions and facts by which the acts themselves decide. What the reader may not read
appears nowhere: an expression that reads more is told by its text alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.catalog.computations import Computation
from engine.catalog.kinds.approval import step_of
from engine.catalog.kinds.workflow import Event, State
from engine.errors import ExpressionError, NotFound
from engine.expressions.language import Expression
from engine.expressions.types import RecordType, Scope
from engine.fields.link import LookupField
from engine.policy.access import Actor
from engine.policy.compute import located
from engine.policy.reach import Reach
from engine.policy.values import Reader
from engine.ports import Record
from engine.registry import did_you_mean
from engine.runtime.act import Act
from engine.runtime.ahead import ahead
from engine.runtime.casework import casework
from engine.runtime.explanation import Explanation, of_noted, of_reason, step_by_step, wire
from engine.runtime.reading import Offer, Reading
from engine.runtime.versions import Versions
from engine.source.shape import Formula
from engine.store.transaction import Transaction

#: So many of the latest acts are told with their reasons.
MOST_ACTS = 20
#: So many rows of a computed field.
MOST_ROWS = 50


class Explainer:
    """Explains the records of one catalogue."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.catalog = reading.catalog
        self.rights = reading.rights

    def explain(
        self, tx: Transaction, actor: Actor, model: str, key: str, *, field: str | None = None, event: str | None = None
    ) -> Explanation:
        """The whole record, or one field or event of it."""
        if field is not None:
            return self.field(tx, actor, model, key, field)
        if event is not None:
            return self.event(tx, actor, model, key, event)
        return self.record(tx, actor, model, key)

    def record(self, tx: Transaction, actor: Actor, model: str, key: str) -> Explanation:
        """The whole record. NotFound as for reading it."""
        one = _One(self, tx, actor, model, key)
        parts = [
            *one.status(),
            *one.proposed(),
            *(one.hold(hold) for hold in one.record["holds"]),
            *one.tasks(),
            *one.timers(),
            *(one.event(offer) for offer in one.offers()),
            *(part for made in one.computed() if not made.path for part in one.field(made)),
            *one.permissions(),
            *one.acts(),
        ]
        return Explanation("record", model, key, parts=tuple(parts))

    def field(self, tx: Transaction, actor: Actor, model: str, key: str, name: str) -> Explanation:
        """One computed field: ``amount``, or in all rows ``lines.amount``. NotFound for what is none, or hidden."""
        one = _One(self, tx, actor, model, key)
        known = {".".join((*made.path, made.name)): made for made in one.computed()}
        if name not in known:
            hint = did_you_mean(name, known)
            raise NotFound(f"{model} has no computed field {name!r}" + (f"; {hint}" if hint else ""))
        parts = tuple(one.field(known[name]))
        return parts[0] if len(parts) == 1 and not known[name].path else Explanation("field", name, parts=parts)

    def event(self, tx: Transaction, actor: Actor, model: str, key: str, name: str) -> Explanation:
        """Whether an event may be fired now, and why (not). NotFound for one that the state does not know."""
        one = _One(self, tx, actor, model, key)
        offers = {offer.name: offer for offer in one.offers()}
        if name not in offers:
            hint = did_you_mean(name, offers)
            text = f"in the state {one.record['status']!r} there is no event {name!r}"
            raise NotFound(text + (f"; {hint}" if hint else ""))
        return one.event(offers[name])


class _One:
    """One record, one reader, one moment."""

    def __init__(self, explainer: Explainer, tx: Transaction, actor: Actor, model: str, key: str) -> None:
        self._reading = explainer.reading
        self._catalog = explainer.catalog
        self._rights = explainer.rights
        self._tx = tx
        self._actor = actor
        self._model = model
        self.record: Record = self._reading.get(tx, actor, model, key)
        self._act = Act(self._catalog, self._reading.store, tx, actor, self._reading.service.clock.now())
        self._working = self._act.hold_on(model, self.record, "read")
        self._workflow = self._reading.service.workflow_of(self._act, self._working)
        plan = self._reading.service.plan(model)
        reads = plan.reads | (self._workflow.reads if self._workflow is not None else frozenset())
        self._reading.store.records.expand(tx, model, [self.record], reads)
        self._reach = Reach(self._catalog, self._rights, actor)
        self._work = casework(self._reading.service, tx, actor, model, self.record)
        self._hidden = self._rights.hidden(actor, model)
        self._timeline = self._reading.timeline(tx, actor, model, key)
        self._shown = self._reading.wire(actor, model, self.record)

    # The state ------------------------------------------------------------------------------------------------------

    def status(self) -> Iterator[Explanation]:
        """How it came into its state, and what it waits for there."""
        if self.record["status"] is None:
            return
        since = next((entry for entry in self._timeline if "status" in entry["changes"]), None)
        parts = [self._noted(since)] if since is not None else []
        state = self._workflow.states.get(self.record["status"]) if self._workflow is not None else None
        if state is not None:
            parts += list(self._branches(state))
        at = str(state.span) if state is not None else None
        yield Explanation("status", "status", self.record["status"], state.label if state else None, at, tuple(parts))

    def _branches(self, state: State) -> Iterator[Explanation]:
        scope, names = self._catalog.scope(self._model), self._names("read")
        for name, branch in state.next.items():
            value, parts = self._condition(branch.if_, scope, names) if branch.if_ is not None else (True, ())
            text = branch.if_.text if branch.if_ is not None else None
            yield Explanation("branch", f"{name} → {branch.to}", value, text, str(branch.span), parts)

    def acts(self) -> Iterator[Explanation]:
        """What was done for a reason that the history tells, newest first."""
        told = [entry for entry in self._timeline if entry["reasons"]]
        yield from (self._noted(entry) for entry in told[:MOST_ACTS])

    def _noted(self, entry: Mapping[str, Any]) -> Explanation:
        """An entry of the history: who, when, and the reasons it left."""
        text = f"{entry['actor_name']} · {entry['at']:%Y-%m-%dT%H:%M:%SZ}"
        reasons = tuple(of_noted(reason) for reason in entry["reasons"] or ())
        change = entry["changes"].get("status")
        return Explanation("act", entry["act"], change[1] if change else None, text, parts=reasons)

    def proposed(self) -> Iterator[Explanation]:
        """What is proposed of it, by whom: each field that would change, with its value then."""
        found = Versions(self._reading).wire(self._tx, self._actor, self._model, self.record)
        if found is None:
            return
        facts = {"since": f"{found['at']:%Y-%m-%dT%H:%M:%SZ}", "proposed_by": found["by_name"]}
        against = tuple(Explanation("reason", one["at"], "changed", one["message"]) for one in found["conflicts"])
        parts = [Explanation("part", name, value) for name, value in facts.items() if value is not None]
        parts += [Explanation("change", path, [before, after]) for path, (before, after) in found["changes"].items()]
        yield Explanation("proposal", found["event"], "pending", parts=(*parts, *against))

    # Holds and events -----------------------------------------------------------------------------------------------

    def hold(self, hold: Record) -> Explanation:
        """An open hold: since when, whose it is, what it blocks."""
        blocks = ", ".join(hold["blocks"] or ())
        whose = hold["assignee_role"] or (hold["assignee"]["id"] if hold["assignee"] is not None else None)
        facts = {"since": f"{hold['opened_at']:%Y-%m-%dT%H:%M:%SZ}", "assigned": whose, "blocks": blocks or None}
        parts = tuple(Explanation("part", name, value) for name, value in facts.items() if value is not None)
        return Explanation("hold", hold["name"], "open", hold["message"], parts=parts)

    def tasks(self) -> Iterator[Explanation]:
        """The open tasks: who is asked now, and why they are."""
        work = self._work
        for task in work.tasks if work is not None else ():
            if work is None or task["outcome"] is not None:
                continue
            step = step_of(work.state.approval, task["step"]) if work.state is not None else None
            signature = step.signatures[task["step"]] if step is not None else None
            parts = [
                Explanation("task", vote["person"]["name"], "waiting", parts=(of_noted(vote["why"]),))
                for vote in work.waiting_for(task)
            ]
            label, at = (signature.label, str(signature.span)) if signature is not None else (None, None)
            yield Explanation("task", task["step"], "open", label, at, tuple(parts))

    def timers(self) -> Iterator[Explanation]:
        """What falls due, when, and how that was counted."""
        if self._work is None:
            return
        for one in ahead(self._reading.service, self._tx, self._actor, self._model, self._work):
            facts = {
                "does": one.does,
                "since": f"{one.since:%Y-%m-%dT%H:%M:%SZ}" if one.since is not None else None,
                "counted": one.text,
                "turn": f"{one.turn[0]}/{one.turn[1]}" if one.turn is not None else None,
                "provisional": True if one.provisional else None,
            }
            parts = [Explanation("part", name, value) for name, value in facts.items() if value is not None]
            if one.calendar is not None:
                parts.append(Explanation("part", "calendar", one.calendar[0], at=one.calendar[1]))
            due = f"{one.due_at:%Y-%m-%dT%H:%M:%SZ}" if one.due_at is not None else None
            yield Explanation("timer", one.name, due, one.label, one.at, tuple(parts))

    def offers(self) -> list[Offer]:
        """The events that the state knows."""
        return self._reading.offers(self._tx, self._actor, self._model, self.record)

    def event(self, offer: Offer) -> Explanation:
        """Whether it may be fired now: rights, holds, guard."""
        parts = [of_reason(reason) for reason in offer.verdict.reasons]
        if offer.event.require is not None:
            parts.append(self._guard(offer.event, offer.event.require))
        outcome = "possible" if offer.verdict else "refused"
        return Explanation("event", offer.name, outcome, offer.label, str(offer.event.span), tuple(parts))

    def _guard(self, event: Event, formula: Formula) -> Explanation:
        """The guard with nothing put in: an event's input is only known when it is fired."""
        scope, more = self._catalog.scope(self._model), {}
        if event.input:
            shape = self._catalog.shapes.input(f"{event.name} input", event.input)
            scope = scope.having(input=RecordType.of(shape))
            more["input"] = Reader(event.input, self._catalog.app.timezone).blank()
        value, parts = self._condition(formula, scope, self._names(event.name, **more))
        return Explanation("part", formula.text, value, event.message, str(formula.span), parts)

    # What is worked out ---------------------------------------------------------------------------------------------

    def computed(self) -> Iterator[Computation]:
        """The computed fields that the reader sees."""
        for made in self._catalog.dependencies[self._model].computations.values():
            if (made.path or (made.name,))[0] not in self._hidden:
                yield made

    def field(self, made: Computation) -> Iterator[Explanation]:
        """The field and what it is made of; of rows one for each row."""
        for count, (at, row) in enumerate(located(self.record, made.path)):
            if count == MOST_ROWS:
                return
            value = _at(self._shown, at + made.name)
            yield self._field(made, at, row, value)

    def _field(self, made: Computation, at: str, row: Record, value: Any) -> Explanation:
        name = at + made.name
        if made.spread is not None:
            amount, weight, _ = made.spread
            text = f"its part of {amount}, by {weight}: the parts add up"
            return Explanation("field", name, value, text, str(made.field.span), ())
        formula = made.field.from_ if isinstance(made.field, LookupField) else made.field.value
        assert formula is not None  # what is not spread is worked out by a formula
        scope = self._catalog.rows_scope(self._model, made.path) if made.path else self._catalog.scope(self._model)
        _, parts = self._worked(formula, row, scope, self._names("read"), made.path)
        return Explanation("field", name, value, formula.text, str(formula.span), parts)

    # Rights ---------------------------------------------------------------------------------------------------------

    def permissions(self) -> Iterator[Explanation]:
        """What the reader may do with the record, and the line that says so."""
        names, model = self._names("read"), self._model
        grants = list(self._rights.grants(self._actor, model))
        if self._rights.unlimited(self._actor):
            roles = ", ".join(sorted(self._actor.roles)) or self._actor.login
            yield Explanation("right", "everything", True, f"{roles}: may do all there is")
            return
        parts = []
        for access, grant in grants:
            if grant.read in ("all", "none"):
                value: Any = grant.read == "all"
            else:
                value = self._catalog.scope_of(access, grant.read, model)(self.record, names) is True
            parts.append(Explanation("reason", f"access.{access.name}", value, f"read: {grant.read}", str(grant.span)))
        yield Explanation("right", "read", True, parts=tuple(parts))
        for right, verdict in (
            ("update", self._rights.may_update(self._actor, model, self.record, [], names)),
            ("delete", self._rights.may_delete(self._actor, model, self.record, names)),
        ):
            yield Explanation("right", right, bool(verdict), parts=tuple(map(of_reason, verdict.reasons)))

    # Expressions ----------------------------------------------------------------------------------------------------

    def _names(self, event: str, **more: Any) -> Mapping[str, Any]:
        return self._act.names(self._model, self.record, event, **more)

    def _condition(
        self, formula: Formula, scope: Scope, names: Mapping[str, Any]
    ) -> tuple[Any, tuple[Explanation, ...]]:
        return self._worked(formula, self.record, scope, names)

    def _worked(
        self, formula: Formula, row: Record, scope: Scope, names: Mapping[str, Any], path: tuple[str, ...] = ()
    ) -> tuple[Any, tuple[Explanation, ...]]:
        """The value of an expression and of its parts; neither where it reads what is not the reader's."""
        expression: Expression = formula.expression
        beyond = self._reach.beyond(self._model, expression, path)
        if beyond is not None:
            return None, (Explanation("part", beyond, None, "not yours to read"),)
        parts = step_by_step(expression, row, names, scope, self._catalog.vocabulary.functions)
        try:
            return wire(expression(row, names)), parts
        except ExpressionError:
            return None, parts  # the last of them says what went wrong


def _at(shown: Any, place: str) -> Any:
    """What stands at a place such as ``lines[2].amount`` of the JSON form; None when nothing does."""
    for part in place.replace("[", ".").replace("]", "").split("."):
        if isinstance(shown, list):
            shown = shown[int(part)]
        else:
            shown = shown.get(part) if isinstance(shown, Mapping) else None
    return shown
