"""A console for expressions: what one comes to on a record, and what its parts do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.errors import BadRequest
from engine.policy.access import Actor
from engine.policy.reach import Reach
from engine.ports import Record
from engine.runtime.act import Act
from engine.runtime.explanation import Explanation, step_by_step, wire
from engine.runtime.reading import Reading
from engine.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The value in wire form, the name of its type, the paths that were read, and the parts step by step."""

    value: Any
    type: str
    reads: tuple[str, ...]
    parts: tuple[Explanation, ...]


class Console:
    """Works out expressions on the records of one catalogue."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def evaluate(
        self, tx: Transaction, actor: Actor, text: str, model: str | None = None, key: str | None = None
    ) -> Evaluated:
        """What the expression comes to on the record, or without one. Raises ExpressionProblems for what is wrong with
        the text, ExpressionError for what cannot be worked out, NotFound and BadRequest for what is not the actor's to
        read."""
        reading, catalog = self._reading, self._reading.catalog
        scope = catalog.scope(model)
        expression = catalog.compile(text, scope)
        record: Record | None = None
        if model is not None and key is not None:
            record = reading.get(tx, actor, model, key)
            beyond = Reach(catalog, reading.rights, actor).beyond(model, expression)
            if beyond is not None:
                raise BadRequest(f"{beyond} is not yours to read", code="PRIVATE_FIELD")
            reading.store.records.expand(tx, model, [record], expression.reads)
        act = Act(catalog, reading.store, tx, actor, reading.service.clock.now())
        names = act.names(model, record, "read")
        value = wire(expression(record, names))
        reads = (*expression.reads, *expression.scope_reads)
        parts = step_by_step(expression, record, names, scope, catalog.vocabulary.functions)
        return Evaluated(value, expression.type.name, tuple(sorted(".".join(path) for path in reads)), parts)
