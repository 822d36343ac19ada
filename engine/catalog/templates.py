"""The texts of messages: Jinja2 in a sandbox, with the filters that both the check and the sending use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.catalog.kind import DefinitionLinker
from engine.errors import Label
from engine.expressions.types import RecordType, Shape
from engine.fields.field import say
from engine.registry import did_you_mean
from engine.source.shape import Located

#: What a template may name beside the record, which stands under ``record`` and its model's name.
TEMPLATE_NAMES = ("user", "now", "today", "data", "language", "timezone")


@pass_context
def _date(context: Context, value: datetime | Any) -> str:
    """The day of a moment, in the time zone of the message."""
    if value is None:
        return ""
    return str(_local(context, value).date()) if isinstance(value, datetime) else str(value)


@pass_context
def _datetime(context: Context, value: datetime | None) -> str:
    """A moment to the minute, in the time zone of the message."""
    return f"{_local(context, value):%Y-%m-%d %H:%M}" if value is not None else ""


@pass_context
def _label(context: Context, value: Label | None) -> str:
    """A label in the language of the message."""
    return say(value, context.get("language", "en"))


def _money(value: Decimal | int | None) -> str:
    """An amount with separators and two digits."""
    return f"{value:,.2f}" if value is not None else ""


def _local(context: Context, value: datetime) -> datetime:
    return value.astimezone(ZoneInfo(context.get("timezone", "UTC")))


class _Environment(ImmutableSandboxedEnvironment):
    """As in expressions, a path through nothing leads to nothing."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return None if obj is None else super().getattr(obj, attribute)


def _written(value: Any) -> Any:
    """What stands in the text for a value: nothing for nothing."""
    return "" if value is None else value


def template_environment() -> ImmutableSandboxedEnvironment:
    """A sandbox that renders messages. Plain text, so nothing is escaped; an unknown name is an error, not an empty
    place."""
    environment = _Environment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False, finalize=_written
    )
    environment.filters.update(date=_date, datetime=_datetime, money=_money, label=_label)
    return environment


_ENVIRONMENT = template_environment()


def check_template(linker: DefinitionLinker, at: Located, model: str | None, key: tuple[str, ...], text: str) -> None:
    """Reports what does not parse, unknown filters, unknown names, and fields that the record does not have.

    A message that is for no model in particular may name any: who sends it gives the record.
    """
    try:
        tree = _ENVIRONMENT.parse(text)
        _ENVIRONMENT.compile(tree)
    except TemplateSyntaxError as error:
        message = f"the template does not parse: {error.message}"
        linker.report_within("E201", message, at, key, _line(text, error.lineno))
        return
    models = linker.known("model") if model is None else (model,)
    records = {name: shape for name in models if (shape := linker.shape(name)) is not None}
    if model is not None and model in records:
        records["record"] = records[model]
    known = {*records, *TEMPLATE_NAMES}
    for name in sorted(find_undeclared_variables(tree) - known):
        message, hint = f"unknown name '{name}' in a template", did_you_mean(name, known)
        linker.report_within("E203", message, at, key, _word(text, name), hint)
    for holder, name, line in _members(tree, records):
        message, hint = f"{holder.name} has no field '{name}'", did_you_mean(name, holder.names())
        linker.report_within("E204", message, at, key, _word(text, name, _line(text, line)[0]), hint)


def _line(text: str, number: int) -> tuple[int, int]:
    """The characters of a line of the template."""
    lines = text.splitlines(keepends=True)
    start = sum(map(len, lines[: number - 1]))
    return start, start + len(lines[number - 1].rstrip()) if number <= len(lines) else start


def _word(text: str, word: str, start: int = 0) -> tuple[int, int]:
    """The characters of the first use of a word from there on: the parser of templates only knows its line."""
    found = re.compile(rf"\b{re.escape(word)}\b").search(text, start)
    return found.span() if found else (start, len(text))


def _members(tree: nodes.Template, records: dict[str, Shape]) -> Iterator[tuple[Shape, str, int]]:
    """The attributes of known records that do not exist: the shape that lacks it, its name, its line."""
    for node in tree.find_all(nodes.Getattr):
        holder = _shape_of(node.node, records)
        if holder is not None and holder.member(node.attr) is None:
            yield holder, node.attr, node.lineno


def _shape_of(node: nodes.Expr, records: dict[str, Shape]) -> Shape | None:
    if isinstance(node, nodes.Name):
        return records.get(node.name)
    if isinstance(node, nodes.Getattr) and (holder := _shape_of(node.node, records)) is not None:
        member = holder.member(node.attr)
        if member is not None and isinstance(member.type, RecordType):
            return member.type.shape
    return None
