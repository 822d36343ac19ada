"""The small company that the tests of the runtime share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime.running import Running

COMPANY = """
app: club
timezone: Asia/Shanghai
intake: parcel
---
access: clerk
scopes: {mine: owner == user}
can:
  parcel: {read: mine, create: all, update: {rows: mine, when: 'status == "draft"', only: [note, rows]}, events: [send]}
  town: {read: all}
  thing: {read: all}
---
access: keeper
can:
  parcel: {read: all, events: all, delete: all, hide: [note]}
  hold: {read: all}
  town: {read: all, update: all, private: true}
  thing: {read: all}
---
model: town
key: code
fields:
  code: {type: text, unique: true, required: true}
  phone: {type: phone, private: true}
  quota: {type: integer, default: 10, min: 0}
  used: {type: integer, default: 0}
  heavy: {type: integer, value: "count(p for p in parcels if p.total > 100)"}
checks:
  in_quota: {require: used <= quota, at: used, code: OVER_QUOTA}
---
model: thing
key: code
fields:
  code: {type: text, unique: true, required: true}
  price: {type: money, required: true}
---
model: parcel
key: number
title: number
workflow: sending
fields:
  number: {type: sequence, format: "P{yyyy}{mm}{dd}{seq:3}", unique: true}
  code: {type: text, max: 20}
  town: {type: link, to: town, back: parcels, required: true}
  note: {type: text, max: 50}
  rebate: {type: money, default: 0, min: 0, max: goods}
  goods: {type: money, value: sum(rows.amount)}
  total: {type: money, value: goods - rebate}
  town_phone: {type: lookup, from: town.phone}
  rows:
    type: rows
    key: line
    of:
      line: {type: integer}
      thing: {type: link, to: thing, required: true}
      pieces: {type: decimal, digits: 1, above: 0, required: true}
      price: {type: money, default: thing.price}
      amount: {type: money, value: "round(pieces * price, 2)"}
      share: {type: money, spread: rebate, by: amount}
checks:
  some_rows: {require: count(rows) > 0, at: rows, message: {zh: 至少一行, en: At least one row}}
unique: [[town, code]]
---
workflow: sending
for: parcel
start: draft
states:
  draft:
    events:
      send:
        require: total > 0
        message: Nothing in it
        input: {fast: {type: boolean, default: false}}
        to: sent
  sent:
    do:
      - {run: look_at}
      - update: town
        where: id == record.town.id
        require: used < quota
        set: {used: used + 1}
        otherwise: [{hold: quota, blocks: [arrive], assign: {role: keeper}, message: The town is full}]
    next:
      off: {if: count(holds) == 0, to: on_the_way}
    notify: [{message: sent, to: town}]
  on_the_way:
    events: {arrive: {to: arrived}, lose: {by: system, to: lost}}
  arrived: {do: [{set: {note: 'concat("from ", user.login)'}}]}
  lost: {}
events:
  spoil: {from: [on_the_way, arrived], by: keeper, do: [{fire: lose}], require: 'status == "on_the_way"'}
---
checks: look_at
for: parcel
rules:
  dear:
    require: total <= 1000
    otherwise: [{hold: dear, blocks: [arrive], assign: {role: keeper}}]
---
message: sent
for: parcel
text: "Parcel {{ parcel.number }}"
"""


@pytest.fixture
def company(database_url: str) -> Iterator[Running]:
    """The small company, on SQLite and on PostgreSQL."""
    running = Running(COMPANY, database_url)
    running.create("town", {"code": "T1", "phone": "13800000001"})
    running.create("thing", {"code": "A", "price": "10.00"})
    running.create("thing", {"code": "B", "price": "2.50"})
    yield running
    running.database.close()
