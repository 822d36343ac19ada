"""Random workflows, on which random people do random things: whatever happens, no record comes to a state that is none,
no task is lost, and no vote counts twice. What holds is read by plain SQL and counted anew, without the engine."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from fractions import Fraction
from math import ceil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.errors import RequestError
from engine.policy.access import Actor
from engine.runtime.actors import actor_of
from engine.runtime.service import SYSTEM
from engine.runtime.tasks import Tasks
from tests.runtime.random_workflows import PEOPLE, Group, Made, State, workflow
from tests.runtime.running import Running

Row = Mapping[str, Any]

#: So many seeds each time, and in `make soak`; and so many acts on each.
FEW, MANY, ACTS = 6, 250, 60
SEEDS = [*range(FEW), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(FEW, MANY))]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_defined_and_whatever_is_done_everything_stays_sound(seed: int, tmp_path: Path) -> None:
    made = workflow(seed)
    file = tmp_path / "random.db"
    company = Company(made, f"sqlite:///{file}", Random(seed))
    try:
        with eyes(file) as witness:
            for _ in range(ACTS):
                did = company.do_something()
                witness.look(made, did)
    finally:
        company.running.database.close()


class Company:
    """People, things, and what they do with them."""

    def __init__(self, made: Made, url: str, random: Random) -> None:
        self.running = Running(made.text, url)
        self._made = made
        self._random = random
        self._tasks = Tasks(self.running.service)
        self._things: list[str] = []
        self._people: dict[str, Actor] = {}
        for number, login in enumerate(PEOPLE):
            manager = self._random.choice([None, *PEOPLE[:number]])
            roles = [{"role": "odd" if number % 2 else "even"}]
            values = {"login": login, "name": login, "roles": roles, "manager": manager}
            key = self.running.create("user", values)["id"]
            self._people[login] = self.running.read(lambda tx, key=key: actor_of(self.running.service, tx, key))
        for _ in range(2):
            self._new()

    def do_something(self) -> str:
        """What was tried; it may have been refused, as most of what people try at random is."""
        acts = {
            self._new: 2, self._fire: 8, self._answer: 12, self._handle: 20, self._wait: 5, self._size: 2,
            self._trash: 1, self._restore: 2, self._leave: 2, self._active: 1, self._part: 5,
        }  # fmt: skip
        act = self._random.choices(list(acts), list(acts.values()))[0]
        with suppress(RequestError):
            act()
        return act.__name__

    # Acts -----------------------------------------------------------------------------------------------------------

    def _somebody(self) -> Actor:
        return self._random.choice(list(self._people.values()))

    def _new(self) -> None:
        values = {"code": f"T{len(self._things)}", "size": self._random.randint(0, 4)}
        self._things.append(self.running.create("thing", values, self._people["p1"])["id"])
        with suppress(RequestError):
            self.running.fire("thing", self._things[-1], "go", self._people["p1"])

    def _fire(self) -> None:
        event = self._random.choices(self._made.events, [10, 3, 1])[0]
        actor = self._random.choice([SYSTEM, self._somebody()])
        self.running.fire("thing", self._random.choice(self._things), event, actor)

    def _answer(self) -> None:
        """Somebody whose turn it is says yes or no."""
        waiting = self._votes(waiting=True)
        if waiting:
            login, task = self._random.choice(waiting)
            decision = self._random.choices(["approve", "reject"], [4, 1])[0]
            actor = self._people[login]
            self.running.write(lambda tx: self._tasks.decide(tx, actor, task, decision, "so"))

    def _votes(self, **equal: Any) -> list[tuple[str, str]]:
        """Who has a part in which task."""

        def read(tx: Any) -> list[tuple[str, str]]:
            found = self.running.store.query.equal(tx, "vote", equal, limit=10_000)
            return [(vote["person"]["login"], vote["task"]["id"]) for vote in found]

        return list(self.running.read(read))

    def _handle(self) -> None:
        """Somebody does something with some task, whether they may or not."""
        votes = self._votes(waiting=True) if self._random.random() < 0.7 else self._votes()
        if not votes:
            return
        (login, key), write, tasks = self._random.choice(votes[-12:]), self.running.write, self._tasks
        actor = self._people[login] if self._random.random() < 0.8 else self._somebody()
        to, flag = self._random.choice(PEOPLE), self._random.random() < 0.5
        where = self._random.choice(["before", "beside", "after"])
        steps = [name for state in self._made.states.values() for name in state.approval]
        step = self._random.choice(steps) if steps and flag else None
        verbs: dict[str, Callable[[Any], object]] = {
            "decide": lambda tx: tasks.decide(tx, actor, key, "approve"),
            "transfer": lambda tx: tasks.hand_on(tx, actor, key, "transfer", to),
            "delegate": lambda tx: tasks.hand_on(tx, actor, key, "delegate", to),
            "add": lambda tx: tasks.add(tx, actor, key, to, where),
            "return": lambda tx: tasks.send_back(tx, actor, key, "so", step, resume=self._random.random() < 0.5),
            "withdraw": lambda tx: tasks.withdraw(tx, actor, key),
            "urge": lambda tx: tasks.urge(tx, actor, key),
            "comment": lambda tx: tasks.remark(tx, actor, key, "well"),
        }
        write(verbs[self._random.choice(list(verbs))])

    def _wait(self) -> None:
        """Time passes, and each timer goes off at its moment."""
        running = self.running
        until = running.clock.now() + timedelta(hours=self._random.randint(1, 15))
        while (timer := running.read(lambda tx: running.store.timers.next(tx, until))) is not None:
            running.clock.step(max(timer["due_at"] - running.clock.now(), timedelta()))
            try:
                running.write(lambda tx, key=timer["id"]: running.service.deadlines.go_off(tx, key))
            except RequestError:  # such as nobody to ask: tried again later, as its job is
                running.write(lambda tx, timer=timer: running.store.timers.move(tx, _later(timer)))
        running.clock.step(until - running.clock.now())

    def _size(self) -> None:
        self.running.update("thing", self._random.choice(self._things), {"size": self._random.randint(0, 4)})

    def _trash(self) -> None:
        key = self._random.choice(self._things)
        self.running.write(lambda tx: self.running.service.delete(tx, SYSTEM, "thing", key))

    def _restore(self) -> None:
        key = self._random.choice(self._things)
        self.running.write(lambda tx: self.running.service.restore(tx, SYSTEM, "thing", key))

    def _leave(self) -> None:
        today = self.running.clock.now().date()
        begins = today + timedelta(days=self._random.randint(-1, 1))
        until = begins + timedelta(days=self._random.randint(1, 3))
        person, cover = self._random.sample(PEOPLE, 2)
        days = {"begins": begins.isoformat(), "until": until.isoformat()}
        self.running.create("leave", {"person": person, "cover": cover, **days})

    def _active(self) -> None:
        """Somebody leaves, or is back."""
        who = self._random.choice(PEOPLE)
        key = self._people[who].id or ""
        self.running.update("user", key, {"active": self._random.random() < 0.7})

    def _part(self) -> None:
        parts = self.running.all("part", equal={"status": "open"})
        if parts:
            self.running.fire("part", self._random.choice(parts)["id"], "finish")


def _later(timer: Row) -> dict[str, Any]:
    return {**timer, "due_at": timer["due_at"] + timedelta(hours=30)}


# Witnesses ----------------------------------------------------------------------------------------------------------


@contextmanager
def eyes(file: Path) -> Iterator[Witness]:
    """A connection of its own to the database."""
    connection = sqlite3.connect(file)
    connection.row_factory = sqlite3.Row
    try:
        yield Witness(connection)
    finally:
        connection.close()


class Witness:
    """Reads the tables, and says what is not as it has to be."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def look(self, made: Made, did: str) -> None:
        """Fails where something does not hold after the act of that name."""
        things = {row["id"]: row for row in self._rows("thing")}
        cases = {row["record"]: row for row in self._rows("case") if row["model"] == "thing"}
        tasks, votes = self._rows("task"), self._rows("vote")
        timers = [row for row in self._rows("timer") if row["done_at"] is None and row["deleted_at"] is None]
        self._count_once(votes, did)
        for key, thing in things.items():
            state = made.states.get(thing["status"])
            assert state is not None, f"{did}: no state is called {thing['status']}"
            case = cases[key]
            assert case["state"] == thing["status"], did
            assert (case["ended_at"] is not None) is state.final, did
            own = [task for task in tasks if task["case"] == case["id"]]
            here = [timer for timer in timers if timer["record"] == key]
            asked = {task["id"] for task in own if task["closed_at"] is None}
            if state.final or thing["deleted_at"] is not None:
                assert not asked, f"{did}: what has ended still asks somebody"
                assert not here, f"{did}: what has ended still waits for a moment"
            else:
                _asks_whom_it_has_to(state, own, did)
            for timer in here:
                if timer["kind"] == "task":
                    assert timer["subject"] in asked, f"{did}: a ladder over nothing"
                else:
                    assert timer["step"].startswith(f"{thing['status']}."), f"{did}: a timer of another state"
            for task in own:
                _agrees_with_its_votes(made, task, [vote for vote in votes if vote["task"] == task["id"]], did)
        for part in self._rows("part"):
            thing = things[part["thing"]]
            if part["status"] == "open" and thing["deleted_at"] is None:
                assert made.states[thing["status"]].parts, f"{did}: what was begun was not called off"

    def _count_once(self, votes: list[Row], did: str) -> None:
        counted = [(vote["task"], vote["person"], vote["round"]) for vote in votes]
        assert len(counted) == len(set(counted)), f"{did}: a vote counts twice"

    def _rows(self, table: str) -> list[Row]:
        return [dict(row) for row in self._connection.execute(f'SELECT * FROM "{table}"')]


def _asks_whom_it_has_to(state: State, tasks: list[Row], did: str) -> None:
    """The open tasks are exactly those of the groups whose turn it is."""
    opened = sorted(task["step"] for task in tasks if task["closed_at"] is None)
    if not state.approval:
        assert not opened, f"{did}: nobody is asked in this state, and {opened} are open"
        return
    last = max((task["round"] for task in tasks), default=0)
    outcomes = {
        task["step"]: task["outcome"] for task in tasks if task["round"] == last and task["outcome"] != "cancelled"
    }
    found: dict[str, str | None] = {}
    for name, step in state.approval.items():
        said = [outcomes.get(group) for group in step.groups]
        yes = sum(one in ("approved", "skipped") for one in said)
        no = sum(one == "rejected" for one in said)
        if yes >= step.needed:
            found[name] = "approved"
        elif len(said) - no < step.needed and (not step.waits or None not in said):
            found[name] = "rejected"
        else:
            found[name] = None
    assert set(found.values()) != {"approved"}, f"{did}: all have agreed, and it has not gone on"
    assert "rejected" not in found.values(), f"{did}: somebody has said no, and it has not gone on"
    wanted = sorted(
        group
        for name, step in state.approval.items()
        if found[name] is None and _begun(state, found, step.after)
        for group in step.groups
        if outcomes.get(group) is None
    )
    assert opened == wanted, f"{did}: {opened} are asked, and it should be {wanted}"


def _begun(state: State, found: Mapping[str, str | None], before: str | None) -> bool:
    while before is not None:
        if found[before] != "approved":
            return False
        before = state.approval[before].after
    return True


def _agrees_with_its_votes(made: Made, task: Row, votes: list[Row], did: str) -> None:
    """The outcome of a task is the one that anybody would count, and what is open waits for somebody."""
    waiting = [vote for vote in votes if vote["waiting"]]
    if task["closed_at"] is not None:
        assert not waiting, f"{did}: {task['step']} is over, and waits"
    else:
        assert waiting, f"{did}: {task['step']} is open, and waits for nobody"
    if task["outcome"] in ("cancelled", "returned", "skipped") or _decided_late(task):
        return
    [group] = [
        step.groups[task["step"]]
        for state in made.states.values()
        for step in state.approval.values()
        if task["step"] in step.groups
    ]
    assert _counted(group, votes) == task["outcome"], f"{did}: {task['step']} {[v['decision'] for v in votes]}"


def _decided_late(task: Row) -> bool:
    """Whether the engine has decided it, since nobody did."""
    return task["closed_by"] is None and task["why"] is not None and json.loads(task["why"])["rule"].endswith(".late")


def _counted(group: Group, votes: list[Row]) -> str | None:
    """What the votes come to, counted by hand."""

    def said(*parts: str) -> list[str | None]:
        return [
            None if vote["decision"] == "moot" else vote["decision"]
            for vote in votes
            if vote["part"] in parts and vote["decision"] not in ("transferred", "delegated")
        ]

    def every(answers: list[str | None]) -> str | None:
        if "reject" in answers:
            return "rejected"
        return None if None in answers else "approved"

    def own() -> str | None:
        answers = said("sign")
        yes, no, open_ = (answers.count(one) for one in ("approve", "reject", None))
        if group.mode == "any":
            return "approved" if yes else "rejected" if no else None
        if group.mode in ("all", "in_turn"):
            return every(answers)
        if any(vote["veto"] and vote["decision"] == "reject" for vote in votes if vote["part"] == "sign"):
            return "rejected"
        needed = ceil(Fraction(*group.share) * len(answers))
        if yes >= needed:
            return None if any(vote["veto"] and vote["decision"] in (None, "moot") for vote in votes) else "approved"
        return "rejected" if yes + open_ < needed else None

    assert said("sign"), "nobody signs, and nobody is asked to"
    first = every(said("before"))
    if first != "approved":
        return first
    both = (own(), every(said("beside")))
    if "rejected" in both:
        return "rejected"
    return None if None in both else every(said("after"))
