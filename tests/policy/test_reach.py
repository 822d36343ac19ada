"""What a request may ask by: only what its sender would see, wherever the path leads."""

from __future__ import annotations

import pytest

from engine.policy.access import Rights
from engine.policy.reach import Reach, everybody_knows
from tests.policy.office import actor, office


def beyond(text: str, *roles: str, model: str = "paper") -> str | None:
    catalog = office()
    reach = Reach(catalog, Rights(catalog), actor(*roles))
    return reach.beyond(model, catalog.compile(text, catalog.scope(model)))


@pytest.mark.parametrize(
    ("text", "role", "path"),
    [
        ("total > 3 and count(lines) > 1", "clerk", None),
        ("rebate > 0", "clerk", "rebate"),
        ("note == null", "clerk", None),
        ("note == null", "reader", "note"),
        ("town == null", "reader", None),
        ("town.code == null", "clerk", None),
        ("town.code == null", "reader", "town.code"),
        ("town.budget > 1", "clerk", "town.budget"),
        ("budget > 1", "clerk", "budget"),
        ("town.phone == null", "clerk", "town.phone"),
        ("record.rebate > 0", "clerk", "rebate"),
        ("owner.name == null", "clerk", None),
        ("owner.email == null", "clerk", "owner.email"),
        ("count(holds) == 0", "reader", None),
        ("any(h.name == 'x' for h in holds)", "reader", "holds.name"),
        ("any(h.name == 'x' for h in holds)", "clerk", None),
        ("user.login == 'x'", "clerk", None),
    ],
)
def test_a_path_is_followed_to_its_end(text: str, role: str, path: str | None) -> None:
    assert beyond(text, role) == path
    assert beyond(text, role, "boss") is None


def test_records_that_lead_back_must_all_be_the_askers() -> None:
    assert beyond("any(p.total > 3 for p in papers)", "clerk", model="town") == "papers.total"
    assert beyond("any(p.total > 3 for p in papers)", "clerk", "reader", model="town") is None


def test_people_have_a_name_for_everybody_and_nothing_else() -> None:
    assert everybody_knows(office(), "user", ("name",))
    assert not everybody_knows(office(), "user", ("email",))
    assert not everybody_knows(office(), "town", ("code",))
