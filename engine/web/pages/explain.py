"""The page that says why a record is as it is: the tree of :mod:`engine.runtime.explaining`, in the reader's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from engine.fields.field import Field
from engine.fields.rows import RowsField
from engine.runtime.explaining import Explainer
from engine.runtime.explanation import Explanation, Kind
from engine.store.database import Transaction
from engine.web.pages.labels import event_label
from engine.web.pages.moments import moment_text
from engine.web.pages.present import Presenter
from engine.web.pages.timeline import ACTS
from engine.web.pages.visit import Visit

#: The cards of the page, and what stands in each.
CARDS: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("explain_state", ("status", "hold")),
    ("explain_tasks", ("task",)),
    ("explain_timers", ("timer",)),
    ("explain_proposal", ("proposal",)),
    ("explain_events", ("event",)),
    ("explain_fields", ("field",)),
    ("explain_rights", ("right",)),
    ("explain_acts", ("act",)),
)
#: What the engine says with a word of its own, and where that is translated.
WORDS: Mapping[str, str] = {
    "possible": "explain_possible",
    "refused": "explain_refused",
    "open": "explain_open",
    "pending": "explain_pending",
    "proposed_by": "explain_proposed_by",
    "passed": "explain_passed",
    "granted": "explain_granted",
    "denied": "explain_denied",
    "everything": "explain_everything",
    "read": "explain_read",
    "update": "explain_update",
    "delete": "explain_delete",
    "since": "explain_since",
    "assigned": "explain_assigned",
    "blocks": "explain_blocks",
    "does": "explain_does",
    "counted": "explain_counted",
    "turn": "explain_turn",
    "calendar": "explain_calendar",
    "provisional": "ahead_provisional",
    "timer": "explain_timer",
    "due": "ahead_due",
    "remind": "ahead_remind",
    "escalate": "ahead_escalate",
    "approve": "ahead_approve",
    "reject": "ahead_reject",
    "steps": "ahead_steps",
}
#: What has become of a task, or is asked of somebody.
ASKED: Mapping[str, str] = {"open": "task_open", "waiting": "task_asked"}
#: What is told by facts.
FACTS = ("hold", "proposal", "timer")
#: ``lines[2].amount``: the row is told by its position, counted from one.
_ROW = re.compile(r"^(\w+)\[(\d+)\]\.(\w+)$")


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the tree. ``code``: the name is a piece of a definition, and ``text`` an expression."""

    name: str
    value: str
    text: str
    at: str
    code: bool
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Nodes of one sort."""

    label: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ExplainView:
    """What ``explain.html`` draws."""

    back_path: str
    cards: tuple[Card, ...]


async def show(visit: Visit) -> Response:
    """``GET /m/{model}/{id}/explain``."""
    title, view = await visit.read(lambda tx: _view(visit, tx))
    return visit.page("explain.html", view, title=title)


def _view(visit: Visit, tx: Transaction) -> tuple[str, ExplainView]:
    model, key = visit.model, visit.request.path_params["id"]
    record = visit.reading.get(tx, visit.actor, model, key)
    presenter = Presenter(visit, model)
    tree = Explainer(visit.reading).record(tx, visit.actor, model, key)
    cards = []
    for label, kinds in CARDS:
        nodes = tuple(_node(presenter, part) for part in tree.parts if part.kind in kinds)
        if nodes:
            cards.append(Card(visit.words(label), nodes))
    title = visit.words("explain_title", title=presenter.title(record))
    return title, ExplainView(f"/m/{model}/{key}", tuple(cards))


def _node(presenter: Presenter, part: Explanation) -> Node:
    return Node(
        name=_name(presenter, part),
        value=_value(presenter, part),
        text=_text(presenter, part),
        at=part.at or "",
        code=part.kind in ("part", "branch", "reason"),
        parts=tuple(_facts(presenter, part) if part.kind in FACTS else (_node(presenter, p) for p in part.parts)),
    )


def _facts(presenter: Presenter, about: Explanation) -> Iterator[Node]:
    """What is known of a hold, of a timer, or of what is proposed, in words."""
    for fact in about.parts:
        if fact.kind != "part":
            yield _node(presenter, fact)
            continue
        value = presenter.visit.words("explain_yes") if fact.value is True else str(fact.value)
        if fact.name == "does":
            value = _word(presenter.visit, value)
        elif fact.name == "since":
            value = moment_text(presenter.visit, datetime.fromisoformat(value))
        elif fact.name == "blocks":
            names = value.split(", ")
            value = presenter.visit.words.listing(
                [event_label(presenter.visit, presenter.model, name) for name in names]
            )
        yield Node(_word(presenter.visit, fact.name), value, "", fact.at or "", code=False, parts=())


def _name(presenter: Presenter, part: Explanation) -> str:
    visit, name = presenter.visit, part.name
    if part.kind == "field":
        row = _ROW.match(name)
        return presenter.label(name) if row is None and name in presenter.fields else name
    if part.kind == "status":
        return presenter.label("status")
    if part.kind == "act":
        act, _, event = name.partition(":")
        return visit.words(ACTS[act]) if act in ACTS else event_label(visit, presenter.model, event or act)
    if part.kind == "change":
        return _changed(presenter, name)
    if part.kind in ("task", "timer"):
        return visit.words.say(part.text, name)
    if part.kind in ("event", "proposal"):
        return event_label(visit, presenter.model, name)
    return _word(visit, name) if part.kind == "right" else name


def _changed(presenter: Presenter, path: str) -> str:
    """What people call what changes: the rows, then the field in one of them."""
    field: Field | None = None
    fields, labels = presenter.fields, []
    for name in path.split(".")[::2]:
        field = fields[name]
        labels.append(presenter.visit.words.say(field.label, name))
        fields = field.of if isinstance(field, RowsField) else {}
    return " · ".join(labels)


def _value(presenter: Presenter, part: Explanation) -> str:
    visit, value = presenter.visit, part.value
    if part.kind == "task":
        return visit.words(ASKED[value])
    if part.kind == "timer" and value is not None:
        return moment_text(visit, datetime.fromisoformat(value))
    if part.kind == "change":
        return " → ".join("…" if isinstance(one, dict) else _shown(visit, one, empty=True) for one in value)
    if part.kind in ("status", "act", "branch") and isinstance(value, str):
        state = visit.catalog.states(presenter.model).get(value)
        return visit.words.say(state.label if state is not None else None, value)
    return _shown(visit, value, empty=part.kind in ("field", "part", "branch"))


def _shown(visit: Visit, value: Any, *, empty: bool) -> str:
    if value is None:
        return "—" if empty else ""
    if isinstance(value, bool):
        return visit.words("explain_yes" if value else "explain_no")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return ", ".join(_shown(visit, item, empty=True) for item in value)
    return _word(visit, str(value))


def _word(visit: Visit, text: str) -> str:
    return visit.words(WORDS[text]) if text in WORDS else text


def _text(presenter: Presenter, part: Explanation) -> str:
    if not part.text:
        return ""
    if part.kind == "reason" and part.value not in ("passed", "granted"):
        return presenter.visit.words.fault(str(part.value), part.text, {})
    if part.kind in ("status", "event", "proposal", "task", "timer"):
        return ""  # the label has been told already
    return presenter.visit.words.say(part.text)
