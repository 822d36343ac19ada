"""From YAML events to plain data and the places of its parts.

Events are read one at a time and counted as they come, so that a hostile file costs no more than an honest one: what nests
too deep, or unfolds to too much, stops the reading at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from engine.source.document import Mark
from engine.source.problems import Problems
from engine.source.scalars import plain_value
from engine.source.syntax import explain
from engine.source.text import SourceText

#: libyaml where PyYAML was built with it; the same events, five times slower, from Python where not.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: Real definitions nest about fifteen deep, and hold some hundred values in a file.
DEEPEST = 64
MOST_VALUES = 200_000

CORE = "tag:yaml.org,2002:"
SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    CORE + "int": (int,),
    CORE + "float": (int, plain_value("0.5").__class__),
    CORE + "bool": (bool,),
    CORE + "null": (type(None),),
}
COLLECTION_TAGS = frozenset({None, "!", CORE + "map", CORE + "seq"})
MERGE_KEY = "<<"


class Refused(Exception):
    """The rest of the file cannot be read. The problem is reported already."""


class Root(NamedTuple):
    """One YAML document: its data and marks, and whether no problem was found in it."""

    data: Any
    mark: Mark
    sound: bool


class _Anchored(NamedTuple):
    data: Any
    mark: Mark
    values: int
    height: int


class _Open:
    """A map or list whose end has not come yet. ``key`` is the key that waits for its value."""

    __slots__ = (
        "anchor",
        "as_key",
        "children",
        "data",
        "height",
        "is_map",
        "key",
        "key_end",
        "key_start",
        "start",
        "values",
    )

    def __init__(self, is_map: bool, start: int, anchor: str | None, values: int, as_key: bool) -> None:
        self.is_map = is_map
        self.data: Any = {} if is_map else []
        self.children: Any = {} if is_map else []
        self.key: str | None = None
        self.key_start = self.key_end = 0
        self.start = start
        self.anchor = anchor
        self.values = values
        self.height = 0
        self.as_key = as_key

    @property
    def awaits_key(self) -> bool:
        return self.is_map and self.key is None


class Composer:
    """Reads the documents of one text."""

    def __init__(self, source: SourceText, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._anchors: dict[str, _Anchored | None] = {}
        self._stack: list[_Open] = []
        self._values = 0
        self._root: tuple[Any, Mark] = (None, (0, 0))

    def documents(self) -> Iterator[Root]:
        """The documents, in order. Raises Refused where the text stops to make sense."""
        loader = LOADER(self._source.text)
        try:
            found = len(self._problems)
            while (event := loader.get_event()) is not None:
                kind = type(event)
                if kind is yaml.ScalarEvent:
                    self._scalar(event)
                elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                    self._open(event, kind is yaml.MappingStartEvent)
                elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    self._close(event)
                elif kind is yaml.AliasEvent:
                    self._alias(event)
                elif kind is yaml.DocumentStartEvent:
                    self._anchors, found = {}, len(self._problems)
                elif kind is yaml.DocumentEndEvent:
                    yield Root(*self._root, len(self._problems) == found)
        except yaml.YAMLError as error:
            problem = explain(error, self._source)
            self._problems.add(problem)
            raise Refused(problem.message) from error
        finally:
            loader.dispose()

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        start, end, text = event.start_mark.index, event.end_mark.index, event.value
        if self._stack and self._stack[-1].awaits_key:
            self._take_key(text, start, end)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(text, (start, end), 1, 0)
            return
        value = plain_value(text) if event.implicit[0] else text
        if event.tag is not None:
            value = self._tagged(event.tag, text, start, end)
        self._count(1, start)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, (start, end), 1, 0)
        self._put(value, (start, end), 0)

    def _tagged(self, tag: str, text: str, start: int, end: int) -> Any:
        """The value of a scalar with a tag."""
        if tag in ("!", CORE + "str"):
            return text
        if tag not in SCALAR_TAGS:
            self._refuse_tag(tag, start, end)
            return text
        value = plain_value(text)
        if not isinstance(value, SCALAR_TAGS[tag]):
            short = tag.removeprefix(CORE)
            self._problems.report(
                "E106", f"'{text}' is no !!{short}", self._source.span(start, end), "leave the tag out"
            )
        return value

    def _refuse_tag(self, tag: str, start: int, end: int) -> None:
        self._problems.report(
            "E101",
            f"the tag '{tag}' is not allowed",
            self._source.span(start, end),
            "quote a text that begins with '!'",
        )

    def _open(self, event: yaml.CollectionStartEvent, is_map: bool) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        as_key = bool(self._stack) and self._stack[-1].awaits_key
        if as_key:
            self._problems.report(
                "E101",
                "a key must be a text",
                self._source.span(start, end),
                "quote a text that begins with '{' or '['",
            )
        elif event.tag not in COLLECTION_TAGS:
            self._refuse_tag(event.tag, start, end)
        self._count(1, start)
        if len(self._stack) >= DEEPEST:
            self._stop(f"the values nest more than {DEEPEST} deep", start)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # until it is closed: an alias in there would never end
        self._stack.append(_Open(is_map, start, event.anchor, self._values, as_key))

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        done = self._stack.pop()
        mark = (done.start, event.end_mark.index, done.children)
        height = done.height + 1
        if done.anchor is not None:
            self._anchors[done.anchor] = _Anchored(done.data, mark, self._values - done.values + 1, height)
        if done.as_key:
            parent = self._stack[-1]
            # Reported already; a key that nobody can write keeps the pairs in step.
            parent.key, parent.key_start, parent.key_end = f"\0{done.start}", done.start, done.start
            return
        self._put(done.data, mark, height)

    def _alias(self, event: yaml.AliasEvent) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor not in self._anchors:
            span = self._source.span(start, end)
            self._problems.report(
                "E101", f"the alias '*{event.anchor}' has no anchor", span, "quote a text that begins with '*'"
            )
            raise Refused(event.anchor)
        anchored = self._anchors[event.anchor]
        if anchored is None:
            self._stop(f"the alias '*{event.anchor}' contains itself", start)
        if self._stack and self._stack[-1].awaits_key:
            self._take_key(anchored.data if isinstance(anchored.data, str) else str(anchored.data), start, end)
            return
        self._count(anchored.values, start)
        if len(self._stack) + anchored.height > DEEPEST:
            self._stop(f"the values nest more than {DEEPEST} deep", start)
        self._put(anchored.data, anchored.mark, anchored.height)

    def _take_key(self, text: str, start: int, end: int) -> None:
        parent = self._stack[-1]
        parent.key, parent.key_start, parent.key_end = text, start, end
        if text in parent.data:
            first = parent.children[text]
            line, _ = self._source.position(first[0])
            span = self._source.span(start, end)
            self._problems.report("E102", f"the key '{text}' stands twice", span, f"it stands first on line {line}")
        elif text == MERGE_KEY:
            span = self._source.span(start, end)
            self._problems.report("E104", "merge keys '<<' are not part of the language", span, "write the keys out")

    def _put(self, value: Any, mark: Mark, height: int) -> None:
        """Gives the value to the map or list that is open."""
        if not self._stack:
            self._root = (value, mark)
            return
        parent = self._stack[-1]
        if height > parent.height:
            parent.height = height
        if not parent.is_map:
            parent.data.append(value)
            parent.children.append(mark)
            return
        if parent.key not in parent.data:
            parent.data[parent.key] = value
            parent.children[parent.key] = (parent.key_start, parent.key_end, mark)
        parent.key = None

    def _count(self, values: int, at: int) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            self._stop(f"the text unfolds to more than {MOST_VALUES:,} values", at)

    def _stop(self, message: str, at: int) -> Any:
        self._problems.report("E103", message, self._source.span(at, at + 1))
        raise Refused(message)
