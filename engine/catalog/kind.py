"""What a kind of definition is. A new kind is one new file in ``kinds/`` and one line in ``builtins.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.fields.field import Linker
from engine.source.shape import Located


@dataclass(frozen=True, kw_only=True)
class Definition(Located):
    """One object that an author has written. The first key of its document is the kind, and the value its name.

    Life: ``parse`` by the shape machinery (its annotations are the YAML), then ``link`` once, when all others are known.
    """

    kind: ClassVar[str]
    #: Read order among kinds while linking: models before what refers to their fields.
    link_order: ClassVar[int] = 50

    @property
    def name(self) -> str:
        """The value of the document's first key."""
        return str(self.document.name)

    def link(self, linker: Linker) -> None:
        """Resolves names and compiles expressions; every problem goes to the linker."""
