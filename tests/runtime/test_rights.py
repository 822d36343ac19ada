"""What nobody may do, whatever their roles grant: forge what the engine writes, give roles, find out what is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.errors import AccessDenied, BadRequest
from tests.runtime.running import Running

CLUB = """
app: club
timezone: Asia/Shanghai
---
access: clerk
scopes: {near: 'region.code == "N"', mine: owner == user}
can:
  parcel: {read: all, create: owner == user, update: all, events: all, private: true, delete: all}
  town: {read: near, hide: [quota]}
  person: {read: all}
  user: {read: all, create: all, update: all}
  hold: {read: all, create: all, update: all, delete: all}
---
access: boss
everything: true
---
model: region
key: code
fields:
  code: {type: text, unique: true, required: true}
---
model: town
key: code
fields:
  code: {type: text, unique: true, required: true}
  quota: {type: integer, default: 10}
  region: {type: link, to: region}
---
model: person
key: code
fields:
  code: {type: text, unique: true, required: true}
  phone: {type: phone, private: true}
---
model: parcel
key: number
workflow: sending
fields:
  number: {type: sequence, format: "P{seq:3}", unique: true}
  town: {type: link, to: town, back: parcels}
  receiver: {type: link, to: person, back: parcels}
  contact: {type: phone, private: true}
  sender: {type: text, value: owner.name}
---
workflow: sending
for: parcel
start: draft
states:
  draft:
    events: {stop: {do: [{hold: stopped, blocks: [stop], assign: {role: boss}}]}}
"""


@pytest.fixture
def club(database_url: str) -> Iterator[Running]:
    running = Running(CLUB, database_url)
    for code in ("N", "S"):
        running.create("region", {"code": code})
    running.create("town", {"code": "near", "region": "N"})
    running.create("town", {"code": "far", "region": "S"})
    running.create("person", {"code": "ann", "phone": "13800000001"})
    running.create("parcel", {"town": "near", "receiver": "ann"})
    running.create("parcel", {"town": "far", "receiver": "ann"})
    yield running
    running.database.close()


# What only the engine writes -----------------------------------------------------------------------------------------

MOMENT = "2026-11-22T00:00:00Z"
SOME_ID = "01a1f6ae-9900-7000-96d6-c69ef1c6678c"
FORGED: dict[str, dict[str, Any]] = {
    "history": {"model": "parcel", "record": SOME_ID, "act": "update", "at": MOMENT},
    "event": {"model": "parcel", "record": SOME_ID, "name": "stop", "at": MOMENT},
    "hold": {"model": "parcel", "record": SOME_ID, "name": "stopped", "opened_at": MOMENT},
    "job": {"queue": "message", "due_at": MOMENT},
    "arrival": {"channel": "x", "hash": "x", "model": "parcel", "outcome": "created", "at": MOMENT},
    "file": {"name": "x", "media_type": "text/plain", "size": 1, "sha256": "0" * 64},
    "task": {"step": "x", "opened_at": MOMENT},
}


@pytest.mark.parametrize("model", FORGED)
def test_nobody_puts_in_what_only_the_engine_writes(club: Running, model: str) -> None:
    for role in ("boss", "clerk"):
        with pytest.raises(AccessDenied):
            club.create(model, FORGED[model], club.user(role, role))


@pytest.mark.parametrize("model", ["history", "event", "case", "hold"])
def test_nobody_changes_what_only_the_engine_writes(club: Running, model: str) -> None:
    boss = club.user("boss", "boss")
    parcel = club.all("parcel")[0]
    club.fire("parcel", parcel["id"], "stop", boss)
    kept = club.all(model)[0]
    with pytest.raises(AccessDenied):
        club.update(model, kept["id"], {"team": None}, boss)
    with pytest.raises(AccessDenied):
        club.write(lambda tx: club.service.delete(tx, boss, model, kept["id"]))
    assert club.get(model, kept["id"])["version"] == kept["version"]


# Roles ---------------------------------------------------------------------------------------------------------------


def test_nobody_gives_a_role_that_is_not_theirs(club: Running) -> None:
    clerk = club.user("clerk", "clerk")
    with pytest.raises(AccessDenied):
        club.create("user", {"login": "new", "name": "New", "roles": [{"role": "boss"}]}, clerk)
    with pytest.raises(AccessDenied):
        club.update("user", str(clerk.id), {"roles": [{"role": "clerk"}, {"role": "boss"}]}, clerk)
    own = club.get("user", str(clerk.id))["roles"][0]["id"]
    with pytest.raises(AccessDenied):
        club.update("user", str(clerk.id), {"roles": [{"id": own, "role": "boss"}]}, clerk)
    club.create("user", {"login": "new", "name": "New", "roles": [{"role": "clerk"}]}, clerk)
    boss = club.user("boss", "boss")
    club.update("user", str(boss.id), {"name": "Big boss", "roles": [{"role": "boss"}]}, clerk)
    assert club.update("user", str(clerk.id), {"roles": [{"role": "boss"}]}, boss)["roles"][0]["role"] == "boss"


# Asking by what one does not see -------------------------------------------------------------------------------------

NOT_THEIRS = [
    'receiver.phone == "13800000001"',  # masked in its own record, whatever the rights on parcels
    "town.quota > 3",  # hidden there
    'town.code == "far"',  # not all towns are the clerk's to read
    'town == "far"',
    'town.region.code == "S"',  # regions are not its at all
    "record.town.quota > 3",
    "any(p.town.quota > 3 for p in receiver.parcels)",
    "count(town.parcels) > 0 and town.quota > 3",
    'user.manager.phone == "13800000001"',
]


@pytest.mark.parametrize("where", NOT_THEIRS)
def test_what_one_does_not_see_is_no_filter(club: Running, where: str) -> None:
    with pytest.raises(BadRequest) as caught:
        club.all("parcel", club.user("clerk", "clerk"), where=where)
    assert caught.value.code == "PRIVATE_FIELD"
    club.all("parcel", club.user("boss", "boss"), where=where)


def test_what_one_does_not_see_is_no_order_and_no_group(club: Running) -> None:
    clerk = club.user("clerk", "clerk")
    with pytest.raises(BadRequest, match="not yours"):
        club.all("parcel", clerk, sort=("receiver.phone",))
    with pytest.raises(BadRequest, match="not yours"):
        club.all("person", clerk, search=("138", ["phone"]))
    for group, measure in ((["town.quota"], "count(id)"), ([], "max(town.quota)")):
        with pytest.raises(BadRequest, match="not yours"):
            club.read(
                lambda tx, group=group, measure=measure: club.reading.aggregate(
                    tx, clerk, "parcel", group=group, measure={"found": measure}
                )
            )


def test_what_one_sees_is_a_filter(club: Running) -> None:
    clerk = club.user("clerk", "clerk")
    near, far = (club.all("town", where=f'code == "{code}"')[0] for code in ("near", "far"))

    def numbers(**how: Any) -> list[str]:
        return [parcel["number"] for parcel in club.all("parcel", clerk, **how)]

    assert numbers(where='receiver.code == "ann"', sort=("receiver.code", "number")) == ["P001", "P002"]
    assert numbers(where="contact == null and count(holds) == 0 and owner == null", sort=("number",)) == [
        "P001",
        "P002",
    ]
    assert numbers(where=f'town.id == "{far["id"]}"') == ["P002"], "where a link leads is not hidden"
    assert numbers(equal={"town": near["id"]}) == ["P001"]
    assert numbers(equal={"town": "near"}) == ["P001"]
    assert numbers(equal={"town": "far"}) == [], "as if there were no such town"
    assert numbers(where='owner.login == "clerk" or owner == null', sort=("number",)) == ["P001", "P002"]


def test_rights_and_computed_fields_know_the_owner_of_a_new_record(club: Running) -> None:
    clerk = club.user("clerk", "clerk")
    made = club.create("parcel", {"town": "near"}, clerk)
    assert made["sender"] == "clerk"
    boss = club.user("boss", "boss")
    with pytest.raises(AccessDenied):
        club.create("parcel", {"town": "near", "owner": boss.id}, clerk)


def test_a_preview_is_for_those_who_could_save(club: Running) -> None:
    clerk = club.user("clerk", "clerk")
    assert club.read(lambda tx: club.reading.preview(tx, clerk, "parcel", {"town": "near"})).record["sender"] == "clerk"
    with pytest.raises(AccessDenied):
        club.read(lambda tx: club.reading.preview(tx, clerk, "person", {"code": "new"}))


def test_rights_that_lead_over_links_are_known_when_the_record_is_shown(club: Running) -> None:
    clerk = club.user("clerk", "clerk")
    shown = [
        club.reading.wire(clerk, "parcel", parcel, ["town"])["town"]
        for parcel in club.all("parcel", clerk, expand=["town"], sort=["number"])
    ]
    near, far = shown
    assert near["code"] == "near"
    assert isinstance(far, str), "a town that is not its to read is its id alone"
