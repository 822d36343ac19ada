"""How expressions see the models: their members, and the names that stand beside them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from engine.expressions.types import (
    DATE,
    DATETIME,
    TEXT,
    ListType,
    Member,
    RecordType,
    Scope,
    Shape,
    SimpleShape,
    Type,
)
from engine.fields.field import Field
from engine.fields.rows import RowsField
from engine.steps.step import PROPOSED as PROPOSED

#: The open holds of a record, as a list: every model has them.
HOLDS = "holds"
#: What the scope brings and no field may hide: row permissions and dates rest on these.
SCOPE_NAMES = ("user", "now", "today")

SENDER = SimpleShape(
    "current event",
    {"name": Member(TEXT), "at": Member(DATETIME), "ip": Member(TEXT), "device": Member(TEXT), "channel": Member(TEXT)},
)

ShapeOf = Callable[[str], Shape | None]


class Unread(Exception):
    """A name that may well be right: it could stand in a definition that was not read because of a problem of its
    own."""


@dataclass(frozen=True, slots=True)
class BackLink:
    """The other side of a link: the records of ``model`` whose ``field`` leads to this one."""

    model: str
    field: str


class FieldsShape:
    """A shape made of fields, its members worked out when first asked for (models refer to each other in circles).

    ``others`` are members that are no fields: an id, back links, holds. ``complete`` False: more fields may belong to
    it than could be read, so that asking for an unknown one raises Unread.
    """

    def __init__(
        self,
        name: str,
        key: str | None,
        fields: Mapping[str, Field],
        shape_of: ShapeOf,
        others: Mapping[str, Callable[[], Type]] | None = None,
        *,
        complete: bool = True,
    ) -> None:
        self._name = name
        self._key = key
        self.fields = fields
        self._shape_of = shape_of
        self._others = others or {}
        self._complete = complete
        self._members: dict[str, Member] = {}
        self._rows: dict[str, FieldsShape] = {}

    @property
    def name(self) -> str:
        return self._name

    @property
    def key(self) -> str | None:
        return self._key

    def member(self, name: str) -> Member | None:
        found = self._members.get(name)
        if found is None:
            if name in self.fields:
                found = self._of_field(name)
            elif name in self._others:
                type_ = self._others[name]()
                found = Member(type_, nullable=not isinstance(type_, ListType))
            elif not self._complete:
                raise Unread(f"{self._name}.{name}")
            else:
                return None
            self._members[name] = found
        return found

    def names(self) -> Iterable[str]:
        return [*self.fields, *self._others]

    def rows(self, name: str) -> FieldsShape | None:
        """The shape of the rows in that field; None when it holds none."""
        found = self._rows.get(name)
        if found is None:
            field = self.fields.get(name)
            if not isinstance(field, RowsField):
                return None
            found = FieldsShape(f"{self._name}.{name}", None, field.of, self._shape_of, {"id": lambda: TEXT})
            self._rows[name] = found
        return found

    def _of_field(self, name: str) -> Member:
        rows = self.rows(name)
        if rows is not None:
            return Member(ListType("list", item=RecordType.of(rows)), nullable=False)
        return self.fields[name].member(self._shape_of)


def is_proposed(shape: Shape, member: str) -> bool:
    """Whether a member of a shape is what is proposed of the record, and no field of that name."""
    return member == PROPOSED and isinstance(shape, FieldsShape) and member not in shape.fields


class UserShape:
    """The user who acts: the model of users, where ``roles`` are names and ``teams`` are teams, both ready to look
    in."""

    def __init__(self, model: Shape, team: Shape) -> None:
        self._model = model
        self._own = {
            "roles": Member(ListType("list", item=TEXT), nullable=False),
            "teams": Member(ListType("list", item=RecordType.of(team)), nullable=False),
        }

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def key(self) -> str | None:
        return self._model.key

    def member(self, name: str) -> Member | None:
        return self._own.get(name) or self._model.member(name)

    def names(self) -> Iterable[str]:
        return {**dict.fromkeys(self._model.names()), **self._own}


class Shapes:
    """The shapes and scopes of all models. Built while linking, kept by the catalogue."""

    def __init__(
        self,
        fields: Mapping[str, Mapping[str, Field]],
        keys: Mapping[str, str | None],
        back_links: Mapping[str, Mapping[str, BackLink]],
        unread: Iterable[str] = (),
        proposing: Container[str] = (),
    ) -> None:
        self._proposing = proposing
        self._fields = fields
        self._keys = keys
        self._back_links = back_links
        self._unread = frozenset(unread)
        self._models: dict[str, FieldsShape] = {}
        self._scopes: dict[str | None, Scope] = {}

    def model(self, name: str) -> FieldsShape | None:
        """The shape of a model, or None. One that could not be read has a shape that knows only its system columns."""
        found = self._models.get(name)
        if found is None:
            if name not in self._fields and name not in self._unread:
                return None
            found = FieldsShape(
                name,
                self._keys.get(name),
                self._fields.get(name, {}),
                self.of,
                {back: self._list_of(link.model) for back, link in self._back_links.get(name, {}).items()}
                | {HOLDS: self._list_of("hold")}
                | ({PROPOSED: partial(self._same, name)} if name in self._proposing else {}),
                complete=name not in self._unread,
            )
            self._models[name] = found
        return found

    def _same(self, model: str) -> Type:
        shape = self.model(model)
        if shape is None:
            raise Unread(model)
        return RecordType.of(shape)

    def proposes(self, model: str) -> bool:
        """Whether an event of the model's workflows proposes changes of its records."""
        return model in self._proposing

    def _list_of(self, model: str) -> Callable[[], Type]:
        def made() -> Type:
            shape = self.model(model)
            if shape is None:
                raise Unread(model)
            return ListType("list", item=RecordType.of(shape))

        return made

    def fields(self, model: str) -> Mapping[str, Field]:
        """All fields of a model."""
        return self._fields[model]

    def back_links(self, model: str) -> Mapping[str, BackLink]:
        """The other sides of links to a model, by name."""
        return self._back_links.get(model, {})

    def of(self, path: str) -> FieldsShape | None:
        """The shape of a model, or of its rows (``parcel.lines``); None when it has no such rows.

        A model that does not exist has a shape of which nothing is known: who names it is told, not who reads on.
        """
        name, *parts = path.split(".")
        shape = self.model(name)
        if shape is None:
            shape = self._models[name] = FieldsShape(name, None, {}, self.of, complete=False)
        for part in parts:
            shape = shape.rows(part) if shape is not None else None
        return shape

    def input(self, name: str, fields: Mapping[str, Field]) -> FieldsShape:
        """The shape of what an event or an action is given."""
        return FieldsShape(name, None, fields, self.of)

    def scope(self, model: str | None, **names: Type) -> Scope:
        """What expressions about a model may name, and the names given here. Without names always the same object."""
        found = self._scopes.get(model)
        if found is None:
            found = self._scopes[model] = Scope(
                self.model(model) if model is not None else None, dict(self._everywhere())
            )
        return found.having(**names) if names else found

    def rows_scope(self, model: str, path: tuple[str, ...], **names: Type) -> Scope:
        """What an expression in a row may name: its fields, and the record around it as ``record`` and by its model's
        name."""
        around, row = self.model(model), self.of(".".join((model, *path)))
        if around is None or row is None:
            raise LookupError(f"no rows {'.'.join(path)} in {model}")
        whole = RecordType.of(around)
        return Scope(row, {"record": whole, model: whole, **dict(self._everywhere()), **names})

    def _everywhere(self) -> Iterator[tuple[str, Type]]:
        user, team = self.model("user"), self.model("team")
        if user is not None and team is not None:
            yield "user", RecordType.of(UserShape(user, team))
        yield from {
            "now": DATETIME,
            "today": DATE,
            "event": RecordType.of(SENDER),
            "timezone": TEXT,
        }.items()
