"""Who uses which field: the read sets of all expressions, followed through the shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.catalog.linker import Use
from engine.errors import Span
from engine.expressions.types import ListType, RecordType, Shape, Type


def users_of(uses: Iterable[Use]) -> dict[tuple[str, str], tuple[Span, ...]]:
    """The places of the expressions that read each (model, field); rows count as models (``parcel.lines``)."""
    found: dict[tuple[str, str], dict[Span, None]] = {}
    for use in uses:
        for read in fields_read(use):
            found.setdefault(read, {})[use.formula.span] = None
    return {read: tuple(sorted(spans)) for read, spans in found.items()}


def fields_read(use: Use) -> Iterator[tuple[str, str]]:
    """The (model, field) pairs that an expression reads, also those on the way."""
    for path in use.expression.reads:
        yield from _along(use.scope.record, path)
    for name, *below in use.expression.scope_reads:
        type_ = use.scope.names.get(name)
        yield from _along(_shape_of(type_) if type_ is not None else None, tuple(below))


def _along(shape: Shape | None, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in path:
        member = shape.member(name) if shape is not None else None
        if shape is None or member is None:
            return
        yield shape.name, name
        shape = _shape_of(member.type)


def _shape_of(type_: Type) -> Shape | None:
    item = type_.item if isinstance(type_, ListType) else type_
    return item.shape if isinstance(item, RecordType) else None
