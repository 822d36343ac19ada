"""What the runtime works out once per catalogue and model, and then only uses."""

from __future__ import annotations

from dataclasses import dataclass

from engine.catalog.catalog import Catalog
from engine.policy.compute import Computer
from engine.policy.values import Reader

#: System columns that a caller may put in; the others are the engine's own.
OPEN_SYSTEM_COLUMNS = frozenset({"owner", "team"})


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One model, ready for requests: how its values are read, worked out, and what is worth fetching together."""

    name: str
    reader: Reader
    computer: Computer
    #: Paths through links that working out a record reads: fetched with one statement per linked model.
    reads: frozenset[tuple[str, ...]]
    #: The names under which other records link back: nothing leads to a new one yet.
    back_links: tuple[str, ...]
    #: Whether events propose changes of its records: nothing is proposed of a new one.
    proposes: bool

    @classmethod
    def of(cls, catalog: Catalog, model: str) -> ModelPlan:
        fields = catalog.fields(model)
        closed = frozenset(catalog.system_fields(model)) - OPEN_SYSTEM_COLUMNS
        computer = Computer(catalog, model)
        back_links = tuple(catalog.back_links(model))
        reader = Reader(fields, catalog.app.timezone, refused=closed)
        return cls(model, reader, computer, computer.reads, back_links, catalog.shapes.proposes(model))
