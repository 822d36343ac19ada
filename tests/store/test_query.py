"""Questions about many records: pages that lose and repeat nothing, searches, counts, groups, conditional updates."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.errors import BadRequest
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN
from engine.ports import Record
from engine.store.query import CAP, Page
from engine.store.transaction import Transaction
from tests.store.conftest import FEW, NOON, Desk

NAMES = {"now": NOON, "today": NOON.date(), "timezone": "Asia/Shanghai"}


def holds(desk: Desk, text: str, model: str = "parcel") -> Expression:
    return desk.store.catalog.compile(text, desk.store.catalog.scope(model), BOOLEAN)


def value(desk: Desk, text: str, model: str = "parcel") -> Expression:
    return desk.store.catalog.compile(text, desk.store.catalog.scope(model))


def measure(desk: Desk, text: str, model: str = "parcel") -> Expression:
    return desk.store.catalog.compile(text, desk.store.catalog.measure_scope(model))


def page(desk: Desk, model: str = "parcel", **options: Any) -> Page:
    return desk.read(lambda tx: desk.store.query.page(tx, model, **options))


def pages(desk: Desk, limit: int, **options: Any) -> Iterator[list[Record]]:
    after = None
    while True:
        found = page(desk, limit=limit, after=after, **options)
        yield found.records
        after = found.next
        if after is None:
            return


def counts(records: Sequence[Record]) -> list[Any]:
    return [record["count"] for record in records]


@pytest.fixture
def parcels(desk: Desk) -> list[str]:
    """Ten parcels of two senders; some have no weight, some no due date."""
    home = desk.add("place", code="X", name="Home")
    ann = desk.add("sender", code="A", name="Ann", home={"id": home})
    bob = desk.add("sender", code="B", name="Bob")

    def fill(tx: Transaction) -> list[str]:
        return [
            desk.insert(
                tx,
                "parcel",
                NOON + timedelta(hours=number),
                sender={"id": ann if number % 2 else bob} if number else None,
                kind=["letter", "box"][number % 2],
                count=number,
                weight=None if number % 3 == 0 else Decimal(number) / 2,
                due=date(2026, 12, 1 + number) if number < 5 else None,
                label=f"Number_{number}%" if number < 8 else f"数字{number}",
                items=[{"line": 1, "amount": Decimal(number), "parts": []}],
            )["id"]
            for number in range(10)
        ]

    return desk.write(fill)


# Pages --------------------------------------------------------------------------------------------------------------


def test_the_newest_come_first_without_a_sort(desk: Desk, parcels: list[str]) -> None:
    assert [counts(records) for records in pages(desk, 4)] == [[9, 8, 7, 6], [5, 4, 3, 2], [1, 0]]


def test_a_page_that_ends_with_the_list_has_no_next(desk: Desk, parcels: list[str]) -> None:
    assert page(desk, limit=10).next is None
    assert page(desk, limit=9).next is not None
    assert page(desk, where=holds(desk, "count > 99")).records == []


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (["count"], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (["-count"], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (["weight"], [1, 2, 4, 5, 7, 8, 0, 3, 6, 9]),
        (["-weight"], [8, 7, 5, 4, 2, 1, 9, 6, 3, 0]),
        (["kind", "-count"], [9, 7, 5, 3, 1, 8, 6, 4, 2, 0]),
        (["-kind", "due"], [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]),
        (["sender.name", "count"], [1, 3, 5, 7, 9, 2, 4, 6, 8, 0]),
        (["-sender_name", "-created_at"], [8, 6, 4, 2, 9, 7, 5, 3, 1, 0]),
        (["sender.home.code", "count"], [1, 3, 5, 7, 9, 0, 2, 4, 6, 8]),
    ],
)
def test_lists_are_sorted_by_any_field(desk: Desk, parcels: list[str], sort: list[str], expected: list[int]) -> None:
    """Those without a value come last, both ways; the id decides last."""
    for limit in (1, 3, 10):
        found = [number for records in pages(desk, limit, sort=sort) for number in counts(records)]
        assert found == expected


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "count": st.none() | st.integers(-2, 2),
            "weight": st.none() | st.integers(-1500, 1500).map(lambda units: Decimal(units).scaleb(-3)),
            "fragile": st.none() | st.booleans(),
            "due": st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 3)),
            "pick_up": st.none() | st.sampled_from([time(9), time(23, 59, 59)]),
            "sent_at": st.none() | st.sampled_from([NOON, NOON + timedelta(microseconds=1), NOON - timedelta(days=9)]),
            "shelf": st.none() | st.sampled_from(["", "a", "B", "ä", "中", "\U0001f4e6", "\uff5a"]),
            "kind": st.none() | st.sampled_from(["letter", "box", "pallet"]),
        }
    ),
    max_size=12,
)
SORTS = st.lists(
    st.sampled_from(["count", "weight", "fragile", "due", "pick_up", "sent_at", "shelf", "kind"]),
    max_size=3,
    unique=True,
).flatmap(lambda names: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in names)))


@settings(FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, sort=SORTS, limit=st.integers(1, 5))
@example(rows=[{"count": 1}, {"count": None}] * 3, sort=("-count", "due"), limit=1)
def test_pages_hold_each_record_once_in_its_place(
    desk: Desk, rows: list[Record], sort: tuple[str, ...], limit: int
) -> None:
    run = f"{sort}{limit}{len(rows)}"
    before = desk.read(lambda tx: {record["id"] for record in desk.store.query.find(tx, "parcel", limit=10_000)})
    made = desk.write(lambda tx: [desk.insert(tx, "parcel", note=run, **row) for row in rows])
    found = [record for records in pages(desk, limit, sort=sort) for record in records if record["id"] not in before]
    assert [record["id"] for record in found] == [record["id"] for record in sorted(made, key=sequence(sort))]


def sequence(sort: tuple[str, ...]) -> Any:
    """How Python sorts what the database should: by code points, nothing last, then by id."""

    def compare(a: Record, b: Record) -> int:
        for text in sort:
            x, y = a[text.removeprefix("-")], b[text.removeprefix("-")]
            if x == y:
                continue
            if x is None or y is None:
                return 1 if x is None else -1
            return (1 if x > y else -1) * (-1 if text.startswith("-") else 1)
        backwards = not sort or sort[-1].startswith("-")
        return (1 if a["id"] > b["id"] else -1) * (-1 if backwards else 1)

    return cmp_to_key(compare)


def test_records_that_come_in_between_change_no_page_that_follows(desk: Desk, parcels: list[str]) -> None:
    first = page(desk, limit=3, sort=["count"])
    desk.add("parcel", count=1)
    desk.add("parcel", count=4)
    second = page(desk, limit=3, sort=["count"], after=first.next)
    assert (counts(first.records), counts(second.records)) == ([0, 1, 2], [3, 4, 4])


def forged(*parts: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(list(parts))).decode().rstrip("=")


def test_a_cursor_is_checked(desk: Desk, parcels: list[str]) -> None:
    cursor = page(desk, limit=2, sort=["count"]).next
    assert cursor is not None
    mark, keys, key = orjson.loads(base64.urlsafe_b64decode(cursor + "=="))
    bad = [
        "", "x", "!!!!", "é", cursor[:-5], forged(), forged(mark, keys), forged(mark, [], key),
        forged(mark, ["x"], key), forged(mark, [True], key), forged(mark, {"a": 1}, key),
        forged(mark, keys, 5), forged(mark, keys, "x' OR 1=1"), forged("other", keys, key),
    ]  # fmt: skip
    for text in bad:
        with pytest.raises(BadRequest) as caught:
            page(desk, limit=2, sort=["count"], after=text)
        assert caught.value.code == "BAD_CURSOR"
    for sort in (["-count"], ["weight"], ["count", "due"], []):
        with pytest.raises(BadRequest, match="BAD_CURSOR"):
            page(desk, limit=2, sort=sort, after=cursor)
    with pytest.raises(BadRequest, match="BAD_CURSOR"):
        page(desk, "sender", limit=2, after=page(desk, limit=2).next)


@pytest.mark.parametrize(
    "sort",
    ["colour", "sender.colour", "sender", "items", "remarks", "-", "", "count + 1", "a" * 500, "--count", "id; DROP"],
)
def test_what_cannot_be_sorted_by_is_refused(desk: Desk, parcels: list[str], sort: str) -> None:
    with pytest.raises(BadRequest) as caught:
        page(desk, sort=[sort])
    assert caught.value.code == "BAD_SORT"


def test_a_list_is_not_sorted_by_everything(desk: Desk) -> None:
    with pytest.raises(BadRequest, match="BAD_SORT"):
        page(desk, sort=["count"] * 6)


def test_where_and_scopes_choose(desk: Desk, parcels: list[str]) -> None:
    conditions = [holds(desk, "count >= 2"), holds(desk, "weight != null")]
    assert counts(page(desk, where=conditions).records) == [8, 7, 5, 4, 2]
    scopes = [holds(desk, 'sender.name == "Ann"'), holds(desk, "count == 8")]
    assert counts(page(desk, where=conditions, scopes=scopes).records) == [8, 7, 5]
    assert page(desk, where=conditions, scopes=[]).records == []
    assert counts(page(desk, where=holds(desk, 'sender == "A" and due < "2026-12-03"')).records) == [1]


def test_an_id_that_is_none_finds_nothing(desk: Desk, parcels: list[str]) -> None:
    for text in ('sender.id == "x"', 'id == "1 OR 1=1"', 'id in ["x", "y"]'):
        assert page(desk, where=holds(desk, text)).records == []
    assert page(desk, where=holds(desk, f'id == "{parcels[2]}"')).records[0]["id"] == parcels[2]
    assert len(page(desk).records) == 10


def test_what_the_database_cannot_take_is_the_caller_s_mistake(desk: Desk, parcels: list[str]) -> None:
    if desk.store.database.dialect == "postgresql":  # no text of its holds a NUL
        with pytest.raises(BadRequest, match="BAD_EXPRESSION"):
            page(desk, search=("\x00", ("label",)))
    assert len(page(desk).records) == 10


def test_conditions_that_differ_in_constants_share_their_statement(
    desk: Desk, parcels: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(number: int, kind: str) -> list[Any]:
        condition = f'count >= {number} and kind in ["{kind}", "pallet"] and due == null'
        return counts(page(desk, where=holds(desk, condition)).records)

    assert ask(6, "box") == [9, 7]

    def compile_nothing(*_: Any) -> None:
        raise LookupError

    monkeypatch.setattr(desk.store.query, "_ask", compile_nothing)
    assert ask(7, "letter") == [8]
    assert ask(1, "letter") == [8, 6]
    with pytest.raises(LookupError):  # another question
        page(desk, where=holds(desk, 'count >= 7 and kind in ["box"] and due == null'))


def test_where_may_name_what_the_scope_brings(desk: Desk, parcels: list[str]) -> None:
    condition = holds(desk, 'due <= today + days(9) and kind in ["box"]')
    assert counts(page(desk, where=condition, names=NAMES).records) == []
    later = {**NAMES, "today": date(2026, 11, 25)}
    assert counts(page(desk, where=condition, names=later).records) == [3, 1]


def test_lists_of_the_scope_may_have_any_length(desk: Desk, parcels: list[str]) -> None:
    condition = holds(desk, "owner == user or team in user.teams")
    team = desk.add("team", code="T")
    mine = desk.add("parcel", team={"id": team})
    for teams, expected in (([], []), ([team], [mine]), ([team, parcels[0]], [mine])):
        user = {"id": parcels[1], "teams": [{"id": key} for key in teams]}
        found = page(desk, where=condition, names={"user": user}).records
        assert [record["id"] for record in found] == expected


def test_expand_reads_links_and_rows_with_the_page(desk: Desk, parcels: list[str]) -> None:
    def look(tx: Transaction) -> Page:
        return desk.store.query.page(tx, "parcel", sort=["count"], limit=2, expand=["sender.home", "items"])

    first, second = desk.read(look).records
    assert first["sender"] is None
    assert second["sender"]["home"]["name"] == "Home"
    assert [row["amount"] for row in second["items"]] == [Decimal(1)]
    assert "items" not in page(desk, limit=1).records[0]


def test_counting_costs_only_who_asks(desk: Desk, parcels: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    condition = holds(desk, "count < 7")
    assert page(desk, where=condition, limit=2).count is None
    exact = page(desk, where=condition, limit=2, count="exact", after=page(desk, where=condition, limit=2).next)
    assert (exact.count, exact.exact) == (7, True)
    assert page(desk, where=condition, limit=2, count="capped").count == 7
    with pytest.raises(BadRequest, match="BAD_COUNT"):
        page(desk, count="yes")
    monkeypatch.setattr("engine.store.query.CAP", 3)
    capped = page(desk, where=holds(desk, "count < 8"), limit=2, count="capped")
    assert (capped.count, capped.exact) == (3, False)
    assert CAP == 1_000


def test_search_finds_parts_of_texts(desk: Desk, parcels: list[str]) -> None:
    def found(text: str, *fields: str) -> list[int]:
        return sorted(counts(page(desk, search=(text, fields or ("label", "sender_name"))).records))

    assert found("NUMBER_7") == [7]
    assert found("字8") == [8]
    assert found("%") == [0, 1, 2, 3, 4, 5, 6, 7]
    assert found("r_1") == [1]
    assert found("r.1") == []
    assert found("ann") == [1, 3, 5, 7, 9]
    assert found("\\") == []
    assert len(found("  ")) == 10
    with pytest.raises(BadRequest, match="BAD_SEARCH"):
        found("1", "count")


def test_the_trash_is_a_list_of_its_own(desk: Desk, parcels: list[str]) -> None:
    def trash(tx: Transaction) -> None:
        record = desk.store.records.load(tx, "parcel", [parcels[3]])[0]
        desk.store.records.update(tx, "parcel", dict(record), {**record, "deleted_at": NOON, "version": 2})

    desk.write(trash)
    assert 3 not in counts(page(desk).records)
    assert counts(page(desk, trashed=True).records) == [3]
    assert page(desk, count="exact").count == 9


# Finding ------------------------------------------------------------------------------------------------------------


def test_find_gives_whole_records_as_they_were_made(desk: Desk, parcels: list[str]) -> None:
    def look(tx: Transaction) -> None:
        query = desk.store.query
        records = query.find(tx, "parcel", where=holds(desk, 'kind == "box"'), names=NAMES, limit=3)
        assert counts(records) == [1, 3, 5]
        assert [len(record["items"]) for record in records] == [1, 1, 1]
        assert [record["holds"] for record in records] == [[], [], []]
        assert counts(query.find(tx, "parcel", sort=("-count",), limit=2)) == [9, 8]
        assert query.find(tx, "parcel", limit=1)[0]["id"] == parcels[0]

    desk.read(look)


def test_equal_compares_stored_values(desk: Desk, parcels: list[str]) -> None:
    def equal(tx: Transaction, **values: Any) -> list[Any]:
        return counts(desk.store.query.equal(tx, "parcel", values, limit=5))

    def look(tx: Transaction) -> None:
        ann = desk.store.records.resolve(tx, "sender", ["A"])["A"]
        assert equal(tx, sender={"id": ann}, weight=Decimal("2.5")) == [5]
        assert equal(tx, weight=None, due=None) == [6, 9]
        assert equal(tx, due=date(2026, 12, 2)) == [1]
        assert equal(tx, label="nothing") == []

    desk.read(look)


# Groups -------------------------------------------------------------------------------------------------------------


def test_groups_have_keys_and_measures(desk: Desk, parcels: list[str]) -> None:
    def look(tx: Transaction) -> list[Record]:
        return desk.store.query.find(
            tx,
            "parcel",
            where=holds(desk, "count > 0"),
            group={"kind": value(desk, "kind"), "who": value(desk, "sender")},
            measure={"total": measure(desk, "sum(weight)"), "many": measure(desk, "count(id)")},
            sort=("-total",),
            limit=10,
        )

    found = desk.read(look)
    assert [(group["kind"], group["who"]["name"], group["total"], group["many"]) for group in found] == [
        ("letter", "Bob", Decimal(7), 4),
        ("box", "Ann", Decimal("6.5"), 5),
    ]


def test_groups_sort_by_the_size_of_a_measure(desk: Desk, parcels: list[str]) -> None:
    def look(tx: Transaction, sort: str) -> list[Any]:
        group, total = {"count": value(desk, "count")}, {"total": measure(desk, "sum(count)")}
        found = desk.store.query.find(tx, "parcel", group=group, measure=total, sort=(sort,), limit=20)
        return [row["total"] for row in found]

    for number in (10, 100, -1, -10):
        desk.add("parcel", count=number)
    totals = [-10, -1, *range(10), 10, 100]
    assert desk.read(lambda tx: look(tx, "total")) == totals
    assert desk.read(lambda tx: look(tx, "-total")) == totals[::-1]


def test_measures_of_all_and_of_none(desk: Desk, parcels: list[str]) -> None:
    texts = [
        "sum(weight)",
        "mean(weight)",
        "min(due)",
        "max(sender.name)",
        "count(distinct(sender.name))",
        "count(weight)",
    ]

    def look(tx: Transaction, where: str) -> list[Any]:
        measures = {text: measure(desk, text) for text in texts}
        found = desk.store.query.find(tx, "parcel", where=holds(desk, where), measure=measures, limit=10)
        return list(found[0].values())

    expected = [Decimal("13.5"), Decimal("2.25"), date(2026, 12, 1), "Bob", 2, 6]
    assert desk.read(lambda tx: look(tx, "count >= 0")) == expected
    assert desk.read(lambda tx: look(tx, "count > 99")) == [Decimal(0), None, None, None, 0, 0]


def test_groups_by_what_is_worked_out(desk: Desk, parcels: list[str]) -> None:
    def look(tx: Transaction) -> list[tuple[Any, int]]:
        # 12:00 UTC is 20:00 in Shanghai: four of ten fall on the day, six on the next.
        group = {"day": value(desk, "date(created_at)")}
        many = {"many": measure(desk, "count(id)")}
        found = desk.store.query.find(tx, "parcel", group=group, measure=many, names=NAMES, limit=10)
        return [(row["day"], row["many"]) for row in found]

    assert desk.read(look) == [(date(2026, 11, 22), 4), (date(2026, 11, 23), 6)]


def test_what_is_no_measure_is_refused(desk: Desk, parcels: list[str]) -> None:
    for text in ("first(weight)", "sum(weight) / count(id)", "sum(distinct(weight))", "count(items.amount)"):
        with pytest.raises(BadRequest) as caught:
            desk.read(
                lambda tx, text=text: desk.store.query.find(tx, "parcel", measure={"m": measure(desk, text)}, limit=9)
            )
        assert caught.value.code in ("BAD_MEASURE", "BAD_EXPRESSION")
    with pytest.raises(BadRequest, match="BAD_SORT"):
        desk.read(
            lambda tx: desk.store.query.find(
                tx, "parcel", group={"kind": value(desk, "kind")}, measure={}, sort=("weight",), limit=9
            )
        )


# Conditional updates ------------------------------------------------------------------------------------------------


def update(desk: Desk, where: str, require: str | None = None, **values: str) -> dict[str, Record]:
    return desk.write(
        lambda tx: desk.store.query.update_where(
            tx,
            "parcel",
            where=holds(desk, where),
            require=holds(desk, require) if require else None,
            values={name: value(desk, text) for name, text in values.items()},
            names={**NAMES, "now": NOON + timedelta(days=1)},
        )
    )


def test_an_update_sets_columns_where_the_conditions_hold(desk: Desk, parcels: list[str]) -> None:
    changed = update(desk, "count >= 7", 'kind == "box"', weight="count * 1.2345", note='"seen"', due="today")
    assert set(changed) == {parcels[7], parcels[9]}
    assert changed[parcels[7]] == {
        "weight": Decimal("8.642"),  # 8.6415, rounded half up
        "note": "seen",
        "due": NOON.date(),
        "version": 2,
        "updated_at": NOON + timedelta(days=1),
    }
    found = desk.get("parcel", parcels[9])
    assert {name: found[name] for name in changed[parcels[9]]} == changed[parcels[9]]
    assert desk.get("parcel", parcels[8])["version"] == 1


def test_an_update_may_follow_links(desk: Desk, parcels: list[str]) -> None:
    changed = update(desk, 'sender.home.name == "Home" and count < 4', label='sender.name + "!"', weight="null")
    assert {record["label"] for record in changed.values()} == {"Ann!"}
    assert set(changed) == {parcels[1], parcels[3]}


def test_an_update_sets_links(desk: Desk, parcels: list[str]) -> None:
    bob = desk.read(lambda tx: desk.store.records.resolve(tx, "sender", ["B"]))["B"]
    sender = desk.store.catalog.compile(
        "chosen", desk.store.catalog.scope("parcel").having(chosen=value(desk, "sender").type)
    )

    def work(tx: Transaction) -> dict[str, Record]:
        return desk.store.query.update_where(
            tx,
            "parcel",
            where=holds(desk, "count == 1"),
            require=None,
            values={"sender": sender},
            names={**NAMES, "chosen": {"id": bob}},
        )

    assert desk.write(work)[parcels[1]]["sender"] == {"id": bob}
    assert desk.get("parcel", parcels[1])["sender_name"] == "Bob"


def test_nobody_gets_what_is_no_longer_there(desk: Desk) -> None:
    """Eight at once take from what is enough for five."""
    key = desk.add("parcel", count=5)
    barrier = threading.Barrier(4 if desk.store.database.dialect == "postgresql" else 1)
    take = value(desk, "count - 1")

    def work(tx: Transaction) -> int:
        if barrier.n_waiting < barrier.parties:
            barrier.wait(20)
        where, require = holds(desk, "count != null"), holds(desk, "count >= 1")
        return len(
            desk.store.query.update_where(
                tx, "parcel", where=where, require=require, values={"count": take}, names=NAMES
            )
        )

    futures = [desk.store.database.write(work) for _ in range(8)]
    assert sorted(future.result(30) for future in futures) == [0, 0, 0, 1, 1, 1, 1, 1]
    assert (desk.get("parcel", key)["count"], desk.get("parcel", key)["version"]) == (0, 6)


def test_a_lock_makes_others_wait(desk: Desk) -> None:
    """Read, think, write: with the lock no addition is lost."""
    key = desk.add("parcel", count=0)

    def add(tx: Transaction) -> None:
        record = desk.store.query.find(tx, "parcel", where=holds(desk, "count >= 0"), limit=9, lock=True)[0]
        changed = {**record, "count": record["count"] + 1, "version": record["version"] + 1}
        desk.store.records.update(tx, "parcel", record, changed)

    for future in [desk.store.database.write(add) for _ in range(12)]:
        future.result(30)
    assert desk.get("parcel", key)["count"] == 12
