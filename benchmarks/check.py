"""`check` of 1,000 definition files: cold and warm, against reading the same files with PyYAML's fastest loader."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import yaml

from benchmarks.table import Row
from engine.catalog.cache import check

FILE = """\
model: thing_{n}
label: {{zh: 物品 {n}, en: Thing {n}}}
key: code
title: name
fields:
  code: {{type: text, max: 20, unique: true, required: true, label: {{zh: 编码, en: Code}}}}
  name: {{type: text, max: 100, required: true, label: {{zh: 名称, en: Name}}}}
  kind: {{type: choice, of: {{a: {{zh: 甲, en: A}}, b: {{zh: 乙, en: B}}}}, default: a, label: {{zh: 种类, en: Kind}}}}
  before: {{type: link, to: thing_{other}, label: {{zh: 前一个, en: Before}}}}
  amount: {{type: money, value: sum(lines.amount), label: {{zh: 金额, en: Amount}}}}
  limit: {{type: lookup, from: before.amount, label: {{zh: 限额, en: Limit}}}}
  lines:
    type: rows
    key: line
    label: {{zh: 明细, en: Lines}}
    of:
      line: {{type: integer, label: {{zh: 行, en: Line}}}}
      quantity: {{type: decimal, digits: 3, above: 0, required: true, label: {{zh: 数量, en: Quantity}}}}
      price: {{type: money, min: 0, required: true, label: {{zh: 单价, en: Price}}}}
      amount: {{type: money, value: "round(quantity * price, 2)", label: {{zh: 金额, en: Amount}}}}
unique: [[name, kind]]
checks:
  has_lines: {{require: count(lines) > 0, at: lines, message: {{zh: 至少一行, en: At least one line}}}}
  in_limit: {{require: amount <= before.amount or kind == "b", at: amount, message: {{zh: 超过前一个, en: Too much}}}}
---
view: things_{n}
for: thing_{n}
label: {{zh: 全部, en: All}}
columns: [code, name, kind, amount, before.name]
where: amount > 0
sort: -amount
"""


def measure(*, quick: bool) -> list[Row]:
    """Seconds cold and warm; the ratio to composing the same texts with libyaml, which does none of the checking."""
    count = 200 if quick else 1000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "app")
        (root / "definitions").mkdir(parents=True)
        for n in range(count):
            text = FILE.format(n=n, other=(n + 1) % count)
            (root / "definitions" / f"thing_{n}.yaml").write_text(text, encoding="utf-8")
        cache = Path(folder, "cache")
        began = time.perf_counter()
        for path in root.rglob("*.yaml"):
            list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
        base = time.perf_counter() - began
        began = time.perf_counter()
        found = check(root, cache_dir=cache)
        cold = time.perf_counter() - began
        if found.problems:
            raise SystemExit(f"the generated files have problems: {found.problems[0]}")
        began = time.perf_counter()
        check(root, cache_dir=cache)
        warm = time.perf_counter() - began
    what = f"check of {count:,} files"
    return [
        Row(
            f"{what}, cold",
            "PyYAML CSafeLoader, no check",
            base / cold,
            "cold < 1.5 s",
            f"{cold:.2f} s against {base:.2f} s",
        ),
        Row(f"{what}, nothing changed", "the same", base / warm, "warm < 0.15 s", f"{warm:.2f} s against {base:.2f} s"),
    ]
