"""``python -m benchmarks [NAME …]``: runs all measurements, or those named, and prints one table."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.table import Row, render

NAMES = (
    "post_order",
    "lists",
    "expressions",
    "tables",
    "routing",
    "risk",
    "timers",
    "transitions",
    "inbox",
    "pricing",
    "backtest",
    "check",
    "import_retail",
    "reload",
    "startup",
)


def main() -> None:
    """Runs what was asked for; ``--quick`` takes fewer rounds, for trying a change."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when absent")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: rough figures")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for name in arguments.names or NAMES:
        if name not in NAMES:
            parser.error(f"there is no measurement {name}")
        print(f"{name} …", file=sys.stderr, flush=True)
        found = import_module(f"benchmarks.{name}").measure(quick=arguments.quick)
        rows += found
        print(render(found), file=sys.stderr, flush=True)
    print(render(rows))


if __name__ == "__main__":
    main()
