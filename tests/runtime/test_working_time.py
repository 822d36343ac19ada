"""Working time by the application's own calendar: which one that is, and that what records say follows it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.catalog.builder import load
from engine.catalog.reload import CatalogHolder
from engine.errors import DefinitionError, ExpressionError
from engine.runtime.clock import SetClock
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.store.database import Database

DESK = """
app: desk
timezone: Asia/Shanghai
---
model: errand
fields:
  begun: {type: date, required: true}
  due: {type: date, value: "add_work_days(begun, 2)"}
  answer_by: {type: datetime, default: "add_work_hours(now, 4)"}
---
calendar: office
week:
  monday: [["09:00", "17:00"]]
  thursday: [["09:00", "17:00"]]
  friday: [["09:00", "17:00"]]
holidays: {2026-11-23: A day off}
"""
SHOP = "---\ncalendar: shop\nweek: {saturday: [['10:00', '24:00']]}\n"


def written(folder: Path, text: str) -> Path:
    (folder / "definitions").mkdir()
    (folder / "definitions" / "desk.yaml").write_text(text, "utf-8")
    return folder


def test_records_follow_the_only_calendar(tmp_path: Path) -> None:
    written(tmp_path, DESK)
    database = Database.open(f"sqlite:///{tmp_path / 'desk.db'}")
    friday = SetClock(datetime(2026, 11, 20, 7, tzinfo=UTC))  # three in the afternoon there
    engine = Engine(CatalogHolder(tmp_path), database, friday)
    engine.prepare()
    errand = engine.write(lambda tx: engine.service.create(tx, SYSTEM, "errand", {"begun": "2026-11-20"}))
    assert errand["due"] == date(2026, 11, 27), "Monday is off, so that Thursday and Friday follow"
    assert errand["answer_by"] == datetime(2026, 11, 26, 3, tzinfo=UTC), "two hours today, two on Thursday morning"
    database.close()


def test_the_application_names_one_of_several_calendars(tmp_path: Path) -> None:
    named = load(written(tmp_path, DESK.replace("app: desk", "app: desk\ncalendar: shop") + SHOP))
    assert named.working_time is not None
    assert named.working_time.is_workday(date(2026, 11, 21))
    assert named.working_time.timezone == "Asia/Shanghai"


def test_of_several_calendars_none_is_guessed(tmp_path: Path) -> None:
    catalog = load(written(tmp_path, DESK + SHOP))
    assert catalog.working_time is None
    due = catalog.compile("is_workday(begun)", catalog.scope("errand"))
    with pytest.raises(ExpressionError, match="the application has no calendar"):
        due({"begun": date(2026, 11, 20)}, {"_calendar": catalog.working_time})


def test_a_calendar_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"desk\.yaml:3:\d+: E302 .*ofice.*office"):
        load(written(tmp_path, DESK.replace("app: desk", "app: desk\ncalendar: ofice")))
