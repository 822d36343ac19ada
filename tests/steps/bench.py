"""Steps on the bench: an action is built from YAML, driven by hand, and nothing but its effects is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from textwrap import indent
from typing import Any

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.ports import Effect, Record
from engine.steps.step import Frame, run_steps

MODELS = """
app: yard
---
model: town
key: code
fields: {code: {type: text, unique: true}, room: integer}
---
model: parcel
key: code
workflow: way
fields:
  code: {type: text, unique: true}
  town: {type: link, to: town, back: parcels}
  weight: {type: decimal, digits: 2}
  note: text
  pieces: {type: rows, key: line, of: {line: integer, name: text, worth: money}}
---
workflow: way
for: parcel
start: here
states:
  here: {events: {go: {to: gone, input: {why: text}}}}
  gone: {}
---
access: clerk
can: {parcel: {read: all}}
---
message: moved
for: parcel
text: "{{ parcel.code }}"
---
action: tidy
for: parcel
input: {hard: {type: boolean, default: false}}
steps: [{set: {note: "'tidy'"}}]
---
"""

TOWN: Record = {"id": "t1", "code": "T", "room": 3}


def parcel(**values: Any) -> Record:
    """A parcel in hand."""
    pieces = [{"id": "r1", "line": 1, "name": "cup", "worth": 1}, {"id": "r2", "line": 2, "name": "pot", "worth": 2}]
    return {"id": "p1", "code": "P", "town": TOWN, "weight": None, "note": None, "pieces": pieces, **values}


@cache
def catalog_with(steps: str, model: str | None = "parcel") -> Catalog:
    """The yard with the action ``tried``, made of these steps."""
    about = f"for: {model}\n" if model else ""
    return build_texts({"definitions/a.yaml": f"{MODELS}action: tried\n{about}steps:\n{indent(steps, '  ')}\n"})


@dataclass
class Ran:
    """What the steps asked for, and the names that they left."""

    effects: list[Effect]
    names: dict[str, Any]


def run(steps: str, record: Record | None = None, answers: Sequence[Any] = (), **names: Any) -> Ran:
    """Drives the steps about a parcel. ``answers`` go to the effects in their order; then None."""
    catalog = catalog_with(steps)
    subject = parcel() if record is None else record
    frame = Frame("parcel", subject, {"record": subject, "parcel": subject, **names})
    generator, effects, waiting = run_steps(catalog.actions["tried"].steps, frame), [], list(answers)
    answer: Any = None
    while True:
        try:
            effects.append(generator.send(answer))
        except StopIteration:
            assert not waiting, "an answer that nobody asked for"
            return Ran(effects, frame.names)
        answer = waiting.pop(0) if waiting else None
