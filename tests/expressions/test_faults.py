"""What is refused, with which code, and the exact characters that are blamed.

A case marks the blamed characters with «»; the text between the marks, and around them, is the expression.
"""

from __future__ import annotations

import pytest

from engine.expressions.builtins import BUILTINS
from engine.expressions.faults import ExpressionProblems, Fault
from engine.expressions.functions.function import functions
from engine.expressions.language import compile_expression
from engine.expressions.types import BOOLEAN, DECIMAL, INTEGER, ListType, RecordType, Scope, Type
from tests.expressions.table import BOX, SCOPE, SHAPES

FUNCTIONS = functions(BUILTINS)


def faults(text: str, scope: Scope = SCOPE, expects: Type | None = None) -> tuple[Fault, ...]:
    """What is wrong with the text."""
    with pytest.raises(ExpressionProblems) as caught:
        compile_expression(text, scope, expects=expects, functions=FUNCTIONS)
    return caught.value.faults


def check(code: str, marked: str, hint: str | None, expects: Type | None = None) -> Fault:
    """The one fault of the marked text, which must have the code, the place and (a part of) the hint."""
    text = marked.replace("«", "").replace("»", "")
    found = faults(text, expects=expects)
    assert [fault.code for fault in found] == [code], found
    start, end = marked.index("«"), marked.index("»") - 1
    assert (found[0].start, found[0].end) == (start, end), f"blames {text[found[0].start : found[0].end]!r}"
    if hint is not None:
        assert hint in (found[0].hint or ""), found[0]
    return found[0]


SYNTAX = [
    ("E201", "«»", None),
    ("E201", "«   »", None),
    ("E201", "a «+»", None),
    ("E201", "a i«f»", None),
    ("E201", "«a if b»", "a if condition else b"),
    ("E201", "a «b»", None),
    ("E201", "«(»a + b", "')' is missing"),
    ("E201", "a«)» + (b", None),
    ("E201", "[a«)»", None),
    ("E201", 'name == «"»Ann', "is missing"),
    ("E201", "a «$» b", None),
    ("E201", "a«，» b", "write ','"),
    ("E201", "name == Ann«”»", "write '\"'"),
    ("E201", "«名字» == 3", "quotes"),
    ("E201", "a + «\x00»", None),
    ("E201", '"a«\ud800»"', None),
    ("E202", "«a ** b»", "multiply"),
    ("E202", "«a << b»", None),
    ("E202", "«a >> b»", None),
    ("E202", "«flag & ready»", "'and'"),
    ("E202", "«flag | ready»", "'or'"),
    ("E202", "«a ^ b»", None),
    ("E202", "«a @ b»", None),
    ("E202", "«~i»", "'not'"),
    ("E202", "flag «&&» ready", "'and'"),
    ("E202", "flag «||» ready", "'or'"),
    ("E202", "«!»flag", "'not'"),
    ("E202", "flag «?» a", "if condition"),
    ("E202", "a «=» 3", "=="),
    ("E202", "a «:=» 3", "assigns nothing"),
    ("E202", "round(price, «digits=2»)", "leave out"),
    ("E202", "sum(«*parts»)", None),
    ("E202", "«lambda: 3»", None),
    ("E202", "«parts[0]»", "first("),
    ("E202", "«name[0:1]»", None),
    ("E202", "«(a, b)»", "[a, b]"),
    ("E202", "«[p.weight for p in parts]»", "sum("),
    ("E202", "sum(«[p.weight for p in parts]»)", "sum("),
    ("E202", "round(«(p.weight for p in parts)», 2)", "sum("),
    ("E202", "sum«(p.weight for p in parts for q in parts)»", None),
    ("E202", "sum(p.weight for «(p, q)» in parts)", None),
    ("E202", "«a is b»", "=="),
    ("E202", "«None»", "'null'"),
    ("E202", "flag == «True»", "'true'"),
    ("E202", "name.«upper»()", "upper("),
    ("E202", "parts.«clear»()", None),
    ("E202", "(«a + 1»)(3)", None),
    ("E202", "record.«__class__»", None),
    ("E202", "owner.«_secret»", None),
    ("E202", "«__import__»('os')", None),
    ("E202", "«_a»", None),
    ("E202", "sum(1 for «_p» in parts)", None),
    ("E202", '«f"x"»', "plain quotes"),
    ("E202", '«b"x"»', None),
    ("E202", '«r"x"»', None),
    ("E202", '"a" «"b"»', "'+'"),
    ("E202", r'"a«\d»"', "known are"),
    ("E202", "«1_000»", "12 or 0.08"),
    ("E202", "«0x10»", None),
    ("E202", "«1e5»", None),
    ("E202", "«1j»", None),
    ("E202", "«.5»", None),
    ("E202", "«1.»", None),
    ("E202", "«017»", None),
    ("E202", "a «#» b", "YAML"),
    ("E202", "«await a»", None),
    ("E202", "«...»", None),
]

MEANING = [
    ("E203", "«pirce» + 1", "did you mean 'price'?"),
    ("E203", "«todya»", "did you mean 'today'?"),
    ("E203", "«zzz»", None),
    ("E203", "status == «draft»", 'quoted: "draft"'),
    ("E203", "«draft» == status", 'quoted: "draft"'),
    ("E203", "1 + «sum»", "is a function"),
    ("E203", "sum(p.weight for p in parts) + «p»", None),
    ("E204", "owner.«nam»", "did you mean 'name'?"),
    ("E204", "parts.«wieght»", "did you mean 'weight'?"),
    ("E204", "name.«first»", None),
    ("E204", "user.«salary»", None),
    ("E204", "any(p.«sizes» > 1 for p in parts)", None),
    ("E205", "«due + 1»", "days(n)"),
    ("E205", "«due + due»", None),
    ("E205", "«name + 1»", "do not mix"),
    ("E205", "«name * 3»", None),
    ("E205", "«name % a»", None),
    ("E205", "«flag + 1»", "no number"),
    ("E205", "«parts + parts»", None),
    ("E205", "«a + null»", None),
    ("E205", "«-name»", None),
    ("E205", "not «a»", "compare it"),
    ("E205", "flag and «a»", "compare it"),
    ("E205", "1 if «name» else 2", "compare it"),
    ("E205", "«a == name»", None),
    ("E205", 'a == «"3"»', None),
    ("E205", "«a < null»", "== null"),
    ("E205", "«flag < other»", "=="),
    ("E205", "«parts == spares»", None),
    ("E205", '«owner > "Ann"»', None),
    ("E205", "«owner == thing»", None),
    ("E205", "«owner == 3»", None),
    ("E205", '«first(parts) == "x"»', None),
    ("E205", 'status == «"drafd"»', "did you mean 'draft'?"),
    ("E205", 'status in ["open", «"lost"»]', "known are"),
    ("E205", '«"red" in name»', "contains("),
    ("E205", "«3 in marks»", None),
    ("E205", "«null in marks»", "== null"),
    ("E205", 'due > «"2026-02-30"»', "2026-11-30"),
    ("E205", 'due > «"20261130"»', "2026-11-30"),
    ("E205", 'sent > «"2026-11-30"»', None),
    ("E205", 'sent > «"2026-11-30T10:00:00"»', None),
    ("E205", 'opens > «"25:00"»', "18:30"),
    ("E205", "«sent == due»", "date("),
    ("E205", "«a if flag else name»", None),
    ("E205", "«[a, name]»", None),
    ("E205", "round(«name»)", None),
    ("E205", "round(a, «1.5»)", None),
    ("E205", "sum(«a»)", None),
    ("E205", "sum(«parts»)", None),
    ("E205", "sum(«marks»)", None),
    ("E205", "any(«parts.weight»)", None),
    ("E205", "count«(p.open for p in parts)»", "count(p for p in parts if p.open)"),
    ("E205", "coalesce(a, «name»)", None),
    ("E205", 'next_day(now, «"6pm"», "09:00")', "18:30"),
    ("E205", "sum(p for p in «[1, 2]»)", None),
    ("E205", "sum(c for c in «name»)", None),
    ("E206", "«rond»(a)", "did you mean 'round'?"),
    ("E206", '«open»("/etc/passwd")', None),
    ("E206", "«round()»", None),
    ("E206", "«round(a, 1, 2)»", None),
    ("E206", "«sum()»", None),
    ("E206", "«coalesce(a)»", None),
    ("E207", "any(any(any«(x.open for x in parts)» for y in parts) for z in parts)", None),
    ("E304", "sum(a for «a» in parts)", None),
    ("E304", "sum(1 for «user» in parts)", None),
    ("E304", "any(any(p.open for «p» in spares) for p in parts)", None),
]


@pytest.mark.parametrize(("code", "marked", "hint"), SYNTAX, ids=[marked for _, marked, _ in SYNTAX])
def test_syntax(code: str, marked: str, hint: str | None) -> None:
    check(code, marked, hint)


@pytest.mark.parametrize(("code", "marked", "hint"), MEANING, ids=[marked for _, marked, _ in MEANING])
def test_meaning(code: str, marked: str, hint: str | None) -> None:
    check(code, marked, hint)


def test_all_faults_of_one_text_at_once() -> None:
    found = faults("pirce * 2 > due + 1 and owner.nam == 'x' and rond(a, name ** 2)")
    assert [fault.code for fault in found] == ["E203", "E205", "E204", "E206", "E202"]
    assert [fault.start for fault in found] == sorted(fault.start for fault in found)


def test_places_count_characters_not_bytes() -> None:
    check("E204", 'name == "箱子" and owner.«nam» == "安"', None)


def test_places_in_a_text_of_several_lines() -> None:
    check("E204", "\n  a > 3\n  and owner.«nam» == 'x'\n", None)


def test_an_expression_may_run_over_lines_without_brackets() -> None:
    expression = compile_expression("a\n  + b\n", SCOPE, functions=FUNCTIONS)
    assert expression.type == DECIMAL


def test_no_record_no_fields() -> None:
    assert [fault.code for fault in faults("a > 3", Scope(None, SCOPE.names))] == ["E203"]
    assert [fault.code for fault in faults("record", Scope(None, SCOPE.names))] == ["E203"]


EXPECTED: list[tuple[str, Type, str | None]] = [
    ("«a»", BOOLEAN, None),
    ("«a»", INTEGER, "round("),
    ("«name»", DECIMAL, None),
    ('«"lost"»', BOX.member("status").type, "known are"),  # type: ignore[union-attr]
    ("«drafd»", BOX.member("status").type, "did you mean 'draft'?"),  # type: ignore[union-attr]
    ("«thing»", RecordType.of(SHAPES["person"]), None),
    ('«"q1"»', RecordType.of(SHAPES["part"]), None),
    ("«marks»", ListType("list", INTEGER), None),
]


@pytest.mark.parametrize(("marked", "expects", "hint"), EXPECTED, ids=[f"{m} as {t}" for m, t, _ in EXPECTED])
def test_what_a_place_expects(marked: str, expects: Type, hint: str | None) -> None:
    check("E203" if "drafd" in marked else "E205", marked, hint, expects)
