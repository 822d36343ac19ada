"""The frame around a page: the menu that this person may use, language, theme, name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request

if TYPE_CHECKING:
    from engine.web.pages.visit import Visit

THEMES = ("auto", "light", "dark")
#: So many problems of the definitions are told on a page; `orderloom check` tells them all.
MOST_PROBLEMS = 3


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A line of the menu."""

    label: str
    path: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """A heading of the menu and what stands below it. A folded one opens on a click, and where the page is in it."""

    label: str
    items: tuple[MenuItem, ...]
    folded: bool

    @property
    def open(self) -> bool:
        """Whether the page that is shown is one of these."""
        return any(item.current for item in self.items)


@dataclass(frozen=True, slots=True)
class Shell:
    """What ``base.html`` draws around a page. ``user`` is None before the log-in."""

    app: str
    user: str | None
    login: str
    groups: tuple[MenuGroup, ...]
    other_language: str
    other_language_path: str
    theme_label: str
    theme_path: str
    theme_labels: dict[str, str]
    #: Why the definitions in the files do not serve, for who may change that; empty where they do.
    refused: tuple[str, ...]

    @classmethod
    def of(cls, visit: Visit) -> Shell:
        other = "en" if visit.language == "zh" else "zh"
        following = THEMES[(THEMES.index(visit.theme) + 1) % len(THEMES)]
        labels = {theme: visit.words(f"theme_{theme}") for theme in THEMES}
        return cls(
            app=app_label(visit),
            user=visit.actor.name or visit.actor.login if visit.known else None,
            login=visit.actor.login if visit.known else "",
            groups=tuple(menu(visit)) if visit.known else (),
            other_language=other,
            other_language_path=_with(visit.request, "lang", other),
            theme_label=labels[visit.theme],
            theme_path=_with(visit.request, "theme", following),
            theme_labels=labels,
            refused=_refused(visit) if visit.known else (),
        )


def _refused(visit: Visit) -> tuple[str, ...]:
    holder = visit.site.engine.holder
    if not visit.service.rights.unlimited(visit.actor):
        return ()
    return tuple(str(reason) for reason in (*holder.problems[:MOST_PROBLEMS], holder.refused) if reason is not None)


def app_label(visit: Visit) -> str:
    """The application's name."""
    return visit.words.say(visit.catalog.app.label, visit.catalog.app.app)


def theme_of(request: Request) -> str:
    """The theme that the reader has chosen."""
    theme = request.cookies.get("theme", "auto")
    return theme if theme in THEMES else "auto"


def menu(visit: Visit) -> Iterator[MenuGroup]:
    """The menu's groups: the application's, else all its models in one; then the engine's own models. Only what this
    person may read; a group without items is left out."""
    catalog = visit.catalog
    groups = [(visit.words.say(group.group), group.items) for group in catalog.app.menu]
    if not groups:
        groups = [(visit.words("records"), tuple(name for name in catalog.models if name not in catalog.system_models))]
    placed = {name for _, names in groups for name in names}
    groups.append((visit.words("settings"), tuple(sorted(catalog.system_models - placed))))
    for number, (label, names) in enumerate(groups):
        icon = "gear" if number == len(groups) - 1 else "list"
        items = tuple(item for name in names if (item := _item(visit, name, icon)) is not None)
        if items:
            yield MenuGroup(label, items, folded=icon == "gear")


def _item(visit: Visit, name: str, icon: str) -> MenuItem | None:
    """The line for a model or a view; None when this person may not read it."""
    view = visit.catalog.views.get(name)
    model = view.for_ if view is not None else name
    if not visit.may_read(model):
        return None
    here = visit.request.url.path
    if view is not None:
        path = f"/m/{model}?{urlencode({'view': name})}"
        current = here == f"/m/{model}" and visit.request.query_params.get("view") == name
        return MenuItem(visit.words.say(view.label, name), path, icon, current)
    path = f"/m/{model}"
    return MenuItem(visit.model_label(model), path, icon, here == path or here.startswith(f"{path}/"))


def _with(request: Request, name: str, value: str) -> str:
    """This address with one more parameter. After a refused form it is the form's own page."""
    pairs = [(key, old) for key, old in request.query_params.multi_items() if key != name]
    return f"{request.url.path}?{urlencode([*pairs, (name, value)])}"
