"""Which records are asked for: conditions, rights, searched texts. Equal questions have the same SQL text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, func, or_

from engine.catalog.catalog import Catalog
from engine.errors import BadRequest
from engine.expressions.language import Expression
from engine.expressions.types import TEXT, ChoiceType
from engine.store.kept import Kept
from engine.store.lifting import Lifted, lifted
from engine.store.loading import Selection
from engine.store.translate import Translation

Names = Mapping[str, Any]
Where = Expression | Sequence[Expression] | None
#: Conditions of which one must hold: what an actor's rights reach. None: all records.
Scopes = Sequence[Expression] | None
#: A text, and the fields that may contain it.
Search = tuple[str, Sequence[str]]

#: The name of the parameter with the searched text, and what escapes its wildcards.
SEARCHED, ESCAPE = "searched", "\\"
#: Conditions that are kept without their constants.
MOST_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, without the values: the expressions are the same objects whenever they are equal."""

    model: str
    where: tuple[Expression, ...]
    scopes: tuple[Expression, ...] | None
    searched: tuple[str, ...]
    trashed: bool


class Questions:
    """Tells questions from their values."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._kept = Kept(MOST_KEPT)

    def read(
        self,
        model: str,
        names: Names | None,
        where: Where = None,
        scopes: Scopes = None,
        search: Search | None = None,
        *,
        trashed: bool = False,
    ) -> tuple[Question, dict[str, Any]]:
        """The question, and the names of the scope with the question's constants and searched text among them."""
        scope = dict(names or {})
        given = () if where is None else (where,) if isinstance(where, Expression) else tuple(where)
        count = 0

        def lift(expression: Expression) -> Expression:
            nonlocal count
            first = count
            found: Lifted = self._kept.get((expression, first), lambda: self._lift(expression, first))
            scope.update(found.values)
            count += len(found.values)
            return found.expression

        conditions = tuple(lift(expression) for expression in given)
        rights = None if scopes is None else tuple(lift(expression) for expression in scopes)
        searched: tuple[str, ...] = ()
        if search is not None and search[0].strip():
            searched = tuple(search[1])
            scope[SEARCHED] = _pattern(search[0].strip())
        return Question(model, conditions, rights, searched, trashed), scope

    def _lift(self, expression: Expression, first: int) -> Lifted:
        found = lifted(expression, first)
        # The same object for equal trees, so that questions are compared at once.
        same: Expression = self._kept.get(found.expression.tree, lambda: found.expression)
        return Lifted(same, found.values)

    def condition(self, question: Question, selection: Selection, translation: Translation) -> ColumnElement[bool]:
        """The WHERE of the question."""
        deleted_at = selection.level.table.c["deleted_at"]
        parts: list[ColumnElement[bool]] = [deleted_at.is_not(None) if question.trashed else deleted_at.is_(None)]
        parts += [translation.holds(expression) for expression in question.where]
        if question.scopes is not None:
            parts.append(translation.any_of(question.scopes))
        if question.searched:
            parts.append(self._contains(question, translation))
        return and_(*parts)

    def _contains(self, question: Question, translation: Translation) -> ColumnElement[bool]:
        """The condition that one of the searched fields contains the text; Latin letters may be of either case."""
        scope = self._catalog.scope(question.model)
        wanted = func.lower(bindparam(SEARCHED, type_=String()))
        translation.given(SEARCHED)
        found = []
        for name in question.searched:
            expression = self._catalog.compile(name, scope)
            if not (expression.type == TEXT or isinstance(expression.type, ChoiceType)):
                raise BadRequest(f"{name!r} is no text to search in", code="BAD_SEARCH")
            found.append(func.lower(translation.value(expression).clause).like(wanted, escape=ESCAPE))
        return or_(*found)


def _pattern(text: str) -> str:
    """The pattern that finds the text anywhere."""
    for special in (ESCAPE, "%", "_"):
        text = text.replace(special, ESCAPE + special)
    return f"%{text}%"
