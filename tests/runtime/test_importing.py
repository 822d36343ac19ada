"""Imports of whole files: what they count, how they go on after a crash, and what a dry run foretells."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from engine.catalog.builder import load
from engine.errors import BadRequest, NotFound
from engine.ports import Record
from engine.runtime.clock import SystemClock
from engine.runtime.importing import CHUNK, Importer, ImportResult
from engine.runtime.intake import Intake, Outcome
from engine.runtime.service import Service
from engine.store.database import Database
from engine.store.store import Store
from engine.store.transaction import Transaction
from tests.marks import SQLITE_FIRST

ROOT = Path(__file__).parents[2]
SYNTHETIC = ROOT / "tests/data/synthetic-invoices.csv"
HEADER, *BODY = SYNTHETIC.read_text("utf-8").splitlines()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An application with nothing but the channel of past invoices."""
    definitions = tmp_path / "shop/definitions"
    definitions.mkdir(parents=True)
    (definitions / "app.yaml").write_text("app: shop\ntimezone: Europe/London\n")
    shutil.copy(ROOT / "definitions/channels/online_retail.yaml", definitions)
    return definitions.parent


class Shop:
    """The application on an open database."""

    def __init__(self, root: Path, url: str) -> None:
        catalog = load(root)
        self.database = Database.open(url, durable=False)
        self.store = Store(catalog, self.database)
        self.service = Service(catalog, self.store, SystemClock(), lambda *_: catalog)
        self.importer = Importer(Intake(self.service), self.database)

    def run(self, file: Path, **how: Any) -> ImportResult:
        return self.importer.run("online_retail", file, **how)

    def count(self, model: str) -> int:
        """How many records there are."""
        return len(self.database.read(lambda tx: tx.core(select(self.store.tables[model].c["id"]))))


@pytest.fixture
def opened(shop: Path, database_url: str) -> Iterator[Shop]:
    running = Shop(shop, database_url)
    running.store.tables.metadata.create_all(running.database.engine)
    yield running
    running.database.close()


def write(folder: Path, *lines: str, name: str = "file.csv") -> Path:
    """A file with the header and these lines."""
    file = folder / name
    file.write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
    return file


def invoice(number: object, *, quantity: int = 1, price: str = "2.50", customer: str = "1", code: str = "M") -> str:
    return f"{number},{code},Mug,{quantity},2012-01-02 08:00:00,{price},{customer},France"


# What is counted ------------------------------------------------------------------------------------------------------


def test_rows_are_named_by_their_lines_in_the_file_where_the_header_is_line_1(opened: Shop, tmp_path: Path) -> None:
    file = write(
        tmp_path,
        invoice("1"),
        "",  # an empty line counts as one, but is no row
        invoice("2", customer=""),
        '3,M,"a description',
        'of two lines",1,2012-01-02 08:00:00,2.50,,France',
        invoice("2", customer=""),
    )
    result = opened.run(file)
    assert [list(refused.rows) for refused in result.refused] == [[4, 7], [5]]
    assert [refused.position for refused in result.refused] == [2, 3]
    codes = [[problem["code"] for problem in refused.problems] for refused in result.refused]
    assert codes == [["NO_CUSTOMER"], ["VALUE_CHARACTERS"]]
    assert result.counts == Counter(created=1, refused=2)
    assert result.rows == Counter(created=1, refused=3)


def test_each_chunk_is_told_of(opened: Shop, tmp_path: Path) -> None:
    told: list[int] = []
    file = write(tmp_path, *(invoice(number) for number in range(CHUNK + 3)))
    opened.run(file, report=lambda done, _: told.append(done))
    assert told == [CHUNK, CHUNK + 3]
    assert opened.count("retail_invoice") == CHUNK + 3


def test_a_packed_file_is_the_same_file(opened: Shop, tmp_path: Path) -> None:
    plain = write(tmp_path, invoice("1"))
    packed = tmp_path / "file.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert opened.run(packed).counts == Counter(created=1)
    with pytest.raises(BadRequest) as caught:
        opened.run(plain)
    assert caught.value.code == "IMPORTED_BEFORE"


def test_the_same_file_again_finds_its_records_there(opened: Shop, tmp_path: Path) -> None:
    file = write(tmp_path, invoice("1"), invoice("2", customer=""))
    opened.run(file)
    result = opened.run(file, again=True)
    assert result.counts == Counter(duplicate=1, refused=1)
    assert len(result.refused) == 1
    assert opened.count("retail_invoice") == 1


def test_what_was_refused_comes_in_when_the_file_is_mended(opened: Shop, tmp_path: Path) -> None:
    assert opened.run(write(tmp_path, invoice("1", customer=""))).counts == Counter(refused=1)
    assert opened.run(write(tmp_path, invoice("1", customer="7"))).counts == Counter(created=1)
    assert opened.count("arrival") == 1


def test_a_file_that_is_cut_off_in_its_packing_is_refused(opened: Shop, tmp_path: Path) -> None:
    packed = tmp_path / "file.csv.gz"
    packed.write_bytes(gzip.compress(write(tmp_path, invoice("1")).read_bytes())[:-9])
    with pytest.raises(BadRequest) as caught:
        opened.run(packed)
    assert caught.value.code == "WRONG_FORMAT"


def test_an_unknown_channel_is_named(opened: Shop, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no channel elsewhere"):
        opened.importer.run("elsewhere", write(tmp_path, invoice("1")))


# A dry run ------------------------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_foretells_the_real_one(opened: Shop) -> None:
    dry = opened.run(SYNTHETIC, dry_run=True)
    for model in ("retail_invoice", "retail_customer", "arrival"):
        assert opened.count(model) == 0
    real = opened.run(SYNTHETIC)
    assert dry.refused == real.refused
    assert (dry.counts, dry.rows) == (real.counts, real.rows)
    assert real.counts["refused"] > 50


# A crash --------------------------------------------------------------------------------------------------------------


class Crash(Exception):
    """Stands for whatever ends a run between two chunks or within one."""


def test_a_failure_in_a_chunk_loses_that_chunk_alone(opened: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = 0
    settle = Intake.take

    def failing(self: Intake, tx: Transaction, name: str, raws: Any, *, ip: str | None = None) -> Iterator[Outcome]:
        nonlocal chunks
        chunks += 1
        yield from settle(self, tx, name, raws, ip=ip)
        if chunks == 3:
            raise Crash

    monkeypatch.setattr(Intake, "take", failing)
    with pytest.raises(Crash):
        opened.run(SYNTHETIC)
    monkeypatch.undo()
    first = opened.count("arrival")
    assert first <= 2 * CHUNK  # the third was rolled back with its records
    result = opened.run(SYNTHETIC)
    assert result.resumed_at == 2 * CHUNK
    assert facts(opened) == facts_of(SYNTHETIC)


@pytest.mark.parametrize("database_url", SQLITE_FIRST, indirect=True)
def test_an_import_that_is_killed_at_any_moment_goes_on_and_ends_as_if_nothing_had_been(
    shop: Path, database_url: str, tmp_path: Path
) -> None:
    report = tmp_path / "refused.jsonl"
    command = [sys.executable, str(ROOT / "cli.py"), "--app", str(shop), "--database", database_url]
    command += ["import", "online_retail", str(SYNTHETIC), "--report", str(report)]
    seen = 0
    # Each time at another part of a chunk: right after a commit, or some way into the next.
    for wait in (0.0, 0.05, 0.12):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        seen = wait_for_progress(process, database_url, seen)
        time.sleep(wait)
        process.kill()
        process.communicate()
        assert process.returncode == -9, "it was done before it could be killed: make the file longer"
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    assert "went on after" in done.stdout
    running = Shop(shop, database_url)
    try:
        assert facts(running) == facts_of(SYNTHETIC)
    finally:
        running.database.close()
    refused = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    assert sorted(row for record in refused for row in record["rows"]) == refused_rows(SYNTHETIC)


def wait_for_progress(process: subprocess.Popen[bytes], url: str, seen: int) -> int:
    """How many records the import has dealt with, once it has committed more than ``seen``."""
    engine = create_engine(url)
    try:
        for _ in range(6_000):
            assert process.poll() is None, process.communicate()[1].decode()
            try:
                with engine.connect() as connection:
                    done: int = connection.execute(text("SELECT coalesce(max(done), 0) FROM _import")).scalar_one()
            except DBAPIError:
                done = 0  # its tables are not there yet
            if done > seen:
                return done
            time.sleep(0.02)
    finally:
        engine.dispose()
    raise AssertionError("the import did not come forward")


def facts(running: Shop) -> tuple[int, int, Decimal]:
    """How many invoices there are, how many rows they have, and what these come to."""
    tables = running.store.tables

    def read(tx: Transaction) -> tuple[list[Record], list[Record]]:
        return tx.core(select(tables["retail_invoice"])), tx.core(select(tables.rows("retail_invoice", ("lines",))))

    invoices, lines = running.database.read(read)
    assert len({found["invoice_no"] for found in invoices}) == len(invoices)
    amounts = [line["quantity"] * line["unit_price"] for line in lines]
    assert sum(found["total"] for found in invoices) == sum(amounts)
    return len(invoices), len(lines), sum(amounts, Decimal())


def facts_of(file: Path) -> tuple[int, int, Decimal]:
    """What ``facts`` must be after the file was imported, worked out without the engine."""
    taken = [rows for rows in invoices_of(file).values() if is_acceptable([row for _, row in rows])]
    amounts = [int(row["Quantity"]) * Decimal(row["UnitPrice"]) for rows in taken for _, row in rows]
    return len(taken), len(amounts), sum(amounts, Decimal())


def refused_rows(file: Path) -> list[int]:
    """The lines of the file whose invoice is refused."""
    groups = invoices_of(file).values()
    return sorted(at for rows in groups if not is_acceptable([row for _, row in rows]) for at, _ in rows)


def invoices_of(file: Path) -> dict[str, list[tuple[int, dict[str, str]]]]:
    found: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for at, row in enumerate(csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")), 2):
        found.setdefault(row["InvoiceNo"], []).append((at, row))
    return found


def is_acceptable(rows: list[dict[str, str]]) -> bool:
    sign = -1 if rows[0]["InvoiceNo"].startswith("C") else 1
    return (
        bool(rows[0]["CustomerID"])
        and any(Decimal(row["UnitPrice"]) for row in rows)
        and all(Decimal(row["UnitPrice"]) >= 0 and int(row["Quantity"]) * sign > 0 for row in rows)
    )
