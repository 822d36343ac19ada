"""The contracts between the floors, on one page: clock, jobs, connectors, effects, reasons.

Whoever implements one of these passes the contract suite of the same name in ``tests/contracts/``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Protocol

from engine.errors import Label, Span

Record = dict[str, Any]
Values = Mapping[str, Any]


class Clock(Protocol):
    """Where the time comes from: the machine's, one that a test sets, or the moment of a past record in a back-test."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class Lists(Protocol):
    """The lists that people keep, at one moment."""

    def has(self, name: str, value: str) -> bool:
        """Whether the list has an entry of the value that counts at the moment."""
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
    """A unit of work outside the request. Each of its attempts has a ``key``: the same key twice is one run."""

    id: str
    queue: str
    payload: Values
    due_at: datetime
    attempt: int = 1

    @property
    def key(self) -> str:
        """What makes a second run of the same attempt harmless."""
        return f"{self.id}#{self.attempt}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: ``done``, ``retry`` (later again, at ``retry_at`` or by the ladder) or ``failed`` for good.

    ``data`` is what the run found out, as plain JSON: it may be recorded by another process than the one that ran."""

    result: Literal["done", "retry", "failed"]
    detail: str = ""
    retry_at: datetime | None = None
    data: Values = field(default_factory=dict)


class Worker(Protocol):
    """What is to be done about jobs."""

    @property
    def queues(self) -> Collection[str]:
        """The queues that it knows how to work off."""
        ...

    def recall(self, id: str, attempt: int) -> Job | None:
        """The job as it was written; None when this attempt at it has been settled."""
        ...

    def perform(self, job: Job) -> Outcome:
        """What came of running the job. Happens at least once, outside of transactions; raises nothing."""
        ...

    def settle(self, job: Job, outcome: Outcome) -> None:
        """Records the outcome of an attempt. However often it is asked, it happens once."""
        ...


class Jobs(Protocol):
    """Runs jobs, in other processes if there are any. Jobs are *written* in the transaction that causes them
    (``engine.store.jobs``); this port takes over the rows that are due.

    Every attempt that was handed over is performed at least once, and then settled."""

    def start(self, worker: Worker) -> None:
        """Begins to work off the worker's queues, and what a process that died has left of them."""
        ...

    def hand_over(self, jobs: Sequence[Job]) -> None:
        """Takes the jobs for good: when this returns they survive a crash. A known key is ignored."""
        ...

    def lost(self, jobs: Sequence[Job]) -> list[Job]:
        """Those of the jobs that it knows nothing of, or has given up without settling them."""
        ...

    def stop(self) -> None:
        """Finishes what is running, as far as that takes seconds, and takes no more."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to deliver to the outside, with the key that makes a second delivery harmless.

    ``to`` is an address as the way out understands it; None where nobody in particular is meant, or none is known."""

    key: str
    name: str
    to: str | None
    subject: str
    body: str
    data: Values = field(default_factory=dict)


class Connector(Protocol):
    """A way to the outside world."""

    def send(self, message: Message) -> Outcome:
        """What became of the message: delivered once per key, as well as the other side allows. A connector that raises
        will be asked again."""
        ...


# Effects: what a list of steps asks of the world. The steps are generators that yield these; whoever drives them
# performs each one (the runtime in a transaction, a test from memory) and sends the answer back. ---------------------


@dataclass(frozen=True, slots=True)
class Find:
    """Answer: the records of ``model`` that hold ``where``, as dicts; with ``group`` one dict of keys and measures
    each.

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
    """Answer: the changed record. Sets fields of one record, and of rows of it, as its editor would: computed fields
    and checks follow, once."""

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
    """Answer: the hold. A second open one of the same name on the record changes the first. ``cause`` is the id of the
    hold that it follows from: it is released with that. ``timed`` is what of the definitions says when it is due, and
    what happens when it is late (``engine.steps.late.Timed``); ``case_file`` the id of that to which it belongs."""

    model: str
    record: Record
    name: str
    blocks: tuple[str, ...]
    assign: Values
    message: Label | None = None
    reason: Reason | None = None
    cause: str | None = None
    timed: Any = None
    case_file: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Answer: how many holds of that name were released."""

    model: str
    record: Record
    name: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class LetGo:
    """Answer: whether the hold was still open. Releases it, on whatever record it is."""

    hold: Record
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
class Apply:
    """Answer: the record, now as it was proposed: a change like any other, with its rules."""

    model: str
    record: Record


@dataclass(frozen=True, slots=True)
class Drop:
    """Answer: None. Ends what was proposed about the record, which stays as it is."""

    model: str
    record: Record
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Answer: ``approved`` or ``rejected``, where the approval of a state needs nobody; None where it waits for people.
    Asks whoever comes first."""

    model: str
    record: Record
    state: str


@dataclass(frozen=True, slots=True)
class Refresh:
    """Answer: None. What the act has made or changed of others shows in what the record reads of them from now on."""

    model: str
    record: Record


@dataclass(frozen=True, slots=True)
class Run:
    """Answer: what the action's steps leave in ``result`` (None if nothing), or a Verdict for a ``checks`` document."""

    name: str
    model: str | None
    record: Record | None
    input: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decide:
    """Answer: what the decision table gives. ``given`` are the inputs that are given by name. ``as_of`` is the day or
    the moment whose version counts; ``pinned``: that of the definitions with which the record's case began."""

    table: str
    model: str | None
    record: Record | None
    names: Values
    given: Values = field(default_factory=dict)
    as_of: date | datetime | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """Answer: what the record gets, and a list of (row, what it gets): the fields that the pricing sets."""

    pricing: str
    model: str
    record: Record
    names: Values


@dataclass(frozen=True, slots=True)
class Route:
    """Answer: the parts from which the record is supplied, and what could not be had, two lists. What the parts take
    is locked: until the transaction ends nobody else takes it."""

    routing: str
    model: str
    record: Record
    names: Values


@dataclass(frozen=True, slots=True)
class Notify:
    """Answer: the job's id. Queues a message; it leaves after commit. ``to`` names a link or an address field of the
    record, or a role, or says so itself: ``{"role": name}``, ``{"model": …, "id": …}``; None leaves it to the message's
    way out (a log needs nobody)."""

    message: str
    to: str | Values | None
    model: str | None
    record: Record | None
    data: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """Answer: records of the model by the values of the fields ``by``, for those of ``keys`` that
    exist. Links by id."""

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
    """Answer: None. Reads what the paths lead to into the records, so that expressions can follow them. ``place`` is a
    model, or rows of one (``parcel.lines``)."""

    place: str
    records: Sequence[Record]
    reads: frozenset[tuple[str, ...]]


Effect = (
    Match
    | Alias
    | Expand
    | Find
    | Create
    | Change
    | Update
    | Delete
    | PlaceHold
    | ReleaseHold
    | LetGo
    | Fire
    | Move
    | Apply
    | Drop
    | Ask
    | Refresh
    | Run
    | Decide
    | Price
    | Route
    | Notify
)
