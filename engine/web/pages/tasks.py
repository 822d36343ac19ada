"""The inbox page: what waits for this reader, decided one by one or many at once; and the way of a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from engine.catalog.kinds.approval import signatures
from engine.errors import BadRequest, RequestError
from engine.policy.approve import CANCELLED
from engine.policy.handling import VERBS
from engine.ports import Record
from engine.runtime.casework import Casework, task_for
from engine.runtime.inbox import BOXES, Filter, Inbox, Item
from engine.runtime.tasks import Tasks
from engine.store.database import Transaction
from engine.web.pages.acting import Act, acts, back_of, step_label
from engine.web.pages.formview import FaultLine, FaultSummary
from engine.web.pages.moments import moment_text
from engine.web.pages.visit import Visit
from engine.web.pages.widgets import Option
from engine.web.tasks import AT_ONCE, MOST_AT_ONCE

#: What the boxes are called.
TITLES: Mapping[str, str] = {
    "mine": "tasks_mine",
    "groups": "tasks_groups",
    "started": "tasks_started",
    "done": "tasks_done",
    "cc": "tasks_cc",
}
#: What became of a task or a vote, in words and in colour.
RESULTS: Mapping[str, tuple[str, str]] = {
    "approved": ("task_approved", "ok"),
    "approve": ("task_approved", "ok"),
    "rejected": ("task_rejected", "bad"),
    "reject": ("task_rejected", "bad"),
    "returned": ("task_returned", "warn"),
    "sent_back": ("task_returned", "warn"),
    "skipped": ("task_skipped", ""),
    "cancelled": ("task_cancelled", ""),
    "moot": ("task_cancelled", ""),
    "transferred": ("task_handed_on", ""),
    "delegated": ("task_handed_on", ""),
}
#: What is said about a task besides votes; what is in votes already is not told twice.
REMARKS = ("add_signer", "withdraw", "comment", "urge")
#: Due within this time is shown in another colour.
SOON = timedelta(hours=24)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Badge:
    """A short word and its colour."""

    text: str
    css: str


@dataclass(frozen=True, slots=True)
class Tab:
    """A box of the inbox."""

    label: str
    path: str
    current: bool


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task in a list. ``key`` is there where the reader can decide it here."""

    key: str
    title: str
    path: str
    model: str
    step: str
    step_path: str
    asked_by: str
    since: str
    due: Badge | None
    haste: Badge | None
    result: Badge | None


@dataclass(frozen=True, slots=True)
class FiltersView:
    """What the list is limited to. ``models`` are those about whose records somebody may be asked; ``set`` says whether
    anything is chosen."""

    box: str
    text: str
    overdue: bool
    models: tuple[Option, ...]
    set: bool


@dataclass(frozen=True, slots=True)
class TasksView:
    """What ``tasks.html`` draws."""

    tabs: tuple[Tab, ...]
    lines: tuple[TaskLine, ...]
    decide: bool
    note: str
    faults: FaultSummary | None
    comment: str
    next_path: str
    filters: FiltersView


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that somebody shows."""

    name: str
    path: str
    size: str


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody's part in a task: what they have said about it, or that they are asked, and when."""

    who: str
    what: Badge
    when: str
    comment: str
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a record's approval: what became of it, who had a part in it, and what the reader may do now."""

    label: str
    result: Badge
    when: str
    due: Badge | None
    said: tuple[Said, ...]
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class TaskView:
    """What ``task.html`` draws: one task by itself."""

    title: str
    path: str
    stage: Stage


async def show(visit: Visit) -> Response:
    """``GET /tasks?box=``."""
    return await page(visit)


async def page(visit: Visit, faults: FaultSummary | None = None, comment: str = "", status: int = 200) -> Response:
    """The inbox; after a refusal with what was refused."""
    query = visit.request.query_params
    box = query.get("box", "mine")
    only = _filter(visit)
    found = await visit.read(lambda tx: _lines(visit, tx, box, only, query.get("after")))
    lines, following = found
    done = query.get("decided", "")
    note = visit.words("tasks_decided", count=done) if done.isdecimal() and faults is None else acted(visit)
    tabs = tuple(Tab(visit.words(TITLES[name]), f"/tasks?box={name}", name == box) for name in BOXES)
    chosen = {name: query[name] for name in ("model", "q", "overdue") if query.get(name)}
    next_path = f"/tasks?{urlencode({'box': box, **chosen, 'after': following})}" if following else ""
    filters = FiltersView(box, only.text, only.overdue, _models(visit, only), bool(chosen))
    view = TasksView(tabs, lines, box == "mine", note, faults, comment, next_path, filters)
    return visit.page("tasks.html", view, title=visit.words("tasks"), status=status)


async def decide(visit: Visit) -> Response:
    """``POST /tasks``: agrees to the chosen tasks, or not; each for itself. ``back`` is the page to go to then."""
    actor = visit.actor  # before the form is looked at: who is not logged in is sent to the log-in
    form = await visit.form()
    verb, comment = str(form.get("verb") or ""), str(form.get("comment") or "")
    ids = list(dict.fromkeys(str(key) for key in form.getlist("id")))[:MOST_AT_ONCE]
    if verb not in AT_ONCE:
        raise BadRequest(f"verb is one of {', '.join(AT_ONCE)}", code="BAD_FORM")
    refused: list[RequestError] = []

    def work(tx: Transaction) -> int:
        refused.clear()
        tasks, done = Tasks(visit.service), 0
        for key in ids:
            try:
                with tx.savepoint():
                    tasks.decide(tx, actor, key, verb, comment)
                    done += 1
            except RequestError as error:
                refused.append(error)
        return done

    done = await visit.write(work)
    if not refused and ids:
        return visit.go(_back(form), decided=str(done))
    title = visit.words("tasks_refused", count=len(refused)) if ids else visit.words("tasks_choose")
    texts = dict.fromkeys(text for error in refused for text in _texts(visit, error))
    faults = FaultSummary(title, tuple(FaultLine("", "", text) for text in texts))
    return await page(visit, faults, comment, refused[0].status if refused else 422)


def acted(visit: Visit) -> str:
    """The quiet line after something was done with a task."""
    verb = visit.request.query_params.get("acted", "")
    return visit.words("done", event=visit.words(f"act_{verb}")) if verb in VERBS else ""


def _texts(visit: Visit, error: RequestError) -> Iterable[str]:
    if error.complaints:
        return [visit.words.complaint(complaint) for complaint in error.complaints]
    return [visit.words.problem(error)]


def _back(form: FormData) -> str:
    """The page to go back to: one of our own."""
    back = str(form.get("back") or "")
    return back if back.startswith("/m/") else "/tasks"


def _filter(visit: Visit) -> Filter:
    query = visit.request.query_params
    return Filter(query.get("model") or None, query.get("q", "").strip(), bool(query.get("overdue")))


def _models(visit: Visit, only: Filter) -> tuple[Option, ...]:
    """The models about whose records somebody may be asked."""
    asking = {
        workflow.for_
        for workflow in visit.catalog.workflows.values()
        if any(state.approval for state in workflow.states.values())
    }
    found = [Option(name, visit.model_label(name), name == only.model) for name in asking]
    return tuple(sorted(found, key=lambda option: option.label))


def _lines(
    visit: Visit, tx: Transaction, box: str, only: Filter, after: str | None
) -> tuple[tuple[TaskLine, ...], str | None]:
    found = Inbox(visit.service).page(tx, visit.actor, box, only=only, limit=PAGE, after=after or None)
    return tuple(_line(visit, item, box) for item in found.items), found.next


def _line(visit: Visit, item: Item, box: str) -> TaskLine:
    task, vote = item.task, item.vote
    known = task["model"] in visit.catalog.models
    asked = vote["asked_at"] if vote is not None and vote["asked_at"] is not None else task["opened_at"]
    said = vote["decision"] if vote is not None and vote["decision"] is not None else task["outcome"]
    return TaskLine(
        key=task["id"] if box == "mine" else "",
        title=task["title"] or visit.model_label(task["model"]) if known else task["step"],
        path=f"/m/{task['model']}/{task['record']}" if known and visit.may_read(task["model"]) else "",
        model=visit.model_label(task["model"]) if known else "",
        step=_step(visit, task),
        step_path=f"/tasks/{task['id']}?{urlencode({'back': f'/tasks?box={box}'})}",
        asked_by=task["starter"]["name"] if task["starter"] is not None else visit.words("system"),
        since=moment_text(visit, asked),
        due=_due(visit, task),
        haste=_haste(visit, task),
        result=_result(visit, said) if said is not None else None,
    )


def _due(visit: Visit, task: Record) -> Badge | None:
    """When a task is due, red once that is past, and yellow when it is near."""
    due: datetime | None = task["due_at"]
    if due is None:
        return None
    left = due - visit.service.clock.now()
    css = "" if task["closed_at"] is not None or left > SOON else "bad" if left < timedelta(0) else "warn"
    return Badge(moment_text(visit, due), css)


def _haste(visit: Visit, task: Record) -> Badge | None:
    """How often those who are asked were reminded of an open task, or asked for haste."""
    times = task["reminded"] or 0
    return Badge(visit.words("tasks_reminded", count=times), "warn") if times and task["outcome"] is None else None


def _result(visit: Visit, said: str) -> Badge:
    key, css = RESULTS[said]
    return Badge(visit.words(key), css)


def _step(visit: Visit, task: Record) -> str:
    """What people call the step of a task."""
    labels = visit.catalog.memo(
        ("steps", task["model"]),
        lambda: (
            {
                (state.name, signature.name): signature.label
                for state in visit.catalog.states(task["model"]).values()
                for signature in signatures(state.approval)
            }
            if task["model"] in visit.catalog.models
            else {}
        ),
    )
    return visit.words.say(labels.get((task["state"], task["step"])), task["step"])


async def one(visit: Visit) -> Response:
    """``GET /tasks/{id}``: one task by itself, as a page or as the content of a dialog."""
    view = await visit.read(lambda tx: _one(visit, tx))
    return visit.page("task_part.html" if visit.partial else "task.html", view, title=view.title)


def _one(visit: Visit, tx: Transaction) -> TaskView:
    work, task = task_for(visit.service, tx, visit.actor, visit.request.path_params["id"])
    model, record = task["model"], task["record"]
    back = back_of(visit.request.query_params.get("back"))
    title = " · ".join(filter(None, [visit.model_label(model), task["title"]]))
    readable = bool(
        visit.service.rights.may_read(visit.actor, model, work.record, visit.names(tx, model, work.record, "read"))
    )
    return TaskView(title, f"/m/{model}/{record}" if readable else "", stage(visit, work, task, back))


def stages(visit: Visit, work: Casework) -> list[Stage]:
    """The way of a record through its approvals, the first step first; then what is still to come where it stands."""
    back = f"/m/{visit.model}/{work.record['id']}"
    found = [stage(visit, work, task, back) for task in work.tasks]
    state = work.state
    if state is not None and state.approval:
        there = {task["step"] for task in work.tasks if task["round"] == work.round and task["outcome"] != CANCELLED}
        for signature in signatures(state.approval):
            if signature.name not in there:
                label = visit.words.say(signature.label, signature.name)
                found.append(Stage(label, Badge(visit.words("task_next"), ""), "", None, (), ()))
    return found


def stage(visit: Visit, work: Casework, task: Record, back: str) -> Stage:
    """A task with all that was said about it, the earliest first."""
    votes = [vote for vote in work.votes_of(task) if vote["part"] != "cc"]
    told = [(vote["decided_at"] or vote["asked_at"] or task["opened_at"], _voted(visit, vote)) for vote in votes]
    told += [(act["at"], _acted(visit, act)) for act in work.acts_on(task) if act["name"] in REMARKS]
    return Stage(
        label=step_label(visit, work, task),
        result=_result(visit, task["outcome"]) if task["outcome"] else Badge(visit.words("task_open"), "info"),
        when=moment_text(visit, task["closed_at"] or task["opened_at"]),
        due=_due(visit, task) if task["outcome"] is None else None,
        said=tuple(said for _, said in sorted(told, key=lambda pair: pair[0])),
        acts=acts(visit, work, task, back),
    )


def _voted(visit: Visit, vote: Record) -> Said:
    """Who has a part, for whom, and what they have said."""
    who = str(vote["person"]["name"])
    if vote["acting_for"] is not None:
        who = visit.words("act_for", who=who, whom=vote["acting_for"]["name"])
    if vote["decision"] is not None:
        what = _result(visit, vote["decision"])
    else:
        what = Badge(visit.words("task_asked"), "info") if vote["waiting"] else Badge(visit.words("task_next"), "")
    moment = vote["decided_at"] if vote["decision"] != "moot" else None
    return Said(who, what, moment_text(visit, moment) if moment is not None else "", vote["comment"] or "")


def _acted(visit: Visit, act: Record) -> Said:
    who = act["actor"]["name"] if act["actor"] is not None else act["actor_name"]
    what = Badge(visit.words(f"act_{act['name']}"), "")
    files = tuple(
        Attached(file["name"], f"/files/{file['id']}", f"{file['size'] / 1000:,.1f} KB")
        for file in act["input"].get("files", ())
    )
    return Said(str(who), what, moment_text(visit, act["at"]), act["input"].get("comment", ""), files)
