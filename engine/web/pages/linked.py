"""What links to a record: of each link that names its other side (``back:``) the newest records, and the way to all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from engine.catalog.shapes import BackLink
from engine.ports import Record
from engine.store.transaction import Transaction
from engine.web.pages.lists import choose, expanded, views_of
from engine.web.pages.present import Presenter, Shown, column_class
from engine.web.pages.visit import Visit

#: Records shown of each link; and columns beside their title.
MOST, COLUMNS = 5, 4


@dataclass(frozen=True, slots=True)
class LinkedColumn:
    """A column: its label, and how it is drawn."""

    label: str
    css: str


@dataclass(frozen=True, slots=True)
class LinkedLine:
    """A record that links here."""

    title: str
    path: str
    cells: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """The records of one link. ``path`` leads to the list of all, empty where all are shown."""

    label: str
    head: str
    columns: tuple[LinkedColumn, ...]
    lines: tuple[LinkedLine, ...]
    path: str


def linked(visit: Visit, tx: Transaction, presenter: Presenter, record: Record) -> Iterator[Linked]:
    """Those links by which some record leads to this one that the reader may see."""
    links = visit.catalog.back_links(presenter.model).values()
    several = Counter(link.model for link in links)
    for link in links:
        other = presenter.other(link.model)
        if visit.may_read(link.model) and other.may_search(link.field):
            found = _linked(visit, tx, other, link, record["id"], named=several[link.model] > 1)
            if found.lines:
                yield found


def _linked(visit: Visit, tx: Transaction, other: Presenter, link: BackLink, key: str, *, named: bool) -> Linked:
    first = choose(views_of(visit, link.model), "")
    columns = [path for path in first.columns if path not in (other.title_field, link.field)]
    # The state says most; what was chosen for the list comes after it.
    columns = sorted(columns, key=lambda path: path != "status")[:COLUMNS]
    page = visit.reading.page(
        tx,
        visit.actor,
        link.model,
        equal={link.field: key},
        sort=("-id",),
        limit=MOST,
        expand=expanded(other, columns),
    )
    label = visit.model_label(link.model)
    return Linked(
        label=f"{label}{visit.words('colon')}{other.label(link.field)}" if named else label,
        head=other.label(other.title_field) if other.title_field is not None else label,
        columns=tuple(LinkedColumn(other.label(path), column_class(other.field_at(path))) for path in columns),
        lines=tuple(
            LinkedLine(other.title(one), f"/m/{link.model}/{one['id']}", tuple(other.at(one, path) for path in columns))
            for one in page.records
        ),
        path=f"/m/{link.model}?{link.field}={key}" if page.next is not None else "",
    )
