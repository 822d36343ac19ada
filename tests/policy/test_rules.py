"""Named rules: all are tested before anything follows, and one that cannot be worked out is never passed over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.errors import Refused
from engine.policy.rules import judge, work_through
from engine.ports import Effect, PlaceHold, Verdict
from tests.policy.office import frame, office, paper

RULES = office().checks["looked"].rules


def worked(**values: Any) -> tuple[list[Effect], Verdict]:
    steps = work_through(
        "looked",
        RULES,
        frame(paper(**values)),
        lambda complaints, reasons: Refused(complaints=complaints, reasons=reasons),
    )
    effects: list[Effect] = []
    while True:
        try:
            effects.append(next(steps))
        except StopIteration as end:
            return effects, end.value


def outcomes(verdict: Verdict) -> list[tuple[str, str]]:
    return [(reason.rule, reason.outcome) for reason in verdict.reasons]


def test_all_hold() -> None:
    effects, verdict = worked(total=1, weight=Decimal(4), town={"id": "t", "budget": Decimal(1)})
    assert effects == []
    assert verdict
    assert outcomes(verdict) == [("looked.some", "passed"), ("looked.light", "passed"), ("looked.known", "passed")]


@pytest.mark.parametrize(("weight", "outcome"), [(Decimal(5), "failed"), (None, "unknown")])
def test_one_with_a_consequence_has_it_and_refuses_nothing(weight: Decimal | None, outcome: str) -> None:
    effects, verdict = worked(total=1, weight=weight)
    assert [effect.name for effect in effects if isinstance(effect, PlaceHold)] == ["heavy"]
    assert not verdict
    assert outcomes(verdict)[1:] == [("looked.light", outcome), ("looked.known", "skipped")]


def test_one_without_refuses_and_then_nothing_else_happens() -> None:
    with pytest.raises(Refused) as caught:
        worked(total=0, weight=Decimal(9))
    assert [(one.at, one.code, one.message) for one in caught.value.complaints] == [
        ("total", "EMPTY", "There is nothing in it")
    ]


@pytest.mark.parametrize(("budget", "outcome"), [(Decimal(1), "passed"), (Decimal(0), "failed"), (None, "passed")])
def test_a_rule_says_what_unknown_means(budget: Decimal | None, outcome: str) -> None:
    assert judge("looked", RULES["known"], frame(paper(town={"id": "t", "budget": budget}))).outcome == outcome
