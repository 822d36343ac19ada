"""Random well-typed expressions over the table's record, and random records for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.expressions.table import record


@dataclass(frozen=True)
class Names:
    """What stands at the leaves; a loop over parts or pieces adds what it names."""

    numbers: tuple[str, ...] = (
        "a", "b", "rate", "price", "i", "j", "count_of", "owner.limit", "owner.boss.limit", "thing.price",
        "0", "1", "2.5", "10", "-3",
    )  # fmt: skip
    booleans: tuple[str, ...] = (
        "flag", "other", "ready", "true", "false", "null", "due > today", "helper == null", "owner == user",
        'status == "draft"', 'level in ["A", "B"]', 'thing == "HAM"', "name in codes", '"red" in marks',
    )  # fmt: skip
    loops: int = 0

    def inside(self, variable: str, numbers: tuple[str, ...], booleans: tuple[str, ...]) -> Names:
        """The names inside a loop."""
        members = tuple(f"{variable}.{name}" for name in numbers)
        questions = tuple(question.replace("_.", f"{variable}.") for question in booleans)
        return Names(self.numbers + members * 3, self.booleans + questions * 2, self.loops + 1)


#: The numbers of a part and of a piece, and questions about one (``_``).
PART = (
    ("weight", "amount", "times", "thing.price"),
    ("_.open", "_.thing == thing", '_.colour == "red"', "_.due > today"),
)
PIECE = (("size", "weight"), ("_.weight == null",))


def numbers(depth: int, names: Names = Names()) -> st.SearchStrategy[str]:
    """The text of an expression with a number as its value."""
    leaf = st.sampled_from(names.numbers)
    if depth == 0:
        return leaf
    below = numbers(depth - 1, names)
    choices = [
        leaf,
        st.builds("({} {} {})".format, below, st.sampled_from(["+", "-", "*", "+", "-", "*", "/", "//", "%"]), below),
        st.builds("(-{})".format, below),
        st.builds("({} if {} else {})".format, below, booleans(depth - 1, names), below),
        st.builds("round({}, {})".format, below, st.integers(0, 4)),
        st.builds("{}({})".format, st.sampled_from(["round", "floor", "ceil", "abs"]), below),
        st.builds("{}({}, {})".format, st.sampled_from(["coalesce", "min", "max"]), below, below),
        st.sampled_from(["sum(parts.amount)", "max(parts.weight)", "count(parts)", "sum(parts.pieces.size)"]),
        *_loops(names, ["sum", "min", "max"], depth, numbers),
    ]
    return st.one_of(choices)


def booleans(depth: int, names: Names = Names()) -> st.SearchStrategy[str]:
    """The text of an expression with a yes or no as its value."""
    leaf = st.sampled_from(names.booleans)
    if depth == 0:
        return leaf
    below, values = booleans(depth - 1, names), numbers(depth - 1, names)
    choices = [
        leaf,
        st.builds("({} {} {})".format, values, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), values),
        st.builds("({} {} {})".format, below, st.sampled_from(["and", "or"]), below),
        st.builds("({1} {0} {2} {0} {3})".format, st.sampled_from(["and", "or"]), below, below, below),
        st.builds("(not {})".format, below),
        st.builds("({} if {} else {})".format, below, below, below),
        st.builds("({} == null)".format, values),
        st.builds("({} {} [{}, {}])".format, values, st.sampled_from(["in", "not in"]), values, values),
        *_loops(names, ["any", "all"], depth, booleans),
    ]
    return st.one_of(choices)


def _loops(names: Names, functions: list[str], depth: int, element: Any) -> list[st.SearchStrategy[str]]:
    if names.loops == 2:
        return []
    variable, source = (("p", "parts"), ("z", "p.pieces"))[names.loops]
    inside = names.inside(variable, *(PART, PIECE)[names.loops])
    below = element(depth - 1, inside)
    condition = st.one_of(st.just(""), st.builds(" if {}".format, booleans(depth - 1, inside)))
    function = st.sampled_from(functions)
    return [st.builds(f"{{}}({{}} for {variable} in {source}{{}})".format, function, below, condition)]


def _decimals(digits: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-99_999, 99_999).map(lambda units: Decimal(units).scaleb(-digits))


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
_dates = st.integers(-40, 40).map(lambda days: TODAY + timedelta(days=days))
_moments = st.integers(-9_999, 9_999).map(lambda minutes: NOW + timedelta(minutes=minutes))
_whole = st.integers(-9, 9)
_flags = _maybe(st.booleans())

_boss: dict[str, Any] = {"id": "p9", "name": "Zed", "team": None, "teams": [], "limit": Decimal("3.00"), "boss": None}
_people: st.SearchStrategy[Any] = _maybe(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["p1", "p2"]),
            "name": st.sampled_from(["Ann", "Bob"]),
            "team": st.none(),
            "teams": st.just([]),
            "limit": _maybe(_decimals(2)),
            "boss": st.just(_boss),
        }
    )
)
_things = _maybe(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["t1", "t2"]),
            "code": st.sampled_from(["HAM", "TOY"]),
            "kind": st.none(),
            "price": _maybe(_decimals(2)),
            "maker": st.none(),
        }
    )
)
_pieces = st.fixed_dictionaries({"id": st.just("z"), "size": _whole, "weight": _maybe(_decimals(3))})
_parts = st.fixed_dictionaries(
    {
        "id": st.just("q"),
        "weight": _decimals(3),
        "amount": _maybe(_decimals(2)),
        "times": _maybe(_whole),
        "colour": _maybe(st.sampled_from(["red", "blue"])),
        "open": _flags,
        "due": _maybe(_dates),
        "thing": _things,
        "pieces": st.lists(_pieces, max_size=2),
    }
)

#: Records of the table's shape with random values, nulls among them.
records: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "name": _maybe(st.sampled_from(["Box", "B-1"])),
        "status": st.sampled_from(["draft", "done"]),
        "level": _maybe(st.sampled_from(["A", "C"])),
        "marks": st.lists(st.sampled_from(["red", "new"]), max_size=2),
        "a": _maybe(_decimals(2)),
        "b": _maybe(_decimals(2)),
        "rate": _maybe(_decimals(4)),
        "price": _decimals(2),
        "i": _maybe(_whole),
        "j": _maybe(_whole),
        "count_of": _whole,
        "flag": _flags,
        "other": _flags,
        "ready": st.booleans(),
        "due": _maybe(_dates),
        "seen": _maybe(_moments),
        "owner": _people,
        "helper": _people,
        "thing": _things,
        "parts": st.lists(_parts, max_size=3),
    }
).map(lambda values: record(**values))
