"""What a judge is: a document that decides, asked about a record as it was. To add one: a class in a file here, and its
line in ``everyone.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from engine.catalog.catalog import Catalog
from engine.ports import Record
from engine.store.store import Store
from engine.store.transaction import Transaction

Paths = frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a judge is asked about: a record as it was. ``moment`` is the one that counts; the act that the question
    comes from happened at ``happened``, which is another where what was imported has happened earlier."""

    record: Record
    names: Mapping[str, Any]
    moment: datetime
    happened: datetime


class Judge(Protocol):
    """A document of one catalogue that decides. It calls the function that decides in an act."""

    #: The documents' first key.
    kind: ClassVar[str]
    #: What comes out where no such document is in force.
    without: ClassVar[str]
    #: The model it decides about; None for one that stands alone.
    model: str | None
    #: The events at which it decides by itself; others are asked by steps, and the history tells when.
    events: frozenset[str]
    #: What it reads of a record, and of what that leads to: the caller brings it as of the moment.
    reads: Paths

    def __init__(self, catalog: Catalog, store: Store, name: str) -> None:
        """Raises KeyError when the catalogue has no such document of the kind."""

    def judge(self, tx: Transaction, asked: Asked) -> str:
        """What is decided, in words. Nothing happens, and nothing is raised that an act would tell its actor: a refusal
        is a decision."""
        ...
