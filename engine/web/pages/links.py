"""Looking records up by what people know of them: the key, the title, or how the title is pronounced."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response

from engine.errors import AccessDenied
from engine.ports import Record
from engine.store.database import Transaction
from engine.web.pages.pinyin import PinyinIndex, is_latin
from engine.web.pages.present import Presenter
from engine.web.pages.shell import menu
from engine.web.pages.visit import Visit

#: How many records a look-up offers.
OFFERED = 8

#: How many records that sound like a text are looked at, of which a reader may read fewer.
SOUNDING = 200

#: How many records of each model the palette offers, and in how many models it looks.
IN_PALETTE, MODELS_IN_PALETTE = 3, 6


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a look-up offers: its id, what people call it, and its key."""

    id: str
    text: str
    note: str


async def lookup(visit: Visit) -> Response:
    """``GET /m/{model}/lookup?q=``: the records that fit, as JSON for the combobox."""
    if not visit.may_read(visit.model):
        raise AccessDenied
    text = visit.request.query_params.get("q", "")
    found = await visit.read(lambda tx: find(visit, tx, visit.model, text, OFFERED))
    return _options(visit, [{"value": one.id, "text": one.text, "note": one.note} for one in found])


async def search(visit: Visit) -> Response:
    """``GET /search?q=``: pages of the menu and records, for the palette."""
    text = visit.request.query_params.get("q", "").strip()
    items = [item for group in menu(visit) for item in group.items]
    pages = [item for item in items if text.lower() in item.label.lower()]
    options = [{"value": item.path, "text": item.label, "note": ""} for item in pages[:OFFERED]]
    if text:
        models = [m for m in visit.catalog.models if m not in visit.catalog.system_models and visit.may_read(m)]
        options += await visit.read(lambda tx: _records(visit, tx, models[:MODELS_IN_PALETTE], text))
    return _options(visit, options)


def _records(visit: Visit, tx: Transaction, models: list[str], text: str) -> list[dict[str, str]]:
    return [
        {
            "value": f"/m/{model}/{one.id}",
            "text": one.text,
            "note": " · ".join(filter(None, [visit.model_label(model), one.note])),
        }
        for model in models
        for one in find(visit, tx, model, text, IN_PALETTE)
    ]


def _options(visit: Visit, options: list[dict[str, str]]) -> Response:
    return JSONResponse({"options": options, "none": visit.words("no_option")}, headers={"Cache-Control": "no-store"})


def find(visit: Visit, tx: Transaction, model: str, text: str, limit: int) -> list[Found]:
    """The records of a model that fit the text, of those that this reader may read."""
    presenter = Presenter(visit, model)
    fields = _searchable(presenter)
    text = text.strip()
    if not fields:
        return []
    page = visit.reading.page(
        tx, visit.actor, model, sort=(fields[0],), limit=limit, search=(text, fields) if text else None
    )
    records: list[Record] = list(page.records)
    if len(records) < limit and is_latin(text):
        records += _by_sound(presenter, tx, text, limit - len(records), {record["id"] for record in records})
    return [_found(presenter, record) for record in records]


def _by_sound(presenter: Presenter, tx: Transaction, text: str, limit: int, known: set[Any]) -> list[Record]:
    """Records whose title is pronounced like the text, or whose first letters are."""
    visit, model = presenter.visit, presenter.model
    title = visit.catalog.models[model].title
    if title is None or not presenter.may_search(title):
        return []
    index = visit.site.sounds.setdefault((model, title), PinyinIndex(model, title))
    ids = [key for key in index.find(tx, visit.reading, text, SOUNDING) if key not in known]
    if not ids:
        return []
    # Read as this reader: the index knows all titles, and tells nobody of one that is not theirs.
    return list(visit.reading.page(tx, visit.actor, model, where=f"id in {json.dumps(ids)}", limit=limit).records)


def _found(presenter: Presenter, record: Record) -> Found:
    key = presenter.catalog.models[presenter.model].key
    title = presenter.title(record)
    note = str(record[key]) if key is not None and record.get(key) is not None and presenter.visible(key) else ""
    return Found(str(record["id"]), title, note if note != title else "")


def _searchable(presenter: Presenter) -> list[str]:
    """The title and the key of a model, as far as this reader may search in them."""
    model = presenter.catalog.models[presenter.model]
    return [name for name in dict.fromkeys((model.title, model.key)) if name is not None and presenter.may_search(name)]


def find_by_title(visit: Visit, tx: Transaction, model: str, text: str) -> str | None:
    """The id of the only record with that title; None when there is none, or more than one."""
    title = visit.catalog.models[model].title if model in visit.catalog.models else None
    if title is None or not Presenter(visit, model).may_search(title):
        return None
    found = visit.reading.page(tx, visit.actor, model, equal={title: text}, limit=2).records
    return str(found[0]["id"]) if len(found) == 1 else None
