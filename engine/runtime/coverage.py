"""What of the definitions the tests have touched: ways through workflows, outcomes of rules, rights."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.catalog.catalog import Catalog
from engine.policy.access import Actor, Rights
from engine.ports import Record, Verdict
from engine.runtime.effects import MOST_FOUND
from engine.runtime.play import Player


@dataclass(frozen=True, slots=True)
class Covered:
    """How many of something there are, and which of them no test has touched."""

    what: str
    total: int
    missed: tuple[str, ...]

    @property
    def touched(self) -> int:
        """How many the tests have touched."""
        return self.total - len(self.missed)


class Coverage:
    """Collects what happens while tests run."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: set[str] = set()

    def saw(self, name: str) -> None:
        """Notes that something was touched."""
        self._seen.add(name)

    def read(self, player: Player) -> None:
        """Notes what the history of the player's database tells."""
        find = player.service.store.query.find
        for entry in player.read(lambda tx: find(tx, "history", where=None, names={}, limit=MOST_FOUND)):
            for reason in _flat(entry["reasons"] or ()):
                self.saw(reason["rule"])
                self.saw(f"{reason['rule']} {reason['outcome']}")

    def report(self) -> tuple[Covered, Covered, Covered]:
        """Transitions, rules (each with both outcomes), permissions."""
        return (
            self._covered("transitions", _transitions(self._catalog)),
            self._covered("rules", _rules(self._catalog)),
            self._covered("permissions", _permissions(self._catalog)),
        )

    def _covered(self, what: str, names: Iterator[str]) -> Covered:
        every = sorted(set(names))
        return Covered(what, len(every), tuple(name for name in every if name not in self._seen))


class WatchedRights(Rights):
    """The rights of a catalogue, which tell the coverage what was granted by what."""

    def __init__(self, catalog: Catalog, coverage: Coverage) -> None:
        super().__init__(catalog)
        self._coverage = coverage

    def may_create(self, actor: Actor, model: str, record: Record | None, names: Mapping[str, Any]) -> Verdict:
        return self._watch(super().may_create(actor, model, record, names), model, "create")

    def may_update(
        self, actor: Actor, model: str, before: Record, fields: Collection[str], names: Mapping[str, Any]
    ) -> Verdict:
        return self._watch(super().may_update(actor, model, before, fields, names), model, "update")

    def may_fire(self, actor: Actor, model: str, event: str, by: str | None) -> Verdict:
        return self._watch(super().may_fire(actor, model, event, by), model, f"events.{event}")

    def _watch(self, verdict: Verdict, model: str, right: str) -> Verdict:
        for reason in verdict.reasons if verdict else ():
            role = reason.rule.split(".")[1]
            self._coverage.saw(f"{role}.{model}.{right}")
        return verdict


def _flat(reasons: Any) -> Iterator[Mapping[str, Any]]:
    for reason in reasons:
        yield reason
        yield from _flat(reason.get("parts", ()))


def _transitions(catalog: Catalog) -> Iterator[str]:
    for flow in catalog.workflows.values():
        if flow.for_ in catalog.system_models:  # the engine's own have tests of their own
            continue
        for name, state in flow.states.items():
            yield from (f"{flow.name}.{event.name}" for event in state.events.values() if event.to is not None)
            yield from (f"{flow.name}.{name}.next.{branch}" for branch in state.next)
            for timer in state.timers.values():
                yield from (f"{flow.name}.{name}.timers.{timer.name}.next.{branch}" for branch in timer.next)
            yield from (f"{flow.name}.{name}.{outcome}" for outcome in state.decided)
        yield from (f"{flow.name}.{event.name}" for event in flow.events.values() if event.to is not None)


def _rules(catalog: Catalog) -> Iterator[str]:
    for checks in catalog.checks.values():
        for rule in checks.rules:
            yield f"{checks.name}.{rule} passed"
            yield f"{checks.name}.{rule} failed"
    for pricing in catalog.pricings.values():
        yield from (f"{pricing.name}.{each} taken" for each in pricing.lists)
        for rule in pricing.adjust:
            yield f"{pricing.name}.{rule} applied"
            yield f"{pricing.name}.{rule} not met"
    for risk in catalog.risks.values():
        for each in risk.live:
            yield f"{risk.name}.{each.name} passed"
            if not each.guard:  # what a guard refuses has not happened, and is in no history
                yield f"{risk.name}.{each.name} {each.outcome}"


def _permissions(catalog: Catalog) -> Iterator[str]:
    """Rights to change something, by role."""
    for access in catalog.access.values():
        for model, grant in access.can.items():
            if grant.create != "none":
                yield f"{access.name}.{model}.create"
            if grant.update != "none":
                yield f"{access.name}.{model}.update"
            if grant.events != "all":
                yield from (f"{access.name}.{model}.events.{event}" for event in grant.events)
