"""Lists that people keep: what expressions are told of them, in an act, in a query, now and as of an earlier day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.errors import BadRequest, ExpressionError, InvalidValues, Refused
from engine.expressions.browser import to_javascript
from engine.expressions.faults import ExpressionProblems
from engine.expressions.types import BOOLEAN
from engine.store.keys import new_key
from engine.store.transaction import Transaction
from tests.runtime.running import START, Running

POST = """
app: post
timezone: Asia/Shanghai
---
list: known_addresses
label: {zh: 已知地址, en: Known addresses}
---
list: kept_out
---
model: town
key: code
fields: {code: {type: text, required: true, unique: true}}
---
model: parcel
key: code
workflow: sending
fields:
  code: {type: text, required: true, unique: true}
  town: {type: link, to: town}
  phone: {type: text, private: true}
  known: {type: boolean, value: 'in_list(event.ip, "known_addresses")'}
---
workflow: sending
for: parcel
start: open
states:
  open: {events: {send: {to: sent, require: 'not in_list(town.code, "kept_out")', message: This town is kept out}}}
  sent: {}
---
access: clerk
scopes: {reached: 'not in_list(town.code, "kept_out")'}
can: {parcel: {read: reached, create: all}, town: {read: all}}
---
access: keeper
can: {parcel: {read: all}, list_entry: {read: all, create: all, update: all}}
"""
ASKED = 'in_list(town.code, "kept_out")'


@pytest.fixture
def post(database_url: str) -> Iterator[Running]:
    running = Running(POST, database_url)
    for code in ("T1", "T2"):
        running.create("town", {"code": code})
        running.create("parcel", {"code": f"P-{code}", "town": code})
    running.create("parcel", {"code": "P-none"})
    yield running
    running.database.close()


def put(post: Running, name: str, value: str, **more: object) -> str:
    entry = post.create("list_entry", {"list": name, "value": value, "why": "a test", **more})
    return str(entry["id"])


def kept_out(post: Running) -> list[str]:
    """The parcels that a query of the database finds."""
    return sorted(record["code"] for record in post.all("parcel", where=ASKED))


def test_a_guard_asks_the_list_until_the_entry_expires(post: Running) -> None:
    put(post, "kept_out", "T1", until="2026-11-21T00:00:00Z")
    first, second = (record["id"] for record in sorted(post.all("parcel"), key=lambda p: p["code"])[:2])
    with pytest.raises(Refused, match="kept out"):
        post.fire("parcel", first, "send")
    post.fire("parcel", second, "send")
    post.clock.step(timedelta(days=2))
    assert post.fire("parcel", first, "send")["status"] == "sent", "an entry counts until it expires, and no longer"


def test_queries_say_the_same(post: Running) -> None:
    put(post, "kept_out", "T1", until="2026-11-21T00:00:00Z")
    put(post, "known_addresses", "T2")
    assert kept_out(post) == ["P-T1"], "of the list that is asked, and of no other"
    others = {record["code"] for record in post.all("parcel", where=f"not {ASKED}")}
    assert others == {"P-T2"}, "where there is no value it is unknown whether it is listed"
    post.clock.step(timedelta(days=2))
    assert kept_out(post) == []


def test_what_is_not_listed_yet_or_not_any_more_does_not_count(post: Running) -> None:
    entry = put(post, "kept_out", "T1")
    then = post.store.lists.at(START - timedelta(seconds=1))
    now = post.store.lists.at(START)
    assert not then.has("kept_out", "T1"), "a decision of the past knows nothing of what came later"
    assert now.has("kept_out", "T1")
    post.clock.step(timedelta(days=2))
    post.update("list_entry", entry, {"until": "2026-11-22T02:00:00Z"})
    assert not post.store.lists.at(START + timedelta(days=2)).has("kept_out", "T1")
    assert post.store.lists.at(START + timedelta(days=1)).has("kept_out", "T1"), "who is taken off was on it before"


def test_a_past_day_asks_the_list_as_it_was_then(post: Running) -> None:
    start = post.clock.now()
    entry = put(post, "kept_out", "T1", until=(start + timedelta(days=1)).isoformat())
    post.clock.step(timedelta(days=3))
    post.update("list_entry", entry, {"until": None})
    post.clock.step(timedelta(days=1))
    post.update("list_entry", entry, {"until": post.clock.now().isoformat()})

    def stood(days: float) -> bool:
        return post.store.lists.asked("kept_out", "T1", start + timedelta(days=days))

    assert [stood(days) for days in (0.5, 2, 3.5, 4.5)] == [True, False, True, False]


def test_computed_fields_ask_with_the_address_of_the_caller(post: Running) -> None:
    put(post, "known_addresses", "10.0.0.7")
    clerk = post.user("cleo", "clerk")
    assert post.create("parcel", {"code": "P1"}, replace(clerk, ip="10.0.0.7"))["known"] is True
    assert post.create("parcel", {"code": "P2"}, replace(clerk, ip="10.0.0.8"))["known"] is False
    assert post.create("parcel", {"code": "P3"}, replace(clerk, ip=None))["known"] is None


def test_rights_may_depend_on_a_list(post: Running) -> None:
    put(post, "kept_out", "T1")
    clerk = post.user("cleo", "clerk")
    assert [record["code"] for record in post.all("parcel", clerk)] == ["P-T2"]


def test_who_may_not_read_the_entries_may_not_ask_for_them(post: Running) -> None:
    clerk, keeper = post.user("cleo", "clerk"), post.user("kim", "keeper")
    condition = 'in_list(code, "kept_out")'
    with pytest.raises(BadRequest, match="in_list"):
        post.all("parcel", clerk, where=condition)
    assert post.all("parcel", keeper, where=condition) == []


def test_an_entry_is_of_a_list_that_there_is_and_says_why(post: Running) -> None:
    with pytest.raises(InvalidValues, match="kept_out"):
        put(post, "keptout", "T1")
    with pytest.raises(InvalidValues):
        post.create("list_entry", {"list": "kept_out", "value": "T1"})
    put(post, "kept_out", "T1")
    with pytest.raises(Refused, match="same list and value"):
        put(post, "kept_out", "T1")


def test_a_request_names_a_list_that_there_is(post: Running) -> None:
    for text, fault in (
        ('in_list(code, "kept_uot")', "did you mean 'kept_out'"),
        ("in_list(code, phone)", "the name of a list is a text"),
    ):
        with pytest.raises(ExpressionProblems, match=fault):
            post.catalog.compile(text, post.catalog.scope("parcel"), BOOLEAN)


def test_neither_the_browser_nor_a_place_without_lists_can_tell(post: Running) -> None:
    asked = post.catalog.compile('in_list(code, "kept_out")', post.catalog.scope("parcel"), BOOLEAN)
    with pytest.raises(ExpressionProblems, match="E208"):
        to_javascript(asked)
    with pytest.raises(ExpressionError, match="nobody says here"):
        asked({"code": "P1"}, {})
    assert asked({"code": None}, {}) is None


def test_a_hundred_thousand_entries_are_not_read(post: Running) -> None:
    _fill(post)
    put(post, "kept_out", "T1")
    lists = post.store.lists.at(START)
    assert lists.has("kept_out", "N99999")
    assert not lists.has("kept_out", "N100000")
    assert kept_out(post) == ["P-T1"]
    plan = post.read(lambda tx: _plan(post, tx))
    assert "uq_list_entry_list_value" in plan, plan


def _fill(post: Running) -> None:
    """A hundred thousand entries."""
    if post.database.dialect == "postgresql":  # its own way is the fast one
        with post.database.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO list_entry (id, version, list, value, why, created_at, updated_at)"
                " SELECT gen_random_uuid(), 1, 'kept_out', 'N' || n, 'many', '2026-11-20Z', '2026-11-20Z'"
                " FROM generate_series(0, 99999) AS n"
            )
        return
    given = {"list": "kept_out", "why": "many", "created_at": START, "updated_at": START}
    entries = [{**given, "id": new_key(START), "value": f"N{n}"} for n in range(100_000)]
    post.write(lambda tx: post.store.records.append(tx, "list_entry", entries))


def _plan(post: Running, tx: Transaction) -> str:
    """How the database finds an entry."""
    text, values = post.store.lists._put.prepare(("kept_out", "N5"))
    word = "EXPLAIN" if post.database.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
    tx._cursor.execute(f"{word} {text}", values)
    return str(tx._cursor.fetchall())
