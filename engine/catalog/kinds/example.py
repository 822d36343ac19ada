"""``test``: an example that must come out, read only by ``orderloom test``; and the acts that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from engine.catalog.kind import Definition
from engine.source.shape import Duration, Located, Name, option

WHO = "A user's login, or a role: then a user who has just that role"
ADDRESS = "The IP address that it comes from"
DEVICE = "What the device that it comes from calls itself"
OTHER = "The login of who gets it"
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
class Handling(Located):
    """Somebody does something about a task: theirs, else one that is open, else the last one."""

    #: The key that names the record.
    word: ClassVar[str]

    step: Name | None = option(None, help="The step, where somebody is asked at several")
    as_: str | None = option(None, key="as", help=WHO)

    @property
    def about(self) -> str:
        """What the act calls the record that the task is about."""
        return str(getattr(self, self.word))


@dataclass(frozen=True, kw_only=True)
class Agreeing(Handling):
    """Somebody who is asked agrees."""

    word: ClassVar[str] = "approve"

    approve: str = option(help=RECORD)
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Rejecting(Handling):
    """Somebody who is asked says no, and why."""

    word: ClassVar[str] = "reject"

    reject: str = option(help=RECORD)
    comment: str = "not so"


@dataclass(frozen=True, kw_only=True)
class Transferring(Handling):
    """Somebody who is asked gives their part to somebody else."""

    word: ClassVar[str] = "transfer"

    transfer: str = option(help=RECORD)
    to: str = option(help=OTHER)
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Delegating(Handling):
    """Somebody who is asked has somebody else answer in their name."""

    word: ClassVar[str] = "delegate"

    delegate: str = option(help=RECORD)
    to: str = option(help=OTHER)
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class AddingSigner(Handling):
    """Somebody who is asked has somebody else sign as well."""

    word: ClassVar[str] = "add_signer"

    add_signer: str = option(help=RECORD)
    to: str = option(help=OTHER)
    where: Literal["before", "beside", "after"] = "beside"
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class SendingBack(Handling):
    """Somebody who is asked sends it back, to an earlier step or to whoever asked."""

    word: ClassVar[str] = "return_"

    return_: str = option(key="return", help=RECORD)
    to: Name | None = option(None, help="The earlier step; whoever asked when absent")
    resume: bool = option(True, help="Whether it goes on from here again; `false`: all over")
    comment: str = "not so"


@dataclass(frozen=True, kw_only=True)
class Withdrawing(Handling):
    """Somebody takes back that they have agreed."""

    word: ClassVar[str] = "withdraw"

    withdraw: str = option(help=RECORD)
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Commenting(Handling):
    """Somebody has something to say about it."""

    word: ClassVar[str] = "comment"

    comment: str = option(help=RECORD)
    text: str = "seen"


@dataclass(frozen=True, kw_only=True)
class Urging(Handling):
    """Whoever asked asks for haste."""

    word: ClassVar[str] = "urge"

    urge: str = option(help=RECORD)


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


Act = (
    Creating
    | Updating
    | Firing
    | Agreeing
    | Rejecting
    | Transferring
    | Delegating
    | AddingSigner
    | SendingBack
    | Withdrawing
    | Commenting
    | Urging
    | Deleting
    | Releasing
    | Reading
    | Arriving
    | Waiting
)


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
