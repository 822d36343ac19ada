"""What a record is called where others may read it."""

from __future__ import annotations

import pytest

from engine.ports import Record
from engine.runtime.titles import title_of
from tests.runtime.running import catalog_of

APP = """
app: clinic
---
model: doctor
key: code
title: {DOCTOR}
fields:
  code: {type: text, unique: true}
  name: {type: text}
  phone: {type: phone, private: true}
---
model: visit
key: number
title: {VISIT}
fields:
  number: {type: text, unique: true}
  patient: {type: text, private: true}
  doctor: {type: link, to: doctor}
  fee: {type: money}
"""
DOCTOR: Record = {"id": "d", "code": "D1", "name": "Li", "phone": "13800000001"}
VISIT: Record = {"id": "v", "number": "V1", "patient": "Zhang", "doctor": DOCTOR, "fee": None}


@pytest.mark.parametrize(
    ("visit", "doctor", "title"),
    [
        ("number", "name", "V1"),
        ("patient", "name", "V1"),  # personal data are for those who may see them
        ("doctor", "name", "Li"),
        ("doctor", "phone", "D1"),
        ("fee", "name", "V1"),  # nothing there: its key
    ],
)
def test_the_title_else_the_key(visit: str, doctor: str, title: str) -> None:
    catalog = catalog_of(APP.replace("{VISIT}", visit).replace("{DOCTOR}", doctor))
    assert title_of(catalog, "visit", VISIT) == title


def test_nothing_that_everybody_may_know() -> None:
    catalog = catalog_of(APP.replace("{VISIT}", "patient").replace("{DOCTOR}", "name"))
    assert title_of(catalog, "visit", {**VISIT, "number": None}) is None
