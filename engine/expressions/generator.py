"""The source of one function of Python, with nothing in it but lookups, operators and the listed functions.

A function has a head and a body. The head loads every path that is read into a local, once, null where something on the
way is null; a loop has such a head of its own. The body is one expression over the locals::

    def expression(r, s):
        v0_weight = r['weight']
        v1_limit = r['limit']
        return (None if v0_weight is None or v1_limit is None else (v0_weight < v1_limit))

Null is handled by *guards*: subjects that must not be null for the source beside them to be right. Operators collect
the guards of their operands, so nested arithmetic asks about each value once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from engine.expressions import arithmetic
from engine.expressions.faults import Place
from engine.expressions.functions.function import Form, Functions
from engine.expressions.pieces import Code, closed, identity, is_present, once
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
from engine.expressions.types import DATE, DATETIME, DURATION, NULL, NUMBERS, ListType

_DIVISIONS = {"/": arithmetic.divide, "//": arithmetic.floor_divide, "%": arithmetic.modulo}
_TIMES = {"+": arithmetic.later, "-": arithmetic.earlier, "*": arithmetic.times}


@dataclass
class Head:
    """What a function or a loop loads before its body: locals and their sources, in order."""

    loads: list[tuple[str, str]] = field(default_factory=list)


class Generator:
    """Writes one function. The parts of several expressions may go into it; they share the head."""

    def __init__(self, functions: Functions, text: str = "") -> None:
        self.functions = functions
        self.begin(text)
        self.namespace: dict[str, Any] = {"__builtins__": {}}
        self.head = Head()
        self._heads: dict[str, Head] = {"r": self.head}
        self._locals: dict[tuple[str, str], str] = {}
        self._variables: dict[str, str] = {}
        self._constants: dict[tuple[type, str], str] = {}
        self._count = 0

    def begin(self, text: str) -> None:
        """Starts another expression; ``computes`` then says whether numbers may outgrow their range in it."""
        self.text = text
        self.computes = False

    # What inline forms of functions use (the protocol Writer).

    def constant(self, value: object) -> str:
        """The name under which the generated code finds the value."""
        key = (type(value), repr(value))
        if key not in self._constants:
            self._constants[key] = f"c{len(self._constants)}"
            self.namespace[self._constants[key]] = value
        return self._constants[key]

    def temporary(self) -> str:
        """A fresh name, to be set by ``:=``."""
        self._count += 1
        return f"t{self._count}"

    # The three ways to ask for a node.

    def value(self, node: Node) -> str:
        """Source of the value, None where it is null."""
        return closed(self.code(node))

    def strict(self, node: Node) -> Code:
        """Source that is not null when no guard is."""
        code = self.code(node)
        if not code.open:
            return code
        if code.source.isidentifier():
            return Code(code.source, (*code.guards, code.source))
        name = self.temporary()
        return Code(name, (*code.guards, f"({name} := {code.source})"))

    def test(self, node: Node, wanted: bool = True) -> str:
        """Source that is true exactly when the node's value is ``wanted``, so false when it is unknown."""
        match node:
            case Logic(op=op, parts=parts):
                joint = " and " if (op == "and") == wanted else " or "
                return "(" + joint.join(self.test(part, wanted) for part in parts) + ")"
            case Unary(op="not", operand=operand):
                return self.test(operand, not wanted)
        code = self.code(node)
        if code.open:
            return f"({closed(code)} is {wanted})"
        source = code.source if wanted else f"not {code.source}"
        return "(" + " and ".join([*(f"{guard} is not None" for guard in once(code.guards)), source]) + ")"

    # Nodes.

    def code(self, node: Node) -> Code:
        """Source of the node, with its guards."""
        match node:
            case Constant():
                return self._constant(node)
            case OwnRecord() | ScopeName() | Member():
                return self._path(node)
            case Each():
                return self._each(node)
            case Unary(op=op, operand=operand):
                inner = self.strict(operand)
                sign = {"not": "not ", "-": "-", "+": ""}[op]
                return Code(f"({sign}{inner.source})", inner.guards)
            case Binary():
                return self._binary(node)
            case Logic():
                return self._logic(node)
            case Compare(op="in" | "not in"):
                return self._contained(node)
            case Compare():
                return self._compare(node)
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                source = f"({self.value(then)} if {self.test(condition)} else {self.value(otherwise)})"
                return Code(source, open=node.nullable)
            case Convert(operand=operand):
                inner = self.strict(operand)
                return Code(f"{self.constant(Decimal)}({inner.source})", inner.guards)
            case ListOf(items=items):
                return Code(f"[{', '.join(self.value(item) for item in items)}]")
            case Comprehension():
                return self._loop(node, dense=False)
            case Call():
                return self._call(node)
        raise AssertionError(f"no code for {type(node).__name__}")

    def _constant(self, node: Constant) -> Code:
        value = node.value
        if value is None:
            return Code("None", open=True)
        return Code(repr(value) if isinstance(value, str | int) else self.constant(value))

    def _path(self, node: Node) -> Code:
        local = self._local(node)
        if local is not None:
            return Code(local, open=node.nullable)
        # Not a path: a member of what a function or a condition gives.
        assert isinstance(node, Member)
        base = self.strict(node.base)
        return Code(f"{base.source}[{node.name!r}]", base.guards, open=node.nullable)

    def _local(self, node: Node) -> str | None:
        """The local that holds the value of a path, loaded by the head where the path begins."""
        match node:
            case OwnRecord():
                return "r"
            case ScopeName(name=name):
                return self._variables.get(name) or self._load("s", name, f"s[{name!r}]")
            case Member(base=base, name=name):
                holder = self._local(base)
                if holder is None:
                    return None
                source = f"{holder}[{name!r}]"
                return self._load(holder, name, f"None if {holder} is None else {source}" if base.nullable else source)
        return None

    def _load(self, holder: str, name: str, source: str) -> str:
        key = (holder, name)
        if key not in self._locals:
            local = f"v{len(self._locals)}_{name}"
            head = self._heads.get(holder, self.head)
            head.loads.append((local, source))
            self._heads[local] = head
            self._locals[key] = local
        return self._locals[key]

    def _binary(self, node: Binary) -> Code:
        left, right = self.strict(node.left), self.strict(node.right)
        one, two, op = node.left.type, node.right.type, node.op
        if one in NUMBERS and two in NUMBERS:
            self.computes = True
            if op in _DIVISIONS:
                source = f"{self.constant(_DIVISIONS[op])}({left.source}, {right.source}, {self._place(node)})"
            else:
                source = f"({left.source} {op} {right.source})"
        elif op == "-" and one == two == DATE:
            source = f"({left.source} - {right.source}).days"
        elif op == "-" and one == two == DATETIME:
            source = f"({left.source} - {right.source})"
        else:
            run = _TIMES[op] if DURATION in (one, two) else arithmetic.join
            source = f"{self.constant(run)}({left.source}, {right.source}, {self._place(node)})"
        return Code(source, left.guards + right.guards)

    def _where(self, node: Node) -> Place:
        return Place(self.text, node.start, node.end)

    def _place(self, node: Node) -> str:
        return self.constant(self._where(node))

    def _compare(self, node: Compare) -> Code:
        for side, other in ((node.left, node.right), (node.right, node.left)):
            if other.type == NULL:
                if not side.nullable:
                    return Code(str(node.op == "!="))
                return Code(f"({self.value(side)} is {'not ' if node.op == '!=' else ''}None)")
        left, right = self.strict(identity(node.left)), self.strict(identity(node.right))
        return Code(f"({left.source} {node.op} {right.source})", left.guards + right.guards)

    def _contained(self, node: Compare) -> Code:
        left, right = identity(node.left), identity(node.right)
        if isinstance(right, ListOf) and right.items and all(is_present(item) for item in right.items):
            value = self.strict(left)
            return Code(f"({value.source} {node.op} {self._members(right)})", value.guards)
        values = self._list(right)
        if not left.nullable and not holds_nulls(right):
            value = self.strict(left)
            return Code(f"({value.source} {node.op} {values.source})", value.guards + values.guards)
        found = f"{self.constant(arithmetic.is_in)}({self.value(left)}, {values.source})"
        if node.op == "in":
            return Code(found, values.guards, open=True)
        name = self.temporary()
        return Code(f"(not {name})", (*values.guards, f"({name} := {found})"))

    def _members(self, node: ListOf) -> str:
        values = [item.value for item in node.items if isinstance(item, Constant)]
        if all(isinstance(value, str | int) for value in values):
            return "{" + ", ".join(map(repr, values)) + "}"  # Python makes it a frozenset, once
        return self.constant(tuple(values))

    # Yes and no.

    def _logic(self, node: Logic) -> Code:
        if not any(part.nullable for part in node.parts[:-1]):
            # Python's own is right: an unknown last part is the answer exactly when the others do not decide.
            return Code("(" + f" {node.op} ".join(map(self.value, node.parts)) + ")", open=node.nullable)
        quick = self._two_valued(node)
        if quick is None or not quick.guards:
            return Code(self._three_valued(node), open=True)
        known = " and ".join(f"{guard} is not None" for guard in once(quick.guards))
        return Code(f"({quick.source} if {known} else {self._three_valued(node)})", open=True)

    def _two_valued(self, node: Node) -> Code | None:
        """Python's own ``and`` and ``or``, right when no guard is null. None when the guards are not mere locals."""
        if isinstance(node, Logic):
            parts = [code for part in node.parts if (code := self._two_valued(part)) is not None]
            if len(parts) < len(node.parts):
                return None
            source = "(" + f" {node.op} ".join(part.source for part in parts) + ")"
            return Code(source, tuple(guard for part in parts for guard in part.guards))
        # Written a second time beside the general way: not what holds logic of its own, or the text would double
        # with every level.
        if any_node(node, lambda below: isinstance(below, Logic | Conditional | Comprehension | Call)):
            return None
        code = self.strict(node)
        return code if all(guard.isidentifier() for guard in code.guards) else None

    def _three_valued(self, node: Logic) -> str:
        deciding = node.op == "or"
        decided, unknown = [], []
        for part in node.parts:
            source = self._three_valued(part) if isinstance(part, Logic) and part.nullable else self.value(part)
            if part.nullable:
                name = self.temporary()
                decided.append(f"({name} := {source}) is {deciding}")
                unknown.append(f"{name} is None")
            else:
                decided.append(source if deciding else f"not {source}")
        return f"({deciding} if {' or '.join(decided)} else None if {' or '.join(unknown)} else {not deciding})"

    # Lists.

    def _list(self, node: Node, *, dense: bool = False) -> Code:
        """Source of a list that may stand after ``in`` of a loop: without ``:=``. ``dense``: without its nulls."""
        if dense and holds_nulls(node):
            if isinstance(node, Comprehension):
                return self._loop(node, dense=True)
            if isinstance(node, Each) and not holds_nulls(node.base):
                base = self._list(node.base)
                source = f"[y for x in {base.source} for y in (x[{node.name!r}],) if y is not None]"
                return Code(source, base.guards)
            whole = self._list(node)
            return Code(f"[x for x in {whole.source} if x is not None]", whole.guards)
        code = self.strict(node)
        if ":=" not in code.source:
            return code
        name = self.temporary()
        return Code(name, (*code.guards, f"({name} := {code.source})"))

    def _each(self, node: Each) -> Code:
        base = self._list(node.base)
        item = f"x[{node.name!r}]"
        gaps = holds_nulls(node.base)
        if node.flat:
            source = f"[y for x in {base.source}{' if x is not None' if gaps else ''} for y in {item} or ()]"
        else:
            source = f"[{f'None if x is None else {item}' if gaps else item} for x in {base.source}]"
        return Code(source, base.guards)

    def _loop(self, node: Comprehension, *, dense: bool) -> Code:
        values = self._list(node.source)
        self._count += 1
        local = f"x{self._count}_{node.variable}"
        head = self._heads[local] = Head()
        self._variables[node.variable] = local
        tests = [] if node.condition is None else [self.test(node.condition)]
        if dense:
            element = self.strict(node.element)
            tests += [f"{guard} is not None" for guard in once(element.guards)]
            item = element.source
        else:
            item = self.value(node.element)
        del self._variables[node.variable]
        # A loop over a single value sets a local; Python makes no list of it.
        loads = "".join(f" for {name} in ({source},)" for name, source in head.loads)
        chosen = f" if {' and '.join(tests)}" if tests else ""
        source = f"[{item} for {local} in {values.source}{loads}{chosen}]"
        return Code(source, values.guards)

    # Functions.

    def _call(self, node: Call) -> Code:
        form = self.functions[node.function].forms[node.form]
        self.computes = self.computes or node.type in NUMBERS
        sources, guards = self._arguments(node, form)
        inline = None if form.inline is None else form.inline(self, node, sources)
        # A strict form is null only when a guard is.
        may_be_null = form.gives_null == "always" or (
            node.nullable and (form.nulls == "given" or form.gives_null == "gaps")
        )
        if inline is not None:
            return Code(inline, guards, open=may_be_null)
        if form.inline is not None and form.dense:
            sources, guards = self._arguments(node, replace(form, dense=False))
        run = form.run
        if form.fails:
            run = arithmetic.failing(run, self._where(node))
        hidden = [self._load("s", f"get_{name}", f"s.get({name!r})") for name in form.hidden]
        return Code(f"{self.constant(run)}({', '.join([*sources, *hidden])})", guards, open=may_be_null)

    def _arguments(self, node: Call, form: Form) -> tuple[list[str], tuple[str, ...]]:
        sources: list[str] = []
        guards: tuple[str, ...] = ()
        for arg in node.args:
            if form.nulls == "given":
                sources.append(self.value(arg))
                continue
            code = self._list(arg, dense=form.dense) if isinstance(arg.type, ListType) else self.strict(arg)
            sources.append(code.source)
            guards += code.guards
        return sources, guards
