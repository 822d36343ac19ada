"""Random workflows: definitions with states, branches, approvals of every kind, timers, ladders and workflows within
workflows, from a seed; and what they say, in plain values, for those who check without asking the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

MODES = ("any", "all", "in_turn", "vote")
FREEDOMS = ("transfer", "delegate", "add_signer", "return", "withdraw")
PEOPLE = tuple(f"p{number}" for number in range(6))

COMMON = """
app: random
timezone: Asia/Shanghai
---
access: odd
can: {thing: {read: all, create: all, update: all, delete: all, events: all}, part: {read: all, events: all}}
---
access: even
can: {thing: {read: all, events: all}}
---
model: thing
key: code
title: code
workflow: random
fields:
  code: {type: text, max: 20, unique: true}
  size: {type: integer, default: 0}
  touched: {type: integer, default: 0}
---
model: part
fields: {thing: {type: link, to: thing, back: parts, required: true}}
workflow: parting
---
workflow: parting
for: part
start: open
states:
  open: {events: {finish: {to: done}, call_off: {by: system, to: called_off}}}
  done: {}
  called_off: {}
---
workflow: random
for: thing
start: s0
states:
"""


@dataclass(slots=True)
class Group:
    """People who are asked together."""

    mode: str
    share: tuple[int, int]


@dataclass(slots=True)
class Step:
    """A step of an approval: its groups by name, and how many of them have to agree."""

    after: str | None
    groups: dict[str, Group]
    needed: int
    waits: bool


@dataclass(slots=True)
class State:
    """A state: its approval by step, whether it begins parts, and whether nothing leads out of it."""

    approval: dict[str, Step] = field(default_factory=dict)
    parts: bool = False
    final: bool = False


@dataclass(slots=True)
class Made:
    """The definitions of one seed."""

    text: str
    states: dict[str, State]
    events: list[str]


def workflow(seed: int) -> Made:
    """The definitions of a seed: four to seven states, each of which leads at least to the one after it, and two
    ends."""
    return _Maker(Random(seed)).made()


class _Maker:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._names = [f"s{at}" for at in range(random.randint(4, 7))]
        self._states: dict[str, State] = {}

    def made(self) -> Made:
        lines = []
        for at, name in enumerate(self._names):
            kinds = ["events", "approval", "approval", "branch", "parts"] if at else ["events"]
            lines.append(f"  {name}: {getattr(self, '_' + self._random.choice(kinds))(at)}")
        for end in ("good", "bad"):
            lines.append(f"  {end}: {{}}")
            self._states[end] = State(final=True)
        # From everywhere to the end, so that nothing is out of reach.
        stop = f"events: {{stop: {{from: [{', '.join(self._names)}], to: bad}}}}"
        return Made(COMMON + "\n".join(lines) + "\n" + stop + "\n", self._states, ["go", "back", "stop"])

    def _next(self, at: int) -> str:
        return self._names[at + 1] if at + 1 < len(self._names) else "good"

    def _some(self) -> str:
        return self._random.choice([*self._names, "good", "bad"])

    def _timer(self, at: int) -> str:
        if self._random.random() < 0.5:
            return ""
        hours, then = self._random.randint(1, 40), self._random.choice(["next", "do"])
        what = f"next: {{on: {{to: {self._next(at)}}}}}" if then == "next" else "do: [{set: {touched: touched + 1}}]"
        repeat = f", repeat: {self._random.randint(2, 3)}" if then == "do" and self._random.random() < 0.5 else ""
        return f", timers: {{tick: {{after: {hours} h, {what}{repeat}}}}}"

    def _events(self, at: int) -> str:
        self._states[self._names[at]] = State()
        back = f", back: {{to: {self._some()}}}" if self._random.random() < 0.6 else ""
        return f"{{events: {{go: {{to: {self._next(at)}}}{back}}}{self._timer(at)}}}"

    def _branch(self, at: int) -> str:
        self._states[self._names[at]] = State()
        later = self._random.choice([*self._names[at + 1 :], "good"])
        limit = self._random.randint(0, 3)
        branches = f"next: {{big: {{if: size > {limit}, to: {later}}}, small: {{if: size <= {limit - 1}, to: "
        return f"{{{branches}{self._next(at)}}}}}, events: {{back: {{to: {self._some()}}}}}{self._timer(at)}}}"

    def _parts(self, at: int) -> str:
        self._states[self._names[at]] = State(parts=True)
        made = ", ".join("{create: part, values: {thing: record}}" for _ in range(self._random.randint(1, 3)))
        open_parts = 'count(p for p in parts if p.status == "open")'
        enough = self._random.randint(0, 1)
        ready = f"next: {{on: {{if: '{open_parts} <= {enough}', to: {self._next(at)}}}}}"
        leave = "leave: [{for_each: parts, as: p, do: [{fire: call_off, record: p}]}]"
        return f"{{do: [{made}], {ready}, {leave}, events: {{back: {{to: {self._some()}}}}}{self._timer(at)}}}"

    # Approvals ------------------------------------------------------------------------------------------------------

    def _approval(self, at: int) -> str:
        state = self._states[self._names[at]] = State()
        texts = []
        for number in range(self._random.randint(1, 3)):
            name = f"a{at}{number}"
            before = self._random.choice([None, *state.approval])
            after = f"after: {before}, " if before else ""
            if self._random.random() < 0.5:
                text, group = self._group()
                state.approval[name] = Step(before, {name: group}, 1, False)
                texts.append(f"{name}: {{{after}{text}}}")
                continue
            groups: dict[str, Group] = {}
            inner = []
            for letter in "xyz"[: self._random.randint(2, 3)]:
                text, group = self._group()
                groups[name + letter] = group
                inner.append(f"{name}{letter}: {{{text}}}")
            join, needed = self._random.choice([("all", len(groups)), ("any", 1), ("{count: 2}", 2), ("{count: 1}", 1)])
            waits = self._random.random() < 0.5
            reject = "wait" if waits else "cancel_others"
            state.approval[name] = Step(before, groups, needed, waits)
            split = f"split: {{{', '.join(inner)}}}"
            texts.append(f"{name}: {{{after}{split}, join: {join}, first_reject: {reject}}}")
        ways = f"approved: {self._next(at)}, rejected: {self._some()}, returned: s0"
        events = f", events: {{back: {{to: {self._some()}}}}}" if self._random.random() < 0.4 else ""
        return f"{{approval: {{{', '.join(texts)}}}, {ways}{events}{self._timer(at)}}}"

    def _group(self) -> tuple[str, Group]:
        random = self._random
        mode = random.choice(MODES)
        share = (random.randint(1, 3), 3)
        by = random.choice(
            [
                "{role: odd}",
                "{role: even}",
                f"{{person: {random.choice(PEOPLE)}}}",
                "{manager_of: created_by}",
                "{manager_of: created_by, level: 2}",
            ]
        )
        parts = [
            f"by: {by}",
            f"nobody: {random.choice(['skip', 'refuse', '{role: odd}', '{role: odd}'])}",
            f"mode: {mode}",
        ]
        if mode == "vote":
            parts.append(f"pass: {share[0]}/{share[1]}")
            if random.random() < 0.5:
                parts.append(f"veto: {{person: {random.choice(PEOPLE)}}}")
        parts.append(f"self: {random.choice(['next_level', 'skip', 'allow'])}")
        parts.append(f"repeated: {random.choice(['ask', 'skip'])}")
        parts.append(f"may: [{', '.join(random.sample(FREEDOMS, random.choice([0, 3, 4, 5, 5])))}]")
        if random.random() < 0.3:
            parts.append(f"cc: {{person: {random.choice(PEOPLE)}}}")
        if random.random() < 0.2:
            parts.append(f"skip_if: size > {random.randint(0, 3)}")
        if random.random() < 0.5:
            rungs = ["{after: 3 h, do: remind, repeat: 2}"]
            if random.random() < 0.6:
                rungs.append("{after: 8 h, do: escalate, to: {manager_of: assignee}}")
            if random.random() < 0.5:
                rungs.append(f"{{after: 20 h, do: {random.choice(['approve', 'reject'])}}}")
            parts.append(f"due: 5 h, late: [{', '.join(rungs)}]")
        return ", ".join(parts), Group(mode, share)
