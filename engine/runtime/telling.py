"""What of the reasons in a record's history a reader is told: no value that is not theirs to read."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.routing import Routing
from engine.policy.access import Actor, Rights
from engine.policy.decide import open_inputs

#: The model of what rules of a risk find.
FINDING = "finding"


class Telling:
    """Tells one reader the reasons of records of one model."""

    def __init__(self, catalog: Catalog, rights: Rights, actor: Actor, model: str) -> None:
        self._catalog = catalog
        self._rights = rights
        self._actor = actor
        self._everything = rights.unlimited(actor)
        self._finds = any(grant.read == "all" for _, grant in rights.grants(actor, FINDING))
        self._hidden = rights.hidden(actor, model)
        self._private: Container[tuple[str, ...]] = (
            () if rights.sees_private(actor, model) else catalog.private_paths(model)
        )

    def told(self, reasons: Any) -> Any:
        """The reasons without the values that tables have read of what the reader may not see, and without the
        candidates of routings whose places are not the reader's to see; nothing of risks to those who may not read
        findings."""
        if self._everything or not reasons:
            return reasons
        return [self._reason(reason) for reason in reasons if not self._secret(reason)]

    def _secret(self, reason: dict[str, Any]) -> bool:
        """Whether it tells what a risk suspects, to somebody who may not read findings: it is most often about them."""
        return str(reason["rule"]).partition(".")[0] in self._catalog.risks and not self._finds

    def _reason(self, reason: dict[str, Any]) -> dict[str, Any]:
        told = dict(reason)
        name = str(told["rule"]).partition(".")[0]
        routing = self._catalog.routings.get(name)
        if routing is not None:
            if not self._sees(routing):
                told.pop("parts", None)
                told.pop("read", None)
            return told
        if "parts" in told:
            told["parts"] = self.told(told["parts"])
        if "read" in told:
            known = open_inputs(self._catalog.tables.get(name, ()), self._hidden, self._private)
            told["read"] = {name: value for name, value in told["read"].items() if name in known}
        return told

    def _sees(self, routing: Routing) -> bool:
        """Whether the reader may read all places that the routing chooses from, and all that they have."""
        return all(
            not self._rights.hidden(self._actor, model)
            and any(grant.read == "all" for _, grant in self._rights.grants(self._actor, model))
            for model in (routing.place, routing.supply.from_)
        )
