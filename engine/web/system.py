"""What watches the server asks: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from sqlalchemy import literal, select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.errors import AccessDenied
from engine.policy.access import Actor
from engine.runtime.engine import Engine
from engine.web.metrics import Metrics
from engine.web.origin import Origin
from engine.web.output import json_response


def system_routes(engine: Engine, metrics: Metrics) -> list[Route]:
    """``/healthz``, ``/readyz``, ``/metrics``."""

    async def health(_: Request) -> Response:
        return json_response({"status": "ok"})

    async def ready(request: Request) -> Response:
        told = await run_in_threadpool(_ready, engine)
        if _is_administrator(engine, request):
            told["definitions"] |= _problems(engine)
        return json_response(told, 200 if told["database"] == "ok" else 503)

    async def show_metrics(request: Request) -> Response:
        actor: Actor | None = request.scope["state"]["actor"]
        if actor is None and not _is_local(request):
            raise AccessDenied("from elsewhere than this machine, send a token", code="ACCESS_DENIED")
        metrics.definition_problems.set(len(engine.holder.problems))
        return Response(metrics.text(), headers={"Content-Type": metrics.content_type})

    return [
        Route("/healthz", health, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", show_metrics, methods=["GET"]),
    ]


def _ready(engine: Engine) -> dict[str, Any]:
    """Whether the database answers, and which definitions serve. A change of the files with a problem does not make the
    server unready: the definitions before it go on serving."""
    try:
        engine.database.read(lambda tx: tx.core(select(literal(1))))
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering, it does not answer
        database = "unreachable"
    else:
        database = "ok"
    changed = bool(engine.holder.problems or engine.holder.refused)
    definitions = {"fingerprint": engine.catalog.fingerprint, "files": "refused" if changed else "in use"}
    return {"status": "ok" if database == "ok" else "unready", "database": database, "definitions": definitions}


def _problems(engine: Engine) -> dict[str, Any]:
    """What is wrong with the files as they are now."""
    return {
        "problems": [str(problem) for problem in engine.holder.problems],
        "refused": str(engine.holder.refused) if engine.holder.refused is not None else None,
    }


def _is_administrator(engine: Engine, request: Request) -> bool:
    actor: Actor | None = request.scope["state"]["actor"]
    return actor is not None and engine.service.rights.unlimited(actor)


def _is_local(request: Request) -> bool:
    """Whether the request comes from this machine."""
    origin: Origin = request.scope["state"]["origin"]
    try:
        return ip_address(origin.ip or "").is_loopback
    except ValueError:
        return False
