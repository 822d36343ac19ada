"""Files that people have shown, for those who may read what they are about."""

from __future__ import annotations

from starlette.responses import Response

from engine.runtime.uploads import file_for
from engine.web.output import file_answer
from engine.web.pages.visit import Visit


async def download(visit: Visit) -> Response:
    """``GET /files/{id}``."""
    actor, key = visit.actor, visit.request.path_params["id"]
    file, content = await visit.read(lambda tx: file_for(visit.service, tx, actor, key))
    return file_answer(file["name"], file["media_type"], content)
