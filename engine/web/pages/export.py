"""A list as a CSV file: all its pages, written while they are read."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from functools import partial

from starlette.responses import Response, StreamingResponse

from engine.runtime.cells import harmless
from engine.runtime.service import denied
from engine.store.database import Transaction
from engine.store.query import Page
from engine.web.pages.lists import choose, expanded, views_of
from engine.web.pages.present import Presenter, Shown
from engine.web.pages.query import Filtered, condition
from engine.web.pages.visit import Visit

#: How many records are read at a time.
CHUNK = 500


async def download(visit: Visit) -> Response:
    """``GET /m/{model}/export.csv``: the records of the list with this address, in its columns."""
    verdict = visit.service.rights.may_export(visit.actor, visit.model)
    if not verdict:
        raise denied(verdict)
    chosen = choose(views_of(visit, visit.model), visit.request.query_params.get("view", ""))
    name = f"{visit.model}-{chosen.name or 'all'}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_rows(visit), media_type="text/csv; charset=utf-8", headers=headers)


async def _rows(visit: Visit) -> AsyncIterator[str]:
    params = visit.request.query_params
    chosen = choose(views_of(visit, visit.model), params.get("view", ""))
    presenter = Presenter(visit, visit.model)
    filtered = Filtered.of(visit, visit.model, params, chosen.columns)
    search = params.get("q", "").strip()
    sort = params.get("sort", "")

    def read(tx: Transaction, after: str | None) -> Page:
        return visit.reading.page(
            tx,
            visit.actor,
            visit.model,
            where=condition(chosen.where, filtered),
            equal=filtered.links,
            sort=(sort,) if sort else chosen.sort,
            limit=CHUNK,
            after=after,
            expand=expanded(presenter, chosen.columns),
            search=(search, chosen.search) if search and chosen.search else None,
        )

    # The mark of UTF-8, without which spreadsheets guess another encoding.
    yield "\ufeff" + _line([presenter.label(path) for path in chosen.columns])
    after: str | None = None
    while True:
        page = await visit.read(partial(read, after=after))
        for record in page.records:
            yield _line([_cell(presenter.at(record, path)) for path in chosen.columns])
        after = page.next
        if after is None:
            return


def _cell(value: Shown) -> str:
    if value.kind == "number":
        return value.text.replace(",", "")
    return harmless(value.text)


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
