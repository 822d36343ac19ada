"""A process in which everybody who is asked agrees, and that is killed before a chosen statement reaches the database.

With the statement 0 it works until nobody is asked any more. It goes on from where the record stands, as people would.
"""

from __future__ import annotations

from engine.runtime.actors import actor_of
from engine.runtime.tasks import Tasks
from tests.runtime.crashing_timers import Counter
from tests.runtime.running import Running

OFFICE = """
app: office
---
access: boss
everything: true
---
access: juror
can: {}
---
model: paper
key: number
workflow: signing
fields:
  number: {type: sequence, format: "P{seq:3}", unique: true}
  signed: {type: integer, default: 0}
---
model: copy
fields: {of: {type: link, to: paper, required: true}, number: integer}
---
workflow: signing
for: paper
start: draft
states:
  draft: {events: {submit: {to: asked}}}
  asked:
    approval:
      first: {by: {person: top}, nobody: refuse}
      both:
        after: first
        split:
          one: {by: {person: top}, nobody: refuse, mode: all}
          jury: {by: {role: juror}, nobody: refuse, mode: vote, pass: 2/3}
        join: all
    approved: done
    rejected: draft
  done:
    do:
      - {set: {signed: signed + 1}}
      - {create: copy, values: {of: record, number: signed}}
"""


def waiting(running: Running, key: str) -> list[tuple[str, str]]:
    """(task, person) of what is open about the record."""
    votes = running.read(lambda tx: running.store.query.equal(tx, "vote", {"waiting": True}, limit=100))
    tasks = {task["id"] for task in running.all("task", equal={"record": key})}
    return sorted((vote["task"]["id"], vote["person"]["id"]) for vote in votes if vote["task"]["id"] in tasks)


def main(url: str, key: str, fatal: int) -> int:
    """How many statements it took."""
    counter = Counter(fatal)
    counter.watch()
    running = Running(OFFICE, url)
    tasks = Tasks(running.service)
    counter.armed = True
    if running.get("paper", key)["status"] == "draft":
        running.fire("paper", key, "submit")
    while asked := waiting(running, key):
        task, person = asked[0]
        who = running.read(lambda tx: actor_of(running.service, tx, person))  # noqa: B023
        running.write(lambda tx: tasks.decide(tx, who, task, "approve"))  # noqa: B023
    counter.armed = False
    running.database.close()
    return counter.count
