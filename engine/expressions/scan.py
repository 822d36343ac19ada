"""The words of an expression: refuses what Python's parser would take, or take apart too generously, for us.

Python reads ``0.1`` as a float, ``"a" "b"`` as one text and ``1_0`` as ten; here each is looked at as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.expressions.faults import ExpressionProblems, Fault

LONGEST_TEXT = 2_000
LONGEST_NUMBER = 28
DEEPEST_BRACKETS = 50

_TOKEN = re.compile(
    r"""(?P<space>[ \t\n]+)
    |(?P<number>\.?[0-9][\w.]*)
    |(?P<name>[^\W\d]\w*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<quote>["'])
    |(?P<operator>==|!=|<=|>=|:=|//|\*\*|<<|>>|&&|\|\||[-+*/%<>()\[\],.&|^~@=:!?;{}])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LOOKALIKES = dict(zip("，（）“”‘’＝＞＜＋－×÷！：；。", ",()\"\"''=><+-*/!:;.", strict=True))
_FOREIGN = {
    "&&": "write 'and'",
    "||": "write 'or'",
    ":=": "an expression assigns nothing",
    "!": "write 'not'",
    "?": "write 'a if condition else b'",
    "{": "there are no maps or sets here; a list is written [a, b]",
    "}": None,
    ";": None,
}


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """The words of the text without the space between them."""
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        assert kind is not None  # the last alternative takes any character
        if kind != "space":
            yield Token(kind, found.group(), found.start(), found.end())


def scan(text: str) -> int:
    """How many words the text has. ExpressionProblems with what the words alone show to be wrong."""
    if len(text) > LONGEST_TEXT:
        message = f"the expression has {len(text)} characters; {LONGEST_TEXT} are the most"
        raise ExpressionProblems(
            text, [Fault("E207", message, "name parts of it as fields of their own", 0, len(text))]
        )
    words = list(tokens(text))
    if not words:
        raise ExpressionProblems(text, [Fault("E201", "the expression is empty", None, 0, len(text))])
    faults = [fault for before, word in zip([None, *words], words, strict=False) for fault in _word(word, before)]
    faults += _brackets(words)
    if faults:
        raise ExpressionProblems(text, faults)
    return len(words)


def _word(word: Token, before: Token | None) -> Iterator[Fault]:
    def fault(message: str, hint: str | None = None, code: str = "E202") -> Fault:
        return Fault(code, message, hint, word.start, word.end)

    match word.kind:
        case "number":
            if not _NUMBER.fullmatch(word.text):
                yield fault(f"'{word.text}' is not how a number is written here", "write it like 12 or 0.08")
            elif len(word.text) > LONGEST_NUMBER + 1:
                yield fault(f"a number of more than {LONGEST_NUMBER} digits", None, "E207")
        case "name":
            if not word.text.isascii():
                yield fault(f"'{word.text}' is not a name", "names are ASCII; put text in quotes", "E201")
        case "text":
            if before is not None and before.end == word.start and before.kind == "name":
                yield Fault("E202", f"the text prefix '{before.text}'", "write plain quotes", before.start, word.end)
            elif before is not None and before.kind == "text":
                yield fault("two texts side by side", "join them with '+'")
            yield from _text(word)
        case "quote":
            yield fault("the text is not closed", f"a {word.text} is missing", "E201")
        case "operator" if word.text in _FOREIGN:
            yield fault(f"'{word.text}' has no meaning here", _FOREIGN[word.text])
        case "other" if word.text == "#":
            yield fault("comments are not part of an expression", "write them in the YAML around it")
        case "other":
            known = _LOOKALIKES.get(word.text)
            shown = word.text if word.text.isprintable() else f"U+{ord(word.text):04X}"
            yield fault(f"the character '{shown}' has no meaning here", known and f"write '{known}'", "E201")


def _text(word: Token) -> Iterator[Fault]:
    for found in _ESCAPE.finditer(word.text):
        if found.group(1) not in "\\\"'nt":
            start = word.start + found.start()
            hint = r"known are \\ \" \' \n \t; a backslash itself is \\"
            yield Fault("E202", f"the escape '{found.group()}'", hint, start, start + 2)
    for at, character in enumerate(word.text):
        if character < " " or "\ud800" <= character <= "\udfff":
            start = word.start + at
            yield Fault("E201", f"the character U+{ord(character):04X} in a text", None, start, start + 1)


def _brackets(words: list[Token]) -> Iterator[Fault]:
    closing = {"(": ")", "[": "]"}
    opened: list[Token] = []
    for word in words:
        if word.kind != "operator":
            continue
        if word.text in closing:
            opened.append(word)
            if len(opened) > DEEPEST_BRACKETS:
                yield Fault("E207", f"brackets nest more than {DEEPEST_BRACKETS} deep", None, word.start, word.end)
                return
        elif word.text in closing.values():
            last = opened.pop() if opened else None
            if last is None or closing[last.text] != word.text:
                yield Fault("E201", f"'{word.text}' closes nothing", None, word.start, word.end)
                return
    if opened:
        word = opened[-1]
        hint = f"a '{closing[word.text]}' is missing"
        yield Fault("E201", f"'{word.text}' is not closed", hint, word.start, word.end)
