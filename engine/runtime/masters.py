"""Records that stand for definitions: a ``channel`` for each channel document, a ``role`` for each access document."""

from __future__ import annotations

from collections.abc import Iterator

from engine.fields.field import say
from engine.runtime.service import SYSTEM, Service
from engine.store.transaction import Transaction


def write_masters(tx: Transaction, service: Service) -> int:
    """How many records were made, because a definition had none yet. Those of definitions that are gone stay: others
    link to them."""
    made = 0
    for model, names in _wanted(service).items():
        known = service.store.records.resolve(tx, model, list(names))
        for code, name in names.items():
            if code not in known:
                service.create(tx, SYSTEM, model, {"code": code, "name": name})
                made += 1
    return made


def _wanted(service: Service) -> dict[str, dict[str, str]]:
    """For each model the codes that its records should have, with their names in the application's first language."""
    catalog = service.catalog
    language = catalog.app.languages[0]

    def names(definitions: Iterator[tuple[str, object]]) -> dict[str, str]:
        return {code: say(getattr(found, "label", None), language, code) for code, found in definitions}

    return {"channel": names(iter(catalog.channels.items())), "role": names(iter(catalog.access.items()))}
