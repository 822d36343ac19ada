"""The start page: what waits for this reader, and the ways in."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from engine.ports import Record
from engine.store.database import Transaction
from engine.web.pages.layout import READ_ONLY
from engine.web.pages.moments import moment_text
from engine.web.pages.present import Presenter
from engine.web.pages.shell import menu
from engine.web.pages.visit import Visit

#: How many holds the start page lists.
MOST_HOLDS = 20


@dataclass(frozen=True, slots=True)
class Start:
    """A list to open, and the form for a new record of it, if this reader may put one in."""

    label: str
    path: str
    new: str
    new_label: str


@dataclass(frozen=True, slots=True)
class StartGroup:
    """A group of the menu."""

    label: str
    starts: tuple[Start, ...]


@dataclass(frozen=True, slots=True)
class WaitingHold:
    """A hold that waits for this reader, and the record that it is on."""

    path: str
    title: str
    name: str
    message: str
    since: str


@dataclass(frozen=True, slots=True)
class HomeView:
    """What ``home.html`` draws."""

    holds: tuple[WaitingHold, ...]
    groups: tuple[StartGroup, ...]


async def show(visit: Visit) -> Response:
    """``GET /``."""
    name = visit.actor.name or visit.actor.login
    holds = await visit.read(lambda tx: _holds(visit, tx)) if visit.may_read("hold") else ()
    view = HomeView(tuple(holds), tuple(_groups(visit)))
    return visit.page("home.html", view, title=visit.words("welcome", name=name))


def _groups(visit: Visit) -> list[StartGroup]:
    """The menu's groups, without the folded one: the engine's own models are for administrators."""
    groups = []
    for group in menu(visit):
        if group.folded:
            continue
        starts = []
        for item in group.items:
            model = item.path.removeprefix("/m/").partition("?")[0]
            new = (
                f"/m/{model}/new" if "?" not in item.path and visit.may_create(model) and model not in READ_ONLY else ""
            )
            starts.append(Start(item.label, item.path, new, visit.words("new", model=item.label) if new else ""))
        if starts:
            groups.append(StartGroup(group.label, tuple(starts)))
    return groups


def _holds(visit: Visit, tx: Transaction) -> list[WaitingHold]:
    """The open holds assigned to this reader, or to a role of theirs; the oldest first."""
    found = visit.reading.page(
        tx,
        visit.actor,
        "hold",
        where="released_at == null and (assignee == user or assignee_role in user.roles)",
        sort=("opened_at",),
        limit=MOST_HOLDS,
    )
    waiting = []
    for hold in found.records:
        record = _held(visit, tx, hold)
        if record is not None:
            title = Presenter(visit, hold["model"]).title(record)
            message = visit.words.say(hold["message"]) if hold["message"] else ""
            since = visit.words("since", when=moment_text(visit, hold["opened_at"]))
            waiting.append(WaitingHold(f"/m/{hold['model']}/{hold['record']}", title, hold["name"], message, since))
    return waiting


def _held(visit: Visit, tx: Transaction, hold: Record) -> Record | None:
    """The record that is held; None when this reader may not see it."""
    if hold["model"] not in visit.catalog.models or not visit.may_read(hold["model"]):
        return None
    found = visit.reading.page(tx, visit.actor, hold["model"], equal={"id": hold["record"]}, limit=1).records
    return found[0] if found else None
