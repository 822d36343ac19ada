"""Maps at work: each sort of entry, what is wrong told at its field, one question for all arrivals together, and money
to the last cent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.builder import build_texts
from engine.errors import Complaint, InvalidValues
from engine.policy.intake.formats import Raw
from engine.policy.intake.mapping import Arrival, ChannelMap
from engine.ports import Alias, Create, Effect, Match, Record

TEXT = """
app: yard
timezone: Asia/Shanghai
intake: parcel
---
model: town
key: code
fields: {code: {type: text, unique: true}, zip: text}
---
model: sender
key: number
fields: {number: {type: text, max: 5, unique: true}, name: text}
---
model: parcel
key: code
fields:
  code: {type: text, max: 8, unique: true}
  town: {type: link, to: town}
  zip: text
  sender: {type: link, to: sender}
  fee: money
  total: money
  size: {type: choice, of: {small: Small, large: Large}}
  sent_at: datetime
  origin: text
  lines: {type: rows, of: {name: text, worth: money, town: {type: link, to: town}}}
---
channel: desk
intake: {format: json, timezone: Asia/Tokyo}
identity: {key: code}
map:
  code: $.code
  origin: {const: desk}
  fee: {from: $.cents, scale: 0.01}
  total: {value: fee * 2}
  size: {from: $.size, choices: {S: small, L: large}}
  sent_at: {from: $.at, format: "%Y/%m/%d %H:%M"}
  town: {alias: $.town}
  zip: {lookup: town.zip, by: {code: $.town}}
  sender: {upsert: sender, by: {number: $.sender.no}, set: {name: $.sender.name}}
  lines: {each: "$.lines[*]", map: {name: $.n, worth: {from: $.cents, scale: 0.01}, town: $.to}}
"""

TOWNS: dict[str, Record] = {code: {"id": f"id-{code}", "code": code, "zip": f"zip-{code}"} for code in ("A", "B")}


@cache
def desk() -> ChannelMap:
    catalog = build_texts({"definitions/a.yaml": TEXT})
    return ChannelMap(catalog, catalog.channels["desk"], "parcel")


def answer(effect: Effect) -> Any:
    """What a database with two towns and no sender would say."""
    if isinstance(effect, Alias):
        return {text: TOWNS[text] for text in effect.texts if text in TOWNS}
    if isinstance(effect, Match):
        known = {(code,): town for code, town in TOWNS.items()} if effect.model == "town" else {}
        return {key: known[key] for key in effect.keys if key in known}
    return {"id": f"id-{effect.values['number']}", **effect.values} if isinstance(effect, Create) else None


def mapped(
    raws: Sequence[Any], reply: Callable[[Effect], Any] = answer, makes: bool = True
) -> tuple[list[Arrival], list[Effect]]:
    """The arrivals after their map, and what it asked."""
    arrivals = [desk().arrive(Raw(raw, (at,)), {}) for at, raw in enumerate(raws, 1)]
    for arrival in arrivals:
        arrival.makes = makes
    steps, effects, given_ = desk().run(arrivals), [], None
    while True:
        try:
            effect = steps.send(given_)
        except StopIteration:
            return arrivals, effects
        effects.append(effect)
        try:
            given_ = reply(effect)
        except InvalidValues as refusal:
            effects.append(steps.throw(refusal))
            given_ = reply(effects[-1])


def one(raw: dict[str, Any]) -> tuple[Record, list[tuple[str, str]]]:
    [arrival], _ = mapped([raw])
    return arrival.values, [(problem.at, problem.code) for problem in arrival.complaints]


def test_every_sort_of_entry() -> None:
    raw = {
        "code": " P1 ",
        "cents": "1234",
        "size": "L",
        "at": "2026/05/01 08:00",
        "town": "A",
        "sender": {"no": "7", "name": "Ann"},
        "lines": [{"n": "cup", "cents": 5, "to": "B"}],
    }
    values, wrong = one(raw)
    assert wrong == []
    assert (values["code"], values["origin"], values["size"]) == ("P1", "desk", "large")
    assert (values["fee"], values["total"]) == (Decimal("12.34"), Decimal("24.68"))
    assert values["sent_at"].isoformat() == "2026-04-30T23:00:00+00:00", "written in the channel's own time zone"
    assert (values["town"], values["zip"]) == (TOWNS["A"], "zip-A")
    assert values["sender"] == {"id": "id-7", "number": "7", "name": "Ann"}
    [line] = values["lines"]
    assert (line["name"], line["worth"], line["town"]) == ("cup", Decimal("0.05"), TOWNS["B"])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"code": "far too long"}, [("code", "VALUE_LENGTH")]),
        ({"cents": "much"}, [("fee", "VALUE_TYPE")]),
        ({"size": "M"}, [("size", "VALUE_CHOICE")]),
        ({"at": "yesterday"}, [("sent_at", "VALUE_FORMAT")]),
        ({"town": "C"}, [("town", "LINK_UNKNOWN"), ("zip", "LOOKUP_UNKNOWN")]),
        ({"lines": [{"n": "cup"}, {"to": "C"}]}, [("lines[1].town", "LINK_UNKNOWN")]),
        ({"lines": [{"cents": "x"}]}, [("lines[0].worth", "VALUE_TYPE")]),
        ({}, []),
    ],
)
def test_what_is_wrong_is_told_at_its_field(raw: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert one(raw)[1] == expected


def test_all_arrivals_share_one_question() -> None:
    raws = [{"town": code, "lines": [{"to": "A"}, {"to": "B"}]} for code in ("A", "B", "A")]
    _, effects = mapped(raws)
    assert [(type(effect), getattr(effect, "texts", None) or getattr(effect, "keys", None)) for effect in effects] == [
        (Alias, ("A", "B")),
        (Match, (("A",), ("B",))),
        (Alias, ("A", "B")),
    ]


def test_what_is_missing_is_made_once_for_all_that_need_it() -> None:
    arrivals, effects = mapped([{"sender": {"no": "7"}}, {"sender": {"no": "8"}}, {"sender": {"no": "7"}}])
    assert [effect.values["number"] for effect in effects if isinstance(effect, Create)] == ["7", "8"]
    assert [arrival.upserted for arrival in arrivals] == [{"id-7"}, {"id-8"}, {"id-7"}]


def test_nothing_is_made_for_what_is_wrong_or_comes_to_nothing() -> None:
    arrivals, effects = mapped([{"sender": {"no": "7"}, "cents": "much"}, {"sender": {"no": "8"}}], makes=False)
    assert not any(isinstance(effect, Create) for effect in effects)
    assert [arrival.values["sender"] for arrival in arrivals] == [None, None]
    _, effects = mapped([{"sender": {"no": "7"}, "cents": "much"}])
    assert not any(isinstance(effect, Create) for effect in effects)


def test_one_that_cannot_be_made_is_a_fault_of_the_arrivals_that_need_it() -> None:
    def reply(effect: Effect) -> Any:
        if isinstance(effect, Create) and effect.values["number"] == "7":
            raise InvalidValues(complaints=[Complaint("name", "VALUE_REQUIRED", "a value is required")])
        return answer(effect)

    arrivals, _ = mapped([{"sender": {"no": "7"}}, {"sender": {"no": "8"}}], reply)
    assert [[(one.at, one.code) for one in arrival.complaints] for arrival in arrivals] == [
        [("sender.name", "VALUE_REQUIRED")],
        [],
    ]
    assert arrivals[1].values["sender"]["number"] == "8"


@given(st.lists(st.integers(-(10**12), 10**12), max_size=6))
def test_cents_become_money_without_a_rest(cents: list[int]) -> None:
    texts = [{"n": "x", "cents": amount if at % 2 else str(amount)} for at, amount in enumerate(cents)]
    values, wrong = one({"lines": texts})
    assert wrong == []
    assert sum(line["worth"] for line in values["lines"]) * 100 == sum(cents)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["code", "cents", "town", "sender", "no", "lines", "n", "at"]), inner, max_size=5
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_arrives_is_mapped_or_complained_about(raw: Any) -> None:
    [arrival], _ = mapped([raw])
    fee = arrival.values["fee"]
    assert fee is None or (isinstance(fee, Decimal) and fee == round(fee, 2))
    assert all(problem.code and problem.at for problem in arrival.complaints)
