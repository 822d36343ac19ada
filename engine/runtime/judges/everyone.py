"""All judges: the only list."""

from __future__ import annotations

from engine.catalog.catalog import Catalog
from engine.runtime.judges.checks import ChecksJudge
from engine.runtime.judges.judge import Judge
from engine.runtime.judges.pricing import PricingJudge
from engine.runtime.judges.risk import RiskJudge
from engine.runtime.judges.table import TableJudge
from engine.store.store import Store

JUDGES: tuple[type[Judge], ...] = (TableJudge, ChecksJudge, RiskJudge, PricingJudge)

#: The kinds of documents that can be tried on the past.
KINDS = tuple(judge.kind for judge in JUDGES)


def appoint(kind: str, catalog: Catalog, store: Store, name: str) -> Judge | None:
    """The judge for a document of the catalogue; None when it has none of that kind and name."""
    judge = next(judge for judge in JUDGES if judge.kind == kind)
    try:
        return judge(catalog, store, name)
    except KeyError:
        return None
