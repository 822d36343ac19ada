"""What every field type keeps, whoever wrote it. A new type joins by one entry in SAMPLES; a missing one fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, create_engine, select

from engine.fields.field import Field, ValueFault
from tests.fields.making import TYPES, linked

SHANGHAI = ZoneInfo("Asia/Shanghai")


def as_it_is(value: Any) -> Any:
    return value


def its_id(value: Any) -> Any:
    return value["id"]


@dataclass(frozen=True)
class Sample:
    """A field type with its values. ``parsed`` is what ``parse`` gives for a value (links stay texts), ``stored`` what
    the column takes and gives."""

    yaml: str
    values: st.SearchStrategy[Any]
    parsed: Callable[[Any], Any] = as_it_is
    stored: Callable[[Any], Any] = as_it_is

    @property
    def field(self) -> Field:
        return made(self.yaml)


@cache
def made(yaml: str) -> Field:
    """The field of that YAML; fields never change, so one serves all examples."""
    fields, problems = linked(f"place: {{type: link, to: place}}\nit: {yaml}")
    assert not problems
    return fields["it"]


def texts(most: int, allowed: str = "") -> st.SearchStrategy[str]:
    plain = st.characters(exclude_categories=["Cc", "Cs"])
    alphabet = st.one_of(plain, st.sampled_from(allowed)) if allowed else plain
    return st.text(alphabet, min_size=1, max_size=most).map(str.strip).filter(bool)


def decimals(precision: int, digits: int, least: int | None = None) -> st.SearchStrategy[Decimal]:
    most = 10**precision - 1
    scaled = st.integers(-most if least is None else least * 10**digits, most)
    return scaled.map(lambda units: Decimal(units).scaleb(-digits))


def jsons(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=8
    )


def plain(raw: Any) -> Any:
    """The JSON value as a field has it, or None where it is refused."""
    try:
        return Sample("json", st.nothing()).field.parse(raw)
    except ValueFault:
        return None


MOMENTS = st.datetimes(datetime(1000, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - st adds it
RECORDS = st.uuids().map(lambda key: {"id": str(key)})
PARTS = ("street", "district", "city", "region", "postcode", "country")

SAMPLES: dict[str, Sample] = {
    "text": Sample("{type: text, max: 40}", texts(40)),
    "long_text": Sample("long_text", texts(200, "\n\t")),
    "phone": Sample("phone", st.from_regex(r"\+?[0-9]{3,12}(-[0-9]{1,8})?", fullmatch=True)),
    "email": Sample("email", st.from_regex(r"[a-zA-Zü.]{1,20}@[a-z]{1,9}\.[a-z]{2,3}", fullmatch=True)),
    "integer": Sample("integer", st.integers(-(2**53) + 1, 2**53 - 1)),
    "decimal": Sample("{type: decimal, precision: 18, digits: 6}", decimals(18, 6)),
    "money": Sample("{type: money, min: 0}", decimals(18, 2, least=0)),
    "percent": Sample("percent", decimals(18, 4)),
    "boolean": Sample("boolean", st.booleans()),
    "date": Sample("date", st.dates(date(1000, 1, 1), date(9998, 12, 31))),
    "datetime": Sample("datetime", MOMENTS),
    "time": Sample("time", st.times().map(lambda value: value.replace(microsecond=0))),
    "choice": Sample("{type: choice, of: {a: 甲, b_2: {zh: 乙, en: Second}}}", st.sampled_from(["a", "b_2"])),
    "choices": Sample(
        "{type: choices, of: [a, b, c]}", st.sets(st.sampled_from("abc")).map(sorted).filter(bool)
    ),
    "link": Sample("{type: link, to: place}", RECORDS, its_id, its_id),
    "user": Sample("user", RECORDS, its_id, its_id),
    "file": Sample("file", RECORDS, its_id, its_id),
    "lookup": Sample("{type: lookup, from: place.rate}", decimals(18, 4)),
    "rows": Sample(
        "{type: rows, of: {no: integer, at: datetime, amount: money}}",
        st.lists(
            st.fixed_dictionaries(
                {"id": st.uuids().map(str), "no": st.integers(0, 99), "at": MOMENTS, "amount": decimals(9, 2)}
            ),
            max_size=3,
        ),
    ),
    "sequence": Sample(
        '{type: sequence, format: "SO{yyyy}{seq:4}"}', st.from_regex(r"SO2026[0-9]{4,9}", fullmatch=True)
    ),
    "json": Sample(
        "json",
        jsons(st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False) | texts(9))
        .map(plain)
        .filter(lambda value: value is not None),
    ),
    "address": Sample(
        "address", st.fixed_dictionaries({"street": texts(20)}, optional={name: texts(9) for name in PARTS[1:]})
    ),
}  # fmt: skip

EVERY = pytest.mark.parametrize("name", sorted(SAMPLES))
STORED = pytest.mark.parametrize("name", sorted(name for name in SAMPLES if TYPES[name].stored))
#: Every law is held against every type, so that a few examples of each are many in all.
FEW = settings(max_examples=settings.default.max_examples // 3)
#: A database fixture lives for a whole test, not for each example: what an example leaves behind hurts no other.
ON_A_DATABASE = settings(FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])


def attempt(parse: Callable[..., Any], *raw: Any) -> Any:
    """What it gives, or the fault that it raises; anything else that it raises fails the test."""
    try:
        return parse(*raw)
    except ValueFault as fault:
        return fault


def test_no_type_is_left_out() -> None:
    assert set(SAMPLES) == set(TYPES)


@EVERY
@FEW
@given(data=st.data())
def test_the_wire_form_gives_the_value_back(name: str, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    value = data.draw(sample.values)
    field = sample.field
    assert field.parse(field.wire(value)) == sample.parsed(value)


@EVERY
@FEW
@given(data=st.data())
def test_a_value_is_taken_as_it_is(name: str, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    value = data.draw(sample.values)
    assert sample.field.parse(value) == sample.parsed(value)
    assert sample.field.settle(value) == value


@EVERY
@pytest.mark.parametrize("zone", [None, SHANGHAI], ids=str)
@FEW
@given(data=st.data())
def test_the_text_of_an_input_gives_the_value_back(name: str, zone: ZoneInfo | None, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    value = data.draw(sample.values)
    field = sample.field
    text = field.edit_text(value, zone)
    assert text
    assert field.parse_text(text, zone) == sample.parsed(value)


@STORED
def test_the_database_gives_the_value_back(name: str, database_url: str) -> None:
    sample = SAMPLES[name]
    type_ = sample.field.column_type()
    metadata = MetaData()
    table = Table("t", metadata, Column("it", type_))
    engine = create_engine(database_url)
    encode = type_.bind_processor(engine.dialect) or as_it_is
    decode = type_.result_processor(engine.dialect, None) or as_it_is
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    with engine.begin() as connection:
        metadata.create_all(connection)

    @ON_A_DATABASE
    @given(values=st.lists(sample.values.map(sample.stored), min_size=1, max_size=10))
    def holds(values: list[Any]) -> None:
        with engine.connect() as connection:
            for value in [*values, None]:  # by hand, as the write path does, and by SQLAlchemy
                connection.exec_driver_sql(f"INSERT INTO t (it) VALUES ({mark})", (encode(value),))
                connection.execute(table.insert(), {"it": value})
            wanted = [value for value in [*values, None] for _ in range(2)]
            assert [decode(row[0]) for row in connection.exec_driver_sql("SELECT it FROM t")] == wanted
            read = list(connection.scalars(select(table.c.it)))
            assert read == wanted
            assert [type(value) for value in read] == [type(value) for value in wanted]
            connection.rollback()

    holds()
    engine.dispose()


@EVERY
def test_what_has_no_column_says_so(name: str) -> None:
    field = SAMPLES[name].field
    if field.stored:
        assert field.column_type() is not None
    else:
        with pytest.raises(NotImplementedError):
            field.column_type()


@EVERY
@FEW
@given(data=st.data())
def test_the_schema_takes_the_wire_form(name: str, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    field = sample.field
    validator = jsonschema_rs.Draft202012Validator(field.schema())
    value = data.draw(sample.values)
    validator.validate(field.wire(value))


#: What a request may bring (the numbers as the web layer reads them), and the same for a schema.
SHAPES: list[tuple[Any, Any]] = [
    (True, True), (False, False), (7, 7), (Decimal("1.5"), 1.5), ("x", "x"), ([], []), ({}, {}), ([1], [1]),
    ([[]], [[]]), ({"a": 1}, {"a": 1}), ([{"a": 1}], [{"a": 1}]),
]  # fmt: skip


@EVERY
def test_the_schema_refuses_the_shapes_that_parse_refuses(name: str) -> None:
    field = SAMPLES[name].field
    validator = jsonschema_rs.Draft202012Validator(field.schema())
    for raw, plain_raw in SHAPES:
        answer = attempt(field.parse, raw)
        if isinstance(answer, ValueFault) and answer.code == "VALUE_TYPE":
            assert not validator.is_valid(plain_raw), f"{raw!r}: {answer}"


@EVERY
@pytest.mark.parametrize("language", ["zh", "en"])
@FEW
@given(data=st.data())
def test_people_can_read_it(name: str, language: str, data: st.DataObject) -> None:
    field = SAMPLES[name].field
    shown = field.display(data.draw(SAMPLES[name].values), language)
    assert isinstance(shown, str)
    assert shown


@EVERY
@FEW
@given(data=st.data())
def test_the_mask_hides(name: str, data: st.DataObject) -> None:
    field = SAMPLES[name].field
    value = data.draw(SAMPLES[name].values)
    text = field.edit_text(value)
    assume("*" not in text)
    masked = field.mask(value)
    assert isinstance(masked, str)
    assert "*" in masked
    assert text not in masked


JUNK = jsons(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(st.characters(), max_size=20)
)


@EVERY
@FEW
@given(raw=JUNK)
def test_junk_is_refused_politely(name: str, raw: Any) -> None:
    assume(raw is not None)
    field = SAMPLES[name].field
    answer = attempt(field.parse, raw)
    assert answer is not None
    # What links and rows parse to is completed by whoever has the database; only then it has a wire form.
    if not isinstance(answer, ValueFault) and name not in ("link", "user", "file", "rows"):
        assert field.parse(field.wire(answer)) == answer


@EVERY
@pytest.mark.parametrize("zone", [None, SHANGHAI], ids=str)
@FEW
@given(
    text=st.text(st.characters(), min_size=1, max_size=30)
    | st.sampled_from("09-:/.,%eE+T年是{}[]\"' ").map(lambda c: c * 3)
)
def test_junk_in_a_cell_is_refused_politely(name: str, zone: ZoneInfo | None, text: str) -> None:
    assert attempt(SAMPLES[name].field.parse_text, text, zone) is not None


@EVERY
def test_a_time_without_its_zone_is_told_by_the_zone(name: str) -> None:
    """Only moments need one: all other types read the same in every zone."""
    field = SAMPLES[name].field
    raw = datetime(2026, 11, 22, 9, 30).isoformat()  # noqa: DTZ001 - that is the point
    answers = [attempt(field.parse, raw, zone) for zone in (SHANGHAI, ZoneInfo("UTC"))]
    if all(isinstance(answer, ValueFault) for answer in answers):
        assert name != "datetime"
        return
    assert (answers[0] != answers[1]) is (name == "datetime")


def test_times_of_a_day_sort_as_their_texts() -> None:
    moments = sorted([time(0), time(9, 30), time(9, 30, 1), time(23, 59, 59)])
    convert = SAMPLES["time"].field.wire
    assert sorted(map(convert, moments)) == [convert(moment) for moment in moments]
