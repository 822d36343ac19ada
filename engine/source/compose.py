"""From YAML events to plain data and the places of its parts.

Events are read one at a time and counted as they come, so that a hostile file costs no more than an honest one: what
nests too deep, or unfolds to too much, stops the reading at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

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
TEXT_TAGS = ("!", CORE + "str")
SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    CORE + "int": (int,),
    CORE + "float": (int, Decimal),
    CORE + "bool": (bool,),
    CORE + "null": (type(None),),
}
COLLECTION_TAGS = ("!", CORE + "map", CORE + "seq")
MERGE_KEY = "<<"


class Refused(Exception):
    """The rest of the file cannot be read. The problem is reported already."""


class Root(NamedTuple):
    """One YAML document: its data and marks, and whether no problem was found in it."""

    data: Any
    mark: Mark
    sound: bool


class _Anchored(NamedTuple):
    """What an alias stands for; ``closed`` is False until its end has come."""

    data: Any
    mark: Mark
    values: int
    height: int
    closed: bool = True


class _Open:
    """A map or list whose end has not come yet."""

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

    def __init__(self, is_map: bool, start: int, values: int, anchor: str | None = None, as_key: bool = False) -> None:
        self.is_map = is_map
        self.data: Any = {} if is_map else []
        self.children: Any = {} if is_map else []
        self.key: str | None = None  # the key of a map that waits for its value
        self.key_start = self.key_end = 0
        self.start = start
        self.values = values  # how many had been counted before it
        self.height = 0
        self.anchor = anchor
        self.as_key = as_key  # it stands where only a text may


class Composer:
    """Reads the documents of one text."""

    def __init__(self, source: SourceText, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._anchors: dict[str, _Anchored] = {}
        # The document itself is the only item of a list, so that there is always something open to put a value into.
        self._stack = [_Open(False, 0, 0)]
        self._values = 0

    def documents(self) -> Iterator[Root]:
        """The documents, in order. Raises Refused where the text ceases to make sense."""
        loader = LOADER(self._source.text)
        next_event = loader.get_event
        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open_map,
            yaml.SequenceStartEvent: self._open_list,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
        }
        found = 0
        try:
            while (event := next_event()) is not None:
                handle = handlers.get(type(event))
                if handle is not None:
                    handle(event)
                elif type(event) is yaml.DocumentStartEvent:
                    self._anchors, self._stack, found = {}, [_Open(False, 0, 0)], len(self._problems)
                elif type(event) is yaml.DocumentEndEvent:
                    whole = self._stack[0]
                    yield Root(whole.data[0], whole.children[0], len(self._problems) == found)
        except yaml.YAMLError as error:
            problem = explain(error, self._source)
            self._problems.add(problem)
            raise Refused(problem.message) from error
        finally:
            loader.dispose()

    def _scalar(self, event: Any) -> None:
        text = event.value
        mark = (event.start_mark.index, event.end_mark.index)
        parent = self._stack[-1]
        if parent.is_map and parent.key is None:
            self._take_key(text, mark)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Anchored(text, mark, 1, 0)
            return
        if event.tag is not None:
            value = self._tagged(event.tag, text, mark)
        elif event.implicit[0]:
            value = plain_value(text)
        else:
            value = text
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, mark, 1, 0)
        self._values += 1
        if self._values > MOST_VALUES:
            self._too_much(mark[0])
        if not parent.is_map:
            parent.data.append(value)
            parent.children.append(mark)
            return
        key = parent.key
        if key not in parent.data:
            parent.data[key] = value
            parent.children[key] = (parent.key_start, parent.key_end, mark)
        parent.key = None

    def _tagged(self, tag: str, text: str, mark: Mark) -> Any:
        """The value of a scalar with a tag."""
        if tag in TEXT_TAGS:
            return text
        if tag not in SCALAR_TAGS:
            self._refuse_tag(tag, mark)
            return text
        value = plain_value(text)
        if not isinstance(value, SCALAR_TAGS[tag]):
            self._report("E106", f"'{text}' is no !!{tag.removeprefix(CORE)}", mark, "leave the tag out")
        return value

    def _refuse_tag(self, tag: str, mark: Mark) -> None:
        self._report("E101", f"the tag '{tag}' is not allowed", mark, "quote a text that begins with '!'")

    def _open_map(self, event: Any) -> None:
        self._open(event, True)

    def _open_list(self, event: Any) -> None:
        self._open(event, False)

    def _open(self, event: Any, is_map: bool) -> None:
        start = event.start_mark.index
        parent = self._stack[-1]
        as_key = parent.is_map and parent.key is None
        if as_key:
            if not any(outer.as_key for outer in self._stack):
                hint = "quote a text that begins with '{' or '['"
                self._report("E101", "a key must be a text", (start, event.end_mark.index), hint)
        elif event.tag is not None and event.tag not in COLLECTION_TAGS:
            self._refuse_tag(event.tag, (start, event.end_mark.index))
        self._values += 1
        if self._values > MOST_VALUES:
            self._too_much(start)
        if len(self._stack) > DEEPEST:
            self._too_deep(start)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(None, None, 0, 0, closed=False)
        self._stack.append(_Open(is_map, start, self._values, event.anchor, as_key))

    def _close(self, event: Any) -> None:
        done = self._stack.pop()
        mark = (done.start, event.end_mark.index, done.children)
        height = done.height + 1
        if done.anchor is not None:
            self._anchors[done.anchor] = _Anchored(done.data, mark, self._values - done.values + 1, height)
        if done.as_key:
            parent = self._stack[-1]
            # Reported already; a key that nobody can write keeps keys and values in step.
            parent.key, parent.key_start, parent.key_end = f"\0{done.start}", done.start, done.start
            return
        self._put(done.data, mark, height)

    def _alias(self, event: Any) -> None:
        mark = (event.start_mark.index, event.end_mark.index)
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            message = f"the alias '*{event.anchor}' has no anchor"
            self._report("E101", message, mark, "quote a text that begins with '*'")
            raise Refused(message)
        if not anchored.closed:
            self._stop(f"the alias '*{event.anchor}' contains itself", mark[0])
        parent = self._stack[-1]
        if parent.is_map and parent.key is None:
            if not isinstance(anchored.data, str):
                self._report("E101", "a key must be a text", mark)
            self._take_key(str(anchored.data), mark)
            return
        self._values += anchored.values
        if self._values > MOST_VALUES:
            self._too_much(mark[0])
        if len(self._stack) + anchored.height > DEEPEST + 1:
            self._too_deep(mark[0])
        self._put(anchored.data, anchored.mark, anchored.height)

    def _take_key(self, text: str, mark: Mark) -> None:
        parent = self._stack[-1]
        parent.key, (parent.key_start, parent.key_end) = text, mark
        if text in parent.data:
            line, _ = self._source.position(parent.children[text][0])
            self._report("E102", f"the key '{text}' stands twice", mark, f"it stands first on line {line}")
        elif text == MERGE_KEY:
            self._report("E104", "merge keys '<<' are not part of the language", mark, "write the keys out")

    def _put(self, value: Any, mark: Mark, height: int) -> None:
        """Gives the value to what is open. ``_scalar`` does the same for itself, being most of the work."""
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

    def _report(self, code: str, message: str, mark: Mark, hint: str | None = None) -> None:
        self._problems.report(code, message, self._source.span(mark[0], mark[1]), hint)

    def _too_much(self, at: int) -> NoReturn:
        self._stop(f"the text unfolds to more than {MOST_VALUES:,} values", at)

    def _too_deep(self, at: int) -> NoReturn:
        self._stop(f"the values nest more than {DEEPEST} deep", at)

    def _stop(self, message: str, at: int) -> NoReturn:
        self._report("E103", message, (at, at + 1))
        raise Refused(message)
