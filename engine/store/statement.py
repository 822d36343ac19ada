"""SQL text, compiled once by SQLAlchemy, for the driver's own connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement
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
        columns: Sequence[str] | None = None,
        raw: bool = False,
    ) -> None:
        # `columns`: those that an INSERT or UPDATE without values is to set.
        keys: dict[str, Any] = {"column_keys": list(columns)} if columns is not None else {}
        compiled = clause.compile(dialect=dialect, **keys)
        if not isinstance(compiled, SQLCompiler) or compiled.literal_execute_params or compiled.post_compile_params:
            raise ValueError("only a statement whose text never changes can be compiled once")
        places = list(compiled.positiontup or ())
        given = {name: index for index, name in enumerate(names)}
        # Values that stand in the clause itself become parameters too; they follow those of the caller.
        constants = [place for place in places if place not in given]
        missing = [place for place in constants if compiled.binds[place].required]
        if missing:
            raise ValueError(f"nobody gives the parameters {missing} of: {compiled}")
        given |= {place: len(names) + index for index, place in enumerate(constants)}
        self.text = str(compiled)
        self._constants = tuple(compiled.binds[place].effective_value for place in constants)
        take = [given[place] for place in places]
        self._take = None if take == list(range(len(names))) else take
        self._binders: tuple[Processor | None, ...] = ()
        self._readers: tuple[Processor | None, ...] = ()
        if not raw:
            self._binders = tuple(binder(compiled.binds[place].type, dialect) for place in places)
            exported = getattr(clause, "exported_columns", ())
            self._readers = tuple(reader(column.type, dialect) for column in exported)

    def bind(self, values: Sequence[Any]) -> Sequence[Any]:
        """The values as the driver takes them, in the order of the text."""
        if self._take is not None:
            if self._constants:
                values = (*values, *self._constants)
            values = [values[index] for index in self._take]
        if any(self._binders):
            return [
                process(value) if process is not None else value
                for process, value in zip(self._binders, values, strict=True)
            ]
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
                tuple(
                    process(value) if process is not None else value
                    for process, value in zip(self._readers, row, strict=True)
                )
                for row in rows
            ]
        return rows


def binder(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What turns a value of the column type into the driver's; None where nothing is to be done."""
    return type_.dialect_impl(dialect).bind_processor(dialect)


def reader(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What turns the driver's value into one of the column type; None where nothing is to be done."""
    return type_.dialect_impl(dialect).result_processor(dialect, None)
