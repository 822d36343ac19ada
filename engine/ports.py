"""The contracts between the floors, on one page: clock, jobs, connectors, effects, reasons.

Whoever implements one of these passes the contract suite of the same name in ``tests/contracts/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from engine.errors import Label, Span

Record = dict[str, Any]
Values = Mapping[str, Any]


class Clock(Protocol):
    """Where the time comes from: the machine's, one that a test sets, or the moment of a past record in a back-test."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something came out as it did: the rule (``submit.require``), its outcome, where it stands, what it read."""

    rule: str
    outcome: str
    message: Label | None = None
    span: Span | None = None
    read: Values = field(default_factory=dict)
    parts: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A yes or no with its reasons; ``if verdict:`` reads the answer."""

    allowed: bool
    reasons: tuple[Reason, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed


# Jobs ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """A unit of work outside the request. ``id`` is its idempotency key: the same id twice is one job."""

    id: str
    queue: str
    payload: Values
    due_at: datetime | None = None
    attempt: int = 1


class Jobs(Protocol):
    """Runs due jobs at least once, in other processes if there are any. Jobs are *written* in the transaction that
    causes them (``engine.store.jobs``); this port takes over the rows that are due."""

    def hand_over(self, jobs: Sequence[Job]) -> None:
        """Takes the jobs for good: when this returns they survive a crash. A known id is ignored."""
        ...

    def start(self, handlers: Mapping[str, Callable[[Job], Outcome]]) -> None:
        """Begins to work off the queues, a handler for each."""
        ...

    def stop(self) -> None:
        """Finishes what is running and takes no more."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery: ``sent``, ``retry`` (later again, at ``retry_at`` or by the queue's ladder) or ``failed``."""

    result: Literal["sent", "retry", "failed"]
    detail: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to deliver to the outside, with the key that makes a second delivery harmless."""

    key: str
    name: str
    to: str
    subject: str
    body: str
    data: Values = field(default_factory=dict)


class Connector(Protocol):
    """A way to the outside world. Raises ``Retryable`` or ``Permanent`` where it cannot send."""

    def send(self, message: Message) -> Outcome:
        """Delivers the message once per key, as well as the other side allows."""
        ...


# Effects: what a list of steps asks of the world. The steps are generators that yield these; whoever drives them
# performs each one (the runtime in a transaction, a test from memory) and sends the answer back. ---------------------


@dataclass(frozen=True, slots=True)
class Find:
    """Answer: the records of ``model`` that hold ``where``, as dicts; with ``group`` one dict of keys and measures each.

    ``where``, ``group`` and ``measure`` are compiled expressions over the model; ``record``/``scope`` are what their
    scope names mean."""

    model: str
    where: Any = None
    scope: Values = field(default_factory=dict)
    sort: tuple[str, ...] = ()
    limit: int | None = None
    group: Mapping[str, Any] = field(default_factory=dict)
    measure: Mapping[str, Any] = field(default_factory=dict)
    reads: frozenset[tuple[str, ...]] = frozenset()


@dataclass(frozen=True, slots=True)
class Create:
    """Answer: the new record; with ``once`` the existing one whose fields equal those values, if there is one."""

    model: str
    values: Values
    once: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Answer: the changed record. Sets fields of one record, and of rows of it, as its editor would: computed fields and
    checks follow, once."""

    model: str
    record: Record
    values: Values
    rows: Sequence[tuple[Record, Values]] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Answer: how many rows changed. One UPDATE: rows that hold ``where`` and ``require`` get ``values`` (expressions).

    ``require`` is tested by the statement itself, so no two transactions can both pass it."""

    model: str
    where: Any
    require: Any
    values: Mapping[str, Any]
    scope: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delete:
    """Answer: how many records went to the trash."""

    model: str
    where: Any
    scope: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlaceHold:
    """Answer: the hold. A second open one of the same name on the record changes the first."""

    model: str
    record: Record
    name: str
    blocks: tuple[str, ...]
    assign: Values
    message: Label | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Answer: how many holds of that name were released."""

    model: str
    record: Record
    name: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Fire:
    """Answer: the record after the event."""

    model: str
    record: Record
    event: str
    input: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """Answer: None. Puts the record into a state of its workflow."""

    model: str
    record: Record
    state: str
    why: Reason


@dataclass(frozen=True, slots=True)
class Run:
    """Answer: what the action's steps leave in ``result`` (None if nothing), or a Verdict for a ``checks`` document."""

    name: str
    model: str | None
    record: Record | None
    input: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notify:
    """Answer: the job's id. Queues a message; it leaves after commit. ``to`` names a link or an address field of the
    record, or a role; None leaves it to the message's way out (a log needs nobody)."""

    message: str
    to: str | None
    model: str | None
    record: Record | None
    data: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """Answer: records of the model by the values of the fields ``by``, for those of ``keys`` that exist. Links by id."""

    model: str
    by: tuple[str, ...]
    keys: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """Answer: records by what the channel calls them, else by their key or id, for those of ``texts`` that mean one."""

    model: str
    channel: str | None
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expand:
    """Answer: None. Reads what the paths lead to into the records, so that expressions can follow them. ``place`` is a model,
    or rows of one (``parcel.lines``)."""

    place: str
    records: Sequence[Record]
    reads: frozenset[tuple[str, ...]]


Effect = Match | Alias | Expand | Find | Create | Change | Update | Delete | PlaceHold | ReleaseHold | Fire | Move | Run | Notify
