"""One file makes a channel: the application gains it without a line of its own being changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.catalog.builder import FOLDERS, load
from engine.catalog.catalog import Catalog
from engine.errors import DefinitionError
from engine.runtime.scratch import scratch
from engine.runtime.testing import TestRunner

HERE = Path(__file__).parent


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A copy of the application, with the file of the new channel and the test that goes with it."""
    for folder in FOLDERS:
        shutil.copytree(root / folder, tmp_path / folder)
    shutil.copytree(HERE / "payloads", tmp_path / "definitions/payloads")
    for name in ("group_buying_intake.yaml", "group_buying.yaml"):
        shutil.copy(HERE / name, tmp_path / "definitions")
    return tmp_path


def test_its_orders_arrive(copy: Path) -> None:
    catalog = load(copy)
    with scratch(catalog) as database:
        own = [test for test in catalog.tests.values() if test.document.file.endswith("group_buying.yaml")]
        results = list(TestRunner(database, copy).run(own))
    assert len(own) == 2
    assert all(result.passed for result in results), "\n".join(str(f) for result in results for f in result.failures)


def test_the_other_channels_stay_as_they_are(copy: Path, application: Catalog) -> None:
    catalog = load(copy)
    assert set(catalog.channels) - set(application.channels) == {"group_buying"}
    for name, channel in application.channels.items():
        assert catalog.channels[name].document.data == channel.document.data


def test_one_mistake_in_it_and_nothing_of_it_loads(copy: Path) -> None:
    file = copy / "definitions/group_buying_intake.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("discount_amount: {from", "discount_amout: {from"), "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load(copy)
    [problem] = caught.value.problems
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "discount_amount" in line)
    assert problem.span is not None
    assert (problem.code, problem.span.file, problem.span.line, problem.span.column) == (
        "E303", "definitions/group_buying_intake.yaml", line, 3,
    )  # fmt: skip
    assert "discount_amount" in (problem.hint or "")
