"""``test``: an example that must come out, read only by ``orderloom test``; and the acts that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.catalog.kind import Definition
from engine.source.shape import Duration, Located, Name, option

WHO = "A user's login, or a role: then a user who has just that role"
ADDRESS = "The IP address that it comes from"
DEVICE = "What the device that it comes from calls itself"
RECORD = "A name given by `into`, or a model and a key: parcel/P1"


@dataclass(frozen=True, kw_only=True)
class Creating(Located):
    """Somebody creates a record."""

    create: Name
    values: Mapping[str, Any] = option(default_factory=dict)
    as_: str | None = option(None, key="as", help=WHO)
    from_: str | None = option(None, key="from", help=ADDRESS)
    device: str | None = option(None, help=DEVICE)
    into: Name | None = option(None, help="What the acts that follow call the record")


@dataclass(frozen=True, kw_only=True)
class Updating(Located):
    """Somebody changes a record."""

    update: str = option(help=RECORD)
    values: Mapping[str, Any]
    as_: str | None = option(None, key="as", help=WHO)
    from_: str | None = option(None, key="from", help=ADDRESS)
    device: str | None = option(None, help=DEVICE)


@dataclass(frozen=True, kw_only=True)
class Firing(Located):
    """Somebody fires an event on a record."""

    fire: Name
    record: str = option(help=RECORD)
    input: Mapping[str, Any] = option(default_factory=dict)
    as_: str | None = option(None, key="as", help=WHO)
    from_: str | None = option(None, key="from", help=ADDRESS)
    device: str | None = option(None, help=DEVICE)


@dataclass(frozen=True, kw_only=True)
class Agreeing(Located):
    """Somebody who is asked agrees."""

    approve: str = option(help=RECORD)
    comment: str = ""
    step: Name | None = option(None, help="The step, where somebody is asked at several")
    as_: str | None = option(None, key="as", help=WHO)


@dataclass(frozen=True, kw_only=True)
class Rejecting(Located):
    """Somebody who is asked says no, and why."""

    reject: str = option(help=RECORD)
    comment: str = "not so"
    step: Name | None = option(None, help="The step, where somebody is asked at several")
    as_: str | None = option(None, key="as", help=WHO)


@dataclass(frozen=True, kw_only=True)
class Deleting(Located):
    """Somebody moves a record to the trash."""

    delete: str = option(help=RECORD)
    as_: str | None = option(None, key="as", help=WHO)


@dataclass(frozen=True, kw_only=True)
class Releasing(Located):
    """Somebody releases a hold on a record."""

    release: Name
    record: str = option(help=RECORD)
    why: str = "looked at"
    as_: str | None = option(None, key="as", help=WHO)


@dataclass(frozen=True, kw_only=True)
class Reading(Located):
    """Somebody opens a record. Worth saying where it is refused."""

    read: str = option(help=RECORD)
    as_: str | None = option(None, key="as", help=WHO)


@dataclass(frozen=True, kw_only=True)
class Arriving(Located):
    """Something arrives through a channel."""

    __exactly_one__ = (("file", "text", "body"),)

    intake: Name
    file: str | None = option(None, help="A file, its path relative to this document")
    text: str | None = option(None, help="What arrives, as text")
    body: Any = option(None, help="What arrives, as data; sent as JSON")
    into: Name | None = option(None, help="What the acts that follow call the first record that it makes")


@dataclass(frozen=True, kw_only=True)
class Waiting(Located):
    """Time passes; what falls due is done."""

    wait: Duration


Act = Creating | Updating | Firing | Agreeing | Rejecting | Deleting | Releasing | Reading | Arriving | Waiting


@dataclass(frozen=True, kw_only=True)
class Refusal(Located):
    """An act that must be refused; a refused act changes nothing."""

    refused: Act
    code: str | None = option(None, help="The code that the refusal, or one of its complaints, must carry")
    at: str | None = option(None, help="The place that one of its complaints must point at")


@dataclass(frozen=True, kw_only=True)
class Count(Located):
    """How many records of a model there must be."""

    count: Name
    where: str | None = None
    is_: int = option(key="is")


@dataclass(frozen=True, kw_only=True)
class Test(Definition):
    """An example that must come out: read only by `orderloom test`."""

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "test"

    test: str
    for_: Name | None = option(None, key="for")
    after: str | None = option(
        None, help="The test that it goes on from: that one's clock, records and acts come first"
    )
    clock: str | None = option(None, help="The moment at which it starts, with its zone")
    settings: Mapping[str, Any] = option(default_factory=dict, help="Settings and secrets by name")
    given: tuple[Mapping[str, Any], ...] = option((), help="Records, each {model: {field: value}}; links by key")
    do: tuple[Act, ...] = ()
    expect: tuple[Mapping[str, Any], ...] = option(
        (),
        help="`{of: RECORD, EXPRESSION: VALUE}`, `{count: MODEL, where: …, is: N}`, `{refused: ACT, code: …}`",
    )
