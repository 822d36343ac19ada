"""Questions about many records: pages of lists, searches, counts, groups.

What a question is made of (conditions, sort keys, which of a cursor's keys are null) decides its text, which is
compiled once and kept; only values change from one request to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import Select, and_, bindparam, func, literal, select

from engine.catalog.catalog import Catalog
from engine.errors import BadRequest
from engine.expressions.language import Expression
from engine.expressions.tree import Compare, Constant, Logic, Node
from engine.fields.link import LinkField
from engine.ports import Record
from engine.store.codec import Row
from engine.store.expanding import ALL, Expander, Reads
from engine.store.faults import UnfitValue
from engine.store.grouping import Grouping
from engine.store.kept import Kept
from engine.store.keys import is_key
from engine.store.lifting import lifted
from engine.store.loading import Loader, result_reader
from engine.store.questions import Names, Question, Questions, Scopes, Search, Where
from engine.store.sorting import Term, after, order_by, read_cursor, read_terms, sort_key, write_cursor
from engine.store.statement import Statement
from engine.store.transaction import Transaction
from engine.store.translate import Translation
from engine.store.updating import Updating

#: A capped count says "more than this".
CAP = 1_000
#: Compiled questions that are kept; lists, saved filters and steps ask the same ones again and again.
MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list. ``next`` is the cursor of the page that follows, None on the last one.

    ``count`` is there when asked for; ``exact`` False means that there are more than that."""

    records: list[Record]
    next: str | None
    count: int | None = None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class How:
    """In which sequence, and from where on. ``stretch``: only records whose first sort key has a value (True), or has
    none (False). ``begins``: which of the cursor's keys have a value; None at the beginning."""

    terms: tuple[Term, ...]
    stretch: bool | None
    begins: tuple[bool, ...] | None
    backwards: bool
    lock: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A compiled question: its statement, and the functions that give its parameters and read its rows."""

    statement: Statement
    parameters: Callable[[Names], list[Any]]
    #: How many columns the record takes; sort keys follow.
    width: int
    keys: tuple[Callable[[Any], Any], ...]


class Query:
    """Asks questions about the records of a catalogue."""

    def __init__(self, catalog: Catalog, loader: Loader, expander: Expander, updating: Updating) -> None:
        self._catalog = catalog
        self._loader = loader
        self._expander = expander
        self._updating = updating
        self._questions = Questions(catalog)
        self._kept = Kept(MOST_KEPT)

    # Pages ----------------------------------------------------------------------------------------------------------

    def page(
        self,
        tx: Transaction,
        model: str,
        *,
        where: Where = None,
        scopes: Scopes = None,
        names: Names | None = None,
        sort: Sequence[str] = (),
        limit: int = 50,
        after: str | None = None,
        expand: Sequence[str] = (),
        count: Literal["exact", "capped"] | str | None = None,
        search: Search | None = None,
        trashed: bool = False,
    ) -> Page:
        """The records that hold all of ``where`` and one of ``scopes``, in the sequence of ``sort`` (newest first when
        there is none), after the cursor. ``expand`` names links and rows to read with them.

        BadRequest for sort keys, cursors and fields that cannot be."""
        question, scope = self._questions.read(model, names, where, scopes, search, trashed=trashed)
        terms = self._terms(model, tuple(sort))
        keys: tuple[bool, ...] | None = None
        if after is not None:
            values, key = read_cursor(model, terms, after)
            if not is_key(key):
                raise BadRequest("this is no cursor of a list", code="BAD_CURSOR")
            keys = tuple(value is not None for value in values)
            scope |= {f"after_{index}": value for index, value in enumerate(values)} | {"after_id": key}
        asked, rows = self._rows(tx, question, terms, scope, keys, limit + 1)
        following = None
        if len(rows) > limit:
            rows = rows[:limit]
            following = self._cursor(model, terms, asked, rows[-1])
        records = self._loader.records(tx, model, [row[: asked.width] for row in rows])
        if expand:
            reads = frozenset((*path.split("."), ALL) for path in expand)
            self._expander.expand(tx, model, records, reads)
        number, exact = self._count(tx, question, scope, count)
        return Page(records, following, number, exact)

    def _rows(
        self,
        tx: Transaction,
        question: Question,
        terms: tuple[Term, ...],
        scope: Names,
        keys: tuple[bool, ...] | None,
        most: int,
        *,
        oldest_first: bool = False,
        lock: bool = False,
    ) -> tuple[Asked, list[Row]]:
        """The first rows after the cursor, of whose sort keys ``keys`` have a value.

        Records whose first key has a value come first, by a statement of their own: an index serves each of the two
        stretches, but not both together."""
        if not terms:
            stretches: list[bool | None] = [None]
        else:
            stretches = [False] if keys is not None and not keys[0] else [True, False]
            if self._kept.get(("has a value", question, terms[0]), lambda: has_value(question, terms[0])):
                stretches = [True]
        backwards = terms[-1].descending if terms else not oldest_first
        rows: list[Row] = []
        for stretch in stretches:
            begins = keys if stretch is stretches[0] else None
            how = How(terms, stretch, begins, backwards, lock)
            asked = self._kept.get((question, how), partial(self._ask, question, how))
            rows += _answer(tx, asked.statement, asked.parameters({**scope, "most": most - len(rows)}))
            if len(rows) >= most:
                break
        return asked, rows

    def _ask(self, question: Question, how: How) -> Asked:
        selection = self._loader.new_selection(question.model)
        identity = selection.level.table.c["id"]
        translation = Translation(self._catalog, selection.joins, self._loader.dialect.name)
        condition = self._questions.condition(question, selection, translation)
        keys = [sort_key(translation, term) for term in how.terms]
        if how.stretch is not None:
            first = keys[0].clause
            condition = and_(condition, first.is_not(None) if how.stretch else first.is_(None))
        if how.begins is not None:
            mark = bindparam("after_id", type_=identity.type)
            translation.given("after_id")
            beyond = identity < mark if how.backwards else identity > mark
            condition = and_(condition, after(translation, how.terms, keys, how.begins, beyond))
        clause = selection.select(*(key.clause.label(f"key_{index}") for index, key in enumerate(keys))).where(
            condition
        )
        clause = clause.order_by(*order_by(keys, how.terms, how.stretch))
        clause = clause.order_by(identity.desc() if how.backwards else identity.asc()).limit(bindparam("most"))
        translation.given("most")
        if how.lock:
            clause = clause.with_for_update(of=selection.level.table)
        statement = selection.statement(clause, translation.parameters, raw=False)
        readers = tuple(result_reader(key, self._loader.dialect) for key in keys)
        return Asked(statement, translation.values, len(selection.columns), readers)

    def cursor(self, model: str, sort: Sequence[str], record: Record) -> str:
        """The cursor of the page that begins after the record."""
        terms = self._terms(model, tuple(sort))
        return write_cursor(model, terms, [term.expression(record, {}) for term in terms], str(record["id"]))

    def _cursor(self, model: str, terms: tuple[Term, ...], asked: Asked, row: Row) -> str:
        values = [read(value) for read, value in zip(asked.keys, row[asked.width :], strict=True)]
        return write_cursor(model, terms, values, str(row[0]))

    def _count(self, tx: Transaction, question: Question, scope: Names, how: str | None) -> tuple[int | None, bool]:
        """How many records answer the question, and whether that is all of them."""
        if how is None:
            return None, True
        if how not in ("exact", "capped"):
            raise BadRequest("count is `exact` or `capped`", code="BAD_COUNT")
        capped = how == "capped"
        statement, parameters = self._kept.get(("count", question, capped), lambda: self._ask_count(question, capped))
        number = int(_answer(tx, statement, parameters(scope))[0][0])
        return (CAP, False) if capped and number > CAP else (number, True)

    def _ask_count(self, question: Question, capped: bool) -> tuple[Statement, Callable[[Names], list[Any]]]:
        selection = self._loader.new_selection(question.model)
        translation = Translation(self._catalog, selection.joins, self._loader.dialect.name)
        condition = self._questions.condition(question, selection, translation)
        clause: Select[Any]
        if capped:
            one = select(literal(1)).select_from(selection.joins.source).where(condition).limit(CAP + 1)
            clause = select(func.count()).select_from(one.subquery())
        else:
            clause = select(func.count()).select_from(selection.joins.source).where(condition)
        return Statement(clause, self._loader.dialect, translation.parameters), translation.values

    # Finding --------------------------------------------------------------------------------------------------------

    def find(
        self,
        tx: Transaction,
        model: str,
        *,
        where: Where = None,
        scopes: Scopes = None,
        names: Names | None = None,
        sort: Sequence[str] = (),
        limit: int,
        group: Mapping[str, Expression] | None = None,
        measure: Mapping[str, Expression] | None = None,
        reads: Reads = frozenset(),
        lock: bool = False,
    ) -> list[Record]:
        """The whole records that hold the conditions, in the sequence of ``sort``, else as they were made; at most
        ``limit``. With ``group`` or ``measure`` one dict of keys and measures for each group instead.

        ``lock`` keeps other transactions from writing the records."""
        question, scope = self._questions.read(model, names, where, scopes)
        if group or measure:
            grouping = self._kept.get(
                ("group", question, _items(group), _items(measure), tuple(sort)),
                lambda: self._ask_groups(question, group or {}, measure or {}, tuple(sort)),
            )
            groups: list[Record] = grouping.find(tx, scope, limit)
            return groups
        terms = self._terms(model, tuple(sort))
        asked, rows = self._rows(tx, question, terms, scope, None, limit, oldest_first=True, lock=lock)
        records = self._loader.records(tx, model, [row[: asked.width] for row in rows])
        self._loader.complete(tx, model, records)
        if reads:
            self._expander.expand(tx, model, records, reads)
        return records

    def equal(self, tx: Transaction, model: str, values: Mapping[str, Any], *, limit: int) -> list[Record]:
        """The whole records whose stored fields have these values, as they were made; null equals null."""
        given = tuple((name, value is None) for name, value in values.items())
        statement = self._kept.get(("equal", model, given), lambda: self._ask_equal(model, given))
        fields = self._catalog.fields(model)
        bound = [
            value["id"] if isinstance(fields[name], LinkField) else value
            for name, value in values.items()
            if value is not None
        ]
        records = self._loader.records(tx, model, tx.rows(statement, (*bound, limit)))
        self._loader.complete(tx, model, records)
        return records

    def update_where(
        self,
        tx: Transaction,
        model: str,
        *,
        where: Expression | None,
        require: Expression | None,
        values: Mapping[str, Expression],
        names: Names,
    ) -> dict[str, Record]:
        """What one UPDATE has changed. See :meth:`engine.store.updating.Updating.update_where`."""
        return self._updating.update_where(tx, model, where=where, require=require, values=values, names=names)

    def _ask_equal(self, model: str, given: tuple[tuple[str, bool], ...]) -> Statement:
        selection = self._loader.new_selection(model)
        table = selection.level.table
        clause = selection.select().where(table.c["deleted_at"].is_(None)).order_by(table.c["id"])
        for name, is_null in given:
            column = table.c[name]
            equal = column.is_(None) if is_null else column == bindparam(f"equal_{name}", type_=column.type)
            clause = clause.where(equal)
        names = [f"equal_{name}" for name, is_null in given if not is_null]
        limited = clause.limit(bindparam("most"))
        return selection.statement(limited, (*names, "most"), raw=False)

    def _ask_groups(
        self,
        question: Question,
        group: Mapping[str, Expression],
        measure: Mapping[str, Expression],
        sort: tuple[str, ...],
    ) -> Grouping:
        selection = self._loader.new_selection(question.model)
        translation = Translation(self._catalog, selection.joins, self._loader.dialect.name)
        condition = self._questions.condition(question, selection, translation)
        return Grouping(self._loader, self._expander, translation, condition, group, measure, sort)

    def _terms(self, model: str, sort: tuple[str, ...]) -> tuple[Term, ...]:
        terms: tuple[Term, ...] = self._kept.get(("terms", model, sort), lambda: read_terms(self._catalog, model, sort))
        return terms


def _answer(tx: Transaction, statement: Statement, values: Sequence[Any]) -> list[Row]:
    """The rows of the statement. BadRequest where the database cannot take a value of the request, such as an id that
    is none."""
    try:
        return tx.rows(statement, values)
    except UnfitValue as error:
        raise BadRequest(f"a value does not fit what it is compared with: {error}", code="BAD_EXPRESSION") from error


def has_value(question: Question, term: Term) -> bool:
    """Whether the question itself says that the sort key is not null: then nobody need look for those where it is, for
    which no index may serve."""
    key = lifted(term.expression, 0).expression.tree
    return any(
        isinstance(part, Compare) and part.op == "!=" and part.left == key and isinstance(part.right, Constant)
        for where in question.where
        for part in _conjuncts(where.tree)
    )


def _conjuncts(tree: Node) -> Iterator[Node]:
    if isinstance(tree, Logic) and tree.op == "and":
        for part in tree.parts:
            yield from _conjuncts(part)
    else:
        yield tree


def _items(expressions: Mapping[str, Expression] | None) -> tuple[tuple[str, Expression], ...]:
    return tuple((expressions or {}).items())
