"""Proves a table while it is linked: every case is decided, none twice, every row has its turn, every output too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from engine.catalog.kind import DefinitionLinker
from engine.catalog.kinds.table_rows import GridReport
from engine.tables.analysis import MOST_FINDINGS, Analysis, Box
from engine.tables.grid import read_grid
from engine.tables.rules import RANKED, SINGLE, Row, Rules

if TYPE_CHECKING:
    from engine.catalog.kinds.table import Table

#: Gaps that one message names.
NAMED = 5


def prove(linker: DefinitionLinker, table: Table, rules: Rules) -> Rules:
    """The same rules; with no problem reported, they are known to do what their hit policy says."""
    proof = Proof(linker, table, rules)
    dead = proof.dead_rows()
    if rules.hit in ("unique", "any"):
        proof.overlaps()
    if rules.hit in SINGLE and rules.defaults is None:
        proof.gaps()
    plain = proof.analysis.exact == (1 << len(rules.rows)) - 1
    proven = plain and not proof.report.count
    proof.outputs(dead)
    return replace(rules, proven=proven)


class Proof:
    """The questions to one table."""

    def __init__(self, linker: DefinitionLinker, table: Table, rules: Rules) -> None:
        self.table = table
        self.rules = rules
        self.report = GridReport(linker, table, "rows")
        self._tests_of_ranked(linker)
        self.analysis: Analysis = rules.analysis()

    def _tests_of_ranked(self, linker: DefinitionLinker) -> None:
        """Reports outputs that a ranking has to know beforehand and cannot."""
        if self.rules.hit not in RANKED:
            return
        for row in self.rules.rows:
            for column, given in zip(self.rules.outputs, row.gives, strict=True):
                if column.options and given.expression is not None:
                    self._at(row, "E405", f"`{self.rules.hit}` has to know {column.name}, and this is an expression")

    def _at(self, row: Row, code: str, message: str, hint: str | None = None, *, warning: bool = False) -> None:
        self.report.problem(code, message, (row.cells.start, row.cells.end), hint, warning=warning)

    def _row(self, place: int) -> Row:
        return self.rules.rows[self.rules.sequence[place]]

    def _whole(self, code: str, message: str, hint: str | None = None, *, warning: bool = False) -> None:
        """Reports something about the table at its heading."""
        heading = read_grid(self.table.rows).heading
        where = (heading.start, heading.end) if heading is not None else (0, 0)
        self.report.problem(code, message, where, hint, warning=warning)

    def _bounded(self, what: str) -> None:
        message = f"the table is too large to look for all {what}: the check has stopped at its limit"
        self._whole("E408", message, "give it fewer inputs, or split it", warning=True)

    def dead_rows(self) -> set[str]:
        """The ids of rows that never hold; each is reported."""
        dead: set[str] = set()
        for place, column in self.analysis.never():
            row, name = self._row(place), self.rules.inputs[column].name
            self._at(row, "E407", f"the row never holds: no {name} that may occur is in its cell")
            dead.add(row.id)
        if self.rules.hit not in ("first", "priority"):
            return dead
        masked, complete = self.analysis.masked()
        for place, by in masked:
            row = self._row(place)
            who = f"'{self._row(by).id}' takes" if by is not None else "rows tried before it take"
            self._at(row, "E407", f"the row never has its turn: {who} all of its cases")
            dead.add(row.id)
        if not complete:
            self._bounded("rows that never have their turn")
        return dead

    def overlaps(self) -> None:
        """Reports pairs of rows that take one case both; under ``any`` only those that give different outputs."""
        pairs = self.analysis.overlaps()
        if self.rules.hit == "any":
            pairs = (pair for pair in pairs if self._row(pair[0]).gives != self._row(pair[1]).gives)
        for one, other in islice(pairs, MOST_FINDINGS):
            first, row = self._row(one), self._row(other)
            if first.tests == row.tests:
                message = f"the row has the same conditions as '{first.id}'"
                self._at(row, "E406", message, "take one of them out, or say `hit: first`")
            else:
                case = self.analysis.describe(self.analysis.common(one, other))
                message = f"the row and '{first.id}' both hold for {case}"
                self._at(row, "E406", message, "narrow one of them, or say `hit: first`")

    def gaps(self) -> None:
        """Reports cases that no row decides."""
        certain, complete = self.analysis.gaps(exact=False)
        self._tell_gaps(certain, warning=False)
        if not certain and complete and self.rules.rows:
            possible, _ = self.analysis.gaps(exact=True)
            if possible:
                self._tell_gaps(possible, warning=True)
        if not complete:
            self._bounded("cases that no row decides")

    def _tell_gaps(self, gaps: Sequence[Box], *, warning: bool) -> None:
        if not gaps:
            return
        cases = "; ".join(self.analysis.describe(gap) for gap in gaps[:NAMED])
        more = "; and more" if len(gaps) > NAMED else ""
        if warning:
            message = f"only rows with an expression may decide {cases}{more}"
        else:
            message = f"no row decides {cases}{more}"
        self._whole("E406", message, "add a row, or give an output a `default:`", warning=warning)

    def outputs(self, dead: set[str]) -> None:
        """Warns of options that no row gives."""
        alive = [row for row in self.rules.rows if row.id not in dead]
        for place, column in enumerate(self.rules.outputs):
            gives = [row.gives[place] for row in alive]
            if not column.options or any(given.expression is not None for given in gives):
                continue
            given = {each.value for each in gives}
            if self.rules.defaults is not None:
                given.add(self.rules.defaults[column.name])
            missing = [name for name in column.options if name not in given]
            if missing:
                message = f"nothing gives {column.name} {', '.join(missing)}"
                self._whole("E407", message, warning=True)
