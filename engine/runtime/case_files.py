"""Case files: what a reviewer works on. What risk rules find about one subject is gathered in one until somebody
decides; deciding itself is a workflow, `case_file.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.risk import Risk
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, DATETIME, TEXT
from engine.policy.risk import Hit, assigned
from engine.ports import Record
from engine.runtime.act import Act
from engine.runtime.titles import title_of
from engine.steps.step import Frame

if TYPE_CHECKING:
    from engine.runtime.effects import Effects

CASE_FILE = "case_file"
#: What somebody has to look at. What a guard refuses has not happened, and what is allowed needs nobody.
LOOKED_AT = ("freeze", "hold", "review")
#: What their conditions name besides their fields.
RISK, SUBJECT, MOMENT = "of_risk", "of_subject", "at_moment"


def file_for(effects: Effects, risk: Risk, hit: Hit, model: str, subject: Record, frame: Frame) -> Record | None:
    """The case file to which a hit belongs: the open one about the subject, or a new one; None for a hit that nobody
    has to look at."""
    if hit.outcome not in LOOKED_AT:
        return None
    act = effects.act
    # Of two acts at a time that find something only one opens a file.
    act.tx.alone(f"{CASE_FILE} {risk.name} {subject['id']}")
    # Who is deciding it has it locked: then it is decided when this goes on, and another one is opened.
    found = _about(act, risk, subject, "decided_at == null", lock=True)
    if found:
        return found[0]
    assign = assigned(risk, frame)
    values = {
        "risk": risk.name,
        "subject_model": model,
        "subject": subject["id"],
        "about": title_of(act.catalog, model, subject),
        "assignee_role": assign.get("role"),
        "assignee": assign.get("user"),
        "opened_at": act.moment,
    }
    return effects.service.make(effects, CASE_FILE, values).record


def is_quiet(act: Act, risk: Risk, subject: Record) -> bool:
    """Whether somebody has asked not to be told of this subject again until a moment that is still to come."""
    return bool(_about(act, risk, subject, f"quiet_until > {MOMENT}"))


def _about(act: Act, risk: Risk, subject: Record, condition: str, *, lock: bool = False) -> list[Record]:
    """One of the risk's case files about the subject that holds the condition; empty when there is none."""
    act.flush()
    where = act.catalog.memo((CASE_FILE, condition), lambda: _asked(act.catalog, condition))
    names = {RISK: risk.name, SUBJECT: subject["id"], MOMENT: act.moment}
    return act.store.query.find(act.tx, CASE_FILE, where=where, names=names, limit=1, lock=lock)


def _asked(catalog: Catalog, condition: str) -> Expression:
    scope = catalog.scope(CASE_FILE, **{RISK: TEXT, SUBJECT: TEXT, MOMENT: DATETIME})
    return catalog.compile(f"risk == {RISK} and subject == {SUBJECT} and {condition}", scope, BOOLEAN)
