"""What a kind of definition is. A new kind is one new file in ``kinds/`` and one line in ``builtins.py``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias

from engine.errors import Severity
from engine.expressions.language import Expression
from engine.expressions.types import Scope, Shape, Type
from engine.fields.field import Field, Linker
from engine.source.shape import Formula, Located

#: A key below a located object, or the path of several.
Key: TypeAlias = str | int | tuple[str | int, ...]


class DefinitionLinker(Linker, Protocol):
    """What a whole definition needs of the others, beyond what a field or a step does."""

    def report(self, code: str, message: str, at: Located, key: Key | None = None, hint: str | None = None) -> None:
        """Adds a problem, at the object or at the value of one of its keys."""
        ...

    def report_key(self, code: str, message: str, at: Located, key: Key, hint: str | None = None) -> None:
        """Adds a problem at a key itself: where the author has chosen its name."""
        ...

    def report_within(
        self,
        code: str,
        message: str,
        at: Located,
        key: Key,
        where: tuple[int, int],
        hint: str | None = None,
        *,
        severity: Severity = "error",
    ) -> None:
        """Adds a problem at some characters (from, to) of the text that is the value of a key."""
        ...

    def reference(self, kind: str, name: str | None, at: Located, key: Key, *, is_key: bool = False) -> Any:
        """The object of that kind and name; when it does not exist, a problem with a likely name, and None."""
        ...

    def fields(self, model: str) -> Mapping[str, Field]:
        """All fields of the model, the system columns first; empty when there is no such model."""
        ...

    def system_fields(self, model: str) -> Mapping[str, Field]:
        """The system columns of the model."""
        ...

    def field(self, model: str, path: str, at: Located, key: Key, *, is_key: bool = False) -> Field | None:
        """The field of that name, or at the end of a path such as ``leader.name``; when there is none, a problem (E303)
        with a likely name, at the value of ``key`` or at the key itself."""
        ...

    def rows_scope(self, model: str, path: tuple[str, ...], **names: Type) -> Scope:
        """What an expression in the rows at that path may name: the row's fields, and the record around it by its
        name."""
        ...

    def input_shape(self, name: str, fields: Mapping[str, Field]) -> Shape:
        """The shape of what an event or an action is given."""
        ...

    def row_condition(self, owner: str, name: str, formula: Formula, model: str) -> None:
        """Compiles a named condition of an ``access`` document for one of the models that it is used for."""
        ...

    def queried(self, formula: Formula | None, scope: Scope, expects: Type | None = None) -> Expression | None:
        """The compiled value over ``scope.record``, one that also translates to SQL (E208 otherwise)."""
        ...

    def states(self, model: str) -> Iterable[str]:
        """The names of all states of the model's workflows."""
        ...

    def fired(self, model: str) -> Collection[str]:
        """The names of the events of the model's workflows."""
        ...

    def events(self, model: str) -> Collection[str]:
        """The names of all events of the model: those of its workflows, and those that arise when fields change."""
        ...


@dataclass(frozen=True, kw_only=True)
class Definition(Located):
    """One object that an author has written. The first key of its document is the kind, and the value its name.

    Life: ``parse`` by the shape machinery (its annotations are the YAML), then ``link`` once, when all others are
    known.
    """

    kind: ClassVar[str]
    #: Read order among kinds while linking: models before what refers to their fields.
    link_order: ClassVar[int] = 50
    #: Whether several documents of one name are versions of one object.
    versioned: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The value of the document's first key."""
        return str(self.document.name)

    def link(self, linker: DefinitionLinker) -> None:
        """Resolves names and compiles expressions; every problem goes to the linker."""
