"""Which paths lead to personal data."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from engine.catalog.computations import levels
from engine.fields.field import Field
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField
from engine.steps.step import PROPOSED


class PrivatePaths(Container[tuple[str, ...]]):
    """The paths from records of a model that end at private data. Asked, not listed: links lead on without end.

    A computed field or a lookup is as private as what it shows, so one that reads private data counts too.
    """

    def __init__(self, fields: Callable[[str], Mapping[str, Field]], model: str) -> None:
        self._fields = fields
        self._model = model

    def __contains__(self, path: object) -> bool:
        return isinstance(path, tuple) and self._private(self._model, self._fields(self._model), path, frozenset())

    def _private(
        self, model: str, fields: Mapping[str, Field], path: tuple[str, ...], asked: frozenset[tuple[str, str]]
    ) -> bool:
        if not path:
            return False
        name, *rest = path
        found = fields.get(name)
        if found is None:
            # What is proposed of a record is as private as the record.
            return name == PROPOSED and self._private(model, fields, tuple(rest), asked)
        if found.private is not None:
            return found.private
        if isinstance(found, LinkField) and rest:
            target, *rows = found.target.split(".")
            return not rows and self._private(target, self._fields(target), tuple(rest), asked)
        if isinstance(found, RowsField) and rest:
            return self._private(f"{model}.{name}", found.of, tuple(rest), asked)
        formula = found.from_ if isinstance(found, LookupField) else found.value
        if formula is None or formula.expression is None or (model, name) in asked:
            return False
        asked |= {(model, name)}
        if any(self._private(model, fields, read, asked) for read in formula.expression.reads):
            return True
        root = model.partition(".")[0]
        around = [read[1:] for read in formula.expression.scope_reads if read[0] in ("record", root) and root != model]
        return any(self._private(root, self._fields(root), read, asked) for read in around)


def inherit_privacy(fields: Mapping[str, Mapping[str, Field]]) -> None:
    """Marks the fields that are worked out from personal data, and do not say whether they show it, as private too.

    Part of linking: fields are frozen for everyone after it.
    """
    for model in fields:
        paths = PrivatePaths(fields.__getitem__, model)
        for path, level in levels(fields[model]):
            for name, found in level.items():
                if found.private is None and (*path, name) in paths:
                    object.__setattr__(found, "private", True)
