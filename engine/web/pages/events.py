"""Doing something with a record: firing an event (with a dialog for its input), releasing a hold, the trash."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.responses import Response

from engine.catalog.kinds.workflow import Event
from engine.errors import Complaint, InvalidValues, NotFound, Refused, RequestError, StaleVersion
from engine.fields.field import Field
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.ports import Record
from engine.store.database import Transaction
from engine.web.pages import record as record_page
from engine.web.pages.asking import EventForm, asked, summary
from engine.web.pages.entries import BLANK, Entries, Entry, Reader, Row, sent, without_blank_rows
from engine.web.pages.form import link_paths
from engine.web.pages.formview import fault_texts
from engine.web.pages.labels import event_label
from engine.web.pages.links import find_by_title
from engine.web.pages.offered import offered
from engine.web.pages.present import Presenter
from engine.web.pages.visit import Visit
from engine.web.pages.widgets import Grid, Option, Spec, Widget, Widgets, default_columns


async def ask(visit: Visit) -> Response:
    """``GET /m/{model}/{id}/do/{event}``: the input that the event wants, as a page or as the content of a dialog."""
    view = await visit.read(lambda tx: _form(visit, tx, Entries(), (), ""))
    return asked(visit, view)


async def fire(visit: Visit) -> Response:
    """``POST /m/{model}/{id}/do/{event}``."""
    form = await visit.form()
    model, key, name = visit.model, visit.request.path_params["id"], visit.request.path_params["event"]
    try:
        await visit.write(lambda tx: _fire(visit, tx, form))
    except (InvalidValues, Refused, StaleVersion) as error:
        refused = error
        if not await visit.read(lambda tx: bool(_offered(visit, tx)[1].input)):
            return await record_page.page(visit, refused)
        view = await visit.read(lambda tx: _refused(visit, tx, form, refused))
        return asked(visit, view, refused.status)
    return visit.go(f"/m/{model}/{key}", done=name)


async def ask_release(visit: Visit) -> Response:
    """``GET /m/{model}/{id}/holds/{hold}``: asks why the hold may go."""
    view = await visit.read(lambda tx: _release_form(visit, tx, "", None))
    return asked(visit, view)


async def release(visit: Visit) -> Response:
    """``POST /m/{model}/{id}/holds/{hold}``."""
    form = await visit.form()
    why = str(form.get("why") or "")
    try:
        await visit.write(lambda tx: visit.service.release(tx, visit.actor, visit.request.path_params["hold"], why))
    except (InvalidValues, Refused) as error:
        refused = error
        view = await visit.read(lambda tx: _release_form(visit, tx, why, refused))
        return asked(visit, view, refused.status)
    return visit.go(f"/m/{visit.model}/{visit.request.path_params['id']}", released="1")


async def trash(visit: Visit) -> Response:
    """``POST /m/{model}/{id}/trash``."""
    form = await visit.form()
    version = _version(form)
    try:
        await visit.write(
            lambda tx: visit.service.delete(
                tx, visit.actor, visit.model, visit.request.path_params["id"], version=version
            )
        )
    except (Refused, StaleVersion) as error:
        return await record_page.page(visit, error)
    return visit.go(f"/m/{visit.model}", trashed="1")


def _version(form: FormData) -> int | None:
    text = form.get("version")
    return int(text) if isinstance(text, str) and text.isdecimal() else None


def _offered(visit: Visit, tx: Transaction) -> tuple[Record, Event]:
    """The record and the event that the address names. NotFound where its state does not know such an event."""
    record = visit.reading.get(tx, visit.actor, visit.model, visit.request.path_params["id"], expand=link_paths(visit))
    return record, offered(visit, tx, record)


def reader(visit: Visit, tx: Transaction) -> Reader:
    """What makes values of the texts of an event's input."""
    return Reader(ZoneInfo(visit.catalog.app.timezone), lambda model, text: find_by_title(visit, tx, model, text))


def _read(visit: Visit, tx: Transaction, event: Event, form: FormData) -> tuple[Entries, Reader, dict[str, object]]:
    entries = without_blank_rows(sent(event.input, form))
    made = reader(visit, tx)
    return entries, made, made.values(event.input, entries)


def _fire(visit: Visit, tx: Transaction, form: FormData) -> Record:
    name = visit.request.path_params["event"]
    record, event = _offered(visit, tx)
    _, made, values = _read(visit, tx, event, form)
    if made.complaints:
        raise InvalidValues(complaints=made.complaints)
    return visit.service.fire(tx, visit.actor, visit.model, record["id"], name, values, version=_version(form))


def _refused(visit: Visit, tx: Transaction, form: FormData, error: RequestError) -> EventForm:
    _, event = _offered(visit, tx)
    entries, _, _ = _read(visit, tx, event, form)
    complaints = error.complaints if isinstance(error, InvalidValues) else ()
    return _form(visit, tx, entries, complaints, "" if complaints else visit.words.refusal(error))


def _form(visit: Visit, tx: Transaction, entries: Entries, complaints: Sequence[Complaint], problem: str) -> EventForm:
    record, event = _offered(visit, tx)
    presenter = Presenter(visit, visit.model)
    maker = Inputs(Widgets(presenter, fault_texts(visit.words, entries, complaints)), presenter, record)
    label = event_label(visit, visit.model, event.name)
    here = f"/m/{visit.model}/{record['id']}"
    widgets = tuple(
        maker.widget(field, name, entries.own.get(name, BLANK))
        for name, field in event.input.items()
        if not isinstance(field, RowsField)
    )
    grids = tuple(
        maker.grid(field, entries.rows.get(name)) for name, field in event.input.items() if isinstance(field, RowsField)
    )
    return EventForm(
        path=f"{here}/do/{event.name}",
        back_path=here,
        label=visit.words("input_for", event=label, title=presenter.title(record)),
        button=label,
        version=record["version"],
        faults=summary(visit, widgets, complaints, problem),
        widgets=widgets,
        grids=grids,
    )


class Inputs:
    """Makes the widgets of an event's input. A link to rows is a choice among the rows of this very record."""

    def __init__(self, widgets: Widgets, presenter: Presenter, record: Record) -> None:
        self.widgets = widgets
        self.presenter = presenter
        self.record = record

    def widget(self, field: Field, name: str, entry: Entry) -> Widget:
        spec = Spec.of(self.presenter, field, None, editable=True)
        if isinstance(field, LinkField) and "." in field.target:
            return self._row_choice(spec, field, name, entry)
        return self.widgets.widget(spec, name, entry)

    def grid(self, field: RowsField, rows: Sequence[Row] | None) -> Grid:
        columns = [Spec.of(self.presenter, field.of[name], None, editable=True) for name in default_columns(field)]
        return self.widgets.grid(
            Spec.of(self.presenter, field, None, editable=True), columns, rows or [Row("n1", "", {})], {}, self.widget
        )

    def _row_choice(self, spec: Spec, field: LinkField, name: str, entry: Entry) -> Widget:
        rows_name = field.target.partition(".")[2]
        rows = self.presenter.fields[rows_name]
        assert isinstance(rows, RowsField)
        key = rows.key
        options = []
        for at, row in enumerate(self.record[rows_name], 1):
            texts = [
                self.presenter.value(inner, row.get(n)).text
                for n, inner in rows.of.items()
                if isinstance(inner, LinkField)
            ]
            number = row[key] if key is not None else at
            options.append(
                Option(str(row["id"]), " · ".join([str(number), *filter(None, texts)]), str(row["id"]) == entry.id)
            )
        return Widget(
            kind="choice",
            name=name,
            label=spec.label,
            help=spec.help,
            required=spec.required,
            fault=self.widgets.faults.get(name, ""),
            text=entry.id,
            options=tuple(options),
        )


def _release_form(visit: Visit, tx: Transaction, why: str, error: RequestError | None) -> EventForm:
    key = visit.request.path_params["id"]
    record = visit.reading.get(tx, visit.actor, visit.model, key)
    hold = next((one for one in record["holds"] if one["id"] == visit.request.path_params["hold"]), None)
    if hold is None:
        raise NotFound("there is no such hold on this record")
    label = visit.words("release_hold", name=hold["name"])
    complaints = error.complaints if error is not None else ()
    texts = {complaint.at: visit.words.complaint(complaint) for complaint in complaints}
    widget = Widget(
        kind="long_text",
        name="why",
        label=visit.words("release_why"),
        required=True,
        text=why,
        fault=texts.get("why", ""),
    )
    return EventForm(
        path=f"/m/{visit.model}/{key}/holds/{hold['id']}",
        back_path=f"/m/{visit.model}/{key}",
        label=label,
        button=visit.words("release"),
        version=record["version"],
        faults=summary(
            visit, (widget,), complaints, visit.words.problem(error) if error is not None and not complaints else ""
        ),
        widgets=(widget,),
        grids=(),
    )
