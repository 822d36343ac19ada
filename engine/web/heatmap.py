"""``GET /api/risks/{risk}/heatmap``: where the findings of a risk come together, and the way to each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.catalog.kinds.heatmap import FINDING
from engine.errors import BadRequest, NotFound
from engine.registry import did_you_mean
from engine.runtime.heatmap import Line, heatmap
from engine.web.call import Call, Site
from engine.web.reply import Reply


def heatmap_routes(site: Site) -> list[Route]:
    """The route."""

    async def endpoint(request: Request) -> Response:
        return await show(Call(site, request))

    return [Route("/api/risks/{risk}/heatmap", endpoint, methods=["GET"])]


async def show(call: Call) -> Response:
    """Rows, columns, cells from the greatest on, and of each cell the address of its findings."""
    name: str = call.request.path_params["risk"]
    actor = call.actor
    known = {risk.name: risk for risk in call.catalog.risks.values() if risk.heatmap is not None}
    risk = known.get(name)
    if risk is None or risk.heatmap is None:
        hint = did_you_mean(name, known)
        raise NotFound(f"there is no risk {name[:100]!r} with a heat map" + (f"; {hint}" if hint else ""))
    asked = risk.heatmap
    shadow = call.parameters(("shadow",)).get("shadow", "false")
    if shadow not in ("true", "false"):
        raise BadRequest("shadow is `true` or `false`", code="BAD_PARAMETER")
    found = await call.read(lambda tx: heatmap(call.reading, tx, actor, risk, asked, shadow=shadow == "true"))
    answer = {
        "risk": risk.name,
        "since": found.since,
        "until": found.until,
        "rows": _plain(found.rows),
        "columns": _plain(found.columns),
        "cells": [
            {
                "row": cell.row,
                "column": cell.column,
                "value": cell.value,
                "findings": f"/api/{FINDING}?{urlencode({'where': cell.where})}",
            }
            for cell in found.cells
        ],
        "total": found.total,
    }
    return Reply.of(answer).response()


def _plain(lines: Iterable[Line]) -> list[Mapping[str, Any]]:
    return [{"value": line.value, "total": line.total} for line in lines]
