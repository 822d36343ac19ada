"""What a form can work out in the browser, and what it asks the server for: the plan that ``static/live.js`` follows.

Computed fields that read only what stands in the form, or what is itself worked out from that, are sent as one
generated module; for the others a change of what they read makes the page ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.computations import Computation
from engine.expressions.browser import module, to_javascript
from engine.expressions.faults import ExpressionProblems
from engine.expressions.language import Expression
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.web.pages.present import NUMBERS

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Local:
    """A computed field that the browser works out. ``reads`` and ``outer`` are paths from the row and from the
    record."""

    at: str
    name: str
    run: str
    reads: tuple[str, ...]
    outer: tuple[str, ...]
    digits: int | None


class LivePlan:
    """The plan of one model; worked out once per catalogue."""

    def __init__(self, catalog: Catalog, model: str) -> None:
        self._catalog = catalog
        self._model = model
        self.local: list[Local] = []
        #: What the server works out, each with what it reads.
        self._far: dict[str, set[str]] = {}
        self._functions: dict[str, Expression] = {}
        self._live = catalog.live_fields(model)
        for computation in catalog.computations(model):
            path = ".".join((*computation.path, computation.name))
            reads, outer = _reads(computation, model)
            if len(computation.path) > 1:
                continue  # rows in rows are not edited in a form
            if not self._fits(computation, reads, outer):
                self._far[path] = {self._input(read) for read in (*_from_record(computation, reads), *outer)}
        self._defaults = dict(_defaults(catalog, model))

    def _fits(self, computation: Computation, reads: tuple[str, ...], outer: tuple[str, ...]) -> bool:
        """Takes the computed field into the module, if the browser can work it out."""
        expression = computation.expression
        if expression is None or any(name not in ("record", self._model) for name, *_ in expression.scope_reads):
            return False
        if any(self._leaves(path) or path in self._far for path in (*_from_record(computation, reads), *outer)):
            return False
        run = ".".join((*computation.path, computation.name))
        try:
            to_javascript(expression)
        except ExpressionProblems:
            return False
        self._functions[run] = expression
        digits = getattr(computation.field, "digits", 0) if computation.field.widget in NUMBERS else None
        self.local.append(
            Local(
                ".".join(computation.path),
                computation.name,
                run,
                tuple(map(self._cut(computation), reads)),
                tuple(map(self._input, outer)),
                digits,
            )
        )
        return True

    def _leaves(self, path: str) -> bool:
        """Whether the path leads out of the form: through a link, to a back link, to what a form does not show."""
        fields = self._catalog.fields(self._model)
        for at, name in enumerate(parts := path.split(".")):
            field = fields.get(name)
            if field is None or (at == 0 and (name in self._live or name in self._catalog.system_fields(self._model))):
                return True
            if isinstance(field, LinkField):
                return parts[at + 1 :] not in ([], ["id"])
            if field.widget == "datetime":
                return True  # the browser does not know the application's time zone
            if isinstance(field, RowsField):
                if at:
                    return True
                fields = field.of
        return False

    def _input(self, path: str) -> str:
        """The input that a path from the record begins with: what follows a link is not in the form."""
        fields, parts = self._catalog.fields(self._model), path.split(".")
        for at, name in enumerate(parts):
            field = fields.get(name)
            if not isinstance(field, RowsField):
                return ".".join(parts[: at + 1])
            fields = field.of
        return path

    def _cut(self, computation: Computation) -> Callable[[str], str]:
        """The same for a path from the row that a computed field stands in."""
        prefix = "".join(f"{name}." for name in computation.path)
        return lambda read: self._input(prefix + read).removeprefix(prefix)

    def remote(self, shown: Iterable[str]) -> set[str]:
        """The inputs whose change only the server can follow up, in a form that shows these fields."""
        reads = {path: set(map(self._input, _whole(one))) for one in self.local for path in [_path(one)]} | self._far
        pending, inputs = [path for path in shown if path in self._far or path in self._defaults], set[str]()
        asked = {read for path in pending for read in self._far.get(path, set()) | self._defaults.get(path, set())}
        while asked:
            inputs |= asked
            asked = {read for path in asked for read in reads.get(path, ())} - inputs
        return inputs - set(self._far)

    def module(self, runtime: str) -> str:
        """The ES module with the functions that the browser runs. ``runtime`` is the address of what they call."""
        return module(self._functions, runtime=runtime)

    def for_page(
        self, *, module_path: str, ask_path: str, grids: Iterable[str], shown: Iterable[str], also: Iterable[str]
    ) -> dict[str, Any]:
        """The plan as the page carries it. ``shown`` are the paths of the fields in the form; ``also`` more paths
        whose change the server has to follow up."""
        return {
            "model": self._model,
            "module": module_path if self._functions else None,
            "ask": ask_path,
            "grids": list(grids),
            "computed": [
                {
                    "at": one.at,
                    "name": one.name,
                    "run": one.run,
                    "reads": one.reads,
                    "outer": one.outer,
                    "digits": one.digits,
                }
                for one in self.local
            ],
            "remote": sorted(self.remote(shown).union(also)),
        }


def live_plan(catalog: Catalog, model: str) -> LivePlan:
    """The model's plan."""
    plan: LivePlan = catalog.memo((LivePlan, model), lambda: LivePlan(catalog, model))
    return plan


def _reads(computation: Computation, model: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths that a computed field reads: from where it stands, and from the record around its row."""
    if computation.spread is not None:
        amount, weight, _ = computation.spread
        return (weight,), (amount,)
    assert computation.expression is not None
    reads = tuple(sorted(".".join(path) for path in computation.expression.reads))
    outer = tuple(
        sorted(
            ".".join(rest) for name, *rest in computation.expression.scope_reads if rest and name in ("record", model)
        )
    )
    return reads, outer


def _path(one: Local) -> str:
    return f"{one.at}.{one.name}" if one.at else one.name


def _whole(one: Local) -> list[str]:
    """What a local result reads, as paths from the record."""
    return [*(f"{one.at}.{read}" if one.at else read for read in one.reads), *one.outer]


def _from_record(computation: Computation, reads: Iterable[str]) -> list[str]:
    return [".".join((*computation.path, read)) for read in reads]


def _defaults(catalog: Catalog, model: str) -> Iterable[tuple[str, set[str]]]:
    """The fields whose default reads something, each with what: down to the link that it goes through."""
    for path, fields in _levels(catalog, model):
        for name, field in fields.items():
            expression = field.default.expression if field.default is not None else None
            if expression is not None and expression.reads:
                yield ".".join((*path, name)), {".".join((*path, read[0])) for read in expression.reads}


def _levels(catalog: Catalog, model: str) -> Iterable[tuple[Path, Mapping[str, Any]]]:
    fields = catalog.fields(model)
    yield (), fields
    for name, field in fields.items():
        if isinstance(field, RowsField):
            yield (name,), field.of
