"""A form in use, and the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from engine.errors import Complaint
from engine.ports import Record
from engine.web.pages.entries import Entries, dump
from engine.web.pages.formview import Button, Conflict, FaultSummary, FormMaker, FormView, Part, fault_texts, summary
from engine.web.pages.live import live_plan
from engine.web.pages.visit import Visit


@dataclass(slots=True)
class Sheet:
    """A form in use: the record as it is stored (None: a new one), as worked out, and what stands in the inputs."""

    maker: FormMaker
    key: str | None
    stored: Record | None
    record: Record
    entries: Entries
    names: Mapping[str, Any]
    complaints: Sequence[Complaint] = ()
    proposed: frozenset[str] = frozenset()
    base: Entries | None = None
    conflict: Conflict | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the fields: where the form is sent and what it asks while somebody types, its title and
    buttons, and parts below that are no fields of the record."""

    path: str
    ask_path: str
    title: str
    buttons: tuple[Button, ...]
    parts: tuple[Part, ...] = ()


def page(visit: Visit, sheet: Sheet, frame: Frame, status: int = 200) -> Response:
    """The page of a form in use."""
    maker, model, words = sheet.maker, visit.model, visit.words
    texts = fault_texts(words, sheet.entries, sheet.complaints)
    parts = (*maker.parts(sheet.entries, sheet.record, sheet.names, texts, sheet.proposed), *frame.parts)
    faults = summary(words, maker, sheet.entries, sheet.complaints, parts)
    if sheet.problem:
        faults = FaultSummary(f"{words('not_saved')}{words('colon')}{sheet.problem}", ())
    plan = live_plan(visit.catalog, model)
    view = FormView(
        path=frame.path,
        back_path=f"/m/{model}/{sheet.key}" if sheet.key else f"/m/{model}",
        form=maker.layout.form,
        version=sheet.stored["version"] if sheet.stored is not None else None,
        once=uuid4().hex if sheet.stored is None else "",
        base=dump(sheet.base) if sheet.base is not None else "",
        parts=parts,
        buttons=frame.buttons,
        faults=faults,
        conflict=sheet.conflict,
        plan=plan.for_page(
            module_path=f"/m/{model}/live.js?v={visit.catalog.fingerprint[:12]}",
            ask_path=frame.ask_path,
            grids=maker.grids(),
            shown=maker.paths(),
            also=maker.hidden_reads(),
        ),
    )
    return visit.page("form.html", view, title=frame.title, status=status)
