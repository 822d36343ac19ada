"""What somebody does with one task, as pages and as dialogs: every verb that is theirs now, and who is meant by it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse, Response

from engine.catalog.kinds.approval import signatures
from engine.errors import Complaint, InvalidValues, NotFound, RequestError
from engine.policy.access import Actor
from engine.policy.handling import URGE_EVERY, VERBS, earlier_steps, possible
from engine.ports import Record
from engine.runtime.casework import Casework, standpoint, task_for
from engine.runtime.service import SYSTEM
from engine.runtime.tasks import LONGEST_COMMENT, WHERE, Tasks
from engine.runtime.uploads import ACCEPTED, MOST_BYTES, MOST_FILES, Upload
from engine.store.transaction import Transaction
from engine.web.pages.asking import EventForm, asked, summary
from engine.web.pages.links import OFFERED, SOUNDING
from engine.web.pages.moments import moment_text
from engine.web.pages.pinyin import PinyinIndex, is_latin
from engine.web.pages.visit import Visit
from engine.web.pages.widgets import Option, Widget
from engine.web.tasks import perform

USER = "user"
#: The verbs that need a person, a reason, or neither.
TO_SOMEBODY = ("transfer", "delegate", "add_signer")
WITH_REASON = ("reject", "return", "comment")
#: The verbs with which somebody says something, and may show files.
WITH_FILES = ("approve", "reject", "return", "comment")
#: The keys of the acts of every day.
KEYS = {"approve": "a", "reject": "r", "comment": "c"}
#: What says that it goes back to whoever asked: no step is called so.
STARTER = "-"


@dataclass(frozen=True, slots=True)
class Act:
    """A button: ``path`` asks for what the act needs; ``at_once``: it needs nothing, and is sent there;
    ``key`` presses it."""

    verb: str
    label: str
    path: str
    main: bool
    at_once: bool
    key: str


def acts(visit: Visit, work: Casework, task: Record, back: str) -> tuple[Act, ...]:
    """What the reader may do with a task now; by the same function that decides in the act."""
    at = standpoint(work, task, visit.actor, visit.service.clock.now())
    query = urlencode({"back": back})
    here = f"/tasks/{task['id']}"
    return tuple(
        Act(
            verb=verb,
            label=visit.words(f"act_{verb}"),
            path=f"{here}/{verb}?{query}",
            main=verb == "approve",
            at_once=verb == "urge",
            key=KEYS.get(verb, ""),
        )
        for verb in possible(at)
    )


async def ask(visit: Visit) -> Response:
    """``GET /tasks/{id}/{verb}``: what the act needs, as a page or as the content of a dialog."""
    view = await visit.read(lambda tx: _form(visit, tx, FormData(), None))
    return asked(visit, view)


async def act(visit: Visit) -> Response:
    """``POST /tasks/{id}/{verb}``."""
    actor = visit.actor  # before the form is looked at: who is not logged in is sent to the log-in
    form = await visit.form(files=MOST_FILES + 1)  # one more, to say in its place that there are too many
    uploads = [Upload(file.filename or "", file.content_type or "", await file.read()) for file in _files(form)]
    verb, key = _verb(visit), visit.request.path_params["id"]
    given = {"comment": str(form.get("comment") or "")} if verb != "urge" else {}
    if verb in TO_SOMEBODY:
        given["to"] = _chosen(form)
    if verb == "add_signer":
        given["where"] = str(form.get("where") or "")
    more: dict[str, object] = dict(given)
    if verb == "return":
        to = str(form.get("to") or STARTER)
        more |= {"to": None if to == STARTER else to, "resume": form.get("resume") != "over"}
    tasks = Tasks(visit.service)
    try:
        await visit.write(lambda tx: _perform(tasks, tx, actor, key, verb, more, uploads))
    except NotFound:
        raise
    except RequestError as error:
        refused = error
        view = await visit.read(lambda tx: _form(visit, tx, form, refused))
        return asked(visit, view, refused.status)
    return visit.go(back_of(visit.request.query_params.get("back")), acted=verb)


async def people(visit: Visit) -> Response:
    """``GET /tasks/{id}/people?q=``: who may be named, as JSON for the combobox; for those who may name somebody."""
    text = visit.request.query_params.get("q", "").strip()

    def work(tx: Transaction) -> list[dict[str, str]]:
        found, task = task_for(visit.service, tx, visit.actor, visit.request.path_params["id"])
        may = possible(standpoint(found, task, visit.actor, visit.service.clock.now()))
        if not set(TO_SOMEBODY).intersection(may):
            raise NotFound("nobody is to be named here")
        users = _people(visit, tx, text)
        return [{"value": user["login"], "text": user["name"], "note": user["login"]} for user in users]

    options = await visit.read(work)
    return JSONResponse({"options": options, "none": visit.words("no_option")}, headers={"Cache-Control": "no-store"})


def back_of(path: str | None) -> str:
    """The page to go back to: one of our own, else the inbox."""
    return path if path is not None and path.startswith(("/m/", "/tasks?")) else "/tasks"


def step_label(visit: Visit, work: Casework, task: Record) -> str:
    """What people call the step of a task, in the version of the workflow that its case pins."""
    state = work.workflow.states.get(task["state"] or "")
    found = next((one for one in signatures(state.approval) if one.name == task["step"]), None) if state else None
    return visit.words.say(found.label if found is not None else None, task["step"])


def _perform(
    tasks: Tasks,
    tx: Transaction,
    actor: Actor,
    key: str,
    verb: str,
    given: Mapping[str, Any],
    uploads: Sequence[Upload],
) -> None:
    """Does it, with the files that belong to it: both, or neither."""
    if uploads and verb == "comment":
        tasks.attach(tx, actor, key, uploads, given["comment"])
        return
    if uploads:
        tasks.attach(tx, actor, key, uploads)
    perform(tasks, tx, actor, key, verb, given)


def _files(form: FormData) -> Iterator[UploadFile]:
    """The files of a form; an input that nobody has used sends one without a name."""
    for value in form.getlist("files"):
        if isinstance(value, UploadFile) and value.filename:
            yield value


def _verb(visit: Visit) -> str:
    verb: str = visit.request.path_params["verb"]
    if verb not in VERBS:
        raise NotFound(f"nothing is called {verb[:100]!r} here")
    return verb


def _chosen(form: FormData) -> str:
    """The login that was chosen, else what was typed."""
    text, was = str(form.get("to~text") or "").strip(), str(form.get("to~was") or "").strip()
    return str(form.get("to") or "") if text == was else text


def _people(visit: Visit, tx: Transaction, text: str) -> Sequence[Record]:
    """The people who are still here and whose name or login holds the text, or sounds so."""
    reading, sort = visit.reading, ("name",)
    search = (text, ("name", "login")) if text else None
    found = list(reading.page(tx, SYSTEM, USER, where="active", sort=sort, limit=OFFERED, search=search).records)
    if len(found) < OFFERED and is_latin(text):
        index = visit.site.sounds.setdefault((USER, "name"), PinyinIndex(USER, "name"))
        known = {user["id"] for user in found}
        ids = [key for key in index.find(tx, reading, text, SOUNDING) if key not in known]
        if ids:
            where = f"active and id in {json.dumps(ids)}"
            found += reading.page(tx, SYSTEM, USER, where=where, sort=sort, limit=OFFERED - len(found)).records
    return [user for user in found if user["id"] != visit.actor.id]


def _form(visit: Visit, tx: Transaction, form: FormData, error: RequestError | None) -> EventForm:
    """What the verb needs, with what was put in, and what is wrong with it."""
    verb, words = _verb(visit), visit.words
    work, task = task_for(visit.service, tx, visit.actor, visit.request.path_params["id"])
    complaints = error.complaints if isinstance(error, InvalidValues) else ()
    problem = _refusal(visit, work, task, error) if error is not None and not complaints else ""
    widgets = tuple(_widgets(visit, work, task, verb, form, complaints))
    label = words(f"act_{verb}")
    query = visit.request.query_params.get("back")
    title = " · ".join(filter(None, [task["title"], step_label(visit, work, task)]))
    return EventForm(
        path=f"/tasks/{task['id']}/{verb}" + (f"?{urlencode({'back': query})}" if query else ""),
        back_path=back_of(query),
        label=words("act_on", act=label, title=title),
        button=label,
        version=None,
        faults=summary(visit, widgets, complaints, problem),
        widgets=widgets,
        grids=(),
        files=verb in WITH_FILES,
    )


def _refusal(visit: Visit, work: Casework, task: Record, error: RequestError) -> str:
    if error.code == "URGED_ALREADY":
        urged: datetime | None = standpoint(work, task, visit.actor, visit.service.clock.now()).urged
        if urged is not None:
            return visit.words("urge_again", when=moment_text(visit, urged + URGE_EVERY))
    return visit.words.problem(error)


def _widgets(
    visit: Visit, work: Casework, task: Record, verb: str, form: FormData, complaints: Sequence[Complaint]
) -> Iterable[Widget]:
    words = visit.words
    faults = {complaint.at: words.complaint(complaint) for complaint in complaints}
    if verb in TO_SOMEBODY:
        yield Widget(
            kind="link",
            name="to",
            label=words("act_person"),
            help=words(f"act_{verb}_help"),
            required=True,
            fault=faults.get("to", ""),
            text=str(form.get("to~text") or ""),
            value=str(form.get("to") or ""),
            was=str(form.get("to~was") or ""),
            source=f"/tasks/{task['id']}/people",
        )
    if verb == "add_signer":
        yield _choice(form, "where", words("act_where"), [(where, words(f"act_{where}")) for where in WHERE], "beside")
    if verb == "return":
        at = standpoint(work, task, visit.actor, visit.service.clock.now())
        approval = at.state.approval if at.state is not None else {}
        steps = [(name, words.say(approval[name].label, name)) for name in earlier_steps(at)]
        if at.state is not None and at.state.returned is not None:
            steps.append((STARTER, words("act_starter")))
        yield _choice(form, "to", words("act_return_to"), steps, steps[-1][0] if steps else "")
        resume = [("here", words("act_resume")), ("over", words("act_all_over"))]
        yield _choice(form, "resume", words("act_then"), resume, "here")
    if verb != "urge":
        yield Widget(
            kind="long_text",
            name="comment",
            label=words("act_comment_label"),
            required=verb in WITH_REASON,
            fault=faults.get("comment", ""),
            text=str(form.get("comment") or ""),
            most=LONGEST_COMMENT,
        )
    if verb in WITH_FILES:
        yield Widget(
            kind="file",
            name="files",
            label=words("act_files"),
            help=words("act_files_help", count=MOST_FILES, size=MOST_BYTES // 1_000_000),
            fault=faults.get("files", ""),
            text=",".join(ACCEPTED),
        )


def _choice(form: FormData, name: str, label: str, options: Sequence[tuple[str, str]], default: str) -> Widget:
    chosen = str(form.get(name) or default)
    return Widget(
        kind="choice",
        name=name,
        label=label,
        required=True,
        text=chosen,
        options=tuple(Option(value, text, value == chosen) for value, text in options),
    )
