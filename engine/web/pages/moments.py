"""Moments for people: on the application's clocks, in the reader's way of writing them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from engine.web.pages.visit import Visit


def moment_text(visit: Visit, moment: datetime) -> str:
    """The moment to the minute. Years first, in both languages: ``2026-11-22 09:59``."""
    return f"{moment.astimezone(ZoneInfo(visit.catalog.app.timezone)):%Y-%m-%d %H:%M}"
