"""A form that asks for what an act needs: a page by itself, or the content of a dialog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from engine.errors import Complaint
from engine.web.pages.formview import FaultLine, FaultSummary
from engine.web.pages.visit import Visit
from engine.web.pages.widgets import Grid, Widget


@dataclass(frozen=True, slots=True, kw_only=True)
class EventForm:
    """What ``event_part.html`` draws: the input of an event."""

    path: str
    back_path: str
    label: str
    button: str
    version: int | None
    faults: FaultSummary | None
    widgets: tuple[Widget, ...]
    grids: tuple[Grid, ...]
    files: bool = False


def asked(visit: Visit, view: EventForm, status: int = 200) -> Response:
    """The form as the answer: the whole page, or what a dialog shows."""
    return visit.page("event_part.html" if visit.partial else "event.html", view, title=view.label, status=status)


def summary(
    visit: Visit, widgets: Sequence[Widget], complaints: Sequence[Complaint], problem: str
) -> FaultSummary | None:
    """What is wrong with a form, each fault leading to its input; None where nothing is."""
    if problem:
        return FaultSummary(problem, ())
    if not complaints:
        return None
    by_name = {widget.name: widget for widget in widgets}
    lines = []
    for complaint in complaints:
        widget = by_name.get(complaint.at)
        lines.append(
            FaultLine(
                widget.label if widget else complaint.at, widget.id if widget else "", visit.words.complaint(complaint)
            )
        )
    title = visit.words("to_correct_one") if len(lines) == 1 else visit.words("to_correct", count=len(lines))
    return FaultSummary(title, tuple(lines))
