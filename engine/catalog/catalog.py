"""The whole application, trusted: what all documents say together. Immutable, and swapped as one thing on reload."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from threading import RLock
from typing import Any, TypeVar
from uuid import UUID

from engine.catalog.computations import Computation, Dependencies
from engine.catalog.kinds.app import App, Calendar
from engine.catalog.kinds.channel import Channel
from engine.catalog.kinds.example import Test
from engine.catalog.kinds.listed import ListOfValues, list_faults
from engine.catalog.kinds.message import MessageTemplate
from engine.catalog.kinds.model import Model
from engine.catalog.kinds.pages import Access, Form, View
from engine.catalog.kinds.pricing import Pricing
from engine.catalog.kinds.risk import Risk
from engine.catalog.kinds.routing import Routing
from engine.catalog.kinds.rules import Action, Checks
from engine.catalog.kinds.table import Table
from engine.catalog.kinds.table_versions import Versions
from engine.catalog.kinds.workflow import State, Workflow
from engine.catalog.linker import Use
from engine.catalog.private import PrivatePaths
from engine.catalog.shapes import BackLink, FieldsShape, Shapes
from engine.catalog.uses import users_of
from engine.catalog.vocabulary import Vocabulary
from engine.errors import BadRequest, Span
from engine.expressions.calendars import WorkingTime
from engine.expressions.faults import ExpressionProblems
from engine.expressions.language import Expression, compile_expression
from engine.expressions.types import BOOLEAN, NUMBERS, ListType, ManyShape, Scope, Type
from engine.fields.field import Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.rows import RowsField

T = TypeVar("T")

#: Expressions of requests that stay compiled: enough for the filters of all saved lists and many typed ones.
MOST_COMPILED = 1_000


@dataclass(frozen=True, eq=False)
class Catalog:
    """All definitions by kind and name, and what follows from the definitions alone.

    ``models`` have their extensions merged in, ``workflows`` are whole though they may be written as patches.
    ``sources`` are the texts of all files by path. ``system_models`` came with the engine.
    """

    fingerprint: str
    sources: Mapping[str, str]
    vocabulary: Vocabulary
    app: App
    models: Mapping[str, Model]
    forms: Mapping[str, Form]
    views: Mapping[str, View]
    access: Mapping[str, Access]
    workflows: Mapping[str, Workflow]
    checks: Mapping[str, Checks]
    actions: Mapping[str, Action]
    routings: Mapping[str, Routing]
    pricings: Mapping[str, Pricing]
    tables: Versions
    risks: Mapping[str, Risk]
    channels: Mapping[str, Channel]
    messages: Mapping[str, MessageTemplate]
    calendars: Mapping[str, Calendar]
    lists: Mapping[str, ListOfValues]
    tests: Mapping[str, Test]
    system_models: frozenset[str]
    shapes: Shapes = field(repr=False)
    dependencies: Mapping[str, Dependencies] = field(repr=False)
    row_conditions: Mapping[tuple[str, str, str], Expression] = field(repr=False)
    expression_uses: tuple[Use, ...] = field(repr=False)
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _compiled: OrderedDict[Hashable, Expression] = field(default_factory=OrderedDict, repr=False)
    # Reentrant: what is worked out once may be made of other such things.
    _lock: RLock = field(default_factory=RLock, repr=False)

    # Fields and shapes ----------------------------------------------------------------------------------------------

    def fields(self, model: str) -> Mapping[str, Field]:
        """All fields of a model by name: the system columns first, then its own and those of its extensions."""
        return self.shapes.fields(model)

    def system_fields(self, model: str) -> Mapping[str, Field]:
        """The columns that every record has; ``status`` offers the states of this model."""
        own = self.models[model].fields
        return self.memo(
            ("system fields", model), lambda: {n: f for n, f in self.fields(model).items() if n not in own}
        )

    def row_fields(self, model: str, path: Iterable[str]) -> Mapping[str, Field]:
        """The fields of the rows at a path; those of the model for the empty one."""
        found = self.fields(model)
        for name in path:
            rows = found[name]
            if not isinstance(rows, RowsField):
                raise KeyError(f"{name!r} of {model} holds no rows")
            found = rows.of
        return found

    def shape(self, model: str) -> FieldsShape:
        """How expressions see a model, or rows of it (``parcel.lines``)."""
        shape = self.shapes.of(model)
        if shape is None or model.partition(".")[0] not in self.models:
            raise KeyError(model)
        return shape

    def back_links(self, model: str) -> Mapping[str, BackLink]:
        """The other sides of links to this model, by the names that the links give them."""
        return self.shapes.back_links(model)

    def private_paths(self, model: str) -> PrivatePaths:
        """The paths from a record of the model that lead to personal data, through rows and links too."""
        return self.memo(("private", model), lambda: PrivatePaths(self.fields, model))

    # What is worked out ---------------------------------------------------------------------------------------------

    def computations(self, model: str) -> tuple[Computation, ...]:
        """What is worked out when a record is read in or changed, each after what it needs: lookups, computed fields,
        amounts spread over rows. Those of ``live_fields`` are not among them."""
        live = self.live_fields(model)
        ordered = self.memo(("computations", model), lambda: self.dependencies[model].ordered()[0])
        return tuple(made for made in ordered if made.path or made.name not in live)

    def live_fields(self, model: str) -> Mapping[str, Computation]:
        """The computed fields that follow links back to the record: never stored, worked out by the database when
        read."""
        dependencies = self.dependencies[model]

        def found() -> dict[str, Computation]:
            live = dependencies.live()
            return {name: dependencies.computations[(), name] for name in self.fields(model) if name in live}

        return self.memo(("live", model), found)

    # Workflows and access -------------------------------------------------------------------------------------------

    def states(self, model: str) -> Mapping[str, State]:
        """The states that a record of the model may stand in: those of its own workflow, then of the others for it,
        then, by what they were called before, those in which cases of older versions may stand."""

        def found() -> dict[str, State]:
            own = self.models[model].workflow
            flows = sorted(
                (flow for flow in self.workflows.values() if flow.for_ == model), key=lambda flow: flow.name != own
            )
            result: dict[str, State] = {}
            for flow in flows:
                for name, state in flow.states.items():
                    result.setdefault(name, state)
            for flow in flows:
                for old, name in flow.former.items():
                    result.setdefault(old, flow.states[name])
            return result

        return self.memo(("states", model), found)

    def workflow_for(self, model: str, channel: str | None = None) -> Workflow | None:
        """The workflow that a new record starts: its channel's, else its model's, else none."""
        through = self.channels.get(channel) if channel is not None else None
        feeds = through is not None and (through.for_ or self.app.intake) == model
        name = through.workflow if through is not None and feeds and through.workflow else self.models[model].workflow
        return self.workflows[name] if name is not None else None

    def heir_of(self, workflow: str) -> Workflow | None:
        """The workflow in which cases of that name belong now: the one that has it, or that had it before."""
        found = self.workflows.get(workflow)
        return found or next((flow for flow in self.workflows.values() if workflow in flow.was), None)

    def channel_of(self, model: str, record: Mapping[str, Any]) -> Channel | None:
        """The channel to which a record links; None where it links to none."""
        for name, found in self.fields(model).items():
            if isinstance(found, LinkField) and found.target == "channel" and record.get(name) is not None:
                return self.channels.get(record[name]["code"])
        return None

    def routing_for(self, name: str, channel: Channel | None) -> Routing:
        """The routing of that name, or the one that the channel lays over it."""
        own = self.routings.get(channel.routing) if channel is not None and channel.routing is not None else None
        base = own
        while base is not None and base.name != name:
            base = self.routings.get(base.extends) if base.extends is not None else None
        return own if own is not None and base is not None else self.routings[name]

    def table_on(self, name: str, day: date) -> Table | None:
        """The version of a decision table that holds on a day; None when none does."""
        return next((each for each in self.tables.get(name, ()) if each.first_day <= day <= each.last_day), None)

    @property
    def working_time(self) -> WorkingTime | None:
        """The application's calendar, else the only one there is; None when nothing says which."""

        def found() -> WorkingTime | None:
            name = self.app.calendar or (next(iter(self.calendars)) if len(self.calendars) == 1 else None)
            return self.calendars[name].working_time(self.app.timezone) if name is not None else None

        return self.memo("working time", found)

    def scope_of(self, access: Access, name: str, model: str) -> Expression:
        """The named condition of an access document, for the rows of a model that it grants by it."""
        return self.row_conditions[access.name, name, model]

    # Expressions ----------------------------------------------------------------------------------------------------

    def scope(self, model: str | None, **names: Type) -> Scope:
        """What expressions about a model may name, and the names given here."""
        return self.shapes.scope(model, **names)

    def rows_scope(self, model: str, path: tuple[str, ...], **names: Type) -> Scope:
        """What expressions in rows of a model may name."""
        return self.shapes.rows_scope(model, path, **names)

    def measure_scope(self, model: str) -> Scope:
        """What measures over groups of a model's records may name: each field is the list of the group's values."""
        return self.memo(("measures", model), lambda: replace(self.scope(model), record=ManyShape(self.shape(model))))

    def compile(self, text: str, scope: Scope, expects: Type | None = None) -> Expression:
        """An expression that a request brings. Raises ExpressionProblems."""
        model = scope.record.name if scope.record is not None else None
        # A scope with names of its own may mean anything by them: only the plain one of a model is worth remembering.
        plain = model is None or ("." not in model and model in self.models and scope is self.scope(model))
        if not plain:
            return self._made(text, scope, expects)
        key = (text, model, expects)
        with self._lock:
            found = self._compiled.get(key)
            if found is not None:
                self._compiled.move_to_end(key)
                return found
        made = self._made(text, scope, expects)
        with self._lock:
            self._compiled[key] = made
            while len(self._compiled) > MOST_COMPILED:
                self._compiled.popitem(last=False)
        return made

    def _made(self, text: str, scope: Scope, expects: Type | None) -> Expression:
        made = compile_expression(text, scope, expects=expects, functions=self.vocabulary.functions)
        faults = tuple(list_faults(made.tree, self.lists))
        if faults:
            raise ExpressionProblems(text, faults)
        return made

    def equality(self, model: str, name: str, text: str) -> Expression:
        """The condition that a field equals what a text says, in the field's own writing; a link's is an id or a key.

        The empty text means that there is no value; of a field with several values those that the text names must be
        among them. Raises BadRequest for a text that the field cannot be.
        """
        found = self.fields(model)[name]
        if text == "":
            return self.compile(f"{name} == null", self.scope(model), BOOLEAN)
        if isinstance(found, LinkField):
            path = f"{name}.id" if _is_id(text) or self.shape(found.target).key is None else name
            return self.compile(f"{path} == {_literal(text)}", self.scope(model), BOOLEAN)
        try:
            value = found.parse_text(text)
        except ValueFault as fault:
            raise BadRequest(f"{name}: {fault.message}", code=fault.code) from None
        member = self.shape(model).member(name)
        if member is not None and isinstance(member.type, ListType):
            each = (f"{_literal(item)} in {name}" for item in value)
            return self.compile(" and ".join(each), self.scope(model), BOOLEAN)
        if not found.comparable:
            raise BadRequest(f"{name} cannot be compared with a text", code="BAD_PARAMETER")
        numeric = member is not None and member.type in NUMBERS
        return self.compile(
            f"{name} == {_number(value) if numeric else _literal(found.wire(value))}", self.scope(model), BOOLEAN
        )

    def uses(self, model: str, field_name: str) -> tuple[Span, ...]:
        """The expressions that read a field of a model, by their places: "who uses this field?"."""
        index = self.memo("uses", lambda: users_of(self.expression_uses))
        return index.get((model, field_name), ())

    # What higher floors keep ----------------------------------------------------------------------------------------

    def memo(self, key: Hashable, build: Callable[[], T]) -> T:
        """What ``build`` gives, worked out once for each key and kept as long as the catalogue."""
        try:
            found: T = self._kept[key]
            return found
        except KeyError:
            with self._lock:
                if key not in self._kept:
                    self._kept[key] = build()
                made: T = self._kept[key]
                return made


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _literal(value: Any) -> str:
    """A value as expressions write it."""
    return str(value).lower() if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)


def _number(value: Decimal | int) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
