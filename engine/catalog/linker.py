"""Joins what the documents say: names to objects, expressions to the fields that they read. Problems are collected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.catalog.kind import Definition, Key
from engine.catalog.kinds.listed import ListOfValues, list_faults
from engine.catalog.kinds.workflow import Workflow
from engine.catalog.shapes import SCOPE_NAMES, FieldsShape, Shapes, Unread
from engine.catalog.translatable import Translatability
from engine.catalog.vocabulary import Vocabulary
from engine.errors import Problem, Severity, Span
from engine.expressions.faults import ExpressionProblems, Fault
from engine.expressions.language import Expression, compile_expression
from engine.expressions.types import BOOLEAN, Scope, Shape, Type
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.registry import did_you_mean
from engine.source.document import Path
from engine.source.shape import Formula, Located


@dataclass(frozen=True, slots=True)
class Use:
    """An expression and what it was compiled for: from these comes "who uses this field?"."""

    formula: Formula
    expression: Expression
    scope: Scope


class CatalogLinker:
    """The linker of one build. ``unread`` names, for each kind, the objects whose documents could not be read;
    ``arising``, for each model, the events that arise when its fields change."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        definitions: Mapping[str, Mapping[str, Definition]],
        fields: Mapping[str, Mapping[str, Field]],
        system_fields: Mapping[str, Mapping[str, Field]],
        shapes: Shapes,
        unread: Mapping[str, frozenset[str]],
        arising: Mapping[str, Collection[str]],
    ) -> None:
        self._vocabulary = vocabulary
        self._definitions = definitions
        self._fields = fields
        self._system_fields = system_fields
        self._unread = unread
        self._arising = arising
        self._translatability = Translatability()
        self.shapes = shapes
        self.problems: dict[Problem, None] = {}
        self.uses: list[Use] = []
        self.row_conditions: dict[tuple[str, str, str], Expression] = {}

    # Shapes and scopes ----------------------------------------------------------------------------------------------

    def shape(self, model: str) -> FieldsShape | None:
        return self.shapes.of(model)

    def scope(self, model: str | None, **names: Type) -> Scope:
        return self.shapes.scope(model, **names)

    def rows_scope(self, model: str, path: tuple[str, ...], **names: Type) -> Scope:
        return self.shapes.rows_scope(model, path, **names)

    def input_shape(self, name: str, fields: Mapping[str, Field]) -> Shape:
        return self.shapes.input(name, fields)

    def naming(self, scope: Scope, name: str | None, type_: Type, at: Located, key: str) -> Scope:
        if name is None:
            return scope
        try:
            hides = scope.record is not None and scope.record.member(name) is not None
        except Unread:
            hides = False
        if hides and scope.record is not None:
            self.report(
                "E304", f"the name '{name}' would hide a field of {scope.record.name}", at, key, "choose another name"
            )
        elif name in (*SCOPE_NAMES, "record", "input"):
            self.report(
                "E304",
                f"the name '{name}' would hide what every expression knows by it",
                at,
                key,
                "choose another name",
            )
        else:
            return scope.having(**{name: type_})
        return scope

    # Expressions ----------------------------------------------------------------------------------------------------

    def compile(self, formula: Formula | None, scope: Scope, expects: Type | None = None) -> Expression | None:
        if formula is None:
            return None
        expression = self._expression(formula, scope, expects)
        if expression is not None:
            formula.bind(expression)
        return expression

    def where(self, formula: Formula | None, scope: Scope) -> Expression | None:
        return self.queried(formula, scope, BOOLEAN)

    def queried(self, formula: Formula | None, scope: Scope, expects: Type | None = None) -> Expression | None:
        expression = self.compile(formula, scope, expects)
        if formula is not None and expression is not None:
            self._faults(formula, self._translatability.faults(expression, scope))
        return expression

    def row_condition(self, owner: str, name: str, formula: Formula, model: str) -> None:
        # One formula, an expression for each model: so it stays unbound.
        key = (owner, name, model)
        if key in self.row_conditions:
            return
        scope = self.scope(model)
        expression = self._expression(formula, scope, BOOLEAN)
        if expression is not None:
            self.row_conditions[key] = expression
            self._faults(formula, self._translatability.faults(expression, scope))

    def _expression(self, formula: Formula, scope: Scope, expects: Type | None) -> Expression | None:
        try:
            expression = compile_expression(formula.text, scope, expects=expects, functions=self._vocabulary.functions)
        except ExpressionProblems as problems:
            self._faults(formula, problems.faults)
            return None
        except Unread:
            return None
        if self.complete(ListOfValues.kind):
            self._faults(formula, list_faults(expression.tree, list(self.known(ListOfValues.kind))))
        self.uses.append(Use(formula, expression, scope))
        return expression

    def _faults(self, formula: Formula, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self.problem(fault.code, fault.message, formula.within(fault.start, fault.end), fault.hint)

    # Problems -------------------------------------------------------------------------------------------------------

    def report(self, code: str, message: str, at: Located, key: Key | None = None, hint: str | None = None) -> None:
        self.problem(code, message, at.document.span(below(at, key)), hint)

    def report_key(self, code: str, message: str, at: Located, key: Key, hint: str | None = None) -> None:
        self.problem(code, message, at.document.key_span(below(at, key)), hint)

    def report_within(
        self,
        code: str,
        message: str,
        at: Located,
        key: Key,
        where: tuple[int, int],
        hint: str | None = None,
        *,
        severity: Severity = "error",
    ) -> None:
        self.problem(code, message, at.document.within(below(at, key), *where), hint, severity)

    def problem(
        self, code: str, message: str, span: Span, hint: str | None = None, severity: Severity = "error"
    ) -> None:
        """Adds a problem at a place, once."""
        self.problems[Problem(code, message, span, hint, severity)] = None

    # References -----------------------------------------------------------------------------------------------------

    def known(self, kind: str) -> Iterable[str]:
        return self._definitions.get(kind, {}).keys()

    def get(self, kind: str, name: str) -> Any:
        return self._definitions.get(kind, {}).get(name)

    def complete(self, kind: str, name: str | None = None) -> bool:
        unread = self._unread.get(kind, ())
        return not unread if name is None else name not in unread

    def reference(self, kind: str, name: str | None, at: Located, key: Key, *, is_key: bool = False) -> Any:
        if name is None:
            return None
        found = self.get(kind, name)
        if found is None and self.complete(kind, name):
            report = self.report_key if is_key else self.report
            report("E302", f"there is no {kind} '{name}'", at, key, did_you_mean(name, self.known(kind)))
        return found

    def system_fields(self, model: str) -> Mapping[str, Field]:
        return self._system_fields.get(model, {})

    def fields(self, model: str) -> Mapping[str, Field]:
        return self._fields.get(model, {})

    def field(self, model: str, path: str, at: Located, key: Key, *, is_key: bool = False) -> Field | None:
        holder, name, complete = self.fields(model), model, self.complete("model", model)
        found: Field | None = None
        for part in path.split("."):
            found = holder.get(part)
            if found is None:
                if complete:
                    report = self.report_key if is_key else self.report
                    report("E303", f"{name} has no field '{part}'", at, key, did_you_mean(part, holder))
                return None
            if isinstance(found, LinkField):
                name = found.target
                holder, complete = self.fields(name), name in self._fields and self.complete("model", name)
            elif isinstance(found, RowsField):
                name, holder, complete = f"{name}.{part}", found.of, True
            else:
                name, holder, complete = f"{name}.{part}", {}, True
        return found

    def states(self, model: str) -> Iterable[str]:
        return {state: None for flow in self._workflows.get(model, ()) for state in flow.states}

    def events(self, model: str) -> Collection[str]:
        arising = self._arising.get(model, ())
        return {**dict.fromkeys(self.fired(model)), **dict.fromkeys(arising)}

    def fired(self, model: str) -> Collection[str]:
        return {event: None for flow in self._workflows.get(model, ()) for event in flow.every_event()}

    def event(self, model: str, name: str, at: Located, key: Key) -> None:
        known = self.fired(model)
        if name not in known and self.complete("workflow") and self.complete("model", model):
            self.report("E302", f"no workflow of {model} has an event '{name}'", at, key, did_you_mean(name, known))

    def inputs(self, model: str, event: str) -> Sequence[Mapping[str, Field]]:
        named = [
            events[event]
            for flow in self._workflows.get(model, ())
            for events in (flow.events, *(state.events for state in flow.states.values()))
            if event in events
        ]
        return [found.input for found in {id(found): found for found in named}.values()]

    def proposes(self, model: str, event: str | None = None) -> bool:
        if event is None:
            return self.shapes.proposes(model) or not self.complete("workflow")
        return any(
            each.name == event and bool(each.propose)
            for flow in self._workflows.get(model, ())
            for each in flow.all_events()
        )

    @cached_property
    def _workflows(self) -> Mapping[str, Sequence[Workflow]]:
        """The workflows for each model."""
        found: dict[str, list[Workflow]] = {}
        for flow in self._definitions.get("workflow", {}).values():
            if isinstance(flow, Workflow):
                found.setdefault(flow.for_, []).append(flow)
        return found


def below(at: Located, key: Key | None) -> Path:
    """The path in its document of what stands at a key of a located object."""
    return (*at.path, *(() if key is None else key if isinstance(key, tuple) else (key,)))
