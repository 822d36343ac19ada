"""What reads records and changes nothing: one, a list, groups, a preview, a timeline; and the JSON form that leaves the
house.

Every method applies the actor's rights itself: rows out of its scope do not exist for it, hidden fields are absent,
private ones masked.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.catalog.kinds.workflow import Event
from engine.errors import BadRequest, Complaint, Label, NotFound
from engine.expressions.faults import ExpressionProblems
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, Scope
from engine.fields.field import Field
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField
from engine.fields.wiring import Wire, wire_function
from engine.policy.access import Actor
from engine.policy.reach import Reach
from engine.policy.sight import Sight
from engine.policy.transition import events_from, may_fire
from engine.policy.values import Reader
from engine.ports import Record, Verdict
from engine.runtime.act import Act, event_facts, standing_names
from engine.runtime.risking import guarded
from engine.runtime.service import Service, denied
from engine.runtime.telling import Telling
from engine.store.expanding import ALL
from engine.store.keys import is_key
from engine.store.query import Page
from engine.store.sorting import read_terms
from engine.store.transaction import Transaction

#: A page of a list has at most so many records.
LARGEST_PAGE = 500
#: The id that no record has (RFC 9562's nil).
NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Offer:
    """An event that the workflow knows in the record's state: whether this actor may fire it now, and why not."""

    name: str
    label: Label | None
    verdict: Verdict
    event: Event


@dataclass(frozen=True, slots=True)
class Preview:
    """What a record would be if it were saved now, and what stands against that."""

    record: Record
    complaints: tuple[Complaint, ...]


class Reading:
    """The reading side of one catalogue."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.catalog = service.catalog
        self.store = service.store
        self.rights = service.rights

    def get(self, tx: Transaction, actor: Actor, model: str, key: str, *, expand: Sequence[str] = ()) -> Record:
        """The record. NotFound also where the actor may not know of it."""
        act = self._act(tx, actor)
        self._known(model)
        self._paths(model, expand)
        found = self.store.records.load(tx, model, [key], frozenset((*path.split("."), ALL) for path in expand))
        if not found or not self.rights.may_read(actor, model, found[0], act.names(model, found[0], "read")):
            raise NotFound(f"there is no {model} {key}")
        self._expand_rights(tx, actor, model, found, expand)
        return found[0]

    def page(
        self,
        tx: Transaction,
        actor: Actor,
        model: str,
        *,
        where: str | Expression | None = None,
        equal: Mapping[str, str] | None = None,
        sort: Sequence[str] = (),
        limit: int = 50,
        after: str | None = None,
        expand: Sequence[str] = (),
        count: str | None = None,
        search: tuple[str, Sequence[str]] | None = None,
        trashed: bool = False,
    ) -> Page:
        """A page of the records that the actor may read: those that hold ``where`` and equal ``equal``, in the order of
        ``sort`` and then by id. ``search`` is a text and the fields to look for it in."""
        self._known(model)
        self._paths(model, expand)
        _check_limit(limit)
        for term in read_terms(self.catalog, model, tuple(sort)):
            self._refuse_private(actor, model, term.expression)
        for name in search[1] if search is not None else ():
            self._refuse_private(actor, model, self._compile(name, self.catalog.scope(model), "search"))
        act = self._act(tx, actor)
        page = self.store.query.page(
            tx,
            model,
            where=self._conditions(act, model, where, equal or {}),
            scopes=self._scopes(actor, model),
            names=act.names(None, None, "read"),
            sort=tuple(sort),
            limit=limit,
            after=after,
            expand=tuple(expand),
            count=count,
            search=search,
            trashed=trashed,
        )
        self._expand_rights(tx, actor, model, page.records, expand)
        return page

    def aggregate(
        self,
        tx: Transaction,
        actor: Actor,
        model: str,
        *,
        group: Sequence[str],
        measure: Mapping[str, str],
        where: str | None = None,
        equal: Mapping[str, str] | None = None,
        sort: Sequence[str] = (),
        limit: int = LARGEST_PAGE,
    ) -> list[dict[str, Any]]:
        """One dict for each group of the records that the actor may read, with the measures, in the
        order of ``sort``."""
        _check_limit(limit)
        self._known(model)
        scope, every = self.catalog.scope(model), self.catalog.measure_scope(model)
        for text, names in (*((text, scope) for text in group), *((text, every) for text in measure.values())):
            self._refuse_private(actor, model, self._compile(text, names, "group or measure"))
        act = self._act(tx, actor)
        return self.store.query.find(
            tx,
            model,
            where=self._conditions(act, model, where, equal or {}),
            scopes=self._scopes(actor, model),
            names=act.names(None, None, "read"),
            group={text: self.catalog.compile(text, scope) for text in group},
            measure={name: self.catalog.compile(text, every) for name, text in measure.items()},
            sort=tuple(sort),
            limit=limit,
        )

    def _conditions(
        self, act: Act, model: str, where: str | Expression | None, equal: Mapping[str, str]
    ) -> list[Expression]:
        conditions: list[Expression] = []
        if isinstance(where, str):
            conditions.append(self._compile(where, self.catalog.scope(model), "where", BOOLEAN))
        elif where is not None:
            conditions.append(where)
        for name, text in equal.items():
            conditions.append(self._equals(act, model, name, text))
        for condition in conditions:
            if condition is not where:
                self._refuse_private(act.actor, model, condition)
        return conditions

    def _equals(self, act: Act, model: str, name: str, text: str) -> Expression:
        """The condition ``name == text``, the text read as the field's own; a link's is an id, or the key of a record
        that the actor may read."""
        field = self.catalog.fields(model).get(name)
        if field is None or not field.stored:
            raise BadRequest(f"{model} has no field {name!r} to filter by", code="UNKNOWN_FIELD")
        if isinstance(field, LinkField) and text and not is_key(text):
            linked = self.store.records.lookup(act.tx, field.target, [text]).get(text)
            names = act.names(field.target, linked, "read")
            known = linked is not None and self.rights.may_read(act.actor, field.target, linked, names)
            text = linked["id"] if linked is not None and known else NOBODY
        return self.catalog.equality(model, name, text)

    def _compile(self, text: str, scope: Scope, what: str, expects: Any = None) -> Expression:
        try:
            return self.catalog.compile(text, scope, expects)
        except ExpressionProblems as problems:
            complaints = [
                Complaint(f"{what}[{fault.start}:{fault.end}]", fault.code, fault.message) for fault in problems.faults
            ]
            raise BadRequest(f"the {what} cannot be read", code="BAD_EXPRESSION", complaints=complaints) from None

    def _refuse_private(self, actor: Actor, model: str, expression: Expression) -> None:
        """Filters and groups over data that the actor would not see would tell it bit by bit."""
        beyond = Reach(self.catalog, self.rights, actor).beyond(model, expression)
        if beyond is not None:
            raise BadRequest(f"{beyond} is not yours to read", code="PRIVATE_FIELD")

    def _scopes(self, actor: Actor, model: str) -> tuple[Expression, ...] | None:
        """The conditions of which one must hold; None: all rows."""
        rows = self.rights.rows(actor, model, "read")
        return None if rows.everything else rows.conditions

    def preview(
        self,
        tx: Transaction,
        actor: Actor,
        model: str,
        values: Mapping[str, Any],
        *,
        key: str | None = None,
        expand: Sequence[str] = (),
    ) -> Preview:
        """The record as it would be saved, with everything that is wrong; nothing is written. AccessDenied where the
        actor could not save any such record."""
        service = self.service
        self._known(model)
        if key is None and not (may := self.rights.may_create(actor, model, None, {})):
            raise denied(may)
        plan = service.plan(model)
        act = self._act(tx, actor)
        complaints: list[Complaint] = []
        typed = plan.reader.read(values, complaints)
        service.links.resolve(act, plan.reader, [("", typed)], complaints)
        if key is None:
            record = service.blank(plan, typed)
            act.sign(record)
        else:
            record = self.get(tx, actor, model, key)
            service.merge(plan, record, typed, complaints)
        service.complain_about(act, plan, record, complaints)
        self.store.records.expand(tx, model, [record], frozenset((*path.split("."), ALL) for path in expand))
        self._expand_rights(tx, actor, model, [record], expand)
        return Preview(record, tuple(complaints))

    def offers(self, tx: Transaction, actor: Actor, model: str, record: Record) -> list[Offer]:
        """The events of the record's state, each with whether and why (not)."""
        act = self._act(tx, actor)
        working = act.hold_on(model, record, "read")
        workflow = self.service.workflow_of(act, working)
        if workflow is None:
            return []
        self.store.records.expand(tx, model, [record], workflow.reads)
        offers = []
        for name, event in events_from(workflow, record["status"]).items():
            if event.by == "system":
                continue
            verdict = self.rights.may_fire(actor, model, name, event.by)
            if verdict:
                blank = Reader(event.input, self.catalog.app.timezone).blank()
                verdict = may_fire(workflow, name, act.frame(model, record, name, input=blank), record["holds"])
                if not verdict and event.asks and verdict.reasons[0].outcome == "GUARD_REFUSED":
                    verdict = Verdict(True, verdict.reasons)  # the guard may turn on what is put in
                if verdict and event.propose:
                    verdict = self.service.proposals.may_begin(act, working, workflow, event)
                if verdict:
                    guards = guarded(act, model, record, name)
                    verdict = Verdict(bool(guards), (*(verdict.reasons if guards else ()), *guards.reasons))
            offers.append(Offer(name, event.label, verdict, event))
        return offers

    def timeline(
        self, tx: Transaction, actor: Actor, model: str, key: str, *, limit: int = 200
    ) -> list[dict[str, Any]]:
        """What has happened to the record, newest first: who, when, what changed from what to what, under which
        definitions.

        Hidden fields are absent, private ones masked, as in the record itself."""
        self.get(tx, actor, model, key)
        entries = self.store.history.of(tx, model, key, limit=limit)
        hidden = self.rights.hidden(actor, model)
        private: Container[tuple[str, ...]] = (
            () if self.rights.sees_private(actor, model) else self.catalog.private_paths(model)
        )
        telling = Telling(self.catalog, self.rights, actor, model)
        return [
            {
                **entry,
                "changes": masked_changes(entry["changes"], hidden, private),
                "reasons": telling.told(entry["reasons"]),
            }
            for entry in entries
        ]

    def wire(self, actor: Actor, model: str, record: Record, expand: Sequence[str] = ()) -> dict[str, Any]:
        """The JSON form of the record as this actor may see it."""
        return self.wiring(actor, model, expand)(record)

    def told(self, tx: Transaction, actor: Actor, model: str, record: Record) -> dict[str, Any]:
        """The same of a record that nobody has expanded for this actor yet."""
        self._expand_rights(tx, actor, model, [record], ())
        return self.wire(actor, model, record)

    def wiring(self, actor: Actor, model: str, expand: Sequence[str] = ()) -> Wire:
        """What makes the JSON form of a record, for many of them."""
        sight = self.sight(actor)
        if not expand and not sight.doubtful(model):
            return self._wire_of(actor, model)
        paths = [path.split(".") for path in expand]
        return lambda record: self._wire(sight, actor, model, record, paths)

    def sight(self, actor: Actor) -> Sight:
        """What the actor sees now of what records link to."""

        def names() -> dict[str, Any]:
            moment = self.service.clock.now()
            lists = self.store.lists.at(moment)
            standing = standing_names(actor, moment, self.catalog.app.timezone, self.catalog.working_time, lists)
            return {**standing, "event": event_facts(actor, moment, "read")}

        return Sight(self.catalog, self.rights, actor, names)

    def written(self, tx: Transaction, actor: Actor, model: str, record: Record) -> dict[str, Any]:
        """What the actor sees of a record that it has just written: the JSON form, or where the record is not (or no
        longer) its to read, only that it is there."""
        rows = self.rights.rows(actor, model, "read")
        if rows.everything or rows.reach(record, self._act(tx, actor).names(model, record, "read")):
            return self.wire(actor, model, record)
        return {name: record[name] for name in ("id", "version", "status")}

    def _wire_of(self, actor: Actor, model: str) -> Wire:
        """What makes the JSON form of a record without the linked ones."""
        hidden, private = self.rights.hidden(actor, model), self.rights.sees_private(actor, model)
        return self.catalog.memo(
            (wire_function, model, hidden, private),
            lambda: wire_function(self.catalog.fields(model), hidden=hidden, private=private),
        )

    def _wire(
        self, sight: Sight, actor: Actor, place: str, record: Record, expand: Sequence[Sequence[str]]
    ) -> dict[str, Any]:
        """The same for the record of a model, or a row (``parcel.rows``), with the linked records that are asked
        for."""
        model, *rows = place.split(".")
        hidden = frozenset() if rows else self.rights.hidden(actor, model)
        result: dict[str, Any] = {"id": record["id"]} if rows else {}
        for name, field in self.catalog.row_fields(model, rows).items():
            if name in hidden or name not in record or not sight.shows(place, record, field):
                continue
            value = record[name]
            source = field.source if isinstance(field, LookupField) else field
            deeper = [path[1:] for path in expand if path[0] == name]
            if value is None:
                result[name] = None
            elif isinstance(field, RowsField):
                inner = [path for path in deeper if path]
                result[name] = [self._wire(sight, actor, f"{place}.{name}", row, inner) for row in value]
            elif isinstance(source, LinkField):
                result[name] = self._wire_link(sight, actor, source.target, value, deeper) if deeper else value["id"]
            else:
                result[name] = field.mask(value) if sight.masks(place, field) else field.wire(value)
        return result

    def _wire_link(
        self, sight: Sight, actor: Actor, target: str, linked: Record, deeper: Sequence[Sequence[str]]
    ) -> Any:
        """The linked record, if the actor may read that one too; else its id alone."""
        if not sight.opens(target, linked):
            return linked["id"]
        return self._wire(sight, actor, target, linked, [path for path in deeper if path])

    def _expand_rights(
        self, tx: Transaction, actor: Actor, model: str, records: Sequence[Record], expand: Sequence[str]
    ) -> None:
        """Reads what decides which linked records the actor sees: whoever shows them has no transaction any more."""
        reads = self.sight(actor).reads(model, [path.split(".") for path in expand])
        if reads:
            self.store.records.expand(tx, model, records, reads)

    def _paths(self, model: str, expand: Sequence[str]) -> None:
        """Refuses an ``expand`` that does not lead over links."""
        for path in expand:
            fields: Mapping[str, Field] = self.catalog.fields(model)
            for part in path.split("."):
                field = fields.get(part)
                if isinstance(field, RowsField):
                    fields = field.of
                elif isinstance(field, LinkField):
                    fields = self.catalog.fields(field.target)
                else:
                    raise BadRequest(f"cannot expand {path!r}: {part!r} is no link", code="BAD_EXPAND")

    def _act(self, tx: Transaction, actor: Actor) -> Act:
        return Act(self.catalog, self.store, tx, actor, self.service.clock.now())

    def _known(self, model: str) -> None:
        if model not in self.catalog.models:
            raise NotFound(f"there is no model {model}")


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LARGEST_PAGE:
        raise BadRequest(f"limit must be between 1 and {LARGEST_PAGE}", code="BAD_LIMIT")


def masked_changes(
    changes: Mapping[str, Any], hidden: frozenset[str], private: Container[tuple[str, ...]]
) -> dict[str, Any]:
    """The changes without hidden fields, and with private values hidden: that they changed may be
    known, not what to."""
    shown: dict[str, Any] = {}
    for path, (before, after) in changes.items():
        names = tuple(part for part in path.split(".") if not part.startswith("["))
        if names[0] in hidden:
            continue
        masked = names in private
        shown[path] = [
            "***" if masked and before is not None else before,
            "***" if masked and after is not None else after,
        ]
    return shown
