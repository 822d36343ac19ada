"""The column types by themselves: what they refuse, and that they are what SQLAlchemy takes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, Table, create_engine, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.schema import CreateTable

from engine.fields.columns import (
    Codec,
    Flag,
    IsoDate,
    IsoTime,
    JsonText,
    Key,
    PlainText,
    ScaledDecimal,
    UtcDateTime,
    WholeNumber,
    dump_json,
)

SQLITE = sqlite_dialect()
POSTGRES = PGDialect_psycopg()
ALL: list[Codec] = [
    ScaledDecimal(18, 2), WholeNumber(), UtcDateTime(), IsoDate(), IsoTime(), Key(), JsonText(), PlainText(), Flag(),
]  # fmt: skip


def bind(type_: Codec, value: Any, dialect: Any = SQLITE) -> Any:
    convert = type_.bind_processor(dialect)
    return convert(value) if convert else value


def result(type_: Codec, value: Any, dialect: Any = SQLITE) -> Any:
    convert = type_.result_processor(dialect, None)
    return convert(value) if convert else value


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRES])
@pytest.mark.parametrize("type_", ALL, ids=repr)
def test_null_passes(type_: Codec, dialect: Any) -> None:
    assert bind(type_, None, dialect) is None
    assert result(type_, None, dialect) is None


def test_decimals_are_scaled_integers_in_sqlite() -> None:
    money = ScaledDecimal(18, 2)
    assert bind(money, Decimal("12.3")) == 1230
    assert bind(money, Decimal("-0.05")) == -5
    assert bind(money, 7) == 700
    assert str(result(money, 1230)) == "12.30"
    assert str(result(money, 0)) == "0.00"


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRES])
@pytest.mark.parametrize(
    "value",
    ["0.001", "1E+16", "10000000000000000", "-10000000000000000", "1E-30", "NaN", "sNaN", "Infinity", "1E+999999",
     "1.00000000000000000000000000000000000001"],
)  # fmt: skip
def test_a_decimal_that_does_not_fit_is_refused_by_both(value: str, dialect: Any) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        bind(ScaledDecimal(18, 2), Decimal(value), dialect)


def test_the_largest_decimal_fits() -> None:
    largest = Decimal("9999999999999999.99")
    assert result(ScaledDecimal(18, 2), bind(ScaledDecimal(18, 2), largest)) == largest


def test_a_float_is_no_decimal() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        bind(ScaledDecimal(18, 2), 1.5)


@pytest.mark.parametrize(("precision", "digits"), [(19, 2), (2, 3), (5, -1)])
def test_impossible_decimals(precision: int, digits: int) -> None:
    with pytest.raises(ValueError, match="digits"):
        ScaledDecimal(precision, digits)


def test_moments_are_utc_text_of_fixed_width_in_sqlite() -> None:
    shanghai = timezone(timedelta(hours=8))
    moment = datetime(2026, 11, 22, 9, 59, 41, tzinfo=shanghai)
    assert bind(UtcDateTime(), moment) == "2026-11-22T01:59:41.000000Z"
    read = result(UtcDateTime(), "2026-11-22T01:59:41.000000Z")
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRES])
def test_a_naive_moment_is_refused(dialect: Any) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        bind(UtcDateTime(), datetime(2026, 11, 22), dialect)  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRES])
def test_times_have_no_fractions(dialect: Any) -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        bind(IsoTime(), time(9, 30, 0, 5), dialect)
    assert bind(IsoTime(), time(9, 30)) == "09:30:00"


def test_json_is_stable_text() -> None:
    assert dump_json({"b": Decimal("1.50"), "a": [1, None, "ü"]}) == '{"a":[1,null,"ü"],"b":"1.50"}'
    with pytest.raises(TypeError):
        dump_json({"a": object()})


@pytest.mark.parametrize("type_", ALL, ids=repr)
def test_equal_types_share_a_cache_key(type_: Codec) -> None:
    assert type_._static_cache_key == type_.copy()._static_cache_key


def test_the_cache_tells_digits_apart() -> None:
    assert ScaledDecimal(18, 2)._static_cache_key != ScaledDecimal(18, 4)._static_cache_key


def test_what_the_databases_call_them() -> None:
    table = Table("t", MetaData(), *(Column(f"c{index}", type_) for index, type_ in enumerate(ALL)))
    written = str(CreateTable(table).compile(dialect=POSTGRES))
    kinds = [line.strip().rstrip(",").split(" ", 1)[1] for line in written.splitlines() if line.strip().startswith("c")]
    assert kinds == [
        "NUMERIC(18, 2)", "BIGINT", "TIMESTAMP WITH TIME ZONE", "DATE", "TIME WITHOUT TIME ZONE", "UUID", "JSONB",
        'VARCHAR COLLATE "C"', "BOOLEAN",
    ]  # fmt: skip
    written = str(CreateTable(table).compile(dialect=SQLITE))
    kinds = [line.strip().rstrip(",").split(" ", 1)[1] for line in written.splitlines() if line.strip().startswith("c")]
    assert kinds == [
        "SCALED INTEGER(18, 2)", "BIGINT", "DATETIME TEXT", "DATE TEXT", "TIME TEXT", "UUID TEXT", "JSON TEXT",
        "TEXT", "BOOLEAN",
    ]  # fmt: skip


def test_core_compares_by_the_same_codec(sqlite_url: str) -> None:
    metadata = MetaData()
    table = Table("t", metadata, Column("amount", ScaledDecimal(18, 2)), Column("at", UtcDateTime()))
    moment = datetime(2026, 11, 22, 1, 59, 41, 5, tzinfo=UTC)
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(table.insert(), [{"amount": Decimal("12.30"), "at": moment}])
        found = connection.execute(select(table).where(table.c.amount > Decimal("12.29"), table.c.at == moment)).one()
        assert tuple(found) == (Decimal("12.30"), moment)
        literal = table.c.amount == Decimal("12.30")
        assert "1230" in str(literal.compile(dialect=SQLITE, compile_kwargs={"literal_binds": True}))
    engine.dispose()


def test_both_sort_texts_by_code_point(database_url: str) -> None:
    texts = ["a", "B", "Z", "ä", "z", "中", "丁", "😀", "a b", "ab", "_"]
    metadata = MetaData()
    table = Table("t", metadata, Column("it", PlainText()))
    engine = create_engine(database_url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(table.insert(), [{"it": text} for text in texts])
        assert list(connection.scalars(select(table.c.it).order_by(table.c.it))) == sorted(texts)
    engine.dispose()
