"""Texts. Lengths and positions count characters (code points); white space is :data:`SPACE`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.errors import ExpressionError
from engine.expressions.functions.function import Form, Function
from engine.expressions.types import BOOLEAN, INTEGER, TEXT, Type

LONGEST_RESULT = 100_000

#: What ``trim`` takes away: space, tab, line breaks, no-break space, ideographic space.
SPACE = " \t\r\n\u00a0\u3000"


def bounded(text: str) -> str:
    """The text. An ExpressionError when it is too long."""
    if len(text) > LONGEST_RESULT:
        raise ExpressionError(f"a text of {len(text)} characters; {LONGEST_RESULT} are the most")
    return text


def trim(text: str) -> str:
    """The text without white space at either end."""
    return text.strip(SPACE)


def contains(text: str, part: str) -> bool:
    """Whether the part stands in the text."""
    return part in text


def replace(text: str, old: str, new: str) -> str:
    """The text with every ``old`` as ``new``; an empty ``old`` changes nothing. ExpressionError when too long."""
    if not old:
        return text
    # Counted before it is made: the result can be the product of two long texts.
    if len(text) + text.count(old) * (len(new) - len(old)) > LONGEST_RESULT:
        raise ExpressionError(f"a text of more than {LONGEST_RESULT} characters")
    return text.replace(old, new)


def concat(*texts: str | None) -> str:
    """The texts end to end; null adds nothing."""
    return bounded("".join(text for text in texts if text is not None))


def left(text: str, count: int) -> str:
    """The first characters, all when there are fewer, none when ``count`` is below 1."""
    return text[: max(count, 0)]


def right(text: str, count: int) -> str:
    """The last characters, all when there are fewer, none when ``count`` is below 1."""
    return text[max(len(text) - max(count, 0), 0) :]


def _text(name: str, run: Callable[..., object], takes: tuple[Type, ...], gives: Type, summary: str) -> Function:
    return Function(name, (Form(takes=takes, gives=gives, run=run),), summary)


_on_text = partial(_text, takes=(TEXT,), gives=TEXT)
_on_two = partial(_text, takes=(TEXT, TEXT), gives=BOOLEAN)

CONCAT = Function(
    "concat",
    (Form(takes=(TEXT, TEXT), gives=TEXT, run=concat, repeats=True, nulls="given", fails=True),),
    'concat(a, "-", b): end to end, null adds nothing',
)

TEXTS = (
    _text("len", len, (TEXT,), INTEGER, "len(code): how many characters"),
    _on_text("upper", str.upper, summary="upper(code)"),
    _on_text("lower", str.lower, summary="lower(code)"),
    _on_text("trim", trim, summary="trim(code): without space at the ends"),
    _on_two("starts_with", str.startswith, summary='starts_with(code, "A")'),
    _on_two("ends_with", str.endswith, summary='ends_with(code, "Z")'),
    _on_two("contains", contains, summary='contains(code, "-")'),
    Function(
        "replace",
        (Form(takes=(TEXT, TEXT, TEXT), gives=TEXT, run=replace, fails=True),),
        'replace(code, "-", ""): every one',
    ),
    CONCAT,
    _text("left", left, (TEXT, INTEGER), TEXT, "left(code, 2): the first characters"),
    _text("right", right, (TEXT, INTEGER), TEXT, "right(code, 2): the last characters"),
)
