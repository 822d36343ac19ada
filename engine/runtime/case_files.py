"""Case files: what a reviewer works on. What risk rules find about one subject is gathered in one until somebody
decides; deciding itself is a workflow, `case_file.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.catalog.kinds.risk import Risk
from engine.policy.risk import Hit
from engine.ports import Record
from engine.runtime.act import Act
from engine.steps.step import Frame

if TYPE_CHECKING:
    from engine.runtime.effects import Effects

CASE_FILE = "case_file"
#: What somebody has to look at. What a guard refuses has not happened, and what is allowed needs nobody.
LOOKED_AT = ("freeze", "hold", "review")
#: Of all case files about one subject so many are looked through for the one that asks for quiet.
MOST_LOOKED_AT = 50


def file_for(effects: Effects, risk: Risk, hit: Hit, model: str, subject: Record, frame: Frame) -> Record | None:
    """The case file to which a hit belongs: the open one about the subject, or a new one; None for a hit that nobody
    has to look at."""
    if hit.outcome not in LOOKED_AT:
        return None
    act = effects.act
    # Of two acts at a time that find something only one opens a file.
    act.tx.alone(f"{CASE_FILE} {risk.name} {subject['id']}")
    found = _of(act, {"risk": risk.name, "subject": subject["id"], "decided_at": None})
    if found:
        return found[0]
    assign: Mapping[str, Any] = risk.assign.answer(frame) if risk.assign is not None else {}
    values = {
        "risk": risk.name,
        "subject_model": model,
        "subject": subject["id"],
        "about": _title(act, model, subject),
        "assignee_role": assign.get("role"),
        "assignee": assign.get("user"),
        "opened_at": act.moment,
    }
    return effects.service.make(effects, CASE_FILE, values).record


def is_quiet(act: Act, risk: Risk, subject: Record) -> bool:
    """Whether somebody has asked not to be told of this subject again until a moment that is still to come."""
    files = _of(act, {"risk": risk.name, "subject": subject["id"]})
    return any(each["quiet_until"] is not None and each["quiet_until"] > act.moment for each in files)


def _of(act: Act, equal: Mapping[str, Any]) -> list[Record]:
    act.flush()
    return act.store.query.equal(act.tx, CASE_FILE, equal, limit=MOST_LOOKED_AT)


def _title(act: Act, model: str, subject: Record) -> str | None:
    title = act.catalog.models[model].title
    shown = subject.get(title) if isinstance(title, str) else None
    return str(shown)[:200] if shown is not None else None
