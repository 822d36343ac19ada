"""A small office, as definitions alone: policy needs no database and no clock."""

from __future__ import annotations

from functools import cache
from typing import Any

from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.policy.access import Actor
from engine.ports import Effect, Record
from engine.steps.step import Frame

TEXT = """
app: office
timezone: Asia/Shanghai
---
model: town
key: code
fields:
  code: {type: text, unique: true}
  phone: {type: phone, private: true}
  budget: money
---
model: paper
key: code
workflow: filing
fields:
  code: {type: text, max: 10, unique: true, required: true}
  town: {type: link, to: town, back: papers}
  budget: {type: lookup, from: town.budget}
  urgent: {type: boolean, default: false}
  note: {type: text, default: 'concat("for ", code)'}
  rebate: {type: money, min: 0, max: goods, default: 0}
  goods: {type: money, value: sum(lines.amount)}
  total: {type: money, value: goods - rebate}
  rate: {type: decimal, digits: 2, value: total / weight}
  weight: {type: decimal, digits: 2}
  lines:
    type: rows
    key: line
    of:
      line: integer
      name: {type: text, required: true}
      pieces: {type: integer, above: 0, default: 1}
      price: {type: money, default: 5}
      amount: {type: money, value: pieces * price}
      share: {type: money, spread: rebate, by: amount}
checks:
  not_dear: {when: urgent, require: total <= 1000, at: total, code: TOO_DEAR, message: Too dear for a hurry}
---
workflow: filing
for: paper
start: draft
states:
  draft:
    events:
      file:
        to: filed
        require: total > 0
        message: There is nothing in it
        do: [{set: {urgent: false}}]
        notify: [{message: news, to: clerk}]
      burn: {to: gone, by: system}
      note: {do: [{set: {note: "'seen'"}}]}
  filed:
    do: [{hold: looked_at}]
    next:
      dear: {if: total > 500, to: waiting}
      small: {if: total > 10, to: done}
  waiting: {next: {on: {if: count(holds) == 0, to: done}}}
  done: {}
  gone: {}
  round: {next: {on: {if: code != null, to: about}}}
  about: {next: {on: {if: code != null, to: round}}}
events:
  spin: {from: [done], to: round}
---
checks: looked
for: paper
rules:
  some: {require: total > 0, code: EMPTY, at: total, message: There is nothing in it}
  light: {require: weight < 5, otherwise: [{hold: heavy}]}
  known: {when: town != null, require: town.budget > 0, unknown: pass}
---
message: news
for: paper
text: "{{ paper.code }}"
---
access: clerk
scopes: {mine: owner == user, cheap: total < 100}
can:
  paper:
    read: mine
    create: total <= 50
    update: {rows: mine, when: not urgent, only: [note, lines]}
    delete: mine
    events: [file]
    hide: [rebate]
  town: {read: all, hide: [budget]}
  hold: {read: all, create: all, update: all, delete: all}
---
access: reader
can: {paper: {read: all, hide: [rebate, note], private: true}}
---
access: cheapskate
scopes: {cheap: total < 100}
can: {paper: {read: cheap, update: cheap, events: all, export: true}}
---
access: boss
everything: true
"""


@cache
def office() -> Catalog:
    """The definitions, read once for all tests."""
    return build_texts({"definitions/office.yaml": TEXT})


def actor(*roles: str, login: str = "ann", everything: bool = False) -> Actor:
    """Somebody with these roles."""
    facts: Record = {"id": f"u-{login}", "login": login, "roles": list(roles), "teams": []}
    return Actor(facts["id"], login, login, frozenset(roles), everything=everything, facts=facts)


def paper(**values: Any) -> Record:
    """A paper with every field there is."""
    fields = {name: None for name, field in office().fields("paper").items() if field.stored}
    return {**fields, "id": "p1", "status": "draft", "holds": [], "lines": [], "total": 0, **values}


def frame(record: Record, **names: Any) -> Frame:
    """What policy sees of it."""
    return Frame("paper", record, {"record": record, "paper": record, "user": actor().facts, **names})


def drive(steps: Any) -> list[Effect]:
    """What a generator asks for; moves happen in the record, as the runtime would do it."""
    effects: list[Effect] = []
    for effect in steps:
        effects.append(effect)
        if hasattr(effect, "state"):
            effect.record["status"] = effect.state
    return effects
