"""Proves a table: which cases no row decides, which two rows decide, which rows never come to their turn.

The work is bounded. What could not be looked through in that bound is said, never taken for proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.tables.axis import Axis, bits
from engine.tables.cells import Test
from engine.tables.matching import masks

#: Steps of work for one question about a table.
MOST_STEPS = 200_000
#: Findings of one sort that are told one by one.
MOST_FINDINGS = 20

#: For each column the pieces in it: all combinations of them.
Box = tuple[int, ...]


class Exhausted(Exception):
    """The bound on work was reached."""


class Analysis:
    """The rows of a table as boxes of pieces. Rows whose ``exact`` bit is unset have an expression: they may take less
    than their box."""

    def __init__(self, axes: Sequence[Axis], rows: Sequence[Sequence[Test]], *, most_steps: int = MOST_STEPS) -> None:
        self._axes = axes
        self.boxes: list[Box] = [
            tuple(axis.pieces(test) & axis.domain for axis, test in zip(axes, row, strict=True)) for row in rows
        ]
        self.exact = sum(1 << number for number, row in enumerate(rows) if all(test.expression is None for test in row))
        self._everything = (1 << len(rows)) - 1
        self._masks = [masks(axis, [row[place] for row in rows]) for place, axis in enumerate(axes)]
        #: The pieces of each column by the rows that take them: pieces that no row tells apart are one.
        self._groups: list[dict[int, int]] = []
        for axis, found in zip(axes, self._masks, strict=True):
            groups: dict[int, int] = {}
            for piece in bits(axis.domain):
                groups[found[piece]] = groups.get(found[piece], 0) | 1 << piece
            self._groups.append(groups)
        self._most_steps = most_steps
        self._left = most_steps

    # Gaps -----------------------------------------------------------------------------------------------------------

    def gaps(self, *, exact: bool, most: int = MOST_FINDINGS) -> tuple[list[Box], bool]:
        """Boxes of cases that no row takes, and whether these are all. ``exact``: rows with an expression count for
        none; else they count as if it were always true."""
        rows = self.exact if exact else self._everything
        return self._uncovered(tuple(axis.domain for axis in self._axes), rows, most)

    def _uncovered(self, box: Box, rows: int, most: int) -> tuple[list[Box], bool]:
        """The parts of a box that none of the rows takes."""
        self._left = self._most_steps
        known: dict[tuple[int, int], list[Box]] = {}
        # A row that takes all of the columns from there on leaves no gap in them.
        full = [self._everything] * (len(box) + 1)
        for place in range(len(box) - 1, -1, -1):
            whole = sum(1 << n for n, other in enumerate(self.boxes) if not box[place] & ~other[place])
            full[place] = full[place + 1] & whole
        whole_so_far = True

        def search(place: int, left: int) -> list[Box]:
            nonlocal whole_so_far
            if left & full[place]:
                return []
            if not left:
                return [box[place:]]
            found = known.get((place, left))
            if found is not None:
                return found
            merged: dict[tuple[Box, ...], int] = {}
            for mask, pieces in self._groups[place].items():
                pieces &= box[place]
                if pieces:
                    self._left -= 1
                    if self._left < 0:
                        raise Exhausted
                    rest = tuple(search(place + 1, left & mask))
                    merged[rest] = merged.get(rest, 0) | pieces
            found = [(pieces, *tail) for rest, pieces in merged.items() for tail in rest]
            if len(found) > most:
                whole_so_far = False
                del found[most:]
            known[place, left] = found
            return found

        if any(not pieces for pieces in box):
            return [], True
        try:
            return search(0, rows), whole_so_far
        except Exhausted:
            return [], False

    def describe(self, box: Box) -> str:
        """A box for people: ``amount [1..5), level A``. Columns in which it is everything are left out."""
        parts = [
            f"{axis.column.name} {axis.describe(pieces)}"
            for axis, pieces in zip(self._axes, box, strict=True)
            if pieces != axis.domain
        ]
        return " and ".join(parts) if parts else "every case"

    # Rows against each other ----------------------------------------------------------------------------------------

    def never(self) -> Iterator[tuple[int, int]]:
        """Rows that take nothing which may occur, with the column whose cell does not."""
        for number, box in enumerate(self.boxes):
            for place, pieces in enumerate(box):
                if not pieces:
                    yield number, place
                    break

    def overlaps(self) -> Iterator[tuple[int, int]]:
        """Pairs of rows that take one case both, the earlier one first. Rows with an expression are not among them."""
        touching: list[dict[int, int]] = [{} for _ in self._axes]
        for number, box in enumerate(self.boxes):
            if not self.exact >> number & 1:
                continue
            others = self.exact & (1 << number) - 1
            for place, pieces in enumerate(box):
                if not others:
                    break
                others &= self._touching(place, pieces, touching[place])
            for other in bits(others):
                yield other, number

    def _touching(self, place: int, pieces: int, known: dict[int, int]) -> int:
        """The rows that take any of the pieces."""
        found = known.get(pieces)
        if found is None:
            found = 0
            for mask, group in self._groups[place].items():
                if group & pieces:
                    found |= mask
            known[pieces] = found
        return found

    def common(self, one: int, other: int) -> Box:
        """The cases that both rows take."""
        return tuple(a & b for a, b in zip(self.boxes[one], self.boxes[other], strict=True))

    def masked(self) -> tuple[list[tuple[int, int | None]], bool]:
        """Rows that earlier ones leave nothing of, each with the one that does it, or None where several do it
        together; and whether all rows were looked at."""
        found: list[tuple[int, int | None]] = []
        complete = True
        touching: list[dict[int, int]] = [{} for _ in self._axes]
        for number, box in enumerate(self.boxes):
            earlier = self.exact & (1 << number) - 1
            for place, pieces in enumerate(box):
                earlier &= self._touching(place, pieces, touching[place])
            if not earlier or not all(box):
                continue
            alone = next(
                (n for n in bits(earlier) if not any(a & ~b for a, b in zip(box, self.boxes[n], strict=True))), None
            )
            if alone is not None:
                found.append((number, alone))
                continue
            left, whole = self._uncovered(box, earlier, 1)
            if not left and not whole:
                complete = False
            elif not left:
                found.append((number, None))
        return found, complete
