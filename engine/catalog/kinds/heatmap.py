"""``heatmap`` of a ``risk``: what its rules have found lately, counted by two things that the findings share."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from engine.catalog.kind import DefinitionLinker
from engine.expressions.types import BOOLEAN, DATE, INTEGER, TEXT, ChoiceType
from engine.fields.field import Field
from engine.source.shape import Formula, Located, Window, option

#: The system model of what rules find.
FINDING = "finding"

_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")


@dataclass(frozen=True, kw_only=True)
class Heatmap(Located):
    """A map of the findings: where they come together, and of which kind."""

    rows: Formula = option(help="A path of the record that is judged, such as `owner.region`")
    columns: Formula = option(help="A field of the finding, such as `rule` or `outcome`; else a path of the record")
    cell: Literal["count", "sum(score)"] = option("count", help="What stands in a cell")
    window: Window

    @property
    def measure(self) -> str:
        """The cell as a measure over findings."""
        return "count(id)" if self.cell == "count" else self.cell

    def row_path(self, model: str) -> str:
        """Where a finding about records of the model has its row."""
        return f"{model}.{self.rows.text.strip()}"

    def column_path(self, model: str, known: Collection[str]) -> str:
        """The same for its column; ``known`` are the fields of a finding."""
        text = self.columns.text.strip()
        return text if text in known else f"{model}.{text}"

    def link(self, linker: DefinitionLinker, model: str) -> None:
        """Compiles the paths for records of the model."""
        own = FINDING if self.columns.text.strip() in own_fields(linker) else model
        for key, formula, of in (("rows", self.rows, model), ("columns", self.columns, own)):
            if _PATH.fullmatch(formula.text.strip()) is None:
                linker.report("E405", f"`{key}` is a path to one value", self, key, "such as `owner.region`")
                continue
            found = linker.compile(formula, linker.scope(of))  # a path to one value always translates
            if found is None or found.type in (TEXT, BOOLEAN, INTEGER, DATE) or isinstance(found.type, ChoiceType):
                continue
            hint = "a text, a choice, a whole number, a boolean or a date"
            linker.report(
                "E205", f"`{key}` needs a value that findings share, and this is {found.type}", self, key, hint
            )


def own_fields(linker: DefinitionLinker) -> dict[str, Field]:
    """The fields of a finding that not every record has."""
    columns = linker.system_fields(FINDING)
    return {name: field for name, field in linker.fields(FINDING).items() if name not in columns}
