"""The reference application, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.catalog.builder import load
from engine.catalog.catalog import Catalog

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the application."""
    return ROOT


@pytest.fixture(scope="session")
def application(root: Path) -> Catalog:
    """Its catalogue."""
    return load(root)
