"""The import of real invoices, against reading the same file with `csv` and writing its rows with `executemany`."""

from __future__ import annotations

import csv
import gzip
import io
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from benchmarks.company import ROOT
from benchmarks.table import Row
from engine.catalog.reload import CatalogHolder
from engine.runtime.engine import Engine
from engine.runtime.importing import Importer, ImportResult
from engine.runtime.intake import Intake
from engine.store.database import Database

WHOLE = ROOT.parent / "shared" / "data" / "online-retail.csv.gz"
SAMPLE = ROOT / "tests" / "data" / "online-retail-sample.csv"


def measure(*, quick: bool) -> list[Row]:
    """Lines per second, for the whole file where it is at hand, else for the sample that is kept with the tests."""
    path = WHOLE if WHOLE.exists() and not quick else SAMPLE
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        lines = _plain(path, Path(folder, "plain.db"))
        base = time.perf_counter() - began
        database = Database.open(f"sqlite:///{Path(folder, 'app.db')}")
        engine = Engine(CatalogHolder(ROOT), database)
        engine.prepare()
        began = time.perf_counter()
        result = Importer(Intake(engine.service), database).run("online_retail", path)
        took = time.perf_counter() - began
        database.close()
    seen = f"{lines / took:,.0f} lines/s against {lines / base:,.0f}; {_counts(result)}"
    return [Row(f"import of {lines:,} lines", "csv + executemany", base / took, "≥ 20,000 lines/s", seen)]


def _counts(result: ImportResult) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(result.rows.items()))


def _plain(path: Path, database: Path) -> int:
    """How many lines were written: the fastest that Python does without asking anything about them."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE line (invoice, code, description, quantity, moment, price, customer, country)")
    count = 0

    def rows() -> Iterator[list[object]]:
        nonlocal count
        for row in csv.reader(io.StringIO(text, newline="")):
            count += 1
            if count > 1:
                yield [row[0], row[1], row[2], int(row[3]), row[4], int(Decimal(row[5]).scaleb(3)), row[6], row[7]]

    connection.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows())
    connection.commit()
    return count - 1
