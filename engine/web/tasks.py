"""Tasks over HTTP: the inbox, and what people do with what waits for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.errors import BadRequest, Complaint, InvalidValues, NotFound, RequestError
from engine.policy.access import Actor
from engine.ports import Record
from engine.registry import did_you_mean
from engine.runtime.inbox import Filter, Inbox, Item
from engine.runtime.tasks import Tasks
from engine.runtime.uploads import MOST_BYTES, Upload, file_for
from engine.store.keys import is_key
from engine.store.transaction import Transaction
from engine.web.call import Call, Site
from engine.web.output import file_answer
from engine.web.problems import problem
from engine.web.reply import Reply

#: What each verb takes besides nothing, and of which type.
VERBS: Mapping[str, Mapping[str, type]] = {
    "approve": {"comment": str},
    "reject": {"comment": str},
    "transfer": {"to": str, "comment": str},
    "delegate": {"to": str, "comment": str},
    "add_signer": {"to": str, "where": str, "comment": str},
    "return": {"to": str, "resume": bool, "comment": str},
    "withdraw": {"comment": str},
    "comment": {"comment": str},
    "urge": {},
}
#: Verbs that go through many tasks at once, and how many.
AT_ONCE = ("approve", "reject")
MOST_AT_ONCE = 200


def task_routes(site: Site) -> list[Route]:
    """The routes below ``/api/tasks``."""

    def at(path: str, method: str, handler: Callable[[Call], Awaitable[Response]]) -> Route:
        async def endpoint(request: Request) -> Response:
            return await handler(Call(site, request))

        return Route(path, endpoint, methods=[method])

    return [
        at("/api/tasks", "GET", inbox),
        at("/api/tasks/bulk", "POST", bulk),
        at("/api/tasks/{id}/files", "POST", attach),
        at("/api/tasks/{id}/{verb}", "POST", act),
        at("/api/files/{id}", "GET", download),
    ]


async def inbox(call: Call) -> Response:
    """``GET /api/tasks?box=mine|groups|started|done|cc&model=&q=&overdue=true&limit=&after=``."""
    given = call.parameters(("box", "model", "q", "overdue", "limit", "after"))
    limit = given.get("limit", "50")
    if not limit.isascii() or not limit.isdecimal() or len(limit) > 4:
        raise BadRequest("limit is a number", code="BAD_LIMIT")
    if given.get("overdue", "false") not in ("true", "false"):
        raise BadRequest("overdue is true or false", code="BAD_PARAMETER")
    only = Filter(given.get("model"), given.get("q", "").strip(), given.get("overdue") == "true")
    reader, actor = Inbox(call.service), call.actor

    def work(tx: Transaction) -> Reply:
        page = reader.page(
            tx,
            actor,
            given.get("box", "mine"),
            only=only,
            limit=int(limit),
            after=given.get("after"),
        )
        return Reply.of({"items": [reader.wire(item) for item in page.items], "next": page.next})

    return (await call.read(work)).response()


async def act(call: Call) -> Response:
    """``POST /api/tasks/{id}/{verb}``: the task as it is then."""
    verb: str = call.request.path_params["verb"]
    if verb not in VERBS:
        hint = did_you_mean(verb, VERBS) or f"one of {', '.join(VERBS)}"
        raise NotFound(f"nothing is called {verb[:100]!r} here; {hint}")
    actor, key = call.actor, call.request.path_params["id"].lower()
    call.parameters(())
    given = _read(verb, await call.json(optional=True))
    tasks, reader = Tasks(call.service), Inbox(call.service)
    return await call.act(lambda tx: Reply.of(reader.wire(Item(perform(tasks, tx, actor, key, verb, given), None))))


async def attach(call: Call) -> Response:
    """``POST /api/tasks/{id}/files?name=&comment=``: the body is a file that shows something about the task."""
    given = call.parameters(("name", "comment"))
    actor, key = call.actor, call.request.path_params["id"].lower()
    content = await call.body(MOST_BYTES + 1)
    upload = Upload(given.get("name", ""), call.header(b"content-type"), content)
    tasks, reader = Tasks(call.service), Inbox(call.service)

    def work(tx: Transaction) -> Reply:
        task = tasks.attach(tx, actor, key, [upload], given.get("comment", ""))
        return Reply.of(reader.wire(Item(task, None)))

    return await call.act(work)


async def download(call: Call) -> Response:
    """``GET /api/files/{id}``: what somebody has shown, for those who may read what it is about."""
    call.parameters(())
    actor, key = call.actor, call.request.path_params["id"].lower()
    file, content = await call.read(lambda tx: file_for(call.service, tx, actor, key))
    return file_answer(file["name"], file["media_type"], content)


async def bulk(call: Call) -> Response:
    """``POST /api/tasks/bulk``: ``{"verb": "approve", "ids": […], "comment": …}``. Each task for itself: one that
    cannot be decided any more leaves the others as they are."""
    actor, language = call.actor, call.language
    call.parameters(())
    body = dict(await call.json())
    verb, ids = body.pop("verb", None), body.pop("ids", None)
    if (
        verb not in AT_ONCE
        or not isinstance(ids, list)
        or not all(isinstance(key, str) and is_key(key.lower()) for key in ids)
    ):
        raise BadRequest('the body is {"verb": "approve" or "reject", "ids": […], "comment": …}', code="BAD_BULK")
    if len(ids) > MOST_AT_ONCE:
        raise BadRequest(f"at most {MOST_AT_ONCE} tasks at once", code="BAD_BULK")
    given = _read(verb, body)
    tasks = Tasks(call.service)

    def work(tx: Transaction) -> Reply:
        outcomes: list[dict[str, Any]] = []
        for key in dict.fromkeys(ids):
            try:
                with tx.savepoint():
                    task = perform(tasks, tx, actor, key.lower(), verb, given)
            except RequestError as error:
                outcomes.append({"id": key, "status": error.status, "problem": problem(error, language)})
            else:
                outcomes.append({"id": key, "status": 200, "outcome": task["outcome"]})
        return Reply.of({"items": outcomes})

    return await call.act(work)


def perform(tasks: Tasks, tx: Transaction, actor: Actor, key: str, verb: str, given: Mapping[str, Any]) -> Record:
    """The task after the verb."""
    comment = given.get("comment", "")
    if verb in AT_ONCE:
        return tasks.decide(tx, actor, key, verb, comment)
    if verb in ("transfer", "delegate"):
        return tasks.hand_on(tx, actor, key, verb, given.get("to", ""), comment)
    if verb == "add_signer":
        return tasks.add(tx, actor, key, given.get("to", ""), given.get("where", "beside"), comment)
    if verb == "return":
        return tasks.send_back(tx, actor, key, comment, given.get("to"), resume=given.get("resume", True))
    if verb == "withdraw":
        return tasks.withdraw(tx, actor, key, comment)
    if verb == "comment":
        return tasks.remark(tx, actor, key, comment)
    return tasks.urge(tx, actor, key)


def _read(verb: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What came with a verb, if it is what the verb takes. InvalidValues."""
    takes = VERBS[verb]
    complaints = [
        Complaint(name, "UNKNOWN_FIELD", f"{verb} takes no {name[:100]!r}") for name in given if name not in takes
    ]
    complaints += [
        Complaint(name, "VALUE_TYPE", "expected " + ("yes or no" if type_ is bool else "a text"))
        for name, type_ in takes.items()
        if name in given and type(given[name]) is not type_
    ]
    complaints += [
        Complaint(name, "VALUE_CHARACTERS", "a text without NUL")
        for name, value in given.items()
        if isinstance(value, str) and "\x00" in value
    ]
    if complaints:
        raise InvalidValues(complaints=complaints)
    return given
