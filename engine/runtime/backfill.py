"""Working out fields that old records have not had yet."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from engine.errors import Complaint
from engine.policy.compute import at_level
from engine.runtime.act import Act
from engine.runtime.service import SYSTEM, Service
from engine.store.migrate.operations import Progress
from engine.store.tables import Path
from engine.store.transaction import Transaction

#: Records that are in memory at a time.
CHUNK = 500


def work_out_old_records(
    service: Service, tx: Transaction, model: str, fields: Sequence[tuple[Path, str]], progress: Progress
) -> int:
    """How many records, those in the trash too, have got their values of the fields, each the path of its rows and its
    name. One that cannot be worked out stays empty, as it would in a new record.

    Nothing else of a record changes: neither its version nor what was worked out by the rules of its own time.
    """
    table = service.store.tables[model]
    ids = select(table.c["id"]).order_by(table.c["id"]).limit(CHUNK)
    what = f"work out {', '.join('.'.join((model, *path, name)) for path, name in fields)}"
    done, chunk = 0, tx.core(ids)
    while chunk:
        keys = [str(row["id"]) for row in chunk]
        for trashed in (False, True):
            _work_out(service, tx, model, keys, fields, trashed=trashed)
        # A transaction remembers each record that it has read; of these nobody asks again.
        tx.memo.clear()
        done += len(keys)
        progress(what, done, 0)
        chunk = tx.core(ids.where(table.c["id"] > chunk[-1]["id"]))
    return done


def _work_out(
    service: Service,
    tx: Transaction,
    model: str,
    keys: Sequence[str],
    fields: Sequence[tuple[Path, str]],
    *,
    trashed: bool,
) -> None:
    plan = service.plan(model)
    act = Act(service.catalog, service.store, tx, SYSTEM, service.clock.now())
    for record in service.store.records.load(tx, model, keys, plan.reads, trashed=trashed):
        before = service.store.records.snapshot(model, record)
        after = service.store.records.snapshot(model, before)
        complaints: list[Complaint] = []
        plan.computer.compute(record, act.names(model, record, "apply"), complaints)
        for path, name in fields:
            for row, worked_out in zip(at_level(after, path), at_level(record, path), strict=True):
                row[name] = worked_out[name]
        service.store.records.update(tx, model, before, after)
