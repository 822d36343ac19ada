"""The functions that exact expressions need in PostgreSQL, as SQL functions: what Python functions do for SQLite.

A function of expressions can be asked of the database when it has an entry here; SQLite then runs its Python
implementation. All are strict: null when an argument is null. A division by zero is null.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from engine.expressions.functions.places import EARTH, EAST, NORTH
from engine.expressions.functions.texts import SPACE

#: One process at a time replaces the functions; two at once would fail with "tuple concurrently updated".
_LOCK = 0x6F6C5F66


@dataclass(frozen=True, slots=True)
class SqlFunction:
    """A function ``ol_{name}``; its body is one SQL expression over ``$1``, ``$2`` …"""

    name: str
    takes: str
    gives: str
    body: str

    @property
    def definition(self) -> str:
        """The statement that creates or replaces it. It may run in parallel queries, and in index expressions."""
        head = f"CREATE OR REPLACE FUNCTION ol_{self.name}({self.takes}) RETURNS {self.gives}"
        return f"{head} LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $ol$ SELECT {self.body} $ol$"


def install_functions(connection: Connection) -> None:
    """Creates the functions, or brings them up to date. Wants a right to create in the schema."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    present = set(connection.scalars(text("SELECT collname FROM pg_collation")))
    collation = next(name for name in _UNICODE if name in present)
    for function in (*OPERATORS, *SCALARS):
        definition = function.definition.replace("{unicode}", f'COLLATE "{collation}"')
        connection.exec_driver_sql(definition.replace("%", "%%"))


#: Collations that know all letters, best first: the database's own may know ASCII only. PostgreSQL 18 has the first,
#: 17 the third, most builds the second; the last is in all, and knows ASCII only.
_UNICODE = ("pg_unicode_fast", "und-x-icu", "pg_c_utf8", "C.utf8", "C")
_DAY = 86_400_000_000
_SPACE = "".join(f"\\{ord(character):04x}" for character in SPACE)

#: What operators become, on numeric. The places asked of a division make 28 digits out of any two columns.
OPERATORS = (
    SqlFunction(
        "magnitude", "numeric", "int",
        "CASE WHEN abs($1) >= 1 THEN length(trunc(abs($1))::text) "
        r"ELSE -length(substring(abs($1)::text from '^0\.(0*)')) END",
    ),
    SqlFunction("significant", "numeric", "numeric", "round($1, 28 - ol_magnitude($1))"),
    SqlFunction(
        "div", "numeric, numeric", "numeric",
        "ol_significant(round($1, 60 + length(trunc(abs($2))::text)) / nullif($2, 0))",
    ),
    SqlFunction(
        "floor_div", "numeric, numeric", "numeric",
        "div($1, nullif($2, 0)) - CASE WHEN $1 % nullif($2, 0) <> 0 AND ($1 < 0) <> ($2 < 0) THEN 1 ELSE 0 END",
    ),
    SqlFunction(
        "mod", "numeric, numeric", "numeric",
        "$1 % nullif($2, 0) + CASE WHEN $1 % nullif($2, 0) <> 0 AND ($1 < 0) <> ($2 < 0) THEN $2 ELSE 0 END",
    ),
    SqlFunction("span", "timestamptz, timestamptz", "bigint", "(extract(epoch from $1 - $2) * 1000000)::bigint"),
    SqlFunction("shift", "timestamptz, bigint", "timestamptz", "$1 + $2 * interval '1 microsecond'"),
    SqlFunction("shift_date", "date, bigint", "date", f"$1 + floor($2 / {_DAY}.0)::int"),
    SqlFunction("local_date", "timestamptz, text", "date", "($1 AT TIME ZONE $2)::date"),
)  # fmt: skip

#: Functions of expressions, by their names there. Dates stand for the local dates of datetimes too.
SCALARS = (
    SqlFunction("round", "numeric, numeric", "numeric", "round($1, greatest(-28, least($2, 28))::int)"),
    SqlFunction("abs", "numeric", "numeric", "abs($1)"),
    SqlFunction("floor", "numeric", "numeric", "floor($1)"),
    SqlFunction("ceil", "numeric", "numeric", "ceil($1)"),
    SqlFunction("len", "text", "numeric", "char_length($1)::numeric"),
    SqlFunction("upper", "text", "text", "upper($1 {unicode})"),
    SqlFunction("lower", "text", "text", "lower($1 {unicode})"),
    SqlFunction("trim", "text", "text", f"btrim($1, U&'{_SPACE}')"),
    SqlFunction("starts_with", "text, text", "boolean", "starts_with($1, $2)"),
    SqlFunction("ends_with", "text, text", "boolean", "right($1, char_length($2)) = $2"),
    SqlFunction("contains", "text, text", "boolean", "strpos($1, $2) > 0"),
    SqlFunction("replace", "text, text, text", "text", "replace($1, $2, $3)"),
    SqlFunction("left", "text, numeric", "text", "left($1, greatest($2, 0)::int)"),
    SqlFunction("right", "text, numeric", "text", "right($1, greatest($2, 0)::int)"),
    SqlFunction("year", "date", "numeric", "extract(year from $1)"),
    SqlFunction("month", "date", "numeric", "extract(month from $1)"),
    SqlFunction("day", "date", "numeric", "extract(day from $1)"),
    SqlFunction("weekday", "date", "numeric", "extract(isodow from $1)"),
    SqlFunction("week", "date", "text", """to_char($1, 'IYYY"-W"IW')"""),
    SqlFunction("time", "timestamptz, text", "time", "($1 AT TIME ZONE $2)::time"),
    SqlFunction("days", "numeric", "bigint", f"trunc($1 * {_DAY})::bigint"),
    SqlFunction("hours", "numeric", "bigint", f"trunc($1 * {_DAY // 24})::bigint"),
    SqlFunction("minutes", "numeric", "bigint", f"trunc($1 * {_DAY // 1440})::bigint"),
    SqlFunction("days_between", "date, date", "numeric", "($2 - $1)::numeric"),
    SqlFunction(
        "next_day", "timestamptz, time, time, text", "timestamptz",
        "(($1 AT TIME ZONE $4)::date + CASE WHEN ($1 AT TIME ZONE $4)::time < $2 THEN 1 ELSE 2 END + $3) "
        "AT TIME ZONE $4",
    ),
    SqlFunction(
        "distance", "numeric, numeric, numeric, numeric", "numeric",
        f"CASE WHEN greatest(abs($1), abs($3)) <= {NORTH} AND greatest(abs($2), abs($4)) <= {EAST} THEN "
        f"round((2 * {EARTH} * asin(least(1, sqrt(power(sin(radians(($3 - $1)::float8) / 2), 2) "
        "+ cos(radians($1::float8)) * cos(radians($3::float8)) "
        "* power(sin(radians(($4 - $2)::float8) / 2), 2)))))::numeric, 3) END",
    ),
)  # fmt: skip
