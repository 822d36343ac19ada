"""Writes ``synthetic-invoices.csv`` beside it: ``python -m tests.data.synthetic`` brings forth the same bytes each
time."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

FILE = Path(__file__).with_name("synthetic-invoices.csv")
SEED = 20111209
INVOICES = 1_200
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
COUNTRIES = ("United Kingdom", "France", "EIRE", "中国", "Österreich")
GOODS = ("LANTERN, WHITE", 'BOX "LARGE"', "CARILLON D'ÉTÉ", "灯笼 LANTERN", "  MUG  ", "")


def text(seed: int = SEED, invoices: int = INVOICES) -> str:
    """The file's text. Rows of every tenth invoice are strewn among those of its neighbours."""
    chance = random.Random(seed)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    waiting: list[tuple[str, ...]] = []
    for number in range(invoices):
        rows = list(_invoice(chance, number))
        if number % 10 == 0:
            waiting, rows = [*waiting, *rows[1:]], rows[:1]
        elif waiting:
            rows, waiting = [*rows, *waiting[:1]], waiting[1:]
        writer.writerows(rows)
    writer.writerows(waiting)
    return out.getvalue()


def _invoice(chance: random.Random, number: int) -> Iterator[tuple[str, ...]]:
    kind = chance.choices(("sale", "cancelled", "nobody", "correction", "adjusted", "wrong sign"), (80, 8, 6, 3, 1, 2))[
        0
    ]
    name = {"cancelled": "C", "adjusted": "A"}.get(kind, "") + str(700_000 + number)
    customer = "" if kind in ("nobody", "correction", "adjusted") else str(chance.randrange(12_000, 12_400))
    moment = datetime.fromisoformat("2012-01-02 08:00:00") + timedelta(minutes=7 * number)
    country = chance.choice(COUNTRIES)
    for _ in range(1 if kind == "adjusted" else chance.randrange(1, 9)):
        pieces = chance.randrange(1, 200) * (-1 if kind in ("cancelled", "wrong sign") else 1)
        price = {"correction": "0.0", "adjusted": "-11062.06"}.get(kind) or f"{chance.randrange(1, 99_999) / 1000:.3f}"
        code = chance.choice(("POST", "M", f"{chance.randrange(10_000, 99_999)}{chance.choice(('', 'A', 'b'))}"))
        yield name, code, chance.choice(GOODS), str(pieces), str(moment), price, customer, country


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8", newline="")
