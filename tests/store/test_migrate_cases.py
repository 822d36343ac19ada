"""What a plan tells of workflows that change, and of the cases that are open in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from engine.errors import DefinitionError
from engine.store.database import Database
from engine.store.migrate.apply import Impossible, NotAdditive, apply_additions, invert
from tests.store.conftest import NOON
from tests.store.migrating import Yard, catalog_of, nothing_to_work_out

CRATE = """
model: crate
key: code
workflow: handling
fields: {code: {type: text, max: 20, unique: true}}
---
workflow: handling
for: crate
start: empty
states:
  empty: {events: {fill: {to: full}}}
  full: {events: {send: {to: sent}}}
  sent: {}
"""
#: The state `full` is gone, and nothing says what became of it.
PACKED = CRATE.replace("  full: {", "  packed: {").replace("fill: {to: full}", "fill: {to: packed}")
MAPPED = PACKED.replace("  packed: {", "  packed: {was: full, ")


@pytest.fixture
def yard(database_url: str) -> Iterator[Yard]:
    database = Database.open(database_url, durable=False)
    yield Yard(database)
    database.close()


def add_cases(yard: Yard, definitions: str = CRATE, /, **counts: int) -> None:
    catalog = catalog_of(definitions)
    flow = catalog.workflows["handling"]
    desk = yard.desk(definitions)
    for state, count in counts.items():
        for number in range(count):
            key = desk.add("crate", code=f"{state}{number}", status=state)
            ended = NOON if state == "sent" else None
            case = {"model": "crate", "record": key, "workflow": flow.name, "workflow_version": flow.fingerprint}
            desk.add("case", **case, definitions=catalog.fingerprint, state=state, started_at=NOON, ended_at=ended)


def test_open_cases_of_a_changed_workflow_are_told(yard: Yard) -> None:
    yard.apply(CRATE)
    add_cases(yard, empty=2, full=1, sent=4)
    before, after = (catalog_of(text).workflows["handling"].fingerprint[:8] for text in (CRATE, MAPPED))
    assert yard.plan(CRATE).cases == ()
    found = yard.plan(MAPPED)
    told = [(cases.state, cases.count, cases.now, cases.gone, cases.in_force) for cases in found.cases]
    assert told == [("empty", 2, "empty", False, True), ("full", 1, "packed", True, True)]
    assert found.text().splitlines()[1:] == [
        "Workflows:",
        f"  handling {before} -> {after}",
        "    states.empty.events.fill: changed",
        "    states.packed: new",
        "    states.full: gone, its cases belong to packed",
        "Open cases, which stay on theirs until `orderloom migrate-cases` moves them:",
        f"  handling {before} (in force): 2 cases in state empty",
        f"  handling {before} (in force): 1 case in state full, which is packed now",
        f"Plan {found.hash}",
    ]
    assert found.additive, "a state that cases can follow takes nothing away"
    assert yard.apply(MAPPED).number == 2


def test_a_state_with_open_cases_is_not_taken_away(yard: Yard) -> None:
    yard.apply(CRATE)
    add_cases(yard, empty=2, full=1, sent=4)
    found = yard.plan(PACKED)
    message = (
        "definitions/all.yaml:12:1: E411 1 open case stands in 'full' of handling, which is gone; "
        "say `was: full` at the state where they belong"
    )
    assert [str(problem) for problem in found.occupied] == [message] == found.as_data()["occupied"]
    assert message in found.text()
    assert not found.additive
    with pytest.raises(DefinitionError, match="E411 1 open case stands in 'full'"):
        yard.apply(PACKED)
    catalog = catalog_of(PACKED)
    with pytest.raises(NotAdditive, match=r"so they wait(.|\n)*E411"):
        apply_additions(yard.database, catalog, at=NOON, work_out=nothing_to_work_out)
    guess = yard.plan(MAPPED.replace("was: full", "was: ful")).occupied[0]
    assert "(did you mean 'ful'?)" in str(guess)


def test_a_state_in_which_nobody_stands_may_go(yard: Yard) -> None:
    yard.apply(CRATE)
    add_cases(yard, empty=2, sent=1)
    assert yard.plan(PACKED).occupied == ()
    final = CRATE.replace("sent", "gone")
    assert yard.plan(final).occupied == (), "those cases are over"
    assert yard.apply(PACKED).number == 2


def test_an_application_is_not_taken_back_from_under_its_cases(yard: Yard) -> None:
    yard.apply(CRATE)
    yard.apply(PACKED)
    newest = catalog_of(PACKED).fingerprint
    add_cases(yard, PACKED, packed=1)
    with pytest.raises(Impossible, match="1 open case stands in 'packed' of handling, which is gone"):
        invert(yard.database, newest, at=NOON, actor=None)
    yard.write(lambda tx: tx.core(text('UPDATE "case" SET ended_at = started_at')))
    assert invert(yard.database, newest, at=NOON, actor=None).number == 3


def test_a_workflow_with_open_cases_is_not_taken_away(yard: Yard) -> None:
    yard.apply(CRATE)
    add_cases(yard, full=2)
    other = CRATE.replace("handling", "storing")
    (problem,) = yard.plan(other).occupied
    assert str(problem) == (
        "definitions/all.yaml:4:1: E411 2 open cases stand in 'full' of handling, and that workflow is gone; "
        "say `was: handling` in the workflow that takes its place"
    )
    found = yard.plan(other.replace("for: crate", "for: crate\nwas: handling"))
    assert [(cases.state, cases.now) for cases in found.cases] == [("full", "full")]
    assert found.occupied == ()


SIZED = CRATE.replace("{code: {", "{size: integer, weight: integer, code: {").replace(
    "full: {events: {send: {to: sent}}}", "full: {events: {send: {to: sent, require: size > 1}}}"
)
#: The workflow does not read the size any more, and nobody has it.
NO_SIZE = CRATE.replace("{code: {", "{weight: integer, code: {")


def test_a_field_that_open_cases_read_is_not_taken_away(yard: Yard) -> None:
    yard.apply(SIZED)
    add_cases(yard, SIZED, full=2, sent=1)
    version = catalog_of(SIZED).workflows["handling"].fingerprint[:8]
    message = (
        f"definitions/all.yaml:4:1: E412 crate.size is gone, and 2 open cases of handling {version} may still read it; "
        "apply the new workflow first, move them with `orderloom migrate-cases`, then take the field away"
    )
    assert [str(problem) for problem in yard.plan(NO_SIZE).occupied] == [message]
    with pytest.raises(DefinitionError, match="E412"):
        yard.apply(NO_SIZE)
    assert yard.plan(SIZED.replace("weight: integer, ", "")).occupied == (), "nobody reads the weight"
    # The workflow first: then the cases that pin the one before it keep the field.
    kept = NO_SIZE.replace("{weight: integer", "{size: integer, weight: integer")
    yard.apply(kept)
    assert [str(problem) for problem in yard.plan(NO_SIZE).occupied] == [message]
    yard.write(lambda tx: tx.core(text('UPDATE "case" SET ended_at = started_at')))
    assert yard.plan(NO_SIZE).occupied == ()
