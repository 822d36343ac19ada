"""The inbox: what waits for a person, what they have started or decided, and what they were told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadRequest
from engine.expressions.types import BOOLEAN, TEXT
from engine.policy.access import Actor
from engine.ports import Record
from engine.registry import did_you_mean
from engine.runtime.act import Act
from engine.runtime.approving import TASK, VOTE
from engine.runtime.reading import LARGEST_PAGE
from engine.runtime.service import Service
from engine.store.query import Page
from engine.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the inbox: the records that it lists, by which condition and in which sequence.

    ``each`` names what an actor has several of, and the condition that holds for one of them, which is ``which``. Each
    is asked for by itself, since no index serves several; no record is of two of them."""

    model: str
    where: str
    sort: str
    each: Mapping[str, str] = field(default_factory=dict)


#: Each is served by an index that begins with its condition and ends with its sequence.
BOXES: Mapping[str, Box] = {
    "mine": Box(VOTE, "person == user and waiting", "asked_at"),
    "groups": Box(
        TASK,
        "closed_at == null",
        "opened_at",
        each={"roles": "assignee_role == which", "teams": "assignee_team.id == which"},
    ),
    "started": Box(TASK, "starter == user", "-opened_at"),
    "done": Box(VOTE, 'person == user and decided_at != null and decision != "moot"', "-decided_at"),
    "cc": Box(VOTE, 'person == user and part == "cc"', "-created_at"),
}

#: What an item of the inbox tells of its task, and of the person's own part in it.
OF_TASK = (
    "id", "model", "record", "title", "state", "step", "round", "opened_at", "due_at", "reminded", "closed_at",
    "outcome", "starter", "closed_by",
)  # fmt: skip
OF_VOTE = ("part", "asked_at", "decision", "decided_at", "comment", "acting_for", "why")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which of a box's tasks are listed: about records of one ``model``, with ``text`` in their titles, ``overdue``."""

    model: str | None = None
    text: str = ""
    overdue: bool = False

    def conditions(self, task: str) -> list[str]:
        """What must hold; ``task`` is the path to the task, with its dot, or nothing."""
        found = [f"{task}model == wanted_model"] if self.model is not None else []
        found += [f"contains(lower({task}title), wanted_text)"] if self.text else []
        return [*found, f"{task}due_at < now"] if self.overdue else found

    @property
    def names(self) -> Mapping[str, str]:
        """What the conditions name."""
        return {"wanted_model": self.model or "", "wanted_text": self.text.lower()}


EVERY_TASK = Filter()


@dataclass(frozen=True, slots=True)
class Item:
    """A task, and the reader's own part in it where the box lists parts."""

    task: Record
    vote: Record | None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Items of a box; ``next`` is the cursor of the page that follows, None on the last one."""

    items: tuple[Item, ...]
    next: str | None


class Inbox:
    """Reads the inboxes of one service. Everybody sees their own, whatever else they may read."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def page(
        self,
        tx: Transaction,
        actor: Actor,
        box: str = "mine",
        *,
        only: Filter = EVERY_TASK,
        limit: int = 50,
        after: str | None = None,
    ) -> InboxPage:
        """A page of a box. BadRequest for what is none."""
        chosen = BOXES.get(box)
        if chosen is None:
            hint = did_you_mean(box, BOXES) or f"one of {', '.join(BOXES)}"
            raise BadRequest(f"there is no box {box[:100]!r}; {hint}", code="BAD_PARAMETER")
        if not 1 <= limit <= LARGEST_PAGE:
            raise BadRequest(f"limit is from 1 to {LARGEST_PAGE}", code="BAD_LIMIT")
        if only.model is not None and only.model not in self._service.catalog.models:
            raise BadRequest(f"there is no model {only.model[:100]!r}", code="BAD_PARAMETER")
        found = self._page(tx, actor, chosen, only, limit, after)
        items = [Item(one["task"], one) if chosen.model == VOTE else Item(one, None) for one in found.records]
        return InboxPage(tuple(items), found.next)

    def _page(self, tx: Transaction, actor: Actor, box: Box, only: Filter, limit: int, after: str | None) -> Page:
        catalog, query = self._service.catalog, self._service.store.query
        names = Act(catalog, self._service.store, tx, actor, self._service.clock.now()).names(None, None, "read")
        scope = catalog.scope(box.model, **dict.fromkeys(("which", *only.names), TEXT))
        conditions = [box.where, *only.conditions("task." if box.model == VOTE else "")]

        def asked(more: Sequence[str], which: str) -> Page:
            where = catalog.compile(" and ".join(f"({each})" for each in (*more, *conditions)), scope, BOOLEAN)
            expand = ("task",) if box.model == VOTE else ()
            given = {**names, **only.names, "which": which}
            return query.page(
                tx, box.model, where=where, names=given, sort=(box.sort,), limit=limit, after=after, expand=expand
            )

        if not box.each:
            return asked((), "")
        found: list[Record] = []
        more = False
        for listed, condition in box.each.items():
            for which in getattr(actor, listed):
                page = asked((condition,), which)
                found += page.records
                more = more or page.next is not None
        found.sort(key=lambda record: (record[box.sort], record["id"]))
        shown, more = found[:limit], more or len(found) > limit
        following = query.cursor(box.model, (box.sort,), shown[-1]) if more and shown else None
        return Page(shown, following)

    def wire(self, item: Item) -> dict[str, Any]:
        """The item as JSON carries it."""
        shown = {name: self._wire(TASK, item.task, name) for name in OF_TASK}
        if item.vote is not None:
            shown["vote"] = {"id": item.vote["id"], **{name: self._wire(VOTE, item.vote, name) for name in OF_VOTE}}
        return shown

    def _wire(self, model: str, record: Record, name: str) -> Any:
        value = record[name]
        if value is None or name == "id":
            return value
        field = self._service.catalog.fields(model)[name]
        if name in ("starter", "closed_by", "acting_for"):
            return {"id": value["id"], "login": value["login"], "name": value["name"]}
        return field.wire(value)
