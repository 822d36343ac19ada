"""Routings that are laid over others: which keys they have from where, and which one a record is routed by."""

from __future__ import annotations

import pytest

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.errors import DefinitionError

YARD = """
app: yard
intake: wish
---
model: depot
key: code
fields: {code: {type: text, unique: true}, kind: text, cost: decimal}
---
model: shelf
fields: {depot: {type: link, to: depot}, thing: text, there: decimal}
---
model: wish
key: thing
routing: sourcing
fields: {thing: {type: text, unique: true}, much: decimal, channel: {type: link, to: channel}}
---
routing: sourcing
for: wish
need: {item: thing, quantity: much}
supply: {from: shelf, at: depot, item: thing, quantity: there}
candidates: {near: {from: depot, where: kind == "near"}, all: {from: depot, if: much > 1}}
rules: {cheap: cost < 9}
rank: {cost: cost}
---
routing: other
for: wish
need: {item: thing, quantity: much}
supply: {from: shelf, at: depot, item: thing, quantity: there}
candidates: {all: {from: depot}}
---
channel: post
intake: {}
identity: {key: [thing]}
map: {thing: $.t}
routing: by_post
"""
BY_POST = """
routing: by_post
for: wish
candidates: {far: {from: depot, where: kind == "far"}, all: {from: depot}}
rules: null
split: false
"""
DEEPER = """
routing: deeper
for: wish
extends: by_post
split: true
"""


def build(*more: str) -> Catalog:
    return build_texts({"definitions/yard.yaml": YARD, **{f"rules/{at}.yaml": text for at, text in enumerate(more)}})


def test_keys_replace_as_a_whole_and_null_removes() -> None:
    found = build(BY_POST).routings["by_post"]
    assert list(found.candidates) == ["far", "all"]
    assert found.candidates["all"].if_ is None
    assert (found.rules, list(found.rank), found.split, found.extends) == ({}, ["cost"], False, "sourcing")
    assert found.need.quantity.span.file == "definitions/yard.yaml"
    assert found.candidates["far"].span.file == "rules/0.yaml"


def test_the_channel_s_own_counts_only_over_what_it_is_laid_over() -> None:
    catalog = build(BY_POST)
    post = catalog.channels["post"]
    assert catalog.routing_for("sourcing", post).name == "by_post"
    assert catalog.routing_for("sourcing", None).name == "sourcing"
    assert catalog.routing_for("other", post).name == "other"


def test_one_may_be_laid_over_one_that_is_laid_over_another() -> None:
    channel = "channel: mail\nintake: {}\nidentity: {key: [thing]}\nmap: {thing: $.t}\nrouting: deeper\n"
    catalog = build(BY_POST, DEEPER, channel)
    deeper = catalog.routing_for("sourcing", catalog.channels["mail"])
    assert (deeper.name, deeper.extends, list(deeper.candidates), deeper.split) == (
        "deeper", "by_post", ["far", "all"], True
    )  # fmt: skip


def test_a_record_is_routed_by_the_channel_to_which_it_links() -> None:
    catalog = build(BY_POST)
    assert catalog.channel_of("wish", {"channel": {"id": "c", "code": "post"}}) is catalog.channels["post"]
    assert catalog.channel_of("wish", {"channel": {"id": "c", "code": "gone"}}) is None
    assert catalog.channel_of("wish", {"channel": None}) is None
    assert catalog.channel_of("depot", {}) is None


def test_what_is_wrong_in_the_base_is_told_once_and_there() -> None:
    with pytest.raises(DefinitionError) as caught:
        build_texts({"definitions/yard.yaml": YARD.replace("{cost: cost}", "{cost: csot}"), "rules/a.yaml": BY_POST})
    [problem] = caught.value.problems
    assert (problem.code, problem.span and problem.span.file) == ("E203", "definitions/yard.yaml")


def test_routings_may_not_extend_each_other() -> None:
    first = "routing: one\nfor: wish\nextends: two\n"
    second = "routing: two\nfor: wish\nextends: one\n"
    with pytest.raises(DefinitionError, match="routings that extend each other"):
        build(BY_POST, first, second)


def test_a_model_s_own_routing_is_laid_over_nothing() -> None:
    text = YARD.replace("routing: sourcing\nfields", "routing: by_post\nfields")
    with pytest.raises(DefinitionError, match="neither `need` nor `supply` is said"):
        build_texts({"definitions/yard.yaml": text, "rules/a.yaml": BY_POST})
