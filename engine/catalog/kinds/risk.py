"""``risk``: rules over what has happened lately, judged in the act that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from typing import ClassVar, Literal

from engine.catalog.kind import Definition, DefinitionLinker
from engine.catalog.kinds.heatmap import FINDING, Heatmap
from engine.catalog.kinds.model import Model
from engine.catalog.kinds.risk_features import Feature
from engine.errors import Label
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, DECIMAL, Scope
from engine.fields.link import LinkField
from engine.registry import did_you_mean
from engine.source.formulas import formulas, parts
from engine.source.shape import Formula, Located, Name, option
from engine.steps.assign import Assign
from engine.steps.risk import STRICTEST, FreezeStep, Strictness, in_a_rule
from engine.steps.step import Step, link_steps

#: The event of a record that begins.
CREATE = "create"


@dataclass(frozen=True, kw_only=True)
class RiskRule(Located):
    """A suspicion: when it is judged, what speaks for it, what is done about it."""

    __exactly_one__ = (("at", "guard"),)

    at: tuple[str, ...] = option((), one_or_many=True, help="The events at which it is judged; `create` is one, too")
    guard: tuple[str, ...] = option((), one_or_many=True, help="The events that it refuses")
    if_: Formula = option(key="if")
    do: tuple[Step, ...] = option((), one_or_many=True, help="`freeze hold review allow`, and any other steps")
    refuse: Label | None = option(None, help="What a guard says where it refuses")
    score: Decimal = Decimal(0)
    unknown: Strictness | None = option(
        None,
        help="What comes of it where it cannot be told, for a null or an error: review unless said; a guard refuses",
    )
    shadow: bool = option(False, help="It is judged and finds, and has no effect")
    message: Label | None = None

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @cached_property
    def outcome(self) -> Strictness:
        """What a hit comes to: the strictest of its steps."""
        if self.guard:
            return "refuse"
        words = {step.word for step in parts(self.do, Step)}
        return next((word for word in STRICTEST if word in words), "allow")

    @property
    def when_unknown(self) -> Strictness:
        """What comes of it where it cannot be told."""
        return self.unknown or ("refuse" if self.guard else "review")

    @cached_property
    def frozen(self) -> tuple[FreezeStep, ...]:
        """The steps that freeze."""
        return tuple(parts(self.do, FreezeStep))

    @cached_property
    def features(self) -> frozenset[str]:
        """The first parts of the names that its condition and its steps read: features are among them."""
        read = (formula.expression for formula in formulas((self.if_, self.do)))
        return frozenset(path[0] for expression in read if expression is not None for path in expression.scope_reads)

    def link(self, linker: DefinitionLinker, model: str, scope: Scope) -> None:
        """Compiles the rule for records of the model."""
        known = {CREATE: None, **dict.fromkeys(linker.events(model))} if self.at else linker.fired(model)
        for key, events in (("at", self.at), ("guard", self.guard)):
            for place, text in enumerate(events):
                name = event_of(text, model)
                if name not in known and linker.complete("workflow") and linker.complete("model", model):
                    linker.report(
                        "E302", f"{model} has no event '{name}'", self, self._key(key, place), did_you_mean(name, known)
                    )
        linker.compile(self.if_, scope, BOOLEAN)
        link_steps(self.do, linker, model, in_a_rule(scope))
        if self.guard:
            if self.do:
                linker.report("E110", "what a guard refuses does not happen, so it has nothing to do", self, "do")
            if self.when_unknown not in ("refuse", "allow"):
                linker.report("E110", "a guard refuses or allows", self, "unknown")
        elif self.refuse is not None:
            linker.report("E110", "only a guard refuses: say `guard:` instead of `at:`", self, "refuse")
        if self.unknown == "freeze" and not self.frozen:
            linker.report("E405", "there is no step `freeze` that says whom", self, "unknown")

    def _key(self, key: str, place: int) -> str | tuple[str, int]:
        written = self.document.value((*self.path, key))
        return (key, place) if isinstance(written, list) else key


@dataclass(frozen=True, kw_only=True)
class Risk(Definition):
    """Rules over what has happened lately, judged in the act that they are about. Several may be for one model."""

    kind: ClassVar[str] = "risk"
    link_order: ClassVar[int] = 40

    risk: Name
    for_: Name = option(key="for")
    label: Label | None = None
    shadow: bool = option(False, help="All of its rules are judged and find, and have no effect")
    features: Mapping[Name, Feature] = option(default_factory=dict)
    rules: Mapping[Name, RiskRule]
    combine: Literal["strictest"] = option("strictest", help="refuse > freeze > hold > review > allow")
    blocks: tuple[Name, ...] = option(
        (), one_or_many=True, help="The events that its holds block, unless the step says others"
    )
    assign: Assign | None = option(None, help="Who looks after its holds, unless the step says others")
    into: Name | None = option(None, help="The field of the record that the scores of its findings are added to")
    heatmap: Heatmap | None = option(None, help="What is counted of its findings, by two things that they share")

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what the document says: findings keep it as their version."""
        return sha256(repr(self.document.data).encode()).hexdigest()

    @cached_property
    def frozen(self) -> tuple[Expression, ...]:
        """The links from a record to those whose freeze holds it."""
        found = {step.freeze.expression.text: step.freeze.expression for rule in self.live for step in rule.frozen}
        return tuple(found.values())

    @property
    def live(self) -> Iterator[RiskRule]:
        """The rules that have effects."""
        return (rule for rule in self.rules.values() if not (rule.shadow or self.shadow))

    def events_of(self, rule: RiskRule) -> frozenset[str]:
        """The events at which one of its rules is judged."""
        return frozenset(event_of(text, self.for_) for text in (*rule.at, *rule.guard))

    def link(self, linker: DefinitionLinker) -> None:
        if linker.reference("model", self.for_, self, "for") is None:
            return
        link = linker.fields(FINDING).get(self.for_)
        if not isinstance(link, LinkField) or link.target != self.for_:
            message = f"a finding has a '{self.for_}' already, and would lead to its record by that name"
            linker.report("E304", message, self, "for", "rename the field or the model")
        elif self.heatmap is not None:
            self.heatmap.link(linker, self.for_)
        scope = linker.scope(self.for_)
        for name, feature in self.features.items():
            type_ = feature.link(linker, self.for_)
            if type_ is not None:
                scope = linker.naming(scope, name, type_, feature, feature.measure)
        for rule in self.rules.values():
            rule.link(linker, self.for_, scope)
        for at, event in enumerate(self.blocks):
            linker.event(self.for_, event, self, ("blocks", at))
        if self.assign is not None:
            self.assign.link(linker, linker.scope(self.for_))
        if self.into is not None:
            field = linker.field(self.for_, self.into, self, "into")
            if field is not None and (field.member(linker.shape).type != DECIMAL or field.computed):
                message = f"scores are decimals, and '{self.into}' takes none"
                linker.report("E205", message, self, "into", "a field of type `decimal`, set by steps: `system: true`")


def event_of(text: str, model: str) -> str:
    """The event that a rule names: alone, or with its model before it."""
    return text.removeprefix(f"{model}.")


def with_links(finding: Model, risks: Iterable[Risk], models: Mapping[str, Model]) -> Model:
    """The model of findings with a link to the record that was judged for each model that has risks, by the model's
    name: so lists, filters and groups of findings reach what the record says."""
    fields = dict(finding.fields)
    for risk in risks:
        target = models.get(risk.for_)
        if target is not None and risk.for_ not in fields:
            path = ("for", risk.for_)
            fields[risk.for_] = LinkField(document=risk.document, path=path, to=risk.for_, label=target.label)
    return replace(finding, fields=fields)
