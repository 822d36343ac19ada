"""SQL text, compiled once by SQLAlchemy, for the driver's own connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, SelectBase
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, UpdateBase
from sqlalchemy.types import TypeEngine

Processor = Callable[[Any], Any]


class Statement:
    """A text with positional parameters, and the functions that turn values into the driver's and back.

    ``names`` lists the bind parameters in the order in which callers give their values. With ``raw`` both sides are
    already the driver's: the hot paths convert by functions of their own.
    """

    __slots__ = ("_binders", "_constants", "_readers", "_take", "text")

    def __init__(
        self,
        clause: ClauseElement,
        dialect: Dialect,
        names: Sequence[str] = (),
        *,
        constants: Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        raw: bool = False,
    ) -> None:
        # `constants`: parameters that are always the same. `columns`: those that an INSERT without values is to set.
        keys: dict[str, Any] = {"column_keys": list(columns)} if columns is not None else {}
        compiled = clause.compile(dialect=dialect, **keys)
        assert isinstance(compiled, SQLCompiler)
        # Lists that stand in the clause itself are written out now, once for all.
        fixed = {**compiled.params, **(constants or {})}
        state = compiled.construct_expanded_state(fixed, escape_names=False)
        binders = {name: binder(bind.type, dialect) for name, bind in compiled.binds.items()}
        for name, parts in state.parameter_expansion.items():
            binders |= dict.fromkeys(parts, binders[name])
        places = list(state.positiontup or ())
        given = {name: index for index, name in enumerate(names)}
        # Values that stand in the clause itself become parameters too; they follow those of the caller.
        rest = [place for place in dict.fromkeys(places) if place not in given]
        needed = {name for name, bind in compiled.binds.items() if bind.required} - set(constants or ())
        if missing := needed.intersection(rest):
            raise ValueError(f"nobody gives the parameters {sorted(missing)} of: {compiled}")
        given |= {place: len(names) + index for index, place in enumerate(rest)}
        self.text = state.statement
        self._constants = tuple(_bound(binders[place], state.parameters[place]) for place in rest)
        take = [given[place] for place in places]
        self._take = None if take == list(range(len(names))) else take
        self._binders: tuple[Processor | None, ...] = ()
        self._readers: tuple[Processor | None, ...] = ()
        if not raw:
            self._binders = tuple(binders.get(name) for name in names)
            self._readers = tuple(reader(column.type, dialect) for column in _answered(clause))

    def bind(self, values: Sequence[Any]) -> Sequence[Any]:
        """The values as the driver takes them, in the order of the text."""
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


def _answered(clause: ClauseElement) -> Sequence[ColumnElement[Any]]:
    """The columns of the answer."""
    if isinstance(clause, SelectBase):
        return list(clause.selected_columns)
    return list(clause.exported_columns) if isinstance(clause, UpdateBase) else []


def binder(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What turns a value of the column type into the driver's; None where nothing is to be done."""
    return type_.dialect_impl(dialect).bind_processor(dialect)


def reader(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What turns the driver's value into one of the column type; None where nothing is to be done."""
    return type_.dialect_impl(dialect).result_processor(dialect, None)
