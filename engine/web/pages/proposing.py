"""The form of an event that proposes: the record's own form, of the fields that may be proposed, and the event's input
below it."""

from __future__ import annotations

from dataclasses import replace

from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from engine.catalog.kinds.workflow import Event
from engine.errors import Complaint, InvalidValues, Refused, StaleVersion
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.runtime.reading import Offer
from engine.store.database import Transaction
from engine.web.pages import events, form, record
from engine.web.pages.entries import BLANK, Entries, sent, without_blank_rows
from engine.web.pages.formview import Button, Part, fault_texts
from engine.web.pages.labels import event_label
from engine.web.pages.offered import offered
from engine.web.pages.sheet import Frame, Sheet, page
from engine.web.pages.visit import Visit
from engine.web.pages.widgets import Widgets


async def ask(visit: Visit) -> Response:
    """``GET /m/{model}/{id}/do/{event}``: what the event wants. One that proposes wants a form of the record."""
    event = await visit.read(lambda tx: _event(visit, tx))
    if not event.propose:
        return await events.ask(visit)
    sheet = await visit.read(lambda tx: form.stored(visit, tx))
    return _page(visit, sheet, event, Entries())


async def fire(visit: Visit) -> Response:
    """``POST /m/{model}/{id}/do/{event}``."""
    event = _known(visit)
    if event is None or not event.propose:
        return await events.fire(visit)
    given, model, key = await visit.form(), visit.model, visit.request.path_params["id"]
    try:
        await visit.write(lambda tx: _propose(visit, tx, event, given))
    except (InvalidValues, Refused, StaleVersion) as error:
        refused = error
        if not await visit.read(lambda tx: _still(visit, tx)):
            return await record.page(visit, error)
        sheet = await visit.read(lambda tx: form.refused_sheet(visit, tx, given, refused))
        return _page(visit, sheet, event, sent(event.input, given), refused.status)
    return visit.go(f"/m/{model}/{key}", done=event.name)


async def preview(visit: Visit) -> Response:
    """``POST /m/{model}/{id}/do/{event}/preview``: what the worked-out fields would come to."""
    given = await visit.form()
    return JSONResponse(await visit.read(lambda tx: form.worked_out(visit, tx, given)))


def _event(visit: Visit, tx: Transaction) -> Event:
    found = visit.reading.get(tx, visit.actor, visit.model, visit.request.path_params["id"])
    return offered(visit, tx, found)


def _known(visit: Visit) -> Event | None:
    """The event by its name, also where the record has gone on meanwhile."""
    name = visit.request.path_params["event"]
    flows = [flow for flow in visit.catalog.workflows.values() if flow.for_ == visit.model]
    return next((event for flow in flows for event in flow.all_events() if event.name == name), None)


def _still(visit: Visit, tx: Transaction) -> bool:
    """Whether the record still is where something may be proposed of it, so that the form can be shown again."""
    found = visit.reading.get(tx, visit.actor, visit.model, visit.request.path_params["id"])
    if visit.service.proposals.pending(tx, visit.model, found["id"]) is not None:
        return False
    return any(offer.name == visit.request.path_params["event"] for offer in _offers(visit, tx, found))


def _offers(visit: Visit, tx: Transaction, found: Record) -> list[Offer]:
    return visit.reading.offers(tx, visit.actor, visit.model, found)


def _propose(visit: Visit, tx: Transaction, event: Event, given: FormData) -> Record:
    """The record after the event. What is wrong with texts and with values is complained about together."""
    got = form.read(visit, tx, given)
    asked = without_blank_rows(sent(event.input, given))
    reader = events.reader(visit, tx)
    values = {**got.values, **reader.values(event.input, asked)}
    if got.complaints or reader.complaints:
        raise InvalidValues(complaints=[*got.complaints, *reader.complaints])
    assert got.stored is not None  # the address names a record
    version = form.version_of(given)
    return visit.service.fire(tx, visit.actor, visit.model, got.stored["id"], event.name, values, version=version)


def _page(visit: Visit, sheet: Sheet, event: Event, asked: Entries, status: int = 200) -> Response:
    assert sheet.stored is not None
    label, here = event_label(visit, visit.model, event.name), f"/m/{visit.model}/{sheet.stored['id']}"
    path = f"{here}/do/{event.name}"
    return page(
        visit,
        sheet,
        Frame(
            path=path,
            ask_path=f"{path}/preview",
            title=visit.words("input_for", event=label, title=sheet.maker.presenter.title(sheet.stored)),
            buttons=(Button(label, "", main=True),),
            parts=_asked(visit, sheet, event, asked),
        ),
        status,
    )


def _asked(visit: Visit, sheet: Sheet, event: Event, asked: Entries) -> tuple[Part, ...]:
    """What the event asks besides, below the record's fields."""
    assert sheet.stored is not None
    presenter = sheet.maker.presenter
    faults = fault_texts(visit.words, asked, [one for one in sheet.complaints if _of_input(event, one)])
    inputs = events.Inputs(Widgets(presenter, faults), presenter, sheet.stored)
    widgets = tuple(
        inputs.widget(field, name, asked.own.get(name, BLANK))
        for name, field in event.input.items()
        if not isinstance(field, RowsField)
    )
    grids = [
        Part(visit.words.say(field.label, name), grid=inputs.grid(field, asked.rows.get(name)))
        for name, field in event.input.items()
        if isinstance(field, RowsField)
    ]
    return (*([Part("", tuple(replace(one, width="w12 begins") for one in widgets))] if widgets else []), *grids)


def _of_input(event: Event, complaint: Complaint) -> bool:
    return complaint.at.partition("[")[0] in event.input
