"""Working through named rules: each is tested, and each that fails has its own consequence."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from engine.catalog.kinds.rules import Rule
from engine.errors import Complaint, ExpressionError, RequestError
from engine.ports import Effect, Reason, Verdict
from engine.steps.step import Frame, run_steps

#: Makes the exception for the rules that refuse: a guard inside a workflow (409) or an arrival that is not accepted
#: (422).
Refusal = Callable[[Sequence[Complaint], Sequence[Reason]], RequestError]


def work_through(
    source: str, rules: Mapping[str, Rule], frame: Frame, refusal: Refusal
) -> Generator[Effect, Any, Verdict]:
    """Whether all rules held, with a reason for each.

    All are tested before any consequence, so that one run names everything that is wrong. Rules without ``otherwise``
    refuse: then none of the others' consequences happens. A rule that cannot be worked out fails: it is never passed
    over.
    """
    reasons: list[Reason] = []
    failed: list[tuple[Rule, Reason]] = []
    for rule in rules.values():
        reason = judge(source, rule, frame)
        reasons.append(reason)
        if reason.outcome in ("failed", "unknown"):
            failed.append((rule, reason))
    refusing = [(rule, reason) for rule, reason in failed if not rule.otherwise]
    if refusing:
        raise refusal(
            [
                Complaint(rule.at or "", rule.code or "RULE_FAILED", reason.message or "", {"rule": rule.name})
                for rule, reason in refusing
            ],
            [reason for _, reason in refusing],
        )
    for rule, reason in failed:
        yield from run_steps(rule.otherwise, frame.inner(reason=reason))
    return Verdict(not failed, tuple(reasons))


def judge(source: str, rule: Rule, frame: Frame) -> Reason:
    """What the rule says of the frame: ``passed``, ``failed``, ``unknown`` or ``skipped`` (its
    ``when`` does not hold)."""
    name = f"{source}.{rule.name}"
    try:
        if rule.when is not None and rule.when.expression(frame.record, frame.names) is not True:
            return Reason(name, "skipped", span=rule.when.span)
        answer = rule.require.expression(frame.record, frame.names)
    except ExpressionError as error:
        return Reason(name, "failed", error.message, rule.require.span)
    if answer is None and rule.unknown == "pass":
        return Reason(name, "passed", "unknown passes", rule.require.span)
    outcome = "passed" if answer is True else "failed" if answer is False else "unknown"
    message = None if outcome == "passed" else rule.message or f"not so: {rule.require.text}"
    return Reason(name, outcome, message, rule.require.span)
