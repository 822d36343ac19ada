"""SQL text, compiled once by SQLAlchemy, for the driver's own connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, SelectBase
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import ExpandedState, SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, UpdateBase
from sqlalchemy.types import TypeDecorator, TypeEngine

Processor = Callable[[Any], Any]


class Statement:
    """A text with positional parameters, and the functions that turn values into the driver's and back.

    ``names`` lists the bind parameters in the order in which callers give their values. With ``raw`` both sides are
    already the driver's, for hot paths that convert by functions of their own; with ``raw_rows`` only the answers. A
    parameter that takes a list makes the text depend on the list's length; then it is written out anew each time.

    SQLAlchemy is asked when the statement is first used: a catalogue has hundreds, and a process needs some of them.
    """

    def __init__(
        self,
        clause: ClauseElement,
        dialect: Dialect,
        names: Sequence[str] = (),
        *,
        constants: Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        raw: bool = False,
        raw_rows: bool = False,
    ) -> None:
        # `constants`: parameters that are always the same. `columns`: those that an INSERT without values is to set.
        self._clause = clause
        self._dialect = dialect
        self._names = tuple(names)
        self._given = constants or {}
        self._columns = columns
        self._raw = raw
        self._raw_rows = raw or raw_rows

    @cached_property
    def _form(self) -> _Form:
        keys: dict[str, Any] = {"column_keys": list(self._columns)} if self._columns is not None else {}
        compiled = self._clause.compile(dialect=self._dialect, **keys)
        assert isinstance(compiled, SQLCompiler)
        needed = {name for name, bind in compiled.binds.items() if bind.required} - {*self._names, *self._given}
        if needed:
            raise ValueError(f"nobody gives the parameters {sorted(needed)} of: {compiled}")
        process = {name: binder(bind.type, self._dialect) for name, bind in compiled.binds.items()}
        form = _Form(compiled, {**compiled.params, **self._given}, process)
        if not self._raw:
            form.binders = tuple(process.get(name) for name in self._names)
        if not self._raw_rows:
            form.readers = tuple(reader(column.type, self._dialect) for column in _answered(self._clause))
        # A list of the caller changes the text.
        if not any(bind.key in self._names for bind in compiled.post_compile_params):
            form.settle(self._names)
        return form

    @property
    def text(self) -> str:
        """The text of a statement whose parameters are no lists."""
        text = self._form.text
        assert text is not None
        return text

    def prepare(self, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        """The text and its parameters, as the driver takes them."""
        form = self._form
        if form.text is not None:
            return form.text, self.bind(values)
        return form.expanded({**form.fixed, **dict(zip(self._names, values, strict=True))})

    def bind(self, values: Sequence[Any]) -> Sequence[Any]:
        """The values as the driver takes them, in the order of a text that never varies."""
        form = self._form
        if any(form.binders):
            values = [_bound(process, value) for process, value in zip(form.binders, values, strict=True)]
        if form.take is not None:
            values = (*values, *form.constants)
            return [values[index] for index in form.take]
        return values

    def bind_all(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """The rows as the driver takes them."""
        if self._form.take is None and not any(self._form.binders):
            return rows
        return [self.bind(row) for row in rows]

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows with the values that the driver gave turned into ours."""
        readers = self._form.readers
        if any(readers):
            return [tuple(_bound(process, value) for process, value in zip(readers, row, strict=True)) for row in rows]
        return rows


class _Form:
    """What SQLAlchemy made of a statement.

    ``text`` is None while it depends on the length of a list; ``take`` are the places of the parameters among the
    caller's values and ``constants``, None where they are the caller's as they come.
    """

    def __init__(
        self, compiled: SQLCompiler, fixed: Mapping[str, Any], process: Mapping[str, Processor | None]
    ) -> None:
        self.fixed = fixed
        self.binders: tuple[Processor | None, ...] = ()
        self.readers: tuple[Processor | None, ...] = ()
        self.text: str | None = None
        self.constants: tuple[Any, ...] = ()
        self.take: list[int] | None = None
        self._compiled = compiled
        self._process = process

    def settle(self, names: Sequence[str]) -> None:
        """Works out what is the same each time: the text, and the places of its parameters."""
        state = self._compiled.construct_expanded_state(dict(self.fixed), escape_names=False)
        process = {**self._process, **_of_parts(state, self._process)}
        places = list(state.positiontup or ())
        given = {name: index for index, name in enumerate(names)}
        # Values that stand in the clause itself become parameters too; they follow those of the caller.
        rest = [place for place in dict.fromkeys(places) if place not in given]
        given |= {place: len(names) + index for index, place in enumerate(rest)}
        self.constants = tuple(_bound(process[place], state.parameters[place]) for place in rest)
        take = [given[place] for place in places]
        self.take = None if take == list(range(len(names))) else take
        self.text = state.statement

    def expanded(self, given: dict[str, Any]) -> tuple[str, Sequence[Any]]:
        """The text and its parameters for lists of the lengths that are given."""
        state = self._compiled.construct_expanded_state(given, escape_names=False)
        process = {**self._process, **_of_parts(state, self._process)}
        return state.statement, [_bound(process[place], state.parameters[place]) for place in state.positiontup or ()]


def _bound(process: Processor | None, value: Any) -> Any:
    return process(value) if process is not None else value


def _of_parts(state: ExpandedState, process: Mapping[str, Processor | None]) -> dict[str, Processor | None]:
    """What binds the single values of lists."""
    return {part: process[name] for name, parts in state.parameter_expansion.items() for part in parts}


def _answered(clause: ClauseElement) -> Sequence[ColumnElement[Any]]:
    """The columns of the answer."""
    if isinstance(clause, SelectBase):
        return list(clause.selected_columns)
    return list(clause.exported_columns) if isinstance(clause, UpdateBase) else []


@lru_cache(2_048)  # SQLAlchemy puts it together anew whenever it is asked
def binder(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What turns a value of the column type into the driver's; None where nothing is to be done."""
    return type_.dialect_impl(dialect).bind_processor(dialect)


def reader(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What turns the driver's value into one of the column type; None where nothing is to be done."""
    if dialect.name == "postgresql" and not isinstance(type_, TypeDecorator):
        return None  # psycopg has converted it; SQLAlchemy's own types would ask for the type code of the answer
    return type_.dialect_impl(dialect).result_processor(dialect, None)
