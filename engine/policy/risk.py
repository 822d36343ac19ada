"""Judges a record by the rules of a ``risk``, and says what follows. Pure: the figures of its features are facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from engine.catalog.kinds.risk import Risk, RiskRule
from engine.catalog.kinds.risk_features import Feature
from engine.errors import EngineError, ExpressionError, Refused
from engine.ports import Change, PlaceHold, Reason, Record, Verdict
from engine.steps.risk import RULE, STRICTEST
from engine.steps.step import Frame, Steps, run_steps

#: What features have come to, by name: a value, or the error of one that cannot be worked out.
Figures = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What the database says of the others that share a feature's key: their ``value`` as the feature measures them,
    and ``count``, how many of them have one. ``again``: one of them has the record's own value."""

    value: Any = None
    count: int = 0
    again: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that speaks against the record, or that cannot be told: then ``error`` may say why."""

    rule: RiskRule
    outcome: str
    reason: Reason
    error: str | None = None
    #: Whether its condition holds, so that its steps are done.
    told: bool = True


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules of one risk say of a record. ``reason`` tells of each of them."""

    risk: Risk
    hits: tuple[Hit, ...]
    reason: Reason

    @property
    def score(self) -> Decimal:
        """The sum of what its hits weigh. What cannot be told weighs nothing."""
        return sum((hit.rule.score for hit in self.hits if hit.told), Decimal(0))


def judge(risk: Risk, rules: Iterable[RiskRule], frame: Frame, figures: Figures) -> Judgement:
    """What the rules say of the record of the frame. The strictest outcome wins; every rule is told of."""
    names = {**frame.names, **figures}
    hits: list[Hit] = []
    reasons: list[Reason] = []
    for rule in rules:
        found = _tried(risk, rule, frame.record, names, figures)
        if isinstance(found, Hit):
            hits.append(found)
            reasons.append(found.reason)
        else:
            reasons.append(found)
    outcome = strictest(hit.outcome for hit in hits)
    told = {name: _told(value) for name, value in figures.items()}
    return Judgement(risk, tuple(hits), Reason(risk.name, outcome, risk.label, risk.span, told, tuple(reasons)))


def strictest(outcomes: Iterable[str]) -> str:
    """The strictest of the outcomes; `passed` of none."""
    found = set(outcomes)
    return next((each for each in STRICTEST if each in found), "passed")


def _tried(
    risk: Risk, rule: RiskRule, record: Record | None, names: Mapping[str, Any], figures: Figures
) -> Hit | Reason:
    """What one rule says: a hit, or why there is none."""
    name, place = f"{risk.name}.{rule.name}", rule.if_.span
    read = {each: _told(figures[each]) for each in figures if each in rule.features}
    error: str | None = None
    answer: Any = None
    try:
        for each in read:
            if isinstance(figures[each], EngineError):
                raise figures[each]
        answer = rule.if_.expression(record, names)
    except ExpressionError as wrong:
        error = wrong.message
    if answer is False:
        return Reason(name, "passed", rule.if_.text, place, read)
    if answer is True:
        message = rule.refuse or rule.message or rule.if_.text
        return Hit(rule, rule.outcome, Reason(name, rule.outcome, message, place, read))
    said = f"unknown: {error or 'a value is missing'}, so {rule.when_unknown}"
    return Hit(rule, rule.when_unknown, Reason(name, rule.when_unknown, said, place, read), error, told=False)


def _told(value: Any) -> Any:
    """A figure as reasons tell it."""
    return str(value) if isinstance(value, EngineError) else value


# What follows --------------------------------------------------------------------------------------------------------


def act_on(judgement: Judgement, frame: Frame, figures: Figures, files: Mapping[str, str]) -> Steps:
    """The effects of the hits of a live risk at an event. ``files`` are the ids of the case files to which they
    belong, by rule. Raises Refused where one refuses."""
    risk = judgement.risk
    refusing = [hit for hit in judgement.hits if hit.outcome == "refuse"]
    if refusing:
        raise refusal(refusing)
    for hit in judgement.hits:
        inner = frame.inner(**figures, **{RULE: risk.name}) if hit.told else frame.inner(**{RULE: risk.name})
        file = files.get(hit.rule.name)
        try:
            yield from _explained(risk, hit, frame, _steps(hit, inner), file)
        except ExpressionError as error:
            # What it has done before stands. The record neither passes nor is lost for what cannot be done.
            yield from _explained(risk, hit, frame, _instead(hit, frame, error), file)
    if risk.into is not None and judgement.score:
        model, record = frame.subject
        yield Change(model, record, {risk.into: (record[risk.into] or Decimal(0)) + judgement.score})


def _steps(hit: Hit, frame: Frame) -> Steps:
    """What the hit does."""
    if hit.told:
        yield from run_steps(hit.rule.do, frame)
    elif hit.outcome == "freeze":
        yield from run_steps(hit.rule.frozen, frame)
    elif hit.outcome in ("hold", "review"):
        model, record = frame.subject
        yield PlaceHold(model, record, hit.rule.name, (), {}, hit.reason.message)


def _instead(hit: Hit, frame: Frame, error: ExpressionError) -> Steps:
    """What the hit does when its steps cannot be worked out: as its rule says for what is unknown, but that nobody is
    frozen, since it cannot be told whom."""
    outcome = hit.rule.when_unknown
    said = f"cannot be done: {error.message}, so {outcome}"
    reason = Reason(hit.reason.rule, outcome, said, hit.rule.span, hit.reason.read)
    if outcome == "refuse":
        raise refusal([replace(hit, reason=reason)])
    if outcome != "allow":
        model, record = frame.subject
        yield PlaceHold(model, record, hit.rule.name, (), {}, said, reason)


def assigned(risk: Risk, frame: Frame) -> Mapping[str, Any]:
    """Who looks after what the risk finds; nobody where that cannot be worked out: it is found all the same."""
    try:
        return risk.assign.answer(frame) if risk.assign is not None else {}
    except ExpressionError:
        return {}


def _explained(risk: Risk, hit: Hit, frame: Frame, steps: Steps, file: str | None) -> Steps:
    """The same effects. Holds block, and belong to, what the risk says where the step says nothing; a record that was
    not judged itself is told why it is held."""
    answer: Any = None
    while True:
        try:
            effect = steps.send(answer)
        except StopIteration:
            return
        answer = yield _completed(risk, hit, frame, effect, file) if isinstance(effect, PlaceHold) else effect


def _completed(risk: Risk, hit: Hit, frame: Frame, hold: PlaceHold, file: str | None) -> PlaceHold:
    own = hold.record is frame.record
    return replace(
        hold,
        blocks=hold.blocks or (risk.blocks if hold.model == risk.for_ else ()),
        assign=hold.assign or assigned(risk, frame),
        message=hold.message or hit.rule.message or (risk.label if hit.told else hit.reason.message),
        reason=hold.reason or (None if own else hit.reason),
        case_file=file,
    )


def icebound(risk: Risk, frame: Frame) -> list[tuple[Reason, Record]]:
    """The open freezes of this risk on what the record leads to, each with its reason."""
    found = []
    for link in risk.frozen:
        subject = link(frame.record, frame.names)
        for hold in subject["holds"] if subject is not None else ():
            if hold["name"] == risk.name:
                message = f"{link.text} is frozen"
                read = {"hold": hold["id"], "since": hold["opened_at"]}
                found.append((Reason(f"{risk.name}.frozen", "hold", message, risk.span, read), hold))
    return found


def hold_icebound(risk: Risk, frame: Frame) -> Steps:
    """The effects of a freeze on the record: it is held as long as that stands."""
    model, record = frame.subject
    for reason, freeze in icebound(risk, frame):
        message = freeze["message"] or reason.message
        yield PlaceHold(model, record, risk.name, risk.blocks, assigned(risk, frame), message, reason, freeze["id"])


def refusal(hits: Sequence[Hit]) -> Refused:
    """The exception for an event that rules refuse."""
    reasons = [hit.reason for hit in hits]
    return Refused(reasons[0].message, code="GUARD_REFUSED", reasons=reasons)


def allowed(judgement: Judgement) -> Verdict:
    """Whether guards let an event pass."""
    against = tuple(hit.reason for hit in judgement.hits if hit.outcome == "refuse")
    if against:
        return Verdict(False, (replace(against[0], outcome="GUARD_REFUSED"), *against[1:]))
    return Verdict(True, (judgement.reason,))


# Features -------------------------------------------------------------------------------------------------------------


def figure(feature: Feature, others: Part, own: Any, counts: bool) -> Any:
    """What the feature comes to: the part of the others, and the record's ``own`` value where it ``counts``."""
    counted = counts and own is not None
    number = others.count + (1 if counted else 0)
    match feature.measure:
        case "count":
            return number
        case "distinct":
            return others.count + (1 if counted and not others.again else 0)
        case "sum" | "mean" | "daily_mean":
            total = (others.value or 0) + (own if counted else 0)
            if feature.measure == "sum":
                return total
            if feature.measure == "daily_mean":
                return Decimal(total) / feature.window.days
            return Decimal(total) / number if number else None
        case "max" | "min":
            values = [value for value in (others.value, own if counted else None) if value is not None]
            return (max if feature.measure == "max" else min)(values, default=None)
        case _:
            return others.value
