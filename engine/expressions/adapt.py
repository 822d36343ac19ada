"""Which type stands where another is asked for, and the type that several values have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from engine.expressions import types
from engine.expressions.tree import Constant, Convert, ListOf, Member, Node
from engine.expressions.types import (
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    JSON,
    NULL,
    NUMBERS,
    TEXT,
    TIME,
    ChoiceType,
    ListType,
    RecordType,
    Type,
)
from engine.registry import nearest


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a value does not stand where it should; ``at``: the characters of the value, where it is but a part."""

    message: str
    hint: str | None = None
    at: tuple[int, int] | None = None


def article(type_: Type) -> str:
    """``a text``, ``an integer``, ``null``."""
    if type_ == NULL:
        return "null"
    word = str(type_)
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def is_text(type_: Type) -> bool:
    """Whether the values are texts: text or choice."""
    return type_ == TEXT or isinstance(type_, ChoiceType)


def is_literal_text(node: Node) -> bool:
    """Whether the node is a text written in the expression."""
    return isinstance(node, Constant) and isinstance(node.value, str)


def common_type(of: Iterable[Type]) -> Type | None:
    """The type that fits values of all these types; NULL of none; None when there is no such type."""
    found: Type = NULL
    for type_ in of:
        if found in (NULL, type_):
            found = type_
        elif type_ == NULL:
            continue
        elif found in NUMBERS and type_ in NUMBERS:
            found = DECIMAL
        elif is_text(found) and is_text(type_):
            found = TEXT
        elif isinstance(found, ListType) and isinstance(type_, ListType):
            item = common_type((found.item, type_.item))
            if item is None:
                return None
            found = ListType("list", item)
        else:
            return None
    return found


def common_type_of(nodes: Sequence[Node]) -> Type | None:
    """The type that fits all these nodes. Texts written out may turn into dates, choices and the like."""
    firm = common_type(node.type for node in nodes if not is_literal_text(node))
    return TEXT if firm == NULL and any(map(is_literal_text, nodes)) else firm


def fit(node: Node, wanted: Type) -> Node | Misfit:
    """The node as a value of the wanted type, with constants converted; a Misfit when it is none."""
    have = node.type
    if have == NULL:
        # Null whatever it is made of: `null if flag else null`.
        return Constant(type=wanted, nullable=True, start=node.start, end=node.end, value=None)
    if isinstance(wanted, ChoiceType) and is_literal_text(node):
        return _option(node, wanted)
    if isinstance(wanted, ListType):
        return _fit_list(node, wanted)
    if have == wanted or wanted == JSON:
        return node
    if wanted == DECIMAL and have == INTEGER:
        if isinstance(node, Constant):
            return replace(node, type=DECIMAL, value=Decimal(node.value))
        return Convert(type=DECIMAL, nullable=node.nullable, start=node.start, end=node.end, operand=node)
    if is_literal_text(node) and wanted in _WRITTEN:
        return _moment(node, wanted)
    if is_text(wanted) and is_text(have):
        return node
    return _misfit(node, f"expected {article(wanted)}, this is {article(have)}", _hint(have, wanted))


def fit_slot(node: Node, wanted: Type) -> Node | Misfit:
    """Like fit, for the place that a whole expression fills: a record may be named by the text of its key."""
    if isinstance(wanted, RecordType) and wanted.shape.key is not None and is_text(node.type):
        return node
    return fit(node, wanted)


def key_member(type_: RecordType) -> tuple[str, types.Member] | Misfit:
    """The member by which a text names a record of the type."""
    name = type_.shape.key
    member = type_.shape.member(name) if name is not None else None
    if name is None or member is None:
        return Misfit(f"{type_} has no key that a text could be compared with", "compare one of its fields")
    return name, member


def key_of(node: Node) -> Node | Misfit:
    """The key of the record that the node gives."""
    assert isinstance(node.type, RecordType)
    found = key_member(node.type)
    if isinstance(found, Misfit):
        return found
    name, member = found
    nullable = node.nullable or member.nullable
    return Member(type=member.type, nullable=nullable, start=node.start, end=node.end, base=node, name=name)


def _misfit(node: Node, message: str, hint: str | None = None) -> Misfit:
    return Misfit(message, hint, (node.start, node.end))


def _fit_list(node: Node, wanted: ListType) -> Node | Misfit:
    if isinstance(node, ListOf):
        items: list[Node] = []
        for item in node.items:
            fitted = fit(item, wanted.item)
            if isinstance(fitted, Misfit):
                return fitted
            items.append(fitted)
        return replace(node, type=wanted, items=tuple(items))
    have = node.type
    if isinstance(have, ListType) and (
        have.item == wanted.item or common_type((have.item, wanted.item)) == wanted.item
    ):
        return node
    return _misfit(node, f"expected {article(wanted)}, this is {article(have)}")


def _option(node: Node, wanted: ChoiceType) -> Node | Misfit:
    assert isinstance(node, Constant)
    if node.value in wanted.options:
        return replace(node, type=wanted)
    close = nearest(node.value, wanted.options)
    hint = f"did you mean '{close}'?" if close else f"known are {', '.join(wanted.options)}"
    return _misfit(node, f"'{node.value}' is not one of the options", hint)


_DAY, _CLOCK = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?"
_WRITTEN: Mapping[Type, tuple[re.Pattern[str], Callable[[str], Any], str]] = {
    DATE: (re.compile(_DAY), date.fromisoformat, "2026-11-30"),
    TIME: (re.compile(_CLOCK), time.fromisoformat, "18:30"),
    DATETIME: (
        re.compile(rf"{_DAY}[T ]{_CLOCK}(?:Z|[+-]\d\d:\d\d)?"),
        datetime.fromisoformat,
        "2026-11-30T18:30:00Z",
    ),
}


def _moment(node: Node, wanted: Type) -> Node | Misfit:
    assert isinstance(node, Constant)
    pattern, read, example = _WRITTEN[wanted]
    hint = f'write it like "{example}"'
    wrong = _misfit(node, f"'{node.value}' is not {article(wanted)}", hint)
    if not pattern.fullmatch(node.value):
        return wrong
    try:
        value = read(node.value)
    except ValueError:
        return wrong
    if wanted == DATETIME:
        if value.tzinfo is None:
            return _misfit(node, f"'{node.value}' does not say in which time zone", hint)
        value = value.astimezone(UTC)
    return replace(node, type=wanted, value=value)


def _hint(have: Type, wanted: Type) -> str | None:
    if have == DATETIME and wanted == DATE:
        return "date(…) gives the local date of a datetime"
    if have == DECIMAL and wanted == INTEGER:
        return "round(…), floor(…) or ceil(…) give an integer"
    return None
