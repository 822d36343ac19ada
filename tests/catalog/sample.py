"""The sound application that many tests of this folder begin with."""

from __future__ import annotations

from pathlib import Path

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.errors import DefinitionError

PARCELS = (Path(__file__).parents[1] / "cases" / "base" / "parcels.yaml").read_text(encoding="utf-8")


def parcels(more: str = "") -> Catalog:
    """The application, with the documents of one more file."""
    return build_texts({"base.yaml": PARCELS, **({"more.yaml": more} if more else {})})


def problems(more: str) -> list[str]:
    """The problems that one more file brings, as ``line:column code message``."""
    try:
        parcels(more)
    except DefinitionError as error:
        return [
            f"{problem.span.line}:{problem.span.column} {problem.code} {problem.message}"
            if problem.span
            else str(problem)
            for problem in error.problems
        ]
    return []
