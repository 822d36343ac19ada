"""The page of a record: what it holds, what holds it up, what can be done with it now, and what has happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from engine.errors import RequestError
from engine.fields.field import Field
from engine.fields.rows import RowsField
from engine.ports import Reason, Record
from engine.runtime.casework import casework
from engine.runtime.reading import Offer
from engine.store.database import Transaction
from engine.web.pages.ahead import Due, dues
from engine.web.pages.drawing import Drawing, approval_drawing, case_drawing
from engine.web.pages.form import link_paths
from engine.web.pages.formview import FaultSummary
from engine.web.pages.labels import event_label
from engine.web.pages.layout import READ_ONLY, WIDE, RowsSection, fixed, layout_for, own_fields, totals
from engine.web.pages.linked import Linked, linked
from engine.web.pages.moments import moment_text
from engine.web.pages.pending import ProposalView, proposal
from engine.web.pages.present import Fact, Presenter, Shown, column_class, source_of
from engine.web.pages.tasks import Stage, acted, stages
from engine.web.pages.timeline import TimelineEntry, timeline
from engine.web.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a record's rows."""

    label: str
    css: str


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a record."""

    columns: tuple[TableColumn, ...]
    lines: tuple[tuple[Shown, ...], ...]


@dataclass(frozen=True, slots=True)
class RecordPart:
    """A card: facts, or rows with totals below."""

    label: str
    facts: tuple[Fact, ...] = ()
    table: Table | None = None
    totals: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldView:
    """Something that holds the record up."""

    name: str
    message: str
    details: str
    release_path: str


@dataclass(frozen=True, slots=True)
class EventView:
    """An event of the record's state. ``path`` is the page that asks for its input, ``dialog``: small enough for one,
    ``action`` where a button sends to."""

    name: str
    label: str
    possible: bool
    main: bool
    path: str
    dialog: bool
    action: str
    confirm: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """What ``record.html`` draws."""

    version: int
    status: Shown | None
    note: str
    faults: FaultSummary | None
    holds: tuple[HoldView, ...]
    drawing: Drawing | None
    approval: Drawing | None
    dues: tuple[Due, ...]
    stages: tuple[Stage, ...]
    proposal: ProposalView | None
    events: tuple[EventView, ...]
    parts: tuple[RecordPart, ...]
    linked: tuple[Linked, ...]
    about: tuple[Fact, ...]
    timeline: tuple[TimelineEntry, ...]
    edit_path: str
    explain_path: str
    trash_path: str
    trash_confirm: str


async def show(visit: Visit) -> Response:
    """``GET /m/{model}/{id}``."""
    return await page(visit)


async def page(visit: Visit, refused: RequestError | None = None) -> Response:
    """The record's page; after a refusal with what was refused, and its status."""
    title, view = await visit.read(lambda tx: _view(visit, tx, refused))
    return visit.page("record.html", view, title=title, status=refused.status if refused is not None else 200)


def _view(visit: Visit, tx: Transaction, refused: RequestError | None) -> tuple[str, RecordView]:
    model, key = visit.model, visit.request.path_params["id"]
    record = visit.reading.get(tx, visit.actor, model, key, expand=link_paths(visit))
    presenter = Presenter(visit, model)
    title = presenter.title(record)
    here = f"/m/{model}/{key}"
    names = visit.names(tx, model, record, "read")
    rights = visit.service.rights
    writable = [
        name
        for name, field in own_fields(visit.catalog, model).items()
        if not fixed(field) and presenter.visible(name) and rights.may_update(visit.actor, model, record, [name], names)
    ]
    may_delete = model not in READ_ONLY and bool(rights.may_delete(visit.actor, model, record, names))
    work = casework(visit.service, tx, visit.actor, model, record)
    history = visit.reading.timeline(tx, visit.actor, model, key)
    offers = visit.reading.offers(tx, visit.actor, model, record)
    return title, RecordView(
        version=record["version"],
        status=presenter.at(record, "status") if record["status"] is not None else None,
        note=_note(visit, model),
        faults=FaultSummary(visit.words.refusal(refused), ()) if refused is not None else None,
        holds=tuple(_hold(visit, presenter, here, hold) for hold in record["holds"]),
        drawing=case_drawing(visit, tx, work, history, offers) if work is not None else None,
        approval=approval_drawing(visit, work) if work is not None else None,
        dues=tuple(dues(visit, tx, work)) if work is not None else (),
        stages=tuple(stages(visit, work)) if work is not None else (),
        proposal=proposal(visit, tx, presenter, record),
        events=tuple(_events(visit, here, title, offers)),
        parts=tuple(_parts(visit, presenter, record)),
        linked=tuple(linked(visit, tx, presenter, record)),
        about=tuple(_about(presenter, record)),
        timeline=tuple(timeline(visit, tx, presenter, record, history)),
        explain_path=f"{here}/explain",
        edit_path=f"{here}/edit" if writable and model not in READ_ONLY else "",
        trash_path=f"{here}/trash" if may_delete else "",
        trash_confirm=visit.words("confirm_trash", title=title),
    )


def _note(visit: Visit, model: str) -> str:
    """The quiet line after something was done here."""
    params = visit.request.query_params
    if "saved" in params:
        return visit.words("is_saved")
    if "done" in params:
        return visit.words("done", event=event_label(visit, model, params["done"]))
    return visit.words("is_released") if "released" in params else acted(visit)


# Parts ---------------------------------------------------------------------------------------------------------------


def _parts(visit: Visit, presenter: Presenter, record: Record) -> list[RecordPart]:
    """The cards in the order of the reader's form; last whatever stands in no form and has a value."""
    model = presenter.model
    layout = layout_for(visit, model, record, None)
    fields = {name: field for name, field in own_fields(visit.catalog, model).items() if presenter.visible(name)}
    sums = totals(layout, fields)
    used = {*layout.names(), *(name for names in sums.values() for name in names)}
    parts: list[RecordPart] = []
    for part in layout.parts:
        if isinstance(part, RowsSection):
            field = fields.get(part.name)
            if isinstance(field, RowsField):
                parts.append(_rows_part(visit, presenter, record, part, field, sums[part.name]))
        else:
            facts = tuple(_fact(presenter, record, placed.name) for placed in part.fields if placed.name in fields)
            parts.append(RecordPart(part.label, facts))
    used.update(filter(None, [presenter.title_field]))
    rest = [name for name, field in fields.items() if name not in used and not isinstance(field, RowsField)]
    others = [fact for name in rest if (fact := _fact(presenter, record, name)).value.kind != "empty"]
    if others:
        parts.append(RecordPart(visit.words("more_details") if parts else visit.words("details"), tuple(others)))
    return parts


def _fact(presenter: Presenter, record: Record, name: str) -> Fact:
    field = presenter.fields[name]
    return Fact(presenter.label(name), presenter.at(record, name), wide=source_of(field).widget in WIDE)


def _rows_part(
    visit: Visit, presenter: Presenter, record: Record, part: RowsSection, field: RowsField, sums: Sequence[str]
) -> RecordPart:
    """The rows: the columns of the form, then those of the others that say something."""
    wanted = dict.fromkeys([*([field.key] if field.key is not None else []), *part.columns])
    shown: dict[str, Field] = {name: field.of[name] for name in [*wanted, *(n for n in field.of if n not in wanted)]}
    rows = record[part.name]
    said = [name for name in shown if name in wanted or any(row.get(name) for row in rows)]
    table = Table(
        tuple(TableColumn(visit.words.say(shown[name].label, name), column_class(shown[name])) for name in said),
        tuple(tuple(presenter.in_row(row, shown[name], part.name) for name in said) for row in rows),
    )
    return RecordPart(part.label, table=table, totals=tuple(_fact(presenter, record, name) for name in sums))


def _about(presenter: Presenter, record: Record) -> list[Fact]:
    """What the system knows of every record."""
    names = [
        name
        for name in ("owner", "team", "created_at", "created_by", "updated_at", "version")
        if record.get(name) is not None
    ]
    return [_fact(presenter, record, name) for name in names]


# What holds it up, and what can be done ------------------------------------------------------------------------------


def _hold(visit: Visit, presenter: Presenter, here: str, hold: Record) -> HoldView:
    words = visit.words
    assignee = hold["assignee"]
    if assignee is not None:
        who = presenter.other("user").title(assignee)
    else:
        access = visit.catalog.access.get(hold["assignee_role"] or "")
        who = words.say(access.label, access.name) if access is not None else hold["assignee_role"] or ""
    blocked = [event_label(visit, presenter.model, name) for name in hold["blocks"] or ()]
    details = [
        words("assigned", who=who) if who else words("unassigned"),
        words("since", when=moment_text(visit, hold["opened_at"])),
        *([words("hold_blocks", events=words.listing(blocked))] if blocked else []),
    ]
    return HoldView(
        name=hold["name"],
        message=words.say(hold["message"]) if hold["message"] else "",
        details=" · ".join(details),
        release_path=f"{here}/holds/{hold['id']}" if visit.service.may_release(visit.actor, hold) else "",
    )


def _events(visit: Visit, here: str, title: str, offers: Sequence[Offer]) -> list[EventView]:
    """The events that the state knows: first those that are possible now; those that this reader may never fire are
    left out."""
    views: list[EventView] = []
    for offer in offers:
        if not offer.verdict and any(reason.outcome == "denied" for reason in offer.verdict.reasons):
            continue
        label = visit.words.say(offer.label, offer.name)
        path = f"{here}/do/{offer.name}"
        state = visit.catalog.states(visit.model).get(offer.event.to or "")
        grave = state is not None and state.color == "bad"
        views.append(
            EventView(
                name=offer.name,
                label=label,
                possible=bool(offer.verdict),
                main=bool(offer.verdict) and not grave and not any(view.main for view in views),
                path=path if offer.event.asks else "",
                dialog=not offer.event.propose,
                action=path,
                confirm=visit.words("confirm_event", event=label, title=title) if grave else "",
                why=() if offer.verdict else tuple(reason_texts(visit, offer.verdict.reasons)),
            )
        )
    return views


def reason_texts(visit: Visit, reasons: Sequence[Reason]) -> list[str]:
    """Why not, in words: of a reason made of parts the parts."""
    texts: list[str] = []
    for reason in reasons:
        if reason.parts:
            texts += reason_texts(visit, reason.parts)
        else:
            texts.append(visit.words.fault(reason.outcome, reason.message or reason.rule, reason.read))
    return texts
