"""Asks decision tables inside an act: finds the version that counts, and leaves its reasons in the record's history."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.table import Table
from engine.errors import Refused
from engine.policy.decide import decide
from engine.ports import Decide
from engine.runtime.act import Act, Working

if TYPE_CHECKING:
    from engine.runtime.service import Service


def asked(service: Service, catalog: Catalog, act: Act, effect: Decide, working: Working | None, event: str) -> Any:
    """What the table of the catalogue gives. Why goes to the history of the record that it is asked about."""
    table = _version(service, catalog, act, effect, working)
    record, names = effect.record, effect.names
    if record is not None and table.for_ is not None:
        act.store.records.expand(act.tx, table.for_, [record], table.reads)
    if record is not None and names.get("record") is not record:
        names = act.names(effect.model, record, event)
    value, reason = decide(table, record, names, effect.given)
    if working is not None:
        working.trail.append(reason)
    return value


def _version(service: Service, catalog: Catalog, act: Act, effect: Decide, working: Working | None) -> Table:
    """The version of the table that counts: by the day, in the definitions given or in those of the case."""
    moment = effect.as_of if effect.as_of is not None else act.moment
    if effect.pinned:
        case = act.case_of(working) if working is not None else None
        if case is None:
            raise Refused(f"{effect.table}: there is no case to keep to", code="NO_DECISION")
        catalog, moment = service.catalog_of(act.tx, case), case["started_at"]
    day = _day(catalog, moment)
    table = catalog.table_on(effect.table, day)
    if table is None:
        raise Refused(f"{effect.table}: no version holds on {day}", code="NO_DECISION")
    return table


def _day(catalog: Catalog, moment: date | datetime) -> date:
    """The day on the application's clocks."""
    return moment.astimezone(ZoneInfo(catalog.app.timezone)).date() if isinstance(moment, datetime) else moment
