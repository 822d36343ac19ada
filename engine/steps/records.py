"""Steps that read and write records of any model: ``find create update delete``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from engine.expressions.types import ListType, ManyShape, Member, RecordType, Scope, Shape, SimpleShape, Type
from engine.fields.field import Linker
from engine.ports import Create, Delete, Find, Update
from engine.registry import did_you_mean
from engine.source.shape import Formula, Name, option
from engine.steps.step import Frame, Step, Steps, link_steps, run_steps
from engine.steps.values import link_values


@dataclass(frozen=True, kw_only=True)
class FindStep(Step):
    """Reads records, or groups of them with measures, into a name."""

    word: ClassVar[str] = "find"

    find: Name
    where: Formula | None = None
    sort: tuple[str, ...] = option((), one_or_many=True, help="Field names; `-` before one turns it round")
    limit: int | None = option(None, help="At most so many; 10,000 when absent")
    group: Mapping[Name, Formula] = option(default_factory=dict)
    measure: Mapping[Name, Formula] = option(default_factory=dict)
    one: bool = option(False, help="The first record instead of a list; null when there is none")
    into: Name

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        shape = target(linker, self, "find", self.find)
        if shape is None:
            return scope
        over = beside(shape.shape, scope)
        linker.where(self.where, over)
        for entry in self.sort:
            name = entry.removeprefix("-")
            if name not in self.group and name not in self.measure and shape.shape.member(name) is None:
                linker.report(
                    "E303", f"{self.find} has no field {name!r}", self, "sort", did_you_mean(name, shape.shape.names())
                )
        found: Type = shape
        if self.group or self.measure:
            every = replace(over, record=ManyShape(shape.shape))
            scopes = {**dict.fromkeys(self.group, over), **dict.fromkeys(self.measure, every)}
            members = {
                name: Member(expression.type, expression.nullable)
                for name, formula in {**self.group, **self.measure}.items()
                if (expression := linker.compile(formula, scopes[name])) is not None
            }
            found = RecordType.of(SimpleShape(f"{self.find} group", members))
        return linker.naming(scope, self.into, found if self.one else ListType("list", item=found), self, "into")

    def run(self, frame: Frame) -> Steps:
        found = yield Find(
            self.find,
            where=self.where.expression if self.where else None,
            scope=frame.names,
            sort=self.sort,
            limit=1 if self.one else self.limit,
            group={name: formula.expression for name, formula in self.group.items()},
            measure={name: formula.expression for name, formula in self.measure.items()},
        )
        frame.names[self.into] = (found[0] if found else None) if self.one else found


@dataclass(frozen=True, kw_only=True)
class CreateStep(Step):
    """Makes a record, unless `once` finds that it has been made."""

    word: ClassVar[str] = "create"

    create: Name
    values: Mapping[Name, Formula]
    once: tuple[str, ...] = option(
        (),
        one_or_many=True,
        help="Fields of `values` (or their expressions): a record that equals the new one in these is taken instead",
    )
    into: Name | None = None

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        made = target(linker, self, "create", self.create)
        link_values(linker, self, "values", self.create, self.values, scope)
        for entry in self.once:
            if self._field(entry) is None:
                linker.report(
                    "E405",
                    f"`once` names {entry!r}, which `values` does not set",
                    self,
                    "once",
                    did_you_mean(entry, self.values),
                )
        return linker.naming(scope, self.into, made, self, "into") if self.into and made else scope

    def run(self, frame: Frame) -> Steps:
        values = {name: formula.expression(frame.record, frame.names) for name, formula in self.values.items()}
        once = tuple(field for entry in self.once if (field := self._field(entry)) is not None)
        made = yield Create(self.create, values, once)
        if self.into:
            frame.names[self.into] = made

    def _field(self, entry: str) -> str | None:
        """The field that an entry of ``once`` means: its name, or the one whose expression is written the same."""
        if entry in self.values:
            return entry
        return next((name for name, formula in self.values.items() if formula.text.strip() == entry.strip()), None)


@dataclass(frozen=True, kw_only=True)
class UpdateStep(Step):
    """Changes all rows that hold `where`, in one statement that tests `require` itself: no race."""

    word: ClassVar[str] = "update"

    update: Name
    where: Formula
    require: Formula | None = None
    set: Mapping[Name, Formula]
    then: tuple[Step, ...] = option((), one_or_many=True)
    otherwise: tuple[Step, ...] = option((), one_or_many=True, help="What to do when no row was changed")

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        shape = target(linker, self, "update", self.update)
        if shape is not None:
            over = beside(shape.shape, scope)
            linker.where(self.where, over)
            linker.where(self.require, over)
            link_values(linker, self, "set", self.update, self.set, over)
        link_steps(self.then, linker, model, scope)
        link_steps(self.otherwise, linker, model, scope)
        return scope

    def run(self, frame: Frame) -> Steps:
        changed = yield Update(
            self.update,
            where=self.where.expression,
            require=self.require.expression if self.require else None,
            values={name: formula.expression for name, formula in self.set.items()},
            scope=frame.names,
        )
        yield from run_steps(self.then if changed else self.otherwise, frame.inner())


@dataclass(frozen=True, kw_only=True)
class DeleteStep(Step):
    """Moves all records that hold `where` to the trash."""

    word: ClassVar[str] = "delete"

    delete: Name
    where: Formula

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        shape = target(linker, self, "delete", self.delete)
        if shape is not None:
            linker.where(self.where, beside(shape.shape, scope))
        return scope

    def run(self, frame: Frame) -> Steps:
        yield Delete(self.delete, self.where.expression, frame.names)


def target(linker: Linker, step: Step, key: str, model: str) -> RecordType | None:
    """The type of the records of the model that a step names; a problem when there is no such model."""
    linker.reference("model", model, step, key)
    shape = linker.shape(model)
    return RecordType.of(shape) if shape is not None else None


def beside(shape: Shape, scope: Scope) -> Scope:
    """The scope of an expression over other records: their fields, and the names that stand around it, where ``record``
    and its model's name keep meaning the record at hand."""
    if scope.record is None:
        return Scope(shape, scope.names)
    whole = RecordType.of(scope.record)
    return Scope(shape, {"record": whole, whole.name: whole, **scope.names})
