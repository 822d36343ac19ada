"""What of the reasons in a record's history a reader is told: no value that is not theirs to read."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.heatmap import FINDING
from engine.catalog.kinds.pricing import Pricing
from engine.catalog.kinds.risk import Risk
from engine.catalog.kinds.routing import Routing
from engine.catalog.shapes import PROPOSED
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.policy.access import Actor, Rights
from engine.policy.decide import open_inputs

#: The key of the kind of document to which a reason belongs, where it tells what is not everybody's to know. It is kept
#: with the reason: the document may be renamed or removed, and who may know it must not change with that.
KIND = "kind"
#: What everybody is told of a reason: no value.
OUTER = (KIND, "rule", "outcome", "at")


def with_kind(catalog: Catalog, reason: dict[str, Any]) -> dict[str, Any]:
    """A reason for the history, with its kind."""
    guarded = ((Risk.kind, catalog.risks), (Pricing.kind, catalog.pricings), (Routing.kind, catalog.routings))
    name = _document(reason)
    kind = next((kind for kind, documents in guarded if name in documents), None)
    return {**reason, KIND: kind} if kind is not None else reason


def _document(reason: Mapping[str, Any]) -> str:
    return str(reason["rule"]).partition(".")[0]


class Telling:
    """Tells one reader the reasons of records of one model."""

    def __init__(self, catalog: Catalog, rights: Rights, actor: Actor, model: str) -> None:
        self._catalog = catalog
        self._rights = rights
        self._actor = actor
        self._everything = rights.unlimited(actor)
        self._finds = any(grant.read == "all" for _, grant in rights.grants(actor, FINDING))
        self._sees_features = self._finds and rights.sees_private(actor, FINDING)
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
        return reason.get(KIND) == Risk.kind and not self._finds

    def _reason(self, reason: dict[str, Any]) -> dict[str, Any]:
        told, name = dict(reason), _document(reason)
        kind = told.get(KIND)
        if kind == Routing.kind:
            routing = self._catalog.routings.get(name)
            return told if routing is not None and self._sees(routing) else _only(told, (*OUTER, "message"))
        if kind == Pricing.kind:
            pricing = self._catalog.pricings.get(name)
            return self._priced(pricing, told) if pricing is not None else _only(told, OUTER)
        if kind == Risk.kind:
            return told if self._sees_features else _without_figures(told)
        if "parts" in told:
            told["parts"] = self.told(told["parts"])
        if "read" in told:
            known = open_inputs(self._catalog.tables.get(name, ()), self._hidden, self._private)
            told["read"] = {name: value for name, value in told["read"].items() if name in known}
        return told

    def _sees(self, routing: Routing) -> bool:
        """Whether the reader may read all places that the routing chooses from, all that they have, and what it reads
        of the record."""
        open_ = not any(path[0] in (PROPOSED, *self._hidden) or path in self._private for path in routing.record_reads)
        return open_ and all(self._reads_all(model) for model in (routing.place, routing.supply.from_))

    def _priced(self, pricing: Pricing, reason: dict[str, Any]) -> dict[str, Any]:
        """A price as far as the reader may know what made it: all of it, or only what comes from lists of prices that
        are the reader's to see. Cap and floor tell of costs."""
        if any(path in self._private for path in pricing.reads):
            return _only(reason, OUTER)
        lists = {each.from_ for each in pricing.lists.values() if each.from_ is not None}
        if self._hidden or not all(self._reads_all(model) for model in lists):
            return _only(reason, OUTER)
        beyond = {model for path in pricing.reads for model in self._along(pricing.for_, path)}
        if all(self._reads_all(model) for model in beyond):
            return reason
        rows = [
            _only(row, (*OUTER, "message"), [_of_a_price(pricing, part) for part in row.get("parts", ())])
            for row in reason.get("parts", ())
        ]
        return _only(reason, (*OUTER, "message"), rows)

    def _reads_all(self, model: str) -> bool:
        return not self._rights.hidden(self._actor, model) and any(
            grant.read == "all" for _, grant in self._rights.grants(self._actor, model)
        )

    def _along(self, model: str, path: Sequence[str]) -> Iterator[str]:
        """The models to which a path leads."""
        fields: Mapping[str, Field] = self._catalog.fields(model)
        for name in path:
            found, back = fields.get(name), self._catalog.back_links(model)
            if isinstance(found, RowsField):
                fields = found.of
                continue
            if isinstance(found, LinkField):
                model = found.target
            elif name in back:
                model = back[name].model
            else:
                return
            fields = self._catalog.fields(model)
            yield model


def _of_a_price(pricing: Pricing, part: dict[str, Any]) -> dict[str, Any]:
    """What is told of a list or a rule to those who may see the lists of prices, but not all that rules read."""
    name = str(part["rule"]).partition(".")[2]
    found = pricing.lists.get(name)
    if found is not None and found.from_ is not None:
        return part
    return _only(part, (*OUTER, "message") if found is not None or name in pricing.adjust else OUTER)


def _without_figures(reason: Mapping[str, Any]) -> dict[str, Any]:
    """The reason and its parts, without what was read."""
    told = {key: value for key, value in reason.items() if key not in ("read", "parts")}
    parts = [_without_figures(part) for part in reason.get("parts", ())]
    return {**told, "parts": parts} if parts else told


def _only(reason: Mapping[str, Any], keys: Collection[str], parts: Sequence[Any] = ()) -> dict[str, Any]:
    """The reason with these keys, and other parts."""
    told = {key: reason[key] for key in keys if key in reason}
    return {**told, "parts": list(parts)} if parts else told
