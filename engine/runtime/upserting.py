"""Maps arrivals, and makes the records that their maps want made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.errors import RequestError
from engine.policy.intake.mapping import Arrival, ChannelMap
from engine.ports import Create, Record
from engine.runtime.act import Act
from engine.runtime.effects import Effects, once_key
from engine.runtime.service import Service


def map_arrivals(service: Service, act: Act, mapping: ChannelMap, arrivals: Sequence[Arrival]) -> set[str]:
    """Performs what mapping asks for; the ids of the records that were made.

    A record that it wants made is an act of its own: if that is refused, only the arrivals that need it are."""
    effects, steps = Effects(service, act, "intake"), mapping.run(arrivals)
    answer: Any = None
    refusal: RequestError | None = None
    made: set[str] = set()
    while True:
        try:
            effect = steps.throw(refusal) if refusal is not None else steps.send(answer)
        except StopIteration:
            return made
        refusal = None
        try:
            answer = (
                _make(service, act, mapping, effect, made) if isinstance(effect, Create) else effects.perform(effect)
            )
        except RequestError as error:
            refusal = error


def _make(service: Service, act: Act, mapping: ChannelMap, effect: Create, made: set[str]) -> Record:
    """The record that was not found, made; or the one that another transaction has made meanwhile."""
    key = tuple(effect.values[name] for name in effect.once)
    if act.tx.alone(once_key(effect.model, dict(zip(effect.once, key, strict=True)))):
        found = act.store.matching.by_fields(act.tx, effect.model, effect.once, [key])
        if key in found:
            return found[key]
    own = Act(act.catalog, act.store, act.tx, act.actor, act.moment, timezone=mapping.timezone)
    with act.tx.savepoint():
        working = service.make(Effects(service, own, "create"), effect.model, dict(effect.values))
        own.finish()
    made.add(working.record["id"])
    return working.record
