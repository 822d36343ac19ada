"""Steps that hold, release, fire, run and tell: what ties records, workflows and people together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from engine.errors import Label
from engine.expressions.language import Expression
from engine.expressions.types import TEXT, RecordType, Scope
from engine.fields.field import Field, Linker
from engine.fields.rows import RowsField
from engine.ports import Fire, LetGo, Notify, PlaceHold, Record, ReleaseHold, Run
from engine.registry import did_you_mean
from engine.source.shape import Duration, Formula, Located, Name, option
from engine.steps.assign import Assign
from engine.steps.late import Rung, check_span
from engine.steps.step import PROPOSED, Frame, Step, Steps

#: The system model of holds.
HOLD = "hold"


@dataclass(frozen=True, kw_only=True)
class Aimed(Step):
    """A step about the record at hand, or about the one that `record` names."""

    record: Formula | None = option(None, help="An expression for another record; the one at hand when absent")

    def aim(self, linker: Linker, model: str | None, scope: Scope) -> str | None:
        """The model that the step is about; a problem when there is none."""
        if self.record is None:
            if model is None:
                linker.report("E405", f"`{self.word}` needs a record: say `record:` which", self)
            return model
        expression = linker.compile(self.record, scope)
        if expression is None:
            return None
        if not isinstance(expression.type, RecordType):
            linker.report("E205", f"`record` needs a record, and this is {expression.type}", self, "record")
            return None
        check_real(linker, self, expression, expression.type)
        return expression.type.shape.name

    def aimed(self, frame: Frame) -> tuple[str, Record] | None:
        """The model and the record that the step is about; None when the expression finds none."""
        if self.record is None:
            return frame.subject
        expression = self.record.expression
        record = expression(frame.record, frame.names)
        return (expression.type.shape.name, record) if record is not None else None


@dataclass(frozen=True, kw_only=True)
class Holding(Aimed):
    """What steps that put a hold on a record have in common."""

    blocks: tuple[Name, ...] = option(
        (), one_or_many=True, help="The events that it blocks; none: it only waits to be seen"
    )
    assign: Assign | None = None
    message: Label | None = None
    due: Duration | None = option(None, help="How long whoever it is assigned to has")
    late: tuple[Rung, ...] = option((), help="What happens while nobody releases it, each rung after so long")

    @property
    def hold_name(self) -> str:
        """What the hold is called."""
        raise NotImplementedError

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        about = self.aim(linker, model, scope)
        for at, event in enumerate(self.blocks):
            if about is not None:
                linker.event(about, event, self, ("blocks", at))
        if self.assign is not None:
            self.assign.link(linker, scope)
        check_span(linker, self, "due", self.due)
        if (self.due is not None or self.late) and self.assign is None:
            linker.report("E110", "only what is assigned to somebody can be late: say `assign`", self, self.word)
        for rung in self.late:
            rung.link(linker, about)
            if rung.do in ("approve", "reject"):
                linker.report("E405", "a hold is released, not decided: `remind`, `escalate`, or steps", rung, "do")
        return scope

    def run(self, frame: Frame) -> Steps:
        about = self.aimed(frame)
        if about is not None:
            assign = self.assign.answer(frame) if self.assign else {}
            timed = self if self.due is not None or self.late else None
            yield PlaceHold(*about, self.hold_name, self.blocks, assign, self.message, timed=timed)


@dataclass(frozen=True, kw_only=True)
class HoldStep(Holding):
    """Puts a hold on the record: a named reason that blocks events until it is released."""

    word: ClassVar[str] = "hold"

    hold: Name

    @property
    def hold_name(self) -> str:
        return self.hold


@dataclass(frozen=True, kw_only=True)
class ReleaseStep(Aimed):
    """Releases the holds of that name on the record."""

    word: ClassVar[str] = "release"

    release: Name

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        self.aim(linker, model, scope)
        return scope

    def run(self, frame: Frame) -> Steps:
        about = self.aimed(frame)
        if about is not None:
            yield ReleaseHold(*about, self.release)


@dataclass(frozen=True, kw_only=True)
class ReleaseHoldStep(Step):
    """Releases a hold that was found, on whatever record it is."""

    word: ClassVar[str] = "release_hold"

    release_hold: Formula
    why: Formula | None = option(None, help="The reason that its history tells")

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        found = linker.compile(self.release_hold, scope)
        if found is not None and not (isinstance(found.type, RecordType) and found.type.name == HOLD):
            linker.report("E205", f"this is {found.type}, and no hold", self, "release_hold", "`find: hold` finds some")
        linker.compile(self.why, scope, TEXT)
        return scope

    def run(self, frame: Frame) -> Steps:
        hold = self.release_hold.expression(frame.record, frame.names)
        why = self.why.expression(frame.record, frame.names) if self.why is not None else None
        if hold is not None:
            yield LetGo(hold, why or "")


@dataclass(frozen=True, kw_only=True)
class FireStep(Aimed):
    """Fires an event on the record, as the engine."""

    word: ClassVar[str] = "fire"

    fire: Name
    input: Mapping[Name, Formula] = option(default_factory=dict)

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        about = self.aim(linker, model, scope)
        if about is not None:
            linker.event(about, self.fire, self, "fire")
            if linker.proposes(about, self.fire):
                linker.report("E405", f"only people propose: no step fires '{self.fire}'", self, "fire", "use `set`")
        link_given(linker, self, self.fire, linker.inputs(about, self.fire) if about else (), self.input, scope)
        return scope

    def run(self, frame: Frame) -> Steps:
        about = self.aimed(frame)
        if about is not None:
            values = {name: formula.expression(frame.record, frame.names) for name, formula in self.input.items()}
            yield Fire(*about, self.fire, values)


@runtime_checkable
class HasInput(Protocol):
    """What takes input: an action does, a `checks` document does not."""

    input: Mapping[str, Field]


@dataclass(frozen=True, kw_only=True)
class RunStep(Step):
    """Runs an action, or works through a `checks` document."""

    word: ClassVar[str] = "run"

    run_: Name = option(key="run")
    record: Formula | None = None
    input: Mapping[Name, Formula] = option(default_factory=dict)

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        found = (
            linker.get("action", self.run_)
            or linker.get("checks", self.run_)
            or linker.reference("action", self.run_, self, "run")
        )
        about = model
        if self.record is not None:
            expression = linker.compile(self.record, scope)
            about = None
            if expression is not None and isinstance(expression.type, RecordType):
                check_real(linker, self, expression, expression.type)
                about = expression.type.shape.name
        if found is not None and found.for_ is not None and about is not None and found.for_ != about:
            linker.report("E405", f"{self.run_} is for {found.for_}, and this is about {about}", self, "run")
        takes = (found.input,) if isinstance(found, HasInput) else ()
        link_given(linker, self, self.run_, takes, self.input, scope)
        return scope

    def run(self, frame: Frame) -> Steps:
        model, record = frame.model, frame.record
        if self.record is not None:
            expression = self.record.expression
            model, record = expression.type.shape.name, expression(frame.record, frame.names)
        yield Run(
            self.run_,
            model,
            record,
            {name: formula.expression(frame.record, frame.names) for name, formula in self.input.items()},
        )


@dataclass(frozen=True, kw_only=True)
class NotifyStep(Step):
    """Queues a message. It leaves after the transaction is committed."""

    word: ClassVar[str] = "notify"

    notify: Name
    to: str | None = option(None, help="A link or an address field of the record, or a role; absent: the message's own")

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        linker.reference("message", self.notify, self, "notify")
        check_recipient(linker, self, model, self.to)
        return scope

    def run(self, frame: Frame) -> Steps:
        yield Notify(self.notify, self.to, frame.model, frame.record)


def check_real(linker: Linker, step: Step, expression: Expression, about: RecordType) -> None:
    """Reports a step that would work on what is only proposed of a record."""
    # Of a record as a whole its id is read.
    ends = {path[-2:] for path in (*expression.reads, *expression.scope_reads)}
    if (PROPOSED, "id") in ends and linker.proposes(about.shape.name):
        message = "a step works on the record itself, and what is proposed of it is none yet"
        linker.report("E405", message, step, "record", "`apply: proposed` makes it so")


def link_given(
    linker: Linker,
    step: Step,
    name: str,
    takes: Sequence[Mapping[str, Field]],
    given: Mapping[Name, Formula],
    scope: Scope,
) -> None:
    """Compiles what a step gives as input. ``takes`` are the inputs of all that the step may mean: a value must belong
    to one of them and fit it, and what one of them demands must be given; none: it is not known what is meant."""
    for entry, formula in given.items():
        meant = [fields[entry] for fields in takes if entry in fields]
        if takes and not meant:
            known = {known: None for fields in takes for known in fields}
            linker.report(
                "E303", f"{name} takes no input {entry!r}", step, ("input", entry), did_you_mean(entry, known)
            )
        # The rows of an input have a type of their own, that nothing else has.
        plain = bool(meant) and not isinstance(meant[0], RowsField)
        linker.compile(formula, scope, meant[0].member(linker.shape).type if plain else None)
    for needed in takes[0] if len(takes) == 1 else ():
        field = takes[0][needed]
        if field.required and field.default is None and needed not in given:
            linker.report("E405", f"{name} needs the input {needed!r}", step, step.word)


def check_recipient(linker: Linker, at: Located, model: str | None, to: str | None) -> None:
    """Reports a ``to`` that is neither a field of the model nor a role."""
    shape = linker.shape(model) if model else None
    if to is None or (shape is not None and shape.member(to) is not None):
        return
    linker.reference("access", to, at, "to")
