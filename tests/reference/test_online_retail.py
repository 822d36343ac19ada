"""Real invoices come in whole: what is accepted and refused adds up to an independent count of their file."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.catalog.catalog import Catalog
from engine.cli.changed import laid_over
from engine.ports import Record
from engine.runtime.backtest import Backtest
from engine.runtime.clock import SystemClock
from engine.runtime.importing import Importer, ImportResult
from engine.runtime.intake import Intake
from engine.runtime.judges.everyone import KINDS
from engine.runtime.scratch import Scratch, scratch
from engine.runtime.service import Service
from engine.store.transaction import Transaction

CHANNEL = "online_retail"


@pytest.fixture(scope="module")
def sample(root: Path) -> Path:
    return root / "tests/data/online-retail-sample.csv"


@pytest.fixture(scope="module")
def lines(sample: Path) -> dict[int, dict[str, str]]:
    """The lines of the file by their number, read without the engine. No cell of it goes over two lines."""
    with sample.open(encoding="utf-8", newline="") as file:
        return dict(enumerate(csv.DictReader(file), 2))


@pytest.fixture(scope="module")
def database(application: Catalog) -> Iterator[Scratch]:
    with scratch(application) as made:
        yield made


@pytest.fixture(scope="module")
def service(application: Catalog, database: Scratch) -> Service:
    return Service(application, database.store, SystemClock(), lambda *_: application)


@pytest.fixture(scope="module")
def result(service: Service, database: Scratch, sample: Path) -> ImportResult:
    return Importer(Intake(service), database.database).run(CHANNEL, sample)


@pytest.fixture(scope="module")
def invoices(
    service: Service, database: Scratch, result: ImportResult, lines: dict[int, dict[str, str]]
) -> list[Record]:
    """All invoices that have come in, with their lines and customers."""

    def read(tx: Transaction) -> list[Record]:
        records, model = service.store.records, "retail_invoice"
        numbers = records.resolve(tx, model, {line["InvoiceNo"] for line in lines.values()})
        return records.load(
            tx, model, list(numbers.values()), frozenset({("customer", "number"), ("lines", "quantity")})
        )

    assert result.counts["created"]
    return database.database.read(read)


@pytest.fixture(scope="module")
def refused(result: ImportResult) -> set[int]:
    """The numbers of the lines that were refused."""
    return {row for record in result.refused for row in record.rows}


def test_every_line_is_accepted_or_refused(result: ImportResult, lines: dict[int, dict[str, str]]) -> None:
    assert sum(result.rows.values()) == len(lines)
    assert sum(result.counts.values()) == len({line["InvoiceNo"] for line in lines.values()})
    assert set(result.counts) == {"created", "refused"}


def test_quantities_and_sums_add_up_to_those_of_the_file(
    lines: dict[int, dict[str, str]], invoices: list[Record], refused: set[int]
) -> None:
    taken = [(line["quantity"], line["unit_price"]) for invoice in invoices for line in invoice["lines"]]
    left = [(int(lines[at]["Quantity"]), Decimal(lines[at]["UnitPrice"])) for at in refused]
    whole = [(int(line["Quantity"]), Decimal(line["UnitPrice"])) for line in lines.values()]
    assert sum(quantity for quantity, _ in taken + left) == sum(quantity for quantity, _ in whole)
    assert sum(quantity * price for quantity, price in taken + left) == sum(
        quantity * price for quantity, price in whole
    )
    assert sum(invoice["total"] for invoice in invoices) == sum(quantity * price for quantity, price in taken)


def test_accepted_lines_are_those_of_the_file_one_by_one(
    lines: dict[int, dict[str, str]], invoices: list[Record], refused: set[int]
) -> None:
    stored = Counter(
        (invoice["invoice_no"], invoice["customer"]["number"], line["stock_code"], line["quantity"], line["unit_price"])
        for invoice in invoices
        for line in invoice["lines"]
    )
    expected = Counter(
        (line["InvoiceNo"], line["CustomerID"], line["StockCode"], int(line["Quantity"]), Decimal(line["UnitPrice"]))
        for at, line in lines.items()
        if at not in refused
    )
    assert stored == expected


def test_each_reason_for_a_refusal_is_right(result: ImportResult, lines: dict[int, dict[str, str]]) -> None:
    def reasons(rows: list[dict[str, str]]) -> set[str]:
        prices = [Decimal(row["UnitPrice"]) for row in rows]
        if min(prices) < 0:
            return {"VALUE_RANGE"}  # the map already fails: nothing is asked of what it could not make
        sign = -1 if rows[0]["InvoiceNo"].startswith("C") else 1
        wrong = {
            "NO_CUSTOMER": not rows[0]["CustomerID"],
            "STOCK_CORRECTION": not any(prices),
            "WRONG_SIGN": any(int(row["Quantity"]) * sign <= 0 for row in rows),
        }
        return {code for code, holds in wrong.items() if holds}

    by_invoice: dict[str, list[int]] = {}
    for at, line in lines.items():
        by_invoice.setdefault(line["InvoiceNo"], []).append(at)
    expected = [(rows, codes) for rows in by_invoice.values() if (codes := reasons([lines[at] for at in rows]))]
    found = [(list(record.rows), {str(problem["code"]) for problem in record.problems}) for record in result.refused]
    assert found == expected
    assert {code for _, codes in found for code in codes} == {
        "VALUE_RANGE", "NO_CUSTOMER", "STOCK_CORRECTION", "WRONG_SIGN",
    }  # fmt: skip


def test_what_was_refused_is_kept_as_it_came(
    service: Service, database: Scratch, result: ImportResult, lines: dict[int, dict[str, str]]
) -> None:
    record = next(record for record in result.refused if len(record.rows) > 3)
    number = lines[record.rows[0]]["InvoiceNo"]
    key = json.dumps([number])
    arrival = database.database.read(lambda tx: service.store.arrivals.known(tx, CHANNEL, [key]))[key]
    assert arrival["outcome"] == "refused"
    assert arrival["raw"]["rows"] == [lines[at] for at in record.rows]


def test_an_invoice_whose_rows_stand_apart_is_one(invoices: list[Record], lines: dict[int, dict[str, str]]) -> None:
    at = [at for at, line in lines.items() if line["InvoiceNo"] == "542806"]
    assert at[-1] - at[0] > len(at) - 1
    [invoice] = [invoice for invoice in invoices if invoice["invoice_no"] == "542806"]
    assert len(invoice["lines"]) == len(at)


def test_rules_that_are_not_in_force_are_tried_on_the_invoices(
    root: Path, application: Catalog, database: Scratch, invoices: list[Record]
) -> None:
    file = root / "examples/backtest/retail_surge.yaml"
    # A small sample has small customers: the same rules with small figures.
    text = file.read_text("utf-8").replace("5000", "300").replace("20000", "1000")
    changed, [(kind, name)] = laid_over(application, {file.name: text}, KINDS)
    test = Backtest(database.store, database.database, changed, kind, name, amount="total", as_of="invoiced_at")
    result = test.run(event="create")
    expected: Counter[tuple[str, str]] = Counter()
    amounts: Counter[tuple[str, str]] = Counter()
    for invoice in invoices:
        hits = [
            name for name, hit in (("surge", _surges(invoice, invoices)), ("large", invoice["total"] >= 1000)) if hit
        ]
        if hits:
            expected["passed", f"review: {', '.join(hits)}"] += 1
            amounts["passed", f"review: {', '.join(hits)}"] += invoice["total"]
    assert result.decisions == len(invoices)
    assert result.changed == expected
    assert result.amounts == amounts
    assert len(expected) > 1, "the sample has some of both"


def _surges(invoice: Record, invoices: list[Record]) -> bool:
    """The rule by hand: over all invoices of the customer, by the application's days."""
    zone = ZoneInfo("Asia/Shanghai")
    at = invoice["invoiced_at"]
    today = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    of_the_customer = [other for other in invoices if other["customer"]["id"] == invoice["customer"]["id"]]
    spent = sum(other["total"] for other in of_the_customer if today <= other["invoiced_at"] <= at)
    before = [other for other in of_the_customer if today - timedelta(days=28) <= other["invoiced_at"] < today]
    usual = sum(other["total"] for other in before) / Decimal(28)
    return usual > 0 and spent >= usual * 4 and spent >= 300
