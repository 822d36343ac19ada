"""SQL text, compiled once by SQLAlchemy, for the driver's own connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
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
        keys: dict[str, Any] = {"column_keys": list(columns)} if columns is not None else {}
        compiled = clause.compile(dialect=dialect, **keys)
        assert isinstance(compiled, SQLCompiler)
        self._compiled = compiled
        self._names = tuple(names)
        self._fixed = {**compiled.params, **(constants or {})}
        needed = {name for name, bind in compiled.binds.items() if bind.required} - {*names, *(constants or ())}
        if needed:
            raise ValueError(f"nobody gives the parameters {sorted(needed)} of: {compiled}")
        self._process = {name: binder(bind.type, dialect) for name, bind in compiled.binds.items()}
        #: Whether a list of the caller changes the text.
        self._varies = any(bind.key in names for bind in compiled.post_compile_params)
        self._binders: tuple[Processor | None, ...] = ()
        self._readers: tuple[Processor | None, ...] = ()
        if not raw:
            self._binders = tuple(self._process.get(name) for name in names)
            self._readers = () if raw_rows else tuple(reader(column.type, dialect) for column in _answered(clause))
        if not self._varies:
            self._settle()

    def _settle(self) -> None:
        """Works out what is the same each time: the text, and the places of its parameters."""
        state = self._compiled.construct_expanded_state(dict(self._fixed), escape_names=False)
        process = {**self._process, **_of_parts(state, self._process)}
        places = list(state.positiontup or ())
        given = {name: index for index, name in enumerate(self._names)}
        # Values that stand in the clause itself become parameters too; they follow those of the caller.
        rest = [place for place in dict.fromkeys(places) if place not in given]
        given |= {place: len(self._names) + index for index, place in enumerate(rest)}
        self.text = state.statement
        self._constants = tuple(_bound(process[place], state.parameters[place]) for place in rest)
        take = [given[place] for place in places]
        self._take = None if take == list(range(len(self._names))) else take

    def prepare(self, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        """The text and its parameters, as the driver takes them."""
        if not self._varies:
            return self.text, self.bind(values)
        given = {**self._fixed, **dict(zip(self._names, values, strict=True))}
        state = self._compiled.construct_expanded_state(given, escape_names=False)
        process = {**self._process, **_of_parts(state, self._process)}
        return state.statement, [_bound(process[place], state.parameters[place]) for place in state.positiontup or ()]

    def bind(self, values: Sequence[Any]) -> Sequence[Any]:
        """The values as the driver takes them, in the order of a text that never varies."""
        if any(self._binders):
            values = [_bound(process, value) for process, value in zip(self._binders, values, strict=True)]
        if self._take is not None:
            values = (*values, *self._constants)
            return [values[index] for index in self._take]
        return values

    def bind_all(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        """The rows as the driver takes them."""
        if self._take is None and not any(self._binders):
            return rows
        return [self.bind(row) for row in rows]

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows with the values that the driver gave turned into ours."""
        if any(self._readers):
            return [
                tuple(_bound(process, value) for process, value in zip(self._readers, row, strict=True)) for row in rows
            ]
        return rows


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
