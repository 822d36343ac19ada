"""Case files: opened by what a risk finds, gathered by subject, worked on by people, decided with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import InvalidValues, NotFound, Refused
from engine.ports import Record
from engine.runtime.service import SYSTEM
from tests.runtime.running import Running
from tests.runtime.test_risk import CLUB, findings, holds, sent

REVIEWERS = """
---
access: reviewer
can:
  parcel: {read: all}
  town: {read: all}
  hold: {read: all}
  finding: {read: all}
  user: {read: all}
  case_file: {read: all, events: [take, put_back, assign, snooze, decide]}
"""


@pytest.fixture
def club(database_url: str) -> Iterator[Running]:
    running = Running(CLUB + REVIEWERS, database_url)
    for code in ("A", "B"):
        running.create("town", {"code": code, "zone": "near"})
    yield running
    running.database.close()


def files(club: Running, **equal: Any) -> list[Record]:
    return club.read(lambda tx: club.store.query.equal(tx, "case_file", equal, limit=100))


def test_what_is_found_about_one_subject_is_one_file_until_somebody_decides(club: Running) -> None:
    first, second = sent(club, "P1", 100), sent(club, "P2", 1)
    [file] = files(club)
    assert (file["risk"], file["status"], file["subject_model"], file["about"]) == ("watch", "open", "town", "A")
    assert (file["subject"], file["assignee_role"]) == (first["town"]["id"], "keeper")
    assert (file["hits"], file["score"]) == (2, 19)
    assert {each["record"] for each in findings(club)} == {first["id"], second["id"]}
    assert {each["case_file"]["id"] for each in findings(club)} == {file["id"]}
    decided = club.fire("case_file", file["id"], "decide", put_in={"verdict": "keep", "why": "They owe us an answer"})
    assert (decided["status"], decided["decided_at"]) == ("decided", club.clock.now())
    assert holds(club, first["town"], "town") == {"watch"}, "kept"
    sent(club, "P3", 1)
    [later] = [each for each in files(club) if each["id"] != file["id"]]
    club.fire("case_file", later["id"], "decide", put_in={"verdict": "release", "why": "They have answered"})
    assert holds(club, first["town"], "town") == set(), "what was kept is let go with what was found later"


def test_a_decision_to_release_lets_everything_go_that_was_held(club: Running) -> None:
    hit = sent(club, "P1", 100)
    follower = sent(club, "P2", 1)
    [file] = files(club)
    reviewer = club.user("reviewer", "reviewer")
    club.fire("case_file", file["id"], "take", reviewer)
    assert files(club)[0]["assignee"]["id"] == reviewer.id
    club.fire("case_file", file["id"], "decide", reviewer, {"verdict": "release", "why": "Christmas"})
    for record in (hit, follower):
        assert (holds(club, record), club.get("parcel", record["id"])["status"]) == (set(), "off"), "it has gone on"
    assert holds(club, hit["town"], "town") == set()
    told = [entry for entry in club.timeline("parcel", hit["id"]) if entry["reasons"]]
    assert any(reason.get("message") == "Christmas" for entry in told for reason in entry["reasons"])
    told = club.timeline("case_file", file["id"])
    assert told[0]["changes"]["why"] == [None, "Christmas"]
    assert told[0]["actor_name"] == "reviewer"


def test_a_decision_needs_a_reason_and_somebody_who_may(club: Running) -> None:
    sent(club, "P1", 100)
    [file] = files(club)
    with pytest.raises(InvalidValues):
        club.fire("case_file", file["id"], "decide", put_in={"verdict": "release"})
    with pytest.raises(InvalidValues):
        club.fire("case_file", file["id"], "decide", put_in={"why": "Because"})
    clerk = club.user("clerk", "clerk")
    with pytest.raises(NotFound):
        club.fire("case_file", file["id"], "decide", clerk, {"verdict": "release", "why": "Because"})
    assert files(club)[0]["status"] == "open"
    club.fire("case_file", file["id"], "decide", put_in={"verdict": "confirm", "why": "Seen before"})
    with pytest.raises(Refused):
        club.fire("case_file", file["id"], "decide", put_in={"verdict": "release", "why": "Changed my mind"})


def test_while_a_file_is_to_be_quiet_findings_are_kept_and_nothing_is_done(club: Running) -> None:
    hit = sent(club, "P1", 100)
    [file] = files(club)
    until = club.clock.now() + timedelta(hours=2)
    passed = {"until": club.clock.now().isoformat(), "why": "Later"}
    with pytest.raises(Refused, match="passed"):
        club.fire("case_file", file["id"], "snooze", put_in=passed)
    put_in = {"verdict": "release", "why": "A fair", "quiet_until": until.isoformat()}
    club.fire("case_file", file["id"], "decide", put_in=put_in)
    quiet = sent(club, "P2", 1)
    assert (quiet["status"], holds(club, quiet), holds(club, hit["town"], "town")) == ("off", set(), set())
    [finding] = [each for each in findings(club) if each["record"] == quiet["id"]]
    assert (finding["quiet"], finding["case_file"]) == (True, None)
    assert len(files(club)) == 1
    club.clock.step(timedelta(hours=2))
    loud = sent(club, "P3", 1)
    assert (loud["status"], holds(club, loud["town"], "town")) == ("sent", {"watch"})
    assert len(files(club)) == 2


def test_what_cannot_be_told_has_a_file_too_and_the_record_is_not_lost(club: Running) -> None:
    record = sent(club, "P1", 10, pieces=0)
    [file] = files(club)
    assert (file["subject_model"], file["subject"]) == ("parcel", record["id"])
    [finding] = findings(club)
    assert finding["error"] is not None
    assert finding["case_file"]["id"] == file["id"]
    club.fire("case_file", file["id"], "decide", put_in={"verdict": "release", "why": "Weighed by hand"})
    assert club.get("parcel", record["id"])["status"] == "off"


def test_a_shadow_opens_no_file(club: Running) -> None:
    sent(club, "P1", 20)
    assert findings(club, "second") != []
    assert files(club) == []


def test_at_the_same_time_one_file_is_opened(club: Running) -> None:
    made = [club.create("parcel", {"code": f"P{n}", "town": "A", "worth": 100, "pieces": 10}) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda each: club.fire("parcel", each["id"], "send"), made))
    [file] = files(club)
    assert file["hits"] == 6


def test_of_two_acts_at_a_threshold_the_later_counts_the_earlier(club: Running) -> None:
    made = [club.create("parcel", {"code": f"P{n}", "town": "A", "worth": 50, "pieces": 10}) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda each: club.fire("parcel", each["id"], "send"), made))
    assert len([each for each in findings(club) if each["rule"] == "much"]) == 5, "all but the first"


def test_what_is_found_while_a_file_is_decided_is_not_lost_in_it(club: Running) -> None:
    first = sent(club, "P1", 100)
    [file] = files(club)
    made = [club.create("parcel", {"code": f"Q{n}", "town": "A", "worth": 1, "pieces": 10}) for n in range(4)]

    def decide(_: object) -> None:
        club.fire("case_file", file["id"], "decide", SYSTEM, {"verdict": "release", "why": "A fair"})

    with ThreadPoolExecutor(5) as pool:
        decided = pool.submit(decide, None)
        list(pool.map(lambda each: club.fire("parcel", each["id"], "send"), made))
        decided.result()
    open_files = {each["id"] for each in files(club, decided_at=None)}
    for record in [first, *made]:
        for hold in club.get("parcel", record["id"])["holds"]:
            if hold["case_file"] is not None:
                assert hold["case_file"]["id"] in open_files, "nobody would look at it again"


def test_who_may_hand_a_file_on(club: Running) -> None:
    sent(club, "P1", 100)
    [file] = files(club)
    first, second = club.user("first", "reviewer"), club.user("second", "reviewer")
    club.fire("case_file", file["id"], "assign", first, {"to": "second"})
    assert (files(club)[0]["status"], files(club)[0]["assignee"]["id"]) == ("in_review", second.id)
    club.fire("case_file", file["id"], "put_back", second)
    assert (files(club)[0]["status"], files(club)[0]["assignee"]) == ("open", None)
