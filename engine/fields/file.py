"""Uploaded files: links to the system model ``file``, which knows their name, media type, size and content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from engine.expressions.types import Scope
from engine.fields.field import Field, Linker
from engine.fields.link import LinkField
from engine.source.shape import option

_MEDIA_TYPE = re.compile(r"[a-z]+/(\*|[a-z0-9][a-z0-9.+-]*)")
#: 100 MB: what a request may bring at all.
MOST_BYTES = 100_000_000


@dataclass(frozen=True, kw_only=True)
class FileField(LinkField):
    """An uploaded file."""

    type_name: ClassVar[str] = "file"
    widget: ClassVar[str] = "file"

    to: str = option("file", help="Always the files")
    accept: tuple[str, ...] = option((), one_or_many=True, help="Media types, such as image/* or application/pdf")
    max_size: int = option(20_000_000, help="The most bytes")

    def link(self, linker: Linker, scope: Scope) -> None:
        super().link(linker, scope)
        if self.to != "file":
            linker.report("E107", "a file field leads to files", self, "to")
        for media_type in self.accept:
            if not _MEDIA_TYPE.fullmatch(media_type):
                linker.report("E107", f"no media type: {media_type!r}", self, "accept", "such as image/*")
        if not 1 <= self.max_size <= MOST_BYTES:
            linker.report("E107", f"`max_size` lies between 1 and {MOST_BYTES} bytes", self, "max_size")

    def accepts(self, media_type: str) -> bool:
        """Whether a file of that media type may be uploaded here."""
        kind = media_type.partition("/")[0]
        return not self.accept or media_type in self.accept or f"{kind}/*" in self.accept


FIELD_TYPES: tuple[type[Field], ...] = (FileField,)
