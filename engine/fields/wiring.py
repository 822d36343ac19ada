"""From values to their wire form without asking each time what a field is: text of generated functions.

The text holds field names, which are plain words, and names of functions that stand in its namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.fields.columns import ScaledDecimal
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField

#: ``str`` writes decimals of up to so many digits as their wire form has them; smaller ones it writes with an exponent.
PLAIN_DIGITS = 6

Namespace = dict[str, Any]
#: From a record to what is sent of it.
Wire = Callable[[dict[str, Any]], dict[str, Any]]


def wire_source(name: str, field: Field, namespace: Namespace) -> str:
    """The expression that gives the wire form of a field of the record ``r``; null is None. What it calls is added to
    the namespace."""
    form = form_source(name, field, namespace)
    return f"r[{name!r}]" if form == "x" else f"({form} if (x := r[{name!r}]) is not None else None)"


def form_source(name: str, field: Field, namespace: Namespace) -> str:
    """The expression that gives the wire form of the field's value ``x``, which is not null."""
    if isinstance(field, LinkField):
        return "x['id']"
    column = field.column_type() if field.stored else None
    if isinstance(column, ScaledDecimal) and column.digits <= PLAIN_DIGITS:
        namespace["str"] = str
        return "str(x)"
    if type(field).wire is Field.wire:
        return "x"
    namespace[f"wire_{name}"] = field.wire
    return f"wire_{name}(x)"


def wire_function(
    fields: Mapping[str, Field], *, hidden: frozenset[str] = frozenset(), private: bool = True, row: bool = False
) -> Wire:
    """The function that gives what is sent of a record with these fields, or of its rows: links as ids, nothing of
    the ``hidden`` fields, and private values masked unless ``private``. Rows, and what is not stored, are left out
    where they are not in the record."""
    namespace: Namespace = {}
    always, perhaps = ["'id': r['id']"] if row else [], []
    for name, field in fields.items():
        if name in hidden:
            continue
        if isinstance(field, RowsField):
            namespace[f"rows_{name}"] = wire_function(field.of, hidden=hidden, private=private, row=True)
            # A page of a list brings records without their rows: asking for them would read them one record at a time.
            perhaps += [f"    if {name!r} in r:", f"        w[{name!r}] = [rows_{name}(row) for row in r[{name!r}]]"]
            continue
        if field.private and not private:
            namespace[f"mask_{name}"] = field.mask
            source = f"(mask_{name}(x) if (x := r[{name!r}]) is not None else None)"
        else:
            source = wire_source(name, field, namespace)
        if field.stored:
            always.append(f"{name!r}: {source}")
        else:
            perhaps += [f"    if {name!r} in r:", f"        w[{name!r}] = {source}"]
    lines = ["def wire(r):", f"    w = {{{', '.join(always)}}}", *perhaps, "    return w"]
    exec("\n".join(lines), namespace := {"__builtins__": {}, **namespace})
    made: Wire = namespace["wire"]
    return made
