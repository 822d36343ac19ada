"""The acts on records, on both databases: what they write, refuse, and leave in the history."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from engine.errors import AccessDenied, InvalidValues, NotFound, Refused, StaleVersion
from tests.runtime.running import START, Running, from_address


def parcel(**more: Any) -> dict[str, Any]:
    rows = [{"thing": "A", "pieces": "3"}, {"thing": "B", "pieces": "1.5", "price": "2.00"}]
    return {"town": "T1", "rebate": "1.00", "rows": rows, **more}


def places(error: pytest.ExceptionInfo[Any]) -> set[tuple[str, str]]:
    return {(complaint.at, complaint.code) for complaint in error.value.complaints}


def test_a_new_record_is_worked_out_numbered_and_stored(company: Running) -> None:
    made = company.create("parcel", parcel())
    found = company.get("parcel", made["id"])
    assert found["number"] == "P20261120001"
    assert found["status"] == "draft"
    assert found["version"] == 1
    assert [(row["line"], row["price"], row["amount"], row["share"]) for row in found["rows"]] == [
        (1, Decimal("10.00"), Decimal("30.00"), Decimal("0.91")),
        (2, Decimal("2.00"), Decimal("3.00"), Decimal("0.09")),
    ]
    assert found["total"] == Decimal("32.00")
    assert found["created_at"] == START


def test_everything_that_is_wrong_is_told_at_once_with_its_place(company: Running) -> None:
    rows = [
        {"thing": "A", "pieces": 0},
        {"thing": "Z", "pieces": "x"},
        {"line": 7, "thing": "B", "pieces": 1, "colour": "red"},
    ]
    with pytest.raises(InvalidValues) as error:
        company.create("parcel", {"rebate": "0.001", "goods": "5", "nickname": "x", "rows": rows})
    assert places(error) == {
        ("rebate", "VALUE_DIGITS"),
        ("goods", "READ_ONLY"),
        ("nickname", "UNKNOWN_FIELD"),
        ("town", "VALUE_REQUIRED"),
        ("rows[0].pieces", "VALUE_RANGE"),
        ("rows[1].pieces", "VALUE_FORMAT"),
        ("rows[1].thing", "LINK_UNKNOWN"),
        ("rows[2].colour", "UNKNOWN_FIELD"),
    }
    assert company.all("parcel") == []


def test_a_bound_that_reads_another_field_is_held_after_computing(company: Running) -> None:
    with pytest.raises(InvalidValues) as error:
        company.create("parcel", parcel(rebate="33.01"))
    assert places(error) == {("rebate", "VALUE_RANGE")}
    assert company.create("parcel", parcel(rebate="33.00"))["total"] == 0


def test_rows_with_one_key_are_refused(company: Running) -> None:
    rows = [{"line": 1, "thing": "A", "pieces": 1}, {"line": 1, "thing": "B", "pieces": 1}]
    with pytest.raises(InvalidValues) as error:
        company.create("parcel", parcel(rows=rows))
    assert places(error) == {("rows[1].line", "DUPLICATE_KEY")}


def test_a_taken_unique_value_is_a_refusal_with_its_fields(company: Running) -> None:
    company.create("parcel", parcel(code="x"))
    with pytest.raises(Refused) as error:
        company.create("parcel", parcel(code="x"))
    assert error.value.code == "VALUE_TAKEN"
    assert places(error) == {("town", "VALUE_TAKEN"), ("code", "VALUE_TAKEN")}


def test_an_update_keeps_the_rows_of_its_keys_and_removes_the_others(company: Running) -> None:
    made = company.create("parcel", parcel())
    first = made["rows"][0]["id"]
    rows = [{"line": 1, "pieces": "4"}, {"thing": "B", "pieces": 2}]
    after = company.update("parcel", made["id"], {"rows": rows}, version=1)
    assert [(row["line"], row["pieces"]) for row in after["rows"]] == [(1, Decimal("4.0")), (2, Decimal("2.0"))]
    assert after["rows"][0]["id"] == first
    assert after["version"] == 2
    with pytest.raises(StaleVersion):
        company.update("parcel", made["id"], {"note": "late"}, version=1)


def test_a_row_of_another_record_is_refused(company: Running) -> None:
    mine, other = company.create("parcel", parcel()), company.create("parcel", parcel())
    with pytest.raises(InvalidValues) as error:
        company.update("parcel", mine["id"], {"rows": [{"id": other["rows"][0]["id"], "pieces": 9}]})
    assert places(error) == {("rows[0].id", "UNKNOWN_ROW")}
    assert company.get("parcel", other["id"])["rows"][0]["pieces"] == 3


def test_the_history_says_who_when_what_and_under_which_definitions(company: Running) -> None:
    clerk = from_address(company.user("ann", "clerk"), "10.0.0.7")
    made = company.create("parcel", parcel(), clerk)
    company.update("parcel", made["id"], {"note": "soft"}, clerk)
    newest, oldest = company.timeline("parcel", made["id"])
    assert (newest["act"], newest["changes"]) == ("update", {"note": [None, "soft"]})
    assert newest["actor"]["id"] == clerk.id
    assert newest["at"] == START
    assert newest["definitions"] == company.catalog.fingerprint
    assert newest["record_version"] == 2
    assert oldest["act"] == "create"
    assert oldest["changes"]["total"] == [None, "32.00"]
    events = company.all("event", equal={"record": made["id"]}, sort=("id",))
    assert [(event["name"], event["ip"]) for event in events] == [("create", "10.0.0.7"), ("update", "10.0.0.7")]


def test_an_event_goes_as_far_as_its_branches_lead_in_one_version(company: Running) -> None:
    made = company.create("parcel", parcel())
    after = company.fire("parcel", made["id"], "send")
    assert after["status"] == "on_the_way"
    assert after["version"] == 2
    assert company.all("town")[0]["used"] == 1
    jobs = company.all("job")
    assert [job["payload"]["message"] for job in jobs] == ["sent"]
    assert jobs[0]["payload"]["to"]["model"] == "town"


def test_a_guard_that_is_not_true_refuses_with_its_reason(company: Running) -> None:
    made = company.create("parcel", parcel(rebate="33.00"))
    with pytest.raises(Refused) as error:
        company.fire("parcel", made["id"], "send")
    assert error.value.code == "GUARD_REFUSED"
    assert error.value.message == "Nothing in it"
    assert error.value.reasons[0].span.file == "definitions/app.yaml"
    assert company.get("parcel", made["id"])["version"] == 1


def test_an_event_of_another_state_is_refused(company: Running) -> None:
    made = company.create("parcel", parcel())
    with pytest.raises(Refused) as error:
        company.fire("parcel", made["id"], "arrive")
    assert error.value.code == "TRANSITION_REFUSED"


def test_a_hold_blocks_what_it_names_until_its_role_releases_it(company: Running) -> None:
    clerk, keeper = company.user("ann", "clerk"), company.user("kim", "keeper")
    made = company.create("parcel", parcel(rows=[{"thing": "A", "pieces": "101"}]), clerk)
    held = company.fire("parcel", made["id"], "send", clerk)
    assert held["status"] == "sent"
    assert [hold["name"] for hold in held["holds"]] == ["dear"]
    hold = held["holds"][0]
    with pytest.raises(AccessDenied):
        company.write(lambda tx: company.service.release(tx, clerk, hold["id"], "please"))
    with pytest.raises(InvalidValues):
        company.write(lambda tx: company.service.release(tx, keeper, hold["id"], " "))
    freed = company.write(lambda tx: company.service.release(tx, keeper, hold["id"], "seen"))
    assert freed["status"] == "on_the_way"
    assert freed["holds"] == []
    with pytest.raises(Refused) as error:
        company.write(lambda tx: company.service.release(tx, keeper, hold["id"], "again"))
    assert error.value.code == "ALREADY_RELEASED"


def test_a_step_that_tests_its_own_condition_lets_only_so_many_pass(company: Running) -> None:
    town = company.all("town")[0]
    company.update("town", town["id"], {"quota": 3})
    made = [company.create("parcel", parcel()) for _ in range(6)]
    results: list[str] = []

    def send(key: str) -> None:
        record = company.fire("parcel", key, "send")
        results.append(record["status"])

    threads = [Thread(target=send, args=(each["id"],)) for each in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["on_the_way"] * 3 + ["sent"] * 3
    assert company.get("town", town["id"])["used"] == 3


def test_rights_are_checked_inside_the_act(company: Running) -> None:
    clerk, other = company.user("ann", "clerk"), company.user("bob", "clerk")
    nobody = company.user("zoe")
    made = company.create("parcel", parcel(), clerk)
    with pytest.raises(AccessDenied):
        company.create("parcel", parcel(), nobody)
    with pytest.raises(NotFound):
        company.get("parcel", made["id"], other)
    with pytest.raises(NotFound):
        company.fire("parcel", made["id"], "send", other)
    with pytest.raises(AccessDenied) as error:
        company.update("parcel", made["id"], {"rebate": "0"}, clerk)
    assert "rebate" in str(error.value.reasons[0].message)
    company.fire("parcel", made["id"], "send", clerk)
    with pytest.raises(AccessDenied):
        company.update("parcel", made["id"], {"note": "late"}, clerk)
    assert [record["id"] for record in company.all("parcel", clerk)] == [made["id"]]
    assert company.all("parcel", other) == []


def test_an_event_of_the_system_is_nobody_elses(company: Running) -> None:
    keeper = company.user("kim", "keeper")
    made = company.create("parcel", parcel())
    company.fire("parcel", made["id"], "send")
    with pytest.raises(AccessDenied):
        company.fire("parcel", made["id"], "lose", keeper)
    assert company.fire("parcel", made["id"], "spoil", keeper)["status"] == "lost"


def test_hidden_fields_are_absent_and_private_ones_masked(company: Running) -> None:
    clerk, keeper = company.user("ann", "clerk"), company.user("kim", "keeper")
    made = company.create("parcel", parcel(note="soft"), clerk)
    as_keeper = company.reading.wire(keeper, "parcel", company.get("parcel", made["id"], keeper, "town"), ("town",))
    assert "note" not in as_keeper
    assert as_keeper["town"]["phone"] == "13800000001"
    as_clerk = company.reading.wire(clerk, "parcel", company.get("parcel", made["id"], clerk, "town"), ("town",))
    assert as_clerk["note"] == "soft"
    assert as_clerk["town"]["phone"] == "138****0001"


def test_the_trash_is_out_of_sight_and_gives_back(company: Running) -> None:
    keeper = company.user("kim", "keeper")
    made = company.create("parcel", parcel(code="x"))
    company.write(lambda tx: company.service.delete(tx, keeper, "parcel", made["id"]))
    with pytest.raises(NotFound):
        company.get("parcel", made["id"])
    company.create("parcel", parcel(code="x"))
    with pytest.raises(Refused):
        company.write(lambda tx: company.service.restore(tx, keeper, "parcel", made["id"]))
    assert len(company.all("parcel")) == 1


def test_a_count_over_a_back_link_is_what_it_is_now(company: Running) -> None:
    town = company.all("town")[0]
    made = company.create("parcel", parcel(rows=[{"thing": "A", "pieces": "11"}]))
    assert company.get("town", town["id"])["heavy"] == 1
    company.update("parcel", made["id"], {"rows": [{"line": 1, "pieces": "1"}]})
    assert company.get("town", town["id"])["heavy"] == 0


def test_a_preview_writes_nothing_and_says_what_is_wrong(company: Running) -> None:
    clerk = company.user("ann", "clerk")
    seen = company.read(
        lambda tx: company.reading.preview(tx, clerk, "parcel", {"rows": [{"thing": "A", "pieces": "2"}]})
    )
    assert seen.record["total"] == Decimal("20.00")
    assert [complaint.at for complaint in seen.complaints] == ["town"]
    assert company.all("parcel") == []


def test_offers_say_what_may_be_fired_and_why_not(company: Running) -> None:
    clerk = company.user("ann", "clerk")
    made = company.create("parcel", parcel(rebate="33.00"), clerk)

    def offers(tx: Any) -> list[Any]:
        return company.reading.offers(tx, clerk, "parcel", company.reading.get(tx, clerk, "parcel", made["id"]))

    (offer,) = company.read(offers)
    assert offer.name == "send"
    assert offer.event.input.keys() == {"fast"}
    assert offer.verdict.reasons[0].outcome == "GUARD_REFUSED"


def test_a_failed_act_leaves_nothing_behind(company: Running) -> None:
    town = company.all("town")[0]
    company.update("town", town["id"], {"quota": 0})
    with pytest.raises(InvalidValues) as error:
        company.update("town", town["id"], {"used": 1})
    assert places(error) == {("used", "OVER_QUOTA")}
    assert company.get("town", town["id"])["version"] == 2
    assert len(company.timeline("town", town["id"])) == 2


def test_numbers_of_a_sequence_start_anew_with_their_day(company: Running) -> None:
    assert company.create("parcel", parcel())["number"] == "P20261120001"
    company.clock.step(timedelta(hours=15))  # past midnight in Shanghai
    assert company.create("parcel", parcel())["number"].startswith("P20261121")


def test_rows_may_be_known_by_what_they_link_to(database_url: str) -> None:
    running = Running("app: office", database_url)
    for code in ("T", "U"):
        running.create("team", {"code": code})
    kim = running.create("user", {"login": "kim", "name": "Kim", "teams": [{"team": "T"}]})
    changed = running.update("user", kim["id"], {"teams": [{"team": "U"}, {"team": "T"}]})
    assert [(row["team"]["code"], row["id"] == kim["teams"][0]["id"]) for row in changed["teams"]] == [
        ("U", False),
        ("T", True),
    ]
    with pytest.raises(InvalidValues):
        running.update("user", kim["id"], {"teams": [{"team": "T"}, {"team": "T"}]})
    running.database.close()
