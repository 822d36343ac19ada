"""Working time by the application's own calendar: which one that is, and that what records say follows it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from engine.catalog.builder import load
from engine.catalog.reload import CatalogHolder
from engine.errors import DefinitionError, ExpressionError
from engine.ports import Record
from engine.runtime.clock import SetClock
from engine.runtime.engine import Engine
from engine.runtime.service import SYSTEM
from engine.runtime.timers import Timers
from engine.store.database import Database
from tests.runtime.post import stored

DAY = timedelta(days=1)

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


WAITING = """
---
model: question
key: code
workflow: asking
fields: {code: {type: text, unique: true}}
---
workflow: asking
for: question
start: asked
states:
  asked:
    timers:
      late: {after: 2 work_days, next: {over: {to: over}}}
      plain: {after: 3 d, do: [{fire: look}]}
    events: {look: {}}
  over: {do: [{hold: slow, assign: {role: clerk}, due: 4 work_hours}]}
---
access: clerk
"""


def test_a_new_calendar_moves_what_is_still_to_come(tmp_path: Path) -> None:
    folder = written(tmp_path, DESK + WAITING)
    database = Database.open(f"sqlite:///{tmp_path / 'desk.db'}")
    friday = SetClock(datetime(2026, 11, 20, 7, tzinfo=UTC))
    engine = Engine(CatalogHolder(folder), database, friday)
    engine.prepare()
    make = engine.service.create
    engine.write(lambda tx: make(tx, SYSTEM, "question", {"code": "Q1"}))
    assert due(engine) == {"asked.late": datetime(2026, 11, 27, 7, tzinfo=UTC), "asked.plain": friday.now() + 3 * DAY}

    file = folder / "definitions" / "desk.yaml"
    file.write_text(file.read_text("utf-8").replace("2026-11-23: A day off", "2026-11-26: Another day"), "utf-8")
    engine.holder.reload()
    ticker = Timers(engine)
    assert ticker.turn() == 0
    # Monday is worked again, Thursday is not: two workdays after Friday are Monday and the Friday that follows.
    assert due(engine) == {"asked.late": datetime(2026, 11, 27, 7, tzinfo=UTC), "asked.plain": friday.now() + 3 * DAY}

    file.write_text(file.read_text("utf-8").replace("{2026-11-26: Another day}", "{}"), "utf-8")
    engine.holder.reload()
    ticker.turn()
    assert due(engine) == {"asked.late": datetime(2026, 11, 26, 7, tzinfo=UTC), "asked.plain": friday.now() + 3 * DAY}
    friday.step(6 * DAY)
    assert ticker.turn() == 2
    [row] = [row for row in rows(engine) if row["step"] == "asked.late"]
    assert engine.write(lambda tx: engine.service.deadlines.go_off(tx, row["id"]))
    [hold] = stored(engine, "hold")
    assert hold["due_at"] == datetime(2026, 11, 27, 3, tzinfo=UTC), "two hours on Thursday, two on Friday"

    file.write_text(file.read_text("utf-8").replace("holidays: {}", "holidays: {2026-11-27: Nobody works}"), "utf-8")
    engine.holder.reload()
    ticker.turn()
    [hold] = stored(engine, "hold")
    assert hold["due_at"] == datetime(2026, 11, 30, 3, tzinfo=UTC), "what people see moves with it"
    database.close()


def rows(engine: Engine) -> list[Record]:
    return stored(engine, "timer")


def due(engine: Engine) -> dict[str, datetime]:
    return {row["step"]: row["due_at"] for row in rows(engine)}
