"""From the checked tree to clauses of SQL, node by node. :func:`engine.expressions.sql.to_sql` is the way in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, FromClause, String, and_, bindparam, case, false, literal, not_, null, or_
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine

from engine.expressions.aggregates import AGGREGATES, Many, all_of, any_of, distinct_values
from engine.expressions.dialects import Dialect, Sql
from engine.expressions.faults import Fault
from engine.expressions.language import Expression
from engine.expressions.relations import Joins, NotStored, Path
from engine.expressions.sql_functions import call, mixed
from engine.expressions.tree import (
    Binary,
    Call,
    Compare,
    Comprehension,
    Conditional,
    Constant,
    Convert,
    Each,
    ListOf,
    Logic,
    Member,
    Node,
    OwnRecord,
    ScopeName,
    Unary,
    any_node,
    holds_nulls,
)
from engine.expressions.types import (
    BOOLEAN,
    DURATION,
    INTEGER,
    JSON,
    NUMBERS,
    TEXT,
    ChoiceType,
    ListType,
    RecordType,
    Type,
)

T = TypeVar("T")
Values = Mapping[str, Any]


class Untranslatable(Exception):
    def __init__(self, node: Node, message: str, hint: str | None) -> None:
        self.fault = Fault("E208", message, hint, node.start, node.end)
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Given:
    """A sub-tree that does not read the own record: the form in which it is bound depends on what stands beside it."""

    node: Node
    value: Callable[[Values], Any]


_FLIPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Translator:
    """Translates the nodes of one expression. Comprehension variables are places: a subquery and a path in it."""

    def __init__(self, expression: Expression, joins: Joins, dialect: Dialect, prefix: str) -> None:
        self.dialect = dialect
        self._expression = expression
        self.binds: dict[str, Callable[[Values], Any]] = {}
        self._joins = joins
        self._prefix = prefix
        self._places: dict[str, tuple[Joins, Path]] = {}

    # Values -------------------------------------------------------------------------------------------------------

    def sql(self, node: Node) -> Sql:
        """The value of the node, in whatever form; what a scope gives in its general form."""
        value = self.value(node)
        return self.bind(value) if isinstance(value, Given) else value

    def value(self, node: Node) -> Sql | Given:
        """The value of the node; what a scope gives is not bound yet."""
        found = self._side(node)
        return found if isinstance(found, Given) else self.dialect.as_text(found)

    def _side(self, node: Node) -> Sql | Given:
        """The value of the node; an id, which is a text to expressions, as its column has it."""
        if not self._reads_record(node):
            return self._given(node)
        if isinstance(node.type, ListType):
            raise self.refuse(node, "a list is no value in a database query", "use it in a function: count, any")
        match node:
            case Member() if isinstance(_root(node), Conditional | Call):
                return self._side(self._spread(node))
            case OwnRecord() | ScopeName() | Member():
                return self._stored(node)
            case Convert(operand=operand):
                return replace(self.sql(operand), type=node.type)
            case Unary(op="not") | Logic() | Compare() | Call(function="any" | "all"):
                return Sql(self.truth(node), BOOLEAN)
            case Unary(op="+", operand=operand):
                return self.sql(operand)
            case Unary(operand=operand):
                value = self.sql(operand)
                negative = -value.clause if value.type == DURATION else self.dialect.arithmetic("-", _ZERO, value)
                return Sql(negative, node.type)
            case Binary():
                return self._binary(node)
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                first, second = self.alike([then, otherwise])
                return replace(
                    first, clause=case((self.holds(condition), first.clause), else_=second.clause), type=node.type
                )
            case Call():
                return self._call(node)
            case _:
                raise self.refuse(node, "this has no translation for the database")

    def bind(self, given: Given, beside: Sql | None = None) -> Sql:
        """What a scope gives as a parameter, in its general form; ids and texts take the type of the column beside."""
        type_ = given.node.type
        column_type = self.dialect.raw(type_) or (String() if beside is None else beside.clause.type)
        encode = self.dialect.encoder(type_)
        if beside is not None and self.dialect.is_key(beside) and _is_text(type_):
            encode = self.dialect.key
        return Sql(self.dialect.typed(bindparam(self._name(given.value, encode), type_=column_type)), type_)

    def alike(self, nodes: list[Node]) -> list[Sql]:
        """The values of the nodes, all in one form."""
        values = [self.value(node) for node in nodes]
        beside = next((value for value in values if isinstance(value, Sql)), None)
        return self.dialect.same_form(
            [self.bind(value, beside) if isinstance(value, Given) else value for value in values]
        )

    def refuse(self, node: Node, message: str, hint: str | None = None) -> Exception:
        """The exception that says the node has no translation."""
        return Untranslatable(node, message, hint)

    @property
    def entries(self) -> FromClause:
        """The table of the entries of lists."""
        return self._joins.entries

    def hidden(self, name: str, otherwise: Any, type_: TypeEngine[Any] | None = None) -> ColumnElement[Any]:
        """A name of the scope, as a parameter; ``otherwise`` where the scope has none."""

        def value(s: Values) -> Any:
            found = s.get(name)
            return otherwise if found is None else found

        return bindparam(self._name(value, _same), type_=type_ or String())

    def _name(self, value: Callable[[Values], Any], encode: Callable[[Any], Any]) -> str:
        name = f"{self._prefix}_{len(self.binds)}"

        def encoded(s: Values) -> Any:
            found = value(s)
            return None if found is None else encode(found)

        self.binds[name] = encoded
        return name

    def _given(self, node: Node) -> Given:
        if isinstance(node, Constant):
            return Given(node, lambda _: node.value)
        function = Expression(self._expression.text, node, self._expression.functions).function
        return Given(node, lambda s: function(None, s))

    def _reads_record(self, node: Node) -> bool:
        return any_node(
            node,
            lambda part: isinstance(part, OwnRecord) or (isinstance(part, ScopeName) and part.name in self._places),
        )

    def _binary(self, node: Binary) -> Sql:
        left, right = self.sql(node.left), self.sql(node.right)
        if left.type in NUMBERS and right.type in NUMBERS:
            return Sql(self.dialect.arithmetic(node.op, left, right), node.type)
        found = mixed(self.dialect, node.op, left, right, node.type)
        if found is None:
            raise self.refuse(node, f"'{node.op}' on {left.type} and {right.type} has no translation for the database")
        return found

    def _call(self, node: Call) -> Sql:
        arg = node.args[0]
        if isinstance(arg.type, ListType):
            aggregate = AGGREGATES.get(node.function)
            if aggregate is None:
                raise self.refuse(node, f"the function '{node.function}' of a list has no translation for the database")
            many = self.many(arg)
            element = many.element
            if many.distinct and node.function == "count":
                element = distinct_values(element)
            elif many.distinct and node.function in ("sum", "mean"):
                raise self.refuse(node, f"'{node.function}' of distinct values has no translation for the database")
            return many.scalar(aggregate(self.dialect, element, node.type))
        found = call(self, node)
        if found is None:
            raise self.refuse(node, f"the function '{node.function}' has no translation for the database")
        return found

    def _spread(self, member: Member) -> Node:
        """A member of one of several records as one of several members: each stands in a table of its own."""
        base = self._spread(member.base) if isinstance(member.base, Member) else member.base

        def of(record: Node) -> Node:
            nullable = record.nullable or member.nullable
            return replace(member, base=record, nullable=nullable)

        match base:
            case Conditional(then=then, otherwise=otherwise):
                return replace(base, type=member.type, nullable=member.nullable, then=of(then), otherwise=of(otherwise))
            case Call(function="coalesce", args=(*records, last)):
                answer = of(last)
                for record in reversed(records):
                    known = _compare("!=", record, _nothing(record))
                    answer = Conditional(
                        type=member.type, nullable=True, start=base.start, end=base.end,
                        condition=known, then=of(record), otherwise=answer,
                    )  # fmt: skip
                return answer
            case _:
                raise self.refuse(member, "a path must start at the record, to be asked of the database")

    # Paths --------------------------------------------------------------------------------------------------------

    def _stored(self, node: Node) -> Sql:
        joins, path = self._place(node)
        clause, digits = self._found(node, lambda: joins.column(path))
        return self.dialect.column(clause, node.type, digits)

    def _place(self, node: Node) -> tuple[Joins, Path]:
        match node:
            case OwnRecord():
                return self._joins, ()
            case ScopeName(name=name) if name in self._places:
                return self._places[name]
            case Member(base=base, name=name):
                joins, path = self._place(base)
                return joins, (*path, name)
            case _:
                raise self.refuse(node, "a path must start at the record, to be asked of the database")

    def _records(self, node: Node) -> tuple[Joins, Path, ColumnElement[bool] | None]:
        """A new subquery over the records of a list, the path in it to each, and when there is no list at all."""
        match node:
            case Member(base=base, name=name):
                joins, path = self._place(base)
                if isinstance(node.type, ListType) and not isinstance(node.type.item, RecordType):
                    if not _is_text(node.type.item):
                        raise self.refuse(node, f"{node.type} has no translation for the database")
                    listed = self._found(node, lambda: joins.items((*path, name), self.dialect.unpacked))
                    return listed, (), self._stored(node).clause.is_(None)
                absent: ColumnElement[bool] | None = self._stored(base).clause.is_(None) if base.nullable else None
                return self._found(node, lambda: joins.rows((*path, name))), (), absent
            case Each(base=base, name=name, flat=flat):
                joins, path, absent = self._records(base)
                if flat:
                    self._found(node, lambda: joins.unfold((*path, name)))
                return joins, (*path, name), absent
            case _:
                raise self.refuse(node, "this list has no translation for the database", "start at rows of the record")

    def _found(self, node: Node, look: Callable[[], T]) -> T:
        try:
            return look()
        except NotStored as problem:
            raise self.refuse(node, str(problem), "only what is stored can be asked of the database") from None

    def many(self, node: Node) -> Many:
        """The rows that a list is made of, and the value of each."""
        match node:
            case Comprehension(source=source, variable=variable, condition=condition, element=element):
                joins, path, absent = self._records(source)
                self._places[variable] = (joins, path)
                where = None if condition is None else self.holds(condition)
                value = self.sql(element)
                del self._places[variable]
                return Many(joins, value, where, element.nullable, absent=absent)
            case Call(function="distinct", args=(inner,)):
                return replace(self.many(inner), distinct=True)
            case _:
                joins, path, absent = self._records(node)
                item = node.type.item if isinstance(node.type, ListType) else node.type
                clause, digits = self._found(node, lambda: joins.column(path))
                return Many(joins, self.dialect.column(clause, item, digits), None, holds_nulls(node), absent=absent)

    # Truth --------------------------------------------------------------------------------------------------------

    def truth(self, node: Node) -> ColumnElement[bool]:
        """Whether the node is true: true, false or null."""
        return self._truth(node, exact=True)

    def holds(self, node: Node) -> ColumnElement[bool]:
        """Whether the node is true, where null and false come to the same."""
        return self._truth(node, exact=False)

    def _truth(self, node: Node, exact: bool) -> ColumnElement[bool]:
        if self._reads_record(node):
            match node:
                case Logic(op=op, parts=parts):
                    return (and_ if op == "and" else or_)(*(self._truth(part, exact) for part in parts))
                case Unary(op="not", operand=operand):
                    # In brackets: IS binds tighter than NOT
                    return Grouping(not_(self.truth(operand)))
                case Compare():
                    return self._compare(node)
                case Call(function="any" | "all" as function, args=(arg,)):
                    many = self.many(arg)
                    return any_of(many, exact) if function == "any" else all_of(many, exact)
        return self.sql(node).clause

    def _compare(self, node: Compare) -> ColumnElement[bool]:
        op, left, right = node.op, node.left, node.right
        if op in ("in", "not in"):
            answer = self._contained(left, right)
            return answer if op == "in" else Grouping(not_(answer))
        for tested, other in ((left, right), (right, left)):
            if isinstance(other, Constant) and other.value is None:
                clause = (self._stored if isinstance(tested.type, ListType) else self.sql)(tested).clause
                return clause.is_(None) if op == "==" else clause.is_not(None)
        if JSON in (left.type, right.type):
            raise self.refuse(node, "json cannot be compared in a database query", "compare it with null")
        side = self._side if op in ("==", "!=") else self.value
        first, second = side(left), side(right)
        if isinstance(first, Given) and isinstance(second, Sql):
            return self._compare_given(_FLIPPED[op], second, first)
        if isinstance(second, Given) and isinstance(first, Sql):
            return self._compare_given(op, first, second)
        if isinstance(first, Sql) and isinstance(second, Sql):
            if self.dialect.is_key(first) != self.dialect.is_key(second):
                first, second = self.dialect.as_text(first), self.dialect.as_text(second)
            return self.dialect.compare(op, first, second)
        return self.bind(self._given(node)).clause

    def _compare_given(self, op: str, column: Sql, given: Given) -> ColumnElement[bool]:
        convert = self.dialect.bound(op, column, given.node.type)
        if convert is None:
            return self.dialect.compare(op, column, self.bind(given, column))
        bound = bindparam(self._name(given.value, convert), type_=column.clause.type)
        return self.dialect.compare(op, column, replace(column, clause=bound))

    def _contained(self, left: Node, right: Node) -> ColumnElement[bool]:
        if not self._reads_record(right):
            value = self._side(left)
            return self._among(self.bind(value) if isinstance(value, Given) else value, self._given(right))
        if isinstance(right, ListOf):
            return or_(false(), *(self._compare(_compare("==", left, item)) for item in right.items))
        many = self.many(right)
        found, element = self._side(left), many.element
        value = self.bind(found, element) if isinstance(found, Given) else found
        if isinstance(found, Sql) and self.dialect.is_key(found) != self.dialect.is_key(element):
            value, element = self.dialect.as_text(found), self.dialect.as_text(element)
        first, second = self.dialect.same_form([value, element])
        return many.unless_absent(first.clause.in_(many.joins.select(second.clause, where=many.where)))

    def _among(self, column: Sql, given: Given) -> ColumnElement[bool]:
        item = given.node.type.item if isinstance(given.node.type, ListType) else given.node.type
        encode = self.dialect.bound("==", column, item)
        if encode is None:
            column = self.dialect.same_form([column, Sql(null(), item)])[0]
            encode = self.dialect.key if self.dialect.is_key(column) and _is_text(item) else self.dialect.encoder(item)

        def encode_all(values: list[Any]) -> list[Any]:
            return [None if value is None else encode(value) for value in values]

        bound = bindparam(self._name(given.value, encode_all), expanding=True, type_=column.clause.type)
        answer: ColumnElement[bool] = column.clause.in_(bound)
        return answer


def _compare(op: str, left: Node, right: Node) -> Compare:
    nullable = left.nullable or right.nullable
    return Compare(type=BOOLEAN, nullable=nullable, start=left.start, end=right.end, op=op, left=left, right=right)


def _root(node: Node) -> Node:
    """What a path starts at."""
    while isinstance(node, Member):
        node = node.base
    return node


def _nothing(like: Node) -> Constant:
    return Constant(type=like.type, nullable=True, start=like.start, end=like.end, value=None)


def _is_text(type_: Type) -> bool:
    return type_ == TEXT or isinstance(type_, ChoiceType)


def _same(value: Any) -> Any:
    return value


_ZERO = Sql(literal(0), INTEGER, 0)
