"""Performs the acts of tests and seeds: each in a transaction of its own, as the user who is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import orjson

from engine.catalog.kinds.example import (
    Act,
    AddingSigner,
    Agreeing,
    Arriving,
    Commenting,
    Creating,
    Delegating,
    Deleting,
    Firing,
    Handling,
    Reading,
    Rejecting,
    Releasing,
    SendingBack,
    Transferring,
    Updating,
    Urging,
    Waiting,
    Withdrawing,
)
from engine.errors import EngineError, InvalidValues, RequestError
from engine.policy.access import Actor
from engine.policy.deadlines import end_of
from engine.ports import Record
from engine.registry import did_you_mean
from engine.runtime.actors import actor_of
from engine.runtime.clock import SetClock
from engine.runtime.effects import MOST_FOUND
from engine.runtime.intake import Intake
from engine.runtime.reading import Reading as Reader
from engine.runtime.service import SYSTEM, Service
from engine.runtime.tasks import Tasks
from engine.store.database import Database
from engine.store.transaction import Transaction

T = TypeVar("T")

#: The system model whose records name others by model and id.
ALIAS = "alias"


class Unplayable(EngineError):
    """An act that makes no sense: it names a record, a user or a hold that is not there. Its author is mistaken."""


class Player:
    """A stage on which acts are performed: a service on a database, and a clock that is set by hand.

    ``root`` is the folder that documents' files are relative to. ``named`` are the records that acts have given names.
    With ``within`` everything happens in that one transaction, else each act has its own.
    """

    def __init__(
        self, service: Service, database: Database, clock: SetClock, root: Path, *, within: Transaction | None = None
    ) -> None:
        self.service = service
        self.catalog = service.catalog
        self.clock = clock
        self._root = root
        self._database = database
        self._within = within
        self.named: dict[str, tuple[str, str]] = {}
        self._perform: dict[type[Any], Callable[[Any], None]] = {
            Arriving: self._arrive,
            Creating: self._create,
            Deleting: self._delete,
            Firing: self._fire,
            Reading: self._read,
            Releasing: self._release,
            Updating: self._update,
            Waiting: self._wait,
        }

    def write(self, work: Callable[[Transaction], T]) -> T:
        """What the work returns, committed unless there is a transaction around everything."""
        return work(self._within) if self._within is not None else self._database.write(work).result()

    def read(self, work: Callable[[Transaction], T]) -> T:
        """What the work returns; it changes nothing."""
        return work(self._within) if self._within is not None else self._database.read(work)

    def put(self, model: str, values: Mapping[str, Any]) -> Record:
        """A record that is simply there: created by the engine itself. An alias names its record by the key, too."""
        if model == ALIAS and isinstance(target := values.get("target"), str):
            values = {**values, "target": self.find(f"{values.get('model')}/{target}")[1]}
        return self.write(lambda tx: self.service.create(tx, SYSTEM, model, values))

    def perform(self, act: Act) -> None:
        """Does what the act says. Raises RequestError where it is refused, and Unplayable where it makes no sense."""
        if isinstance(act, Handling):
            self._handle(act)
        else:
            self._perform[type(act)](act)

    # Acts -----------------------------------------------------------------------------------------------------------

    def _create(self, act: Creating) -> None:
        actor = self._sender(act)
        made = self.write(lambda tx: self.service.create(tx, actor, act.create, act.values))
        if act.into is not None:
            self.named[act.into] = (act.create, made["id"])

    def _update(self, act: Updating) -> None:
        actor, (model, key) = self._sender(act), self.find(act.update)
        self.write(lambda tx: self.service.update(tx, actor, model, key, act.values))

    def _fire(self, act: Firing) -> None:
        actor, (model, key) = self._sender(act), self.find(act.record)
        self.write(lambda tx: self.service.fire(tx, actor, model, key, act.fire, act.input))

    def _handle(self, act: Handling) -> None:
        """What somebody does about the task of a record that the act means."""
        actor, name = self.actor(act.as_), act.about
        model, key = self.find(name)
        mine = {"decision": "approve"} if isinstance(act, Withdrawing) else {"waiting": True}
        task = self._task(model, key, act.step, {"person": {"id": actor.id}, **mine})
        if task is None:
            raise Unplayable(f"nobody was ever asked about {name}" + (f" at {act.step}" if act.step else ""))
        tasks = Tasks(self.service)
        self.write(lambda tx: handle(tasks, tx, actor, task["id"], act))

    def _task(self, model: str, key: str, step: str | None, mine: Mapping[str, Any]) -> Record | None:
        """The task about a record in which somebody has a vote that is ``mine``, else one that is open, else the last
        one."""
        equal = self.service.store.query.equal
        about = {"model": model, "record": key} | ({"step": step} if step else {})
        found = self.read(lambda tx: equal(tx, "task", about, limit=MOST_FOUND))
        own = self.read(lambda tx: {vote["task"]["id"] for vote in equal(tx, "vote", mine, limit=MOST_FOUND)})
        return max(found, key=lambda task: (task["id"] in own, task["closed_at"] is None, task["id"]), default=None)

    def _delete(self, act: Deleting) -> None:
        actor, (model, key) = self.actor(act.as_), self.find(act.delete)
        self.write(lambda tx: self.service.delete(tx, actor, model, key))

    def _read(self, act: Reading) -> None:
        actor, (model, key) = self.actor(act.as_), self.find(act.read)
        self.read(lambda tx: Reader(self.service).get(tx, actor, model, key))

    def _release(self, act: Releasing) -> None:
        actor, (model, key) = self.actor(act.as_), self.find(act.record)
        [held] = self.read(lambda tx: self.service.store.records.load(tx, model, [key]))
        hold = next((hold for hold in held["holds"] if hold["name"] == act.release), None)
        if hold is None:
            open_ones = [found["name"] for found in held["holds"]]
            raise Unplayable(
                f"{act.record} has no open hold {act.release!r}; {did_you_mean(act.release, open_ones) or ''}"
            )
        self.write(lambda tx: self.service.release(tx, actor, hold["id"], act.why))

    def _wait(self, act: Waiting) -> None:
        """The clock goes from one timer to the next, so that each goes off at its moment."""
        now, timers = self.clock.now(), self.service.store.timers
        until = end_of(now, act.wait, self.catalog.working_time)
        while (timer := self.read(lambda tx: timers.next(tx, until))) is not None:
            self.clock.step(max(timer["due_at"] - self.clock.now(), timedelta()))
            self.write(partial(self.service.deadlines.go_off, key=timer["id"]))
        self.clock.step(until - self.clock.now())

    def _arrive(self, act: Arriving) -> None:
        """Raises InvalidValues with the problems of everything that was refused."""
        body, name = self._content(act)
        intake = Intake(self.service)
        outcomes = self.write(lambda tx: intake.receive(tx, act.intake, body, media_type=None, filename=name, ip=None))
        refused = [outcome for outcome in outcomes if outcome.result == "refused"]
        if refused:
            complaints = [complaint for outcome in refused for complaint in outcome.problems]
            raise InvalidValues(code=complaints[0].code if complaints else None, complaints=complaints)
        made = next((outcome for outcome in outcomes if outcome.record is not None), None)
        if act.into is not None and made is not None and made.record is not None:
            self.named[act.into] = (intake.channel_model(act.intake), made.record)

    # Names ----------------------------------------------------------------------------------------------------------

    def find(self, text: str) -> tuple[str, str]:
        """The model and the id of a record: by the name that an act gave it, or as ``model/key``."""
        if text in self.named:
            return self.named[text]
        model, slash, key = text.partition("/")
        if not slash or model not in self.catalog.models:
            raise Unplayable(f"nothing is called {text!r} here; {did_you_mean(text, self.named) or 'or say model/key'}")
        found = self.read(lambda tx: self.service.store.records.resolve(tx, model, [key]))
        if key not in found:
            raise Unplayable(f"there is no {model} {key!r}")
        return model, found[key]

    def _sender(self, act: Creating | Updating | Firing) -> Actor:
        """Who acts, from where."""
        return replace(self.actor(act.as_), ip=act.from_, device=act.device)

    def actor(self, who: str | None) -> Actor:
        """The user of that login; for a role a user who has it and nothing else; without a name the engine itself."""
        if who is None:
            return SYSTEM
        found = self.read(lambda tx: self.service.store.records.resolve(tx, "user", [who]))
        if who not in found:
            if who not in self.catalog.access:
                hint = did_you_mean(who, self.catalog.access)
                raise Unplayable(f"{who!r} is neither a user nor a role; {hint or ''}")
            found = {who: self.put("user", {"login": who, "name": who, "roles": [{"role": who}]})["id"]}
        return self.read(lambda tx: actor_of(self.service, tx, found[who]))

    def _content(self, act: Arriving) -> tuple[bytes, str | None]:
        """What arrives, and the name of its file."""
        if act.text is not None:
            return act.text.encode(), None
        if act.file is not None:
            path = self._root / Path(act.document.file).parent / act.file
            try:
                return path.read_bytes(), path.name
            except OSError as error:
                raise Unplayable(f"the file {act.file} cannot be read: {error.strerror}") from error
        return orjson.dumps(act.body, default=str), None


def handle(tasks: Tasks, tx: Transaction, actor: Actor, key: str, act: Handling) -> Record:
    """The task after the act."""
    match act:
        case Agreeing():
            return tasks.decide(tx, actor, key, "approve", act.comment)
        case Rejecting():
            return tasks.decide(tx, actor, key, "reject", act.comment)
        case Transferring():
            return tasks.hand_on(tx, actor, key, "transfer", act.to, act.comment)
        case Delegating():
            return tasks.hand_on(tx, actor, key, "delegate", act.to, act.comment)
        case AddingSigner():
            return tasks.add(tx, actor, key, act.to, act.where, act.comment)
        case SendingBack():
            return tasks.send_back(tx, actor, key, act.comment, act.to, resume=act.resume)
        case Withdrawing():
            return tasks.withdraw(tx, actor, key, act.comment)
        case Commenting():
            return tasks.remark(tx, actor, key, act.text)
        case Urging():
            return tasks.urge(tx, actor, key)
    raise TypeError(f"{act!r} is about no task")


def explain(error: EngineError) -> str:
    """The error in one line, with the places that it complains of."""
    if not isinstance(error, RequestError) or not error.complaints:
        return str(error)
    places = (f"{complaint.at or 'record'}: {complaint.code} {complaint.message}" for complaint in error.complaints)
    return f"{error.code}: {'; '.join(places)}"
