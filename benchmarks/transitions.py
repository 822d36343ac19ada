"""Cases that are led through a small process, one event or one approval a transaction, against SpiffWorkflow: the same
process as BPMN, each case read from a row of SQLite, led one task on, and written back.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer

from benchmarks.table import Row
from engine.catalog.builder import build_texts
from engine.catalog.catalog import Catalog
from engine.policy.access import Actor
from engine.runtime.actors import actor_of
from engine.runtime.clock import SystemClock
from engine.runtime.service import SYSTEM, Service
from engine.runtime.tasks import Tasks
from engine.store.database import Database
from engine.store.store import Store

#: Four states are left one after the other.
STEPS = ("check", "sign", "send", "file")
#: By an event that somebody fires, or by two people who agree, in turn.
PLAIN = """
workflow: passing
for: paper
start: open
states:
  open: {events: {check: {to: checked}}}
  checked: {events: {sign: {to: signed}}}
  signed: {events: {send: {to: sent}}}
  sent: {events: {file: {to: filed}}}
  filed: {}
"""
AGREED = """
workflow: passing
for: paper
start: open
states:
  open: {events: {check: {to: checked}}}
  checked:
    approval: {sign: {by: {role: chief}, nobody: refuse}, send: {after: sign, by: {role: chief}, nobody: refuse}}
    approved: sent
    rejected: open
  sent: {events: {file: {to: filed}}}
  filed: {}
"""
PAPERS = """
app: office
---
access: chief
everything: true
---
model: paper
key: number
workflow: passing
fields: {number: {type: sequence, format: "P{seq:6}", unique: true}, title: text}
---
"""
NAMESPACE = "http://www.omg.org/spec/BPMN/20100524/MODEL"

#: Leads one case to its end, and says how many transitions that took.
Lead = Callable[[], int]


def measure(*, quick: bool) -> list[Row]:
    """Transitions a second against SpiffWorkflow's, in rounds that take turns."""
    rounds, cases = (3, 20) if quick else (7, 100)
    rows = []
    for name, workflow in (("events", PLAIN), ("an event, two approvals, an event", AGREED)):
        with _ours(build_texts({"definitions/app.yaml": PAPERS + workflow})) as mine, _spiff() as theirs:
            rates = [(_rate(mine, cases), _rate(theirs, cases)) for _ in range(rounds + 1)][1:]  # the first warms up
        ratio = median(one / other for one, other in rates)
        said = f"{median(one for one, _ in rates):.0f}/s against {median(other for _, other in rates):.0f}/s"
        rows.append(
            Row(f"transitions by {name}, each committed, with its history", "SpiffWorkflow", ratio, "≥ 1", said)
        )
    return rows


def _rate(lead: Lead, cases: int) -> float:
    began = time.perf_counter()
    done = sum(lead() for _ in range(cases))
    return done / (time.perf_counter() - began)


@contextmanager
def _ours(catalog: Catalog) -> Iterator[Lead]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/cases.db")
        store = Store(catalog, database)
        store.tables.metadata.create_all(database.engine)
        service = Service(catalog, store, SystemClock(), lambda _tx, _fingerprint: catalog)
        tasks, people = Tasks(service), []
        for login in ("ann", "bo"):
            user = {"login": login, "name": login, "roles": [{"role": "chief"}] if login == "bo" else []}
            made = database.write(lambda tx, user=user: service.create(tx, SYSTEM, "user", user)).result()
            people.append(database.read(lambda tx, made=made: actor_of(service, tx, made["id"])))

        def fire(key: str, event: str) -> str:
            return str(database.write(lambda tx: service.fire(tx, SYSTEM, "paper", key, event)).result()["status"])

        def approve(key: str, chief: Actor) -> None:
            open_ = {"record": key, "closed_at": None}
            [task] = database.read(lambda tx: store.query.equal(tx, "task", open_, limit=2))
            database.write(lambda tx: tasks.decide(tx, chief, task["id"], "approve")).result()

        def lead() -> int:
            key = database.write(lambda tx: service.create(tx, SYSTEM, "paper", {"title": "a paper"})).result()["id"]
            status = fire(key, "check")
            for step in STEPS[1:3]:
                if "sign" in catalog.workflows["passing"].states["checked"].events:
                    status = fire(key, step)
                else:
                    approve(key, people[1])
            status = fire(key, "file")
            if status != "filed":
                raise SystemExit(f"the case stands at {status}")
            return len(STEPS)

        yield lead
        database.close()


def _bpmn() -> bytes:
    nodes = ["start", *STEPS, "end"]
    elements = "".join(f'<bpmn:userTask id="{step}" name="{step}"/>' for step in STEPS)
    flows = "".join(
        f'<bpmn:sequenceFlow id="f{at}" sourceRef="{one}" targetRef="{other}"/>'
        for at, (one, other) in enumerate(pairwise(nodes))
    )
    return (
        f'<bpmn:definitions xmlns:bpmn="{NAMESPACE}" id="office" targetNamespace="office">'
        f'<bpmn:process id="passing" isExecutable="true"><bpmn:startEvent id="start"/>{elements}'
        f'<bpmn:endEvent id="end"/>{flows}</bpmn:process></bpmn:definitions>'
    ).encode()


@contextmanager
def _spiff() -> Iterator[Lead]:
    parser = BpmnParser()
    parser.add_bpmn_str(_bpmn())
    spec = parser.get_spec("passing")
    serializer = BpmnWorkflowSerializer()
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder, "cases.db"), isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE instance (id INTEGER PRIMARY KEY, state TEXT NOT NULL)")

        def lead() -> int:
            workflow = BpmnWorkflow(spec)
            workflow.do_engine_steps()
            written = serializer.serialize_json(workflow)
            key = connection.execute("INSERT INTO instance (state) VALUES (?)", [written]).lastrowid
            for step in STEPS:
                connection.execute("BEGIN IMMEDIATE")
                [text] = connection.execute("SELECT state FROM instance WHERE id = ?", [key]).fetchone()
                workflow = serializer.deserialize_json(text)
                [task] = workflow.get_tasks(state=TaskState.READY, manual=True)
                if task.task_spec.name != step:
                    raise SystemExit(f"the case stands at {task.task_spec.name}")
                task.run()
                workflow.do_engine_steps()
                written = serializer.serialize_json(workflow)
                connection.execute("UPDATE instance SET state = ? WHERE id = ?", [written, key])
                connection.execute("COMMIT")
            if not workflow.is_completed():
                raise SystemExit(f"the case is not done: {json.dumps(written)[:200]}")
            return len(STEPS)

        yield lead
        connection.close()
