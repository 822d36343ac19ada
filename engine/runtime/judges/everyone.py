"""All judges: the only list."""

from __future__ import annotations

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.runtime.judges.checks import ChecksJudge
from engine.runtime.judges.judge import Judge
from engine.runtime.judges.table import TableJudge
from engine.store.store import Store

JUDGES: tuple[type[Judge], ...] = (TableJudge, ChecksJudge)

#: The kinds of documents that can be tried on the past.
KINDS = tuple(judge.kind for judge in JUDGES)


def appoint(kind: str, catalog: Catalog, store: Store, name: str) -> Judge:
    """The judge for a document of the catalogue. EngineError when there is none of that kind and name."""
    for judge in JUDGES:
        if judge.kind == kind:
            try:
                return judge(catalog, store, name)
            except KeyError:
                raise EngineError(f"there is no {kind} '{name}'") from None
    raise EngineError(f"a {kind} decides nothing that could be tried on the past")
