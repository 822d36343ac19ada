"""The sequence of lists, and places in it: sort keys, and the cursors that pages begin after.

Records without a value come last, whichever way a list is turned, and the id decides between equals; so every record
has one place. A cursor holds the sort keys of a page's last record. It says where to go on, never what may be seen:
whoever forges one starts elsewhere in a list that is theirs anyway.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, or_

from engine.catalog.catalog import Catalog
from engine.errors import BadRequest
from engine.expressions.faults import ExpressionProblems
from engine.expressions.language import Expression
from engine.expressions.sql import SqlExpression
from engine.expressions.tree import Compare, ScopeName
from engine.expressions.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    DURATION,
    INTEGER,
    NUMBERS,
    TEXT,
    TIME,
    ChoiceType,
    Type,
)
from engine.store.translate import Translation

#: More than a list can sensibly be sorted by.
MOST_TERMS = 5

#: How the values of sort keys are written in a cursor, and read from it.
_WRITE: Mapping[Type, Callable[[Any], Any]] = {
    DECIMAL: str,
    DATE: date.isoformat,
    TIME: time.isoformat,
    DATETIME: lambda value: value.astimezone(UTC).isoformat(),
    DURATION: lambda value: value // timedelta(microseconds=1),
}
_READ: Mapping[Type, Callable[[Any], Any]] = {
    TEXT: lambda value: _expect(str, value),
    INTEGER: lambda value: _expect(int, value),
    BOOLEAN: lambda value: _expect(bool, value),
    DECIMAL: Decimal,
    DATE: date.fromisoformat,
    TIME: time.fromisoformat,
    DATETIME: datetime.fromisoformat,
    DURATION: lambda value: timedelta(microseconds=value),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One sort key: ``-sent_at`` is its expression, turned round."""

    expression: Expression
    descending: bool

    @property
    def type(self) -> Type:
        """What its values are, choices being texts."""
        found = self.expression.type
        return TEXT if isinstance(found, ChoiceType) else found


def read_terms(catalog: Catalog, model: str, sort: Sequence[str]) -> tuple[Term, ...]:
    """The sort keys of ``["-sent_at", "sender.name"]``. BadRequest for what no list can be sorted by."""
    if len(sort) > MOST_TERMS:
        raise BadRequest(f"a list is sorted by at most {MOST_TERMS} fields", code="BAD_SORT")
    terms = []
    for text in sort:
        name = text.removeprefix("-").strip()
        if not all(part.isidentifier() for part in name.split(".")):
            raise BadRequest(
                f"cannot sort by {text!r}: name a field, with - before it to turn it round", code="BAD_SORT"
            )
        try:
            expression = catalog.compile(name, catalog.scope(model))
        except ExpressionProblems as problems:
            raise BadRequest(f"cannot sort by {name!r}: {problems.faults[0].message}", code="BAD_SORT") from None
        term = Term(expression, text.startswith("-"))
        if term.type not in _READ:
            raise BadRequest(f"cannot sort by {name!r}, which is {expression.type}", code="BAD_SORT")
        terms.append(term)
    return tuple(terms)


def sort_key(translation: Translation, term: Term) -> SqlExpression:
    """The term in SQL. BadRequest where the database could not compare its values exactly."""
    found = translation.value(term.expression)
    if found.type in NUMBERS and found.sql.scale is None and found.dialect.name == "sqlite":
        # Exact numbers without a column are text there.
        raise BadRequest(
            f"cannot sort by {term.expression.text!r}, which is worked out when it is read", code="BAD_SORT"
        )
    return found


def order_by(
    keys: Sequence[SqlExpression], terms: Sequence[Term], first_is_there: bool | None
) -> list[ColumnElement[Any]]:
    """The ORDER BY of the terms. ``first_is_there``: whether all first keys have a value, or none has (None: mixed)."""
    clauses: list[ColumnElement[Any]] = []
    for index, (key, term) in enumerate(zip(keys, terms, strict=True)):
        if index == 0 and first_is_there is False:
            continue
        clause = key.dialect.sortable(key.sql)
        clause = clause.desc() if term.descending else clause.asc()
        # Said only where it counts: an index serves the plain form alone.
        clauses.append(clause if index == 0 and first_is_there else clause.nulls_last())
    return clauses


# Places in the sequence ---------------------------------------------------------------------------------------------


def after(
    translation: Translation,
    terms: Sequence[Term],
    keys: Sequence[SqlExpression],
    present: Sequence[bool],
    beyond_id: ColumnElement[bool],
) -> ColumnElement[bool]:
    """The condition that a record comes after the cursor. ``present`` says which of its keys have a value.

    Its first part bounds the first key by itself, so that an index can go right there."""
    condition = beyond_id
    for index in reversed(range(len(terms))):
        term, key = terms[index], keys[index]
        if not present[index]:
            condition = and_(key.clause.is_(None), condition)
            continue
        name = f"after_{index}"
        beyond = translation.holds(_compared(term, "<" if term.descending else ">", name))
        same = translation.holds(_compared(term, "==", name))
        if index == 0:
            bound = translation.holds(_compared(term, "<=" if term.descending else ">=", name))
            condition = and_(bound, or_(beyond, and_(same, condition)))
        else:
            condition = or_(beyond, key.clause.is_(None), and_(same, condition))
    return condition


def _compared(term: Term, op: str, name: str) -> Expression:
    """``key OP the cursor's``: through the language, so that every type is compared as it is everywhere."""
    tree, expression = term.expression.tree, term.expression
    bound = ScopeName(type=tree.type, nullable=False, start=tree.start, end=tree.end, name=name)
    compare = Compare(type=BOOLEAN, nullable=True, start=tree.start, end=tree.end, op=op, left=tree, right=bound)
    return Expression(expression.text, compare, expression.functions)


# Cursors ------------------------------------------------------------------------------------------------------------


def write_cursor(model: str, terms: Sequence[Term], values: Sequence[Any], key: str) -> str:
    """The cursor of the record with these sort keys and this id."""
    written = [
        None if value is None else _WRITE.get(term.type, _same)(value)
        for term, value in zip(terms, values, strict=True)
    ]
    return urlsafe_b64encode(orjson.dumps([_mark(model, terms), written, key])).decode().rstrip("=")


def read_cursor(model: str, terms: Sequence[Term], cursor: str) -> tuple[list[Any], str]:
    """The sort keys and the id that the cursor holds. BadRequest when it is none, or that of another list."""
    try:
        mark, written, key = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if mark != _mark(model, terms):
            raise BadRequest("this cursor belongs to a list that is sorted in another way", code="BAD_CURSOR")
        values = [
            None if value is None else _READ[term.type](value) for term, value in zip(terms, written, strict=True)
        ]
        return values, _expect(str, key)
    except (ValueError, TypeError, ArithmeticError, AttributeError):
        raise BadRequest("this is no cursor of a list", code="BAD_CURSOR") from None


def _mark(model: str, terms: Sequence[Term]) -> str:
    text = "\n".join([model, *(f"{term.descending} {term.expression.text} {term.type}" for term in terms)])
    return sha256(text.encode()).hexdigest()[:12]


def _expect(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is not {kind}")
    return value


def _same(value: Any) -> Any:
    return value
