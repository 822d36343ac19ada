"""What votes come to, and what opens next: examples of each mode, and properties of all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.builder import build_texts
from engine.catalog.kinds.approval import Approval, Mode
from engine.policy.approve import AGREED, CANCELLED, Tally, standing, tally
from engine.ports import Record

START = datetime(2026, 11, 20, tzinfo=UTC)
HALF = Fraction(1, 2)


def votes(text: str) -> list[Record]:
    """A vote for each word: ``y`` yes, ``n`` no, ``-`` not yet, ``v`` vetoes; ``b a s`` before, after, beside."""
    made = []
    for at, word in enumerate(text.split()):
        said = {"y": "approve", "n": "reject", "t": "transferred"}.get(word[0])
        part = {"b": "before", "a": "after", "s": "beside", "c": "cc"}.get(word[-1], "sign")
        made.append(
            {
                "id": f"{at}",
                "part": part if len(word) > 1 else "sign",
                "turn": at + 1,
                "veto": word.endswith("v"),
                "decision": said,
                "decided_at": START + timedelta(minutes=at) if said else None,
            }
        )
    return made


@pytest.mark.parametrize(
    ("mode", "text", "outcome", "ask"),
    [
        ("any", "- -", None, "0 1"),
        ("any", "- y", "approved", ""),
        ("any", "n -", "rejected", ""),
        ("all", "y -", None, "1"),
        ("all", "y y", "approved", ""),
        ("all", "- n", "rejected", ""),
        ("in_turn", "- -", None, "0"),
        ("in_turn", "y -", None, "1"),
        ("in_turn", "y n", "rejected", ""),
        ("in_turn", "y y", "approved", ""),
        ("vote", "y - -", None, "1 2"),
        ("vote", "y y -", "approved", ""),
        ("vote", "n n -", "rejected", ""),
        ("vote", "y y -v", None, "2"),
        ("vote", "y y nv", "rejected", ""),
        ("any", "t -", None, "1"),
        ("any", "-c y", "approved", ""),
        ("any", "-b -", None, "0"),
        ("any", "yb -", None, "1"),
        ("any", "nb -", "rejected", ""),
        ("any", "y - -s", None, "2"),
        ("any", "- - ys", None, "0 1"),
        ("any", "y -a", None, "1"),
        ("any", "y na", "rejected", ""),
        ("any", "y ya", "approved", ""),
    ],
)
def test_what_votes_come_to(mode: Mode, text: str, outcome: str | None, ask: str) -> None:
    found = tally(mode, Fraction(2, 3), votes(text))
    assert (found.outcome, " ".join(found.ask)) == (outcome, ask)


def test_who_decides_is_named() -> None:
    assert tally("any", HALF, votes("- n -")).by == votes("- n -")[1]
    assert tally("all", HALF, votes("y y")).by == votes("y y")[1]
    assert tally("vote", HALF, votes("y y nv -")).by == votes("y y nv -")[2]


@given(st.sampled_from(["any", "all", "in_turn", "vote"]), st.lists(st.booleans(), min_size=1, max_size=7), st.data())
def test_asking_in_any_sequence_ends_and_counts_each_once(mode: Mode, answers: list[bool], data: Any) -> None:
    share = Fraction(data.draw(st.integers(1, 6)), 6)
    parts = [data.draw(st.sampled_from(["sign", "sign", "before", "beside", "after"])) for _ in answers]
    cast = [{**vote, "part": part} for vote, part in zip(votes("- " * len(answers)), parts, strict=True)]
    asked: list[str] = []
    while (found := tally(mode, share, cast)).outcome is None:
        assert found.ask, "it waits for nobody"
        chosen = data.draw(st.sampled_from(found.ask))
        assert chosen not in asked
        asked.append(chosen)
        said = "approve" if answers[int(chosen)] else "reject"
        cast[int(chosen)] |= {"decision": said, "decided_at": START + timedelta(minutes=len(asked))}
    assert found.ask == ()
    _agrees_with_a_plain_count(mode, share, cast, found)


def _agrees_with_a_plain_count(mode: Mode, share: Fraction, cast: list[Record], found: Tally) -> None:
    """Holds the outcome against the sums that anybody would make."""
    own = [vote for vote in cast if vote["part"] == "sign"]
    others = [vote["decision"] for vote in cast if vote["part"] != "sign"]
    yes = sum(vote["decision"] == "approve" for vote in own)
    if found.outcome == "approved":
        assert all(said == "approve" for said in others)
        if own:
            assert yes >= {"any": 1, "all": len(own), "in_turn": len(own), "vote": ceil(share * len(own))}[mode]
    else:
        assert any(vote["decision"] == "reject" for vote in cast)


PAPERS = """
app: club
---
access: clerk
can: {}
---
model: paper
workflow: signing
fields: {note: text}
---
workflow: signing
for: paper
start: asked
states:
  asked:
    approval: %s
    approved: good
    rejected: bad
  good: {}
  bad: {}
"""
ASK = "by: {role: clerk}, nobody: refuse"


def approval(text: str) -> Approval:
    return build_texts({"definitions/app.yaml": PAPERS % text}).workflows["signing"].states["asked"].approval


def task(step: str, outcome: str | None = None) -> Record:
    return {"id": step, "step": step, "outcome": outcome}


def opening(plan: Approval, *tasks: Record) -> tuple[str | None, list[str], list[str]]:
    found = standing(plan, tasks)
    return found.outcome, [one.name for _, one in found.opening], [one["step"] for one in found.needless]


def test_steps_come_one_after_the_other_or_at_once() -> None:
    plan = approval(f"{{one: {{{ASK}}}, two: {{after: one, {ASK}}}, other: {{{ASK}}}}}")
    assert opening(plan) == (None, ["one", "other"], [])
    assert opening(plan, task("one"), task("other")) == (None, [], [])
    assert opening(plan, task("one", "skipped"), task("other")) == (None, ["two"], [])
    assert opening(plan, task("one", "rejected"), task("other")) == ("rejected", [], ["other"])
    assert opening(plan, task("one", "approved"), task("two", CANCELLED), task("other")) == (None, ["two"], [])
    assert opening(plan, task("one", "approved"), task("two", "approved"), task("other", "approved"))[0] == "approved"


@pytest.mark.parametrize(
    ("join", "outcomes", "expected"),
    [
        ("join: all", (None, "approved", "approved"), (None, [])),
        ("join: all", (None, "rejected", "approved"), ("rejected", ["a"])),
        ("join: all, first_reject: wait", (None, "rejected", "approved"), (None, [])),
        ("join: all, first_reject: wait", ("approved", "rejected", "approved"), ("rejected", [])),
        ("join: any", (None, "rejected", "approved"), ("approved", ["a"])),
        ("join: any", (None, "rejected", "rejected"), (None, [])),
        ("join: any", ("rejected", "rejected", "rejected"), ("rejected", [])),
        ("join: {count: 2}", (None, "rejected", "approved"), (None, [])),
        ("join: {count: 2}", (None, "rejected", "rejected"), ("rejected", ["a"])),
        ("join: {count: 2}", (None, "approved", "approved"), ("approved", ["a"])),
    ],
)
def test_groups_that_are_asked_at_once(
    join: str, outcomes: tuple[str | None, ...], expected: tuple[str | None, list[str]]
) -> None:
    plan = approval(f"{{one: {{split: {{a: {{{ASK}}}, b: {{{ASK}}}, c: {{{ASK}}}}}, {join}}}}}")
    found = opening(plan, *(task(name, outcome) for name, outcome in zip("abc", outcomes, strict=True)))
    assert (found[0], found[2]) == expected


@given(st.data())
def test_any_structure_comes_to_an_end_with_no_task_left_open(data: Any) -> None:
    names = [f"s{at}" for at in range(data.draw(st.integers(1, 4)))]
    steps = []
    for at, name in enumerate(names):
        after = data.draw(st.sampled_from([None, *names[:at]]))
        inner = f"after: {after}, " if after else ""
        width = data.draw(st.integers(1, 3))
        if width == 1:
            steps.append(f"{name}: {{{inner}{ASK}}}")
        else:
            groups = ", ".join(f"{name}{letter}: {{{ASK}}}" for letter in "abc"[:width])
            join = data.draw(st.sampled_from(["all", "any", *(f"{{count: {n}}}" for n in range(1, width + 1))]))
            reject = data.draw(st.sampled_from(["cancel_others", "wait"]))
            steps.append(f"{name}: {{{inner}split: {{{groups}}}, join: {join}, first_reject: {reject}}}")
    plan = approval("{" + ", ".join(steps) + "}")
    tasks: dict[str, Record] = {}
    while True:
        found = standing(plan, list(tasks.values()))
        for needless in found.needless:
            needless["outcome"] = CANCELLED
        if found.outcome is not None:
            break
        for _, signature in found.opening:
            assert signature.name not in tasks, "a task is lost, or opened twice"
            tasks[signature.name] = task(signature.name)
        waiting = [one for one in tasks.values() if one["outcome"] is None]
        assert waiting, "it waits for nobody"
        chosen = data.draw(st.sampled_from(waiting))
        chosen["outcome"] = data.draw(st.sampled_from([*AGREED, "rejected"]))
    assert all(one["outcome"] is not None for one in tasks.values())
