"""Judges records by risks inside an act: collects the figures of the features, does what the rules say, keeps what they
found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.heatmap import FINDING
from engine.catalog.kinds.risk import Risk, RiskRule, event_of
from engine.catalog.kinds.risk_features import Feature
from engine.errors import ExpressionError
from engine.policy.risk import (
    Hit,
    Judgement,
    Part,
    act_on,
    allowed,
    figure,
    hold_icebound,
    icebound,
    judge,
)
from engine.ports import Reason, Record, Verdict
from engine.runtime.act import Act, Working, plain_reason
from engine.runtime.case_files import LOOKED_AT, file_for, is_quiet
from engine.source.formulas import formulas
from engine.steps.step import Frame
from engine.store.features import Features, Range
from engine.store.transaction import Transaction

if TYPE_CHECKING:
    from engine.runtime.effects import Effects

Names = Mapping[str, Any]
Paths = frozenset[tuple[str, ...]]

#: As long as a finding's column takes.
LONGEST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Watch:
    """The rules of one risk that are judged at one event: those with effects, and those in the shadow; and the features
    that they read, all of them and those with effects."""

    risk: Risk
    live: tuple[RiskRule, ...]
    shadow: tuple[RiskRule, ...]
    features: tuple[Feature, ...]
    live_features: tuple[Feature, ...]

    @classmethod
    def of(cls, risk: Risk, rules: Sequence[RiskRule]) -> Watch:
        live = tuple(rule for rule in rules if not (risk.shadow or rule.shadow))
        shadow = tuple(rule for rule in rules if rule not in live)
        return cls(risk, live, shadow, features_of(risk, rules), features_of(risk, live))


class RiskPlan:
    """What is judged at which events of a model. Worked out once per catalogue."""

    def __init__(self, catalog: Catalog, model: str) -> None:
        risks = [risk for risk in catalog.risks.values() if risk.for_ == model]
        self.at = {name: _watches(risks, name, "at") for name in _named(risks, "at")}
        self.guards = {name: _watches(risks, name, "guard") for name in _named(risks, "guard")}
        icy = [risk for risk in risks if risk.frozen]
        #: The events at which a record is held because what it leads to is frozen.
        self.held_at = {name: tuple(r for r in icy if name in _named([r], "at")) for name in self.at}
        #: The events that are refused for it.
        closed = {name for risk in icy for name in (*risk.blocks, *_named([risk], "guard"))}
        self.closed = {name: tuple(r for r in icy if name in (*r.blocks, *_named([r], "guard"))) for name in closed}
        self.reads = frozenset(path for risk in risks for path in reads_of(risk))

    @classmethod
    def of(cls, catalog: Catalog, model: str) -> RiskPlan:
        """The plan of the model."""
        return catalog.memo((cls, model), lambda: cls(catalog, model))


def _named(risks: Iterable[Risk], key: str) -> set[str]:
    return {event_of(text, risk.for_) for risk in risks for rule in risk.rules.values() for text in getattr(rule, key)}


def _watches(risks: Iterable[Risk], event: str, key: str) -> tuple[Watch, ...]:
    found = []
    for risk in risks:
        rules = [rule for rule in risk.rules.values() if event in (event_of(t, risk.for_) for t in getattr(rule, key))]
        if rules:
            found.append(Watch.of(risk, rules))
    return tuple(found)


def features_of(risk: Risk, rules: Iterable[RiskRule]) -> tuple[Feature, ...]:
    """The features that the rules read."""
    read = frozenset[str]().union(*(rule.features for rule in rules))
    return tuple(feature for name, feature in risk.features.items() if name in read)


def reads_of(risk: Risk) -> Paths:
    """The paths that the risk reads of a record."""
    found = (formula.expression for formula in formulas(risk))
    return frozenset(path for expression in found if expression is not None for path in expression.reads)


# In an act ------------------------------------------------------------------------------------------------------------


def watch(effects: Effects, working: Working, event: str, to: str | None = None) -> None:
    """Judges the record at an event that is happening to it, and does what follows. ``to`` is the state that the event
    leads to: features count the record as it stands then."""
    act, model, record = effects.act, working.model, working.record
    plan = RiskPlan.of(act.catalog, model)
    watches, icy = plan.at.get(event, ()), plan.held_at.get(event, ())
    if not watches and not icy:
        return
    act.flush()
    act.store.records.expand(act.tx, model, [record], plan.reads)
    frame = act.frame(model, record, event)
    _alone(act, record, frame.names, watches)
    for each in watches:
        figures = _figures(act, model, record, frame.names, each.features, to)
        if each.live:
            judgement = judge(each.risk, each.live, frame, figures)
            working.trail.append(judgement.reason)
            _follow(effects, working, event, judgement, frame, figures)
        if each.shadow:
            judgement = judge(each.risk, each.shadow, frame, figures)
            for hit in judgement.hits:
                _keep(effects, working, event, judgement.risk, hit, _subject(working, hit, frame.names), shadow=True)
    for risk in icy:
        effects.drive(hold_icebound(risk, frame))


def _alone(act: Act, record: Record, names: Names, watches: Iterable[Watch]) -> None:
    """Waits for other acts that are judged by figures of the same subjects: of two at a threshold the later one counts
    the earlier."""
    keys = set()
    for feature in (feature for each in watches for feature in each.live_features):
        try:
            key = feature.per.expression(record, names)
        except ExpressionError:  # then its rules cannot be told either
            continue
        if key is not None:
            keys.add(f"{feature.per.text} {_same(key)}")
    for key in sorted(keys):
        act.tx.alone(f"risk {key}")


def guarded(act: Act, model: str, record: Record, event: str) -> Verdict:
    """Whether the guards of risks let the event happen, and whether nothing that the record leads to is frozen."""
    plan = RiskPlan.of(act.catalog, model)
    watches, icy = plan.guards.get(event, ()), plan.closed.get(event, ())
    if not watches and not icy:
        return Verdict(True)
    act.store.records.expand(act.tx, model, [record], plan.reads)
    frame = act.frame(model, record, event)
    for risk in icy:
        for reason, _ in icebound(risk, frame):
            return Verdict(False, (Reason(reason.rule, "HELD", reason.message, reason.span, reason.read),))
    reasons: list[Reason] = []
    for each in watches:
        if each.live:
            figures = _figures(act, model, record, frame.names, each.live_features, None)
            verdict = allowed(judge(each.risk, each.live, frame, figures))
            if not verdict:
                return verdict
            reasons += verdict.reasons
    return Verdict(True, tuple(reasons))


def _figures(
    act: Act, model: str, record: Record, names: Names, features: Sequence[Feature], to: str | None
) -> dict[str, Any]:
    """The figures of the features, the record counted as it stands after the event."""
    zone = ZoneInfo(act.catalog.app.timezone)
    before = record["status"]
    record["status"] = to or before
    try:
        return figures_of(
            act.store.features, act.tx, model, features, record, names, zone, list(_happening(act, model))
        )
    finally:
        record["status"] = before


def _happening(act: Act, model: str) -> Iterator[tuple[Record, Record]]:
    """The events of this act that are not in the log yet, each with its record."""
    for entry in act.log:
        working = act.working.get(entry["record"])
        if entry["model"] == model and working is not None:
            yield entry, working.record


def _follow(
    effects: Effects, working: Working, event: str, judgement: Judgement, frame: Frame, figures: Mapping[str, Any]
) -> None:
    """What comes of the hits of a live risk: each has its case file and its finding, and is acted on unless that file
    is to be quiet."""
    risk, loud, files, kept = judgement.risk, [], {}, []
    for hit in judgement.hits:
        about = _subject(working, hit, frame.names)
        quiet = hit.outcome in LOOKED_AT and is_quiet(effects.act, risk, about[1])
        if quiet:
            text = "found, and not acted on: its case file is to be quiet"
            working.trail.append(Reason(f"{risk.name}.{hit.rule.name}", "quiet", text, hit.rule.span))
        else:
            loud.append(hit)
            file = file_for(effects, risk, hit, *about, frame)
            if file is not None:
                files[hit.rule.name] = file["id"]
        kept.append((hit, about, quiet))
    effects.drive(act_on(replace(judgement, hits=tuple(loud)), frame, figures, files))
    for hit, about, quiet in kept:
        file_id = files.get(hit.rule.name)
        _keep(effects, working, event, risk, hit, about, file=file_id, quiet=quiet)


def _keep(
    effects: Effects,
    working: Working,
    event: str,
    risk: Risk,
    hit: Hit,
    about: tuple[str, Record],
    *,
    file: str | None = None,
    quiet: bool = False,
    shadow: bool = False,
) -> None:
    """Keeps the hit as a record."""
    reason = plain_reason(hit.reason)
    values = {
        "risk": risk.name,
        "rule": hit.rule.name,
        "risk_version": risk.fingerprint,
        "at": effects.act.moment,
        "event": event,
        "model": working.model,
        "record": working.record["id"],
        working.model: working.record,
        "subject_model": about[0],
        "subject": about[1]["id"],
        "outcome": hit.outcome,
        "score": hit.rule.score if hit.told else 0,
        "case_file": {"id": file} if file is not None else None,
        "quiet": quiet,
        "shadow": shadow,
        "features": reason.get("read"),
        "error": hit.error[:LONGEST_ERROR] if hit.error is not None else None,
        "reason": reason,
    }
    effects.service.make(effects, FINDING, values)


def _subject(working: Working, hit: Hit, names: Names) -> tuple[str, Record]:
    """Whom the hit is about: what its rule freezes, else the record itself."""
    for step in hit.rule.frozen:
        found = step.freeze.expression(working.record, names)
        if found is not None:
            return step.freeze.expression.type.name, found
    return working.model, working.record


# Features -------------------------------------------------------------------------------------------------------------


def figures_of(
    source: Features,
    tx: Transaction,
    model: str,
    features: Iterable[Feature],
    record: Record,
    names: Names,
    zone: ZoneInfo,
    happening: Sequence[tuple[Record, Record]] = (),
) -> dict[str, Any]:
    """What the features come to as of the moment of the names (``now``); an ExpressionError where one cannot be worked
    out. ``happening`` are events that the log does not have yet."""
    found: dict[str, Any] = {}
    for feature in features:
        try:
            found[feature.name] = _figure(source, tx, model, feature, record, names, zone, happening)
        except ExpressionError as error:
            found[feature.name] = error
    return found


def _figure(
    source: Features,
    tx: Transaction,
    model: str,
    feature: Feature,
    record: Record,
    names: Names,
    zone: ZoneInfo,
    happening: Sequence[tuple[Record, Record]],
) -> Any:
    key = feature.per.expression(record, names)
    if key is None:  # nothing shares what is not there
        return figure(feature, Part(), None, counts=False)
    moment: datetime = names["now"]
    since, until = feature.window.bounds(moment, zone)
    if feature.event is not None:
        asked = Range(key["id"] if feature.sender == "actor" else key, since, until, record["id"])
        number = source.events(tx, model, feature, asked, names)
        number += sum(_counts(feature, entry, of, key, names) for entry, of in happening)
        return figure(feature, Part(count=number), None, counts=False)
    own = feature.value(record, names)
    at = record[feature.moment]
    counts = at is not None and since <= at <= until and _holds(feature, record, names)
    part = Part(*source.records(tx, model, feature, Range(key, since, until, record["id"]), names, own))
    return figure(feature, part, own, counts=counts)


def _counts(feature: Feature, entry: Record, record: Record, key: Any, names: Names) -> bool:
    """Whether the feature counts an event of this act."""
    if entry["name"] != feature.event or not _holds(feature, record, names):
        return False
    own = entry[feature.sender] if feature.sender is not None else feature.per.expression(record, names)
    return bool(_same(own) == _same(key))


def _same(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) else value


def _holds(feature: Feature, record: Record, names: Names) -> bool:
    return feature.where is None or feature.where.expression(record, names) is True
