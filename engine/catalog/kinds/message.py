"""``message``: how news goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.catalog.kind import Definition, DefinitionLinker
from engine.catalog.templates import check_template
from engine.errors import Label
from engine.source.shape import Name, option

#: The ways out that come with the engine; `engine.runtime.connectors` has one for each.
Way = Literal["email", "log"]


@dataclass(frozen=True, kw_only=True)
class MessageTemplate(Definition):
    """A text with places to fill, in each language: Jinja2, sandboxed."""

    kind: ClassVar[str] = "message"

    message: Name
    label: Label | None = None
    for_: Name | None = option(None, key="for")
    by: tuple[Way, ...] = option(("log",), one_or_many=True, help="The ways out: each gets the message")
    subject: Label | None = None
    text: Label

    def link(self, linker: DefinitionLinker) -> None:
        if self.for_ is not None and linker.reference("model", self.for_, self, "for") is None:
            return
        for key, label in (("subject", self.subject), ("text", self.text)):
            if isinstance(label, str):
                check_template(linker, self, self.for_, (key,), label)
            elif label is not None:
                for language, text in label.items():
                    check_template(linker, self, self.for_, (key, language), text)
