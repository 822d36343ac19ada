"""The types of operators: what each takes and makes, and what its operands are turned into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from engine.expressions.adapt import Misfit, article, common_type, fit, is_literal_text, is_text, key_member, key_of
from engine.expressions.tree import Binary, Compare, Constant, Each, ListOf, Logic, Node, holds_nulls
from engine.expressions.types import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    DURATION,
    INTEGER,
    JSON,
    NULL,
    NUMBERS,
    TEXT,
    TIME,
    ListType,
    RecordType,
    Type,
)

ORDERED = (*NUMBERS, TEXT, DATE, DATETIME, TIME, DURATION)
_MOMENTS = (DATE, DATETIME)

#: What ``+`` and the like make of operands that are not two numbers.
_MIXED: Mapping[tuple[str, Type, Type], Type] = {
    ("+", TEXT, TEXT): TEXT,
    ("+", DATE, DURATION): DATE,
    ("+", DATETIME, DURATION): DATETIME,
    ("+", DURATION, DATE): DATE,
    ("+", DURATION, DATETIME): DATETIME,
    ("+", DURATION, DURATION): DURATION,
    ("-", DATE, DURATION): DATE,
    ("-", DATETIME, DURATION): DATETIME,
    ("-", DURATION, DURATION): DURATION,
    ("-", DATE, DATE): INTEGER,
    ("-", DATETIME, DATETIME): DURATION,
    ("*", DURATION, INTEGER): DURATION,
    ("*", INTEGER, DURATION): DURATION,
}


def is_ordered(type_: Type) -> bool:
    """Whether ``<`` makes sense between two values of the type."""
    return type_ in ORDERED or is_text(type_)


def binary(op: str, left: Node, right: Node, start: int, end: int) -> Binary | Misfit:
    """``left op right`` for ``+ - * / // %``."""
    one, two = _plain(left.type), _plain(right.type)
    if NULL in (one, two):
        return Misfit(f"null on a side of '{op}' makes the result null", "leave it out")
    if one in NUMBERS and two in NUMBERS:
        type_ = INTEGER if (one, two) == (INTEGER, INTEGER) and op != "/" else DECIMAL
    else:
        left, right = _date_difference(op, left, right)
        found = _MIXED.get((op, _plain(left.type), _plain(right.type)))
        if found is None:
            return Misfit(
                f"'{op}' has no meaning between {article(left.type)} and {article(right.type)}", _hint(one, two)
            )
        type_ = found
    left, right = _exact(left, right.type), _exact(right, left.type)
    # Division by zero is an error, not null.
    nullable = left.nullable or right.nullable
    return Binary(type=type_, nullable=nullable, start=start, end=end, op=op, left=left, right=right)


def compare(op: str, left: Node, right: Node, start: int, end: int) -> Compare | Misfit:
    """``left op right`` for ``== != < <= > >= in`` and ``not in``."""
    operands = _contained(left, right) if op in ("in", "not in") else _matched(op, left, right)
    if isinstance(operands, Misfit):
        return operands
    one, two = operands
    if op in ("==", "!=") and NULL in (one.type, two.type):
        nullable = False
    elif op in ("in", "not in"):
        nullable = one.nullable or two.nullable or holds_nulls(two)
    else:
        nullable = one.nullable or two.nullable
    return Compare(type=BOOLEAN, nullable=nullable, start=start, end=end, op=op, left=one, right=two)


def logic(op: str, parts: Sequence[Node], start: int, end: int) -> Node:
    """``and`` or ``or`` over booleans; a single part stays itself."""
    if len(parts) == 1:
        return parts[0]
    nullable = any(part.nullable for part in parts)
    return Logic(type=BOOLEAN, nullable=nullable, start=start, end=end, op=op, parts=tuple(parts))


def _matched(op: str, left: Node, right: Node) -> tuple[Node, Node] | Misfit:
    """Both sides of a comparison as values of one type."""
    equality = op in ("==", "!=")
    if NULL in (left.type, right.type):
        return (left, right) if equality else Misfit(f"'{op} null' is never known", "write '== null' or '!= null'")
    if isinstance(left.type, RecordType) and isinstance(right.type, RecordType) and equality:
        return (left, right) if left.type == right.type else _different(left.type, right.type)
    if isinstance(left.type, RecordType) and is_text(right.type) and equality:
        key = key_of(left)
        return key if isinstance(key, Misfit) else _matched(op, key, right)
    if isinstance(right.type, RecordType) and is_text(left.type) and equality:
        key = key_of(right)
        return key if isinstance(key, Misfit) else _matched(op, left, key)
    for type_ in (left.type, right.type):
        if isinstance(type_, RecordType) and not equality:
            return Misfit(f"'{op}' has no meaning for {article(type_)}", "compare one of its fields")
        if type_ == JSON or isinstance(type_, ListType):
            return Misfit(f"{article(type_)} cannot be compared with '{op}'", "it can be compared with null")
    if isinstance(left.type, RecordType) or isinstance(right.type, RecordType):
        return _different(left.type, right.type)
    sides = _same(left, right)
    if isinstance(sides, Misfit):
        return sides
    type_ = sides[0].type
    if not equality and not is_ordered(type_):
        return Misfit(f"'{op}' has no meaning for {article(type_)}", "write '==' or '!='")
    return sides


def _same(left: Node, right: Node) -> tuple[Node, Node] | Misfit:
    """Two sides of one type; a text written out becomes what the other side is."""
    if is_literal_text(right) and not is_literal_text(left):
        fitted = fit(right, left.type)
        return fitted if isinstance(fitted, Misfit) else (left, fitted)
    if is_literal_text(left) and not is_literal_text(right):
        fitted = fit(left, right.type)
        return fitted if isinstance(fitted, Misfit) else (fitted, right)
    if common_type((left.type, right.type)) is None:
        return _different(left.type, right.type)
    return _exact(left, right.type), _exact(right, left.type)


def _contained(left: Node, right: Node) -> tuple[Node, Node] | Misfit:
    """Both sides of ``in``: a value, and a list of such values."""
    if not isinstance(right.type, ListType):
        hint = "contains(text, part) looks into a text" if is_text(right.type) else None
        return Misfit(f"the right side of 'in' is a list, this is {article(right.type)}", hint)
    item = right.type.item
    if isinstance(left.type, RecordType) and (is_text(item) or (isinstance(right, ListOf) and item == NULL)):
        key = key_of(left)
        return key if isinstance(key, Misfit) else _contained(key, right)
    if isinstance(item, RecordType) and is_text(left.type):
        keys = _keys(right, item)
        return keys if isinstance(keys, Misfit) else _contained(left, keys)
    if left.type == NULL:
        return Misfit("whether null is in a list is never known", "write '== null'")
    if left.type == JSON or isinstance(left.type, ListType):
        return Misfit(f"{article(left.type)} is in no list")
    if is_literal_text(left):
        fitted = fit(left, item) if item != NULL else left
        return fitted if isinstance(fitted, Misfit) else (fitted, right)
    if isinstance(right, ListOf):
        items = [_exact(node, left.type) if node.type in NUMBERS else fit(node, left.type) for node in right.items]
        for node in items:
            if isinstance(node, Misfit):
                return node
            if common_type((node.type, left.type)) is None:
                return _different(left.type, node.type)
        return left, replace(right, items=tuple(node for node in items if isinstance(node, Node)))
    if common_type((left.type, item)) is None or isinstance(item, RecordType) != isinstance(left.type, RecordType):
        return _different(left.type, item)
    return left, right


def _keys(records: Node, item: RecordType) -> Node | Misfit:
    found = key_member(item)
    if isinstance(found, Misfit):
        return found
    name, member = found
    return Each(
        type=ListType("list", member.type),
        nullable=records.nullable,
        start=records.start,
        end=records.end,
        base=records,
        name=name,
        gaps=member.nullable or holds_nulls(records),
    )


def _plain(type_: Type) -> Type:
    return TEXT if is_text(type_) else type_


def _exact(node: Node, beside: Type) -> Node:
    """An integer constant beside a decimal becomes a decimal once, here, instead of at every evaluation."""
    if beside == DECIMAL and isinstance(node, Constant) and node.type == INTEGER:
        return replace(node, type=DECIMAL, value=Decimal(node.value))
    return node


def _date_difference(op: str, left: Node, right: Node) -> tuple[Node, Node]:
    """``due - "2026-01-01"``: the text beside a date is one too."""
    if op == "-" and left.type in _MOMENTS and is_literal_text(right):
        fitted = fit(right, left.type)
        return left, right if isinstance(fitted, Misfit) else fitted
    if op == "-" and right.type in _MOMENTS and is_literal_text(left):
        fitted = fit(left, right.type)
        return left if isinstance(fitted, Misfit) else fitted, right
    return left, right


def _different(left: Type, right: Type) -> Misfit:
    hint = "date(…) gives the local date of a datetime" if {left, right} == set(_MOMENTS) else None
    return Misfit(f"{article(left)} cannot be compared with {article(right)}", hint)


def _hint(left: Type, right: Type) -> str | None:
    types = {left, right}
    if types & set(_MOMENTS) and types & set(NUMBERS):
        return "write days(n), hours(n) or minutes(n)"
    if TEXT in types and types & set(NUMBERS):
        return "numbers and texts do not mix"
    if BOOLEAN in types:
        return "a boolean is no number; write 'a if condition else b'"
    return None
