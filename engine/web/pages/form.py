"""The form of a record: drawing it, working it out while somebody types, saving it, and what to do when that is
refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from engine.errors import AccessDenied, Complaint, InvalidValues, Refused, RequestError, StaleVersion
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.policy.transition import events_from
from engine.ports import Record
from engine.runtime.service import denied
from engine.store.database import Transaction
from engine.web.pages.conflict import conflict_between
from engine.web.pages.entries import (
    Entries,
    Entry,
    Reader,
    Source,
    changed,
    load,
    overlaid,
    sent,
    without_blank_rows,
)
from engine.web.pages.formview import (
    Button,
    FormMaker,
    by_key,
)
from engine.web.pages.given import given_by_form
from engine.web.pages.layout import READ_ONLY, fixed, layout_for, narrowed, own_fields
from engine.web.pages.links import find_by_title
from engine.web.pages.live import live_plan
from engine.web.pages.offered import offered, proposable_by
from engine.web.pages.present import NUMBERS, source_of
from engine.web.pages.sheet import Frame, Sheet, page
from engine.web.pages.visit import Visit


async def new(visit: Visit) -> Response:
    """``GET /m/{model}/new``: an empty form, with what defaults propose."""
    sheet = await visit.read(lambda tx: _blank(visit, tx))
    return page(visit, sheet, _frame(visit, sheet))


async def edit(visit: Visit) -> Response:
    """``GET /m/{model}/{id}/edit``: the record in its form."""
    sheet = await visit.read(lambda tx: stored(visit, tx))
    return page(visit, sheet, _frame(visit, sheet))


async def save(visit: Visit) -> Response:
    """``POST`` to either: saves, and fires the event of the button; or shows the form again with all that was typed."""
    form = await visit.form()
    try:
        path = await visit.once(form, lambda tx: f"/m/{visit.model}/{_save(visit, tx, form)['id']}")
    except (InvalidValues, Refused, StaleVersion) as error:
        refused = error
        sheet = await visit.read(lambda tx: refused_sheet(visit, tx, form, refused))
        return page(visit, sheet, _frame(visit, sheet), refused.status)
    return visit.go(path, saved="1")


async def preview(visit: Visit) -> Response:
    """``POST /m/{model}/preview`` and ``…/{id}/preview``: what the worked-out fields come to, and what defaults
    propose."""
    form = await visit.form()
    return JSONResponse(await visit.read(lambda tx: worked_out(visit, tx, form)))


async def module(visit: Visit) -> Response:
    """``GET /m/{model}/live.js``: the expressions that the browser works out by itself. The address changes with
    them."""
    _ = visit.actor
    text = live_plan(visit.catalog, visit.model).module(visit.site.assets("expressions.js"))
    return Response(
        text, media_type="text/javascript", headers={"Cache-Control": "private, max-age=31536000, immutable"}
    )


# Sheets --------------------------------------------------------------------------------------------------------------


def _maker(visit: Visit, tx: Transaction, stored: Record | None, wanted: str | None) -> FormMaker:
    """The form for this reader and record. Raises AccessDenied when nothing of it may be written."""
    model = visit.model
    if model in READ_ONLY:
        raise AccessDenied
    layout = layout_for(visit, model, stored, wanted)
    names = visit.names(tx, model, stored, "update")
    rights, fields = visit.service.rights, own_fields(visit.catalog, model)
    if stored is None:
        verdict = rights.may_create(visit.actor, model, None, names)
        if not verdict:
            raise denied(verdict)
        return FormMaker(visit, model, layout, editable=frozenset(fields))
    if "event" in visit.request.path_params:
        free = proposable_by(visit, tx, offered(visit, tx, stored), stored)
        if not free:
            raise denied(rights.may_propose(visit.actor, model, stored, list(fields), names))
        return FormMaker(visit, model, narrowed(visit, layout, free), editable=free)
    free = frozenset(
        name
        for name, field in fields.items()
        if not fixed(field) and rights.may_update(visit.actor, model, stored, [name], names)
    )
    if not free:
        raise denied(rights.may_update(visit.actor, model, stored, list(fields), names))
    return FormMaker(visit, model, layout, editable=free)


def _source(maker: FormMaker) -> Source:
    presenter = maker.presenter
    return Source(presenter.edit_text, presenter.link_title)


def _wanted(visit: Visit, form: FormData | None = None) -> str | None:
    name = form.get("form") if form is not None else visit.request.query_params.get("form")
    return name if isinstance(name, str) and name else None


def _blank(visit: Visit, tx: Transaction) -> Sheet:
    maker = _maker(visit, tx, None, _wanted(visit))
    values = given_by_form(visit, tx, maker, {})
    record = visit.reading.preview(tx, visit.actor, visit.model, values, expand=link_paths(visit)).record
    entries = _source(maker).of_record(maker.input_fields(), record)
    for name, rows in entries.rows.items():
        if not rows:
            spec = maker.fields[name]
            assert isinstance(spec, RowsField)
            entries.rows[name] = [_source(maker).of_row(spec.of, {}, "n1")]
    names = visit.names(tx, visit.model, record, "create")
    for name, change in maker.layout.changes.items():
        if change.default is not None and change.default.expression is not None and name in entries.own:
            entries.own[name] = _source(maker).entry(maker.fields[name], change.default.expression(record, names))
    proposed = frozenset(name for name, entry in entries.own.items() if not entry.blank)
    return Sheet(maker, None, None, record, entries, names, proposed=proposed)


def stored(visit: Visit, tx: Transaction) -> Sheet:
    """The form of the record that the address names, as it is stored."""
    key: str = visit.request.path_params["id"]
    record = visit.reading.get(tx, visit.actor, visit.model, key, expand=link_paths(visit))
    maker = _maker(visit, tx, record, _wanted(visit))
    entries = _source(maker).of_record(maker.input_fields(), record)
    return Sheet(maker, key, record, record, entries, visit.names(tx, visit.model, record, "update"), base=entries)


def link_paths(visit: Visit) -> list[str]:
    """All links of the model and of its rows: a form shows their titles."""
    fields = visit.catalog.fields(visit.model)
    paths = [name for name, field in fields.items() if isinstance(field, LinkField)]
    for name, field in fields.items():
        if isinstance(field, RowsField):
            paths += [f"{name}.{inner}" for inner, spec in field.of.items() if isinstance(spec, LinkField)]
    return paths


# What was sent -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Sent:
    """What came with a request: what stood in the inputs, what of it somebody changed, and that as values."""

    maker: FormMaker
    stored: Record | None
    entries: Entries
    base: Entries
    mine: Entries
    values: dict[str, Any]
    complaints: list[Complaint]


def read(visit: Visit, tx: Transaction, form: FormData) -> Sent:
    """What came with a request, as texts and as values."""
    key = visit.request.path_params.get("id")
    stored = visit.reading.get(tx, visit.actor, visit.model, key, expand=link_paths(visit)) if key else None
    maker = _maker(visit, tx, stored, _wanted(visit, form))
    fields = maker.input_fields()
    entries = without_blank_rows(sent(fields, form))
    base = Entries()
    if stored is not None:
        text = form.get("base")
        base = (load(text) if isinstance(text, str) else None) or _source(maker).of_record(fields, stored)
    mine = changed(entries, base)
    reader = Reader(ZoneInfo(visit.catalog.app.timezone), lambda model, text: find_by_title(visit, tx, model, text))
    values = reader.values(fields, mine)
    if stored is None:
        values = given_by_form(visit, tx, maker, values)
    return Sent(maker, stored, entries, base, mine, values, reader.complaints)


def _save(visit: Visit, tx: Transaction, form: FormData) -> Record:
    """The saved record. What is wrong with texts and with values is complained about together (see ``_refused``)."""
    got = read(visit, tx, form)
    if got.complaints:
        raise InvalidValues(complaints=got.complaints)
    service, actor, model = visit.service, visit.actor, visit.model
    if got.stored is None:
        record = service.create(tx, actor, model, got.values)
    elif got.values:
        record = service.update(tx, actor, model, got.stored["id"], got.values, version=version_of(form))
    else:
        record = got.stored
    missing = got.maker.required(record)
    if missing:
        raise InvalidValues(complaints=missing)
    event = form.get("then")
    if isinstance(event, str) and event and event == got.maker.layout.submit:
        record = service.fire(tx, actor, model, record["id"], event)
    return record


def version_of(form: FormData) -> int | None:
    """The version that the form showed."""
    text = form.get("version")
    return int(text) if isinstance(text, str) and text.isdecimal() else None


def refused_sheet(visit: Visit, tx: Transaction, form: FormData, error: RequestError) -> Sheet:
    """The form again: everything that was typed, everything that is wrong, and after a conflict what changed
    meanwhile."""
    got = read(visit, tx, form)
    entries, mine = got.entries, got.mine
    conflict = None
    if isinstance(error, StaleVersion) and got.stored is not None:
        current = _source(got.maker).of_record(got.maker.input_fields(), got.stored)
        conflict = conflict_between(visit, tx, got.maker, got.stored, version_of(form) or 0, got.base, current, mine)
        entries, base = overlaid(current, mine), current
    else:
        base = got.base
    key = got.stored["id"] if got.stored is not None else None
    found = visit.reading.preview(tx, visit.actor, visit.model, got.values, key=key, expand=link_paths(visit))
    complaints: list[Complaint] = []
    if isinstance(error, InvalidValues):
        complaints = [*got.complaints]
        wrong = {complaint.at for complaint in complaints}
        for complaint in (*found.complaints, *error.complaints):
            if complaint.at not in wrong or (complaint.at == "" and complaint not in complaints):
                complaints.append(complaint)
                wrong.add(complaint.at)
    problem = visit.words.refusal(error) if isinstance(error, Refused) else ""
    names = visit.names(tx, visit.model, found.record, "update")
    proposed = _with_proposals(got, found.record) if conflict is None else frozenset[str]()
    return Sheet(
        got.maker, key, got.stored, found.record, entries, names, complaints, proposed, base, conflict, problem
    )


def worked_out(visit: Visit, tx: Transaction, form: FormData) -> dict[str, Any]:
    """What the worked-out fields come to, what defaults propose, and which fields are hidden."""
    got = read(visit, tx, form)
    key = got.stored["id"] if got.stored is not None else None
    record = visit.reading.preview(tx, visit.actor, visit.model, got.values, key=key, expand=link_paths(visit)).record
    outputs: dict[str, Any] = {}
    for prefix, fields, holder, _ in _levels(got, record):
        rows = prefix.partition(".")[0]
        for name, field in fields.items():
            if fixed(field):
                value = got.maker.presenter.readable(holder, field, rows)
                outputs[prefix + name] = _output(got.maker, field, value)
    defaults = {name: {"text": entry.text, "id": entry.id} for name, entry in _proposals(got, record).items()}
    names = visit.names(tx, visit.model, record, "save")
    hidden = [name for name in got.maker.layout.changes if got.maker.is_hidden(name, record, names)]
    return {"outputs": outputs, "defaults": defaults, "hidden": hidden}


def _output(maker: FormMaker, field: Field, value: Any) -> dict[str, str]:
    """A worked-out value: plain for the browser to go on with, and as people read it."""
    shown = maker.presenter.value(field, value)
    number = source_of(field).widget in NUMBERS and value is not None and not shown.masked
    return {"value": str(field.wire(value)) if number else "", "text": shown.text or "—"}


def _levels(got: Sent, record: Record) -> Iterator[tuple[str, Mapping[str, Field], Record, dict[str, Entry]]]:
    """The record and its rows as worked out: how their inputs' names begin, their fields, what stands in the inputs."""
    yield "", {n: f for n, f in got.maker.fields.items() if not isinstance(f, RowsField)}, record, got.entries.own
    for name in got.maker.grids():
        spec, rows = got.maker.fields[name], got.entries.rows.get(name, [])
        assert isinstance(spec, RowsField)
        flat = {n: f for n, f in spec.of.items() if not isinstance(f, RowsField)}
        records = by_key(rows, record.get(name))
        for row in rows:
            if row.key in records:
                yield f"{name}.{row.key}.", flat, records[row.key], row.entries


def _proposals(got: Sent, record: Record) -> dict[str, Entry]:
    """What defaults fill into the blank inputs, by the inputs' names."""
    source = _source(got.maker)
    return {
        prefix + name: source.entry(field, holder[name])
        for prefix, fields, holder, entries in _levels(got, record)
        for name, field in fields.items()
        if field.default is not None and holder.get(name) is not None and (name not in entries or entries[name].blank)
    }


def _with_proposals(got: Sent, record: Record) -> frozenset[str]:
    """Fills the blank inputs with what defaults propose; the names of those inputs."""
    proposed = _proposals(got, record)
    for prefix, _, _, entries in _levels(got, record):
        for name in list(entries):
            if prefix + name in proposed:
                entries[name] = proposed[prefix + name]
    return frozenset(proposed)


# Drawing -------------------------------------------------------------------------------------------------------------


def _frame(visit: Visit, sheet: Sheet) -> Frame:
    """That of a form which saves the record."""
    words, here = visit.words, f"/m/{visit.model}/{sheet.key}" if sheet.key else f"/m/{visit.model}"
    if sheet.stored is not None:
        title = f"{words('edit')} {sheet.maker.presenter.title(sheet.stored)}"
    else:
        title = words("new", model=visit.model_label(visit.model))
    path = f"{here}/edit" if sheet.key else f"{here}/new"
    return Frame(path=path, ask_path=f"{here}/preview", title=title, buttons=_buttons(visit, sheet))


def _buttons(visit: Visit, sheet: Sheet) -> tuple[Button, ...]:
    """Save; and where the form's event can follow, save and fire it as the main way."""
    words, event_name = visit.words, sheet.maker.layout.submit
    save_label = words("save_mine") if sheet.conflict else words("save")
    label = _event_label(visit, sheet, event_name) if event_name else None
    if label is None:
        return (Button(save_label, "", main=True),)
    return (
        Button(words("save_mine") if sheet.conflict else words("save_draft"), "", main=False),
        Button(words("save_and", event=label), str(event_name), main=True),
    )


def _event_label(visit: Visit, sheet: Sheet, name: str) -> str | None:
    """The label of the form's event; None where the record's state does not know it, or this reader may not fire it."""
    workflow = visit.catalog.workflow_for(visit.model)
    state = sheet.stored["status"] if sheet.stored is not None else workflow.start if workflow is not None else None
    event = events_from(workflow, state).get(name) if workflow is not None else None
    if event is None or not visit.service.rights.may_fire(visit.actor, visit.model, name, event.by):
        return None
    return visit.words.say(event.label, name)
