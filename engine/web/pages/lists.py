"""Lists: saved views as tabs, search, filters, sorting, pages. All of it stands in the address, and works without
JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import Response

from engine.catalog.kinds.pages import View
from engine.errors import AccessDenied, NotFound
from engine.fields.boolean import BooleanField
from engine.fields.choice import ChoiceField
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.store.query import Page
from engine.store.transaction import Transaction
from engine.web.pages.layout import READ_ONLY, own_fields
from engine.web.pages.present import MOMENTS, NUMBERS, SHORT_ID, Presenter, Shown, column_class, source_of
from engine.web.pages.query import Filtered, condition
from engine.web.pages.visit import Visit
from engine.web.pages.widgets import Option

#: Records on a page.
PER_PAGE = 50

#: A filter with so many options or fewer is a row of chips, one with more a drop-down.
MOST_CHIPS = 8

#: How many columns a list has for which no view says so.
GENERATED_COLUMNS = 7

#: How many pages back the address remembers. Further back there is the first page.
MOST_TRAIL = 20


@dataclass(frozen=True, slots=True)
class Tab:
    """A view to choose."""

    label: str
    path: str
    current: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """Values of one field to filter by."""

    name: str
    label: str
    chips: bool
    options: tuple[Option, ...]

    @property
    def set(self) -> bool:
        """Whether one is chosen."""
        return any(option.chosen for option in self.options)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its label, where a click on that leads (sorted the other way), how it is sorted now."""

    label: str
    css: str
    path: str
    sorted: str


@dataclass(frozen=True, slots=True)
class Line:
    """A record: where it leads, and its cells."""

    path: str
    cells: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView:
    """What ``list.html`` draws."""

    label: str
    note: str
    path: str
    tabs: tuple[Tab, ...]
    kept: tuple[tuple[str, str], ...]
    search: str
    search_label: str
    filters: tuple[Filter, ...]
    filtered: bool
    clear_path: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    range: str
    previous_path: str
    next_path: str
    export_path: str
    new_path: str
    new_label: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The view that a list shows: a definition's, or one made from the model's fields (``name`` empty)."""

    name: str
    label: str
    columns: tuple[str, ...]
    where: str | None
    sort: tuple[str, ...]
    search: tuple[str, ...]


async def show(visit: Visit) -> Response:
    """``GET /m/{model}``: the list; for htmx only its part of the page."""
    model, params = visit.model, visit.request.query_params
    if not visit.may_read(model):
        raise AccessDenied
    views = views_of(visit, model)
    chosen = choose(views, params.get("view", ""))
    presenter = Presenter(visit, model)
    filtered = Filtered.of(visit, model, params, chosen.columns)
    sort = _sort(presenter, chosen, params)
    trail = params.getlist("after")
    search = params.get("q", "").strip()

    def read(tx: Transaction) -> tuple[Page, list[Filter]]:
        page = visit.reading.page(
            tx,
            visit.actor,
            model,
            where=condition(chosen.where, filtered),
            equal=filtered.links,
            sort=sort,
            limit=PER_PAGE,
            after=trail[-1] if trail else None,
            expand=expanded(presenter, chosen.columns),
            count="capped",
            search=(search, chosen.search) if search and chosen.search else None,
        )
        return page, [_linked(tx, presenter, name, key) for name, key in filtered.links.items()]

    page, links = await visit.read(read)
    address = Address(f"/m/{model}", params)
    first = len(trail) * PER_PAGE + 1
    view = ListView(
        label=visit.model_label(model),
        note=visit.words("trashed") if "trashed" in params else "",
        path=address.path,
        tabs=tuple(Tab(one.label, address.only(view=one.name), one.name == chosen.name) for one in views),
        kept=tuple((key, value) for key, value in params.multi_items() if key in ("view", "sort")),
        search=search,
        search_label=_search_label(visit, presenter, chosen.search),
        filters=(*links, *_filters(presenter, filtered)),
        filtered=bool(search) or filtered.active,
        clear_path=address.only(view=params.get("view", ""), sort=params.get("sort", "")),
        columns=tuple(_columns(presenter, chosen, sort, address)),
        lines=tuple(
            Line(f"/m/{model}/{record['id']}", tuple(presenter.at(record, path) for path in chosen.columns))
            for record in page.records
        ),
        range=_range(visit, first, page),
        previous_path=address.having(after=trail[:-1]) if trail else "",
        next_path=address.having(after=[*trail, page.next][-MOST_TRAIL:]) if page.next else "",
        export_path=_export_path(visit, model, address),
        new_path=f"{address.path}/new" if visit.may_create(model) and model not in READ_ONLY else "",
        new_label=visit.words("new", model=visit.model_label(model)),
    )
    return visit.page("list_part.html" if visit.partial else "list.html", view, title=view.label)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of the list, and of others that differ in a parameter."""

    path: str
    params: QueryParams

    def having(self, **values: str | Sequence[str]) -> str:
        """The address with these parameters instead."""
        pairs = [(key, value) for key, value in self.params.multi_items() if key not in values]
        for key, value in values.items():
            pairs += [(key, one) for one in ([value] if isinstance(value, str) else value)]
        return self._written(pairs)

    def only(self, **values: str) -> str:
        """The address with only these parameters."""
        return self._written(list(values.items()))

    def _written(self, pairs: list[tuple[str, str]]) -> str:
        pairs = [(key, value) for key, value in pairs if value]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path


def views_of(visit: Visit, model: str) -> list[Chosen]:
    """The views for this reader, the one with everything first; made from the fields where no definition shows all."""
    written = [view for view in visit.catalog.views.values() if view.for_ == model and _offered(visit, view)]
    views = [_written_view(visit, view) for view in written]
    if not any(view.where is None for view in views):
        views.insert(0, _generated_view(visit, model))
    return sorted(views, key=lambda view: view.where is not None)


def _offered(visit: Visit, view: View) -> bool:
    return (
        not view.audience
        or bool(visit.actor.roles.intersection(view.audience))
        or visit.service.rights.unlimited(visit.actor)
    )


def choose(views: Sequence[Chosen], name: str) -> Chosen:
    """The view of that name; without one the first."""
    for view in views:
        if not name or view.name == name:
            return view
    raise NotFound(f"there is no view {name}")


def _written_view(visit: Visit, view: View) -> Chosen:
    presenter = Presenter(visit, view.for_)
    visible = tuple(path for path in view.columns if presenter.visible(path.partition(".")[0]))
    search = tuple(view.search) or _search_fields(presenter)
    return Chosen(
        view.name,
        visit.words.say(view.label, view.name),
        visible,
        view.where.text if view.where is not None else None,
        tuple(view.sort),
        tuple(name for name in search if presenter.may_search(name)),
    )


def _generated_view(visit: Visit, model: str) -> Chosen:
    """A view of the title, the state and as many of the other fields as fit."""
    presenter = Presenter(visit, model)
    title = presenter.title_field
    names = [title] if title is not None else []
    names += ["status"] if visit.catalog.states(model) else []
    others = [
        name
        for name, field in own_fields(visit.catalog, model).items()
        if name not in names
        and presenter.visible(name)
        and not isinstance(field, RowsField)
        and field.widget not in ("long_text", "json", "address")
    ]
    names += [*others[: GENERATED_COLUMNS - len(names) - 1], "created_at"]
    return Chosen("", visit.words("every_record"), tuple(names), None, ("-created_at",), _search_fields(presenter))


def _search_fields(presenter: Presenter) -> tuple[str, ...]:
    """The title and the key."""
    model = presenter.catalog.models[presenter.model]
    names = dict.fromkeys(name for name in (model.title, model.key) if name is not None)
    return tuple(name for name in names if presenter.may_search(name))


def expanded(presenter: Presenter, columns: Sequence[str]) -> list[str]:
    """The links that the columns show or go through."""
    paths: dict[str, None] = {}
    for column in columns:
        name, _, rest = column.partition(".")
        field = presenter.fields[name]
        if isinstance(field, LinkField):
            inner = expanded(presenter.other(field.target), [rest]) if rest else []
            paths |= dict.fromkeys([name, *(f"{name}.{path}" for path in inner)])
    return list(paths)


def _sort(presenter: Presenter, chosen: Chosen, params: QueryParams) -> tuple[str, ...]:
    wanted = params.get("sort", "")
    if wanted and _sortable(presenter, wanted.removeprefix("-")):
        return (wanted,)
    return chosen.sort


def _sortable(presenter: Presenter, path: str) -> bool:
    """Whether a list may be sorted by this column: an own field, in plain sight."""
    field = presenter.fields.get(path)
    return (
        field is not None
        and field.stored
        and field.comparable
        and not isinstance(field, LinkField)
        and presenter.may_search(path)
    )


def _columns(presenter: Presenter, chosen: Chosen, sort: Sequence[str], address: Address) -> list[Column]:
    columns: list[Column] = []
    fields = [presenter.field_at(path) for path in chosen.columns]
    main = next(
        (path for path, field in zip(chosen.columns, fields, strict=True) if source_of(field).widget == "money"), None
    )
    leading = sort[0] if sort else ""
    for at, (path, field) in enumerate(zip(chosen.columns, fields, strict=True)):
        down = leading == f"-{path}"
        now = "descending" if down else "ascending" if leading == path else ""
        # Newest and largest first is what a first click on a moment or a number is for.
        first_down = source_of(field).widget in NUMBERS | MOMENTS and not now
        target = address.having(sort=f"-{path}" if first_down or now == "ascending" else path, after=[])
        css = column_class(field, first=at == 0, main=path == main, status=path == "status")
        columns.append(Column(presenter.label(path), css, target if _sortable(presenter, path) else "", now))
    return columns


def _filters(presenter: Presenter, filtered: Filtered) -> list[Filter]:
    filters: list[Filter] = []
    for name, values in filtered.offered.items():
        field = presenter.fields[name]
        language = presenter.visit.language
        if isinstance(field, ChoiceField):
            options = tuple(
                Option(option, field.label_of(option, language), option in values) for option in field.options
            )
        else:
            assert isinstance(field, BooleanField)
            options = tuple(
                Option(text, field.display(text == "true", language), text in values) for text in ("true", "false")
            )
        filters.append(Filter(name, presenter.label(name), name == "status" and len(options) <= MOST_CHIPS, options))
    return filters


def _linked(tx: Transaction, presenter: Presenter, name: str, key: str) -> Filter:
    """The record that a link has to lead to, as a chip that can be taken away."""
    visit, field = presenter.visit, presenter.fields[name]
    assert isinstance(field, LinkField)
    try:
        title = presenter.other(field.target).title(visit.reading.get(tx, visit.actor, field.target, key))
    except NotFound:
        title = f"…{key[-SHORT_ID:]}"
    label = presenter.label(name)
    return Filter(name, label, True, (Option(key, f"{label}{visit.words('colon')}{title}", True),))


def _search_label(visit: Visit, presenter: Presenter, fields: Sequence[str]) -> str:
    return visit.words("filter_in", fields=" / ".join(presenter.label(name) for name in fields)) if fields else ""


def _range(visit: Visit, first: int, page: Page) -> str:
    """Which records of how many are shown."""
    last = first + len(page.records) - 1
    if page.count is None:
        return visit.words("range", first=first, last=last)
    return visit.words("range_of" if page.exact else "range_of_many", first=first, last=last, total=f"{page.count:,}")


def _export_path(visit: Visit, model: str, address: Address) -> str:
    if not visit.service.rights.may_export(visit.actor, model):
        return ""
    return address.having(after=[]).replace(address.path, f"{address.path}/export.csv", 1)
