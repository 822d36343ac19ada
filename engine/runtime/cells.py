"""Cells of the tables that leave the house."""

from __future__ import annotations

#: Spreadsheet programs take a cell that begins so for a formula, and run it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """The text as no program takes it for a formula: with an apostrophe before it, which says that it is text."""
    return f"'{text}" if text.startswith(FORMULA) else text
