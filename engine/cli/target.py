"""``MODEL/ID``: which record a command is about."""

from __future__ import annotations

import click

from engine.registry import did_you_mean
from engine.runtime.engine import Engine


def record_of(engine: Engine, text: str) -> tuple[str, str]:
    """The model and the id of ``MODEL/ID`` or ``MODEL/KEY``."""
    model, slash, key = text.partition("/")
    if not slash or not key:
        raise click.BadParameter(f"{text!r} is not written as MODEL/ID or MODEL/KEY")
    if model not in engine.catalog.models:
        hint = did_you_mean(model, engine.catalog.models)
        raise click.BadParameter(f"there is no model {model!r}" + (f"; {hint}" if hint else ""))
    found = engine.database.read(lambda tx: engine.service.store.records.resolve(tx, model, [key]))
    if key not in found:
        raise click.BadParameter(f"there is no {model} {key!r}")
    return model, found[key]
