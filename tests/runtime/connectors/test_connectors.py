"""The ways out: what definitions may name is what there is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from engine.catalog.kinds.message import Way
from engine.runtime.clock import SetClock
from engine.runtime.connectors import connectors
from engine.runtime.settings import Settings


def test_every_way_that_a_message_may_name_has_a_connector() -> None:
    found = connectors(Settings({}), SetClock(datetime(2026, 11, 22, tzinfo=UTC)))
    assert set(found) == set(get_args(Way))
