"""``POST /intake/{channel}``: what a channel sends, as it is; the answer says what became of each record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.errors import AccessDenied, NotLoggedIn
from engine.fields.field import say
from engine.policy.access import Actor
from engine.policy.intake.formats import sniff
from engine.runtime.intake import Intake, Outcome
from engine.runtime.senders import may_send
from engine.store.transaction import Transaction
from engine.web.body import parse_json
from engine.web.call import Call, Site
from engine.web.reply import Reply

#: Larger files are for `orderloom import`, which goes in chunks and can be resumed.
LARGEST = 8 * 1024 * 1024

#: The value of a secret by its name.
Secrets = Callable[[str], str]


def intake_routes(site: Site, secrets: Secrets) -> list[Route]:
    """The way in for channels."""

    async def endpoint(request: Request) -> Response:
        return await _receive(Call(site, request), secrets)

    return [Route("/intake/{channel}", endpoint, methods=["POST"])]


async def _receive(call: Call, secrets: Secrets) -> Response:
    call.parameters(("filename",))
    intake = Intake(call.service)
    name: str = call.request.path_params["channel"]
    channel = intake.channel(name)
    body = await call.body(LARGEST)
    proved = may_send(channel, call.request.headers, body, secrets)
    if proved is None:
        _demand_token(call)
    elif not proved:
        raise NotLoggedIn(f"the sender has not proved to be {name}", code="BAD_SIGNATURE")
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    filename = call.request.query_params.get("filename", "")
    # Read here, with the checks that all JSON from outside passes, and not while the writer waits.
    is_json = sniff(channel.intake, media_type, filename, body[:64]) == "json"
    value: Any = parse_json(body) if is_json else None
    ip = call.request.scope["state"]["origin"].ip

    def work(tx: Transaction) -> Reply:
        raws = intake.records(name, body, media_type, filename, value)
        return Reply.of(_told(list(intake.take(tx, name, raws, ip=ip)), call.language))

    return await call.act(work, caller=f"channel:{name}")


def _demand_token(call: Call) -> None:
    """Raises unless the request has a token that is made for this, or its user may do all there is."""
    actor: Actor | None = call.request.scope["state"]["actor"]
    if actor is None:
        raise NotLoggedIn
    if actor.scopes is None and call.service.rights.unlimited(actor):
        return
    if actor.scopes is None or "intake" not in actor.scopes:
        raise AccessDenied("this token lacks the scope `intake`", code="SCOPE_MISSING")


def _told(outcomes: Sequence[Outcome], language: str) -> dict[str, Any]:
    """How many of each outcome there are, and each outcome with its reasons."""
    items = [
        {
            "result": outcome.result,
            "key": outcome.key,
            "rows": list(outcome.rows),
            "record": outcome.record,
            "errors": [
                {"at": problem.at, "code": problem.code, "message": say(problem.message, language)}
                for problem in outcome.problems
            ],
        }
        for outcome in outcomes
    ]
    return {"counts": dict(Counter(outcome.result for outcome in outcomes)), "items": items}
