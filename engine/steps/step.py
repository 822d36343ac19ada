"""What a step is: the closed vocabulary of actions, events and rules.

A step is pure. Its dataclass is its YAML; ``link`` checks it against the models; ``run`` is a generator that yields
effects (``engine.ports``) and receives their answers. Whoever drives the generator decides where the effects happen. To
add one: a class in a file here, and one line in ``catalog/builtins.py``.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from engine.expressions.types import Scope
from engine.fields.field import Linker
from engine.ports import Effect, Record
from engine.source.shape import Located

#: The record as it would be, where somebody has proposed a change of it: records have it whose workflows say `propose`.
PROPOSED = "proposed"
#: What driving a list of steps is like: effects out, answers in, nothing returned.
Steps = Generator[Effect, Any, None]


@dataclass(slots=True)
class Frame:
    """What a running step sees: the record it is about, and the values of the scope's names.

    ``model`` is the record's model. ``names`` grows as ``let``, ``find … into`` and ``for_each … as`` add to it.
    """

    model: str | None
    record: Record | None
    names: dict[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> tuple[str, Record]:
        """The model and the record. Linking refuses steps that need one where there is none, so this is a bug
        otherwise."""
        if self.model is None or self.record is None:
            raise RuntimeError("a step that needs a record runs without one")
        return self.model, self.record

    def inner(self, **names: Any) -> Frame:
        """A frame for a nested list: its new names do not leak out."""
        return replace(self, names={**self.names, **names})


@dataclass(frozen=True, kw_only=True)
class Step(Located):
    """One step. The first key of its map is its word (``create``), the rest its own keys."""

    word: ClassVar[str]

    def link(self, linker: Linker, model: str | None, scope: Scope) -> Scope:
        """The scope for the steps that follow; problems go to the linker. ``model`` is that of ``record``, if any."""
        return scope

    def run(self, frame: Frame) -> Steps:
        """Yields the effects of this step."""
        raise NotImplementedError


def link_steps(steps: Sequence[Step], linker: Linker, model: str | None, scope: Scope) -> Scope:
    """Links the steps one after the other, each seeing the names of those before; the scope after the last."""
    for step in steps:
        scope = step.link(linker, model, scope)
    return scope


def run_steps(steps: Sequence[Step], frame: Frame) -> Steps:
    """The effects of the steps, in order."""
    for step in steps:
        yield from step.run(frame)
