"""What a form itself gives a new record: its defaults for the fields that it shows but does not let anybody put in."""

from __future__ import annotations

from typing import Any

from engine.fields.link import LinkField
from engine.store.database import Transaction
from engine.web.pages.formview import FormMaker
from engine.web.pages.visit import Visit


def given_by_form(visit: Visit, tx: Transaction, maker: FormMaker, values: dict[str, Any]) -> dict[str, Any]:
    """The values with those defaults of the form whose fields are read-only or hidden, and brought no value."""
    defaults = {
        name: change.default.expression
        for name, change in maker.layout.changes.items()
        if change.default is not None and change.default.expression is not None and values.get(name) is None
    }
    if not defaults:
        return values
    record = visit.reading.preview(tx, visit.actor, visit.model, values).record
    names = visit.names(tx, visit.model, record, "create")
    given = {}
    for name, expression in defaults.items():
        shown_only = name not in maker.input_fields() or maker.is_hidden(name, record, names)
        value = expression(record, names) if shown_only else None
        if value is not None:
            field = maker.fields[name]
            given[name] = value["id"] if isinstance(field, LinkField) and isinstance(value, dict) else field.wire(value)
    return {**values, **given}
