"""The case of a record as a drawing: its workflow as a graph, the way it has taken, where it stands and what may come
next; and the steps of the approval it waits for. The same as a table, for those who do not see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from engine.catalog.kinds.approval import Approval
from engine.catalog.kinds.workflow import State, Workflow
from engine.policy.approve import CANCELLED
from engine.ports import Record
from engine.runtime.casework import Casework
from engine.runtime.people import USER
from engine.runtime.reading import Offer
from engine.runtime.service import SYSTEM
from engine.store.transaction import Transaction
from engine.web.pages.graph import Layout, Point, Size, layout
from engine.web.pages.moments import moment_text
from engine.web.pages.visit import Visit

#: Pixels of a letter, of a sign that takes the room of two, and of a box around its lines.
LETTER, WIDE, PADDING, LINE = 7.4, 13.2, 30, 18
#: Longer lines are cut: the whole text stands in the title and in the table.
LONGEST = 22
#: The outcomes of an approval, in words.
OUTCOMES = {"approved": "task_approved", "rejected": "task_rejected", "returned": "task_returned"}


@dataclass(frozen=True, slots=True)
class Visited:
    """When a record came to a state, who brought it there, and from which."""

    state: str
    before: str | None
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Way:
    """A way from one state to another. ``how`` is `taken`, or of those from where the record stands `mine` (an event
    that the reader may fire now) or `next`; else empty."""

    before: str
    to: str
    label: str
    how: str


@dataclass(frozen=True, slots=True)
class Node:
    """A box to draw: its corner and its size, its lines, and how it looks."""

    x: int
    y: int
    width: int
    height: int
    lines: tuple[tuple[int, int, str], ...]
    css: str
    title: str


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow to draw, as the path of an SVG."""

    path: str
    css: str
    title: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG; ``down``: as phones show it."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    down: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: a state, when and by whom it was reached, and what leads on from it."""

    label: str
    note: str
    when: str
    on: tuple[str, ...]
    now: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """What ``drawing.html`` draws: the pictures, a sentence that says what they show, and the table."""

    name: str
    label: str
    pictures: tuple[Picture, ...]
    lines: tuple[Line, ...]


def case_drawing(
    visit: Visit, tx: Transaction, work: Casework, timeline: Sequence[Mapping[str, Any]], offers: Sequence[Offer]
) -> Drawing:
    """The workflow of the case with the way of the record."""
    workflow = work.workflow
    path = list(visited(workflow, timeline, _names(visit, tx, timeline)))
    last = {one.state: one for one in path}
    here = work.record["status"]
    ways = _ways(visit, workflow, here, path, offers)
    texts = {}
    for name, state in workflow.states.items():
        one = last.get(name)
        notes = (one.who, _short(visit, one.at)) if one is not None else ()
        texts[name] = (visit.words.say(state.label, name), *notes)
    for way in ways:
        # The words of an arrow stand in the box that it leads to: beside the line they would hide each other.
        if way.how in ("mine", "next") and way.label:
            texts[way.to] = (*texts[way.to], f"→ {way.label}")
    css = {name: "now" if name == here else "past" if name in last else "" for name in texts}
    for way in ways:
        if way.how in ("mine", "next") and not css[way.to]:
            css[way.to] = "next"
    start = [name for name in (workflow.start,) if name in texts]
    placed = {name: texts[name] for name in [*start, *(name for name in texts if name not in start)]}
    arrows = {(way.before, way.to): way for way in ways}
    lines = []
    for name, text in placed.items():
        one = last.get(name)
        on = [f"{way.label} → {texts[way.to][0]}".strip() for way in ways if way.before == name and name == here]
        lines.append(
            Line(text[0], one.who if one else "", moment_text(visit, one.at) if one else "", tuple(on), name == here)
        )
    label = visit.words("drawing_label", state=texts[here][0] if here in texts else "—")
    return Drawing("case", label, _pictures(placed, css, arrows), tuple(lines))


def approval_drawing(visit: Visit, work: Casework) -> Drawing | None:
    """The approval that the record waits for: its steps in their sequence, groups of a split side by side, and who is
    asked; None where nobody is. The list of the steps below it is its table."""
    state = work.state
    if state is None or not state.approval:
        return None
    latest = {task["step"]: task for task in work.tasks if task["round"] == work.round and task["outcome"] != CANCELLED}
    texts: dict[str, tuple[str, ...]] = {}
    css = {}
    for step in state.approval.values():
        for name, signature in step.signatures.items():
            task = latest.get(name)
            who = _who(work, task)
            said, css[name] = _standing(visit, task)
            texts[name] = (visit.words.say(signature.label, name), *who[:3], said)
    arrows = {arrow: Way(*arrow, "", "") for arrow in _following(state.approval)}
    label = visit.words("drawing_approval", state=visit.words.say(state.label, state.name))
    return Drawing("approval", label, _pictures(texts, css, arrows), ())


def _names(visit: Visit, tx: Transaction, timeline: Sequence[Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], str]:
    """What gives the name of who has done what an entry of the history tells."""
    ids = {entry["actor"]["id"] for entry in timeline if entry["actor"] is not None}
    users = visit.service.store.records.load(tx, USER, sorted(ids))
    known = {user["id"]: str(user["name"]) for user in users}

    def name(entry: Mapping[str, Any]) -> str:
        if entry["actor"] is not None and entry["actor"]["id"] in known:
            return known[entry["actor"]["id"]]
        own = entry["actor_name"]
        return str(own) if own and own != SYSTEM.login else visit.words("system")

    return name


def visited(
    workflow: Workflow, timeline: Sequence[Mapping[str, Any]], name: Callable[[Mapping[str, Any]], str]
) -> Iterator[Visited]:
    """The states that a record has come through, the first first: those where it stood, and those that it has left in
    the same act, as far as the reasons of the act tell."""
    for entry in reversed(timeline):
        change = entry["changes"].get("status")
        if change is None:
            continue
        at, (before, after) = entry["at"], change
        for state in [*_passed(workflow, entry["reasons"] or (), after), after]:
            if state is not None and state != before:
                yield Visited(state, before, name(entry), at)
                before = state


def _passed(workflow: Workflow, reasons: Sequence[Mapping[str, Any]], last: str | None) -> list[str]:
    """The states that the reasons of an act lead to one after the other, up to the last."""
    own = f"{workflow.name}."
    led = [reason["outcome"] for reason in reasons if str(reason.get("rule", "")).startswith(own)]
    states = [state for state in led if state in workflow.states]
    return states[:-1] if states and states[-1] == last else []


def _ways(
    visit: Visit, workflow: Workflow, here: str | None, path: Sequence[Visited], offers: Sequence[Offer]
) -> list[Way]:
    """The ways to draw: those of the states, those that were taken, and each that leads on from here.
    An event that may happen nearly anywhere is drawn where it may happen now, else once: lines from everywhere would
    hide the others."""
    possible = {offer.name: bool(offer.verdict) for offer in offers}
    taken = {(one.before, one.state) for one in path if one.before is not None}
    found: dict[tuple[str, str], Way] = {}

    def add(before: str, to: str | None, label: str, how: str) -> None:
        if to is None or to not in workflow.states or before not in workflow.states:
            return
        known = found.get((before, to))
        if known is not None and how:
            label = " / ".join(dict.fromkeys(filter(None, (known.label, label))))
            how = known.how if known.how in ("mine", "taken") else how
        if known is None or how:
            found[before, to] = Way(before, to, label, how)

    for name, state in workflow.states.items():
        now = name == here
        for event in state.events.values():
            label = visit.words.say(event.label, event.name)
            add(name, event.to, label, ("mine" if possible.get(event.name) else "next") if now else "")
        for label, to in _onward(visit, state):
            add(name, to, label, "next" if now else "")
    for event in workflow.events.values():
        label = visit.words.say(event.label, event.name)
        if here in event.from_:
            add(here, event.to, label, "mine" if possible.get(event.name) else "next")
        elif event.from_ and not any(way.to == event.to for way in found.values()):
            add(event.from_[0], event.to, label, "")
    for before, to in taken:
        way = found.get((before, to))
        found[before, to] = Way(before, to, way.label if way is not None else "", "taken")
    # What leads on from here again is to come as well as taken: where it may go is what somebody looks for.
    return [way for way in found.values() if way.before in workflow.states and way.to in workflow.states]


def _onward(visit: Visit, state: State) -> Iterator[tuple[str, str]]:
    """The ways on that no event takes. A branch has a name for authors only."""
    for branch in state.next.values():
        yield "", branch.to
    for timer in state.timers.values():
        for branch in timer.next.values():
            yield visit.words.say(timer.label, timer.name), branch.to
    for outcome, to in state.decided.items():
        yield visit.words(OUTCOMES[outcome]), to


def _following(approval: Approval) -> Iterator[tuple[str, str]]:
    for step in approval.values():
        if step.after is not None:
            for before in approval[step.after].signatures:
                for name in step.signatures:
                    yield before, name


def _who(work: Casework, task: Record | None) -> list[str]:
    """Those who have decided a task; while it is open those who are asked."""
    if task is None:
        return []
    votes = [vote for vote in work.votes_of(task) if vote["part"] != "cc"]
    own = [vote for vote in votes if (vote["waiting"] if task["outcome"] is None else vote["decided_at"] is not None)]
    return list(dict.fromkeys(vote["person"]["name"] for vote in own if vote["decision"] != "moot"))


def _standing(visit: Visit, task: Record | None) -> tuple[str, str]:
    """What has become of a step, in words and in looks."""
    if task is None:
        return visit.words("task_next"), "next"
    if task["outcome"] is None:
        return visit.words("task_open"), "now"
    key = "task_skipped" if task["outcome"] == "skipped" else OUTCOMES.get(task["outcome"], "task_cancelled")
    return visit.words(key), "bad" if task["outcome"] == "rejected" else "past"


# Drawing -------------------------------------------------------------------------------------------------------------


def _pictures(
    texts: Mapping[str, Sequence[str]], css: Mapping[str, str], arrows: Mapping[tuple[str, str], Way]
) -> tuple[Picture, ...]:
    sizes = {name: _size(text) for name, text in texts.items()}
    return tuple(
        _picture(layout(sizes, list(arrows), down=down), texts, css, arrows, down=down) for down in (False, True)
    )


def _picture(
    found: Layout,
    texts: Mapping[str, Sequence[str]],
    css: Mapping[str, str],
    arrows: Mapping[tuple[str, str], Way],
    *,
    down: bool,
) -> Picture:
    nodes = []
    for name, box in found.boxes.items():
        top = box.y + (box.height - LINE * len(texts[name])) // 2 + 13
        middle = box.x + box.width // 2
        lines = tuple((middle, top + LINE * number, _cut(text)) for number, text in enumerate(texts[name]))
        title = " · ".join(texts[name])
        nodes.append(Node(box.x, box.y, box.width, box.height, lines, css[name], title))
    edges = []
    for arrow, points in found.paths.items():
        way = arrows[arrow]
        title = " → ".join(filter(None, [texts[way.before][0], way.label, texts[way.to][0]]))
        looks = " ".join(filter(None, [way.how, "back" if arrow in found.back else ""]))
        edges.append(Edge(_curve(points, arrow in found.back, down=down), looks, title))
    # What matters more is drawn later, above the rest.
    rank = {"": 0, "back": 0}
    edges.sort(key=lambda edge: rank.get(edge.css, 1))
    return Picture(found.width, found.height, tuple(nodes), tuple(edges), down)


def _curve(points: Sequence[Point], back: bool, *, down: bool) -> str:
    """The path of an arrow: curves that leave and reach boxes straight."""
    told = [f"M{points[0][0]} {points[0][1]}"]
    for number, ((x, y), (to_x, to_y)) in enumerate(pairwise(points)):
        first, last = number == 0, number == len(points) - 2
        if back and (first or last):
            # Boxes are left and reached on the side: below, or to the right where the drawing runs down.
            bend = 18
            one = (x + bend, y) if down else (x, y + bend)
            other = (to_x + bend, to_y) if down else (to_x, to_y + bend)
            if not first:
                one = (x, (y + to_y) // 2) if down else ((x + to_x) // 2, y)
            if not last:
                other = (to_x, (y + to_y) // 2) if down else ((x + to_x) // 2, to_y)
        elif down:
            one, other = (x, (y + to_y) // 2), (to_x, (y + to_y) // 2)
        else:
            one, other = ((x + to_x) // 2, y), ((x + to_x) // 2, to_y)
        told.append(f"C{one[0]} {one[1]} {other[0]} {other[1]} {to_x} {to_y}")
    return " ".join(told)


def _size(text: Sequence[str]) -> Size:
    width = max(sum(WIDE if east_asian_width(sign) in "WF" else LETTER for sign in _cut(line)) for line in text)
    return max(int(width) + PADDING, 72), LINE * len(text) + 14


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _short(visit: Visit, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(visit.catalog.app.timezone)):%m-%d %H:%M}"
