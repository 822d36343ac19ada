"""The shapes of maps with known keys: one dataclass, one of several, or a member of a family."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from engine.registry import did_you_mean
from engine.source.declare import OPTION, Family, Located, Option
from engine.source.document import Path
from engine.source.nodes import CUT_OFF, FAILED, Definitions, Reading, Schema, Shape, cut_off
from engine.source.scalars import kind_of

#: The most keys that a hint lists: more are a page of the handbook.
MOST_KEYS_IN_HINT = 12


class Key(NamedTuple):
    """A key of an object: the dataclass field that it fills, and what may stand there."""

    attribute: str
    key: str
    shape: Shape
    required: bool
    option: Option


class ObjectShape(Shape):
    """A map that becomes an instance of one dataclass."""

    expected = "a map"

    def __init__(self, type_: type[Located], keys_of: Callable[[type[Located]], Sequence[Key]]) -> None:
        self.type = type_
        self._keys_of = keys_of
        self.schema_title = type_.__name__

    @cached_property
    def keys(self) -> Mapping[str, Key]:
        """Its keys. Worked out when first needed, since shapes may hold each other."""
        return {key.key: key for key in self._keys_of(self.type)}

    @cached_property
    def required(self) -> Sequence[Key]:
        """The keys that must be there."""
        return [key for key in self.keys.values() if key.required]

    @cached_property
    def groups(self) -> Sequence[tuple[tuple[str, ...], int]]:
        """The groups of keys that exclude each other, each with the least number of them that must be there."""
        exactly, at_most = self.type.__exactly_one__, self.type.__at_most_one__
        return [*((group, 1) for group in exactly), *((group, 0) for group in at_most)]

    @cached_property
    def short(self) -> Key | None:
        """The key that a bare value fills."""
        marked = [key for key in self.keys.values() if key.option.short]
        if self.type.__short__ is not None:
            marked.append(self.keys[self.type.__short__])
        return marked[0] if marked else None

    def accepts(self, value: Any) -> bool:
        return isinstance(value, dict) or (self.short is not None and self.short.shape.accepts(value))

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        return self.read_keys(value, path, reading)

    def read_keys(self, value: Any, path: Path, reading: Reading, word_key: str | None = None) -> Any:
        """The instance, or FAILED. ``word_key`` is a key that the family has read already."""
        values: dict[str, Any] = {}
        failed = False
        if isinstance(value, dict):
            keys = self.keys
            for key, item in value.items():
                known = keys.get(key)
                if known is not None:
                    found = values[known.attribute] = known.shape.read(item, (*path, key), reading)
                    failed = failed or found is FAILED
                elif key != word_key:
                    self._unknown(key, item, path, reading, [word_key] if word_key else [])
                    failed = True
        else:
            short = self.short
            if short is None or (isinstance(value, list | types.NoneType) and not short.shape.accepts(value)):
                hint = "write {} for one without keys" if value is None else None
                return reading.wrong_type(self, value, path, hint)
            found = values[short.attribute] = short.shape.read(value, path, reading)
            failed = found is FAILED
        for known in self.required:
            if known.attribute not in values:
                message = f"the key '{known.key}' is missing"
                failed = reading.fail("E105", message, reading.document.key_span(path), known.option.help) is FAILED
        if self.groups and not self._groups_fit(values, path, reading):
            failed = True
        return FAILED if failed else self.type(document=reading.document, path=path, **values)

    def _unknown(self, key: str, value: Any, path: Path, reading: Reading, also: Sequence[str]) -> Any:
        known = [*also, *self.keys]
        hint = did_you_mean(key, known)
        if hint is None:
            if cut_off(key, value):
                hint = CUT_OFF
            elif len(known) <= MOST_KEYS_IN_HINT:
                hint = f"the keys here are {', '.join(known)}"
        return reading.fail("E104", f"unknown key '{key}'", reading.document.key_span((*path, key)), hint)

    def _groups_fit(self, values: Mapping[str, Any], path: Path, reading: Reading) -> bool:
        """Whether of the keys that exclude each other there are not too many, and not too few."""
        named = {key.attribute: key.key for key in self.keys.values()}
        given = [named[attribute] for attribute in values]
        fit = True
        for group, least in self.groups:
            present = [key for key in given if key in group]
            if least <= len(present) <= 1:
                continue
            fit = False
            words = ", ".join(f"'{key}'" for key in group)
            if present:
                both = f"'{present[0]}' and '{present[1]}'"
                span = reading.document.key_span((*path, present[1]))
                reading.fail("E110", f"{both} exclude each other", span, f"keep one of {words}")
            else:
                reading.fail("E110", f"one of {words} is missing", reading.document.key_span(path))
        return fit

    def schema(self, definitions: Definitions) -> Schema:
        name, new = definitions.name_for(self.type, self.schema_title)
        if new:
            definitions.schemas[name] = self.body(definitions)
        return {"$ref": f"#/$defs/{name}"}

    def body(self, definitions: Definitions, word: tuple[str, str] | None = None) -> Schema:
        """The schema itself, with the key and word that a family tells it by."""
        properties: dict[str, Schema] = {}
        required = [key.key for key in self.required]
        if word is not None and word[0] not in self.keys:
            properties[word[0]] = {"const": word[1]}
            required.insert(0, word[0])
        for key in self.keys.values():
            schema = key.shape.schema(definitions)
            properties[key.key] = {**schema, "description": key.option.help} if key.option.help else schema
        body: Schema = {"title": self.schema_title, "type": "object", "properties": properties}
        if required:
            body["required"] = required
        body["additionalProperties"] = False
        groups = [{"oneOf": [{"required": [key]} for key in group]} for group in self.type.__exactly_one__] + [
            {"not": {"required": [one, other]}}
            for group in self.type.__at_most_one__
            for number, one in enumerate(group)
            for other in group[number + 1 :]
        ]
        if groups:
            body["allOf"] = groups
        described = description_of(self.type)
        if word is None and self.short is not None and all(key == self.short.key for key in required):
            body = {"title": body.pop("title"), "anyOf": [self.short.shape.schema(definitions), body]}
        return {"description": described, **body} if described else body


class OneOfObjects(Shape):
    """A map that is one of several dataclasses, told by the first key that only one of them knows."""

    expected = "a map"

    def __init__(self, shapes: Sequence[ObjectShape]) -> None:
        self._shapes = shapes

    def accepts(self, value: Any) -> bool:
        return any(shape.accepts(value) for shape in self._shapes)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        return self._meant(value).read(value, path, reading)

    def _meant(self, value: Any) -> ObjectShape:
        if not isinstance(value, dict):
            return next((shape for shape in self._shapes if shape.accepts(value)), self._shapes[0])
        for key in value:
            knowing = [shape for shape in self._shapes if key in shape.keys]
            if len(knowing) == 1:
                return knowing[0]
        return max(self._shapes, key=lambda shape: sum(key in shape.keys for key in value))

    def schema(self, definitions: Definitions) -> Schema:
        return {"anyOf": [shape.schema(definitions) for shape in self._shapes]}


class FamilyShape(Shape):
    """A map that is a member of a family, told by the word it holds."""

    def __init__(self, base: type[Any], family: Family, shape_of: Callable[[type[Any]], ObjectShape]) -> None:
        self._base = base
        self._family = family
        self._shape_of = shape_of
        self.expected = f"a map, or a {family.by}" if family.by else "a map"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, dict) or (self._family.by is not None and isinstance(value, str))

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        family = self._family
        if isinstance(value, dict):
            word = self._word_of(value, path, reading)
        elif family.by is not None and isinstance(value, str):
            word, value = self._known(value, path, reading), {}
        else:
            return reading.wrong_type(self, value, path)
        if word is FAILED:
            return FAILED
        return self._shape_of(family.members[word]).read_keys(value, path, reading, word_key=family.by)

    def hint(self, value: Any) -> str | None:
        known = isinstance(value, str) and value in self._family.members
        return f"write {{{value}: …}}" if known else None

    def _word_of(self, value: Mapping[str, Any], path: Path, reading: Reading) -> Any:
        family = self._family
        if family.by is None:
            return self._first_word(value, path, reading)
        if family.by in value:
            return self._known(value[family.by], (*path, family.by), reading)
        for key, word in family.otherwise.items():
            if key in value:
                return word
        hint = f"the {family.what} are {', '.join(sorted(family.members))}"
        return reading.fail("E105", f"the key '{family.by}' is missing", reading.document.key_span(path), hint)

    def _first_word(self, value: Mapping[str, Any], path: Path, reading: Reading) -> Any:
        family = self._family
        for key in value:
            if key in family.members:
                return key
        span = reading.document.key_span(path)
        if not value:
            return reading.fail("E105", f"expected one of the {family.what}, found a map without keys", span)
        first = next(iter(value))
        span = reading.document.key_span((*path, first))
        hint = did_you_mean(first, family.members) or f"the {family.what} are {', '.join(sorted(family.members))}"
        return reading.fail("E104", f"'{first}' is none of the {family.what}", span, hint)

    def _known(self, word: Any, path: Path, reading: Reading) -> Any:
        family = self._family
        if not isinstance(word, str):
            return reading.fail("E106", f"expected a {family.by}, found {kind_of(word)}", reading.document.span(path))
        if word in family.members:
            return word
        hint = did_you_mean(word, family.members) or f"the {family.what} are {', '.join(sorted(family.members))}"
        return reading.fail("E107", f"'{word}' is none of the {family.what}", reading.document.span(path), hint)

    def schema(self, definitions: Definitions) -> Schema:
        name, new = definitions.name_for(self._base, self._base.__name__)
        if new:
            definitions.schemas[name] = self._body(name, definitions)
        return {"$ref": f"#/$defs/{name}"}

    def _body(self, name: str, definitions: Definitions) -> Schema:
        by = self._family.by
        options: list[Schema] = []
        bare: list[str] = []
        for word, type_ in self._family.members.items():
            shape = self._shape_of(type_)
            if by is None:
                options.append(shape.schema(definitions))
                continue
            member, new = definitions.name_for((self._base, word), f"{name}_{word}")
            if new:
                definitions.schemas[member] = shape.body(definitions, (by, word))
            options.append({"$ref": f"#/$defs/{member}"})
            if not shape.required and not type_.__exactly_one__:
                bare.append(word)
        for key, word in self._family.otherwise.items():
            body = self._shape_of(self._family.members[word]).body(definitions)
            before = [other for other in self._family.otherwise if other != key]
            earlier = before[: list(self._family.otherwise).index(key)]
            options.append({**body, "allOf": [{"required": [key]}, *({"not": {"required": [e]}} for e in earlier)]})
        if bare:
            options.insert(0, {"enum": bare})
        described = description_of(self._base)
        return {**({"description": described} if described else {}), "anyOf": options}


def description_of(type_: type[Any]) -> str | None:
    """The first paragraph of the class's own docstring."""
    text = type_.__dict__.get("__doc__")
    if not text or text.startswith(f"{type_.__name__}("):  # what dataclasses write when there is none
        return None
    return " ".join(inspect.cleandoc(text).split("\n\n")[0].split())


def keys_of(type_: type[Located], hints: Mapping[str, Any], shape_of: Callable[[Any, bool], Shape]) -> list[Key]:
    """The keys of a dataclass, from its fields and their annotations."""
    own = {field.name for field in dataclasses.fields(Located)}
    found = []
    for field in dataclasses.fields(type_):
        if field.name in own or not field.init:
            continue
        said: Option = field.metadata.get(OPTION, Option())
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        shape = shape_of(hints[field.name], said.one_or_many)
        found.append(Key(field.name, said.key or field.name.rstrip("_"), shape, required, said))
    return found
