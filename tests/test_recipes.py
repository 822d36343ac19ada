"""The recipes of CONTRIBUTING.md, followed: a part in one place, one line more in the list, and definitions with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any, ClassVar

import pytest

from engine.catalog.builder import build_texts
from engine.catalog.builtins import BUILTINS
from engine.catalog.catalog import Catalog
from engine.catalog.kind import Definition, DefinitionLinker
from engine.catalog.schema import kind_schemas
from engine.catalog.vocabulary import Vocabulary
from engine.errors import DefinitionError
from engine.expressions.functions.function import Form, Function
from engine.expressions.types import TEXT, Scope
from engine.fields.field import Linker, Parser, ValueFault
from engine.fields.text import TextLike
from engine.ports import Change
from engine.runtime.scratch import scratch
from engine.runtime.testing import TestRunner
from engine.source.shape import Name
from engine.steps.step import Frame, Step, Steps


@dataclass(frozen=True, kw_only=True)
class PlateField(TextLike):
    """The number of a car, in capitals."""

    type_name: ClassVar[str] = "plate"

    max: int = 10

    def parser(self, zone: tzinfo | None = None) -> Parser:
        clean = super().parser(zone)

        def parse(raw: Any) -> str:
            text: str = clean(raw).upper()
            if not text.replace("-", "").isalnum():
                raise ValueFault("VALUE_FORMAT", "is no number of a car", expected="plate")
            return text

        return parse


MIRROR = Function(
    "mirror", (Form(takes=(TEXT,), gives=TEXT, run=lambda text: text[::-1]),), "mirror(code): from behind"
)


@dataclass(frozen=True, kw_only=True)
class Clear(Step):
    """Empties a field of the record."""

    word: ClassVar[str] = "clear"

    clear: Name

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        shape = linker.shape(model) if model is not None else None
        if shape is None or shape.member(self.clear) is None:
            linker.report("E303", f"there is no field '{self.clear}' to clear", self, "clear")
        return scope

    def run(self, frame: Frame) -> Steps:
        model, record = frame.subject
        yield Change(model, record, {self.clear: None})


@dataclass(frozen=True, kw_only=True)
class Glossary(Definition):
    """What words of a model mean."""

    kind: ClassVar[str] = "glossary"

    glossary: Name
    of: Name
    words: Mapping[Name, str]

    def link(self, linker: DefinitionLinker) -> None:
        if linker.reference("model", self.of, self, "of") is not None:
            for word in self.words:
                linker.field(self.of, word, self, ("words", word), is_key=True)


VOCABULARY = Vocabulary.of(
    kinds=(*BUILTINS.kinds.values(), Glossary),
    fields=(*BUILTINS.fields.values(), PlateField),
    known_functions=(*BUILTINS.functions.values(), MIRROR),
    steps=(*BUILTINS.steps.values(), Clear),
)

GARAGE = """
app: garage
---
model: car
key: plate
workflow: parking
fields:
  plate: {type: plate, unique: true, required: true}
  driver: text
  behind: {type: text, value: mirror(plate)}
---
workflow: parking
for: car
start: "on"
states:
  "on": {events: {leave: {do: [{clear: driver}], to: "off"}}}
  "off": {}
---
glossary: words
of: car
words: {plate: What stands on the front}
---
access: guard
everything: true
---
test: a car comes and goes
do:
  - {create: car, as: guard, values: {plate: b-42, driver: Li}, into: c}
  - {fire: leave, record: c, as: guard}
expect:
  - {of: c, plate: B-42, behind: 24-B, driver: null, status: "off"}
  - {refused: {create: car, as: guard, values: {plate: "b?"}}, code: INVALID_VALUES}
"""


def garage(old: str = "", new: str = "") -> Catalog:
    """The definitions that use the new parts; ``old`` in them is ``new``."""
    assert old in GARAGE
    return build_texts({"definitions/garage.yaml": GARAGE.replace(old, new, 1) if old else GARAGE}, VOCABULARY)


def test_new_parts_work(tmp_path: Path) -> None:
    catalog = garage()
    with scratch(catalog) as database:
        [result] = TestRunner(database, tmp_path).run(list(catalog.tests.values()))
    assert result.failures == ()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("type: plate", "type: plat", "E107"),
        ("mirror(plate)", "mirror(1)", "E205"),
        ("clear: driver", "clear: river", "E303"),
        ("words: {plate", "words: {plaet", "E303"),
    ],
)
def test_mistakes_in_their_use_are_told(old: str, new: str, code: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        garage(old, new)
    assert [problem.code for problem in caught.value.problems] == [code]


def test_editors_learn_of_them() -> None:
    schemas = kind_schemas(VOCABULARY)
    assert "words" in str(schemas["glossary"])
    assert "plate" in str(schemas["model"])
    assert "clear" in str(schemas["action"])
