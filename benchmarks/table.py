"""The table of results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One result: what was measured, against what, the ratio (more is better), the goal, and what
    the run looked like."""

    what: str
    baseline: str
    ratio: float | None
    goal: str
    seen: str


def render(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    lines = ["| measured | against | ratio | goal | in this run |", "|---|---|---|---|---|"]
    for row in rows:
        ratio = "–" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(f"| {row.what} | {row.baseline} | {ratio} | {row.goal} | {row.seen} |")
    return "\n".join(lines)
